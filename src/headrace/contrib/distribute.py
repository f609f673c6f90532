"""The names of TensorFlow 1.15's `tf.contrib.distribute`."""

from ..cluster.strategies import (
    AllReduceCrossDeviceOps,
    CollectiveAllReduceStrategy,
    ContribMirroredStrategy as MirroredStrategy,
    ContribParameterServerStrategy as ParameterServerStrategy,
    CrossDeviceOps,
    DistributeConfig,
    OneDeviceStrategy,
    ReductionToOneDevice as ReductionToOneDeviceCrossDeviceOps,
    Strategy as DistributionStrategy,
    get_replica_context,
    get_strategy as get_distribution_strategy,
    has_strategy as has_distribution_strategy,
)

__all__ = [
    "AllReduceCrossDeviceOps", "CollectiveAllReduceStrategy", "CrossDeviceOps", "DistributeConfig",
    "DistributionStrategy", "MirroredStrategy", "OneDeviceStrategy", "ParameterServerStrategy",
    "ReductionToOneDeviceCrossDeviceOps", "get_distribution_strategy", "get_replica_context",
    "has_distribution_strategy",
]  # fmt: skip

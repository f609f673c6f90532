"""The names of TensorFlow 1.15's `tf.distribute`."""

from ..cluster.strategies import (
    CrossDeviceOps,
    HierarchicalCopyAllReduce,
    InputContext,
    MirroredStrategy,
    NcclAllReduce,
    OneDeviceStrategy,
    ReduceOp,
    ReductionToOneDevice,
    ReplicaContext,
    Strategy,
    get_replica_context,
    get_strategy,
    has_strategy,
)
from . import cluster_resolver, experimental

__all__ = [
    "CrossDeviceOps", "HierarchicalCopyAllReduce", "InputContext", "MirroredStrategy", "NcclAllReduce",
    "OneDeviceStrategy", "ReduceOp", "ReductionToOneDevice", "ReplicaContext", "Strategy", "cluster_resolver",
    "experimental", "get_replica_context", "get_strategy", "has_strategy",
]  # fmt: skip

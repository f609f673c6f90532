"""The names of TensorFlow 1.15's `tf.distribute.experimental`."""

from ..cluster.strategies import (
    CentralStorageStrategy,
    CollectiveCommunication,
    MultiWorkerMirroredStrategy,
    ParameterServerStrategy,
)

__all__ = [
    "CentralStorageStrategy", "CollectiveCommunication", "MultiWorkerMirroredStrategy", "ParameterServerStrategy",
]  # fmt: skip

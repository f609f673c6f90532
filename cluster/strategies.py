"""`tf.distribute` and `tf.contrib.distribute`: TensorFlow's names for how processes train one model.

TensorFlow's strategies find the devices of a process; here each process has one, and `mpirun` says how many there are. So a
strategy only says which of the two ways to train is meant; estimators and Keras's models do the rest (docs/cluster.md).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from numbers import Integral
from typing import Any, ClassVar

from ..engine.device import canonical_name
from ..engine.errors import UnimplementedError
from ..engine.ops.reduce import reduce_mean, reduce_sum
from .ranks import rank, size
from .resolvers import ClusterResolver

_local = threading.local()


class ReduceOp(Enum):
    """How values of replicas become one."""

    SUM = "SUM"
    MEAN = "MEAN"


class CollectiveCommunication(Enum):
    """Accepted by MultiWorkerMirroredStrategy: sums are NCCL's where each rank has a GPU, and the hosts' elsewhere."""

    AUTO = "AUTO"
    RING = "RING"
    NCCL = "NCCL"


class CrossDeviceOps:
    """Accepted by MirroredStrategy: how gradients are added up is chosen by what the ranks have."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.arguments = (args, kwargs)


class NcclAllReduce(CrossDeviceOps):
    """Accepted by MirroredStrategy."""


class HierarchicalCopyAllReduce(CrossDeviceOps):
    """Accepted by MirroredStrategy."""


class ReductionToOneDevice(CrossDeviceOps):
    """Accepted by MirroredStrategy."""


class AllReduceCrossDeviceOps(CrossDeviceOps):
    """Accepted by contrib's MirroredStrategy."""


@dataclass(frozen=True)
class InputContext:
    """What an input function is told that takes an `input_context`: which share of the input is this process's.

    Attributes:
        num_input_pipelines: how many processes read.
        input_pipeline_id: which of them this is.
        num_replicas_in_sync: how many replicas make a step together.
    """

    num_input_pipelines: int = 1
    input_pipeline_id: int = 0
    num_replicas_in_sync: int = 1

    def get_per_replica_batch_size(self, global_batch_size: int) -> int:
        """The rows of a replica; ValueError if they are not equally many, TypeError if that is no integer."""
        if not isinstance(global_batch_size, Integral):
            raise TypeError(f"The global_batch_size must be an integer, got {global_batch_size!r}")
        if global_batch_size % self.num_replicas_in_sync:
            raise ValueError(
                f"The global_batch_size {global_batch_size} is not divisible by the {self.num_replicas_in_sync} replicas"
            )
        return global_batch_size // self.num_replicas_in_sync


class ReplicaContext:
    """Which replica of a strategy this process is."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy

    @property
    def num_replicas_in_sync(self) -> int:
        """How many replicas make a step together."""
        return self.strategy.num_replicas_in_sync

    @property
    def replica_id_in_sync_group(self) -> int:
        """Which of them this is."""
        return rank() if self.num_replicas_in_sync > 1 else 0


class Strategy:
    """How processes train one model: a value for RunConfig's `train_distribute`, and a scope for Keras's models.

    With `RunConfig(train_distribute=strategy)` each replica takes batches of its own of the input function's Dataset in
    turn, as in TensorFlow: a step is made of as many batches as there are replicas. Keras's `batch_size` is that of all.
    """

    # What RunConfig's `strategy` is then.
    kind: ClassVar[str | None] = "allreduce"

    @property
    def num_replicas_in_sync(self) -> int:
        """How many replicas make a step together: the processes of the job."""
        return size() if self.kind == "allreduce" else 1

    @contextmanager
    def scope(self) -> Iterator[Strategy]:
        """Makes this the strategy that `tf.distribute.get_strategy` gives; variables are made as everywhere."""
        before = getattr(_local, "strategy", None)
        _local.strategy = self
        try:
            yield self
        finally:
            _local.strategy = before

    def experimental_run_v2(self, fn: Callable[..., Any], args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        """`fn(*args, **kwargs)` in the scope; UnimplementedError where there are several replicas."""
        self._check_alone("experimental_run_v2")
        with self.scope():
            return fn(*args, **(kwargs or {}))

    def experimental_distribute_dataset(self, dataset: Any) -> Any:
        """The data set; UnimplementedError where there are several replicas."""
        self._check_alone("experimental_distribute_dataset")
        return dataset

    def reduce(self, reduce_op: ReduceOp | str, value: Any, axis: int | None = None) -> Any:
        """The value, summed up or averaged over `axis` if one is given; UnimplementedError where there are several replicas."""
        self._check_alone("reduce")
        try:
            chosen = ReduceOp(reduce_op.upper() if isinstance(reduce_op, str) else reduce_op)
        except ValueError:
            raise ValueError(f"reduce_op must be ReduceOp.SUM or ReduceOp.MEAN, got {reduce_op!r}") from None
        if axis is None:
            return value
        return reduce_sum(value, axis) if chosen is ReduceOp.SUM else reduce_mean(value, axis)

    def _check_alone(self, what: str) -> None:
        if self.num_replicas_in_sync > 1:
            raise UnimplementedError(
                None, None, f"{type(self).__name__}.{what} in a job of {size()} processes: estimators and Keras's models train "
                "on all of them; a loop of your own uses tf.cluster.DistributedOptimizer and tf.cluster.all_reduce"
            )  # fmt: skip


class OneDeviceStrategy(Strategy):
    """All on one device, such as "/gpu:0": each process trains alone unless a launcher started several.

    Raises:
        ValueError: that is no device.
    """

    def __init__(self, device: str) -> None:
        _check_names(type(self).__name__, [device])
        self.device = device


class MirroredStrategy(Strategy):
    """A copy of the variables on each device, and gradients that are added up: a process for each device, by `mpirun -n`.

    Args:
        devices: None for one of each process; or their names: as many as the job has processes.
        cross_device_ops: accepted.

    Raises:
        ValueError: there are more devices than processes, or something is no device, number of devices or CrossDeviceOps.
    """

    def __init__(self, devices: Sequence[str] | None = None, cross_device_ops: Any = None) -> None:
        if devices is not None:
            _check_names(type(self).__name__, devices)
            _check_devices(type(self).__name__, devices=len(devices))
        if not isinstance(cross_device_ops, CrossDeviceOps | None):
            raise ValueError(
                f"cross_device_ops must be one of tf.distribute, such as NcclAllReduce(); got {cross_device_ops!r}"
            )


class ContribMirroredStrategy(MirroredStrategy):
    """The same with contrib's arguments: `num_gpus` and `num_gpus_per_worker` as `devices`."""

    def __init__(
        self,
        devices: Sequence[str] | None = None,
        num_gpus: int | None = None,
        num_gpus_per_worker: int | None = None,
        cross_device_ops: Any = None,
        auto_shard_dataset: bool = False,
        cross_tower_ops: Any = None,
    ) -> None:
        super().__init__(devices, cross_device_ops if cross_device_ops is not None else cross_tower_ops)
        _check_devices("MirroredStrategy", num_gpus=num_gpus, num_gpus_per_worker=num_gpus_per_worker)


class CentralStorageStrategy(MirroredStrategy):
    """As MirroredStrategy: where variables lie makes no difference to results."""

    def __init__(self, compute_devices: Sequence[str] | None = None, parameter_device: str | None = None) -> None:
        super().__init__(compute_devices)
        if parameter_device is not None:
            _check_names(type(self).__name__, [parameter_device])


class MultiWorkerMirroredStrategy(Strategy):
    """A copy of the variables in each process of the job, on one host or many."""

    def __init__(
        self,
        communication: CollectiveCommunication = CollectiveCommunication.AUTO,
        cluster_resolver: Any = None,
        num_gpus_per_worker: int | None = None,
    ) -> None:
        if not isinstance(communication, CollectiveCommunication):
            raise ValueError(f"communication must be a CollectiveCommunication, such as AUTO; got {communication!r}")
        _check_resolver(cluster_resolver)
        _check_devices(type(self).__name__, num_gpus_per_worker=num_gpus_per_worker)


class CollectiveAllReduceStrategy(MultiWorkerMirroredStrategy):
    """Contrib's name of it, with its argument first."""

    def __init__(
        self,
        num_gpus_per_worker: int | None = None,
        communication: CollectiveCommunication = CollectiveCommunication.AUTO,
        cluster_resolver: Any = None,
    ) -> None:
        super().__init__(communication, cluster_resolver, num_gpus_per_worker)


class ParameterServerStrategy(Strategy):
    """Variables on parameter servers, or on the last process of the job: as `RunConfig(strategy="parameter_server")`."""

    kind = "parameter_server"

    def __init__(self, cluster_resolver: Any = None, num_gpus_per_worker: int | None = None) -> None:
        _check_resolver(cluster_resolver)
        _check_devices(type(self).__name__, num_gpus_per_worker=num_gpus_per_worker)


class ContribParameterServerStrategy(ParameterServerStrategy):
    """Contrib's, with its argument first."""

    def __init__(self, num_gpus_per_worker: int = 0) -> None:
        super().__init__(num_gpus_per_worker=num_gpus_per_worker)


class _DefaultStrategy(Strategy):
    """What there is outside of all scopes: a process by itself."""

    kind = None


@dataclass(frozen=True)
class DistributeConfig:
    """The strategies of training and evaluation, for RunConfig's `experimental_distribute`."""

    train_distribute: Any = None
    eval_distribute: Any = None
    remote_cluster: Any = None


def _check_names(name: str, devices: Any) -> None:
    if not isinstance(devices, list | tuple) or not devices:
        raise ValueError(f"{name} takes a list of devices, such as ['/gpu:0']; got {devices!r}")
    for device in devices:
        if not isinstance(device, str):
            raise ValueError(f"{name} takes names of devices, such as '/gpu:0'; got {device!r}")
    if len({canonical_name(device) for device in devices}) < len(devices):
        raise ValueError(f"{name} takes each device once, got {devices!r}")


def _check_resolver(resolver: Any) -> None:
    if not isinstance(resolver, ClusterResolver | None):
        raise ValueError(f"cluster_resolver must be one of tf.distribute.cluster_resolver, got {resolver!r}")


def _check_devices(name: str, **numbers: Any) -> None:
    for what, number in numbers.items():
        if number is not None and (not isinstance(number, Integral) or number < 0):
            raise ValueError(f"{what} of {name} must be an integer of 0 or more, got {number!r}")
    count = max(number or 0 for number in numbers.values())
    if count > size():
        raise ValueError(
            f"{name} of {count} devices in a job of {size()} process(es): each process has one device, so start as many: "
            f"mpirun -n {count} python train.py"
        )


_DEFAULT = _DefaultStrategy()


def get_strategy() -> Strategy:
    """The strategy of the scope, or one that stands for this process alone."""
    return getattr(_local, "strategy", None) or _DEFAULT


def has_strategy() -> bool:
    """Whether this is within a strategy's scope."""
    return getattr(_local, "strategy", None) is not None


def get_replica_context() -> ReplicaContext:
    """Which replica this process is."""
    return ReplicaContext(get_strategy())


def settings_of(given: Mapping[str, Any]) -> tuple[Strategy | None, Strategy | None]:
    """The strategies of training and of evaluation that a RunConfig's fields name.

    Raises:
        ValueError: a field is no strategy, two name one, or there is a remote cluster.
    """
    both = given["experimental_distribute"]
    if both is None:
        both = DistributeConfig()
    if not isinstance(both, DistributeConfig):
        raise ValueError(f"experimental_distribute must be a DistributeConfig, got {both!r}")
    if both.remote_cluster is not None:
        raise ValueError("DistributeConfig's remote_cluster must be None: a launcher starts the processes")
    return _one("train_distribute", given, both), _one("eval_distribute", given, both)


def _one(name: str, given: Mapping[str, Any], both: DistributeConfig) -> Strategy | None:
    strategies = [s for s in (given[name], getattr(both, name)) if s is not None]
    if len(strategies) > 1:
        raise ValueError(f"Either {name} or experimental_distribute.{name} can be set.")
    if strategies and not isinstance(strategies[0], Strategy):
        raise ValueError(
            f"{name} must be a strategy of tf.distribute, such as MirroredStrategy(), got {strategies[0]!r}"
        )
    return strategies[0] if strategies else None

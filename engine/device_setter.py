"""Which parameter server holds which variable: `replica_device_setter` and its strategies."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from .device import DeviceSpec
from .dtypes import as_dtype
from .graph import Operation
from .shapes import TensorShape

STANDARD_PS_OPS = (
    "Variable", "VariableV2", "AutoReloadVariable", "MutableHashTable", "MutableHashTableV2",
    "MutableHashTableOfTensors", "MutableHashTableOfTensorsV2", "MutableDenseHashTable", "MutableDenseHashTableV2",
    "VarHandleOp", "BoostedTreesEnsembleResourceHandleOp",
)  # fmt: skip


class RoundRobinStrategy:
    """Gives tasks 0, 1, ... in turn."""

    def __init__(self, num_tasks: int) -> None:
        self._num_tasks = num_tasks
        self._next_task = 0

    def __call__(self, op: Any) -> int:
        """The task for an operation."""
        task = self._next_task
        self._next_task = (task + 1) % self._num_tasks
        return task


class RandomStrategy:
    """Gives tasks at random, with equal probability, the same ones for a seed."""

    def __init__(self, num_tasks: int, seed: int = 0) -> None:
        self._num_tasks = num_tasks
        self._random = random.Random(seed)

    def __call__(self, op: Any) -> int:
        """The task for an operation."""
        return self._random.randrange(self._num_tasks)


class GreedyLoadBalancingStrategy:
    """Gives the task with the least load so far, as `tf.contrib.training.GreedyLoadBalancingStrategy`.

    Args:
        num_tasks: number of parameter servers.
        load_fn: a function of an operation that gives its load, such as `byte_size_load_fn`.
    """

    def __init__(self, num_tasks: int, load_fn: Callable[[Any], float]) -> None:
        self._load_fn = load_fn
        self._loads = [0.0] * num_tasks

    def __call__(self, op: Any) -> int:
        """The task for an operation."""
        task = self._loads.index(min(self._loads))
        self._loads[task] += self._load_fn(op)
        return task


def byte_size_load_fn(op: Any) -> int:
    """The bytes of a variable's value; ValueError if its shape is not known."""
    shape = TensorShape(op.get_attr("shape"))
    shape.assert_is_fully_defined()
    return (shape.num_elements() or 0) * as_dtype(op.get_attr("dtype")).size


class _ReplicaDeviceChooser:
    def __init__(
        self,
        ps_tasks: int,
        ps_device: str,
        worker_device: str,
        merge_devices: bool,
        ps_ops: Sequence[str],
        ps_strategy: Callable[[Any], int],
    ) -> None:
        self._ps_tasks = ps_tasks
        self._ps = DeviceSpec.from_string(ps_device or "")
        self._worker = DeviceSpec.from_string(worker_device or "")
        self._merge_devices = merge_devices
        self._ps_ops = frozenset(ps_ops)
        self._ps_strategy = ps_strategy

    def __call__(self, op: Operation) -> str:
        """The device of a new operation, given the one it has from inner scopes."""
        if not self._merge_devices and op.device:
            return op.device
        current = DeviceSpec.from_string(op.device or "")
        if op.type not in self._ps_ops:
            return current.over(self._worker).to_string()
        ps = self._ps
        if ps.job and (not current.job or current.job == ps.job):
            ps = DeviceSpec(task=self._ps_strategy(op)).over(ps)
        return current.over(ps).to_string()


def replica_device_setter(
    ps_tasks: int = 0,
    ps_device: str = "/job:ps",
    worker_device: str = "/job:worker",
    merge_devices: bool = True,
    cluster: Any = None,
    ps_ops: Sequence[str] | None = None,
    ps_strategy: Callable[[Any], int] | None = None,
) -> Any:
    """A function for `tf.device` that puts variables on parameter servers and the rest on workers.

    As TensorFlow 1.15's `tf.train.replica_device_setter`.

    Args:
        ps_tasks: number of parameter servers; with 0 the result is None, which changes no device.
        ps_device, worker_device: device strings.
        merge_devices: let inner device scopes fill in or override parts only.
        cluster: a ClusterSpec, ClusterDef or dict, in place of `ps_tasks`.
        ps_ops: op types that go to parameter servers, by default those of variables and tables.
        ps_strategy: a function of an operation that gives a task, by default in turn.

    Raises:
        TypeError: `ps_strategy` cannot be called, or `cluster` is not one.
    """
    if cluster is not None:
        ps_tasks = _tasks_of(cluster, DeviceSpec.from_string(ps_device).job)
    if ps_tasks == 0:
        return None
    strategy = RoundRobinStrategy(ps_tasks) if ps_strategy is None else ps_strategy
    if not callable(strategy):
        raise TypeError("ps_strategy must be callable")
    ops = STANDARD_PS_OPS if ps_ops is None else ps_ops
    return _ReplicaDeviceChooser(ps_tasks, ps_device, worker_device, merge_devices, ops, strategy)


def _tasks_of(cluster: Any, job: str | None) -> int:
    if hasattr(cluster, "as_dict"):
        cluster = cluster.as_dict()
    elif hasattr(cluster, "job"):
        cluster = {j.name: j.tasks for j in cluster.job}
    if not isinstance(cluster, dict):
        raise TypeError(f"cluster must be a ClusterSpec, a ClusterDef or a dict, got {cluster!r}")
    return len(cluster.get(job, ()))

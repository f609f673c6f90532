"""Cluster resolvers: where a program learns its cluster from, as TensorFlow 1.15's `tf.distribute.cluster_resolver`."""

from __future__ import annotations

import abc
import os
import re
from collections.abc import Mapping
from typing import Any

from .cluster_spec import ClusterSpec
from .launcher import tasks_per_node
from .roles import cluster_of, task_of, tf_config_of


class ClusterResolver(abc.ABC):
    """Says the cluster and this process's task in it.

    Attributes:
        task_type, task_id: this process's task; None where unknown.
        rpc_layer: the part of a master's address before "://"; addresses are names, so that it means nothing here.
        environment: "" or the name of a platform.
    """

    task_type: str | None = None
    task_id: int | None = None
    rpc_layer: str | None = None
    environment: str = ""

    @abc.abstractmethod
    def cluster_spec(self) -> ClusterSpec:
        """The cluster."""

    def master(self, task_type: str | None = None, task_id: int | None = None, rpc_layer: str | None = None) -> str:
        """The target of sessions for a task, this process's by default; "" where none is known."""
        task_type = self.task_type if task_type is None else task_type
        task_id = self.task_id if task_id is None else task_id
        if task_type is None or task_id is None:
            return ""
        return _target(self.cluster_spec().task_address(task_type, task_id), rpc_layer or self.rpc_layer)

    def num_accelerators(
        self, task_type: str | None = None, task_id: int | None = None, config_proto: Any = None
    ) -> dict[str, int]:
        """The number of accelerators of a task by kind; empty: steps run on the CPU."""
        del task_type, task_id, config_proto
        return {}


def _target(address: str, rpc_layer: str | None) -> str:
    return f"{rpc_layer}://{address}" if rpc_layer else address


class SimpleClusterResolver(ClusterResolver):
    """A resolver of what it is given.

    >>> SimpleClusterResolver(ClusterSpec({"worker": ["a:1", "b:1"]}), task_type="worker", task_id=1).master()
    ''
    """

    def __init__(
        self,
        cluster_spec: ClusterSpec,
        master: str = "",
        task_type: str | None = None,
        task_id: int | None = None,
        environment: str = "",
        num_accelerators: Mapping[str, int] | None = None,
        rpc_layer: str | None = None,
    ) -> None:
        if not isinstance(cluster_spec, ClusterSpec):
            raise TypeError("cluster_spec must be a ClusterSpec.")
        if not isinstance(master, str):
            raise TypeError("master must be a string.")
        self._cluster_spec, self._master = cluster_spec, master
        self.task_type, self.task_id = task_type, task_id
        self.environment, self.rpc_layer = environment, rpc_layer
        self._num_accelerators = num_accelerators

    def cluster_spec(self) -> ClusterSpec:
        return self._cluster_spec

    def master(self, task_type: str | None = None, task_id: int | None = None, rpc_layer: str | None = None) -> str:
        """The address of the task that is asked for; without one, the master that was given."""
        if task_type is not None and task_id is not None:
            address: str = self._cluster_spec.task_address(task_type, task_id)
        else:
            address = self._master
        return _target(address, rpc_layer or self.rpc_layer)

    def num_accelerators(
        self, task_type: str | None = None, task_id: int | None = None, config_proto: Any = None
    ) -> dict[str, int]:
        if self._num_accelerators is None:
            return super().num_accelerators(task_type, task_id, config_proto)
        return dict(self._num_accelerators)


class TFConfigClusterResolver(ClusterResolver):
    """A resolver of the variable TF_CONFIG; arguments that are given win.

    Raises:
        ValueError: TF_CONFIG is no JSON object, or its task or cluster is none.
    """

    def __init__(
        self,
        task_type: str | None = None,
        task_id: int | None = None,
        rpc_layer: str | None = None,
        environment: str | None = None,
    ) -> None:
        config = self._config()
        given_type, given_id = task_of(config)
        self.task_type = given_type if task_type is None else str(task_type)
        self.task_id = given_id if task_id is None else int(task_id)
        self.rpc_layer = config.get("rpc_layer") if rpc_layer is None else rpc_layer
        self.environment = config.get("environment", "") if environment is None else environment

    def _config(self) -> dict[str, Any]:
        return tf_config_of(os.environ)

    def cluster_spec(self) -> ClusterSpec:
        return cluster_of(self._config())

    def master(self, task_type: str | None = None, task_id: int | None = None, rpc_layer: str | None = None) -> str:
        """As TensorFlow's: TF_CONFIG's session_master, "" without a cluster or with one task, or else the task's address."""
        if (session_master := self._config().get("session_master")) is not None:
            return str(session_master)
        cluster = self.cluster_spec()
        if sum(map(cluster.num_tasks, cluster.jobs)) <= 1:
            return ""
        return super().master(task_type, task_id, rpc_layer)


class SlurmClusterResolver(ClusterResolver):
    """A resolver of a Slurm step: its tasks, in the order of its hosts, are given to the jobs in the order of `jobs`.

    Args:
        jobs: number of tasks by job; {"worker": all} by default.
        port_base: the port of the first task of each host; a name, as nothing is opened.
        gpus_per_node, gpus_per_task: taken for num_accelerators; a rank chooses its GPU by `headrace.cluster.local_rank()`.
        tasks_per_node: number of tasks of each host, by default what Slurm says.
        auto_set_gpu: ignored.
        rpc_layer: before "://" in a master's address.

    Raises:
        RuntimeError: srun did not start this process.
        ValueError: the jobs have another number of tasks than the step.
    """

    def __init__(
        self,
        jobs: Mapping[str, int] | None = None,
        port_base: int = 8888,
        gpus_per_node: int | None = None,
        gpus_per_task: int | None = None,
        tasks_per_node: int | None = None,
        auto_set_gpu: bool = True,
        rpc_layer: str = "grpc",
    ) -> None:
        del auto_set_gpu, gpus_per_node
        environment = os.environ
        if "SLURM_STEP_NUM_TASKS" not in environment or "SLURM_STEP_NODELIST" not in environment:
            raise RuntimeError("SlurmClusterResolver needs a process that srun started: SLURM_STEP_NODELIST is not set")
        count = int(environment["SLURM_STEP_NUM_TASKS"])
        self._jobs = {"worker": count} if jobs is None else dict(jobs)
        if sum(self._jobs.values()) != count:
            raise ValueError(f"jobs have {sum(self._jobs.values())} tasks, but the step has {count}: {self._jobs}")
        self._addresses = _addresses(environment, port_base, tasks_per_node)[:count]
        self._gpus_per_task, self.rpc_layer = gpus_per_task, rpc_layer
        self.task_type, self.task_id = self._task(int(environment["SLURM_PROCID"]))

    def _task(self, rank: int) -> tuple[str, int]:
        order = [(job, index) for job, count in self._jobs.items() for index in range(count)]
        return order[rank]

    def cluster_spec(self) -> ClusterSpec:
        left, jobs = list(self._addresses), {}
        for job, count in self._jobs.items():
            jobs[job], left = left[:count], left[count:]
        return ClusterSpec(jobs)

    def get_task_info(self) -> tuple[str | None, int | None]:
        """This process's task: type and index."""
        return self.task_type, self.task_id

    def num_accelerators(
        self, task_type: str | None = None, task_id: int | None = None, config_proto: Any = None
    ) -> dict[str, int]:
        if self._gpus_per_task is None:
            return super().num_accelerators(task_type, task_id, config_proto)
        return {"GPU": self._gpus_per_task}


def _addresses(environment: Mapping[str, str], port_base: int, per_node: int | None) -> list[str]:
    hosts = expand_hosts(environment["SLURM_STEP_NODELIST"])
    text = environment.get("SLURM_STEP_TASKS_PER_NODE", "")
    counts = [per_node] * len(hosts) if per_node is not None else tasks_per_node(text)
    return [f"{host}:{port_base + k}" for host, count in zip(hosts, counts, strict=True) for k in range(count)]


def expand_hosts(text: str) -> list[str]:
    """The hosts of Slurm's short form.

    >>> expand_hosts("login,node[08-10,12]")
    ['login', 'node08', 'node09', 'node10', 'node12']

    Raises:
        ValueError: the text has another form.
    """
    hosts: list[str] = []
    names = re.findall(r"(?:[^,\[]|\[[^\]]*\])+", text)
    if ",".join(names) != text:
        raise ValueError(f"expected hosts such as node[08-10,12], got {text!r}")
    for name in names:
        match = re.fullmatch(r"([^\[\]]*)(?:\[([0-9,-]+)\]([^\[\]]*))?", name)
        if match is None:
            raise ValueError(f"expected hosts such as node[08-10,12], got {text!r}")
        numbers = [""] if match[2] is None else _numbers(match[2])
        hosts += [f"{match[1]}{number}{match[3] or ''}" for number in numbers]
    return hosts


def _numbers(text: str) -> list[str]:
    numbers: list[str] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers += [str(k).zfill(len(first)) for k in range(int(first), int(last or first) + 1)]
    return numbers

"""Which tasks a cluster has: names of jobs, and the addresses of their tasks, which are names and nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engine.protos import ClusterDef


class ClusterSpec:
    """The tasks of a cluster by job, as TensorFlow 1.15's `tf.train.ClusterSpec`.

    Args:
        cluster: a ClusterSpec, a ClusterDef, or a dict from names of jobs to a list of addresses or to a dict of
            addresses by task index.

    Raises:
        TypeError: `cluster` is none of these, or an address or index is of the wrong type.
        ValueError: the index of a task is negative.

    Example:
        >>> spec = ClusterSpec({"ps": ["ps0:2222"], "worker": ["worker0:2222", "worker1:2222"]})
        >>> spec.jobs, spec.num_tasks("worker"), spec.task_address("worker", 1)
        (['ps', 'worker'], 2, 'worker1:2222')
    """

    def __init__(self, cluster: Any) -> None:
        self._tasks: dict[str, dict[int, str]] = _tasks_of(cluster)

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClusterSpec) and self._tasks == other._tasks

    def __hash__(self) -> int:
        return hash(repr(sorted(self._tasks.items())))

    def __repr__(self) -> str:
        jobs = ", ".join(f"{job!r}: {self._listed(job)!r}" for job in self.jobs)
        return f"ClusterSpec({{{jobs}}})"

    def as_dict(self) -> dict[str, list[str] | dict[int, str]]:
        """Addresses by job: a list where the indices are 0, 1, ..., a dict by index where some are left out."""
        return {job: self._listed(job) for job in self.jobs}

    def as_cluster_def(self) -> ClusterDef:
        """The cluster as a ClusterDef message."""
        message = ClusterDef()
        for job in self.jobs:
            added = message.job.add(name=job)
            for index in self.task_indices(job):
                added.tasks[index] = self._tasks[job][index]
        return message

    @property
    def jobs(self) -> list[str]:
        """The names of the jobs, in the order in which they were given."""
        return list(self._tasks)

    def num_tasks(self, job_name: str) -> int:
        """How many tasks a job has; ValueError if there is no such job."""
        return len(self._job(job_name))

    def task_indices(self, job_name: str) -> list[int]:
        """The indices of a job's tasks in order; ValueError if there is no such job."""
        return sorted(self._job(job_name))

    def task_address(self, job_name: str, task_index: int) -> str:
        """The address of a task; ValueError if there is no such job or task."""
        tasks = self._job(job_name)
        if task_index not in tasks:
            raise ValueError(f"No task with index {task_index!r} in job {job_name!r}; there are {sorted(tasks)}")
        return tasks[task_index]

    def job_tasks(self, job_name: str) -> list[str | None]:
        """The addresses of a job's tasks by index, None where an index is left out."""
        tasks = self._job(job_name)
        return [tasks.get(i) for i in range(max(tasks, default=-1) + 1)]

    def _job(self, name: str) -> dict[int, str]:
        if name not in self._tasks:
            raise ValueError(f"No such job in cluster: {name!r}; there are {self.jobs}")
        return self._tasks[name]

    def _listed(self, job: str) -> list[str] | dict[int, str]:
        tasks = self._tasks[job]
        indices = self.task_indices(job)
        return [tasks[i] for i in indices] if indices == list(range(len(tasks))) else dict(tasks)


def _tasks_of(cluster: Any) -> dict[str, dict[int, str]]:
    if isinstance(cluster, ClusterSpec):
        return {job: dict(tasks) for job, tasks in cluster._tasks.items()}
    if isinstance(cluster, ClusterDef):
        return {job.name: dict(job.tasks) for job in cluster.job}
    if isinstance(cluster, Mapping):
        return {_text(job, "The name of a job"): _tasks_of_job(job, tasks) for job, tasks in cluster.items()}
    raise TypeError(
        f"cluster must be a dictionary mapping one or more job names to lists of network addresses, or a `ClusterDef` "
        f"protocol buffer, got {cluster!r}"
    )


def _tasks_of_job(job: str, tasks: Any) -> dict[int, str]:
    if isinstance(tasks, list | tuple):
        tasks = dict(enumerate(tasks))
    if not isinstance(tasks, Mapping):
        raise TypeError(f"The tasks of job {job!r} must be a list or a dictionary of addresses, got {tasks!r}")
    return {_index(job, i): _text(address, f"The address of task {i!r} of job {job!r}") for i, address in tasks.items()}


def _index(job: str, index: Any) -> int:
    if not isinstance(index, int) or isinstance(index, bool):
        raise TypeError(f"The task keys of job {job!r} must be integers, got {index!r}")
    if index < 0:
        raise ValueError(f"The task keys of job {job!r} must not be negative, got {index}")
    return index


def _text(value: Any, what: str) -> str:
    if isinstance(value, bytes):
        value = value.decode()
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a string, got {value!r}")
    return value

"""ClusterSpec: the tasks of a cluster by job, with an address each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any

_KINDS = (
    "`cluster` must be a dictionary mapping one or more job names to lists of network addresses, "
    "or a `ClusterDef` protocol buffer"
)


class ClusterSpec:
    """The tasks of a cluster by job, as TensorFlow 1.15's `tf.train.ClusterSpec`.

    Addresses are names of tasks: messages go by MPI, and nothing is opened at an address.

    Args:
        cluster: a dict of jobs, each a list of addresses or a dict from task indices to addresses (with gaps); a ClusterDef;
            or another ClusterSpec.

    Raises:
        TypeError: the cluster, a job's tasks, a job's name or an address has another type.
        ValueError: a task index is no whole number, less than 0 or there twice; two jobs have one name, or two tasks one
            address, by which targets are found.

    Example:
        >>> import headrace as tf
        >>> cluster = tf.train.ClusterSpec({"ps": ["ps0:2222"], "worker": {1: "worker1:2222", 3: "worker3:2222"}})
        >>> cluster.jobs, cluster.num_tasks("worker"), cluster.task_indices("worker")
        (['ps', 'worker'], 2, [1, 3])
        >>> cluster.task_address("ps", 0)
        'ps0:2222'
    """

    def __init__(self, cluster: Any) -> None:
        self._tasks: dict[str, dict[int, str]] = {}
        for given, tasks in _jobs(cluster):
            if (job := _text(given, "Job name")) in self._tasks:
                raise ValueError(f"The cluster has two jobs {job!r}")
            self._tasks[job] = dict(sorted(tasks))
        _check_addresses(self._tasks)

    @property
    def jobs(self) -> list[str]:
        """The names of the jobs, in the order given."""
        return list(self._tasks)

    def as_dict(self) -> dict[str, list[str] | dict[int, str]]:
        """The tasks by job: a list of addresses where indices have no gaps, or else a dict by index."""
        return {job: _dense(tasks) if _is_dense(tasks) else dict(tasks) for job, tasks in self._tasks.items()}

    def as_cluster_def(self) -> Any:
        """The cluster as a ClusterDef message, with jobs in alphabetical order."""
        from ..engine.protos import ClusterDef

        message = ClusterDef()
        for job in sorted(self._tasks):
            entry = message.job.add(name=job)
            for index, address in self._tasks[job].items():
                entry.tasks[index] = address
        return message

    def num_tasks(self, job_name: str) -> int:
        """The number of tasks of a job; ValueError where there is no such job."""
        return len(self._job(job_name))

    def task_indices(self, job_name: str) -> list[int]:
        """The indices of a job's tasks, ascending; ValueError where there is no such job."""
        return list(self._job(job_name))

    def task_address(self, job_name: str, task_index: int) -> str:
        """The address of a task; ValueError where there is no such job or task."""
        tasks = self._job(job_name)
        if task_index not in tasks:
            raise ValueError(f"No task with index {task_index!r} in job {job_name!r}")
        return tasks[task_index]

    def job_tasks(self, job_name: str) -> list[str | None]:
        """The addresses of a job's tasks by index, None in gaps; ValueError where there is no such job."""
        tasks = self._job(job_name)
        return [tasks.get(index) for index in range(max(tasks, default=-1) + 1)]

    def _job(self, name: str) -> dict[int, str]:
        if name not in self._tasks:
            raise ValueError(f"No such job in cluster: {name!r}")
        return self._tasks[name]

    def __bool__(self) -> bool:
        return bool(self._tasks)

    __nonzero__ = __bool__

    def __eq__(self, other: object) -> bool:
        try:
            return self._tasks == ClusterSpec(other)._tasks
        except (TypeError, ValueError):
            return NotImplemented

    # As TensorFlow's: equal to what cannot be hashed.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        tasks = self.as_dict()
        return f"ClusterSpec({', '.join(f'{job!r}: {tasks[job]!r}' for job in sorted(tasks)).join('{}')})"


def _jobs(cluster: Any) -> Iterator[tuple[Any, list[tuple[int, str]]]]:
    if isinstance(cluster, ClusterSpec):
        yield from ((job, list(tasks.items())) for job, tasks in cluster._tasks.items())
    elif isinstance(cluster, Mapping):
        yield from ((job, _tasks(job, tasks)) for job, tasks in cluster.items())
    elif hasattr(cluster, "job") and hasattr(cluster, "DESCRIPTOR"):
        yield from ((entry.name, list(entry.tasks.items())) for entry in cluster.job)
    else:
        raise TypeError(_KINDS)


def _tasks(job: Any, tasks: Any) -> list[tuple[int, str]]:
    if isinstance(tasks, Mapping):
        items = [(_task_index(job, index), address) for index, address in tasks.items()]
    elif isinstance(tasks, Sequence) and not isinstance(tasks, str | bytes):
        items = list(enumerate(tasks))
    else:
        raise TypeError(f"The tasks for job {job!r} must be a list or a dictionary from integers to strings.")
    if any(index < 0 for index, _ in items):
        raise ValueError(f"The task indices of job {job!r} must not be negative, got {[index for index, _ in items]}")
    found: dict[int, str] = {}
    for index, given in items:
        address = _text(given, "Task address")
        if index in found:
            raise ValueError(f"Job {job!r} has two tasks of index {index}: {found[index]!r} and {address!r}")
        found[index] = address
    return list(found.items())


def _task_index(job: Any, given: Any) -> int:
    if (index := whole_number(given)) is None:
        raise ValueError(f"A task index of job {job!r} must be a whole number, got {given!r}")
    return index


def whole_number(value: Any) -> int | None:
    """An integer, or one that a text spells, as keys of JSON are; None for all else.

    >>> whole_number(3), whole_number("3"), whole_number(0.7), whole_number("x")
    (3, 3, None, None)
    """
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    try:
        return int(value) if isinstance(value, str | bytes) else None
    except ValueError:
        return None


def _check_addresses(cluster: Mapping[str, Mapping[int, str]]) -> None:
    found: dict[str, str] = {}
    for job, tasks in cluster.items():
        for index, address in tasks.items():
            task = f"{index} of job {job!r}"
            if address in found:
                raise ValueError(f"Tasks {found[address]} and {task} have the same address {address!r}")
            found[address] = task


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str | bytes):
        raise TypeError(f"{what} {value!r} must be bytes or unicode")
    return value.decode() if isinstance(value, bytes) else value


def _is_dense(tasks: Mapping[int, str]) -> bool:
    return list(tasks) == list(range(len(tasks)))


def _dense(tasks: Mapping[int, str]) -> list[str]:
    return list(tasks.values())

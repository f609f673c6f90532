"""The public questions of a rank: `headrace.cluster.rank()` and its like."""

from .launcher import launch
from .world import world


def rank() -> int:
    """The number of this process in its job, from 0; 0 in a process of its own.

    >>> rank(), size()
    (0, 1)
    """
    return launch().rank


def size() -> int:
    """The number of processes of this job."""
    return launch().size


def local_rank() -> int:
    """The number of this process among those of its host, from 0: chooses a GPU, for example."""
    known = launch().local_rank
    return world().local_rank if known is None else known


def local_size() -> int:
    """The number of processes of this job on this host."""
    known = launch().local_size
    return world().local_size if known is None else known


def is_chief() -> bool:
    """Whether this process is rank 0, which saves, logs and draws for all."""
    return rank() == 0


def barrier(name: str = "", timeout: float | None = None) -> None:
    """Waits until every process of the job is here; every one must call it. Rank 0 logs now and then who is late.

    Args:
        name: for errors and the log.
        timeout: seconds to wait, the same on every rank; None for ever.

    Raises:
        AbortedError: the program of a process of the job has ended.
        DeadlineExceededError: the time is over; on rank 0 it names the ranks that are not here.
    """
    world().barrier(name, timeout)

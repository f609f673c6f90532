"""What a job that was killed leaves on this host: processes, and shared memory that only MPI's clean end removes.

Processes are found by a mark in their environment.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

# In the environment of every process of a job.
MARK = "HEADRACE_JOB"
_SHARED_MEMORY = Path("/dev/shm")
_NAMES = ("sm_segment.*", "vader_segment.*", "osc_*", "mpich_shm_*", "ucx_shm_*")


def processes(job: str, name: str = MARK) -> list[int]:
    """The numbers of the processes whose environment has this value, all but this one; empty where there is no /proc."""
    entry = f"{name}={job}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # A process that has ended and waits for its parent has no environment any more.
            if entry in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return sorted(set(found) - {os.getpid()})


def kill_processes(job: str, name: str = MARK) -> None:
    """Kills the processes whose environment has this value until none is left."""
    while left := processes(job, name):
        _signal(left, signal.SIGKILL)
        time.sleep(0.02)


def _signal(numbers: list[int], number: signal.Signals) -> None:
    for process in numbers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def shared_memory() -> set[Path]:
    """The segments of MPI libraries on this host, of all jobs."""
    return {path for name in _NAMES for path in _SHARED_MEMORY.glob(name)}


def remove_shared_memory(before: set[Path]) -> None:
    """Removes the segments that were not there before and that no process uses: those of jobs that have been killed."""
    new = shared_memory() - before
    if not new:
        return
    used = _used_files()
    for path in new - used:
        with contextlib.suppress(OSError):
            path.unlink()


def _used_files() -> set[Path]:
    """The files of shared memory that a process has open or mapped."""
    used: set[Path] = set()
    folder = str(_SHARED_MEMORY)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            lines = (process / "maps").read_text(errors="replace").splitlines()
            used |= {Path(line[line.index(folder) :].removesuffix(" (deleted)")) for line in lines if folder in line}
        with contextlib.suppress(OSError):
            for link in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    used.add(link.readlink())
    return used

"""Which ranks of a host have come to where MPI starts. MPI waits there for all, and cannot say for whom.

A rank that is there has a socket whose name follows from the job's and its number; it ends with the process.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
from pathlib import Path

from .collectives.settings import Settings
from .collectives.stalls import Patience
from .launcher import Launch
from .pauses import pauses

_arrived: list[socket.socket] = []


def arrive(started: Launch) -> None:
    """Says that this rank is there."""
    name = _name(started.rank)
    if name is not None and not _arrived:
        with contextlib.suppress(OSError):
            made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            made.bind(name)
            _arrived.append(made)


def wait_for_all(started: Launch, what: str, settings: Settings) -> None:
    """Arrives, and waits for the other ranks where the launcher tells enough of them; those that do not come are named.

    Raises:
        DeadlineExceededError: some did not come in time.
    """
    arrive(started)
    # Of other hosts' ranks nothing is seen.
    missing = set(range(started.size)) if _arrived and started.local_size == started.size else set()
    patience = Patience(what, settings)
    late = dict.fromkeys(sorted(missing), "its own program")
    for _ in pauses(longest=0.02) if late else ():
        for rank in [rank for rank in late if _is_there(rank)]:
            del late[rank]
        if not late:
            return
        patience.check(lambda: late)


def _is_there(rank: int) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(_name(rank) or b"")
        except OSError:
            return False
    return True


def _job() -> str | None:
    """What tells this job from others: Open MPI's name of it, or the process of MPICH that has started its ranks here."""
    job = os.environ.get("PMIX_NAMESPACE")
    return _starter("hydra_pmi_proxy") if job is None and "PMI_FD" in os.environ else job


def _starter(program: str) -> str | None:
    """Which process of a name this one comes from, perhaps by others, and when it began."""
    process = os.getppid()
    while process > 1:
        try:
            said = Path(f"/proc/{process}/stat").read_text(errors="replace")
        except OSError:
            return None
        name, _, rest = said.partition("(")[2].rpartition(")")
        fields = rest.split()
        if name == program:
            return f"{process} {fields[19]}"
        process = int(fields[1])
    return None


def _name(rank: int) -> bytes | None:
    job = _job()
    if not job or not hasattr(socket, "AF_UNIX"):
        return None
    digest = hashlib.blake2b(f"{os.getuid()} {job}".encode(), digest_size=8).hexdigest()
    return f"\0headrace-{digest}-{rank}".encode()

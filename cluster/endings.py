"""How a rank's program ends: an exception or an exit status that is not zero, anywhere, ends the whole job.

The traceback's lines begin with the rank. MPI alone would leave the other ranks waiting for ever.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any, NoReturn

from ..engine.training.preemption import PREEMPTED_STATUS
from . import supervised


class _State:
    """Of this process: its rank, its process number (a forked child is no rank) and the status that it ends with."""

    rank = -1
    process = -1
    status = 0


def install(rank: int, leave: Callable[[], None]) -> None:
    """Makes every bad end of this process the end of the job, and calls `leave` at a good one."""
    _State.rank, _State.process = rank, os.getpid()
    sys.excepthook = exception
    threading.excepthook = _thread_exception
    sys.exit = _exit
    atexit.register(_end, leave)


def note(status: int) -> None:
    """Says with which status the program has ended, where that is known."""
    _State.status = status


def status() -> int:
    """The status with which the program ends, as far as it is known."""
    return _State.status


def at_end(function: Callable[[], None]) -> None:
    """Calls a function when the program ends."""
    atexit.register(function)


def abort(status: int = 1, reason: str = "") -> NoReturn:
    """Ends all ranks of the job at once with an exit status that is not zero; the reason is for the supervisor."""
    reason = reason.strip().partition("\n")[0] or f"the program ended with exit status {status}"
    supervised.note_failure(status, reason)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    # Launchers do not wait for output that is still in their pipes.
    time.sleep(0.2)
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is not None and mpi.Is_initialized() and not mpi.Is_finalized():
        mpi.COMM_WORLD.Abort(status)
    # MPICH's launcher does not mind a process that ends before MPI starts: the others would wait for it.
    if "PMI_FD" in os.environ:
        with contextlib.suppress(OSError, ValueError):
            os.write(int(os.environ["PMI_FD"]), f"cmd=abort exitcode={status}\n".encode())
    os._exit(status)


def say(text: str) -> None:
    """Writes text to standard error in one piece, each line behind the rank."""
    lines = [f"[rank {_State.rank}] {line}\n" for line in text.rstrip("\n").split("\n")]
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write("".join(lines))
        sys.stderr.flush()


def _is_rank() -> bool:
    return os.getpid() == _State.process


def exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Shows an exception that nobody caught, and ends the job."""
    if not _is_rank():
        sys.__excepthook__(kind, error, trace)
        return
    say("".join(traceback.format_exception(kind, error, trace)))
    abort(130 if issubclass(kind, KeyboardInterrupt) else 1, traceback.format_exception_only(error)[-1])


def _thread_exception(raised: threading.ExceptHookArgs) -> None:
    if not _is_rank():
        threading.__excepthook__(raised)
        return
    name = raised.thread.name if raised.thread else "unknown"
    trace = traceback.format_exception(raised.exc_type, raised.exc_value, raised.exc_traceback)
    say("".join([f"Exception in thread {name}:\n", *trace]))
    abort(1, trace[-1])


class _SystemExit(SystemExit):
    """What sys.exit raises: the interpreter asks for its code when, and only when, it ends the process for it."""

    @property
    def code(self) -> Any:  # type: ignore[override]
        code = self.args[0] if self.args else None
        # Only the interpreter itself calls this with no Python function below.
        if sys._getframe().f_back is None and _is_rank():
            _State.status = code if isinstance(code, int) else int(code is not None)
        return code


def _exit(status: Any = None, /) -> NoReturn:
    raise _SystemExit(*([] if status is None else [status]))


def _end(leave: Callable[[], None]) -> None:
    if not _is_rank():
        return
    if status() not in (0, PREEMPTED_STATUS):
        say(f"the program ended with exit status {_State.status}, and with it the job")
        abort(_State.status & 0xFF or 1)
    try:
        leave()
    except BaseException as error:
        say(traceback.format_exc())
        abort(1, traceback.format_exception_only(error)[-1])

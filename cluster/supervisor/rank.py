"""Runs a training program as a rank of `headrace run`, as Python itself would; the exit status is known exactly.

Started by its path: nothing of headrace is imported before the program does so.
"""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import runpy
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

_RANKS = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PALS_RANKID", "SLURM_PROCID")
# With this a program that was asked to stop says that it can be started again to go on.
_PREEMPTED = 85
# What prctl calls it.
_PARENT_DEATH_SIGNAL = 1


def main() -> None:
    """Runs the program of the command line."""
    rank = next((os.environ[name] for name in _RANKS if name in os.environ), "0")
    _end_with_launcher()
    _read_nothing()
    _register(rank)
    if "HEADRACE_CLUSTER" in os.environ:
        os.environ["TF_CONFIG"] = _tf_config(json.loads(os.environ["HEADRACE_CLUSTER"]), int(rank))
    as_module = sys.argv[1] == "-m"
    sys.argv[:] = sys.argv[1 + as_module :]
    program = sys.argv[0]
    if not sys.flags.safe_path:
        # Python put this file's folder there.
        sys.path[0] = str(Path.cwd() if as_module else Path(program).resolve().parent)
    if as_module:
        _end(_status_of(lambda: runpy.run_module(program, run_name="__main__", alter_sys=True), program))
    else:
        _end(_status_of(lambda: runpy.run_path(program, run_name="__main__"), program))


def _end_with_launcher() -> None:
    """Lets Linux kill this process when its launcher dies, which leaves ranks that handle SIGTERM."""
    if sys.platform == "linux":
        launcher = os.getppid()
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != launcher:
            os._exit(1)


def _read_nothing() -> None:
    """Gives the program an empty standard input: Open MPI gives rank 0 one that never ends, nor has anything in it."""
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)


def _register(rank: str) -> None:
    """Tells the supervisor this process's number, and shows stacks on SIGUSR2, which it sends when nothing moves."""
    os.environ["HEADRACE_RANK_PROCESS"] = str(os.getpid())
    folder = Path(os.environ["HEADRACE_STATE"])
    if rank == "0" and not folder.is_dir():
        sys.exit(
            f"rank 0 does not see {folder}: give headrace run a --state folder on a file system that all hosts share"
        )
    if folder.is_dir():
        (folder / f"process.{rank}").write_text(str(os.getpid()))
    # Programs keep files in temporary folders beyond the end of the job.
    if "headrace-run-" in os.environ.get("TMPDIR", ""):
        os.environ["TMPDIR"] = os.environ["HEADRACE_TMPDIR"]
        if not os.environ["TMPDIR"]:
            del os.environ["TMPDIR"]
    faulthandler.register(signal.SIGUSR2, all_threads=True)


def _tf_config(cluster: dict[str, list[str]], rank: int) -> str:
    """TF_CONFIG of a rank: the tasks are given to the ranks in the order of the cluster."""
    tasks = [(job, index) for job, names in cluster.items() for index in range(len(names))]
    return json.dumps({"cluster": cluster, "task": dict(zip(("type", "index"), tasks[rank], strict=True))})


def _status_of(run: Callable[[], object], program: str) -> int:
    """The exit status of the program; an exception ends the job."""
    try:
        run()
    except SystemExit as end:
        if isinstance(end.code, int | None):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException as error:
        from headrace.cluster import endings

        endings.exception(type(error), error, _of_program(error.__traceback__, program))
    return 0


def _of_program(trace: TracebackType | None, program: str) -> TracebackType | None:
    """The traceback from the program's own first line on; all of it where the program did not begin."""
    inner = trace
    while inner is not None and inner.tb_frame.f_code.co_filename != program:
        inner = inner.tb_next
    return inner or trace


def _end(status: int) -> None:
    """Ends as the status says; with 0 the other ranks are waited for."""
    from headrace.cluster import endings

    endings.note(status)
    # The chief tells the supervisor that this is no failure; mpirun would take it for one.
    if status != _PREEMPTED:
        sys.exit(status)


if __name__ == "__main__":
    main()

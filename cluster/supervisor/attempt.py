"""One start of a job: mpirun with all its processes, watched until it ends, and cleared away."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import supervised
from ..roles import cluster_with_servers
from . import leftovers, output
from .command import Mpirun, command_of, environment_of

_RANK = Path(__file__).with_name("rank.py")
# Seconds that mpirun may take to end after the chief has said that all is done, and after SIGTERM.
_END_SECONDS = 10.0
# A start has at least this long until its first step: programs are loaded, data read, state restored.
_START_SECONDS = 60.0
# The signal that a Linux process gets when its parent dies, by prctl.
_PARENT_DEATH_SIGNAL = 1


@dataclass(frozen=True)
class Settings:
    """What `headrace run` is asked for.

    Attributes:
        program: the training script and its arguments, or "-m", a module and its arguments.
        count: number of processes, parameter servers among them.
        servers: number of parameter servers.
        max_restarts: how often a job that fails is started again.
        stall_timeout: seconds without a step on any rank after which the job counts as failed, at least a minute before
            the first step of a start; 0 waits for ever.
        backoff: seconds before the first restart, twice as long before each further one, at most a minute.
        grace: seconds that ranks have to save their state when the supervisor is asked to stop.
        options: further options of mpirun, such as hosts.
        state: a folder for what ranks tell, in place of a temporary one: needed where rank 0 is on another host. Each start
            makes a folder of its own in it, and touches nothing else there.
    """

    program: Sequence[str]
    count: int = 1
    servers: int = 0
    max_restarts: int = 3
    stall_timeout: float = 600.0
    backoff: float = 1.0
    grace: float = 30.0
    options: Sequence[str] = ()
    state: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended.

    Attributes:
        ended: the exit status the chief wrote when all ranks had ended well; None where it did not.
        status: the exit status that stands for the failure.
        reason: what went wrong, in words.
        program_failed: whether a rank's program ended by an exception or a status.
        moved: whether a step was done.
    """

    ended: int | None
    status: int = 0
    reason: str = ""
    program_failed: bool = False
    moved: bool = False


class Attempt:
    """A running job. `poll` says how it ended; then `close`, which leaves nothing of it."""

    def __init__(self, mpirun: Mpirun, settings: Settings, number: int) -> None:
        self._settings = settings
        self._job = uuid.uuid4().hex
        self._shared_memory = leftovers.shared_memory()
        self._temporary = Path(tempfile.mkdtemp(prefix="headrace-run-"))
        # A folder of its own: the user's may hold anything. Absolute: programs may change their working folder.
        self._state = (settings.state or self._temporary).absolute() / f".headrace-run-{self._job}"
        self._state.mkdir(parents=True)
        self._newest, self._changed, self._ended = 0, time.monotonic(), 0.0
        self._killed_for: str | None = None
        self._process = subprocess.Popen(
            self._command(mpirun),
            env=self._environment(mpirun, number),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Ctrl-C is the supervisor's: ranks get a signal from it.
            start_new_session=True,
            preexec_fn=_end_with_parent(),
        )
        pairs = ((self._process.stdout, sys.stdout), (self._process.stderr, sys.stderr))
        self._readers = [output.relay(s, t.buffer, mpirun.family) for s, t in pairs]  # type: ignore[arg-type]

    def _command(self, mpirun: Mpirun) -> list[str]:
        options = [*output.OPTIONS[mpirun.family], *self._settings.options]
        if mpirun.family == "Open MPI":
            # Ranks of other hosts get no other variables.
            for name in ("HEADRACE_*", *(n for n in ("PYTHONPATH", "OPENBLAS_NUM_THREADS") if n in os.environ)):
                options += ["-x", name]
        program = [sys.executable, "-u", str(_RANK), *self._settings.program]
        return command_of(mpirun, self._settings.count, program, options)

    def _environment(self, mpirun: Mpirun, number: int) -> dict[str, str]:
        own = {
            leftovers.MARK: self._job,
            supervised.STATE: str(self._state),
            "HEADRACE_ATTEMPT": str(number),
            # For what launchers put there; ranks give the program its own back.
            "TMPDIR": str(self._temporary),
            "HEADRACE_TMPDIR": os.environ.get("TMPDIR", ""),
        }
        return environment_of(mpirun, os.environ) | own | self._cluster()

    def _cluster(self) -> dict[str, str]:
        """The tasks of a job with parameter servers, in the order of the ranks; each puts its own into TF_CONFIG."""
        if not self._settings.servers:
            return {}
        return {
            "HEADRACE_CLUSTER": json.dumps(cluster_with_servers(self._settings.count, self._settings.servers).as_dict())
        }

    def poll(self) -> Outcome | None:
        """How the job ended; None while it runs."""
        status, now = self._process.poll(), time.monotonic()
        if status is not None:
            return self._outcome(status)
        if self._marker() is not None:
            self._ended = self._ended or now
            if now - self._ended > _END_SECONDS:
                return self._outcome(0)
            return None
        if newest := max((b.stat().st_mtime_ns for b in self._state.glob(f"{supervised.BEAT}*")), default=0):
            if newest != self._newest:
                self._newest, self._changed = newest, now
        return self._stalled(now)

    def _stalled(self, now: float) -> Outcome | None:
        limit = self._settings.stall_timeout
        if limit and not self._newest:
            limit = max(limit, _START_SECONDS)
        if not limit or now - self._changed <= limit:
            return None
        self._show_stacks()
        return Outcome(None, 124, f"no rank has done a step for {limit:g} s", moved=self._newest > 0)

    def _outcome(self, status: int) -> Outcome:
        moved = any(self._state.glob(f"{supervised.BEAT}*"))
        if (ended := self._marker()) is not None:
            return Outcome(ended, moved=moved)
        failures = sorted(self._state.glob(f"{supervised.FAILED}*[0-9]"), key=lambda path: path.stat().st_mtime_ns)
        if failures:
            rank, (code, _, text) = failures[0].suffix[1:], failures[0].read_text().partition("\n")
            return Outcome(None, int(code), f"rank {rank}: {text}", program_failed=True, moved=moved)
        # mpirun's own status is no guide: it is 0 after the loss of a host.
        return Outcome(
            None, 137, f"a process was killed or a host was lost (mpirun ended with status {status})", moved=moved
        )

    def _marker(self) -> int | None:
        path = self._state / supervised.ENDED
        return int(path.read_text()) if path.exists() else None

    def signal_ranks(self, number: int) -> None:
        """Sends a signal to the ranks of this host; one that is asked to stop makes all of them save and leave."""
        ours = set(leftovers.processes(self._job))
        for path in self._state.glob(f"{supervised.PROCESS}*"):
            with contextlib.suppress(ValueError, OSError):
                # Numbers of ranks on other hosts, in a shared folder, are no processes of this job here.
                if (process := int(path.read_text())) in ours:
                    os.kill(process, number)

    def _show_stacks(self) -> None:
        """Lets the ranks of this host print where they are."""
        self.signal_ranks(signal.SIGUSR2)
        time.sleep(0.5)

    def close(self) -> None:
        """Ends what still runs and removes what is left on this host: processes, shared memory, temporary files."""
        if self._process.poll() is None:
            # At once, and without what SIGTERM would make of them; the launcher ends the ranks of other hosts.
            self.signal_ranks(signal.SIGKILL)
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2.0)
            self._process.kill()
        leftovers.kill_processes(self._job)
        self._process.wait()
        for reader in self._readers:
            reader.join(5.0)
        leftovers.remove_shared_memory(self._shared_memory)
        shutil.rmtree(self._state, ignore_errors=True)
        shutil.rmtree(self._temporary, ignore_errors=True)


def _end_with_parent() -> Callable[[], None] | None:
    """For Popen: a launcher whose supervisor is killed gets SIGTERM, and ends its ranks."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)

    return ask

"""Runs a script under mpirun for a test: in bounded time, with a folder of its own, and nothing left afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.cluster.supervisor import leftovers
from headrace.cluster.supervisor.command import Mpirun, command_of, environment_of, find_mpirun

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "tests" / "parallel"
# The interpreter whose mpirun is tested: by default the one that runs the tests.
PYTHON = Path(os.environ.get("HEADRACE_TEST_PYTHON", sys.executable))


@cache
def launcher() -> Mpirun | str:
    """The mpirun beside the interpreter, or why there is none."""
    try:
        found = find_mpirun(PYTHON)
    except FileNotFoundError as error:
        return str(error)
    # The library is loaded, not started.
    command = [str(PYTHON), "-c", "import mpi4py; mpi4py.rc.initialize = False; from mpi4py import MPI"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    return found if said.returncode == 0 else said.stderr.strip().rpartition("\n")[2]


needs_mpi = pytest.mark.skipif(isinstance(launcher(), str), reason=f"no MPI: {launcher()}")


@dataclass(frozen=True)
class Job:
    """What became of a job.

    Attributes:
        status: mpirun's exit status; None where it had to be killed.
        seconds: how long it took.
        output: what all ranks printed, mixed; for looking at, or for texts that an error must contain.
        results: by rank, what `report` of tests/parallel/results.py was given; None where it was not called.
    """

    status: int | None
    seconds: float
    output: str
    results: list[dict[str, Any] | None]

    def of_ranks(self) -> list[dict[str, Any]]:
        """The results, of a job that must have ended well with one from every rank."""
        assert self.status == 0, f"status {self.status} after {self.seconds:.1f} s\n{self.output[-6000:]}"
        found = [result for result in self.results if result is not None]
        assert len(found) == len(self.results), f"no result of a rank\n{self.output[-6000:]}"
        return found


def job_environment(folder: Path, job: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a job whose temporary files and results go under `folder`."""
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    found = launcher()
    assert isinstance(found, Mpirun), found
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    return environment_of(found, inherited) | {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(SCRIPTS)]),
        "OPENBLAS_NUM_THREADS": "1",
        "TMPDIR": str(temporary),
        "HEADRACE_TEST_RESULTS": str(folder),
        leftovers.MARK: job,
        **(extra or {}),
    }


def mpirun(
    count: int,
    script: str | Path,
    *arguments: object,
    folder: Path,
    timeout: float = 60,
    environment: Mapping[str, str] | None = None,
) -> Job:
    """Runs a script on some ranks and returns what became of it.

    Args:
        count: number of ranks.
        script: the name of a file of tests/parallel, a path, or the text of a program (which has more than one line).
        arguments: of the script.
        folder: for the results and temporary files; `tmp_path` of the test, or a folder of it for each job.
        timeout: seconds after which everything is killed, with status None.
        environment: more variables.
    """
    found = launcher()
    assert isinstance(found, Mpirun), found
    folder.mkdir(parents=True, exist_ok=True)
    program = [str(PYTHON), str(_script(script, folder)), *map(str, arguments)]
    return run_job(command_of(found, count, program), count, folder, timeout, environment)


def run_job(
    command: list[str],
    count: int,
    folder: Path,
    timeout: float = 60,
    environment: Mapping[str, str] | None = None,
) -> Job:
    """Runs any command as a job of some ranks, as `mpirun` does."""
    job, before, start = uuid.uuid4().hex, leftovers.shared_memory(), time.monotonic()
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            command,
            env=job_environment(folder, job, environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        status: int | None = None
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
        finally:
            seconds = time.monotonic() - start
            # Ranks that are about to end may do so; what is still there then is killed.
            _wait_for_ends(job)
            leftovers.kill_processes(job)
            process.wait()
            leftovers.remove_shared_memory(before)
    text = (folder / "output.txt").read_text(errors="replace")
    return Job(status, seconds, text, [_result(folder, rank) for rank in range(count)])


def _wait_for_ends(job: str) -> None:
    until = time.monotonic() + 2
    while leftovers.processes(job) and time.monotonic() < until:
        time.sleep(0.02)


def _script(script: str | Path, folder: Path) -> Path:
    if isinstance(script, str) and "\n" in script:
        (folder / "script.py").write_text(script)
        return folder / "script.py"
    return SCRIPTS / script


def _result(folder: Path, rank: int) -> dict[str, Any] | None:
    values, arrays = folder / f"rank{rank}.json", folder / f"rank{rank}.npz"
    if not values.exists():
        return None
    with np.load(arrays) as file:
        return json.loads(values.read_text()) | dict(file)

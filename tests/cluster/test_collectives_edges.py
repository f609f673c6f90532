"""Collective operations on what is not plain numbers in one piece, with wrong arguments, and where memory is not there."""

import logging
from pathlib import Path

import pytest

from headrace.cluster.collectives.settings import Settings
from headrace.cluster.collectives.stalls import Patience

from .mpirun import mpirun, needs_mpi

_NO_MEMORY = """
import os
import resource
from pathlib import Path
from results import report
import headrace as tf
from headrace.cluster.world import world
rank = world().rank
# No file of rank 0 may grow.
if rank == 0:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    tf.cluster.all_reduce([1.0])
except tf.errors.InternalError as error:
    text = str(error)
if rank == 0:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
report(text=text, left=[str(p) for p in Path("/dev/shm").glob(f"headrace-{os.getpid()}-*")])
"""


@needs_mpi
@pytest.mark.parametrize(
    ("count", "environment"),
    [(2, {}), (3, {"HEADRACE_RANKS_PER_HOST": "2"}), (2, {"HEADRACE_NATIVE": "0"})],
    ids=["one host", "two hosts", "without the native runtime"],
)
def test_edges(tmp_path: Path, count: int, environment: dict[str, str]) -> None:
    results = mpirun(count, "collective_edges.py", folder=tmp_path, environment=environment).of_ranks()
    assert [r["wrong"] for r in results] == [[]] * count


@needs_mpi
def test_edges_of_one_process(tmp_path: Path) -> None:
    results = mpirun(1, "collective_edges.py", folder=tmp_path).of_ranks()
    assert results[0]["wrong"] == []


@needs_mpi
def test_memory_that_cannot_be_had_is_an_error_on_all_ranks(tmp_path: Path) -> None:
    results = mpirun(2, _NO_MEMORY, folder=tmp_path, timeout=30).of_ranks()
    assert all("File too large" in r["text"] for r in results)
    assert [r["left"] for r in results] == [[], []]


@pytest.mark.parametrize(("seconds", "warnings"), [(0, 0), (1e-9, 2)])
def test_a_warning_after_0_seconds_is_never_given(
    seconds: float, warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    patience = Patience("sum", Settings(stall_warning=seconds))
    with caplog.at_level(logging.WARNING, "headrace"):
        for _ in range(2):
            patience.check(lambda: {1: "sum"})
    assert len(caplog.records) == warnings

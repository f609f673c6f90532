"""Ranks with simulated GPUs: the CPU's weights, whoever adds up, and errors that name tensors and ranks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.engine.gpu.sim.compile import available

from .mpirun import ROOT, mpirun, needs_mpi

pytestmark = [
    needs_mpi,
    pytest.mark.skipif(not available(), reason="the simulated GPU compiles kernels with g++, which is not installed"),
]

SIM = {"HEADRACE_GPU": "sim", "HEADRACE_CACHE": str(ROOT / "build" / "kernels")}
# By the devices themselves, through the hosts, between hosts too, and where all is computed on CPUs.
WAYS: dict[str, tuple[int, dict[str, str]]] = {
    "gpus": (2, SIM),
    "three": (3, SIM | {"HEADRACE_RANKS_PER_HOST": "2"}),
    "hosts": (2, SIM | {"HEADRACE_NCCL": "0"}),
    "cpus": (2, {"HEADRACE_GPU": "none"}),
    "alone": (1, {"HEADRACE_GPU": "none"}),
}


@pytest.fixture(scope="module", autouse=True)
def kernels() -> None:
    (ROOT / "build" / "kernels").mkdir(mode=0o700, parents=True, exist_ok=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What all ranks report, by the way of adding up."""
    return {
        name: mpirun(
            count, "gpu_training.py", folder=tmp_path_factory.mktemp(name), timeout=240, environment=environment
        ).of_ranks()
        for name, (count, environment) in WAYS.items()
    }


@pytest.mark.parametrize("what", ["plain", "together", "fitted"])
@pytest.mark.parametrize("way", ["gpus", "three", "hosts", "cpus"])
def test_weights_are_those_of_one_process(trained: dict[str, list[dict[str, Any]]], way: str, what: str) -> None:
    for result in trained[way]:
        np.testing.assert_allclose(result[what], trained["alone"][0][what], rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(result[what], trained[way][0][what])


@pytest.mark.parametrize("way", ["gpus", "three", "hosts"])
def test_sixteen_bits_on_the_way(trained: dict[str, list[dict[str, Any]]], way: str) -> None:
    for result in trained[way]:
        np.testing.assert_allclose(result["half"], trained["alone"][0]["half"], atol=2e-2)
        assert np.abs(result["half"] - result["plain"]).max() > 0


def test_what_is_said_of_a_step(trained: dict[str, list[dict[str, Any]]]) -> None:
    for way, size in (("gpus", 2), ("three", 3)):
        for text in (result["text"] for result in trained[way]):
            assert f"added up over {size} ranks by simulated GPUs" in text
            assert "NumPy" not in text and "segment 1" not in text
    assert all("[NumPy: the host adds up over ranks: HEADRACE_NCCL is 0]" in r["text"] for r in trained["hosts"])


def test_ranks_that_differ_get_an_error(tmp_path: Path) -> None:
    job = mpirun(2, "disagreeing.py", "graph", folder=tmp_path, timeout=240, environment=SIM)
    assert job.status not in (0, None), job.output
    for text in ("rank 0: all-reduce (by GPUs) of w9 float32[3,4] and 9 more", "rank 1: all-reduce (by GPUs) of w9"):
        assert text in job.output, job.output


def test_a_rank_with_a_cpu_among_gpus_is_an_error(tmp_path: Path) -> None:
    """The ranks' GPUs could add up, but the session of one of them runs on the CPU."""
    script = """
import headrace as tf
x = tf.get_variable("x", [4])
step = tf.cluster.DistributedOptimizer(tf.train.GradientDescentOptimizer(0.1)).minimize(tf.reduce_sum(x * x))
with tf.Session(backend="cpu" if tf.cluster.rank() else None) as session:
    session.run(tf.global_variables_initializer())
    session.run(step)
"""
    job = mpirun(2, script, folder=tmp_path, timeout=240, environment=SIM)
    assert job.status not in (0, None), job.output
    for text in ("rank 0: all-reduce (by GPUs) of x float32[4]", "rank 1: all-reduce of x float32[4]"):
        assert text in job.output, job.output


def test_a_rank_that_leaves_is_named(tmp_path: Path) -> None:
    job = mpirun(2, "gpu_training.py", "leaves", folder=tmp_path, timeout=240, environment=SIM)
    assert job.status not in (0, None), job.output
    assert "Rank 1 has left the job, but the others wait for it in the all-reduce (by GPUs) of " in job.output


def test_a_rank_that_stalls_is_named(tmp_path: Path) -> None:
    """It comes when the other one has said that it is late."""
    script = """
import logging, pathlib, sys, time
import headrace as tf

said = pathlib.Path(sys.argv[1])

class Notes(logging.Handler):
    def emit(self, record):
        if "all-reduce (by GPUs) of x float32[4]: rank 1 did not come" in record.getMessage():
            said.touch()

logging.getLogger("headrace").addHandler(Notes())
x = tf.get_variable("x", [4])
step = tf.cluster.DistributedOptimizer(tf.train.GradientDescentOptimizer(0.1)).minimize(tf.reduce_sum(x * x))
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for i in range(3):
        while i == 2 and tf.cluster.rank() and not said.exists():
            time.sleep(0.05)
        session.run(step)
"""
    limits = {"HEADRACE_STALL_WARNING": "0.5"}
    said = tmp_path / "said"
    job = mpirun(2, script, said, folder=tmp_path, timeout=240, environment=SIM | limits)
    assert (job.status, said.exists()) == (0, True), job.output

"""Collective operations among ranks: right values in one order, and an error where ranks do not do the same."""

from pathlib import Path

import numpy as np
import pytest

from .mpirun import mpirun, needs_mpi

pytestmark = needs_mpi

HOSTS = {"HEADRACE_RANKS_PER_HOST": "2"}


@pytest.mark.parametrize(
    ("count", "environment"),
    [
        (2, {}),
        (2, {"HEADRACE_DIRECT_BYTES": "0"}),
        (4, {"HEADRACE_DIRECT_BYTES": "1"}),
        (4, {"HEADRACE_SLOT_BYTES": "4096", "HEADRACE_DIRECT_BYTES": "0"}),
        (4, {**HOSTS, "HEADRACE_COUNT_LIMIT": "1000"}),
        (3, HOSTS),
        (3, {"HEADRACE_NATIVE": "0"}),
    ],
)
def test_values(tmp_path: Path, count: int, environment: dict[str, str]) -> None:
    results = mpirun(count, "collective_values.py", folder=tmp_path, environment=environment).of_ranks()
    assert [r["wrong"] for r in results] == [[]] * count
    assert all(r["same"] for r in results)
    # All ranks hold the same bits, and each has given its array once.
    assert len({r["total"].tobytes() for r in results}) == 1
    assert {r["given"] for r in results} == {4 * 10_007}
    expected = sum(np.random.default_rng(q).normal(size=10_007) for q in range(count))
    np.testing.assert_allclose(results[0]["total"], expected, atol=1e-5)


def test_hosts_do_not_change_the_bits(tmp_path: Path) -> None:
    totals = [
        mpirun(4, "collective_values.py", folder=tmp_path / str(i), environment=given).of_ranks()[0]["total"]
        for i, given in enumerate(({}, {"HEADRACE_DIRECT_BYTES": "1"}, HOSTS, {"HEADRACE_NATIVE": "0"}))
    ]
    assert len({t.tobytes() for t in totals}) == 1


@pytest.mark.parametrize("hosts", [{}, {"HEADRACE_RANKS_PER_HOST": "1"}], ids=["one host", "two hosts"])
@pytest.mark.parametrize(
    ("how", "texts"),
    [
        ("shape", ["rank 0: all-reduce of weights float64[2,4]", "rank 1: all-reduce of weights float64[2,3]"]),
        ("name", ["rank 0: all-reduce of right float64[3]", "rank 1: all-reduce of left float64[3]"]),
        ("dtype", ["weights float32[3]", "weights int32[3]"]),
        ("order", ["rank 0: all-reduce of a", "rank 1: all-reduce of b"]),
        ("graph", ["rank 0: all-reduce of w9 float32[3,4] and 9 more", "rank 1: all-reduce of w9 float32[3,5]"]),
        ("extra", ["Rank 1 has left the job", "all-reduce of gradients of w float64[3]: did it run fewer steps?"]),
    ],
)
def test_ranks_that_differ_get_an_error(tmp_path: Path, how: str, texts: list[str], hosts: dict[str, str]) -> None:
    job = mpirun(2, "disagreeing.py", how, folder=tmp_path, timeout=30, environment=hosts)
    assert job.status not in (0, None), job.output
    for text in texts:
        assert text in job.output
    assert job.seconds < 15


def test_a_rank_that_stalls_is_named_and_ends_the_job(tmp_path: Path) -> None:
    limits = {"HEADRACE_STALL_WARNING": "0.5", "HEADRACE_STALL_TIMEOUT": "1.5"}
    job = mpirun(3, "disagreeing.py", "stall", folder=tmp_path, timeout=30, environment=limits)
    assert job.status not in (0, None), job.output
    named = "all-reduce of gradients of w float64[3]: rank 1 did not come. Last seen at: rank 1: all-reduce of fine"
    assert "Waiting for" in job.output
    assert job.output.count(named) > 1


def test_a_rank_that_works_alone_does_not_stall(tmp_path: Path) -> None:
    job = mpirun(2, "disagreeing.py", "busy", folder=tmp_path)
    assert (job.status, "Waiting for" in job.output) == (0, False), job.output

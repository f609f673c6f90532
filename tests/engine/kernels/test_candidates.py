"""Candidate samplers against TensorFlow's draws and against their own expected counts."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from headrace.engine.errors import InvalidArgumentError
from headrace.engine.kernels import candidates as c
from headrace.engine.kernels.philox import stream_of_seeds

EXPECTED = np.load(Path(__file__).parents[2] / "fixtures/kernels/candidates.npz")
TRUE = np.array([[0, 3], [7, 2], [5, 5]])
UNIGRAMS = np.array([1.0, 5.0, 0.5, 9.0, 2.0, 2.0, 0.1, 3.0])
SAMPLERS = {
    "uniform": partial(c.uniform_candidates, range_max=11),
    "wide": partial(c.uniform_candidates, range_max=3 * 2**61),
    "log_uniform": partial(c.log_uniform_candidates, range_max=40),
    "fixed": partial(
        c.fixed_unigram_candidates,
        range_max=9,
        unigrams=UNIGRAMS,
        distortion=0.75,
        num_reserved_ids=1,
    ),
    "sharded": partial(
        c.fixed_unigram_candidates,
        range_max=8,
        unigrams=np.tile(UNIGRAMS, 2),
        num_shards=2,
        shard=1,
    ),
}


@pytest.mark.parametrize("name", [*SAMPLERS, "learned"])
@pytest.mark.parametrize("unique", [0, 1])
def test_samples_are_those_of_tensorflow(name, unique):
    counts = np.ones(10, np.int64)
    draw = SAMPLERS.get(name, partial(c.learned_unigram_candidates, counts=counts))
    stream = stream_of_seeds(8, 9)
    for run in range(3):
        found = draw(stream, TRUE, 7, bool(unique))
        stream = stream.skipped(found.blocks)
        np.testing.assert_array_equal(found.sampled, EXPECTED[f"{name}{unique}/{run}_sampled"])
        for key, value in (("true", found[1]), ("count", found[2])):
            np.testing.assert_allclose(value, EXPECTED[f"{name}{unique}/{run}_{key}"], rtol=1e-5)
            assert value.dtype == np.float32
    assert counts.sum() == 10 + (18 if name == "learned" else 0)


@pytest.mark.parametrize("name", ["uniform", "log_uniform", "fixed", "sharded"])
def test_counts_come_out_as_expected(name):
    found = SAMPLERS[name](stream_of_seeds(1, 2), np.arange(8)[None], 40_000, False)
    counted = np.bincount(found.sampled, minlength=8)[:8]
    expected = found.true_expected_count[0]
    assert (np.abs(counted - expected) <= 5 * np.sqrt(expected) + 1e-3).all()


def test_all_candidates_and_hits():
    found = c.all_candidates(TRUE, 8)
    assert found.sampled.tolist() == list(range(8))
    assert (found.true_expected_count == 1).all()
    rows, places, weights = c.compute_accidental_hits(TRUE, np.array([5, 9, 0, 5]))
    for key, value in (("rows", rows), ("places", places), ("weights", weights)):
        np.testing.assert_array_equal(value, EXPECTED[f"hit_{key}"])
    assert [len(part) for part in c.compute_accidental_hits(TRUE, np.array([8]))] == [0, 0, 0]


def test_a_sample_of_all_classes_ends():
    found = c.log_uniform_candidates(stream_of_seeds(1, 2), np.array([[0]]), 200, True, 200)
    assert sorted(found.sampled) == list(range(200))
    certain = c.uniform_candidates(stream_of_seeds(1, 2), np.array([[0]]), 1, True, 1)
    assert certain.sampled_expected_count.tolist() == [1]


STREAM = stream_of_seeds(1, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: c.uniform_candidates(STREAM, TRUE[0], 2, True, 9), "must be a matrix"),
        (lambda: c.uniform_candidates(STREAM, TRUE, 20, True, 9), "20 different classes of 9"),
        (lambda: c.uniform_candidates(STREAM, TRUE, 2, True, 7), r"out of range \[0, 7\), received 7"),
        (lambda: c.uniform_candidates(STREAM, TRUE, 0, True, 9), "must be positive, got 9 and 0"),
        (lambda: c.log_uniform_candidates(STREAM, TRUE[:0], 2, False, 0), "must be positive"),
        (lambda: SAMPLERS["fixed"](STREAM, TRUE, 2, True, num_reserved_ids=0), "range is 9 must be"),
        (lambda: SAMPLERS["fixed"](STREAM, TRUE, 2, True, shard=1), "shard must be in"),
        (lambda: SAMPLERS["fixed"](STREAM, TRUE, 2, True, unigrams=-UNIGRAMS), "unigrams: expected"),
        (lambda: SAMPLERS["fixed"](STREAM, TRUE, 9, True), "9 different classes of 8 with a weight"),
        (lambda: c.compute_accidental_hits(TRUE[0], TRUE[0]), "batch_size \\* num_true matrix"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(call, message):
    with pytest.raises(InvalidArgumentError, match=message):
        call()

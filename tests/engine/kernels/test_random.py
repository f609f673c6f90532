"""Random kernels against the numbers of TensorFlow and against moments."""

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from headrace.engine.errors import InvalidArgumentError
from headrace.engine.kernels import distributions as d
from headrace.engine.kernels.gamma_poisson import gamma, log_gamma, poisson
from headrace.engine.kernels.op_seeds import seeds
from headrace.engine.kernels.philox import (
    Stream,
    philox,
    philox_at,
    stream_of_seeds,
    stream_of_stateless_seed,
)

EXPECTED = np.load(Path(__file__).parents[2] / "fixtures/kernels/random.npz")
LOGITS = np.array([[0.1, 2.0, -1.0, 0.5], [1.0, -np.inf, 1.0, 3.0]], np.float32)
DTYPES = {
    "float16": (np.float16, 1e-3),
    "bfloat16": (ml_dtypes.bfloat16, 1e-2),
    "float32": (np.float32, 1e-6),
    "float64": (np.float64, 1e-14),
}


def two_runs(name, draw):
    stream = stream_of_seeds(*EXPECTED[f"{name}/seeds"].tolist())
    first, blocks = draw(stream)
    second, _ = draw(stream.skipped(blocks))
    return np.stack([first, second])


@pytest.mark.parametrize(
    ("key", "counter", "words"),
    [
        ((0, 0), (0, 0, 0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 4, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0xA4093822, 0x299F31D0),
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_gives_the_published_words(key, counter, words):
    assert [f"{word:08x}" for word in philox(key, counter, 1)[0]] == words.split()


def test_a_stream_is_the_same_in_one_piece_and_in_many():
    stream = Stream((5, 6), (0xFFFFFFF0, 0xFFFFFFFF, 0xFFFFFFFF, 1))
    whole = philox(stream.key, stream.counter, 9000)
    for start in (0, 15, 16, 17, 4096, 8999):
        place = stream.skipped(start)
        assert (philox(place.key, place.counter, 1)[0] == whole[start]).all()
        assert (philox_at(stream, np.array([start], np.uint64))[0] == whole[start]).all()


@pytest.mark.parametrize(
    ("graph_seed", "op_seed", "last_id", "name"),
    [(1, 2, 0, 0), (None, 5, 0, 1), (87, None, 0, 2), (0, 0, 0, 3), (-3, 7, 0, 4)],
)
def test_seeds_and_their_numbers_are_those_of_tensorflow(graph_seed, op_seed, last_id, name):
    assert seeds(graph_seed, op_seed, last_id) == tuple(EXPECTED[f"uniform_seeds{name}/seeds"])
    found = two_runs(f"uniform_seeds{name}", lambda s: d.uniform(s, (5,)))
    np.testing.assert_array_equal(found, EXPECTED[f"uniform_seeds{name}/runs"])


def test_no_seeds_mean_no_seeds():
    assert seeds(None, None, 3) == (None, None)


@pytest.mark.parametrize("name", DTYPES)
def test_uniforms_are_exactly_those_of_tensorflow(name):
    found = two_runs(f"random_uniform_{name}", lambda s: d.uniform(s, (7, 3), DTYPES[name][0]))
    np.testing.assert_array_equal(found.astype(float), EXPECTED[f"random_uniform_{name}/runs"])


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("kind", ["random_normal", "truncated_normal"])
def test_normals_are_those_of_tensorflow(kind, name):
    draw = d.normal if kind == "random_normal" else d.truncated_normal
    dtype, tolerance = DTYPES[name]
    found = two_runs(f"{kind}_{name}", lambda s: draw(s, (7, 3), dtype)).astype(float)
    np.testing.assert_allclose(found, EXPECTED[f"{kind}_{name}/runs"], rtol=0, atol=tolerance)


def test_redrawn_normals_are_those_of_tensorflow():
    found = two_runs("truncated_normal_long", lambda s: d.truncated_normal(s, (600,)))
    np.testing.assert_allclose(found, EXPECTED["truncated_normal_long/runs"], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [(-5, 10, "int32"), (-(2**31), 2**31 - 1, "int32"), (-5, 2**40, "int64")],
)
def test_integers_are_exactly_those_of_tensorflow(low, high, dtype):
    name = f"int_{dtype}_{low}_{high}"
    found = two_runs(name, lambda s: d.uniform_int(s, (9,), low, high, dtype))
    np.testing.assert_array_equal(found, EXPECTED[f"{name}/runs"])


@pytest.mark.parametrize("size", [2, 6, 33])
def test_shuffles_are_exactly_those_of_tensorflow(size):
    found = two_runs(f"shuffle_{size}", lambda s: d.permutation(s, size))
    np.testing.assert_array_equal(found, EXPECTED[f"shuffle_{size}/runs"])


def test_categories_are_exactly_those_of_tensorflow():
    found = two_runs("multinomial", lambda s: d.categorical(s, LOGITS, 13))
    np.testing.assert_array_equal(found, EXPECTED["multinomial/runs"])


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_gammas_are_those_of_tensorflow(name):
    alpha = np.array([0.3, 1.0, 4.5], name)
    found = two_runs(f"gamma_{name}", lambda s: gamma(s, (11,), alpha))
    np.testing.assert_allclose(found, EXPECTED[f"gamma_{name}/runs"], rtol=1e-6)


def test_poissons_are_those_of_tensorflow():
    rate = np.array([0.5, 8.0, 10.0, 300.0])
    found = two_runs("poisson", lambda s: poisson(s, (17,), rate, np.dtype(float)))
    np.testing.assert_array_equal(found, EXPECTED["poisson/runs"])


@pytest.mark.parametrize("number", [0, 1])
def test_stateless_numbers_are_those_of_tensorflow(number):
    stream = stream_of_stateless_seed(*([1, 2], [-7, 2**40])[number])
    found = {
        "uniform": d.uniform(stream, (6,)),
        "normal": d.normal(stream, (6,)),
        "truncated": d.truncated_normal(stream, (6,)),
        "int": d.uniform_int(stream, (6,), 0, 100),
        "full": d.uniform_full_int(stream, (6,), np.int64),
        "categorical": d.categorical(stream, np.zeros((2, 5), np.float32), 6),
    }
    for name, (value, _) in found.items():
        np.testing.assert_allclose(value, EXPECTED[f"stateless{number}/{name}"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_long_draws_are_the_same_numbers_as_short_ones(dtype):
    stream = stream_of_seeds(8, 9)
    for draw in (d.uniform, d.normal, d.truncated_normal):
        whole, blocks = draw(stream, (40_000,), dtype)
        assert blocks == 40_000 * 256
        np.testing.assert_array_equal(draw(stream, (100,), dtype)[0], whole[:100])
        out = np.empty((40_000, 2), dtype)[:, 0]
        assert draw(stream, (40_000,), dtype, out)[0] is out
        np.testing.assert_array_equal(out, whole)


@pytest.mark.parametrize(
    ("draw", "mean", "variance"),
    [
        (lambda s: d.uniform(s, (50_000,)), 0.5, 1 / 12),
        (lambda s: d.normal(s, (50_000,)), 0.0, 1.0),
        (lambda s: d.truncated_normal(s, (50_000,)), 0.0, 0.774),
        (lambda s: d.exponential(s, (50_000,)), 1.0, 1.0),
        (lambda s: gamma(s, (50_000,), np.array(0.5)), 0.5, 0.5),
        (lambda s: gamma(s, (50_000,), np.array(7.0)), 7.0, 7.0),
        (lambda s: poisson(s, (50_000,), np.array(3.0), np.dtype(np.int32)), 3.0, 3.0),
        (lambda s: poisson(s, (50_000,), np.array(40.0), np.dtype(np.float32)), 40.0, 40.0),
    ],
)
def test_moments(draw, mean, variance):
    found = draw(stream_of_seeds(3, 4))[0].astype(float)
    assert abs(found.mean() - mean) < 5 * (variance / len(found)) ** 0.5
    assert abs(found.var() / variance - 1) < 0.05


def test_empty_and_tiny_results():
    stream = stream_of_seeds(1, 1)
    assert d.uniform(stream, (0, 3))[0].shape == (0, 3)
    assert d.truncated_normal(stream, ())[0].shape == ()
    assert d.permutation(stream, 0)[1] == 0
    assert d.permutation(stream, 1)[0].tolist() == [0]
    assert d.categorical(stream, np.zeros((0, 3)), 2)[0].shape == (0, 2)
    assert gamma(stream, (2,), np.ones((0,)))[0].shape == (2, 0)


def test_what_cannot_be_drawn_says_so():
    stream = stream_of_seeds(1, 1)
    with pytest.raises(TypeError, match="expected dtype float16, bfloat16"):
        d.uniform(stream, (2,), np.int32)
    with pytest.raises(InvalidArgumentError, match="Need minval < maxval, got 3 >= 3"):
        d.uniform_int(stream, (2,), 3, 3)
    with pytest.raises(InvalidArgumentError, match="should be a matrix"):
        d.categorical(stream, np.zeros(3), 2)
    with pytest.raises(ValueError, match="out: expected float32 of shape"):
        d.uniform(stream, (2,), out=np.empty(3, np.float32))
    assert np.isnan(gamma(stream, (1,), np.array([-1.0, np.nan]))[0]).all()
    assert np.isnan(poisson(stream, (1,), np.array([-1.0, np.inf]), np.dtype(float))[0]).all()


def test_log_gamma():
    x = np.array([1.0, 2.0, 3.5, 14.9, 15.0, 171.0, 1e6])
    from math import lgamma

    np.testing.assert_allclose(log_gamma(x), [lgamma(v) for v in x], rtol=1e-14, atol=1e-14)

"""Random ops: streams that go on from run to run, seeds, and what the functions around the ops promise."""

import numpy as np
import pytest

from headrace.engine.dtypes import float16, float64, int32, int64
from headrace.engine.errors import InvalidArgumentError
from headrace.engine.graph import Graph
from headrace.engine.ops import random, random_stateless
from headrace.engine.ops.constant import placeholder
from headrace.engine.session import Session


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as graph:
        yield graph


def runs(tensor, count=2, **options):
    with Session(**options) as session:
        return [session.run(tensor) for _ in range(count)]


@pytest.mark.parametrize(
    "build",
    [
        lambda: random.random_uniform([7], seed=1),
        lambda: random.random_normal([7], dtype=float64, seed=1),
        lambda: random.truncated_normal([7], dtype=float16, seed=1),
        lambda: random.random_uniform([7], 0, 1000, int64, seed=1),
        lambda: random.random_shuffle(np.arange(50), seed=1),
        lambda: random.multinomial(np.zeros((2, 9)), 20, seed=1),
        lambda: random.categorical(np.zeros((2, 9)), 20, int32, seed=1),
        lambda: random.random_gamma([7], 2.0, seed=1),
        lambda: random.random_poisson([3.0, 40.0], [20], seed=1),
    ],
)
def test_a_seeded_stream_goes_on_within_a_session_and_starts_again_in_the_next(build):
    tensor = build()
    first, second = runs(tensor)
    assert not np.array_equal(first, second)
    for backend in ("cpu", "reference"):
        again = runs(tensor, backend=backend)
        np.testing.assert_array_equal(again[0], first)
        np.testing.assert_array_equal(again[1], second)


def test_without_seeds_sessions_and_ops_differ():
    a, b = random.random_uniform([4]), random.random_uniform([4])
    found = [value for _ in range(2) for value in runs([a, b], 1)[0]]
    assert len({value.tobytes() for value in found}) == 4


def test_the_shape_may_be_computed():
    sizes = placeholder(int32, [2])
    tensor = random.random_uniform(sizes, seed=3)
    assert tensor.shape.as_list() == [None, None]
    with Session() as session:
        assert session.run(tensor, {sizes: [3, 2]}).shape == (3, 2)
        assert session.run(tensor, {sizes: [0, 2]}).shape == (0, 2)
        with pytest.raises(InvalidArgumentError, match=r"sizes >= 0"):
            session.run(tensor, {sizes: [-1, 2]})


def test_numbers_are_distributed_as_said():
    with Session() as session:
        normal, cut, uniform, shares = session.run(
            [
                random.random_normal([4000], 3.0, 2.0, seed=1),
                random.truncated_normal([4000], 0.0, 0.5, seed=1),
                random.random_uniform([4000], -2.0, 1.0, seed=1),
                random.multinomial(np.log([[0.2, 0.8]]), 4000, seed=1),
            ]
        )
    assert abs(normal.mean() - 3) < 0.1 and abs(normal.std() - 2) < 0.1
    assert np.abs(cut).max() <= 1 and cut.std() > 0.4
    assert uniform.min() >= -2 and uniform.max() < 1 and abs(uniform.mean() + 0.5) < 0.05
    assert abs(shares.mean() - 0.8) < 0.03


def test_get_seed_follows_the_graph(graph):
    assert random.get_seed(None) == (None, None)
    assert random.get_seed(5) == (87654321, 5)
    random.set_random_seed(7)
    assert random.get_seed(None) == (7, 0)
    random.random_uniform([1])
    assert random.get_seed(None) == (7, graph.version)


def test_random_crop_cuts_within_the_value():
    value = np.arange(30).reshape(5, 6)
    crop = random.random_crop(value, [2, 3], seed=2)
    assert crop.shape.as_list() == [2, 3]
    for cut in runs(crop, 20):
        row, column = np.argwhere(value == cut[0, 0])[0]
        np.testing.assert_array_equal(cut, value[row : row + 2, column : column + 3])
    with pytest.raises((ValueError, InvalidArgumentError)):
        runs(random.random_crop(value, [6, 3]))


def test_integers_need_an_upper_bound():
    for build in (random.random_uniform, lambda *a, **k: random_stateless.stateless_random_uniform([2], [1, 2], **k)):
        with pytest.raises(ValueError, match="Must specify maxval"):
            build([2], dtype=int32)


def test_stateless_ops_give_the_same_always():
    tensors = [
        random_stateless.stateless_random_normal([3], [1, 2]),
        random_stateless.stateless_truncated_normal([3], [1, 2], 1.0, 0.1),
        random_stateless.stateless_multinomial(np.zeros((1, 5)), 4, [1, 2]),
        random_stateless.stateless_categorical(np.zeros((1, 5)), 4, [1, 2]),
    ]
    first, second = runs(tensors)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(first[2], first[3])

"""Cheap results are computed again where that saves an array, and sums of gradients are part of chains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as tf
from headrace.engine.rewriting.lower import lower
from headrace.engine.rewriting.passes import Rewrites

STEPS = ["infer", "fold", "merge", "simplify", "prune", "repeat", "fuse"]


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def chains(fetches: list[Any]) -> list[str]:
    """What is computed, by node."""
    feeds = [op.outputs[0] for op in fetches[0].graph.get_operations() if op.type == "Placeholder"]
    flow = Rewrites(check=True).apply(lower(fetches[0].graph, fetches, [], feeds), STEPS)
    shown = [n for n in flow.nodes if n.type not in ("_Feed", "Const")]
    return ["+".join(reversed(n.attrs["parts"])) if n.type == "_Fused" else n.type for n in shown]


def gelu(x: Any) -> Any:
    return 0.5 * x * (1 + tf.tanh(0.7978845608 * (x + 0.044715 * tf.pow(x, 3))))


def test_gelu_is_three_chains() -> None:
    x, dy = (tf.placeholder(tf.float32, [4, 6]) for _ in range(2))
    y = gelu(x)
    assert len(chains([y])) == 1
    found = chains([y, *tf.gradients(y, [x], [dy])])
    assert len(found) == 3
    assert found[0].endswith("Tanh")
    assert found[2].endswith("AddN")


def test_what_is_fetched_or_broadcast_is_computed_once() -> None:
    x, row = tf.placeholder(tf.float32, [4, 6]), tf.placeholder(tf.float32, [6])
    half = 0.5 * x
    assert chains([half, tf.tanh(half), tf.exp(half)]) == ["Mul", "Tanh", "Exp"]
    assert chains([tf.tanh(half), tf.exp(half)]) == ["Mul+Tanh", "Mul+Exp"]
    wide = 0.5 * row
    assert len(chains([x + wide, x * wide])) == 3
    assert len(chains([tf.tanh(half), tf.reduce_sum(half)])) == 3


def test_sums_take_in_what_they_add() -> None:
    x = [tf.placeholder(tf.float32, [4, 6]) for _ in range(3)]
    assert chains([tf.add_n([tf.square(v) for v in x])]) == ["Square+Square+Square+AddN"]
    both = tf.exp(x[0])
    assert chains([tf.add_n([both, tf.square(both), x[1]])]) == ["Exp+Square+AddN"]
    halves = [tf.placeholder(tf.bfloat16, [4]) for _ in range(2)]
    assert "AddN" in chains([tf.add_n([tf.square(v) for v in halves])])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_are_the_same(dtype: Any) -> None:
    rng = np.random.default_rng(5)
    x = tf.Variable(rng.normal(size=(33, 70)).astype(dtype))
    y = gelu(x)
    (dx,) = tf.gradients(tf.square(y) + y, [x])
    results = []
    for options in ({}, {"passes_off": ["repeat"]}, {"backend": "numpy"}, {"backend": "reference"}):
        with tf.Session(**options) as session:
            session.run(x.initializer)
            results.append(session.run([y, dx]))
    for result in results[1:]:
        for value, expected in zip(result, results[0], strict=True):
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)

"""The pass that makes one node of layer normalisation written with moments: what it takes and leaves, and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as tf
from headrace.engine.rewriting.lower import lower
from headrace.engine.rewriting.passes import Rewrites

STEPS = ["infer", "fold", "merge", "simplify", "prune", "fuse_layer_norm", "prune"]
FUSED = ["LayerNormalization", "LayerNormalizationGrad"]


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def types(fetches: list[Any]) -> list[str]:
    feeds = [op.outputs[0] for op in fetches[0].graph.get_operations() if op.type == "Placeholder"]
    flow = Rewrites(check=True).apply(lower(fetches[0].graph, fetches, [], feeds), STEPS)
    return sorted(n.type for n in flow.nodes if n.type not in ("_Feed", "Const"))


def inputs(*sizes: int) -> list[Any]:
    return [tf.placeholder(tf.float32, s) for s in (sizes, sizes[-1:], sizes[-1:])]


def norm(x: Any, scale: Any, offset: Any) -> Any:
    mean, variance = tf.nn.moments(x, [-1], keep_dims=True)
    return tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-5)


@pytest.mark.parametrize("sizes", [(4, 6), (2, 3, 5)])
def test_value_and_gradients_are_two_nodes(sizes: tuple[int, ...]) -> None:
    given = inputs(*sizes)
    y = norm(*given)
    assert types([y]) == FUSED[:1]
    dy = tf.placeholder(tf.float32, sizes)
    gradients = tf.gradients(y, given, [dy])
    assert types([y, *gradients]) == FUSED
    assert types([y, *gradients[1:]]) == FUSED
    residual = tf.gradients(y + given[0], given, [dy])
    assert types([y, *residual]) == ["AddN", *FUSED]


def test_what_others_read_is_left() -> None:
    x, scale, offset = inputs(4, 6)
    mean, variance = tf.nn.moments(x, [-1], keep_dims=True)
    y = tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-5)
    assert "LayerNormalization" not in types([y, mean])
    assert "LayerNormalization" not in types([y * variance])
    (first,) = tf.gradients(tf.square(y), [x])
    assert "LayerNormalization" not in types(tf.gradients(first, [x]))


@pytest.mark.parametrize("axes", [[0], [0, 1]])
def test_other_axes_are_left(axes: list[int]) -> None:
    x, scale, offset = inputs(6, 6)
    mean, variance = tf.nn.moments(x, axes, keep_dims=True)
    y = tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-5)
    assert "LayerNormalization" not in types([y])


def test_scales_that_are_no_rows_are_left() -> None:
    x, _, offset = inputs(4, 6)
    assert "LayerNormalization" not in types([norm(x, tf.placeholder(tf.float32, [4, 6]), offset)])
    assert "LayerNormalization" not in types([norm(x, tf.placeholder(tf.float32, []), offset)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [(8, 6), (2, 3, 17), (300, 128)])
def test_training_with_the_pass_off_is_the_same(dtype: Any, sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(7)
    start = [rng.normal(size=s).astype(dtype) for s in (sizes, sizes[-1:], sizes[-1:], sizes)]
    x, scale, offset = (tf.Variable(value) for value in start[:3])
    y = norm(x, scale, offset)
    loss = tf.reduce_mean(tf.square(norm(y + x, scale, offset) - start[3]))
    train = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    results = []
    for options in ({}, {"passes_off": ["fuse_layer_norm"]}, {"backend": "numpy"}, {"backend": "reference"}):
        with tf.Session(**options) as session:
            session.run(tf.global_variables_initializer())
            losses = [session.run([loss, train])[0] for _ in range(3)]
            results.append([np.array(losses), *session.run([x, scale, offset])])
            # Nothing is rewritten for the reference executor.
            if options.get("backend") != "reference":
                fused = dtype == np.float32 and "passes_off" not in options
                assert ("LayerNormalizationGrad" in session.explain([loss, train])) == fused
    for result in results[1:]:
        for value, expected in zip(result, results[0], strict=True):
            np.testing.assert_allclose(value, expected, rtol=2e-4, atol=2e-5)

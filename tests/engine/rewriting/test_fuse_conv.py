"""The pass that joins convolutions and pools with what follows them: what it takes, what it leaves, the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as tf
from headrace.engine.rewriting.lower import lower
from headrace.engine.rewriting.passes import Rewrites

STEPS = ["infer", "prune", "fuse_conv", "prune"]


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def types(fetches: list[Any], targets: list[Any] | None = None) -> list[str]:
    feeds = [op.outputs[0] for op in fetches[0].graph.get_operations() if op.type == "Placeholder"]
    flow = Rewrites(check=True).apply(lower(fetches[0].graph, fetches, targets or [], feeds), STEPS)
    return sorted(n.type for n in flow.nodes if n.type not in ("_Feed", "Const"))


def image(*sizes: int, dtype: Any = tf.float32) -> Any:
    return tf.placeholder(dtype, sizes)


def convolution(x: Any, outputs: int = 3) -> Any:
    return tf.nn.conv2d(x, tf.constant(np.ones((2, 2, x.shape[-1], outputs)), x.dtype), [1, 1, 1, 1], "SAME")


def test_bias_and_relu_are_taken() -> None:
    y = convolution(image(1, 4, 4, 2))
    biased = tf.nn.bias_add(y, [1.0, 2.0, 3.0])
    assert types([biased]) == ["_FusedConv2D"]
    assert types([tf.nn.relu(biased)]) == ["_FusedConv2D"]
    assert types([tf.nn.relu(biased), tf.exp(biased)]) == ["Exp", "Relu", "_FusedConv2D"]


def test_what_others_see_is_left() -> None:
    x = image(1, 4, 4, 2)
    y = convolution(x)
    biased = tf.nn.bias_add(y, [1.0, 2.0, 3.0])
    assert types([biased, y]) == ["BiasAdd", "Conv2D"]
    assert types([biased, tf.exp(y)]) == ["BiasAdd", "Conv2D", "Exp"]
    with tf.control_dependencies([y]):
        late = tf.nn.l2_loss(x)
    assert "Conv2D" in types([tf.nn.bias_add(y, tf.fill([3], late))])
    assert types([tf.nn.bias_add(convolution(image(1, 4, 4, 2, dtype=tf.float64)), [1.0, 2.0, 3.0])]) == [
        "BiasAdd",
        "Conv2D",
    ]


def network(x: Any) -> tuple[Any, list[Any]]:
    """Two convolutions with biases, relus and a pool, and all gradients."""
    rng = np.random.default_rng(3)
    first, second = (tf.constant(rng.normal(size=s).astype(np.float32)) for s in ((3, 3, 2, 4), (3, 3, 4, 5)))
    b1, b2 = tf.constant(rng.normal(size=4).astype(np.float32)), tf.constant(rng.normal(size=5).astype(np.float32))
    hidden = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, first, [1, 1, 1, 1], "SAME"), b1))
    y = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(hidden, second, [1, 1, 1, 1], "SAME"), b2))
    loss = tf.reduce_sum(tf.square(tf.nn.max_pool(y, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")))
    return loss, tf.gradients(loss, [first, second, b1, b2, x])


def test_gradients_are_taken() -> None:
    loss, gradients = network(image(2, 6, 6, 2))
    found = types([loss, *gradients])
    assert {"_FusedConv2D", "_MaxPoolGradReluGrad", "_Conv2DBackpropInputReluGrad"} <= set(found)
    assert found.count("BiasAddGrad") == 1 and not {"ReluGrad", "MaxPoolGrad", "Relu", "BiasAdd"} & set(found)


@pytest.mark.parametrize("backend", ["numpy", "cpu"])
def test_numbers_stay_the_same(backend: str) -> None:
    x = image(2, 6, 7, 2)
    loss, gradients = network(x)
    feeds = {x: np.random.default_rng(4).normal(size=(2, 6, 7, 2)).astype(np.float32)}
    results = []
    for options in ({"backend": backend}, {"backend": backend, "passes_off": ["fuse_conv"]}, {"backend": "reference"}):
        with tf.Session(**options) as session:
            results.append(session.run([loss, *gradients], feeds))
    for result in results[:2]:
        for a, b in zip(result, results[2], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * np.abs(b).max())

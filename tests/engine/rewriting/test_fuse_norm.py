"""The pass that joins batch normalisation and cross entropy with their neighbours: what it takes and leaves, and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as tf
from headrace.engine.rewriting.lower import lower
from headrace.engine.rewriting.passes import Rewrites

STEPS = ["infer", "fold", "merge", "prune", "fuse_norm", "prune"]
FUSED = {"_FusedBatchNormEx", "_ReluGradFusedBatchNormGrad", "_ScaledSparseSoftmaxCrossEntropyWithLogits"}


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def types(fetches: list[Any]) -> list[str]:
    feeds = [op.outputs[0] for op in fetches[0].graph.get_operations() if op.type == "Placeholder"]
    flow = Rewrites(check=True).apply(lower(fetches[0].graph, fetches, [], feeds), STEPS)
    return sorted(n.type for n in flow.nodes if n.type not in ("_Feed", "Const"))


def norm(x: Any, training: bool = True) -> Any:
    moments = ([], []) if training else (np.zeros(3, np.float32), np.ones(3, np.float32))
    return tf.nn.fused_batch_norm(x, [1.0, 2.0, 3.0], [0.5, 0.25, 0.0], *moments, is_training=training)


def images() -> Any:
    return tf.placeholder(tf.float32, [2, 4, 4, 3])


def test_relu_and_addition_are_taken() -> None:
    x = images()
    y, mean, variance = norm(x)
    assert types([tf.nn.relu(y), mean, variance]) == ["_FusedBatchNormEx"]
    assert types([tf.nn.relu(y + x), mean]) == ["_FusedBatchNormEx"]
    assert types([tf.nn.relu(norm(x, False)[0] + y)]) == ["FusedBatchNormV3", "_FusedBatchNormEx"]


def test_what_others_see_is_left() -> None:
    x = images()
    y, mean, _ = norm(x)
    assert types([tf.nn.relu(y), y]) == ["FusedBatchNormV3", "Relu"]
    assert types([tf.nn.relu(y + mean)]) == ["AddV2", "FusedBatchNormV3", "Relu"]
    assert types([tf.nn.relu(y + x * tf.reduce_sum(mean))]) == ["AddV2", "FusedBatchNormV3", "Mul", "Relu", "Sum"]
    assert types([tf.nn.relu(y + y)]) == ["AddV2", "FusedBatchNormV3", "Relu"]


def test_a_scale_of_the_loss_itself_is_left() -> None:
    logits, labels = tf.placeholder(tf.float32, [4, 5]), tf.constant([0, 1, 2, 3])
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    (plain,) = tf.gradients(tf.reduce_mean(losses), [logits])
    assert types([plain, losses]) == ["_ScaledSparseSoftmaxCrossEntropyWithLogits"]
    (squared,) = tf.gradients(tf.reduce_mean(tf.square(losses)), [logits])
    assert "SparseSoftmaxCrossEntropyWithLogits" in types([squared])


def network() -> tuple[Any, list[Any]]:
    """Two blocks as of residual networks, one with a normalised shortcut, and their gradients."""
    x = images()
    rng = np.random.default_rng(3)
    weights = [tf.constant(rng.normal(size=(3, 3, 3, 3)).astype(np.float32)) for _ in range(4)]
    scale, offset = tf.constant([1.0, 2.0, 0.5]), tf.constant([0.5, 0.25, 0.0])
    means = []

    def block(h: Any, w: Any) -> Any:
        y, mean, _ = tf.nn.fused_batch_norm(tf.nn.conv2d(h, w, [1, 1, 1, 1], "SAME"), scale, offset)
        means.append(mean * 2)
        return y

    h = tf.nn.relu(block(x, weights[0]))
    h = tf.nn.relu(block(h, weights[1]) + h)
    h = tf.nn.relu(block(h, weights[2]) + block(h, weights[3]))
    logits = tf.reshape(h, [8, 12])
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=np.arange(8), logits=logits))
    return x, [loss, *means, *tf.gradients(loss, [*weights, scale, offset, x])]


def test_gradients_are_taken() -> None:
    found = types(network()[1])
    assert set(found) >= FUSED and not {"Relu", "ReluGrad", "AddV2"} & set(found)


@pytest.mark.parametrize("backend", ["numpy", "cpu"])
def test_numbers_stay_the_same(backend: str) -> None:
    x, fetches = network()
    feed = {x: np.random.default_rng(4).standard_normal((2, 4, 4, 3)).astype(np.float32)}
    with tf.Session(backend="reference") as session:
        expected = session.run(fetches, feed)
    with tf.Session(backend=backend) as session:
        for _ in range(2):
            for one, other in zip(session.run(fetches, feed), expected, strict=True):
                np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)

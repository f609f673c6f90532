"""The pass that makes one node of attention: what it takes and leaves, numbers, and memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as tf
from headrace.engine.native import library
from headrace.engine.rewriting.lower import lower
from headrace.engine.rewriting.passes import Rewrites

STEPS = ["infer", "fold", "merge", "simplify", "prune", "fuse_attention", "prune"]


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def types(fetches: list[Any]) -> set[str]:
    feeds = [op.outputs[0] for op in fetches[0].graph.get_operations() if op.type == "Placeholder"]
    flow = Rewrites(check=True).apply(lower(fetches[0].graph, fetches, [], feeds), STEPS)
    return {n.type for n in flow.nodes if n.type not in ("_Feed", "Const")}


def heads(count: int = 3, sizes: tuple[int, ...] = (2, 3, 5, 4)) -> list[Any]:
    return [tf.placeholder(tf.float32, sizes) for _ in range(count)]


MASK = np.float32(np.triu(np.ones((5, 5)), 1) * -1e9)
SCORES: list[Any] = [
    lambda q, k: tf.matmul(q, k, transpose_b=True),
    lambda q, k: tf.matmul(q, k, transpose_b=True) * 0.5 + MASK,
    lambda q, k: MASK + tf.matmul(q, k, transpose_b=True) / 2.0,
    lambda q, k: tf.matmul(q, tf.transpose(k, [0, 1, 3, 2])) - np.float32(np.eye(5)),
]


@pytest.mark.parametrize("scores", SCORES)
def test_attention_and_its_gradient_are_two_nodes(scores: Any) -> None:
    q, k, v = given = heads()
    mixed = tf.matmul(tf.nn.softmax(scores(q, k)), v)
    assert types([mixed]) == {"_Attention"}
    found = types([mixed, *tf.gradients(mixed, given, heads(1))])
    assert found == {"_Attention", "_AttentionGrad"}


def test_what_others_read_is_left() -> None:
    q, k, v = heads()
    weights = tf.nn.softmax(tf.matmul(q, k, transpose_b=True))
    mixed = tf.matmul(weights, v)
    assert "Softmax" in types([mixed, weights])
    assert "Softmax" in types([mixed, *tf.gradients(mixed, [v])])
    mask = tf.placeholder(tf.float32, [5, 5])
    masked = tf.matmul(tf.nn.softmax(tf.matmul(q, k, transpose_b=True) + mask), v)
    assert types([masked]) == {"_Attention"}
    assert "Softmax" in types([masked, *tf.gradients(masked, [q, k, v, mask])])
    assert "Softmax" in types([tf.matmul(tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * mask), v)])


def projected(x: Any) -> Any:
    """Query, key and value as parts of one array, and back to rows."""
    batch, rows, width = x.shape.as_list()
    parts = tf.reshape(x, [batch, rows, 3, 2, width // 6])
    q, k, v = tf.unstack(tf.transpose(parts, [2, 0, 3, 1, 4]))
    weights = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * 0.5 + MASK[:rows, :rows])
    return tf.reshape(tf.transpose(tf.matmul(weights, v), [0, 2, 1, 3]), [batch * rows, width // 3])


def test_parts_of_one_array_are_not_copied() -> None:
    x, dy = tf.placeholder(tf.float32, [2, 5, 24]), tf.placeholder(tf.float32, [10, 8])
    y = projected(x)
    found = types([y, *tf.gradients(y, [x], [dy])])
    assert {"_Attention", "_PackedAttentionGrad"} < found
    assert not found & {"Pack", "Unpack", "BatchMatMulV2"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_are_the_same_with_the_pass_off(dtype: Any) -> None:
    rng = np.random.default_rng(11)
    x = tf.constant(rng.standard_normal((2, 5, 24)).astype(dtype))
    parts = [tf.constant(rng.standard_normal((3, 5, 4)).astype(dtype)) for _ in range(3)]
    y = projected(x) if dtype == np.float32 else tf.reshape(x, [-1, 8])
    z = tf.matmul(tf.nn.softmax(tf.matmul(parts[0], parts[1], transpose_b=True) / 2.0), parts[2])
    fetches = [y, z, *tf.gradients([tf.square(y), tf.square(z)], [x, *parts])]
    results = []
    for options in ({}, {"passes_off": ["fuse_attention"]}, {"backend": "numpy"}, {"backend": "reference"}):
        with tf.Session(**options) as session:
            results.append(session.run(fetches))
    for result in results[1:]:
        for value, expected in zip(result, results[0], strict=True):
            np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_layers_of_keras_use_it(dropout: float) -> None:
    rng = np.random.default_rng(12)
    x = tf.placeholder(tf.float32, [2, 6, 8])
    layer = tf.keras.layers.MultiHeadAttention(num_heads=2, key_dim=4, dropout=dropout, seed=3)
    y = layer(x, x, use_causal_mask=True, training=True)
    (dx,) = tf.gradients(tf.square(y), [x])
    feed = {x: rng.standard_normal((2, 6, 8)).astype(np.float32)}
    with tf.Session() as session, tf.Session(passes_off=["fuse_attention"]) as plain:
        start = [rng.standard_normal(v.shape.as_list()).astype(np.float32) for v in layer.weights]
        for one in (session, plain):
            one.run([tf.assign(v, value).op for v, value in zip(layer.weights, start, strict=True)])
        assert "_AttentionGrad" in session.explain([y, dx], feed)
        for value, expected in zip(session.run([y, dx], feed), plain.run([y, dx], feed), strict=True):
            # Sums of large numbers of both signs: what is lost is a share of the largest.
            np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@pytest.mark.skipif(isinstance(library.load(), str), reason="no native runtime: NumPy computes attention in parts")
@pytest.mark.parametrize("rate", [0.0, 0.5])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_memory_is_not_quadratic(dtype: str, rate: float) -> None:
    def arena(steps: int) -> int:
        q, k, v = given = heads(3, (1, 2, steps, 16))
        q, k, v = (tf.cast(x, dtype) for x in given)
        weights = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * tf.cast(0.25, dtype))
        mixed = tf.cast(tf.matmul(tf.nn.dropout(weights, rate=rate), v), tf.float32)
        fetches = [tf.reduce_sum(g) for g in tf.gradients(tf.reduce_sum(tf.square(mixed)), given)]
        with tf.Session(backend="cpu") as session:
            text = session.explain(fetches, {x: np.zeros(x.shape.as_list(), np.float32) for x in given})
        assert not [line for line in text.splitlines() if "NumPy" in line and "_DropoutChance" not in line]
        return int(text.rsplit("arena ", 1)[1].split()[0])

    assert arena(2048) < 2.2 * arena(1024) < 1024 * 1024 * 4

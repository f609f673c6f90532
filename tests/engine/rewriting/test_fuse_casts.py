"""Casts become part of element-wise chains and drop before sums, and the values stay what they were."""

import numpy as np
import pytest

import headrace as tf
from headrace.engine.rewriting.fuse_casts import fuse_casts
from headrace.engine.rewriting.lower import lower
from headrace.engine.rewriting.passes import PASSES, Rewrites

X = np.random.default_rng(3).normal(size=(6, 8)).astype(np.float32)


def nodes_after(fetches, feeds):
    flow = lower(tf.get_default_graph(), fetches, [], feeds)
    return [(node.type, *node.attrs.get("parts", [])) for node in Rewrites().apply(flow, PASSES).nodes]


def narrow_and_wide(x):
    half = tf.cast(x * 2, tf.bfloat16)
    return tf.cast(tf.nn.relu(half) + half, tf.float32) * 3 + x


def test_casts_join_what_is_around():
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [6, 8])
        kinds = nodes_after([narrow_and_wide(x)], [x])
        assert [kind[0] for kind in kinds if kind[0] not in ("_Feed", "Const")] == ["_Fused"]
        assert {part for kind in kinds for part in kind[1:]} >= {"Mul", "Cast", "Relu", "AddV2"}


def test_sums_read_what_a_cast_reads():
    with tf.Graph().as_default():
        x = tf.placeholder(tf.bfloat16, [6, 8])
        wide = tf.cast(x, tf.float32)
        kinds = nodes_after([tf.reduce_sum(wide, 0), tf.reduce_mean(wide, 1)], [x])
        assert "Cast" not in [kind[0] for kind in kinds]
        other = nodes_after([tf.reduce_sum(tf.cast(x, tf.float64)), tf.reduce_max(wide)], [x])
        assert [kind[0] for kind in other].count("Cast") == 2


def test_products_are_written_in_float32():
    with tf.Graph().as_default():
        x = tf.placeholder(tf.bfloat16, [6, 8])
        product = tf.matmul(x, x, transpose_b=True)
        assert [kind[0] for kind in nodes_after([tf.cast(product, tf.float32)], [x])] == ["_Feed", "MatMul"]
        kinds = nodes_after([tf.cast(product, tf.float32), product], [x])
        assert [kind[0] for kind in kinds] == ["_Feed", "MatMul", "Cast"]


@pytest.mark.parametrize("kind", ["bfloat16", "float16", "float64"])
def test_values(monkeypatch, kind):
    # As a backend for a device does it, here on the host.
    monkeypatch.setattr("headrace.engine.compiler.ONLY_ON_DEVICES", frozenset())
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [6, 8])
        y = tf.cast(tf.tanh(tf.cast(x, kind) * 2) + 1, tf.float32)
        z = tf.cast(tf.add_n([tf.cast(x > 0, kind), tf.cast(x, kind), tf.cast(y, kind)]), tf.float32)
        p = tf.cast(tf.matmul(tf.cast(x, kind), tf.cast(x, kind), transpose_a=True), tf.float32)
        fetches = [p, y * x, tf.reduce_sum(z, 0), tf.reduce_mean(tf.cast(tf.cast(z, kind), tf.float32))]
        with tf.Session() as session, tf.Session(backend="reference") as reference:
            found, expected = session.run(fetches, {x: X}), reference.run(fetches, {x: X})
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, 2e-2, 2e-2)
    assert fuse_casts is PASSES["fuse_casts"]


def test_what_a_cast_that_waits_reads_stays_wide():
    with tf.Graph().as_default():
        x, p = tf.placeholder(tf.float32, [6, 8]), tf.placeholder(tf.float32, [])
        y = tf.contrib.layers.layer_norm(x, begin_norm_axis=-1)
        with tf.control_dependencies([p + 1]):
            late = tf.cast(y, tf.float64)
        flow = lower(tf.get_default_graph(), [tf.cast(y, tf.bfloat16) * 2, late * 2], [], [x, p])
        nodes = Rewrites().apply(flow, PASSES).nodes
    kept = [node for node in nodes if node.type == "LayerNormalization"]
    assert [node.outputs[0].dtype for node in kept] == [tf.float32]

"""The losses in TensorFlow's ops, for its session and for tf.function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from workloads import Workload, blocks

Tensors = dict[str, Any]
# The loss, and the new values of state variables.
Result = tuple[Any, list[tuple[Any, Any]]]


def mean_cross_entropy(labels: Any, logits: Any) -> Any:
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))


def affine(x: Any, p: Tensors, name: Any) -> Any:
    return tf.nn.bias_add(tf.matmul(x, p[f"kernel{name}"]), p[f"bias{name}"])


def linear(w: Workload, p: Tensors, s: Tensors, b: Tensors) -> Result:
    return tf.reduce_mean(tf.square(tf.matmul(b["x"], p["kernel1"]) + p["bias1"] - b["y"])), []


def layers(w: Workload, p: Tensors, s: Tensors, b: Tensors) -> Result:
    hidden, count = b["x"], len(p) // 2
    for i in range(1, count):
        hidden = tf.nn.relu(affine(hidden, p, i))
    return mean_cross_entropy(b["y"], affine(hidden, p, count)), []


def convolutional(w: Workload, p: Tensors, s: Tensors, b: Tensors) -> Result:
    x = b["x"]
    for i in range(1, len(w.size.channels) + 1):
        x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, p[f"filter{i}"], 1, "SAME"), p[f"shift{i}"]))
        x = tf.nn.max_pool2d(x, 2, 2, "SAME")
    hidden = tf.nn.relu(affine(tf.reshape(x, [w.size.batch, -1]), p, 1))
    return mean_cross_entropy(b["y"], affine(hidden, p, 2)), []


def residual(w: Workload, p: Tensors, s: Tensors, b: Tensors) -> Result:
    updates = []

    def convolution(x: Any, name: str, stride: int = 1) -> Any:
        x = tf.nn.conv2d(x, p[name + "filter"], stride, "SAME")
        y, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            x, p[name + "scale"], p[name + "offset"], epsilon=w.size.epsilon, is_training=True
        )
        for key, value in ((name + "mean", mean), (name + "variance", variance)):
            updates.append((s[key], s[key] + (1 - w.size.decay) * (value - s[key])))
        return y

    x = tf.nn.relu(convolution(b["x"], "stem_"))
    for name, _, _, stride in blocks(w.size):
        y = tf.nn.relu(convolution(x, name + "first_", stride))
        y = convolution(y, name + "second_")
        x = tf.nn.relu(y + (convolution(x, name + "short_", stride) if name + "short_filter" in p else x))
    return mean_cross_entropy(b["y"], affine(tf.reduce_mean(x, [1, 2]), p, 1)), updates


def recurrent(w: Workload, p: Tensors, s: Tensors, b: Tensors) -> Result:
    words = tf.unstack(tf.nn.embedding_lookup(p["embedding"], b["x"]), axis=1)
    updates = []
    for layer in (1, 2):
        c, h = tf.identity(s[f"c{layer}"]), tf.identity(s[f"h{layer}"])
        outputs = []
        for word in words:
            i, j, f, o = tf.split(affine(tf.concat([word, h], 1), p, layer), 4, 1)
            c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
            h = tf.tanh(c) * tf.sigmoid(o)
            outputs.append(h)
        updates += [(s[f"c{layer}"], c), (s[f"h{layer}"], h)]
        words = outputs
    hidden = tf.reshape(tf.stack(words, 1), [-1, w.size.hidden])
    return mean_cross_entropy(tf.reshape(b["y"], [-1]), affine(hidden, p, "")), updates


def wide_and_deep(w: Workload, p: Tensors, s: Tensors, b: Tensors) -> Result:
    ids = tf.unstack(b["ids"], axis=1)
    rows = [tf.nn.embedding_lookup(p[f"deep{i}"], column) for i, column in enumerate(ids)]
    wide = tf.add_n([tf.nn.embedding_lookup(p[f"wide{i}"], column) for i, column in enumerate(ids)])
    wide = wide + tf.matmul(b["numeric"], p["wide_kernel"]) + p["wide_bias"]
    hidden = tf.concat([*rows, b["numeric"]], 1)
    for i in (1, 2):
        hidden = tf.nn.relu(affine(hidden, p, i))
    logits = affine(hidden, p, 3) + wide
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=b["y"], logits=logits)), []


def transformer(w: Workload, p: Tensors, s: Tensors, b: Tensors) -> Result:
    size = w.size
    batch, steps, width, heads = size.batch, size.steps, size.width, size.heads
    depth = width // heads

    def norm(x: Any, name: str) -> Any:
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return (x - mean) * tf.math.rsqrt(variance + 1e-5) * p[name + "scale"] + p[name + "offset"]

    def dense(x: Any, name: str) -> Any:
        return tf.matmul(x, p[name + "kernel"]) + p[name + "bias"]

    mask = tf.constant((1 - np.tril(np.ones((steps, steps), np.float32))) * -1e9)
    x = tf.reshape(tf.nn.embedding_lookup(p["embedding"], b["x"]) + p["positions"], [-1, width])
    for layer in range(size.layers):
        name = f"layer{layer}_"
        parts = tf.reshape(dense(norm(x, name + "first_"), name + "qkv_"), [batch, steps, 3, heads, depth])
        query, key, value = tf.unstack(tf.transpose(parts, [2, 0, 3, 1, 4]))
        scores = tf.nn.softmax(tf.matmul(query, key, transpose_b=True) * depth**-0.5 + mask)
        mixed = tf.reshape(tf.transpose(tf.matmul(scores, value), [0, 2, 1, 3]), [-1, width])
        x = x + dense(mixed, name + "out_")
        inner = tf.nn.gelu(dense(norm(x, name + "second_"), name + "up_"), approximate=True)
        x = x + dense(inner, name + "down_")
    return mean_cross_entropy(tf.reshape(b["y"], [-1]), tf.matmul(norm(x, "last_"), p["kernel"])), []


LOSSES: dict[str, Callable[[Workload, Tensors, Tensors, Tensors], Result]] = {
    "linear": linear,
    "layers": layers,
    "convolutional": convolutional,
    "residual": residual,
    "recurrent": recurrent,
    "wide_and_deep": wide_and_deep,
    "transformer": transformer,
}

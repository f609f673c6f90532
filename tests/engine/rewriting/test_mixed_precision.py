"""Products in 16 bits: which nodes change, which do not, and that training follows float32's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import headrace as tf
from headrace.engine.rewriting.lower import lower
from headrace.engine.rewriting.passes import Rewrites
from headrace.engine.session_config import mixed_precision_of, precisions_of

STEPS = ["infer", "fold", "merge", "simplify", "prune", "fuse_attention", "fuse_layer_norm"]


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


def rewritten(fetches: list[Any], dtype: str = "bfloat16") -> Any:
    feeds = [op.outputs[0] for op in fetches[0].graph.get_operations() if op.type == "Placeholder"]
    return Rewrites(check=True, mixed_precision=dtype).apply(lower(fetches[0].graph, fetches, [], feeds), STEPS)


def dtypes(fetches: list[Any]) -> dict[str, str]:
    """The dtype of the first output of each node by its name."""
    return {n.name: n.outputs[0].dtype.name for n in rewritten(fetches).nodes if n.outputs}


def test_products_are_short_and_what_is_fetched_is_not() -> None:
    x = tf.placeholder(tf.float32, [4, 3])
    y = tf.matmul(x, tf.get_variable("w", [3, 2]), name="y")
    assert dtypes([y])["y"] == "bfloat16"
    flow = rewritten([y])
    assert flow.fetches[0].dtype == tf.float32
    # Both operands and the result.
    assert [n.type for n in flow.nodes].count("Cast") == 3


def test_between_products_nothing_is_cast() -> None:
    x = tf.placeholder(tf.float32, [4, 3])
    hidden = tf.nn.relu(tf.nn.bias_add(tf.matmul(x, tf.ones([3, 3])), tf.get_variable("b", [3])), name="hidden")
    y = tf.matmul(tf.reshape(hidden, [4, 3], name="same"), tf.ones([3, 2]), name="y")
    found = dtypes([y])
    assert found["hidden"] == "bfloat16"
    assert found["y"] == "bfloat16"
    # The input, the variable and the result.
    assert [n.type for n in rewritten([y]).nodes].count("Cast") == 3


@pytest.mark.parametrize(
    ("follows", "expected"),
    [
        (lambda h: h * 0.5, "bfloat16"),
        # What would not be the same number in 16 bits.
        (lambda h: h * 0.1, "float32"),
        (tf.exp, "float32"),
        (tf.nn.softmax, "float32"),
        (tf.tanh, "bfloat16"),
        (lambda h: h + tf.placeholder(tf.float32, [4, 3]), "float32"),
    ],
)
def test_what_lies_between(follows: Any, expected: str) -> None:
    hidden = tf.matmul(tf.placeholder(tf.float32, [4, 3]), tf.ones([3, 3]))
    between = tf.identity(follows(hidden), name="between")
    found = dtypes([tf.matmul(between, tf.ones([3, 2]), name="y"), between])
    assert found.get("between", expected) == expected


def test_the_tail_after_the_last_product_is_float32() -> None:
    logits = tf.nn.bias_add(tf.matmul(tf.placeholder(tf.float32, [4, 3]), tf.ones([3, 3])), tf.ones([3]), name="logits")
    assert dtypes([tf.reduce_mean(tf.nn.softmax(logits))])["logits"] == "float32"


@pytest.mark.parametrize("dtype", [tf.float64, tf.int32])
def test_other_dtypes_stay(dtype: Any) -> None:
    y = tf.matmul(tf.placeholder(dtype, [2, 2]), tf.ones([2, 2], dtype), name="y")
    assert dtypes([y])["y"] == dtype.name


def test_norms_keep_their_parameters() -> None:
    x = tf.placeholder(tf.float32, [2, 4, 4, 3])
    y = tf.layers.conv2d(x, 4, 3, padding="same", use_bias=False)
    y = tf.layers.batch_normalization(y, training=True, fused=True, name="norm")
    flow = rewritten([tf.layers.conv2d(tf.nn.relu(y), 2, 3)])
    norm = next(n for n in flow.nodes if n.type.startswith("FusedBatchNorm"))
    assert [v.dtype.name for v in norm.inputs][:3] == ["bfloat16", "float32", "float32"]
    assert [v.dtype.name for v in norm.outputs][:3] == ["bfloat16", "float32", "float32"]


def losses(dtype: str | None, steps: int = 30) -> list[float]:
    """Of a small convolutional network, from the same starting values."""
    with tf.Graph().as_default():
        random = np.random.default_rng(0)
        images = random.standard_normal((16, 8, 8, 2)).astype(np.float32)
        labels = (images.mean((1, 2, 3)) > 0).astype(np.int32)
        x = tf.layers.conv2d(images, 8, 3, padding="same", activation=tf.nn.relu, kernel_initializer=_start(1))
        x = tf.layers.flatten(tf.layers.max_pooling2d(x, 2, 2))
        x = tf.layers.dense(x, 16, activation=tf.nn.relu, kernel_initializer=_start(2))
        logits = tf.layers.dense(x, 2, kernel_initializer=_start(3))
        loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
        train = tf.train.AdamOptimizer(0.01).minimize(loss)
        with tf.Session(mixed_precision=dtype, backend="numpy") as session:
            session.run(tf.global_variables_initializer())
            assert all(v.dtype.base_dtype == tf.float32 for v in tf.global_variables())
            return [session.run([loss, train])[0] for _ in range(steps)]


def _start(seed: int) -> Any:
    return lambda shape, dtype=None, partition_info=None: tf.constant(
        np.random.default_rng(seed).standard_normal(tuple(map(int, shape))) * 0.2, tf.float32
    )


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_training_follows_float32(dtype: str) -> None:
    exact, mixed = losses(None), losses(dtype)
    assert mixed != exact
    np.testing.assert_allclose(mixed, exact, rtol=0.1, atol=0.02)
    assert mixed[-1] < 0.3 * mixed[0]


def config(**toggles: int) -> Any:
    made = tf.ConfigProto()
    for name, value in toggles.items():
        setattr(made.graph_options.rewrite_options, name, value)
    return made


@pytest.mark.parametrize(
    ("given", "chosen", "expected"),
    [
        (None, None, "float32"),
        (config(), None, "float32"),
        (config(auto_mixed_precision=1), None, "float16"),
        (config(auto_mixed_precision=2), None, "float32"),
        (config(auto_mixed_precision_mkl=1), None, "bfloat16"),
        (config(auto_mixed_precision=1), "float32", "float32"),
        (None, "bfloat16", "bfloat16"),
    ],
)
def test_the_switch(given: Any, chosen: str | None, expected: str) -> None:
    assert mixed_precision_of(given, chosen) == expected


def test_unknown_dtypes_are_refused() -> None:
    with pytest.raises(
        ValueError, match="mixed_precision must be one of 'float32', 'tf32', 'bfloat16', 'float16', got 'float8'"
    ):
        tf.Session(mixed_precision="float8")


def test_what_a_choice_means() -> None:
    assert precisions_of("float32") == ("", "float32")
    assert precisions_of("tf32") == ("", "tf32")
    assert precisions_of("bfloat16") == ("bfloat16", "tf32")


@pytest.mark.parametrize(("size", "expected"), [(4, "bfloat16"), (256, "bfloat16"), (258, "float32")])
def test_attention_stays_one_node(size: int, expected: str) -> None:
    query, key, value = (tf.placeholder(tf.float32, [2, 3, 5, size]) for _ in range(3))
    scores = tf.matmul(query, key, transpose_b=True) * 0.5 + tf.placeholder(tf.float32, [5, 5])
    mixed = tf.matmul(tf.nn.softmax(scores), value)
    gradients = tf.gradients(tf.reduce_sum(mixed * mixed), [query, key, value])
    nodes = {n.type: n for n in rewritten([mixed, *gradients]).nodes}
    assert "Softmax" not in nodes
    forward, backward = nodes["_Attention"], nodes["_AttentionGrad"]
    assert [v.dtype.name for v in forward.inputs] == [expected] * 3 + ["float32"]
    assert [v.dtype.name for v in forward.outputs] == [expected] + ["float32"] * 2
    assert [v.dtype.name for v in backward.inputs] == [expected] * 5 + ["float32"] * 3
    assert [v.dtype.name for v in backward.outputs] == [expected] * 3

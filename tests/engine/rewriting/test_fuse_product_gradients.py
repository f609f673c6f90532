"""Which products take in the gradients of relus and biases, and which stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import headrace as tf
from headrace.engine.rewriting.dataflow import Dataflow
from headrace.engine.rewriting.lower import lower
from headrace.engine.rewriting.passes import PASSES, Rewrites

NEW = ("_FusedMatMulMask", "_MatMulReluGrad", "_MatMulBiasGrad")


@pytest.fixture(autouse=True)
def graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def rewritten(fetches: Any, feeds: Any, off: Any = ()) -> Dataflow:
    flow = lower(tf.get_default_graph(), fetches, [], feeds)
    return Rewrites(frozenset(off), check=True).apply(flow, PASSES)


def made(fetches: Any, feeds: Any, off: Any = ()) -> list[int]:
    """How many nodes of each of the new types there are."""
    types = [node.type for node in rewritten(fetches, feeds, off).nodes]
    return [types.count(name) for name in NEW]


def placeholders(*shapes: tuple[int, ...]) -> list[Any]:
    return [tf.placeholder(tf.float32, shape) for shape in shapes]


def test_two_layers() -> None:
    x, w, b, v = placeholders((4, 3), (3, 5), (5,), (5, 2))
    y = tf.nn.relu(tf.nn.bias_add(tf.matmul(x, w), b))
    fetches = tf.gradients(tf.matmul(y, v), [w, b, v])
    assert made(fetches, [x, w, b, v]) == [1, 1, 1]
    assert made([*fetches, y], [x, w, b, v]) == [1, 1, 1]
    assert made(fetches, [x, w, b, v], ["fuse_product_gradients"]) == [0, 0, 0]
    assert made(fetches, [x, w, b, v], ["fuse_matmul"]) == [0, 0, 0]


def sums(dy: Any) -> Any:
    return tf.reduce_sum(dy, 0)


@pytest.mark.parametrize(
    ("total", "count"),
    [
        (sums, 1),
        (lambda dy: tf.reduce_sum(dy, [0]), 1),
        (lambda dy: tf.raw_ops.BiasAddGrad(out_backprop=dy), 1),
        (lambda dy: tf.raw_ops.BiasAddGrad(out_backprop=tf.reshape(dy, [2, 2, 5])), 1),
        (lambda dy: tf.reduce_sum(tf.reshape(dy, [2, 2, 5]), [0, 1]), 1),
        (lambda dy: tf.reduce_sum(tf.reshape(dy, [2, 2, 5]), [0]), 0),
        (lambda dy: tf.reduce_sum(tf.reshape(dy, [2, 10]), 0), 0),
        (lambda dy: tf.reduce_sum(dy, 0, keepdims=True), 0),
        (lambda dy: tf.reduce_sum(dy, 1), 0),
        (lambda dy: tf.reduce_mean(dy, 0), 0),
        (lambda dy: tf.reduce_sum(tf.cast(dy, tf.float64), 0), 0),
    ],
)
def test_sums_beside_a_product(total: Callable[[Any], Any], count: int) -> None:
    x, dy = placeholders((4, 3), (4, 5))
    assert made([tf.matmul(x, dy, transpose_a=True), total(dy)], [x, dy]) == [0, 0, count]
    assert made([tf.matmul(dy, x, transpose_a=True), total(dy)], [x, dy]) == [0, 0, count]


def test_what_a_product_does_not_add_up() -> None:
    x, dy = placeholders((5, 3), (5, 5))
    # Along the rows of a factor.
    assert made([tf.matmul(dy, x), sums(dy)], [x, dy]) == [0, 0, 0]
    assert made([tf.matmul(x, dy, transpose_a=True, transpose_b=True), sums(dy)], [x, dy]) == [0, 0, 0]
    # What comes between the two.
    total = sums(dy)
    assert made([tf.matmul(x + total[:3], dy, transpose_a=True), total], [x, dy]) == [0, 0, 0]
    # One product gives one sum.
    product = tf.matmul(dy, dy, transpose_a=True)
    assert made([product, total], [x, dy]) == [0, 0, 1]
    wide = tf.placeholder(tf.float64, [4, 3])
    assert made([tf.matmul(wide, wide, transpose_a=True), sums(wide)], [wide]) == [0, 0, 0]


def test_relus_that_keep_their_features() -> None:
    x, w, b, dy = placeholders((4, 3), (3, 5), (5,), (4, 2))
    v = tf.placeholder(tf.float32, [5, 2])
    gradient = tf.matmul(dy, v, transpose_b=True)

    def of(y: Any) -> list[int]:
        return made([tf.raw_ops.ReluGrad(gradients=gradient, features=y)], [x, w, b, dy, v])

    assert of(tf.nn.relu(tf.matmul(x, w) + b)) == [1, 1, 0]
    assert of(tf.nn.relu(tf.matmul(x, w))) == [1, 1, 0]
    assert of(tf.nn.relu(tf.matmul(x, w) * b)) == [0, 0, 0]
    assert of(tf.nn.relu6(tf.matmul(x, w) + b)) == [0, 0, 0]
    assert of(tf.nn.relu(tf.tanh(x) @ w + b) * 2) == [0, 0, 0]


def test_two_gradients_read_one_mask() -> None:
    x, w, v, dy = placeholders((4, 3), (3, 5), (5, 2), (4, 2))
    y = tf.nn.relu(tf.matmul(x, w))
    gradients = [tf.raw_ops.ReluGrad(gradients=tf.matmul(d, v, transpose_b=True), features=y) for d in (dy, 2 * dy)]
    assert made(gradients, [x, w, v, dy]) == [1, 2, 0]


def test_what_waits_for_a_sum_comes_after_it() -> None:
    x, dy = placeholders((4, 3), (4, 5))
    total = sums(dy)
    with tf.control_dependencies([total]):
        after = tf.identity(x) * 3
    flow = rewritten([tf.matmul(x, dy, transpose_a=True), after], [x, dy])
    assert [node.type for node in flow.nodes].count("_MatMulBiasGrad") <= 1
    with tf.Session() as session:
        assert session.run(after, {x: np.ones((4, 3)), dy: np.ones((4, 5))}).sum() == 36


@pytest.mark.parametrize(
    ("width", "more", "expected"),
    [
        (16, lambda y, h, w: tf.gradients(y, [w]), [1, 1, 0, 0]),
        # Rows that begin where the library does not want them.
        (12, lambda y, h, w: tf.gradients(y, [w]), [0, 0, 1, 1]),
        # Nobody reads what the GELU is taken of.
        (16, lambda y, h, w: [], [0, 0, 1, 0]),
        (16, lambda y, h, w: [tf.matmul(h, h, transpose_b=True)], [1, 0, 0, 0]),
    ],
)
def test_gelus_in_16_bits(width: int, more: Callable[..., Any], expected: list[int]) -> None:
    x = tf.placeholder(tf.float32, [4, 3])
    w, b, v = (tf.get_variable(n, s) for n, s in (("w", [3, width]), ("b", [width]), ("v", [width, 2])))
    h = tf.nn.bias_add(tf.matmul(x, w), b)
    y = tf.matmul(tf.keras.activations.gelu(h, approximate=True), v)
    flow = lower(tf.get_default_graph(), [y, *more(y, h, w)], [], [x])
    nodes = Rewrites(frozenset(), "bfloat16", check=True).apply(flow, PASSES).nodes
    types = [part for node in nodes for part in node.attrs.get("parts", [node.type])]
    names = ("_FusedMatMulGelu", "_MatMulGeluGrad", "_Gelu", "_GeluGrad")
    assert [types.count(name) for name in names] == expected

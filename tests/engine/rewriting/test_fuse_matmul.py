"""What follows a product becomes part of it, where nobody else reads the product, and changes no result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import headrace as tf
from headrace.engine.rewriting.lower import lower
from headrace.engine.rewriting.passes import Rewrites


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


def numbers(*shape: int) -> Any:
    return np.random.default_rng(len(shape) + sum(shape)).standard_normal(shape).astype(np.float32)


def steps_of(fetches: list[Any], passes: tuple[str, ...] = ("fuse_matmul",)) -> list[Any]:
    """The steps of each fused product, after the passes."""
    flow = Rewrites(check=True).apply(lower(fetches[0].graph, fetches, [], []), ["infer", *passes, "prune"])
    return [n.attrs["steps"] for n in flow.nodes if n.type == "_FusedMatMul"]


def same(fetches: list[Any]) -> None:
    results = []
    for backend in ("cpu", "numpy", "reference"):
        with tf.Session(backend=backend) as session:
            session.run(tf.global_variables_initializer())
            results.append(session.run(fetches))
    for other in results[:2]:
        for a, b in zip(other, results[2], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


ROW, COLUMN, FULL = numbers(9), numbers(6, 1), numbers(6, 9)
CHAINS: list[tuple[Any, list[str]]] = [
    (lambda p: tf.nn.bias_add(p, ROW), ["AddV2"]),
    (lambda p: tf.nn.relu(tf.nn.bias_add(p, ROW)), ["AddV2", "Relu"]),
    (lambda p: tf.tanh(FULL + p * 0.5), ["Mul", "AddV2", "Tanh"]),
    (lambda p: tf.nn.leaky_relu(COLUMN * p, 0.3), ["Mul", "LeakyRelu"]),
    (lambda p: tf.nn.elu(tf.add_n([FULL, p])), ["AddV2", "Elu"]),
    (lambda p: tf.raw_ops.ReluGrad(gradients=p, features=FULL), ["ReluGrad"]),
    (lambda p: tf.raw_ops.SigmoidGrad(y=FULL, dy=p), ["SigmoidGrad"]),
    (lambda p: tf.sigmoid(p) * tf.constant(2.0), ["Sigmoid", "Mul"]),
]


@pytest.mark.parametrize("chain", range(len(CHAINS)))
def test_chains(chain: int) -> None:
    build, steps = CHAINS[chain]
    for transpose in (False, True):
        a = tf.get_variable(f"a{transpose}", initializer=numbers(4, 6) if transpose else numbers(6, 4))
        result = build(tf.matmul(a, numbers(4, 9), transpose_a=transpose))
        assert steps_of([result]) == [steps]
        same([result])


def test_a_product_that_others_read_stays() -> None:
    product = tf.matmul(tf.get_variable("a", initializer=numbers(6, 4)), numbers(4, 9))
    assert steps_of([product, tf.nn.relu(product)]) == []
    assert steps_of([tf.nn.relu(product) + tf.tanh(product)]) == []
    assert steps_of([product + product]) == []
    same([product, tf.nn.relu(product), product + product])


def test_what_makes_the_result_larger_stays() -> None:
    product = tf.matmul(tf.get_variable("a", initializer=numbers(1, 4)), numbers(4, 9))
    assert steps_of([product + FULL]) == []
    assert steps_of([product + numbers(2, 1, 9)]) == []
    same([product + FULL])


def test_two_products_that_are_added() -> None:
    a = tf.get_variable("a", initializer=numbers(6, 4))
    total = tf.nn.relu(tf.matmul(a, numbers(4, 9)) + tf.matmul(a, numbers(4, 9) * 2))
    assert steps_of([total]) == [["AddV2", "Relu"]]
    same([total])


def test_a_network_and_its_gradients() -> None:
    x = tf.constant(numbers(20, 7))
    hidden = tf.layers.dense(x, 33, activation=tf.nn.relu, kernel_initializer=tf.ones_initializer())
    hidden = tf.layers.dense(hidden, 17, activation=tf.nn.tanh, kernel_initializer=tf.ones_initializer())
    loss = tf.reduce_mean(tf.square(tf.layers.dense(hidden, 3, kernel_initializer=tf.ones_initializer())))
    gradients = tf.gradients(loss, tf.trainable_variables())
    found = steps_of([loss, *gradients])
    assert ["AddV2", "Relu"] in found and ["ReluGrad"] in found and ["TanhGrad"] in found
    same([loss, *gradients])

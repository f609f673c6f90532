"""Updates whose gradient is a product compute it themselves, where nobody else reads it, and change no result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import headrace as tf
from headrace.engine.rewriting.lower import lower
from headrace.engine.rewriting.passes import PASSES, Rewrites

OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "GradientDescent": lambda: tf.train.GradientDescentOptimizer(0.1),
    "Momentum": lambda: tf.train.MomentumOptimizer(0.1, 0.9),
    "Nesterov": lambda: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "Adam": lambda: tf.train.AdamOptimizer(0.1),
}


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


def numbers(*shape: int) -> Any:
    return np.random.default_rng(len(shape) + sum(shape)).standard_normal(shape).astype(np.float32)


def network(resource: bool, batch: int = 24) -> Any:
    with tf.variable_scope("net", use_resource=resource):
        first = tf.get_variable("first", initializer=numbers(30, 70))
        second = tf.get_variable("second", initializer=numbers(70, 11))
    hidden = tf.tanh(tf.matmul(tf.constant(numbers(batch, 30)), first))
    return tf.reduce_mean(tf.square(tf.matmul(hidden, second)))


def fused(fetches: list[Any], targets: list[Any]) -> list[str]:
    flow = Rewrites(check=True).apply(lower(fetches[0].graph, fetches, targets, []), PASSES)
    return sorted(n.type for n in flow.nodes if n.type.startswith("_MatMulApply"))


def trained(step: Any, fetches: list[Any], backend: str) -> list[Any]:
    with tf.Session(backend=backend) as session:
        session.run(tf.global_variables_initializer())
        values = [session.run([step, *fetches])[1:] for _ in range(3)]
        return [*np.concatenate([np.ravel(v) for v in values[-1]]), *session.run(tf.global_variables())]


@pytest.mark.parametrize("resource", [False, True])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("batch", [24, 900])
def test_training(optimizer: str, resource: bool, batch: int) -> None:
    loss = network(resource, batch)
    step = OPTIMIZERS[optimizer]().minimize(loss)
    rule = "Momentum" if optimizer == "Nesterov" else optimizer
    assert fused([loss], [step]) == [f"_MatMulApply{rule}"] * 2
    results = [trained(step, [loss], backend) for backend in ("cpu", "numpy", "reference")]
    for result in results[:2]:
        for value, expected in zip(result, results[2], strict=True):
            np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-4)


def test_a_gradient_that_others_read_is_computed_apart() -> None:
    loss = network(False)
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    gradients = optimizer.compute_gradients(loss)
    step = optimizer.apply_gradients(gradients)
    assert fused([loss], [step]) == ["_MatMulApplyGradientDescent"] * 2
    assert fused([loss, gradients[0][0]], [step]) == ["_MatMulApplyGradientDescent"]
    clipped, _ = tf.clip_by_global_norm([g for g, _ in gradients], 1.0)
    step = optimizer.apply_gradients(zip(clipped, [v for _, v in gradients], strict=True))
    assert fused([loss], [step]) == []


def test_readers_of_the_variable_come_first() -> None:
    weights = tf.get_variable("weights", initializer=numbers(6, 5))
    x = tf.constant(numbers(9, 6))
    before = tf.matmul(x, weights)
    loss = tf.reduce_sum(tf.square(before))
    (gradient,) = tf.gradients(loss, [weights])
    step = tf.train.GradientDescentOptimizer(1.0).apply_gradients([(gradient, weights)])
    late = tf.reduce_sum(tf.matmul(tf.exp(before), weights, transpose_b=True))
    results = [trained(step, [loss, late], backend) for backend in ("cpu", "reference")]
    for value, expected in zip(*results, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4)


def test_the_variable_as_a_factor_of_its_own_gradient() -> None:
    weights = tf.get_variable("weights", initializer=numbers(50, 50) / 10)
    step = tf.train.GradientDescentOptimizer(0.1).apply_gradients([(tf.matmul(weights, weights), weights)])
    assert fused([tf.constant(0.0)], [step]) == ["_MatMulApplyGradientDescent"]
    results = [trained(step, [tf.constant(0.0)], backend) for backend in ("cpu", "numpy", "reference")]
    for result in results[:2]:
        np.testing.assert_allclose(result[-1], results[2][-1], rtol=1e-4, atol=1e-5)


def test_a_decay_between_gradient_and_update_keeps_them_apart() -> None:
    results = []
    for off in ((), ("fuse_matmul_updates",)):
        with tf.Graph().as_default():
            x = tf.placeholder(tf.float32, [8, 4])
            w = tf.Variable(np.ones((4, 3), np.float32))
            gradient = tf.gradients(tf.reduce_sum(tf.square(tf.matmul(x, w))), w)[0]
            with tf.control_dependencies([gradient]):
                decay = w.assign_sub(0.1 * w)
            with tf.control_dependencies([decay]):
                step = tf.train.GradientDescentOptimizer(0.01).apply_gradients([(gradient, w)])
            with tf.Session(passes_off=off) as session:
                session.run(tf.global_variables_initializer())
                session.run(step, {x: np.arange(32, dtype=np.float32).reshape(8, 4)})
                results.append(session.run(w))
    np.testing.assert_allclose(*results, rtol=1e-6)

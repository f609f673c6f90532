"""Rewriting leaves alone what a step does beside its results: writes, checks, and the signs of zeros."""

from __future__ import annotations

import numpy as np
import pytest

import headrace as tf

TWICE = {
    "neg": (lambda x: tf.negative(x), lambda y: tf.negative(y)),
    "not": (lambda x: tf.logical_not(x > 0), lambda y: tf.logical_not(y)),
    "reshape": (lambda x: tf.reshape(x, [2, 2]), lambda y: tf.reshape(y, [1, 4])),
    "transpose": (lambda x: tf.transpose(x[None]), lambda y: tf.transpose(y)),
    "shape": (lambda x: tf.tanh(x), lambda y: tf.shape(y)),
    "size": (lambda x: tf.identity(x), lambda y: tf.size(y)),
    "product": (lambda x: tf.fill([], 1.0), lambda y: y * 2.0),
}


@pytest.mark.parametrize("name", TWICE)
@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_what_an_operation_waits_for_runs_although_its_value_is_not_needed(name, backend):
    first, second = TWICE[name]
    with tf.Graph().as_default(), tf.Session(backend=backend) as session:
        v = tf.Variable(0.0)
        x = tf.placeholder(tf.float32, [None])
        with tf.control_dependencies([tf.assign_add(v, 1.0)]):
            y = first(x)
        z = second(y)
        with tf.control_dependencies([z]):
            after = v.read_value()
        session.run(v.initializer)
        values = {x: [1.0, 2.0, 3.0, 4.0]}
        session.run(z, values)
        assert session.run(v) == 1.0
        assert session.run(after, values) == 2.0


def test_a_check_runs_although_the_value_it_guards_is_not_needed():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None])
        with tf.control_dependencies([tf.assert_positive(x)]):
            y = tf.transpose(x[None])
        with pytest.raises(tf.errors.InvalidArgumentError, match="> 0"):
            session.run(tf.transpose(y), {x: [-1.0]})


@pytest.mark.parametrize(
    ("build", "value"),
    [
        (lambda x: x - tf.constant([-0.0]), [-0.0]),
        (lambda x: x - tf.constant([0.0]), [-0.0]),
        (lambda x: x * 1.0, [-0.0]),
        (lambda x: tf.cast(x, tf.complex64) * (1 + 0j), [np.inf]),
        (lambda x: tf.cast(x, tf.complex64) / (1 + 0j), [np.inf]),
    ],
)
def test_neutral_elements_keep_every_bit(build, value):
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [1])
        y = build(x)
        results = [tf.Session(backend=b).run(y, {x: value}) for b in ("cpu", "reference")]
        assert results[0].tobytes() == results[1].tobytes()


@pytest.mark.parametrize(
    "build",
    [
        lambda sizes: tf.fill(sizes, 1.0),
        lambda sizes: tf.zeros(sizes) + 1.0,
        lambda sizes: tf.reshape(tf.ones([6]), sizes)[:1, :3],
        lambda sizes: tf.tile(tf.ones([1, 1]), sizes),
    ],
)
@pytest.mark.parametrize("given", [[2, 3], [1, 6], [6, 1]])
def test_shapes_taken_from_a_constant_do_not_hold_where_it_is_fed(build, given):
    with tf.Graph().as_default(), tf.Session() as session:
        sizes = tf.constant([2, 3])
        y = build(sizes)
        expected = tf.Session(backend="reference").run(y, {sizes: given})
        assert session.run(y, {sizes: given}).shape == expected.shape
        assert session.run(y).shape == tuple(y.shape.as_list())

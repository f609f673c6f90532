"""What comes before what: reads and writes of variables, updates that wait for each other, graphs that are deep."""

from __future__ import annotations

import numpy as np
import pytest

import headrace as tf


def _descent(variable):
    return tf.train.GradientDescentOptimizer(0.25).apply_gradients([(tf.constant(1.0), variable)])


def _momentum(variable):
    return tf.train.MomentumOptimizer(0.5, 0.0).apply_gradients([(tf.constant(1.0), variable)])


def test_two_kinds_of_updates_that_wait_for_each_other_crosswise():
    with tf.Graph().as_default(), tf.Session() as session:
        a, b, c, d = [tf.Variable(1.0, name=n) for n in "abcd"]
        first, second = _descent(a), _momentum(d)
        with tf.control_dependencies([first]):
            third = _momentum(c)
        with tf.control_dependencies([second]):
            fourth = _descent(b)
        session.run(tf.global_variables_initializer())
        session.run([first, second, third, fourth])
        assert session.run([a, b, c, d]) == [0.75, 0.75, 0.5, 0.5]


def test_a_count_inside_a_branch_is_a_write():
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable(0, name="v")
        before = tf.identity(v)
        counted = tf.cond(tf.constant(True), lambda: tf.count_up_to(v, 5), lambda: tf.constant(9))
        with tf.control_dependencies([counted]):
            after = v.read_value()
        session.run(v.initializer)
        late = before + 10
        for step in range(3):
            assert session.run([counted, before, late, after]) == [step, step, step + 10, step + 1]


@pytest.mark.parametrize("count", [2, 1500])
def test_values_that_go_around_a_ring_are_those_from_before_the_step(count):
    with tf.Graph().as_default(), tf.Session() as session:
        ring = [tf.Variable(float(i), use_resource=i % 2 == 0) for i in range(count)]
        moves = [v.assign(ring[i - 1].value()).op for i, v in enumerate(ring)]
        session.run(tf.global_variables_initializer())
        session.run(moves)
        assert session.run(ring) == [float((i - 1) % count) for i in range(count)]


@pytest.mark.parametrize("off", [[], ["simplify", "fuse", "merge"]])
def test_graphs_may_be_deep(off):
    with tf.Graph().as_default(), tf.Session(passes_off=off) as session:
        v = tf.Variable(np.arange(4.0))
        y = v.read_value()
        for _ in range(1500):
            y = tf.reshape(tf.expand_dims(y, 0), [4])
        with tf.control_dependencies([y]):
            changed = v.assign_add([1.0] * 4)
        gradient = tf.gradients(y, v)[0]
        session.run(v.initializer)
        values = session.run([y, gradient, changed])
        np.testing.assert_array_equal(values, [np.arange(4.0), np.ones(4), np.arange(1.0, 5.0)])

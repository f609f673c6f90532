"""Variables whose shape changes while a program runs, and assignments that must not change it."""

import numpy as np
import pytest

import headrace as tf
from headrace.engine.assignments import batch_scatter_update
from headrace.engine.resources import ResourceStore

BACKENDS = ["cpu", "reference"]


@pytest.fixture(params=BACKENDS)
def session(request):
    with tf.Graph().as_default() as graph:
        session = tf.Session(graph=graph, backend=request.param)
        yield session
        session.close()


def test_assign_without_validation_changes_a_static_shape(session):
    v, x = tf.Variable([1.0, 2.0]), tf.placeholder(tf.float32)
    put, double, scaled = tf.assign(v, x, validate_shape=False), v * 2.0, tf.exp(v - 1.0) * v
    session.run(v.initializer)
    assert session.run([double, scaled])[0].tolist() == [2, 4]
    for value in ([1.0, 2.0, 3.0], [[1.0, 2.0], [3.0, 4.0]], 5.0, [], [7.0]):
        assert np.array_equal(session.run(put, {x: value}), value)
        assert np.array_equal(session.run(double), np.multiply(value, 2))
        np.testing.assert_allclose(session.run(scaled), np.exp(np.subtract(value, 1)) * value, rtol=1e-5)
        assert np.array_equal(session.run(v), value)
    with pytest.raises(tf.errors.InvalidArgumentError, match="match: Variable has shape"):
        session.run(v.initializer)
    assert session.run(v).tolist() == [7.0]


def test_steps_that_ran_before_the_assignment_was_made(session):
    v, p = tf.Variable([1.0, 2.0]), tf.placeholder(tf.bool, ())
    double, chosen = v * 2.0, tf.cond(p, lambda: v + 1.0, lambda: v * v)
    add = tf.assign_add(v, tf.ones_like(v))
    session.run(v.initializer)
    assert session.run(double).tolist() == [2, 4]
    assert session.run(chosen, {p: True}).tolist() == [2, 3]
    session.run(add)
    session.run(tf.assign(v, [[5.0]], validate_shape=False))
    assert session.run(double).tolist() == [[10]]
    assert session.run(chosen, {p: True}).tolist() == [[6]]
    assert session.run(chosen, {p: False}).tolist() == [[25]]


def test_a_branch_may_change_the_shape(session):
    v, x, p = tf.Variable([1.0, 2.0]), tf.placeholder(tf.float32), tf.placeholder(tf.bool, ())
    grow = tf.cond(p, lambda: tf.assign(v, x, validate_shape=False).op, lambda: tf.no_op())
    double = v * 2.0
    session.run(v.initializer)
    session.run(grow, {p: False, x: 1.0})
    assert session.run(double).tolist() == [2, 4]
    session.run(grow, {p: True, x: [3.0]})
    assert session.run(double).tolist() == [6]


def test_reads_before_and_after_in_one_step(session):
    v, x = tf.Variable([1.0, 2.0]), tf.placeholder(tf.float32)
    put = tf.assign(v, x, validate_shape=False)
    before = v * 2.0
    with tf.control_dependencies([put]):
        after = v.read_value() * 10.0
    session.run(v.initializer)
    found = session.run([before, after], {x: [1.0, 2.0, 3.0]})
    assert [f.tolist() for f in found] == [[2, 4], [10, 20, 30]]


def test_a_variable_of_any_shape_takes_what_is_fed(session):
    x = tf.placeholder(tf.float32)
    v = tf.Variable(x, validate_shape=False)
    double, add, put = v * 2.0, tf.assign_add(v, x), tf.assign(v, x)
    for value in ([1.0, 2.0], [[1.0], [2.0], [3.0]], 4.0):
        session.run(v.initializer, {x: value})
        assert np.array_equal(session.run(double), np.multiply(value, 2))
        assert np.array_equal(session.run(add, {x: value}), np.multiply(value, 2))
    # Without its permission an assignment keeps the shape that there is, as in TensorFlow.
    for wrong in (put, add):
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(wrong, {x: [1.0, 2.0]})
    assert session.run(v) == 8.0


def test_sessions_on_one_store_with_different_graphs():
    store = ResourceStore()
    graphs = [tf.Graph(), tf.Graph()]
    with graphs[0].as_default():
        v = tf.Variable([1.0, 2.0], name="v")
        plain = tf.Session(resources=store)
        double, start = v * 2.0, v.initializer
        plain.run(start)
        assert plain.run(double).tolist() == [2, 4]
    with graphs[1].as_default():
        other = tf.Session(resources=store)
        other.run(tf.assign(tf.Variable([1.0, 2.0], name="v"), [1.0], validate_shape=False))
    with pytest.raises(tf.errors.FailedPreconditionError, match=r"v has shape \[1\], the plan is for \[2\]"):
        plain.run(double)


# What must not be written


@pytest.mark.parametrize("use_resource", [False, True])
@pytest.mark.parametrize("value", [[1.0, 2.0, 3.0], 5.0, [[1.0, 2.0]], [[1.0], [2.0]], [9.0], []])
@pytest.mark.parametrize("raw", [False, True])
def test_a_value_of_another_shape_is_refused_before_anything_is_written(session, value, use_resource, raw):
    v, x = tf.Variable([1.0, 2.0], use_resource=use_resource), tf.placeholder(tf.float32)
    # Raw control flow runs in another executor.
    given = tf.raw_ops.Switch(x, tf.constant(True))[1] if raw else x
    puts = [tf.assign(v, given), tf.assign_add(v, given), tf.assign_sub(v, given)]
    session.run(v.initializer)
    for put in puts:
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(put, {x: value})
        assert session.run(v).tolist() == [1, 2]
    assert session.run(puts[0], {x: [3.0, 4.0]}).tolist() == [3, 4]


def test_raw_control_flow_may_change_the_shape(session):
    v, x = tf.Variable([1.0, 2.0]), tf.placeholder(tf.float32)
    given = tf.raw_ops.Switch(x, tf.constant(True))[1]
    put, double = tf.assign(v, given, validate_shape=False), v * 2.0
    session.run(v.initializer)
    session.run(put, {x: [[3.0]]})
    assert session.run(double).tolist() == [[6]]


@pytest.mark.parametrize("use_resource", [False, True])
def test_batch_scatter_update(session, use_resource):
    v = tf.Variable(np.zeros((2, 3, 2), np.float32), use_resource=use_resource)
    x = tf.placeholder(tf.int32, [2, None])
    put = batch_scatter_update(v, x, np.arange(8, dtype=np.float32).reshape(2, 2, 2))
    session.run(v.initializer)
    expected = [[[2, 3], [0, 0], [0, 1]], [[0, 0], [4, 5], [6, 7]]]
    assert session.run(put, {x: [[2, 0], [1, 2]]}).tolist() == expected
    flat = tf.Variable([1.0, 2.0, 3.0], use_resource=use_resource)
    session.run(flat.initializer)
    assert session.run(batch_scatter_update(flat, [2], [9.0])).tolist() == [1, 2, 9]

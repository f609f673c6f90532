"""Steps that take elements of datasets: planned for the elements' shapes, and otherwise as if they were one."""

import numpy as np
import pytest

import headrace as tf
from headrace.engine import staged

rng = np.random.default_rng(0)
DATA = rng.normal(size=(10, 3)).astype(np.float32)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def batches(size=4, repeat=2):
    return tf.data.Dataset.from_tensor_slices(DATA).repeat(repeat).batch(size)


def test_each_shape_has_its_plan_and_the_end_is_the_end():
    x = tf.data.make_one_shot_iterator(batches(4, 1)).get_next()
    y = tf.reduce_sum(tf.tanh(x), axis=1)
    with tf.Session(backend="cpu") as session:
        for start in (0, 4, 8):
            np.testing.assert_allclose(session.run(y), np.tanh(DATA[start : start + 4]).sum(1), rtol=1e-5)
        assert "float32[2, 3]@feed" in session.explain(y) and "elements of datasets" in session.explain(y)
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(y)


def test_elements_that_are_fetched_are_those_that_were_computed_with():
    iterator = tf.data.make_initializable_iterator(batches())
    x = iterator.get_next()
    total = tf.get_variable("total", initializer=np.zeros(3, np.float32))
    with tf.control_dependencies([x]):
        count = tf.get_variable("count", initializer=0).assign_add(1)
    step = total.assign_add(tf.reduce_sum(x, axis=0))
    expected = np.zeros(3, np.float32)
    with tf.Session() as session:
        session.run([iterator.initializer, tf.global_variables_initializer()])
        for number in range(1, 6):
            value, counted, after, _ = session.run([x, count, step, x.op])
            expected += value.sum(0)
            assert counted == number
            np.testing.assert_allclose(after, expected, rtol=1e-5)


def test_what_is_fed_for_an_element_is_not_taken():
    x = tf.data.make_one_shot_iterator(batches()).get_next()
    y = tf.reduce_sum(x * 2.0)
    with tf.Session() as session:
        assert session.run(y, {x: np.ones((1, 3))}) == 6
        np.testing.assert_allclose(session.run(y), 2 * DATA[:4].sum(), rtol=1e-5)


def test_an_iterator_that_waits_for_the_step_is_not_taken_first():
    v = tf.get_variable("v", initializer=0.0)
    with tf.control_dependencies([v.assign_add(1.0)]):
        x = tf.data.make_one_shot_iterator(batches()).get_next()
    y = tf.reduce_sum(x) * 0.0 + v
    with tf.Session() as session:
        session.run(v.initializer)
        assert isinstance(session._step(y, ()).compiled, staged.CompiledStep)
        session.run(y)
        assert session.run(v) == 1


def test_a_feedable_iterator():
    handle = tf.placeholder(tf.string, [])
    iterator = tf.data.Iterator.from_string_handle(handle, tf.float32, tf.TensorShape([None, 3]))
    scale = tf.placeholder(tf.float32)
    y = tf.reduce_sum(iterator.get_next(), axis=0) * scale
    given = tf.data.make_one_shot_iterator(batches()).string_handle()
    with tf.Session() as session:
        name = session.run(given)
        for start in (0, 4):
            value = session.run(y, {scale: 2.0, handle: name})
            np.testing.assert_allclose(value, 2 * DATA[start : start + 4].sum(0), rtol=1e-4, atol=1e-5)


def test_ever_new_shapes_get_one_plan():
    sizes = tf.data.Dataset.range(1, 41).map(lambda n: tf.ones([n]))
    y = tf.reduce_sum(tf.data.make_one_shot_iterator(sizes).get_next() * 2.0)
    with tf.Session() as session:
        assert [session.run(y) for _ in range(40)] == [2.0 * n for n in range(1, 41)]
        step = session._step(y, ()).compiled
        assert step.whole.plan_count == 1 and step.rest.plan_count < 30

"""Restoring into the memory of variables: the same values as through the graph, and all or nothing where it fails."""

import numpy as np
import pytest

import headrace as tf
from headrace.engine.training import direct_restore


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


@pytest.fixture
def direct(monkeypatch):
    """What `restored_directly` returned."""
    found = []
    function = direct_restore.restored_directly

    def noted(*args):
        found.append(function(*args))
        return found[-1]

    monkeypatch.setattr("headrace.engine.training.saver.restored_directly", noted)
    return found


def variables():
    big = tf.Variable(np.arange(1 << 20, dtype=np.float32), name="big")
    with tf.variable_scope("", partitioner=tf.fixed_size_partitioner(3)):
        parts = tf.get_variable("parts", [7, 2], tf.float64, tf.random_uniform_initializer(seed=1))
    handle = tf.get_variable("handle", initializer=np.array([True, False]), use_resource=True)
    half = tf.get_variable("half", initializer=tf.cast(tf.constant([1.5, 2.5]), tf.bfloat16))
    complex_one = tf.Variable(1 + 2j, name="complex")
    empty = tf.Variable(np.zeros((0, 3), np.int32), name="empty")
    return [big, tf.convert_to_tensor(parts), handle, half, complex_one, empty]


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("has_values", [False, True])
def test_the_values_are_those_that_were_saved(sharded, has_values, tmp_path, direct):
    values = variables()
    saver = tf.train.Saver(sharded=sharded)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        wanted = session.run(values)
        path = saver.save(session, str(tmp_path / "m"))
        change = [v.assign(tf.zeros_like(v)) for v in tf.global_variables()]
        session.run(change)
        if has_values:
            saver.restore(session, path)
            found = session.run(values)
    if not has_values:
        with tf.Session() as session:
            saver.restore(session, path)
            found = session.run(values)
    assert direct == [True]
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_what_is_no_variable_goes_through_the_graph(tmp_path, direct):
    number = tf.Variable(1.0, name="number")
    text = tf.Variable(["one", "two"], name="text")
    iterator = tf.data.Dataset.range(9).make_initializable_iterator()
    following = iterator.get_next()
    tf.add_to_collection(tf.GraphKeys.SAVEABLE_OBJECTS, tf.data.experimental.make_saveable_from_iterator(iterator))
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), iterator.initializer])
        assert [session.run(following) for _ in range(3)] == [0, 1, 2]
        saver = tf.train.Saver()
        path = saver.save(session, str(tmp_path / "m"))
        session.run([number.assign(2.0), text.assign(["", ""]), following])
        saver.restore(session, path)
        assert session.run(number) == 1.0 and session.run(text).tolist() == [b"one", b"two"]
        assert session.run(following) == 3
    assert direct == [True]


def test_slices_are_put_together(tmp_path, direct):
    def variable(count):
        with tf.variable_scope("", partitioner=tf.fixed_size_partitioner(count)):
            return tf.get_variable("w", [7, 4], tf.float64, tf.random_uniform_initializer(seed=1))

    with tf.Session() as session:
        three = tf.convert_to_tensor(variable(3))
        session.run(tf.global_variables_initializer())
        path, wanted = tf.train.Saver().save(session, str(tmp_path / "m")), session.run(three)
    with tf.Graph().as_default(), tf.Session() as session:
        two = tf.convert_to_tensor(variable(2))
        tf.train.Saver().restore(session, path)
        np.testing.assert_array_equal(session.run(two), wanted)
    assert direct == [True]


def test_what_does_not_fit_is_said_by_the_graph(tmp_path, direct):
    tf.Variable(1.0, name="number")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        saver = tf.train.Saver()
        path = saver.save(session, str(tmp_path / "m"))
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"expected dtype|shape"):
            with tf.Graph().as_default(), tf.Session() as other:
                tf.Variable([1.0, 2.0], name="number")
                tf.train.Saver().restore(other, path)
        with pytest.raises(tf.errors.NotFoundError, match="other"):
            with tf.Graph().as_default(), tf.Session() as other:
                tf.Variable([1.0, 2.0], name="other")
                tf.train.Saver().restore(other, path)
    with pytest.raises(RuntimeError, match="closed"):
        saver.restore(session, path)
    assert direct == [False] * 3


def flipped(path):
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)


def test_variables_keep_their_values_where_one_is_damaged(tmp_path):
    first = tf.Variable(np.arange(1 << 12), name="a")
    last = tf.Variable(np.arange(1 << 12), name="b")
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = saver.save(session, str(tmp_path / "m"))
        flipped(tmp_path / "m.data-00000-of-00001")
        changed = session.run([first.assign(first * 2), last.assign(last * 3)])
        with pytest.raises(tf.errors.DataLossError, match="'b'"):
            saver.restore(session, path)
        np.testing.assert_array_equal(session.run([first, last]), changed)
    with tf.Session() as session:
        with pytest.raises(tf.errors.DataLossError, match="'b'"):
            saver.restore(session, path)
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized"):
            session.run(first)

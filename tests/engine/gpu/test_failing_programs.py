"""Programs on a device that fail midway: the CPU's error, the CPU's state afterwards, and a good next run."""

import numpy as np
import pytest

import headrace as tf
from headrace.engine.nest import flatten

pytestmark = pytest.mark.usefixtures("device", "graph")

TABLE = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


def failures(fetches, good, bad, backends=("cpu", "gpu")):
    """For each backend: what it raises in the second of three runs, and the values of the variables after each."""
    found = []
    for backend in backends:
        with tf.Session(backend=backend) as session:
            session.run(tf.global_variables_initializer())
            told = [session.run(fetches, good)[0], session.run(tf.global_variables())]
            with pytest.raises(tf.errors.InvalidArgumentError) as error:
                session.run(fetches, bad)
            told += [error.value.message, error.value.op, session.run(tf.global_variables())]
            told += [session.run(fetches, good)[0], session.run(tf.global_variables())]
            found.append(told)
    return found


def check(fetches, good, bad):
    cpu, gpu = failures(fetches, good, bad)
    assert gpu[2:4] == cpu[2:4]
    for i in (0, 1, 4, 5, 6):
        for mine, wanted in zip(flatten(gpu[i]), flatten(cpu[i]), strict=True):
            np.testing.assert_allclose(mine, wanted, rtol=1e-5)
    return gpu[2]


@pytest.mark.parametrize("later", ["over", "in_place"])
def test_indices_of_an_earlier_segment_are_named(later):
    """What the failing step was given lies in memory that later steps of its segment have written."""
    table = tf.get_variable("table", initializer=TABLE)
    ids = tf.placeholder(tf.int32, [40])
    wide = ids * 2
    told = tf.py_func(lambda x: x, [tf.reduce_sum(ids)], tf.int32)
    with tf.control_dependencies([told]):
        rows = tf.gather(table, wide)
        depth = tf.reduce_sum(tf.tanh(rows), axis=1)
        after = tf.bitwise.bitwise_xor(wide, 1) if later == "in_place" else tf.cast(depth * 3.0, tf.int32)
        more = tf.reduce_sum(tf.exp(tf.cast(after[::-1], tf.float32) * 0.1) * depth)
    step = table.assign_add(tf.ones([5, 3]))
    with tf.control_dependencies([more]):
        step = tf.group(step)
    message = check([more, step], {ids: np.arange(40) % 3}, {ids: np.arange(40) % 4})
    assert "6" in message


def test_variables_that_were_changed_before_the_failure_are_as_on_the_cpu():
    table = tf.get_variable("table", initializer=TABLE)
    count = tf.get_variable("count", initializer=np.zeros(2, np.float32))
    ids = tf.placeholder(tf.int32, [2])
    with tf.control_dependencies([count.assign_add([1.0, 2.0])]):
        rows = tf.reduce_sum(tf.gather(table, ids + 0))
    with tf.control_dependencies([rows]):
        after = table.assign_add(tf.ones([5, 3]))
    check([rows, after.op], {ids: [0, 4]}, {ids: [1, 5]})


@pytest.mark.parametrize("noise_first", [True, False])
def test_random_numbers_go_on_as_on_the_cpu_after_a_failure(noise_first):
    ids = tf.placeholder(tf.int32, [2])
    if noise_first:
        noise = tf.random_uniform([6], seed=3)
        with tf.control_dependencies([noise]):
            rows = tf.reduce_sum(tf.gather(tf.constant(TABLE), ids))
    else:
        rows = tf.reduce_sum(tf.gather(tf.constant(TABLE), ids))
        with tf.control_dependencies([rows]):
            noise = tf.random_uniform([6], seed=3)
    found = []
    for backend in ("reference", "gpu"):
        with tf.Session(backend=backend) as session:
            values = []
            for given in ([0, 1], [0, 9], [2, 3], [1, 7], [1, 7], [0, 0]):
                try:
                    values.append(session.run([noise, rows], {ids: given})[0])
                except tf.errors.InvalidArgumentError:
                    continue
            found.append(values)
    np.testing.assert_array_equal(found[1], found[0])


def test_a_random_op_that_fails_itself_draws_as_often_as_on_the_cpu():
    high = tf.placeholder(tf.int32, [])
    noise = tf.random_uniform([5], 0, high, tf.int32, seed=5)
    found = []
    for backend in ("reference", "gpu"):
        with tf.Session(backend=backend) as session:
            values = [session.run(noise, {high: 100})]
            with pytest.raises(tf.errors.InvalidArgumentError):
                session.run(noise, {high: 0})
            values.append(session.run(noise, {high: 100}))
            found.append(values)
    np.testing.assert_array_equal(found[1], found[0])


@pytest.mark.parametrize("failing", ["download", "launch"])
def test_a_run_that_is_interrupted_is_not_blamed_on_the_next(device, monkeypatch, failing):
    table = tf.get_variable("table", initializer=TABLE)
    ids = tf.placeholder(tf.int32, [2])
    rows = tf.reduce_sum(tf.gather(table, ids), name="rows")
    with tf.control_dependencies([rows]):
        step = table.assign_add(tf.ones([5, 3]))
    with tf.Session(backend="gpu") as session:
        session.run(table.initializer)
        for _ in range(2):
            session.run([rows, step.op], {ids: [0, 1]})
        download = device.download

        def interrupted(host, address):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(device, "download", interrupted)
            with pytest.raises(KeyboardInterrupt):
                session.run([rows, step.op], {ids: [0, 9]})
        assert device.download == download
        expected = session.run(table)
        np.testing.assert_allclose(session.run([rows, step.op], {ids: [0, 1]})[0], expected[:2].sum(), rtol=1e-5)
        np.testing.assert_array_equal(session.run(table), expected + 1)


def test_a_body_that_fails_is_named_and_the_next_run_is_good():
    ids = tf.placeholder(tf.int32, [3])

    def body(i, total):
        return i + 1, total + tf.gather(tf.constant(TABLE), ids + i, name="look")

    _, total = tf.while_loop(lambda i, _: i < 3, body, [0, tf.zeros([3, 3])])
    found = {}
    for backend in ("cpu", "gpu"):
        with tf.Session(backend=backend) as session:
            found[backend] = [session.run(total, {ids: [0, 1, 2]})]
            with pytest.raises(tf.errors.InvalidArgumentError) as error:
                session.run(total, {ids: [0, 3, 1]})
            found[backend] += [session.run(total, {ids: [2, 1, 0]}), error.value.message]
    assert found["gpu"][2] == found["cpu"][2]
    np.testing.assert_allclose(found["gpu"][:2], found["cpu"][:2], rtol=1e-5)

"""Integers that only uint64 can hold, wherever a program may write them, on the CPU and on the simulated GPU."""

import numpy as np
import pytest

import headrace as tf

BIG = 2**63
ALL = np.array([0, 1, BIG, 2 * BIG - 1], np.uint64)


@pytest.fixture(params=["cpu", "gpu"])
def session(request):
    options = {"backend": "cpu"}
    if request.param == "gpu":
        options = {"backend": "gpu"}
        request.getfixturevalue("sim_for_all")
    with tf.Graph().as_default(), tf.Session(**options) as session:
        yield session


@pytest.fixture
def sim_for_all(monkeypatch):
    monkeypatch.setenv("HEADRACE_GPU", "sim")


def fed():
    return tf.placeholder(tf.uint64, [4])


@pytest.mark.parametrize(
    "make, expected",
    [
        (lambda: tf.constant([1, BIG], tf.uint64), [1, BIG]),
        (lambda: tf.constant([[1], [2 * BIG - 1]], tf.uint64), [[1], [2 * BIG - 1]]),
        (lambda: tf.constant((np.uint64(BIG), 5), tf.uint64, shape=[3]), [BIG, 5, 5]),
        (lambda: tf.convert_to_tensor([np.array([BIG, 2], np.uint64), [3, BIG]], tf.uint64), [[BIG, 2], [3, BIG]]),
        (lambda: tf.contrib.util.make_ndarray(tf.make_tensor_proto([1, BIG], tf.uint64)), [1, BIG]),
        (lambda: tf.Variable([1, BIG], dtype=tf.uint64).initial_value, [1, BIG]),
        (lambda: tf.constant_initializer([1, BIG], tf.uint64)([2]), [1, BIG]),
        (lambda: tf.py_func(lambda: [1, BIG], [], tf.uint64), [1, BIG]),
        (lambda: tf.data.Dataset.from_tensor_slices(ALL).batch(4).make_one_shot_iterator().get_next(), ALL),
    ],
)
def test_constants(session, make, expected):
    made = make()
    found = made if isinstance(made, np.ndarray) else session.run(made)
    assert found.dtype == np.uint64 and found.tolist() == np.array(expected, np.uint64).tolist()


@pytest.mark.parametrize(
    "compute, expected",
    [
        (lambda x: x, ALL),
        (lambda x: x + BIG, [BIG, BIG + 1, 0, BIG - 1]),
        (lambda x: tf.add(x, [1, BIG, 5, 2]), [1, BIG + 1, BIG + 5, 1]),
        (lambda x: tf.maximum(x, BIG - 1), [BIG - 1, BIG - 1, BIG, 2 * BIG - 1]),
        (lambda x: x // 3, ALL // np.uint64(3)),
        (lambda x: x % (BIG - 1), ALL % np.uint64(BIG - 1)),
        (lambda x: x < BIG, [True, True, False, False]),
        (lambda x: x >= [1, BIG, BIG, BIG], [False, False, True, True]),
        (lambda x: tf.equal(x, [0, BIG, BIG, BIG]), [True, False, True, False]),
        (lambda x: tf.where(x > BIG, x, tf.zeros_like(x)), [0, 0, 0, 2 * BIG - 1]),
        (lambda x: tf.cast(x, tf.float64), ALL.astype(np.float64)),
        (lambda x: tf.cast(x, tf.float32), ALL.astype(np.float32)),
        (lambda x: tf.cast(x, tf.int64), ALL.astype(np.int64)),
        (lambda x: tf.reduce_max(x), 2 * BIG - 1),
        (lambda x: tf.reduce_sum(x), BIG),
        (lambda x: tf.gather(x, [3, 2]), ALL[[3, 2]]),
    ],
)
def test_computing(session, compute, expected):
    x = fed()
    found = session.run(compute(x), {x: [0, 1, BIG, 2 * BIG - 1]})
    np.testing.assert_array_equal(found, np.array(expected))


def test_what_is_fed_is_not_rounded():
    x = tf.placeholder(tf.uint64, [None])
    session = tf.Session()
    assert session.run(x, {x: [1, BIG + 1]}).tolist() == [1, BIG + 1]
    with pytest.raises(ValueError, match=f"dtype uint64: {2 * BIG} is out of range"):
        session.run(x, {x: [1, 2 * BIG]})


@pytest.mark.parametrize("values", [[-1], [1, 2 * BIG], [2 * BIG], [-1, BIG]])
def test_what_no_uint64_holds_is_refused(values):
    for make in (tf.constant, tf.make_tensor_proto):
        with pytest.raises(ValueError, match=r"uint64"):
            make(values, tf.uint64)


def test_a_list_of_floats_is_none_of_integers():
    for values in ([1.5, BIG], [float(BIG)]):
        with pytest.raises(TypeError, match="Expected uint64"):
            tf.constant(values, tf.uint64)

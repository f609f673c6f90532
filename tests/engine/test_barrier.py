"""Barriers and staging areas: order, waiting, closing, cancelling, and what they refuse."""

import threading

import numpy as np
import pytest

from headrace.engine import errors
from headrace.engine.barrier import Barrier
from headrace.engine.dtypes import float32, int32, string
from headrace.engine.graph import Graph
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.session import Session
from headrace.engine.staging import StagingArea


@pytest.fixture
def sess():
    with Graph().as_default(), Session() as sess:
        yield sess


def started(function):
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def taken(sess, barrier, number, **options):
    indices, keys, values = sess.run(barrier.take_many(number, **options))
    return (indices - np.iinfo(np.int64).min).tolist(), keys.tolist(), [v.tolist() for v in values]


def sizes(sess, barrier):
    return sess.run([barrier.ready_size(), barrier.incomplete_size()])


def test_elements_come_in_the_order_of_their_keys(sess):
    barrier = Barrier((float32, int32), shapes=((), (2,)), name="b")
    assert barrier.name == "b" and barrier.barrier_ref.op.name == "b"
    sess.run(barrier.insert_many(0, ["a", "b"], [1.0, 2.0]))
    sess.run(barrier.insert_many(0, ["c"], [3.0]))
    assert sizes(sess, barrier) == [0, 3]
    sess.run(barrier.insert_many(1, ["c", "a"], [[5, 6], [1, 2]]))
    assert sizes(sess, barrier) == [2, 1]
    take = barrier.take_many(2)
    assert [t.shape.as_list() for t in (take.indices, take.keys, *take.values)] == [[2], [2], [2], [2, 2]]
    assert taken(sess, barrier, 2) == ([0, 1], [b"a", b"c"], [[1.0, 3.0], [[1, 2], [5, 6]]])
    # A key that was completed is free again.
    sess.run(barrier.insert_many(0, ["a"], [9.0]))
    assert sizes(sess, barrier) == [0, 2]


def test_taking_waits_for_the_last_component(sess):
    barrier, got = Barrier((int32, string), shapes=((), ())), []
    key, value = placeholder(string, [None]), placeholder(int32, [None])
    take, first = barrier.take_many(3), barrier.insert_many(0, key, value)
    second = barrier.insert_many(1, key, placeholder(string, [None], name="text"))
    thread = started(lambda: got.append(sess.run(take)))
    sess.run(first, {key: ["x", "y", "z"], value: [1, 2, 3]})
    for name in "zyx":
        assert not got
        sess.run(second, {key: [name], "text:0": [name * 2]})
    thread.join()
    assert got[0].values[0].tolist() == [1, 2, 3] and got[0].values[1].tolist() == [b"xx", b"yy", b"zz"]


def test_a_closed_barrier_completes_what_it_has(sess):
    barrier = Barrier((int32, int32), shapes=((), ()))
    sess.run(barrier.insert_many(0, ["a", "b", "c"], [1, 2, 3]))
    sess.run(barrier.insert_many(1, ["a"], [10]))
    sess.run(barrier.close())
    with pytest.raises(errors.CancelledError, match="is closed"):
        sess.run(barrier.insert_many(0, ["new"], [4]))
    assert taken(sess, barrier, 5, allow_small_batch=True) == ([0], [b"a"], [[1], [10]])
    with pytest.raises(errors.OutOfRangeError, match=r"requested 3, total size 2"):
        sess.run(barrier.take_many(3))
    sess.run(barrier.insert_many(1, ["b", "c"], [20, 30]))
    assert taken(sess, barrier, 2) == ([0, 0], [b"b", b"c"], [[2, 3], [20, 30]])
    for small in (False, True):
        with pytest.raises(errors.OutOfRangeError):
            sess.run(barrier.take_many(1, allow_small_batch=small))
    with pytest.raises(errors.CancelledError, match="already closed"):
        sess.run(barrier.close())
    sess.run(barrier.close(cancel_pending_enqueues=True))
    with pytest.raises(errors.CancelledError):
        sess.run(barrier.insert_many(0, [], np.zeros(0, np.int32)))


def test_cancelling_close_forgets_incomplete_elements_and_ends_waiting(sess):
    barrier, raised = Barrier((int32, int32), shapes=((), ())), []
    sess.run(barrier.insert_many(0, ["a", "b"], [1, 2]))
    sess.run(barrier.insert_many(1, ["a"], [1]))
    take, close = barrier.take_many(2), barrier.close(cancel_pending_enqueues=True)

    def run():
        try:
            sess.run(take)
        except errors.OutOfRangeError as error:
            raised.append(error)

    thread = started(run)
    sess.run(close)
    thread.join()
    assert raised and sizes(sess, barrier) == [1, 0]
    with pytest.raises(errors.CancelledError, match="cancelled: True"):
        sess.run(barrier.insert_many(1, ["b"], [2]))


def test_closing_the_session_ends_waiting():
    with Graph().as_default():
        sess, raised = Session(), []
        take, get = Barrier(int32, shapes=()).take_many(1), StagingArea([int32]).get()

        def run(fetch):
            try:
                sess.run(fetch)
            except (errors.CancelledError, RuntimeError) as error:
                raised.append(error)

        threads = [started(lambda fetch=fetch: run(fetch)) for fetch in (take, get)]
        sess.close()
        for thread in threads:
            thread.join()
    assert len(raised) == 2


@pytest.mark.parametrize(
    "component, keys, values, text",
    [
        (0, ["b", "a"], [2, 1], "already has a value for component 0"),
        (0, ["b", "b"], [2, 1], "already has a value"),
        (2, ["b"], [1], "out of range"),
        (0, ["b"], [1, 2], "one value a key"),
        (0, ["b"], [[1]], "Shape mismatch"),
        (0, ["b"], np.zeros((1, 0), np.int32), "no elements"),
        (1, ["b"], constant([1]), "is float32"),
    ],
)
def test_what_does_not_fit_is_refused_whole(sess, component, keys, values, text):
    barrier = Barrier((int32, float32), shapes=((), ()))
    sess.run(barrier.insert_many(0, ["a"], [1]))
    values = constant([1], int32) if isinstance(values, type(constant(0))) else values
    with pytest.raises(errors.InvalidArgumentError, match=text):
        sess.run(barrier.insert_many(component, keys, values))
    assert sizes(sess, barrier) == [0, 1]


def test_barriers_refuse_bad_arguments(sess):
    with pytest.raises(ValueError, match="Empty tensors"):
        Barrier(int32, shapes=[(0,)])
    with pytest.raises(errors.InvalidArgumentError, match="Timeout"):
        sess.run(Barrier(int32, shapes=()).take_many(1, timeout=5))
    shared = [Barrier(dtype, shapes=(), shared_name="s") for dtype in (int32, int32, float32)]
    sess.run(shared[0].insert_many(0, ["k"], [1]))
    assert sess.run(shared[1].ready_size()) == 1
    with pytest.raises(errors.InvalidArgumentError, match="Shared barrier"):
        sess.run(shared[2].ready_size())


# Staging areas


def test_stage_and_unstage(sess):
    area = StagingArea([int32, float32], shapes=[[], [2]], names=["n", "v"])
    n = placeholder(int32, [])
    put = area.put({"n": n, "v": constant([1.0, 2.0])})
    for number in range(3):
        sess.run(put, {n: number})
    get, size = area.get(), area.size()
    assert get["v"].shape.as_list() == [2] and sess.run(size) == 3
    assert sess.run(area.peek(1))["n"] == 1
    assert sess.run(get)["n"] == 0 and sess.run(get)["n"] == 1
    sess.run(area.clear())
    assert sess.run(size) == 0


@pytest.mark.parametrize("limits", [{"capacity": 2}, {"memory_limit": 8}])
def test_a_full_area_waits(sess, limits):
    area, x = StagingArea([int32], shapes=[[]], **limits), placeholder(int32, [])
    put, get = area.put([x]), area.get()
    sess.run(put, {x: 0})
    sess.run(put, {x: 1})
    thread = started(lambda: sess.run(put, {x: 2}))
    assert [sess.run(get) for _ in range(3)] == [[0], [1], [2]]
    thread.join()


def test_areas_refuse_what_does_not_fit(sess):
    area = StagingArea([int32], shapes=[[2]], memory_limit=4, shared_name="area")
    assert (area.name, area.capacity, area.memory_limit, area.names) == ("area", 0, 4, None)
    with pytest.raises(ValueError, match="number of inputs"):
        area.put([1, 2])
    with pytest.raises(ValueError, match="names"):
        area.put({"x": 1})
    with pytest.raises(ValueError, match="compatible"):
        area.put([constant([1, 2, 3])])
    with pytest.raises(errors.ResourceExhaustedError, match="memory limit"):
        sess.run(area.put([constant([1, 2])]))
    other = StagingArea([float32], shared_name="other")
    sess.run(other.put([1.0]))
    with pytest.raises(errors.InvalidArgumentError, match="asked for"):
        sess.run(StagingArea([int32], shared_name="other").get())

"""Queues, tables, readers and other handles used inside branches, loops and maps: they are values that come from outside."""

import numpy as np
import pytest

import headrace as tf
from headrace.engine.barrier import Barrier


@pytest.fixture(params=["cpu", "reference"])
def session(request):
    with tf.Graph().as_default() as graph:
        session = tf.Session(graph=graph, backend=request.param)
        yield session
        session.close()


def numbers(session, values, dtype=tf.int32):
    queue = tf.FIFOQueue(10, dtype, shapes=())
    session.run(queue.enqueue_many([np.array(values, dtype.as_numpy_dtype)]))
    return queue


def table(session):
    result = tf.contrib.lookup.HashTable(tf.contrib.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2]), -1)
    session.run(tf.tables_initializer())
    return result


def test_a_branch_takes_from_a_queue_and_puts_into_one(session):
    queue, p = numbers(session, [1, 2, 3]), tf.placeholder(tf.bool, ())
    taken = tf.cond(p, lambda: queue.dequeue(), lambda: tf.constant(-1))
    put = tf.cond(p, lambda: queue.enqueue(7), lambda: tf.no_op())
    assert [session.run(taken, {p: value}) for value in (True, False, True)] == [1, -1, 2]
    session.run(put, {p: True})
    session.run(put, {p: False})
    assert session.run([queue.dequeue_many(2), queue.size()])[0].tolist() == [3, 7]


def test_a_loop_uses_queues_tables_and_variables_together(session):
    queue, words = numbers(session, [1, 2, 3]), table(session)
    v, w = tf.Variable(1, use_resource=True), tf.Variable(2)
    session.run(tf.global_variables_initializer())
    keys = tf.constant(["a", "b", "z"])

    def body(i, total, found):
        return i + 1, total + queue.dequeue() * v * w, found + words.lookup(keys[i])

    _, total, found = tf.while_loop(lambda i, *_: queue.size() > 0, body, [0, 0, 0])
    assert session.run([total, found]) == [12, 2]


def test_a_map_looks_up(session):
    words = table(session)
    found = tf.map_fn(lambda key: words.lookup(key), tf.constant(["b", "a", "q"]), dtype=tf.int32)
    assert session.run(found).tolist() == [2, 1, -1]


def test_nested_functions_share_a_queue(session):
    queue, p, v = numbers(session, [1, 2, 3]), tf.placeholder(tf.bool, ()), tf.Variable(10, use_resource=True)
    session.run(v.initializer)

    def body(i, total):
        inner = tf.cond(p, lambda: tf.cond(i > 0, lambda: queue.dequeue() * v, lambda: 100), lambda: 0)
        return i + 1, total + inner

    _, total = tf.while_loop(lambda i, _: i < 3, body, [0, 0])
    assert [session.run(total, {p: value}) for value in (True, False)] == [130, 0]


def test_gradients_flow_past_a_queue(session):
    queue, x = numbers(session, [1.0, 2.0, 3.0], tf.float32), tf.constant(3.0)
    _, z = tf.while_loop(lambda i, _: i < 2, lambda i, z: (i + 1, z * x + queue.dequeue() * x), [0, x])
    # z = (x * x + 1 x) x + 2 x
    assert session.run(tf.gradients(z, x)[0]) == 3 * 9 + 2 * 3 + 2


def test_handles_may_be_chosen_while_running(session):
    first, second = numbers(session, [1, 2]), numbers(session, [5, 6])
    p, index = tf.placeholder(tf.bool, ()), tf.placeholder(tf.int32, ())

    def taken(handle):
        return tf.QueueBase([tf.int32], [()], None, handle).dequeue()

    by_branch = taken(tf.cond(p, lambda: first.queue_ref, lambda: second.queue_ref))
    assert [session.run(by_branch, {p: value}) for value in (False, True)] == [5, 1]
    chosen = tf.QueueBase.from_list(index, [first, second])
    inside = tf.cond(p, lambda: chosen.dequeue(), lambda: tf.constant(-1))
    assert session.run(inside, {p: True, index: 1}) == 6
    _, last = tf.while_loop(
        lambda i, _: i < 1, lambda i, _: (i + 1, first.queue_ref), [tf.constant(0), second.queue_ref]
    )
    assert session.run(taken(last)) == 2


def test_accumulators_barriers_readers_and_iterators(session, tmp_path):
    p = tf.placeholder(tf.bool, ())
    accumulator, barrier = tf.ConditionalAccumulator(tf.float32, []), Barrier(tf.float32, [()])
    add = tf.cond(p, lambda: accumulator.apply_grad(2.0), lambda: tf.no_op())
    insert = tf.cond(p, lambda: barrier.insert_many(0, ["a"], [2.0]), lambda: tf.no_op())
    session.run([add, insert], {p: True})
    assert session.run(accumulator.take_grad(1)) == 2.0
    assert session.run(barrier.ready_size()) == 1

    path = tmp_path / "lines"
    path.write_text("one\ntwo\n", encoding="utf-8")
    names, reader = tf.FIFOQueue(10, tf.string, shapes=()), tf.TextLineReader()
    session.run(names.enqueue(str(path)))
    line = tf.cond(p, lambda: reader.read(names)[1], lambda: tf.constant("no"))
    assert [session.run(line, {p: value}) for value in (True, False, True)] == [b"one", b"no", b"two"]

"""Queues: order, batches larger than the capacity, closing, cancelling, threads."""

import threading

import numpy as np
import pytest

from headrace.engine import data_flow, errors
from headrace.engine.dtypes import float32, int32, int64, string
from headrace.engine.graph import Graph
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.session import Session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def started(function, *args):
    thread = threading.Thread(target=function, args=args)
    thread.start()
    return thread


def test_first_in_first_out(graph):
    queue = data_flow.FIFOQueue(5, [int32, string], shapes=[[2], []], name="q")
    x = placeholder(int32, [2])
    put = queue.enqueue([x, constant("a")])
    many = queue.enqueue_many([[[1, 2], [3, 4]], ["b", "c"]])
    one, batch = queue.dequeue(), queue.dequeue_many(2)
    assert [put.name, many.name, one[0].op.name, batch[0].op.name] == [
        "q_enqueue", "q_EnqueueMany", "q_Dequeue", "q_DequeueMany",
    ]  # fmt: skip
    assert batch[0].shape.as_list() == [2, 2] and one[1].shape.as_list() == []
    with Session(graph=graph) as sess:
        sess.run(put, {x: [7, 8]})
        sess.run(many)
        assert sess.run(queue.size()) == 3
        first = sess.run(one)
        np.testing.assert_array_equal(first[0], [7, 8])
        assert first[1] == b"a"
        numbers, texts = sess.run(batch)
    np.testing.assert_array_equal(numbers, [[1, 2], [3, 4]])
    assert texts.tolist() == [b"b", b"c"]


def test_elements_are_copies(graph):
    queue = data_flow.FIFOQueue(5, float32, shapes=[[3]])
    x = placeholder(float32, [3])
    put, get = queue.enqueue(x * 2.0), queue.dequeue() + 1.0
    with Session(graph=graph) as sess:
        for i in range(3):
            sess.run(put, {x: np.full(3, i)})
        assert [sess.run(get)[0] for _ in range(3)] == [1, 3, 5]


def test_names_make_dictionaries(graph):
    queue = data_flow.FIFOQueue(5, [int32, float32], shapes=[[], []], names=["i", "f"])
    put = queue.enqueue({"f": 0.5, "i": 3})
    with Session(graph=graph) as sess:
        sess.run(put)
        assert sess.run(queue.dequeue()) == {"i": 3, "f": 0.5}
    with pytest.raises(ValueError, match="must enqueue a dictionary"):
        queue.enqueue([1, 2.0])
    with pytest.raises(ValueError, match="do not match names of Queue"):
        queue.enqueue({"i": 1})


def test_closed_queue_gives_the_rest_and_then_ends(graph):
    queue = data_flow.FIFOQueue(10, int32, shapes=[[]], name="q")
    put = queue.enqueue_many([[1, 2, 3, 4, 5]])
    three, up_to, one = queue.dequeue_many(3), queue.dequeue_up_to(3), queue.dequeue()
    with Session(graph=graph) as sess:
        sess.run(put)
        sess.run(queue.close())
        assert sess.run(queue.is_closed())
        assert sess.run(three).tolist() == [1, 2, 3]
        message = r"FIFOQueue 'q' is closed and has insufficient elements \(requested 3, current size 2\)"
        with pytest.raises(errors.OutOfRangeError, match=message):
            sess.run(three)
        assert sess.run(up_to).tolist() == [4, 5]
        with pytest.raises(errors.OutOfRangeError, match=r"requested 1, current size 0"):
            sess.run(one)
        with pytest.raises(errors.CancelledError, match="FIFOQueue 'q' is closed"):
            sess.run(put)


def test_batches_larger_than_the_capacity(graph):
    queue = data_flow.FIFOQueue(2, int32, shapes=[[]])
    put, get = queue.enqueue_many([list(range(10))]), queue.dequeue_many(10)
    with Session(graph=graph) as sess:
        thread = started(sess.run, put)
        assert sess.run(get).tolist() == list(range(10))
        thread.join()


def test_close_lets_waiting_elements_in_or_cancels_them(graph):
    queue = data_flow.FIFOQueue(1, int32, shapes=[[]])
    put, get = queue.enqueue_many([[1, 2]]), queue.dequeue()
    seen = []

    def run_put(sess):
        try:
            sess.run(put)
        except errors.CancelledError as error:
            seen.append(str(error))

    with Session(graph=graph) as sess:
        thread = started(run_put, sess)
        assert sess.run(get) == 1
        thread.join()
        assert sess.run(get) == 2 and not seen
        thread = started(run_put, sess)
        while not sess.run(queue.size()):
            pass
        sess.run(queue.close(cancel_pending_enqueues=True))
        thread.join()
    assert len(seen) == 1 and "Enqueue operation was cancelled" in seen[0]


@pytest.mark.parametrize("reading", [True, False])
def test_closing_the_session_wakes_those_that_wait(graph, reading):
    queue = data_flow.FIFOQueue(1, int32, shapes=[[]])
    step = queue.dequeue() if reading else queue.enqueue_many([[1, 2, 3]])
    sess = Session(graph=graph)
    seen = []

    def wait():
        try:
            sess.run(step)
        except (errors.CancelledError, RuntimeError) as error:
            seen.append(error)

    threads = [started(wait) for _ in range(3)]
    sess.close()
    for thread in threads:
        thread.join(10)
    assert len(seen) == 3 and not any(t.is_alive() for t in threads)


def test_many_threads_lose_and_double_nothing(graph):
    queue = data_flow.FIFOQueue(100, int64, shapes=[[]])
    x = placeholder(int64, [None])
    put, get = queue.enqueue_many([x]), queue.dequeue_up_to(50)
    got, lock = [], threading.Lock()
    with Session(graph=graph) as sess:

        def produce(start):
            for begin in range(start, start + 25_000, 250):
                sess.run(put, {x: np.arange(begin, begin + 250)})

        def consume():
            try:
                while True:
                    part = sess.run(get).tolist()
                    with lock:
                        got.extend(part)
            except errors.OutOfRangeError:
                return

        producers = [started(produce, i * 25_000) for i in range(4)]
        consumers = [started(consume) for _ in range(3)]
        for thread in producers:
            thread.join()
        sess.run(queue.close())
        for thread in consumers:
            thread.join()
    assert sorted(got) == list(range(100_000))


def test_padding(graph):
    queue = data_flow.PaddingFIFOQueue(10, [int32, string], shapes=[[None], [None]])
    x, s = placeholder(int32, [None]), placeholder(string, [None])
    put, get = queue.enqueue([x, s]), queue.dequeue_many(2)
    assert get[0].shape.as_list() == [2, None]
    with Session(graph=graph) as sess:
        sess.run(put, {x: [1], s: ["a", "b"]})
        sess.run(put, {x: [2, 3, 4], s: []})
        numbers, texts = sess.run(get)
    assert numbers.tolist() == [[1, 0, 0], [2, 3, 4]]
    assert texts.tolist() == [[b"a", b"b"], [b"", b""]]


def test_shuffling_keeps_a_minimum_until_closed(graph):
    queue = data_flow.RandomShuffleQueue(100, 20, int32, shapes=[[]], seed=3)
    put, get, rest = queue.enqueue_many([list(range(50))]), queue.dequeue_many(30), queue.dequeue_up_to(50)
    with Session(graph=graph) as sess:
        sess.run(put)
        first = sess.run(get).tolist()
        sess.run(queue.close())
        last = sess.run(rest).tolist()
    assert len(last) == 20 and sorted(first + last) == list(range(50))
    assert first != sorted(first)
    with Session(graph=graph) as again:
        again.run(put)
        assert again.run(get).tolist() == first


def test_priorities(graph):
    queue = data_flow.PriorityQueue(10, [string], shapes=[[]])
    put, get = queue.enqueue_many([np.array([3, 1, 2, 1]), ["c", "a", "b", "A"]]), queue.dequeue_many(4)
    with Session(graph=graph) as sess:
        sess.run(put)
        order, texts = sess.run(get)
    assert order.tolist() == [1, 1, 2, 3] and texts.tolist() == [b"a", b"A", b"b", b"c"]


def test_wrong_elements(graph):
    queue = data_flow.FIFOQueue(3, [int32], shapes=[[2]])
    with pytest.raises(ValueError, match=r"not compatible|incompatible"):
        queue.enqueue([[1, 2, 3]])
    with pytest.raises(ValueError, match="Expected 1 components"):
        queue.enqueue([1, 2])
    x = placeholder(int32)
    put = queue.enqueue(x)
    shapeless = data_flow.FIFOQueue(3, [int32]).dequeue_many(2)
    with Session(graph=graph) as sess:
        with pytest.raises(errors.InvalidArgumentError, match=r"tuple component 0. Expected \[2\], got \[3\]"):
            sess.run(put, {x: [1, 2, 3]})
        with pytest.raises(errors.InvalidArgumentError, match="to have specified shapes"):
            sess.run(shapeless)


def test_choice_among_queues_and_sharing(graph):
    queues = [data_flow.FIFOQueue(3, int32, shapes=[[]], shared_name=n) for n in ("a", "b")]
    same = data_flow.FIFOQueue(3, int32, shapes=[[]], shared_name="a")
    other = data_flow.FIFOQueue(4, int32, shapes=[[]], shared_name="a").size()
    which = placeholder(int32, [])
    put = data_flow.QueueBase.from_list(which, queues).enqueue(5)
    with Session(graph=graph) as sess:
        sess.run(put, {which: 1})
        assert sess.run([q.size() for q in (*queues, same)]) == [0, 1, 0]
        sess.run(queues[0].enqueue(1))
        assert sess.run(same.dequeue()) == 1
        with pytest.raises(errors.InvalidArgumentError, match="Shared queue 'a'"):
            sess.run(other)

"""Coordinator and QueueRunner: stopping together, what is raised, threads that end."""

import threading

import pytest

from headrace.engine import errors
from headrace.engine.data_flow import FIFOQueue
from headrace.engine.dtypes import float32, int32
from headrace.engine.graph import Graph
from headrace.engine.ops.constant import constant
from headrace.engine.protos import QueueRunnerDef
from headrace.engine.session import Session
from headrace.engine.training.coordinator import Coordinator, LooperThread
from headrace.engine.training.queue_runner import QueueRunner, add_queue_runner, start_queue_runners


def started(function, *args):
    thread = threading.Thread(target=function, args=args, daemon=True)
    thread.start()
    return thread


def test_threads_stop_together():
    coord = Coordinator()
    threads = [started(coord.wait_for_stop) for _ in range(3)]
    assert not coord.should_stop()
    coord.request_stop()
    coord.join(threads)
    assert coord.should_stop() and coord.joined
    coord.clear_stop()
    assert not coord.should_stop() and not coord.joined
    assert coord.wait_for_stop(0.0) is False


def test_the_first_exception_is_raised_again():
    coord = Coordinator()

    def fail(error):
        with coord.stop_on_exception():
            raise error

    started(fail, RuntimeError("first")).join()
    started(fail, RuntimeError("second")).join()
    with pytest.raises(RuntimeError, match="first"):
        coord.raise_requested_exception()
    with pytest.raises(RuntimeError, match="first"):
        coord.join()
    with pytest.raises(ValueError, match="late"):
        coord.request_stop(ValueError("late"))


def test_the_end_of_input_is_no_error():
    coord = Coordinator()
    with coord.stop_on_exception():
        raise errors.OutOfRangeError(None, None, "end")
    coord.join()
    coord = Coordinator(clean_stop_exception_types=(KeyError,))
    coord.request_stop(KeyError("a"))
    coord.join()


def test_threads_that_do_not_stop_are_named():
    coord, event = Coordinator(), threading.Event()
    thread = threading.Thread(target=event.wait, name="sleeper", daemon=True)
    thread.start()
    coord.register_thread(thread)
    coord.request_stop()
    with pytest.raises(RuntimeError, match="threads still running: sleeper"):
        coord.join(stop_grace_period_secs=0.01)
    coord.join([thread], stop_grace_period_secs=0.01, ignore_live_threads=True)
    event.set()
    thread.join()


def test_looper_thread():
    coord, seen = Coordinator(), []

    def target(x):
        seen.append(x)
        if len(seen) == 3:
            coord.request_stop()

    LooperThread.loop(coord, None, target, (7,))
    coord.join()
    assert seen == [7, 7, 7]


def runner_graph(count):
    queue = FIFOQueue(10, float32, shapes=[[]])
    source = FIFOQueue(count, float32, shapes=[[]], name="source")
    runner = QueueRunner(queue, [queue.enqueue(source.dequeue())] * 2)
    return queue, source, runner


def test_queue_runner_fills_and_closes():
    with Graph().as_default(), Session() as sess:
        queue, source, runner = runner_graph(30)
        add_queue_runner(runner)
        sess.run(source.enqueue_many([[float(i) for i in range(30)]]))
        sess.run(source.close())
        coord = Coordinator()
        threads = start_queue_runners(sess, coord)
        assert len(threads) == 3 and runner.create_threads(sess, coord) == []
        get, got = queue.dequeue(), []
        with pytest.raises(errors.OutOfRangeError):
            while True:
                got.append(float(sess.run(get)))
        coord.request_stop()
        coord.join(threads)
        assert sorted(got) == list(range(30)) and not any(t.is_alive() for t in threads)


def test_stopping_cancels_what_waits():
    with Graph().as_default(), Session() as sess:
        queue = FIFOQueue(1, int32, shapes=[[]])
        runner = QueueRunner(queue, [queue.enqueue(constant(1))])
        coord = Coordinator()
        threads = runner.create_threads(sess, coord, start=True)
        sess.run(queue.dequeue())
        coord.request_stop()
        coord.join(threads)


def test_threads_end_with_the_session():
    before = threading.active_count()
    with Graph().as_default():
        queue = FIFOQueue(1, int32, shapes=[[]])
        runner = QueueRunner(queue, [queue.enqueue(constant(1))] * 3)
        coord = Coordinator()
        with Session() as sess:
            threads = runner.create_threads(sess, coord, daemon=True, start=True)
            threads += QueueRunner(queue, [queue.enqueue(constant(2))]).create_threads(sess, None, True, True)
        for thread in threads:
            thread.join(10)
    assert threading.active_count() == before and not coord.should_stop()


def test_errors_reach_the_coordinator():
    with Graph().as_default(), Session() as sess:
        queue = FIFOQueue(1, float32)
        bad = FIFOQueue(1, float32).dequeue_many(1)
        coord = Coordinator()
        threads = QueueRunner(queue, [queue.enqueue(bad)]).create_threads(sess, coord, start=True)
        with pytest.raises(errors.InvalidArgumentError, match="specified shapes"):
            coord.join(threads)


def test_queue_runner_as_a_message():
    with Graph().as_default():
        runner = runner_graph(3)[2]
        proto = runner.to_proto()
        assert isinstance(proto, QueueRunnerDef) and proto.queue_name == "fifo_queue"
        again = QueueRunner.from_proto(proto)
        assert again.enqueue_ops == runner.enqueue_ops and again.close_op is runner.close_op
        assert again.queue_closed_exception_types == (errors.OutOfRangeError,)
        assert again.to_proto() == proto
        assert runner.to_proto("elsewhere") is None


def test_wrong_arguments():
    with pytest.raises(ValueError, match="Must provide queue"):
        QueueRunner(None, [])
    with Graph().as_default(), pytest.raises(ValueError, match="No default session"):
        start_queue_runners()
    with pytest.raises(TypeError, match=r"must be a `tf.Session`"):
        start_queue_runners(sess=3)

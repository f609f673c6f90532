"""Steps that may wait for so long: RunOptions and ConfigProto, on every way a step can wait."""

import threading

import pytest

import headrace as tf
from headrace.engine.barrier import Barrier
from headrace.engine.staging import StagingArea

SHORT = tf.RunOptions(timeout_in_ms=30)


def dequeue():
    return tf.FIFOQueue(3, tf.int32, shapes=()).dequeue()


def enqueue():
    return tf.FIFOQueue(1, tf.int32, shapes=()).enqueue_many([[1, 2]])


def in_a_branch():
    queue = tf.FIFOQueue(3, tf.int32, shapes=())
    return tf.cond(tf.constant(True), lambda: queue.dequeue(), lambda: 0)


def endless():
    return tf.while_loop(lambda i: i > 0, lambda i: i * 1, [1])


def in_raw_control_flow():
    return tf.raw_ops.Merge([*tf.raw_ops.Switch(dequeue(), tf.constant(True))])[0]


WAITS = {
    "dequeue": dequeue,
    "enqueue": enqueue,
    "in a branch": in_a_branch,
    "endless": endless,
    "in raw control flow": in_raw_control_flow,
    "take_many": lambda: Barrier(tf.int32, shapes=()).take_many(1).keys,
    "unstage": lambda: StagingArea([tf.int32]).get(),
    "take_grad": lambda: tf.ConditionalAccumulator(tf.float32, []).take_grad(1),
}


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("wait", WAITS)
def test_a_step_that_waits_too_long_is_ended(wait, backend):
    with tf.Graph().as_default(), tf.Session(backend=backend) as session:
        fetch = WAITS[wait]()
        for _ in range(2):
            with pytest.raises(tf.errors.DeadlineExceededError, match="30 ms"):
                session.run(fetch, options=SHORT)
        assert session.run(tf.constant(1), options=SHORT) == 1


def test_the_queue_and_other_steps_go_on():
    with tf.Graph().as_default(), tf.Session() as session:
        queue, got = tf.FIFOQueue(3, tf.int32, shapes=()), []
        take, put, both = queue.dequeue(), queue.enqueue(7), queue.dequeue_many(2)
        session.run(put)
        with pytest.raises(tf.errors.DeadlineExceededError):
            session.run(both, options=SHORT)
        # What the late step had taken is back.
        assert session.run(take) == 7
        thread = threading.Thread(target=lambda: got.append(session.run(take)))
        thread.start()
        with pytest.raises(tf.errors.DeadlineExceededError):
            session.run(take, options=SHORT)
        session.run(put)
        thread.join()
        assert got == [7]


def test_the_session_may_say_it_for_all_steps():
    config = tf.ConfigProto(operation_timeout_in_ms=30)
    with tf.Graph().as_default(), tf.Session(config=config) as session:
        take, x = dequeue(), tf.placeholder(tf.int32, ())
        for run in (lambda: session.run(take), session.make_callable(take), take.eval):
            with pytest.raises(tf.errors.DeadlineExceededError):
                run()
        assert session.run(x + 1, {x: 1}) == 2
        assert session.make_callable(x + 1, [x])(1) == 2
        with pytest.raises(tf.errors.DeadlineExceededError, match=" 40 ms"):
            session.run(take, options=tf.RunOptions(timeout_in_ms=40))


def test_a_closed_session_is_not_late():
    with tf.Graph().as_default():
        session, raised = tf.Session(), []
        take = dequeue()

        def run():
            try:
                session.run(take, options=tf.RunOptions(timeout_in_ms=60_000))
            except (tf.errors.CancelledError, RuntimeError) as error:
                raised.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        session.close()
        thread.join()
        assert len(raised) == 1

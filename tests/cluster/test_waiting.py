"""A client that waits long for a task says for which."""

import logging
import threading

import pytest

import headrace as tf

from .tasks import cluster


@pytest.mark.parametrize("seconds", ["0.1", "0"])
def test_a_long_wait_names_the_task(seconds, monkeypatch, caplog):
    """Or says nothing, with 0 for never."""
    monkeypatch.setenv("HEADRACE_STALL_WARNING", seconds)
    with cluster(ps=2, worker=1) as servers, tf.Graph().as_default():
        with tf.device("/job:ps/task:1"):
            queue = tf.FIFOQueue(1, tf.int32, shapes=())
            item, put = queue.dequeue(), queue.enqueue(5)
        with tf.Session(servers["worker", 0].target) as sess, caplog.at_level(logging.WARNING, "headrace"):
            later = threading.Timer(0.5, lambda: sess.run(put))
            later.start()
            assert sess.run(item) == 5
            later.join()  # a session that closes cancels what still runs in it
    texts = [record.getMessage() for record in caplog.records]
    named = "/job:worker/task:0 waits in a step for /job:ps/task:1, for 0 seconds"
    assert any(named in text for text in texts) if seconds != "0" else texts == []


def test_a_wait_that_takes_too_long_says_for_whom():
    with cluster(ps=1, worker=1) as servers, tf.Graph().as_default():
        with tf.device("/job:ps/task:0"):
            item = tf.FIFOQueue(1, tf.int32, shapes=()).dequeue()
        with tf.Session(servers["worker", 0].target) as sess:
            options = tf.RunOptions(timeout_in_ms=1000)
            with pytest.raises(tf.errors.DeadlineExceededError, match=r"1000 ms.* waits in a step for /job:ps/task:0"):
                sess.run(item, options=options)

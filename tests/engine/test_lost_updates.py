"""Steps of several threads on one variable: every update counts."""

import threading

import numpy as np
import pytest

import headrace as tf

SIZE, STEPS = 100_000, 60


@pytest.mark.parametrize("resource", [False, True])
@pytest.mark.parametrize("waits", [False, True])
def test_no_update_is_lost(resource, waits):
    with tf.Graph().as_default():
        v = tf.get_variable("v", [SIZE], initializer=tf.zeros_initializer(), use_resource=resource)
        queue = tf.FIFOQueue(1000, tf.float32, [[]])
        fill = queue.enqueue_many((tf.ones([STEPS]),))
        one = tf.ones([SIZE])
        steps = [v.assign_add(one).op, v.assign_add(one * queue.dequeue() if waits else one).op]
        with tf.Session() as sess:
            sess.run([tf.global_variables_initializer(), fill])

            def train(step):
                for _ in range(STEPS):
                    sess.run(step)

            threads = [threading.Thread(target=train, args=(step,)) for step in steps]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            np.testing.assert_array_equal(sess.run(v), np.full(SIZE, 2.0 * STEPS, np.float32))

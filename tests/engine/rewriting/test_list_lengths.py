"""What a loop stacks has a known shape where the lists' lengths follow from what is fed."""

import numpy as np
import pytest

import headrace as tf


def explained(fetches, feeds):
    with tf.Session(backend="numpy") as session:
        return session.explain(fetches, feeds), session.run(fetches, feeds)


def test_the_outputs_of_a_recurrent_network_are_planned():
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [2, None, 3])
        cell = tf.nn.rnn_cell.LSTMCell(4, cell_clip=3.0, use_peepholes=True)
        outputs, _ = tf.nn.dynamic_rnn(cell, x * 2.0, dtype=tf.float32)
        gradient = tf.gradients(tf.reduce_sum(tf.square(outputs)), x)[0]
        with tf.Session(backend="numpy") as session:
            session.run(tf.global_variables_initializer())
            feeds = {x: np.ones([2, 5, 3])}
            text = session.explain([outputs, gradient], feeds)
            results = session.run([outputs, gradient], feeds)
    assert (
        "While" in text
        and "float32[?]" not in text
        and "= TensorListScatter" not in text
        and "= TensorListGather" not in text
    )
    assert [r.shape for r in results] == [(2, 5, 4), (2, 5, 3)] and np.any(results[1])


@pytest.mark.parametrize("dynamic", [False, True])
def test_only_lists_that_keep_their_lengths_have_known_ones(dynamic):
    with tf.Graph().as_default():
        array = tf.TensorArray(tf.float32, 2, dynamic_size=dynamic, element_shape=[])

        def body(i, array):
            return i + 1, tf.cond(i > 0, lambda: array.write(i, 2.0), lambda: array.write(i, 1.0))

        _, array = tf.while_loop(lambda i, _: i < 2, body, [0, array])
        text, result = explained(array.stack(), {})
    assert ("float32[?]" in text) == dynamic
    np.testing.assert_array_equal(result, [1.0, 2.0])

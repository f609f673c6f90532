"""Lookups of unique rows: what the pass takes out, and what it has to leave."""

import numpy as np
import pytest

import headrace as tf

ROWS = np.arange(20.0).reshape(10, 2)


def run(make, indices):
    with tf.Graph().as_default(), tf.Session() as session:
        given = tf.placeholder(tf.int32, [4])
        return session.run(make(given, *tf.unique(given)), {given: indices})


@pytest.mark.parametrize(
    "reshaped",
    [
        lambda given, chosen, places: tf.reshape(chosen, [2]),
        lambda given, chosen, places: tf.reshape(tf.boolean_mask(given, given > 1), [1]) + tf.size(chosen),
        lambda given, chosen, places: tf.reshape(chosen, tf.concat([[2], tf.shape(given)[1:]], 0)),
        lambda given, chosen, places: tf.reshape(chosen, tf.reshape(tf.size(given), [1])),
        lambda given, chosen, places: tf.reshape(tf.gather(ROWS, chosen), [2, 2]),
        lambda given, chosen, places: tf.reshape(
            tf.unsorted_segment_sum(tf.gather(ROWS, places), places, tf.size(chosen)),
            tf.concat([tf.reshape(tf.size(tf.unique(given // 2)[0]), [1]), [2]], 0),
        ),
    ],
)
def test_a_shape_that_does_not_fit_fails(reshaped):
    with pytest.raises(tf.errors.InvalidArgumentError, match="reshape"):
        run(reshaped, [1, 2, 3, 1])


@pytest.mark.parametrize("shape", [[-1], [-1, 1], [1, -1]])
def test_rows_have_the_shape_of_the_indices_they_were_looked_up_with(shape):
    def looked_up(given, chosen, places):
        return tf.gather(tf.gather(ROWS, tf.reshape(chosen, shape)), places)

    expected = ROWS[np.reshape([3], shape)][[0, 0, 0, 0]]
    np.testing.assert_array_equal(run(looked_up, [3, 3, 3, 3]), expected)


@pytest.mark.parametrize("resource", [False, True])
def test_gradients_of_unique_rows_are_those_of_rows(resource):
    indices, found = [3, 1, 3, 7], []
    for lookup in (
        lambda table, chosen, places, given: tf.gather(tf.nn.embedding_lookup(table, chosen), places),
        lambda table, chosen, places, given: tf.nn.embedding_lookup(table, given),
    ):
        with tf.Graph().as_default(), tf.Session() as session:
            table = tf.get_variable("table", initializer=ROWS, use_resource=resource)
            given = tf.placeholder(tf.int32, [4])
            rows = lookup(table, *tf.unique(given), given)
            step = tf.train.AdagradOptimizer(0.1).minimize(tf.reduce_sum(rows * rows))
            session.run(tf.global_variables_initializer())
            for _ in range(3):
                session.run(step, {given: indices})
            found.append(session.run(table))
    np.testing.assert_allclose(*found, rtol=1e-12)
    assert (found[0][[0, 2, 4, 5, 6, 8, 9]] == ROWS[[0, 2, 4, 5, 6, 8, 9]]).all()
    assert (found[0][[1, 3, 7]] != ROWS[[1, 3, 7]]).all()

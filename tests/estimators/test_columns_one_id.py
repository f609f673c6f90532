"""Columns whose examples have one category each: the same numbers and gradients by rows as by sparse tensors."""

from __future__ import annotations

import numpy as np
import pytest

import headrace as tf

fc = tf.feature_column
WORDS = np.array([["red"], [""], ["blue"], ["red"], ["mauve"]], object)
NUMBERS = np.array([[3], [-1], [0], [3], [9]])
AGES = np.array([[18.0], [70.0], [44.0], [18.0], [1.0]], np.float32)
# What is missing in a feature is missing in its SparseTensor; a bucketized column takes dense numbers alone.
SPARSE = {"w": ([[0, 0], [2, 0], [3, 0], [4, 0]], [b"red", b"blue", b"red", b"mauve"]),
          "n": ([[0, 0], [2, 0], [3, 0], [4, 0]], [3, 0, 3, 9])}  # fmt: skip


def columns():
    words = fc.categorical_column_with_vocabulary_list("w", ["red", "blue"])
    spare = fc.categorical_column_with_vocabulary_list("w", ["red", "blue"], num_oov_buckets=3)
    age = fc.bucketized_column(fc.numeric_column("a"), [20.0, 50.0])
    return {
        "hashed": fc.categorical_column_with_hash_bucket("w", 7),
        "hashed numbers": fc.categorical_column_with_hash_bucket("n", 7, tf.int64),
        "identity": fc.categorical_column_with_identity("n", 10),
        "identity with a default": fc.categorical_column_with_identity("n", 4, default_value=1),
        "words": words,
        "words and others": spare,
        "cross of columns": fc.crossed_column([words, spare], 11),
        "cross with buckets": fc.crossed_column([age, spare], 11, hash_key=5),
    }


def results(column, features):
    """Outputs of the three ways to use a column, and their gradients by variable, as dense arrays."""
    rng = np.random.default_rng(0)
    with tf.Graph().as_default(), tf.Session() as session:
        initializer = tf.random_normal_initializer(seed=1)
        dense = tf.feature_column.input_layer(
            features, [fc.embedding_column(column, 3, initializer=initializer), fc.indicator_column(column)]
        )
        linear = tf.feature_column.linear_model(features, [column], units=2)
        factors = [tf.constant(rng.normal(size=(5, t.shape[1].value)), tf.float32) for t in (dense, linear)]
        loss = tf.reduce_sum(dense * factors[0]) + tf.reduce_sum(linear * factors[1])
        gradients = [tf.convert_to_tensor(g) for g in tf.gradients(loss, tf.trainable_variables())]
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        return session.run([dense, linear, *gradients])


@pytest.mark.filterwarnings("ignore:Converting sparse IndexedSlices")
@pytest.mark.parametrize("name", sorted(columns()))
def test_dense_equals_sparse(name):
    column = columns()[name]
    ages = {"a": tf.constant} if "buckets" in name else {}
    dense = {"w": WORDS, "n": NUMBERS} | ({"a": AGES} if ages else {})
    sparse = {key: tf.SparseTensorValue(np.array(i), np.array(v), np.array([5, 1])) for key, (i, v) in SPARSE.items()}
    sparse |= {"a": AGES} if ages else {}
    for one, other in zip(results(column, dense), results(column, sparse), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int8])
@pytest.mark.parametrize("size", [1, 2])
def test_the_largest_unsigned_number_is_missing(dtype, size):
    """As in TensorFlow, which converts -1 to the feature's dtype."""
    column = fc.indicator_column(fc.categorical_column_with_identity("n", 4))
    numbers = np.array([[0] * size, [3] * size, [-1] * size]).astype(dtype)
    with tf.Graph().as_default(), tf.Session() as session:
        found = session.run(fc.input_layer({"n": numbers}, [column]))
    np.testing.assert_array_equal(found, size * np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]))


def test_without_sparse_operations():
    with tf.Graph().as_default() as graph:
        column = fc.categorical_column_with_hash_bucket("w", 7)
        fc.linear_model({"w": tf.placeholder(tf.string, [None])}, [column])
        fc.input_layer({"w": tf.placeholder(tf.string, [None, 1])}, [fc.embedding_column(column, 2)])
        assert not [op for op in graph.get_operations() if op.type in ("Where", "GatherNd", "SparseFillEmptyRows")]


@pytest.mark.parametrize("optimizer", ["GradientDescent", "Adagrad", "Ftrl", "Adam", "Momentum"])
def test_updates_do_without_the_unique_rows(optimizer):
    """A step is native but for the words themselves, and gives what the reference gives."""
    found = []
    for backend in ("cpu", "reference"):
        with tf.Graph().as_default():
            tf.set_random_seed(3)
            words = tf.placeholder(tf.string, [6, 1], "words")
            column = fc.embedding_column(fc.categorical_column_with_hash_bucket("w", 4), 2)
            loss = tf.reduce_sum(tf.square(fc.input_layer({"w": words}, [column]) - 1.0))
            rates = {"Momentum": [0.1, 0.9]}.get(optimizer, [0.1])
            step = getattr(tf.train, f"{optimizer}Optimizer")(*rates).minimize(loss)
            with tf.Session(backend=backend) as session:
                session.run(tf.global_variables_initializer())
                feed = {words: np.array([["a"], ["b"], ["a"], [""], ["c"], ["a"]], object)}
                for _ in range(3):
                    session.run(step, feed)
                if backend == "cpu":
                    program = session.explain(step, feed)
                    assert " = Unique(" not in program and "UnsortedSegmentSum(" not in program, program
                found.append(session.run(tf.trainable_variables()[0]))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-6)


def test_rows_that_are_needed_by_themselves_stay():
    """Norms of gradients see each row once, as in TensorFlow."""
    with tf.Graph().as_default(), tf.Session() as session:
        column = fc.embedding_column(fc.categorical_column_with_identity("n", 4), 2)
        layer = fc.input_layer({"n": tf.constant([1, 1, 2])}, [column])
        gradient = tf.gradients(tf.reduce_sum(layer), tf.trainable_variables())[0]
        norm = tf.global_norm([gradient])
        session.run(tf.global_variables_initializer())
        assert session.run(gradient.indices).tolist() == [1, 2]
        assert session.run(norm) == pytest.approx(np.sqrt(2 * 4 + 2))

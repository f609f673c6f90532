"""What feature columns refuse, when they are made, when a model is built and when it runs."""

from pathlib import Path

import numpy as np
import pytest

import headrace as tf

fc = tf.feature_column
WORDS = Path(__file__).parents[1] / "fixtures" / "estimators" / "words.txt"


def ids(key="a", size=4):
    return fc.categorical_column_with_identity(key, size)


def hashed(key="a"):
    return fc.categorical_column_with_hash_bucket(key, 4)


MAKING = [
    (lambda: fc.numeric_column("a", dtype=tf.string), ValueError, "convertible to float"),
    (lambda: fc.numeric_column("a", (0,)), ValueError, "greater than 0"),
    (lambda: fc.numeric_column("a", (1.5,)), TypeError, "must be integer"),
    (lambda: fc.numeric_column("a", 2, default_value=[1.0]), ValueError, "shape of default_value"),
    (lambda: fc.numeric_column("a", default_value=1.5, dtype=tf.int64), TypeError, "compatible with dtype"),
    (lambda: fc.numeric_column("a", default_value="1"), TypeError, "compatible with dtype"),
    (lambda: fc.numeric_column("a", normalizer_fn=3), TypeError, "must be a callable"),
    (lambda: fc.numeric_column(3), ValueError, "key must be a string"),
    (lambda: fc.bucketized_column(ids(), [1]), ValueError, "numeric_column"),
    (lambda: fc.bucketized_column(fc.numeric_column("a", (2, 2)), [1]), ValueError, "one-dimensional"),
    (lambda: fc.bucketized_column(fc.numeric_column("a"), []), ValueError, "must not be empty"),
    (lambda: fc.bucketized_column(fc.numeric_column("a"), [2, 1]), ValueError, "sorted list"),
    (lambda: fc.categorical_column_with_hash_bucket("a", None), ValueError, "must be set"),
    (lambda: fc.categorical_column_with_hash_bucket("a", 0), ValueError, "at least 1"),
    (lambda: fc.categorical_column_with_hash_bucket("a", 2, tf.float32), ValueError, "string or integer"),
    (lambda: fc.categorical_column_with_identity("a", 0), ValueError, "num_buckets 0 < 1"),
    (lambda: fc.categorical_column_with_identity("a", 3, 3), ValueError, r"not in range \[0, 3\)"),
    (lambda: fc.categorical_column_with_vocabulary_list("a", []), ValueError, "non-empty"),
    (lambda: fc.categorical_column_with_vocabulary_list("a", ["x", "x"]), ValueError, "Duplicate keys"),
    (lambda: fc.categorical_column_with_vocabulary_list("a", [0.5]), ValueError, "string or integer"),
    (lambda: fc.categorical_column_with_vocabulary_list("a", ["x"], tf.int64), ValueError, "do not match"),
    (lambda: fc.categorical_column_with_vocabulary_list("a", ["x"], None, 0, 1), ValueError, "Can't specify both"),
    (lambda: fc.categorical_column_with_vocabulary_list("a", ["x"], num_oov_buckets=-1), ValueError, "Invalid num_oov"),
    (lambda: fc.categorical_column_with_vocabulary_file("a", ""), ValueError, "Missing vocabulary_file"),
    (lambda: fc.categorical_column_with_vocabulary_file("a", "/none"), ValueError, "does not exist"),
    (lambda: fc.categorical_column_with_vocabulary_file("a", WORDS, 0), ValueError, "Invalid vocabulary_size"),
    (lambda: fc.categorical_column_with_vocabulary_file("a", WORDS, 2, 1, 0), ValueError, "Can't specify both"),
    (lambda: fc.crossed_column(["a"], 4), ValueError, "length > 1"),
    (lambda: fc.crossed_column(["a", "b"], 0), ValueError, "must be > 1"),
    (lambda: fc.crossed_column(["a", hashed()], 4), ValueError, "not supported for crossing"),
    (lambda: fc.crossed_column(["a", fc.numeric_column("b")], 4), ValueError, "Unsupported key type"),
    (lambda: fc.weighted_categorical_column(ids(), "w", tf.string), ValueError, "not convertible to float"),
    (lambda: fc.weighted_categorical_column(fc.numeric_column("a"), "w"), ValueError, "must be a CategoricalColumn"),
    (lambda: fc.indicator_column(fc.numeric_column("a")), ValueError, "must be a CategoricalColumn"),
    (lambda: fc.embedding_column(ids(), 0), ValueError, "Invalid dimension 0"),
    (lambda: fc.embedding_column(ids(), 2, initializer=3), ValueError, "must be callable"),
    (lambda: fc.embedding_column(ids(), 2, ckpt_to_load_from="c"), ValueError, "Must specify both"),
    (lambda: fc.shared_embedding_columns([ids(), hashed("b")], 2), ValueError, "the same type"),
    (lambda: fc.shared_embedding_columns([ids(), ids("b", 5)], 2), ValueError, "same number of buckets"),
    (lambda: tf.contrib.layers.sparse_column_with_hash_bucket("a", 4, "mean"), ValueError, "sparse_combiner"),
]


@pytest.mark.parametrize(("make", "error", "text"), MAKING)
def test_making_a_column(make, error, text):
    with pytest.raises(error, match=text):
        make()


NUMBERS = np.zeros((3, 2), np.float32)
BUILDING = [
    ([], {}, "must not be empty"),
    ({"a": 1}, {}, "found dict"),
    (["a"], {"a": NUMBERS}, "must be a FeatureColumn"),
    ([fc.numeric_column("a"), fc.numeric_column("a", 2)], {"a": NUMBERS}, "Duplicate feature column name"),
    (fc.numeric_column("a"), {"b": NUMBERS}, r"Feature 'a' is not in features dictionary: \['b'\]"),
    ([fc.numeric_column("a")], {"a": 1.0}, "cannot have rank 0"),
    ([fc.numeric_column("a", 3)], {"a": NUMBERS}, "its column has shape"),
    ([fc.numeric_column("a")], {"a": ["x"]}, "must be numbers. key: a"),
    ([hashed()], {"a": ["x"]}, "must be a DenseColumn"),
    ([fc.indicator_column(hashed())], {"a": [1, 2]}, "must be compatible. key: a"),
    ([fc.indicator_column(ids())], {"a": ["x"]}, "not integer. key: a"),
    ([fc.numeric_column("a"), fc.numeric_column("b")], {"a": [1.0], "b": [1.0, 2.0]}, r"\(a, b\): \(1, 2\)"),
    (
        [fc.indicator_column(fc.weighted_categorical_column(ids(), "w"))],
        {"a": [1], "w": [1]},
        "Bad dtype, expected .*float32",
    ),
    (
        [fc.indicator_column(fc.crossed_column(["b", fc.weighted_categorical_column(ids(), "w")], 4))],
        {"a": [1], "b": ["x"], "w": [1.0]},
        "does not support weight_tensor",
    ),
]


@pytest.mark.parametrize(("columns", "features", "text"), BUILDING)
def test_building_an_input_layer(columns, features, text):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=text):
        fc.input_layer(features, columns)


def test_sparse_numbers_are_refused():
    with tf.Graph().as_default(), pytest.raises(ValueError, match="SparseTensor is not supported"):
        fc.input_layer({"a": tf.SparseTensor([[0, 0]], [1.0], [1, 1])}, [fc.numeric_column("a")])


def test_an_id_out_of_range_fails_while_running():
    with tf.Graph().as_default(), tf.Session() as session:
        output = fc.linear_model({"a": [1, 4]}, [ids()])
        session.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(output)


def test_a_shared_collection_holds_one_variable_of_the_shape():
    with tf.Graph().as_default():
        tf.add_to_collection("table", tf.get_variable("other", [3, 2]))
        columns = fc.shared_embedding_columns([ids(), ids("b")], 2, shared_embedding_collection_name="table")
        with pytest.raises(ValueError, match="unexpected shape"):
            fc.input_layer({"a": [1], "b": [1]}, columns)
        tf.add_to_collection("table", 1)
        with pytest.raises(ValueError, match="can only contain one variable"):
            fc.input_layer({"a": [1], "b": [1]}, columns)


def test_one_feature_is_parsed_in_one_way():
    with pytest.raises(ValueError, match="different parse_spec for key a"):
        fc.make_parse_example_spec([ids(), fc.numeric_column("a")])
    with pytest.raises(ValueError, match="must be FeatureColumn"):
        fc.make_parse_example_spec(["a"])
    with pytest.raises(ValueError, match="already exists for a"):
        fc.make_parse_example_spec([fc.weighted_categorical_column(ids(), "a")])

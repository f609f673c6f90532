"""Sequence columns against TensorFlow's: numbers, lengths, gradients and names of variables; what they refuse."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import headrace as tf
from headrace.engine import errors

FIXTURES = Path(__file__).parents[1] / "fixtures" / "estimators"
MODULE = runpy.run_path(str(FIXTURES / "sequence_cases.py"))
fc = tf.feature_column
SEQUENCE = tf.contrib.feature_column.sequence_input_layer
WORDS = fc.sequence_categorical_column_with_hash_bucket("w", 5)


@pytest.fixture(scope="module")
def expected():
    with np.load(FIXTURES / "sequences.npz") as file:
        return dict(file)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.mark.parametrize("kind", ["sequence_features", "sequence_input_layer"])
@pytest.mark.parametrize("name", MODULE["columns"](tf))
def test_numbers_lengths_and_gradients(name, kind, expected):
    layers = {
        "sequence_features": lambda f, c: tf.keras.experimental.SequenceFeatures(c)(f),
        "sequence_input_layer": SEQUENCE,
    }
    found = MODULE["run"](tf, name, layers[kind])
    wanted = {key.removeprefix(f"{name}/"): value for key, value in expected.items() if key.startswith(f"{name}/")}
    assert set(found) == {key.replace("sequence_features", kind) for key in wanted}
    for key, value in wanted.items():
        result = found[key.replace("sequence_features", kind)]
        assert result.dtype == value.dtype and result.shape == value.shape
        np.testing.assert_allclose(result, value, rtol=1e-5, atol=1e-6, err_msg=key)


def test_a_layer_shares_its_variables_between_calls():
    words = tf.SparseTensor([[0, 0], [0, 1]], ["a", "b"], [2, 2])
    layer = tf.keras.experimental.SequenceFeatures([fc.embedding_column(WORDS, 2)])
    (one, _), (two, _) = layer({"w": words}), layer({"w": words})
    assert len(tf.global_variables()) == 1 and one.shape.as_list() == [2, 2, 2]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        first, second = session.run([one, two])
    np.testing.assert_array_equal(first, second)


def test_shared_embeddings():
    other = fc.sequence_categorical_column_with_hash_bucket("v", 5)
    columns = fc.shared_embedding_columns([WORDS, other], 3)
    words = tf.SparseTensor([[0, 0]], ["a"], [1, 1])
    output, _ = SEQUENCE({"w": words, "v": words}, columns)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = session.run(output)
    assert len(tf.global_variables()) == 1
    np.testing.assert_array_equal(found[..., :3], found[..., 3:])


def test_a_recurrent_network_of_parsed_examples():
    columns = [fc.embedding_column(WORDS, 2), fc.sequence_numeric_column("n")]
    examples = [
        tf.train.Example(features=tf.train.Features(feature={
            "w": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"x"] * n)),
            "n": tf.train.Feature(float_list=tf.train.FloatList(value=np.arange(float(n)))),
        })).SerializeToString() for n in (2, 3)
    ]  # fmt: skip
    features = tf.parse_example(examples, fc.make_parse_example_spec(columns))
    numbers, lengths = SEQUENCE(features, columns)
    context = tf.contrib.feature_column.concatenate_context_input(tf.ones([2, 4]), numbers)
    output, state = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(5), context, lengths, dtype=tf.float32)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        output, state, lengths, context = session.run([output, state, lengths, context])
    assert lengths.tolist() == [2, 3] and context.shape == (2, 3, 7)
    np.testing.assert_array_equal(output[0, 2], np.zeros(5))
    np.testing.assert_array_equal(output[1, 2], state[1])


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: fc.input_layer({"w": [["a"]]}, [fc.embedding_column(WORDS, 2)]), "a sequence, which input_layer cannot"),
        (lambda: fc.input_layer({"w": [["a"]]}, [fc.indicator_column(WORDS)]), "a sequence, which input_layer cannot"),
        (lambda: SEQUENCE({"w": [["a"]]}, [WORDS]), "All feature_columns must be of type sequence_numeric_column"),
        (lambda: SEQUENCE({"x": [[1.0]]}, [fc.numeric_column("x")]), "All feature_columns must be of type"),
        (lambda: SEQUENCE({"w": [["a"]]}, [fc.indicator_column(fc.categorical_column_with_hash_bucket("w", 5))]),
         "made by sequence_categorical_column_with_"),
        (lambda: SEQUENCE({"x": [[1.0]]}, [fc.sequence_numeric_column("x")]), "must be a SparseTensor. key: x"),
        (lambda: SEQUENCE({"x": tf.SparseTensor([[0, 0]], ["a"], [1, 1])}, [fc.sequence_numeric_column("x")]),
         "must be numbers. key: x, dtype"),
        (lambda: SEQUENCE({}, [fc.sequence_numeric_column("x")]), "Feature 'x' is not in features"),
        (lambda: tf.keras.experimental.SequenceFeatures([fc.sequence_numeric_column("x")])([1]), "expected a dictionary"),
        (lambda: fc.sequence_numeric_column("x", dtype=tf.string), "convertible to float"),
        (lambda: fc.sequence_numeric_column("x", shape=(0,)), "greater than 0"),
        (lambda: fc.sequence_categorical_column_with_identity("x", 0), "num_buckets 0 < 1"),
        (lambda: tf.contrib.feature_column.concatenate_context_input(tf.ones([2]), tf.ones([2, 1, 1])), "rank 2"),
    ],
)  # fmt: skip
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_normalizer_must_be_callable():
    with pytest.raises(TypeError, match="normalizer_fn must be a callable"):
        fc.sequence_numeric_column("x", normalizer_fn=3)


def test_different_lengths_are_an_error():
    one, two = tf.sparse_placeholder(tf.float32, [1, 2]), tf.sparse_placeholder(tf.float32, [1, 2])
    columns = [fc.sequence_numeric_column("a"), fc.sequence_numeric_column("b")]
    _, lengths = SEQUENCE({"a": one, "b": two}, columns)
    values = [tf.SparseTensorValue([[0, i] for i in range(n)], np.ones(n, np.float32), [1, 2]) for n in (1, 2)]
    with tf.Session() as session:
        assert session.run(lengths, {one: values[0], two: values[0]}).tolist() == [1]
        with pytest.raises(errors.InvalidArgumentError, match="Columns a and b have different"):
            session.run(lengths, {one: values[0], two: values[1]})

"""Layers that are adapted to data: vocabularies, hashes, bins and moments equal to Keras's, and what they refuse."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

import headrace as tf

L = tf.keras.layers
FIXTURES = Path(__file__).parents[2] / "fixtures" / "layers"
EXPECTED = json.loads((FIXTURES / "keras_preprocessing.json").read_text(encoding="utf-8"))
TABLE = runpy.run_path(str(FIXTURES / "keras_layer_cases.py"))
VALUES = TABLE["skewed_values"]()


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default(), tf.Session():
        yield


def value(tensor):
    return tf.keras.backend.get_value(tensor)


@pytest.mark.parametrize("name, options, data, given, vocabulary, expected", EXPECTED["lookups"])
def test_lookups(name, options, data, given, vocabulary, expected):
    layer = getattr(L, name)(**options)
    layer.adapt(np.array(data))
    assert [str(token) for token in layer.get_vocabulary()] == [str(token) for token in vocabulary]
    outputs = layer(np.array(given))
    found = value(outputs)
    assert outputs.shape.is_compatible_with(found.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    # A configuration holds the vocabulary.
    again = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    np.testing.assert_array_equal(value(again(np.array(given))), found)


@pytest.mark.parametrize("name", ["StringLookup", "IntegerLookup"])
def test_looking_back(name):
    words = ["b", "a"] if name == "StringLookup" else [7, 5]
    layer = getattr(L, name)(vocabulary=words)
    back = getattr(L, name)(vocabulary=layer.get_vocabulary(), invert=True)
    found = value(back(layer(np.array([*words, words[0]]))))
    assert [x.decode() if isinstance(x, bytes) else x for x in found] == [*words, words[0]]
    assert value(back(np.array([0]))).tolist() == [b"[UNK]" if name == "StringLookup" else -1]


@pytest.mark.parametrize("options, given, expected", EXPECTED["hashes"])
def test_hashing(options, given, expected):
    np.testing.assert_array_equal(value(L.Hashing(**options)(np.array(given))), expected)


@pytest.mark.parametrize("number, options", list(enumerate(TABLE["BINS"])))
def test_discretization(number, options):
    layer = L.Discretization(**options)
    layer.adapt(VALUES)
    with np.load(FIXTURES / "keras_layers.npz") as archive:
        np.testing.assert_allclose(layer.bin_boundaries, archive[f"bins{number}"], rtol=1e-6)
    given = np.array([*VALUES[:4, 0], layer.bin_boundaries[0]], np.float32)
    np.testing.assert_array_equal(value(layer(given)), np.digitize(given, np.float32(layer.bin_boundaries)))


@pytest.mark.parametrize("options, expected", EXPECTED["norms"])
@pytest.mark.parametrize("batched", [False, True])
def test_normalization(options, expected, batched):
    data = VALUES.reshape(100, 5)
    layer = L.Normalization(**options)
    layer.adapt(iter([data[:30], data[30:]]) if batched else data)
    np.testing.assert_allclose(value(layer(data[:3])), expected, rtol=1e-4, atol=1e-5)


def test_normalization_adapts_again_and_takes_datasets():
    layer = L.Normalization()
    layer.adapt(np.array([[1.0, 2.0], [3.0, 2.0]]))
    outputs = layer(np.array([[3.0, 4.0]]))
    layer.adapt(tf.data.Dataset.from_tensor_slices(np.array([[0.0, 0.0], [2.0, 4.0]])).batch(1))
    np.testing.assert_allclose(value(outputs), [[2.0, 1.0]])
    assert [w.shape for w in layer.get_weights()] == [(2,), (2,), ()]


def test_words_come_from_datasets_and_files(tmp_path):
    layer = L.StringLookup()
    layer.adapt(tf.data.Dataset.from_tensor_slices(["a", "b", "a"]).batch(2))
    assert layer.get_vocabulary() == ["[UNK]", "a", "b"]
    path = tmp_path / "words.txt"
    path.write_text("x\ny\n", encoding="utf-8")
    assert L.StringLookup(vocabulary=str(path)).get_vocabulary() == ["[UNK]", "x", "y"]


@pytest.mark.parametrize("mode, expected", [
    ("one_hot", [[0, 1, 0], [0, 0, 1]]), ("multi_hot", [0, 1, 1]), ("count", [0, 1, 1]),
])  # fmt: skip
def test_category_encoding(mode, expected):
    np.testing.assert_array_equal(value(L.CategoryEncoding(3, mode)(np.array([1, 2]))), expected)


def test_category_encoding_weighs_counts():
    layer = L.CategoryEncoding(3, "count")
    found = layer(np.array([[1, 1], [0, 2]]), count_weights=np.array([[0.5, 1.0], [2.0, 3.0]]))
    np.testing.assert_allclose(value(found), [[0, 1.5, 0], [2, 0, 3]])


@pytest.mark.parametrize("make, error, match", [
    (lambda: L.StringLookup()(np.array(["a"])), RuntimeError, "has no vocabulary: call adapt"),
    (lambda: L.StringLookup(vocabulary=["a", "a"]), ValueError, "repeated value: 'a'"),
    (lambda: L.StringLookup(max_tokens=2, vocabulary=["a", "b"]), ValueError, "more than max_tokens=2"),
    (lambda: L.StringLookup(max_tokens=1), ValueError, "must be above 1"),
    (lambda: L.StringLookup(vocabulary=["a"]).adapt(["b"]), ValueError, "Cannot adapt layer 'string_lookup'"),
    (lambda: L.StringLookup(vocabulary=["a"])(np.array([1])), TypeError, "looks up string, got int64"),
    (lambda: L.StringLookup(vocabulary=["a"], output_mode="tf_idf"), ValueError, "`idf_weights` must be set"),
    (lambda: L.StringLookup(invert=True, output_mode="count"), ValueError, "must be 'int' when `invert`"),
    (lambda: L.IntegerLookup(output_mode="many"), ValueError, "`output_mode` of IntegerLookup"),
    (lambda: L.IntegerLookup(salt=3), ValueError, "oov_method='farmhash'"),
    (lambda: L.Hashing(0), ValueError, "`num_bins` of Hashing: expected a positive integer, got 0"),
    (lambda: L.Hashing(3, dtype="float32"), ValueError, "must be int32 or int64"),
    (lambda: L.Hashing(3, salt="x"), ValueError, "`salt` of Hashing"),
    (lambda: L.Discretization(), ValueError, "either `num_bins` or `bin_boundaries`"),
    (lambda: L.Discretization(num_bins=3)(np.array([1.0])), ValueError, "call adapt"),
    (lambda: L.Discretization([1.0]).adapt([1.0]), ValueError, "Cannot `adapt` Discretization"),
    (lambda: L.Normalization(mean=1.0), ValueError, "both `mean` and `variance`"),
    (lambda: L.Normalization(mean=1.0, variance=1.0).adapt([[1.0]]), ValueError, "Cannot `adapt` Normalization"),
    (lambda: L.Normalization().adapt(3), TypeError, "adapt takes an array"),
    (lambda: L.Normalization().adapt(iter([])), ValueError, "without a batch"),
    (lambda: L.Normalization()(tf.placeholder(tf.float32, [None, None])), ValueError, "must be known"),
    (lambda: L.CategoryEncoding(), ValueError, "`num_tokens` of CategoryEncoding"),
    (lambda: L.CategoryEncoding(3, "int"), ValueError, "expected one of"),
    (lambda: L.CategoryEncoding(3)(np.array([1]), count_weights=[1.0]), ValueError, "'count_weights`|count_weights"),
    (lambda: L.TextVectorization(ngrams=2), ValueError, "ngrams with vectors only"),
    (lambda: L.TextVectorization(split="comma"), ValueError, "`split` of TextVectorization"),
    (lambda: L.TextVectorization(vocabulary=["a"])(np.array([["a", "b"]])), ValueError, r"takes texts \[batch\]"),
])  # fmt: skip
def test_what_they_refuse(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_a_vocabulary_is_fixed_by_the_first_call_and_words_outside_may_be_errors():
    layer = L.StringLookup(vocabulary=["a"], num_oov_indices=0)
    outputs = layer(np.array(["a", "b"]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="num_oov_indices=0"):
        value(outputs)
    with pytest.raises(RuntimeError, match="before its first call"):
        layer.set_vocabulary(["b"])

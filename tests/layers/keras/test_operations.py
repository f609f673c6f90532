"""Operations between layers: models of them are called again, trained, and written as configurations."""

import json

import numpy as np
import pytest

import headrace as tf

keras = tf.keras
L = keras.layers


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default():
        yield


def mixed():
    """A model with operations of one and several inputs and outputs, constants and a variable."""
    x, y = keras.Input((4,), name="x"), keras.Input((3,), name="y")
    first, second = tf.split(L.Dense(6, "relu")(x), 2, 1)
    joined = tf.concat([first * 2.0 + L.Dense(3)(y), second], 1)
    positive = tf.where(joined > 0.1, joined, tf.zeros_like(joined))
    return keras.Model([x, y], L.Dense(1)(positive[:, 1:]) + 1.0)


def data():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(8, size)).astype(np.float32) for size in (4, 3)]


def test_a_model_with_operations_is_called_again_and_written():
    model, given = mixed(), data()
    expected = model.predict(given, verbose=0)
    np.testing.assert_array_equal(keras.backend.get_value(model(given)), expected)
    config = json.loads(json.dumps(model.get_config()))
    again = keras.Model.from_config(config)
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(given, verbose=0), expected)
    assert [layer.name for layer in model.layers][:2] == ["x", "y"]


def test_a_model_with_operations_trains():
    model = mixed()
    model.compile("adam", "mse")
    losses = model.fit(data(), np.ones((8, 1)), epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_a_variable_in_between_stays_and_cannot_be_written():
    x = keras.Input((2,))
    factor = tf.Variable(3.0)
    model = keras.Model(x, L.Identity()(x * factor))
    np.testing.assert_array_equal(model.predict(np.ones((1, 2)), verbose=0), [[3.0, 3.0]])
    with pytest.raises(ValueError, match=r"operation 'operation_mul' \(Mul\) has no configuration"):
        model.get_config()


def test_words_and_shapes_are_attributes_and_constants():
    words = keras.Input((), dtype="string")
    model = keras.Model(words, tf.reshape(tf.strings.join([words, tf.constant("!")], "-"), [-1, 1]))
    again = keras.Model.from_config(json.loads(json.dumps(model.get_config())))
    assert keras.backend.get_value(again(np.array(["a", "b"]))).tolist() == [[b"a-!"], [b"b-!"]]

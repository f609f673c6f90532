"""DenseFeatures: feature columns as a layer of Keras's models."""

import numpy as np
import pytest

import headrace as tf
from headrace.estimators.columns.dense_features import DenseFeatures

keras, fc = tf.keras, tf.feature_column
X = {"age": np.linspace(0, 1, 40).astype(np.float32), "color": np.array(["red", "blue"] * 20)}
Y = X["age"] + (X["color"] == "red")


@pytest.fixture(autouse=True)
def fresh_graph():
    keras.backend.clear_session()


def columns():
    color = fc.categorical_column_with_vocabulary_list("color", ["red", "blue"])
    return [fc.embedding_column(color, 3), fc.numeric_column("age"), fc.indicator_column(color)]


def sequential():
    return keras.Sequential([DenseFeatures(columns()), keras.layers.Dense(1)])


def functional():
    inputs = {"age": keras.Input((), name="age"), "color": keras.Input((1,), dtype="string", name="color")}
    return keras.Model(inputs, keras.layers.Dense(1)(DenseFeatures(columns())(inputs)))


@pytest.mark.parametrize("make", [sequential, functional])
def test_models_train_and_save_their_columns(make, tmp_path):
    model = make()
    model.compile(keras.optimizers.Adam(0.1), "mse")
    history = model.fit(X, Y, epochs=20, batch_size=10, verbose=0).history["loss"]
    assert history[-1] < 0.1 * history[0]
    names = [v.name for v in model.trainable_weights]
    assert names[0] == "dense_features/color_embedding/embedding_weights:0" and len(names) == 3
    wanted = model.predict(X, verbose=0)
    model.save_weights(tmp_path / "w.weights.h5")
    other = make()
    other.compile("sgd", "mse")
    other.evaluate(X, Y, verbose=0)
    other.load_weights(tmp_path / "w.weights.h5")
    np.testing.assert_allclose(other.predict(X, verbose=0), wanted, rtol=1e-6)
    with pytest.raises(NotImplementedError, match="save the weights alone"):
        model.save(tmp_path / "model.keras")


def test_the_layer_gives_what_input_layer_gives():
    parts = {}
    features = {"age": tf.constant([0.5, 2.0]), "color": tf.constant(["blue", "green"])}
    layer = DenseFeatures(columns()[1:])
    values = keras.backend.get_value(layer(features, cols_to_output_tensors=parts))
    np.testing.assert_array_equal(values, keras.backend.get_value(fc.input_layer(features, columns()[1:])))
    assert layer.compute_output_shape(None) == (None, 3) and len(parts) == 2


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: DenseFeatures([fc.categorical_column_with_identity("a", 3)]), "must be a DenseColumn"),
        (lambda: DenseFeatures(columns())(tf.zeros([2, 2])), "needs a dict of features"),
        (lambda: DenseFeatures(columns())({"age": tf.zeros([2])}), "'color' is not in features"),
    ],
)
def test_what_fits_no_columns_is_said(make, text):
    with pytest.raises(ValueError, match=text):
        make()

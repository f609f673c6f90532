"""DenseFeatures: feature columns as a layer of Keras's models."""

import dataclasses
import json

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
    if make is sequential:
        # Its inputs are known once it is called.
        return
    model.save(tmp_path / "model.keras")
    keras.backend.clear_session()
    again = keras.models.load_model(tmp_path / "model.keras", custom_objects={"DenseFeatures": DenseFeatures})
    np.testing.assert_allclose(again.predict(X, verbose=0), wanted, rtol=1e-6)


@keras.utils.register_keras_serializable("tests")
def halved(x):
    return x / 2


def every_column():
    words = fc.categorical_column_with_vocabulary_list("w", ["a", "b"], num_oov_buckets=2)
    age = fc.bucketized_column(fc.numeric_column("age", normalizer_fn=halved), [1.0, 2.0])
    cross = fc.crossed_column([age, "w"], 10, hash_key=3)
    numbers = fc.categorical_column_with_identity("n", 4, default_value=1)
    hashed = fc.categorical_column_with_hash_bucket("h", 5, tf.int32)
    shared = fc.shared_embedding_columns([fc.categorical_column_with_identity(k, 3) for k in "xy"], 2)
    start = tf.constant_initializer([[1.0], [2.0], [3.0], [4.0], [5.0]])
    return [
        age, *shared, fc.numeric_column("m", [2], default_value=1.5), fc.indicator_column(cross),
        fc.indicator_column(fc.weighted_categorical_column(words, "weight")),
        fc.embedding_column(numbers, 3, "sum", max_norm=1.0), fc.embedding_column(hashed, 1, initializer=start),
    ]  # fmt: skip


def test_every_column_has_a_configuration():
    layer = DenseFeatures(every_column(), name="first")
    config = json.loads(json.dumps(layer.get_config()))
    again = DenseFeatures.from_config(config)
    assert again.name == "first" and again.get_config() == layer.get_config()
    initializers = {"initializer": None}
    for one, other in zip(again._columns.listed, layer._columns.listed, strict=True):
        plain = [dataclasses.replace(c, **initializers) if hasattr(c, "initializer") else c for c in (one, other)]
        assert plain[0] == plain[1]


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"class_name": "System", "config": {}}, "no feature column of this configuration"),
        ("age", "no feature column of this configuration"),
        (
            {"class_name": "NumericColumn", "config": {"key": "a", "normalizer_fn": {"function": "os.system"}}},
            "custom objects",
        ),
        ({"class_name": "NumericColumn", "config": {"key": {"initializer": "get_default_graph"}}}, "no initializer"),
    ],
)
def test_configurations_name_nothing_else(config, text):
    with pytest.raises(ValueError, match=text):
        DenseFeatures.from_config({"feature_columns": [config]})


def test_functions_without_a_name_are_refused():
    layer = DenseFeatures([fc.numeric_column("a", normalizer_fn=lambda x: x)])
    with pytest.raises(ValueError, match="of the column 'a' has no name"):
        layer.get_config()


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

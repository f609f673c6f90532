"""An estimator of a Keras model: begins with its weights, trains, evaluates and predicts as the model does."""

import numpy as np
import pytest

import headrace as tf

keras = tf.keras
RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(32, 3)).astype("float32"), RNG.integers(0, 2, 32)


@pytest.fixture(autouse=True)
def fresh_graph():
    keras.backend.clear_session()


def compiled():
    inputs = keras.Input((3,), name="x")
    hidden = keras.layers.BatchNormalization()(keras.layers.Dense(4, activation="relu")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="kind")(hidden))
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def input_fn(features=None):
    return tf.data.Dataset.from_tensor_slices((features or {"x": X}, Y)).batch(8)


def test_it_does_what_the_model_does(tmp_path):
    model = compiled()
    estimator = keras.estimator.model_to_estimator(model, model_dir=str(tmp_path))
    estimator.train(input_fn)
    model.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    loss, accuracy = model.evaluate(X, Y, batch_size=8, verbose=0)
    found = estimator.evaluate(input_fn)
    assert found["global_step"] == 4
    assert [found["loss"], found["accuracy"]] == pytest.approx([loss, accuracy], rel=1e-4)
    predicted = np.array([p["kind"] for p in estimator.predict(lambda: input_fn())])
    np.testing.assert_allclose(predicted, model.predict(X, verbose=0), rtol=1e-4)


def test_from_a_file(tmp_path):
    model = compiled()
    model.save(tmp_path / "m.keras")
    estimator = keras.estimator.model_to_estimator(keras_model_path=tmp_path / "m.keras", model_dir=str(tmp_path / "e"))
    estimator.train(input_fn, steps=1)
    model.train_on_batch(X[:8], Y[:8])
    np.testing.assert_allclose(estimator.get_variable_value("dense/kernel"), model.get_weights()[0], rtol=1e-5)


def test_what_cannot_become_an_estimator():
    with pytest.raises(ValueError, match="either"):
        keras.estimator.model_to_estimator()
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="compiled"):
        keras.estimator.model_to_estimator(model)

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


def test_optimizers_of_tf_train_and_names_of_metrics():
    model = compiled()
    model.compile(tf.train.GradientDescentOptimizer(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    estimator = keras.estimator.model_to_estimator(model, metric_names_map={"accuracy": "right"})
    first = estimator.train(input_fn).evaluate(input_fn)
    assert "right" in first and "accuracy" not in first
    assert estimator.train(input_fn).evaluate(input_fn)["loss"] < first["loss"]


def test_a_second_model_of_the_same_kind_goes_on(tmp_path):
    first = keras.estimator.model_to_estimator(compiled(), model_dir=str(tmp_path)).train(input_fn)
    before = first.evaluate(input_fn)
    keras.optimizers.Adam()
    keras.backend.clear_session()
    second = keras.estimator.model_to_estimator(compiled(), model_dir=str(tmp_path))
    assert second.evaluate(input_fn) == before
    assert second.train(input_fn).evaluate(input_fn)["global_step"] == 8


def test_several_inputs_and_outputs_are_served(tmp_path):
    a, b = keras.Input((2,), name="a"), keras.Input((1,), name="b")
    h = keras.layers.Dropout(0.2)(keras.layers.Dense(4, activation="relu")(keras.layers.concatenate([a, b])))
    outputs = [keras.layers.Dense(1, name="size")(h), keras.layers.Dense(2, activation="softmax", name="kind")(h)]
    model = keras.Model([a, b], outputs)
    model.compile(
        "sgd", {"size": "mse", "kind": "sparse_categorical_crossentropy"},
        metrics={"size": [keras.metrics.MeanAbsoluteError()]}, loss_weights=[0.5, 1.0],
    )  # fmt: skip
    estimator = keras.estimator.model_to_estimator(model, model_dir=str(tmp_path / "model"))
    given = ({"b": X[:, 2:], "a": X[:, :2]}, {"size": X[:, :1], "kind": Y})

    def data():
        return tf.data.Dataset.from_tensor_slices(given).batch(8)

    found = estimator.train(data).evaluate(data)
    assert {"loss", "size_loss", "kind_loss", "size_mean_absolute_error", "global_step"} == set(found)
    assert found["loss"] == pytest.approx(0.5 * found["size_loss"] + found["kind_loss"], rel=1e-5)

    def receiver_fn():
        made = {"a": tf.placeholder(tf.float32, [None, 2]), "b": tf.placeholder(tf.float32, [None, 1])}
        return tf.estimator.export.ServingInputReceiver(made, made)

    path = estimator.export_saved_model(str(tmp_path / "export"), receiver_fn).decode()
    served = tf.contrib.predictor.from_saved_model(path)({"a": X[:, :2], "b": X[:, 2:]})
    rows = list(estimator.predict(data))
    for key in ("size", "kind"):
        np.testing.assert_allclose(served[key], np.stack([row[key] for row in rows]), rtol=1e-5)


def test_losses_of_calls_count(tmp_path):
    inputs = keras.Input((3,), name="x")
    hidden = keras.layers.Dense(4, activity_regularizer="l2", kernel_regularizer="l2")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(hidden))
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    estimator = keras.estimator.model_to_estimator(model, model_dir=str(tmp_path)).train(input_fn)
    model.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    wanted = model.evaluate(X, Y, batch_size=8, verbose=0)
    assert estimator.evaluate(input_fn)["loss"] == pytest.approx(wanted, rel=1e-4)

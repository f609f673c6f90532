"""Methods of models that tf.keras 1.15 has under other names than Keras 3."""

import numpy as np
import pytest

import headrace as tf

keras = tf.keras
X, Y = np.eye(4, dtype=np.float32), np.array([0, 1, 1, 0])


def batches():
    while True:
        yield X, Y


def classifier(units):
    activation = "softmax" if units > 1 else "sigmoid"
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation=activation)])
    model.compile("adam", "sparse_categorical_crossentropy" if units > 1 else "binary_crossentropy")
    return model


def test_generators():
    model = classifier(2)
    history = model.fit_generator(batches(), 3, 2, verbose=0, validation_data=batches(), validation_steps=1, workers=4)
    assert {name: len(values) for name, values in history.history.items()} == {"loss": 2, "val_loss": 2}
    assert model.evaluate_generator(batches(), 2) == pytest.approx(model.evaluate(X, Y, verbose=0))
    np.testing.assert_allclose(model.predict_generator(batches(), 1), model.predict(X, verbose=0))


def test_classes():
    for units in (1, 2):
        model = classifier(units)
        found, chances = model.predict_classes(X), model.predict_proba(X)
        expected = chances.argmax(1) if units > 1 else (chances > 0.5).astype(int)
        np.testing.assert_array_equal(found, expected)


def test_states_of_layers_are_reset():
    model = keras.Sequential([keras.Input((2, 3), batch_size=1), keras.layers.LSTM(2, stateful=True)])
    x = np.ones((1, 2, 3), np.float32)
    first, second = (model.predict(x, verbose=0) for _ in range(2))
    model.reset_states()
    assert not np.allclose(first, second)
    np.testing.assert_allclose(model.predict(x, verbose=0), first)


def test_numbers_of_normalization():
    layer = keras.layers.Normalization()
    assert layer.mean is None and layer.variance is None
    layer.adapt(np.array([[1.0, 2.0], [3.0, 2.0]], np.float32))
    np.testing.assert_allclose(layer.mean, [2.0, 2.0])
    np.testing.assert_allclose(layer.variance, [1.0, 0.0])
    np.testing.assert_allclose(keras.layers.Normalization(mean=3.0, variance=2.0).mean, 3.0)


def test_options_of_tensorflow_1_trace_steps():
    """`compile(options=..., run_metadata=...)` gives them to the runs of the session."""
    metadata, on_device = tf.RunMetadata(), tf.test.is_gpu_available()
    model = keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(1)])
    model.compile("adam", "mse", options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), run_metadata=metadata)
    x, y = np.ones((8, 2)), np.ones((8, 1))
    for use, wanted in ((lambda: model.fit(x, y, verbose=0), True), (lambda: model.predict(x), False)):
        metadata.Clear()
        use()
        labels = [n.timeline_label for device in metadata.step_stats.dev_stats for n in device.node_stats]
        # The steps of several variables are one kernel, and on the CPU a product may be part of such a step.
        kernels = ["ResourceApplyAdam*4("] if on_device else ["ResourceApplyAdam*2(", "MatMul+ResourceApplyAdam("]
        for kernel in kernels:
            assert any(f" = {kernel}" in label for label in labels) == wanted
        assert any("MatMul" in label for label in labels)
    model.compile("sgd", "mse")
    metadata.Clear()
    model.fit(x, y, verbose=0)
    assert not metadata.step_stats.dev_stats
    with pytest.raises(TypeError, match="compile got unexpected arguments: colour"):
        model.compile("sgd", "mse", colour=1)

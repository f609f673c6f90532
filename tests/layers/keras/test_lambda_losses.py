"""Losses and metrics that are lambdas."""

import numpy as np

import headrace as tf


def test_lambdas_are_losses_and_metrics():
    model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(1)])
    model.compile("sgd", lambda y, p: tf.reduce_mean(tf.square(y - p), -1), metrics=[lambda y, p: tf.abs(y - p)])
    history = model.fit(np.ones((8, 2)), np.ones((8, 1)), verbose=0).history
    assert len(history) == 2 and np.isfinite(history["loss"]).all()


def test_saved_models_are_read_from_the_bytes_that_an_export_gives(tmp_path):
    x = np.linspace(-1, 1, 8).astype(np.float32)
    model = tf.estimator.LinearRegressor([tf.feature_column.numeric_column("x")])
    model.fit({"x": x}, x, epochs=1, verbose=0)
    serving = tf.estimator.export.build_raw_serving_input_receiver_fn({"x": tf.placeholder(tf.float32, [None])})
    path = model.export_saved_model(str(tmp_path), serving)
    assert tf.contrib.predictor.from_saved_model(path)({"x": [1.0]})["outputs"].shape == (1, 1)

"""Losses, metrics, schedules and weights after 20 steps are those of Keras 3 (torch backend)."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import headrace as tf

FIXTURES = Path(__file__).parents[2] / "fixtures" / "layers"
CASES = runpy.run_path(str(FIXTURES / "keras_training_cases.py"))
VALUES = np.load(FIXTURES / "keras_training.npz")
layers = tf.keras.layers


@pytest.fixture(autouse=True)
def fresh_graph():
    tf.keras.backend.clear_session()


def in_turn(values):
    """A function that gives the next numbers of a vector in the shape of an array."""
    place = [0]

    def take(like):
        start = place[0]
        place[0] += np.size(like)
        return values[start : place[0]].reshape(np.shape(like))

    return take


def mlp():
    return tf.keras.Sequential(
        [tf.keras.Input((5,)), layers.Dense(8, activation="relu"), layers.Dense(3, activation="softmax")]
    )


def cnn():
    return tf.keras.Sequential(
        [
            tf.keras.Input((8, 8, 2)),
            layers.Conv2D(4, 3, activation="relu", kernel_regularizer=tf.keras.regularizers.L2(0.01)),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def lstm():
    return tf.keras.Sequential([tf.keras.Input((6, 4)), layers.LSTM(5), layers.Dense(3, activation="softmax")])


def trained(model, kind, optimizer):
    x, y = CASES["training_data"](kind)
    model.set_weights(CASES["unflat"](VALUES[f"{kind}_start"], model.get_weights()))
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=8, epochs=5, shuffle=False, verbose=0).history
    return np.array([history["loss"], history["accuracy"]])


def close(found, wanted, what=""):
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4, err_msg=what)


@pytest.mark.parametrize("number", range(len(CASES["OPTIMIZERS"])))
def test_optimizer(number):
    name, options = CASES["OPTIMIZERS"][number]
    model = mlp()
    history = trained(model, "mlp", getattr(tf.keras.optimizers, name)(**options))
    close(CASES["flat"](model.get_weights()), VALUES["mlp_end"][number], f"{name} {options}")
    close(history, VALUES["mlp_history"][number], f"{name} {options}")


@pytest.mark.parametrize(("kind", "make"), [("cnn", cnn), ("lstm", lstm)])
def test_network(kind, make):
    model = make()
    close(trained(model, kind, tf.keras.optimizers.Adam(0.01)), VALUES[f"{kind}_history"])
    close(CASES["flat"](model.get_weights()), VALUES[f"{kind}_end"])
    close(model.evaluate(*CASES["training_data"](kind), batch_size=8, verbose=0), VALUES[f"{kind}_evaluate"])


def test_schedules():
    step = tf.placeholder(tf.int64, [])
    found = [getattr(tf.keras.optimizers.schedules, n)(**options)(step) for n, options in CASES["SCHEDULES"]]
    with tf.Session() as session:
        rates = np.array([session.run(found, {step: i}) for i in range(20)]).T
    np.testing.assert_allclose(rates, VALUES["schedules"], rtol=1e-5, atol=1e-7)


def test_losses():
    take = in_turn(VALUES["losses"])
    with tf.Session() as session:
        for name, options, truth, guess, weights in CASES["losses"]():
            loss = getattr(tf.keras.losses, name)(**options)
            given = {} if name in ("Dice", "Tversky") else {"sample_weight": weights}
            for value in session.run([loss(truth, guess), loss(truth, guess, **given)]):
                np.testing.assert_allclose(value, take(value), rtol=2e-5, atol=1e-6, err_msg=f"{name} {options}")


def test_metrics_over_uneven_batches():
    take = in_turn(VALUES["metrics"])
    for name, options, batches in CASES["metrics"]():
        for with_weights in (False, True):
            metric = getattr(tf.keras.metrics, name)(**options)
            given = [
                {} if not with_weights or "IoU" in name else {"sample_weight": weights} for _, _, weights in batches
            ]
            updates = [metric.update_state(t, g, **w) for (t, g, _), w in zip(batches, given, strict=True)]
            result = metric.result()
            session = tf.keras.backend.get_session()
            for update in updates:
                session.run(update)
            value = session.run(result)
            np.testing.assert_allclose(value, take(value), rtol=2e-5, atol=1e-6, err_msg=f"{name} {options}")


def start_like(model):
    return [np.random.default_rng(i + 1).normal(size=w.shape) * 0.5 for i, w in enumerate(model.get_weights())]


def test_masks_reach_losses_and_metrics():
    rng = np.random.default_rng(0)
    x = rng.integers(1, 10, (16, 6))
    x[:, 4:] = 0
    x[3, 2:] = 0
    y = rng.integers(0, 3, (16, 6))
    inputs = tf.keras.Input((6,), dtype="int32")
    hidden = layers.LSTM(5, return_sequences=True)(layers.Embedding(10, 4, mask_zero=True)(inputs))
    model = tf.keras.Model(inputs, layers.Dense(3, activation="softmax")(hidden))
    model.set_weights(start_like(model))
    model.compile(tf.keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history
    # From Keras 3.
    np.testing.assert_allclose(history["accuracy"], [0.354839, 0.370968, 0.370968], atol=1e-6)
    np.testing.assert_allclose(history["loss"], [1.482714, 1.448863, 1.416012], rtol=1e-5)


def test_regularizers_and_weights_of_rows():
    rng = np.random.default_rng(0)
    # What the masks above draw comes first.
    rng.integers(1, 10, (16, 6)), rng.integers(0, 3, (16, 6))
    z = rng.normal(size=(20, 3)).astype("float32")
    inputs = tf.keras.Input((3,))
    hidden = layers.Dense(4, activity_regularizer="l2")(inputs)
    model = tf.keras.Model(inputs, layers.Dense(1, kernel_regularizer="l1")(hidden))
    model.set_weights(start_like(model))
    model.compile("sgd", "mse")
    history = model.fit(z, z[:, :1], batch_size=8, epochs=3, shuffle=False, verbose=0).history
    np.testing.assert_allclose(history["loss"], [0.905836, 0.71613, 0.580355], rtol=1e-5)
    assert model.evaluate(z, z[:, :1], verbose=0) == pytest.approx(0.477444, rel=1e-5)
    weights = np.linspace(0, 1, 20)
    history = model.fit(z, z[:, :1], 8, 2, sample_weight=weights, shuffle=False, verbose=0).history
    np.testing.assert_allclose(history["loss"], [0.277587, 0.25323], rtol=1e-5)

"""Metrics of one's own whose update_state gives nothing, as tf.keras has them."""

import numpy as np
import pytest

import headrace as tf

keras = tf.keras


class Hits(keras.metrics.Metric):
    """How many targets are above a half, and how many there were."""

    def __init__(self, name="hits", **kwargs):
        super().__init__(name=name, **kwargs)
        self.hits = self.add_weight(name="hits", initializer="zeros")
        self.rows = self.add_weight(name="rows", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.hits.assign_add(tf.reduce_sum(tf.cast(y_true > 0.5, tf.float32)))
        self.rows.assign_add(tf.cast(tf.size(y_true), tf.float32))

    def result(self):
        return self.hits / self.rows


class Passing(keras.metrics.Mean):
    """Leaves the operation of the class above out."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(y_true)


class Idle(Hits):
    def update_state(self, y_true, y_pred, sample_weight=None):
        pass


def model(metric):
    made = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    made.compile("sgd", "mse", metrics=[metric])
    return made


X = np.zeros((10, 2), np.float32)
Y = np.array([[1.0]] * 3 + [[0.0]] * 7, np.float32)


@pytest.mark.parametrize("metric", [Hits, lambda: Passing("mean")])
def test_assignments_of_an_update_state_without_a_result_are_made(metric):
    made = model(metric())
    history = made.fit(X, Y, epochs=2, batch_size=4, verbose=0).history
    name = next(key for key in history if key != "loss")
    assert history[name] == pytest.approx([0.3, 0.3])
    assert made.evaluate(X, Y, verbose=0)[1] == pytest.approx(0.3)


def test_an_update_state_that_assigns_nothing_is_named():
    with pytest.raises(ValueError, match=r"'hits' \(Idle\) assigned no variable"):
        model(Idle()).fit(X, Y, verbose=0)

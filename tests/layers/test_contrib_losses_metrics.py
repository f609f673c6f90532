"""tf.contrib.losses and tf.contrib.metrics: the old argument orders give what tf.losses and tf.metrics give."""

import inspect

import numpy as np
import pytest

import headrace as tf

rng = np.random.default_rng(5)
BITS, SHARES = rng.integers(0, 2, 6).astype(np.float32), rng.random(6).astype(np.float32)
GRID, OTHER = rng.random((4, 3)).astype(np.float32), rng.random((4, 3)).astype(np.float32)
CLASSES = np.array([0, 2, 1, 1])
HOT = np.eye(3, dtype=np.float32)[CLASSES]


@pytest.mark.parametrize(
    ("name", "labels", "predictions"),
    [
        ("absolute_difference", GRID, OTHER),
        ("mean_squared_error", GRID, OTHER),
        ("mean_pairwise_squared_error", GRID, OTHER),
        ("log_loss", GRID, OTHER),
        ("sigmoid_cross_entropy", HOT, OTHER),
        ("softmax_cross_entropy", HOT, OTHER),
        ("sparse_softmax_cross_entropy", CLASSES, OTHER),
    ],
)
def test_losses(name, labels, predictions):
    with tf.Graph().as_default(), tf.Session() as session:
        old = getattr(tf.contrib.losses, name)(predictions, labels, weights=2.0)
        new = getattr(tf.losses, name)(labels, predictions, 2.0)
        assert tf.contrib.losses.get_losses() == [old, new]
        old_value, new_value = session.run([old, new])
    assert old_value == new_value


def test_losses_with_weights_of_examples():
    with tf.Graph().as_default(), tf.Session() as session:
        old = tf.contrib.losses.mean_squared_error(GRID, OTHER, [1.0, 0.0, 2.0, 0.0])
        assert session.run(old) == pytest.approx(np.sum((GRID - OTHER)[::2] ** 2 * [[1.0], [2.0]]) / 6)
        assert session.run(tf.contrib.losses.hinge_loss(OTHER, HOT)).shape == (4, 3)


@pytest.mark.parametrize("name", [n for n in dir(tf.contrib.metrics) if n.startswith("streaming_")])
def test_every_streaming_metric_has_a_signature_and_a_docstring(name):
    function = getattr(tf.contrib.metrics, name)
    assert "metrics_collections" in inspect.signature(function).parameters
    assert function.__doc__


@pytest.mark.parametrize("name", ["accuracy", "precision", "recall", "auc", "mean_squared_error", "true_positives"])
def test_streaming(name):
    with tf.Graph().as_default(), tf.Session() as session:
        guesses = SHARES if name in ("auc", "mean_squared_error") else (SHARES > 0.5).astype(np.float32)
        old = getattr(tf.contrib.metrics, f"streaming_{name}")(guesses, BITS, name="old")
        new = getattr(tf.metrics, name)(labels=BITS, predictions=guesses, name="new")
        session.run(tf.local_variables_initializer())
        values, updates = tf.contrib.metrics.aggregate_metrics(old, new)
        assert np.ptp(session.run(updates)) == 0
        assert np.ptp(session.run(values)) == 0


def test_metrics_of_one_batch_and_of_the_highest():
    with tf.Graph().as_default(), tf.Session() as session:
        value, update = tf.contrib.metrics.streaming_recall_at_k(GRID, CLASSES, 1)
        now = tf.contrib.metrics.accuracy(tf.constant(GRID.argmax(1)), tf.constant(CLASSES))
        session.run(tf.local_variables_initializer())
        assert session.run(update) == session.run(value) == session.run(now) == np.mean(GRID.argmax(1) == CLASSES)

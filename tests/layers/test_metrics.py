"""tf.metrics: values and updates over several batches equal to TensorFlow's, with every kind of weights."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import headrace as tf

FIXTURES = Path(__file__).parents[1] / "fixtures" / "layers"
CASES = runpy.run_path(str(FIXTURES / "metric_cases.py"))
VALUES = np.load(FIXTURES / "metrics.npz")
BITS, SHARES = np.array([0, 1, 1]), np.array([0.2, 0.9, 0.4], np.float32)


@pytest.mark.parametrize("name", CASES["CASES"])
def test_updates_and_values_are_tensorflows(name):
    values = CASES["run"](tf, CASES["CASES"][name])
    found = np.concatenate([np.ravel(value).astype(np.float64) for value in values])
    np.testing.assert_allclose(found, VALUES[name], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: tf.metrics.auc(BITS, SHARES, curve="X"), "Curve must be either ROC or PR. Curve X is unknown"),
        (lambda: tf.metrics.auc(BITS, SHARES, summation_method="sum"), "Invalid summation_method: sum"),
        (
            lambda: tf.metrics.sensitivity_at_specificity(BITS, SHARES, 1.5),
            r"`specificity` must be in the range \[0, 1\]",
        ),
        (
            lambda: tf.metrics.specificity_at_sensitivity(BITS, SHARES, -1),
            r"`sensitivity` must be in the range \[0, 1\]",
        ),
        (lambda: tf.metrics.average_precision_at_k(BITS, np.eye(3), 0), "Invalid k=0"),
        (lambda: tf.metrics.precision_at_k(BITS, np.ones([2, 3, 4]), 1), "Unexpected labels shape"),
        (lambda: tf.metrics.mean(SHARES, [1.0, 2.0]), "weights can not be broadcast to values. Mismatch at dim 0"),
        (lambda: tf.metrics.accuracy(BITS, SHARES[:2]), "not compatible|incompatible"),
    ],
)
def test_refused(build, text):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=text):
        build()


def test_predictions_outside_zero_and_one_fail():
    with tf.Graph().as_default(), tf.Session() as session:
        fed = tf.placeholder(tf.float32, [3])
        _, update = tf.metrics.auc(BITS, fed)
        session.run(tf.local_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"predictions must be in \[0, 1\]"):
            session.run(update, {fed: [0.5, 1.5, 0.0]})


METRICS = {
    "mean": lambda **o: tf.metrics.mean(SHARES, **o),
    "mean_tensor": lambda **o: tf.metrics.mean_tensor(SHARES, **o),
    "root": lambda **o: tf.metrics.root_mean_squared_error(SHARES, SHARES, **o),
    "cosine": lambda **o: tf.metrics.mean_cosine_distance(SHARES, SHARES, 0, **o),
    "recall": lambda **o: tf.metrics.recall(BITS, BITS, **o),
    "true_positives": lambda **o: tf.metrics.true_positives(BITS, BITS, **o),
    "precision_at_thresholds": lambda **o: tf.metrics.precision_at_thresholds(BITS, SHARES, [0.5], **o),
    "auc": lambda **o: tf.metrics.auc(BITS, SHARES, **o),
    "mean_iou": lambda **o: tf.metrics.mean_iou(BITS, BITS, 2, **o),
    "average_precision": lambda **o: tf.metrics.average_precision_at_k(BITS, np.eye(3), 2, **o),
    "recall_at_k": lambda **o: tf.metrics.recall_at_k(BITS, np.eye(3), 2, **o),
}


@pytest.mark.parametrize("name", METRICS)
def test_collections_and_variables(name):
    with tf.Graph().as_default():
        value, update = METRICS[name](metrics_collections="values", updates_collections=["updates"], name="mine")
        assert tf.get_collection("values") == [value]
        assert tf.get_collection("updates") == [update]
        variables = tf.get_collection(tf.GraphKeys.METRIC_VARIABLES)
        assert variables and variables == tf.local_variables() and not tf.trainable_variables()
        assert all(variable.name.startswith("mine/") for variable in variables)


def test_variable_names_are_tensorflows():
    with tf.Graph().as_default():
        tf.metrics.accuracy(BITS, BITS)
        tf.metrics.precision(BITS, BITS)
        tf.metrics.recall_at_k(BITS, np.eye(3), 2)
        assert [variable.op.name for variable in tf.local_variables()] == [
            "accuracy/total",
            "accuracy/count",
            "precision/true_positives/count",
            "precision/false_positives/count",
            "recall_at_2/true_positive_at_2",
            "recall_at_2/false_negative_at_2",
        ]


@pytest.mark.parametrize("weights", [None, 2.0, [1.0, 0.0, 2.0], [[1.0], [0.0], [2.0]]])
def test_shapes_that_are_not_known_before_the_run(weights):
    def updates(shape):
        labels = tf.placeholder_with_default(BITS, shape)
        predictions = tf.placeholder_with_default(SHARES[:, None], shape)
        weight = None if weights is None else tf.placeholder_with_default(np.float32(weights), shape)
        found = [getattr(tf.metrics, name)(labels, predictions, weight) for name in ("auc", "recall", "precision")]
        real = tf.cast(labels, tf.float32)
        found += [tf.metrics.mean_absolute_error(real, predictions, weight), tf.metrics.mean(real, weight)]
        return [update for _, update in found]

    with tf.Graph().as_default(), tf.Session() as session:
        unknown = updates(None)
        session.run(tf.local_variables_initializer())
        first = session.run(unknown)
    with tf.Graph().as_default(), tf.Session() as session:
        weight = None if weights is None else np.ravel(np.float32(weights)) if np.ndim(weights) else weights
        given = (BITS, SHARES, weight)
        known = [getattr(tf.metrics, name)(*given)[1] for name in ("auc", "recall", "precision")]
        real = np.float32(BITS)
        known += [tf.metrics.mean_absolute_error(real, SHARES, weight)[1], tf.metrics.mean(real, weight)[1]]
        session.run(tf.local_variables_initializer())
        np.testing.assert_allclose(first, session.run(known), rtol=1e-6)

"""tf.losses: values and gradients equal to TensorFlow's, with every kind of weights and reduction."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import headrace as tf

FIXTURES = Path(__file__).parents[1] / "fixtures" / "layers"
CASES = runpy.run_path(str(FIXTURES / "loss_cases.py"))["CASES"]
VALUES = np.load(FIXTURES / "losses.npz")
SQUARE = np.ones((2, 3), np.float32)


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_are_tensorflows(name):
    with tf.Graph().as_default(), tf.Session() as session:
        for i, value in enumerate(session.run(CASES[name](tf))):
            np.testing.assert_allclose(value, VALUES[f"{name}/{i}"], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: tf.losses.absolute_difference(None, SQUARE), "Argument `labels` must not be None"),
        (lambda: tf.losses.hinge_loss(SQUARE, None), "Argument `logits` must not be None"),
        (lambda: tf.losses.mean_squared_error(SQUARE, SQUARE[:1]), "not compatible|incompatible"),
        (lambda: tf.losses.mean_squared_error(SQUARE, SQUARE, [1.0, 2.0]), r"values.rank=2. weights.rank=1"),
        (lambda: tf.losses.mean_squared_error(SQUARE, SQUARE, [[1.0, 2.0]]), "Mismatch at dim 1"),
        (lambda: tf.losses.mean_squared_error(SQUARE, SQUARE, reduction="mean"), "Invalid Reduction Key mean"),
        (lambda: tf.losses.cosine_distance(SQUARE, SQUARE), "You must specify argument `axis`"),
        (lambda: tf.losses.cosine_distance(SQUARE, SQUARE, axis=1, dim=1), "Cannot specify both"),
        (tf.losses.get_total_loss, "no losses"),
    ],
)
def test_refused(build, text):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=text):
        build()


@pytest.mark.parametrize("weights", [[[1.0, 2.0]], [1.0, 2.0, 3.0]])
def test_weights_that_do_not_fit_fail_when_fed(weights):
    with tf.Graph().as_default(), tf.Session() as session:
        fed = tf.placeholder(tf.float32, None)
        loss = tf.losses.mean_squared_error(SQUARE, SQUARE, fed)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"weights can not be broadcast|for broadcasting"):
            session.run(loss, {fed: weights})


def test_a_loss_is_collected_once_unless_told_otherwise():
    with tf.Graph().as_default():
        loss = tf.losses.mean_squared_error(SQUARE, SQUARE)
        tf.losses.mean_squared_error(SQUARE, SQUARE, loss_collection=None)
        assert tf.losses.get_losses() == [loss]
        assert loss.dtype == tf.float32 and loss.shape.as_list() == []


def test_half_precision_losses_stay_half():
    with tf.Graph().as_default():
        assert tf.losses.compute_weighted_loss(tf.ones([3], tf.float16)).dtype == tf.float16

"""DistributedOptimizer in a process of its own: what it refuses."""

import pytest

import headrace as tf


@pytest.mark.parametrize(
    "given, kind, said",
    [
        ({"optimizer": None}, TypeError, "optimizer must be a tf.train.Optimizer, got None"),
        ({"compression": []}, ValueError, r"compression must be None, 'float16' or 'bfloat16', got \[\]"),
        ({"bucket_bytes": -5}, ValueError, "bucket_bytes must be at least 1, got -5"),
        ({"bucket_bytes": "4MB"}, TypeError, "bucket_bytes must be an integer, got '4MB'"),
        ({"backward_passes_per_step": 0}, ValueError, "backward_passes_per_step must be at least 1, got 0"),
        ({"backward_passes_per_step": 1.5}, TypeError, "backward_passes_per_step must be an integer, got 1.5"),
    ],
)
def test_wrong_arguments(given, kind, said):
    with pytest.raises(kind, match=said):
        tf.cluster.DistributedOptimizer(**{"optimizer": tf.train.GradientDescentOptimizer(0.1)} | given)


@pytest.mark.parametrize("passes", [1, 2])
def test_nothing_to_apply(passes):
    with tf.Graph().as_default():
        inner = tf.train.GradientDescentOptimizer(0.1)
        optimizer = tf.cluster.DistributedOptimizer(inner, backward_passes_per_step=passes)
        with pytest.raises(ValueError, match="No variables provided"):
            optimizer.apply_gradients([])
        with pytest.raises(ValueError, match=r"No gradients provided for any variable: .*'v:0'"):
            optimizer.apply_gradients([(None, tf.get_variable("v", []))])

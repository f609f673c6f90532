"""RunConfig refuses what tf.estimator 2.15's refuses, at once."""

from pathlib import Path

import numpy as np
import pytest

import headrace as tf


@pytest.mark.parametrize(
    "name, value, kind, said",
    [
        ("save_checkpoints_steps", -1, ValueError, "save_checkpoints_steps should be >= 0, got -1"),
        ("save_checkpoints_secs", -0.5, ValueError, "save_checkpoints_secs should be >= 0, got -0.5"),
        ("save_checkpoints_secs", "x", TypeError, "save_checkpoints_secs should be a number, got 'x'"),
        ("save_summary_steps", -1, ValueError, "save_summary_steps should be >= 0, got -1"),
        ("log_step_count_steps", -1, ValueError, "log_step_count_steps should be > 0, got -1"),
        ("log_step_count_steps", 0, ValueError, "log_step_count_steps should be > 0, got 0"),
        ("keep_checkpoint_max", -1, ValueError, "keep_checkpoint_max should be >= 0, got -1"),
        ("keep_checkpoint_every_n_hours", 0, ValueError, "keep_checkpoint_every_n_hours should be > 0, got 0"),
        ("session_creation_timeout_secs", 0, ValueError, "session_creation_timeout_secs should be > 0, got 0"),
        ("tf_random_seed", "a", ValueError, "tf_random_seed must be integer, got 'a'"),
        ("tf_random_seed", 1.5, ValueError, "tf_random_seed must be integer, got 1.5"),
        ("session_config", 5, ValueError, "session_config must be instance of ConfigProto, got 5"),
        ("model_dir", "", ValueError, "model_dir should be non-empty"),
        ("model_dir", 5, TypeError, "model_dir should be a path, got 5"),
    ],
)
def test_wrong_values(name, value, kind, said):
    with pytest.raises(kind, match=said):
        tf.estimator.RunConfig(**{name: value})
    with pytest.raises(kind, match=said):
        tf.estimator.RunConfig().replace(**{name: value})


def test_values_at_the_edge():
    config = tf.estimator.RunConfig(
        Path("a"), np.int64(3), 0, 0, None, tf.ConfigProto(), 0, 0.1, 1, session_creation_timeout_secs=0.1
    )
    assert (config.tf_random_seed, config.save_checkpoints_steps, config.save_checkpoints_secs) == (3, 0, None)
    nothing = dict.fromkeys(["save_summary_steps", "keep_checkpoint_max", "log_step_count_steps"])
    assert tf.estimator.RunConfig(**nothing).save_checkpoints_secs == 600


def test_the_other_interval_of_checkpoints_goes_where_one_is_replaced():
    config = tf.estimator.RunConfig().replace(save_checkpoints_steps=5)
    assert (config.save_checkpoints_steps, config.save_checkpoints_secs) == (5, None)
    config = config.replace(save_checkpoints_secs=7)
    assert (config.save_checkpoints_steps, config.save_checkpoints_secs) == (None, 7)
    with pytest.raises(ValueError, match="cannot be both set"):
        config.replace(save_checkpoints_steps=5, save_checkpoints_secs=7)


def test_a_model_that_names_a_gpu_trains_without_one(monkeypatch, tmp_path):
    monkeypatch.setenv("HEADRACE_GPU", "none")

    def model_fn(features, labels, mode):
        with tf.device("/gpu:0"):
            loss = tf.reduce_mean(tf.square(tf.layers.dense(features, 1) - labels))
            train = tf.train.GradientDescentOptimizer(0.1).minimize(loss, tf.train.get_global_step())
        return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train)

    def trained(config):
        batch = lambda: (tf.ones([4, 2]), tf.ones([4, 1]))  # noqa: E731
        return tf.estimator.Estimator(model_fn, tmp_path / str(config is None), config).train(batch, steps=2)

    assert trained(None).get_variable_value("global_step") == 2
    hard = tf.estimator.RunConfig(session_config=tf.ConfigProto(allow_soft_placement=False))
    with pytest.raises(tf.errors.InvalidArgumentError, match="allow_soft_placement=True"):
        trained(hard)

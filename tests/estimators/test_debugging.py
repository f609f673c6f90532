"""The debugger's hooks in estimators: dumps of steps, the terminal through a pipe, and checks for NaN."""

import io

import numpy as np
import pytest

import headrace as tf
from headrace import debug as tf_debug


def model(features, labels, mode):
    x = features["x"]
    with tf.name_scope("layer"):
        hidden = tf.log(tf.layers.dense(x, 3, use_bias=False, kernel_initializer=tf.ones_initializer()), name="log")
    loss = tf.losses.mean_squared_error(labels, tf.layers.dense(hidden, 1))
    train = tf.train.GradientDescentOptimizer(0.01).minimize(loss, global_step=tf.train.get_global_step())
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train)


def rows(*values):
    """An input function with a batch of one row for each value."""
    x = np.repeat(np.array(values, np.float32)[:, None], 2, axis=1)
    return tf.estimator.inputs.numpy_input_fn({"x": x}, x[:, :1], batch_size=1, shuffle=False, num_epochs=1)


@pytest.fixture
def estimator(tmp_path):
    return tf.estimator.Estimator(model, str(tmp_path / "model"))


def test_steps_are_dumped(estimator, tmp_path):
    def watch(fetches, feeds):
        return tf_debug.WatchOptions(node_name_regex_whitelist="(layer/log|.*IteratorGetNext|.*dequeue).*")

    estimator.train(rows(1, 2, 3), hooks=[tf_debug.DumpingDebugHook(str(tmp_path / "dumps"), watch)])
    dumps = [tf_debug.DebugDumpDir(str(f)) for f in (tmp_path / "dumps").iterdir()]
    # The run that found the end of the input is there too.
    assert len(dumps) == 4 and sum("OutOfRangeError" in (d.error or "") for d in dumps) == 1
    whole = [d for d in dumps if d.error is None]
    found = {d.core_metadata.global_step: d.get_tensors("layer/log", 0, "DebugIdentity")[0] for d in whole}
    assert sorted(found) == [0, 1, 2]
    np.testing.assert_allclose(found[0], np.log(np.full((1, 3), 2.0)), 1e-5)


def test_watched_training_gives_the_variables_of_training(tmp_path):
    def trained(name, hooks):
        config = tf.estimator.RunConfig(tf_random_seed=1)
        estimator = tf.estimator.Estimator(model, str(tmp_path / name), config)
        estimator.train(rows(1, 2, 3), hooks=hooks)
        return {n: estimator.get_variable_value(n) for n in estimator.get_variable_names()}

    plain = trained("plain", [])
    for name, value in trained("watched", [tf_debug.DumpingDebugHook(str(tmp_path / "dumps"))]).items():
        np.testing.assert_allclose(value, plain[name], 1e-5)


def test_the_terminal_stops_where_a_filter_passes(estimator):
    out = io.StringIO()
    commands = io.StringIO("run -f has_inf_or_nan\nlt -f has_inf_or_nan -n layer\nni -t layer/log\nrun -n\nrun -t 99\n")
    hook = tf_debug.LocalCLIDebugHook(stdin=commands, stdout=out)
    # The stop comes before the end of training by the NaN of the loss.
    with pytest.raises(tf.train.NanLossDuringTrainingError, match="CheckNumericsHook"):
        estimator.train(rows(1, 2, 0, 3), hooks=[hook])
    assert "after run 3:" in out.getvalue() and "the first is layer/log:0 (Log), made at" in out.getvalue()
    assert "hidden = tf.log(tf.layers.dense(x, 3" in out.getvalue()


def test_nan_is_named_with_its_line(estimator):
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"'layer/log:0' \(Log\) has 3 -Inf .* at global step 2"
    ) as e:
        estimator.train(rows(1, 2, 0, 3), hooks=[tf_debug.CheckNumericsHook()])
    assert __file__ in str(e.value)


def test_the_switch_reaches_the_sessions_of_estimators(estimator):
    tf.debugging.enable_check_numerics()
    try:
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"'layer/log:0' \(Log\)"):
            estimator.train(rows(1, 0))
    finally:
        tf.debugging.disable_check_numerics()

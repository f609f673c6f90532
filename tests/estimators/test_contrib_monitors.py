"""tf.contrib.learn.monitors: steps that count, values that are kept, early stopping by validation."""

import logging

import numpy as np
import pytest

import headrace as tf

learn = tf.contrib.learn
monitors = learn.monitors
X = np.linspace(-1, 1, 40).astype(np.float32)[:, np.newaxis]


def regressor(**options):
    config = learn.RunConfig(save_checkpoints_steps=5, tf_random_seed=1, save_checkpoints_secs=None)
    columns = learn.infer_real_valued_columns_from_input(X)
    return learn.LinearRegressor(columns, config=config, optimizer=tf.train.GradientDescentOptimizer(0.1), **options)


class Noted(monitors.EveryN):
    """Notes when it is called, and with what."""

    def __init__(self, *args):
        super().__init__(*args)
        self.calls = []

    def every_n_step_begin(self, step):
        return ["global_step:0"]

    def every_n_step_end(self, step, outputs):
        self.calls.append((step, list(outputs)))
        return step >= 9

    def every_n_post_step(self, step, session):
        self.calls.append(step)


def test_every_n_steps_and_stop():
    noted = Noted(4, 2)
    regressor().fit(X, X[:, 0], steps=30, monitors=[noted])
    wanted = ["global_step:0"]
    assert noted.calls == [(1, wanted), 1, (2, wanted), 2, (6, wanted), 6, (10, wanted), 10]


def test_values_are_kept_and_logged(caplog):
    name = "linear/linear_model/x/weights:0"
    captured, dump = monitors.CaptureVariable(name, 3), monitors.GraphDump()
    logged = [monitors.PrintTensor([name], 3), monitors.LoggingTrainable(every_n=3), monitors.StepCounter(2)]
    model = regressor()
    with caplog.at_level(logging.INFO, "absl"):
        model.fit(X, X[:, 0], steps=5, monitors=[captured, dump, *logged])
    assert list(captured.values) == [1, 4] and captured.values[4].shape == (1, 1)
    assert f"Step 4: {name} = " in caplog.text and "Logging Trainable Variables for step 1" in caplog.text
    assert list(dump.data) == [1, 2, 3, 4, 5]
    alike, other = dump.compare(dump, 2)
    assert name in alike and not other
    with pytest.raises(ValueError, match="no values of step 9 in this dump"):
        dump.compare(dump, 9)


def test_validation_stops_early():
    monitor = monitors.ValidationMonitor(X, X[:, 0] - 5, every_n_steps=5, early_stopping_rounds=15)
    model = regressor()
    model.fit(X, X[:, 0], steps=400, monitors=[monitor])
    assert monitor.early_stopped and monitor.best_step is not None
    assert monitor.best_value == monitor.best_metrics["loss"]
    assert model.get_variable_value("global_step") < 400
    with pytest.raises(ValueError, match="Metric nothing missing"):
        wrong = monitors.ValidationMonitor(
            X, X[:, 0], every_n_steps=5, early_stopping_rounds=5, early_stopping_metric="nothing"
        )
        regressor().fit(X, X[:, 0], steps=20, monitors=[wrong])
    with pytest.raises(ValueError, match="Either x and y or input_fn"):
        monitors.ValidationMonitor()


@pytest.mark.parametrize("fails", [True, False])
def test_nan_is_found(fails):
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        loss = tf.where(step >= 2, np.float32(np.nan), 1.0, name="loss")
        train_op = tf.assign_add(step, 1)
        found = monitors.RunHookAdapterForMonitors([monitors.NanLoss(loss, 1, fails)])
        with tf.train.MonitoredSession(hooks=[found]) as session:
            try:
                for _ in range(9):
                    if not session.should_stop():
                        session.run([train_op])
            except monitors.NanLossDuringTrainingError:
                assert fails
            else:
                assert not fails and session.should_stop()


def test_what_is_no_monitor_is_refused():
    with pytest.raises(TypeError, match="monitors must be SessionRunHooks"):
        regressor().fit(X, X[:, 0], steps=1, monitors=[3])
    assert [type(m).__name__ for m in monitors.get_default_monitors(tf.constant(1.0), tf.constant(b""))] == [
        "PrintTensor", "SummarySaver"
    ]  # fmt: skip

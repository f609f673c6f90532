"""TrainSpec, EvalSpec and train_and_evaluate: what they refuse, and when they evaluate."""

import numpy as np
import pytest

import headrace as tf

X = np.linspace(-1, 1, 40, dtype=np.float32)


def batches(epochs=None):
    return tf.estimator.inputs.numpy_input_fn({"x": X}, 2 * X, 10, epochs, shuffle=False)


def linear(folder, **config):
    columns = [tf.feature_column.numeric_column("x")]
    return tf.estimator.LinearRegressor(columns, str(folder), config=tf.estimator.RunConfig(**config))


@pytest.mark.parametrize(
    ("make", "arguments", "error", "text"),
    [
        ("TrainSpec", {"input_fn": 1}, TypeError, "input_fn"),
        ("TrainSpec", {"max_steps": 0}, ValueError, "max_steps > 0, given: 0"),
        ("TrainSpec", {"hooks": [3]}, TypeError, "SessionRunHook"),
        ("TrainSpec", {"saving_listeners": [3]}, TypeError, "CheckpointSaverListener"),
        ("EvalSpec", {"steps": 0}, ValueError, "steps > 0, given: 0"),
        ("EvalSpec", {"name": 3}, TypeError, "`name` must be string"),
        ("EvalSpec", {"hooks": [3]}, TypeError, "SessionRunHook"),
        ("EvalSpec", {"exporters": 3}, TypeError, "exporters"),
        ("EvalSpec", {"start_delay_secs": -1}, ValueError, "start_delay_secs >= 0"),
        ("EvalSpec", {"throttle_secs": -1}, ValueError, "throttle_secs >= 0"),
    ],
)
def test_specs_refuse(make, arguments, error, text):
    with pytest.raises(error, match=text):
        getattr(tf.estimator, make)(**{"input_fn": batches(), **arguments})


def test_defaults_are_those_of_tf_estimator():
    train, evaluation = tf.estimator.TrainSpec(batches()), tf.estimator.EvalSpec(batches())
    assert (train.max_steps, train.hooks, train.saving_listeners) == (None, (), ())
    found = (evaluation.steps, evaluation.name, evaluation.exporters)
    assert found == (100, None, ())
    assert (evaluation.start_delay_secs, evaluation.throttle_secs) == (120, 600)


class Counter(tf.train.SessionRunHook):
    """Counts sessions and steps."""

    def __init__(self):
        self.sessions = self.steps = self.ends = 0

    def after_create_session(self, session, coord):
        self.sessions += 1

    def after_run(self, run_context, run_values):
        self.steps += 1

    def end(self, session):
        self.ends += 1


class Written(tf.estimator.Exporter):
    """Notes what it is called with."""

    name = "written"

    def __init__(self):
        self.calls = []

    def export(self, estimator, export_path, checkpoint_path, eval_result, is_the_final_export):
        self.calls.append((eval_result["global_step"], is_the_final_export))
        return checkpoint_path.rpartition("-")[2]


@pytest.mark.parametrize(("throttle", "steps"), [(0, [10, 20, 25]), (1000, [10, 25])])
def test_every_new_checkpoint_is_evaluated_as_the_throttle_allows(tmp_path, throttle, steps):
    estimator, exporter = linear(tmp_path, save_checkpoints_steps=10), Written()
    training, evaluating = Counter(), Counter()
    metrics, exports = tf.estimator.train_and_evaluate(
        estimator,
        tf.estimator.TrainSpec(batches(), max_steps=25, hooks=[training]),
        tf.estimator.EvalSpec(batches(1), hooks=[evaluating], exporters=exporter, throttle_secs=throttle),
    )
    assert exporter.calls == [(step, step == 25) for step in steps]
    assert exports == ["25"]
    assert metrics["global_step"] == 25
    assert (training.sessions, training.steps) == (1, 25)
    assert (evaluating.sessions, evaluating.steps, evaluating.ends) == (len(steps), 4 * len(steps), len(steps))


def test_the_training_input_goes_on_during_evaluations(tmp_path):
    estimator = linear(tmp_path, save_checkpoints_steps=3)
    training = tf.estimator.TrainSpec(batches(2))
    metrics, _ = tf.estimator.train_and_evaluate(
        estimator, training, tf.estimator.EvalSpec(batches(1), throttle_secs=0)
    )
    assert metrics["global_step"] == 8


def test_nothing_is_done_where_training_is_over(tmp_path):
    estimator = linear(tmp_path).train(batches(), max_steps=5)
    training = tf.estimator.TrainSpec(batches(), max_steps=5)
    assert tf.estimator.train_and_evaluate(estimator, training, tf.estimator.EvalSpec(batches(1))) == (None, None)


def test_arguments_of_another_type(tmp_path):
    with pytest.raises(TypeError, match="`eval_spec` must have type EvalSpec, given int"):
        tf.estimator.train_and_evaluate(linear(tmp_path), tf.estimator.TrainSpec(batches()), 3)


def test_a_run_config_knows_its_one_process(tmp_path):
    config = tf.estimator.RunConfig()
    assert (config.is_chief, config.task_type, config.task_id, config.num_worker_replicas) == (True, "worker", 0, 1)
    assert (config.num_ps_replicas, config.master, config.evaluation_master) == (0, "", "")
    assert config.replace(keep_checkpoint_max=2).keep_checkpoint_max == 2
    with pytest.raises(ValueError, match="protocol must be None"):
        tf.estimator.RunConfig(protocol="grpc")


def test_a_device_function_places_the_model(tmp_path):
    made = []
    linear(tmp_path, device_fn=lambda op: made.append(op.type) or "/cpu:0").train(batches(), steps=1)
    assert "MatMul" in made or "Mul" in made


def test_the_graph_need_not_go_with_the_checkpoints(tmp_path):
    linear(tmp_path / "a").train(batches(), steps=1)
    linear(tmp_path / "b", checkpoint_save_graph_def=False).train(batches(), steps=1)
    assert [len(list((tmp_path / name).glob("*.meta"))) for name in "ab"] == [2, 0]


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda e, f: e.train(f, steps="a"), TypeError, "steps must be a whole number, got 'a'"),
        (lambda e, f: e.train(None, steps=1), TypeError, "input_fn must be a function"),
        (lambda e, f: e.train(lambda: None, steps=1), ValueError, "got None"),
        (lambda e, f: e.train(f, steps=1).evaluate(f, steps=0), ValueError, "steps > 0"),
    ],
)
def test_odd_steps_and_input_functions_are_named(call, kind, text):
    rows = tf.estimator.inputs.numpy_input_fn({"x": np.ones((4, 1), np.float32)}, np.ones(4), shuffle=False)
    estimator = tf.estimator.LinearRegressor([tf.feature_column.numeric_column("x")])
    with pytest.raises(kind, match=text):
        call(estimator, rows)


def test_hidden_units_are_whole():
    with pytest.raises(TypeError, match="whole numbers"):
        tf.estimator.DNNRegressor([2.5], [tf.feature_column.numeric_column("x")]).train(batches(1), steps=1)


def test_training_logs_loss_and_step_at_info(tmp_path, caplog):
    for folder, level, lines in (("a", "WARNING", 0), ("b", "INFO", 3)):
        caplog.clear()
        with caplog.at_level(level, logger="absl"):
            linear(tmp_path / folder, log_step_count_steps=2).train(batches(), steps=6)
        found = [r.getMessage() for r in caplog.records if r.getMessage().startswith("loss = ")]
        assert len(found) == lines and all(", step = " in text for text in found)

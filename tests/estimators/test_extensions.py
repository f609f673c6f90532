"""Early stopping, evaluations during training, more metrics, forwarded features, clipping, and older names of heads."""

import inspect
import itertools

import numpy as np
import pytest

import headrace as tf

X = np.linspace(-1, 1, 40, dtype=np.float32)
COLUMN = tf.feature_column.numeric_column("x")


def batches(epochs=None):
    return tf.estimator.inputs.numpy_input_fn({"x": X, "id": np.arange(40)}, 2 * X, 10, epochs, shuffle=False)


def linear(folder, **config):
    return tf.estimator.LinearRegressor([COLUMN], str(folder), config=tf.estimator.RunConfig(**config))


def step_of(model):
    return int(model.get_variable_value("global_step"))


def written(folder, values, metric="accuracy"):
    """Evaluations in event files: values by step."""
    writer = tf.summary.FileWriter(str(folder))
    for step, value in values.items():
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag=metric, simple_value=value)]), step)
    writer.close()


def test_metrics_of_event_files(tmp_path):
    written(tmp_path / "a", {20: 0.5, 10: 0.25})
    written(tmp_path / "a", {10: 3.0}, "loss")
    found = tf.contrib.estimator.read_eval_metrics(str(tmp_path / "a"))
    assert list(found.items()) == [(10, {"accuracy": 0.25, "loss": 3.0}), (20, {"accuracy": 0.5})]
    assert not tf.contrib.estimator.read_eval_metrics(str(tmp_path / "none"))


ACCURACIES = {0: 0.5, 10: 0.7, 20: 0.6, 30: 0.65}


@pytest.mark.parametrize(
    ("name", "arguments", "stops"),
    [
        ("stop_if_higher_hook", {"threshold": 0.69}, True),
        ("stop_if_higher_hook", {"threshold": 0.69, "min_steps": 11}, False),
        ("stop_if_higher_hook", {"threshold": 0.7}, False),
        ("stop_if_lower_hook", {"threshold": 0.55}, True),
        ("stop_if_lower_hook", {"threshold": 0.55, "min_steps": 5}, False),
        ("stop_if_no_increase_hook", {"max_steps_without_increase": 20}, True),
        ("stop_if_no_increase_hook", {"max_steps_without_increase": 21}, False),
        ("stop_if_no_increase_hook", {"max_steps_without_increase": 20, "min_steps": 11}, False),
        ("stop_if_no_decrease_hook", {"max_steps_without_decrease": 30}, True),
        ("stop_if_no_decrease_hook", {"max_steps_without_decrease": 31}, False),
    ],
)
def test_early_stopping(tmp_path, name, arguments, stops):
    model = linear(tmp_path / "model")
    written(model.eval_dir(), ACCURACIES)
    hook = getattr(tf.estimator.experimental, name)(
        model, "accuracy", run_every_secs=None, run_every_steps=3, **arguments
    )
    model.train(batches(), hooks=[hook], max_steps=7)
    assert step_of(model) == (1 if stops else 7)


def test_early_stopping_looks_into_the_folder_it_is_given(tmp_path):
    model = linear(tmp_path / "model")
    written(tmp_path / "other", {1: 0.0}, "loss")
    stop = tf.contrib.estimator.stop_if_lower_hook(
        model, "loss", 0.1, str(tmp_path / "other"), run_every_secs=None, run_every_steps=1
    )
    assert step_of(model.train(batches(), hooks=[stop], steps=5)) == 1
    wrong = tf.contrib.estimator.stop_if_lower_hook(
        model, "auc", 0.1, str(tmp_path / "other"), run_every_secs=None, run_every_steps=1
    )
    with pytest.raises(ValueError, match=r"step 1 .* has no metric 'auc': \['loss'\]"):
        model.train(batches(), hooks=[wrong], steps=5)


def test_train_and_evaluate_stops_early(tmp_path):
    model = linear(tmp_path, save_checkpoints_steps=5)
    hook = tf.estimator.experimental.stop_if_no_decrease_hook(model, "loss", 10, run_every_secs=None, run_every_steps=1)
    model.optimizer = tf.train.GradientDescentOptimizer(0.0)
    training = tf.estimator.TrainSpec(batches(), 100, hooks=[hook])
    metrics, _ = tf.estimator.train_and_evaluate(model, training, tf.estimator.EvalSpec(batches(1), throttle_secs=0))
    assert 15 <= metrics["global_step"] < 30


def test_hooks_that_are_refused(tmp_path):
    model, experimental = linear(tmp_path), tf.estimator.experimental
    for make, error, text in (
        (lambda: experimental.make_early_stopping_hook(3, bool), TypeError, "`estimator` must have type"),
        (lambda: experimental.stop_if_lower_hook(3, "loss", 1), TypeError, "`estimator` must have type"),
        (lambda: experimental.make_early_stopping_hook(model, bool, 60, 5), ValueError, "Exactly one of"),
        (lambda: experimental.make_early_stopping_hook(model, bool, None), ValueError, "Exactly one of"),
        (lambda: experimental.InMemoryEvaluatorHook(model, batches(), every_n_iter=0), ValueError, "every_n_iter=0"),
        (lambda: experimental.InMemoryEvaluatorHook(model, batches(), hooks=[1]), ValueError, "takes no hooks"),
    ):
        with pytest.raises(error, match=text):
            make()


def test_evaluations_during_training(tmp_path):
    model = linear(tmp_path)
    hook = tf.contrib.estimator.InMemoryEvaluatorHook(model, batches(1), every_n_iter=4, name="memory")
    model.train(batches(), hooks=[hook], steps=10)
    found = tf.contrib.estimator.read_eval_metrics(model.eval_dir("memory"))
    assert list(found) == [0, 4, 8, 10]
    wanted = model.evaluate(batches(1))
    assert found[10]["average_loss"] == pytest.approx(wanted["average_loss"])
    assert found[0]["average_loss"] > found[10]["average_loss"]


def test_sessions_beside_the_training_have_its_options(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_GPU", "none")

    def there():
        # Where there is no GPU, sessions without soft placement refuse it.
        with tf.device("/gpu:0"):
            return batches(1)()

    model = linear(tmp_path, device_fn=lambda op: "/gpu:0")
    hook = tf.contrib.estimator.InMemoryEvaluatorHook(model, there, every_n_iter=4, name="memory")
    model.train(there, hooks=[hook])
    assert step_of(model) == 4
    assert list(tf.contrib.estimator.read_eval_metrics(model.eval_dir("memory"))) == [0, 4]


def test_stopping_at_a_step(tmp_path):
    model = linear(tmp_path)
    hook = tf.estimator.experimental.make_stop_at_checkpoint_step_hook(model, 3)
    assert step_of(model.train(batches(), hooks=[hook])) == 3


def test_more_metrics(tmp_path):
    model = linear(tmp_path).train(batches(), steps=3)

    def more(features, labels, predictions, config):
        error = tf.metrics.mean_absolute_error(tf.reshape(labels, [-1, 1]), predictions["predictions"])
        return {"error": error, "average_loss": tf.metrics.mean(features["x"] * 0 + config.keep_checkpoint_max)}

    before = model.evaluate(batches(1))
    found = tf.estimator.add_metrics(model, more).evaluate(batches(1))
    assert set(found) == {*before, "error"} and found["average_loss"] == 5
    assert found["loss"] == before["loss"]
    # Training and predicting go on as they were.
    again = tf.contrib.estimator.add_metrics(model, lambda labels: {})
    assert step_of(again.train(batches(), steps=2)) == 5 and len(list(again.predict(batches(1)))) == 40
    with pytest.raises(ValueError, match=r"metric_fn takes \['x'\]"):
        tf.estimator.add_metrics(model, lambda x: {})


def test_features_go_with_the_predictions(tmp_path):
    model = linear(tmp_path / "model").train(batches(), steps=3)
    forward = tf.contrib.estimator.forward_features
    assert set(next(forward(model).predict(batches(1)))) == {"predictions", "x", "id"}
    rows = list(forward(model, "id").predict(batches(1)))
    assert [row["id"] for row in rows] == list(range(40)) and set(rows[0]) == {"predictions", "id"}

    def receiver_fn():
        x, number = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.int64, [None])
        return tf.estimator.export.ServingInputReceiver({"x": x, "id": number}, {"x": x, "id": number})

    path = forward(model, ["id"]).export_saved_model(str(tmp_path / "export"), receiver_fn).decode()
    found = tf.contrib.predictor.from_saved_model(path, "predict")({"x": X[:2], "id": [7, 8]})
    assert found["id"].tolist() == [7, 8] and found["predictions"].shape == (2, 1)


@pytest.mark.parametrize(
    ("keys", "error", "text"),
    [
        (["id", "none"], ValueError, "'none' is not in"),
        ("predictions", ValueError, "has the name of a prediction"),
        ("sparse", ValueError, "'sparse' is sparse"),
        ([3], TypeError, "keys should be either a string"),
    ],
)
def test_features_that_cannot_be_forwarded(tmp_path, keys, error, text):
    model = linear(tmp_path).train(batches(), steps=1)

    def input_fn():
        sparse = tf.SparseTensor([[0, 0]], [1.0], [40, 1])
        return {"x": tf.constant(X), "predictions": tf.constant(X), "sparse": sparse, "id": tf.constant(X)}

    with pytest.raises(error, match=text):
        next(tf.contrib.estimator.forward_features(model, keys).predict(input_fn))


def test_sparse_features_become_dense(tmp_path):
    model = linear(tmp_path).train(batches(), steps=1)

    def input_fn():
        return {"x": tf.constant(X[:2]), "words": tf.SparseTensor([[0, 0], [1, 1]], ["a", "b"], [2, 2])}

    forwarding = tf.contrib.estimator.forward_features(model, "words", {"words": "-"})
    rows = list(itertools.islice(forwarding.predict(input_fn), 2))
    assert np.stack([row["words"] for row in rows]).tolist() == [[b"a", b"-"], [b"-", b"b"]]


def test_gradients_are_clipped_together(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        a, b = tf.get_variable("a", initializer=0.0), tf.get_variable("b", initializer=0.0)
        clipped = tf.contrib.estimator.clip_gradients_by_norm(tf.train.GradientDescentOptimizer(1.0), 0.5)
        step = clipped.minimize(3.0 * a + 4.0 * b)
        session.run(tf.global_variables_initializer())
        session.run(step)
        np.testing.assert_allclose(session.run([a, b]), [-0.3, -0.4], rtol=1e-6)
    optimizer = tf.contrib.estimator.clip_gradients_by_norm(tf.train.AdagradOptimizer(0.1), 1e-3)
    tf.estimator.DNNRegressor([2], [COLUMN], str(tmp_path), optimizer=optimizer).train(batches(), steps=2)
    with pytest.raises(TypeError, match=r"must be a tf\.train\.Optimizer"):
        tf.contrib.estimator.clip_gradients_by_norm("SGD", 1.0)


@pytest.mark.parametrize(
    ("name", "arguments", "kind"),
    [
        ("binary_classification_head", {"thresholds": [0.5]}, "BinaryClassHead"),
        ("multi_class_head", {"n_classes": 3}, "MultiClassHead"),
        ("multi_label_head", {"n_classes": 3, "name": "many"}, "MultiLabelHead"),
        ("regression_head", {"label_dimension": 2}, "RegressionHead"),
        ("poisson_regression_head", {"compute_full_loss": False}, "PoissonRegressionHead"),
        ("logistic_regression_head", {"weight_column": "w"}, "LogisticRegressionHead"),
    ],
)
def test_older_names_of_heads(name, arguments, kind):
    made, wanted = getattr(tf.contrib.estimator, name)(**arguments), getattr(tf.estimator, kind)(**arguments)
    assert type(made) is type(wanted) and made.logits_dimension == wanted.logits_dimension
    assert made.name == wanted.name and made.loss_reduction == wanted.loss_reduction


def test_older_name_of_several_heads():
    heads = [tf.contrib.estimator.regression_head(name="a"), tf.contrib.estimator.regression_head(name="b")]
    assert tf.contrib.estimator.multi_head(heads, [1, 2]).head_weights == [1, 2]


def test_specs_for_examples_with_labels():
    one = tf.estimator.classifier_parse_example_spec([COLUMN], "y", weight_column="w")
    assert one["y"] == tf.FixedLenFeature((1,), tf.int64, None) and set(one) == {"x", "y", "w"}
    two = tf.estimator.regressor_parse_example_spec([COLUMN], "y", label_dimension=2)
    assert two["y"] == tf.FixedLenFeature((2,), tf.float32, None)
    for make, text in (
        (lambda: tf.estimator.classifier_parse_example_spec([COLUMN], "x"), "label should not be used as feature"),
        (
            lambda: tf.estimator.classifier_parse_example_spec([COLUMN], "y", tf.float32),
            "label should be string or int",
        ),
        (lambda: tf.estimator.regressor_parse_example_spec([COLUMN], "y", tf.string), "label should be a number"),
        (
            lambda: tf.estimator.regressor_parse_example_spec([COLUMN], "y", weight_column="x"),
            "weight_column should not",
        ),
        (lambda: tf.estimator.regressor_parse_example_spec([COLUMN], "y", weight_column=3), "weight_column should be"),
    ):
        with pytest.raises(ValueError, match=text):
            make()


def test_functions_of_logits(tmp_path):
    experimental = tf.estimator.experimental
    deep = experimental.dnn_logit_fn_builder(1, [3], [COLUMN], tf.tanh, None, None, False)
    wide = experimental.linear_logit_fn_builder(1, [COLUMN])

    def model_fn(features, labels, mode, params, config):
        call = experimental.call_logit_fn
        logits = call(deep, features, mode, params, config) + call(wide, features, mode, params, config)
        return tf.estimator.RegressionHead().create_estimator_spec(
            features, mode, logits, labels, tf.train.GradientDescentOptimizer(0.1)
        )

    model = tf.estimator.Estimator(model_fn, str(tmp_path)).train(batches(), steps=20)
    assert model.evaluate(batches(1))["average_loss"] < 1.0
    assert list(inspect.signature(model.model_fn).parameters) == ["features", "labels", "mode", "config"]
    with pytest.raises(ValueError, match="units must be an int"):
        experimental.dnn_logit_fn_builder(1.5, [3], [COLUMN])

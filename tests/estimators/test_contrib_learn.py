"""tf.contrib.learn: fit, evaluate and predict of its estimators, Experiment and learn_runner."""

import numpy as np
import pytest

import headrace as tf

learn = tf.contrib.learn
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(200, 3)).astype(np.float32)
CLASSES = (X[:, 0] + X[:, 1] > 0).astype(np.int64)
NUMBERS = X @ np.array([1.0, -2.0, 0.5], np.float32)


def config(folder):
    return learn.RunConfig(tf_random_seed=1, model_dir=str(folder))


@pytest.mark.parametrize("name", ["DNNClassifier", "LinearClassifier"])
def test_classifiers(name, tmp_path):
    columns = learn.infer_real_valued_columns_from_input(X)
    units = {"hidden_units": [8]} if name.startswith("DNN") else {}
    model = getattr(learn, name)(feature_columns=columns, config=config(tmp_path), gradient_clip_norm=5.0, **units)
    assert model.fit(X, CLASSES, steps=150, batch_size=50) is model
    assert model.evaluate(X, CLASSES)["accuracy"] > 0.9
    found = np.array(list(model.predict(X)))
    assert found.shape == (200,)
    assert (found == CLASSES).mean() > 0.9
    np.testing.assert_array_equal(model.predict_classes(X, as_iterable=False), found)
    probabilities = np.array(list(model.predict_proba(X, batch_size=30)))
    np.testing.assert_array_equal(probabilities.argmax(1), found)
    model.fit(X, CLASSES, steps=5)
    assert model.evaluate(X, CLASSES)["global_step"] == 155


@pytest.mark.parametrize("name", ["DNNRegressor", "LinearRegressor"])
def test_regressors(name, tmp_path):
    columns = learn.infer_real_valued_columns_from_input(X)
    units = {"hidden_units": [16]} if name.startswith("DNN") else {}
    model = getattr(learn, name)(
        feature_columns=columns, config=config(tmp_path), optimizer=lambda: tf.train.AdamOptimizer(0.05), **units
    )
    model.fit(X, NUMBERS, max_steps=200)
    assert model.evaluate(X, NUMBERS)["loss"] < 0.5
    np.testing.assert_allclose(np.array(list(model.predict(X))), NUMBERS, atol=3)
    assert learn.SKCompat(model).predict(X)["predictions"].shape == (200, 1)


def test_label_keys(tmp_path):
    names = np.array(["no", "yes"])
    model = learn.LinearClassifier(
        learn.infer_real_valued_columns_from_input(X), config=config(tmp_path), label_keys=["no", "yes"]
    )
    model.fit(X, names[CLASSES], steps=60)
    assert set(model.predict_classes(X)) == {b"no", b"yes"}


def model_fn(features, labels, mode, params):
    weights = tf.get_variable("w", [3, 1])
    predictions = tf.matmul(features["x"] if isinstance(features, dict) else features, weights)[:, 0]
    if mode == learn.ModeKeys.INFER:
        return predictions, None, None
    loss = tf.reduce_mean((predictions - labels) ** 2)
    optimizer = tf.train.GradientDescentOptimizer(params["rate"])
    step = optimizer.minimize(loss, tf.train.get_global_step())
    if params["tuple"]:
        return predictions, loss, step
    return learn.ModelFnOps(mode, predictions, loss, step)


@pytest.mark.parametrize("as_tuple", [True, False])
def test_a_model_of_ones_own(as_tuple, tmp_path):
    model = learn.Estimator(model_fn, config=config(tmp_path), params={"rate": 0.1, "tuple": as_tuple})
    scikit = learn.SKCompat(model).fit(X, NUMBERS, batch_size=100, steps=100)
    assert scikit.score(X, NUMBERS)["loss"] < 1e-3
    np.testing.assert_allclose(scikit.predict(X), NUMBERS, atol=0.1)


def test_a_model_function_gets_what_is_given(tmp_path):
    model = learn.Estimator(model_fn, config=config(tmp_path), params={"rate": 0.1, "tuple": True})
    model.fit({"x": X}, NUMBERS, steps=2).fit(input_fn=lambda: (tf.constant(X), tf.constant(NUMBERS)), steps=2)
    named, unnamed = model.evaluate({"x": X}, NUMBERS), model.evaluate(X, NUMBERS)
    assert named == unnamed and named["global_step"] == 4
    np.testing.assert_array_equal(model.predict(X, as_iterable=False), model.predict({"x": X}, as_iterable=False))


def input_fn(epochs=None):
    return tf.estimator.inputs.numpy_input_fn({"x": X}, CLASSES, 50, epochs, shuffle=False)


def experiment(run_config, **arguments):
    model = learn.LinearClassifier([tf.contrib.layers.real_valued_column("x", 3)], config=run_config)
    return learn.Experiment(model, input_fn(), input_fn(1), **{"train_steps": 60, "eval_steps": None, **arguments})


def test_experiments(tmp_path):
    found = learn.learn_runner.run(lambda c, p: experiment(c, **p), run_config=config(tmp_path), hparams={})
    assert found[0]["accuracy"] > 0.9
    assert found[0]["global_step"] == 60
    again = experiment(config(tmp_path))
    assert again.train() is again.estimator
    assert again.evaluate()["global_step"] == 60
    assert again.train_and_evaluate()[0] == found[0]
    assert again.test()[0]["global_step"] == 61


def test_experiments_of_tf_estimator(tmp_path):
    def make(folder):
        columns = [tf.feature_column.numeric_column("x", 3)]
        return learn.Experiment(tf.estimator.LinearClassifier(columns, folder), input_fn(), input_fn(1), 20)

    assert learn.learn_runner.run(make, str(tmp_path), "local_run")[0]["global_step"] == 20


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({}, ValueError, "one of `output_dir` and `run_config`"),
        ({"output_dir": "a", "hparams": {}}, ValueError, "hparams"),
        ({"run_config": tf.estimator.RunConfig()}, ValueError, "model_dir"),
        ({"output_dir": "a"}, TypeError, "did not return an Experiment"),
    ],
)
def test_learn_runner_refuses(arguments, error, text):
    with pytest.raises(error, match=text):
        learn.learn_runner.run(lambda *_: None, **arguments)


def test_an_unknown_schedule(tmp_path):
    with pytest.raises(ValueError, match=r"non-existent task 'nothing'; there are .*train_and_evaluate"):
        learn.learn_runner.run(experiment, run_config=config(tmp_path), schedule="nothing")


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({}, ValueError, "Either x or input_fn"),
        ({"x": X, "input_fn": input_fn()}, ValueError, "both input_fn and x"),
        ({"x": X, "y": CLASSES}, ValueError, "needs steps or max_steps"),
        ({"x": X, "y": CLASSES, "steps": 1, "monitors": [3]}, TypeError, "SessionRunHooks"),
    ],
)
def test_fit_refuses(arguments, error, text, tmp_path):
    model = learn.LinearClassifier(learn.infer_real_valued_columns_from_input(X), str(tmp_path))
    with pytest.raises(error, match=text):
        model.fit(**arguments)


def test_run_config_is_for_one_process():
    with pytest.raises(ValueError, match="master must be empty, got 'grpc"):
        learn.RunConfig(master="grpc://somewhere")
    found = learn.RunConfig(num_cores=2, save_checkpoints_steps=5)
    assert found.session_config.intra_op_parallelism_threads == 2
    assert (found.save_checkpoints_steps, found.save_checkpoints_secs) == (5, None)
    assert (found.is_chief, found.task_id, found.master) == (True, 0, "")


def test_columns_of_an_input_function():
    (column,) = learn.infer_real_valued_columns_from_input_fn(lambda: (tf.zeros([4, 3]), tf.zeros([4])))
    assert column.shape == (3,)

"""DNNClassifier and DNNRegressor: variables, metrics and predictions of tf.estimator's after 100 fixed batches."""

import runpy
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import headrace as hr
from headrace.datasets.arrays import ArrayBatches
from headrace.estimators import DNNClassifier, DNNRegressor, numeric_column

FIXTURES = Path(__file__).parents[1] / "fixtures" / "estimators"
MODULE = runpy.run_path(str(FIXTURES / "dnn_cases.py"))
VALUES = np.load(FIXTURES / "dnn.npz")
OPTIMIZERS = {
    "SGD": hr.train.GradientDescentOptimizer,
    "Adagrad": hr.train.AdagradOptimizer,
    # Keras adds a larger number to the root.
    "Adam": partial(hr.train.AdamOptimizer, epsilon=1e-7),
    "Ftrl": hr.train.FtrlOptimizer,
}


def close(found, wanted, what):
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5, err_msg=what)


@pytest.mark.parametrize("name", MODULE["CASES"])
def test_training_gives_what_tf_estimators_gives(name, tmp_path):
    kind, arguments, labels, optimizer, logits = MODULE["CASES"][name]
    estimator = getattr(hr.estimators, kind)(
        MODULE["HIDDEN"],
        [numeric_column("x", [4])],
        str(tmp_path),
        optimizer=lambda: OPTIMIZERS[optimizer](MODULE["RATES"][optimizer]),
        activation_fn=hr.tanh,
        **arguments,
    )

    def input_fn(epochs):
        data = ArrayBatches((MODULE["FEATURES"], labels), MODULE["BATCH"], epochs)
        return data.make_one_shot_iterator().get_next()

    values = MODULE["start"](logits)
    estimator.train(lambda: input_fn(None), steps=MODULE["STEPS"], hooks=[MODULE["starting_hook"](hr, values)])
    for variable in values:
        close(estimator.get_variable_value(variable), VALUES[f"{name}/variable/{variable}"], variable)
    found = estimator.evaluate(lambda: input_fn(1))
    wanted = [key.removeprefix(f"{name}/metric/") for key in VALUES.files if key.startswith(f"{name}/metric/")]
    assert sorted(found) == sorted(wanted)
    for key in wanted:
        close(found[key], VALUES[f"{name}/metric/{key}"], key)
    key = "predictions" if kind == "DNNRegressor" else "probabilities"
    rows = [row[key] for row in estimator.predict(lambda: input_fn(1))]
    close(np.stack(rows)[:20], VALUES[f"{name}/prediction"], key)


def test_two_kinds_of_digits():
    x_train, x_test, y_train, y_test = hr.datasets.digits.load_split()
    x_train, x_test = (x.reshape(len(x), -1) for x in (x_train, x_test))
    model = DNNClassifier([16], optimizer="Adam", config=hr.estimators.RunConfig(tf_random_seed=2))
    found = model.fit(x_train, y_train > 4, epochs=5, verbose=0).evaluate(x_test, y_test > 4)
    assert found["accuracy"] > 0.85 and found["auc"] > 0.9
    assert model.predict_proba(x_test).shape == (len(x_test), 2)
    assert set(model.predict(x_test)) == {0, 1}


def test_petal_from_sepal():
    features, _ = hr.datasets.iris.load_data()
    model = DNNRegressor([8], label_dimension=2, config=hr.estimators.RunConfig(tf_random_seed=2))
    model.fit(features[:, :2], features[:, 2:], epochs=80, verbose=0)
    assert model.evaluate(features[:, :2], features[:, 2:])["average_loss"] < 1
    assert model.predict(features[:, :2]).shape == (150, 2)


def test_weight_columns_are_no_features():
    features, labels = hr.datasets.iris.load_data()
    columns = {"a": features, "w": np.ones(150, np.float32)}
    model = DNNClassifier([4], n_classes=3, weight_column="w").fit(columns, labels, verbose=0)
    assert model.get_variable_value("dnn/hiddenlayer_0/kernel").shape == (4, 4)

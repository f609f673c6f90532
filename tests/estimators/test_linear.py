"""LinearClassifier and LinearRegressor: variables, metrics and predictions of tf.estimator's after 100 fixed batches."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import headrace as hr
from headrace.datasets.arrays import ArrayBatches
from headrace.estimators import LinearClassifier, LinearRegressor, numeric_column

FIXTURES = Path(__file__).parents[1] / "fixtures" / "estimators"
MODULE = runpy.run_path(str(FIXTURES / "linear_cases.py"))
VALUES = np.load(FIXTURES / "linear.npz")


def close(found, wanted, what):
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5, err_msg=what)


@pytest.mark.parametrize("name", MODULE["CASES"])
def test_training_gives_what_tf_estimators_gives(name, tmp_path):
    kind, arguments, labels = MODULE["CASES"][name]
    columns = [numeric_column("a"), numeric_column("b", [2])]
    estimator = getattr(hr.estimators, kind)(columns, str(tmp_path), **arguments)

    def input_fn(epochs):
        data = ArrayBatches((MODULE["FEATURES"], labels), MODULE["BATCH"], epochs)
        return data.make_one_shot_iterator().get_next()

    estimator.train(lambda: input_fn(None), steps=MODULE["STEPS"])
    start = f"{name}/variable/"
    for key in (key for key in VALUES.files if key.startswith(start)):
        close(estimator.get_variable_value(key.removeprefix(start)), VALUES[key], key)
    found = estimator.evaluate(lambda: input_fn(1))
    wanted = {key: VALUES[key] for key in VALUES.files if key.startswith(f"{name}/metric/")}
    assert sorted(found) == sorted(key.removeprefix(f"{name}/metric/") for key in wanted)
    for key, value in wanted.items():
        close(found[key.removeprefix(f"{name}/metric/")], value, key)
    key = "predictions" if kind == "LinearRegressor" else "probabilities"
    rows = [row[key] for row in estimator.predict(lambda: input_fn(1))]
    close(np.stack(rows)[:20], VALUES[f"{name}/prediction"], key)


def test_iris_species_by_name():
    x_train, x_test, y_train, y_test = hr.datasets.iris.load_split()
    names = np.array(hr.datasets.iris.CLASS_NAMES)
    config = hr.estimators.RunConfig(tf_random_seed=1)
    model = LinearClassifier(n_classes=3, label_vocabulary=list(names), config=config)
    model.fit(x_train, names[y_train], epochs=40, verbose=0)
    assert model.evaluate(x_test, names[y_test])["accuracy"] > 0.85
    assert np.mean(model.predict(x_test) == names[y_test]) > 0.85
    assert model.predict_proba(x_test).shape == (30, 3)


def test_petal_width_from_the_other_measures():
    features, _ = hr.datasets.iris.load_data()
    model = LinearRegressor().fit(features[:, :3], features[:, 3], epochs=40, verbose=0)
    assert model.evaluate(features[:, :3], features[:, 3])["average_loss"] < 0.1
    assert model.predict(features[:, :3]).shape == (150,)
    assert not hasattr(model, "predict_proba")


def test_two_numbers_and_an_unknown_optimizer():
    features, _ = hr.datasets.iris.load_data()
    model = LinearRegressor(label_dimension=2, optimizer="SGD")
    assert model.fit(features[:, :2] / 8, features[:, 2:] / 8, epochs=2, verbose=0).predict(features[:, :2]).shape == (
        150,
        2,
    )
    with pytest.raises(ValueError, match="Unsupported optimizer name: Newton"):
        LinearRegressor(optimizer="Newton").fit(features, features[:, 0], verbose=0)


def test_weights_and_log_probabilities_as_scikit_learn_has_them():
    x, y = hr.datasets.iris.load_data()
    model = hr.estimators.LinearClassifier(random_state=0).fit(x, y, epochs=3, verbose=0)
    assert model.coef_.shape == (3, 4) and model.intercept_.shape == (3,)
    np.testing.assert_allclose(model.decision_function(x), x @ model.coef_.T + model.intercept_, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(x)), model.predict_proba(x), rtol=1e-5)
    columns = {"a": x[:, 0], "b": x[:, 1:]}
    model = hr.estimators.LinearRegressor(random_state=0).fit(columns, y.astype(float), epochs=3, verbose=0)
    assert model.coef_.shape == (4,)
    np.testing.assert_allclose(model.predict(columns), x @ model.coef_ + model.intercept_, rtol=1e-4, atol=1e-5)
    two = hr.estimators.LinearClassifier().fit(x[:100], y[:100], epochs=1, verbose=0)
    assert two.coef_.shape == (1, 4) and two.intercept_.shape == (1,)


def test_weights_of_other_columns_are_not_there():
    words = hr.feature_column.categorical_column_with_vocabulary_list("w", ["a", "b"])
    model = hr.estimators.LinearClassifier([words], n_classes=2)
    with pytest.raises(AttributeError, match="numeric columns alone"):
        _ = model.coef_
    with pytest.raises(ValueError, match="Call fit or train first"):
        _ = hr.estimators.LinearClassifier().coef_

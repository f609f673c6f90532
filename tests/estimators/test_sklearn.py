"""Estimators among scikit-learn's tools: its own checks in full, pipelines, searches, clones and stored states."""

import pickle
import subprocess
import sys
from unittest import SkipTest

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import headrace as hr
from headrace.estimators import DNNClassifier, DNNRegressor, LinearClassifier, LinearRegressor

X, Y = hr.datasets.iris.load_data()


@pytest.mark.filterwarnings("ignore:Estimator .* does not inherit:UserWarning")
@pytest.mark.parametrize(
    "kind",
    [
        LinearRegressor,
        pytest.param(LinearClassifier, marks=pytest.mark.long),
        pytest.param(DNNClassifier, marks=pytest.mark.long),
        pytest.param(DNNRegressor, marks=pytest.mark.long),
    ],
)
def test_scikit_learns_checks_pass(kind):
    done = 0
    for estimator, check in estimator_checks_generator(kind()):
        # Some need pandas, or an environment variable.
        try:
            check(estimator)
        except SkipTest:
            continue
        done += 1
    assert done > 50


def test_a_search_in_a_pipeline():
    model = make_pipeline(StandardScaler(), LinearClassifier(random_state=0))
    search = GridSearchCV(model, {"linearclassifier__optimizer": ["Ftrl", "Adam"]}, cv=3)
    search.fit(X, Y, linearclassifier__verbose=0, linearclassifier__epochs=30)
    assert search.best_score_ > 0.85 and search.predict(X[:3]).tolist() == [0, 0, 0]
    assert search.best_estimator_[-1].get_params()["optimizer"] in ("Ftrl", "Adam")


def test_scores_of_folds():
    scores = cross_val_score(DNNRegressor([8], random_state=1), X[:, :3], X[:, 3], cv=3, params={"verbose": 0})
    assert scores.shape == (3,) and np.isfinite(scores).all()


def test_a_clone_is_not_fitted_and_has_no_folder(tmp_path):
    model = LinearClassifier(
        n_classes=3, model_dir=str(tmp_path), config=hr.estimators.RunConfig(model_dir=str(tmp_path))
    )
    model.fit(X, Y, epochs=1, verbose=0)
    copy = clone(model)
    assert copy.get_params()["n_classes"] == 3 and copy.get_params()["model_dir"] is None
    assert copy.latest_checkpoint() is None and copy.config.model_dir is None
    assert repr(LinearClassifier(n_classes=3)) == "LinearClassifier(n_classes=3)"


def test_parameters_are_read_and_set():
    model = DNNClassifier([4], optimizer="Adam")
    assert model.set_params(hidden_units=[5], optimizer="SGD") is model
    assert model.get_params()["hidden_units"] == [5] and model.optimizer == "SGD"
    with pytest.raises(ValueError, match="Invalid parameter 'alpha'"):
        model.set_params(alpha=1)
    assert is_classifier(model) and is_regressor(DNNRegressor())


@pytest.mark.parametrize(
    "labels",
    [np.array(["a", "b", "c"])[Y], Y * 10 - 7, np.array([1.0, 2.0, 5.0])[Y], np.array(["a", "b", "c"], "O")[Y]],
)
def test_classes_of_any_type(labels):
    model = LinearClassifier(random_state=0).fit(X, labels, epochs=30, verbose=0)
    assert model.classes_.tolist() == np.unique(labels).tolist() and model.classes_.dtype == labels.dtype
    assert model.score(X, labels) > 0.85 and set(model.predict(X)) <= set(labels)
    assert model.decision_function(X).shape == (150, 3)
    with pytest.raises(ValueError, match="in row 0, which is none of the classes"):
        model.evaluate(X, np.full(150, labels[0] * 3))


def test_classes_are_known_to_the_next_estimator_on_a_folder(tmp_path):
    words = np.array(["a", "b", "c"])[Y]
    tmp_path = tmp_path / "not" / "there"
    first = LinearClassifier(model_dir=str(tmp_path)).fit(X, words, epochs=30, verbose=0)
    second = LinearClassifier(model_dir=str(tmp_path))
    assert second.score(X, words) == first.score(X, words) and second.classes_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="holds the label 'd' in row 149"):
        second.fit(X, np.append(words[:-1], "d"), verbose=0)
    (tmp_path / "classes.json").write_text('{"classes": [[1]], "dtype": "O"}')
    with pytest.raises(hr.errors.DataLossError, match=r"classes\.json is damaged"):
        LinearClassifier(model_dir=str(tmp_path)).predict(X)
    with pytest.raises(TypeError, match=r"LinearClassifier\(\) got an unexpected keyword argument 'classes'"):
        LinearClassifier(classes=3)


def test_stored_states_are_plain_arrays_and_arguments():
    model = DNNClassifier([4], random_state=0).fit(X, Y, epochs=2, verbose=0)
    text = pickle.dumps(model)
    again = pickle.loads(text)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert again.classes_.tolist() == [0, 1, 2] and again.history_ == model.history_
    assert again.model_dir != model.model_dir and again.get_params()["hidden_units"] == [4]
    state = model.__getstate__()
    assert all(isinstance(value, np.ndarray | np.generic) for value in state["values"].values())
    unfitted = pickle.loads(pickle.dumps(LinearRegressor(label_dimension=2)))
    assert unfitted.label_dimension == 2 and unfitted.latest_checkpoint() is None


def test_sample_weights_are_repetitions():
    weights = np.random.default_rng(0).integers(0, 4, 40)
    few, y = X[50:90], X[50:90, 3]
    weighted = LinearRegressor(random_state=0).fit(few, y, sample_weight=weights, epochs=20, verbose=0)
    repeated = LinearRegressor(random_state=0).fit(
        few.repeat(weights, 0), y.repeat(weights), epochs=20, verbose=0, batch_size=256
    )
    np.testing.assert_array_equal(weighted.predict(few), repeated.predict(few))


def test_partial_fit_goes_on():
    model = LinearClassifier(random_state=0)
    for start in range(0, 150, 50):
        model.partial_fit(X[start : start + 50], Y[start : start + 50], classes=[0, 1, 2])
    assert int(model.get_variable_value("global_step")) == 3 and model.classes_.tolist() == [0, 1, 2]


def test_the_package_does_not_import_scikit_learn_scipy_or_pandas():
    code = (
        "import sys, headrace as hr\n"
        "x, y = hr.datasets.iris.load_data()\n"
        "model = hr.estimators.LinearClassifier().fit(x, y, epochs=1, verbose=0)\n"
        "model.predict(x), model.score(x, y), model.get_params()\n"
        "assert not {'sklearn', 'scipy', 'pandas', 'joblib'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

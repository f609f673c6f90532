"""DNNClassifier on real data: learning, state in the folder, progress, and what bad input says."""

import io

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import headrace as hr
from headrace.estimators.progress import Progress


@pytest.fixture(scope="module")
def iris():
    return hr.datasets.iris.load_split()


def classifier(folder, **options):
    config = hr.estimators.RunConfig(tf_random_seed=1)
    return hr.estimators.DNNClassifier(
        [16], n_classes=3, model_dir=str(folder), optimizer="Adam", config=config, **options
    )


@pytest.fixture(scope="module")
def fitted(iris, tmp_path_factory):
    x_train, _, y_train, _ = iris
    return classifier(tmp_path_factory.mktemp("model")).fit(x_train, y_train, epochs=100, verbose=0)


def test_it_learns(fitted, iris):
    _, x_test, _, y_test = iris
    metrics = fitted.evaluate(x_test, y_test)
    assert metrics["accuracy"] > 0.9 and set(metrics) == {"accuracy", "average_loss", "loss", "global_step"}
    assert (fitted.predict(x_test) == y_test).mean() == pytest.approx(metrics["accuracy"], abs=1e-6)
    probabilities = fitted.predict_proba(x_test)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)


def test_variables_have_tensorflows_names(fitted):
    names = set(fitted.get_variable_names())
    assert {"dnn/hiddenlayer_0/kernel", "dnn/hiddenlayer_0/bias", "dnn/logits/kernel", "global_step"} <= names
    assert fitted.get_variable_value("dnn/hiddenlayer_0/kernel").shape == (4, 16)


def test_event_files_hold_loss_speed_and_graph(fitted):
    events = EventAccumulator(fitted.model_dir)
    events.Reload()
    assert {"loss", "global_step/sec"} <= set(events.Tags()["scalars"])
    assert any(node.name.startswith("dnn/hiddenlayer_0") for node in events.Graph().node)


def test_a_new_estimator_goes_on_from_the_folder(fitted, iris):
    x_train, x_test, y_train, y_test = iris
    again = classifier(fitted.model_dir)
    before = fitted.evaluate(x_test, y_test)
    assert again.evaluate(x_test, y_test) == before
    again.fit(x_train, y_train, epochs=1, verbose=0)
    assert again.evaluate(x_test, y_test)["global_step"] > before["global_step"]


def test_the_same_seed_gives_the_same_model(iris, tmp_path):
    x_train, x_test, y_train, _ = iris
    models = [classifier(tmp_path / n).fit(x_train, y_train, epochs=3, verbose=0) for n in "ab"]
    np.testing.assert_array_equal(models[0].predict_proba(x_test), models[1].predict_proba(x_test))


def test_dictionaries_of_columns(iris, tmp_path):
    x_train, _, y_train, _ = iris
    columns = {"length": x_train[:, 2], "width": x_train[:, 3]}
    model = classifier(tmp_path).fit(columns, y_train, epochs=300, verbose=0)
    assert model.evaluate(columns, y_train)["accuracy"] > 0.9


@pytest.mark.parametrize(
    ("x", "y", "match"),
    [
        (np.zeros((0, 4)), np.zeros(0, int), "empty"),
        (np.zeros((3, 4)), np.zeros(2, int), "x has 3 rows, but y has shape"),
        (np.array([[1, 2, np.nan, 4.0]]), np.zeros(1, int), "'x' holds NaN or infinity, first in row 0"),
        (np.array([["a"]]), np.zeros(1, int), "not numbers"),
        (np.zeros((3, 4)), np.array(["a", "b", "c"]), "integer"),
        (np.zeros((3, 4)), np.array([0.5, 1, 2]), "integer"),
    ],
)
def test_bad_arrays_are_named(tmp_path, x, y, match):
    with pytest.raises(ValueError, match=match):
        classifier(tmp_path).fit(x, y, verbose=0)


@pytest.mark.parametrize("label", [3, -1])
def test_labels_out_of_range_stop_the_fit(tmp_path, label):
    model = classifier(tmp_path)
    with pytest.raises(ValueError, match=rf"Labels must be integers from 0 to 2, y holds {label} in row 1"):
        model.fit(np.zeros((2, 4)), np.array([0, label]), verbose=0)
    assert model.latest_checkpoint() is None
    with pytest.raises(hr.errors.InvalidArgumentError, match="Labels must be"):
        model.train(lambda: ({"x": hr.zeros([2, 4])}, hr.constant([0, label])))


def test_nothing_trained_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="Could not find trained model"):
        classifier(tmp_path).predict(np.zeros((1, 4)))


def test_progress_without_a_terminal_is_lines(iris, tmp_path, capsys):
    x_train, _, y_train, _ = iris
    classifier(tmp_path).fit(x_train, y_train, epochs=2)
    assert "examples/s" in capsys.readouterr().err
    classifier(tmp_path).fit(x_train, y_train, epochs=1, verbose=0)
    assert not capsys.readouterr().err


def test_progress_on_a_terminal_is_a_bar():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    progress = Progress(2, 10, stream=stream)
    progress.begin()
    progress.step(0.6)
    progress.step(0.5)
    progress.end()
    assert "2/2" in stream.getvalue() and "loss 0.5" in stream.getvalue()


@pytest.mark.parametrize("width", [2, 8])
def test_examples_of_another_width_are_refused(fitted, width):
    with pytest.raises(ValueError, match=rf"X has {width} features, but DNNClassifier is expecting 4"):
        fitted.predict(np.zeros((8, width), np.float32))


def test_hidden_units_are_a_list():
    with pytest.raises(TypeError, match=r"such as \[128, 64\], got 32"):
        hr.estimators.DNNClassifier(hidden_units=32).fit(np.zeros((2, 4)), [0, 1])


def test_predictions_leave_no_graph_behind_and_call_hooks(fitted, iris):
    _, x_test, _, _ = iris
    seen = []

    class Counting(hr.train.SessionRunHook):
        def after_run(self, run_context, run_values):
            seen.append(1)

    before = hr.get_default_graph()
    examples = fitted.predict(lambda: {"x": hr.constant(x_test[:3])}, hooks=[Counting()])
    first = next(examples)
    assert hr.get_default_graph() is before and hr.get_default_session() is None
    assert first["probabilities"].shape == (3,) and seen == [1]
    examples.close()

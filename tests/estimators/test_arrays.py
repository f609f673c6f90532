"""fit, evaluate and predict on arrays: Keras's arguments, all forms of examples, and what bad data say."""

import io

import numpy as np
import pytest
import scipy.sparse

import headrace as hr
from headrace.estimators import DNNClassifier, LinearClassifier, LinearRegressor
from headrace.estimators.progress import Progress

X, Y = hr.datasets.iris.load_data()


class Frame(dict):
    """As much of a data frame as is looked at."""

    columns = property(lambda self: list(self))


class NoMapping:
    """A frame that is no dictionary."""

    def __init__(self, **columns):
        self._columns = columns
        self.columns = list(columns)

    def __getitem__(self, name):
        return self._columns[name]


def linear(**options):
    return LinearClassifier(random_state=0, **options)


def test_history_holds_losses_and_validation_metrics():
    model = linear().fit(X, Y, epochs=4, validation_data=(X, Y), validation_freq=2, verbose=0)
    assert {key: len(values) for key, values in model.history_.items()} == {
        "loss": 4, "val_accuracy": 2, "val_average_loss": 2, "val_loss": 2
    }  # fmt: skip
    assert model.history_["loss"][-1] < model.history_["loss"][0]
    found = model.evaluate(X, Y)
    assert found["accuracy"] == pytest.approx(model.history_["val_accuracy"][-1])
    split = linear().fit(X[::-1], Y[::-1], epochs=1, validation_split=0.1, verbose=0)
    assert len(split.history_["val_loss"]) == 1


def test_validation_every_few_steps_does_not_start_the_data_over():
    seen = []

    class Rows:
        def on_train_batch_end(self, batch, logs):
            seen.append(batch)

        def on_epoch_end(self, epoch, logs):
            seen.append(sorted(logs))

    linear().fit(
        X, Y, batch_size=50, steps_per_epoch=2, epochs=2, validation_data=(X, Y), verbose=0, callbacks=[Rows()]
    )
    names = ["loss", "val_accuracy", "val_average_loss", "val_loss"]
    assert seen == [0, 1, names, 0, 1, names]
    # Three batches are a pass: the fourth step takes the first batch again.
    model = linear(optimizer="SGD")
    model.fit(X, Y, batch_size=50, steps_per_epoch=2, epochs=3, shuffle=False, verbose=0)
    other = linear(optimizer="SGD").fit(X, Y, batch_size=50, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.predict_proba(X), other.predict_proba(X))


def test_tensorboard_writes_the_epochs_of_an_estimator(tmp_path):
    board = hr.keras.callbacks.TensorBoard(tmp_path, histogram_freq=1, update_freq=2)
    linear().fit(X, Y, epochs=2, batch_size=50, validation_data=(X, Y), callbacks=[board], verbose=0)

    def tags(run):
        (path,) = (tmp_path / run).iterdir()
        return {value.tag for event in hr.train.summary_iterator(str(path)) for value in event.summary.value}

    assert {"epoch_loss", "batch_loss", "linear/linear_model/bias_weights_0/histogram"} <= tags("train")
    assert {"epoch_accuracy", "epoch_loss", "evaluation_accuracy_vs_iterations"} <= tags("validation")
    assert "epoch_learning_rate" in tags("train")


@pytest.mark.parametrize("in_folder", [False, True])
@pytest.mark.parametrize("kind", ["GradientDescentOptimizer", "AdamOptimizer", "FtrlOptimizer"])
def test_callbacks_set_the_learning_rate(tmp_path, kind, in_folder):
    def fitted(*callbacks, epochs):
        folder = {"model_dir": str(tmp_path / str(len(list(tmp_path.iterdir()))))} if in_folder else {}
        model = linear(optimizer=lambda: getattr(hr.train, kind)(0.05), **folder)
        return model.fit(X, Y, epochs=epochs, batch_size=50, shuffle=False, callbacks=callbacks, verbose=0)

    c = hr.keras.callbacks
    same = fitted(c.LearningRateScheduler(lambda epoch, rate: rate), epochs=3)
    np.testing.assert_array_equal(same.predict_proba(X), fitted(epochs=3).predict_proba(X))
    np.testing.assert_allclose(same.history_["learning_rate"], [0.05] * 3)
    if kind != "FtrlOptimizer":
        frozen = fitted(c.LearningRateScheduler(lambda epoch: 0.05 if epoch < 1 else 1e-30), epochs=3)
        np.testing.assert_allclose(frozen.predict_proba(X), fitted(epochs=1).predict_proba(X), rtol=1e-6)
    plateau = fitted(c.ReduceLROnPlateau("loss", 0.5, patience=1, min_delta=9.0), epochs=3)
    np.testing.assert_allclose(plateau.history_["learning_rate"], [0.05, 0.05, 0.025])


def test_a_rate_that_callbacks_cannot_set_is_said_with_what_to_do(tmp_path):
    both = hr.estimator.DNNLinearCombinedClassifier(
        linear_feature_columns=[hr.feature_column.numeric_column("x", 4)], n_classes=3,
        dnn_feature_columns=[hr.feature_column.numeric_column("x", 4)], dnn_hidden_units=[2],
    )  # fmt: skip
    scheduled = linear(
        optimizer=lambda: hr.train.AdamOptimizer(hr.train.exponential_decay(0.1, hr.train.get_global_step(), 100, 0.9))
    )
    schedule = hr.keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)
    for model, text in ((both, "it has 2 optimizers"), (scheduled, "it follows a schedule")):
        with pytest.raises(AttributeError, match=text + ".*Give the optimizer as a function"):
            model.fit({"x": X} if model is both else X, Y, epochs=2, callbacks=[schedule], verbose=0)
    with pytest.raises(AttributeError, match="no Keras model"):
        linear().fit(X, Y, epochs=2, callbacks=[hr.keras.callbacks.BackupAndRestore(tmp_path)], verbose=0)
    linear().fit(X, Y, epochs=1, callbacks=[hr.keras.callbacks.LambdaCallback(lambda epoch, logs: None)], verbose=0)


def test_callbacks_stop_read_and_set_weights(tmp_path):
    calls = []

    class Stop:
        def set_model(self, model):
            self.model = model

        def set_params(self, params):
            calls.append(params["epochs"])

        def on_train_begin(self, logs=None):
            self.start = self.model.get_weights()

        def on_epoch_end(self, epoch, logs=None):
            calls.append(epoch)
            self.model.save_weights(tmp_path / "weights")
            self.model.stop_training = epoch == 2

        def on_train_end(self, logs=None):
            self.model.set_weights(self.start)

    model = linear().fit(X, Y, epochs=9, callbacks=[Stop()], verbose=0)
    assert calls == [9, 0, 1, 2] and len(model.history_["loss"]) == 3
    assert not model.get_variable_value("linear/linear_model/x/weights").any()
    assert hr.train.load_variable(str(tmp_path / "weights"), "linear/linear_model/x/weights").any()
    with pytest.raises(TypeError, match="methods of Keras's Callback"):
        model.fit(X, Y, callbacks=[print], verbose=0)


@pytest.mark.parametrize(
    "x",
    [
        X,
        X.astype(np.float64).tolist(),
        X.astype(object),
        {str(i): X[:, i] for i in range(4)},
        NoMapping(a=X[:, 0], b=X[:, 1], c=X[:, 2], d=X[:, 3]),
        scipy.sparse.csr_array(X),
        scipy.sparse.dok_array(X),
    ],
    ids=["array", "list", "objects", "dictionary", "frame", "csr", "dok"],
)
def test_forms_of_examples(x):
    model = linear().fit(x, Y, epochs=40, verbose=0)
    assert model.score(x, Y) > 0.85
    assert model.evaluate(x, Y)["accuracy"] == pytest.approx(model.score(x, Y), abs=1e-6)
    assert getattr(model, "n_features_in_", 4) == 4


def test_a_frames_names_are_remembered():
    columns = {name: X[:, i] for i, name in enumerate("abcd")}
    model = linear().fit(NoMapping(**columns), Y, epochs=1, verbose=0)
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        model.predict(NoMapping(**dict(reversed(columns.items()))))
    with pytest.raises(
        ValueError, match="unseen at fit time:\n- e\nFeature names seen at fit time, yet now missing:\n- d"
    ):
        model.predict(NoMapping(a=X[:, 0], b=X[:, 1], c=X[:, 2], e=X[:, 3]))


def test_a_frame_of_words_and_numbers_fits_columns():
    color = hr.feature_column.categorical_column_with_vocabulary_list("color", ["red", "blue"])
    columns = [hr.feature_column.indicator_column(color), hr.feature_column.numeric_column("size")]
    frame = NoMapping(color=np.array(["red", "blue"] * 20, object), size=np.arange(40))
    model = DNNClassifier([4], columns, random_state=0).fit(frame, [0, 1] * 20, epochs=300, verbose=0)
    assert model.predict(frame).tolist() == [0, 1] * 20


def with_value(value, row=3, column=1):
    x = X.copy()
    x[row, column] = value
    return x


@pytest.mark.parametrize(
    ("x", "y", "error", "text"),
    [
        (with_value(np.nan), Y, ValueError, "'x' holds NaN or infinity, first in row 3"),
        ({"a": X[:, 0], "b": with_value(np.inf)[:, 1]}, Y, ValueError, "'b' holds NaN or infinity, first in row 3: "),
        (X.astype(float) * 1e300, Y, ValueError, "'x' holds NaN or infinity, first in row 0"),
        (
            {"a": np.array(["u", "v", None] * 50, object)},
            Y,
            TypeError,
            "'a' is of words, but holds None in row 2: write \"\"",
        ),
        (
            {"a": np.array([np.nan, "v", "w"] * 50, object)},
            Y,
            TypeError,
            "'a' is of words, but holds nan in row 0: write",
        ),
        ({"a": np.array(["u", 3, "w"] * 50, object)}, Y, TypeError, "'a' is of words, but holds 3 in row 1$"),
        (scipy.sparse.csr_array(with_value(np.nan, 7)), Y, ValueError, "sparse matrix .* first in row 7"),
        ({"a": X[:, 0], "b": X[:9, 1]}, Y, ValueError, "not equally long: {'a': 150, 'b': 9}"),
        (X[:, 0], Y, ValueError, "Expected a 2D array .* Reshape your data"),
        (X + 1j, Y, ValueError, "Complex data not supported"),
        (
            {"a": np.array([1, {}] * 75, object)},
            Y,
            TypeError,
            "'a' cannot be made numbers: .* got dict {}, first in row 1",
        ),
        ({}, Y, ValueError, "x has no columns"),
        (X, None, ValueError, "LinearClassifier requires y to be passed"),
        (X, Y[:-1], ValueError, "x has 150 rows, but y has shape"),
        (X, np.where(np.arange(150) == 5, np.nan, Y), ValueError, "y holds NaN or infinity, first in row 5"),
        (X, Y + 0.5, ValueError, "Unknown label type: continuous. y holds 0.5 in row 0"),
        (X, np.zeros(150), ValueError, "at least two classes, but y holds one class"),
        (X, np.array([1, "a"] * 75, object), ValueError, "Unknown label type: .*'int', 'str'"),
        (X, np.zeros((150, 2)), ValueError, "y should be a 1d array"),
    ],
)
def test_bad_data_are_named_and_nothing_is_trained(x, y, error, text):
    model = linear()
    with pytest.raises(error, match=text):
        model.fit(x, y, verbose=0)
    assert model.latest_checkpoint() is None and not hasattr(model, "classes_")


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"epochs": 0}, ValueError, "epochs must be at least 1"),
        ({"epochs": 1.5}, TypeError, "epochs must be an integer, got 1.5"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"validation_split": 1.0}, ValueError, "validation_split must be between 0 and 1"),
        ({"validation_data": X}, ValueError, r"validation_data must be \(x, y\)"),
        ({"sample_weight": np.ones(3)}, ValueError, "one for each of 150 rows"),
        ({"sample_weight": -np.ones(150)}, ValueError, "negative in row 0"),
        ({"sample_weight": np.zeros(150)}, ValueError, "all weights are zero"),
        ({"class_weight": "even"}, ValueError, "'balanced', got 'even'"),
        ({"class_weight": {1: -2.0}}, ValueError, "class_weight must hold finite weights of 0 or more, the class .*1"),
        ({"class_weight": {1: np.nan}}, ValueError, "class_weight must hold finite weights of 0 or more"),
    ],
)
def test_bad_arguments(options, error, text):
    with pytest.raises(error, match=text):
        linear().fit(X, Y, verbose=0, **options)


def test_weights_of_classes():
    heavy = linear().fit(X, Y, epochs=10, class_weight={0: 1e-3, 1: 1000.0, 2: 1e-3}, verbose=0)
    assert (heavy.predict(X) == 1).mean() > 0.9
    labels = (Y == 0).astype(int)
    model = linear().fit(X, labels, epochs=5, class_weight="balanced", verbose=0)
    assert model.evaluate(X, labels, sample_weight=np.ones(150))["accuracy"] > 0.9
    with pytest.raises(ValueError, match="class_weight must be"):
        model.fit(X, labels, class_weight=[1, 2], verbose=0)


def test_a_weight_column_and_sample_weights_multiply():
    columns = {"a": X[:, :2], "w": np.where(Y > 0, 1.0, 0.0)}
    model = linear(weight_column="w").fit(columns, Y, epochs=20, sample_weight=(Y < 2) + 0.0, verbose=0)
    assert (model.predict(columns) == 1).all()


def test_fit_starts_anew_without_a_folder_and_goes_on_with_one(tmp_path):
    model = linear()
    for _ in range(2):
        model.fit(X, Y, epochs=2, batch_size=50, verbose=0)
        assert model.get_variable_value("global_step") == 6
    model.fit(X, Y, epochs=3, initial_epoch=2, batch_size=50, verbose=0)
    assert model.get_variable_value("global_step") == 9
    kept = linear(n_classes=3, model_dir=str(tmp_path))
    for _ in range(2):
        kept.fit(X, Y, epochs=2, batch_size=50, verbose=0)
    assert kept.get_variable_value("global_step") == 12


def test_fit_without_epochs_makes_a_thousand_steps():
    model = LinearRegressor(random_state=0).fit(X[:, :3], X[:, 3], batch_size=50, verbose=0)
    assert model.get_variable_value("global_step") == 999
    assert model.score(X[:, :3], X[:, 3]) > 0.9


def test_regressors_score_is_the_coefficient_of_determination():
    model = LinearRegressor(random_state=0, label_dimension=2).fit(X[:, :2], X[:, 2:], epochs=30, verbose=0)
    from sklearn.metrics import r2_score

    weights = np.linspace(0, 1, 150)
    wanted = r2_score(X[:, 2:], model.predict(X[:, :2]), sample_weight=weights)
    assert model.score(X[:, :2], X[:, 2:], weights) == pytest.approx(wanted, abs=1e-4)
    with pytest.raises(ValueError, match="label_dimension=2"):
        model.fit(X[:, :2], X[:, 2], verbose=0)


@pytest.mark.parametrize(("verbose", "lines"), [(0, 0), (1, 1), (2, 2)])
def test_lines_of_progress(verbose, lines, capsys):
    linear().fit(X, Y, epochs=2, verbose=verbose)
    written = capsys.readouterr().err.splitlines()
    assert len(written) == lines and all("loss" in line and "examples/s" in line for line in written)


def test_progress_counts_examples():
    stream = io.StringIO()
    progress = Progress(None, None, stream=stream)
    progress.begin()
    progress.step(0.25, 7)
    progress.end()
    assert progress.examples == 7 and stream.getvalue().startswith("step 1: loss 0.25")


def test_an_estimator_without_a_model_says_what_to_call(tmp_path):
    with pytest.raises(ValueError, match=r"Could not find trained model\. Call fit or train first"):
        hr.estimator.LinearClassifier([hr.feature_column.numeric_column("x")]).get_variable_names()
    with pytest.raises(ValueError, match=r"model in model_dir: .*\. Call fit or train first"):
        hr.estimator.LinearClassifier([hr.feature_column.numeric_column("x")], str(tmp_path)).get_variable_names()


def test_examples_without_rows_are_called_empty():
    column = hr.feature_column.categorical_column_with_vocabulary_list("w", ["a", "b"])
    model = hr.estimators.LinearClassifier([column])
    model.fit({"w": ["a", "b"] * 5}, [0, 1] * 5, epochs=1, verbose=0)
    for empty in ([], np.array([], object)):
        with pytest.raises(ValueError, match="The arrays are empty"):
            model.predict({"w": empty})

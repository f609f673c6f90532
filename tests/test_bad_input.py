"""Bad input, as a hostile or a clumsy user gives it: a clear error before anything changes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as tf

X = np.random.RandomState(0).rand(12, 4).astype(np.float32)
Y = np.arange(12) % 3


def _classifier(folder: Path | str | None = None, **options: Any) -> Any:
    return tf.estimators.DNNClassifier([4], n_classes=3, model_dir=None if folder is None else str(folder), **options)


# Estimators


@pytest.mark.parametrize(
    ("x", "epochs", "error", "message"),
    [
        (X, 1.5, TypeError, "epochs must be an integer, got 1.5"),
        (X[:, :0], 1, ValueError, r"0 feature\(s\) \(shape=\(12, 0\)\) .* 12 examples without a number"),
    ],
)
def test_fit_on_bad_arguments(tmp_path: Path, x: Any, epochs: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        _classifier(tmp_path).fit(x, Y, epochs=epochs)


def test_fit_on_a_tensor(tmp_path: Path) -> None:
    with tf.Graph().as_default(), pytest.raises(ValueError, match="'x' is not an array: Cannot convert a symbolic"):
        _classifier(tmp_path).fit(tf.constant(X), Y)


def test_a_model_dir_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(tf.errors.AlreadyExistsError, match="file"):
        _classifier(tmp_path / "file").fit(X, Y, verbose=0)
    with pytest.raises(TypeError, match="not int"):
        tf.estimators.DNNClassifier([4], model_dir=3).fit(X, Y)


def test_a_loss_that_becomes_nan_ends_training(tmp_path: Path) -> None:
    model = _classifier(tmp_path, optimizer=lambda: tf.train.GradientDescentOptimizer(float("nan")))
    with pytest.raises(tf.train.NanLossDuringTrainingError, match="NaN"):
        model.fit(X, Y, epochs=3, batch_size=4, verbose=0)


def test_a_model_function_without_a_spec(tmp_path: Path) -> None:
    estimator = tf.estimators.Estimator(lambda features: None, str(tmp_path))
    with pytest.raises(ValueError, match="model_fn should return an EstimatorSpec, got None"):
        estimator.train(lambda: (tf.constant([1.0]), tf.constant([1.0])), steps=1)


# Files


def test_event_and_record_files_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for make, error in (
        (lambda: tf.summary.FileWriter(str(tmp_path / "file")), tf.errors.AlreadyExistsError),
        (lambda: tf.summary.FileWriter(str(tmp_path / "file" / "x")), tf.errors.FailedPreconditionError),
        (lambda: tf.python_io.TFRecordWriter(str(tmp_path / "none" / "x")), tf.errors.NotFoundError),
    ):
        with pytest.raises(error, match=str(tmp_path)):
            make()


@pytest.mark.parametrize(
    ("summary", "error", "message"),
    [(3, TypeError, "must be bytes or a Summary message, got 3"), (b"\xff\xff", ValueError, "no Summary message")],
)
def test_what_is_no_summary(tmp_path: Path, summary: Any, error: type[Exception], message: str) -> None:
    with tf.summary.FileWriter(str(tmp_path)) as writer, pytest.raises(error, match=message):
        writer.add_summary(summary)


# Sessions


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"target": 3}, "target must be a string"), ({"config": {"a": 1}}, "config must be a tf.ConfigProto")],
)
def test_what_is_no_session(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        tf.Session(**arguments)


def test_a_closed_session_ends_partial_runs() -> None:
    with tf.Graph().as_default():
        fed = tf.placeholder(tf.float32)
        session = tf.Session()
        handle = session.partial_run_setup([fed * 2.0], [fed])
        session.close()
        with pytest.raises(RuntimeError, match="closed Session"):
            session.partial_run(handle, fed * 2.0, {fed: 1.0})


def test_fetches_and_constants_nested_without_measure() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        fetches: list[Any] = [tf.constant(1)]
        fetches.append(fetches)
        with pytest.raises(ValueError, match="nested too deeply"):
            session.run(fetches)
        value: Any = 1.0
        for _ in range(5000):
            value = [value]
        with pytest.raises(ValueError, match="must be a dense tensor"):
            tf.constant(value)


@pytest.mark.parametrize(
    ("dtype", "value", "error", "message"),
    [
        (tf.float32, np.zeros(1, "datetime64[s]"), TypeError, "'x:0' .* expected float32, got datetime64"),
        (tf.float32, np.zeros(1, [("a", "f4")]), TypeError, "'x:0' .* expected float32"),
        (tf.string, [1], TypeError, "'x:0' of strings: Expected a string, got 1"),
    ],
)
def test_feeds_that_are_no_numbers_or_text(dtype: Any, value: Any, error: type[Exception], message: str) -> None:
    with tf.Graph().as_default(), tf.Session() as session, pytest.raises(error, match=message):
        session.run(tf.placeholder(dtype, name="x"), {"x:0": value})


# Building graphs


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: tf.constant(1, name=5), TypeError, "name must be a string, got 5"),
        (lambda: tf.constant(1, name="a\n"), ValueError, "not a valid node name"),
        (lambda: tf.assign(tf.constant(1.0), 2.0), TypeError, "Expected a variable to write to, got <tf.Tensor"),
        (lambda: tf.scatter_update(tf.constant([1.0]), [0], [2.0]), TypeError, "Expected a variable to write to"),
        (lambda: _minimize(None), TypeError, "loss must be a tensor, got None"),
        (lambda: _minimize("loss"), TypeError, "loss must be a tensor, got 'loss'"),
        (lambda: _minimize(tf.constant(1.0), var_list=["v"]), TypeError, "variable to optimize, got 'v'"),
        (lambda: _saved(3), TypeError, "sess must be a session, got 3"),
    ],
)
def test_what_does_not_fit_where_it_is_used(build: Any, error: type[Exception], message: str) -> None:
    with tf.Graph().as_default(), pytest.raises(error, match=message):
        build()


def _minimize(loss: Any, **options: Any) -> None:
    tf.Variable(1.0)
    tf.train.GradientDescentOptimizer(0.1).minimize(loss, **options)


def _saved(session: Any) -> None:
    tf.Variable(1.0)
    tf.train.Saver().save(session, "model")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: tf.reshape(tf.zeros([2, 3]), [-1, -1]), r"Only one input size may be -1, .* got \[-1, -1\]"),
        (lambda: tf.reshape(tf.zeros([2, 3]), [-2, 3]), r"none below: got \[-2, 3\]"),
        (lambda: tf.tile(tf.zeros([2]), [-2]), r"multiples must be numbers >= 0, got \[-2\]"),
        (lambda: tf.fill([2], [1, 2]), r"value must be a scalar, got shape \[2\]"),
        (lambda: tf.placeholder_with_default([1, 2], [3]), r"the default has shape \[2\], .* shape \[3\]"),
        (lambda: tf.split(tf.zeros([4]), 0), "num_split must be at least 1, got 0"),
        (lambda: tf.concat([], 0), "concat needs at least one tensor"),
        (lambda: tf.zeros([-2]), r"must be >= 0, got \[-2\]"),
        (lambda: tf.SparseTensor([[0, 0]], [1, 2], [2, 2]), r"indices \(1, 2\), values \(2,\)"),
        (lambda: tf.SparseTensor([[0, 0]], [1], [2]), r"indices \(1, 2\), values \(1,\) and dense_shape \(1,\)"),
        (lambda: tf.RandomShuffleQueue(3, 9, [tf.int32]), r"min_after_dequeue must be in \[0, capacity\).* got 9"),
        (lambda: tf.get_variable("", [1]), "needs a name"),
        (lambda: tf.get_variable("v", [3], initializer=lambda *a, **k: None), "'v' gave None, .* shape \\(3,\\)"),
        (
            lambda: tf.get_variable("v", [3], initializer=lambda shape, dtype=None: np.zeros(7, np.float32)),
            r"'v' gave shape \(7,\), but the variable has shape \(3,\)",
        ),
    ],
)
def test_what_is_seen_to_be_wrong_when_the_graph_is_built(build: Any, message: str) -> None:
    with tf.Graph().as_default(), pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("value", [None, [1, "a"], [1.0, None], 2**70, {"a": 1}])
def test_constants_of_what_no_dtype_holds(value: Any) -> None:
    with tf.Graph().as_default(), pytest.raises(TypeError, match=r"Cannot make a tensor of .* one dtype can hold"):
        tf.constant(value)


def test_a_wrong_dtype_names_the_line() -> None:
    with tf.Graph().as_default():
        x = tf.zeros([2])
        for build in (lambda: x + tf.constant([1, 2]), lambda: tf.sqrt(tf.constant(4))):
            with pytest.raises(TypeError, match=r"operation '.*', made at .*test_bad_input\.py:\d+"):
                build()


def test_sizes_beyond_int32() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        for build in (tf.zeros, tf.random_normal):
            with pytest.raises(tf.errors.ResourceExhaustedError):
                session.run(build([2**60]))


def test_an_axis_that_numpy_takes_for_none() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        axis = tf.placeholder(tf.int32, [])
        with pytest.raises(tf.errors.InvalidArgumentError, match="axis -2147483648 is out of range"):
            session.run(tf.concat([tf.zeros([2])] * 2, axis), {axis: -(2**31)})

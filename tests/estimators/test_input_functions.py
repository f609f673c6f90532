"""numpy_input_fn and pandas_input_fn: batches across epochs, and the errors of tf.estimator."""

import numpy as np
import pytest

import headrace
import headrace as tf
from headrace.engine import errors
from headrace.estimators.input_functions import numpy_input_fn, pandas_input_fn


def batches(input_fn, most=100):
    found = []
    with tf.Graph().as_default():
        tensors = input_fn()
        with tf.Session() as session:
            while len(found) < most:
                try:
                    found.append(session.run(tensors))
                except errors.OutOfRangeError:
                    break
    return found


ROWS = np.arange(5) * 1.0


def test_batches_go_on_from_epoch_to_epoch():
    # The batches of tf.estimator 2.15 for the same call.
    made = batches(numpy_input_fn({"a": ROWS, "b": ROWS[:, None] * 10}, np.arange(5), 2, 2, False))
    assert [f["a"].tolist() for f, _ in made] == [[0, 1], [2, 3], [4, 0], [1, 2], [3, 4]]
    assert [y.tolist() for _, y in made] == [[0, 1], [2, 3], [4, 0], [1, 2], [3, 4]]
    assert made[0][0]["b"].tolist() == [[0], [10]] and made[0][0]["a"].dtype == np.float64
    assert [x.tolist() for x in batches(numpy_input_fn(ROWS, batch_size=3, shuffle=False))] == [[0, 1, 2], [3, 4]]
    endless = batches(numpy_input_fn(ROWS, None, 4, None, False), 4)
    assert [x.tolist() for x in endless] == [[0, 1, 2, 3], [4, 0, 1, 2], [3, 4, 0, 1], [2, 3, 4, 0]]


def test_shuffled_epochs_hold_each_row_once():
    made = np.concatenate(batches(numpy_input_fn(np.arange(100), batch_size=7, num_epochs=2, shuffle=True)))
    assert sorted(made[:100]) == sorted(made[100:]) == list(range(100))
    assert made[:100].tolist() != made[100:].tolist() != list(range(100))


def test_labels_may_be_named():
    ((features, labels),) = batches(numpy_input_fn({"x": ROWS}, {"y": ROWS, "z": ROWS}, shuffle=False))
    assert set(features) == {"x"} and set(labels) == {"y", "z"}


@pytest.mark.parametrize(
    "x, y, error, text",
    [
        ({}, None, ValueError, "x cannot be an empty dict"),
        (np.zeros(0), None, ValueError, "x cannot be an empty array"),
        ([1, 2], None, TypeError, "x must be a dict or array; got list"),
        ({"a": ROWS}, {}, ValueError, "y cannot be empty dict, use None instead"),
        ({"a": ROWS}, {"a": ROWS}, ValueError, "1 duplicate keys are found in both x and y"),
        ({"a": ROWS}, ROWS[:2], ValueError, r"Length of tensors in x and y is mismatched[\s\S]*Shapes in y: \(2,\)"),
        ({"a": ROWS, "b": ROWS[1:]}, None, ValueError, "Length of tensors in x and y is mismatched"),
    ],
)
def test_mistakes_are_named(x, y, error, text):
    with pytest.raises(error, match=text):
        numpy_input_fn(x, y, shuffle=False)()


@pytest.mark.parametrize("make", [numpy_input_fn, pandas_input_fn])
def test_shuffle_must_be_given(make):
    with pytest.raises(ValueError, match="shuffle must be provided and explicitly set as boolean"):
        make({"a": ROWS})


class Series:
    """As much of a pandas Series as is used."""

    def __init__(self, values, index=None):
        self.values = np.asarray(values)
        self.index = np.arange(len(values)) if index is None else index

    def __array__(self, dtype=None, copy=None):
        return self.values


class Frame(dict):
    """As much of a pandas DataFrame as is used."""

    @property
    def columns(self):
        return list(self)

    @property
    def index(self):
        return next(iter(self.values())).index


def test_frames_give_their_columns():
    frame = Frame(a=Series([1, 2, 3]), s=Series(["x", "y", "z"]))
    made = batches(pandas_input_fn(frame, Series([0.5, 1.5, 2.5]), 2, 1, False))
    assert made[0][0]["a"].tolist() == [1, 2] and made[1][0]["s"].tolist() == [b"z"]
    assert made[1][1].tolist() == [2.5]
    ((_, labels),) = batches(pandas_input_fn(frame, Frame(u=Series([1, 2, 3])), shuffle=False))
    assert labels["u"].tolist() == [1, 2, 3]
    assert set(batches(pandas_input_fn(frame, shuffle=False))[0]) == {"a", "s"}


def test_frames_must_fit():
    frame = Frame(target=Series([1, 2]))
    with pytest.raises(ValueError, match="Cannot use name target"):
        pandas_input_fn(frame, Series([1, 2]), shuffle=False)
    with pytest.raises(ValueError, match="Index for x and y are mismatched"):
        pandas_input_fn(Frame(a=Series([1, 2])), Series([1, 2], [5, 6]), shuffle=False)
    with pytest.raises(TypeError, match="target_column must be a string"):
        pandas_input_fn(frame, shuffle=False, target_column=3)


def test_an_estimator_takes_a_dataset(tmp_path):
    x, y = headrace.datasets.iris.load_data()

    def input_fn():
        rows = tf.data.Dataset.from_tensor_slices(({"x": x}, y))
        return rows.shuffle(150, seed=1).repeat(20).batch(30).prefetch(1)

    columns = [headrace.estimators.numeric_column("x", (4,))]
    estimator = headrace.estimators.DNNClassifier([16], columns, str(tmp_path), n_classes=3)
    estimator.train(input_fn, steps=90)
    evaluation = estimator.evaluate(numpy_input_fn({"x": x}, y, shuffle=False))
    assert evaluation["accuracy"] > 0.6 and evaluation["global_step"] == 90


@pytest.mark.parametrize(
    "x, y, error, text",
    [
        ({"a": [[1, 2], [3, 4], [5]]}, [0, 1, 0], ValueError, "The column 'a' is no array: row 2 has another shape"),
        (
            {"a": np.array([["x"], [1.0]], object)},
            [0, 1],
            TypeError,
            r"The column 'a' holds Python objects .* row 1: .*1\.0",
        ),
        ({"a": [1, 2]}, [[0], [1, 2]], ValueError, "The array y is no array: row 1 has another shape"),
    ],
)
def test_rows_that_do_not_fit_are_named(x, y, error, text):
    with pytest.raises(error, match=text):
        tf.estimator.inputs.numpy_input_fn(x, y, shuffle=False)()

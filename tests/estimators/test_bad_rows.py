"""Training that fails on its input says which column and which row are to blame."""

import traceback

import numpy as np
import pytest

import headrace as tf
from headrace.engine import errors

X = np.arange(24, dtype=np.float32).reshape(12, 2)
Y = np.arange(12) % 2


def with_nan():
    x = X.copy()
    x[7, 1] = np.nan
    return {"a": x[:, :1], "x": x}, Y


def with_label(value, dtype=np.int64):
    y = Y.astype(dtype)
    y[9] = value
    return {"a": X[:, :1], "x": X}, y


def arrays(features, labels):
    return tf.estimator.inputs.numpy_input_fn(features, labels, 4, shuffle=False)


def dataset(features, labels):
    return lambda: tf.data.Dataset.from_tensor_slices((features, labels)).batch(4)


# Where hooks watch the session the batch is not known, but arrays are.
@pytest.mark.parametrize("hooks", [[], [tf.train.SessionRunHook()]], ids=["alone", "watched"])
@pytest.mark.parametrize(
    "given, make, note",
    [
        (with_nan(), arrays, "The column 'x' holds NaN or infinity, first in row 7: [14.0, nan]"),
        (with_nan(), dataset, "The column 'x' holds NaN or infinity, first in row of the batch 3: [14.0, nan]"),
        (with_label(2), arrays, "The labels must be in range; the first that is not is in row 9: 2"),
        (with_label(-1), arrays, "The labels must be in range; the first that is not is in row 9: -1"),
        (with_label(5), dataset, "first that is not is in row of the batch 1: 5"),
    ],
)
def test_a_failed_step_names_column_and_row(tmp_path, given, make, note, hooks):
    columns = [tf.feature_column.numeric_column("a"), tf.feature_column.numeric_column("x", shape=2)]
    model = tf.estimator.DNNClassifier(hidden_units=[3], feature_columns=columns, model_dir=str(tmp_path))
    with pytest.raises((errors.InvalidArgumentError, tf.train.NanLossDuringTrainingError)) as caught:
        model.train(make(*given), hooks=hooks if make is arrays else [])
    assert note in "".join(traceback.format_exception(caught.value))

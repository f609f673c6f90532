"""Confusion matrices: which classes were predicted for which."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import as_dtype, int32, int64
from ..graph import Tensor, get_default_graph
from .array import stack
from .array_scatter import scatter_nd_op
from .array_shape import squeeze
from .binary import maximum
from .casting import cast
from .guards import ones_like_op
from .reduce import reduce_max


def confusion_matrix(
    labels: Any, predictions: Any, num_classes: Any = None, dtype: Any = int32, name: str | None = None,
    weights: Any = None,
) -> Tensor:  # fmt: skip
    """How often each class (a row) was predicted as each class (a column), as `tf.math.confusion_matrix`.

    Args:
        labels: class numbers [n], or [n, 1].
        predictions: class numbers of the same shape.
        num_classes: rows and columns of the result; by default one more than the largest number.
        dtype: of the result.
        weights: what each pair counts, [n]; by default 1.

    Raises:
        ValueError: the shapes do not fit.
        InvalidArgumentError: a number is negative or not below num_classes, when run.

    Example:
        >>> import headrace as tf
        >>> tf.Session().run(tf.confusion_matrix([1, 2, 4], [2, 2, 4])).shape
        (5, 5)
    """
    with get_default_graph().name_scope(name or "confusion_matrix") as scope:
        rows, columns = (_numbers(v, which) for v, which in ((labels, "labels"), (predictions, "predictions")))
        rows.shape.assert_is_compatible_with(columns.shape)
        if num_classes is None:
            count = maximum(reduce_max(rows), reduce_max(columns)) + np.int64(1)
        else:
            count = cast(convert_to_tensor(num_classes), int64)
        kind = as_dtype(dtype)
        values = cast(ones_like_op(rows) if weights is None else convert_to_tensor(weights), kind)
        return scatter_nd_op(stack([rows, columns], 1), values, stack([count, count]), name=scope)


def _numbers(value: Any, name: str) -> Tensor:
    tensor: Tensor = cast(convert_to_tensor(value, name=name), int64)
    if tensor.sizes is not None and len(tensor.sizes) == 2 and tensor.sizes[1] in (1, None):
        return squeeze(tensor, [1])
    return tensor

"""Pooling with collections, as TensorFlow 1.15's `tf.contrib.layers`."""

from __future__ import annotations

from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.graph import Tensor
from ..engine.ops.nn_pooling import avg_pool, avg_pool3d as nn_avg_pool3d, max_pool, max_pool3d as nn_max_pool3d
from ..engine.scopes import name_scope
from .arg_scope import add_arg_scope
from .contrib_convolution import Function, checked_format
from .contrib_variables import collect_named_outputs


@add_arg_scope
def max_pool2d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """The largest number of each window of images.

    Args:
        inputs: [batch, height, width, channels], or channels first.
        kernel_size: an int, or one for each spatial dimension; also of `stride`.
        stride: the steps.
        padding: "VALID" or "SAME".
        data_format: "NHWC" or "NCHW".
        outputs_collections: collections for the result.
        scope: name scope.
    """
    given = inputs, kernel_size, stride, padding, data_format
    return _pooled(max_pool, "MaxPool2D", ("NHWC", "NCHW"), given, outputs_collections, scope)


@add_arg_scope
def avg_pool2d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """The mean of each window of images; see `max_pool2d`."""
    given = inputs, kernel_size, stride, padding, data_format
    return _pooled(avg_pool, "AvgPool2D", ("NHWC", "NCHW"), given, outputs_collections, scope)


@add_arg_scope
def max_pool3d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NDHWC",
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """The largest number of each window of volumes; see `max_pool2d`."""
    given = inputs, kernel_size, stride, padding, data_format
    return _pooled(nn_max_pool3d, "MaxPool3D", ("NDHWC", "NCDHW"), given, outputs_collections, scope)


@add_arg_scope
def avg_pool3d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NDHWC",
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """The mean of each window of volumes; see `max_pool2d`."""
    given = inputs, kernel_size, stride, padding, data_format
    return _pooled(nn_avg_pool3d, "AvgPool3D", ("NDHWC", "NCDHW"), given, outputs_collections, scope)


def _pooled(
    pool: Function,
    default_scope: str,
    formats: tuple[str, str],
    given: tuple[Any, Any, Any, str, str],
    collections: Any,
    scope: str | None,
) -> Tensor:
    inputs, kernel_size, stride, padding, data_format = given
    checked_format(data_format, *formats)
    with name_scope(scope, default_scope) as opened:
        outputs = pool(convert_to_tensor(inputs), kernel_size, stride, padding.upper(), data_format=data_format)
        return collect_named_outputs(collections, opened, outputs)

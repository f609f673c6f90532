"""Tensors from slices at indices: ScatterNd and the scatters into a copy of a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import INDEX
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, show
from ..kernels import scatter
from ..registry import definition_of, op
from ..samples import Failure, Sample
from ..shapes import merge_sizes

Gradients = list[Any]


@op("ScatterNd", "indices: Tindices, updates: T, shape: Tindices", "output: T", Tindices=INDEX)
def scatter_nd_op(indices: Any, updates: Any, shape: Any, *, name: str | None = None) -> Tensor:
    """Zeros of `shape` with `updates` added to the slices that the rows of `indices` name."""


def check_nd(indices: Sizes, updates: Sizes, target: Sizes) -> None:
    """ValueError unless updates of one shape fit the slices that indices of another name in a target."""
    if indices is None or target is None or indices[-1] is None:
        return
    if indices[-1] > len(target):
        raise ValueError(f"indices {show(indices)} name {indices[-1]} dimensions, the shape has {len(target)}")
    expected = (*indices[:-1], *target[indices[-1] :])
    try:
        merge_sizes(updates, expected)
    except ValueError:
        raise ValueError(f"updates must have shape {show(expected)}, got {show(updates)}") from None


@scatter_nd_op.shape
def scatter_nd_shape(context: InferenceContext) -> list[Sizes]:
    sizes = context.shape_value(2)
    check_nd(context.with_rank_at_least(0, 1), context.sizes[1], sizes)
    return [sizes]


@scatter_nd_op.kernel
def scatter_nd_kernel(xp: Any, indices: Any, updates: Any, shape: Any) -> Any:
    return _scattered(indices, updates, shape, None)


@scatter_nd_op.into
def scatter_nd_into(xp: Any, out: Any, indices: Any, updates: Any, shape: Any) -> None:
    _scattered(indices, updates, shape, out)


def _scattered(indices: Any, updates: Any, shape: Any, out: Any) -> Any:
    sizes = tuple(int(s) for s in shape)
    if any(s < 0 for s in sizes):
        raise InvalidArgumentError(None, None, f"Sizes must be >= 0, got {list(sizes)}")
    return scatter.scatter_nd(indices, updates, sizes, out)


@scatter_nd_op.gradient
def scatter_nd_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [None, definition_of("GatherNd")(dy, op.inputs[0]), None]


@scatter_nd_op.samples
def scatter_nd_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((np.array([[1], [3], [1]]), rng.normal(size=(3, 2)), np.array([4, 2])), gradients=(1,)),
        Sample((np.array([[0, 1]], np.int32), rng.normal(size=1), np.array([2, 2], np.int32)), gradients=(1,)),
    ]


@scatter_nd_op.failing
def scatter_nd_failing(rng: np.random.Generator) -> list[Failure]:
    return [
        Failure((np.array([[4]]), np.ones(1), np.array([4])), InvalidArgumentError, "does not index", at_run=True),
        Failure((np.array([[0]]), np.ones(2), np.array([4])), ValueError, r"updates must have shape \[1\], got \[2\]"),
    ]


def _tensor_shape(context: InferenceContext) -> list[Sizes]:
    check_nd(context.with_rank_at_least(1, 1), context.sizes[2], context.sizes[0])
    return [context.sizes[0]]


_SIGNATURE = ("tensor: T, indices: Tindices, updates: T", "output: T")


@op("TensorScatterUpdate", *_SIGNATURE, shape=_tensor_shape, Tindices=INDEX)
def tensor_scatter_update_op(tensor: Any, indices: Any, updates: Any, *, name: str | None = None) -> Tensor:
    """`tensor` with `updates` in place of the slices that the rows of `indices` name."""


@op("TensorScatterAdd", *_SIGNATURE, shape=_tensor_shape, Tindices=INDEX)
def tensor_scatter_add_op(tensor: Any, indices: Any, updates: Any, *, name: str | None = None) -> Tensor:
    """`tensor` with `updates` added to the slices that the rows of `indices` name."""


@op("TensorScatterSub", *_SIGNATURE, shape=_tensor_shape, Tindices=INDEX)
def tensor_scatter_sub_op(tensor: Any, indices: Any, updates: Any, *, name: str | None = None) -> Tensor:
    """`tensor` with `updates` subtracted from the slices that the rows of `indices` name."""


def _on_copy(function: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def kernel(xp: Any, tensor: Any, indices: Any, updates: Any) -> Any:
        return function(np.array(tensor), indices, updates)

    def into(xp: Any, out: Any, tensor: Any, indices: Any, updates: Any) -> None:
        xp.copyto(out, tensor)
        function(out, indices, updates)

    return kernel, into


for _definition, _function in (
    (tensor_scatter_update_op, scatter.scatter_nd_update),
    (tensor_scatter_add_op, scatter.scatter_nd_add),
    (tensor_scatter_sub_op, scatter.scatter_nd_sub),
):
    _definition.kernel_function, _definition.into_function = _on_copy(_function)


@tensor_scatter_update_op.gradient
def tensor_scatter_update_gradient(op: Operation, dy: Tensor) -> Gradients:
    indices, updates = op.inputs[1:]
    kept = tensor_scatter_update_op(dy, indices, definition_of("ZerosLike")(updates))
    return [kept, None, definition_of("GatherNd")(dy, indices)]


@tensor_scatter_add_op.gradient
def tensor_scatter_add_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy, None, definition_of("GatherNd")(dy, op.inputs[1])]


@tensor_scatter_sub_op.gradient
def tensor_scatter_sub_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy, None, -definition_of("GatherNd")(dy, op.inputs[1])]


@tensor_scatter_update_op.samples
@tensor_scatter_add_op.samples
@tensor_scatter_sub_op.samples
def tensor_scatter_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=(4, 2)), np.array([[1], [3]]), rng.normal(size=(2, 2))), gradients=(0, 2))]


@tensor_scatter_update_op.failing
@tensor_scatter_add_op.failing
@tensor_scatter_sub_op.failing
def tensor_scatter_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones(4), np.array([[4]]), np.ones(1)), InvalidArgumentError, "does not index", at_run=True)]


# TensorFlow's names


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Tensor:
    """Zeros of `shape` with `updates` added to the slices that the rows of `indices` name.

    Args:
        indices: integers [..., rank].
        updates: [...] + shape[rank:].
        shape: of the dtype of indices.
        name: the operation's name.

    Raises:
        InvalidArgumentError: while running, an index is out of range.
    """
    return scatter_nd_op(indices, updates, shape, name=name)


def tensor_scatter_update(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """`tensor` with `updates` in place of the slices that the rows of `indices` name."""
    return tensor_scatter_update_op(tensor, indices, updates, name=name)


def tensor_scatter_add(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """`tensor` with `updates` added to the slices that the rows of `indices` name."""
    return tensor_scatter_add_op(tensor, indices, updates, name=name)


def tensor_scatter_sub(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """`tensor` with `updates` subtracted from the slices that the rows of `indices` name."""
    return tensor_scatter_sub_op(tensor, indices, updates, name=name)

"""Elements by index: Gather and GatherNd, and Where, which gives the indices of what holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import INDEX, int32
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor, get_default_graph
from ..inference import InferenceContext, axis_of, show
from ..kernels import scatter
from ..registry import definition_of, op
from ..samples import Failure, Sample
from ..shapes import is_static, merge_sizes
from ..static import constant_value
from ..tensor_types import IndexedSlices
from .array import reshape, shape
from .array_order import transpose_op
from .array_parts import concat
from .array_scatter import scatter_nd_op

Gradients = list[Any]
# TensorFlow's limit on the number of dimensions.
LARGEST_RANK = 254


@op("Gather", "params: Tparams, indices: Tindices", "output: Tparams", Tindices=INDEX)
def gather_v1_op(params: Any, indices: Any, *, validate_indices: bool = True, name: str | None = None) -> Tensor:
    """The rows of `params` at `indices`."""


@op("GatherV2", "params: Tparams, indices: Tindices, axis: Taxis", "output: Tparams", Tindices=INDEX, Taxis=INDEX)
def gather_op(params: Any, indices: Any, axis: Any, *, batch_dims: int = 0, name: str | None = None) -> Tensor:
    """The slices of `params` at `indices` along `axis`; the first `batch_dims` dimensions of both go together."""


@gather_v1_op.shape
def gather_v1_shape(context: InferenceContext) -> list[Sizes]:
    return [_gathered(context, 0, 0)]


@gather_op.shape
def gather_shape(context: InferenceContext) -> list[Sizes]:
    axis, batch_dims = context.value(2), context["batch_dims"]
    if abs(batch_dims) > LARGEST_RANK:
        raise ValueError(f"batch_dims must be at most {LARGEST_RANK}, got {batch_dims}")
    if axis is None:
        ranks = context.rank(0), context.rank(1)
        return [None if None in ranks else (None,) * (sum(r for r in ranks if r is not None) - 1 - batch_dims)]
    return [_gathered(context, int(np.ravel(axis)[0]), batch_dims)]


def _gathered(context: InferenceContext, axis: int, batch_dims: int) -> Sizes:
    params, indices = context.with_rank_at_least(0, 1), context.sizes[1]
    if params is None or indices is None:
        return None
    place = axis_of(axis, len(params))
    lead = batch_dims + len(indices) if batch_dims < 0 else batch_dims
    if lead > len(indices) or lead > place:
        raise ValueError(f"batch_dims {batch_dims} must be at most axis {place} and the rank of {show(indices)}")
    batch = merge_sizes(params[:lead], indices[:lead]) or ()
    return (*batch, *params[lead:place], *indices[lead:], *params[place + 1 :])


def _along(params: Any, indices: Any, axis: int, batch_dims: int) -> Any:
    axis = axis % params.ndim
    lead = batch_dims + indices.ndim if batch_dims < 0 else batch_dims
    if not lead:
        return scatter.gather(params, indices, axis)
    batch = [np.broadcast_to(b[(..., *(None,) * (indices.ndim - lead))], indices.shape)
             for b in np.indices(indices.shape[:lead])]  # fmt: skip
    rows = scatter.gather_nd(np.moveaxis(params, axis, lead), np.stack([*batch, indices], axis=-1))
    # The dimensions between the batch and the axis stand behind the indices': they go back before them.
    between = range(indices.ndim, indices.ndim + axis - lead)
    return np.moveaxis(rows, list(between), list(range(lead, axis)))


@gather_v1_op.kernel
def gather_v1_kernel(xp: Any, params: Any, indices: Any, *, validate_indices: bool) -> Any:
    return scatter.gather(params, indices)


@gather_v1_op.into
def gather_v1_into(xp: Any, out: Any, params: Any, indices: Any, *, validate_indices: bool) -> None:
    scatter.gather(params, indices, 0, out)


@gather_op.kernel
def gather_kernel(xp: Any, params: Any, indices: Any, axis: Any, *, batch_dims: int) -> Any:
    return _along(params, indices, int(np.ravel(axis)[0]), batch_dims)


@gather_op.into
def gather_into(xp: Any, out: Any, params: Any, indices: Any, axis: Any, *, batch_dims: int) -> None:
    if batch_dims:
        xp.copyto(out, _along(params, indices, int(np.ravel(axis)[0]), batch_dims))
    else:
        scatter.gather(params, indices, int(np.ravel(axis)[0]), out)


@gather_v1_op.gradient
def gather_v1_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [_row_slices(op.inputs[0], op.inputs[1], dy), None]


@gather_op.gradient
def gather_gradient(op: Operation, dy: Tensor) -> Gradients:
    params, indices, axis = op.inputs
    place, lead = constant_value(axis), op.attrs["batch_dims"]
    if place is not None and int(np.ravel(place)[0]) == 0 and not lead:
        return [_row_slices(params, indices, dy), None, None]
    if place is None or params.sizes is None or indices.sizes is None:
        raise LookupError(f"No gradient defined for {op.describe()}: the axis and both ranks must be static")
    where = axis_of(int(np.ravel(place)[0]), len(params.sizes))
    lead = lead + len(indices.sizes) if lead < 0 else lead
    return [_scattered_back(params, indices, dy, where, lead), None, None]


def _row_slices(params: Tensor, indices: Tensor, dy: Tensor) -> IndexedSlices:
    sizes = shape(params)
    if is_static(indices.sizes) and params.sizes is not None and is_static(params.sizes[1:]):
        rows: Any = [int(np.prod(indices.sizes)), *params.sizes[1:]]
    else:
        count = definition_of("Size")(indices, out_type=int32)
        rows = concat([reshape(count, [1]), sizes[1:]], 0)
    return IndexedSlices(reshape(dy, rows), reshape(indices, [-1]), sizes)


def _scattered_back(params: Tensor, indices: Tensor, dy: Tensor, axis: int, lead: int) -> Tensor:
    rank, inner = len(params.sizes or ()), len(indices.sizes or ()) - lead
    # dy is [batch, between, indices, rest]: bring the indices behind the batch, and later the axis back.
    forth = [*range(lead), *range(axis, axis + inner), *range(lead, axis), *range(axis + inner, rank - 1 + inner)]
    back = [*range(lead), *range(lead + 1, axis + 1), lead, *range(axis + 1, rank)]
    order = [*range(lead), axis, *range(lead, axis), *range(axis + 1, rank)]
    sizes = definition_of("GatherV2")(shape(params), np.array(order, np.int32), np.int32(0))
    rows = transpose_op(dy, np.array(forth, np.int32))
    return transpose_op(scatter_nd_op(_places(indices, lead), rows, sizes), np.array(back, np.int32))


def _places(indices: Tensor, lead: int) -> Tensor:
    """The indices with those of their batch before them: [..., lead + 1]."""
    from .array_parts import broadcast_to_op

    if indices.dtype.base_dtype != int32:
        indices = definition_of("Cast")(indices, DstT=int32)
    sizes, rank, columns = shape(indices), len(indices.sizes or ()), []
    for i in range(lead):
        numbers = definition_of("Range")(np.int32(0), sizes[i], np.int32(1))
        columns.append(broadcast_to_op(reshape(numbers, [-1 if k == i else 1 for k in range(rank)]), sizes))
    result: Tensor = definition_of("Pack")([*columns, indices], axis=-1)
    return result


@gather_v1_op.samples
def gather_v1_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=(4, 2)), np.array([[1, 1], [3, 0]])), gradients=(0,))]


@gather_op.samples
def gather_samples(rng: np.random.Generator) -> list[Sample]:
    x, axis = rng.normal(size=(2, 4, 3)), np.array(1, np.int32)
    return [
        Sample((x, np.array([1, 1, 0]), np.array(0, np.int32)), gradients=(0,)),
        Sample((x, np.array([[3, 1], [0, 3]], np.int32), axis), gradients=(0,)),
        Sample((x, np.array(2), np.array(-1)), gradients=(0,)),
        Sample((x, np.zeros((0,), np.int32), axis), gradients=(0,)),
        Sample((x, np.array([[3, 3], [0, 1]]), axis), {"batch_dims": 1}, gradients=(0,)),
        Sample((x, np.array([[2, 2], [0, 1]]), np.array(2)), {"batch_dims": 1}, gradients=(0,)),
        Sample((np.array([b"a", b"b"], object), np.array([1, 0]), np.array(0)), differentiable=False),
    ]


@gather_op.failing
def gather_failing(rng: np.random.Generator) -> list[Failure]:
    outside = (np.ones((5, 2)), np.array([[0, 4], [7, -1]]), np.array(0))
    return [
        Failure(outside, InvalidArgumentError, r"indices\[1,0\] = 7 is not in \[0, 5\)", at_run=True),
        Failure((np.ones(3), np.array([0]), np.array(1)), ValueError, "axis 1 is out of range"),
    ]


@op("GatherNd", "params: Tparams, indices: Tindices", "output: Tparams", Tindices=INDEX)
def gather_nd_op(params: Any, indices: Any, *, name: str | None = None) -> Tensor:
    """The slices of `params` that the rows of `indices` [..., rank] name."""


@gather_nd_op.shape
def gather_nd_shape(context: InferenceContext) -> list[Sizes]:
    params, indices = context.sizes[0], context.with_rank_at_least(1, 1)
    if params is None or indices is None or indices[-1] is None:
        return [None]
    if indices[-1] > len(params):
        raise ValueError(f"indices.shape[-1] must be <= params.rank, but saw {show(indices)} and {show(params)}")
    return [(*indices[:-1], *params[indices[-1] :])]


@gather_nd_op.kernel
def gather_nd_kernel(xp: Any, params: Any, indices: Any) -> Any:
    return scatter.gather_nd(params, indices)


@gather_nd_op.into
def gather_nd_into(xp: Any, out: Any, params: Any, indices: Any) -> None:
    scatter.gather_nd(params, indices, out)


@gather_nd_op.gradient
def gather_nd_gradient(op: Operation, dy: Tensor) -> Gradients:
    params, indices = op.inputs
    return [scatter_nd_op(indices, dy, shape(params, out_type=indices.dtype)), None]


@gather_nd_op.samples
def gather_nd_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(3, 4))
    return [
        Sample((x, np.array([[0, 1], [2, 3], [0, 1]])), gradients=(0,)),
        Sample((x, np.array([[[2], [2]]], np.int32)), gradients=(0,)),
        Sample((x, np.zeros((2, 0), np.int32)), gradients=(0,)),
    ]


@gather_nd_op.failing
def gather_nd_failing(rng: np.random.Generator) -> list[Failure]:
    return [
        Failure((np.ones((2, 2)), np.array([[0, 0], [2, 0]])), InvalidArgumentError, r"\[2, 0\] does not", at_run=True),
        Failure((np.ones(2), np.array([[0, 0]])), ValueError, "must be <= params.rank"),
    ]


@op("Where", "input: T", "index: int64")
def where_op(input: Any, *, name: str | None = None) -> Tensor:
    """The indices, in row-major order, of the elements that are true or not zero: int64 [n, rank]."""


@where_op.shape
def where_shape(context: InferenceContext) -> list[Sizes]:
    return [(None, context.rank(0))]


@where_op.kernel
def where_kernel(xp: Any, x: Any) -> Any:
    return xp.argwhere(x)


@where_op.samples
def where_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((np.array([[True, False], [False, True]]),)),
        Sample((np.array([0.0, 2.0]),), differentiable=False),
        Sample((np.zeros((2, 2), np.int32),)),
    ]


where_op.not_differentiable = True


# TensorFlow's names


def gather(
    params: Any, indices: Any, validate_indices: Any = None, name: str | None = None, axis: Any = None,
    batch_dims: int = 0,
) -> Tensor:  # fmt: skip
    """The slices of `params` at `indices` along `axis`.

    Args:
        params: a tensor or variable.
        indices: integers of any shape.
        validate_indices: accepted for TensorFlow's sake: indices are always checked.
        name: the operation's name.
        axis: the dimension, by default `batch_dims`.
        batch_dims: how many first dimensions of both go together.

    Returns:
        A tensor of shape params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1:].

    Raises:
        InvalidArgumentError: while running, an index is out of range.
    """
    del validate_indices
    axis = batch_dims if axis is None else axis
    if batch_dims == 0 and isinstance(axis, int) and axis == 0 and hasattr(params, "sparse_read"):
        result: Tensor = params.sparse_read(indices, name=name)
        return result
    place = axis if isinstance(axis, Tensor) else np.array(axis, np.int32)
    return gather_op(params, indices, place, batch_dims=batch_dims, name=name)


def batch_gather(params: Any, indices: Any, name: str | None = None) -> Tensor:
    """`gather` along the last dimension of `indices`, all before it going together."""
    indices = convert_to_tensor(indices)
    if not indices.sizes:
        raise ValueError("batch_gather does not allow indices with unknown shape or of rank 0.")
    return gather(params, indices, name=name, batch_dims=len(indices.sizes) - 1)


def gather_nd(params: Any, indices: Any, name: str | None = None, batch_dims: int = 0) -> Tensor:
    """The slices of `params` that the rows of `indices` [..., rank] name; the first `batch_dims` go together."""
    if batch_dims == 0 and hasattr(params, "gather_nd"):
        result: Tensor = params.gather_nd(indices, name=name)
        return result
    if batch_dims:
        indices = _with_batch(convert_to_tensor(indices), batch_dims)
    return gather_nd_op(params, indices, name=name)


def _with_batch(indices: Tensor, batch_dims: int) -> Tensor:
    lead = _places(indices[..., 0], batch_dims)[..., :-1]
    if indices.dtype.base_dtype != int32:
        indices = definition_of("Cast")(indices, DstT=int32)
    return concat([lead, indices], -1)


def boolean_mask(tensor: Any, mask: Any, name: str = "boolean_mask", axis: int | None = None) -> Tensor:
    """The elements of `tensor` where `mask` is true.

    Args:
        tensor: any tensor.
        mask: bool, of a static rank, the shape of `tensor` from dimension `axis` on.
        name: the scope of the operations.
        axis: the first dimension that the mask stands for.

    Returns:
        A tensor of shape tensor.shape[:axis] + [n] + tensor.shape[axis + mask.rank:].

    Raises:
        ValueError: the mask is a scalar, or shapes do not fit.
    """
    with get_default_graph().name_scope(name or "boolean_mask"):
        tensor, mask, axis = convert_to_tensor(tensor), convert_to_tensor(mask), axis or 0
        if not mask.sizes:
            raise ValueError("mask cannot be scalar, and its number of dimensions must be known, even if sizes are not")
        if tensor.sizes is None:
            raise ValueError("boolean_mask needs a tensor of known rank")
        rank = len(mask.sizes)
        merge_sizes(tensor.sizes[axis : axis + rank], mask.sizes)
        sizes = shape(tensor)
        flat = reshape(tensor, concat([sizes[:axis], np.array([-1], np.int32), sizes[axis + rank :]], 0))
        flat.set_shape((*tensor.sizes[:axis], None, *tensor.sizes[axis + rank :]))
        places = reshape(where_op(reshape(mask, [-1])), [-1])
        return gather(flat, places, axis=axis)

"""Parts of tensors and repeated tensors: broadcasting, unpacking and the shapes of reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import INDEX
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, axis_of, reduced_sizes, show
from ..registry import definition_of, op
from ..samples import Failure, Sample
from ..shapes import broadcast_sizes
from ..static import constant_value
from .array import pack_op
from .broadcasting import unbroadcast

Gradients = list[Any]


@op("BroadcastTo", "input: T, shape: Tidx", "output: T", Tidx=INDEX)
def broadcast_to_op(input: Any, shape: Any, *, name: str | None = None) -> Tensor:
    """`input` repeated to `shape` by the rules of broadcasting."""


@broadcast_to_op.shape
def broadcast_to_shape(context: InferenceContext) -> list[Sizes]:
    wanted, given = context.shape_value(1), context.sizes[0]
    if wanted is None or given is None:
        return [wanted]
    if len(given) > len(wanted) or (None not in wanted and broadcast_sizes(given, wanted) != wanted):
        raise ValueError(f"Incompatible shapes: {show(given)} does not broadcast to {show(wanted)}")
    return [wanted]


def _sizes(shape: Any) -> tuple[int, ...]:
    return tuple(int(s) for s in np.ravel(shape))


@broadcast_to_op.kernel
def broadcast_to_kernel(xp: Any, x: Any, shape: Any) -> Any:
    try:
        return xp.array(xp.broadcast_to(x, _sizes(shape)))
    except ValueError:
        text = f"Incompatible shapes: {list(np.shape(x))} does not broadcast to {list(_sizes(shape))}"
        raise InvalidArgumentError(None, None, text) from None


@broadcast_to_op.into
def broadcast_to_into(xp: Any, out: Any, x: Any, shape: Any) -> None:
    xp.copyto(out, x)


@broadcast_to_op.view
def broadcast_to_view(x: Any, shape: Any) -> Any:
    return np.broadcast_to(x, _sizes(shape))


@broadcast_to_op.gradient
def broadcast_to_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [unbroadcast(dy, op.inputs[0]), None]


@broadcast_to_op.samples
def broadcast_to_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(3, 1))
    return [
        Sample((x, np.array([3, 4], np.int32)), gradients=(0,)),
        Sample((x, np.array([2, 3, 4])), gradients=(0,)),
        Sample((np.float64(2), np.array([2, 0])), gradients=(0,)),
    ]


@broadcast_to_op.failing
def broadcast_to_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones((2, 3)), np.array([2, 4])), ValueError, r"\[2,3\].*\[2,4\]|3 and 4|compatible")]


@op("Unpack", "value: T", "output: num * T")
def unpack_op(value: Any, *, num: int, axis: int = 0, name: str | None = None) -> list[Tensor]:
    """The slices of `value` along `axis`, each with one dimension less."""


@unpack_op.shape
def unpack_shape(context: InferenceContext) -> list[Sizes]:
    sizes, num = context.sizes[0], context["num"]
    if sizes is None:
        return [None] * num
    axis = axis_of(context["axis"], len(sizes))
    if sizes[axis] is not None and sizes[axis] != num:
        raise ValueError(f"Cannot unpack axis {axis} of shape {show(sizes)} into {num} tensors")
    return [sizes[:axis] + sizes[axis + 1 :]] * num


@unpack_op.kernel
def unpack_kernel(xp: Any, value: Any, *, num: int, axis: int) -> Any:
    if value.shape[axis] != num:
        text = f"Input shape axis {axis} must equal {num}, got shape {list(value.shape)}"
        raise InvalidArgumentError(None, None, text)
    parts = xp.moveaxis(value, axis, 0)
    return [xp.array(parts[i, ...]) for i in range(num)]


@unpack_op.into
def unpack_into(xp: Any, out: Any, value: Any, *, num: int, axis: int) -> None:
    parts = xp.moveaxis(value, axis, 0)
    for i, part in enumerate(out):
        xp.copyto(part, parts[i])


@unpack_op.gradient
def unpack_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    from .array_basic import zeros_like

    parts = [zeros_like(t) if dy is None else dy for dy, t in zip(dys, op.outputs, strict=True)]
    return [pack_op(parts, axis=op.attrs["axis"])]


@unpack_op.samples
def unpack_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(2, 3))
    return [Sample((x,), {"num": 2}), Sample((x,), {"num": 3, "axis": -1}), Sample((np.ones((0, 2)),), {"num": 0})]


@unpack_op.failing
def unpack_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones((2, 3)),), ValueError, r"\[2,3\] into 4", {"num": 4})]


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """`input` repeated to `shape` by the rules of broadcasting.

    Raises:
        ValueError: it does not broadcast to that shape; InvalidArgumentError when that shows only while running.
    """
    return broadcast_to_op(input, shape, name=name or "BroadcastTo")


def reduced_shape_op(input_shape: Tensor, axes: Tensor) -> Tensor:
    """The vector `input_shape` with 1 at `axes`: the shape after a reduction that keeps its dimensions."""
    rank = None if input_shape.sizes is None else input_shape.sizes[0]
    known = constant_value(axes)
    if known is None or rank is None:
        return _stitched_shape(input_shape, axes)
    reduced = np.array([size == 1 for size in reduced_sizes((0,) * rank, known, True) or ()], input_shape.dtype.numpy)
    return input_shape * (1 - reduced) + reduced


def _stitched_shape(input_shape: Tensor, axes: Tensor) -> Tensor:
    from .array import fill_op, shape_op

    dtype = input_shape.dtype.base_dtype
    axes = convert_to_tensor(definition_of("Cast")(axes, DstT=dtype))
    rank = definition_of("Size")(input_shape, out_type=dtype)
    axes = definition_of("Reshape")((axes + rank) % rank, [-1])
    ones = fill_op(shape_op(axes), np.ones((), dtype.numpy))
    whole = definition_of("Range")(np.zeros((), dtype.numpy), rank, np.ones((), dtype.numpy))
    whole, axes = (definition_of("Cast")(t, DstT=np.int32) for t in (whole, axes))
    return definition_of("DynamicStitch")([whole, axes], [input_shape, ones])  # type: ignore[no-any-return]

"""Blocks of space moved to depth or batch, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import INDEX, int32
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, show
from ..registry import op
from ..samples import Failure, Sample
from ..static import constant_value

Gradients = list[Any]


def _layout(sizes: Any, data_format: str) -> tuple[Any, Any, Any, Any]:
    """Batch, height, width and depth of sizes in NHWC or NCHW."""
    n, *rest = sizes
    return (n, *rest) if data_format == "NHWC" else (n, rest[1], rest[2], rest[0])


def _sizes(n: Any, h: Any, w: Any, c: Any, data_format: str) -> tuple[Any, ...]:
    return (n, h, w, c) if data_format == "NHWC" else (n, c, h, w)


@op("SpaceToDepth", "input: T", "output: T")
def space_to_depth_op(input: Any, *, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Tensor:
    """Blocks of block_size x block_size pixels as depth."""


@op("DepthToSpace", "input: T", "output: T")
def depth_to_space_op(input: Any, *, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Tensor:
    """Depth as blocks of block_size x block_size pixels."""


def _block(context: InferenceContext) -> int:
    block: int = context["block_size"]
    if block < 2:
        raise ValueError(f"Block size should be > 1, got {block}")
    if context["data_format"] not in ("NHWC", "NCHW"):
        raise ValueError(f"data_format must be NHWC or NCHW, got {context['data_format']!r}")
    return block


def _divided(size: int | None, by: int, what: str) -> int | None:
    if size is not None and size % by:
        raise ValueError(f"{what} must be divisible by {by}, got {size}")
    return None if size is None else size // by


def _times(size: int | None, by: int) -> int | None:
    return None if size is None else size * by


@space_to_depth_op.shape
def space_to_depth_shape(context: InferenceContext) -> list[Sizes]:
    block, layout = _block(context), context["data_format"]
    n, h, w, c = _layout(context.with_rank(0, 4), layout)
    return [_sizes(n, _divided(h, block, "height"), _divided(w, block, "width"), _times(c, block * block), layout)]


@depth_to_space_op.shape
def depth_to_space_shape(context: InferenceContext) -> list[Sizes]:
    block, layout = _block(context), context["data_format"]
    n, h, w, c = _layout(context.with_rank(0, 4), layout)
    return [_sizes(n, _times(h, block), _times(w, block), _divided(c, block * block, "depth"), layout)]


def _check_divisible(ok: bool, x: Any, block: int) -> None:
    if not ok:
        text = f"Input of shape {list(x.shape)} cannot be divided into blocks of {block}"
        raise InvalidArgumentError(None, None, text)


@space_to_depth_op.kernel
def space_to_depth_kernel(xp: Any, x: Any, *, block_size: int, data_format: str) -> Any:
    n, h, w, c = _layout(x.shape, data_format)
    b = block_size
    _check_divisible(h % b == 0 and w % b == 0, x, b)
    if data_format == "NHWC":
        parts = x.reshape(n, h // b, b, w // b, b, c).transpose(0, 1, 3, 2, 4, 5)
        return parts.reshape(n, h // b, w // b, b * b * c)
    return x.reshape(n, c, h // b, b, w // b, b).transpose(0, 3, 5, 1, 2, 4).reshape(n, b * b * c, h // b, w // b)


@depth_to_space_op.kernel
def depth_to_space_kernel(xp: Any, x: Any, *, block_size: int, data_format: str) -> Any:
    n, h, w, c = _layout(x.shape, data_format)
    b = block_size
    _check_divisible(c % (b * b) == 0, x, b)
    c //= b * b
    if data_format == "NHWC":
        return x.reshape(n, h, w, b, b, c).transpose(0, 1, 3, 2, 4, 5).reshape(n, h * b, w * b, c)
    return x.reshape(n, b, b, c, h, w).transpose(0, 3, 4, 1, 5, 2).reshape(n, c, h * b, w * b)


@space_to_depth_op.gradient
def space_to_depth_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [depth_to_space_op(dy, **{k: op.attrs[k] for k in ("block_size", "data_format")})]


@depth_to_space_op.gradient
def depth_to_space_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [space_to_depth_op(dy, **{k: op.attrs[k] for k in ("block_size", "data_format")})]


@space_to_depth_op.samples
def space_to_depth_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((rng.normal(size=(1, 4, 2, 3)),), {"block_size": 2}),
        Sample((rng.normal(size=(1, 2, 2, 4)),), {"block_size": 2, "data_format": "NCHW"}),
    ]


@depth_to_space_op.samples
def depth_to_space_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((rng.normal(size=(2, 2, 1, 8)),), {"block_size": 2}),
        Sample((rng.normal(size=(1, 8, 1, 2)),), {"block_size": 2, "data_format": "NCHW"}),
    ]


@space_to_depth_op.failing
@depth_to_space_op.failing
def space_depth_failing(rng: np.random.Generator) -> list[Failure]:
    return [
        Failure((np.ones((1, 3, 3, 3)),), ValueError, "divisible", {"block_size": 2}),
        Failure((np.ones((1, 3, 3, 3)),), ValueError, "> 1", {"block_size": 1}),
    ]


_ND = {"Tblock_shape": INDEX}


@op(
    "SpaceToBatchND", "input: T, block_shape: Tblock_shape, paddings: Tpaddings", "output: T",
    Tpaddings=INDEX, **_ND,
)  # fmt: skip
def space_to_batch_nd_op(input: Any, block_shape: Any, paddings: Any, *, name: str | None = None) -> Tensor:
    """Space, padded with zeros, in blocks whose elements go to the batch."""


@op(
    "BatchToSpaceND", "input: T, block_shape: Tblock_shape, crops: Tcrops", "output: T", Tcrops=INDEX, **_ND,
)  # fmt: skip
def batch_to_space_nd_op(input: Any, block_shape: Any, crops: Any, *, name: str | None = None) -> Tensor:
    """Batches put together into blocks of space, of which the borders are cut off."""


def _nd_unknown(context: InferenceContext) -> list[Sizes]:
    sizes = context.sizes[0]
    return [None if sizes is None else (None,) * len(sizes)]


@space_to_batch_nd_op.shape
def space_to_batch_nd_shape(context: InferenceContext) -> list[Sizes]:
    sizes, block, paddings = context.sizes[0], context.value(1), context.value(2)
    if sizes is None or block is None or paddings is None:
        return _nd_unknown(context)
    return [_to_batch_sizes(sizes, block.tolist(), paddings.tolist())]


def _check_nd(sizes: Any, block: list[int], borders: list[list[int]]) -> None:
    if len(sizes) < len(block) + 1 or len(borders) != len(block):
        raise ValueError(f"block_shape {block} and {borders} do not fit the input {show(sizes)}")
    if any(b < 1 for b in block) or any(n < 0 for pair in borders for n in pair):
        raise ValueError(f"block_shape must be >= 1 and the borders >= 0, got {block} and {borders}")


def _to_batch_sizes(sizes: Any, block: list[int], paddings: list[list[int]]) -> tuple[Any, ...]:
    _check_nd(sizes, block, paddings)
    space = [
        _divided(None if s is None else s + p[0] + p[1], b, "padded size")
        for s, b, p in zip(sizes[1:], block, paddings, strict=False)
    ]
    return (_times(sizes[0], int(np.prod(block))), *space, *sizes[len(block) + 1 :])


@batch_to_space_nd_op.shape
def batch_to_space_nd_shape(context: InferenceContext) -> list[Sizes]:
    sizes, block, crops = context.sizes[0], context.value(1), context.value(2)
    if sizes is None or block is None or crops is None:
        return _nd_unknown(context)
    return [_to_space_sizes(sizes, block.tolist(), crops.tolist())]


def _to_space_sizes(sizes: Any, block: list[int], crops: list[list[int]]) -> tuple[Any, ...]:
    _check_nd(sizes, block, crops)
    space = [None if s is None else s * b - c[0] - c[1] for s, b, c in zip(sizes[1:], block, crops, strict=False)]
    if any(s is not None and s < 0 for s in space):
        raise ValueError(f"crops {crops} cut off more than there is of {show(sizes)} with blocks {block}")
    return (_divided(sizes[0], int(np.prod(block)), "batch"), *space, *sizes[len(block) + 1 :])


def _checked(function: Any, *args: Any) -> tuple[int, ...]:
    try:
        result: tuple[int, ...] = function(*args)
    except ValueError as error:
        raise InvalidArgumentError(None, None, str(error)) from None
    return result


@space_to_batch_nd_op.kernel
def space_to_batch_nd_kernel(xp: Any, x: Any, block_shape: Any, paddings: Any) -> Any:
    block, pads = block_shape.tolist(), paddings.tolist()
    sizes = _checked(_to_batch_sizes, x.shape, block, pads)
    rank, rest = len(block), x.shape[len(block) + 1 :]
    padded = xp.pad(x, [(0, 0), *pads, *[(0, 0)] * len(rest)])
    split = [n for size, b in zip(sizes[1 : rank + 1], block, strict=True) for n in (size, b)]
    parts = padded.reshape(x.shape[0], *split, *rest)
    order = [*range(2, 2 * rank + 1, 2), 0, *range(1, 2 * rank, 2), *range(2 * rank + 1, parts.ndim)]
    return parts.transpose(order).reshape(sizes)


@batch_to_space_nd_op.kernel
def batch_to_space_nd_kernel(xp: Any, x: Any, block_shape: Any, crops: Any) -> Any:
    block, cuts = block_shape.tolist(), crops.tolist()
    sizes = _checked(_to_space_sizes, x.shape, block, cuts)
    rank, rest = len(block), x.shape[len(block) + 1 :]
    parts = x.reshape(*block, sizes[0], *x.shape[1 : rank + 1], *rest)
    order = [rank, *[n for i in range(rank) for n in (rank + 1 + i, i)], *range(2 * rank + 1, parts.ndim)]
    whole = parts.transpose(order).reshape(
        sizes[0], *[s * b for s, b in zip(x.shape[1 : rank + 1], block, strict=True)], *rest
    )
    return whole[(slice(None), *(slice(c[0], c[0] + s) for c, s in zip(cuts, sizes[1:], strict=False)))]


@space_to_batch_nd_op.gradient
def space_to_batch_nd_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [batch_to_space_nd_op(dy, *op.inputs[1:]), None, None]


@batch_to_space_nd_op.gradient
def batch_to_space_nd_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [space_to_batch_nd_op(dy, *op.inputs[1:]), None, None]


@space_to_batch_nd_op.samples
def space_to_batch_nd_samples(rng: np.random.Generator) -> list[Sample]:
    block = np.array([2, 2], np.int32)
    return [
        Sample((rng.normal(size=(2, 2, 4, 1)), block, np.array([[0, 0], [2, 0]])), gradients=(0,)),
        Sample((rng.normal(size=(1, 3)), np.array([2]), np.array([[0, 1]])), gradients=(0,)),
    ]


@batch_to_space_nd_op.samples
def batch_to_space_nd_samples(rng: np.random.Generator) -> list[Sample]:
    block = np.array([2, 2], np.int32)
    return [Sample((rng.normal(size=(4, 2, 2, 1)), block, np.array([[0, 1], [1, 0]])), gradients=(0,))]


@space_to_batch_nd_op.failing
def space_to_batch_nd_failing(rng: np.random.Generator) -> list[Failure]:
    inputs = (np.ones((1, 3)), np.array([2]), np.array([[0, 0]]))
    return [Failure(inputs, ValueError, "padded size must be divisible by 2, got 3")]


@batch_to_space_nd_op.failing
def batch_to_space_nd_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones((3, 2)), np.array([2]), np.array([[0, 0]])), ValueError, "batch must be divisible by 2")]


# TensorFlow's names


def space_to_depth(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """Blocks of block_size x block_size pixels as depth: [n, h, w, c] gives [n, h / b, w / b, b * b * c]."""
    return space_to_depth_op(input, block_size=block_size, data_format=data_format, name=name)


def depth_to_space(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """Depth as blocks of block_size x block_size pixels: [n, h, w, b * b * c] gives [n, h * b, w * b, c]."""
    return depth_to_space_op(input, block_size=block_size, data_format=data_format, name=name)


def space_to_batch_nd(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Tensor:
    """Space, padded with zeros, in blocks of `block_shape` whose elements go to the batch."""
    return space_to_batch_nd_op(input, block_shape, paddings, name=name)


def batch_to_space_nd(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Tensor:
    """Batches put together into blocks of space, of which `crops` are cut off: undoes space_to_batch_nd."""
    return batch_to_space_nd_op(input, block_shape, crops, name=name)


def space_to_batch(
    input: Any, paddings: Any, block_size: int | None = None, name: str | None = None, block_shape: Any = None
) -> Tensor:
    """`space_to_batch_nd` of images with square blocks."""
    block = [block_size] * 2 if block_shape is None else block_shape
    return space_to_batch_nd(input, np.array(block, np.int32), paddings, name)


def batch_to_space(
    input: Any, crops: Any, block_size: int | None = None, name: str | None = None, block_shape: Any = None
) -> Tensor:
    """`batch_to_space_nd` of images with square blocks."""
    block = [block_size] * 2 if block_shape is None else block_shape
    return batch_to_space_nd(input, np.array(block, np.int32), crops, name)


def required_space_to_batch_paddings(
    input_shape: Any, block_shape: Any, base_paddings: Any = None, name: str | None = None
) -> tuple[Any, Any]:
    """The paddings that make `input_shape` a multiple of `block_shape`, and the crops that undo them: int32 [n, 2].

    Raises:
        ValueError: the arguments are not static.
    """
    from .constant import constant

    values = [constant_value(v) if isinstance(v, Tensor) else None if v is None else np.array(v)
              for v in (input_shape, block_shape, base_paddings)]  # fmt: skip
    sizes, block, base = values
    if sizes is None or block is None or (base is None and base_paddings is not None):
        raise ValueError("required_space_to_batch_paddings needs static shapes")
    start, end = (base[:, 0], base[:, 1]) if base is not None else (0 * sizes, 0 * sizes)
    extra = -(sizes + start + end) % block
    pairs = (np.stack([start, end + extra], 1), np.stack([0 * sizes, extra], 1))
    prefix = name or "required_space_to_batch_paddings"
    paddings, crops = (
        constant(v.astype(np.int32), int32, name=f"{prefix}/{n}")
        for v, n in zip(pairs, ("paddings", "crops"), strict=True)
    )
    return paddings, crops

"""Resizing of image batches [batch, height, width, channels]: four ways, and the gradients of three of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import FLOATING, DType, bfloat16, float16, float32, float64, int8, int16, int32, int64, uint8, uint16
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, show
from ..kernels import image_resize as kernels
from ..registry import Op, op
from ..samples import Failure, Sample
from .array import shape as shape_of
from .array_slice import strided_slice

Gradients = list[Any]

# The dtypes of pixels.
PIXELS = (int8, uint8, int16, uint16, int32, int64, float16, bfloat16, float32, float64)


@op("ResizeBilinear", "images: T, size: int32", "resized_images: float32", T=PIXELS)
def resize_bilinear_op(
    images: Any, size: Any, *, align_corners: bool = False, half_pixel_centers: bool = False, name: str | None = None
) -> Tensor:
    """The images at `size` (height, width) by linear interpolation, float32."""


@op("ResizeBicubic", "images: T, size: int32", "resized_images: float32", T=PIXELS)
def resize_bicubic_op(
    images: Any, size: Any, *, align_corners: bool = False, half_pixel_centers: bool = False, name: str | None = None
) -> Tensor:
    """The images at `size` (height, width) by cubic interpolation, float32."""


@op("ResizeNearestNeighbor", "images: T, size: int32", "resized_images: T", T=PIXELS)
def resize_nearest_neighbor_op(
    images: Any, size: Any, *, align_corners: bool = False, half_pixel_centers: bool = False, name: str | None = None
) -> Tensor:
    """The images at `size` (height, width), each pixel the nearest one of the input."""


@op("ResizeArea", "images: T, size: int32", "resized_images: float32", T=PIXELS)
def resize_area_op(images: Any, size: Any, *, align_corners: bool = False, name: str | None = None) -> Tensor:
    """The images at `size` (height, width), each pixel the mean of the area that it covers, float32."""


@op("ResizeBilinearGrad", "grads: float32, original_image: T", "output: T", T=FLOATING)
def resize_bilinear_grad_op(
    grads: Any,
    original_image: Any,
    *,
    align_corners: bool = False,
    half_pixel_centers: bool = False,
    name: str | None = None,
) -> Tensor:
    """The gradient of ResizeBilinear; of the original image only shape and dtype matter."""


@op("ResizeBicubicGrad", "grads: float32, original_image: T", "output: T", T=(float32, float64))
def resize_bicubic_grad_op(
    grads: Any,
    original_image: Any,
    *,
    align_corners: bool = False,
    half_pixel_centers: bool = False,
    name: str | None = None,
) -> Tensor:
    """The gradient of ResizeBicubic; of the original image only shape and dtype matter."""


@op("ResizeNearestNeighborGrad", "grads: T, size: int32", "output: T", T=(uint8, int8, int32, *FLOATING))
def resize_nearest_neighbor_grad_op(
    grads: Any, size: Any, *, align_corners: bool = False, half_pixel_centers: bool = False, name: str | None = None
) -> Tensor:
    """The gradient of ResizeNearestNeighbor for images of `size` (height, width)."""


# Shapes


def two_sizes(context: InferenceContext, index: int, what: str) -> tuple[int | None, int | None]:
    """Input `index`, a vector of height and width, where known; ValueError for another shape or sizes below 1."""
    (length,) = context.with_rank(index, 1)
    if length not in (None, 2):
        raise ValueError(f"{what} must be a vector of height and width, got shape {show(context.sizes[index])}")
    known = context.shape_value(index) or (None, None)
    if any(size is not None and size <= 0 for size in known):
        raise ValueError(f"{what} must be two positive sizes, got {show(known)}")
    return known[0], known[1]


def _resized(context: InferenceContext) -> list[Sizes]:
    batch, _, _, channels = context.with_rank(0, 4)
    return [(batch, *two_sizes(context, 1, "size"), channels)]


for _definition in (
    resize_bilinear_op,
    resize_bicubic_op,
    resize_nearest_neighbor_op,
    resize_area_op,
    resize_nearest_neighbor_grad_op,
):
    _definition.shape(_resized)


@resize_bilinear_grad_op.shape
@resize_bicubic_grad_op.shape
def resize_grad_shape(context: InferenceContext) -> list[Sizes]:
    grads, images = context.with_rank(0, 4), context.with_rank(1, 4)
    for axis in (0, 3):
        if grads[axis] is not None and images[axis] is not None and grads[axis] != images[axis]:
            raise ValueError(f"grads {show(grads)} cannot be those of images {show(images)}")
    return [images]


# Kernels


def size_of(size: Any) -> tuple[int, int]:
    """A vector of height and width as two ints; InvalidArgumentError for another shape."""
    if np.shape(size) != (2,):
        raise InvalidArgumentError(None, None, f"size must be a vector of height and width, got {np.asarray(size)}")
    return int(size[0]), int(size[1])


def _define_resize(definition: Op[..., Any], function: Callable[..., Any]) -> None:
    def kernel(xp: Any, images: Any, size: Any, **attrs: Any) -> Any:
        return function(images, size_of(size), **attrs)

    def into(xp: Any, out: Any, images: Any, size: Any, **attrs: Any) -> None:
        function(images, size_of(size), out=out, **attrs)

    definition.kernel(kernel)
    definition.into(into)


def _define_grad(definition: Op[..., Any], function: Callable[..., Any]) -> None:
    def kernel(xp: Any, grads: Any, images: Any, **attrs: Any) -> Any:
        return function(grads, images.shape, images.dtype, **attrs)

    def into(xp: Any, out: Any, grads: Any, images: Any, **attrs: Any) -> None:
        function(grads, images.shape, images.dtype, out=out, **attrs)

    definition.kernel(kernel)
    definition.into(into)


_define_resize(resize_bilinear_op, kernels.resize_bilinear)
_define_resize(resize_bicubic_op, kernels.resize_bicubic)
_define_resize(resize_nearest_neighbor_op, kernels.resize_nearest)
_define_resize(resize_area_op, kernels.resize_area)
_define_resize(resize_nearest_neighbor_grad_op, kernels.resize_nearest_grad)
_define_grad(resize_bilinear_grad_op, kernels.resize_bilinear_grad)
_define_grad(resize_bicubic_grad_op, kernels.resize_bicubic_grad)


# Gradients: the ops are linear, so each gradient op has the forward op as its own gradient.


def _how(op: Operation) -> dict[str, Any]:
    return {name: op.attrs[name] for name in ("align_corners", "half_pixel_centers")}


def _spatial(images: Tensor) -> Any:
    if images.sizes is not None and None not in images.sizes[1:3]:
        return np.array(images.sizes[1:3], np.int32)
    return strided_slice(shape_of(images), [1], [3])


def _define_gradients(forward: Op[..., Any], backward: Op[..., Any], dtypes: tuple[DType, ...]) -> None:
    def forward_gradient(op: Operation, dy: Tensor) -> Gradients:
        images = op.inputs[0]
        return [backward(dy, images, **_how(op)) if images.dtype.base_dtype in dtypes else None, None]

    def backward_gradient(op: Operation, dy: Tensor) -> Gradients:
        return [forward(dy, _spatial(op.inputs[0]), **_how(op)), None]

    forward.gradient(forward_gradient)
    backward.gradient(backward_gradient)


_define_gradients(resize_bilinear_op, resize_bilinear_grad_op, FLOATING)
_define_gradients(resize_bicubic_op, resize_bicubic_grad_op, (float32, float64))


@resize_nearest_neighbor_op.gradient
def resize_nearest_neighbor_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [resize_nearest_neighbor_grad_op(dy, _spatial(op.inputs[0]), **_how(op)), None]


@resize_nearest_neighbor_grad_op.gradient
def resize_nearest_neighbor_grad_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [resize_nearest_neighbor_op(dy, _spatial(op.inputs[0]), **_how(op)), None]


# Samples

_CASES: list[tuple[tuple[int, ...], tuple[int, int], dict[str, Any]]] = [
    ((2, 3, 4, 2), (5, 6), {}),
    ((1, 5, 4, 1), (2, 3), {"align_corners": True}),
    ((1, 3, 3, 3), (4, 2), {"half_pixel_centers": True}),
    ((0, 3, 3, 1), (2, 2), {}),
]


def _define_samples(definition: Op[..., Any], differentiable: bool) -> None:
    def samples(rng: np.random.Generator) -> list[Sample]:
        cases = [case for case in _CASES if set(case[2]) <= set(definition.attributes)]
        return [
            Sample((rng.normal(size=sizes), np.array(size, np.int32)), attrs, differentiable=differentiable)
            for sizes, size, attrs in cases
        ]

    def failing(rng: np.random.Generator) -> list[Failure]:
        images, size = np.ones((1, 2, 2, 1)), np.array([2, 2], np.int32)
        return [
            Failure((images[0], size), ValueError, "rank 4"),
            Failure((images, np.array([2, 0], np.int32)), ValueError, "positive sizes"),
            Failure((images, np.array([2], np.int32)), ValueError, "height and width"),
            Failure((np.ones((1, 0, 2, 1)), size), InvalidArgumentError, "non-zero size", at_run=True),
        ]

    definition.samples(samples)
    definition.failing(failing)


def _define_grad_samples(definition: Op[..., Any]) -> None:
    def samples(rng: np.random.Generator) -> list[Sample]:
        # float32 is too coarse for finite differences; the tests of images check these gradients.
        return [
            Sample(
                (rng.normal(size=(sizes[0], *size, sizes[3])).astype(np.float32), np.zeros(sizes)),
                attrs,
                differentiable=False,
            )
            for sizes, size, attrs in _CASES
        ]

    definition.samples(samples)


_define_samples(resize_bilinear_op, differentiable=False)
_define_samples(resize_bicubic_op, differentiable=False)
_define_samples(resize_area_op, differentiable=False)
_define_samples(resize_nearest_neighbor_op, differentiable=True)
_define_grad_samples(resize_bilinear_grad_op)
_define_grad_samples(resize_bicubic_grad_op)


@resize_nearest_neighbor_grad_op.samples
def resize_nearest_neighbor_grad_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((rng.normal(size=(sizes[0], *size, sizes[3])), np.array(sizes[1:3], np.int32)), attrs)
        for sizes, size, attrs in _CASES
    ]


# TensorFlow's names


def _resize(
    definition: Op[..., Any],
    images: Any,
    size: Any,
    align_corners: bool,
    half_pixel_centers: bool,
    name: str | None,
) -> Tensor:
    how = {"align_corners": bool(align_corners), "half_pixel_centers": bool(half_pixel_centers)}
    tensor = convert_to_tensor(images, None, "images")
    result: Tensor = definition(tensor, convert_to_tensor(size, int32, "size"), name=name, **how)
    return result


def resize_bilinear(
    images: Any,
    size: Any,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """`images` [batch, height, width, channels] at another size by linear interpolation, float32.

    Args:
        images: of any real dtype.
        size: the new height and width.
        align_corners: the centres of the four corner pixels stay where they are.
        half_pixel_centers: pixels are found by their centres.

    Raises:
        ValueError: the images are not of rank 4 or a size is not positive.

    Example:
        >>> import headrace as tf
        >>> with tf.Session() as sess:
        ...     print(sess.run(tf.image.resize_bilinear([[[[0.0], [2.0]]]], [1, 4])).ravel())
        [0. 1. 2. 2.]
    """
    return _resize(resize_bilinear_op, images, size, align_corners, half_pixel_centers, name)


def resize_bicubic(
    images: Any,
    size: Any,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """`images` at another size by cubic interpolation, float32; arguments as of `resize_bilinear`."""
    return _resize(resize_bicubic_op, images, size, align_corners, half_pixel_centers, name)


def resize_nearest_neighbor(
    images: Any,
    size: Any,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """`images` at another size in their own dtype by the nearest pixel; arguments as of `resize_bilinear`."""
    return _resize(resize_nearest_neighbor_op, images, size, align_corners, half_pixel_centers, name)


def resize_area(images: Any, size: Any, align_corners: bool = False, name: str | None = None) -> Tensor:
    """`images` at another size, each pixel the mean of the area that it covers, float32."""
    tensor = convert_to_tensor(images, None, "images")
    return resize_area_op(tensor, convert_to_tensor(size, int32, "size"), align_corners=bool(align_corners), name=name)

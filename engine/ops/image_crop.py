"""CropAndResize and ExtractImagePatches with their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import REAL, DType, float16, float32, float64, int32
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, show
from ..kernels import image_crop as kernels, image_patches
from ..registry import op
from ..samples import Failure, Sample
from .array import shape as shape_of
from .image_resize import PIXELS, size_of, two_sizes
from .reduce import either

Gradients = list[Any]

_IMAGE_GRADIENTS = (float16, float32, float64)


@op(
    "CropAndResize",
    "image: T, boxes: float32, box_ind: int32, crop_size: int32",
    "crops: float32",
    T=PIXELS,
)
def crop_and_resize_op(
    image: Any,
    boxes: Any,
    box_ind: Any,
    crop_size: Any,
    *,
    method: str = "bilinear",
    extrapolation_value: float = 0.0,
    name: str | None = None,
) -> Tensor:
    """The parts of the images within the boxes, each resized to `crop_size`, float32."""


@op(
    "CropAndResizeGradImage",
    "grads: float32, boxes: float32, box_ind: int32, image_size: int32",
    "output: T",
    T=_IMAGE_GRADIENTS,
)
def crop_and_resize_grad_image_op(
    grads: Any,
    boxes: Any,
    box_ind: Any,
    image_size: Any,
    *,
    T: DType,
    method: str = "bilinear",
    name: str | None = None,
) -> Tensor:
    """The gradient of CropAndResize with respect to images of the shape `image_size`."""


@op(
    "CropAndResizeGradBoxes",
    "grads: float32, image: T, boxes: float32, box_ind: int32",
    "output: float32",
    T=PIXELS,
)
def crop_and_resize_grad_boxes_op(
    grads: Any, image: Any, boxes: Any, box_ind: Any, *, method: str = "bilinear", name: str | None = None
) -> Tensor:
    """The gradient of CropAndResize with respect to the boxes."""


def _box_count(context: InferenceContext, boxes: int, box_ind: int) -> int | None:
    count, corners = context.with_rank(boxes, 2)
    (other,) = context.with_rank(box_ind, 1)
    if corners not in (None, 4):
        raise ValueError(f"boxes must be [num_boxes, 4], got shape {show(context.sizes[boxes])}")
    if count is not None and other is not None and count != other:
        raise ValueError(f"box_ind must have one number a box: {other} for {count} boxes")
    return other if count is None else count


@crop_and_resize_op.shape
def crop_and_resize_shape(context: InferenceContext) -> list[Sizes]:
    depth = context.with_rank(0, 4)[3]
    return [(_box_count(context, 1, 2), *two_sizes(context, 3, "crop_size"), depth)]


@crop_and_resize_grad_image_op.shape
def crop_and_resize_grad_image_shape(context: InferenceContext) -> list[Sizes]:
    context.with_rank(0, 4)
    _box_count(context, 1, 2)
    sizes = context.shape_value(3)
    if sizes is not None and len(sizes) != 4:
        raise ValueError(f"image_size must have 4 elements, got {show(sizes)}")
    return [(None,) * 4 if sizes is None else sizes]


@crop_and_resize_grad_boxes_op.shape
def crop_and_resize_grad_boxes_shape(context: InferenceContext) -> list[Sizes]:
    context.with_rank(0, 4)
    context.with_rank(1, 4)
    return [(_box_count(context, 2, 3), 4)]


@crop_and_resize_op.kernel
def crop_and_resize_kernel(
    xp: Any, image: Any, boxes: Any, box_ind: Any, crop_size: Any, *, method: str, extrapolation_value: float
) -> Any:
    return kernels.crop_and_resize(image, boxes, box_ind, size_of(crop_size), method, extrapolation_value)


@crop_and_resize_op.into
def crop_and_resize_into(
    xp: Any, out: Any, image: Any, boxes: Any, box_ind: Any, crop_size: Any, *, method: str, extrapolation_value: float
) -> None:
    kernels.crop_and_resize(image, boxes, box_ind, size_of(crop_size), method, extrapolation_value, out)


def _image_shape(sizes: Any) -> tuple[int, ...]:
    if np.shape(sizes) != (4,) or (np.asarray(sizes) < 0).any():
        raise InvalidArgumentError(None, None, f"image_size must be four sizes, got {np.asarray(sizes).tolist()}")
    return tuple(int(size) for size in sizes)


@crop_and_resize_grad_image_op.kernel
def crop_and_resize_grad_image_kernel(
    xp: Any, grads: Any, boxes: Any, box_ind: Any, image_size: Any, *, T: DType, method: str
) -> Any:
    return kernels.crop_and_resize_grad_image(grads, boxes, box_ind, _image_shape(image_size), T.numpy, method)


@crop_and_resize_grad_image_op.into
def crop_and_resize_grad_image_into(
    xp: Any, out: Any, grads: Any, boxes: Any, box_ind: Any, image_size: Any, *, T: DType, method: str
) -> None:
    kernels.crop_and_resize_grad_image(grads, boxes, box_ind, _image_shape(image_size), T.numpy, method, out)


def _check_bilinear(method: str) -> None:
    if method != "bilinear":
        raise InvalidArgumentError(None, None, f"method must be 'bilinear', got {method!r}")


@crop_and_resize_grad_boxes_op.kernel
def crop_and_resize_grad_boxes_kernel(xp: Any, grads: Any, image: Any, boxes: Any, box_ind: Any, *, method: str) -> Any:
    _check_bilinear(method)
    return kernels.crop_and_resize_grad_boxes(grads, image, boxes, box_ind)


@crop_and_resize_grad_boxes_op.into
def crop_and_resize_grad_boxes_into(
    xp: Any, out: Any, grads: Any, image: Any, boxes: Any, box_ind: Any, *, method: str
) -> None:
    _check_bilinear(method)
    kernels.crop_and_resize_grad_boxes(grads, image, boxes, box_ind, out)


@crop_and_resize_op.gradient
def crop_and_resize_gradient(op: Operation, dy: Tensor) -> Gradients:
    image, boxes, box_ind, _ = op.inputs
    dtype, by_image = image.dtype.base_dtype, None
    if dtype in _IMAGE_GRADIENTS:
        by_image = crop_and_resize_grad_image_op(
            dy, boxes, box_ind, shape_of(image), T=dtype, method=op.attrs["method"]
        )
    # As in TensorFlow the boxes' gradient is the bilinear one also where the nearest pixels were taken.
    return [by_image, crop_and_resize_grad_boxes_op(dy, image, boxes, box_ind), None, None]


_BOXES = np.array([[0.1, 0.2, 0.83, 0.9], [0.9, 0.8, 0.13, 0.31], [-0.5, 0.0, 0.7, 1.2]], np.float32)
_BOX_IND = np.array([0, 1, 0], np.int32)


@crop_and_resize_op.samples
def crop_and_resize_samples(rng: np.random.Generator) -> list[Sample]:
    image, size = rng.normal(size=(2, 4, 5, 2)), np.array([3, 2], np.int32)
    none = (np.zeros((0, 4), np.float32), np.zeros(0, np.int32))
    return [
        Sample((image, _BOXES, _BOX_IND, size), differentiable=False),
        Sample(
            (image, _BOXES, _BOX_IND, size), {"method": "nearest", "extrapolation_value": 7.0}, differentiable=False
        ),
        Sample((image, _BOXES, _BOX_IND, np.array([1, 1], np.int32)), differentiable=False),
        Sample((image, *none, size), differentiable=False),
    ]


@crop_and_resize_op.failing
def crop_and_resize_failing(rng: np.random.Generator) -> list[Failure]:
    image, size = np.ones((1, 2, 2, 1)), np.array([2, 2], np.int32)
    box, zero = np.zeros((1, 4), np.float32), np.zeros(1, np.int32)
    return [
        Failure((image[0], box, zero, size), ValueError, "rank 4"),
        Failure((image, box[:, :3], zero, size), ValueError, "num_boxes, 4"),
        Failure((image, box, np.zeros(2, np.int32), size), ValueError, "2 for 1 boxes"),
        Failure((image, box, zero, size * 0), ValueError, "positive"),
        Failure((image, box, zero + 1, size), InvalidArgumentError, "box_index", at_run=True),
        Failure((image, box, zero, size), InvalidArgumentError, "method", {"method": "cubic"}, at_run=True),
    ]


@crop_and_resize_grad_image_op.samples
def crop_and_resize_grad_image_samples(rng: np.random.Generator) -> list[Sample]:
    grads, sizes = rng.normal(size=(3, 3, 2, 2)).astype(np.float32), np.array([2, 4, 5, 2], np.int32)
    return [
        Sample((grads, _BOXES, _BOX_IND, sizes), {"T": float64}),
        Sample((grads, _BOXES, _BOX_IND, sizes), {"T": float16, "method": "nearest"}),
    ]


@crop_and_resize_grad_boxes_op.samples
def crop_and_resize_grad_boxes_samples(rng: np.random.Generator) -> list[Sample]:
    grads = rng.normal(size=(3, 3, 2, 2)).astype(np.float32)
    return [Sample((grads, rng.normal(size=(2, 4, 5, 2)).astype(np.float32), _BOXES, _BOX_IND))]


# Patches


@op("ExtractImagePatches", "images: T", "patches: T", T=REAL)
def extract_image_patches_op(
    images: Any, *, ksizes: list[int], strides: list[int], rates: list[int], padding: str, name: str | None = None
) -> Tensor:
    """Each window of the images as one pixel of many channels."""


@op("ExtractImagePatchesGrad", "image_size: int32, grads: T", "output: T", T=REAL)
def extract_image_patches_grad_op(
    image_size: Any,
    grads: Any,
    *,
    ksizes: list[int],
    strides: list[int],
    rates: list[int],
    padding: str,
    name: str | None = None,
) -> Tensor:
    """The gradient of ExtractImagePatches: patches added up where they came from. TensorFlow builds it otherwise."""


def _check_window(attrs: dict[str, Any]) -> None:
    for name in ("ksizes", "strides", "rates"):
        values = attrs[name]
        if len(values) != 4 or values[0] != 1 or values[3] != 1 or min(values) < 1 or max(values) > 1 << 20:
            raise ValueError(f"{name} must be [1, rows, columns, 1] with positive numbers, got {list(values)}")
    if attrs["padding"] not in ("SAME", "VALID"):
        raise ValueError(f"padding must be 'SAME' or 'VALID', got {attrs['padding']!r}")


def _windows(size: int | None, attrs: dict[str, Any], axis: int) -> int | None:
    if size is None:
        return None
    stride: int = attrs["strides"][axis]
    if attrs["padding"] == "SAME":
        return -(-size // stride)
    width = (attrs["ksizes"][axis] - 1) * attrs["rates"][axis] + 1
    if size < width:
        raise ValueError(f"a window of {width} does not fit into {size} pixels")
    number: int = (size - width) // stride + 1
    return number


@extract_image_patches_op.shape
def extract_image_patches_shape(context: InferenceContext) -> list[Sizes]:
    _check_window(context.attrs)
    batch, height, width, depth = context.with_rank(0, 4)
    rows, columns = _windows(height, context.attrs, 1), _windows(width, context.attrs, 2)
    ksizes = context["ksizes"]
    return [(batch, rows, columns, None if depth is None else depth * ksizes[1] * ksizes[2])]


@extract_image_patches_grad_op.shape
def extract_image_patches_grad_shape(context: InferenceContext) -> list[Sizes]:
    _check_window(context.attrs)
    context.with_rank(1, 4)
    sizes = context.shape_value(0)
    if sizes is not None and len(sizes) != 4:
        raise ValueError(f"image_size must have 4 elements, got {show(sizes)}")
    return [(None,) * 4 if sizes is None else sizes]


def _steps(attrs: dict[str, Any]) -> tuple[Any, Any, Any, str]:
    window, strides, rates = (tuple(attrs[name][1:3]) for name in ("ksizes", "strides", "rates"))
    return window, strides, rates, attrs["padding"]


@extract_image_patches_op.kernel
def extract_image_patches_kernel(xp: Any, images: Any, **attrs: Any) -> Any:
    return image_patches.extract_image_patches(images, *_steps(attrs))


@extract_image_patches_op.into
def extract_image_patches_into(xp: Any, out: Any, images: Any, **attrs: Any) -> None:
    image_patches.extract_image_patches(images, *_steps(attrs), out)


@extract_image_patches_grad_op.kernel
def extract_image_patches_grad_kernel(xp: Any, image_size: Any, grads: Any, **attrs: Any) -> Any:
    return image_patches.extract_image_patches_grad(_image_shape(image_size), grads, *_steps(attrs))


@extract_image_patches_grad_op.into
def extract_image_patches_grad_into(xp: Any, out: Any, image_size: Any, grads: Any, **attrs: Any) -> None:
    image_patches.extract_image_patches_grad(_image_shape(image_size), grads, *_steps(attrs), out)


def _window(op: Operation) -> dict[str, Any]:
    return {name: op.attrs[name] for name in ("ksizes", "strides", "rates", "padding")}


@extract_image_patches_op.gradient
def extract_image_patches_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [extract_image_patches_grad_op(shape_of(op.inputs[0]), dy, **_window(op))]


@extract_image_patches_grad_op.gradient
def extract_image_patches_grad_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [None, extract_image_patches_op(dy, **_window(op))]


_PATCHES: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((2, 4, 5, 2), {"ksizes": [1, 2, 3, 1], "strides": [1, 1, 2, 1], "rates": [1, 1, 1, 1], "padding": "SAME"}),
    ((1, 5, 5, 1), {"ksizes": [1, 2, 2, 1], "strides": [1, 2, 1, 1], "rates": [1, 2, 1, 1], "padding": "VALID"}),
]


@extract_image_patches_op.samples
def extract_image_patches_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=sizes),), attrs) for sizes, attrs in _PATCHES]


@extract_image_patches_grad_op.samples
def extract_image_patches_grad_samples(rng: np.random.Generator) -> list[Sample]:
    made = [(np.array(s, np.int32), extract_image_patches_kernel(np, rng.normal(size=s), **a), a) for s, a in _PATCHES]
    return [Sample((sizes, grads), attrs) for sizes, grads, attrs in made]


@extract_image_patches_op.failing
def extract_image_patches_failing(rng: np.random.Generator) -> list[Failure]:
    images, attrs = np.ones((1, 3, 3, 1)), _PATCHES[1][1]
    return [
        Failure((images[0],), ValueError, "rank 4", attrs),
        Failure((images,), ValueError, "ksizes must be", {**attrs, "ksizes": [2, 2, 2, 1]}),
        Failure((images,), ValueError, "padding must be", {**attrs, "padding": "FULL"}),
        Failure((images,), ValueError, "window of 4 does not fit into 3", {**attrs, "ksizes": [1, 1, 4, 1]}),
    ]


# TensorFlow's names


def crop_and_resize(
    image: Any,
    boxes: Any,
    box_ind: Any = None,
    crop_size: Any = None,
    method: str = "bilinear",
    extrapolation_value: float = 0,
    name: str | None = None,
    box_indices: Any = None,
) -> Tensor:
    """Parts of `image` [batch, height, width, depth] within boxes, all resized to `crop_size`: [n, *crop_size, depth].

    Args:
        image: of any real dtype; the crops are float32.
        boxes: [n, 4], each y1, x1, y2, x2, where 0 and 1 are the centres of the outermost pixels. y1 > y2 flips.
        box_ind: [n], the image of each box.
        crop_size: height and width of the crops.
        method: "bilinear" or "nearest".
        extrapolation_value: of pixels outside the image.
        box_indices: the later name of `box_ind`.

    Raises:
        ValueError: no `box_ind` or `crop_size`, or shapes that do not fit.
        InvalidArgumentError: a box is of an image that is not there.
    """
    numbers = either(("box_ind", "box_indices"), box_ind, box_indices)
    if numbers is None or crop_size is None:
        raise ValueError("crop_and_resize needs box_ind and crop_size")
    return crop_and_resize_op(
        convert_to_tensor(image, None, "image"),
        convert_to_tensor(boxes, float32, "boxes"),
        convert_to_tensor(numbers, int32, "box_ind"),
        convert_to_tensor(crop_size, int32, "crop_size"),
        method=method,
        extrapolation_value=extrapolation_value,
        name=name,
    )


def extract_image_patches(
    images: Any,
    ksizes: Any = None,
    strides: Any = None,
    rates: Any = None,
    padding: str | None = None,
    name: str | None = None,
    sizes: Any = None,
) -> Tensor:
    """Windows of `images` [batch, height, width, depth] laid out as channels.

    The result is [batch, rows, columns, window height * window width * depth], zeros where a window leaves the image.

    Args:
        images: of any real dtype.
        ksizes: the window, [1, rows, columns, 1].
        strides: steps between windows, [1, rows, columns, 1].
        rates: steps between the pixels of a window, [1, rows, columns, 1].
        padding: "SAME" or "VALID".
        sizes: the later name of `ksizes`.

    Raises:
        ValueError: one of these is missing, has another form, or the window does not fit.
    """
    window = either(("ksizes", "sizes"), ksizes, sizes)
    given = {"ksizes": window, "strides": strides, "rates": rates, "padding": padding}
    for argument, value in given.items():
        if value is None:
            raise ValueError(f"extract_image_patches needs {argument}")
    return extract_image_patches_op(convert_to_tensor(images, None, "images"), name=name, **given)

"""Boxes on images: choosing among overlapping ones, random crops around them, and drawing them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import FLOATING, float16, float32, int8, int16, int32, int64, uint8
from ..errors import InvalidArgumentError
from ..graph import Sizes, Tensor, get_default_graph
from ..inference import InferenceContext, show
from ..kernels import image_boxes as kernels
from ..registry import Op, op
from ..runtime import KernelContext
from ..samples import Failure, Sample
from .random import seed_attributes, stream_for

_ASPECT_RATIOS: list[float] = [0.75, 1.33]
_AREAS: list[float] = [0.05, 1.0]


@op("NonMaxSuppression", "boxes: float32, scores: float32, max_output_size: int32", "selected_indices: int32")
def non_max_suppression_op(
    boxes: Any, scores: Any, max_output_size: Any, *, iou_threshold: float = 0.5, name: str | None = None
) -> Tensor:
    """The numbers of the boxes that stay when those that overlap better ones go."""


@op(
    "NonMaxSuppressionV2",
    "boxes: T, scores: T, max_output_size: int32, iou_threshold: float32",
    "selected_indices: int32",
    T=(float16, float32),
)
def non_max_suppression_v2_op(
    boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any, *, name: str | None = None
) -> Tensor:
    """NonMaxSuppression with the threshold as an input."""


@op(
    "NonMaxSuppressionV3",
    "boxes: T, scores: T, max_output_size: int32, iou_threshold: float32, score_threshold: float32",
    "selected_indices: int32",
    T=(float16, float32),
)
def non_max_suppression_v3_op(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any,
    score_threshold: Any,
    *,
    name: str | None = None,
) -> Tensor:
    """NonMaxSuppression among the boxes that score above `score_threshold`."""


@op(
    "NonMaxSuppressionV4",
    "boxes: T, scores: T, max_output_size: int32, iou_threshold: float32, score_threshold: float32",
    "selected_indices: int32, valid_outputs: int32",
    T=(float16, float32),
)
def non_max_suppression_v4_op(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any,
    score_threshold: Any,
    *,
    pad_to_max_output_size: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """NonMaxSuppressionV3, filled up with zeros on request, and the number of boxes that stayed."""


@op(
    "NonMaxSuppressionV5",
    "boxes: T, scores: T, max_output_size: int32, iou_threshold: T, score_threshold: T, soft_nms_sigma: T",
    "selected_indices: int32, selected_scores: T, valid_outputs: int32",
    T=(float16, float32),
)
def non_max_suppression_v5_op(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any,
    score_threshold: Any,
    soft_nms_sigma: Any,
    *,
    pad_to_max_output_size: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """NonMaxSuppressionV4 with the scores of what stayed, which overlaps lower where the sigma is positive."""


def _check_boxes(context: InferenceContext) -> None:
    count, corners = context.with_rank(0, 2)
    (scores,) = context.with_rank(1, 1)
    if corners not in (None, 4):
        raise ValueError(f"boxes must be [num_boxes, 4], got shape {show(context.sizes[0])}")
    if count is not None and scores is not None and count != scores:
        raise ValueError(f"scores must have one number a box: {scores} for {count} boxes")
    for index in range(2, len(context.sizes)):
        if context.sizes[index]:
            raise ValueError(f"{context.input_name(index)} must be a scalar, got {show(context.sizes[index])}")


@non_max_suppression_op.shape
@non_max_suppression_v2_op.shape
@non_max_suppression_v3_op.shape
def non_max_suppression_shape(context: InferenceContext) -> list[Sizes]:
    _check_boxes(context)
    return [(None,)]


def _padded_length(context: InferenceContext) -> Sizes:
    _check_boxes(context)
    wanted = context.value(2) if context["pad_to_max_output_size"] else None
    return (None,) if wanted is None or wanted < 0 else (int(wanted),)


@non_max_suppression_v4_op.shape
def non_max_suppression_v4_shape(context: InferenceContext) -> list[Sizes]:
    return [_padded_length(context), ()]


@non_max_suppression_v5_op.shape
def non_max_suppression_v5_shape(context: InferenceContext) -> list[Sizes]:
    length = _padded_length(context)
    return [length, length, ()]


@non_max_suppression_op.kernel
def non_max_suppression_kernel(xp: Any, boxes: Any, scores: Any, limit: Any, *, iou_threshold: float) -> Any:
    return kernels.non_max_suppression(boxes, scores, int(limit), iou_threshold)


@non_max_suppression_v2_op.kernel
def non_max_suppression_v2_kernel(xp: Any, boxes: Any, scores: Any, limit: Any, iou: Any) -> Any:
    return kernels.non_max_suppression(boxes, scores, int(limit), float(iou))


@non_max_suppression_v3_op.kernel
def non_max_suppression_v3_kernel(xp: Any, boxes: Any, scores: Any, limit: Any, iou: Any, least: Any) -> Any:
    return kernels.non_max_suppression(boxes, scores, int(limit), float(iou), float(least))


@non_max_suppression_v4_op.kernel
def non_max_suppression_v4_kernel(
    xp: Any, boxes: Any, scores: Any, limit: Any, iou: Any, least: Any, *, pad_to_max_output_size: bool
) -> Any:
    kept, count = kernels.non_max_suppression_padded(
        boxes, scores, int(limit), float(iou), float(least), pad_to_max_output_size
    )
    return kept, np.array(count, np.int32)


@non_max_suppression_v5_op.kernel
def non_max_suppression_v5_kernel(
    xp: Any, boxes: Any, scores: Any, limit: Any, iou: Any, least: Any, sigma: Any, *, pad_to_max_output_size: bool
) -> Any:
    thresholds = (float(iou), float(least), float(sigma))
    kept, own = kernels.soft_non_max_suppression(boxes, scores, int(limit), *thresholds)
    padding = (0, int(limit) - len(kept) if pad_to_max_output_size else 0)
    return np.pad(kept, padding), np.pad(own, padding).astype(scores.dtype), np.array(len(kept), np.int32)


def _define_suppression(definition: Op[..., Any], thresholds: int, sets: tuple[dict[str, Any], ...]) -> None:
    def samples(rng: np.random.Generator) -> list[Sample]:
        corner = rng.uniform(size=(8, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(0.3, 0.6, size=(8, 2))], axis=1).astype(np.float32)
        scores = rng.uniform(size=8).astype(np.float32)
        levels = (np.float32(0.3), np.float32(0.2), np.float32(0.5))[:thresholds]
        return [
            *(Sample((boxes, scores, np.array(4, np.int32), *levels), a, differentiable=False) for a in sets),
            Sample((boxes[:0], scores[:0], np.array(3, np.int32), *levels), sets[0], differentiable=False),
        ]

    def failing(rng: np.random.Generator) -> list[Failure]:
        boxes, scores, limit = np.ones((2, 4), np.float32), np.ones(2, np.float32), np.array(1, np.int32)
        levels = (np.float32(0.3), np.float32(0.2), np.float32(0.0))[:thresholds]
        return [
            Failure((boxes[0], scores, limit, *levels), ValueError, "rank 2"),
            Failure((boxes, scores[:1], limit, *levels), ValueError, "1 for 2 boxes"),
            Failure((boxes[:, :3], scores, limit, *levels), ValueError, "num_boxes, 4"),
            Failure((boxes, scores, -limit, *levels), InvalidArgumentError, "non-negative", at_run=True),
        ]

    definition.samples(samples)
    definition.failing(failing)
    definition.not_differentiable = True


_PADDING = ({"pad_to_max_output_size": False}, {"pad_to_max_output_size": True})
_define_suppression(non_max_suppression_op, 0, ({"iou_threshold": 0.4},))
_define_suppression(non_max_suppression_v2_op, 1, ({},))
_define_suppression(non_max_suppression_v3_op, 2, ({},))
_define_suppression(non_max_suppression_v4_op, 2, _PADDING)
_define_suppression(non_max_suppression_v5_op, 3, _PADDING)


# Random crops


@op(
    "SampleDistortedBoundingBoxV2",
    "image_size: T, bounding_boxes: float32, min_object_covered: float32",
    "begin: T, size: T, bboxes: float32",
    stateful=True,
    T=(uint8, int8, int16, int32, int64),
)
def sample_distorted_bounding_box_v2_op(
    image_size: Any,
    bounding_boxes: Any,
    min_object_covered: Any,
    *,
    seed: int = 0,
    seed2: int = 0,
    aspect_ratio_range: list[float] = _ASPECT_RATIOS,
    area_range: list[float] = _AREAS,
    max_attempts: int = 100,
    use_image_if_no_bounding_boxes: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """A random crop that covers enough of one of the boxes, as begin and size for a slice and as a box."""


@op(
    "SampleDistortedBoundingBox",
    "image_size: T, bounding_boxes: float32",
    "begin: T, size: T, bboxes: float32",
    stateful=True,
    T=(uint8, int8, int16, int32, int64),
)
def sample_distorted_bounding_box_op(
    image_size: Any,
    bounding_boxes: Any,
    *,
    seed: int = 0,
    seed2: int = 0,
    min_object_covered: float = 0.1,
    aspect_ratio_range: list[float] = _ASPECT_RATIOS,
    area_range: list[float] = _AREAS,
    max_attempts: int = 100,
    use_image_if_no_bounding_boxes: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """SampleDistortedBoundingBoxV2 with the least cover as an attribute: in graphs of TensorFlow before 1.4."""


@sample_distorted_bounding_box_v2_op.shape
@sample_distorted_bounding_box_op.shape
def sample_distorted_bounding_box_shape(context: InferenceContext) -> list[Sizes]:
    (length,) = context.with_rank(0, 1)
    corners = context.with_rank(1, 3)[2]
    if length not in (None, 3):
        raise ValueError(f"image_size must contain 3 elements, got {length}")
    if corners not in (None, 4):
        raise ValueError(f"bounding boxes must be [batch, num_boxes, 4], got shape {show(context.sizes[1])}")
    for name in ("aspect_ratio_range", "area_range"):
        if len(context[name]) != 2:
            raise ValueError(f"{name} must have two numbers, got {context[name]}")
    return [(3,), (3,), (1, 1, 4)]


@sample_distorted_bounding_box_v2_op.state
def sample_distorted_bounding_box_v2_state(
    context: KernelContext, image_size: Any, boxes: Any, min_object_covered: Any, **attrs: Any
) -> Any:
    return _sampled(context, image_size, boxes, float(min_object_covered), attrs)


@sample_distorted_bounding_box_op.state
def sample_distorted_bounding_box_state(
    context: KernelContext, image_size: Any, boxes: Any, *, min_object_covered: float, **attrs: Any
) -> Any:
    return _sampled(context, image_size, boxes, min_object_covered, attrs)


def _sampled(context: KernelContext, image_size: Any, boxes: Any, covered: float, attrs: dict[str, Any]) -> Any:
    attempts = attrs["max_attempts"]
    begin, size, box, _ = kernels.sample_distorted_bounding_box(
        stream_for(context, max(attempts, 0)),
        image_size,
        boxes,
        covered,
        tuple(attrs["aspect_ratio_range"]),
        tuple(attrs["area_range"]),
        attempts,
        attrs["use_image_if_no_bounding_boxes"],
    )
    return begin, size, box


def _define_sampling(definition: Op[..., Any], more: tuple[Any, ...]) -> None:
    def samples(rng: np.random.Generator) -> list[Sample]:
        sizes = np.array([40, 50, 3], np.int32)
        boxes = np.array([[[0.1, 0.2, 0.7, 0.8], [0.0, 0.0, 1.0, 1.0]]], np.float32)
        seeds = {"seed": 3, "seed2": 4}
        whole = {"use_image_if_no_bounding_boxes": True, "area_range": [0.2, 0.5], **seeds}
        return [
            Sample((sizes, boxes, *more), seeds, differentiable=False),
            Sample((sizes, boxes[:, :0], *more), whole, differentiable=False),
        ]

    def failing(rng: np.random.Generator) -> list[Failure]:
        sizes, boxes = np.array([4, 5, 3], np.int32), np.full((1, 1, 4), 0.5, np.float32)
        return [
            Failure((sizes[:2], boxes, *more), ValueError, "3 elements"),
            Failure((sizes, boxes[0], *more), ValueError, "rank 3"),
            Failure((sizes, boxes * 3, *more), InvalidArgumentError, "coordinates must be", at_run=True),
            Failure((sizes, boxes[:, :0], *more), InvalidArgumentError, "No bounding boxes", at_run=True),
        ]

    definition.samples(samples)
    definition.failing(failing)
    definition.not_differentiable = True


_define_sampling(sample_distorted_bounding_box_v2_op, (np.float32(0.1),))
_define_sampling(sample_distorted_bounding_box_op, ())


# Drawing


@op("DrawBoundingBoxes", "images: T, boxes: float32", "output: T", T=(float32, float16))
def draw_bounding_boxes_op(images: Any, boxes: Any, *, name: str | None = None) -> Tensor:
    """The images with the edges of the boxes drawn one pixel wide in colours of a fixed table."""


@op("DrawBoundingBoxesV2", "images: T, boxes: float32, colors: float32", "output: T", T=(float32, float16))
def draw_bounding_boxes_v2_op(images: Any, boxes: Any, colors: Any, *, name: str | None = None) -> Tensor:
    """The images with the edges of the boxes drawn one pixel wide in the given colours in turn."""


@draw_bounding_boxes_op.shape
@draw_bounding_boxes_v2_op.shape
def draw_bounding_boxes_shape(context: InferenceContext) -> list[Sizes]:
    depth = context.with_rank(0, 4)[3]
    corners = context.with_rank(1, 3)[2]
    if depth not in (None, 1, 3, 4):
        raise ValueError(f"images must have 1, 3 or 4 channels, got shape {show(context.sizes[0])}")
    if corners not in (None, 4):
        raise ValueError(f"boxes must be [batch, num_boxes, 4], got shape {show(context.sizes[1])}")
    return [context.with_rank(0, 4)]


@draw_bounding_boxes_op.kernel
def draw_bounding_boxes_kernel(xp: Any, images: Any, boxes: Any) -> Any:
    return kernels.draw_bounding_boxes(images, boxes)


@draw_bounding_boxes_op.into
def draw_bounding_boxes_into(xp: Any, out: Any, images: Any, boxes: Any) -> None:
    kernels.draw_bounding_boxes(images, boxes, None, out)


@draw_bounding_boxes_v2_op.kernel
def draw_bounding_boxes_v2_kernel(xp: Any, images: Any, boxes: Any, colors: Any) -> Any:
    return kernels.draw_bounding_boxes(images, boxes, colors)


@draw_bounding_boxes_v2_op.into
def draw_bounding_boxes_v2_into(xp: Any, out: Any, images: Any, boxes: Any, colors: Any) -> None:
    kernels.draw_bounding_boxes(images, boxes, colors, out)


def _define_drawing(definition: Op[..., Any], more: tuple[Any, ...]) -> None:
    def samples(rng: np.random.Generator) -> list[Sample]:
        boxes = np.array([[[0.1, 0.2, 0.7, 0.8], [-1.0, 0.0, 2.0, 0.5]]] * 2, np.float32)
        images = [rng.uniform(size=(2, 5, 6, depth)).astype(np.float32) for depth in (1, 3, 4)]
        return [Sample((x, boxes, *more), differentiable=False) for x in images]

    def failing(rng: np.random.Generator) -> list[Failure]:
        images, boxes = np.ones((1, 2, 2, 3), np.float32), np.zeros((1, 1, 4), np.float32)
        return [
            Failure((images[..., :2], boxes, *more), ValueError, "1, 3 or 4 channels"),
            Failure((images, boxes[0], *more), ValueError, "rank 3"),
            Failure((images, boxes[:0], *more), InvalidArgumentError, "boxes must be", at_run=True),
        ]

    definition.samples(samples)
    definition.failing(failing)
    definition.not_differentiable = True


_define_drawing(draw_bounding_boxes_op, ())
_define_drawing(draw_bounding_boxes_v2_op, (np.array([[1, 0, 0, 1], [0, 1, 0, 1]], np.float32),))


# TensorFlow's names


def non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = -math.inf,
    name: str | None = None,
) -> Tensor:
    """The numbers of the boxes that stay, best score first, at most `max_output_size`.

    A box goes when it overlaps a better one that stays by more than `iou_threshold` (intersection over union).

    Args:
        boxes: [n, 4], each y1, x1, y2, x2.
        scores: [n].
        max_output_size: a scalar.
        iou_threshold: in [0, 1].
        score_threshold: boxes that score no more than this go.

    Raises:
        ValueError: shapes that do not fit.
        InvalidArgumentError: a threshold or the limit is out of range.

    Example:
        >>> import headrace as tf
        >>> boxes = [[0, 0, 1, 1], [0, 0, 1, 0.9], [2, 2, 3, 3]]
        >>> with tf.Session() as sess:
        ...     print(sess.run(tf.image.non_max_suppression(boxes, [0.5, 0.9, 0.7], 3)))
        [1 2]
    """
    with get_default_graph().name_scope(name or "non_max_suppression"):
        values = _suppression(boxes, scores, max_output_size, iou_threshold, score_threshold)
        return non_max_suppression_v3_op(*values)


def _suppression(boxes: Any, scores: Any, limit: Any, *thresholds: Any) -> list[Tensor]:
    own = convert_to_tensor(boxes, None, "boxes")
    dtype = own.dtype.base_dtype
    if dtype not in FLOATING:
        own, dtype = convert_to_tensor(boxes, float32, "boxes"), float32
    return [
        own,
        convert_to_tensor(scores, dtype, "scores"),
        convert_to_tensor(limit, int32, "max_output_size"),
        *(convert_to_tensor(t, float32, "threshold") for t in thresholds),
    ]


def non_max_suppression_padded(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = -math.inf,
    pad_to_max_output_size: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """`non_max_suppression`, filled up with zeros on request, and the number of boxes that stayed."""
    with get_default_graph().name_scope(name or "non_max_suppression_padded"):
        values = _suppression(boxes, scores, max_output_size, iou_threshold, score_threshold)
        return non_max_suppression_v4_op(*values, pad_to_max_output_size=pad_to_max_output_size)


def non_max_suppression_with_scores(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = -math.inf,
    soft_nms_sigma: Any = 0.0,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The numbers and scores of the boxes that stay.

    With a positive `soft_nms_sigma` a box that overlaps a better one does not go: its score falls by
    `exp(-overlap**2 / (2 * sigma))`.
    """
    with get_default_graph().name_scope(name or "non_max_suppression_with_scores"):
        own, points, limit = _suppression(boxes, scores, max_output_size)
        levels = (convert_to_tensor(t, own.dtype.base_dtype) for t in (iou_threshold, score_threshold, soft_nms_sigma))
        indices, kept, _ = non_max_suppression_v5_op(own, points, limit, *levels)
        return indices, kept


def sample_distorted_bounding_box(
    image_size: Any,
    bounding_boxes: Any,
    seed: int | None = None,
    seed2: int | None = None,
    min_object_covered: Any = 0.1,
    aspect_ratio_range: Any = None,
    area_range: Any = None,
    max_attempts: int | None = None,
    use_image_if_no_bounding_boxes: bool | None = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """A random crop of an image that covers enough of one of its boxes.

    Args:
        image_size: [height, width, channels].
        bounding_boxes: [batch, n, 4], each y1, x1, y2, x2 in parts of the image.
        seed: fixes the crops; the graph's seed does where both seeds are left out.
        seed2: a second seed.
        min_object_covered: the part of a box that the crop must contain.
        aspect_ratio_range: least and greatest width over height, (0.75, 1.33) if left out.
        area_range: least and greatest part of the image's area, (0.05, 1) if left out.
        max_attempts: tries, 100 if left out; when all fail the crop is the whole image.
        use_image_if_no_bounding_boxes: the whole image stands in for no boxes.

    Returns:
        begin [3] and size [3] for `tf.slice`, and the crop as a box [1, 1, 4].

    Raises:
        InvalidArgumentError: no boxes, or an argument is out of its range.
    """
    # Unlike other ops this one takes its seeds as they are; the graph's stands in where there are none.
    seeds = seed_attributes(None) if seed is None and seed2 is None else {"seed": seed or 0, "seed2": seed2 or 0}
    return sample_distorted_bounding_box_v2_op(
        convert_to_tensor(image_size, None, "image_size"),
        convert_to_tensor(bounding_boxes, float32, "bounding_boxes"),
        convert_to_tensor(min_object_covered, float32, "min_object_covered"),
        aspect_ratio_range=list(aspect_ratio_range or _ASPECT_RATIOS),
        area_range=list(area_range or _AREAS),
        max_attempts=100 if max_attempts is None else max_attempts,
        use_image_if_no_bounding_boxes=bool(use_image_if_no_bounding_boxes),
        name=name,
        **seeds,
    )


def draw_bounding_boxes(images: Any, boxes: Any, name: str | None = None, colors: Any = None) -> Tensor:
    """`images` [batch, height, width, 1, 3 or 4] with the edges of boxes drawn one pixel wide.

    Args:
        images: float16 or float32.
        boxes: [batch, n, 4], each y1, x1, y2, x2 in parts of the image.
        colors: [m, 4] red, green, blue, opacity, taken in turn; a fixed table if left out.
    """
    tensor = convert_to_tensor(images, None, "images")
    drawn = convert_to_tensor(boxes, float32, "boxes")
    if colors is None:
        return draw_bounding_boxes_op(tensor, drawn, name=name)
    return draw_bounding_boxes_v2_op(tensor, drawn, convert_to_tensor(colors, float32, "colors"), name=name)

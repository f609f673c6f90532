"""Boxes on images: choosing among overlapping ones, drawing them, and random crops around them.

A box is `[y1, x1, y2, x2]`, in parts of the image's height and width where that matters.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgumentError
from .draws import Draws
from .philox import Stream
from .results import result_array

Array = NDArray[Any]
Floats = NDArray[np.float32]
Box = tuple[int, int, int, int]

# The colours that boxes without colours of their own take in turn: red, green, blue, opacity.
_COLOURS = np.array(
    [
        [1, 1, 0, 1],
        [0, 0, 1, 1],
        [1, 0, 0, 1],
        [0, 1, 0, 1],
        [0.5, 0, 0.5, 1],
        [0.5, 0.5, 0, 1],
        [0.5, 0, 0, 1],
        [0, 0, 0.5, 1],
        [0, 1, 1, 1],
        [1, 0, 1, 1],
    ],
    dtype=np.float32,
)


def non_max_suppression(
    boxes: Array,
    scores: Array,
    max_output_size: int,
    iou_threshold: float = 0.5,
    score_threshold: float = -math.inf,
) -> NDArray[np.int32]:
    """Returns the numbers of the boxes that stay, best score first, at most `max_output_size`.

    A box goes when it overlaps one that stays by more than `iou_threshold` (intersection over
    union) or scores no more than `score_threshold`; of equal scores the lower number comes first.
    TF 1.15's NonMaxSuppressionV2 and V3.

    Args:
        boxes: `[n, 4]`; the corners may come in any order.
        scores: `[n]`.
        max_output_size: how many may stay.
        iou_threshold: in [0, 1].
        score_threshold: lower bound of the scores.

    Raises:
        InvalidArgumentError: when shapes or thresholds are wrong.
    """
    _check_suppression(boxes, scores, max_output_size, iou_threshold)
    order = np.argsort(-scores.astype(np.float64), kind="stable")
    waiting = order[scores[order] > score_threshold]
    corners = _sorted_corners(boxes.astype(np.float32, copy=False))
    kept: list[int] = []
    while len(waiting) and len(kept) < max_output_size:
        best, waiting = int(waiting[0]), waiting[1:]
        kept.append(best)
        overlap = _overlaps(corners[best], corners[waiting])
        waiting = waiting[~(overlap > np.float32(iou_threshold))]
    return np.array(kept, dtype=np.int32)


def non_max_suppression_padded(
    boxes: Array,
    scores: Array,
    max_output_size: int,
    iou_threshold: float = 0.5,
    score_threshold: float = -math.inf,
    pad_to_max_output_size: bool = True,
) -> tuple[NDArray[np.int32], int]:
    """Returns `non_max_suppression` filled up with zeros, and how many are real: TF's V4."""
    kept = non_max_suppression(boxes, scores, max_output_size, iou_threshold, score_threshold)
    padding = max_output_size - len(kept) if pad_to_max_output_size else 0
    return np.pad(kept, (0, padding)), len(kept)


def soft_non_max_suppression(
    boxes: Array,
    scores: Array,
    max_output_size: int,
    iou_threshold: float = 0.5,
    score_threshold: float = -math.inf,
    sigma: float = 0.0,
) -> tuple[NDArray[np.int32], Floats]:
    """Returns the numbers and scores of the boxes that stay: TF's NonMaxSuppressionV5.

    Where `sigma` is positive an overlap with a better box lowers the score by
    `exp(-overlap**2 / (2 * sigma))`; where it is 0 this is `non_max_suppression`.

    Raises:
        InvalidArgumentError: when shapes, thresholds or sigma are wrong.
    """
    if not sigma >= 0:
        raise InvalidArgumentError(None, None, f"soft_nms_sigma must be non-negative, got {sigma}")
    if sigma == 0:
        kept = non_max_suppression(boxes, scores, max_output_size, iou_threshold, score_threshold)
        return kept, scores[kept].astype(np.float32)
    _check_suppression(boxes, scores, max_output_size, iou_threshold)
    corners = _sorted_corners(boxes.astype(np.float32, copy=False))
    own = scores.astype(np.float32)
    waiting = np.flatnonzero(own > score_threshold)
    found: list[int] = []
    while len(waiting) and len(found) < max_output_size:
        best = int(waiting[np.argmax(own[waiting])])
        found.append(best)
        waiting = waiting[waiting != best]
        overlap = _overlaps(corners[best], corners[waiting])
        own[waiting] *= np.exp(np.float32(-0.5 / sigma) * overlap * overlap)
        waiting = waiting[own[waiting] > score_threshold]
    return np.array(found, np.int32), own[found]


def draw_bounding_boxes(images: Array, boxes: Array, colors: Array | None = None, out: Array | None = None) -> Array:
    """Returns the images with the edges of the boxes drawn one pixel wide.

    Args:
        images: floats `[batch, height, width, depth]`, depth 1, 3 or 4.
        boxes: `[batch, n, 4]` in parts of the image; one outside it or inverted is left out.
        colors: `[m, 4]` red, green, blue, opacity, taken in turn; a fixed table where None or
            empty.
        out: an array like the images to fill instead of a new one.

    Raises:
        InvalidArgumentError: when shapes do not fit.
    """
    _check_drawing(images, boxes, colors)
    result = result_array(images.shape, images.dtype, out)
    result[...] = images
    own = colors is not None and len(colors) > 0
    table = colors if own and colors is not None else _COLOURS
    if images.shape[3] == 1 and not own:
        table = np.ones_like(_COLOURS)
    for canvas, some in zip(result, boxes, strict=True):
        for number, box in enumerate(some.astype(np.float32)):
            _draw(canvas, box, table[number % len(table)][: images.shape[3]])
    return result


def sample_distorted_bounding_box(
    stream: Stream,
    image_size: Array,
    bounding_boxes: Array,
    min_object_covered: float = 0.1,
    aspect_ratio_range: tuple[float, float] = (0.75, 1.33),
    area_range: tuple[float, float] = (0.05, 1.0),
    max_attempts: int = 100,
    use_image_if_no_bounding_boxes: bool = False,
) -> tuple[Array, Array, Floats, int]:
    """Returns a random crop that covers enough of one of the boxes, as TF 1.15's op of that name.

    Args:
        stream: where to start drawing.
        image_size: `[height, width, channels]`, integers.
        bounding_boxes: `[batch, n, 4]` in parts of the image.
        min_object_covered: the part of a box that the crop has to contain.
        aspect_ratio_range: least and greatest width over height.
        area_range: least and greatest part of the image's area.
        max_attempts: tries; when all fail the crop is the whole image.
        use_image_if_no_bounding_boxes: lets the whole image stand in for no boxes.

    Returns:
        begin and size for `slice` (of image_size's dtype), the crop as a box `[1, 1, 4]`, and the
        number of Philox blocks reserved.

    Raises:
        InvalidArgumentError: when an argument is out of its range.
    """
    _check_sampling(image_size, bounding_boxes, min_object_covered, aspect_ratio_range, area_range, max_attempts)
    height, width = (int(n) for n in image_size[:2])
    boxes = _pixel_boxes(bounding_boxes, height, width, use_image_if_no_bounding_boxes)
    draws, found = Draws(stream), (0, 0, height, width)
    least, most = (np.float32(ratio) for ratio in aspect_ratio_range)
    for _ in range(max_attempts):
        ratio = np.float32(draws.unit_float()) * (most - least) + least
        crop = _random_crop(draws, height, width, area_range, ratio)
        if crop is not None and _covers(crop, boxes, min_object_covered):
            found = crop
            break
    top, left, bottom, right = found
    dtype = image_size.dtype
    begin = np.array([top, left, 0], dtype)
    size = np.array([bottom - top, right - left, -1], dtype)
    whole = np.array([height, width, height, width], np.float32)
    return begin, size, (np.array(found, np.float32) / whole).reshape(1, 1, 4), max_attempts


def _sorted_corners(boxes: Floats) -> Floats:
    low = np.minimum(boxes[:, :2], boxes[:, 2:])
    return np.concatenate([low, np.maximum(boxes[:, :2], boxes[:, 2:])], axis=1)


def _overlaps(box: Floats, others: Floats) -> Floats:
    """Returns intersection over union with each of the others, 0 where an area is 0."""
    with np.errstate(over="ignore", invalid="ignore"):
        sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
        shared = np.prod(np.maximum(sides, 0), axis=1)
        area = (box[2] - box[0]) * (box[3] - box[1])
        areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
        result = np.zeros(len(others), np.float32)
        np.divide(shared, area + areas - shared, out=result, where=(area > 0) & (areas > 0))
    return result


def _draw(canvas: Array, box: Floats, colour: Array) -> None:
    if not np.isfinite(box).all():
        return
    height, width = canvas.shape[:2]
    ends = np.array([height - 1, width - 1, height - 1, width - 1], np.float32)
    with np.errstate(over="ignore"):
        # int() truncates as a C cast does; the bound keeps huge values within an integer.
        edges = np.clip(box * ends, -(2**40), 2**40)
    top, left, bottom, right = (int(edge) for edge in edges)
    if top > bottom or left > right or top >= height or left >= width or bottom < 0 or right < 0:
        return
    rows, columns = slice(max(top, 0), bottom + 1), slice(max(left, 0), right + 1)
    for row in (top, bottom):
        if 0 <= row < height:
            canvas[row, columns] = colour
    for column in (left, right):
        if 0 <= column < width:
            canvas[rows, column] = colour


def _pixel_boxes(bounding_boxes: Array, height: int, width: int, use_image: bool) -> list[Box]:
    flat = bounding_boxes.reshape(-1, 4).astype(np.float32)
    if not len(flat):
        if not use_image:
            raise InvalidArgumentError(
                None,
                None,
                "No bounding boxes provided as input. One must enable "
                "use_image_if_no_bounding_boxes if you wish to not provide any bounding boxes.",
            )
        return [(0, 0, height, width)]
    sizes = np.array([height, width, height, width], np.float32)
    return [(a, b, c, d) for a, b, c, d in (flat * sizes).astype(np.int64).tolist()]


def _random_crop(
    draws: Draws, height: int, width: int, area_range: tuple[float, float], ratio: np.float32
) -> Box | None:
    least = np.float32(area_range[0]) * np.float32(width) * np.float32(height)
    most = np.float32(area_range[1]) * np.float32(width) * np.float32(height)
    if height <= 0 or width <= 0 or least > most:
        return None
    rows = _random_height(draws, height, width, least, most, ratio)
    columns = _round(np.float32(rows) * ratio)
    # Rounding may have left the range of areas: one row more or less may bring it back.
    if rows * columns < least:
        rows += 1
        columns = _round(np.float32(rows) * ratio)
    if rows * columns > most:
        rows -= 1
        columns = _round(np.float32(rows) * ratio)
    fits = least <= rows * columns <= most and 0 < columns <= width and 0 < rows <= height
    if not fits:
        return None
    top = draws.below(height - rows) if rows < height else 0
    left = draws.below(width - columns) if columns < width else 0
    return top, left, top + rows, left + columns


def _random_height(
    draws: Draws, height: int, width: int, least: np.float32, most: np.float32, ratio: np.float32
) -> int:
    low, high = _round(np.sqrt(least / ratio)), _round(np.sqrt(most / ratio))
    if _round(np.float32(high) * ratio) > width:
        # The greatest height whose width rounds to no more than the image's.
        high = int((width + 0.5 - 1e-7) / float(ratio))
    high = min(high, height)
    low = min(low, high)
    return low + draws.below(high - low + 1) if low < high else low


def _round(value: np.float32) -> int:
    return int(np.rint(value))


def _covers(crop: Box, boxes: list[Box], least: float) -> bool:
    if _area(crop) < 1:
        return False
    return any(_area(_intersection(crop, box)) / _area(box) >= least for box in boxes if _area(box) >= 1)


def _intersection(one: Box, other: Box) -> Box:
    top, left = max(one[0], other[0]), max(one[1], other[1])
    bottom, right = min(one[2], other[2]), min(one[3], other[3])
    return (top, left, bottom, right) if top <= bottom and left <= right else (0, 0, 0, 0)


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _check_suppression(boxes: Array, scores: Array, max_output_size: int, iou_threshold: float) -> None:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise InvalidArgumentError(None, None, f"boxes must be [num_boxes, 4], got {list(boxes.shape)}")
    if scores.shape != boxes.shape[:1]:
        raise InvalidArgumentError(
            None,
            None,
            f"scores has incompatible shape: expected [{len(boxes)}], got {list(scores.shape)}",
        )
    if not 0 <= iou_threshold <= 1:
        raise InvalidArgumentError(None, None, f"iou_threshold must be in [0, 1], got {iou_threshold}")
    if max_output_size < 0:
        raise InvalidArgumentError(None, None, f"max_output_size must be non-negative, got {max_output_size}")


def _check_drawing(images: Array, boxes: Array, colors: Array | None) -> None:
    if images.ndim != 4 or images.shape[3] not in (1, 3, 4):
        raise InvalidArgumentError(
            None,
            None,
            "images must be [batch, height, width, depth] with depth 1 (grey), 3 (RGB) or "
            f"4 (RGBA), got {list(images.shape)}",
        )
    if boxes.ndim != 3 or boxes.shape[2] != 4 or len(boxes) != len(images):
        raise InvalidArgumentError(None, None, f"boxes must be [{len(images)}, num_boxes, 4], got {list(boxes.shape)}")
    if colors is not None and (colors.ndim != 2 or colors.shape[1] != 4):
        raise InvalidArgumentError(None, None, f"colors must be n x 4 (RGBA), got {list(colors.shape)}")


def _check_sampling(
    image_size: Array,
    boxes: Array,
    covered: float,
    ratios: tuple[float, float],
    areas: tuple[float, float],
    attempts: int,
) -> None:
    wrong = None
    if image_size.shape != (3,):
        wrong = f"image_size must contain 3 elements, got shape {list(image_size.shape)}"
    elif boxes.ndim != 3 or boxes.shape[2] != 4:
        wrong = f"bounding boxes must be [batch, num_boxes, 4], got {list(boxes.shape)}"
    elif not bool(np.all((boxes >= 0) & (boxes <= 1))):
        wrong = "All bounding box coordinates must be in [0.0, 1.0]"
    elif covered < 0:
        wrong = f"Min object covered must be non-negative: {covered}"
    elif min(ratios) <= 0:
        wrong = f"Aspect ratio range must be positive: {list(ratios)}"
    elif min(areas) <= 0 or max(areas) > 1:
        wrong = f"Area range must lie in (0, 1]: {list(areas)}"
    elif attempts <= 0:
        wrong = f"Max attempts must be positive: {attempts}"
    if wrong:
        raise InvalidArgumentError(None, None, wrong)

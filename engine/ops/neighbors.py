"""Nearest neighbours by brute force."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..graph import Sizes, Tensor
from ..inference import InferenceContext
from ..registry import op
from ..samples import Failure, Sample

# Distances of this many pairs are held at once.
PAIRS_AT_ONCE = 1 << 20


@op(
    "NearestNeighbors",
    "points: float32, centers: float32, k: int64",
    "nearest_center_indices: int64, nearest_center_distances: float32",
)
def nearest_neighbors_op(points: Any, centers: Any, k: Any, *, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The k centers [m, d] nearest to each point [n, d], and their squared distances, nearest first.

    Both results are [n, min(k, m)]; of equally near centers the first comes first.
    """


@nearest_neighbors_op.shape
def nearest_neighbors_shape(context: InferenceContext) -> list[Sizes]:
    points, centers = context.with_rank(0, 2), context.with_rank(1, 2)
    if None not in (points[1], centers[1]) and points[1] != centers[1]:
        raise ValueError(f"points and centers must have equally many columns, got {points[1]} and {centers[1]}")
    context.with_rank(2, 0)
    k, count = context.value(2), centers[0]
    found = None if k is None or count is None else min(max(int(k), 0), count)
    return [(points[0], found)] * 2


@nearest_neighbors_op.kernel
def nearest_neighbors_kernel(xp: Any, points: Any, centers: Any, k: Any) -> Any:
    if int(k) < 0:
        raise InvalidArgumentError(None, None, f"k must be at least 0, got {int(k)}")
    if points.shape[1] != centers.shape[1]:
        raise InvalidArgumentError(None, None, f"points have {points.shape[1]} columns, centers {centers.shape[1]}")
    count = min(int(k), len(centers))
    indices = np.empty((len(points), count), np.int64)
    distances = np.empty((len(points), count), np.float32)
    rows = max(1, PAIRS_AT_ONCE // max(len(centers), 1))
    for start in range(0, len(points), rows):
        block = slice(start, start + rows)
        squared = _squared_distances(points[block], centers)
        indices[block] = np.argsort(squared, 1, kind="stable")[:, :count]
        distances[block] = np.take_along_axis(squared, indices[block], 1)
    return indices, distances


def _squared_distances(points: Any, centers: Any) -> Any:
    products = points @ centers.T
    squared = (points * points).sum(1)[:, None] - 2 * products + (centers * centers).sum(1)
    # Rounding must not give a negative distance.
    return np.maximum(squared, 0)


@nearest_neighbors_op.samples
def nearest_neighbors_samples(rng: np.random.Generator) -> list[Sample]:
    points, centers = rng.normal(size=(5, 3)).astype(np.float32), rng.normal(size=(4, 3)).astype(np.float32)
    return [Sample((points, centers, np.int64(k)), differentiable=False) for k in (0, 1, 3, 9)]


@nearest_neighbors_op.failing
def nearest_neighbors_failing(rng: np.random.Generator) -> list[Failure]:
    points, centers = np.ones((2, 3), np.float32), np.ones((2, 4), np.float32)
    return [Failure((points, centers, np.int64(1)), ValueError, "equally many columns, got 3 and 4")]


nearest_neighbors_op.not_differentiable = True

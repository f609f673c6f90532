"""KMeans: Lloyd's algorithm over whole inputs or minibatches, as TensorFlow 1.15's tf.contrib.factorization.KMeans."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..engine.assignments import assign, scatter_add
from ..engine.checks import assert_less_equal
from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import float32, int32, int64
from ..engine.graph import Operation, Tensor, get_default_graph
from ..engine.ops.array import reshape, shape, stack
from ..engine.ops.array_parts import concat, ones, ones_like, zeros, zeros_like
from ..engine.ops.array_sets import unique
from ..engine.ops.array_shape import expand_dims, size
from ..engine.ops.binary import maximum, minimum
from ..engine.ops.casting import cast
from ..engine.ops.choice import where
from ..engine.ops.clipping import l2_normalize
from ..engine.ops.comparison import equal, less_equal
from ..engine.ops.cond import cond
from ..engine.ops.constant import placeholder_with_default
from ..engine.ops.control import group, no_op
from ..engine.ops.extrema import argmin
from ..engine.ops.indexing import gather
from ..engine.ops.products import matmul
from ..engine.ops.random import categorical, random_uniform
from ..engine.ops.reduce import reduce_min, reduce_sum
from ..engine.ops.segments import unsorted_segment_sum
from ..engine.ops.unary import log
from ..engine.ops.while_loop import while_loop
from ..engine.shapes import TensorShape
from ..engine.variables import Variable

SQUARED_EUCLIDEAN_DISTANCE = "squared_euclidean"
COSINE_DISTANCE = "cosine"
RANDOM_INIT = "random"
KMEANS_PLUS_PLUS_INIT = "kmeans_plus_plus"
CLUSTERS_VAR_NAME = "clusters"
# Added to the number of points of a cluster, in whole-input training, so that an empty one can be divided by.
_EPSILON = 1e-6


class TrainingGraph(NamedTuple):
    """What `KMeans.training_graph` makes; the first three are lists, one item for each input."""

    all_scores: list[Tensor]
    cluster_idx: list[Tensor]
    scores: list[Tensor]
    cluster_centers_initialized: Variable
    cluster_centers_var: Variable
    init_op: Operation
    training_op: Operation


class KMeans:
    """Centers of clusters of points, and what moves them.

    Args:
        inputs: points, float32 [n, dimensions], or a list of one such tensor.
        num_clusters: how many clusters; taken from `initial_clusters` where that is an array.
        initial_clusters: "random" for random points, "kmeans_plus_plus" for points that lie far from each other, an
            array of centers, or a function `(inputs, k)` that chooses at most `k` centers of a batch.
        distance_metric: "squared_euclidean" or "cosine".
        use_mini_batch: move the centers by batches; otherwise each batch is the whole input.
        mini_batch_steps_per_iteration: batches after which the centers that points are assigned to change.
        random_seed: of the choice of centers.
        kmeans_plus_plus_num_retries: candidates for each center, of which the best is taken.

    Raises:
        ValueError: an argument is of another kind.

    Example:
        >>> import headrace as tf
        >>> points = tf.constant([[0.0], [1.0], [10.0], [11.0]])
        >>> graph = tf.contrib.factorization.KMeans(
        ...     points, 2, initial_clusters=[[0.0], [10.0]], use_mini_batch=False
        ... ).training_graph()
        >>> with tf.Session() as session:
        ...     session.run(tf.global_variables_initializer())
        ...     session.run(graph.init_op)
        ...     session.run(graph.training_op)
        ...     session.run(graph.cluster_centers_var).round(3).tolist()
        [[0.5], [10.5]]
    """

    def __init__(
        self,
        inputs: Any,
        num_clusters: Any,
        initial_clusters: Any = RANDOM_INIT,
        distance_metric: str = SQUARED_EUCLIDEAN_DISTANCE,
        use_mini_batch: bool = False,
        mini_batch_steps_per_iteration: int = 1,
        random_seed: int | None = 0,
        kmeans_plus_plus_num_retries: int = 2,
    ) -> None:
        if isinstance(initial_clusters, str) and initial_clusters not in (RANDOM_INIT, KMEANS_PLUS_PLUS_INIT):
            raise ValueError(f"Unsupported initialization algorithm {initial_clusters!r}")
        if distance_metric not in (SQUARED_EUCLIDEAN_DISTANCE, COSINE_DISTANCE):
            raise ValueError(f"Unsupported distance metric {distance_metric!r}")
        given = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
        if len(given) != 1:
            raise ValueError(f"KMeans takes one tensor of points, got {len(given)}")
        self._points: Tensor = cast(convert_to_tensor(given[0]), float32)
        self._cosine = distance_metric == COSINE_DISTANCE
        self._mini_batch, self._per_iteration = use_mini_batch, mini_batch_steps_per_iteration
        self._seed, self._retries = random_seed, max(int(kmeans_plus_plus_num_retries), 1)
        self._initial = initial_clusters
        if not isinstance(initial_clusters, str) and not callable(initial_clusters):
            self._initial = cast(convert_to_tensor(initial_clusters), float32)
            num_clusters = shape(self._initial)[0]
        self._count: Tensor = cast(convert_to_tensor(num_clusters), int32)

    @property
    def _delayed(self) -> bool:
        """Whether the centers that move are not those that points are assigned to."""
        return self._mini_batch and self._per_iteration > 1

    @property
    def _normalized(self) -> bool:
        return self._cosine and (not self._mini_batch or self._delayed)

    def training_graph(self) -> TrainingGraph:
        """The operations: run `init_op` until all centers are chosen, then `training_op` for each batch or iteration."""
        self._make_variables()
        points = l2_normalize(self._points, 1) if self._cosine else self._points
        centers = self._value(self._centers)
        used = l2_normalize(centers, 1) if self._cosine and not self._normalized else centers
        distances = squares = squared_distances(points, used)
        if self._cosine:
            # The same for vectors of length 1; the center of an empty cluster, of length 0, is nearer this way.
            distances, squares = 1.0 - matmul(points, used, transpose_b=True), 0.5 * squares
        nearest, least = argmin(squares, 1), reduce_min(squares, 1)
        init_op = self._init_op(centers)
        # All is computed before the centers move.
        with get_default_graph().control_dependencies([distances, least]):
            move = self._move_by_batch if self._mini_batch else self._move_by_all
            training_op = move(points, nearest, centers)
        return TrainingGraph([distances], [nearest], [least], self._initialized, self._centers, init_op, training_op)

    def _make_variables(self) -> None:
        def empty(name: str) -> Variable:
            start = placeholder_with_default(np.zeros((0, 0), np.float32), None)
            return Variable(start, name=name, validate_shape=False)

        self._centers = empty(CLUSTERS_VAR_NAME)
        self._initialized = Variable(False, name="initialized")
        self._moving, self._steps_left, self._counts = self._centers, None, None
        if self._delayed:
            self._moving = empty("clusters_updated")
            self._steps_left = Variable(np.int64(self._per_iteration), name="update_in_steps")
        if self._mini_batch:
            start = (zeros if self._delayed else ones)(stack([self._count]), int64)
            self._counts = Variable(start, validate_shape=False)

    def _value(self, variable: Variable) -> Tensor:
        value = convert_to_tensor(variable)
        wide = None if self._points.sizes is None else self._points.sizes[1]
        # A width that is known asks for no batch of the input.
        value = reshape(value, stack([shape(value)[0], shape(self._points)[1] if wide is None else wide]))
        value.set_shape((None, wide))
        return value

    # Choosing centers

    def _init_op(self, centers: Tensor) -> Operation:
        chosen = shape(centers)[0]
        missing = self._count - chosen

        def more() -> Operation:
            new = self._new_centers(missing)
            if self._cosine:
                new = l2_normalize(new, 1)
            together = cond(equal(chosen, 0), lambda: new, lambda: concat([centers, new], 0))
            wanted = [self._centers] if self._moving is self._centers else [self._centers, self._moving]
            writes = [assign(v, together, validate_shape=False) for v in wanted]
            with get_default_graph().control_dependencies(writes):
                return group(self._initialized.assign(equal(shape(together)[0], self._count)))

        return group(cond(equal(missing, 0), no_op, more))

    def _new_centers(self, missing: Tensor) -> Any:
        initial = self._initial
        if isinstance(initial, Tensor):
            return initial
        if callable(initial):
            return cast(convert_to_tensor(initial([self._points], missing)), float32)
        # Only here, so that given centers ask for no batch of the input.
        rows = shape(self._points)[0]
        if initial == RANDOM_INIT:
            return cond(less_equal(rows, missing), lambda: self._points, lambda: self._random(rows, missing))
        enough = assert_less_equal(missing, rows, message="kmeans++ chooses all centers from the first batch")
        with get_default_graph().control_dependencies([enough]):
            points = l2_normalize(self._points, 1) if self._cosine else self._points
            return far_points(points, missing, self._retries, self._seed)

    def _random(self, rows: Tensor, missing: Tensor) -> Tensor:
        return gather(self._points, random_uniform(stack([missing]), 0, rows, int32, seed=self._seed))

    # Moving centers

    def _move_by_all(self, points: Tensor, nearest: Tensor, centers: Tensor) -> Operation:
        sums = unsorted_segment_sum(points, nearest, self._count)
        counts = unsorted_segment_sum(ones_like(points[:, :1]), nearest, self._count)
        new = sums / (counts + _EPSILON)
        return group(self._centers.assign(l2_normalize(new, 1) if self._normalized else new))

    def _move_by_batch(self, points: Tensor, nearest: Tensor, centers: Tensor) -> Operation:
        with get_default_graph().control_dependencies(self._start_iteration()):
            ids, place = unique(nearest)
            number = size(ids)
            before = gather(self._value(self._moving), ids)
            old_counts = gather(convert_to_tensor(self._counts), ids)
            counts = unsorted_segment_sum(ones_like(place, dtype=int64), place, number)
            sums = unsorted_segment_sum(points, place, number)
            difference = sums - expand_dims(cast(counts, float32), 1) * before
            steps = difference / expand_dims(cast(old_counts + counts, float32), 1)
        with get_default_graph().control_dependencies([steps]):
            return group(scatter_add(self._counts, ids, counts), scatter_add(self._moving, ids, steps))

    def _start_iteration(self) -> list[Any]:
        """Where the steps of an iteration are done, the moved centers become those that count."""
        if not self._delayed or self._steps_left is None or self._counts is None:
            return []
        left, counts, moved = (convert_to_tensor(v) for v in (self._steps_left, self._counts, self._moving))
        done = less_equal(left, 0)
        new = l2_normalize(moved, 1) if self._cosine else moved
        chosen = cond(done, lambda: new, lambda: convert_to_tensor(self._centers))
        numbers = cond(done, lambda: zeros_like(counts), lambda: counts)
        with get_default_graph().control_dependencies([chosen, numbers]):
            next_left = where(done, convert_to_tensor(np.int64(self._per_iteration - 1)), left - 1)
            return [self._steps_left.assign(next_left), self._centers.assign(chosen), self._counts.assign(numbers)]


def squared_distances(points: Tensor, centers: Tensor) -> Tensor:
    """The squared distance of each point to each center, [points, centers], not below 0."""
    lengths = reduce_sum(points * points, 1, keepdims=True)
    products = matmul(points, centers, transpose_b=True)
    return maximum(lengths - 2.0 * products + expand_dims(reduce_sum(centers * centers, 1), 0), 0.0)


def far_points(points: Tensor, count: Tensor, retries: int, seed: int | None) -> Tensor:
    """`count` of the points by kmeans++: each is drawn by its squared distance to those before, the best of some tries."""
    rows = shape(points)[0]
    first = gather(points, random_uniform([1], 0, rows, int32, seed=seed))
    nearest = squared_distances(points, first)[:, 0]

    def step(done: Tensor, chosen: Tensor, nearest: Tensor) -> Any:
        # Points that are centers already are drawn only where there are no others.
        chances = log(maximum(nearest, 1e-30))
        tries = reshape(categorical(expand_dims(chances, 0), retries, seed=seed), [-1])
        candidates = gather(points, tries)
        distances = minimum(squared_distances(points, candidates), expand_dims(nearest, 1))
        best = argmin(reduce_sum(distances, 0), 0)
        new = expand_dims(gather(candidates, best), 0)
        return done + 1, concat([chosen, new], 0), gather(distances, best, axis=1)

    sizes = None if points.sizes is None else points.sizes[1]
    results = while_loop(
        lambda done, chosen, nearest: done < count,
        step,
        [convert_to_tensor(1), first, nearest],
        shape_invariants=[convert_to_tensor(1).shape, TensorShape([None, sizes]), TensorShape([None])],
    )
    found: Tensor = results[1]
    return found

"""KMeansClustering: an estimator of centers of clusters, as `tf.compat.v1.estimator.experimental.KMeans`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import float32
from ..engine.errors import OutOfRangeError
from ..engine.graph import Tensor, get_default_graph
from ..engine.ops.array import reshape
from ..engine.ops.array_parts import concat
from ..engine.ops.array_shape import expand_dims
from ..engine.ops.casting import cast
from ..engine.ops.control import group, with_dependencies
from ..engine.ops.reduce import reduce_sum
from ..engine.ops.summaries import scalar
from ..engine.training.global_step import get_global_step
from ..engine.training.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
from ..layers import metrics
from . import clustering
from .columns import FeatureColumn, input_layer
from .estimator import Estimator
from .export_outputs import PredictOutput
from .inputs import InputFn
from .model_fn import EstimatorSpec
from .parameters import seed_of
from .run_config import RunConfig

# Batches without a center after which the choice of centers gives up.
_MOST_BATCHES = 100_000


class KMeansClustering(Estimator):
    """Finds centers of clusters of points.

    With `use_mini_batch=False` a step is an iteration over a batch that must be the whole input. Variables: `clusters`.
    Metrics: score, loss. Predictions: all_distances (squared where Euclidean), cluster_index.

    Args:
        num_clusters: how many clusters.
        model_dir: folder of checkpoints and event files.
        initial_clusters: KMeansClustering.RANDOM_INIT, KMEANS_PLUS_PLUS_INIT, an array of centers, or a function
            `(inputs, k)` that chooses at most `k` centers of a batch.
        distance_metric: KMeansClustering.SQUARED_EUCLIDEAN_DISTANCE or COSINE_DISTANCE.
        seed: of the choice of centers.
        use_mini_batch: move the centers by batches.
        mini_batch_steps_per_iteration: batches after which the centers that points are assigned to change.
        kmeans_plus_plus_num_retries: candidates for each center, of which the best is taken.
        relative_tolerance: training stops when the loss changes by less than this share.
        config: a RunConfig.
        feature_columns: dense columns; by default all features side by side, by name.
        random_state: a seed or a random generator of NumPy's, in place of `seed`.

    Example:
        >>> import numpy as np
        >>> import headrace as tf
        >>> points = np.array([[0.0, 0.0], [0.2, 0.0], [5.0, 5.0], [5.0, 5.2]], np.float32)
        >>> model = tf.estimator.experimental.KMeans(2, initial_clusters=points[1:3], use_mini_batch=False)
        >>> _ = model.train(lambda: tf.constant(points), steps=5)
        >>> (10 * model.cluster_centers()).round().tolist()
        [[1.0, 0.0], [50.0, 51.0]]
    """

    SQUARED_EUCLIDEAN_DISTANCE = clustering.SQUARED_EUCLIDEAN_DISTANCE
    COSINE_DISTANCE = clustering.COSINE_DISTANCE
    RANDOM_INIT = clustering.RANDOM_INIT
    KMEANS_PLUS_PLUS_INIT = clustering.KMEANS_PLUS_PLUS_INIT
    SCORE = "score"
    CLUSTER_INDEX = "cluster_index"
    ALL_DISTANCES = "all_distances"
    CLUSTER_CENTERS_VAR_NAME = clustering.CLUSTERS_VAR_NAME

    def __init__(
        self,
        num_clusters: int,
        model_dir: str | None = None,
        initial_clusters: Any = clustering.RANDOM_INIT,
        distance_metric: str = clustering.SQUARED_EUCLIDEAN_DISTANCE,
        seed: int | None = None,
        use_mini_batch: bool = True,
        mini_batch_steps_per_iteration: int = 1,
        kmeans_plus_plus_num_retries: int = 2,
        relative_tolerance: float | None = None,
        config: RunConfig | None = None,
        feature_columns: Sequence[FeatureColumn] | None = None,
        *,
        random_state: Any = None,
    ) -> None:
        if seed is None:
            seed = seed_of(random_state)
        elif random_state is not None:
            raise ValueError("seed and random_state are the same: give one of them")
        if isinstance(initial_clusters, str) and initial_clusters not in (self.RANDOM_INIT, self.KMEANS_PLUS_PLUS_INIT):
            raise ValueError(f"Unsupported initialization algorithm '{initial_clusters}'")
        if distance_metric not in (self.SQUARED_EUCLIDEAN_DISTANCE, self.COSINE_DISTANCE):
            raise ValueError(f"Unsupported distance metric {distance_metric}")
        self._options = {
            "num_clusters": num_clusters,
            "initial_clusters": initial_clusters,
            "distance_metric": distance_metric,
            "use_mini_batch": use_mini_batch,
            "mini_batch_steps_per_iteration": mini_batch_steps_per_iteration,
            "random_seed": seed,
            "kmeans_plus_plus_num_retries": kmeans_plus_plus_num_retries,
        }
        self._tolerance, self._columns = relative_tolerance, feature_columns
        super().__init__(self._clusters_fn, model_dir, config)

    def _clusters_fn(self, features: Any, mode: str) -> EstimatorSpec:
        graph = clustering.KMeans(_points(features, self._columns), **self._options).training_graph()
        loss = reduce_sum(graph.scores[0])
        scalar("loss/raw", loss)
        with get_default_graph().control_dependencies([loss]):
            counted = get_global_step().assign_add(1)
        train_op = with_dependencies([group(graph.training_op, counted)], loss)
        # Before the checkpoint at the start, which so has the centers, even where their choice takes all batches.
        chief_hooks = [_Chooser(graph.init_op, graph.cluster_centers_initialized)]
        hooks: list[SessionRunHook] = []
        if self._tolerance is not None:
            hooks.append(_LossChange(loss, self._tolerance))
        predictions = {self.ALL_DISTANCES: graph.all_scores[0], self.CLUSTER_INDEX: graph.cluster_idx[0]}
        outputs = {key: PredictOutput(value) for key, value in predictions.items()}
        return EstimatorSpec(
            mode, predictions, loss, train_op, {self.SCORE: metrics.mean(loss)}, training_chief_hooks=chief_hooks,
            training_hooks=hooks,
            export_outputs={**outputs, "serving_default": PredictOutput(graph.cluster_idx[0])},
        )  # fmt: skip

    def predict_cluster_index(self, input_fn: InputFn) -> Iterator[Any]:
        """Yields the number of the cluster of each point."""
        for row in self.predict(input_fn, [self.CLUSTER_INDEX]):
            yield row[self.CLUSTER_INDEX]

    def score(self, input_fn: InputFn) -> Any:
        """The sum of the distances of the points of one batch to their centers; squared where Euclidean."""
        return self.evaluate(input_fn, steps=1)[self.SCORE]

    def transform(self, input_fn: InputFn) -> Iterator[Any]:
        """Yields the distances of each point to all centers; not squared where Euclidean."""
        for row in self.predict(input_fn, [self.ALL_DISTANCES]):
            found = row[self.ALL_DISTANCES]
            yield np.sqrt(found) if self._options["distance_metric"] == self.SQUARED_EUCLIDEAN_DISTANCE else found

    def cluster_centers(self) -> Any:
        """The centers, [clusters, dimensions]."""
        return self.get_variable_value(self.CLUSTER_CENTERS_VAR_NAME)


def _points(features: Any, columns: Sequence[FeatureColumn] | None) -> Tensor:
    """Points [n, dimensions], of one tensor or of all features by name."""
    if not isinstance(features, dict):
        return convert_to_tensor(features)
    if columns:
        return input_layer(features, columns)
    parts: list[Tensor] = [cast(convert_to_tensor(features[name]), float32) for name in sorted(features)]
    wide = [expand_dims(part, 1) if part.sizes is not None and len(part.sizes) == 1 else part for part in parts]
    return concat([part if part.sizes is None or len(part.sizes) == 2 else _flat(part) for part in wide], 1)


def _flat(part: Tensor) -> Tensor:
    sizes = [n or 0 for n in (part.sizes or ())[1:]]
    return reshape(part, [-1, int(np.prod(sizes))])


class _Chooser(SessionRunHook):
    """Runs the choice of centers, on new batches, until all are chosen."""

    def __init__(self, init_op: Any, initialized: Any) -> None:
        self._init_op, self._initialized = init_op, initialized

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Chooses the centers unless a checkpoint has them."""
        for _ in range(_MOST_BATCHES):
            if session.run(self._initialized):
                return
            try:
                session.run(self._init_op)
            except OutOfRangeError:
                if session.run(self._initialized):
                    return
                raise ValueError("The input ended before all centers were chosen: there are too few points") from None
        raise RuntimeError(f"The centers were not all chosen after {_MOST_BATCHES} batches")


class _LossChange(SessionRunHook):
    """Stops when the loss changes by less than a share of it."""

    def __init__(self, loss: Any, tolerance: float) -> None:
        self._loss, self._tolerance = loss, tolerance
        self._before: float | None = None

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the loss."""
        return SessionRunArgs(self._loss)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Compares it with the one before."""
        loss, before = float(run_values.results), self._before
        if before and abs(loss - before) / (1 + abs(before)) < self._tolerance:
            run_context.request_stop()
        self._before = loss

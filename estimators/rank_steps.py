"""What ranks that train an estimator's model together ask of it, and evaluation of which each does its part."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..cluster.distributed_optimizer import BroadcastGlobalVariablesHook
from ..engine import nest
from ..engine.dtypes import float64, int32
from ..engine.errors import InvalidArgumentError, UnimplementedError
from ..engine.ops.array import shape
from ..engine.ops.casting import cast
from ..engine.rewriting.lower import VARIABLE_TYPES
from ..engine.scopes import GraphKeys
from ..engine.tensor_types import SparseTensorValue
from ..engine.training.basic_session_run_hooks import NanLossDuringTrainingError
from ..engine.training.data_parallel import DataParallel, collect_ops, replicate
from ..engine.training.session_run_hook import SessionRunHook
from ..engine.training.state_of_ranks import summed
from ..layers.fitting.callbacks import Logs
from ..layers.fitting.chances import share_chances
from ..layers.fitting.replicas import Replicas
from ..layers.fitting.rows import Array
from ..layers.fitting.sources import Batch, Source
from .fitting import EstimatorSteps
from .kept import KeptModel, Values, first_batches
from .progress import Progress

# Parts of names of variables of metrics that do not add up: the metrics of all batches must be computed in one place.
_NOT_SUMS = ("covariance", "comoment", "pearson", "mean_prediction", "mean_label")


class RankSteps:
    """The steps of a model on one of several ranks.

    Args:
        model: that is trained.
        run: makes a step with a batch and gives the loss.
        parallel: the ranks.
    """

    def __init__(self, model: KeptModel, run: Callable[[Values], Any], parallel: DataParallel) -> None:
        self._model, self._run, self._parallel = model, run, parallel
        self.total, self.rows = 0.0, 0

    def begin(self) -> None:
        """Starts the mean loss anew."""
        self.total, self.rows = 0.0, 0

    def __call__(self, arrays: list[Array], rows: int) -> Logs:
        """A step.

        Raises:
            NanLossDuringTrainingError: the loss is NaN.
        """
        return {"loss": self._noted(float(self._run(arrays)), rows)}

    def collect(self, arrays: list[Array], rows: int) -> None:
        """The part of a step that only collects gradients."""
        model = self._model
        loss, *_ = model.function("collect", [model.spec.loss, *collect_ops(model.graph)])(*arrays)
        self._noted(float(loss), rows)

    def _noted(self, loss: float, rows: int) -> float:
        if rows and loss != loss:
            raise NanLossDuringTrainingError
        self.total, self.rows = self.total + (loss * rows if rows else 0.0), self.rows + rows
        return loss

    def logs(self) -> Logs:
        """The mean loss of the examples of this rank."""
        return {"loss": self.total / max(self.rows, 1)}

    def logs_of_ranks(self, parallel: DataParallel) -> Logs:
        """The mean loss of the examples of all ranks."""
        total, rows = parallel.ranks.all_reduce("loss", np.array([self.total, self.rows], np.float64))
        return {"loss": float(total) / max(float(rows), 1.0)}

    def prepare(self, columns: Any) -> None:
        """Nothing: the model is there."""

    def get_ready(self) -> None:
        """Nothing: the model is there."""

    def session(self) -> Any:
        """The model's session."""
        return self._model.open()

    def state(self) -> list[Any]:
        """All global variables."""
        return self._model.variables()

    def measures(self) -> list[Any]:
        """None: training has no metrics but the loss."""
        return []

    def statistics(self) -> list[Any]:
        """The variables that update operations change: means and variances of batches."""
        graph = self._model.graph
        handles = {t.op.name for op in graph.get_collection(GraphKeys.UPDATE_OPS) for t in getattr(op, "op", op).inputs}
        return [v for v in self.state() if v._handle.op.name in handles and v._handle.op.type in VARIABLE_TYPES]

    def end(self) -> None:
        """Nothing."""


class FitSteps(RankSteps):
    """The same with the progress of `fit`, which counts the examples of all ranks."""

    def __init__(
        self, model: KeptModel, run: Callable[[Values], Any], parallel: DataParallel, progress: Progress
    ) -> None:
        super().__init__(model, run, parallel)
        self._progress = progress

    def __call__(self, arrays: list[Array], rows: int) -> Logs:
        logs = super().__call__(arrays, rows)
        # This rank's last part of a batch stands for all parts of all ranks.
        self._progress.step(logs["loss"], rows * (self._parallel.passes or self._parallel.ranks.size))
        return logs


def steps_of(
    parallel: DataParallel | None, model: KeptModel, run: Callable[[Values], Any], progress: Progress
) -> EstimatorSteps | FitSteps:
    """The steps of `fit`, on one rank of several or in a process of its own."""
    return EstimatorSteps(run, progress) if parallel is None else FitSteps(model, run, parallel, progress)


class GivenBatches(Source):
    """Batches of an input function."""

    def __init__(self, batches: Iterator[Values]) -> None:
        self._batches = batches

    def _pass(self, skip: int) -> Iterator[Batch]:
        for values in self._batches:
            yield values, rows_of(values)


def rows_of(values: Values) -> int:
    """The number of examples of a batch.

    Raises:
        InvalidArgumentError: its arrays differ in that, so that it cannot be shared out.
    """
    counts = {int(v.dense_shape[0]) if isinstance(v, SparseTensorValue) else len(v) for v in values if np.ndim(v) != 0}
    if len(counts) != 1:
        raise InvalidArgumentError(
            None, None, f"A batch whose arrays have {sorted(counts)} rows cannot be shared out to ranks"
        )
    return counts.pop()


def train_on_ranks(
    parallel: DataParallel, model: KeptModel, batches: Iterator[Values], session: Any, run: Callable[[Values], Any]
) -> None:
    """Trains a model on the batches of an input function until they end or a rank's session says so."""
    does = Replicas(parallel, RankSteps(model, run, parallel), True)
    does.begin()
    for arrays, rows in does.batches(GivenBatches(batches), session.should_stop):
        does(arrays, rows)
    does.logs()


def agreed_seed(parallel: DataParallel | None, seed: int | None) -> int | None:
    """The chief's seed, or one that it draws, on all ranks; as it is in a process of its own.

    The ranks draw from here on what the chief draws from NumPy's and Python's generators.
    """
    if parallel is None or parallel.ranks.size == 1:
        return seed
    share_chances(parallel.ranks)
    drawn = np.array([int.from_bytes(os.urandom(4)) >> 1 if seed is None else seed], np.int64)
    return int(parallel.ranks.broadcast("seed", drawn)[0])


def own_part(parallel: DataParallel | None, given: Any) -> list[SessionRunHook]:
    """Leaves this rank's part of each batch of an input whose model is built on its tensors; gives hooks for its session.

    Raises:
        UnimplementedError: in deterministic training, whose batches must be fed in parts.
    """
    if parallel is None:
        return []
    together: list[SessionRunHook] = [BroadcastGlobalVariablesHook(0)]
    if parallel.sharded_input:
        return together
    if parallel.passes:
        raise UnimplementedError(
            None, None, "Deterministic training needs an input function without variables and queues, and a model "
            "function without hooks and scaffold"
        )  # fmt: skip
    rank, size = parallel.ranks.rank, parallel.ranks.size
    rows = cast(shape(nest.flatten(given.features)[0])[0], int32)
    first, end = rows * rank // size, rows * (rank + 1) // size
    replicate(given.graph, parallel.replication, cast(end - first, float64) / cast(rows, float64))

    def part(tensor: Any) -> Any:
        return tensor[first:end]

    given.features = nest.map_structure(part, given.features)
    given.labels = None if given.labels is None else nest.map_structure(part, given.labels)
    return together


def evaluated_on_ranks(
    parallel: DataParallel | None, model: KeptModel, batches: Iterable[Values], steps: int | None
) -> dict[str, Any]:
    """The metrics over all batches, of which each of several ranks computes every so many.

    Raises:
        ValueError: there is no batch.
    """
    local = model.graph.get_collection(GraphKeys.LOCAL_VARIABLES)
    if parallel is None or parallel.ranks.size == 1 or any(part in v.op.name for v in local for part in _NOT_SUMS):
        return model.evaluated(batches, steps)
    ranks = parallel.ranks
    own = (values for i, values in enumerate(first_batches(batches, steps)) if i % ranks.size == ranks.rank)
    losses = model.update_metrics(own)
    found = ranks.all_gather("losses of batches", np.array(losses, np.float64))
    if not sum(map(len, found)):
        raise ValueError("The input of evaluate gave no batch")
    # In the order of the batches, as one rank would have them.
    ordered = [float(found[i % ranks.size][i // ranks.size]) for i in range(sum(map(len, found)))]
    with summed(ranks, model.open(), local, "metrics"):
        return model.metrics(ordered)

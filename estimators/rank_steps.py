"""What ranks that train an estimator's model together ask of it, and evaluation of which each does its part."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..cluster.distributed_optimizer import BroadcastGlobalVariablesHook
from ..engine import nest
from ..engine.dtypes import float64, int32, int64
from ..engine.errors import InvalidArgumentError, UnimplementedError
from ..engine.ops.array import reshape, shape
from ..engine.ops.array_parts import concat, zeros_like
from ..engine.ops.binary import maximum
from ..engine.ops.casting import cast
from ..engine.ops.choice import where
from ..engine.ops.comparison import equal
from ..engine.ops.sparse_functions import sparse_slice
from ..engine.rewriting.lower import VARIABLE_TYPES
from ..engine.scopes import GraphKeys
from ..engine.tensor_types import SparseTensor, SparseTensorValue
from ..engine.training.basic_session_run_hooks import NanLossDuringTrainingError
from ..engine.training.data_parallel import DataParallel, collect_ops, replicate
from ..engine.training.session_run_hook import SessionRunArgs, SessionRunHook
from ..engine.training.state_of_ranks import summed
from ..engine.variable_protos import VariableAggregation
from ..layers.fitting.callbacks import Logs
from ..layers.fitting.chances import share_chances
from ..layers.fitting.replicas import Replicas, check_alike
from ..layers.fitting.rows import Array, stamps_of
from ..layers.fitting.sources import Batch, Source
from .fitting import EstimatorSteps
from .kept import KeptModel, Values, first_batches
from .progress import Progress


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
    sparse = {int(v.dense_shape[0]) for v in values if isinstance(v, SparseTensorValue)}
    counts = sparse | {len(v) for v in values if not isinstance(v, SparseTensorValue) and np.ndim(v) != 0}
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


class _AlikeHook(SessionRunHook):
    """Looks whether the ranks' inputs give the same first batch."""

    def __init__(self, parallel: DataParallel, tensors: list[Any]) -> None:
        self._parallel, self._tensors, self._is_done = parallel, tensors, False

    def before_run(self, run_context: Any) -> SessionRunArgs | None:
        return None if self._is_done else SessionRunArgs(self._tensors)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if not self._is_done:
            self._is_done = True
            found = self._parallel.ranks.all_gather("batch", np.array([stamps_of(run_values.results)], np.int64))
            check_alike([tuple(stamps[0]) for stamps in found])


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
    tensors = [t for t in nest.flatten((given.features, given.labels)) if t is not None and t.shape.ndims != 0]
    if not tensors:
        raise InvalidArgumentError(None, None, "A batch without rows cannot be shared out to ranks")
    rows = cast(shape(tensors[0])[0], int32)
    first, end = rows * rank // size, rows * (rank + 1) // size
    replicate(given.graph, parallel.replication, cast(end - first, float64) / cast(maximum(rows, 1), float64))
    # A rank without rows takes part with one that counts for nothing: the others need it in their sums.
    is_idle = equal(first, end)
    first, end = where(is_idle, 0, first), where(is_idle, 1, end)

    def part(tensor: Any) -> Any:
        if isinstance(tensor, SparseTensor):
            sizes = tensor.dense_shape
            start = concat([reshape(cast(first, int64), [1]), zeros_like(sizes[1:])], 0)
            return sparse_slice(tensor, start, concat([reshape(cast(end - first, int64), [1]), sizes[1:]], 0))
        return tensor if tensor.shape.ndims == 0 else tensor[first:end]

    if parallel.checks_input:
        leaves = [t for t in nest.flatten((given.features, given.labels)) if t is not None]
        together.append(_AlikeHook(parallel, leaves))
    given.features = nest.map_structure(part, given.features)
    given.labels = None if given.labels is None else nest.map_structure(part, given.labels)
    return together


def evaluated_on_ranks(
    parallel: DataParallel | None, model: KeptModel, batches: Iterable[Values], steps: int | None
) -> dict[str, Any]:
    """The metrics over all batches, of which each of several ranks computes every so many.

    Where a local variable is not known to add up (a maximum so far), every rank computes all batches.

    Raises:
        ValueError: there is no batch.
    """
    local = model.graph.get_collection(GraphKeys.LOCAL_VARIABLES)
    others = [v.op.name for v in local if getattr(v, "aggregation", None) is not VariableAggregation.SUM]
    if parallel is None or parallel.ranks.size == 1 or (others and not parallel.sharded_input):
        return model.evaluated(batches, steps)
    if others:
        raise UnimplementedError(
            None, None, f"The local variable {others[0]} is not known to add up over ranks (aggregation=SUM): its metric "
            "needs all batches on every rank: evaluate without HEADRACE_SHARDED_INPUT"
        )  # fmt: skip
    ranks = parallel.ranks
    every, first = (1, 0) if parallel.sharded_input else (ranks.size, ranks.rank)
    own = itertools.islice(first_batches(batches, steps), first, None, every)
    losses = model.update_metrics(own)
    found = ranks.all_gather("losses of batches", np.array(losses, np.float64))
    if not sum(map(len, found)):
        raise ValueError("The input of evaluate gave no batch")
    # In the order of the batches, as one rank would have them.
    rounds = itertools.zip_longest(*found)
    ordered = [float(loss) for losses in rounds for loss in losses if loss is not None]
    with summed(ranks, model.open(), local, "metrics"):
        return model.metrics(ordered)

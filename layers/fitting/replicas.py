"""fit and evaluate on several ranks: each does its part of every batch, and what is said and decided is the same on all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from ...engine.training.data_parallel import DataParallel, data_parallel
from ...engine.training.state_of_ranks import broadcast_state, kept, mean_of_ranks
from .callbacks import Logs
from .chances import share_chances
from .rows import Array, cut, stamps_of
from .sources import Batch, RowSource, Source

# So many batches of an epoch are looked at: those of data that are shared out may be alike by chance.
_CHECKED = 8
_NOT_ALIKE = (
    "Every rank must be given the same batches, of which each trains on its part; got batches {}. Where each rank has data "
    "of its own (dataset.shard), set HEADRACE_SHARDED_INPUT=1; where they differ by chance only, set it to 0"
)


class RankSteps(Protocol):
    """The steps of a model that can be done by several ranks together."""

    def begin(self) -> None:
        """Before the first batch of an epoch."""

    def __call__(self, arrays: list[Array], rows: int) -> Logs:
        """A step with a batch."""

    def collect(self, arrays: list[Array], rows: int) -> None:
        """The part of a step that only collects gradients."""

    def prepare(self, columns: Any) -> None:
        """Builds the step for some columns."""

    def get_ready(self) -> None:
        """Makes what the batch that was drawn last needs; before the first step."""

    def logs(self) -> Logs:
        """The metrics of this rank's batches."""

    def logs_of_ranks(self, parallel: DataParallel) -> Logs:
        """The metrics of all ranks' batches."""

    def session(self) -> Any:
        """Where the variables are."""

    def state(self) -> list[Any]:
        """All variables of the model and its training."""

    def measures(self) -> list[Any]:
        """The variables of metrics."""

    def statistics(self) -> list[Any]:
        """Variables that steps change, but not by gradients: means and variances of batches."""

    def end(self) -> None:
        """After the last epoch."""


def check_rows_alike(counts: Sequence[int]) -> None:
    """Raises ValueError where the batches of ranks have different numbers of rows."""
    if len(set(counts)) > 1:
        rows = ", ".join(f"rank {rank}: {count}" for rank, count in enumerate(counts))
        raise ValueError(_NOT_ALIKE.format(f"of different numbers of rows ({rows})"))


def check_alike(stamps: Sequence[Sequence[int]]) -> None:
    """Raises ValueError where no array that tells examples apart is the same on all ranks, by their stamps.

    Random operations of an input draw other numbers on other ranks: that an array differs is no error.
    """
    telling = [set(of_array) for of_array in zip(*stamps, strict=True) if 0 not in of_array]
    if telling and all(len(values) > 1 for values in telling):
        raise ValueError(_NOT_ALIKE.format("with different values"))


class Replicas:
    """The steps of one of several ranks.

    Args:
        parallel: the ranks.
        steps: what a rank does with its part of a batch.
        trains: whether they change the model.
        agrees: whether ranks ask each other in every step who wants to stop.
    """

    def __init__(self, parallel: DataParallel, steps: RankSteps, trains: bool, agrees: bool = False) -> None:
        self._parallel, self._steps, self._trains, self._agrees = parallel, steps, trains, agrees
        self._ranks = parallel.ranks
        self._is_ready = not trains
        # This rank's parts of the batch, and how many rows they have of the batches of all.
        self._parts: list[slice] = []
        self._rows = 0

    # The batches

    def batches(self, source: Source, wants_stop: Callable[[], bool] = lambda: False) -> Iterator[Batch]:
        """The batches of an epoch, which ends on all ranks at once. The rows are those of all ranks.

        Those of a stream end too before a batch where `wants_stop` says so on one rank.
        """
        if isinstance(source, RowSource) and not self._parallel.sharded_input:
            self._check_same(source)
            for arrays, rows in source.epoch():
                self._parts, self._rows = self._parallel.own_parts(rows), rows
                yield arrays, rows
            return
        yield from self._agreed(source, wants_stop)

    def _check_same(self, source: RowSource) -> None:
        sizes = [f"{a[0]} rows" for a in self._all("rows of the data", source.rows)]
        if len(set(sizes)) > 1:
            named = ", ".join(f"rank {rank}: {size}" for rank, size in enumerate(sizes))
            raise ValueError(
                f"Every rank must be given the same data, of which each trains on its part; got {named}. Where each has "
                "data of its own, set HEADRACE_SHARDED_INPUT=1"
            )

    def _agreed(self, source: Source, wants_stop: Callable[[], bool]) -> Iterator[Batch]:
        """Batches of streams, whose ranks come to an end one after another: those that have none left go along."""
        batches = source.epoch()
        last: list[Array] | None = None
        checked = 0 if self._parallel.checks_input and not self._parallel.sharded_input else None
        while True:
            stops = wants_stop()
            batch = None if stops else next(batches, None)
            arrays, rows = batch or (last or [], 0)
            self._parts = [slice(0, rows)] if self._parallel.sharded_input else self._parallel.own_parts(rows)
            own = sum(part.stop - part.start for part in self._parts)
            counts = self._all("rows of the batch", own, rows, int(stops))
            if any(stop for *_, stop in counts) or not any(given for _, given, _ in counts):
                return
            if checked is not None:
                checked += 1
                check_rows_alike([given for _, given, _ in counts])
                if checked <= _CHECKED:
                    check_alike(self._all("values of the batch", *stamps_of(arrays)))
            if not arrays:
                raise ValueError(
                    f"Rank {self._ranks.rank} has no batch at all, while others have: give each rank some data"
                )
            last = arrays
            self._rows = sum(count for count, *_ in counts)
            # Of a batch that not all ranks have, those that have it may have no rows.
            if self._rows:
                yield arrays, self._rows

    def _all(self, name: str, *numbers: int) -> list[tuple[int, ...]]:
        found = self._ranks.all_gather(name, np.array([numbers], np.int64))
        return [tuple(int(n) for n in row[0]) for row in found]

    # The steps

    def prepare(self, columns: Any) -> None:
        """Builds the step for some columns."""
        self._steps.prepare(columns)

    def begin(self) -> None:
        """Draws from here on what the chief draws, and starts the metrics anew."""
        share_chances(self._ranks)
        self._steps.begin()

    def __call__(self, arrays: list[Array], rows: int) -> Logs:
        """A step with this rank's part of a batch."""
        if not self._is_ready:
            self._is_ready = True
            self._steps.get_ready()
            broadcast_state(self._ranks, self._steps.session(), self._steps.state())
        for part in self._parts[:-1]:
            self._part(arrays, part, True)
        return self._part(arrays, self._parts[-1], False)

    def _part(self, arrays: list[Array], part: slice, collects: bool) -> Logs:
        count = part.stop - part.start
        self._ranks.share = count / self._rows
        if count:
            return self._run([cut(a, part) for a in arrays], count, collects)
        if not self._trains:
            return {}
        # The others need this rank in their sums. It takes part with a row that counts for nothing.
        steps = self._steps
        with kept(steps.session(), [*steps.measures(), *steps.statistics()]):
            return self._run([cut(a, slice(0, 1)) for a in arrays], 0, collects)

    def _run(self, arrays: list[Array], rows: int, collects: bool) -> Logs:
        if collects and self._trains:
            self._steps.collect(arrays, rows)
            return {}
        return self._steps(arrays, rows)

    # What all ranks say and decide

    def logs(self) -> Logs:
        """The metrics of all ranks."""
        if self._trains and self._ranks.size > 1:
            mean_of_ranks(self._ranks, self._steps.session(), self._steps.statistics(), "statistics of batches")
        return self._steps.logs_of_ranks(self._parallel)

    def stops(self, wants: bool, in_epoch: bool) -> bool:
        """Whether a rank wants to stop; inside epochs the ranks ask each other where callbacks look at batches."""
        if in_epoch and not self._agrees:
            return False
        return any(flag for (flag,) in self._all("wish to stop", int(wants)))

    def meet(self) -> None:
        """Waits for all ranks."""
        self._ranks.barrier("end of fit")

    def end(self) -> None:
        """After the last epoch."""
        self._ranks.share = 1 / self._ranks.size
        self._steps.end()


def replicas(steps: Any, trains: bool, agrees: bool = False) -> Any:
    """The steps of this rank among others; `steps` themselves in a process of its own."""
    parallel = data_parallel()
    return steps if parallel is None else Replicas(parallel, steps, trains, agrees)

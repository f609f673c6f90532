"""What `fit` does with arrays: how long, the batches in their order, and the steps of a model that is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..engine.training.basic_session_run_hooks import NanLossDuringTrainingError
from ..layers.fitting.callbacks import Logs
from ..layers.fitting.loop import Plan
from ..layers.fitting.rows import Array, Rows
from ..layers.fitting.sources import Batch, RowSource
from .array_input import ArrayInput
from .kept import Values
from .progress import Progress

# Steps that `fit` makes where no number of epochs is given; a whole number of epochs, one at least.
USUAL_STEPS = 1000


def plan_of(epochs: Any, initial_epoch: Any, steps_per_epoch: Any, batches: int, validation_freq: Any) -> Plan:
    """How long to train; all arguments as for `ArrayEstimator.fit`.

    Raises:
        TypeError: a number is no integer.
        ValueError: it is too small.
    """
    for name, value, least in (
        ("epochs", epochs, 1), ("steps_per_epoch", steps_per_epoch, 1), ("initial_epoch", initial_epoch, 0)
    ):  # fmt: skip
        if value is None:
            continue
        if not isinstance(value, int | np.integer) or isinstance(value, bool):
            raise TypeError(f"{name} must be an integer, got {value!r}")
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")
    if epochs is None:
        epochs = initial_epoch + max(1, round(USUAL_STEPS / (steps_per_epoch or batches)))
    # A pass is an epoch where nothing else is said.
    return Plan(int(epochs), int(initial_epoch), steps_per_epoch or batches, validation_freq)


class Stream(RowSource):
    """Batches of examples without end: steps go on in the data from one epoch to the next.

    Args:
        data: the examples.
        shuffle: whether to draw them in another order each pass.
        rng: what draws it.
    """

    goes_on = True

    def __init__(self, data: ArrayInput, shuffle: Any, rng: np.random.Generator) -> None:
        # All in one batch is the same in any order.
        super().__init__(len(data.table), data.batch_size, shuffle and len(data) > 1, rng)
        self._data, self._rng = data, rng
        # What draws the orders, as it was at the beginning; and how many batches were drawn since.
        self.order: Any = rng.bit_generator.state
        self._skipped = 0

    @property
    def batches(self) -> int:
        """How many batches were drawn since `order`."""
        return self._skipped + self._given

    def go_on(self, order: Any, batches: int) -> None:
        """Begins after a number of batches of a stream that drew its orders from the state `order` on."""
        self._rng.bit_generator.state = self.order = order
        self._skipped = batches

    def taken(self, chosen: Rows) -> list[Array]:
        return self._data.rows(chosen)

    def _pass(self, skip: int) -> Iterator[Batch]:
        skip += self._skipped
        a_pass = self.steps or 1
        while True:
            # The orders of passes that are skipped are drawn all the same.
            yield from super()._pass(min(skip, a_pass))
            skip = max(0, skip - a_pass)


class EstimatorSteps:
    """The steps of a model: `run` makes one with a batch and gives the loss."""

    def __init__(self, run: Callable[[Values], Any], progress: Progress) -> None:
        self._run, self._progress = run, progress
        self.total, self.rows = 0.0, 0

    def begin(self) -> None:
        """Starts the mean loss anew."""
        self.total, self.rows = 0.0, 0

    def __call__(self, arrays: list[Array], rows: int) -> Logs:
        """A step.

        Raises:
            NanLossDuringTrainingError: the loss is NaN.
        """
        loss = float(self._run(arrays))
        if loss != loss:
            raise NanLossDuringTrainingError
        self.total, self.rows = self.total + loss * rows, self.rows + rows
        self._progress.step(loss, rows)
        return {"loss": loss}

    def logs(self) -> Logs:
        """The mean loss of the examples of an epoch."""
        return {"loss": self.total / max(self.rows, 1)}

    def end(self) -> None:
        """Nothing."""

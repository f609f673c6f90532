"""SwapEMAWeights: evaluate, predict and save with the averages of the weights."""

from __future__ import annotations

from typing import Any

from ..fitting.callbacks import Callback, Logs
from .backend import batch_get_value, batch_set_value


class SwapEMAWeights(Callback):
    """Puts the averages that the optimizer keeps (`use_ema=True`) in the weights' place for evaluation and prediction.

    Args:
        swap_on_epoch: also from the end of an epoch to the beginning of the next one, for callbacks that save.

    Raises:
        ValueError: the optimizer keeps no averages.
    """

    needs_batch_logs = False

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._is_swapped = False

    def _swap(self, wanted: bool) -> None:
        """Has the averages in the weights' place, or the weights."""
        if self._is_swapped == wanted:
            return
        optimizer = self.model.optimizer
        if not optimizer.use_ema:
            raise ValueError(
                f"SwapEMAWeights must be used when `use_ema=True` is set on the optimizer. Received: use_ema={optimizer.use_ema}"
            )
        weights: list[Any] = self.model._weights_to_train()
        optimizer.build(weights)
        averages = [optimizer._of(optimizer._averages, v) for v in weights]
        values = batch_get_value([*weights, *averages])
        batch_set_value(list(zip([*averages, *weights], values, strict=True)))
        self._is_swapped = wanted

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._swap(True)

    def after_epoch(self, epoch: int) -> None:
        # After the last epoch the optimizer writes the averages over the weights itself.
        if self.model.stop_training or epoch + 1 == self.params.get("epochs"):
            self._swap(False)

    def kept_state(self) -> dict[str, Any]:
        return {"swapped": self._is_swapped}

    def take_state(self, state: dict[str, Any]) -> None:
        self._is_swapped = bool(state["swapped"])

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._swap(True)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._swap(False)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._swap(True)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._swap(False)

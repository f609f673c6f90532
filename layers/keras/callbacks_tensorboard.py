"""TensorBoard: the metrics of epochs, the graph and histograms of weights as event files."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from ...engine.graph import get_default_graph
from ...engine.summary.values import histogram, image, merged, scalar
from ...engine.summary.writer import FileWriter
from ..fitting.callbacks import Callback, Logs


class TensorBoard(Callback):
    """Writes event files for TensorBoard: the runs `train` and `validation` below a folder.

    Args:
        log_dir: the folder.
        histogram_freq: write histograms of the weights every so many epochs; 0 for never.
        write_graph: write the graph.
        write_images: with the histograms, write weights as images too.
        write_steps_per_second: write how many steps a second there were.
        update_freq: "epoch", "batch", or a number of batches after which the metrics so far are written too.
        profile_batch, embeddings_freq, embeddings_metadata: 0 or None; there are no traces and no projector.

    Raises:
        ValueError: another update_freq, or what is not there.
    """

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Any = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        super().__init__()
        if profile_batch or embeddings_freq or embeddings_metadata:
            raise ValueError(
                "TensorBoard writes neither profiles nor embeddings: profile_batch and embeddings_freq are 0"
            )
        if update_freq not in ("epoch", "batch") and not (isinstance(update_freq, int) and update_freq > 0):
            raise ValueError(
                f"update_freq must be 'epoch', 'batch' or a positive number of batches, got {update_freq!r}"
            )
        self.log_dir, self.histogram_freq, self.write_graph = Path(os.fspath(log_dir)), histogram_freq, write_graph
        self.write_images, self.write_steps_per_second = write_images, write_steps_per_second
        self.update_freq: Any = 1 if update_freq == "batch" else update_freq
        self.needs_batch_logs = self.update_freq != "epoch"
        self._writers: dict[str, FileWriter] = {}
        self._steps = self._epoch_steps = 0

    def _writer(self, run: str) -> FileWriter:
        if run not in self._writers:
            self._writers[run] = FileWriter(str(self.log_dir / run))
        return self._writers[run]

    def _write(self, run: str, values: dict[str, Any], step: int) -> None:
        numbers = [scalar(name, value) for name, value in values.items() if np.ndim(value) == 0]
        if numbers:
            self._writer(run).add_summary(merged(numbers), step)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._steps = int(self.model.optimizer.iterations)
        if self.write_graph:
            self._writer("train").add_graph(get_default_graph())

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._started, self._epoch_steps = time.monotonic(), 0

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._steps += 1
        self._epoch_steps += 1
        if self.update_freq != "epoch" and self._steps % self.update_freq == 0:
            self._write("train", {f"batch_{name}": value for name, value in (logs or {}).items()}, self._steps)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        train = {f"epoch_{name}": value for name, value in logs.items() if not name.startswith("val_")}
        # The optimizer of an estimator has its rate in the graph alone.
        if hasattr(self.model.optimizer, "learning_rate"):
            train.setdefault("epoch_learning_rate", self.model.optimizer.current_learning_rate())
        if self.write_steps_per_second:
            train["epoch_steps_per_second"] = self._epoch_steps / max(time.monotonic() - self._started, 1e-9)
        self._write("train", train, epoch)
        validation = {f"epoch_{name[4:]}": value for name, value in logs.items() if name.startswith("val_")}
        self._write("validation", validation, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        for writer in self._writers.values():
            writer.flush()

    def _write_weights(self, epoch: int) -> None:
        weights = self.model.weights
        parts = []
        for variable, value in zip(weights, self.model.get_weights(), strict=True):
            name = variable.name.replace(":", "_")
            parts.append(histogram(f"{name}/histogram", value))
            if self.write_images:
                parts.append(image(f"{name}/image", _as_image(value)))
        self._writer("train").add_summary(merged(parts), epoch)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if self.model.optimizer is not None:
            values = {f"evaluation_{name}_vs_iterations": value for name, value in (logs or {}).items()}
            self._write("validation", values, int(self.model.optimizer.iterations))

    def on_train_end(self, logs: Logs | None = None) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}


def _as_image(value: Any) -> Any:
    """A weight as one grey picture."""
    array = np.atleast_2d(np.asarray(value, np.float32))
    flat = array.reshape(-1, array.shape[-1])
    return flat[np.newaxis, :, :, np.newaxis]

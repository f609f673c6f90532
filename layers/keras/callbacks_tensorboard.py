"""TensorBoard: the metrics of epochs, the graph, histograms of weights, embeddings, hyperparameters as event files."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...engine.graph import get_default_graph
from ...engine.protos import ProjectorConfig, RunMetadata, RunOptions
from ...engine.summary.plugins import session_end_pb, session_start_pb
from ...engine.summary.projector import visualize_embeddings, write_vectors
from ...engine.summary.values import histogram, image, merged, scalar, tensor
from ...engine.summary.writer import FileWriter
from ...engine.tracing.timeline import Timeline
from ..fitting.callbacks import Callback, Logs
from .backend import get_value
from .dense import Embedding

_log = logging.getLogger("headrace")
_OF_TENSORFLOW_1 = {"batch_size", "write_grads", "embeddings_layer_names", "embeddings_data"}


class TensorBoard(Callback):
    """Writes event files for TensorBoard: the runs `train` and `validation` below a folder.

    Args:
        log_dir: the folder.
        histogram_freq: write histograms of the weights every so many epochs; 0 for never.
        write_graph: write the graph.
        write_images: with the histograms, write weights as images too.
        write_steps_per_second: write how many steps a second there were, of epochs and at each `update_freq`.
        update_freq: "epoch", "batch", or a number of batches after which the metrics so far are written too.
        profile_batch: the number of a batch of this fit, from 1 on, or those of a first and a last one, `(2, 5)` or "2,5":
            their steps are traced, into `train/timeline-STEP.json` and, for the colours of the graph, into the events.
            0 for none.
        embeddings_freq: write the embeddings for the projector every so many epochs; 0 for never.
        embeddings_metadata: file, below the folder, with the names of the rows of all Embedding layers, or a dict of files
            by the names of layers.
        ignored: what TensorFlow 1.15's callback took besides (`batch_size`, `write_grads`, `embeddings_layer_names`,
            `embeddings_data`): a warning is logged, as in TensorFlow 2.

    Raises:
        TypeError: an argument that neither has.
        ValueError: another update_freq or profile_batch, or metadata of layers that are not there.
    """

    chief_only = True

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
        **ignored: Any,
    ) -> None:
        super().__init__()
        if unknown := sorted(ignored.keys() - _OF_TENSORFLOW_1):
            raise TypeError(f"TensorBoard has no arguments {', '.join(unknown)}")
        for name in ignored:
            _log.warning("The argument %s of TensorBoard is ignored.", name)
        self._traced = _batches(profile_batch)
        self._trace: RunMetadata | None = None  # of the step that is under way
        if update_freq not in ("epoch", "batch") and not (isinstance(update_freq, int) and update_freq > 0):
            raise ValueError(
                f"update_freq must be 'epoch', 'batch' or a positive number of batches, got {update_freq!r}"
            )
        self.log_dir, self.histogram_freq, self.write_graph = Path(os.fspath(log_dir)), histogram_freq, write_graph
        self.write_images, self.write_steps_per_second = write_images, write_steps_per_second
        self.embeddings_freq, self.embeddings_metadata = embeddings_freq, embeddings_metadata
        self.update_freq: Any = 1 if update_freq == "batch" else update_freq
        self.needs_batch_logs = self.update_freq != "epoch"
        self._writers: dict[str, FileWriter] = {}
        self._embeddings: dict[str, tuple[Any, str]] = {}  # the variable and the file of each layer
        self._steps = self._epoch_steps = self._fitted = 0
        self._batch = (0, 0.0)  # the step and the time of the last metrics of batches

    def _writer(self, run: str) -> FileWriter:
        if run not in self._writers:
            self._writers[run] = FileWriter(str(self.log_dir / run))
        return self._writers[run]

    def _write(self, run: str, values: dict[str, Any], step: int) -> None:
        numbers = [scalar(name, value) for name, value in values.items() if np.ndim(value) == 0]
        if numbers:
            self._writer(run).add_summary(merged(numbers), step)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._steps, self._fitted = int(self.model.optimizer.iterations), 0
        self._batch = self._steps, time.monotonic()
        if self.write_graph:
            self._writer("train").add_graph(get_default_graph())
            if getattr(self.model, "_network", None) is not None:  # a graph of layers, which TensorBoard draws too
                layers = tensor("keras", self.model.to_json(), "graph_keras_model", b"1")
                self._writer("train").add_summary(layers, 0)
        if self.embeddings_freq:
            self._configure_projector()

    def kept_state(self) -> dict[str, Any]:
        return {"steps": self._steps}

    def take_state(self, state: dict[str, Any]) -> None:
        self._steps = int(state["steps"])
        self._batch = self._steps, time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._started, self._epoch_steps = time.monotonic(), 0

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._fitted += 1
        if self._fitted in self._traced:
            self._trace = RunMetadata()
            options = RunOptions(trace_level=RunOptions.FULL_TRACE)
            self.model.session_arguments.update(options=options, run_metadata=self._trace)

    def _write_trace(self, trace: RunMetadata) -> None:
        self.model.session_arguments.clear()
        writer, self._trace = self._writer("train"), None
        writer.add_run_metadata(trace, f"step_{self._steps}", self._steps)
        text = Timeline(trace.step_stats).generate_chrome_trace_format(show_memory=True)
        (self.log_dir / "train" / f"timeline-{self._steps}.json").write_text(text)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._steps += 1
        if self._trace is not None:
            self._write_trace(self._trace)
        self._epoch_steps += 1
        if self.update_freq != "epoch" and self._steps % self.update_freq == 0:
            found = {f"batch_{name}": value for name, value in (logs or {}).items()}
            if self.write_steps_per_second:
                (step, started), now = self._batch, time.monotonic()
                found["batch_steps_per_second"] = (self._steps - step) / max(now - started, 1e-9)
                self._batch = self._steps, now
            self._write("train", found, self._steps)

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
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            for variable, path in self._embeddings.values():
                write_vectors(self.log_dir / path, get_value(variable))
        for writer in self._writers.values():
            writer.flush()

    def _write_weights(self, epoch: int) -> None:
        weights = self.model.weights
        parts = []
        for variable, value in zip(weights, self.model.get_weights(), strict=True):
            name = variable.name.replace(":", "_")
            parts.append(histogram(f"{name}/histogram", value))
            if self.write_images:
                parts.append(image(name, _as_image(value), max_outputs=1))
        self._writer("train").add_summary(merged(parts), epoch)

    def _configure_projector(self) -> None:
        layers = [layer for layer in self.model.layers if isinstance(layer, Embedding)]
        names = [layer.name for layer in layers]
        given = self.embeddings_metadata or {}
        files = given if isinstance(given, dict) else dict.fromkeys(names, given)
        if unknown := sorted(set(files) - set(names)):
            raise ValueError(f"embeddings_metadata names {', '.join(unknown)}, the Embedding layers are: {names}")
        config = ProjectorConfig()
        for layer in layers:
            variable = layer.weights[0]
            path = f"projector/{layer.name}.tsv"
            self._embeddings[layer.name] = variable, path
            config.embeddings.add(
                tensor_name=variable.op.name, tensor_path=path, metadata_path=os.fspath(files.get(layer.name, ""))
            )
        visualize_embeddings(self.log_dir, config)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if self.model.optimizer is not None:
            values = {f"evaluation_{name}_vs_iterations": value for name, value in (logs or {}).items()}
            self._write("validation", values, int(self.model.optimizer.iterations))

    def on_train_end(self, logs: Logs | None = None) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}


def _batches(given: Any) -> range:
    """The batches from a first to a last one."""
    parts = given.split(",") if isinstance(given, str) else given
    if isinstance(given, int):
        parts = (given, given)
    try:
        first, last = map(int, parts)
    except (TypeError, ValueError):
        first, last = 0, -1
    if not (first == last == 0 or 1 <= first <= last) or isinstance(given, bool):
        raise ValueError(f"profile_batch must be the number of a batch, or of a first and a last one, got {given!r}")
    return range(first, last + 1 if first else 0)


class HParams(Callback):
    """Writes the hyperparameters of a run, as `KerasCallback` of `tensorboard.plugins.hparams.api`.

    TensorBoard's page "HParams" then lists the run, with the last metrics of the runs below its folder.

    Args:
        writer: the folder, the `log_dir` of the callback TensorBoard; or a FileWriter.
        hparams: values by name, as for `FileWriter.add_hparams`.
        trial_id: runs of one trial are shown as one.

    Raises:
        TypeError: no mapping, a name that is no text, or a value that cannot be written.
    """

    chief_only = True

    def __init__(self, writer: Any, hparams: Mapping[str, Any], trial_id: str = "") -> None:
        super().__init__()
        # What cannot be written is said now, and not when fit begins.
        session_start_pb(hparams, group_name=trial_id)
        self.writer, self.hparams, self.trial_id = writer, dict(hparams), trial_id

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._writer = self.writer if isinstance(self.writer, FileWriter) else FileWriter(os.fspath(self.writer))
        self._writer.add_summary(session_start_pb(self.hparams, group_name=self.trial_id))
        self._writer.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._writer.add_summary(session_end_pb())
        self._writer.flush()
        if self._writer is not self.writer:
            self._writer.close()


def _as_image(value: Any) -> Any:
    """A weight as one grey picture."""
    array = np.atleast_2d(np.asarray(value, np.float32))
    flat = array.reshape(-1, array.shape[-1])
    return flat[np.newaxis, :, :, np.newaxis]

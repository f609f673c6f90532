"""Models that an estimator keeps: the graph of a mode, fed by placeholders, and its session, for one kind of batch."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.checkpoint.manifest import manifest_path
from ..engine.errors import OutOfRangeError
from ..engine.graph import Graph, Tensor
from ..engine.lookup import tables_initializer
from ..engine.ops.constant import placeholder, sparse_placeholder
from ..engine.ops.control import group
from ..engine.scopes import GraphKeys
from ..engine.session import Session
from ..engine.tensor_types import SparseTensor
from ..engine.training.basic_session_run_hooks import CheckpointSaverHook
from ..engine.training.global_step import get_global_step
from ..engine.training.monitored_session import ChiefSessionCreator, SessionCreator
from ..engine.training.saver import Saver
from ..engine.variable_lists import global_variables, local_variables_initializer
from .model_fn import EstimatorSpec, ModeKeys

# What a batch is made of: a nested tuple that can be a key.
Kind = tuple[Any, ...]
# A batch of arrays, in the order of the placeholders.
Values = list[Any]


class NoKindError(Exception):
    """A structure holds something that is no tensor: a model of it cannot be kept."""


def kind_of(value: Any) -> Kind:
    """What a structure of tensors is: the types and shapes of its parts.

    Raises:
        NoKindError: a part is no tensor.
    """
    if value is None:
        return ("none",)
    if isinstance(value, SparseTensor):
        sizes = value.shape.sizes
        return ("sparse", value.dtype.name, sizes)
    if isinstance(value, Tensor):
        return ("tensor", value.dtype.base_dtype.name, value.sizes)
    if isinstance(value, Mapping):
        return ("dict", tuple((key, kind_of(part)) for key, part in value.items()))
    if type(value) in (list, tuple):
        return (type(value).__name__, tuple(kind_of(part) for part in value))
    raise NoKindError(f"{value!r} is no tensor")


def any_rows(kind: Kind) -> Kind:
    """A kind whose batches may have any number of rows, such as a rank's part of those of an input."""
    if kind[0] in ("tensor", "sparse"):
        sizes = kind[2]
        return (*kind[:2], sizes if not sizes else (None, *sizes[1:]))
    if kind[0] == "dict":
        return ("dict", tuple((key, any_rows(part)) for key, part in kind[1]))
    return kind if kind[0] == "none" else (kind[0], tuple(any_rows(part) for part in kind[1]))


def parts_of(value: Any) -> Iterator[Any]:
    """The tensors of a structure, in the order of its kind."""
    if isinstance(value, Mapping):
        for part in value.values():
            yield from parts_of(part)
    elif type(value) in (list, tuple):
        for part in value:
            yield from parts_of(part)
    elif value is not None:
        yield value


def _placeholders(kind: Kind, name: str) -> Any:
    what = kind[0]
    if what == "none":
        return None
    if what == "tensor":
        return placeholder(kind[1], kind[2], name=_op_name(name))
    if what == "sparse":
        return sparse_placeholder(kind[1], kind[2], name=_op_name(name))
    if what == "dict":
        return {key: _placeholders(part, f"{name}_{key}") for key, part in kind[1]}
    found = [_placeholders(part, f"{name}_{i}") for i, part in enumerate(kind[1])]
    return found if what == "list" else tuple(found)


def _op_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.\-/]", "_", name)


def stamp_of(prefix: str) -> tuple[Any, ...] | None:
    """A checkpoint as it is now: its prefix, and what changes when it is written anew; None if it is gone."""
    try:
        found = Path(manifest_path(prefix)).stat()
    except OSError:
        return None
    return prefix, found.st_mtime_ns, found.st_ino, found.st_size


class GraphInput:
    """What an input function made, in a graph of its own.

    Args:
        mode: one of ModeKeys.
        graph: where the function made its tensors.
        features, labels: what it gave.
        session_config: a ConfigProto.
    """

    def __init__(self, mode: str, graph: Graph, features: Any, labels: Any, session_config: Any) -> None:
        self.mode, self.graph, self.features, self.labels = mode, graph, features, labels
        self._config = session_config
        # The batch that was drawn last, for what is said when a step fails.
        self.drawn: Values = []

    def kind(self) -> Kind | None:
        """What its batches are; None where the model has to be built in the same graph."""
        if not self._stands_alone():
            return None
        try:
            return (kind_of(self.features), kind_of(self.labels))
        except NoKindError:
            return None

    def _stands_alone(self) -> bool:
        """Whether its tensors can be had from a session without the model: there is no state but the input's own."""
        step = get_global_step(self.graph)
        variables = [v for v in self.graph.get_collection(GraphKeys.GLOBAL_VARIABLES) if v is not step]
        keys = (GraphKeys.LOCAL_VARIABLES, GraphKeys.QUEUE_RUNNERS, GraphKeys.SUMMARIES, GraphKeys.SAVEABLE_OBJECTS)
        if variables or any(self.graph.get_collection(key) for key in keys):
            return False
        readers = {"Identity", "ReadVariableOp", "Assign", "IsVariableInitialized"}
        users = [op for op in self.graph.get_operations() if any(t.op is step.op for t in op.inputs)]
        return len(users) <= 2 and all(op.type in readers for op in users)

    def batches(self) -> Iterator[Values]:
        """Its batches, until the input ends."""
        parts = list(parts_of((self.features, self.labels)))
        with self.graph.as_default():
            tables = tables_initializer() if self.graph.get_collection(GraphKeys.TABLE_INITIALIZERS) else None
        session = Session(graph=self.graph, config=self._config)
        try:
            if tables is not None:
                session.run(tables)
            draw = session.make_callable(parts)
            while True:
                try:
                    values = draw()
                except OutOfRangeError:
                    return
                self.drawn = values
                yield values
        finally:
            session.close()


class KeptModel:
    """A model in a graph of its own, whose batches are fed, with a session that lives as long as it.

    Args:
        build: `(features, labels) -> EstimatorSpec`, called in the graph.
        kind: what features and labels are.
        mode: one of ModeKeys.
        session_config: a ConfigProto.
        finish: makes the scaffold of a model that is trained.
    """

    def __init__(
        self,
        build: Callable[[Any, Any], EstimatorSpec],
        kind: Kind,
        mode: str,
        session_config: Any,
        finish: Callable[[EstimatorSpec], Any],
    ) -> None:
        self.mode, self._config = mode, session_config
        self.lock = threading.RLock()
        self.graph = Graph()
        self.session: Session | None = None
        # The stamp of the checkpoint that the session's variables come from.
        self.loaded: Any = None
        self._callables: dict[Any, Any] = {}
        self._users, self._is_retired, self._counting = 0, False, threading.Lock()
        with self.graph.as_default():
            features, labels = _placeholders(kind[0], "features"), _placeholders(kind[1], "labels")
            self.feeds = list(parts_of((features, labels)))
            self.spec = build(features, labels)
            self.step = get_global_step()
            self._finish(finish)

    def _finish(self, finish: Callable[[EstimatorSpec], Any]) -> None:
        if not self.can_be_kept:
            return
        if self.mode == ModeKeys.TRAIN:
            self.scaffold = finish(self.spec)
            return
        self._saver = Saver(global_variables())
        self._local = group(local_variables_initializer(), tables_initializer())
        self.graph.finalize()

    @property
    def can_be_kept(self) -> bool:
        """Whether the model function made nothing that has to be made anew each time: hooks, or a scaffold."""
        spec = self.spec
        hooks = {
            ModeKeys.TRAIN: [*spec.training_hooks, *spec.training_chief_hooks],
            ModeKeys.EVAL: [*spec.evaluation_hooks],
            ModeKeys.PREDICT: [*spec.prediction_hooks],
        }
        return not hooks[self.mode] and spec.scaffold is None

    def function(self, key: Any, fetches: Any, feeds: Iterable[Tensor] = ()) -> Any:
        """A function of a batch, and of values for `feeds` after it, that gives `fetches`; kept under `key`."""
        found = self._callables.get(key)
        if found is None:
            found = self._callables[key] = self.open().make_callable(fetches, [*self.feeds, *feeds])
        return found

    def variables(self) -> list[Any]:
        """The global variables."""
        found: list[Any] = self.graph.get_collection(GraphKeys.GLOBAL_VARIABLES)
        return found

    def open(self) -> Session:
        """The session."""
        if self.session is None:
            self.session = Session(graph=self.graph, config=self._config)
        return self.session

    def load(self, prefix: str) -> None:
        """Gives the variables the values of a checkpoint, unless they have them."""
        stamp = stamp_of(prefix)
        if stamp is not None and stamp == self.loaded:
            return
        first, self.loaded = self.session is None, None
        session = self.open()
        self._saver.restore(session, prefix)
        if first and self.mode == ModeKeys.PREDICT:
            session.run(self._local)
        self.loaded = stamp

    def assign(self, values: Mapping[str, Any]) -> None:
        """Gives the variables values by name."""
        first, self.loaded = self.session is None, None
        session = self.open()
        for variable in self.variables():
            variable.load(values[variable.op.name], session)
        if first and self.mode == ModeKeys.PREDICT:
            session.run(self._local)

    def evaluated(self, batches: Iterable[Values], steps: int | None = None) -> dict[str, Any]:
        """The metrics over batches, with the mean loss and the global step.

        Raises:
            ValueError: there is no batch.
        """
        losses = self.update_metrics(first_batches(batches, steps))
        if not losses:
            raise ValueError("The input of evaluate gave no batch")
        return self.metrics(losses)

    def update_metrics(self, batches: Iterable[Values]) -> list[float]:
        """Starts the metrics anew and takes batches into them; gives the loss of each."""
        self.open().run(self._local)
        metrics = dict(self.spec.eval_metric_ops)
        update = self.function("evaluate", [self.spec.loss, [update for _, update in metrics.values()]])
        return [float(update(*values)[0]) for values in batches]

    def metrics(self, losses: Sequence[float]) -> dict[str, Any]:
        """The metrics as they are, with the mean of losses and the global step."""
        session = self.open()
        found = session.run({name: value for name, (value, _) in dict(self.spec.eval_metric_ops).items()})
        return {**found, "loss": np.float32(np.mean(losses)), "global_step": int(session.run(self.step))}

    @contextmanager
    def used(self) -> Iterator[None]:
        """Keeps the session open meanwhile, although the model may be retired."""
        with self._counting:
            self._users += 1
        try:
            yield
        finally:
            with self._counting:
                self._users -= 1
            self._close_if_done()

    def retire(self) -> None:
        """Closes the model once nobody uses it."""
        self._is_retired = True
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._is_retired and not self._users:
            self.close()

    def close(self) -> None:
        """Frees the session and what it holds."""
        with self.lock:
            if self.session is not None:
                self.session.close()
            self.session, self.loaded = None, None
            self._callables.clear()


def first_batches(batches: Iterable[Values], count: int | None) -> Iterator[Values]:
    """The first `count` batches, all for None."""
    for done, values in enumerate(batches):
        yield values
        # A batch that is not used is not drawn.
        if count is not None and done + 1 >= count:
            return


class Borrowed:
    """A session that stays open when it is closed: it is kept by its model."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def raw_session(self) -> Session:
        """The session itself."""
        return self._session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def close(self) -> None:
        """Does nothing."""


class KeptCreator(SessionCreator):
    """Lends the session of a kept model, brought to the newest checkpoint of a folder if it is not there already.

    Args:
        model: a model that is trained.
        folder: of the checkpoints.
        newest: its newest checkpoint, None if there is none.
    """

    def __init__(self, model: KeptModel, folder: str, newest: str | None) -> None:
        self._model, self._folder, self.newest = model, folder, newest
        stamp = None if newest is None else stamp_of(newest)
        # Whether the session is at the newest checkpoint already.
        self.goes_on = model.session is not None and stamp is not None and model.loaded == stamp

    def create_session(self) -> Any:
        """The session, ready."""
        model = self._model
        if not self.goes_on or model.session is None:
            model.close()
            with model.graph.as_default():
                creator = ChiefSessionCreator(model.scaffold, config=model._config, checkpoint_dir=self._folder)
                model.session = creator.create_session()
        # One that is lost is not gone on with.
        self.goes_on = False
        # Until the end is saved, what the session holds is no checkpoint's.
        model.loaded = None
        return Borrowed(model.session)


class KeptSaverHook(CheckpointSaverHook):
    """Saves a kept model that goes on from a checkpoint of its own: that one is there, and the graph beside it.

    Args:
        folder: of the checkpoints.
        secs, steps: between checkpoints, as for CheckpointSaverHook.
        scaffold: whose saver is used.
        previous: the checkpoint.
    """

    def __init__(self, folder: str, secs: float | None, steps: int | None, scaffold: Any, previous: str) -> None:
        super().__init__(folder, secs, steps, scaffold=scaffold, save_graph_def=False)
        self._meta = Path(f"{previous}.meta")

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._timer.update_last_triggered_step(int(session.run(self._global_step)))

    def _save(self, session: Any, step: int) -> bool:
        # The graph is the same; writing it anew takes longer than all the rest. The save may remove the one before.
        meta = Path(f"{self._prefix}-{step}.meta")
        if self._meta.is_file() and meta != self._meta:
            shutil.copyfile(self._meta, meta)
        self._meta = meta
        return super()._save(session, step)

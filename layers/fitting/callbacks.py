"""Callbacks as Keras's: what fit, evaluate and predict call around epochs and batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

from ...engine.training.data_parallel import is_chief

Logs = dict[str, Any]

_BATCH_HOOKS = tuple(
    f"on_{kind}{when}"
    for kind in ("train_batch_", "test_batch_", "predict_batch_", "batch_")
    for when in ("begin", "end")
)


class Callback:
    """Something that fit calls; subclasses define the methods that they need.

    `model` is the model, `params` has `epochs`, `steps` and `verbose`. The methods of batches get the metrics so far
    only if `needs_batch_logs` says so, or the class is none of this library.
    """

    params: Mapping[str, Any] = {}
    # Whether the logs of batches are looked at. Reading them costs a little in each step.
    needs_batch_logs = True
    # Whether, of several ranks that train together, only the chief has it: it shows or writes something.
    chief_only = False
    # Whether a fit that a signal ends goes on from what this keeps: others then do not end it.
    keeps_place = False

    def __init__(self) -> None:
        self._model: Any = None

    @property
    def model(self) -> Any:
        """The model that is trained."""
        return self.__dict__.get("_model")

    def set_model(self, model: Any) -> None:
        """Says which model it is."""
        self._model = model

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Says how many epochs and steps there will be."""
        self.params = params

    def goes_on_at(self, loop: Any) -> tuple[int, int] | None:
        """The epoch and batch at which `fit` is to begin, asked once all callbacks have begun; None for any."""
        return None

    def kept_state(self) -> dict[str, Any]:
        """What `BackupAndRestore` is to keep of a callback: plain values, and lists of arrays, by name."""
        return {}

    def take_state(self, state: dict[str, Any]) -> None:
        """Goes on with what `kept_state` gave, in a fit that was interrupted; called after `on_train_begin`."""

    def after_train_batch(self, batch: int) -> None:
        """After the `on_train_batch_end` of all callbacks."""

    def after_epoch(self, epoch: int) -> None:
        """After the `on_epoch_end` of all callbacks."""

    def around(self) -> AbstractContextManager[Any]:
        """A context in which fit trains, from before `on_train_begin` to its end, whatever that is."""
        return nullcontext()

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of training, under its old name."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of training, under its old name."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation; `logs` holds the metrics."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of training."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of training; `logs` holds the metrics so far in the epoch."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of evaluation."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of prediction; `logs["outputs"]` holds the outputs."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before an evaluation."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After an evaluation."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before a prediction."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After a prediction."""


def _defines(callback: Callback, *hooks: str) -> bool:
    return any(hook in vars(callback) or getattr(type(callback), hook) is not getattr(Callback, hook) for hook in hooks)


class Adapted(Callback):
    """An object that has methods of a Callback by their names, without being one.

    Raises:
        TypeError: it has none of them.
    """

    def __init__(self, given: Any) -> None:
        super().__init__()
        named = [name for name in vars(Callback) if name.startswith("on_") and callable(getattr(given, name, None))]
        if isinstance(given, type) or not named:
            raise TypeError(f"callbacks must have the methods of Keras's Callback, got {given!r}")
        self._given = given
        for name in named:
            setattr(self, name, getattr(given, name))

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if hasattr(self._given, "set_model"):
            self._given.set_model(model)

    def set_params(self, params: Mapping[str, Any]) -> None:
        super().set_params(params)
        if hasattr(self._given, "set_params"):
            self._given.set_params(params)


class CallbackList:
    """Several callbacks, called in order; batches cost nothing where none of them looks at batches.

    Raises:
        TypeError: one has none of the methods of a Callback.
    """

    def __init__(self, callbacks: Sequence[Any] | Callback | None = None, model: Any = None, **params: Any) -> None:
        several = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or ())
        given = [c if isinstance(c, Callback) else Adapted(c) for c in several]
        if not is_chief():
            given = [c for c in given if not c.chief_only]
        self.callbacks: list[Callback] = given
        self.params = params
        for callback in given:
            if model is not None:
                callback.set_model(model)
            callback.set_params(params)
        self._by_batch = {
            kind: [c for c in given if _defines(c, *(h for h in _BATCH_HOOKS if kind in h), *_old_hooks(kind))]
            for kind in ("train_batch", "test_batch", "predict_batch")
        }
        self._after_batches = [c for c in given if _defines(c, "after_train_batch")]

    def __iter__(self) -> Any:
        return iter(self.callbacks)

    @contextmanager
    def around(self) -> Iterator[None]:
        """The contexts of all."""
        with ExitStack() as stack:
            for callback in self.callbacks:
                stack.enter_context(callback.around())
            yield

    def append(self, callback: Callback) -> None:
        """Adds a callback."""
        self.__init__([*self.callbacks, callback], None, **self.params)  # type: ignore[misc]

    def set_model(self, model: Any) -> None:
        """Says which model it is."""
        for callback in self.callbacks:
            callback.set_model(model)

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Says how many epochs and steps there will be."""
        for callback in self.callbacks:
            callback.set_params(params)

    def looks_at_batches(self, kind: str) -> bool:
        """Whether a callback has a method for batches of a kind ("train_batch", ...)."""
        return bool(self._by_batch[kind]) or (kind == "train_batch" and bool(self._after_batches))

    def may_stop(self, kind: str) -> bool:
        """Whether a callback that every rank has looks at batches of a kind, and so could end training after one."""
        return any(not c.chief_only for c in self._by_batch[kind])

    def needs_logs(self, kind: str) -> bool:
        """Whether one of those looks at the metrics."""
        return any(
            c.needs_batch_logs and _defines(c, f"on_{kind}_end", *(_old_hooks(kind)[1:])) for c in self._by_batch[kind]
        )

    def batch_begin(self, kind: str, batch: int, logs: Logs | None = None) -> None:
        """Before a batch."""
        for callback in self._by_batch[kind]:
            getattr(callback, f"on_{kind}_begin")(batch, {} if logs is None else logs)

    def batch_end(self, kind: str, batch: int, logs: Logs | None = None) -> None:
        """After a batch."""
        for callback in self._by_batch[kind]:
            getattr(callback, f"on_{kind}_end")(batch, {} if logs is None else logs)
        if kind == "train_batch":
            for callback in self._after_batches:
                callback.after_train_batch(batch)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch."""
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, {} if logs is None else logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch."""
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, {} if logs is None else logs)
        for callback in self.callbacks:
            callback.after_epoch(epoch)

    def call(self, hook: str, logs: Logs | None = None) -> None:
        """Calls `on_train_begin` and the like."""
        for callback in self.callbacks:
            getattr(callback, hook)({} if logs is None else logs)


def _old_hooks(kind: str) -> tuple[str, ...]:
    return ("on_batch_begin", "on_batch_end") if kind == "train_batch" else ()


class History(Callback):
    """The metrics of all epochs: `history` by name, `epoch` their numbers. What fit returns."""

    needs_batch_logs = False

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []
        self.history = {}

    def kept_state(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "history": self.history}

    def take_state(self, state: dict[str, Any]) -> None:
        self.epoch, self.history = state["epoch"], state["history"]

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self


class LambdaCallback(Callback):
    """A callback of functions, each with the arguments of the method of its name."""

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Callable[..., Any],
    ) -> None:
        super().__init__()
        named = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in named.items():
            if not hasattr(Callback, name):
                raise TypeError(f"There is no callback method {name!r}")
            if function is not None:
                setattr(self, name, function)

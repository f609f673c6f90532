"""The steps of a model: one program each for training, testing and predicting, kept and called with arrays."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...engine.dtypes import as_dtype
from ...engine.gradients import gradients
from ...engine.graph import Operation, Tensor, get_default_graph
from ...engine.nest import flatten
from ...engine.ops.constant import placeholder
from ...engine.ops.control import group
from ...engine.training.data_parallel import collect_ops, data_parallel, replicate
from .backend import get_session, symbolic_learning_phase
from .graph_record import CONTEXT

logger = logging.getLogger("headrace")

# The dtype and shape of one array that is fed; None for unknown sizes.
Spec = tuple[str, tuple[int | None, ...]]


@dataclass
class Step:
    """What a session runs for one batch.

    Args:
        feeds: the placeholders, in the order of the arrays.
        operation: what changes state.
        fetches: what is given back: the outputs, for predictions.
        results_after: the metrics by name, with this batch.
        constants: what is fed each time: the learning phase, where the graph asks for it.
        session_arguments: the options and metadata of each run, where the model is given some.
        collect: the same as `operation`, but for the update of the weights: gradients are only collected.
    """

    feeds: list[Tensor]
    operation: Operation | None
    fetches: Any = None
    results_after: dict[str, Tensor] = field(default_factory=dict)
    constants: list[tuple[Tensor, Any]] = field(default_factory=list)
    collect: Operation | None = None
    session_arguments: dict[str, Any] = field(default_factory=dict)
    _kept: dict[str, tuple[Any, Callable[..., Any]]] = field(default_factory=dict)

    def callable(self, kind: str) -> Callable[..., Any]:
        """A function of the arrays in the session of `keras.backend`: "run", "predict", "logs" or "collect"."""
        session = get_session()
        known = self._kept.get(kind)
        if known is None or known[0] is not session:
            fetches = {
                "run": self.operation,
                "collect": self.collect,
                "predict": [self.fetches, *([] if self.operation is None else [self.operation])],
                "logs": [list(self.results_after.values()), *([] if self.operation is None else [self.operation])],
            }[kind]
            known = self._kept[kind] = session, self._made(session, fetches)
        return known[1]

    def _made(self, session: Any, fetches: Any) -> Callable[..., Any]:
        feeds = [*self.feeds, *(tensor for tensor, _ in self.constants)]
        run: Callable[..., Any] = session.make_callable(fetches, feeds, accept_options=True)
        values, arguments = [value for _, value in self.constants], self.session_arguments
        return lambda *arrays: run(*arrays, *values, **arguments)


@dataclass(frozen=True)
class Columns:
    """The arrays of a batch: inputs, then targets, then sample weights; None where there is none for an output."""

    x: tuple[Spec, ...]
    y: tuple[Spec | None, ...]
    weights: tuple[Spec | None, ...]

    @property
    def kinds(self) -> Any:
        """What two batches must share to be run by one step."""
        return tuple(
            tuple(None if spec is None else (spec[0], len(spec[1])) for spec in part)
            for part in (self.x, self.y, self.weights)
        )

    def merged(self, other: Columns) -> Columns:
        """The columns with sizes that are not the same in both unknown."""
        return Columns(*(tuple(map(_merged, a, b)) for a, b in zip(self.parts(), other.parts(), strict=True)))  # type: ignore[arg-type]

    @classmethod
    def of_plain(cls, parts: Any) -> Columns:
        """The columns of what `parts` gives, also once it was written as JSON."""
        x, y, weights = ([None if one is None else (one[0], tuple(one[1])) for one in part] for part in parts)
        return cls(tuple(one for one in x if one is not None), tuple(y), tuple(weights))

    def parts(self) -> tuple[tuple[Spec | None, ...], ...]:
        """The three."""
        return self.x, self.y, self.weights

    def holds(self, other: Columns) -> bool:
        """Whether a step for these columns can take the others."""
        return self.merged(other) == self


def _merged(a: Spec | None, b: Spec | None) -> Spec | None:
    if a is None or b is None:
        return a
    return a[0], tuple(m if m == n else None for m, n in zip(a[1], b[1], strict=True))


def _made(spec: Spec | None, name: str) -> Any:
    if spec is None:
        return None
    return placeholder(as_dtype(spec[0]), list(spec[1]), name=name)


class StepBuilder:
    """Builds the steps of a model in its graph."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, columns: Columns) -> Step:
        """The outputs."""
        inputs = self._inputs(columns)
        outputs, updates, _ = self._forward(inputs, False)
        return self._step(inputs, group(*updates) if updates else None, outputs, {}, False)

    def test(self, columns: Columns) -> Step:
        """The metrics over batches, without training."""
        return self._with_metrics(columns, False)

    def train(self, columns: Columns) -> Step:
        """One update of the weights, and the metrics."""
        parallel = data_parallel()
        if parallel is not None:
            replicate(get_default_graph().outermost(), parallel.replication)
        return self._with_metrics(columns, True)

    def _inputs(self, columns: Columns) -> list[Any]:
        own = self.model._feed_inputs()
        if own is not None:
            return list(own)
        return [_made(spec, f"{self.model.name}_input_{i + 1}") for i, spec in enumerate(columns.x)]

    def _forward(self, inputs: list[Any], training: bool) -> tuple[Any, list[Any], list[Any]]:
        """The outputs with the updates and losses that calling the model made."""
        model = self.model
        updates_before = {id(u) for u in model.updates}
        losses_before = {id(loss) for loss in call_losses(model)}
        with CONTEXT.inside(training):
            outputs = model(model._packed(inputs))
        updates = model.updates if training else model.state_updates
        return (
            outputs,
            [u for u in updates if id(u) not in updates_before],
            [loss for loss in call_losses(model) if id(loss) not in losses_before],
        )

    def _with_metrics(self, columns: Columns, training: bool) -> Step:
        model = self.model
        inputs = self._inputs(columns)
        targets = [_made(spec, f"{model.name}_target_{i + 1}") for i, spec in enumerate(columns.y)]
        weights = [_made(spec, f"{model.name}_weight_{i + 1}") for i, spec in enumerate(columns.weights)]
        outputs, updates, losses = self._forward(inputs, training)
        guesses = flatten(outputs)
        compiled = model._compiled_for(outputs)
        extra = [*losses, *weight_losses(model), *model._added_losses]
        total, parts = compiled.total_loss(targets, guesses, weights, extra)
        done = compiled.updates(targets, guesses, weights, total, parts)
        done += model._metric_updates()
        collected: list[Any] = []
        if training:
            graph = get_default_graph().outermost()
            known, before = collect_ops(graph), [*done]
            done.append(self._update(total, [*guesses, *done], updates))
            collected = [op for op in collect_ops(graph) if op not in known]
            collected = [*before, *updates, *collected] if collected else []
        done += updates
        operation = group(*done)
        with get_default_graph().control_dependencies([operation]):
            after = model._result_tensors()
        made = self._step([*inputs, *targets, *weights], operation, outputs, after, training)
        made.collect = group(*collected) if collected else None
        return made

    def _step(self, feeds: list[Any], operation: Any, outputs: Any, after: dict[str, Tensor], training: bool) -> Step:
        constants: list[tuple[Tensor, Any]] = []
        phase = symbolic_learning_phase()
        # The losses and metrics that were added are tensors of the model's own first call.
        if phase is not None and (self.model._added_losses or self.model._added_metrics):
            constants.append((phase, training))
        fed = [f for f in feeds if f is not None]
        return Step(fed, operation, outputs, after, constants, session_arguments=self.model.session_arguments)

    def _update(self, total: Any, before: Sequence[Any], updates: Sequence[Any]) -> Operation:
        """The optimizer's step, after everything that reads the weights."""
        model = self.model
        if total is None:
            raise ValueError(
                f"Model {model.name!r} has nothing to minimize: compile it with a loss, or give it one by add_loss"
            )
        variables = model._weights_to_train()
        if not variables:
            return group(*before)
        found = gradients(model.optimizer.scale_loss(total), variables)
        missing = [v.name for v, g in zip(variables, found, strict=True) if g is None]
        if missing:
            logger.warning("The loss of model %s does not depend on the weights %s", model.name, ", ".join(missing))
        with get_default_graph().control_dependencies([*before, *updates]):
            return model.optimizer.apply(found, variables)  # type: ignore[no-any-return]


def call_losses(layer: Any) -> list[Any]:
    """The losses that calls of a layer and of those inside made."""
    inside = [loss for one in layer._flatten_layers() for loss in call_losses(one)]
    return [*layer._call_losses, *inside]


def weight_losses(model: Any) -> list[Any]:
    """The losses of regularized weights."""
    of_calls = {id(loss) for loss in call_losses(model)} | {id(loss) for loss in model._added_losses}
    return [loss for loss in model.losses if id(loss) not in of_calls]

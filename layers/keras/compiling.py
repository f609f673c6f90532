"""What compile was given: losses and metrics of each output, matched to outputs by place or name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...engine.errors import InvalidArgumentError
from ...engine.graph import Operation, Tensor, get_default_graph
from ...engine.ops.casting import cast
from . import losses as losses_module, metrics as metrics_module
from .loss_functions import sparse_categorical_crossentropy
from .loss_shapes import rows_of
from .losses import Loss, LossFunctionWrapper, SparseCategoricalCrossentropy
from .metric import Mean, MeanMetricWrapper, Metric
from .metric_functions import sparse_categorical_accuracy


class Compiled:
    """Losses and metrics of a model.

    Args:
        loss: a name, function or Loss; a list or dict of them for several outputs.
        loss_weights: a number for each output, in a list or dict.
        metrics: a list of names, functions or Metrics; for several outputs a list or dict of such lists.
        weighted_metrics: the same, to which sample weights apply.
        output_names: of the model.

    Raises:
        ValueError: a name is unknown, or there are more or fewer than outputs.
    """

    def __init__(
        self,
        loss: Any,
        loss_weights: Any,
        metrics: Any,
        weighted_metrics: Any,
        output_names: Sequence[str],
        key_names: Sequence[Any] | None = None,
    ) -> None:
        self.output_names = list(output_names)
        self._keys = [list(output_names), *([] if key_names is None else [list(key_names)])]
        self.losses = [
            None if one is None else losses_module.as_loss(one) for one in self._for_each(loss, "loss", shared=True)
        ]
        weights = self._for_each(loss_weights, "loss_weights", shared=False)
        self.loss_weights = [1.0 if weight is None else float(weight) for weight in weights]
        self._given = [
            [_listed(one) for one in self._metrics_of(given, what)]
            for given, what in ((metrics, "metrics"), (weighted_metrics, "weighted_metrics"))
        ]
        self.loss_tracker = Mean("loss")
        self._loss_means: list[Mean | None] = []
        # For each output: pairs of metric and whether sample weights apply. Made when the outputs are known.
        self._metrics: list[list[tuple[Metric, bool]]] | None = None
        self.names: dict[str, Metric] = {}

    @property
    def is_several(self) -> bool:
        """Whether there is more than one output."""
        return len(self.output_names) > 1

    def _for_each(self, given: Any, what: str, shared: bool) -> list[Any]:
        """One for each output, from one for all, a list or a dict."""
        count = len(self.output_names)
        if isinstance(given, Mapping) and "class_name" not in given:
            return self._by_name(given, what)
        if isinstance(given, list | tuple):
            if len(given) != count:
                raise ValueError(
                    f"{what} has {len(given)} entries, but the model has {count} outputs: {', '.join(self.output_names)}"
                )
            return list(given)
        if given is not None and not shared and count > 1:
            raise ValueError(f"{what} must be a list or dict for the outputs {', '.join(self.output_names)}: {given!r}")
        return [given] * count

    def _by_name(self, given: Mapping[Any, Any], what: str) -> list[Any]:
        for names in self._keys:
            if all(name in names for name in given):
                return [given.get(name) for name in names]
        unknown = [name for name in given if name not in self._keys[0]]
        raise ValueError(f"{what} names {unknown}, but the model's outputs are {', '.join(self.output_names)}")

    def _metrics_of(self, given: Any, what: str) -> list[Any]:
        if isinstance(given, list | tuple) and not any(isinstance(one, list | tuple | Mapping) for one in given):
            # A flat list: for each output its metric if it fits and names one each, else all for every output.
            if self.is_several and len(given) == len(self.output_names):
                return list(given)
            return [list(given)] * len(self.output_names)
        if isinstance(given, str) or (given is not None and not isinstance(given, list | tuple | Mapping)):
            raise ValueError(f"{what} must be a list or a dict, got {given!r}")
        return self._for_each(given, what, shared=False)

    # Metrics

    @property
    def metrics(self) -> list[Metric]:
        """All metrics, the mean loss first."""
        return list(self.names.values()) if self.names else [self.loss_tracker]

    def make_metrics(self, truths: Sequence[Any], guesses: Sequence[Tensor]) -> None:
        """Makes the metrics for outputs, once."""
        if self._metrics is not None:
            return
        self._metrics = []
        self.names = {"loss": self.loss_tracker}
        # As in Keras, the only loss of several outputs is the loss and listed once.
        if sum(loss is not None for loss in self.losses) > 1:
            self._loss_means = [
                None if loss is None else Mean(f"{name}_loss")
                for name, loss in zip(self.output_names, self.losses, strict=True)
            ]
            self.names.update({mean.name: mean for mean in self._loss_means if mean is not None})
        for i, (truth, guess) in enumerate(zip(truths, guesses, strict=True)):
            made = []
            for kind, weighted in zip(self._given, (False, True), strict=True):
                made += [(self._make(one, i, truth, guess, weighted), weighted) for one in kind[i]]
            self._metrics.append(made)

    def _make(self, identifier: Any, index: int, truth: Any, guess: Tensor, weighted: bool) -> Metric:
        if truth is None:
            raise ValueError(f"There are metrics for the output {self.output_names[index]!r}, but no targets for it")
        metric = metrics_module.as_metric(identifier, truth, guess)
        if metric.name in ("accuracy", "acc") and isinstance(self.losses[index], Loss) and isinstance(identifier, str):
            metric = self._accuracy_of(index, identifier, truth, guess) or metric
        prefix = f"{self.output_names[index]}_" if self.is_several else ""
        name = f"{prefix}{metric.name}"
        if weighted and name in self.names:
            name = f"{prefix}weighted_{metric.name}"
        unique, number = name, 1
        while unique in self.names:
            unique, number = f"{name}_{number}", number + 1
        self.names[unique] = metric
        return metric

    def _accuracy_of(self, index: int, name: str, truth: Any, guess: Tensor) -> Metric | None:
        """The accuracy that goes with a loss of class numbers, whose targets may have any shape."""
        if self._is_sparse(index) and guess.sizes is not None and guess.sizes[-1] != 1:
            return MeanMetricWrapper(sparse_categorical_accuracy, name)
        return None

    def _is_sparse(self, index: int) -> bool:
        loss = self.losses[index]
        return isinstance(loss, SparseCategoricalCrossentropy) or (
            isinstance(loss, LossFunctionWrapper) and loss.fn is sparse_categorical_crossentropy
        )

    def class_count(self, index: int, guess: Any) -> int | None:
        """How many classes the labels of an output are numbers of; None where they are none."""
        loss = self.losses[index]
        if not self._is_sparse(index) or getattr(loss, "ignore_class", None) is not None or guess.sizes is None:
            return None
        axis = getattr(loss, "axis", -1)
        return guess.sizes[axis]  # type: ignore[no-any-return]

    # The graph

    def total_loss(
        self, truths: Sequence[Any], guesses: Sequence[Tensor], weights: Sequence[Any], extra: Sequence[Any]
    ) -> tuple[Any, list[Any]]:
        """The loss to minimize, and those of the outputs.

        Raises:
            ValueError: there is none at all, or the shapes of an output and its targets do not fit.
        """
        found = [
            self._loss_of(i, truth, guess, weight)
            for i, (truth, guess, weight) in enumerate(zip(truths, guesses, weights, strict=True))
        ]
        parts = [
            loss if share == 1.0 else loss * share
            for loss, share in zip(found, self.loss_weights, strict=True)
            if loss is not None
        ]
        parts += [cast(loss, parts[0].dtype.base_dtype) if parts else loss for loss in extra]
        if not parts:
            return None, found
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total, found

    def _loss_of(self, index: int, truth: Any, guess: Tensor, weight: Any) -> Any:
        loss = self.losses[index]
        if loss is None:
            return None
        name = self.output_names[index]
        if truth is None:
            raise ValueError(f"There is a loss for the output {name!r}, but y holds no targets for it")
        try:
            return loss(truth, guess, weight)
        except (ValueError, InvalidArgumentError) as error:
            raise ValueError(
                f"The loss {loss.name!r} of output {name!r} does not take targets of shape {truth.shape} with "
                f"predictions of shape {guess.shape}: {error}"
            ) from None

    def updates(
        self, truths: Sequence[Any], guesses: Sequence[Tensor], weights: Sequence[Any], total: Any, parts: Sequence[Any]
    ) -> list[Operation]:
        """The operations that add a batch to the metrics."""
        self.make_metrics(truths, guesses)
        rows = rows_of(guesses[0])
        done = [] if total is None else [self.loss_tracker.update_state(total, sample_weight=rows)]
        for mean, part in zip(self._loss_means, parts, strict=False):
            if mean is not None and part is not None:
                done.append(mean.update_state(part, sample_weight=rows))
        for made, truth, guess, weight in zip(self._metrics or (), truths, guesses, weights, strict=True):
            for metric, weighted in made:
                with get_default_graph().name_scope(metric.name.strip("<>")):
                    given = {"sample_weight": weight} if weighted and weight is not None else {}
                    done.append(metric.update_state(truth, guess, **given))
        return done


def _listed(given: Any) -> list[Any]:
    if given is None:
        return []
    return list(given) if isinstance(given, list | tuple) else [given]

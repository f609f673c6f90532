"""MultiHead: several heads over the parts of one model's logits, as `tf.estimator.MultiHead`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.graph import Operation, Tensor
from ..engine.ops.control import no_op
from ..engine.ops.elementwise_nary import add_n
from ..engine.scopes import name_scope
from ..layers import metrics
from .columns import NumericColumn
from .export_outputs import ExportOutput, PredictOutput
from .head import Head, Metrics, made_train_op
from .model_fn import EstimatorSpec, ModeKeys


class MultiHead(Head):
    """Heads side by side, whose losses are added.

    Labels are a dictionary by the heads' names; logits are one too, or a tensor whose last dimension is cut into those
    of the heads. Metrics are the heads', with "loss/name" besides; predictions have the keys `(name, key)`.

    Args:
        heads: heads that all have a name.
        head_weights: factors of their losses, 1 by default.

    Raises:
        ValueError: there are no heads, one has no name, or there are differently many weights.

    Example:
        >>> import headrace as tf
        >>> heads = [tf.estimator.RegressionHead(name="size"), tf.estimator.MultiClassHead(3, name="kind")]
        >>> tf.estimator.MultiHead(heads).logits_dimension
        4
    """

    def __init__(self, heads: Sequence[Head], head_weights: Sequence[float] | None = None) -> None:
        if not heads:
            raise ValueError(f"Must specify heads. Given: {heads}")
        if head_weights and len(head_weights) != len(heads):
            raise ValueError(
                f"heads and head_weights must have the same size. Given len(heads): {len(heads)}. "
                f"Given len(head_weights): {len(head_weights)}."
            )
        for head in heads:
            if head.name is None:
                raise ValueError(f"All given heads must have name specified. Given: {head}")
        names = [str(head.name) for head in heads]
        if len(set(names)) < len(names):
            raise ValueError(f"All heads must have names of their own. Given: {names}")
        self.heads = dict(zip(names, heads, strict=True))
        self.head_weights = list(head_weights or [1.0] * len(heads))
        self.name = "_".join(names)

    @property
    def weight_column(self) -> NumericColumn | None:
        """None: the heads have weights of their own."""
        return None

    @weight_column.setter
    def weight_column(self, value: Any) -> None:
        raise ValueError("sample_weight does not go with a MultiHead: give its heads a weight_column")

    @property
    def logits_dimension(self) -> int:
        return sum(head.logits_dimension for head in self.heads.values())

    def predictions(self, logits: Any) -> dict[Any, Tensor]:
        parts = self._parts(logits)
        found = {name: head.predictions(parts[name]) for name, head in self.heads.items()}
        return {(name, key): value for name, values in found.items() for key, value in values.items()}

    def loss(
        self,
        labels: Any,
        logits: Any,
        features: Mapping[str, Any] | None = None,
        regularization_losses: Sequence[Tensor] | None = None,
    ) -> Tensor:
        parts, truth = self._parts(logits), self._labels(labels)
        losses = [head.loss(truth[name], parts[name], features) for name, head in self.heads.items()]
        return self._merged(losses, regularization_losses)

    def create_estimator_spec(
        self,
        features: Mapping[str, Any],
        mode: str,
        logits: Any,
        labels: Any = None,
        optimizer: Any = None,
        trainable_variables: Sequence[Any] | None = None,
        train_op_fn: Callable[[Tensor], Any] | None = None,
        update_ops: Sequence[Operation] | None = None,
        regularization_losses: Sequence[Tensor] | None = None,
    ) -> EstimatorSpec:
        with name_scope(self.name, "multi_head"):
            specs = self._specs(features, mode, logits, labels)
            predictions = {(n, key): value for n, spec in specs.items() for key, value in spec.predictions.items()}
            if mode == ModeKeys.PREDICT:
                return EstimatorSpec(mode, predictions, export_outputs=_export_outputs(specs))
            losses = {name: convert_to_tensor(spec.loss) for name, spec in specs.items()}
            loss = self._merged(list(losses.values()), regularization_losses)
            if mode == ModeKeys.EVAL:
                found = self._metrics(specs, losses, regularization_losses)
                return EstimatorSpec(mode, predictions, loss, eval_metric_ops=found)
            train_op = made_train_op(loss, optimizer, trainable_variables, train_op_fn, update_ops)
            return EstimatorSpec(mode, predictions, loss, train_op)

    def _specs(self, features: Mapping[str, Any], mode: str, logits: Any, labels: Any) -> dict[str, EstimatorSpec]:
        parts = self._parts(logits)
        truth = dict.fromkeys(self.heads) if mode == ModeKeys.PREDICT else self._labels(labels)
        return {
            name: head.create_estimator_spec(features, mode, parts[name], truth[name], train_op_fn=lambda _: no_op())
            for name, head in self.heads.items()
        }

    def _merged(self, losses: list[Tensor], regularization_losses: Sequence[Tensor] | None) -> Tensor:
        weighted = [loss * weight for loss, weight in zip(losses, self.head_weights, strict=True)]
        return add_n([*weighted, *(regularization_losses or ())])

    def _metrics(
        self, specs: Mapping[str, EstimatorSpec], losses: Mapping[str, Tensor], regularization: Sequence[Tensor] | None
    ) -> Metrics:
        found: Metrics = {}
        if regularization:
            found["regularization_loss"] = metrics.mean(add_n(list(regularization)), name="regularization_loss")
        for name, spec in specs.items():
            found[f"loss/{name}"] = metrics.mean(losses[name], name=f"loss/{name}")
            found.update(spec.eval_metric_ops)
        return found

    def _labels(self, labels: Any) -> Mapping[str, Any]:
        if not isinstance(labels, Mapping):
            raise ValueError(f"labels must be a dict by the names of the heads, {list(self.heads)}. Given: {labels}")
        return self._all_there("labels", labels)

    def _all_there(self, what: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        missing = [name for name in self.heads if name not in given]
        if missing:
            raise ValueError(f"{what} has missing values for head(s): {missing}")
        return given

    def _parts(self, logits: Any) -> Mapping[str, Any]:
        """The logits of each head."""
        if isinstance(logits, Mapping):
            return self._all_there("logits", logits)
        scores = convert_to_tensor(logits)
        sizes = [head.logits_dimension for head in self.heads.values()]
        if scores.sizes is not None and scores.sizes[-1] not in (None, sum(sizes)):
            raise ValueError(
                f"Could not split logits of shape {scores.shape} among the heads with individual logits dimensions: "
                f"{sizes}. The last dimension of the logits tensor should equal {sum(sizes)}."
            )
        parts, start = {}, 0
        for name, size in zip(self.heads, sizes, strict=True):
            parts[name] = scores[..., start : start + size]
            start += size
        return parts


def _export_outputs(specs: Mapping[str, EstimatorSpec]) -> dict[str, ExportOutput]:
    """The first head is served by default; the predictions of all are together in "predict"."""
    found: dict[str, ExportOutput] = {}
    together = {}
    for name, spec in specs.items():
        for key, output in (spec.export_outputs or {}).items():
            found.setdefault("serving_default", output)
            found[name if key == "serving_default" else f"{name}/{key}"] = output
            if key == "predict":
                together.update({f"{name}/{inner}": value for inner, value in output.outputs.items()})
    return {**found, "predict": PredictOutput(together)}

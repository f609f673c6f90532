"""What a model function is told and what it gives back: ModeKeys and EstimatorSpec, as tf.estimator 2.15's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..engine.graph import Operation, Tensor


class ModeKeys:
    """What a model function is called for."""

    TRAIN = "train"
    EVAL = "eval"
    PREDICT = "infer"


@dataclass(frozen=True)
class EstimatorSpec:
    """A model in a graph: what to run to train, evaluate or predict with it.

    Args:
        mode: one of ModeKeys.
        predictions: a tensor or tensors by name; needed to predict.
        loss: a scalar; needed to train and evaluate.
        train_op: an operation that makes a step; needed to train.
        eval_metric_ops: pairs (value, update) of streaming metrics by name.
        training_hooks, evaluation_hooks, prediction_hooks: hooks of the sessions.
        scaffold: the initialisation and saving of the session, None for the usual.

    Raises:
        ValueError: something that the mode needs is missing.
    """

    mode: str
    predictions: Any = None
    loss: Tensor | None = None
    train_op: Operation | Tensor | None = None
    eval_metric_ops: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    export_outputs: Mapping[str, Any] | None = None
    training_chief_hooks: Sequence[Any] = ()
    training_hooks: Sequence[Any] = ()
    scaffold: Any = None
    evaluation_hooks: Sequence[Any] = ()
    prediction_hooks: Sequence[Any] = ()

    def __post_init__(self) -> None:
        # TensorFlow's default: None is nothing.
        for name in ("training_chief_hooks", "training_hooks", "evaluation_hooks", "prediction_hooks"):
            object.__setattr__(self, name, tuple(getattr(self, name) or ()))
        if self.eval_metric_ops is None:
            object.__setattr__(self, "eval_metric_ops", {})
        if self.mode not in (ModeKeys.TRAIN, ModeKeys.EVAL, ModeKeys.PREDICT):
            raise ValueError(f"mode must be one of ModeKeys, got {self.mode!r}")
        if self.mode == ModeKeys.TRAIN and self.train_op is None:
            raise ValueError("Missing train_op.")
        if self.mode != ModeKeys.PREDICT and self.loss is None:
            raise ValueError("Missing loss.")
        if self.mode == ModeKeys.PREDICT and self.predictions is None:
            raise ValueError("Missing predictions.")
        self._check_loss()

    def _check_loss(self) -> None:
        if self.loss is None or self.loss.sizes is None:
            return
        if any(s != 1 for s in self.loss.sizes):
            raise ValueError(f"Loss must be scalar, given: {self.loss!r}")

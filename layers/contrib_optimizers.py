"""`optimize_loss`: gradients, their clipping and scaling, an optimizer's step and summaries in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.graph import Tensor
from ..engine.initializers import constant_initializer
from ..engine.ops.array import shape
from ..engine.ops.clipping import clip_by_global_norm, global_norm
from ..engine.ops.control import with_dependencies
from ..engine.ops.random import truncated_normal
from ..engine.ops.summaries import histogram, scalar
from ..engine.scopes import GraphKeys, get_collection
from ..engine.tensor_types import IndexedSlices
from ..engine.training.adagrad import AdagradOptimizer
from ..engine.training.adam import AdamOptimizer
from ..engine.training.ftrl import FtrlOptimizer
from ..engine.training.global_step import assert_global_step, get_global_step
from ..engine.training.gradient_descent import GradientDescentOptimizer
from ..engine.training.momentum import MomentumOptimizer
from ..engine.training.optimizer import Optimizer
from ..engine.training.rmsprop import RMSPropOptimizer
from ..engine.variable_lists import trainable_variables
from ..engine.variable_scope import get_variable, variable_scope

Pairs = list[tuple[Any, Any]]

OPTIMIZER_CLS_NAMES: dict[str, Callable[..., Optimizer]] = {
    "Adagrad": AdagradOptimizer,
    "Adam": AdamOptimizer,
    "Ftrl": FtrlOptimizer,
    "Momentum": lambda learning_rate: MomentumOptimizer(learning_rate, momentum=0.9),
    "RMSProp": RMSPropOptimizer,
    "SGD": GradientDescentOptimizer,
}
OPTIMIZER_SUMMARIES = [
    "learning_rate",
    "loss",
    "gradients",
    "gradient_norm",
    "global_gradient_norm",
]


def optimize_loss(
    loss: Any,
    global_step: Any,
    learning_rate: Any,
    optimizer: Any,
    gradient_noise_scale: float | None = None,
    gradient_multipliers: Mapping[Any, Any] | None = None,
    clip_gradients: Any = None,
    learning_rate_decay_fn: Callable[[Any, Any], Any] | None = None,
    update_ops: Iterable[Any] | None = None,
    variables: Sequence[Any] | None = None,
    name: str | None = None,
    summaries: Sequence[str] | None = None,
    colocate_gradients_with_ops: bool = False,
    increment_global_step: bool = True,
) -> Tensor:
    """One step of training as a tensor: the loss, once the step is made.

    Args:
        loss: a scalar.
        global_step: raised by one each step; None takes that of the graph.
        learning_rate: a number, a scalar tensor, or None where `optimizer` has its own.
        optimizer: a name of OPTIMIZER_CLS_NAMES, an Optimizer class, an Optimizer, or a function of the learning rate
            (or, without one, of nothing) that gives an Optimizer.
        gradient_noise_scale: of the noise added to gradients.
        gradient_multipliers: numbers by variables or their names.
        clip_gradients: a number, the largest global norm; or a function of (gradient, variable) pairs that gives such.
        learning_rate_decay_fn: a function of learning rate and global step that gives the learning rate.
        update_ops: to run before; by default the collection UPDATE_OPS.
        variables: by default the trainable ones.
        name: of the variable scope, "OptimizeLoss" by default.
        summaries: some of OPTIMIZER_SUMMARIES; by default loss, learning_rate and global_gradient_norm.
        colocate_gradients_with_ops: accepted for TensorFlow's sake.
        increment_global_step: False leaves the global step as it is.

    Raises:
        ValueError: the loss is no scalar, the optimizer or a summary is not known, there is no learning rate or
            no global step where one is needed, or there is no gradient.
    """
    wanted = _checked(summaries)
    tensor = convert_to_tensor(loss)
    if tensor.sizes not in (None, ()):
        raise ValueError(f"optimize_loss needs a scalar loss, got shape {tensor.shape}")
    step = _step(global_step, learning_rate_decay_fn)
    with variable_scope(name, "OptimizeLoss"):
        updates = list(get_collection(GraphKeys.UPDATE_OPS) if update_ops is None else update_ops)
        tensor = with_dependencies(updates, tensor) if updates else tensor
        rate = _learning_rate(learning_rate, learning_rate_decay_fn, step, wanted)
        chosen = _optimizer(optimizer, rate)
        pairs = chosen.compute_gradients(
            tensor,
            list(variables) if variables is not None else trainable_variables(),
            colocate_gradients_with_ops=colocate_gradients_with_ops,
        )
        pairs = _changed(pairs, gradient_noise_scale, gradient_multipliers, clip_gradients, wanted)
        if "loss" in wanted:
            scalar("loss", tensor)
        _summarize(pairs, wanted, "" if clip_gradients is None else "clipped_")
        train = chosen.apply_gradients(pairs, global_step=step if increment_global_step else None, name="train")
        result: Tensor = with_dependencies([train], tensor)
        return result


def _checked(summaries: Sequence[str] | None) -> Sequence[str]:
    if summaries is None:
        return ["loss", "learning_rate", "global_gradient_norm"]
    for summary in summaries:
        if summary not in OPTIMIZER_SUMMARIES:
            raise ValueError(f"Summaries should be one of [{', '.join(OPTIMIZER_SUMMARIES)}], you provided {summary}.")
    return summaries


def _step(global_step: Any, decay: Any) -> Any:
    step = get_global_step() if global_step is None else global_step
    if step is not None:
        assert_global_step(step)
    elif decay is not None:
        raise ValueError("global_step is required for learning_rate_decay_fn.")
    return step


def _learning_rate(given: Any, decay: Any, step: Any, summaries: Sequence[str]) -> Any:
    if given is None:
        return None
    if isinstance(given, int | float):
        if given < 0.0:
            raise ValueError(f"Invalid learning_rate {given}.")
        rate = get_variable("learning_rate", [], trainable=False, initializer=constant_initializer(given))
    elif isinstance(given, Tensor) and given.sizes == ():
        rate = given
    else:
        raise ValueError(f"Learning rate should be 0d Tensor or float. Got {given!r} of type {type(given).__name__}")
    if decay is not None:
        rate = decay(rate, step)
    if "learning_rate" in summaries:
        scalar("learning_rate", rate)
    return rate


def _optimizer(optimizer: Any, rate: Any) -> Optimizer:
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZER_CLS_NAMES:
            known = ", ".join(OPTIMIZER_CLS_NAMES)
            raise ValueError(f"Optimizer name should be one of [{known}], you provided {optimizer}.")
        optimizer = OPTIMIZER_CLS_NAMES[optimizer]
    if isinstance(optimizer, Optimizer):
        return optimizer
    if (isinstance(optimizer, type) and issubclass(optimizer, Optimizer)) or optimizer in OPTIMIZER_CLS_NAMES.values():
        if rate is None:
            raise ValueError("Learning rate is None, but should be specified if optimizer is a name or a class.")
        return optimizer(learning_rate=rate)  # type: ignore[no-any-return]
    if not callable(optimizer):
        raise ValueError(
            f"Unrecognized optimizer: should be a name, a class, an Optimizer or a function, got {optimizer!r}"
        )
    made = optimizer() if rate is None else optimizer(rate)
    if not isinstance(made, Optimizer):
        raise ValueError(f"Unrecognized optimizer: function should return an Optimizer, got {made!r}.")
    return made


def _changed(pairs: Pairs, noise: Any, multipliers: Any, clip: Any, summaries: Sequence[str]) -> Pairs:
    if noise is not None:
        pairs = [(g if g is None else _noisy(g, noise), v) for g, v in pairs]
    if multipliers is not None:
        pairs = _multiplied(pairs, multipliers)
    if "global_gradient_norm" in summaries or "gradient_norm" in summaries:
        scalar("global_norm/gradient_norm", global_norm([g for g, _ in pairs if g is not None]))
    if clip is None:
        return pairs
    if callable(clip):
        return list(clip(pairs))
    clipped, _ = clip_by_global_norm([g for g, _ in pairs], clip)
    return list(zip(clipped, [v for _, v in pairs], strict=True))


def _noisy(gradient: Any, scale: Any) -> Tensor:
    values = convert_to_tensor(gradient)
    noisy: Tensor = values + truncated_normal(shape(values)) * scale
    return noisy


def _multiplied(pairs: Pairs, multipliers: Mapping[Any, Any]) -> Pairs:
    result = []
    for gradient, variable in pairs:
        factor = multipliers.get(variable, multipliers.get(variable.op.name, multipliers.get(variable.name)))
        if factor is not None:
            if gradient is None:
                raise ValueError(f"Variable {variable.name} has a gradient multiplier, but no gradient.")
            if isinstance(gradient, IndexedSlices):
                gradient = IndexedSlices(gradient.values * factor, gradient.indices, gradient.dense_shape)
            else:
                gradient = gradient * convert_to_tensor(factor, gradient.dtype.base_dtype)
        result.append((gradient, variable))
    return result


def _summarize(pairs: Pairs, summaries: Sequence[str], prefix: str) -> None:
    for gradient, variable in pairs:
        if gradient is None:
            continue
        values = gradient.values if isinstance(gradient, IndexedSlices) else gradient
        label = variable.name.replace(":", "_")
        if "gradients" in summaries:
            histogram(f"gradients/{label}", values)
        if "gradient_norm" in summaries:
            scalar(f"gradient_norm/{label}", global_norm([values]))
    if prefix and ("global_gradient_norm" in summaries or "gradient_norm" in summaries):
        scalar(f"global_norm/{prefix}gradient_norm", global_norm([g for g, _ in pairs if g is not None]))

"""Training operations out of a loss and an optimizer, as TensorFlow 1.15's `tf.contrib.training` and `slim.learning`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..engine.graph import Tensor, get_default_graph
from ..engine.ops.clipping import clip_by_norm, global_norm
from ..engine.ops.control import with_dependencies
from ..engine.ops.guards import check_numerics_op
from ..engine.ops.summaries import histogram, scalar
from ..engine.scopes import GraphKeys, get_collection
from ..engine.tensor_types import IndexedSlices
from ..engine.training.global_step import get_or_create_global_step
from ..engine.training.optimizer import Optimizer
from ..engine.variable_lists import trainable_variables

Pairs = list[tuple[Any, Any]]
# Stands for "the graph's global step", since None means none.
_GRAPH_STEP = 0


def clip_gradient_norms(gradients_to_variables: Pairs, max_norm: Any) -> Pairs:
    """The pairs with each gradient cut to a length of at most `max_norm`."""
    return [(None if g is None else clip_by_norm(g, max_norm), v) for g, v in gradients_to_variables]


def clip_gradient_norms_fn(max_norm: Any) -> Callable[[Pairs], Pairs]:
    """`clip_gradient_norms` for `transform_grads_fn`."""
    return lambda pairs: clip_gradient_norms(pairs, max_norm)


def multiply_gradients(grads_and_vars: Pairs, gradient_multipliers: Mapping[Any, Any]) -> Pairs:
    """The pairs with some gradients multiplied.

    Args:
        grads_and_vars: pairs.
        gradient_multipliers: numbers by variables or names of their operations.

    Raises:
        ValueError: there is no gradient for a variable that has a multiplier, or there are no multipliers.
    """
    if not gradient_multipliers:
        raise ValueError("gradient_multipliers is empty.")
    result = []
    for gradient, variable in grads_and_vars:
        factor = gradient_multipliers.get(variable, gradient_multipliers.get(variable.op.name))
        if factor is not None and gradient is None:
            raise ValueError(f"Requested multiple of `None` gradient: {variable.op.name}")
        if isinstance(gradient, IndexedSlices) and factor is not None:
            gradient = IndexedSlices(gradient.values * factor, gradient.indices, gradient.dense_shape)
        elif factor is not None:
            gradient = gradient * factor
        result.append((gradient, variable))
    return result


def add_gradients_summaries(grads_and_vars: Pairs) -> list[Tensor]:
    """A histogram and the norm of each gradient as summaries."""
    summaries = []
    for gradient, variable in grads_and_vars:
        if gradient is not None:
            values = gradient.values if isinstance(gradient, IndexedSlices) else gradient
            summaries.append(histogram(variable.op.name + "/gradient", values))
            summaries.append(scalar(variable.op.name + "/gradient_norm", global_norm([values])))
    return summaries


def create_train_op(
    total_loss: Tensor,
    optimizer: Optimizer,
    global_step: Any = _GRAPH_STEP,
    update_ops: Iterable[Any] | None = None,
    variables_to_train: Any = None,
    transform_grads_fn: Callable[[Pairs], Pairs] | None = None,
    summarize_gradients: bool = False,
    gate_gradients: int = Optimizer.GATE_OP,
    aggregation_method: int | None = None,
    colocate_gradients_with_ops: bool = False,
    check_numerics: bool = True,
) -> Tensor:
    """A tensor: the loss, once the updates and the optimizer's step are made; also in the collection TRAIN_OP.

    Args:
        total_loss: a scalar.
        optimizer: an Optimizer.
        global_step: raised by one each step; by default the graph's, None for none.
        update_ops: to run before; by default the collection UPDATE_OPS.
        variables_to_train: by default the trainable ones.
        transform_grads_fn: a function of (gradient, variable) pairs that gives such.
        summarize_gradients: whether to add summaries of the gradients.
        gate_gradients, aggregation_method, colocate_gradients_with_ops: as for `compute_gradients`.
        check_numerics: whether a loss that is infinite or no number is an InvalidArgumentError.
    """
    step = get_or_create_global_step() if global_step is _GRAPH_STEP else global_step
    updates = list(get_collection(GraphKeys.UPDATE_OPS) if update_ops is None else update_ops)
    graph = get_default_graph()
    with graph.name_scope("update_barrier"):
        loss = with_dependencies(updates, total_loss) if updates else total_loss
    pairs = optimizer.compute_gradients(
        loss,
        trainable_variables() if variables_to_train is None else list(variables_to_train),
        gate_gradients=gate_gradients,
        aggregation_method=aggregation_method,
        colocate_gradients_with_ops=colocate_gradients_with_ops,
    )
    if transform_grads_fn is not None:
        pairs = transform_grads_fn(pairs)
    if summarize_gradients:
        with graph.name_scope("summarize_grads"):
            add_gradients_summaries(pairs)
    applied = optimizer.apply_gradients(pairs, global_step=step)
    with graph.name_scope("train_op"):
        checked = check_numerics_op(loss, message="LossTensor is inf or nan") if check_numerics else loss
        train: Tensor = with_dependencies([applied], checked)
    if train not in graph.get_collection_ref(GraphKeys.TRAIN_OP):
        graph.add_to_collection(GraphKeys.TRAIN_OP, train)
    return train


def slim_create_train_op(
    total_loss: Tensor,
    optimizer: Optimizer,
    global_step: Any = _GRAPH_STEP,
    update_ops: Iterable[Any] | None = None,
    variables_to_train: Any = None,
    clip_gradient_norm: Any = 0,
    summarize_gradients: bool = False,
    gate_gradients: int = Optimizer.GATE_OP,
    aggregation_method: int | None = None,
    colocate_gradients_with_ops: bool = False,
    gradient_multipliers: Mapping[Any, Any] | None = None,
    check_numerics: bool = True,
) -> Tensor:
    """`create_train_op` as slim.learning has it.

    Args:
        clip_gradient_norm: the largest length of a gradient; 0 for no bound.
        gradient_multipliers: see `multiply_gradients`.
    """

    def transform(pairs: Pairs) -> Pairs:
        pairs = multiply_gradients(pairs, gradient_multipliers) if gradient_multipliers else pairs
        return clip_gradient_norms(pairs, clip_gradient_norm) if clip_gradient_norm else pairs

    return create_train_op(
        total_loss, optimizer, global_step, update_ops, variables_to_train, transform, summarize_gradients,
        gate_gradients, aggregation_method, colocate_gradients_with_ops, check_numerics,
    )  # fmt: skip

"""Operations that compute nothing: NoOp, ControlTrigger, and what orders others by control dependencies."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import nest
from ..graph import Operation, Sizes, Tensor, get_default_graph
from ..inference import InferenceContext, no_outputs
from ..registry import op
from ..samples import Sample
from ..scopes import name_scope
from ..tensor_types import IndexedSlices
from .array import identity
from .grouping import group_operations


@op("NoOp", shape=no_outputs, foldable=False)
def no_op_op(*, name: str | None = None) -> Operation:
    """Nothing; a place for control dependencies."""


@op("ControlTrigger", shape=no_outputs, foldable=False)
def control_trigger_op(*, name: str | None = None) -> Operation:
    """Nothing; runs even if what it waits for is dead."""


@no_op_op.kernel
@control_trigger_op.kernel
def no_op_kernel(xp: Any) -> Any:
    return []


@op("IdentityN", "input: T", "output: T", lists=("T",))
def identity_n_op(input: Any, *, name: str | None = None) -> list[Tensor]:
    """The same values; each is there only once all are."""


@identity_n_op.shape
def identity_n_shape(context: InferenceContext) -> list[Sizes]:
    return [*context.sizes]


@identity_n_op.kernel
def identity_n_kernel(xp: Any, values: Any) -> Any:
    return [*values]


@identity_n_op.gradient
def identity_n_gradient(op: Operation, *dys: Any) -> list[Any]:
    return [*dys]


@identity_n_op.samples
def identity_n_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample(([rng.normal(size=(2, 3)), rng.normal(size=())],)), Sample(([np.int32(3)],))]


def identity_n(input: Any, name: str | None = None) -> list[Tensor]:
    """The tensors of a list with the same values; each is there only once all are."""
    return identity_n_op([*input], name=name)


def no_op(name: str | None = None) -> Operation:
    """An operation that does nothing; useful with control dependencies."""
    return no_op_op(name=name)


def control_trigger(name: str | None = None) -> Operation:
    """An operation that does nothing and runs even if what it waits for is dead."""
    return control_trigger_op(name=name)


def group(*inputs: Any, **kwargs: Any) -> Operation:
    """An operation that is done when all `inputs` are; it has no output. As TensorFlow 1.15's `tf.group`.

    Args:
        *inputs: tensors, operations or variables, also nested.
        **kwargs: `name` alone.

    Raises:
        TypeError: an input is something else.
        ValueError: another keyword is given.
    """
    name = kwargs.pop("name", None)
    if kwargs:
        raise ValueError("Unknown keyword arguments: " + ", ".join(kwargs))
    flat = nest.flatten(inputs, expand_composites=True)
    for item in flat:
        if not hasattr(item, "device"):
            raise TypeError(f"Expected tf.Tensor, tf.Operation or variable, but got {item!r} of {type(item).__name__}")
    return group_operations(flat, name)


def tuple(tensors: Any, name: str | None = None, control_inputs: Any = None) -> list[Any]:
    """The tensors as a list, each of which is there only once all of them are; None entries stay.

    Raises:
        ValueError: there is no tensor among them.
    """
    with name_scope(name, "tuple"):
        gates = [t if isinstance(t, Operation) else t.op for t in tensors if t is not None]
        gates += list(control_inputs or [])
        if not gates:
            raise ValueError(f"Must have at least one Tensor: {tensors}")
        gate = group(*gates)
        return [None if t is None else with_dependencies([gate], t) for t in tensors]


def with_dependencies(dependencies: Any, output_tensor: Any, name: str | None = None) -> Any:
    """`output_tensor`, once `dependencies` (operations, tensors) have run."""
    with name_scope(name, "control_dependency"), get_default_graph().control_dependencies(dependencies):
        if isinstance(output_tensor, Operation):
            return group(output_tensor)
        if isinstance(output_tensor, IndexedSlices):
            parts = [identity(part) for part in nest.composite_parts(output_tensor)]
            return nest.composite_like(output_tensor, parts)
        result: Tensor = identity(output_tensor)
        return result

"""Structured control flow as ops: If and While, whose attributes hold the graphs of their branches and bodies.

What builds them is in cond.py and while_loop.py, their gradients in engine/control_gradients.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import DType
from ..errors import InvalidArgumentError
from ..graph import Graph, Operation, Sizes, Tensor
from ..inference import InferenceContext
from ..list_value import ListValue
from ..registry import op
from ..resources import VariableStorage
from ..shapes import TensorShape

_NOTHING = np.zeros(0)


@op("If", "cond: Tcond, input: Tin", "output: Tout", stateful=True, lists=("Tin",))
def if_op(
    cond: Any,
    input: Any,
    *,
    Tout: list[DType],
    then_branch: Graph,
    else_branch: Graph,
    output_shapes: list[TensorShape] | None = None,
    name: str | None = None,
) -> list[Tensor]:
    """The outputs of one of two functions of `input`; the other one does not run."""


@if_op.state
def if_state(context: Any, cond: Any, inputs: Any, *, Tout: Any, then_branch: Any, else_branch: Any, **_: Any) -> Any:
    return context.runtime.call(then_branch if truth(cond) else else_branch, inputs, len(Tout))


def truth(value: Any) -> bool:
    """What a predicate's value says: numbers are true unless zero, strings unless empty."""
    array = np.asarray(value)
    if array.ndim:
        raise InvalidArgumentError(None, None, f"The predicate must be a scalar, got shape {list(array.shape)}")
    return bool(array[()])


def _declared_shapes(context: InferenceContext, count: int) -> list[Sizes]:
    shapes = context["output_shapes"] or []
    return [s.sizes for s in shapes] if len(shapes) == count else [None] * count


@if_op.shape
def if_shape(context: InferenceContext) -> list[Sizes]:
    return _declared_shapes(context, len(context["Tout"]))


@if_op.gradient
def if_gradient(op: Operation, *dys: Any) -> list[Any]:
    from ..control_gradients import if_gradient as build  # differentiation stands above the ops

    return build(op, *dys)


@op("While", "input: T", "output: T", stateful=True, lists=("T",))
def while_op(
    input: Any,
    *,
    cond: Graph,
    body: Graph,
    output_shapes: list[TensorShape] | None = None,
    parallel_iterations: int = 10,
    name: str | None = None,
) -> list[Tensor]:
    """The values after calling `body` on `input`, and on what it gives, as long as `cond` of them is true.

    Inputs that the body hands on unchanged are captures: they cost nothing.
    """


@while_op.state
def while_state(context: Any, inputs: Any, *, cond: Any, body: Any, **_: Any) -> Any:
    call, values, count = context.runtime.call, list(inputs), len(inputs)
    cancellation = context.cancellation
    while truth(call(cond, values, 1)[0]):
        cancellation.check(f"The loop {context.name!r}")
        values = call(body, values, count)
    # Nobody reads the outputs for what is captured, and a variable is no array.
    return [_NOTHING if isinstance(value, VariableStorage) else value for value in values]


@while_op.shape
def while_shape(context: InferenceContext) -> list[Sizes]:
    return _declared_shapes(context, len(context.sizes))


@while_op.gradient
def while_gradient(op: Operation, *dys: Any) -> list[Any]:
    from ..control_gradients import while_gradient as build  # differentiation stands above the ops

    return build(op, *dys)


@op("PartitionedCall", "args: Tin", "output: Tout", stateful=True, lists=("Tin",))
def partitioned_call_op(
    args: Any,
    *,
    Tout: list[DType],
    f: Graph,
    config: str = "",
    config_proto: str = "",
    executor_type: str = "",
    output_shapes: list[TensorShape] | None = None,
    name: str | None = None,
) -> list[Tensor]:
    """The outputs of a function of `args`."""


@op("StatefulPartitionedCall", "args: Tin", "output: Tout", stateful=True, lists=("Tin",))
def stateful_partitioned_call_op(
    args: Any,
    *,
    Tout: list[DType],
    f: Graph,
    config: str = "",
    config_proto: str = "",
    executor_type: str = "",
    output_shapes: list[TensorShape] | None = None,
    name: str | None = None,
) -> list[Tensor]:
    """The outputs of a function of `args` that may read and write state."""


@partitioned_call_op.shape
@stateful_partitioned_call_op.shape
def partitioned_call_shape(context: InferenceContext) -> list[Sizes]:
    return _declared_shapes(context, len(context["Tout"]))


@partitioned_call_op.state
@stateful_partitioned_call_op.state
def partitioned_call_state(context: Any, args: Any, *, Tout: Any, f: Any, **_: Any) -> Any:
    return context.runtime.call(f, args, len(Tout))


@partitioned_call_op.gradient
@stateful_partitioned_call_op.gradient
def partitioned_call_gradient(op: Operation, *dys: Any) -> list[Any]:
    from ..control_gradients import call_gradient as build  # differentiation stands above the ops

    return build(op, *dys)


@op("FakeParam", outputs="output: dtype", foldable=False)
def fake_param_op(*, dtype: DType, shape: TensorShape | None = None, name: str | None = None) -> Tensor:
    """What a branch gives for an output that only the other branch has: nothing that may be used."""


@fake_param_op.kernel
def fake_param_kernel(xp: Any, *, dtype: DType, shape: Any) -> Any:
    # A loop around the branches may keep it among the lists that are used.
    return ListValue(dtype.numpy, None) if dtype.name == "variant" else np.zeros((0,), dtype.numpy)


@fake_param_op.shape
def fake_param_shape(context: InferenceContext) -> list[Sizes]:
    # Whatever shape is declared, the value has none: it must not take that memory.
    return [None]

"""Variables as ops: making, reading and assigning them, by reference (TensorFlow 1) and as resources.

The `Variable` class and `get_variable` are in engine/variables.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import INDEX, NUMERIC, DType, int32
from ..errors import InvalidArgumentError, NotFoundError, OutOfRangeError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, from_shape_attr, like_first, scalar_shape
from ..registry import op
from ..samples import Failure, Sample
from ..shapes import TensorShape, merge_sizes


@op("VariableV2", outputs="ref: Ref(dtype)", shape=from_shape_attr, stateful=True)
def variable_op(
    *, shape: TensorShape, dtype: DType, container: str = "", shared_name: str = "", name: str | None = None
) -> Tensor:
    """A variable of the task's store, by reference; it has no value until assigned."""


@op("VarHandleOp", outputs="resource: resource", shape=scalar_shape, stateful=True)
def var_handle_op(
    *, shape: TensorShape, dtype: DType, container: str = "", shared_name: str = "", name: str | None = None
) -> Tensor:
    """The handle of a variable of the task's store."""


@op("ReadVariableOp", "resource: resource", "value: dtype", stateful=True)
def read_variable_op(resource: Any, *, dtype: DType, name: str | None = None) -> Tensor:
    """The value of a variable at this point of the order of operations."""


@read_variable_op.gradient
def read_variable_gradient(op: Operation, dy: Tensor) -> list[Any]:
    return [dy]


@op("IsVariableInitialized", "ref: Ref(dtype)", "is_initialized: bool", shape=scalar_shape, stateful=True)
def is_variable_initialized_op(ref: Any, *, name: str | None = None) -> Tensor:
    """Whether a variable has a value."""


@op("VarIsInitializedOp", "resource: resource", "is_initialized: bool", shape=scalar_shape, stateful=True)
def var_is_initialized_op(resource: Any, *, name: str | None = None) -> Tensor:
    """Whether a variable has a value."""


@op("DisableCopyOnRead", "resource: resource", stateful=True)
def disable_copy_on_read_op(resource: Any, *, name: str | None = None) -> Operation:
    """Nothing to do: reads of variables copy only where a later write of the same step asks for it."""


@disable_copy_on_read_op.state
def disable_copy_on_read_state(context: Any, storage: Any) -> Any:
    return ()


@is_variable_initialized_op.state
@var_is_initialized_op.state
def is_initialized_state(context: Any, storage: Any) -> Any:
    return np.array(storage.initialized)


def _assigned_shape(context: InferenceContext) -> list[Sizes]:
    if context.attrs.get("validate_shape", True):
        return [merge_sizes(context.sizes[0], context.sizes[1])]
    return [context.sizes[1]]


@op("Assign", "ref: Ref(T), value: T", "output_ref: Ref(T)", shape=_assigned_shape, stateful=True)
def assign_op(
    ref: Any, value: Any, *, validate_shape: bool = True, use_locking: bool = True, name: str | None = None
) -> Tensor:
    """Writes `value` to a variable; with `validate_shape` its shape must be the variable's."""


@op("AssignVariableOp", "resource: resource, value: dtype", stateful=True)
def assign_variable_op(resource: Any, value: Any, *, name: str | None = None) -> Operation:
    """Writes `value` to a variable."""


@assign_op.update("ref")
@assign_variable_op.update("resource")
def assign_update(xp: Any, variable: Any, value: Any, **_: Any) -> None:
    xp.copyto(variable, value)


@op("AssignAdd", "ref: Ref(T), value: T", "output_ref: Ref(T)", shape=_assigned_shape, stateful=True, T=NUMERIC)
def assign_add_op(ref: Any, value: Any, *, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Adds `value` to a variable."""


@op("AssignAddVariableOp", "resource: resource, value: dtype", stateful=True, dtype=NUMERIC)
def assign_add_variable_op(resource: Any, value: Any, *, name: str | None = None) -> Operation:
    """Adds `value` to a variable."""


@assign_add_op.update("ref")
@assign_add_variable_op.update("resource")
def assign_add_update(xp: Any, variable: Any, value: Any, **_: Any) -> None:
    xp.add(variable, _fitting(variable, value), variable)


def _fitting(variable: Any, value: Any) -> Any:
    # The handle of a resource does not tell shapes while the graph is built, and NumPy would repeat the value.
    if value.shape != variable.shape:
        shapes = f"{list(variable.shape)} and {list(value.shape)}"
        raise InvalidArgumentError(None, None, f"The variable and the value have different shapes: {shapes}")
    return value


@op("AssignSub", "ref: Ref(T), value: T", "output_ref: Ref(T)", shape=_assigned_shape, stateful=True, T=NUMERIC)
def assign_sub_op(ref: Any, value: Any, *, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Subtracts `value` from a variable."""


@op("AssignSubVariableOp", "resource: resource, value: dtype", stateful=True, dtype=NUMERIC)
def assign_sub_variable_op(resource: Any, value: Any, *, name: str | None = None) -> Operation:
    """Subtracts `value` from a variable."""


@assign_sub_op.update("ref")
@assign_sub_variable_op.update("resource")
def assign_sub_update(xp: Any, variable: Any, value: Any, **_: Any) -> None:
    xp.subtract(variable, _fitting(variable, value), variable)


@op("Variable", outputs="ref: Ref(dtype)", shape=from_shape_attr, stateful=True)
def variable_v1_op(
    *, shape: TensorShape, dtype: DType, container: str = "", shared_name: str = "", name: str | None = None
) -> Tensor:
    """A variable as graphs of TensorFlow's first releases hold it."""


@op("VariableShape", "input: resource", "output: out_type", shape=lambda context: [(None,)], stateful=True)
def variable_shape_op(input: Any, *, out_type: DType = int32, name: str | None = None) -> Tensor:
    """The shape of a variable as a vector."""


@variable_shape_op.state
def variable_shape_state(context: Any, storage: Any, *, out_type: DType) -> Any:
    return np.array(storage.read().shape, out_type.numpy)


@op("DestroyResourceOp", "resource: resource", stateful=True)
def destroy_resource_op(resource: Any, *, ignore_lookup_error: bool = True, name: str | None = None) -> Operation:
    """Takes the value of a variable away."""


@destroy_resource_op.state
def destroy_resource_state(context: Any, storage: Any, *, ignore_lookup_error: bool) -> None:
    if not ignore_lookup_error and not storage.initialized:
        raise NotFoundError(None, None, f"The resource {storage.name} does not exist.")
    _forget(context, storage)


def _forget(context: Any, storage: Any) -> None:
    storage.initialized = False
    # Programs that found the variable initialised look again.
    with context.resources.lock:
        context.resources.generation += 1


@op("CountUpTo", "ref: Ref(T)", "output: T", stateful=True, T=INDEX)
def count_up_to_op(ref: Any, *, limit: int, name: str | None = None) -> Tensor:
    """The value of a scalar variable before it is raised by one; OutOfRangeError once it is `limit`."""


@op("ResourceCountUpTo", "resource: resource", "output: T", stateful=True, T=INDEX)
def resource_count_up_to_op(resource: Any, *, limit: int, T: DType, name: str | None = None) -> Tensor:
    """The value of a scalar variable before it is raised by one; OutOfRangeError once it is `limit`."""


@count_up_to_op.shape
@resource_count_up_to_op.shape
def count_up_to_shape(context: InferenceContext) -> list[Sizes]:
    merge_sizes(context.sizes[0], ())
    return [()]


@count_up_to_op.state
@resource_count_up_to_op.state
def count_up_to_state(context: Any, storage: Any, *, limit: int, **_: Any) -> Any:
    array = storage.value()
    if array >= limit:
        raise OutOfRangeError(None, None, f"Reached limit of {limit}")
    before = array.copy()
    array += 1
    return before


@op("TemporaryVariable", outputs="ref: Ref(dtype)", shape=from_shape_attr, stateful=True)
def temporary_variable_op(*, shape: TensorShape, dtype: DType, var_name: str = "", name: str | None = None) -> Tensor:
    """A variable that lives until DestroyTemporaryVariable reads it."""


@op("DestroyTemporaryVariable", "ref: Ref(T)", "value: T", shape=like_first, stateful=True)
def destroy_temporary_variable_op(ref: Any, *, var_name: str, name: str | None = None) -> Tensor:
    """The last value of a temporary variable, which is gone after that."""


@destroy_temporary_variable_op.state
def destroy_temporary_variable_state(context: Any, storage: Any, *, var_name: str) -> Any:
    value = storage.read().copy()
    _forget(context, storage)
    return value


def assignment_samples(rng: np.random.Generator) -> list[Sample]:
    """A variable and a value of its shape."""
    return [Sample((rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))), Sample((np.float64(1), np.float64(2)))]


def counter_samples(rng: np.random.Generator) -> list[Sample]:
    """A scalar variable below a limit."""
    return [Sample((np.array(3, np.int32),), {"limit": 5})]


def counter_failing(rng: np.random.Generator) -> list[Failure]:
    """A scalar variable at its limit."""
    return [Failure((np.array(5, np.int32),), OutOfRangeError, "5", {"limit": 5}, at_run=True)]


for _definition in (
    assign_op, assign_variable_op, assign_add_op, assign_add_variable_op, assign_sub_op, assign_sub_variable_op,
):  # fmt: skip
    _definition.samples(assignment_samples)
for _question in (is_variable_initialized_op, var_is_initialized_op, variable_shape_op):
    _question.samples(lambda rng: [Sample((rng.normal(size=(2, 0)),))])
count_up_to_op.samples(counter_samples)
count_up_to_op.failing(counter_failing)
resource_count_up_to_op.samples(lambda rng: [Sample((np.array(3, np.int32),), {"limit": 5, "T": int32})])

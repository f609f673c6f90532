"""Accumulator ops, and the classes over them: ConditionalAccumulator and SparseConditionalAccumulator."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import NUMERIC, DType, as_dtype, int32, int64
from ..graph import Operation, Tensor, get_default_graph
from ..inference import InferenceContext, no_outputs, scalar_shape
from ..queues.accumulator import Accumulator, SparseAccumulator
from ..registry import op
from ..scopes import name_scope
from ..shapes import Sizes, TensorShape
from ..tensor_types import IndexedSlices

# The handles are objects in string tensors, whose types in TensorFlow are references.
_MAKES: dict[str, Any] = {"outputs": "handle: Ref(string)", "shape": scalar_shape, "stateful": True}


@op("ConditionalAccumulator", **_MAKES)
def conditional_accumulator_op(
    *,
    dtype: DType,
    shape: TensorShape,
    container: str = "",
    shared_name: str = "",
    reduction_type: str = "MEAN",
    name: str | None = None,
) -> Tensor:
    """The handle of an accumulator of dense gradients."""


@op("SparseConditionalAccumulator", **_MAKES)
def sparse_conditional_accumulator_op(
    *,
    dtype: DType,
    shape: TensorShape,
    container: str = "",
    shared_name: str = "",
    reduction_type: str = "MEAN",
    name: str | None = None,
) -> Tensor:
    """The handle of an accumulator of sparse gradients."""


@conditional_accumulator_op.state
def conditional_accumulator_state(context: Any, **attrs: Any) -> Any:
    return _shared(context, Accumulator, attrs)


@sparse_conditional_accumulator_op.state
def sparse_conditional_accumulator_state(context: Any, **attrs: Any) -> Any:
    return _shared(context, SparseAccumulator, attrs)


def _shared(context: Any, kind: type[Accumulator], attrs: dict[str, Any]) -> Any:
    name = attrs["shared_name"] or context.name
    return context.resources.object(
        attrs["container"] or "",
        name,
        lambda: kind(name, attrs["dtype"], attrs["shape"].sizes, attrs["reduction_type"] or "MEAN"),
    )


@op("AccumulatorApplyGradient", "handle: string, local_step: int64, gradient: dtype", shape=no_outputs, stateful=True,
    dtype=NUMERIC)  # fmt: skip
def apply_gradient_op(handle: Any, local_step: Any, gradient: Any, *, name: str | None = None) -> Operation:
    """Adds a gradient, unless its step is too old."""


@apply_gradient_op.state
def apply_gradient_state(context: Any, accumulator: Any, local_step: Any, gradient: Any) -> None:
    accumulator.apply(int(local_step), gradient)


@op(
    "SparseAccumulatorApplyGradient",
    "handle: string, local_step: int64, gradient_indices: int64, gradient_values: dtype, gradient_shape: int64",
    shape=no_outputs,
    stateful=True,
    dtype=NUMERIC,
)
def sparse_apply_gradient_op(
    handle: Any,
    local_step: Any,
    gradient_indices: Any,
    gradient_values: Any,
    gradient_shape: Any,
    *,
    has_known_shape: bool,
    name: str | None = None,
) -> Operation:
    """Adds rows of a gradient, unless its step is too old."""


@sparse_apply_gradient_op.state
def sparse_apply_gradient_state(
    context: Any, accumulator: Any, local_step: Any, indices: Any, values: Any, shape: Any, *, has_known_shape: bool
) -> None:
    known = shape if has_known_shape else np.empty(0, np.int64)
    accumulator.apply(int(local_step), (indices, values, known))


@op("AccumulatorTakeGradient", "handle: string, num_required: int32", "average: dtype", stateful=True, blocking=True)
def take_gradient_op(handle: Any, num_required: Any, *, dtype: DType, name: str | None = None) -> Tensor:
    """The mean of the gradients, once there are enough."""


@take_gradient_op.shape
def take_gradient_shape(context: InferenceContext) -> list[Sizes]:
    return [None]


@take_gradient_op.state
def take_gradient_state(context: Any, accumulator: Any, number: Any, *, dtype: DType) -> Any:
    return accumulator.take(int(number), context.cancellation)


@op("SparseAccumulatorTakeGradient", "handle: string, num_required: int32",
    "indices: int64, values: dtype, shape: int64", stateful=True, blocking=True)  # fmt: skip
def sparse_take_gradient_op(
    handle: Any, num_required: Any, *, dtype: DType, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The mean of the rows, once there are enough gradients."""


@sparse_take_gradient_op.shape
def sparse_take_gradient_shape(context: InferenceContext) -> list[Sizes]:
    return [(None,), None, (None,)]


@sparse_take_gradient_op.state
def sparse_take_gradient_state(context: Any, accumulator: Any, number: Any, *, dtype: DType) -> Any:
    return accumulator.take(int(number), context.cancellation)


@op("AccumulatorNumAccumulated", "handle: string", "num_accumulated: int32", shape=scalar_shape, stateful=True)
def num_accumulated_op(handle: Any, *, name: str | None = None) -> Tensor:
    """How many gradients were added since the last was taken."""


@num_accumulated_op.state
def num_accumulated_state(context: Any, accumulator: Any) -> Any:
    return np.array(accumulator.count, np.int32)


@op("AccumulatorSetGlobalStep", "handle: string, new_global_step: int64", shape=no_outputs, stateful=True)
def set_global_step_op(handle: Any, new_global_step: Any, *, name: str | None = None) -> Operation:
    """Sets the step that gradients may not be older than."""


@set_global_step_op.state
def set_global_step_state(context: Any, accumulator: Any, step: Any) -> None:
    accumulator.set_global_step(int(step))


class ConditionalAccumulatorBase:
    """What both kinds of accumulators share."""

    def __init__(self, dtype: Any, shape: Any, accumulator_ref: Tensor) -> None:
        self._dtype = as_dtype(dtype)
        self._shape = TensorShape(None if shape is None else shape)
        self._accumulator_ref = accumulator_ref
        self._name = accumulator_ref.op.name.split("/")[-1]

    @property
    def accumulator_ref(self) -> Tensor:
        """The handle."""
        return self._accumulator_ref

    @property
    def name(self) -> str:
        """The name of the operation that makes the accumulator, without scopes."""
        return self._name

    @property
    def dtype(self) -> DType:
        """The dtype of the gradients."""
        return self._dtype

    def num_accumulated(self, name: str | None = None) -> Tensor:
        """How many gradients were added since the last was taken, int32."""
        return num_accumulated_op(self._accumulator_ref, name=name or f"{self._name}_NumAccumulated")

    def set_global_step(self, new_global_step: Any, name: str | None = None) -> Operation:
        """An operation that sets the step that gradients may not be older than."""
        step = convert_to_tensor(new_global_step, int64)
        return set_global_step_op(self._accumulator_ref, step, name=name or f"{self._name}_SetGlobalStep")


class ConditionalAccumulator(ConditionalAccumulatorBase):
    """Averages dense gradients that are not too old, as tf.ConditionalAccumulator of TF 1.15.

    Args:
        dtype: of the gradients.
        shape: of them, as far as known.
        shared_name: accumulators with equal ones are one.
        name: of the operation.
        reduction_type: "MEAN" or "SUM".
    """

    def __init__(
        self,
        dtype: Any,
        shape: Any = None,
        shared_name: str | None = None,
        name: str = "conditional_accumulator",
        reduction_type: str = "MEAN",
    ) -> None:
        ref = conditional_accumulator_op(
            dtype=as_dtype(dtype),
            shape=TensorShape(shape),
            container=get_default_graph().current_container,
            shared_name=shared_name or "",
            reduction_type=reduction_type,
            name=name,
        )
        super().__init__(dtype, shape, ref)

    def apply_grad(self, grad: Any, local_step: Any = 0, name: str | None = None) -> Operation:
        """An operation that adds a gradient; it does nothing if `local_step` is before the accumulator's step."""
        gradient = convert_to_tensor(grad, self._dtype)
        gradient.shape.assert_is_compatible_with(self._shape)
        return apply_gradient_op(self._accumulator_ref, convert_to_tensor(local_step, int64), gradient, name=name)

    def take_grad(self, num_required: Any, name: str | None = None) -> Tensor:
        """The average, once `num_required` gradients were added; waits for them."""
        number = convert_to_tensor(num_required, int32)
        result = take_gradient_op(self._accumulator_ref, number, dtype=self._dtype, name=name)
        result.set_shape(self._shape)
        return result


class SparseConditionalAccumulator(ConditionalAccumulatorBase):
    """Averages IndexedSlices that are not too old, row by row, as tf.SparseConditionalAccumulator of TF 1.15."""

    def __init__(
        self,
        dtype: Any,
        shape: Any = None,
        shared_name: str | None = None,
        name: str = "sparse_conditional_accumulator",
        reduction_type: str = "MEAN",
    ) -> None:
        ref = sparse_conditional_accumulator_op(
            dtype=as_dtype(dtype),
            shape=TensorShape(shape),
            container=get_default_graph().current_container,
            shared_name=shared_name or "",
            reduction_type=reduction_type,
            name=name,
        )
        super().__init__(dtype, shape, ref)

    def apply_indexed_slices_grad(self, grad: IndexedSlices, local_step: Any = 0, name: str | None = None) -> Operation:
        """An operation that adds an IndexedSlices."""
        return self.apply_grad(grad.indices, grad.values, grad.dense_shape, local_step, name)

    def apply_grad(
        self, grad_indices: Any, grad_values: Any, grad_shape: Any = None, local_step: Any = 0, name: str | None = None
    ) -> Operation:
        """An operation that adds rows `grad_values` at `grad_indices`."""
        with name_scope(name, f"{self._name}_apply_grad", [grad_values]):
            known = grad_shape is not None
            return sparse_apply_gradient_op(
                self._accumulator_ref,
                convert_to_tensor(local_step, int64),
                convert_to_tensor(grad_indices, int64),
                convert_to_tensor(grad_values, self._dtype),
                convert_to_tensor(grad_shape if known else np.empty(0, np.int64), int64),
                has_known_shape=known,
            )

    def take_grad(self, num_required: Any, name: str | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Indices, values and shape of the average, once `num_required` gradients were added."""
        number = convert_to_tensor(num_required, int32)
        return sparse_take_gradient_op(self._accumulator_ref, number, dtype=self._dtype, name=name)

    def take_indexed_slices_grad(self, num_required: Any, name: str | None = None) -> IndexedSlices:
        """The average as IndexedSlices."""
        indices, values, shape = self.take_grad(num_required, name)
        return IndexedSlices(values, indices, shape)

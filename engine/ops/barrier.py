"""Barrier ops. The class over them is in engine/barrier.py, barriers themselves in engine/queues/barrier.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import DType
from ..errors import InvalidArgumentError
from ..graph import Operation, Tensor
from ..inference import InferenceContext, no_outputs, scalar_shape
from ..queues.barrier import Barrier
from ..registry import op
from ..shapes import Sizes, TensorShape


# The handle is an object in a string tensor, whose type in TensorFlow is a reference.
@op("Barrier", outputs="handle: Ref(string)", shape=scalar_shape, stateful=True)
def barrier_op(
    *,
    component_types: list[DType],
    shapes: list[TensorShape] | None = None,
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
    name: str | None = None,
) -> Tensor:
    """The handle of a barrier."""


@barrier_op.state
def barrier_state(
    context: Any, *, component_types: Any, shapes: Any, capacity: int, container: str, shared_name: str
) -> Any:
    if capacity not in (-1, None):
        text = f"Barrier only accepts capacity=-1, got {capacity}. Feed it through a queue to enforce a limit."
        raise InvalidArgumentError(None, None, text)
    name, sizes = shared_name or context.name, [TensorShape(s).sizes for s in shapes or []]
    if sizes and len(sizes) != len(component_types):
        text = f"All of the component shapes must be specified: {len(component_types)} types, {len(sizes)} shapes"
        raise InvalidArgumentError(None, None, text)
    barrier: Barrier = context.resources.object(container or "", name, lambda: Barrier(name, component_types, sizes))
    if shared_name:
        barrier.check_same(component_types, sizes)
    return barrier


@op("BarrierInsertMany", "handle: string, keys: string, values: T", shape=no_outputs, stateful=True)
def barrier_insert_many_op(
    handle: Any, keys: Any, values: Any, *, component_index: int, name: str | None = None
) -> Operation:
    """Gives the elements `keys` one of their components, a row of `values` each."""


@barrier_insert_many_op.state
def barrier_insert_many_state(context: Any, barrier: Any, keys: Any, values: Any, *, component_index: int) -> None:
    barrier.insert_many(keys, values, component_index)


@op(
    "BarrierTakeMany",
    "handle: string, num_elements: int32",
    "indices: int64, keys: string, values: component_types",
    stateful=True,
    blocking=True,
)
def barrier_take_many_op(
    handle: Any,
    num_elements: Any,
    *,
    component_types: list[DType],
    allow_small_batch: bool = False,
    wait_for_incomplete: bool = False,
    timeout_ms: int = -1,
    name: str | None = None,
) -> Any:
    """Takes complete elements; waits until there are enough. `wait_for_incomplete` changes nothing, as in TF 1.15."""


@barrier_take_many_op.shape
def barrier_take_many_shape(context: InferenceContext) -> list[Sizes]:
    return [(None,), (None,)] + [None] * len(context["component_types"])


@barrier_take_many_op.state
def barrier_take_many_state(
    context: Any, barrier: Any, number: Any, *, component_types: Any, allow_small_batch: bool, timeout_ms: int, **_: Any
) -> Any:
    if timeout_ms not in (-1, None):
        raise InvalidArgumentError(None, None, "Timeout not supported yet.")
    if list(component_types) != barrier.dtypes:
        text = f"The barrier has components {barrier.dtypes}, not {list(component_types)}"
        raise InvalidArgumentError(None, None, text)
    return barrier.take_many(int(number), allow_small_batch, context.cancellation)


@op("BarrierClose", "handle: string", shape=no_outputs, stateful=True)
def barrier_close_op(handle: Any, *, cancel_pending_enqueues: bool = False, name: str | None = None) -> Operation:
    """Lets no new keys in."""


@barrier_close_op.state
def barrier_close_state(context: Any, barrier: Any, *, cancel_pending_enqueues: bool) -> None:
    barrier.close(cancel_pending_enqueues)


@op("BarrierReadySize", "handle: string", "size: int32", shape=scalar_shape, stateful=True)
def barrier_ready_size_op(handle: Any, *, name: str | None = None) -> Tensor:
    """How many elements are complete."""


@barrier_ready_size_op.state
def barrier_ready_size_state(context: Any, barrier: Any) -> Any:
    return np.array(barrier.ready_size(), np.int32)


@op("BarrierIncompleteSize", "handle: string", "size: int32", shape=scalar_shape, stateful=True)
def barrier_incomplete_size_op(handle: Any, *, name: str | None = None) -> Tensor:
    """How many elements wait for components."""


@barrier_incomplete_size_op.state
def barrier_incomplete_size_state(context: Any, barrier: Any) -> Any:
    return np.array(barrier.incomplete_size(), np.int32)

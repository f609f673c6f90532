"""Queue ops: making queues in the task's store, and reading, writing and closing them by handle.

The classes over them are in engine/data_flow.py, the queues themselves in engine/queues.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import DType, int64
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, no_outputs, scalar_shape
from ..queues.queue import QUEUES, Queue, RandomShuffleQueue
from ..registry import op
from ..shapes import TensorShape

_MAKES: dict[str, Any] = {"outputs": "handle: resource", "shape": scalar_shape, "stateful": True}


@op("FIFOQueueV2", **_MAKES)
def fifo_queue_op(
    *,
    component_types: list[DType],
    shapes: list[TensorShape] | None = None,
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
    name: str | None = None,
) -> Tensor:
    """The handle of a first-in first-out queue."""


@op("PaddingFIFOQueueV2", **_MAKES)
def padding_fifo_queue_op(
    *,
    component_types: list[DType],
    shapes: list[TensorShape] | None = None,
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
    name: str | None = None,
) -> Tensor:
    """The handle of a queue that pads its batches."""


@op("RandomShuffleQueueV2", **_MAKES)
def random_shuffle_queue_op(
    *,
    component_types: list[DType],
    shapes: list[TensorShape] | None = None,
    capacity: int = -1,
    min_after_dequeue: int = 0,
    seed: int = 0,
    seed2: int = 0,
    container: str = "",
    shared_name: str = "",
    name: str | None = None,
) -> Tensor:
    """The handle of a queue that shuffles."""


@op("PriorityQueueV2", **_MAKES)
def priority_queue_op(
    *,
    component_types: list[DType] | None = None,
    shapes: list[TensorShape],
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
    name: str | None = None,
) -> Tensor:
    """The handle of a queue that gives elements by priority, an int64 before the other components."""


@fifo_queue_op.state
def fifo_queue_state(context: Any, **attrs: Any) -> Any:
    return _shared(context, "FIFOQueue", attrs["component_types"], _sizes(attrs), attrs)


@padding_fifo_queue_op.state
def padding_fifo_queue_state(context: Any, **attrs: Any) -> Any:
    return _shared(context, "PaddingFIFOQueue", attrs["component_types"], _sizes(attrs), attrs)


@random_shuffle_queue_op.state
def random_shuffle_queue_state(context: Any, **attrs: Any) -> Any:
    return _shared(context, "RandomShuffleQueue", attrs["component_types"], _sizes(attrs), attrs)


@priority_queue_op.state
def priority_queue_state(context: Any, **attrs: Any) -> Any:
    types = [int64, *(attrs["component_types"] or [])]
    return _shared(context, "PriorityQueue", types, [(), *_sizes(attrs)], attrs)


def _sizes(attrs: dict[str, Any]) -> list[Sizes]:
    return [TensorShape(s).sizes for s in attrs["shapes"] or []]


def _shared(context: Any, kind: str, types: list[DType], sizes: list[Sizes], attrs: dict[str, Any]) -> Queue:
    if sizes and len(sizes) != len(types):
        raise InvalidArgumentError(None, None, f"The queue has {len(types)} components, but {len(sizes)} shapes")
    name, capacity = attrs["shared_name"] or context.name, attrs["capacity"]

    def make() -> Queue:
        if kind == "RandomShuffleQueue":
            seeds = (attrs["seed"] or 0, attrs["seed2"] or 0)
            return RandomShuffleQueue(name, types, sizes, capacity, attrs["min_after_dequeue"] or 0, seeds)
        return QUEUES[kind](name, types, sizes, capacity)

    queue: Queue = context.resources.object(attrs["container"] or "", name, make)
    if attrs["shared_name"]:
        queue.check_same(kind, types, sizes, capacity)
    return queue


@op(
    "QueueEnqueueV2",
    "handle: resource, components: Tcomponents",
    shape=no_outputs,
    stateful=True,
    blocking=True,
    lists=("Tcomponents",),
)
def queue_enqueue_op(handle: Any, components: Any, *, timeout_ms: int = -1, name: str | None = None) -> Operation:
    """Appends one element, a list of components; waits while the queue is full."""


@queue_enqueue_op.state
def queue_enqueue_state(context: Any, queue: Any, components: Any, **_: Any) -> None:
    queue.enqueue(components, context.cancellation)


@op(
    "QueueEnqueueManyV2",
    "handle: resource, components: Tcomponents",
    shape=no_outputs,
    stateful=True,
    blocking=True,
    lists=("Tcomponents",),
)
def queue_enqueue_many_op(handle: Any, components: Any, *, timeout_ms: int = -1, name: str | None = None) -> Operation:
    """Appends one element a row of the components."""


@queue_enqueue_many_op.state
def queue_enqueue_many_state(context: Any, queue: Any, components: Any, **_: Any) -> None:
    queue.enqueue_many(components, context.cancellation)


@op("QueueDequeueV2", "handle: resource", "components: component_types", stateful=True, blocking=True)
def queue_dequeue_op(
    handle: Any, *, component_types: list[DType], timeout_ms: int = -1, name: str | None = None
) -> list[Tensor]:
    """Takes one element off; waits while there is none. OutOfRangeError once the queue is closed and empty."""


@queue_dequeue_op.state
def queue_dequeue_state(context: Any, queue: Any, **_: Any) -> Any:
    return queue.dequeue(context.cancellation)


@op("QueueDequeueManyV2", "handle: resource, n: int32", "components: component_types", stateful=True, blocking=True)
def queue_dequeue_many_op(
    handle: Any, n: Any, *, component_types: list[DType], timeout_ms: int = -1, name: str | None = None
) -> list[Tensor]:
    """Takes `n` elements off and stacks them."""


@queue_dequeue_many_op.state
def queue_dequeue_many_state(context: Any, queue: Any, n: Any, **_: Any) -> Any:
    return queue.dequeue_many(int(n), context.cancellation)


@op("QueueDequeueUpToV2", "handle: resource, n: int32", "components: component_types", stateful=True, blocking=True)
def queue_dequeue_up_to_op(
    handle: Any, n: Any, *, component_types: list[DType], timeout_ms: int = -1, name: str | None = None
) -> list[Tensor]:
    """Takes `n` elements off, or what is left once the queue is closed."""


@queue_dequeue_up_to_op.state
def queue_dequeue_up_to_state(context: Any, queue: Any, n: Any, **_: Any) -> Any:
    return queue.dequeue_up_to(int(n), context.cancellation)


@queue_dequeue_op.shape
@queue_dequeue_many_op.shape
@queue_dequeue_up_to_op.shape
def dequeue_shape(context: InferenceContext) -> list[Sizes]:
    return [None] * len(context["component_types"])


@op("QueueCloseV2", "handle: resource", shape=no_outputs, stateful=True, blocking=True)
def queue_close_op(handle: Any, *, cancel_pending_enqueues: bool = False, name: str | None = None) -> Operation:
    """Lets no more elements in."""


@queue_close_op.state
def queue_close_state(context: Any, queue: Any, *, cancel_pending_enqueues: bool) -> None:
    queue.close(cancel_pending_enqueues, context.cancellation)


@op("QueueSizeV2", "handle: resource", "size: int32", shape=scalar_shape, stateful=True)
def queue_size_op(handle: Any, *, name: str | None = None) -> Tensor:
    """How many elements a queue holds."""


@queue_size_op.state
def queue_size_state(context: Any, queue: Any) -> Any:
    return np.array(queue.size(), np.int32)


@op("QueueIsClosedV2", "handle: resource", "is_closed: bool", shape=scalar_shape, stateful=True)
def queue_is_closed_op(handle: Any, *, name: str | None = None) -> Tensor:
    """Whether a queue was closed."""


@queue_is_closed_op.state
def queue_is_closed_state(context: Any, queue: Any) -> Any:
    return np.array(queue.closed)


@op("_SelectHandle", "index: int32, inputs: N * resource", "output: resource", shape=scalar_shape, stateful=True)
def select_handle_op(index: Any, inputs: Any, *, name: str | None = None) -> Tensor:
    """The handle `inputs[index]`."""


@select_handle_op.state
def select_handle_state(context: Any, index: Any, inputs: Any) -> Any:
    if not 0 <= int(index) < len(inputs):
        raise InvalidArgumentError(None, None, f"Index must be in the range [0, {len(inputs)}) but got {int(index)}")
    return inputs[int(index)]

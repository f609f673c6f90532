"""Queues as TensorFlow 1.15's Python classes: FIFOQueue, PaddingFIFOQueue, RandomShuffleQueue, PriorityQueue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .conversion import convert_to_tensor
from .dtypes import DType, as_dtype, int64
from .graph import Operation, Tensor, get_default_graph
from .kernels.op_seeds import seeds
from .ops import queues as queue_ops
from .scopes import name_scope
from .shapes import TensorShape
from .static import constant_value


def as_type_list(dtypes: Any) -> list[DType]:
    """One dtype or a list of them as a list."""
    return [as_dtype(d) for d in (dtypes if isinstance(dtypes, list | tuple) else [dtypes])]


def as_shape_list(
    shapes: Any, count: int, unknown_dim_allowed: bool = False, unknown_rank_allowed: bool = False
) -> list[TensorShape]:
    """Shapes for `count` components, checked to be as fully defined as asked; unknown ones where `shapes` is None."""
    if shapes is None:
        return [TensorShape(None)] * count
    if isinstance(shapes, TensorShape):
        shapes = [shapes]
    if not isinstance(shapes, list | tuple):
        raise TypeError("shapes must be a TensorShape or a list of TensorShapes.")
    if all(s is None or isinstance(s, int) for s in shapes):
        shapes = [shapes]
    result = [TensorShape(s) for s in shapes]
    if not unknown_dim_allowed and any(not s.is_fully_defined() for s in result):
        raise ValueError(f"All shapes must be fully defined: {result}")
    if not unknown_rank_allowed and any(s.rank is None for s in result):
        raise ValueError(f"All shapes must have a defined rank: {result}")
    return result


def as_name_list(names: Any, dtypes: Sequence[DType]) -> list[str] | None:
    """Names of components as a list, or None; ValueError unless there is one a dtype."""
    if names is None:
        return None
    result = list(names) if isinstance(names, list | tuple) else [names]
    if len(result) != len(dtypes):
        raise ValueError(
            f"List of names must have the same length as the list of dtypes, received len(names)={len(result)}, "
            f"len(dtypes)={len(dtypes)}"
        )
    return result


class QueueBase:
    """What all queues share: as tf.QueueBase of TF 1.15.

    Elements are tuples of tensors. A queue with one component takes and gives the tensor itself, a queue with
    `names` takes and gives dictionaries.
    """

    def __init__(self, dtypes: Any, shapes: Any, names: Any, queue_ref: Tensor) -> None:
        self._dtypes = list(dtypes)
        if shapes is not None and len(shapes) != len(self._dtypes):
            raise ValueError(f"Queue shapes must have the same length as dtypes: {len(shapes)} and {len(self._dtypes)}")
        self._shapes = [TensorShape(None)] * len(self._dtypes) if shapes is None else [TensorShape(s) for s in shapes]
        if names is not None and len(names) != len(self._dtypes):
            raise ValueError(f"Queue names must have the same length as dtypes: {len(names)} and {len(self._dtypes)}")
        self._names = None if not names else list(names)
        self._queue_ref = queue_ref
        self._name = queue_ref.op.name.split("/")[-1]

    @staticmethod
    def from_list(index: Any, queues: Sequence[QueueBase]) -> QueueBase:
        """The queue `queues[index]`, where `index` is a tensor; the queues must have equal dtypes and names."""
        if not queues or not isinstance(queues, list) or not all(isinstance(q, QueueBase) for q in queues):
            raise TypeError("A list of queues expected")
        first = queues[0]
        if any(q.dtypes != first.dtypes for q in queues):
            raise TypeError("Queues do not have matching component dtypes.")
        if any(q.names != first.names for q in queues):
            raise TypeError("Queues do not have matching component names.")
        handle = queue_ops.select_handle_op(index, [q.queue_ref for q in queues], name="RefSelect")
        shapes = [_common_shape(parts) for parts in zip(*(q.shapes for q in queues), strict=True)]
        return QueueBase(first.dtypes, shapes, first.names, handle)

    @property
    def queue_ref(self) -> Tensor:
        """The handle."""
        return self._queue_ref

    @property
    def name(self) -> str:
        """The name of the operation that makes the queue."""
        return self._queue_ref.op.name

    @property
    def dtypes(self) -> list[DType]:
        """The dtypes of the components."""
        return self._dtypes

    @property
    def shapes(self) -> list[TensorShape]:
        """The shapes of the components, as far as known."""
        return self._shapes

    @property
    def names(self) -> list[str] | None:
        """The names of the components, or None."""
        return self._names

    # Writing

    def enqueue(self, vals: Any, name: str | None = None) -> Operation:
        """An operation that appends one element; it waits while the queue is full.

        Raises (when run):
            CancelledError: the queue was closed with `cancel_pending_enqueues`, or the session was closed.
        """
        parts = self._parts(vals)
        with name_scope(name, f"{self._name}_enqueue", parts) as scope:
            tensors = self._converted(parts)
            for tensor, shape in zip(tensors, self._shapes, strict=True):
                tensor.shape.assert_is_compatible_with(shape)
            return queue_ops.queue_enqueue_op(self._queue_ref, tensors, name=scope)

    def enqueue_many(self, vals: Any, name: str | None = None) -> Operation:
        """An operation that appends one element a row; all components must have equally many rows."""
        parts = self._parts(vals)
        with name_scope(name, f"{self._name}_EnqueueMany", parts) as scope:
            tensors = self._converted(parts)
            rows = TensorShape([None])
            for tensor, shape in zip(tensors, self._shapes, strict=True):
                tensor.shape.with_rank_at_least(1)
                rows = rows.merge_with(tensor.shape[:1])
                tensor.shape[1:].assert_is_compatible_with(shape)
            return queue_ops.queue_enqueue_many_op(self._queue_ref, tensors, name=scope)

    def _parts(self, vals: Any) -> list[Any]:
        if isinstance(vals, dict):
            if not self._names:
                raise ValueError("Queue must have names to enqueue a dictionary")
            if sorted(self._names, key=str) != sorted(vals, key=str):
                raise ValueError(
                    f"Keys in dictionary to enqueue do not match names of Queue.  Dictionary: {sorted(vals)}, "
                    f"Queue: {sorted(self._names)}"
                )
            return [vals[k] for k in self._names]
        if self._names:
            raise ValueError("You must enqueue a dictionary in a Queue with names")
        return list(vals) if isinstance(vals, list | tuple) else [vals]

    def _converted(self, parts: list[Any]) -> list[Tensor]:
        if len(parts) != len(self._dtypes):
            raise ValueError(f"Expected {len(self._dtypes)} components to enqueue, got {len(parts)}")
        return [
            convert_to_tensor(part, dtype, name=f"component_{i}")
            for i, (part, dtype) in enumerate(zip(parts, self._dtypes, strict=True))
        ]

    # Reading

    def dequeue(self, name: str | None = None) -> Any:
        """The next element; waits while there is none.

        Raises (when run):
            OutOfRangeError: the queue is closed and empty.
        """
        op = _op_of(queue_ops.queue_dequeue_op)([self._queue_ref], name or f"{self._name}_Dequeue", self._dtypes)
        return self._returned(op, None)

    def dequeue_many(self, n: Any, name: str | None = None) -> Any:
        """The next `n` elements as a batch; the components must have known shapes."""
        make = _op_of(queue_ops.queue_dequeue_many_op)
        op = make([self._queue_ref, n], name or f"{self._name}_DequeueMany", self._dtypes)
        return self._returned(op, [_static_number(op.inputs[1])])

    def dequeue_up_to(self, n: Any, name: str | None = None) -> Any:
        """The next `n` elements, or fewer than `n` once the queue is closed."""
        make = _op_of(queue_ops.queue_dequeue_up_to_op)
        op = make([self._queue_ref, n], name or f"{self._name}_DequeueUpTo", self._dtypes)
        return self._returned(op, [None])

    def _returned(self, op: Operation, batch: list[int | None] | None) -> Any:
        for tensor, shape in zip(op.outputs, self._shapes, strict=True):
            tensor.set_shape(shape if batch is None else TensorShape(batch).concatenate(shape))
        if self._names:
            return dict(zip(self._names, op.outputs, strict=True))
        return op.outputs[0] if len(op.outputs) == 1 else list(op.outputs)

    # State

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Operation:
        """An operation that lets no more elements in; elements that are there can still be taken."""
        return queue_ops.queue_close_op(
            self._queue_ref, cancel_pending_enqueues=cancel_pending_enqueues, name=name or f"{self._name}_Close"
        )

    def is_closed(self, name: str | None = None) -> Tensor:
        """Whether the queue was closed."""
        return queue_ops.queue_is_closed_op(self._queue_ref, name=name or f"{self._name}_Is_Closed")

    def size(self, name: str | None = None) -> Tensor:
        """How many elements there are, int32."""
        return queue_ops.queue_size_op(self._queue_ref, name=name or f"{self._name}_Size")


def _op_of(definition: Any) -> Callable[[list[Any], str, list[DType]], Operation]:
    return lambda values, name, types: definition.make(values, {"component_types": types}, name)


def _static_number(tensor: Tensor) -> int | None:
    value = constant_value(tensor)
    return None if value is None else int(value)


def _common_shape(shapes: Sequence[TensorShape]) -> TensorShape:
    result = shapes[0]
    for shape in shapes[1:]:
        result = result.most_specific_compatible_shape(shape)
    return result


class FIFOQueue(QueueBase):
    """A queue that gives elements in the order in which they came, as tf.FIFOQueue of TF 1.15.

    Args:
        capacity: how many elements fit.
        dtypes: of the components, one or a list.
        shapes: of the components, fully defined; None: any (then batches cannot be dequeued).
        names: of the components; then elements are dictionaries.
        shared_name: queues with equal ones in one session's state are one queue.
        name: of the operation.

    Example:
        >>> import headrace as tf
        >>> with tf.Graph().as_default(), tf.Session() as sess:
        ...     queue = tf.FIFOQueue(3, tf.int32, shapes=())
        ...     sess.run(queue.enqueue_many([[1, 2, 3]]))
        ...     print(sess.run(queue.dequeue_many(2)))
        [1 2]
    """

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "fifo_queue",
    ) -> None:
        types = as_type_list(dtypes)
        known = None if shapes is None else as_shape_list(shapes, len(types))
        ref = queue_ops.fifo_queue_op(
            component_types=types,
            shapes=known or [],
            capacity=capacity,
            container=get_default_graph().current_container,
            shared_name=shared_name or "",
            name=name,
        )
        super().__init__(types, known, as_name_list(names, types), ref)


class PaddingFIFOQueue(QueueBase):
    """A FIFOQueue whose components may have unknown sizes; batches are padded with zeros, as TF 1.15's."""

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "padding_fifo_queue",
    ) -> None:
        types = as_type_list(dtypes)
        known = as_shape_list(shapes, len(types), unknown_dim_allowed=True)
        if len(known) != len(types):
            raise ValueError(
                f"Shapes must be provided for all components, but received {len(types)} dtypes and {len(known)} shapes."
            )
        ref = queue_ops.padding_fifo_queue_op(
            component_types=types,
            shapes=known,
            capacity=capacity,
            container=get_default_graph().current_container,
            shared_name=shared_name or "",
            name=name,
        )
        super().__init__(types, known, as_name_list(names, types), ref)


class RandomShuffleQueue(QueueBase):
    """A queue that gives its elements in random order, as tf.RandomShuffleQueue of TF 1.15.

    Args:
        capacity: how many elements fit.
        min_after_dequeue: so many are kept back for mixing while the queue is open.
        dtypes: as for FIFOQueue, like the arguments that follow.
        shapes: of the components.
        names: of the components.
        seed: of the order.
        shared_name: queues with equal ones are one queue.
        name: of the operation.
    """

    def __init__(
        self,
        capacity: int,
        min_after_dequeue: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        seed: int | None = None,
        shared_name: str | None = None,
        name: str = "random_shuffle_queue",
    ) -> None:
        if min_after_dequeue < 0 or 0 < capacity <= min_after_dequeue:
            raise ValueError(
                f"min_after_dequeue must be in [0, capacity), or nothing is ever given out: got {min_after_dequeue} and a "
                f"capacity of {capacity}"
            )
        types = as_type_list(dtypes)
        known = None if shapes is None else as_shape_list(shapes, len(types))
        graph = get_default_graph()
        seed1, seed2 = seeds(graph.seed, seed, graph.version)
        ref = queue_ops.random_shuffle_queue_op(
            component_types=types,
            shapes=known or [],
            capacity=capacity,
            min_after_dequeue=min_after_dequeue,
            seed=seed1 or 0,
            seed2=seed2 or 0,
            container=get_default_graph().current_container,
            shared_name=shared_name or "",
            name=name,
        )
        super().__init__(types, known, as_name_list(names, types), ref)


class PriorityQueue(QueueBase):
    """A queue that gives the element of smallest priority first, as tf.PriorityQueue of TF 1.15.

    Elements are `(priority, *components)` with an int64 scalar as priority.
    """

    def __init__(
        self,
        capacity: int,
        types: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "priority_queue",
    ) -> None:
        own = as_type_list(types)
        known = as_shape_list(shapes, len(own)) if shapes is not None else [TensorShape([])] * len(own)
        ref = queue_ops.priority_queue_op(
            component_types=own,
            shapes=known,
            capacity=capacity,
            container=get_default_graph().current_container,
            shared_name=shared_name or "",
            name=name,
        )
        super().__init__([int64, *own], [TensorShape([]), *known], as_name_list(names, [int64, *own]), ref)

"""tf.Barrier: elements whose components arrive one by one, as TensorFlow 1.15's Python class."""

from __future__ import annotations

from typing import Any, NamedTuple

from .conversion import convert_to_tensor
from .data_flow import as_shape_list, as_type_list
from .dtypes import int32, string
from .graph import Operation, Tensor, get_default_graph
from .ops import barrier as barrier_ops
from .shapes import TensorShape
from .static import constant_value


class Taken(NamedTuple):
    """What `Barrier.take_many` gives: batch numbers from -2**63 on, keys, and a list of stacked components."""

    indices: Tensor
    keys: Tensor
    values: list[Tensor]


class Barrier:
    """Elements whose components arrive under keys, taken in batches once complete, as tf.Barrier of TF 1.15.

    Args:
        types: dtypes of the components, one or a list.
        shapes: of the components, fully defined and not empty; None: any.
        shared_name: barriers with equal ones in one session's state are one.
        name: of the operation.

    Example:
        >>> import headrace as tf
        >>> with tf.Graph().as_default(), tf.Session() as sess:
        ...     barrier = tf.Barrier((tf.int32, tf.float32), shapes=((), ()))
        ...     sess.run(barrier.insert_many(0, ["a", "b"], [1, 2]))
        ...     sess.run(barrier.insert_many(1, ["b"], [0.5]))
        ...     print(sess.run(barrier.take_many(1).values))
        [array([2], dtype=int32), array([0.5], dtype=float32)]
    """

    def __init__(self, types: Any, shapes: Any = None, shared_name: str | None = None, name: str = "barrier") -> None:
        self._types = as_type_list(types)
        known = None if shapes is None else as_shape_list(shapes, len(self._types))
        for i, shape in enumerate(known or []):
            if shape.num_elements() == 0:
                raise ValueError(f"Empty tensors are not supported, but received shape '{shape}' at index {i}")
        self._shapes = known if known is not None else [TensorShape(None)] * len(self._types)
        self._barrier_ref = barrier_ops.barrier_op(
            component_types=self._types,
            shapes=known or [],
            container=get_default_graph().current_container,
            shared_name=shared_name or "",
            name=name,
        )
        self._name = self._barrier_ref.op.name.split("/")[-1]

    @property
    def barrier_ref(self) -> Tensor:
        """The handle."""
        return self._barrier_ref

    @property
    def name(self) -> str:
        """The name of the operation that makes the barrier."""
        return self._barrier_ref.op.name

    def insert_many(self, component_index: int, keys: Any, values: Any, name: str | None = None) -> Operation:
        """An operation that gives each of `keys` a row of `values` as its component `component_index`.

        Raises (when run):
            InvalidArgumentError: a key has this component already, or shapes do not fit. Nothing is inserted then.
            CancelledError: the barrier is closed and a key is new.
        """
        return barrier_ops.barrier_insert_many_op(
            self._barrier_ref,
            convert_to_tensor(keys, string),
            self._component(component_index, values),
            component_index=component_index,
            name=name or f"{self._name}_BarrierInsertMany",
        )

    def _component(self, index: int, values: Any) -> Tensor:
        # A number beyond the components is refused when the step runs, as in TensorFlow.
        dtype = self._types[index] if 0 <= index < len(self._types) and not isinstance(values, Tensor) else None
        return convert_to_tensor(values, dtype)

    def take_many(
        self, num_elements: Any, allow_small_batch: bool = False, timeout: int | None = None, name: str | None = None
    ) -> Taken:
        """Takes `num_elements` complete elements, in the order in which their keys came; waits for them.

        Args:
            num_elements: how many, an int32 scalar.
            allow_small_batch: once the barrier is closed, take what is complete.
            timeout: must be None: TensorFlow 1.15 knows no other either.
            name: of the operation.

        Raises (when run):
            OutOfRangeError: the barrier is closed and will never have so many.
        """
        attrs = {"component_types": self._types, "allow_small_batch": allow_small_batch}
        attrs["timeout_ms"] = -1 if timeout is None else timeout
        number = convert_to_tensor(num_elements, int32)
        definition: Any = barrier_ops.barrier_take_many_op
        made = definition.make([self._barrier_ref, number], attrs, name or f"{self._name}_BarrierTakeMany")
        known = None if allow_small_batch else constant_value(number)
        batch = [None if known is None else int(known)]
        shapes = [TensorShape([]), TensorShape([]), *self._shapes]
        for tensor, shape in zip(made.outputs, shapes, strict=True):
            tensor.set_shape(TensorShape(batch).concatenate(shape))
        return Taken(made.outputs[0], made.outputs[1], list(made.outputs[2:]))

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Operation:
        """An operation that lets no new keys in; elements that wait for components may still get them.

        With `cancel_pending_enqueues` all insertions fail from then on, and incomplete elements are forgotten.
        """
        return barrier_ops.barrier_close_op(
            self._barrier_ref,
            cancel_pending_enqueues=cancel_pending_enqueues,
            name=name or f"{self._name}_BarrierClose",
        )

    def ready_size(self, name: str | None = None) -> Tensor:
        """How many elements are complete, int32."""
        return barrier_ops.barrier_ready_size_op(self._barrier_ref, name=name or f"{self._name}_BarrierReadySize")

    def incomplete_size(self, name: str | None = None) -> Tensor:
        """How many elements wait for components, int32."""
        return barrier_ops.barrier_incomplete_size_op(
            self._barrier_ref, name=name or f"{self._name}_BarrierIncompleteSize"
        )

"""tf.contrib.staging.StagingArea: tensors that one step leaves for a later one."""

from __future__ import annotations

from typing import Any

from .conversion import convert_to_tensor
from .data_flow import as_name_list, as_shape_list, as_type_list
from .dtypes import DType, int32
from .graph import Operation, Tensor, get_default_graph
from .ops import staging as staging_ops
from .scopes import name_scope
from .shapes import TensorShape


class StagingArea:
    """A short queue between steps, on one task, as TensorFlow 1.15's tf.contrib.staging.StagingArea.

    Args:
        dtypes: of the components.
        shapes: of the components; unknown if None.
        names: of the components; then `put` takes and `get` gives dictionaries.
        shared_name: areas with equal ones in one session's state are one area.
        capacity: how many tuples fit; any number if 0.
        memory_limit: how many bytes they may take; any number if 0.

    Example:
        >>> import headrace as tf
        >>> with tf.Graph().as_default(), tf.Session() as sess:
        ...     area = tf.contrib.staging.StagingArea([tf.float32])
        ...     sess.run(area.put([tf.constant(2.0)]))
        ...     print(sess.run(area.get()[0]))
        2.0
    """

    def __init__(
        self,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: str | None = None,
        capacity: int = 0,
        memory_limit: int = 0,
    ) -> None:
        self._dtypes = as_type_list(dtypes)
        if shapes is not None and len(shapes) != len(self._dtypes):
            raise ValueError("StagingArea shapes must be the same length as dtypes")
        count = len(self._dtypes)
        self._shapes = as_shape_list(shapes, count, unknown_dim_allowed=True, unknown_rank_allowed=True)
        self._names = as_name_list(names, self._dtypes)
        if capacity < 0 or memory_limit < 0:
            raise ValueError(f"capacity and memory_limit must be >= 0, got {capacity} and {memory_limit}")
        graph = get_default_graph()
        self._capacity, self._memory_limit = capacity, memory_limit
        self._name = shared_name or graph.unique_name("StagingArea", mark_as_used=True)
        self._options: dict[str, Any] = {
            "capacity": capacity,
            "memory_limit": memory_limit,
            "container": graph.current_container,
            "shared_name": self._name,
        }

    @property
    def name(self) -> str:
        """The name by which ops find the area."""
        return self._name

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

    @property
    def capacity(self) -> int:
        """How many tuples fit; 0: any number."""
        return self._capacity

    @property
    def memory_limit(self) -> int:
        """How many bytes the tuples may take; 0: any number."""
        return self._memory_limit

    def put(self, values: Any, name: str | None = None) -> Operation:
        """An operation that appends a tuple (a list, or a dictionary where there are names); waits while full.

        Raises:
            ValueError: the values do not fit the components.
        """
        with name_scope(name, f"{self._name}_put") as scope:
            parts = self._parts(values)
            tensors = [convert_to_tensor(v, d) for v, d in zip(parts, self._dtypes, strict=True)]
            for tensor, shape in zip(tensors, self._shapes, strict=True):
                tensor.shape.assert_is_compatible_with(shape)
            return staging_ops.stage_op(tensors, name=scope, **self._options)

    def _parts(self, values: Any) -> list[Any]:
        if isinstance(values, dict):
            if not self._names:
                raise ValueError("Staging areas must have names to enqueue a dictionary")
            if set(values) != set(self._names):
                raise ValueError(f"The keys {sorted(values)} are not the names of the area, {sorted(self._names)}")
            return [values[k] for k in self._names]
        if self._names:
            raise ValueError("You must put a dictionary in a staging area with names")
        parts = list(values) if isinstance(values, list | tuple) else [values]
        if len(parts) != len(self._dtypes):
            raise ValueError(f"Unexpected number of inputs: {len(parts)}, expected {len(self._dtypes)}")
        return parts

    def get(self, name: str | None = None) -> Any:
        """The oldest tuple, a list or a dictionary; waits while there is none."""
        definition: Any = staging_ops.unstage_op
        made = definition.make([], {**self._options, "dtypes": self._dtypes}, name or f"{self._name}_get")
        return self._returned(made.outputs)

    def peek(self, index: Any, name: str | None = None) -> Any:
        """The tuple at place `index`, which stays; waits while there is none."""
        definition: Any = staging_ops.stage_peek_op
        attrs = {**self._options, "dtypes": self._dtypes}
        made = definition.make([convert_to_tensor(index, int32)], attrs, name or f"{self._name}_peek")
        return self._returned(made.outputs)

    def _returned(self, tensors: list[Tensor]) -> Any:
        for tensor, shape in zip(tensors, self._shapes, strict=True):
            tensor.set_shape(shape)
        return dict(zip(self._names, tensors, strict=True)) if self._names else list(tensors)

    def size(self, name: str | None = None) -> Tensor:
        """How many tuples there are, int32."""
        return staging_ops.stage_size_op(dtypes=self._dtypes, name=name or f"{self._name}_size", **self._options)

    def clear(self, name: str | None = None) -> Operation:
        """An operation that forgets all tuples."""
        return staging_ops.stage_clear_op(dtypes=self._dtypes, name=name or f"{self._name}_clear", **self._options)

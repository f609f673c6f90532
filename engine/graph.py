"""The dataflow graph: Operations and Tensors in an append-only Graph.

Holds no values except those of constants. Scopes, devices and collections are kept by graph_state.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .dtypes import DType
from .graph_state import GraphState
from .shapes import ShapeLike, TensorShape, merge_sizes
from .source import SourceLine, user_line

Sizes = tuple[int | None, ...] | None

# Filled by ops/operators.py: what `a + b` and the like build.
OPERATORS: dict[str, Callable[..., Tensor]] = {}


class Tensor:
    """One output of an operation: a symbolic value with a static dtype and a partly known shape.

    Behaves as TensorFlow 1.15's `tf.Tensor`: arithmetic builds operations, `==` compares identity.
    """

    __slots__ = ("__weakref__", "_consumers", "_dtype", "_op", "_sizes", "_value_index")
    # NumPy must leave `array + tensor` to us.
    __array_priority__ = 100

    def __init__(self, op: Operation, value_index: int, dtype: DType, sizes: Sizes) -> None:
        self._op = op
        self._value_index = value_index
        self._dtype = dtype
        self._sizes = sizes
        self._consumers: list[Operation] = []

    @property
    def op(self) -> Operation:
        """The operation that produces this tensor."""
        return self._op

    @property
    def value_index(self) -> int:
        """Which output of `op` this is."""
        return self._value_index

    @property
    def dtype(self) -> DType:
        """The element type; a reference type for outputs that can be assigned to."""
        return self._dtype

    @property
    def sizes(self) -> Sizes:
        """The static shape as a tuple with None for unknown sizes; None for an unknown rank."""
        return self._sizes

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        return TensorShape(self._sizes)

    def get_shape(self) -> TensorShape:
        """The static shape, as TensorFlow 1 spells it."""
        return self.shape

    def set_shape(self, shape: ShapeLike) -> None:
        """Narrows the static shape; raises ValueError if `shape` contradicts what is known."""
        sizes = TensorShape(shape).sizes
        try:
            self._sizes = merge_sizes(self._sizes, sizes)
        except ValueError as error:
            raise ValueError(f"Tensor {self.name!r}: {error}") from None

    @property
    def name(self) -> str:
        """`operation:index`, as fetches and feeds spell it."""
        return f"{self._op.name}:{self._value_index}"

    @property
    def graph(self) -> Graph:
        """The graph that holds this tensor."""
        return self._op.graph

    @property
    def device(self) -> str:
        """The device string of the producing operation."""
        return self._op.device

    def consumers(self) -> list[Operation]:
        """The operations that take this tensor as an input."""
        return list(self._consumers)

    def eval(self, feed_dict: dict[Any, Any] | None = None, session: Any = None) -> Any:
        """The tensor's value in `session` or the default session."""
        return session_for(session, "evaluate tensor", self.graph).run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<tf.Tensor {self.name!r} shape={self.shape} dtype={self._dtype.name}>"

    def __str__(self) -> str:
        shape = f", shape={self.shape}" if self._sizes is not None else ""
        return f'Tensor("{self.name}"{shape}, dtype={self._dtype.name})'

    # Identity, as object's own: caches are keyed by tensors, and C code hashes faster.
    __hash__ = object.__hash__
    __eq__ = object.__eq__

    def __bool__(self) -> bool:
        raise TypeError(
            f"Using a tensor ({self.name}) as a Python `bool` is not allowed: it has no value while the graph is "
            "built. Use tf.cond, tf.where or tf.logical_and, or `tensor is not None` to test for a tensor."
        )

    def __iter__(self) -> Iterator[Tensor]:
        if not self._sizes or self._sizes[0] is None:
            raise TypeError(
                f"Tensor {self.name!r} of shape {self.shape} cannot be iterated over: its first size is not known"
            )
        return (self[i] for i in range(self._sizes[0]))

    def __len__(self) -> int:
        raise TypeError(f"len is not well defined for the symbolic tensor {self.name!r}; use tf.size or its shape")

    def __array__(self, *_: object, **__: object) -> Any:
        raise NotImplementedError(
            f"Cannot convert a symbolic tensor ({self.name}) to a NumPy array: run it in a session"
        )

    def __add__(self, other: object) -> Tensor:
        return OPERATORS["add"](self, other)

    def __radd__(self, other: object) -> Tensor:
        return OPERATORS["add"](other, self)

    def __sub__(self, other: object) -> Tensor:
        return OPERATORS["sub"](self, other)

    def __rsub__(self, other: object) -> Tensor:
        return OPERATORS["sub"](other, self)

    def __mul__(self, other: object) -> Tensor:
        return OPERATORS["mul"](self, other)

    def __rmul__(self, other: object) -> Tensor:
        return OPERATORS["mul"](other, self)

    def __truediv__(self, other: object) -> Tensor:
        return OPERATORS["truediv"](self, other)

    def __rtruediv__(self, other: object) -> Tensor:
        return OPERATORS["truediv"](other, self)

    def __floordiv__(self, other: object) -> Tensor:
        return OPERATORS["floordiv"](self, other)

    def __rfloordiv__(self, other: object) -> Tensor:
        return OPERATORS["floordiv"](other, self)

    def __mod__(self, other: object) -> Tensor:
        return OPERATORS["mod"](self, other)

    def __rmod__(self, other: object) -> Tensor:
        return OPERATORS["mod"](other, self)

    def __pow__(self, other: object) -> Tensor:
        return OPERATORS["pow"](self, other)

    def __rpow__(self, other: object) -> Tensor:
        return OPERATORS["pow"](other, self)

    def __matmul__(self, other: object) -> Tensor:
        return OPERATORS["matmul"](self, other)

    def __rmatmul__(self, other: object) -> Tensor:
        return OPERATORS["matmul"](other, self)

    def __neg__(self) -> Tensor:
        return OPERATORS["neg"](self)

    def __abs__(self) -> Tensor:
        return OPERATORS["abs"](self)

    def __invert__(self) -> Tensor:
        return OPERATORS["invert"](self)

    def __and__(self, other: object) -> Tensor:
        return OPERATORS["and"](self, other)

    def __rand__(self, other: object) -> Tensor:
        return OPERATORS["and"](other, self)

    def __or__(self, other: object) -> Tensor:
        return OPERATORS["or"](self, other)

    def __ror__(self, other: object) -> Tensor:
        return OPERATORS["or"](other, self)

    def __xor__(self, other: object) -> Tensor:
        return OPERATORS["xor"](self, other)

    def __rxor__(self, other: object) -> Tensor:
        return OPERATORS["xor"](other, self)

    def __lt__(self, other: object) -> Tensor:
        return OPERATORS["less"](self, other)

    def __le__(self, other: object) -> Tensor:
        return OPERATORS["less_equal"](self, other)

    def __gt__(self, other: object) -> Tensor:
        return OPERATORS["greater"](self, other)

    def __ge__(self, other: object) -> Tensor:
        return OPERATORS["greater_equal"](self, other)

    def __getitem__(self, index: object) -> Tensor:
        return OPERATORS["getitem"](self, index)


class Operation:
    """A node of the graph: a type, inputs, attributes and outputs. It never changes what it computes.

    `attrs` holds plain Python values under TensorFlow's attribute names; `made_at` is the user's line.
    """

    __slots__ = (
        "__weakref__", "attrs", "constant_cache", "control_inputs", "device", "graph", "inputs", "made_at", "name",
        "order", "outputs", "type",
    )  # fmt: skip

    def __init__(
        self,
        graph: Graph,
        op_type: str,
        name: str,
        inputs: Sequence[Tensor],
        control_inputs: Sequence[Operation],
        attrs: dict[str, Any],
        device: str,
        made_at: SourceLine,
    ) -> None:
        self.graph = graph
        self.type = op_type
        self.name = name
        self.inputs = tuple(inputs)
        self.control_inputs = list(control_inputs)
        self.attrs = attrs
        self.device = device
        self.made_at = made_at
        self.order = 0
        self.outputs: list[Tensor] = []
        self.constant_cache: Any = None

    def get_attr(self, name: str) -> Any:
        """The attribute `name`; raises ValueError if the operation has none of that name."""
        if name not in self.attrs:
            raise ValueError(
                f"No attr named '{name}' in operation {self.name!r} of type {self.type}; it has {sorted(self.attrs)}"
            )
        return self.attrs[name]

    def values(self) -> tuple[Tensor, ...]:
        """The outputs as a tuple."""
        return tuple(self.outputs)

    def run(self, feed_dict: dict[Any, Any] | None = None, session: Any = None) -> None:
        """Runs the operation in `session` or the default session."""
        session_for(session, "execute operation", self.graph).run(self, feed_dict)

    @property
    def node_def(self) -> Any:
        """The operation as a NodeDef message."""
        from .graph_def import node_def_of  # the serializer knows every op, the graph none

        return node_def_of(self)

    @property
    def traceback(self) -> list[SourceLine]:
        """The user's line as a list of one, in the place of TensorFlow's whole stack."""
        return [self.made_at]

    def colocation_groups(self) -> list[bytes]:
        """The names this operation must share a device with, as `loc:@name`."""
        return self.attrs.get("_class") or [b"loc:@" + self.name.encode()]

    def add_control_input(self, op: Operation) -> None:
        """Makes this operation wait for `op`."""
        if op.graph is not self.graph:
            raise ValueError(f"{op.name!r} cannot be a control input of {self.name!r}: they belong to different graphs")
        if op not in self.control_inputs:
            self.control_inputs.append(op)

    def __repr__(self) -> str:
        return f"<tf.Operation {self.name!r} type={self.type}>"

    def __str__(self) -> str:
        return f"name: {self.name!r} op: {self.type!r} inputs: {[t.name for t in self.inputs]}"

    def describe(self) -> str:
        """The words by which errors name this operation."""
        return f"{self.type} operation {self.name!r}, made at {self.made_at}"


class Graph(GraphState):
    """A TensorFlow 1.15 `tf.Graph`: operations by name, scopes, collections and the random seed.

    Example:
        >>> import headrace as tf
        >>> graph = tf.Graph()
        >>> with graph.as_default():
        ...     c = tf.constant(30.0)
        >>> c.graph is graph
        True
    """

    # A graph of a function (a branch, a loop body) knows the graph around it.
    outer_graph: Graph | None = None

    def __init__(self) -> None:
        super().__init__()
        self._operations: list[Operation] = []
        self._by_name: dict[str, Operation] = {}
        self.lock = threading.RLock()

    @property
    def version(self) -> int:
        """A number that grows with every added operation."""
        return len(self._operations)

    def get_operations(self) -> list[Operation]:
        """All operations in the order of their making."""
        return list(self._operations)

    def operations_since(self, start: int) -> list[Operation]:
        """The operations made after `version` was `start`."""
        return self._operations[start:]

    def discard_since(self, start: int) -> None:
        """Takes back the operations made after `version` was `start`: an import that failed half-way leaves nothing."""
        with self.lock:
            for op in reversed(self._operations[start:]):
                for tensor in op.inputs:
                    if tensor._consumers[-1] is op:
                        tensor._consumers.pop()
                    else:
                        tensor._consumers.remove(op)
                del self._by_name[op.name]
                self._names.pop(op.name.lower(), None)
            del self._operations[start:]

    @contextmanager
    def whole_or_nothing(self) -> Iterator[None]:
        """Takes operations, names and members of collections back that were added inside, if that fails."""
        start, names = self.version, dict(self._names)
        members = {key: list(found) for key, found in self.collections.items()}
        try:
            yield
        except BaseException:
            self.discard_since(start)
            self._names = names
            for key, found in self.collections.items():
                found[:] = members.get(key, [])
            raise

    def has_operation(self, name: str) -> bool:
        """Whether an operation is called `name`."""
        return name in self._by_name

    @contextmanager
    def as_default(self) -> Iterator[Graph]:
        """Makes this the graph that new operations go to, for the calling thread."""
        DEFAULT.graphs.append(self)
        try:
            yield self
        finally:
            remove_innermost(DEFAULT.graphs, self)

    def add_operation(
        self,
        op_type: str,
        inputs: Sequence[Tensor],
        attrs: dict[str, Any],
        dtypes: Sequence[DType],
        sizes: Sequence[Sizes],
        name: str,
    ) -> Operation:
        """Appends an operation whose dtypes and shapes are already inferred; `name` is final."""
        with self.lock:
            self.check_not_finalized()
            op = Operation(self, op_type, name, inputs, self.active_control_inputs(inputs), attrs, "", user_line())
            op.outputs = [Tensor(op, i, d, s) for i, (d, s) in enumerate(zip(dtypes, sizes, strict=True))]
            op.order = len(self._operations)
            self.place(op)
            self._operations.append(op)
            self._by_name[name] = op
            for tensor in op.inputs:
                tensor._consumers.append(op)
        return op

    def capture(self, tensor: Tensor) -> Tensor:
        """What stands for `tensor` of another graph in this one; only graphs of functions can do that."""
        raise ValueError(
            f"Tensor {tensor.name!r} (made at {tensor.op.made_at}) is from a different graph than the operation that uses it"
        )

    def get_operation_by_name(self, name: str) -> Operation:
        """The operation called `name`; KeyError if there is none, ValueError if it is a tensor's name."""
        if not isinstance(name, str):
            raise TypeError(f"Operation names are strings (or similar), not {type(name).__name__}.")
        if ":" in name:
            raise ValueError(f"The name {name!r} looks like a tensor name, but an operation name was expected")
        if name not in self._by_name:
            raise KeyError(f"The name {name!r} refers to an Operation not in the graph.")
        return self._by_name[name]

    def get_tensor_by_name(self, name: str) -> Tensor:
        """The tensor called `operation:index`."""
        if not isinstance(name, str):
            raise TypeError(f"Tensor names are strings (or similar), not {type(name).__name__}.")
        op_name, colon, index = name.partition(":")
        if not colon or not index.isdigit():
            raise ValueError(f"The name {name!r} is not a tensor name: tensor names look like 'operation:0'")
        op = self._by_name.get(op_name)
        if op is None:
            raise KeyError(
                f"The name {name!r} refers to a Tensor which does not exist: the operation {op_name!r} is not in the graph."
            )
        if int(index) >= len(op.outputs):
            raise KeyError(
                f"The name {name!r} refers to a Tensor which does not exist: {op_name!r} has {len(op.outputs)} outputs."
            )
        return op.outputs[int(index)]

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Tensor | Operation:
        """`obj` (a tensor, operation, name, or something with `_as_graph_element`) as an element of this graph."""
        convert = getattr(obj, "_as_graph_element", None)
        if convert is not None:
            obj = convert()
        if isinstance(obj, str):
            return self._element_by_name(obj, allow_tensor, allow_operation)
        if isinstance(obj, Tensor | Operation):
            return self._checked_element(obj, allow_tensor, allow_operation)
        kinds = " or ".join(["Tensor"] * allow_tensor + ["Operation"] * allow_operation)
        raise TypeError(f"Can not convert a {type(obj).__name__} into a {kinds}.")

    def _element_by_name(self, name: str, allow_tensor: bool, allow_operation: bool) -> Tensor | Operation:
        if ":" in name and allow_tensor:
            return self.get_tensor_by_name(name)
        if allow_operation:
            return self.get_operation_by_name(name)
        raise ValueError(f"The name {name!r} looks like an (invalid) Operation name, not a Tensor: use 'operation:0'")

    def _checked_element(
        self, obj: Tensor | Operation, allow_tensor: bool, allow_operation: bool
    ) -> Tensor | Operation:
        if not (allow_tensor if isinstance(obj, Tensor) else allow_operation):
            raise TypeError(
                f"Can not convert a {type(obj).__name__} into a {'Operation' if allow_operation else 'Tensor'}."
            )
        if obj.graph is not self:
            raise ValueError(
                f"{type(obj).__name__} {obj.name!r} (made at {_made_at(obj)}) is not an element of this graph."
            )
        return obj

    def outermost(self) -> Graph:
        """The graph around all functions that this graph is the body of."""
        return self if self.outer_graph is None else self.outer_graph.outermost()

    def as_graph_def(self, from_version: int | None = None, add_shapes: bool = False) -> Any:
        """The graph as TensorFlow's GraphDef message."""
        from .graph_def import graph_def_of  # the serializer knows every op, the graph none

        return graph_def_of(self, from_version, add_shapes)

    def create_op(
        self, op_type: str, inputs: Sequence[Any], name: str | None = None, attrs: dict[str, Any] | None = None
    ) -> Operation:
        """Adds an operation of a registered type from tensors and attributes."""
        from .registry import definition_of  # the registry builds on the graph

        with self.as_default():
            return definition_of(op_type).make(list(inputs), dict(attrs or {}), name)


def _made_at(obj: Tensor | Operation) -> SourceLine:
    return obj.op.made_at if isinstance(obj, Tensor) else obj.made_at


class _Defaults(threading.local):
    """The stacks of default graphs and sessions, one of each a thread."""

    def __init__(self) -> None:
        self.graphs: list[Graph] = []
        self.sessions: list[Any] = []


DEFAULT = _Defaults()


def remove_innermost(stack: list[Any], item: object) -> None:
    """Takes the last entry of `item` off a stack, on which it may be more than once."""
    del stack[len(stack) - 1 - stack[::-1].index(item)]


_GLOBAL: list[Graph] = []


def get_default_graph() -> Graph:
    """The innermost graph made default by `as_default`, or the process's own."""
    if DEFAULT.graphs:
        return DEFAULT.graphs[-1]
    if not _GLOBAL:
        _GLOBAL.append(Graph())
    return _GLOBAL[0]


def reset_default_graph() -> None:
    """Replaces the process's default graph by an empty one.

    Raises:
        AssertionError: if called inside a `with graph.as_default()` block, as in TensorFlow 1.15.
    """
    if DEFAULT.graphs:
        raise AssertionError(
            "Do not use tf.reset_default_graph() to clear nested graphs; leave the 'with' blocks first."
        )
    _GLOBAL[:] = [Graph()]


def get_default_session() -> Any:
    """The innermost session made default by `with session:` in this thread, or None."""
    return DEFAULT.sessions[-1] if DEFAULT.sessions else None


def session_for(session: Any, action: str, graph: Graph) -> Any:
    """`session`, or the default one; raises ValueError if there is none or it runs another graph."""
    session = session or get_default_session()
    if session is None:
        raise ValueError(
            f"Cannot {action}: no default session is registered. Use `with sess.as_default()` or pass an explicit session."
        )
    if session.graph is not graph:
        raise ValueError(f"Cannot {action} using this session: its graph is different from the one that holds it.")
    return session

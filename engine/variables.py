"""`tf.Variable`: state that outlives a step. By reference (TensorFlow 1's own kind) or as a resource.

The ops are in ops/variables.py, `get_variable` in variable_scope.py, lists of variables in variable_lists.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from . import variable_protos
from .assignments import assign as assign_to, assign_add, assign_sub, count_up_to
from .conversion import convert_to_tensor, register_tensor_conversion_function
from .dtypes import DType, as_dtype
from .graph import Graph, Operation, Tensor, get_default_graph, session_for
from .initial_values import initialized_value_of, safe_initial_value
from .ops.array import identity
from .ops.variables import (
    assign_add_variable_op,
    assign_sub_variable_op,
    assign_variable_op,
    is_variable_initialized_op,
    read_variable_op,
    resource_count_up_to_op,
    var_handle_op,
    var_is_initialized_op,
    variable_op,
)
from .scopes import GraphKeys, init_scope
from .shapes import TensorShape
from .variable_creators import VariableKind
from .variable_operators import ScatterMethods, TensorOperators
from .variable_protos import VariableAggregation, VariableSynchronization

# What `v.value()` of a captured resource reads is in graph.extras under this key: the current variable scope.
SCOPE_KEY = "variable_scope"


class Variable(TensorOperators, ScatterMethods, metaclass=VariableKind):
    """State of a session that assignments change, as TensorFlow 1.15's `tf.Variable`.

    Args:
        initial_value: a tensor or what converts to one, or a function without arguments that returns one.
        trainable: add it to the collection of trainable variables.
        collections: names of collections to add it to; by default the global variables.
        validate_shape: False allows an initial value of unknown shape, and values of any shape.
        caching_device: device where reads are kept.
        name: made unique in the current name scope.
        variable_def: a VariableDef message that names the nodes of the graph to use, in place of making any.
        dtype: element type to convert the initial value to.
        import_scope: name scope that the names of `variable_def` lie under.
        constraint: a function that optimizers apply to the value after an update.
        use_resource: make a ResourceVariable.
        shape: the static shape, where it shall be less precise than the initial value's.

    Raises:
        ValueError: there is no initial value, or its shape is not known although `validate_shape` is True.

    Example:
        >>> import headrace as tf
        >>> with tf.Graph().as_default(), tf.Session() as sess:
        ...     v = tf.Variable(1.0, name="v")
        ...     sess.run(v.initializer)
        ...     print(v.name, sess.run(v + 1))
        v:0 2.0
    """

    SaveSliceInfo = variable_protos.SaveSliceInfo

    _handle: Tensor
    _initializer: Operation
    _initial_value: Tensor | None
    _snapshot: Tensor

    def __new__(cls, *args: Any, **options: Any) -> Variable:
        kind: type[Variable] = cls
        if cls is Variable:
            definition = options.get("variable_def", args[6] if len(args) > 6 else None)
            wanted = options.get("use_resource", args[11] if len(args) > 11 else None)
            if wanted is None:
                scope = get_default_graph().extras.get(SCOPE_KEY)
                wanted = (
                    bool(definition.is_resource) if definition is not None else getattr(scope, "use_resource", None)
                )
            kind = ResourceVariable if wanted else RefVariable
        return object.__new__(kind)

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        expected_shape: Any = None,
        import_scope: str | None = None,
        constraint: Callable[[Any], Any] | None = None,
        use_resource: bool | None = None,
        synchronization: VariableSynchronization | None = None,
        aggregation: VariableAggregation | None = None,
        shape: Any = None,
    ) -> None:
        del use_resource, expected_shape
        self._save_slice_info: variable_protos.SaveSliceInfo | None = None
        self._constraint = constraint
        self._caching_device = caching_device
        self.synchronization = synchronization or VariableSynchronization.AUTO
        self.aggregation = aggregation or VariableAggregation.NONE
        if variable_def is not None:
            if initial_value is not None:
                raise ValueError("variable_def and initial_value are mutually exclusive.")
            self._from_proto(variable_def, import_scope)
            return
        if constraint is not None and not callable(constraint):
            raise ValueError("The `constraint` argument must be a callable.")
        self._trainable = trainable is not False
        self._build(initial_value, validate_shape, name, None if dtype is None else as_dtype(dtype).base_dtype, shape)
        self._collect(collections)

    # Making

    def _collect(self, collections: Any) -> None:
        names = [GraphKeys.GLOBAL_VARIABLES] if collections is None else collections
        if not isinstance(names, list | tuple | set):
            raise ValueError(
                f"collections argument to Variable constructor must be a list, tuple, or set. Got {names} of type {type(names)}"
            )
        names = list(names)
        if self._trainable and GraphKeys.TRAINABLE_VARIABLES not in names:
            names.append(GraphKeys.TRAINABLE_VARIABLES)
        self.graph.add_to_collections(names, self)

    def _build(self, initial: Any, validate: bool, name: str | None, dtype: DType | None, shape: Any) -> None:
        if initial is None:
            raise ValueError("initial_value must be specified.")
        with init_scope(), get_default_graph().name_scope(name or "Variable") as scope:
            if callable(initial):
                value = self._call_initializer(initial, scope, dtype)
            else:
                value = _outside(convert_to_tensor(initial, dtype, "initial_value"))
            if validate and shape is None and not value.shape.is_fully_defined():
                raise ValueError(f"initial_value must have a shape specified: {value}")
            self._initial_value = value
            declared = TensorShape(shape) if shape is not None else value.shape if validate else TensorShape(None)
            self._make_nodes(scope, value, declared, validate)

    def _call_initializer(self, initial: Callable[[], Any], scope: str, dtype: DType | None) -> Tensor:
        graph = get_default_graph()
        with ExitStack() as stack:
            # The initial value stays with the variable, whatever device scopes say about its operations.
            stack.enter_context(graph.attr_scope({"_class": [b"loc:@" + scope[:-1].encode()]}))
            stack.enter_context(graph.name_scope("Initializer"))
            stack.enter_context(graph.device(None))
            value = initial()
            if isinstance(value, Variable):
                value = value.value()
            return convert_to_tensor(value, dtype, "initial_value")

    def _make_nodes(self, scope: str, value: Tensor, shape: TensorShape, validate: bool) -> None:
        raise NotImplementedError

    @contextmanager
    def _reading_device(self) -> Iterator[None]:
        device = self._caching_device
        if device is None or (not callable(device) and not device):
            with get_default_graph().colocate_with(self._handle.op):
                yield
        else:
            with get_default_graph().device(device):
                yield

    # What it is

    @property
    def name(self) -> str:
        """`variable:0`."""
        return self._handle.name

    @property
    def _shared_name(self) -> str:
        return self.name[: self.name.index(":")]

    @property
    def op(self) -> Operation:
        """The operation that makes the variable."""
        return self._handle.op

    @property
    def device(self) -> str:
        """The device string of the variable."""
        return self._handle.device

    @property
    def graph(self) -> Graph:
        """The graph that holds the variable."""
        return self._handle.graph

    @property
    def dtype(self) -> DType:
        """The element type; a reference type for variables that are not resources."""
        raise NotImplementedError

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        raise NotImplementedError

    def get_shape(self) -> TensorShape:
        """The static shape, as TensorFlow 1 spells it."""
        return self.shape

    @property
    def trainable(self) -> bool:
        """Whether optimizers train it by default."""
        return self._trainable

    @property
    def constraint(self) -> Callable[[Any], Any] | None:
        """The function that optimizers apply after an update."""
        return self._constraint

    @property
    def initializer(self) -> Operation:
        """The operation that assigns the initial value."""
        return self._initializer

    @property
    def initial_value(self) -> Tensor | None:
        """The tensor that the initializer assigns."""
        return self._initial_value

    @property
    def _save_slice_spec(self) -> str:
        return self._save_slice_info.spec if self._save_slice_info is not None else ""

    def _set_save_slice_info(self, save_slice_info: variable_protos.SaveSliceInfo) -> None:
        self._save_slice_info = save_slice_info

    def _get_save_slice_info(self) -> variable_protos.SaveSliceInfo | None:
        return self._save_slice_info

    def __repr__(self) -> str:
        return f"<tf.Variable {self.name!r} shape={self.shape} dtype={self.dtype.name}>"

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def experimental_ref(self) -> Variable:
        """The variable itself, which is hashable."""
        return self

    # Values

    def _as_graph_element(self) -> Tensor:
        raise NotImplementedError

    def read_value(self) -> Tensor:
        """A tensor with the value at this point of the order of operations."""
        raise NotImplementedError

    def initialized_value(self) -> Tensor:
        """The value if there is one, else the initial value: for initial values that depend on other variables."""
        return initialized_value_of(self)

    def is_initialized(self, name: str | None = None) -> Tensor:
        """A bool tensor: whether the variable has a value."""
        raise NotImplementedError

    def eval(self, session: Any = None) -> Any:
        """The value in `session` or the default session."""
        return session_for(session, "evaluate variable", self.graph).run(self)

    def load(self, value: Any, session: Any = None) -> None:
        """Writes `value` in `session` without adding to the graph."""
        runner = session_for(session, "load a variable", self.graph)
        runner.run(self.initializer, {self.initializer.inputs[1]: value})

    def set_shape(self, shape: Any) -> None:
        """Narrows the static shape."""
        self._as_graph_element().set_shape(shape)
        self.value().set_shape(shape)

    # Assigning

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Writes `value`; returns a tensor with the new value, or the operation if `read_value` is False."""
        raise NotImplementedError

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Adds `delta`; returns as `assign`."""
        raise NotImplementedError

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtracts `delta`; returns as `assign`."""
        raise NotImplementedError

    def count_up_to(self, limit: int) -> Tensor:
        """The value before it is raised by one; OutOfRangeError once it is `limit`."""
        raise NotImplementedError

    # Messages

    def to_proto(self, export_scope: str | None = None) -> Any:
        """A VariableDef message, or None for a variable outside `export_scope`."""
        from .protos.meta_graph_pb2 import VariableDef  # messages are imported where one is made

        if export_scope and not self.name.startswith(export_scope + "/"):
            return None
        cut = len(export_scope) + 1 if export_scope else 0
        result = VariableDef(
            variable_name=self.name[cut:],
            initializer_name=self.initializer.name[cut:],
            snapshot_name=self._snapshot.name[cut:],
            trainable=self.trainable,
            synchronization=self.synchronization.value,  # type: ignore[arg-type]
            aggregation=self.aggregation.value,  # type: ignore[arg-type]
            is_resource=isinstance(self, ResourceVariable),
        )
        if self._initial_value is not None:
            result.initial_value_name = self._initial_value.name[cut:]
        if self._save_slice_info is not None:
            result.save_slice_info_def.MergeFrom(self._save_slice_info.to_proto(export_scope))
        return result

    @staticmethod
    def from_proto(variable_def: Any, import_scope: str | None = None) -> Variable:
        """The variable whose nodes in the default graph a VariableDef message names."""
        return Variable(variable_def=variable_def, import_scope=import_scope)

    def _from_proto(self, definition: Any, import_scope: str | None) -> None:
        graph = get_default_graph()

        def element(name: str) -> Any:
            return graph.as_graph_element(f"{import_scope}/{name}" if import_scope else name)

        self._handle = element(definition.variable_name)
        self._initializer = element(definition.initializer_name)
        self._initial_value = element(definition.initial_value_name) if definition.initial_value_name else None
        self._snapshot = element(definition.snapshot_name)
        # Files from before the field was there name trainable variables only.
        self._trainable = bool(getattr(definition, "trainable", True))
        if definition.HasField("save_slice_info_def"):
            self._save_slice_info = variable_protos.SaveSliceInfo(
                save_slice_info_def=definition.save_slice_info_def, import_scope=import_scope
            )


class RefVariable(Variable):
    """A variable by reference: nodes `name` (VariableV2), `name/Assign` and `name/read`."""

    def _make_nodes(self, scope: str, value: Tensor, shape: TensorShape, validate: bool) -> None:
        graph = get_default_graph()
        dtype = value.dtype.base_dtype
        self._handle = variable_op(shape=shape, dtype=dtype, container=graph.current_container, name=scope)
        guarded = safe_initial_value(value)
        self._initializer = assign_to(self._handle, guarded, validate_shape=validate).op
        with self._reading_device():
            self._snapshot = identity(self._handle, name="read")

    @property
    def dtype(self) -> DType:
        """The element type, as a reference type."""
        return self._handle.dtype

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        return self._handle.shape

    @property
    def _variable(self) -> Tensor:
        return self._handle

    def _as_graph_element(self) -> Tensor:
        return self._handle

    def _ref(self) -> Tensor:
        return self._handle

    def _AsTensor(self) -> Tensor:
        return self._snapshot

    def value(self) -> Tensor:
        """The tensor `name/read`."""
        return self._snapshot

    def read_value(self) -> Tensor:
        """A tensor with the value at this point of the order of operations."""
        return identity(self._handle, name="read")

    def is_initialized(self, name: str | None = None) -> Tensor:
        """A bool tensor: whether the variable has a value."""
        return is_variable_initialized_op(self._handle, name=name)

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Writes `value`; returns a tensor with the new value, or the operation if `read_value` is False."""
        result = assign_to(self._handle, value, use_locking=use_locking, name=name)
        return result if read_value else result.op

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Adds `delta`; returns as `assign`."""
        result = assign_add(self._handle, delta, use_locking=use_locking, name=name)
        return result if read_value else result.op

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtracts `delta`; returns as `assign`."""
        result = assign_sub(self._handle, delta, use_locking=use_locking, name=name)
        return result if read_value else result.op

    def count_up_to(self, limit: int) -> Tensor:
        """The value before it is raised by one; OutOfRangeError once it is `limit`."""
        return count_up_to(self._handle, limit)


class ResourceVariable(Variable):
    """A variable by handle: nodes `name` (VarHandleOp), `name/Assign` and `name/Read/ReadVariableOp`."""

    _resource_dtype: DType
    _resource_shape: TensorShape

    def _make_nodes(self, scope: str, value: Tensor, shape: TensorShape, validate: bool) -> None:
        graph = get_default_graph()
        self._resource_dtype, self._resource_shape = value.dtype.base_dtype, shape
        self._handle = var_handle_op(
            shape=shape,
            dtype=self._resource_dtype,
            container=graph.current_container,
            shared_name=scope[:-1],
            name=scope,
        )
        self.is_initialized("IsInitialized/VarIsInitializedOp")
        with graph.colocate_with(self._handle.op):
            self._initializer = assign_variable_op(self._handle, safe_initial_value(value), name="Assign")
        with graph.name_scope("Read"), self._reading_device():
            self._snapshot = self._read()

    def _from_proto(self, definition: Any, import_scope: str | None) -> None:
        super()._from_proto(definition, import_scope)
        attrs = self._handle.op.attrs
        self._resource_dtype, self._resource_shape = attrs["dtype"], TensorShape(attrs["shape"])

    @property
    def handle(self) -> Tensor:
        """The tensor that stands for the variable itself."""
        return self._handle

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self._resource_dtype

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        return self._resource_shape

    def set_shape(self, shape: Any) -> None:
        """Narrows the static shape."""
        self._resource_shape = self._resource_shape.merge_with(TensorShape(shape))

    @property
    def create(self) -> Operation:
        """The operation that assigns the initial value."""
        return self._initializer

    def _as_graph_element(self) -> Tensor:
        return self._snapshot

    def _read(self) -> Tensor:
        result = read_variable_op(self._handle, dtype=self._resource_dtype)
        result.set_shape(self._resource_shape)
        return result

    def _read_after(self, op: Operation) -> Tensor:
        graph = get_default_graph()
        with graph.control_dependencies([op]), graph.colocate_with(self._handle.op):
            return self._read()

    def value(self) -> Tensor:
        """A tensor with the value at this point of the order of operations."""
        with self._reading_device():
            return self._read()

    def read_value(self) -> Tensor:
        """A tensor with the value at this point of the order of operations."""
        with get_default_graph().name_scope("Read"):
            value = self._read()
        return identity(value)

    def sparse_read(self, indices: Any, name: str | None = None) -> Tensor:
        """The rows at `indices`: a gather that does not read the whole."""
        from .ops.variable_scatter import resource_gather_op

        with get_default_graph().name_scope("Gather" if name is None else name) as scope:
            result = resource_gather_op(self._handle, indices, dtype=self._resource_dtype, name=scope)
            places, sizes = convert_to_tensor(indices).sizes, self._resource_shape.sizes
            if places is not None and sizes is not None:
                result.set_shape([*places, *sizes[1:]])
            return result

    def gather_nd(self, indices: Any, name: str | None = None) -> Tensor:
        """The slices that the rows of `indices` name."""
        from .ops.variable_scatter import resource_gather_nd_op

        return resource_gather_nd_op(self._handle, indices, dtype=self._resource_dtype, name=name)

    def is_initialized(self, name: str | None = None) -> Tensor:
        """A bool tensor: whether the variable has a value."""
        return var_is_initialized_op(self._handle, name=name)

    def _change(self, build: Any, value: Any, name: str | None, read_value: bool) -> Any:
        tensor = convert_to_tensor(value, self._resource_dtype)
        if not self._resource_shape.is_compatible_with(tensor.shape):
            raise ValueError(
                f"Shapes must be equal: {self.name!r} has shape {self._resource_shape}, but the value {tensor.name!r} "
                f"assigned to it has shape {tensor.shape}"
            )
        with get_default_graph().colocate_with(self._handle.op):
            op = build(self._handle, tensor, name=name)
        return self._read_after(op) if read_value else op

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Writes `value`; returns a tensor with the new value, or the operation if `read_value` is False."""
        return self._change(assign_variable_op, value, name, read_value)

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Adds `delta`; returns as `assign`."""
        return self._change(assign_add_variable_op, delta, name, read_value)

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtracts `delta`; returns as `assign`."""
        return self._change(assign_sub_variable_op, delta, name, read_value)

    def count_up_to(self, limit: int) -> Tensor:
        """The value before it is raised by one; OutOfRangeError once it is `limit`."""
        return resource_count_up_to_op(self._handle, limit=limit, T=self._resource_dtype)


def _outside(value: Tensor) -> Tensor:
    graph = get_default_graph()
    if value.graph is not graph:
        raise ValueError(
            f"The initial value {value.name!r} (made at {value.op.made_at}) lies inside a function or another graph, but "
            "variables are made outside: pass a function that makes the initial value"
        )
    return value


def _convert(value: Variable, dtype: DType | None, name: str | None, as_ref: bool) -> Any:
    del name
    if dtype is not None and not dtype.base_dtype.is_compatible_with(value.dtype.base_dtype):
        raise ValueError(
            f"Incompatible type conversion requested to type {dtype.name!r} for variable of type "
            f"{value.dtype.base_dtype.name!r}"
        )
    return value._handle if as_ref and isinstance(value, RefVariable) else value.value()


register_tensor_conversion_function(Variable, _convert, 50)

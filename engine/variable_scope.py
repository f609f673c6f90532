"""`get_variable` and `variable_scope`: variables found by name, with defaults that scopes give them."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any

from .conversion import convert_to_tensor
from .dtypes import DType, as_dtype, float32
from .graph import Graph, get_default_graph
from .scopes import GraphKeys, name_scope
from .variable_store import AUTO_REUSE, Request, VariableStore
from .variables import SCOPE_KEY

# What a scope hands down to the variables and scopes inside it.
_DEFAULTS = ("initializer", "regularizer", "caching_device", "partitioner", "dtype", "use_resource", "constraint")


class VariableScope:
    """A scope of variables: a name prefix, whether to reuse, and defaults for `get_variable`."""

    def __init__(
        self,
        reuse: Any,
        name: str = "",
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Callable[..., Any] | None = None,
        name_scope: str = "",
        dtype: Any = float32,
        use_resource: bool | None = None,
        constraint: Any = None,
    ) -> None:
        self._name = name
        self._reuse = reuse
        self._name_scope = name_scope
        self._custom_getter = custom_getter
        self.initializer = initializer
        self.regularizer = regularizer
        self.caching_device = caching_device
        self.partitioner = partitioner
        self.dtype: DType = as_dtype(dtype)
        self.use_resource = use_resource
        self.constraint = constraint

    @property
    def name(self) -> str:
        """The prefix of variables' names."""
        return self._name

    @property
    def original_name_scope(self) -> str:
        """The name scope that was opened with the scope, with a trailing slash."""
        return self._name_scope

    @property
    def reuse(self) -> Any:
        """True, AUTO_REUSE, False or None."""
        return self._reuse

    @property
    def custom_getter(self) -> Callable[..., Any] | None:
        """The function between `get_variable` and the store."""
        return self._custom_getter

    def reuse_variables(self) -> None:
        """From now on `get_variable` finds variables in this scope and makes none."""
        self._reuse = True

    def set_initializer(self, initializer: Any) -> None:
        """Sets the default initializer."""
        self.initializer = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        """Sets the default regularizer."""
        self.regularizer = regularizer

    def set_caching_device(self, caching_device: Any) -> None:
        """Sets the default caching device."""
        self.caching_device = caching_device

    def set_partitioner(self, partitioner: Any) -> None:
        """Sets the default partitioner."""
        self.partitioner = partitioner

    def set_custom_getter(self, custom_getter: Callable[..., Any] | None) -> None:
        """Sets the custom getter."""
        self._custom_getter = custom_getter

    def set_dtype(self, dtype: Any) -> None:
        """Sets the default dtype."""
        self.dtype = as_dtype(dtype)

    def set_use_resource(self, use_resource: bool) -> None:
        """Sets whether variables are resources."""
        self.use_resource = use_resource

    def set_constraint(self, constraint: Any) -> None:
        """Sets the default constraint."""
        self.constraint = constraint

    def get_collection(self, name: Any) -> list[Any]:
        """The items of a collection whose names lie in this scope."""
        return get_default_graph().get_collection(name, f"{self._name}/" if self._name else "")

    def trainable_variables(self) -> list[Any]:
        """This scope's trainable variables."""
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def global_variables(self) -> list[Any]:
        """This scope's global variables."""
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self) -> list[Any]:
        """This scope's local variables."""
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def get_variable(self, store: VariableStore, name: str, **options: Any) -> Any:
        """The variable `name` of this scope; see the function `get_variable`."""
        if not isinstance(name, str):
            raise TypeError(f"A variable needs a name, a string; got {name!r}")
        if not name and not self._name:
            raise ValueError("A variable needs a name; outside of all scopes it may not be empty")
        custom_getter = options.pop("custom_getter", None) or self._custom_getter
        request = Request(f"{self._name}/{name}" if self._name else name, **options)
        for default in ("regularizer", "caching_device", "partitioner", "use_resource", "constraint"):
            if getattr(request, default) is None:
                setattr(request, default, getattr(self, default))
        if request.reuse is None:
            request.reuse = self._reuse
        with get_default_graph().name_scope(None):
            _check_constant(request)
            request.initializer = self.initializer if request.initializer is None else request.initializer
            request.dtype = self.dtype if request.dtype is None else as_dtype(request.dtype)
            return store.get(request, custom_getter)


def _check_constant(request: Request) -> None:
    constant = request.initializer
    if request.dtype is None or constant is None or callable(constant):
        return
    kind, wanted = convert_to_tensor(constant).dtype.base_dtype, as_dtype(request.dtype).base_dtype
    if kind != wanted:
        raise ValueError(f"Initializer type '{kind}' and explicit dtype '{wanted}' don't match.")


class _Scopes(threading.local):
    """The current variable scope of a thread in one graph, and how often each scope was opened."""

    def __init__(self) -> None:
        self.current = VariableScope(False)
        self.counts: dict[str, int] = {}

    @property
    def use_resource(self) -> bool | None:
        return self.current.use_resource

    def open(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1

    def close_inner(self, name: str) -> None:
        for key in self.counts:
            if not name or key.startswith(name + "/"):
                self.counts[key] = 0


def _scopes(graph: Graph | None = None) -> _Scopes:
    extras = (graph or get_default_graph()).extras
    if SCOPE_KEY not in extras:
        extras[SCOPE_KEY] = _Scopes()
    scopes: _Scopes = extras[SCOPE_KEY]
    return scopes


def get_variable_scope() -> VariableScope:
    """The current variable scope."""
    return _scopes().current


def unique_scope(prefix: str) -> str:
    """`prefix`, made unique among the scopes opened in the current one."""
    scopes = _scopes()
    full = f"{scopes.current.name}/{prefix}" if scopes.current.name else prefix
    if not scopes.counts.get(full):
        return prefix
    index = 1
    while scopes.counts.get(f"{full}_{index}"):
        index += 1
    return f"{prefix}_{index}"


@contextmanager
def pure_variable_scope(
    name_or_scope: str | VariableScope,
    reuse: Any = None,
    custom_getter: Callable[..., Any] | None = None,
    old_name_scope: str | None = None,
    **given: Any,
) -> Iterator[VariableScope]:
    """A variable scope without a name scope."""
    scopes = _scopes()
    old, saved = scopes.current, None
    if isinstance(name_or_scope, VariableScope):
        base, name = name_or_scope, name_or_scope.name
        label = base.original_name_scope
    else:
        base, name = old, f"{old.name}/{name_or_scope}" if old.name else name_or_scope
        label = old_name_scope or name_or_scope
    options = {d: getattr(base, d) if given.get(d) is None else given[d] for d in _DEFAULTS}
    getter = _nested_getter(custom_getter, base.custom_getter)
    scopes.open(name)
    if isinstance(name_or_scope, VariableScope):
        saved = dict(scopes.counts)
    scopes.current = VariableScope(reuse or base.reuse, name, custom_getter=getter, name_scope=label, **options)
    try:
        yield scopes.current
    finally:
        scopes.close_inner(name)
        if saved is not None:
            scopes.counts = saved
        scopes.current = old


def _nested_getter(custom: Callable[..., Any] | None, old: Callable[..., Any] | None) -> Callable[..., Any] | None:
    if custom is None or old is None:
        return custom or old

    def wrapped(getter: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return custom(functools.partial(old, getter), *args, **options)

    return wrapped


class variable_scope:
    """A context manager for layers: names and defaults of variables, with a name scope of the same name.

    As TensorFlow 1.15's `tf.variable_scope`.

    Args:
        name_or_scope: a name, put under the current scope's, or a VariableScope to return to.
        default_name: used, made unique, where `name_or_scope` is None.
        values: tensors whose graph becomes the default one inside.
        initializer, regularizer, caching_device, partitioner, dtype, use_resource, constraint: defaults for
            `get_variable`, handed down to scopes inside.
        custom_getter: a function `(getter, name, **options)` in the place of making a variable.
        reuse: True: variables must exist; AUTO_REUSE: they are made where they do not; None or False: as around.
        auxiliary_name_scope: False opens no name scope.

    Raises:
        ValueError, TypeError: contradicting arguments.

    Example:
        >>> import headrace as tf
        >>> with tf.Graph().as_default():
        ...     with tf.variable_scope("layer"):
        ...         w = tf.get_variable("w", [2])
        ...     with tf.variable_scope("layer", reuse=True):
        ...         same = tf.get_variable("w", [2])
        >>> w.name, same is w
        ('layer/w:0', True)
    """

    def __init__(
        self,
        name_or_scope: str | VariableScope | None,
        default_name: str | None = None,
        values: Sequence[Any] | None = None,
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Callable[..., Any] | None = None,
        reuse: Any = None,
        dtype: Any = None,
        use_resource: bool | None = None,
        constraint: Any = None,
        auxiliary_name_scope: bool = True,
    ) -> None:
        if default_name is None and name_or_scope is None:
            raise TypeError("If default_name is None then name_or_scope is required")
        if name_or_scope is not None and not isinstance(name_or_scope, str | VariableScope):
            raise TypeError("VariableScope: name_or_scope must be a string or VariableScope.")
        if reuse not in (None, True, False, AUTO_REUSE):
            raise ValueError("The reuse parameter must be True or False or None.")
        if name_or_scope is None and reuse:
            raise ValueError("reuse=True cannot be used without a name_or_scope")
        if not isinstance(auxiliary_name_scope, bool):
            raise TypeError(f"The auxiliary_name_scope must be `True` or `False`, while get {auxiliary_name_scope}")
        self._name_or_scope = name_or_scope
        self._default_name = default_name
        self._values = values
        self._auxiliary = auxiliary_name_scope
        self._options: dict[str, Any] = {
            "reuse": reuse or None,
            "custom_getter": custom_getter,
            "initializer": initializer,
            "regularizer": regularizer,
            "caching_device": caching_device,
            "partitioner": partitioner,
            "dtype": None if dtype is None else as_dtype(dtype),
            "use_resource": use_resource,
            "constraint": constraint,
        }
        self._stacks: list[ExitStack] = []

    def __enter__(self) -> VariableScope:
        with ExitStack() as stack:
            self._enter_graph(stack)
            given = self._name_or_scope
            opened = self._open_name_scope(stack, given)
            if given is None:
                given = unique_scope(self._default_name or "")
            label = opened if isinstance(given, str) else None
            scope = stack.enter_context(pure_variable_scope(given, old_name_scope=label, **self._options))
            self._stacks.append(stack.pop_all())
        return scope

    def _enter_graph(self, stack: ExitStack) -> None:
        from .scopes import graph_of_inputs

        graph = graph_of_inputs(self._values)
        if graph is not get_default_graph():
            stack.enter_context(graph.as_default())

    def _open_name_scope(self, stack: ExitStack, given: str | VariableScope | None) -> str | None:
        if not self._auxiliary:
            current = get_default_graph().get_name_scope()
            return current + "/" if current else ""
        if given is None:
            name = self._default_name
        else:
            name = given if isinstance(given, str) else given.name.rpartition("/")[2]
            if not name:
                return None
        return stack.enter_context(name_scope(name))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stacks.pop().__exit__(kind, error, trace)


@contextmanager
def variable_op_scope(
    values: Sequence[Any],
    name_or_scope: str | VariableScope | None,
    default_name: str | None = None,
    initializer: Any = None,
    regularizer: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    custom_getter: Callable[..., Any] | None = None,
    reuse: Any = None,
    dtype: Any = None,
    use_resource: bool | None = None,
    constraint: Any = None,
) -> Iterator[VariableScope]:
    """`variable_scope` with the order of arguments of TensorFlow before 1.0."""
    with variable_scope(
        name_or_scope, default_name, values, initializer, regularizer, caching_device, partitioner, custom_getter,
        reuse, dtype, use_resource, constraint,
    ) as scope:  # fmt: skip
        yield scope


def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool | None = None,
    collections: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Callable[..., Any] | None = None,
    constraint: Any = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Any:
    """The variable of that name in the current variable scope: a new one, or with `reuse` the one that is there.

    As TensorFlow 1.15's `tf.get_variable`.

    Args:
        name: appended to the scope's name.
        shape: static shape; not given where `initializer` is a constant.
        dtype: by default the scope's, float32.
        initializer: a function of shape and dtype, or a constant; by default the scope's, else Glorot's uniform
            distribution for floats and zeros for integers and bools.
        regularizer: a function of the variable whose result goes to the collection of regularization losses.
        partitioner: a function of shape and dtype that gives the number of slices in each dimension; the result is
            then a PartitionedVariable.
        custom_getter: see `variable_scope`.
        constraint: a function that optimizers apply to the value after an update.

    Raises:
        ValueError: the variable exists and `reuse` is not set, or the other way round, or shape or dtype differ.
    """
    return get_variable_scope().get_variable(
        VariableStore.of(get_default_graph()),
        name,
        shape=shape,
        dtype=dtype,
        initializer=initializer,
        regularizer=regularizer,
        trainable=trainable,
        collections=collections,
        caching_device=caching_device,
        partitioner=partitioner,
        validate_shape=validate_shape,
        use_resource=use_resource,
        custom_getter=custom_getter,
        constraint=constraint,
        synchronization=synchronization,
        aggregation=aggregation,
    )


def get_local_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = False,
    collections: Any = None,
    *args: Any,
    **options: Any,
) -> Any:
    """As `get_variable`, for a variable that is neither trained nor saved: it is in the collection of local variables."""
    del trainable
    names = [*(collections or []), GraphKeys.LOCAL_VARIABLES]
    return get_variable(name, shape, dtype, initializer, regularizer, False, names, *args, **options)


def no_regularizer(_: Any) -> None:
    """A regularizer that adds nothing, to lift one of the scopes around."""
    return None

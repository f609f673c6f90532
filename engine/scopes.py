"""Scopes and collections of the default graph as plain functions: names, devices, control dependencies, `GraphKeys`.

What they do is in graph_state.py; scopes of variables are in variable_scope.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType
from typing import Any

from .graph import Graph, get_default_graph


class GraphKeys:
    """The names of the collections that the library itself uses, as in TensorFlow 1.15."""

    GLOBAL_VARIABLES = "variables"
    VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    METRIC_VARIABLES = "metric_variables"
    MODEL_VARIABLES = "model_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    SUMMARIES = "summaries"
    QUEUE_RUNNERS = "queue_runners"
    TABLE_INITIALIZERS = "table_initializer"
    ASSET_FILEPATHS = "asset_filepaths"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    REGULARIZATION_LOSSES = "regularization_losses"
    CONCATENATED_VARIABLES = "concatenated_variables"
    SAVERS = "savers"
    WEIGHTS = "weights"
    BIASES = "biases"
    ACTIVATIONS = "activations"
    UPDATE_OPS = "update_ops"
    LOSSES = "losses"
    SAVEABLE_OBJECTS = "saveable_objects"
    RESOURCES = "resources"
    LOCAL_RESOURCES = "local_resources"
    TRAINABLE_RESOURCE_VARIABLES = "trainable_resource_variables"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    READY_OP = "ready_op"
    READY_FOR_LOCAL_INIT_OP = "ready_for_local_init_op"
    SUMMARY_OP = "summary_op"
    GLOBAL_STEP = "global_step"
    EVAL_STEP = "eval_step"
    TRAIN_OP = "train_op"
    COND_CONTEXT = "cond_context"
    WHILE_CONTEXT = "while_context"
    GLOBAL_STEP_READ_KEY = "global_step_read_op_cache"


def graph_of_inputs(values: Sequence[Any] | None) -> Graph:
    """The graph that tensors among `values` belong to; the default graph where it can use them all."""
    default = get_default_graph()
    graphs = [g for v in values or () if isinstance(g := getattr(v, "graph", None), Graph)]
    if not graphs or default in graphs or default.outer_graph is not None:
        return default
    if any(g is not graphs[0] for g in graphs):
        raise ValueError("The values of a name scope must be from one graph, but they are from several")
    return graphs[0]


class name_scope:
    """A context manager that puts the names of operations made inside under `name/`, as TensorFlow 1.15's.

    Args:
        name: the scope, or None.
        default_name: used where `name` is None, made unique.
        values: tensors whose graph becomes the default one inside.

    Raises:
        ValueError: neither name is given although there are values.

    Example:
        >>> import headrace as tf
        >>> with tf.Graph().as_default(), tf.name_scope("layer") as scope:
        ...     c = tf.constant(1.0, name="c")
        >>> scope, c.name
        ('layer/', 'layer/c:0')
    """

    def __init__(self, name: str | None, default_name: str | None = None, values: Sequence[Any] | None = None) -> None:
        if name is None and default_name is None and values:
            raise ValueError(f"At least one of name ({name}) and default_name ({default_name}) must be provided.")
        for text in (name, default_name):
            if text is not None and not isinstance(text, str):
                raise TypeError(f"name_scope takes strings as names, got {text!r} of type {type(text).__name__}")
        self._name = default_name if name is None else name
        self._values = values
        self._stacks: list[ExitStack] = []

    @property
    def name(self) -> str | None:
        """The name asked for."""
        return self._name

    def __enter__(self) -> str:
        graph = graph_of_inputs(self._values)
        with ExitStack() as stack:
            if graph is not get_default_graph():
                stack.enter_context(graph.as_default())
            scope = stack.enter_context(graph.name_scope(self._name))
            self._stacks.append(stack.pop_all())
        return scope

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stacks.pop().__exit__(kind, error, trace)


@contextmanager
def op_scope(values: Sequence[Any], name: str | None, default_name: str | None = None) -> Iterator[str]:
    """`name_scope` with the order of arguments of TensorFlow before 1.0."""
    with name_scope(name, default_name, values) as scope:
        yield scope


@contextmanager
def init_scope() -> Iterator[None]:
    """Lifts what is made inside out of functions and control dependencies, as variables are."""
    current = get_default_graph()
    outer = current.outermost()
    scope = current.get_name_scope()
    with outer.as_default(), outer.control_dependencies(None), outer.name_scope(scope + "/" if scope else None):
        yield


def device(device_name_or_function: Any) -> AbstractContextManager[None]:
    """A context manager that lays a device over operations made inside.

    Args:
        device_name_or_function: a device string, a DeviceSpec, a function of an operation that returns one of these,
            or None, which hides the devices around.
    """
    return get_default_graph().device(device_name_or_function)


def control_dependencies(control_inputs: Sequence[Any] | None) -> AbstractContextManager[None]:
    """A context manager that makes operations inside wait for `control_inputs`; None lifts the dependencies around."""
    return get_default_graph().control_dependencies(control_inputs)


def colocate_with(op: Any, ignore_existing: bool = False) -> AbstractContextManager[None]:
    """A context manager that puts operations made inside on the device of `op`."""
    return get_default_graph().colocate_with(op, ignore_existing)


def container(container_name: str) -> AbstractContextManager[str]:
    """A context manager that names the resource container of variables, queues and tables made inside."""
    return get_default_graph().container(container_name)


def add_to_collection(name: Any, value: Any) -> None:
    """Appends `value` to the collection `name` of the default graph."""
    get_default_graph().add_to_collection(name, value)


def add_to_collections(names: Any, value: Any) -> None:
    """Appends `value` to each collection of `names` of the default graph."""
    get_default_graph().add_to_collections(names, value)


def get_collection(key: Any, scope: str | None = None) -> list[Any]:
    """A copy of the default graph's collection `key`; with `scope`, the items whose name matches that expression."""
    return get_default_graph().get_collection(key, scope)


def get_collection_ref(key: Any) -> list[Any]:
    """The default graph's collection `key` itself, which may be changed."""
    return get_default_graph().get_collection_ref(key)


def get_all_collection_keys() -> list[Any]:
    """The names of the default graph's collections."""
    return get_default_graph().get_all_collection_keys()


def get_name_scope() -> str:
    """The current name scope of the default graph, without a trailing slash."""
    return get_default_graph().get_name_scope()

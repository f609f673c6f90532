"""`keras.backend`: the session and learning phase of the default graph, values of variables, and global settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ...engine.dtypes import as_dtype
from ...engine.graph import DEFAULT, Tensor, get_default_graph, reset_default_graph
from ...engine.ops.constant import placeholder_with_default
from ...engine.scopes import GraphKeys, init_scope
from ...engine.session import Session
from ...engine.session_config import softly_placed
from .graph_record import CONTEXT, record_of

_SETTINGS: dict[str, Any] = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}
# What get_session found initialized, or initialized itself, in each session.
_READY: WeakKeyDictionary[Any, set[int]] = WeakKeyDictionary()


# Settings


def floatx() -> str:
    """The dtype of layers that name none: "float32" unless set."""
    return str(_SETTINGS["floatx"])


def set_floatx(value: str) -> None:
    """Sets the dtype of layers that name none.

    Raises:
        ValueError: it is not one of "bfloat16", "float16", "float32" and "float64".
    """
    if value not in ("bfloat16", "float16", "float32", "float64"):
        raise ValueError(f"Unknown `floatx` value: {value!r}. Expected bfloat16, float16, float32 or float64")
    _SETTINGS["floatx"] = value


def epsilon() -> float:
    """The small number that keeps quotients and logarithms finite: 1e-7 unless set."""
    return float(_SETTINGS["epsilon"])


def set_epsilon(value: float) -> None:
    """Sets the small number of `epsilon`."""
    _SETTINGS["epsilon"] = float(value)


def image_data_format() -> str:
    """The data format of layers that name none: "channels_last" unless set."""
    return str(_SETTINGS["image_data_format"])


def set_image_data_format(data_format: str) -> None:
    """Sets the data format of layers that name none.

    Raises:
        ValueError: it is neither "channels_last" nor "channels_first".
    """
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"Unknown data_format: {data_format!r}. Expected 'channels_last' or 'channels_first'")
    _SETTINGS["image_data_format"] = data_format


# Names


def get_uid(prefix: str = "") -> int:
    """1, 2, ... for the calls with the same prefix in a graph."""
    names = record_of().names
    names[prefix] = names.get(prefix, 0) + 1
    return names[prefix]


def unique_name(prefix: str) -> str:
    """`dense`, `dense_1`, `dense_2`, ... : a name that no layer of the default graph got before."""
    number = get_uid(prefix)
    return prefix if number == 1 else f"{prefix}_{number - 1}"


# The learning phase


def learning_phase() -> Any:
    """Whether the graph trains: a bool placeholder that is False unless fed, or 0 or 1 where it was set."""
    if CONTEXT.training is not None:
        return CONTEXT.training
    record = record_of()
    if record.learning_phase is None:
        with init_scope(), get_default_graph().name_scope(None):
            record.learning_phase = placeholder_with_default(False, [], name="keras_learning_phase")
    return record.learning_phase


def symbolic_learning_phase() -> Tensor | None:
    """The placeholder of the learning phase to feed, None if no layer of the default graph asks for it."""
    phase = record_of().learning_phase
    return phase if isinstance(phase, Tensor) else None


def set_learning_phase(value: int | bool) -> None:
    """Fixes the learning phase of layers called from now on: 1 to train, 0 to infer.

    Raises:
        ValueError: it is neither.
    """
    if value not in (0, 1):
        raise ValueError(f"Expected learning phase to be 0 or 1, got {value!r}")
    record_of().learning_phase = int(value)


# Sessions


def get_session() -> Session:
    """The session of the default graph, in which all variables and tables have values.

    The innermost `with` session if it is one of the default graph, else the one that was set, else one made now.
    """
    graph = get_default_graph().outermost()
    record = record_of(graph)
    session = DEFAULT.sessions[-1] if DEFAULT.sessions else None
    if session is None or session.graph is not graph:
        if record.session is None or record.session._closed:
            # As TensorFlow's: a model made under tf.device("/gpu:0") runs where there is none.
            record.session = Session(graph=graph, config=softly_placed())
        session = record.session
    initialize(session)
    return session  # type: ignore[no-any-return]


def set_session(session: Any) -> None:
    """Makes `session` the one of its graph."""
    record_of(session.graph).session = session


def clear_session() -> None:
    """Starts anew: a fresh default graph, layers' names from the beginning, no session."""
    record = record_of()
    if record.session is not None:
        record.session.close()
    reset_default_graph()


def track_variable(variable: Any) -> None:
    """Lets get_session initialize a variable that is in no collection."""
    record_of(variable.graph).variables.append(variable)


def initialize(session: Any) -> None:
    """Initializes the variables and tables of the session's graph that have no value yet, and no others."""
    graph = session.graph
    ready = _READY.setdefault(session, set())
    variables = [v for v in _known_variables(graph) if id(v) not in ready]
    if variables:
        with graph.as_default(), init_scope():
            flags = session.run([_initialized_flag(v) for v in variables])
        missing = [v for v, flag in zip(variables, flags, strict=True) if not flag]
        if missing:
            session.run([v.initializer for v in missing])
        ready.update(id(v) for v in variables)
    tables = [op for op in graph.get_collection(GraphKeys.TABLE_INITIALIZERS) if id(op) not in ready]
    if tables:
        session.run(tables)
        ready.update(id(op) for op in tables)


def _known_variables(graph: Any) -> list[Any]:
    found = graph.get_collection(GraphKeys.GLOBAL_VARIABLES) + graph.get_collection(GraphKeys.LOCAL_VARIABLES)
    return list({id(v): v for v in [*found, *record_of(graph).variables]}.values())


def _initialized_flag(variable: Any) -> Tensor:
    flag: Tensor | None = getattr(variable, "_keras_flag", None)
    if flag is None:
        # The slash: all flags share one scope.
        with get_default_graph().name_scope("initialized/"):
            flag = variable._keras_flag = variable.is_initialized()
    return flag


# Values


def get_value(x: Any) -> Any:
    """The value of a variable or tensor; anything else as it is."""
    return get_session().run(x) if hasattr(x, "graph") else x


def set_value(x: Any, value: Any) -> None:
    """Writes the value of a variable."""
    batch_set_value([(x, value)])


def batch_get_value(tensors: Sequence[Any]) -> list[Any]:
    """The values of several variables or tensors, in one step."""
    return list(get_session().run(list(tensors))) if tensors else []


def batch_set_value(tuples: Sequence[tuple[Any, Any]]) -> None:
    """Writes the values of several variables, given as pairs.

    Raises:
        ValueError: a value's shape is not the variable's.
    """
    if not tuples:
        return
    session = get_session()
    for variable, value in tuples:
        array = np.asarray(value, as_dtype(variable.dtype).base_dtype.as_numpy_dtype)
        if not variable.shape.is_compatible_with(array.shape):
            raise ValueError(f"Variable {variable.name!r} has shape {variable.shape}, got a value of {array.shape}")
        variable.load(array, session)

"""Variables of models by collection and name, as TensorFlow 1.15's `tf.contrib.framework` makes and finds them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..engine.assignments import assign
from ..engine.checkpoint.reader import load_checkpoint
from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import float32
from ..engine.graph import Operation, Tensor, get_default_graph
from ..engine.ops.array import reshape
from ..engine.ops.constant import placeholder
from ..engine.ops.control import group
from ..engine.scopes import GraphKeys, add_to_collection, add_to_collections, device as device_scope, get_collection
from ..engine.training.saver import Saver
from ..engine.variable_scope import VariableScope, get_variable, get_variable_scope
from ..engine.variables import Variable
from .arg_scope import add_arg_scope

Feeds = dict[Any, Any]
_PASSED = (
    "shape", "dtype", "initializer", "regularizer", "trainable", "collections", "caching_device", "partitioner",
    "use_resource", "synchronization", "aggregation",
)  # fmt: skip


@add_arg_scope
def variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    collections: Any = None,
    caching_device: Any = None,
    device: Any = None,
    partitioner: Any = None,
    custom_getter: Callable[..., Any] | None = None,
    use_resource: bool | None = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Any:
    """A variable by `get_variable`, on a device.

    Args:
        collections: to which it belongs; by default the global variables.
        device: a device string or function.
        custom_getter: takes the place of `get_variable`.

    The other arguments are those of `tf.get_variable`.
    """
    names = list(dict.fromkeys(collections if collections is not None else [GraphKeys.GLOBAL_VARIABLES]))
    getter: Callable[..., Any] = get_variable
    if custom_getter is not None:
        getter = functools.partial(custom_getter, reuse=get_variable_scope().reuse)
    with device_scope(device or ""):
        return getter(
            name,
            shape=shape,
            dtype=dtype,
            initializer=initializer,
            regularizer=regularizer,
            trainable=trainable,
            collections=names,
            caching_device=caching_device,
            partitioner=partitioner,
            use_resource=use_resource,
            synchronization=synchronization,
            aggregation=aggregation,
        )


@add_arg_scope
def model_variable(
    name: str,
    shape: Any = None,
    dtype: Any = float32,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    collections: Any = None,
    caching_device: Any = None,
    device: Any = None,
    partitioner: Any = None,
    custom_getter: Callable[..., Any] | None = None,
    use_resource: bool | None = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Any:
    """As `variable`, in the collections GLOBAL_VARIABLES and MODEL_VARIABLES too."""
    names = [*(collections or []), GraphKeys.GLOBAL_VARIABLES, GraphKeys.MODEL_VARIABLES]
    return variable(
        name,
        shape=shape,
        dtype=dtype,
        initializer=initializer,
        regularizer=regularizer,
        trainable=trainable,
        collections=names,
        caching_device=caching_device,
        device=device,
        partitioner=partitioner,
        custom_getter=custom_getter,
        use_resource=use_resource,
        synchronization=synchronization,
        aggregation=aggregation,
    )


def model_variable_getter(renamed: Mapping[str, str]) -> Callable[..., Any]:
    """A custom getter that makes model variables, some under another last name."""

    def getter(inner: Callable[..., Any], name: str, **options: Any) -> Any:
        prefix, slash, last = name.rpartition("/")
        rest = {key: value for key, value in options.items() if key not in _PASSED and key != "reuse"}
        return model_variable(
            prefix + slash + renamed.get(last, last),
            custom_getter=functools.partial(inner, **rest),
            **{key: options[key] for key in _PASSED if key in options},
        )

    return getter


def local_variable(
    initial_value: Any, validate_shape: bool = True, name: str | None = None, use_resource: bool | None = None
) -> Any:
    """A variable that is neither trained nor saved."""
    return Variable(
        initial_value,
        trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES],
        validate_shape=validate_shape,
        use_resource=bool(use_resource),
        name=name,
    )


def add_model_variable(var: Any) -> None:
    """Adds a variable to the collection of model variables, once."""
    if not any(v is var for v in get_collection(GraphKeys.MODEL_VARIABLES)):
        add_to_collection(GraphKeys.MODEL_VARIABLES, var)


def get_variables(
    scope: str | VariableScope | None = None, suffix: str | None = None, collection: str = GraphKeys.GLOBAL_VARIABLES
) -> list[Any]:
    """The variables of a collection whose names start with `scope` and end with `suffix`."""
    prefix = scope.name if isinstance(scope, VariableScope) else scope
    if suffix is None:
        return get_collection(collection, prefix)
    suffix = suffix if ":" in suffix else suffix + ":"
    return get_collection(collection, (prefix or "") + ".*" + suffix)


def get_model_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """The model variables; see `get_variables`."""
    return get_variables(scope, suffix, GraphKeys.MODEL_VARIABLES)


def get_local_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """The local variables; see `get_variables`."""
    return get_variables(scope, suffix, GraphKeys.LOCAL_VARIABLES)


def get_trainable_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """The trainable variables; see `get_variables`."""
    return get_variables(scope, suffix, GraphKeys.TRAINABLE_VARIABLES)


def get_variables_to_restore(include: Sequence[str] | None = None, exclude: Sequence[str] | None = None) -> list[Any]:
    """The global variables in the scopes of `include` (by default all) and not in those of `exclude`."""
    if include is not None and not isinstance(include, list | tuple):
        raise TypeError("include is provided but is not a list or a tuple.")
    if exclude is not None and not isinstance(exclude, list | tuple):
        raise TypeError("exclude is provided but is not a list or a tuple.")
    included = get_variables() if include is None else [v for scope in include for v in get_variables(scope)]
    excluded = {id(v) for scope in exclude or () for v in get_variables(scope)}
    return [v for v in included if id(v) not in excluded]


def get_variables_by_suffix(suffix: str, scope: Any = None) -> list[Any]:
    """The variables whose names end with `suffix`."""
    return get_variables(scope, suffix)


def get_variables_by_name(given_name: str, scope: Any = None) -> list[Any]:
    """The variables whose last name, or all of it, is `given_name`."""
    return get_variables(scope, "/" + given_name + ":|^" + given_name + ":")


def get_unique_variable(var_op_name: str) -> Any:
    """The variable of an operation's name; ValueError if there is not exactly one."""
    found = [v for v in get_variables(var_op_name) if v.op.name == var_op_name]
    if not found:
        raise ValueError(f"Couldn't find variable {var_op_name}")
    if len(found) > 1:
        raise ValueError(f"Variable {var_op_name} does not uniquely identify a variable")
    return found[0]


def get_variable_full_name(var: Any) -> str:
    """The name under which a checkpoint holds a variable, whole or a slice."""
    info = var._save_slice_info
    return var.op.name if info is None else info.full_name  # type: ignore[no-any-return]


def filter_variables(
    var_list: Sequence[Any],
    include_patterns: Sequence[str] | None = None,
    exclude_patterns: Sequence[str] | None = None,
    reg_search: bool = True,
) -> list[Any]:
    """The variables whose operation's name some pattern of `include_patterns` fits and none of `exclude_patterns`.

    Args:
        var_list: variables.
        include_patterns: regular expressions, None for all names.
        exclude_patterns: regular expressions, None for none.
        reg_search: a pattern may fit anywhere in the name, else from its start.
    """
    fits = re.search if reg_search else re.match
    included = [v for v in var_list if include_patterns is None or any(fits(p, v.op.name) for p in include_patterns)]
    return [v for v in included if not any(fits(p, v.op.name) for p in exclude_patterns or ())]


def assign_from_values(var_names_to_values: Mapping[str, Any]) -> tuple[Operation, Feeds]:
    """An operation that gives variables values, and what to feed it.

    Args:
        var_names_to_values: arrays by the names of the variables' operations.

    Raises:
        ValueError: there is no such variable.
    """
    feeds: Feeds = {}
    updates = []
    for name, value in var_names_to_values.items():
        target = get_unique_variable(name)
        with get_default_graph().name_scope("assign_from_values"):
            given = placeholder(target.dtype.base_dtype, target.shape)
            updates.append(assign(target, given))
        feeds[given] = value.reshape(target.shape.as_list())
    return group(*updates), feeds


def assign_from_values_fn(var_names_to_values: Mapping[str, Any]) -> Callable[[Any], None]:
    """A function of a session that gives variables values."""
    operation, feeds = assign_from_values(var_names_to_values)

    def callback(session: Any) -> None:
        session.run(operation, feeds)

    return callback


def assign_from_checkpoint(
    model_path: str, var_list: Any, ignore_missing_vars: bool = False
) -> tuple[Operation, Feeds]:
    """An operation that gives variables the values of a checkpoint, and what to feed it.

    Args:
        model_path: of the checkpoint.
        var_list: variables, or a dictionary of variables by their names in the checkpoint.
        ignore_missing_vars: leave out variables that the checkpoint does not have; else they are a ValueError.
    """
    reader = load_checkpoint(model_path)
    feeds: Feeds = {}
    updates = []
    for name, target in _by_name(var_list).items():
        if not reader.has_tensor(name):
            if ignore_missing_vars:
                continue
            raise ValueError(f"Checkpoint is missing variable [{name}]: {model_path}")
        given = placeholder(target.dtype.base_dtype)
        updates.append(assign(target, reshape(given, target.shape.as_list())))
        feeds[given] = reader.get_tensor(name)
    return group(*updates), feeds


def _by_name(var_list: Any) -> dict[str, Any]:
    return dict(var_list) if isinstance(var_list, Mapping) else {get_variable_full_name(v): v for v in var_list}


def assign_from_checkpoint_fn(
    model_path: str, var_list: Any, ignore_missing_vars: bool = False, reshape_variables: bool = False
) -> Callable[[Any], None]:
    """A function of a session that restores variables from a checkpoint.

    Args:
        model_path: of the checkpoint.
        var_list: variables, or a dictionary of variables by their names in the checkpoint; not empty.
        ignore_missing_vars: leave out variables that the checkpoint does not have.
        reshape_variables: whether a value may have another shape with as many elements.
    """
    if not var_list:
        raise ValueError("var_list cannot be empty")
    wanted = _by_name(var_list)
    if ignore_missing_vars:
        reader = load_checkpoint(model_path)
        wanted = {name: v for name, v in wanted.items() if reader.has_tensor(name)}
    saver = Saver(wanted, reshape=reshape_variables) if wanted else None

    def callback(session: Any) -> None:
        if saver is not None:
            saver.restore(session, model_path)

    return callback


# What the layers share


def collections_of(variables_collections: Any, name: str) -> Any:
    """The collections for a variable: those of its name where there is a dictionary, else all."""
    return variables_collections.get(name) if isinstance(variables_collections, dict) else variables_collections


def add_variable_to_collections(var: Any, variables_collections: Any, name: str) -> None:
    """Adds a variable (or the parts of one) to the collections for `name`, once each."""
    for collection in collections_of(variables_collections, name) or ():
        known = get_default_graph().get_collection_ref(collection)
        if not any(v is var for v in known):
            known.append(var)


def collect_named_outputs(collections: Any, alias: str, outputs: Tensor) -> Tensor:
    """Adds a layer's outputs to collections, and remembers the layer's name for `convert_collection_to_dict`."""
    if collections:
        aliases = get_default_graph().outermost().extras.setdefault("aliases", {})
        aliases.setdefault(outputs, []).append(alias.rstrip("/"))
        add_to_collections(collections, outputs)
    return outputs


def convert_collection_to_dict(collection: str, clear_collection: bool = False) -> dict[str, Any]:
    """The tensors of a collection by the names of the layers that gave them.

    Args:
        collection: that was a layer's `outputs_collections`.
        clear_collection: whether to empty it.
    """
    graph = get_default_graph()
    aliases = graph.outermost().extras.get("aliases", {})
    found = {name: t for t in graph.get_collection(collection) for name in aliases.get(t, [t.op.name])}
    if clear_collection:
        graph.clear_collection(collection)
    return found


def last_dimension(shape: Any, min_rank: int = 1) -> int:
    """The last size of a shape; ValueError if it is unknown or the rank too small."""
    if len(shape) < min_rank:
        raise ValueError(f"rank of shape must be at least {min_rank} not {len(shape)}")
    size = shape.as_list()[-1]
    if size is None:
        raise ValueError("last dimension shape must be known but is None")
    return int(size)


def as_tensor_with_channels(inputs: Any, data_format: str) -> tuple[Tensor, int, int]:
    """The inputs as a tensor, the axis of the channels, and their number, which must be known."""
    tensor = convert_to_tensor(inputs)
    sizes = tensor.sizes
    if sizes is None or len(sizes) < 2:
        raise ValueError(f"Inputs {tensor.name} must have a known rank of at least 2, got shape {tensor.shape}")
    axis = 1 if data_format.startswith("NC") else len(sizes) - 1
    channels = sizes[axis]
    if channels is None:
        raise ValueError(f"Inputs {tensor.name} has undefined `C` dimension, axis {axis} of {tensor.shape}")
    return tensor, axis, channels

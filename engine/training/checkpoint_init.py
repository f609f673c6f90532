"""init_from_checkpoint: variables whose initializers read a checkpoint, as TensorFlow 1.15's tf.train."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..checkpoint.reader import CheckpointReader, load_checkpoint
from ..graph import Tensor, get_default_graph
from ..ops.casting import cast
from ..ops.checkpoint_files import EXPECTED_SHAPES, restore_op, slice_specs as text_vector
from ..partitioned import PartitionedVariable
from ..scopes import GraphKeys, get_collection
from ..shapes import TensorShape
from ..variables import Variable

Group = list[Variable]


def init_from_checkpoint(ckpt_dir_or_file: str | os.PathLike[str], assignment_map: Any) -> None:
    """Replaces the initializers of variables of the default graph by readings of a checkpoint.

    As TensorFlow 1.15's `tf.train.init_from_checkpoint`: nothing is read until the initializers run, and restoring a
    checkpoint of the training itself goes before them.

    Args:
        ckpt_dir_or_file: a checkpoint's prefix, or a folder, of which the newest is taken.
        assignment_map: by names in the checkpoint: a variable, its name, a partitioned variable or a list of its parts.
            A name that ends in "/" is a scope, and stands for all variables of the scope that it is mapped to.

    Raises:
        ValueError: a tensor or a variable is not found, or their shapes differ.

    Example:
        >>> import headrace as tf, tempfile
        >>> prefix = tempfile.mkdtemp() + "/model"
        >>> with tf.Graph().as_default(), tf.Session() as session:
        ...     old = tf.get_variable("old/weight", initializer=[1.0, 2.0])
        ...     session.run(old.initializer)
        ...     _ = tf.train.Saver().save(session, prefix)
        >>> with tf.Graph().as_default(), tf.Session() as session:
        ...     new = tf.get_variable("new/weight", [2])
        ...     tf.train.init_from_checkpoint(prefix, {"old/": "new/"})
        ...     session.run(new.initializer)
        ...     session.run(new).tolist()
        [1.0, 2.0]
    """
    with load_checkpoint(ckpt_dir_or_file) as reader:
        for source, target in _pairs(assignment_map):
            for name, variables in _assignments(reader, source, target):
                initialize_from(reader, name, variables)


def _pairs(assignment_map: Any) -> list[tuple[str, Any]]:
    if isinstance(assignment_map, Mapping):
        return sorted(assignment_map.items(), key=lambda item: item[0])
    # A list of variables or of (old name, variable) stands for itself.
    pairs = [item if isinstance(item, tuple) else (item.op.name, item) for item in assignment_map]
    return [(str(name), target) for name, target in pairs]


def _assignments(reader: CheckpointReader, source: str, target: Any) -> list[tuple[str, Group]]:
    if isinstance(target, Variable):
        return [(source, [target])]
    if isinstance(target, PartitionedVariable):
        return [(source, list(target))]
    if isinstance(target, Sequence) and not isinstance(target, str):
        if not target or not all(isinstance(v, Variable) for v in target):
            raise ValueError(f"{source}: expected a variable, the parts of one, or a name, got {target!r}")
        return [(source, list(target))]
    if not isinstance(target, str):
        raise ValueError(f"{source}: expected a variable, the parts of one, or a name, got {target!r}")
    return _of_scope(reader, source, target) if target.endswith("/") or source.endswith("/") else _named(source, target)


def _named(source: str, target: str) -> list[tuple[str, Group]]:
    found = grouped_by_name(get_collection(GraphKeys.GLOBAL_VARIABLES)).get(target)
    if found is None:
        raise ValueError(f"Variable {target} is not found in the graph; variables that are there: {_some_names()}")
    return [(source, found)]


def _of_scope(reader: CheckpointReader, source: str, target: str) -> list[tuple[str, Group]]:
    if not (source.endswith("/") and target.endswith("/")):
        raise ValueError(
            f"Assignment map with scope only name {source} should map to scope only {target}: both end in /"
        )
    start, scope = source.lstrip("/"), target.lstrip("/")
    groups = grouped_by_name(get_collection(GraphKeys.GLOBAL_VARIABLES))
    found = [(start + name.removeprefix(scope), group) for name, group in groups.items() if name.startswith(scope)]
    missing = [name for name, _ in found if not reader.has_tensor(name)]
    if missing:
        raise ValueError(
            f"Tensor {missing[0]} ({scope} in the graph) is not found in {reader.prefix} checkpoint "
            f"{_shown(reader.get_variable_to_shape_map())}"
        )
    if not found:
        raise ValueError(f"There is no variable in the scope {target!r}; variables that are there: {_some_names()}")
    return found


def _shown(names: Any) -> str:
    some = sorted(names)
    return ", ".join(some[:10]) + (f" and {len(some) - 10} more" if len(some) > 10 else "")


def _some_names() -> str:
    return _shown(grouped_by_name(get_collection(GraphKeys.GLOBAL_VARIABLES)))


def name_of(variable: Any) -> str:
    """The name by which checkpoints know a variable: that of the whole for a part."""
    info = variable._get_save_slice_info()
    return str(variable.op.name if info is None else info.full_name)


def sizes_of(variable: Variable) -> list[int]:
    """The shape of a variable, which is known.

    Raises:
        ValueError: it is not.
    """
    sizes = variable.shape.as_list()
    if None in sizes:
        raise ValueError(f"The shape of {variable.op.name} is not known: {sizes}")
    return [n for n in sizes if n is not None]


def grouped_by_name(variables: Sequence[Any]) -> dict[str, Group]:
    """Variables by their names in checkpoints; the parts of one together."""
    groups: dict[str, Group] = {}
    for variable in variables:
        groups.setdefault(name_of(variable), []).append(variable)
    return groups


def initialize_from(reader: CheckpointReader, name: str, variables: Group) -> None:
    """Replaces the initializers of a variable, or of its parts, by readings of a tensor.

    Raises:
        ValueError: there is no such tensor, or it has another shape.
    """
    if not reader.has_tensor(name):
        there = _shown(reader.get_variable_to_shape_map())
        raise ValueError(f"Tensor {name} is not found in {reader.prefix} checkpoint {there}")
    entry = reader.entry(name)
    for variable in variables:
        info = variable._get_save_slice_info()
        whole = list(variable.shape.as_list() if info is None else info.full_shape)
        if whole != list(entry.shape):
            raise ValueError(
                f"Shape of variable {name_of(variable)} ({whole}) doesn't match with shape of tensor {name} "
                f"({list(entry.shape)}) from checkpoint reader."
            )
        spec = "" if info is None else info.spec
        value = reading(reader, name, spec, sizes_of(variable))
        set_initial_value(variable, cast(value, variable.dtype.base_dtype))


def reading(reader: CheckpointReader, name: str, spec: str, sizes: Sequence[int]) -> Tensor:
    """A tensor of a checkpoint, or the slice of it that `spec` says, read when it is run."""
    attributes = {"dtypes": [reader.entry(name).dtype], EXPECTED_SHAPES: [TensorShape(sizes)]}
    with get_default_graph().device("/cpu:0"):
        made = restore_op.make(
            [reader.prefix, text_vector([name]), text_vector([spec])], attributes, "checkpoint_initializer"
        )
    return made.outputs[0]


def set_initial_value(variable: Variable, value: Tensor) -> None:
    """Makes `value` what the variable's initializer assigns."""
    variable._initializer = variable.assign(value, read_value=False)
    variable._initial_value = value

"""How backends reach the variables of a store: storages by handle, assignment, and the check that they have values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import InternalError, InvalidArgumentError
from ..registry import Op
from ..resources import ResourceStore, RowStorage, VariableStorage
from ..rewriting.dataflow import Node, Value
from ..shapes import Sizes, are_compatible


class StalePlanError(Exception):
    """Says that a variable has another shape now than a plan was made for."""


def storage_of(store: ResourceStore, value: Value) -> VariableStorage:
    """The storage of the variable that a handle names."""
    ref = value.variable
    if ref is None:
        raise InternalError(None, None, f"{value.name} is not the handle of a variable")
    return store.variable(ref.key, ref.dtype, ref.sizes)


def assign(
    store: ResourceStore, storage: VariableStorage, value: np.ndarray[Any, Any], validate: bool | None = None
) -> None:
    """Writes a whole value: in place where the shape stays, into a new array where it changes.

    Args:
        store: of the variable.
        storage: of the variable.
        value: of any shape.
        validate: the attribute of an assignment to a reference: True keeps the shape of the value before. None for
            resources, which keep what is known of their shape.

    Raises:
        InvalidArgumentError: the shape does not fit; nothing is written.
    """
    if storage.array is not None and storage.array.shape == value.shape:
        np.copyto(storage.array, value)
    else:
        if validate and storage.initialized and storage.array is not None:
            _check_shape(storage, storage.array.shape, value.shape)
        _check_shape(storage, storage.sizes, value.shape)
        store.replace(storage, np.array(value, storage.dtype.numpy, order="C"))
    storage.changed_at_home()
    storage.initialized = True


def check_plan(storage: VariableStorage, sizes: Sizes) -> None:
    """Raises StalePlanError if a variable has another shape than `sizes`, for which a program was planned."""
    if storage.array is not None and not are_compatible(storage.array.shape, sizes):
        text = f"the variable {storage.name} has shape {list(storage.array.shape)}, the plan is for {list(sizes or ())}"
        raise StalePlanError(text)


def _check_shape(storage: VariableStorage, sizes: Sizes, shape: tuple[int, ...]) -> None:
    # Programs are planned for the static shape: a value of another one must not get in.
    if sizes is None or (len(sizes) == len(shape) and all(a in (None, b) for a, b in zip(sizes, shape, strict=True))):
        return
    raise InvalidArgumentError(
        None,
        None,
        f"Assign requires shapes of both tensors to match: {storage.name} has shape {list(sizes)}, the value {list(shape)}",
    )


def prepare(node: Node, inputs: Sequence[Any]) -> None:
    """Raises FailedPreconditionError if an update meets a variable without a value."""
    if node.definition.update_function is not None:
        for item in inputs:
            if isinstance(item, VariableStorage):
                item.check()


def validates(node: Node) -> bool | None:
    """Whether an assignment keeps the shape of the value before; None for resources."""
    return bool(node.attrs.get("validate_shape", True)) if node.type == "Assign" else None


def update_rows(
    function: Callable[..., Any],
    storages: Sequence[RowStorage],
    others: Sequence[Any],
    place: int,
    attrs: dict[str, Any],
) -> None:
    """Updates rows of variables that are kept by rows: on copies of the rows, which are then put back.

    Args:
        function: the op's update, of arrays.
        storages: the variables that it updates.
        others: its other inputs.
        place: which of these are the indices.
        attrs: its attributes.

    Raises:
        InvalidArgumentError: an index is out of range; nothing is updated.
    """
    indices = others[place]
    for storage in storages:
        storage.check()
    try:
        storages[0].table.check(indices)
    except IndexError as error:
        raise InvalidArgumentError(None, None, str(error)) from None
    rows, places = np.unique(indices.astype(np.int64, copy=False), return_inverse=True)
    parts = [storage.table.rows(rows) for storage in storages]
    given = [places.reshape(indices.shape).astype(indices.dtype) if i == place else x for i, x in enumerate(others)]
    function(np, *parts, *given, **attrs)
    for storage, part in zip(storages, parts, strict=True):
        storage.table.put(rows, part)


def rows_updated(definition: Op[..., Any], storages: Sequence[Any]) -> int | None:
    """The place of the indices among the inputs that an update leaves as they are, if its variables are kept by rows."""
    if not any(isinstance(s, RowStorage) for s in storages):
        return None
    return [a.name for a in definition.inputs if a.name not in definition.updated].index("indices")

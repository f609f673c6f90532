"""How backends reach the variables of a store: storages by handle, assignment, and the check that they have values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InternalError, InvalidArgumentError
from ..resources import ResourceStore, VariableStorage
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
                item.value()


def validates(node: Node) -> bool | None:
    """Whether an assignment keeps the shape of the value before; None for resources."""
    return bool(node.attrs.get("validate_shape", True)) if node.type == "Assign" else None

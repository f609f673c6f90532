"""How backends reach the variables of a store: storages by handle, assignment, and the check that they have values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InternalError, InvalidArgumentError
from ..resources import ResourceStore, VariableStorage
from ..rewriting.dataflow import Node, Value


def storage_of(store: ResourceStore, value: Value) -> VariableStorage:
    """The storage of the variable that a handle names."""
    ref = value.variable
    if ref is None:
        raise InternalError(None, None, f"{value.name} is not the handle of a variable")
    return store.variable(ref.key, ref.dtype, ref.sizes)


def assign(store: ResourceStore, storage: VariableStorage, value: np.ndarray[Any, Any]) -> None:
    """Writes a whole value: in place where the shape stays, into a new array where it changes."""
    if storage.array is not None and storage.array.shape == value.shape:
        np.copyto(storage.array, value)
    else:
        _check_shape(storage, value.shape)
        store.replace(storage, np.array(value, storage.dtype.numpy, order="C"))
    storage.initialized = True


def _check_shape(storage: VariableStorage, shape: tuple[int, ...]) -> None:
    # Programs are planned for the static shape: a value of another one must not get in.
    sizes = storage.sizes
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

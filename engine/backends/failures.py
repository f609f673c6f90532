"""What a kernel raised, as an error that names the operation and the user's line."""

from __future__ import annotations

import struct

from ..errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    OpError,
    OutOfRangeError,
    ResourceExhaustedError,
    UnimplementedError,
    UnknownError,
)
from ..rewriting.dataflow import Node

# The mapping of TensorFlow's py_func, and of NumPy's own complaints about arguments.
_CLASSES: list[tuple[type[BaseException], type[OpError]]] = [
    (MemoryError, ResourceExhaustedError),
    (NotImplementedError, UnimplementedError),
    (StopIteration, OutOfRangeError),
    (ValueError, InvalidArgumentError),
    (TypeError, InvalidArgumentError),
    (ArithmeticError, InvalidArgumentError),
    (LookupError, InvalidArgumentError),
    (struct.error, InvalidArgumentError),
    (RuntimeError, FailedPreconditionError),
]


def failure_of(error: Exception, node: Node) -> OpError:
    """`error` with the operation attached, or an OpError in its place."""
    if isinstance(error, OpError):
        error.attach(node.origin)
        return error
    kind = next((k for base, k in _CLASSES if isinstance(error, base)), UnknownError)
    if type(error).__name__ == "DecodeError":
        # Protobuf's own class for damaged messages; it is imported only where messages are read.
        kind = InvalidArgumentError
    return kind(None, node.origin, f"{type(error).__name__}: {error} in {node.describe()}")

"""The names of `tensorflow.python.framework.errors`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.errors import (
        AbortedError,
        AlreadyExistsError,
        CancelledError,
        DataLossError,
        DeadlineExceededError,
        FailedPreconditionError,
        InternalError,
        InvalidArgumentError,
        NotFoundError,
        OpError,
        OutOfRangeError,
        PermissionDeniedError,
        ResourceExhaustedError,
        UnauthenticatedError,
        UnavailableError,
        UnimplementedError,
        UnknownError,
        error_code_from_exception_type,
        exception_type_from_error_code,
    )

__all__ = [
    "AbortedError", "AlreadyExistsError", "CancelledError", "DataLossError", "DeadlineExceededError",
    "FailedPreconditionError", "InternalError", "InvalidArgumentError", "NotFoundError", "OpError", "OutOfRangeError",
    "PermissionDeniedError", "ResourceExhaustedError", "UnauthenticatedError", "UnavailableError",
    "UnimplementedError", "UnknownError", "error_code_from_exception_type", "exception_type_from_error_code",
]  # fmt: skip

_PLACES: Places = {
    "AbortedError": ("...engine.errors", "AbortedError"),
    "AlreadyExistsError": ("...engine.errors", "AlreadyExistsError"),
    "CancelledError": ("...engine.errors", "CancelledError"),
    "DataLossError": ("...engine.errors", "DataLossError"),
    "DeadlineExceededError": ("...engine.errors", "DeadlineExceededError"),
    "FailedPreconditionError": ("...engine.errors", "FailedPreconditionError"),
    "InternalError": ("...engine.errors", "InternalError"),
    "InvalidArgumentError": ("...engine.errors", "InvalidArgumentError"),
    "NotFoundError": ("...engine.errors", "NotFoundError"),
    "OpError": ("...engine.errors", "OpError"),
    "OutOfRangeError": ("...engine.errors", "OutOfRangeError"),
    "PermissionDeniedError": ("...engine.errors", "PermissionDeniedError"),
    "ResourceExhaustedError": ("...engine.errors", "ResourceExhaustedError"),
    "UnauthenticatedError": ("...engine.errors", "UnauthenticatedError"),
    "UnavailableError": ("...engine.errors", "UnavailableError"),
    "UnimplementedError": ("...engine.errors", "UnimplementedError"),
    "UnknownError": ("...engine.errors", "UnknownError"),
    "error_code_from_exception_type": ("...engine.errors", "error_code_from_exception_type"),
    "exception_type_from_error_code": ("...engine.errors", "exception_type_from_error_code"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

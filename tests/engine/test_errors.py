"""Errors: classes, codes, texts."""

import copy
import pickle
from types import SimpleNamespace

import pytest

from headrace.engine import errors

CODES = {
    "CANCELLED": (1, errors.CancelledError),
    "UNKNOWN": (2, errors.UnknownError),
    "INVALID_ARGUMENT": (3, errors.InvalidArgumentError),
    "DEADLINE_EXCEEDED": (4, errors.DeadlineExceededError),
    "NOT_FOUND": (5, errors.NotFoundError),
    "ALREADY_EXISTS": (6, errors.AlreadyExistsError),
    "PERMISSION_DENIED": (7, errors.PermissionDeniedError),
    "RESOURCE_EXHAUSTED": (8, errors.ResourceExhaustedError),
    "FAILED_PRECONDITION": (9, errors.FailedPreconditionError),
    "ABORTED": (10, errors.AbortedError),
    "OUT_OF_RANGE": (11, errors.OutOfRangeError),
    "UNIMPLEMENTED": (12, errors.UnimplementedError),
    "INTERNAL": (13, errors.InternalError),
    "UNAVAILABLE": (14, errors.UnavailableError),
    "DATA_LOSS": (15, errors.DataLossError),
    "UNAUTHENTICATED": (16, errors.UnauthenticatedError),
}


@pytest.mark.parametrize("name", CODES)
def test_each_class_has_its_code(name: str) -> None:
    code, cls = CODES[name]
    error = cls(None, None, "text")
    assert getattr(errors, name) == error.error_code == code
    assert errors.exception_type_from_error_code(code) is cls
    assert errors.error_code_from_exception_type(cls) == code
    assert isinstance(error, errors.OpError)
    assert cls.__doc__ is not None and "Example:" in cls.__doc__ and "Cure:" in cls.__doc__


def test_codes_of_other_classes() -> None:
    assert errors.OK == 0
    assert errors.error_code_from_exception_type(ValueError) == errors.UNKNOWN
    with pytest.raises(KeyError):
        errors.exception_type_from_error_code(0)


def test_base_takes_the_code() -> None:
    error = errors.OpError("node", None, "text", error_code=7)
    assert (error.node_def, error.op, error.message, error.error_code) == ("node", None, "text", 7)


@pytest.mark.parametrize(
    ("op", "message", "expected"),
    [
        (None, "bad", "bad"),
        (SimpleNamespace(name="a/Add"), "bad", "bad\n\t [[node a/Add]]"),
        (SimpleNamespace(name="a/Add"), "bad [[node a/Add]]", "bad [[node a/Add]]"),
        (
            SimpleNamespace(name="a/Add", made_at="train.py:3"),
            "bad",
            "bad\n\t [[node a/Add (made at train.py:3)]]",
        ),
    ],
)
def test_text_names_the_operation_once(op: object, message: str, expected: str) -> None:
    error = errors.InvalidArgumentError(None, op, message)
    assert str(error) == expected
    assert error.message == message


def test_attach_keeps_the_inner_operation() -> None:
    error = errors.InternalError(None, None, "bad")
    inner, outer = SimpleNamespace(name="inner"), SimpleNamespace(name="outer")
    error.attach(inner, "inner_def")
    error.attach(outer, "outer_def")
    assert (error.op, error.node_def) == (inner, "inner_def")


@pytest.mark.parametrize("copied", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_copies_carry_the_text(copied: object) -> None:
    error = errors.OpError(None, SimpleNamespace(name="x"), "bad", 7)
    assert callable(copied)
    again = copied(error)
    assert type(again) is errors.OpError
    assert (str(again), again.error_code, again.op) == (str(error), 7, None)

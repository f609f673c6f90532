"""The errors of running a graph: one class a status code, with TensorFlow 1.15's names and codes.

    OpError
    ├── CancelledError 1             ├── FailedPreconditionError 9
    ├── UnknownError 2               ├── AbortedError 10
    ├── InvalidArgumentError 3       ├── OutOfRangeError 11
    ├── DeadlineExceededError 4      ├── UnimplementedError 12
    ├── NotFoundError 5              ├── InternalError 13
    ├── AlreadyExistsError 6         ├── UnavailableError 14
    ├── PermissionDeniedError 7      ├── DataLossError 15
    └── ResourceExhaustedError 8     └── UnauthenticatedError 16

What is wrong when the graph is built is a ValueError or a TypeError instead.
"""

from __future__ import annotations

from typing import ClassVar, Final

OK: Final = 0
CANCELLED: Final = 1
UNKNOWN: Final = 2
INVALID_ARGUMENT: Final = 3
DEADLINE_EXCEEDED: Final = 4
NOT_FOUND: Final = 5
ALREADY_EXISTS: Final = 6
PERMISSION_DENIED: Final = 7
RESOURCE_EXHAUSTED: Final = 8
FAILED_PRECONDITION: Final = 9
ABORTED: Final = 10
OUT_OF_RANGE: Final = 11
UNIMPLEMENTED: Final = 12
INTERNAL: Final = 13
UNAVAILABLE: Final = 14
DATA_LOSS: Final = 15
UNAUTHENTICATED: Final = 16


class OpError(Exception):
    """Says that an operation failed while a graph ran; the base of all errors here.

    Kernels do not know which operation they work for and raise
    ``InvalidArgumentError(None, None, "text")``; the executor names it with `attach`.

    >>> str(InvalidArgumentError(None, None, "indices[1] = 7 is not in [0, 5)"))
    'indices[1] = 7 is not in [0, 5)'
    """

    code: ClassVar[int] = UNKNOWN

    def __init__(
        self,
        node_def: object | None = None,
        op: object | None = None,
        message: str = "",
        error_code: int | None = None,
    ) -> None:
        super().__init__(message)
        self._node_def = node_def
        self._op = op
        self._message = message
        self._error_code = self.code if error_code is None else error_code

    @property
    def node_def(self) -> object | None:
        """The NodeDef of the operation that failed, or None."""
        return self._node_def

    @property
    def op(self) -> object | None:
        """The operation that failed, or None where it is not known."""
        return self._op

    @property
    def message(self) -> str:
        """What went wrong, without the operation."""
        return self._message

    @property
    def error_code(self) -> int:
        """The status code, such as `INVALID_ARGUMENT`."""
        return self._error_code

    def attach(self, op: object, node_def: object | None = None) -> None:
        """Names the operation that failed, unless an inner one is named already."""
        if self._op is None:
            self._op = op
            self._node_def = self._node_def if node_def is None else node_def

    def __str__(self) -> str:
        line = _op_line(self._op)
        return self._message if line in self._message else f"{self._message}\n\t {line}"

    def __reduce__(self) -> tuple[object, ...]:
        # An operation belongs to its process: what crosses to another one is the text.
        return type(self), (None, None, str(self), self._error_code)


def _op_line(op: object | None) -> str:
    name = getattr(op, "name", None)
    if name is None:
        return ""
    made_at = getattr(op, "made_at", None)
    return f"[[node {name} (made at {made_at})]]" if made_at else f"[[node {name}]]"


class CancelledError(OpError):
    """Says that an operation was stopped before it was done.

    Example: a pending enqueue at ``queue.close(cancel_pending_enqueues=True)``.
    Cure: nothing in most cases; queue threads end on it.
    """

    code = CANCELLED


class UnknownError(OpError):
    """Says that something failed which fits no other class.

    Example: the Python function of a py_func raised an exception of its own class.
    Cure: read the message; it carries the text of the first error.
    """

    code = UNKNOWN


class InvalidArgumentError(OpError):
    """Says that a value given to an operation can never be right, whatever the state.

    Example: an index outside the table of a gather, or a placeholder that was not fed.
    Cure: the message names the value and the range; correct what is fed or computed.
    """

    code = INVALID_ARGUMENT


class DeadlineExceededError(OpError):
    """Says that the time allowed was over before the operation was done.

    Example: ``session.run`` with ``RunOptions(timeout_in_ms=100)`` on an empty queue.
    Cure: feed what it waits for, or allow more time.
    """

    code = DEADLINE_EXCEEDED


class NotFoundError(OpError):
    """Says that a file, a directory or a key is not there.

    Example: restoring a variable whose name is not in the checkpoint.
    Cure: check the path or the names; the message lists what was looked for.
    """

    code = NOT_FOUND


class AlreadyExistsError(OpError):
    """Says that what was to be made is there already.

    Example: moving a file onto another one without ``overwrite=True``.
    Cure: take another name, or allow the overwriting.
    """

    code = ALREADY_EXISTS


class PermissionDeniedError(OpError):
    """Says that the caller may not do this.

    Example: reading a file that belongs to another user, or a file operation in an imported graph.
    Cure: change the rights of the file, or allow the operation where the graph is imported.
    """

    code = PERMISSION_DENIED


class ResourceExhaustedError(OpError):
    """Says that memory, disk space or another store is used up.

    Example: an activation of a batch too large for the device.
    Cure: smaller batches, or more of what the message names.
    """

    code = RESOURCE_EXHAUSTED


class FailedPreconditionError(OpError):
    """Says that the state is not yet one in which the operation can run.

    Example: reading a variable before its initializer has run.
    Cure: run ``global_variables_initializer()`` or restore a checkpoint first.
    """

    code = FAILED_PRECONDITION


class AbortedError(OpError):
    """Says that the operation was given up because of others that ran at the same time.

    Example: an enqueue on a queue that another thread closed meanwhile, or a rank that restarted.
    Cure: start the step again from the last state; MonitoredSession does.
    """

    code = ABORTED


class OutOfRangeError(OpError):
    """Says that the input has come to its end.

    Example: the next element of an iterator, or a dequeue from a closed and empty queue.
    Cure: end the epoch; training loops take it as the sign to stop.
    """

    code = OUT_OF_RANGE


class UnimplementedError(OpError):
    """Says that there is no kernel for what was asked.

    Example: an operation on a device or a dtype for which it is not written.
    Cure: cast to a dtype that the message lists, or allow soft placement.
    """

    code = UNIMPLEMENTED


class InternalError(OpError):
    """Says that headrace itself broke one of its own rules.

    Example: a rewriting pass that left a graph which the verifier refuses.
    Cure: report it with the graph; switching off the pass that is named gets you on.
    """

    code = INTERNAL


class UnavailableError(OpError):
    """Says that a task of the cluster cannot be reached now.

    Example: a parameter server that has not started yet or was lost.
    Cure: try again; the training loop restarts from the newest whole checkpoint.
    """

    code = UNAVAILABLE


class DataLossError(OpError):
    """Says that stored data is damaged or cut short and cannot be had back.

    Example: a record file or checkpoint shard whose checksum is wrong.
    Cure: take an older checkpoint, or fetch the file again.
    """

    code = DATA_LOSS


class UnauthenticatedError(OpError):
    """Says that the caller did not prove who it is.

    Example: a request to a server that asks for a token, without one.
    Cure: give the credentials that the server expects.
    """

    code = UNAUTHENTICATED


_CLASS_OF_CODE: Final[dict[int, type[OpError]]] = {
    subclass.code: subclass
    for subclass in (
        CancelledError,
        UnknownError,
        InvalidArgumentError,
        DeadlineExceededError,
        NotFoundError,
        AlreadyExistsError,
        PermissionDeniedError,
        ResourceExhaustedError,
        FailedPreconditionError,
        AbortedError,
        OutOfRangeError,
        UnimplementedError,
        InternalError,
        UnavailableError,
        DataLossError,
        UnauthenticatedError,
    )
}


def exception_type_from_error_code(error_code: int) -> type[OpError]:
    """Returns the class of a status code, as TF 1.15; KeyError for OK and unknown codes."""
    return _CLASS_OF_CODE[error_code]


def error_code_from_exception_type(cls: type[BaseException]) -> int:
    """Returns the status code of an error class; UNKNOWN for classes that are not here."""
    return cls.code if issubclass(cls, OpError) else UNKNOWN


_CLASS_OF_OS_ERROR: Final[list[tuple[type[OSError], type[OpError]]]] = [
    (FileNotFoundError, NotFoundError),
    (FileExistsError, AlreadyExistsError),
    (PermissionError, PermissionDeniedError),
    (IsADirectoryError, FailedPreconditionError),
    (NotADirectoryError, FailedPreconditionError),
]


def file_error(path: object, error: OSError) -> OpError:
    """What the operating system said about a file, as one of the errors here."""
    kind = next((k for base, k in _CLASS_OF_OS_ERROR if isinstance(error, base)), UnknownError)
    return kind(None, None, f"{error.filename or path}; {error.strerror}")

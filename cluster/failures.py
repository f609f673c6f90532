"""Errors in words, as they travel between tasks, and as errors again where the client is."""

from __future__ import annotations

import traceback
from typing import Any

from ..engine.errors import INTERNAL, INVALID_ARGUMENT, OpError, exception_type_from_error_code
from ..engine.graph import Graph, Operation


def words_of(error: BaseException) -> dict[str, Any]:
    """An error as what a message can hold."""
    if isinstance(error, OpError):
        name = error.op.name if isinstance(error.op, Operation) else None
        return {"code": error.error_code, "message": error.message, "op": name}
    if isinstance(error, TypeError | ValueError):
        return {"code": INVALID_ARGUMENT, "message": str(error), "op": None}
    text = "".join(traceback.format_exception(error))
    return {"code": INTERNAL, "message": f"{type(error).__name__}: {error}\n{text}", "op": None}


def error_of(words: dict[str, Any], graph: Graph, task: str) -> OpError:
    """The error that another task had, with the operation of this process's graph."""
    kind = exception_type_from_error_code(words["code"])
    name = words.get("op")
    op = graph.get_operation_by_name(name) if name and graph.has_operation(name) else None
    return kind(None, op, f"{words['message']} (on {task})")

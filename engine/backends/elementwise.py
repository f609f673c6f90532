"""Element-wise expressions on bound arrays: one NumPy call an instruction, in blocks that stay in the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..scalar import PRIMITIVES, Expression, Operand

# Bytes of one operand's block: a few of them must fit in the second-level cache.
BLOCK_BYTES = 64 * 1024

Call = Callable[[], Any]


def bind_expression(
    expression: Expression, inputs: Sequence[np.ndarray[Any, Any]], out: np.ndarray[Any, Any]
) -> list[Call]:
    """Calls without arguments that leave the expression's value in `out`."""
    dtypes = expression.result_dtypes([x.dtype for x in inputs])
    if len(expression.instructions) == 1:
        return _bind_block(expression, inputs, out, [], dtypes)
    rows = _rows_per_block(out)
    if rows is None:
        return _bind_block(expression, inputs, out, _temporaries(dtypes, out.shape), dtypes)
    scratch = _temporaries(dtypes, (rows, *out.shape[1:]))
    calls: list[Call] = []
    for start in range(0, out.shape[0], rows):
        block = slice(start, min(start + rows, out.shape[0]))
        parts = [_rows_of(x, block, out) for x in inputs]
        count = block.stop - block.start
        calls += _bind_block(expression, parts, out[block], [t[:count] for t in scratch], dtypes)
    return calls


def _rows_per_block(out: np.ndarray[Any, Any]) -> int | None:
    """How many rows make a block, or None where one block is enough."""
    if out.ndim == 0 or out.nbytes <= 2 * BLOCK_BYTES:
        return None
    row = out.nbytes // out.shape[0]
    # Rows of more than a block each leave nothing to cut along the first axis.
    return None if row > 4 * BLOCK_BYTES else max(1, BLOCK_BYTES // max(row, 1))


def _rows_of(x: np.ndarray[Any, Any], block: slice, out: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return x[block] if x.ndim == out.ndim and x.shape[0] == out.shape[0] and out.shape[0] > 1 else x


def _value(operand: Operand, inputs: Sequence[Any], results: Sequence[Any]) -> Any:
    if operand.kind == "input":
        return inputs[operand.index]
    return results[operand.index] if operand.kind == "result" else operand.value


def _temporaries(dtypes: Sequence[np.dtype[Any]], shape: tuple[int, ...]) -> list[np.ndarray[Any, Any]]:
    return [np.empty(shape, d) for d in dtypes[:-1]]


def _bind_block(
    expression: Expression,
    inputs: Sequence[np.ndarray[Any, Any]],
    out: np.ndarray[Any, Any],
    temporaries: list[np.ndarray[Any, Any]],
    dtypes: Sequence[np.dtype[Any]],
) -> list[Call]:
    results = [*temporaries, out]
    calls: list[Call] = []
    for i, step in enumerate(expression.instructions):
        arguments = [_value(o, inputs, results) for o in step.operands]
        function = PRIMITIVES[step.primitive].function
        if results[i].dtype == dtypes[i]:
            calls.append(partial(function, *arguments, out=results[i]))
        else:
            calls.append(partial(_converted, function, arguments, results[i]))
    return calls


def _converted(function: Callable[..., Any], arguments: list[Any], out: np.ndarray[Any, Any]) -> None:
    np.copyto(out, function(*arguments), casting="unsafe")

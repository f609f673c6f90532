"""Where NaN and infinities come from: the first operation of a step that made one, with the user's line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..dtypes import DType
from ..errors import InvalidArgumentError
from ..function import FunctionGraph
from ..graph import Operation, Tensor
from ..resources import VariableStorage
from ..rewriting.dataflow import Node, Value
from ..session_config import DEFAULTS
from ..static import constant_value
from .debug_ops import finite_parts


def enable_check_numerics(stack_height_limit: int = 30, path_length_limit: int = 50) -> None:
    """Makes sessions check every step from now on, as `Session(check_numerics=True)`, until disable_check_numerics.

    Sessions that estimators and Keras models make are meant too; sessions that exist already stay as they are. The first
    operation of a step that makes a NaN or an infinity of finite inputs ends the step: InvalidArgumentError names it
    with its type, dtype, shape, the counts, the step and the user's line; for a gradient's operation also the operation
    whose gradient it is. Constants may hold infinities, such as masks. Steps are slower: each operation runs by itself.

    Args:
        stack_height_limit: accepted as TensorFlow 2.1's; the error names one line.
        path_length_limit: accepted as TensorFlow 2.1's.
    """
    del stack_height_limit, path_length_limit
    DEFAULTS.check_numerics = True


def disable_check_numerics() -> None:
    """Makes sessions run as usual from now on; those that check go on checking."""
    DEFAULTS.check_numerics = False


class _Range(NamedTuple):
    """What is known of a value that was there: dtype, shape, extremes, and whether it has NaN or infinities."""

    dtype: DType
    shape: tuple[int, ...]
    low: float
    high: float
    nan: bool
    infinite: bool

    def __str__(self) -> str:
        text = f"{self.dtype.name} {list(self.shape)}"
        if self.nan or self.infinite:
            return f"{text} with {' and '.join(['NaN'] * self.nan + ['Inf'] * self.infinite)}"
        return f"{text} from {self.low:.6g} to {self.high:.6g}" if self.low <= self.high else text


class NumericsCheck:
    """Looks at one run and raises where the first NaN or infinity was made. `step` says in words which run it is."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.known: dict[Value, _Range] = {}

    def see(self, node: Node, values: Sequence[Any]) -> None:
        """Notes the range of each output.

        Raises:
            InvalidArgumentError: one has a NaN although no input has, or an infinity although all inputs are finite.
        """
        before = [self.known[v] for v in node.inputs if v in self.known]
        for output, value in zip(node.outputs, values, strict=True):
            found = range_of(value, output.dtype)
            if found is None:
                continue
            self.known[output] = found
            made_nan = found.nan and not any(r.nan for r in before)
            made_infinity = found.infinite and not any(r.nan or r.infinite for r in before)
            if (made_nan or made_infinity) and not _may_be_so(node):
                raise self._error(node, output, value)

    def _error(self, node: Node, output: Value, value: Any) -> InvalidArgumentError:
        array = value.read() if isinstance(value, VariableStorage) else value
        nan, negative, positive = finite_parts(array)
        parts = (
            [f"{nan} NaN"] * bool(nan) + [f"{positive} Inf"] * bool(positive) + [f"{negative} -Inf"] * bool(negative)
        )
        text = (
            f"{_name(node, output)!r} ({_kind(node)}) has {', '.join(parts)} among {array.size} values of "
            f"{output.dtype.name} {list(array.shape)} at {self.step}.{''.join(self._origins(node))}"
        )
        return InvalidArgumentError(None, node.origin, text)

    def _origins(self, node: Node) -> Iterator[str]:
        forward = forward_of(node.origin)
        if forward is not None:
            yield f" It is the gradient of {forward.describe()}."
        inputs = [f"{_name(v.node, v)!r} {self.known[v]}" for v in dict.fromkeys(node.inputs) if v in self.known]
        if inputs:
            yield f" Inputs: {'; '.join(inputs)}."


def range_of(value: Any, dtype: DType) -> _Range | None:
    """The range of an array or of a variable's value; None for what is not floating or not there."""
    if not (dtype.is_floating or dtype.is_complex):
        return None
    if isinstance(value, VariableStorage):
        value = value.read() if value.initialized else None
    if not isinstance(value, np.ndarray) or value.dtype.hasobject:
        return None
    with np.errstate(all="ignore"):
        real = np.abs(value) if value.dtype.kind == "c" else value
        low, high = (float(real.min()), float(real.max())) if real.size else (np.inf, -np.inf)
        # The extremes of what has a NaN are NaN, and tell nothing of infinities.
        nan = bool(np.isnan(low) or np.isnan(high)) if real.size else False
        infinite = bool(np.isinf(real).any()) if nan else bool(real.size and (np.isinf(low) or np.isinf(high)))
    return _Range(dtype, value.shape, low, high, nan, infinite)


def _may_be_so(node: Node) -> bool:
    """Whether a node may hold an infinity: constants, and what a branch or body is given, which was looked at outside."""
    if node.type == "Const":
        return node.origin is None or node.origin.type == "Const" or not _all_finite(node.origin.inputs)
    return node.type == "_Feed" and node.origin is not None and isinstance(node.origin.graph, FunctionGraph)


def _all_finite(inputs: Sequence[Tensor]) -> bool:
    """Whether what an operation was computed from ahead of the run has no NaN or infinity."""
    found = (range_of(constant_value(t), t.dtype.base_dtype) for t in inputs)
    return not any(r is not None and (r.nan or r.infinite) for r in found)


def _kind(node: Node) -> str:
    if node.type == "_Feed":
        return "fed"
    return node.origin.type if node.origin is not None else node.type


def _name(node: Node, value: Value) -> str:
    return node.name if node.type == "_Feed" else f"{node.name}:{value.index}"


def forward_of(op: Operation | None) -> Operation | None:
    """The operation that another computes the gradient of, told by the scope `gradients/NAME_grad`; else None."""
    if op is None:
        return None
    for found in re.finditer(r"_grad(/|$)", op.name):
        parts = op.name[: found.start()].split("/")
        for i in range(1, len(parts)):
            name = "/".join(parts[i:])
            if op.graph.has_operation(name):
                return op.graph.get_operation_by_name(name)
    return None

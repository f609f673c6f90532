"""Sample inputs of ops: what the registry's tests feed them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sample:
    """Good inputs of an op: arrays (lists of arrays for list inputs) and attributes.

    An array for a `Ref(T)` or resource input stands for a variable that holds it; a function without arguments is
    called while the graph is built and gives the input, such as the handle of a queue.

    `differentiable` is False where finite differences mean nothing (kinks, integers, random results); `gradients`
    names the input positions that are checked (None: all floating ones); `second` asks for second derivatives too.
    """

    inputs: tuple[Any, ...]
    attrs: dict[str, Any] = field(default_factory=dict)
    differentiable: bool = True
    gradients: tuple[int, ...] | None = None
    second: bool = True


@dataclass(frozen=True)
class Failure:
    """Bad inputs of an op, the exception they must raise and a regular expression for its text.

    `at_run` tells that the error comes from running: the inputs' values are wrong, not their shapes or dtypes.
    """

    inputs: tuple[Any, ...]
    error: type[Exception]
    match: str
    attrs: dict[str, Any] = field(default_factory=dict)
    at_run: bool = False

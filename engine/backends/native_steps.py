"""Which steps of a plan run natively: bound steps are gathered into segments, others say why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..native.calls import BINDINGS, Bound, Call
from ..native.library import Library, load
from ..rewriting.dataflow import Node, is_narrowed
from ..rewriting.fuse import expression_of
from ..unsupported import UnsupportedError


def bind_native(library: Library, node: Node, inputs: Sequence[Any], outputs: Sequence[Any]) -> Bound:
    """A node's native calls.

    Raises:
        UnsupportedError: there is no native kernel for it, or none for these dtypes, shapes or strides.
    """
    expression = expression_of(node)
    binding = BINDINGS.get(node.type if node.type in BINDINGS or expression is None else "_Fused")
    if binding is None or is_narrowed(node):
        raise UnsupportedError("no native kernel")
    if not all(isinstance(x, np.ndarray) for x in [*inputs, *outputs]):
        raise UnsupportedError("a shape that is known only when it runs")
    bound = Bound(node.type, list(inputs), list(outputs), node.definition.kernel_attrs(node.attrs), node.attrs)
    bound.expression = expression
    bound.constants = [v.node.constant for v in node.inputs]
    binding(bound)
    unknown = [c.kernel for c in bound.calls if c.kernel not in library.kernels]
    if unknown:
        raise UnsupportedError(f"{unknown[0]} is not in this build")
    return bound


def native_library() -> Library | str:
    """The native runtime with its bindings, or why there is none."""
    library = load()
    if not isinstance(library, str):
        from ..native import bindings  # registers the bindings where there is something to bind to

        del bindings
    return library


class SegmentBuilder:
    """Calls gathered until a step that runs on NumPy ends the segment."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.owners: list[int] = []
        self.scratch_bytes = 0

    def add(self, step: int, bound: Bound) -> None:
        """Adds the calls of a step."""
        self.calls += bound.calls
        self.owners += [step] * len(bound.calls)
        self.scratch_bytes = max(self.scratch_bytes, bound.scratch_bytes)


class SegmentFailedError(Exception):
    """Says which step of a plan a native kernel could not compute."""

    def __init__(self, step: int) -> None:
        super().__init__(f"step {step}")
        self.step = step


def run_segment(run: Callable[[], int], owners: Sequence[int]) -> None:
    """Runs a segment; SegmentFailedError names the step that failed."""
    failed = run()
    if failed >= 0:
        raise SegmentFailedError(owners[failed])

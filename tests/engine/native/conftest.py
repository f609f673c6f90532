"""Native kernels alone: a node's binding run on arrays, by any instruction set and number of threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from headrace.engine.native import bindings
from headrace.engine.native.calls import BINDINGS, Bound
from headrace.engine.native.library import _runtime, load
from headrace.engine.native.segment import Segment
from headrace.engine.registry import definition_of

LIBRARY = load()
# The build that HEADRACE_NATIVE names, which may be one with sanitizers.
RUNTIME: Any = None if isinstance(LIBRARY, str) else _runtime()
INSTRUCTION_SETS: list[str] = list(RUNTIME.instruction_sets()) if RUNTIME else []
assert bindings

Arrays = Sequence[np.ndarray[Any, Any]]


@pytest.fixture(params=INSTRUCTION_SETS or [pytest.param("none", marks=pytest.mark.skip("no native runtime"))])
def instruction_set(request: pytest.FixtureRequest) -> str:
    """Each instruction set that this machine runs."""
    return str(request.param)


@pytest.fixture
def native(instruction_set: str) -> Callable[..., None]:
    """native(type, inputs, outputs, attrs={}, threads=1, fails=False) runs the op's native kernel into `outputs`."""
    library = replace(LIBRARY, instruction_set=instruction_set, kernels=RUNTIME.kernels(instruction_set))

    def run(
        op_type: str,
        inputs: Arrays,
        outputs: Arrays,
        attrs: dict[str, Any] | None = None,
        threads: int = 1,
        fails: bool = False,
    ) -> None:
        definition = definition_of(op_type)
        defaults = {name: a.default for name, a in definition.attributes.items()}
        bound = Bound(op_type, list(inputs), list(outputs), {**defaults, **(attrs or {})}, attrs or {})
        bound.constants = list(inputs)
        BINDINGS[op_type](bound)
        memory = np.full(bound.scratch_bytes + 64, 0xFF, np.uint8)
        scratch = memory[-memory.__array_interface__["data"][0] % 64 :]
        failed = Segment(library, bound.calls, [0] * len(bound.calls), threads, scratch).run()
        assert (failed != -1) == fails

    return run

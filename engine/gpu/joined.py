"""Launches of one kernel on different memory as one: each has some of the blocks, and its arguments in a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .calls import DeviceArray, Launch
from .source import Kernel

Array = np.ndarray[Any, Any]
# The loop of such kernels over their elements, as `elementwise.cuh` and others have it, and over those of one launch of many.
_LOOP, _LOOP_OF_ONE = re.compile(r"\bHR_EACH\("), "HR_EACH_OF_JOINED("
_WHOLE = ("int", "long long")
# More in one launch than this make tables larger than what they save.
MOST = 1024


def may_join(launch: Launch) -> bool:
    """Whether a launch may be one of many: its threads ask where they are by nothing but `HR_EACH`."""
    kernel = launch.kernel
    plain = not kernel.synchronizes and not launch.shared and launch.grid[1:] == launch.block[1:] == (1, 1)
    typed = all(kind.endswith("*") or kind in _WHOLE for kind, _ in kernel.parameters)
    return (
        plain and typed and bool(_LOOP.search(kernel.body)) and not re.search("blockIdx|gridDim|threadIdx", kernel.body)
    )


def join(launches: Sequence[Launch], table: Callable[[Array], DeviceArray]) -> Launch:
    """One launch that does the work of all, which have one kernel and blocks of one size; `table` puts an array in place."""
    first = launches[0]
    rows, blocks = [], 0
    for launch in launches:
        rows.append([blocks, launch.grid[0], *launch.arguments])
        blocks += launch.grid[0]
    address = table(np.array(rows, np.int64)).address
    return Launch(_joined(first.kernel), (blocks, 1, 1), first.block, 0, (address, len(rows)))


def _joined(kernel: Kernel) -> Kernel:
    width = len(kernel.parameters) + 2
    lines = [f"const long long* const own = joined_of_block(table, {width}, count_of_joined);"]
    lines += [f"{kind} const {name} = ({kind})own[{i + 2}];" for i, (kind, name) in enumerate(kernel.parameters)]
    body = "\n".join([*lines, _LOOP.sub(_LOOP_OF_ONE, kernel.body)])
    parameters = (("const long long*", "table"), ("int", "count_of_joined"))
    files = ("joined.cuh", *kernel.files)
    return Kernel(f"joined_{kernel.name}", parameters, body, files, kernel.threads)

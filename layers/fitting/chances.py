"""The state of Python's and NumPy's generators, as plain values: a fit that was interrupted goes on with the same draws."""

from __future__ import annotations

import random
from typing import Any

import numpy as np


def chances() -> dict[str, Any]:
    """The state of both generators, of numbers, strings and lists alone."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    version, numbers, gauss = random.getstate()
    return {
        "numpy": [str(kind), np.asarray(keys).tolist(), *(float(number) for number in rest)],
        "python": [version, list(numbers), gauss],
    }


def set_chances(state: dict[str, Any]) -> None:
    """Puts both generators where `chances` found them."""
    kind, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((kind, np.array(keys, np.uint32), int(position), int(has_gauss), cached))
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))

"""The state of Python's and NumPy's generators, as plain values: a fit that was interrupted goes on with the same draws."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from ...engine.communicator import Communicator


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


def share_chances(ranks: Communicator) -> None:
    """Gives both generators of all ranks the state that they have on the chief."""
    kind, keys, position, has_next, following = np.random.get_state(legacy=True)
    version, numbers, gauss = random.getstate()
    # Draws of normal distributions come in pairs, of which both generators keep the second for the next call.
    pairs = np.array([following, gauss or 0.0]).view(np.int64)
    state = np.array([*keys, position, has_next, gauss is not None, *pairs, *numbers], np.int64)
    ranks.broadcast("state of the generators", state)
    if ranks.rank:
        count = len(keys)
        position, has_next, has_gauss = (int(n) for n in state[count : count + 3])
        following, gauss = (float(x) for x in state[count + 3 : count + 5].view(np.float64))
        np.random.set_state((str(kind), state[:count].astype(np.uint32), position, has_next, following))
        random.setstate((version, tuple(int(n) for n in state[count + 5 :]), gauss if has_gauss else None))

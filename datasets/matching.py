"""The names of the files that match a pattern, in order or shuffled as TensorFlow shuffles them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..engine.dtypes import string
from ..engine.errors import InvalidArgumentError
from ..engine.ops.random import get_seed
from ..engine.platform.gfile import Glob
from .plan import Plan
from .running import Chance, Elements, Generated, Run
from .shuffling import Draws, Shuffled
from .sources import component_of
from .structure import TensorSpec


def text_of(value: Any) -> str:
    """A string argument's value as text."""
    value = value.item() if isinstance(value, np.ndarray) else value
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def matching_files(pattern: Any, shuffle: bool, seed: int | None) -> Plan:
    """The plan of Dataset.list_files: the names in order, or shuffled as TensorFlow shuffles them."""
    patterns = component_of(pattern if not isinstance(pattern, Path) else str(pattern))
    pair = get_seed(seed)
    key = Chance()

    def make(run: Run) -> Elements:
        wanted = [text_of(p) for p in np.atleast_1d(patterns.value(run)).reshape(-1)]
        found = sorted({name for p in wanted for name in Glob(p)})
        if not found:
            raise InvalidArgumentError(None, None, f"No files matched pattern: {', '.join(wanted)}")
        names = Generated([np.array(name.encode(), object)] for name in found)
        if not shuffle:
            return names
        base = run.shared(
            (key, "seeds"), lambda: run.log.next(key) if pair[0] is None or pair[1] is None else (pair[0], pair[1])
        )
        return Shuffled(names, len(found), run.shared(key, lambda: Draws(base)).pair())

    return Plan(TensorSpec((), string), patterns.tensors, make, [key])

"""Values of variables as a whole, and steps that only wait for others."""

from __future__ import annotations

import numpy as np

from ..calls import Bound, gpu
from .elementwise import ITSELF, chain
from .movement import copy_view

# What fewer elements than this take is a launch, whose kernel others may share: several variables are assigned by one.
_FEW = 1 << 16
_PLAIN = tuple(np.dtype(kind) for kind in (np.float32, np.float64, np.int32, np.int64))


@gpu("Assign", "AssignVariableOp")
def assign(bound: Bound) -> None:
    """A new value of the same shape for a variable that has one."""
    variable, value = bound.inputs
    plain = variable.dtype == value.dtype and value.dtype in _PLAIN and value.shape == variable.shape
    if plain and value.contiguous and variable.contiguous and 0 < value.size <= _FEW:
        chain(bound, ITSELF, [value], variable, guarded=True)
    else:
        copy_view(bound, variable, value, guarded=True)


@gpu("NoOp", "ControlTrigger")
def nothing(bound: Bound) -> None:
    """The order of the steps is that of the plan already."""

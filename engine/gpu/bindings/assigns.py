"""Values of variables as a whole, and steps that only wait for others."""

from __future__ import annotations

from ..calls import Bound, gpu
from .movement import copy_view


@gpu("Assign", "AssignVariableOp")
def assign(bound: Bound) -> None:
    """A new value of the same shape for a variable that has one."""
    copy_view(bound, bound.inputs[0], bound.inputs[1], guarded=True)


@gpu("NoOp", "ControlTrigger")
def nothing(bound: Bound) -> None:
    """The order of the steps is that of the plan already."""

"""Values of variables as a whole, and steps that only wait for others."""

from __future__ import annotations

from ..calls import Bound, chunks_of, native


@native("Assign", "AssignVariableOp")
def assign(bound: Bound) -> None:
    """A new value of the same shape for a variable that has one."""
    variable, value = bound.inputs
    bound.require(variable.dtype == value.dtype and variable.shape == value.shape, "a value of another shape")
    bound.require(variable.flags.c_contiguous and value.flags.c_contiguous, "strided memory")
    size, chunks = chunks_of(value.nbytes, least=256 * 1024)
    bound.call("copy_bytes", chunks if value.nbytes else 0, value.nbytes, size, variable, value)


@native("NoOp")
def nothing(bound: Bound) -> None:
    """The order of the steps is that of the plan already."""

"""Copies and fills."""

from __future__ import annotations

from ..calls import Bound, chunks_of, native


@native("Identity", "StopGradient", "PreventGradient", "PlaceholderWithDefault", "ReadVariableOp")
def copy(bound: Bound) -> None:
    """A copy of contiguous memory, of any dtype."""
    source, out = bound.inputs[0], bound.outputs[0]
    bound.require(source.flags.c_contiguous and out.flags.c_contiguous, "strided memory")
    bound.require(source.dtype == out.dtype and source.shape == out.shape, "a copy that converts")
    size, chunks = chunks_of(source.nbytes, least=256 * 1024)
    bound.call("copy_bytes", chunks, source.nbytes, size, out, source)

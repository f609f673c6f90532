"""Bindings whose kernels take arrays in row-major order alone, for nodes whose arrays are views: these are copied."""

from __future__ import annotations

from dataclasses import replace
from functools import wraps

from ..calls import Binding, Bound, DeviceArray
from .movement import copy_view


def compact(binding: Binding) -> Binding:
    """The binding for any strides: what is no variable is copied to scratch memory before, and results after."""

    @wraps(binding)
    def bind(bound: Bound) -> None:
        if all(array.contiguous for array in [*bound.inputs, *bound.outputs]):
            binding(bound)
            return
        inputs = [_copied(bound, array) for array in bound.inputs]
        outputs = [out if out.contiguous else bound.scratch(out.shape, out.dtype) for out in bound.outputs]
        # The list of work is the node's own.
        binding(replace(bound, inputs=inputs, outputs=outputs))
        for out, result in zip(bound.outputs, outputs, strict=True):
            if result is not out:
                copy_view(bound, out, result)

    return bind


def _copied(bound: Bound, array: DeviceArray) -> DeviceArray:
    if array.contiguous:
        return array
    copy = bound.scratch(array.shape, array.dtype)
    copy_view(bound, copy, array)
    return copy

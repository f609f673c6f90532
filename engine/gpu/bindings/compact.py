"""Bindings whose kernels take arrays in row-major order with channels last alone, for other nodes: arrays are copied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

import numpy as np

from ..calls import Binding, Bound, DeviceArray
from ..layout import view
from .movement import copy_view

_FIRST = {"NCHW": "NHWC", "NCDHW": "NDHWC"}


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


def channels_last(*images: int, outputs: Sequence[int] = (0,)) -> Callable[[Binding], Binding]:
    """Lets a binding for images with channels last serve those with channels first: these are turned before and after.

    `images` and `outputs` are the inputs and outputs that are images; `compact` must make copies of the turned views.
    """

    def decorate(binding: Binding) -> Binding:
        @wraps(binding)
        def bind(bound: Bound) -> None:
            data_format = str(bound.attrs.get("data_format", "NHWC"))
            if data_format not in _FIRST:
                binding(bound)
                return
            turned = replace(
                bound,
                inputs=[_turned(x) if i in images else x for i, x in enumerate(bound.inputs)],
                outputs=[_turned(x) if i in outputs and x.ndim > 1 else x for i, x in enumerate(bound.outputs)],
                attrs={**bound.attrs, **_attrs_last(bound.attrs), "data_format": _FIRST[data_format]},
            )
            binding(turned)

        return bind

    return decorate


def _turned(array: DeviceArray) -> DeviceArray:
    return view(array, lambda x: np.moveaxis(x, 1, -1))


def _attrs_last(attrs: dict[str, Any]) -> dict[str, Any]:
    """Steps and sizes of windows with those of the channels last."""
    found = {name: attrs[name] for name in ("strides", "dilations", "ksize") if attrs.get(name)}
    result = {name: [sizes[0], *sizes[2:], sizes[1]] for name, sizes in found.items()}
    pairs = attrs.get("explicit_paddings")
    return {**result, "explicit_paddings": [*pairs[:2], *pairs[4:], *pairs[2:4]]} if pairs else result

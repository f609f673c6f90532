"""GRU layers that reset after the product with the state, and their gradients: products over many steps, two calls a step."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..calls import Bound, gpu
from ..source import Kernel
from ..template import template
from .columns import column_sums
from .compact import compact
from .recurrent import Layer, at, state_weights

_SIZES = "long long batch, int units"
# What the parts of a whole sequence may take in scratch memory.
_MOST_BYTES = 1 << 30


def _kernel(name: str, places: str, dtype: np.dtype[Any]) -> Kernel:
    return template(name, "recurrent_reset_after.cuh", places, dtype)


def _layer_of(bound: Bound) -> Layer:
    """The layer's sizes; UnsupportedError for other arrays than floats in C order, and for too many of them."""
    for array in [*bound.inputs, *bound.outputs]:
        bound.require(array.dtype in (np.float32, np.float64), f"{array.dtype}")
        bound.require(array.contiguous, "strided memory")
    (time, batch, size), units = bound.inputs[0].shape, bound.inputs[1].shape[1]
    bound.require(time * batch * size * units > 0, "nothing to compute")
    bound.require(time * batch * units * 3 * bound.inputs[0].dtype.itemsize <= _MOST_BYTES, "a long sequence")
    return Layer(bound, time, batch, size, units, 0)


@gpu("GRUResetAfterSequence")
@compact
def gru_reset_after_sequence(bound: Bound) -> None:
    """A layer over a sequence."""
    layer = _layer_of(bound)
    x, h_prev, w_x, w_h, b_x, b_h = bound.inputs
    h, width = bound.outputs[4], 3 * layer.units
    z = bound.scratch((layer.time, layer.batch, width), x.dtype)
    p = bound.scratch((layer.batch, width), x.dtype)
    layer.product(x, w_x, z)
    places = (
        f"const T* z, const T* p, const T* h_prev, const T* b_x, const T* b_h, {_SIZES}, T* r, T* u, T* c, T* s, T* h"
    )
    kernel = _kernel("gru_after_cell", places, x.dtype)
    for t in range(layer.time):
        before = at(h, t - 1) if t else h_prev
        layer.product(before, w_h, p)
        results = [at(out, t) for out in bound.outputs]
        values = at(z, t), p, before, b_x, b_h, layer.batch, layer.units, *results
        bound.for_each(kernel, layer.batch * layer.units, *values)


@gpu("GRUResetAfterSequenceGrad")
@compact
def gru_reset_after_sequence_gradient(bound: Bound) -> None:
    """The gradients of a layer over a sequence, from its last steps to its first."""
    layer = _layer_of(bound)
    x, h_prev, w_x, w_h, _, _, *steps, h, h_grad = bound.inputs
    dx, dh, dw_x, dw_h, db_x, db_h = bound.outputs
    rows, width = layer.time * layer.batch, 3 * layer.units
    of_inputs, of_states = (bound.scratch((layer.time, layer.batch, width), x.dtype) for _ in range(2))
    through = bound.scratch(dh.shape, x.dtype)
    places = (
        f"const T* later, const T* h_grad, const T* h_prev, const T* r, const T* u, const T* c, const T* s, {_SIZES}, "
        "T* dh, T* of_inputs, T* of_states"
    )
    kernel = _kernel("gru_after_gradient", places, x.dtype)
    for t in reversed(range(layer.time)):
        last = t == layer.time - 1
        if not last:
            layer.product(at(of_states, t + 1), w_h, through, turned=(False, True))
        values = 0 if last else through, at(h_grad, t), at(h, t - 1) if t else h_prev, *(at(v, t) for v in steps)
        out = dh, at(of_inputs, t), at(of_states, t)
        bound.for_each(kernel, layer.batch * layer.units, *values, layer.batch, layer.units, *out)
    layer.product(at(of_states, 0), w_h, dh, turned=(False, True), beta=1.0)
    layer.product(of_inputs, w_x, dx, turned=(False, True))
    layer.product(x, of_inputs.reshaped(rows, width), dw_x, turned=(True, False))
    state_weights(layer, h_prev, h, of_states, dw_h)
    column_sums(bound, of_inputs, rows, width, db_x)
    column_sums(bound, of_states, rows, width, db_h)

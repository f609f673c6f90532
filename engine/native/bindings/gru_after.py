"""GRU layers that reset after the product with the state, over whole sequences, and their gradients: a call a step."""

from __future__ import annotations

from ..calls import Bound, native
from .recurrent import Layer, column_sums, layer_of, pack, product, require_arrays, within

# A whole sequence is kept in scratch memory: longer ones go to NumPy, which takes them in blocks.
_MOST = 1 << 24


def _layer(bound: Bound) -> Layer:
    require_arrays(bound, 0)
    layer = layer_of(bound.inputs[0], bound.inputs[1].shape[1], None)
    bound.require(layer.time * layer.batch * layer.units < _MOST, "a long sequence")
    return layer


@native("GRUResetAfterSequence")
def gru_reset_after_sequence(bound: Bound) -> None:
    """A layer over a sequence."""
    layer = _layer(bound)
    x, h_prev, w_x, w_h, b_x, b_h = bound.inputs
    h, units, size = bound.outputs[4], layer.units, layer.size
    rows, width = layer.time * layer.batch, 3 * units
    z = bound.scratch(rows * width * 4)
    panels = pack(bound, w_h, units, units, 3, transposed=False)
    product(bound, (rows, width, size), (x, size), (w_x, width), (z, width))
    for t in range(layer.time):
        place, chunks = layer.place(3, units, t)
        part, before = within(z, t * layer.batch * width), h[t - 1] if t else h_prev
        bound.call("gru_after_step_f32", chunks, *place, part, panels, before, b_x, b_h, *(v[t] for v in bound.outputs))


@native("GRUResetAfterSequenceGrad")
def gru_reset_after_sequence_gradient(bound: Bound) -> None:
    """The gradients of a layer over a sequence."""
    layer = _layer(bound)
    x, h_prev, w_x, w_h, _, _, *steps, h, h_grad = bound.inputs
    dx, dh, dw_x, dw_h, db_x, db_h = bound.outputs
    batch, size, units = layer.batch, layer.size, layer.units
    rows, width = layer.time * batch, 3 * units
    of_inputs, of_states = (bound.scratch(rows * width * 4) for _ in range(2))
    panels = pack(bound, w_h, width, units, 1, transposed=True)
    for t in reversed(range(layer.time)):
        place, chunks = layer.place(1, width, t)
        done = t * batch * width
        following = None if t == layer.time - 1 else within(of_states, done + batch * width)
        given = h_grad[t], h[t - 1] if t else h_prev, *(values[t] for values in steps)
        out = dh, within(of_inputs, done), within(of_states, done)
        bound.call("gru_after_grad_f32", chunks, *place, panels, following, *given, *out)
    product(bound, (batch, units, width), (of_states, width), (w_h, width), (dh, units), (False, True), beta=1.0)
    product(bound, (rows, size, width), (of_inputs, width), (w_x, width), (dx, size), (False, True))
    product(bound, (size, width, rows), (x, size), (of_inputs, width), (dw_x, width), (True, False))
    product(bound, (units, width, batch), (h_prev, units), (of_states, width), (dw_h, width), (True, False))
    if layer.time > 1:
        later = within(of_states, batch * width), width
        product(bound, (units, width, rows - batch), (h, units), later, (dw_h, width), (True, False), beta=1.0)
    for gates, db in ((of_inputs, db_x), (of_states, db_h)):
        column_sums(bound, rows, width, (gates, width), None, db, add=False)

"""LSTM layers that a device's library does as a whole; by the kernels of single steps where it does not have a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

import numpy as np

from ...unsupported import UnsupportedError
from ..calls import Binding, Bound, DeviceArray, gpu, row_major
from ..device import Recurrent, RecurrentArrays, RecurrentLayer
from ..source import Kernel
from ..template import template
from .compact import compact
from .recurrent import at, layer_over, lstm_gradient, lstm_steps, require_arrays

_TILE, _HEIGHT = 32, 8
_BOUNDARY = 16
# The library's gates i, f, c, o in the order of ours, i, c, f, o.
_ORDER = (0, 2, 1, 3)


@dataclass(frozen=True)
class _Shared:
    """What the two nodes of a layer have in common: the library's layer, its weights, and what forwards leaves for backwards."""

    layer: RecurrentLayer
    places: DeviceArray
    weights: DeviceArray
    reserve: int


def _aligned(binding: Binding) -> Binding:
    """The binding for arrays that lie anywhere, such as one step of a sequence: libraries load several numbers at once."""

    @wraps(binding)
    def bind(bound: Bound) -> None:
        inputs = [x if x.address % _BOUNDARY == 0 else _copied(bound, x) for x in bound.inputs]
        outputs = [x if x.address % _BOUNDARY == 0 else bound.scratch(x.shape, x.dtype) for x in bound.outputs]
        binding(replace(bound, inputs=inputs, outputs=outputs))
        for out, result in zip(bound.outputs, outputs, strict=True):
            if result is not out:
                bound.copy(out, result)

    return bind


def _copied(bound: Bound, array: DeviceArray) -> DeviceArray:
    copy = bound.scratch(array.shape, array.dtype)
    bound.copy(copy, array)
    return copy


@gpu("_LibraryLSTM")
@compact
@_aligned
def library_lstm(bound: Bound) -> None:
    """The outputs of all steps and the last cell state."""
    require_arrays(bound)
    x, cs_prev, h_prev, w, b = bound.inputs
    h, cs = bound.outputs
    shared = _prepared(bound)
    if shared is None:
        steps = _steps(bound, h)
        bound.copy(cs, at(steps[1], x.shape[0] - 1))
        return
    units = h_prev.shape[1]
    _move_matrices(bound, shared, w, shared.weights, units, back=False)
    places = "const T* b, T* weights, const long long* places, int units, double forget_bias"
    forget_bias = float(bound.attrs["forget_bias"])
    bound.for_each(_kernel("gate_biases", places, x), b.size, b, shared.weights, shared.places, units, forget_bias)
    arrays = x.address, h_prev.address, cs_prev.address, h.address, cs.address, shared.weights.address, shared.reserve
    bound.work.append(shared.layer.forward(RecurrentArrays(*arrays)))
    bound.notes[_key(bound)] = shared


@gpu("_LibraryLSTMGrad")
@compact
@_aligned
def library_lstm_gradient(bound: Bound) -> None:
    """All gradients: from what the library has kept, else from steps that are computed again."""
    require_arrays(bound)
    x, cs_prev, h_prev, _, _, h, h_grad, *cs_grad = bound.inputs
    dx, dc, dh, dw, db = bound.outputs
    shared: _Shared | None = bound.notes.get(_key(bound))
    if shared is None:
        _gradient_of_steps(bound, h_grad, cs_grad)
        return
    units = h_prev.shape[1]
    grads = _elements(bound.scratch((shared.weights.nbytes,), np.uint8).address, shared.weights.nbytes, x.dtype)
    arrays = RecurrentArrays(
        *(x.address, h_prev.address, cs_prev.address, h.address, 0, shared.weights.address, shared.reserve),
        *(h_grad.address, cs_grad[0].address if cs_grad else 0),
        *(dx.address, dh.address, dc.address, grads.address),
    )
    bound.work.append(shared.layer.gradient(arrays))
    _move_matrices(bound, shared, dw, grads, units, back=True)
    places = "T* b, const T* weights, const long long* places, int units"
    bound.for_each(_kernel("gate_biases_back", places, x), db.size, db, grads, shared.places, units)


def _key(bound: Bound) -> tuple[str, str]:
    return "library_lstm", str(bound.attrs["layer"])


def _kernel(name: str, places: str, like: DeviceArray, *words: str, **options: Any) -> Kernel:
    return template(name, "recurrent_weights.cuh", places, like.dtype, *words, **options)


def _elements(address: int, nbytes: int, dtype: np.dtype[Any]) -> DeviceArray:
    shape = (nbytes // dtype.itemsize,)
    return DeviceArray(address, dtype, shape, row_major(shape, dtype))


def _prepared(bound: Bound) -> _Shared | None:
    """The library's layer with memory of its own; None where the library does not have it."""
    x, _, h_prev = bound.inputs[:3]
    compute = bound.precision if x.dtype == np.float32 else x.dtype.name
    trains = bool(bound.attrs["trains"])
    time, batch, size = x.shape
    try:
        layer = bound.device.recurrent(Recurrent(x.dtype, time, batch, size, h_prev.shape[1], trains, compute))
    except UnsupportedError as error:
        bound.remarks.append(f"LSTM by kernels: {error}")
        return None
    weights = _elements(bound.allocate_kept(layer.weight_bytes), layer.weight_bytes, x.dtype)
    # Of what lies between matrices nothing is said.
    bound.device.fill(weights.address, layer.weight_bytes, 0)()
    reserve = bound.allocate_kept(layer.reserve_bytes) if layer.reserve_bytes else 0
    return _Shared(layer, bound.table(_places(layer, x.dtype.itemsize)), weights, reserve)


def _places(layer: RecurrentLayer, itemsize: int) -> np.ndarray[Any, Any]:
    """Where matrices and biases begin, in elements, with the gates in our order."""
    halves = [part[start : start + 4] for part in (layer.matrices, layer.biases) for start in (0, 4)]
    return np.array([half[gate] // itemsize for half in halves for gate in _ORDER], np.int64)


def _move_matrices(bound: Bound, shared: _Shared, w: DeviceArray, weights: DeviceArray, units: int, back: bool) -> None:
    rows, columns = w.shape
    places = "T* w, T* weights, const long long* places, int size, int units"
    word = "true" if back else "false"
    kernel = _kernel("gate_matrices", places, w, word, synchronizes=True, threads=_TILE * _HEIGHT)
    blocks = -(-rows // _TILE) * -(-columns // _TILE)
    arguments = w, weights, shared.places, rows - units, units
    bound.launch(kernel, blocks, (_TILE, _HEIGHT, 1), *arguments)


# Without the library


def _steps(bound: Bound, h: DeviceArray) -> list[DeviceArray]:
    """All that BlockLSTM gives, in scratch memory but for the outputs of all steps."""
    *inputs, b = bound.inputs[:5]
    steps = [*(bound.scratch(h.shape, h.dtype) for _ in range(6)), h]
    layer = layer_over(_as_block(bound), inputs[0], h.shape[2])
    lstm_steps(layer, [*inputs, *[b] * 4], steps)
    return steps


def _gradient_of_steps(bound: Bound, h_grad: DeviceArray, cs_grad: Sequence[DeviceArray]) -> None:
    x, cs_prev, h_prev, w, b = bound.inputs[:5]
    dx, dc, dh, dw, db = bound.outputs
    steps = _steps(bound, bound.scratch(h_grad.shape, x.dtype))
    cells = bound.scratch(h_grad.shape, x.dtype)
    bound.zero(cells)
    for given in cs_grad:
        bound.copy(at(cells, x.shape[0] - 1), given)
    diagonals = [bound.scratch(h_prev.shape[1:], x.dtype) for _ in range(3)]
    layer = layer_over(_as_block(bound), x, h_prev.shape[1])
    lstm_gradient(layer, [x, cs_prev, h_prev, w, *[b] * 4, *steps, cells, h_grad], [dx, dc, dh, dw, *diagonals, db])


def _as_block(bound: Bound) -> Bound:
    """The node with the attributes of BlockLSTM; the work is the node's own."""
    return replace(bound, attrs={**bound.attrs, "use_peephole": False, "cell_clip": -1.0})

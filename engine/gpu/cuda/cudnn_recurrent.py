"""LSTM layers over whole sequences by cuDNN's C API, and their gradients."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import POINTER, byref, c_float, c_int, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any

import numpy as np

from ...unsupported import UnsupportedError
from ..device import Call, Recurrent, RecurrentArrays
from .cudnn import DATA_TYPES, DEFAULT_MATH, FMA, Cudnn, Descriptors, LibraryCall, Signatures, declare
from .workspace import Block

# cudnnRNNAlgo_t, cudnnRNNMode_t, cudnnRNNBiasMode_t, cudnnDirectionMode_t, cudnnRNNInputMode_t.
STANDARD, PERSISTENT = 0, 1
_LSTM, _TWO_BIASES, _ONE_WAY, _PRODUCT_OF_INPUTS = 2, 2, 0, 0
# cudnnForwardMode_t, cudnnWgradMode_t.
_INFERENCE, _TRAINING, _ADD = 0, 1, 0
# cudnnRNNDataLayout_t: sequences that are as long as the longest lie in it as in an array.
_STEPS_FIRST = 1
# The gates i, f, c, o with the inputs, then with the states.
_GATES = 8
_RANK = 3
# The math of each way to compute, by dtype.
_MATH = {
    "float32": {"float32": FMA, "tf32": DEFAULT_MATH},
    "float64": dict.fromkeys(("float32", "tf32", "float64"), DEFAULT_MATH),
}
_SPACES = (c_size_t, c_void_p) * 3
_SIGNATURES: Signatures = {
    "cudnnSetTensorNdDescriptor": (c_void_p, c_int, c_int, POINTER(c_int), POINTER(c_int)),
    "cudnnGetTensorNdDescriptor": (c_void_p, c_int, *[POINTER(c_int)] * 4),
    "cudnnCreateDropoutDescriptor": (POINTER(c_void_p),),
    "cudnnSetDropoutDescriptor": (c_void_p, c_void_p, c_float, c_void_p, c_size_t, c_uint64),
    "cudnnDestroyDropoutDescriptor": (c_void_p,),
    "cudnnCreateRNNDescriptor": (POINTER(c_void_p),),
    "cudnnSetRNNDescriptor_v8": (c_void_p, *[c_int] * 8, *[c_int32] * 4, c_void_p, c_uint32),
    "cudnnDestroyRNNDescriptor": (c_void_p,),
    "cudnnCreateRNNDataDescriptor": (POINTER(c_void_p),),
    "cudnnSetRNNDataDescriptor": (c_void_p, *[c_int] * 5, POINTER(c_int), c_void_p),
    "cudnnDestroyRNNDataDescriptor": (c_void_p,),
    "cudnnGetRNNTempSpaceSizes": (c_void_p, c_void_p, c_int, c_void_p, POINTER(c_size_t), POINTER(c_size_t)),
    "cudnnGetRNNWeightSpaceSize": (c_void_p, c_void_p, POINTER(c_size_t)),
    "cudnnGetRNNWeightParams": (
        *(c_void_p, c_void_p, c_int32, c_size_t, c_void_p, c_int32),
        *(c_void_p, POINTER(c_void_p), c_void_p, POINTER(c_void_p)),
    ),
    "cudnnRNNForward": (c_void_p, c_void_p, c_int, *[c_void_p] * 11, *_SPACES),
    "cudnnRNNBackwardData_v8": (*[c_void_p] * 16, *_SPACES),
    "cudnnRNNBackwardWeights_v8": (c_void_p, c_void_p, c_int, *[c_void_p] * 7, *_SPACES),
}


class RecurrentLayers:
    """LSTM layers by cuDNN.

    `algorithm` is STANDARD, products of cublasLt's, or PERSISTENT, one kernel for all steps, of which it is not said that it
    repeats its results.
    """

    def __init__(self, cudnn: Cudnn, algorithm: int = STANDARD) -> None:
        declare(cudnn.library, _SIGNATURES)
        self.cudnn = cudnn
        self.algorithm = algorithm

    def prepare(self, recurrent: Recurrent) -> CudnnLayer:
        """A layer; UnsupportedError if cuDNN cannot do it."""
        return CudnnLayer(self.cudnn, recurrent, self.algorithm)


class CudnnLayer:
    """A layer: how much memory it wants and where its weights lie there, and its calls."""

    def __init__(self, cudnn: Cudnn, recurrent: Recurrent, algorithm: int) -> None:
        math = _MATH.get(recurrent.dtype.name, {}).get(recurrent.compute)
        if math is None:
            raise UnsupportedError(f"a layer of {recurrent.dtype} computed as {recurrent.compute}")
        self._cudnn, self._r = cudnn, recurrent
        self._data = DATA_TYPES[recurrent.dtype.name]
        self._made = Descriptors(cudnn)
        self._rnn = self._described(algorithm, math)
        self._x, self._y = self._sequences(recurrent.size), self._sequences(recurrent.units)
        self._state = self._made.new("Tensor")
        sizes = (c_int * _RANK)(1, recurrent.batch, recurrent.units)
        steps = (c_int * _RANK)(recurrent.batch * recurrent.units, recurrent.units, 1)
        cudnn.ask("SetTensorNdDescriptor", self._state, self._data, _RANK, sizes, steps)
        self._mode = _TRAINING if recurrent.trains else _INFERENCE
        work, reserve, weights = c_size_t(), c_size_t(), c_size_t()
        cudnn.ask("GetRNNTempSpaceSizes", cudnn.handle, self._rnn, self._mode, self._x, byref(work), byref(reserve))
        cudnn.ask("GetRNNWeightSpaceSize", cudnn.handle, self._rnn, byref(weights))
        self._work = work.value
        self.reserve_bytes, self.weight_bytes = reserve.value if recurrent.trains else 0, weights.value
        self.matrices, self.biases = self._places()
        self._lengths = cudnn.workspace.own(4 * recurrent.batch)
        cudnn.device.upload(self._lengths.address, np.full(recurrent.batch, recurrent.time, np.int32))
        cudnn.workspace.reserve(self._work)

    def forward(self, arrays: RecurrentArrays) -> Call:
        """The outputs of all steps, and the last cell state."""
        a, made = arrays, (self._cudnn.handle, self._rnn)

        def calls(work: int) -> list[Call]:
            # The last output is among those of all steps.
            states = self._state, a.h_before, None, self._state, a.c_before, a.c
            sequences = self._lengths.address, self._x, a.x, self._y, a.h
            arguments = (*made, self._mode, *sequences, *states, *self._spaces(a.weights, work, a.reserve))
            return [LibraryCall(self._cudnn, "RNNForward", arguments, "a recurrent layer", self)]

        return _InWorkspace(self._cudnn, calls)

    def gradient(self, arrays: RecurrentArrays) -> Call:
        """The gradients of inputs, state and weights; of one forward call, whose reserve is changed."""
        a, made, name = arrays, (self._cudnn.handle, self._rnn), "the gradient of a recurrent layer"

        def calls(work: int) -> list[Call]:
            sequences = self._lengths.address, self._y, a.h, a.h_grad, self._x, a.x_grad
            outputs = self._state, a.h_before, None, a.h_before_grad
            cells = self._state, a.c_before, a.c_grad or None, a.c_before_grad
            data = (*made, *sequences, *outputs, *cells, *self._spaces(a.weights, work, a.reserve))
            given = self._lengths.address, self._x, a.x, self._state, a.h_before, self._y, a.h
            weights = (*made, _ADD, *given, *self._spaces(a.weight_grads, work, a.reserve))
            return [
                LibraryCall(self._cudnn, "RNNBackwardData_v8", data, name, self),
                # It adds to what is there, and has no other way.
                self._cudnn.device.fill(a.weight_grads, self.weight_bytes, 0),
                LibraryCall(self._cudnn, "RNNBackwardWeights_v8", weights, name, self),
            ]

        return _InWorkspace(self._cudnn, calls)

    def _spaces(self, weights: int, work: int, reserve: int) -> tuple[Any, ...]:
        reserved = (self.reserve_bytes, reserve or None)
        return self.weight_bytes, weights, self._work, work or None, *reserved

    def _described(self, algorithm: int, math: int) -> c_void_p:
        r, cudnn = self._r, self._cudnn
        dropout, rnn = self._made.new("Dropout"), self._made.new("RNN")
        cudnn.ask("SetDropoutDescriptor", dropout, cudnn.handle, 0.0, None, 0, 0)
        kinds = algorithm, _LSTM, _TWO_BIASES, _ONE_WAY, _PRODUCT_OF_INPUTS, self._data, self._data, math
        # Without a projection of the states; one layer.
        cudnn.ask("SetRNNDescriptor_v8", rnn, *kinds, r.size, r.units, r.units, 1, dropout, 0)
        return rnn

    def _sequences(self, width: int) -> c_void_p:
        made, r = self._made.new("RNNData"), self._r
        lengths = (c_int * r.batch)(*[r.time] * r.batch)
        sizes = r.time, r.batch, width
        self._cudnn.ask("SetRNNDataDescriptor", made, self._data, _STEPS_FIRST, *sizes, lengths, None)
        return made

    def _places(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Where matrices and biases begin among the weights, in bytes."""
        # Addresses are asked for by an address.
        space = self._cudnn.workspace.own(self.weight_bytes)
        found = [self._place(gate, space.address) for gate in range(_GATES)]
        return tuple(matrix for matrix, _ in found), tuple(bias for _, bias in found)

    def _place(self, gate: int, start: int) -> tuple[int, int]:
        cudnn, units = self._cudnn, self._r.units
        kinds, addresses = [self._made.new("Tensor") for _ in range(2)], [c_void_p(), c_void_p()]
        results = kinds[0], byref(addresses[0]), kinds[1], byref(addresses[1])
        cudnn.ask("GetRNNWeightParams", cudnn.handle, self._rnn, 0, self.weight_bytes, start, gate, *results)
        for kind, columns in zip(kinds, (self._r.size if gate < _GATES // 2 else units, 1), strict=True):
            self._require(kind, (1, units, columns))
        matrix, bias = ((address.value or 0) - start for address in addresses)
        if min(matrix, bias) < 0 or max(matrix, bias) >= self.weight_bytes:
            raise UnsupportedError(f"cuDNN's weights of gate {gate} lie elsewhere")
        return matrix, bias

    def _require(self, kind: c_void_p, sizes: tuple[int, ...]) -> None:
        """Raises UnsupportedError unless the elements of a matrix lie as in an array."""
        data, rank, found, steps = c_int(), c_int(), (c_int * _RANK)(), (c_int * _RANK)()
        self._cudnn.ask("GetTensorNdDescriptor", kind, _RANK, byref(data), byref(rank), found, steps)
        last = sizes[2] > 1 and steps[2] != 1
        if rank.value != _RANK or tuple(found) != sizes or steps[1] != sizes[2] or last:
            raise UnsupportedError(f"cuDNN's weights are {[*found]} with steps of {[*steps]}, not {sizes}")


class _InWorkspace:
    """Calls that use the workspace: made anew when it has grown."""

    __slots__ = ("_block", "_calls", "_cudnn", "_make")

    def __init__(self, cudnn: Cudnn, make: Callable[[int], list[Call]]) -> None:
        self._cudnn, self._make = cudnn, make
        self._block: Block | None = None
        self._calls: list[Call] = []

    def __call__(self) -> None:
        block = self._cudnn.workspace.block
        if block is not self._block:
            self._calls, self._block = self._make(block.address), block
        for call in self._calls:
            call()

"""A double of cuDNN's library: descriptors are numbered lists of what they were set to, work is done by NumPy."""

from __future__ import annotations

import ctypes
from typing import Any

import ml_dtypes
import numpy as np

import headrace as tf
from headrace.engine.gpu.cuda import cudnn, cudnn_convolution, cudnn_pooling, cudnn_recurrent

MODULES = cudnn, cudnn_convolution, cudnn_pooling, cudnn_recurrent
SIGNATURES = {name: types for module in MODULES for name, types in module._SIGNATURES.items()}
# Elements between the matrices of a recurrent layer, and bytes that it works in.
GAP, WORK = 3, 64

DTYPES = {0: np.float32, 1: np.float64, 2: np.float16, 9: ml_dtypes.bfloat16}
OWN_MEMORY = 1000


class Function:
    """A function of a library, whose types may be declared."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.argtypes: tuple[Any, ...] = ()
        self.restype: Any = None

    def __call__(self, *arguments: Any) -> Any:
        assert len(arguments) == len(self.argtypes)
        return self.call(*arguments)


class FakeCudnn:
    """cuDNN with NumPy."""

    def __init__(self) -> None:
        self.things: dict[int, list[Any]] = {}
        self.candidates = [(0, 0, OWN_MEMORY, 1)]
        # Status and memory of an algorithm whose memory is asked for.
        self.sizes: dict[int, tuple[int, int]] = {}
        self.chosen = 0
        self.status = 0
        self.math = self.algorithm = 0
        for name in [*SIGNATURES, "cudnnGetErrorString"]:
            setattr(self, name, Function(getattr(self, "_" + name.removeprefix("cudnn"), None) or self._of_kind(name)))

    def _of_kind(self, name: str) -> Any:
        if "Create" in name:
            return self._create
        if "Destroy" in name:
            return lambda thing: self.things.pop(thing.value) is None
        return self._set

    def _create(self, pointer: Any) -> int:
        pointer._obj.value = number = max(self.things, default=0) + 1
        self.things[number] = []
        return 0

    def _set(self, thing: Any, *values: Any) -> int:
        self.things[thing.value] += values
        return 0

    def _GetErrorString(self, status: int) -> bytes:
        return b"CUDNN_STATUS_SOMETHING"

    def _SetStream(self, handle: Any, stream: int) -> int:
        return 0

    def _SetConvolutionMathType(self, how: Any, math: int) -> int:
        self.math = math
        return 0

    def _GetConvolution2dForwardOutputDim(self, how: Any, x: Any, filters: Any, *sizes: Any) -> int:
        (padding, strides, dilations), (_, outputs, _, height, width) = self.steps(how), self.things[filters.value][1:]
        _, _, count, _, rows, columns = self.things[x.value]
        for pointer, value in zip(sizes[:2], (count, outputs), strict=True):
            pointer._obj.value = value
        for i, (pointer, size, window) in enumerate(zip(sizes[2:], (rows, columns), (height, width), strict=True)):
            whole = size + 2 * padding[i] - dilations[i] * (window - 1) - 1
            pointer._obj.value = whole // strides[i] + 1
        return 0

    def steps(self, how: Any) -> Any:
        values = self.things[how.value]
        assert values[6] == 1
        return values[0:2], values[2:4], values[4:6]

    def _choose(self, handle: Any, a: Any, b: Any, c: Any, d: Any, wanted: int, count: Any, found: Any) -> int:
        self.chosen += 1
        count._obj.value = len(self.candidates)
        for place, (algorithm, status, memory, determinism) in zip(found, self.candidates, strict=False):
            place.algorithm, place.status, place.memory = algorithm, status, memory
            place.determinism, place.math = determinism, 7
        return self.status

    def _size(self, handle: Any, a: Any, b: Any, c: Any, d: Any, algorithm: int, nbytes: Any) -> int:
        status, nbytes._obj.value = self.sizes.get(algorithm, (0, OWN_MEMORY))
        return status

    _GetConvolutionForwardWorkspaceSize = _GetConvolutionBackwardDataWorkspaceSize = _size
    _GetConvolutionBackwardFilterWorkspaceSize = _size
    _GetConvolutionForwardAlgorithm_v7 = _GetConvolutionBackwardDataAlgorithm_v7 = _choose
    _GetConvolutionBackwardFilterAlgorithm_v7 = _choose

    def array(self, descriptor: Any, address: int, is_filter: bool = False) -> Any:
        values = self.things[descriptor.value]
        if is_filter:
            kind, layout, outputs, channels, rows, columns = values
            shape = (outputs, rows, columns, channels)
        else:
            layout, kind, count, channels, rows, columns = values
            shape = (count, rows, columns, channels)
        assert layout == 1
        dtype = np.dtype(DTYPES[kind])
        return memory(address, shape, dtype)

    def run(self, kind: str, how: Any, x: Any, filters: Any, y: Any, rest: Any) -> int:
        """The convolution or gradient that TensorFlow's names stand for, by this package's own kernels."""
        algorithm, memory, nbytes = rest
        assert (algorithm, nbytes) == (self.candidates[0][0], OWN_MEMORY)
        ctypes.memset(memory, 255, nbytes)
        (high, wide), strides, dilations = self.steps(how)
        padding = [[0, 0], [high, high], [wide, wide], [0, 0]]
        options = {"dilations": [1, *dilations, 1]}
        hwio = np.ascontiguousarray(filters.transpose(1, 2, 3, 0))
        steps = [1, *strides, 1]
        with tf.Graph().as_default(), tf.Session(backend="reference") as session:
            if kind == "forward":
                y[...] = session.run(tf.nn.conv2d(x, hwio, steps, padding, **options))
            elif kind == "data":
                x[...] = session.run(tf.nn.conv2d_backprop_input(x.shape, hwio, y, steps, padding, **options))
            else:
                found = session.run(tf.nn.conv2d_backprop_filter(x, hwio.shape, y, steps, padding, **options))
                filters[...] = found.transpose(3, 0, 1, 2)
        return self.status

    def _ConvolutionForward(self, handle: Any, one: Any, dx: Any, x: int, dw: Any, w: int, how: Any, *rest: Any) -> int:
        arrays = self.array(dx, x), self.array(dw, w, True), self.array(rest[4], rest[5])
        return self.run("forward", how, *arrays, rest[:3])

    def _ConvolutionBackwardData(
        self, handle: Any, one: Any, dw: Any, w: int, dy: Any, y: int, how: Any, *rest: Any
    ) -> int:
        arrays = self.array(rest[4], rest[5]), self.array(dw, w, True), self.array(dy, y)
        return self.run("data", how, *arrays, rest[:3])

    def _ConvolutionBackwardFilter(
        self, handle: Any, one: Any, dx: Any, x: int, dy: Any, y: int, how: Any, *rest: Any
    ) -> int:
        arrays = self.array(dx, x), self.array(rest[4], rest[5], True), self.array(dy, y)
        return self.run("filter", how, *arrays, rest[:3])

    # Pools

    def _GetPooling2dForwardOutputDim(self, how: Any, x: Any, *sizes: Any) -> int:
        _, _, *window, high, wide, down, across = self.things[how.value]
        _, _, count, channels, rows, columns = self.things[x.value]
        found = (rows + 2 * high - window[0]) // down + 1, (columns + 2 * wide - window[1]) // across + 1
        for pointer, value in zip(sizes, (count, channels, *found), strict=True):
            pointer._obj.value = value
        return 0

    def windows(self, how: Any, x: Any, y: Any) -> Any:
        """Rows and columns of the images that each row and column of a pool is made of."""
        _, nan, *steps = self.things[how.value]
        assert nan == 1
        window, padding, strides = (steps[i : i + 2] for i in (0, 2, 4))
        for row, column in np.ndindex(*y.shape[1:3]):
            starts = [place * strides[i] - padding[i] for i, place in enumerate((row, column))]
            inside = tuple(slice(max(start, 0), start + size) for start, size in zip(starts, window, strict=True))
            yield (slice(None), row, column), (slice(None), *inside)

    def _PoolingForward(self, handle: Any, how: Any, one: Any, dx: Any, x: int, zero: Any, dy: Any, y: int) -> int:
        images, pool = self.array(dx, x), self.array(dy, y)
        self.factors(pool.dtype, one, zero)
        reduce = {3: np.max, 2: np.mean}[self.things[how.value][0]]
        for place, window in self.windows(how, images, pool):
            pool[place] = reduce(images[window], (1, 2))
        return self.status

    def _PoolingBackward(self, handle: Any, how: Any, one: Any, *rest: Any) -> int:
        (y_kind, _), (dy_kind, dy), (x_kind, _), zero, dx_kind, dx = (
            *zip(rest[:6:2], rest[1:6:2], strict=True),
            *rest[6:],
        )
        images, pool = self.array(dx_kind, dx), self.array(dy_kind, dy)
        assert self.things[how.value][0] == 2 and y_kind.value == dy_kind.value and x_kind.value == dx_kind.value
        self.factors(images.dtype, one, zero)
        sums = np.zeros(images.shape, np.float64)
        for place, window in self.windows(how, images, pool):
            part = sums[window]
            part += (pool[place].astype(np.float64) / (part.shape[1] * part.shape[2]))[:, None, None]
        images[...] = sums
        return self.status

    def factors(self, dtype: Any, one: Any, zero: Any) -> None:
        """Results are neither scaled nor added to what was there, and the factors have the type that is read."""
        scale = ctypes.c_double if dtype == np.float64 else ctypes.c_float
        assert (type(one._obj), type(zero._obj)) == (scale, scale) and (one._obj.value, zero._obj.value) == (1, 0)

    # Recurrent layers: weights lie in an order of this library's own, the last gate first

    def _SetTensorNdDescriptor(self, tensor: Any, kind: int, rank: int, sizes: Any, steps: Any) -> int:
        self.things[tensor.value] = [kind, rank, [*sizes], [*steps]]
        return 0

    def _GetTensorNdDescriptor(self, tensor: Any, rank: int, kind: Any, found: Any, sizes: Any, steps: Any) -> int:
        kind._obj.value, found._obj.value, sizes[:], steps[:] = self.things[tensor.value]
        return 0

    def _SetRNNDataDescriptor(self, made: Any, kind: int, layout: int, *rest: Any) -> int:
        time, batch, size, lengths, fill = rest
        assert layout == 1 and [*lengths] == [time] * batch and fill is None
        self.things[made.value] = [kind, time, batch, size]
        return 0

    def layer(self, rnn: Any) -> tuple[np.dtype[Any], int, int]:
        """The dtype and sizes of a layer, all else of which is as it should be."""
        algorithm, mode, biases, direction, inputs, kind, sums, math, size, units, projected, layers, dropout, flags = (
            self.things[rnn.value]
        )
        assert (mode, biases, direction, inputs, layers, flags) == (2, 2, 0, 0, 1, 0)
        assert projected == units and sums == kind and self.things[dropout.value][1:] == [0.0, None, 0, 0]
        self.math, self.algorithm = math, algorithm
        return np.dtype(DTYPES[kind]), size, units

    def places(self, rnn: Any) -> tuple[list[tuple[int, int]], int]:
        """Where the matrix and the bias of each gate begin, and the elements of all."""
        _, size, units = self.layer(rnn)
        places: dict[int, tuple[int, int]] = {}
        end = GAP
        for gate in reversed(range(8)):
            matrix, bias = end, end + units * (size if gate < 4 else units) + GAP
            places[gate], end = (matrix, bias), bias + units + GAP
        return [places[gate] for gate in range(8)], end

    def _GetRNNWeightSpaceSize(self, handle: Any, rnn: Any, nbytes: Any) -> int:
        nbytes._obj.value = self.places(rnn)[1] * self.layer(rnn)[0].itemsize
        return 0

    def _GetRNNTempSpaceSizes(self, handle: Any, rnn: Any, mode: int, x: Any, work: Any, reserve: Any) -> int:
        (dtype, _, units), (_, time, batch, _) = self.layer(rnn), self.things[x.value]
        work._obj.value, reserve._obj.value = WORK, 9 * time * batch * units * dtype.itemsize if mode else 0
        return self.status

    def _GetRNNWeightParams(
        self, handle: Any, rnn: Any, layer: int, nbytes: int, start: int, gate: int, *found: Any
    ) -> int:
        (dtype, size, units), (places, end) = self.layer(rnn), self.places(rnn)
        assert layer == 0 and nbytes == end * dtype.itemsize
        for tensor, pointer, place, columns in zip(
            found[::2], found[1::2], places[gate], (size if gate < 4 else units, 1), strict=True
        ):
            pointer._obj.value = start + place * dtype.itemsize
            self.things[tensor.value] = [0, 3, [1, units, columns], [units * columns, columns, 1]]
        return 0

    def weights(self, rnn: Any, nbytes: int, address: int) -> tuple[list[Any], list[Any]]:
        """Views of the matrices [units, ...] and the biases among weights."""
        (dtype, size, units), (places, end) = self.layer(rnn), self.places(rnn)
        assert nbytes == end * dtype.itemsize
        flat = memory(address, (end,), dtype)
        widths = [size if gate < 4 else units for gate in range(8)]
        matrices = [flat[m : m + units * n].reshape(units, n) for (m, _), n in zip(places, widths, strict=True)]
        return matrices, [flat[b : b + units] for _, b in places]

    def work(self, nbytes: int, address: int) -> None:
        assert nbytes == WORK
        ctypes.memset(address, 255, nbytes)

    def kept(self, x: Any, units: int, nbytes: int, address: int) -> Any:
        """What forwards leaves for backwards: i, f, c', o and c; then the gradients of the four."""
        kind, time, batch, _ = self.things[x.value]
        array = memory(address, (9, time, batch, units), np.dtype(DTYPES[kind]))
        assert array.nbytes == nbytes
        return array

    def sequence(self, made: Any, address: int) -> Any:
        kind, *sizes = self.things[made.value]
        return memory(address, tuple(sizes), np.dtype(DTYPES[kind]))

    def state(self, tensor: Any, address: int | None) -> Any:
        kind, rank, (layers, batch, units), steps = self.things[tensor.value]
        assert (rank, layers, steps) == (3, 1, [batch * units, units, 1])
        return None if address is None else memory(address, (batch, units), np.dtype(DTYPES[kind]))

    def lengths(self, x: Any, address: int) -> None:
        _, time, batch, _ = self.things[x.value]
        assert memory(address, (batch,), np.dtype(np.int32)).tolist() == [time] * batch

    def _RNNForward(
        self, handle: Any, rnn: Any, mode: int, lengths: int, dx: Any, x: int, dy: Any, y: int, *rest: Any
    ) -> int:
        dh, h_before, h_last, dc, c_before, c_last, nbytes, weights, work, at_work, reserved, reserve = rest
        self.lengths(dx, lengths)
        self.work(work, at_work)
        matrices, b = self.weights(rnn, nbytes, weights)
        w, r = matrices[:4], matrices[4:]
        inputs, outputs, h, c = (
            self.sequence(dx, x),
            self.sequence(dy, y),
            self.state(dh, h_before),
            self.state(dc, c_before),
        )
        assert h_last is None and bool(reserved) == (reserve is not None) == bool(mode)
        kept = self.kept(dx, h.shape[1], reserved, reserve) if mode else np.empty((5, *outputs.shape), outputs.dtype)
        for t, values in enumerate(inputs):
            z = [values @ w[k].T + b[k] + h @ r[k].T + b[4 + k] for k in range(4)]
            gates = [np.tanh(z[k]) if k == 2 else 1 / (1 + np.exp(-z[k])) for k in range(4)]
            c = gates[1] * c + gates[0] * gates[2]
            h = gates[3] * np.tanh(c)
            kept[:4, t], kept[4, t], outputs[t] = gates, c, h
        self.state(dc, c_last)[...] = c
        return self.status

    def _RNNBackwardData_v8(
        self, handle: Any, rnn: Any, lengths: int, dy: Any, y: int, y_grad: int, dx: Any, *rest: Any
    ) -> int:
        x_grad, dh, h_before, h_last_grad, h_grad, dc, c_before, c_last_grad, c_grad, *spaces = rest
        nbytes, weights, work, at_work, reserved, reserve = spaces
        self.lengths(dx, lengths)
        self.work(work, at_work)
        assert h_last_grad is None and h_before
        matrices, _ = self.weights(rnn, nbytes, weights)
        given, inputs_grad, first = self.sequence(dy, y_grad), self.sequence(dx, x_grad), self.state(dc, c_before)
        kept = self.kept(dx, first.shape[1], reserved, reserve)
        i, f, fresh, o, cells = kept[:5]
        later, c = np.zeros_like(first), self.state(dc, c_last_grad)
        c = np.zeros_like(first) if c is None else c.copy()
        for t in reversed(range(len(given))):
            h, before, squashed = given[t] + later, cells[t - 1] if t else first, np.tanh(cells[t])
            c = c + h * o[t] * (1 - squashed**2)
            gates = [
                c * fresh[t] * i[t] * (1 - i[t]), c * before * f[t] * (1 - f[t]), c * i[t] * (1 - fresh[t] ** 2),
                h * squashed * o[t] * (1 - o[t]),
            ]  # fmt: skip
            kept[5:, t], c = gates, c * f[t]
            inputs_grad[t] = sum(gates[k] @ matrices[k] for k in range(4))
            later = sum(gates[k] @ matrices[4 + k] for k in range(4))
        self.state(dh, h_grad)[...], self.state(dc, c_grad)[...] = later, c
        return self.status

    def _RNNBackwardWeights_v8(
        self, handle: Any, rnn: Any, mode: int, lengths: int, dx: Any, x: int, dh: Any, *rest: Any
    ) -> int:
        h_before, dy, y, nbytes, weights, work, at_work, reserved, reserve = rest
        self.lengths(dx, lengths)
        self.work(work, at_work)
        assert mode == 0
        inputs, outputs, first = self.sequence(dx, x), self.sequence(dy, y), self.state(dh, h_before)
        gates = self.kept(dx, first.shape[1], reserved, reserve)[5:]
        matrices, biases = self.weights(rnn, nbytes, weights)
        for k in range(4):
            for t in range(len(inputs)):
                matrices[k] += gates[k, t].T @ inputs[t]
                matrices[4 + k] += gates[k, t].T @ (outputs[t - 1] if t else first)
            for bias in (biases[k], biases[4 + k]):
                bias += gates[k].sum((0, 1))
        return self.status


def memory(address: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """An array at an address."""
    buffer = (ctypes.c_ubyte * (int(np.prod(shape)) * dtype.itemsize)).from_address(address)
    return np.frombuffer(buffer, dtype).reshape(shape)

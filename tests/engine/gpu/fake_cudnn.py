"""A double of cuDNN's library: descriptors are numbered lists of what they were set to, work is done by NumPy."""

from __future__ import annotations

import ctypes
from typing import Any

import ml_dtypes
import numpy as np

import headrace as tf
from headrace.engine.gpu.cuda import cudnn, cudnn_convolution, cudnn_pooling

SIGNATURES = {**cudnn._SIGNATURES, **cudnn_convolution._SIGNATURES, **cudnn_pooling._SIGNATURES}

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
        self.math = 0
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
        buffer = (ctypes.c_ubyte * (int(np.prod(shape)) * dtype.itemsize)).from_address(address)
        return np.frombuffer(buffer, dtype).reshape(shape)

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

"""Random numbers from Philox streams, the bits of the CPU's; stateful ops move their stream on before each run."""

from __future__ import annotations

import math

import numpy as np

from ...kernels.distributions import RESERVED_BLOCKS
from ...ops.random import stream_for
from ...runtime import KernelContext
from ..calls import Array, Bound, DeviceArray, gpu
from ..template import template
from ..text import is_float
from .compact import compact

_KERNELS = {
    "RandomUniform": "random_uniform",
    "RandomStandardNormal": "random_normal",
    "TruncatedNormal": "truncated_normal",
    "StatelessRandomUniform": "random_uniform",
    "StatelessRandomNormal": "random_normal",
    "StatelessTruncatedNormal": "truncated_normal",
}


@gpu(*_KERNELS)
@compact
def random_floats(bound: Bound) -> None:
    """Blocks of four numbers, or of two doubles."""
    out = bound.outputs[0]
    bound.require(is_float(out.dtype) and out.contiguous, f"strided or {out.dtype}")
    stream = _stream(bound)
    kernel = template(_KERNELS[bound.type], "random.cuh", "const unsigned* stream, T* out, long long n", out.dtype)
    bound.for_each(kernel, -(-out.size // (2 if out.dtype == np.float64 else 4)), stream, out, out.size)


@gpu("RandomUniformInt", "StatelessRandomUniformInt")
@compact
def random_integers(bound: Bound) -> None:
    """Words modulo the range; an empty range is named by the NumPy kernel."""
    out, (low, high) = bound.outputs[0], bound.inputs[-2:]
    bound.require(low.size == high.size == 1, "bounds that are no scalars")
    stream = _stream(bound)
    places = "const unsigned* stream, const T* low, const T* high, T* out, long long n, int* error, int step"
    kernel = template("random_int", "random.cuh", places, out.dtype, np.dtype(f"u{out.dtype.itemsize}"))
    bound.for_each(kernel, out.size, stream, low, high, out, out.size, bound.error, bound.step)


@gpu("_DropoutChance")
def dropout_chance(bound: Bound) -> None:
    """The op's stream, moved on as if all numbers were drawn, and what is asked of each."""
    rate, factor, out = *bound.inputs[1:], bound.outputs[0]
    for array in (rate, factor):
        bound.require(array.size == 1 and array.dtype.itemsize <= 4, f"{array.dtype}{list(array.shape)}")
    count = math.prod(int(size) for size in bound.known(0))
    stream = bound.step_value(_Words(bound.context, count * RESERVED_BLOCKS), (6,), np.uint32)
    places = "const unsigned* stream, const T* rate, const U* factor, unsigned* chance"
    kernel = template("dropout_chance", "random.cuh", places, rate.dtype, factor.dtype)
    bound.launch(kernel, 1, 32, stream, rate, factor, out)


def _stream(bound: Bound) -> DeviceArray:
    """Where the words of the op's stream lie."""
    if bound.type.startswith("Stateless"):
        seed = bound.inputs[1]
        bound.require(seed.shape == (2,), "a seed that is no pair")
        stream = bound.scratch((6,), np.uint32)
        bound.launch(
            template("stateless_stream", "random.cuh", "const T* seed, unsigned* stream", seed.dtype),
            1,
            32,
            seed,
            stream,
        )
        return stream
    return bound.step_value(_Words(bound.context, bound.outputs[0].size * RESERVED_BLOCKS), (6,), np.uint32)


class _Words:
    """Key and counter of an op's stream, which is moved on by `blocks`."""

    def __init__(self, context: KernelContext, blocks: int) -> None:
        self._context, self._blocks = context, blocks

    def __call__(self) -> Array:
        stream = stream_for(self._context, self._blocks)
        return np.array([*stream.key, *stream.counter], np.uint32)

    def undo(self) -> None:
        """Moves the stream back: the step ended before the op had its turn."""
        self._context.resources.advance(self._context.name, -self._blocks)

"""Gamma and Poisson draws by rejection, vectorised: every output draws from blocks of its own.

As in TF 1.15 output number i starts 256 * i blocks after the stream, so that neither order nor
sharding changes what it gets.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .distributions import RESERVED_BLOCKS, box_muller, unit_doubles
from .philox import Stream, philox_at
from .results import result_array

Array = NDArray[Any]
Doubles = NDArray[np.float64]
Indices = NDArray[np.intp]

_DOUBLE = np.dtype(np.float64)
# lgamma by Stirling's series is exact to 1e-15 from here on.
_STIRLING_FROM = 15.0


class Lanes:
    """Hands every output numbers of its own, two to a block and the last one first."""

    def __init__(self, stream: Stream, count: int) -> None:
        self.stream = stream
        self.next_block = np.arange(count, dtype=np.uint64) * np.uint64(RESERVED_BLOCKS)
        self._uniforms = (np.empty((count, 2)), np.zeros(count, dtype=np.intp))
        self._normals = (np.empty((count, 2)), np.zeros(count, dtype=np.intp))

    def uniforms(self, lanes: Indices) -> Doubles:
        """Returns the next number in [0, 1) of each lane."""
        return self._next(lanes, self._uniforms, unit_doubles)

    def normals(self, lanes: Indices) -> Doubles:
        """Returns the next normal number of each lane."""
        return self._next(lanes, self._normals, lambda words: box_muller(words, _DOUBLE))

    def _next(
        self,
        lanes: Indices,
        store: tuple[Doubles, Indices],
        made_of: Callable[[NDArray[np.uint32]], Doubles],
    ) -> Doubles:
        values, left = store
        empty = lanes[left[lanes] == 0]
        values[empty] = made_of(philox_at(self.stream, self.next_block[empty]))
        self.next_block[empty] += np.uint64(1)
        left[empty] = 2
        left[lanes] -= 1
        return values[lanes, left[lanes]]


def gamma(stream: Stream, shape: tuple[int, ...], alpha: Array, out: Array | None = None) -> tuple[Array, int]:
    """Returns gamma draws of the shapes `alpha` and scale 1, and the blocks that they reserve.

    Marsaglia and Tsang's rejection in float64. The result has shape `shape + alpha.shape` and the
    dtype of alpha; an alpha that is not positive gives NaN.
    """
    lanes, rates, samples = _lanes(stream, shape, alpha)
    values = np.full(len(rates), np.nan)
    positive = rates > 0
    ones = np.flatnonzero(rates == 1.0)
    values[ones] = -np.log1p(-lanes.uniforms(ones))
    _reject_gamma(lanes, rates, np.flatnonzero(positive & (rates != 1.0)), values)
    return _spread(values, shape, alpha, samples, out)


def poisson(
    stream: Stream,
    shape: tuple[int, ...],
    rate: Array,
    dtype: np.dtype[Any],
    out: Array | None = None,
) -> tuple[Array, int]:
    """Returns Poisson draws of the given rates, and the blocks that they reserve.

    Knuth's product below a rate of 10, Hormann's transformed rejection from there on, in float64.
    The result has shape `shape + rate.shape`; a rate that is negative or not finite gives NaN, or 0
    where the dtype has none.
    """
    lanes, rates, samples = _lanes(stream, shape, rate)
    fits = np.isfinite(rates) & (rates >= 0)
    values = np.full(len(rates), 0.0 if dtype.kind in "iu" else np.nan)
    _multiply_poisson(lanes, rates, np.flatnonzero(fits & (rates < 10)), values)
    _reject_poisson(lanes, rates, np.flatnonzero(fits & (rates >= 10)), values)
    return _spread(values, shape, rate, samples, out, dtype)


def log_gamma(x: Doubles) -> Doubles:
    """Returns log(gamma(x)) for x >= 1, by Stirling's series after shifting x up to 15."""
    shifted = x.copy()
    product = np.ones_like(shifted)
    while np.any(low := shifted < _STIRLING_FROM):
        product[low] *= shifted[low]
        shifted[low] += 1.0
    inverse = 1.0 / (shifted * shifted)
    series = inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)) - 1 / 360
    series = (1 / 12 + inverse * series) / shifted
    half_log_tau = 0.5 * math.log(2 * math.pi)
    result: Doubles = (shifted - 0.5) * np.log(shifted) - shifted + half_log_tau + series
    return result - np.log(product)


def _lanes(stream: Stream, shape: tuple[int, ...], parameter: Array) -> tuple[Lanes, Doubles, int]:
    """Numbers the outputs as TF does: all samples of the first parameter, then of the second."""
    samples = math.prod(shape)
    rates = np.repeat(parameter.astype(np.float64).reshape(-1), samples)
    return Lanes(stream, len(rates)), rates, samples


def _spread(
    values: Doubles,
    shape: tuple[int, ...],
    parameter: Array,
    samples: int,
    out: Array | None,
    dtype: np.dtype[Any] | None = None,
) -> tuple[Array, int]:
    by_sample = values.reshape(parameter.size, samples).T.reshape(*shape, *parameter.shape)
    result = result_array(by_sample.shape, dtype or parameter.dtype, out)
    result[...] = by_sample
    return result, values.size * RESERVED_BLOCKS


def _reject_gamma(lanes: Lanes, alpha: Doubles, active: Indices, values: Doubles) -> None:
    shift = np.where(alpha < 1, 2.0 / 3.0, -1.0 / 3.0)
    d = alpha + shift
    while len(active):
        x = lanes.normals(active)
        cube = 1.0 + 1.0 / 3.0 / np.sqrt(d[active]) * x
        inside = cube > 0
        accepted, v = _accept_gamma(lanes, active[inside], x[inside], cube[inside] ** 3, d)
        values[accepted] = d[accepted] * v
        small = accepted[alpha[accepted] < 1]
        values[small] *= lanes.uniforms(small) ** (1.0 / alpha[small])
        active = np.setdiff1d(active, accepted, assume_unique=True)


def _accept_gamma(lanes: Lanes, active: Indices, x: Doubles, v: Doubles, d: Doubles) -> tuple[Indices, Doubles]:
    u = lanes.uniforms(active)
    squeeze = u < 1.0 - 0.0331 * (x * x) * (x * x)
    with np.errstate(divide="ignore"):
        exact = np.log(u) < 0.5 * x * x + d[active] * (1.0 - v + np.log(v))
    kept = squeeze | exact
    return active[kept], v[kept]


def _multiply_poisson(lanes: Lanes, rate: Doubles, active: Indices, values: Doubles) -> None:
    product = np.ones(len(active))
    count = 0.0
    while len(active):
        product *= lanes.uniforms(active)
        done = product <= np.exp(-rate[active])
        values[active[done]] = count
        active, product = active[~done], product[~done]
        count += 1.0


def _reject_poisson(lanes: Lanes, rate: Doubles, active: Indices, values: Doubles) -> None:
    while len(active):
        u = lanes.uniforms(active) - 0.5
        v = lanes.uniforms(active)
        k, accepted = _hormann(u, v, rate[active])
        values[active[accepted]] = k[accepted]
        active = active[~accepted]


def _hormann(u: Doubles, v: Doubles, rate: Doubles) -> tuple[Doubles, NDArray[np.bool_]]:
    """Returns the candidates and which of them to keep (Hormann 1993, algorithm PTRS)."""
    b = 0.931 + 2.53 * np.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    away = 0.5 - np.abs(u)
    with np.errstate(divide="ignore", invalid="ignore"):
        k = np.floor((2.0 * a / away + b) * u + rate + 0.43)
        left = np.log(v * inverse_alpha / (a / (away * away) + b))
    safe = np.where(np.isfinite(k), np.maximum(k, 0.0), 0.0)
    right = -rate + safe * np.log(rate) - log_gamma(safe + 1.0)
    sure = (away >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2.0))
    never = ~np.isfinite(k) | (k < 0) | ((away < 0.013) & (v > away))
    return k, sure | (~never & (left <= right))

"""Special functions on NumPy: error functions, gamma functions, zeta, in float64 or better than the result's dtype.

The tables are Chebyshev series, fitted at 40 digits: of erf(x) / x in x^2 on [0, 1], of (1 + 2x) exp(x^2) erfc(x) in
(x - 3.75) / (x + 3.75), and of lgamma(x) / ((x - 1)(x - 2)) on [1, 3].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_ERF_SMALL = np.array([
    0.9754769393826541, -0.14226120510371365, 0.010035582187599796, -0.0005768764699767485,
    2.741993125219606e-05, -1.1043175507344507e-06, 3.8488755420345036e-08, -1.1808582533875466e-09,
    3.2334215826050907e-11, -7.991015947004549e-13, 1.7990725113961456e-14, -3.718635487818693e-16,
    7.103599003714253e-18,
])  # fmt: skip
_ERFC_LARGE = np.array([
    1.1775789345674017, -0.004590054580646478, -0.08424913336651792, 0.05920993999819189,
    -0.026658668435305753, 0.009074997670705265, -0.002413163540417608, 0.0004907758365258086,
    -6.916973302501207e-05, 4.13902798607301e-06, 7.74038306619849e-07, -2.1886401049234397e-07,
    1.076499946567091e-08, 4.521959811218287e-09, -7.754400208831351e-10, -6.318088340886684e-11,
    2.86879501093067e-11, 1.9455868545777347e-13, -9.65469674843344e-13, 3.25254814814874e-14,
    3.3478119482868056e-14, -1.864562880419313e-15, -1.2507950530688648e-15, 7.418235256624044e-17,
    5.0681489047961116e-17, -2.2370566594359995e-18, -2.1873429443030175e-18,
])  # fmt: skip
_LGAMMA_MIDDLE = np.array([
    0.44148902545501423, -0.11119580321752523, 0.01951044826068884, -0.003922461463025264,
    0.0008478989895953857, -0.00019153855341365593, 4.454470184975607e-05, -1.05728743735943e-05,
    2.5474336873408417e-06, -6.208535880776316e-07, 1.5268677399071546e-07, -3.782637660291326e-08,
    9.428100823624284e-09, -2.361999702184645e-09, 5.943541905817546e-10, -1.501312977072867e-10,
    3.8050196458110534e-11, -9.672485299656325e-12, 2.465348198355661e-12, -6.298868140791711e-13,
    1.6128460030283787e-13, -4.137949206814042e-14, 1.0635701227757898e-14, -2.7382420786652826e-15,
    7.060670507214892e-16, -1.8232177141662118e-16, 4.714169006756272e-17, -1.2204107319639856e-17,
    3.1630451661790255e-18,
])  # fmt: skip

_EPSILON = np.finfo(np.float64).eps
_MOST_TERMS = 1000
_BLOCK = 4096
# From here on incomplete gamma functions are taken from the normal distribution.
_HUGE = 1e5
# B(2k) / (2k (2k - 1)) of Stirling's series, and B(2k) / 2k of the digamma function's.
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
_DIGAMMA = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
# B(2k) / (2k)! of the Euler-Maclaurin formula.
_ZETA = (
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600,
    -3617 / 10670622842880000, 43867 / 5109094217170944000,
)  # fmt: skip


def chebyshev(coefficients: Sequence[float] | Array, t: Array) -> Array:
    """The sum of a Chebyshev series at t in [-1, 1], by Clenshaw's recurrence."""
    first: Any = 0.0
    second: Any = 0.0
    for c in coefficients[:0:-1]:
        first, second = 2 * t * first - second + c, first
    result: Array = t * first - second + coefficients[0]
    return result


def in_float64(function: Callable[..., Array]) -> Callable[..., Array]:
    """Makes a function of float64 arrays take and give any floating dtype, without warnings, block by block."""

    def wrapped(*inputs: Any) -> Array:
        arrays = np.broadcast_arrays(*inputs)
        result = np.empty(arrays[0].shape, arrays[0].dtype)
        flat, parts = result.reshape(-1), [x.reshape(-1) for x in arrays]
        with np.errstate(all="ignore"):
            # The temporaries of a block stay in the cache.
            for start in range(0, result.size, _BLOCK):
                block = slice(start, start + _BLOCK)
                flat[block] = function(*(x[block].astype(np.float64) for x in parts))
        return result

    wrapped.__doc__ = function.__doc__
    return wrapped


def _erfc_positive(x: Array) -> Array:
    """Erfc for x >= 0.5."""
    # The square is split, for its rounding error would be multiplied by itself in the exponential.
    high = np.asarray(x, np.float32).astype(np.float64)
    scale = np.exp(-high * high) * np.exp((high - x) * (high + x))
    result: Array = chebyshev(_ERFC_LARGE, (x - 3.75) / (x + 3.75)) / (1 + 2 * x) * scale
    return result


@in_float64
def erf(x: Array) -> Array:
    """The error function, to an ulp or two."""
    size = np.abs(x)
    near = x * chebyshev(_ERF_SMALL, np.minimum(2 * x * x - 1, 1))
    far = np.copysign(1 - _erfc_positive(np.clip(size, 0.5, 30)), x)
    return np.where(size < 1, near, np.where(np.isnan(x), x, far))


@in_float64
def erfc(x: Array) -> Array:
    """1 - erf(x), exact also where it is small."""
    size = np.abs(x)
    near = 1 - x * chebyshev(_ERF_SMALL, np.minimum(2 * x * x - 1, 1))
    far = _erfc_positive(np.clip(size, 0.5, 30))
    far = np.where(x < 0, 2 - far, far)
    return np.where(size < 0.5, near, np.where(np.isnan(x), x, far))


def _lgamma_from_one(x: Array) -> Array:
    """Lgamma for x >= 1."""
    middle = np.clip(x, 1, 3)
    near = (middle - 1) * (middle - 2) * chebyshev(_LGAMMA_MIDDLE, middle - 2)
    is_small = x < 8
    shifted = np.where(is_small, x + 7, x)
    product = np.ones_like(x)
    for i in range(7):
        product = np.where(is_small, product * (np.minimum(x, 8) + i), product)
    far = (shifted - 0.5) * np.log(shifted) - shifted + 0.5 * np.log(2 * np.pi) - np.log(product)
    power = 1 / shifted
    for c in _STIRLING:
        far = far + c * power
        power = power / (shifted * shifted)
    return np.where(x <= 3, near, np.where(np.isinf(x), x, far))


@in_float64
def lgamma(x: Array) -> Array:
    """The logarithm of the absolute value of the gamma function; infinite at 0, -1, -2, ..."""
    return _lgamma(x)


def _lgamma(x: Array) -> Array:
    right = np.where(x < 1, np.where(x > 0, x + 1, 1 - x), x)
    value = _lgamma_from_one(right)
    fraction = np.abs(np.sin(np.pi * (x - np.rint(x))))
    reflected = np.log(np.pi / fraction) - value
    result = np.where(x >= 1, value, np.where(x > 0, value - np.log(np.maximum(x, 5e-324)), reflected))
    at_pole = (x <= 0) & (x == np.floor(x))
    return np.where(at_pole | np.isinf(x), np.inf, np.where(np.isnan(x), x, result))


@in_float64
def digamma(x: Array) -> Array:
    """The derivative of lgamma; NaN at 0, -1, -2, ..."""
    return _digamma(x)


def _digamma(x: Array) -> Array:
    right = np.where(x <= 0, 1 - x, x)
    shift = np.zeros_like(right)
    for i in range(10):
        shift = np.where(right < 10, shift + 1 / (right + i), shift)
    z = np.where(right < 10, right + 10, right)
    value = np.log(z) - 0.5 / z - shift
    power = 1 / (z * z)
    for c in _DIGAMMA:
        value = value - c * power
        power = power / (z * z)
    reflected = value - np.pi / np.tan(np.pi * (x - np.rint(x)))
    at_pole = (x <= 0) & (x == np.floor(x))
    return np.where(at_pole, np.nan, np.where(x <= 0, reflected, value))


def _series(a: Array, x: Array) -> tuple[Array, Array]:
    """The sum of x^n / ((a + 1) ... (a + n)) and its derivative by a."""
    term, slope = np.ones_like(x), np.zeros_like(x)
    total, slopes = np.ones_like(x), np.zeros_like(x)
    for n in range(1, _MOST_TERMS):
        ratio = x / (a + n)
        slope = slope * ratio - term * ratio / (a + n)
        term = term * ratio
        total, slopes = total + term, slopes + slope
        if not np.any((np.abs(term) > _EPSILON * total) | (np.abs(slope) > _EPSILON * np.abs(slopes))):
            break
    return total, slopes


def _fraction(a: Array, x: Array) -> Array:
    """The continued fraction of the upper incomplete gamma function, for x > a + 1, by Lentz's method."""
    tiny = 1e-300
    b = x + 1 - a
    c, d = np.full_like(x, 1 / tiny), 1 / b
    value = d
    for n in range(1, _MOST_TERMS):
        factor = -n * (n - a)
        b = b + 2
        d = factor * d + b
        d = 1 / np.where(np.abs(d) < tiny, tiny, d)
        c = b + factor / c
        c = np.where(np.abs(c) < tiny, tiny, c)
        value = value * (d * c)
        if not np.any(np.abs(d * c - 1) > _EPSILON):
            break
    return value


def _normal(a: Array, x: Array) -> Array:
    """Where x lies on the normal distribution that the gamma distribution of a large a nears (Wilson and Hilferty)."""
    result: Array = (np.cbrt(x / a) - 1 + 1 / (9 * a)) * np.sqrt(4.5 * a)
    return result


def _incomplete(a: Array, x: Array) -> tuple[Array, Array]:
    """The regularized lower and upper incomplete gamma functions."""
    is_huge = a > _HUGE
    z = _normal(a, x)
    a, x = np.where(is_huge, 1.0, a), np.where(is_huge, 1.0, x)
    is_series = x <= a + 1
    front = np.exp(a * np.log(np.maximum(x, 5e-324)) - x - _lgamma(np.maximum(a, 5e-324) + 1))
    low = front * _series(np.where(is_series, a, 1.0), np.where(is_series, x, 1.0))[0]
    high = front * a * _fraction(np.where(is_series, 1.0, a), np.where(is_series, 3.0, x))
    low, high = np.where(is_series, low, 1 - high), np.where(is_series, 1 - low, high)
    low = np.where(is_huge, 0.5 * erfc(-z), low)
    high = np.where(is_huge, 0.5 * erfc(z), high)
    bad = (a <= 0) | (x < 0) | np.isnan(a) | np.isnan(x)
    low = np.where(x == 0, 0.0, np.where(np.isinf(x), 1.0, low))
    high = np.where(x == 0, 1.0, np.where(np.isinf(x), 0.0, high))
    return np.where(bad, np.nan, low), np.where(bad, np.nan, high)


@in_float64
def igamma(a: Array, x: Array) -> Array:
    """The regularized lower incomplete gamma function; NaN unless a > 0 and x >= 0."""
    return _incomplete(a, x)[0]


@in_float64
def igammac(a: Array, x: Array) -> Array:
    """The regularized upper incomplete gamma function; NaN unless a > 0 and x >= 0."""
    return _incomplete(a, x)[1]


@in_float64
def igamma_grad_a(a: Array, x: Array) -> Array:
    """The derivative of igamma by a."""
    is_huge = a > _HUGE
    density = -np.exp(-(_normal(a, x) ** 2)) / np.sqrt(2 * np.pi * a)
    a, x = np.where(is_huge, 1.0, a), np.where(is_huge, 1.0, x)
    # Beyond this the function is 1 to all digits, and its series needs too many terms.
    is_near = x < 4 * a + 200
    near = np.where(is_near, x, 1.0)
    total, slopes = _series(a, near)
    front = np.exp(a * np.log(np.maximum(near, 5e-324)) - near - _lgamma(a + 1))
    value = front * (total * (np.log(np.maximum(near, 5e-324)) - _digamma(a + 1)) + slopes)
    value = np.where(is_huge, density, np.where(is_near & (x > 0), value, 0.0))
    return np.where((a <= 0) | (x < 0), np.nan, value)


@in_float64
def zeta(x: Array, q: Array) -> Array:
    """Hurwitz's zeta function, the sum of (k + q)^-x; NaN for x < 1, infinite for x = 1 and for q = 0, -1, ..."""
    return _zeta(x, q)


def _zeta(x: Array, q: Array) -> Array:
    x, q = np.broadcast_arrays(x, q)
    # Euler-Maclaurin needs an argument of about 9 or more.
    count = 10
    total = np.zeros(x.shape)
    for k in range(count):
        total = total + (q + k) ** -x
    w = q + count
    total = total + w ** (1 - x) / (x - 1) + 0.5 * w**-x
    factor = x * w ** (-x - 1)
    for k, c in enumerate(_ZETA):
        total = total + c * factor
        factor = factor * (x + 2 * k + 1) * (x + 2 * k + 2) / (w * w)
    total = np.where((q <= 0) & (q == np.floor(q)), np.inf, total)
    total = np.where((q <= 0) & (q != np.floor(q)) & (x != np.floor(x)), np.nan, total)
    return np.where(x == 1, np.inf, np.where(x < 1, np.nan, total))


@in_float64
def polygamma(n: Array, x: Array) -> Array:
    """The n-th derivative of digamma; NaN unless n is an integer >= 0."""
    n, x = np.broadcast_arrays(n, x)
    sign = np.where(n % 2 == 1, 1.0, -1.0)
    order = np.where(n > 0, n, 1.0)
    value = sign * np.exp(_lgamma(order + 1)) * _zeta(order + 1, x)
    value = np.where(n == 0, _digamma(x), value)
    return np.where((n < 0) | (n != np.floor(n)), np.nan, value)


def _beta_fraction(a: Array, b: Array, x: Array) -> Array:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    tiny = 1e-300
    c = np.ones_like(x)
    d = 1 - (a + b) * x / (a + 1)
    d = 1 / np.where(np.abs(d) < tiny, tiny, d)
    value = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for factor in (even, odd):
            d = 1 + factor * d
            d = 1 / np.where(np.abs(d) < tiny, tiny, d)
            c = 1 + factor / c
            c = np.where(np.abs(c) < tiny, tiny, c)
            value = value * (d * c)
        if not np.any(np.abs(d * c - 1) > _EPSILON):
            break
    return value


@in_float64
def betainc(a: Array, b: Array, x: Array) -> Array:
    """The regularized incomplete beta function; NaN unless a, b > 0 and 0 <= x <= 1."""
    a, b, x = np.broadcast_arrays(a, b, x)
    turned = x > (a + 1) / (a + b + 2)
    first, second, z = np.where(turned, b, a), np.where(turned, a, b), np.where(turned, 1 - x, x)
    safe = np.clip(z, 0, 1)
    log_front = _lgamma(a + b) - _lgamma(a) - _lgamma(b) + first * np.log(safe) + second * np.log1p(-safe)
    value = np.exp(log_front) * _beta_fraction(first, second, safe) / first
    value = np.where(safe == 0, 0.0, value)
    value = np.where(turned, 1 - value, value)
    return np.where((a <= 0) | (b <= 0) | (x < 0) | (x > 1), np.nan, value)

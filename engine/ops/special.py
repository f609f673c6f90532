"""Error functions, gamma functions and their relatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import FLOATING, float32, float64
from ..graph import Operation, Tensor
from ..inference import broadcast, like_first
from ..kernels import special
from ..registry import op
from ..samples import Failure, Sample
from .broadcasting import unbroadcast
from .elementwise import unlike
from .unary import exp_op, log_op, negative_op, on_values, square_op, text_fails

Gradients = list[Any]
_WIDE: dict[str, Any] = {"T": (float32, float64)}


@op("Erf", "x: T", "y: T", shape=like_first, T=FLOATING)
def erf_op(x: Any, *, name: str | None = None) -> Tensor:
    """The error function."""


@erf_op.gradient
def erf_gradient(op: Operation, dy: Tensor) -> Gradients:
    slope = np.array(2 / np.sqrt(np.pi), dy.dtype.base_dtype.numpy)
    return [dy * slope * exp_op(negative_op(square_op(op.inputs[0])))]


@op("Erfc", "x: T", "y: T", shape=like_first, T=FLOATING)
def erfc_op(x: Any, *, name: str | None = None) -> Tensor:
    """1 - erf(x), exact also where it is small."""


@erfc_op.gradient
def erfc_gradient(op: Operation, dy: Tensor) -> Gradients:
    slope = np.array(-2 / np.sqrt(np.pi), dy.dtype.base_dtype.numpy)
    return [dy * slope * exp_op(negative_op(square_op(op.inputs[0])))]


@op("Lgamma", "x: T", "y: T", shape=like_first, T=FLOATING)
def lgamma_op(x: Any, *, name: str | None = None) -> Tensor:
    """The logarithm of the absolute value of the gamma function."""


@lgamma_op.gradient
def lgamma_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy * digamma_op(op.inputs[0])]


@op("Digamma", "x: T", "y: T", shape=like_first, T=FLOATING)
def digamma_op(x: Any, *, name: str | None = None) -> Tensor:
    """The derivative of lgamma."""


@digamma_op.gradient
def digamma_gradient(op: Operation, dy: Tensor) -> Gradients:
    x = op.inputs[0]
    from .casting import cast

    wide = x if x.dtype.base_dtype in (float32, float64) else cast(x, float32)
    one = np.ones((), wide.dtype.base_dtype.numpy)
    return [dy * cast(polygamma_op(one, wide), dy.dtype.base_dtype)]


@op("Igamma", "a: T, x: T", "z: T", shape=broadcast, **_WIDE)
def igamma_op(a: Any, x: Any, *, name: str | None = None) -> Tensor:
    """The regularized lower incomplete gamma function."""


@op("Igammac", "a: T, x: T", "z: T", shape=broadcast, **_WIDE)
def igammac_op(a: Any, x: Any, *, name: str | None = None) -> Tensor:
    """The regularized upper incomplete gamma function."""


@op("IgammaGradA", "a: T, x: T", "z: T", shape=broadcast, **_WIDE)
def igamma_grad_a_op(a: Any, x: Any, *, name: str | None = None) -> Tensor:
    """The derivative of igamma by a."""


@igamma_op.gradient
def igamma_gradient(op: Operation, dz: Tensor) -> Gradients:
    a, x = op.inputs
    return [unbroadcast(dz * igamma_grad_a_op(a, x), a), unbroadcast(dz * _gamma_density(a, x), x)]


def _gamma_density(a: Tensor, x: Tensor) -> Tensor:
    return exp_op((a - 1) * log_op(x) - x - lgamma_op(a))


@igammac_op.gradient
def igammac_gradient(op: Operation, dz: Tensor) -> Gradients:
    return [negative_op(g) for g in igamma_gradient(op, dz)]


@op("Zeta", "x: T, q: T", "z: T", shape=broadcast, **_WIDE)
def zeta_op(x: Any, q: Any, *, name: str | None = None) -> Tensor:
    """Hurwitz's zeta function."""


@zeta_op.gradient
def zeta_gradient(op: Operation, dz: Tensor) -> Gradients:
    x, q = op.inputs
    # There is no derivative by x in TensorFlow either.
    return [None, unbroadcast(dz * negative_op(x) * zeta_op(x + 1, q), q)]


@op("Polygamma", "a: T, x: T", "z: T", shape=broadcast, **_WIDE)
def polygamma_op(a: Any, x: Any, *, name: str | None = None) -> Tensor:
    """The derivative of order a of digamma."""


@polygamma_op.gradient
def polygamma_gradient(op: Operation, dz: Tensor) -> Gradients:
    a, x = op.inputs
    return [None, unbroadcast(dz * polygamma_op(a + 1, x), x)]


@op("Betainc", "a: T, b: T, x: T", "z: T", shape=broadcast, **_WIDE)
def betainc_op(a: Any, b: Any, x: Any, *, name: str | None = None) -> Tensor:
    """The regularized incomplete beta function."""


@betainc_op.gradient
def betainc_gradient(op: Operation, dz: Tensor) -> Gradients:
    a, b, x = op.inputs
    log_beta = lgamma_op(a) + lgamma_op(b) - lgamma_op(a + b)
    density = exp_op((b - 1) * log_op(1 - x) + (a - 1) * log_op(x) - log_beta)
    # Only the derivative by x is there, as in TensorFlow.
    return [None, None, unbroadcast(dz * density, x)]


def _kernel(function: Callable[..., Any]) -> Any:
    return lambda xp, *inputs: function(*inputs)


for _unary, _function in (
    (erf_op, special.erf),
    (erfc_op, special.erfc),
    (lgamma_op, special.lgamma),
    (digamma_op, special.digamma),
):
    _unary.kernel(_kernel(_function))
    _unary.failing(text_fails)
for _binary, _function in (
    (igamma_op, special.igamma),
    (igammac_op, special.igammac),
    (igamma_grad_a_op, special.igamma_grad_a),
):
    _binary.kernel(_kernel(_function))
    _binary.failing(unlike)
zeta_op.kernel(_kernel(special.zeta))
polygamma_op.kernel(_kernel(special.polygamma))
betainc_op.kernel(_kernel(special.betainc))
igamma_grad_a_op.not_differentiable = True


@erf_op.samples
@erfc_op.samples
def erf_samples(rng: np.random.Generator) -> list[Sample]:
    """Small and large numbers of both signs."""
    return [
        Sample((np.array([[-2.5, -0.7, -0.1], [0.3, 1.1, 3.0]]),)),
        Sample((np.array([0, np.inf, -np.inf, np.nan, 12], np.float32),), differentiable=False),
        Sample((np.zeros((0, 2)),)),
    ]


@lgamma_op.samples
@digamma_op.samples
def gamma_samples(rng: np.random.Generator) -> list[Sample]:
    """Numbers on every branch, and poles."""
    return [
        Sample((np.array([[0.3, 0.9, 1.7], [2.6, 5.5, 20.0]]),)),
        Sample((np.array([-0.5, -2.3]),)),
        Sample((np.array([0, -1, np.inf, np.nan], np.float32),), differentiable=False),
    ]


@igamma_op.samples
@igammac_op.samples
@igamma_grad_a_op.samples
def igamma_samples(rng: np.random.Generator) -> list[Sample]:
    """Both sides of x = a + 1, and numbers without an image."""
    a, x = np.array([0.5, 2.0, 3.5, 1.2]), np.array([0.2, 5.0, 3.0, 0.7])
    bad = (np.array([-1.0, 1, 2], np.float32), np.array([1.0, -1, 0], np.float32))
    return [Sample((a, x), second=False), Sample((a[:, None], x[:2]), second=False), Sample(bad, differentiable=False)]


@zeta_op.samples
def zeta_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((np.array([1.5, 2, 6]), np.array([0.3, 1, 7.0])), gradients=(1,)),
        Sample((np.array([1, 0.5, 2], np.float32), np.array([1, 1, 0], np.float32)), differentiable=False),
    ]


@polygamma_op.samples
def polygamma_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((np.array([0.0, 1, 2, 3]), np.array([0.4, 1.5, 2.5, 9])), gradients=(1,))]


@betainc_op.samples
def betainc_samples(rng: np.random.Generator) -> list[Sample]:
    a, b = np.array([0.5, 2.0, 5.0]), np.array([1.5, 2.0, 0.8])
    return [Sample((a, b, np.array([0.2, 0.6, 0.9])), gradients=(2,), second=False)]


@betainc_op.failing
def betainc_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones(2), np.ones(3), np.ones(2)), ValueError, "2|3")]


# TensorFlow's names


def erf(x: Any, name: str | None = None) -> Any:
    """The error function of each element of a Tensor or SparseTensor."""
    return on_values(erf_op, x, name)


def erfc(x: Any, name: str | None = None) -> Tensor:
    """1 - erf(x) element-wise, exact also where it is small."""
    return erfc_op(x, name=name)


def lgamma(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of the absolute value of the gamma function; infinite at 0, -1, -2, ..."""
    return lgamma_op(x, name=name)


def digamma(x: Any, name: str | None = None) -> Tensor:
    """The derivative of `lgamma`; NaN at 0, -1, -2, ..."""
    return digamma_op(x, name=name)


def igamma(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The regularized lower incomplete gamma function of a > 0 and x >= 0, NaN elsewhere."""
    return igamma_op(a, x, name=name)


def igammac(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The regularized upper incomplete gamma function, 1 - igamma(a, x)."""
    return igammac_op(a, x, name=name)


def zeta(x: Any, q: Any, name: str | None = None) -> Tensor:
    """Hurwitz's zeta function, the sum of (k + q)^-x over k = 0, 1, ..."""
    return zeta_op(x, q, name=name)


def polygamma(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The derivative of order a of `digamma`."""
    return polygamma_op(a, x, name=name)


def betainc(a: Any, b: Any, x: Any, name: str | None = None) -> Tensor:
    """The regularized incomplete beta function of a, b > 0 and 0 <= x <= 1, NaN elsewhere."""
    return betainc_op(a, b, x, name=name)


def lbeta(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of the absolute value of the beta function along the last axis."""
    from ..graph import get_default_graph
    from .reduce import reduce_sum

    with get_default_graph().name_scope(name or "lbeta"):
        return reduce_sum(lgamma_op(x), [-1]) - lgamma_op(reduce_sum(x, [-1]))

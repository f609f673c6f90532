"""Complex numbers: their parts, conjugates, angles and absolute values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import COMPLEX, NUMERIC, DType, as_dtype, complex64, complex128, float32, float64
from ..graph import Operation, Tensor
from ..inference import broadcast, like_first
from ..registry import op
from ..samples import Failure, Sample
from ..scalar import Scalar, call
from .broadcasting import unbroadcast

Gradients = list[Any]
_PARTS = (float32, float64)


@op("Conj", "input: T", "output: T", shape=like_first, T=NUMERIC)
def conj_op(input: Any, *, name: str | None = None) -> Tensor:
    """The complex conjugate."""


@conj_op.scalar
def conj_scalar(x: Scalar) -> Scalar:
    return call("conj", x)


@conj_op.gradient
def conj_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [conj_op(dy)]


@op("Complex", "real: T, imag: T", "out: Tout", shape=broadcast, T=_PARTS, Tout=COMPLEX)
def complex_op(real: Any, imag: Any, *, Tout: DType = complex64, name: str | None = None) -> Tensor:
    """The complex number of a real and an imaginary part of one dtype."""


@complex_op.kernel
def complex_kernel(xp: Any, real: Any, imag: Any, *, Tout: DType) -> Any:
    result = xp.empty(np.broadcast_shapes(real.shape, imag.shape), Tout.numpy)
    complex_into(xp, result, real, imag, Tout=Tout)
    return result


@complex_op.into
def complex_into(xp: Any, out: Any, real: Any, imag: Any, *, Tout: DType) -> None:
    out.real[...] = real
    out.imag[...] = imag


@complex_op.gradient
def complex_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [unbroadcast(real(dy), op.inputs[0]), unbroadcast(imag(dy), op.inputs[1])]


@complex_op.samples
def complex_samples(rng: np.random.Generator) -> list[Sample]:
    attrs = {"Tout": complex128}
    return [
        Sample((rng.normal(size=(2, 3)), rng.normal(size=3)), attrs, differentiable=False),
        Sample((np.float32(1), np.float32(2)), differentiable=False),
    ]


@op("Real", "input: T", "output: Tout", shape=like_first, T=COMPLEX, Tout=_PARTS)
def real_op(input: Any, *, Tout: DType = float32, name: str | None = None) -> Tensor:
    """The real part."""


@op("Imag", "input: T", "output: Tout", shape=like_first, T=COMPLEX, Tout=_PARTS)
def imag_op(input: Any, *, Tout: DType = float32, name: str | None = None) -> Tensor:
    """The imaginary part."""


@op("Angle", "input: T", "output: Tout", shape=like_first, T=COMPLEX, Tout=_PARTS)
def angle_op(input: Any, *, Tout: DType = float32, name: str | None = None) -> Tensor:
    """The argument in (-pi, pi]."""


@op("ComplexAbs", "x: T", "y: Tout", shape=like_first, T=COMPLEX, Tout=_PARTS)
def complex_abs_op(x: Any, *, Tout: DType = float32, name: str | None = None) -> Tensor:
    """The absolute value."""


@real_op.kernel
def real_kernel(xp: Any, x: Any, *, Tout: DType) -> Any:
    return xp.array(xp.real(x))


@imag_op.kernel
def imag_kernel(xp: Any, x: Any, *, Tout: DType) -> Any:
    return xp.array(xp.imag(x))


@angle_op.kernel
def angle_kernel(xp: Any, x: Any, *, Tout: DType) -> Any:
    return xp.angle(x)


@complex_abs_op.kernel
def complex_abs_kernel(xp: Any, x: Any, *, Tout: DType) -> Any:
    return xp.abs(x)


@complex_abs_op.into
def complex_abs_into(xp: Any, out: Any, x: Any, *, Tout: DType) -> None:
    xp.abs(x, out)


@real_op.gradient
def real_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [complex(dy, _zero(dy))]


@imag_op.gradient
def imag_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [complex(_zero(dy), dy)]


@angle_op.gradient
def angle_gradient(op: Operation, dy: Tensor) -> Gradients:
    x = op.inputs[0]
    return [-(complex(dy, _zero(dy)) / complex(imag(x), real(x)))]


@complex_abs_op.gradient
def complex_abs_gradient(op: Operation, dy: Tensor) -> Gradients:
    from .unary import sign_op  # unary ops build on conjugates

    return [complex(dy, _zero(dy)) * sign_op(op.inputs[0])]


def _zero(like: Tensor) -> Any:
    return np.zeros((), like.dtype.numpy)


@conj_op.samples
def conj_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((_numbers(rng),), differentiable=False), Sample((rng.normal(size=3),))]


def _numbers(rng: np.random.Generator) -> Any:
    return rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3))


def part_samples(rng: np.random.Generator) -> list[Sample]:
    """Complex numbers of both widths."""
    small = _numbers(rng).astype(np.complex64)
    wide = Sample((_numbers(rng),), {"Tout": float64}, differentiable=False)
    return [wide, Sample((small,), differentiable=False), Sample((np.zeros((0, 2), np.complex64),))]


def part_failing(rng: np.random.Generator) -> list[Failure]:
    """Real numbers, which have no parts."""
    return [Failure((np.ones(3),), TypeError, "float64")]


for _definition in (real_op, imag_op, angle_op, complex_abs_op):
    _definition.samples(part_samples)
    _definition.failing(part_failing)


# TensorFlow's names


def conjugate(x: Tensor) -> Tensor:
    """The conjugate, and `x` itself where its dtype is real: what gradients multiply by."""
    return conj_op(x) if x.dtype.is_complex else x


def conj(x: Any, name: str | None = None) -> Tensor:
    """The complex conjugate; a real tensor is returned as it is."""
    tensor = convert_to_tensor(x, name="x")
    if not (tensor.dtype.is_complex or tensor.dtype.is_floating or tensor.dtype.is_integer):
        raise TypeError(f"Expected numeric or variant tensor, got dtype {tensor.dtype!r}")
    return conj_op(tensor, name=name) if tensor.dtype.is_complex else tensor


def complex(real: Any, imag: Any, name: str | None = None) -> Tensor:
    """The complex tensor of two real ones: float32 gives complex64, float64 complex128.

    Raises:
        TypeError: the parts have another dtype, or two.
    """
    x = convert_to_tensor(real, imag.dtype if isinstance(imag, Tensor) else None, "real")
    y = convert_to_tensor(imag, x.dtype.base_dtype, "imag")
    results = {float32: complex64, float64: complex128}
    if x.dtype.base_dtype not in results:
        raise TypeError(f"Types of real and imag don't match or are not float32 or float64: {x.dtype!r}")
    return complex_op(x, y, Tout=results[x.dtype.base_dtype], name=name)


def _part(build: Callable[..., Tensor], input: Any, name: str | None) -> Tensor:
    tensor = convert_to_tensor(input, name="input")
    return build(tensor, Tout=as_dtype(tensor.dtype.base_dtype.real_dtype), name=name)


def real(input: Any, name: str | None = None) -> Tensor:
    """The real part; a real tensor is returned as it is."""
    tensor = convert_to_tensor(input, name="input")
    return _part(real_op, tensor, name) if tensor.dtype.is_complex else tensor


def imag(input: Any, name: str | None = None) -> Tensor:
    """The imaginary part; zeros for a real tensor."""
    from .guards import zeros_like_op

    tensor = convert_to_tensor(input, name="input")
    return _part(imag_op, tensor, name) if tensor.dtype.is_complex else zeros_like_op(tensor)


def angle(input: Any, name: str | None = None) -> Tensor:
    """The argument of complex numbers; 0 for real ones, pi for negative ones."""
    from .choice import select_v2_op
    from .guards import zeros_like_op

    tensor = convert_to_tensor(input, name="input")
    if tensor.dtype.is_complex:
        return _part(angle_op, tensor, name)
    zeros = zeros_like_op(tensor)
    return select_v2_op(tensor < zeros, np.array(np.pi, tensor.dtype.numpy), zeros, name=name)

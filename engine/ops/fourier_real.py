"""Fourier transforms of real numbers, of which half of the result is enough, and their inverses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import COMPLEX, DType, complex64, complex128, float32, float64, int32
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor, get_default_graph
from ..inference import InferenceContext, show
from ..registry import Op, op
from ..samples import Failure, Sample
from .array import shape as shape_of, stack
from .array_pad import pad
from .array_parts import concat
from .array_slice import slice_
from .binary import maximum, minimum
from .casting import cast
from .complex_parts import real
from .fourier import ifft2d_op, ifft3d_op, ifft_op
from .ranges import range as counted
from .reduce import reduce_prod

Gradients = list[Any]
_REAL = (float32, float64)


@op("RFFT", "input: Treal, fft_length: int32", "output: Tcomplex", Treal=_REAL, Tcomplex=COMPLEX)
def rfft_op(input: Any, fft_length: Any, *, Tcomplex: DType = complex64, name: str | None = None) -> Tensor:
    """The first fft_length / 2 + 1 numbers of the Fourier transform of a real input over the last axis."""


@op("RFFT2D", "input: Treal, fft_length: int32", "output: Tcomplex", Treal=_REAL, Tcomplex=COMPLEX)
def rfft2d_op(input: Any, fft_length: Any, *, Tcomplex: DType = complex64, name: str | None = None) -> Tensor:
    """RFFT over the last axis, then FFT over the one before."""


@op("RFFT3D", "input: Treal, fft_length: int32", "output: Tcomplex", Treal=_REAL, Tcomplex=COMPLEX)
def rfft3d_op(input: Any, fft_length: Any, *, Tcomplex: DType = complex64, name: str | None = None) -> Tensor:
    """RFFT over the last axis, then FFT over the two before."""


@op("IRFFT", "input: Tcomplex, fft_length: int32", "output: Treal", Treal=_REAL, Tcomplex=COMPLEX)
def irfft_op(input: Any, fft_length: Any, *, Treal: DType = float32, name: str | None = None) -> Tensor:
    """The inverse of RFFT: fft_length real numbers."""


@op("IRFFT2D", "input: Tcomplex, fft_length: int32", "output: Treal", Treal=_REAL, Tcomplex=COMPLEX)
def irfft2d_op(input: Any, fft_length: Any, *, Treal: DType = float32, name: str | None = None) -> Tensor:
    """The inverse of RFFT2D."""


@op("IRFFT3D", "input: Tcomplex, fft_length: int32", "output: Treal", Treal=_REAL, Tcomplex=COMPLEX)
def irfft3d_op(input: Any, fft_length: Any, *, Treal: DType = float32, name: str | None = None) -> Tensor:
    """The inverse of RFFT3D."""


def _lengths(fft_length: Any, rank: int) -> tuple[int, ...]:
    if np.shape(fft_length) != (rank,) or (np.asarray(fft_length) < 0).any():
        text = f"fft_length must be {rank} sizes, got {np.asarray(fft_length).tolist()}"
        raise InvalidArgumentError(None, None, text)
    return tuple(int(n) for n in fft_length)


def _check_large_enough(shape: tuple[int, ...], needed: tuple[int, ...]) -> None:
    if any(size < least for size, least in zip(shape[-len(needed) :], needed, strict=True)):
        text = f"Input of shape {list(shape)} must have at least {list(needed)} elements along its last axes"
        raise InvalidArgumentError(None, None, text)


def _halved(lengths: tuple[int, ...]) -> tuple[int, ...]:
    return (*lengths[:-1], lengths[-1] // 2 + 1 if lengths[-1] else 0)


def _shape_rule(rank: int, forward: bool) -> Callable[[InferenceContext], list[Sizes]]:
    def rule(context: InferenceContext) -> list[Sizes]:
        sizes = context.with_rank_at_least(0, rank)
        (count,) = context.with_rank(1, 1)
        if count not in (None, rank):
            raise ValueError(f"fft_length must have {rank} elements, got shape {show(context.sizes[1])}")
        if sizes is None:
            return [None]
        known = context.value(1)
        if known is None:
            return [(*sizes[:-rank], *(None,) * rank)]
        lengths = tuple(int(n) for n in known)
        return [(*sizes[:-rank], *(_halved(lengths) if forward else lengths))]

    return rule


def _forward_kernel(rank: int) -> Callable[..., Any]:
    def kernel(xp: Any, x: Any, fft_length: Any, *, Tcomplex: DType) -> Any:
        lengths = _lengths(fft_length, rank)
        _check_large_enough(x.shape, lengths)
        shape = (*x.shape[:-rank], *_halved(lengths))
        if 0 in shape:
            return np.zeros(shape, Tcomplex.numpy)
        return np.fft.rfftn(x, lengths, axes=tuple(range(-rank, 0))).astype(Tcomplex.numpy)

    return kernel


def _inverse_kernel(rank: int) -> Callable[..., Any]:
    def kernel(xp: Any, x: Any, fft_length: Any, *, Treal: DType) -> Any:
        lengths = _lengths(fft_length, rank)
        _check_large_enough(x.shape, _halved(lengths))
        shape = (*x.shape[:-rank], *lengths)
        if 0 in shape:
            return np.zeros(shape, Treal.numpy)
        return np.fft.irfftn(x, lengths, axes=tuple(range(-rank, 0))).astype(Treal.numpy)

    return kernel


def _fitted(x: Tensor, wanted: Any) -> Tensor:
    """`x` cut off or filled up with zeros at the ends of its axes to the sizes `wanted`."""
    sizes = shape_of(x)
    cut = slice_(x, sizes * 0, minimum(sizes, wanted))
    return pad(cut, stack([sizes * 0, maximum(wanted - sizes, 0)], axis=1))


def _with_last(x: Tensor, lengths: Any, rank: int) -> Tensor:
    """The shape of `x` with other sizes of the last axes."""
    return concat([shape_of(x)[:-rank], lengths], 0)


def _define_gradients(forward: Op[..., Any], inverse: Op[..., Any], whole: Op[..., Any], rank: int) -> None:
    def forward_gradient(op: Operation, dy: Tensor) -> Gradients:
        x, lengths = op.inputs
        everything = whole(_fitted(dy, _with_last(dy, lengths, rank)))
        dx = real(everything) * cast(reduce_prod(lengths), x.dtype.base_dtype)
        return [_fitted(dx, shape_of(x)), None]

    def inverse_gradient(op: Operation, dy: Tensor) -> Gradients:
        x, lengths = op.inputs
        dtype = x.dtype.base_dtype
        half = forward(dy, lengths, Tcomplex=dtype)
        # All but the first number, and the last of an even length, stand for themselves and their conjugates.
        last = lengths[-1]
        ones = _multiplicities(last, dtype)
        scaled = half * ones / cast(reduce_prod(lengths), dtype)
        return [_fitted(scaled, shape_of(x)), None]

    forward.gradient(forward_gradient)
    inverse.gradient(inverse_gradient)


def _multiplicities(length: Tensor, dtype: DType) -> Tensor:
    """1, 2, 2, ..., for a half of `length` numbers; the last is 1 where the length is even."""
    places = counted(length // 2 + 1)
    alone = cast((places * 2) % length, float64)
    result: Tensor = cast(minimum(alone, 1.0) + 1.0, dtype)
    return result


def _define(forward: Op[..., Any], inverse: Op[..., Any], whole: Op[..., Any], rank: int) -> None:
    forward.shape(_shape_rule(rank, True))
    inverse.shape(_shape_rule(rank, False))
    forward.kernel(_forward_kernel(rank))
    inverse.kernel(_inverse_kernel(rank))
    _define_gradients(forward, inverse, whole, rank)

    def forward_samples(rng: np.random.Generator) -> list[Sample]:
        attrs = {"Tcomplex": complex128}
        cases = [((2, 3, 4), (2, 3, 4)), ((1, 2, 3, 5), (2, 3, 5)), ((2, 3, 4), (1, 2, 3)), ((0, 2, 2, 2), (2, 2, 2))]
        return [Sample((rng.normal(size=s), np.array(n[-rank:], np.int32)), attrs) for s, n in cases]

    def inverse_samples(rng: np.random.Generator) -> list[Sample]:
        attrs = {"Treal": float64}
        cases = [((2, 3, 3), (2, 3, 4)), ((2, 3, 3), (2, 3, 5)), ((2, 2, 3, 3), (1, 2, 2))]
        made = [(rng.normal(size=s) + 1j * rng.normal(size=s), np.array(n[-rank:], np.int32)) for s, n in cases]
        return [Sample(m, attrs) for m in made]

    def failing(rng: np.random.Generator) -> list[Failure]:
        x = np.ones((2, 2, 2), np.float32)
        return [
            Failure((x, np.ones(rank + 1, np.int32)), ValueError, f"must have {rank} elements"),
            Failure((x, np.full(rank, 9, np.int32)), InvalidArgumentError, "must have at least", at_run=True),
        ]

    forward.samples(forward_samples)
    inverse.samples(inverse_samples)
    forward.failing(failing)


_define(rfft_op, irfft_op, ifft_op, 1)
_define(rfft2d_op, irfft2d_op, ifft2d_op, 2)
_define(rfft3d_op, irfft3d_op, ifft3d_op, 3)


# TensorFlow's names


def _forward(definition: Op[..., Any], input_tensor: Any, fft_length: Any, name: str | None, rank: int) -> Tensor:
    with get_default_graph().name_scope(name or definition.type.lower()):
        x = convert_to_tensor(input_tensor, preferred_dtype=float32)
        lengths = shape_of(x)[-rank:] if fft_length is None else convert_to_tensor(fft_length, int32)
        if fft_length is not None:
            x = _fitted(x, _with_last(x, lengths, rank))
        result: Tensor = definition(x, lengths, Tcomplex=complex128 if x.dtype.base_dtype == float64 else complex64)
        return result


def _inverse(definition: Op[..., Any], input_tensor: Any, fft_length: Any, name: str | None, rank: int) -> Tensor:
    with get_default_graph().name_scope(name or definition.type.lower()):
        x = convert_to_tensor(input_tensor, preferred_dtype=complex64)
        if fft_length is None:
            sizes = shape_of(x)[-rank:]
            lengths = concat([sizes[:-1], maximum(sizes[-1:] * 2 - 2, 0)], 0)
        else:
            lengths = convert_to_tensor(fft_length, int32)
            x = _fitted(x, _with_last(x, concat([lengths[:-1], lengths[-1:] // 2 + 1], 0), rank))
        result: Tensor = definition(x, lengths, Treal=float64 if x.dtype.base_dtype == complex128 else float32)
        return result


def rfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The Fourier transform of a real tensor over its last axis, as `numpy.fft.rfft`.

    Args:
        input_tensor: float32 or float64.
        fft_length: [1], the length that the axis is cut off or filled up with zeros to; its own if left out.
    """
    return _forward(rfft_op, input_tensor, fft_length, name, 1)


def rfft2d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """`rfft` over the last two axes; `fft_length` has two numbers."""
    return _forward(rfft2d_op, input_tensor, fft_length, name, 2)


def rfft3d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """`rfft` over the last three axes; `fft_length` has three numbers."""
    return _forward(rfft3d_op, input_tensor, fft_length, name, 3)


def irfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The inverse of `rfft`; without `fft_length` the result is 2 (n - 1) long."""
    return _inverse(irfft_op, input_tensor, fft_length, name, 1)


def irfft2d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The inverse of `rfft2d`."""
    return _inverse(irfft2d_op, input_tensor, fft_length, name, 2)


def irfft3d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The inverse of `rfft3d`."""
    return _inverse(irfft3d_op, input_tensor, fft_length, name, 3)

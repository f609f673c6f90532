"""Fourier transforms of complex numbers over the last one, two or three axes, and their inverses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import COMPLEX, complex64
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext
from ..registry import Op, op
from ..samples import Failure, Sample
from .array import shape as shape_of
from .casting import cast
from .reduce import reduce_prod

Gradients = list[Any]


@op("FFT", "input: Tcomplex", "output: Tcomplex", Tcomplex=COMPLEX)
def fft_op(input: Any, *, name: str | None = None) -> Tensor:
    """The discrete Fourier transform over the last axis."""


@op("IFFT", "input: Tcomplex", "output: Tcomplex", Tcomplex=COMPLEX)
def ifft_op(input: Any, *, name: str | None = None) -> Tensor:
    """The inverse of FFT."""


@op("FFT2D", "input: Tcomplex", "output: Tcomplex", Tcomplex=COMPLEX)
def fft2d_op(input: Any, *, name: str | None = None) -> Tensor:
    """The discrete Fourier transform over the last two axes."""


@op("IFFT2D", "input: Tcomplex", "output: Tcomplex", Tcomplex=COMPLEX)
def ifft2d_op(input: Any, *, name: str | None = None) -> Tensor:
    """The inverse of FFT2D."""


@op("FFT3D", "input: Tcomplex", "output: Tcomplex", Tcomplex=COMPLEX)
def fft3d_op(input: Any, *, name: str | None = None) -> Tensor:
    """The discrete Fourier transform over the last three axes."""


@op("IFFT3D", "input: Tcomplex", "output: Tcomplex", Tcomplex=COMPLEX)
def ifft3d_op(input: Any, *, name: str | None = None) -> Tensor:
    """The inverse of FFT3D."""


def _define(forward: Op[..., Any], inverse: Op[..., Any], rank: int) -> None:
    axes = tuple(range(-rank, 0))

    def kernel_of(transform: Callable[..., Any]) -> Callable[..., Any]:
        def kernel(xp: Any, x: Any) -> Any:
            # NumPy does not transform what is empty.
            return transform(x, axes=axes).astype(x.dtype, copy=False) if x.size else x.copy()

        return kernel

    def forward_gradient(op: Operation, dy: Tensor) -> Gradients:
        return [inverse(dy) * _count(dy, rank)]

    def inverse_gradient(op: Operation, dy: Tensor) -> Gradients:
        return [forward(dy) / _count(dy, rank)]

    def shape(context: InferenceContext) -> list[Sizes]:
        return [context.with_rank_at_least(0, rank)]

    def samples(rng: np.random.Generator) -> list[Sample]:
        values = [rng.normal(size=s) + 1j * rng.normal(size=s) for s in ((2, 3, 4), (1, 2, 1, 5), (0, 2, 3))]
        return [Sample((x,)) for x in values]

    def failing(rng: np.random.Generator) -> list[Failure]:
        return [Failure((np.ones((2,) * (rank - 1), np.complex64),), ValueError, f"rank at least {rank}")]

    for definition, transform, gradient in (
        (forward, np.fft.fftn, forward_gradient),
        (inverse, np.fft.ifftn, inverse_gradient),
    ):
        definition.kernel(kernel_of(transform))
        definition.gradient(gradient)
        definition.shape(shape)
        definition.samples(samples)
        definition.failing(failing)


def _count(x: Tensor, rank: int) -> Tensor:
    """How many numbers one transform takes in, in the dtype of `x`."""
    result: Tensor = cast(reduce_prod(shape_of(x)[-rank:]), x.dtype.base_dtype)
    return result


_define(fft_op, ifft_op, 1)
_define(fft2d_op, ifft2d_op, 2)
_define(fft3d_op, ifft3d_op, 3)


# TensorFlow's names


def _complex(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else convert_to_tensor(x, preferred_dtype=complex64)


def fft(input: Any, name: str | None = None) -> Tensor:
    """The discrete Fourier transform of complex `input` over its last axis, as `numpy.fft.fft`.

    Example:
        >>> import headrace as tf
        >>> from headrace.engine.ops.fourier import fft
        >>> with tf.Session() as sess:
        ...     print(sess.run(fft(tf.constant([1.0, 0.0, 0.0, 0.0], tf.complex64))))
        [1.+0.j 1.+0.j 1.+0.j 1.+0.j]
    """
    return fft_op(_complex(input), name=name)


def ifft(input: Any, name: str | None = None) -> Tensor:
    """The inverse of `fft`."""
    return ifft_op(_complex(input), name=name)


def fft2d(input: Any, name: str | None = None) -> Tensor:
    """The discrete Fourier transform of complex `input` over its last two axes."""
    return fft2d_op(_complex(input), name=name)


def ifft2d(input: Any, name: str | None = None) -> Tensor:
    """The inverse of `fft2d`."""
    return ifft2d_op(_complex(input), name=name)


def fft3d(input: Any, name: str | None = None) -> Tensor:
    """The discrete Fourier transform of complex `input` over its last three axes."""
    return fft3d_op(_complex(input), name=name)


def ifft3d(input: Any, name: str | None = None) -> Tensor:
    """The inverse of `fft3d`."""
    return ifft3d_op(_complex(input), name=name)

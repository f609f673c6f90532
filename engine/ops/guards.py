"""Values passed on or made alike: stopped gradients, checked numbers, ones and zeros in the shape of a tensor."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ..dtypes import FLOATING
from ..errors import InvalidArgumentError
from ..graph import Operation, Tensor
from ..inference import like_first
from ..registry import op
from ..samples import Failure, Sample

Gradients = list[Any]


@op("StopGradient", "input: T", "output: T", shape=like_first)
def stop_gradient_op(input: Any, *, name: str | None = None) -> Tensor:
    """The same value, through which no gradient flows."""


@stop_gradient_op.gradient
def stop_gradient_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [None]


@op("PreventGradient", "input: T", "output: T", shape=like_first)
def prevent_gradient_op(input: Any, *, message: str = "", name: str | None = None) -> Tensor:
    """The same value; asking for a gradient through it raises LookupError."""


@prevent_gradient_op.gradient
def prevent_gradient_gradient(op: Operation, dy: Tensor) -> NoReturn:
    raise LookupError(f"Gradient explicitly disabled. Reason: {op.attrs['message']!r}")


@stop_gradient_op.kernel
def stop_gradient_kernel(xp: Any, x: Any) -> Any:
    return x


@prevent_gradient_op.kernel
def prevent_gradient_kernel(xp: Any, x: Any, *, message: str) -> Any:
    return x


@stop_gradient_op.view
def stop_gradient_view(x: Any) -> Any:
    return x


@prevent_gradient_op.view
def prevent_gradient_view(x: Any, *, message: str) -> Any:
    return x


@stop_gradient_op.samples
@prevent_gradient_op.samples
def same_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=(2, 3)),), differentiable=False), Sample((np.int32(2),), differentiable=False)]


@op("CheckNumerics", "tensor: T", "output: T", shape=like_first, T=FLOATING, foldable=False)
def check_numerics_op(tensor: Any, *, message: str, name: str | None = None) -> Tensor:
    """The same value; InvalidArgumentError if it holds a NaN or an infinity."""


@check_numerics_op.kernel
def check_numerics_kernel(xp: Any, x: Any, *, message: str) -> Any:
    _check(xp, x, message)
    return xp.array(x)


@check_numerics_op.into
def check_numerics_into(xp: Any, out: Any, x: Any, *, message: str) -> None:
    _check(xp, x, message)
    xp.copyto(out, x)


def _check(xp: Any, x: Any, message: str) -> None:
    if xp.isfinite(x).all():
        return
    found = " and ".join(text for text, test in (("Inf", xp.isinf), ("NaN", xp.isnan)) if test(x).any())
    raise InvalidArgumentError(None, None, f"{message} : Tensor had {found} values")


@check_numerics_op.gradient
def check_numerics_gradient(op: Operation, dy: Tensor) -> Gradients:
    message = "Not a number (NaN) or infinity (Inf) values detected in gradient. " + str(op.attrs["message"])
    return [check_numerics_op(dy, message=message)]


@check_numerics_op.samples
def check_numerics_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=(2, 3)),), {"message": "x"}), Sample((np.zeros((0,)),), {"message": ""})]


@check_numerics_op.failing
def check_numerics_failing(rng: np.random.Generator) -> list[Failure]:
    bad = [(np.nan, "loss : Tensor had NaN"), (np.inf, "loss : Tensor had Inf")]
    return [
        Failure((np.array([1, x]),), InvalidArgumentError, text, {"message": "loss"}, at_run=True) for x, text in bad
    ]


@op("ZerosLike", "x: T", "y: T", shape=like_first)
def zeros_like_op(x: Any, *, name: str | None = None) -> Tensor:
    """Zeros in the shape and dtype of x; empty strings for strings."""


@zeros_like_op.kernel
def zeros_like_kernel(xp: Any, x: Any) -> Any:
    result = xp.empty(x.shape, x.dtype)
    zeros_like_into(xp, result, x)
    return result


@zeros_like_op.into
def zeros_like_into(xp: Any, out: Any, x: Any) -> None:
    out[...] = b"" if x.dtype.kind == "O" else 0


@op("OnesLike", "x: T", "y: T", shape=like_first)
def ones_like_op(x: Any, *, name: str | None = None) -> Tensor:
    """Ones in the shape and dtype of x."""


@ones_like_op.kernel
def ones_like_kernel(xp: Any, x: Any) -> Any:
    return xp.ones(x.shape, x.dtype)


@ones_like_op.into
def ones_like_into(xp: Any, out: Any, x: Any) -> None:
    out[...] = 1


@zeros_like_op.gradient
@ones_like_op.gradient
def like_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [None]


@zeros_like_op.samples
@ones_like_op.samples
def like_samples(rng: np.random.Generator) -> list[Sample]:
    """Shapes and dtypes to copy."""
    return [
        Sample((rng.normal(size=(2, 3)),), differentiable=False),
        Sample((np.array([True]),), differentiable=False),
        Sample((np.zeros((0, 2), np.int32),), differentiable=False),
    ]


# TensorFlow's names


def stop_gradient(input: Any, name: str | None = None) -> Tensor:
    """`input` as a constant to gradients: none flows through."""
    return stop_gradient_op(input, name=name)


def prevent_gradient(input: Any, message: str = "", name: str | None = None) -> Tensor:
    """`input`; a gradient that must flow through raises LookupError with `message`."""
    return prevent_gradient_op(input, message=message, name=name)


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """`tensor`, once it is known to hold only finite numbers.

    Raises:
        InvalidArgumentError: it holds a NaN or an infinity; the text starts with `message`.
    """
    return check_numerics_op(tensor, message=message, name=name)

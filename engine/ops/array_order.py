"""The same elements in another order: Transpose, ReverseV2, ReverseSequence, roll, InvertPermutation."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import INDEX, bool as bool_dtype
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, axis_of, like_first, show
from ..registry import definition_of, op
from ..samples import Failure, Sample

Gradients = list[Any]


def transposed_shape(context: InferenceContext) -> list[Sizes]:
    """The sizes of input 0 in the order that input 1 names."""
    sizes, perm = context.sizes[0], context.value(1)
    if sizes is None:
        return [None if perm is None else (None,) * len(perm)]
    if perm is None:
        return [(None,) * len(sizes)]
    return [tuple(sizes[i] for i in _order(perm, len(sizes)))]


def _order(perm: Any, rank: int) -> tuple[int, ...]:
    order = tuple(int(p) % rank if -rank <= p < rank else int(p) for p in np.ravel(perm))
    if sorted(order) != list(range(rank)):
        raise ValueError(f"perm must be a permutation of 0..{rank - 1}, got {np.ravel(perm).tolist()}")
    return order


def _checked_order(perm: Any, rank: int) -> tuple[int, ...]:
    try:
        return _order(perm, rank)
    except ValueError as error:
        raise InvalidArgumentError(None, None, str(error)) from None


@op("Transpose", "x: T, perm: Tperm", "y: T", shape=transposed_shape, Tperm=INDEX)
def transpose_op(x: Any, perm: Any, *, name: str | None = None) -> Tensor:
    """`x` with its dimensions in another order."""


@transpose_op.kernel
def transpose_kernel(xp: Any, x: Any, perm: Any) -> Any:
    return xp.transpose(x, _checked_order(perm, x.ndim))


@transpose_op.into
def transpose_into(xp: Any, out: Any, x: Any, perm: Any) -> None:
    xp.copyto(out, xp.transpose(x, _checked_order(perm, x.ndim)))


@transpose_op.view
def transpose_view(x: Any, perm: Any) -> Any:
    return np.transpose(x, _order(perm, x.ndim))


@op("ConjugateTranspose", "x: T, perm: Tperm", "y: T", shape=transposed_shape, Tperm=INDEX)
def conjugate_transpose_op(x: Any, perm: Any, *, name: str | None = None) -> Tensor:
    """The conjugate of `x` with its dimensions in another order."""


@conjugate_transpose_op.kernel
def conjugate_transpose_kernel(xp: Any, x: Any, perm: Any) -> Any:
    return xp.conjugate(xp.transpose(x, _checked_order(perm, x.ndim)))


def _inverse(perm: Tensor) -> Any:
    from ..static import constant_value

    known = constant_value(perm)
    return invert_permutation_op(perm) if known is None else np.argsort(known % len(known)).astype(known.dtype)


@transpose_op.gradient
def transpose_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [transpose_op(dy, _inverse(op.inputs[1])), None]


@conjugate_transpose_op.gradient
def conjugate_transpose_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [conjugate_transpose_op(dy, _inverse(op.inputs[1])), None]


@transpose_op.samples
def transpose_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((rng.normal(size=(2, 3, 4)), np.array([2, 0, 1], np.int32)), gradients=(0,)),
        Sample((rng.normal(size=(2, 0)), np.array([1, 0])), gradients=(0,)),
    ]


@conjugate_transpose_op.samples
def conjugate_transpose_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(2, 3))
    perm = np.array([1, 0], np.int32)
    return [Sample((x + 1j * x, perm), differentiable=False), Sample((x, perm), gradients=(0,))]


@transpose_op.failing
def transpose_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones((2, 3)), np.array([0, 0], np.int32)), ValueError, "permutation of 0..1")]


@op("InvertPermutation", "x: T", "y: T", shape=like_first, T=INDEX)
def invert_permutation_op(x: Any, *, name: str | None = None) -> Tensor:
    """The permutation that undoes `x`."""


@invert_permutation_op.kernel
def invert_permutation_kernel(xp: Any, x: Any) -> Any:
    if sorted(x.tolist()) != list(range(x.size)):
        raise InvalidArgumentError(None, None, f"{x.tolist()} is not a permutation of 0..{x.size - 1}")
    return np.argsort(x).astype(x.dtype)


@invert_permutation_op.samples
def invert_permutation_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((np.array([3, 4, 0, 2, 1], np.int32),))]


@invert_permutation_op.failing
def invert_permutation_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.array([1, 1]),), InvalidArgumentError, "not a permutation", at_run=True)]


invert_permutation_op.not_differentiable = True


@op("ReverseV2", "tensor: T, axis: Tidx", "output: T", shape=like_first, Tidx=INDEX)
def reverse_v2_op(tensor: Any, axis: Any, *, name: str | None = None) -> Tensor:
    """`tensor` reversed along the given dimensions."""


@reverse_v2_op.shape
def reverse_v2_shape(context: InferenceContext) -> list[Sizes]:
    sizes, axes = context.sizes[0], context.value(1)
    if sizes is not None and axes is not None:
        _reversed_axes(axes, len(sizes))
    return [sizes]


def _reversed_axes(axes: Any, rank: int) -> tuple[int, ...]:
    places = tuple(axis_of(int(a), rank) for a in np.ravel(axes))
    if len(set(places)) != len(places):
        raise ValueError(f"axis {np.ravel(axes).tolist()} names a dimension twice")
    return places


def _flipped(x: Any, axes: Any) -> Any:
    try:
        return np.flip(x, _reversed_axes(axes, x.ndim))
    except ValueError as error:
        raise InvalidArgumentError(None, None, str(error)) from None


@reverse_v2_op.kernel
def reverse_v2_kernel(xp: Any, x: Any, axes: Any) -> Any:
    return _flipped(x, axes)


@reverse_v2_op.into
def reverse_v2_into(xp: Any, out: Any, x: Any, axes: Any) -> None:
    xp.copyto(out, _flipped(x, axes))


@reverse_v2_op.view
def reverse_v2_view(x: Any, axes: Any) -> Any:
    return np.flip(x, _reversed_axes(axes, x.ndim))


@reverse_v2_op.gradient
def reverse_v2_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [reverse_v2_op(dy, op.inputs[1]), None]


@reverse_v2_op.samples
def reverse_v2_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(2, 3, 2))
    return [Sample((x, np.array(a, np.int32)), gradients=(0,)) for a in ([1], [0, -1], [])]


@reverse_v2_op.failing
def reverse_v2_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones(2), np.array([0, -1], np.int32)), ValueError, "twice")]


@op("ReverseSequence", "input: T, seq_lengths: Tlen", "output: T", Tlen=INDEX)
def reverse_sequence_op(
    input: Any, seq_lengths: Any, *, seq_dim: int, batch_dim: int = 0, name: str | None = None
) -> Tensor:
    """For each i along `batch_dim`, the first seq_lengths[i] elements along `seq_dim` reversed."""


@reverse_sequence_op.shape
def reverse_sequence_shape(context: InferenceContext) -> list[Sizes]:
    sizes, lengths = context.sizes[0], context.with_rank(1, 1)
    if sizes is None:
        return [None]
    batch = sizes[axis_of(context["batch_dim"], len(sizes))]
    axis_of(context["seq_dim"], len(sizes))
    if batch is not None and lengths[0] not in (None, batch):
        raise ValueError(f"seq_lengths needs one entry a batch member of {show(sizes)}, got {lengths[0]}")
    return [sizes]


@reverse_sequence_op.kernel
def reverse_sequence_kernel(xp: Any, x: Any, lengths: Any, *, seq_dim: int, batch_dim: int) -> Any:
    out = np.array(x)
    reverse_sequence_into(xp, out, x, lengths, seq_dim=seq_dim, batch_dim=batch_dim)
    return out


@reverse_sequence_op.into
def reverse_sequence_into(xp: Any, out: Any, x: Any, lengths: Any, *, seq_dim: int, batch_dim: int) -> None:
    size = x.shape[seq_dim]
    if len(lengths) and (int(lengths.min()) < 0 or int(lengths.max()) > size):
        text = f"seq_lengths must be in [0, {size}] for seq_dim {seq_dim}, got {lengths.tolist()}"
        raise InvalidArgumentError(None, None, text)
    steps = np.arange(size)
    places = np.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    rows = np.moveaxis(x, (batch_dim, seq_dim), (0, 1))
    np.moveaxis(out, (batch_dim, seq_dim), (0, 1))[...] = rows[np.arange(len(lengths))[:, None], places]


@reverse_sequence_op.gradient
def reverse_sequence_gradient(op: Operation, dy: Tensor) -> Gradients:
    attrs = {k: op.attrs[k] for k in ("seq_dim", "batch_dim")}
    return [reverse_sequence_op(dy, op.inputs[1], **attrs), None]


@reverse_sequence_op.samples
def reverse_sequence_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(2, 4, 3))
    return [
        Sample((x, np.array([2, 4])), {"seq_dim": 1}, gradients=(0,)),
        Sample((x, np.array([0, 3, 1], np.int32)), {"seq_dim": 1, "batch_dim": 2}, gradients=(0,)),
    ]


@reverse_sequence_op.failing
def reverse_sequence_failing(rng: np.random.Generator) -> list[Failure]:
    x = np.ones((2, 3))
    return [
        Failure((x, np.array([1, 4])), InvalidArgumentError, r"\[0, 3\]", {"seq_dim": 1}, at_run=True),
        Failure((x, np.array([1])), ValueError, "one entry a batch member", {"seq_dim": 1}),
    ]


@op("Roll", "input: T, shift: Tshift, axis: Taxis", "output: T", shape=like_first, Tshift=INDEX, Taxis=INDEX)
def roll_op(input: Any, shift: Any, axis: Any, *, name: str | None = None) -> Tensor:
    """`input` shifted along the given dimensions; what falls off the end comes back at the start."""


@roll_op.kernel
def roll_kernel(xp: Any, x: Any, shift: Any, axis: Any) -> Any:
    shifts, axes = np.ravel(shift).tolist(), np.ravel(axis).tolist()
    if len(shifts) != len(axes) or any(not -x.ndim <= a < x.ndim for a in axes):
        text = f"shift {shifts} and axis {axes} must be of one length, with axes of {list(x.shape)}"
        raise InvalidArgumentError(None, None, text)
    return np.roll(x, shifts, axes)


@roll_op.gradient
def roll_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [roll_op(dy, -op.inputs[1], op.inputs[2]), None, None]


@roll_op.samples
def roll_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(3, 4))
    return [
        Sample((x, np.array(2, np.int32), np.array(1, np.int32)), gradients=(0,)),
        Sample((x, np.array([-1, 1]), np.array([0, -1])), gradients=(0,)),
    ]


@roll_op.failing
def roll_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones(3), np.array([1]), np.array([1])), InvalidArgumentError, "axes of", at_run=True)]


# TensorFlow's names


def transpose(a: Any, perm: Any = None, name: str = "transpose", conjugate: bool = False) -> Tensor:
    """`a` with its dimensions in the order `perm`, reversed by default.

    Args:
        a: the tensor.
        perm: a permutation of the dimensions.
        name: the operation's name.
        conjugate: take the conjugate too.

    Example:
        >>> import headrace as tf
        >>> tf.transpose(tf.zeros([2, 3])).shape.as_list()
        [3, 2]
    """
    a = convert_to_tensor(a)
    make = conjugate_transpose_op if conjugate and a.dtype.base_dtype.is_complex else transpose_op
    if perm is None and a.sizes is not None:
        perm = np.arange(len(a.sizes) - 1, -1, -1, dtype=np.int32)
    elif perm is None:
        rank = definition_of("Rank")(a)
        perm = rank - 1 - definition_of("Range")(np.int32(0), rank, np.int32(1))
    return make(a, perm, name=name)


def reverse(tensor: Any, axis: Any = None, name: str | None = None, dims: Any = None) -> Tensor:
    """`tensor` reversed along the dimensions in `axis`; a list of bools, one a dimension, is understood as before 1.0."""
    axis = axis if dims is None else dims
    flags = axis if isinstance(axis, list | tuple | np.ndarray) else []
    if len(flags) and all(isinstance(f, bool | np.bool_) for f in flags):
        axis = np.flatnonzero(np.array(flags)).astype(np.int32)
    elif isinstance(axis, Tensor) and axis.dtype.base_dtype == bool_dtype:
        axis = definition_of("Reshape")(definition_of("Where")(axis), [-1])
    elif not isinstance(axis, Tensor):
        axis = np.ravel(np.array(axis, np.int32)) if not isinstance(axis, np.ndarray) else np.ravel(axis)
    return reverse_v2_op(tensor, axis, name=name)


reverse_v2 = reverse


def reverse_sequence(
    input: Any, seq_lengths: Any, seq_axis: int | None = None, batch_axis: int | None = None, name: str | None = None,
    seq_dim: int | None = None, batch_dim: int | None = None,
) -> Tensor:  # fmt: skip
    """For each i along `batch_axis` (0), the first seq_lengths[i] elements along `seq_axis` reversed.

    Raises:
        ValueError: no sequence axis is given, or the lengths do not fit.
    """
    seq = seq_dim if seq_axis is None else seq_axis
    batch = batch_dim if batch_axis is None else batch_axis
    if seq is None:
        raise ValueError("reverse_sequence needs seq_axis")
    return reverse_sequence_op(input, seq_lengths, seq_dim=seq, batch_dim=batch or 0, name=name)


def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """The permutation that undoes `x`."""
    return invert_permutation_op(x, name=name)


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """`input` shifted along the given dimensions; what falls off the end comes back at the start."""
    return roll_op(input, shift, axis, name=name)


def matrix_transpose(a: Any, name: str = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """`a` with its last two dimensions swapped; ValueError if it has fewer."""
    a = convert_to_tensor(a)
    if a.sizes is None:
        rank = definition_of("Rank")(a)
        first = definition_of("Range")(np.int32(0), rank - 2, np.int32(1))
        perm: Any = definition_of("ConcatV2")([first, definition_of("Pack")([rank - 1, rank - 2])], np.int32(0))
        return transpose(a, perm, name, conjugate)
    rank = len(a.sizes)
    if rank < 2:
        raise ValueError(f"Argument 'a' should be a (batch) matrix with rank >= 2, got shape {show(a.sizes)}")
    return transpose(a, [*range(rank - 2), rank - 1, rank - 2], name, conjugate)

"""TensorFlow's functions for products: matmul, tensordot, einsum."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import COMPLEX, FLOATING, int32, int64
from ..graph import Operation, Sizes, Tensor, get_default_graph
from ..inference import InferenceContext
from ..registry import op
from ..samples import Failure, Sample
from .array import reshape, shape, stack
from .array_order import transpose
from .broadcasting import unbroadcast
from .complex_parts import conj, conjugate
from .guards import ones_like_op
from .linalg import batch_matmul_v2_op, matmul_op
from .reduction import accumulator

Gradients = list[Any]


def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, adjoint_a: bool = False,
    adjoint_b: bool = False, a_is_sparse: bool = False, b_is_sparse: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The product of matrices, or of the matrices in two batches.

    Args:
        a: numbers [..., m, k].
        b: numbers of the same dtype [..., k, n]; batches are broadcast.
        transpose_a: `a` is given transposed; the same for b.
        adjoint_a: `a` is given transposed and conjugated; the same for b.
        a_is_sparse: a hint that changes nothing here; the same for b.

    Raises:
        ValueError: shapes do not fit, or a matrix is both transposed and adjoint.

    Example:
        >>> import headrace as tf
        >>> tf.Session().run(tf.matmul([[1, 2]], [[3], [4]])).tolist()
        [[11]]
    """
    del a_is_sparse, b_is_sparse
    for which, turned, adjoint in (("a", transpose_a, adjoint_a), ("b", transpose_b, adjoint_b)):
        if turned and adjoint:
            raise ValueError(f"Only one of transpose_{which} and adjoint_{which} can be True.")
    with get_default_graph().name_scope(name or "MatMul") as scope:
        x = convert_to_tensor(a, b.dtype.base_dtype if isinstance(b, Tensor) else None, "a")
        y = convert_to_tensor(b, x.dtype.base_dtype, "b")
        if any(t.sizes is None or len(t.sizes) > 2 for t in (x, y)):
            x, y = conj(x) if transpose_a else x, conj(y) if transpose_b else y
            adj_x, adj_y = transpose_a or adjoint_a, transpose_b or adjoint_b
            return batch_matmul_v2_op(x, y, adj_x=adj_x, adj_y=adj_y, name=scope)
        x, y = conj(x) if adjoint_a else x, conj(y) if adjoint_b else y
        turned_a, turned_b = transpose_a or adjoint_a, transpose_b or adjoint_b
        return matmul_op(x, y, transpose_a=turned_a, transpose_b=turned_b, name=scope)


def batch_matmul(x: Any, y: Any, adj_x: bool = False, adj_y: bool = False, name: str | None = None) -> Tensor:
    """The products of the matrices in two batches, as before TensorFlow 1.0; see `matmul`."""
    return batch_matmul_v2_op(x, y, adj_x=adj_x, adj_y=adj_y, name=name)


def matvec(
    a: Any, b: Any, transpose_a: bool = False, adjoint_a: bool = False, a_is_sparse: bool = False,
    b_is_sparse: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The products of matrices [..., m, k] and vectors [..., k], as `tf.linalg.matvec`."""
    from .array_shape import expand_dims, squeeze

    with get_default_graph().name_scope(name or "MatVec"):
        column = expand_dims(convert_to_tensor(b, name="b"), -1)
        product = matmul(a, column, transpose_a=transpose_a, adjoint_a=adjoint_a, a_is_sparse=a_is_sparse)
        del b_is_sparse
        return squeeze(product, [-1])


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """The sum of products over pairs of axes.

    Args:
        a: numbers of known rank.
        b: numbers of the same dtype and of known rank.
        axes: N for the last N axes of a and the first N of b, or two axes or lists of axes.

    Returns:
        The other axes of a, then the other axes of b.

    Raises:
        ValueError: the axes are out of range, of different numbers, or of different sizes.
    """
    with get_default_graph().name_scope(name or "Tensordot") as scope:
        x = convert_to_tensor(a, name="a")
        y = convert_to_tensor(b, x.dtype.base_dtype, "b")
        pairs = _pairs(axes, _known_rank(x, "a"), _known_rank(y, "b"))
        flat_x, free_x = _flattened(x, pairs[0], False)
        flat_y, free_y = _flattened(y, pairs[1], True)
        result = reshape(matmul(flat_x, flat_y), [*_sizes(x, free_x), *_sizes(y, free_y)], name=scope)
        static = [*(x.sizes[i] for i in free_x), *(y.sizes[i] for i in free_y)]  # type: ignore[index]
        result.set_shape(static)
        return result


def _known_rank(tensor: Tensor, which: str) -> int:
    if tensor.sizes is None:
        raise ValueError(f"tensordot needs to know the rank of {which!r}: {tensor!r}")
    return len(tensor.sizes)


def _pairs(axes: Any, rank_a: int, rank_b: int) -> tuple[list[int], list[int]]:
    if isinstance(axes, int | np.integer):
        if not 0 <= axes <= min(rank_a, rank_b):
            raise ValueError(f"'axes' must be between 0 and the smaller rank, {min(rank_a, rank_b)}, got {axes}")
        return list(range(rank_a - int(axes), rank_a)), list(range(int(axes)))
    if len(axes) != 2:
        raise ValueError("'axes' must be an integer or have length 2.")
    first, second = (np.ravel(part).tolist() for part in axes)
    if len(first) != len(second):
        raise ValueError(f"Different number of contraction axes 'a' and 'b', {len(first)} != {len(second)}.")
    for part, rank in ((first, rank_a), (second, rank_b)):
        if any(not -rank <= i < rank for i in part):
            raise ValueError(f"'axes' {part} are out of range for rank {rank}")
    return [i % rank_a for i in first], [i % rank_b for i in second]


def _flattened(x: Tensor, axes: list[int], contracted_first: bool) -> tuple[Tensor, list[int]]:
    free = [i for i in range(len(x.sizes or ())) if i not in axes]
    order = [*axes, *free] if contracted_first else [*free, *axes]
    turned = x if order == sorted(order) else transpose(x, order)
    parts = (axes, free) if contracted_first else (free, axes)
    return reshape(turned, [_volume(x, part) for part in parts]), free


def _sizes(x: Tensor, axes: list[int]) -> list[Any]:
    static = [(x.sizes or ())[i] for i in axes]
    return [shape(x)[i] if size is None else size for i, size in zip(axes, static, strict=True)]


def _volume(x: Tensor, axes: list[int]) -> Any:
    from .reduce import reduce_prod

    sizes = _sizes(x, axes)
    if any(isinstance(s, Tensor) for s in sizes):
        return reduce_prod(stack([convert_to_tensor(s, int32) for s in sizes]))
    return int(np.prod(sizes, dtype=np.int64))


@op("Einsum", "inputs: N * T", "output: T", T=(*FLOATING, *COMPLEX, int32, int64))
def einsum_op(inputs: Any, *, equation: str, name: str | None = None) -> Tensor:
    """The sum of products over the labels that the equation's result lacks."""


def _labels(equation: str, ranks: list[int | None] | None = None) -> tuple[list[str], str]:
    """The labels of the inputs and of the result, written out; `...` only where ranks are not known."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    parts = left.split(",")
    if not arrow:
        letters = sorted({c for c in left if c.isalpha()})
        right = ("..." if "..." in left else "") + "".join(c for c in letters if left.count(c) == 1)
    if any(not all(c.isalpha() for c in part.replace("...", "", 1)) for part in (*parts, right)):
        raise ValueError(f"Indices have incorrect format: {equation}")
    unknown = [c for c in right.replace("...", "") if c not in left]
    if unknown or len(set(right.replace("...", ""))) != len(right.replace("...", "")):
        raise ValueError(f"Result labels of {equation!r} must each be among the inputs' and differ")
    if ranks is not None and len(ranks) != len(parts):
        raise ValueError(f"Expected {len(parts)} arguments for equation {equation}, got {len(ranks)}")
    if ranks is None or "..." not in left or None in ranks:
        return parts, right
    return _written_out(parts, right, [r for r in ranks if r is not None], equation)


def _written_out(parts: list[str], right: str, ranks: list[int], equation: str) -> tuple[list[str], str]:
    counts = [r - len(p.replace("...", "")) if "..." in p else 0 for p, r in zip(parts, ranks, strict=True)]
    used = set(equation)
    spare = [chr(c) for c in (*range(65, 91), *range(97, 123)) if chr(c) not in used][: max(counts)]
    if min(counts) < 0 or len(spare) < max(counts):
        raise ValueError(f"{equation!r} does not fit inputs of ranks {ranks}")
    dots = ["".join(spare[len(spare) - n :]) for n in counts]
    whole = [p.replace("...", d) for p, d in zip(parts, dots, strict=True)]
    return whole, right.replace("...", "".join(spare))


@einsum_op.shape
def einsum_shape(context: InferenceContext) -> list[Sizes]:
    ranks = [None if s is None else len(s) for s in context.sizes]
    parts, right = _labels(context["equation"], ranks)
    if None in ranks:
        return [None if "..." in right else (None,) * len(right)]
    known: dict[str, int | None] = {}
    for part, sizes in zip(parts, context.sizes, strict=True):
        if len(part) != len(sizes or ()):
            raise ValueError(
                f"{context['equation']!r} gives {len(part)} labels to an input of shape {list(sizes or ())}"
            )
        for label, size in zip(part, sizes or (), strict=True):
            old = known.get(label)
            if old not in (None, 1) and size not in (None, 1, old):
                raise ValueError(f"the label {label!r} of {context['equation']!r} stands for {old} and {size}")
            known[label] = size if label not in known or old == 1 or (old is None and size != 1) else old
    return [tuple(known[c] for c in right)]


@einsum_op.kernel
def einsum_kernel(xp: Any, inputs: Any, *, equation: str) -> Any:
    wide = accumulator(inputs[0].dtype)
    result = xp.einsum(equation, *(x.astype(wide, copy=False) for x in inputs), optimize=True)
    # With one input NumPy may return a view of it.
    return xp.array(result)


@einsum_op.gradient
def einsum_gradient(op: Operation, dy: Tensor) -> Gradients:
    ranks = [None if t.sizes is None else len(t.sizes) for t in op.inputs]
    if None in ranks:
        raise ValueError(f"the gradient of einsum {op.attrs['equation']!r} needs inputs of known rank")
    parts, right = _labels(op.attrs["equation"], ranks)
    return [_einsum_part(list(op.inputs), parts, right, dy, i) for i in range(len(parts))]


def _einsum_part(inputs: list[Tensor], parts: list[str], right: str, dy: Tensor, index: int) -> Tensor:
    x, own = inputs[index], parts[index]
    others = [(parts[i], conjugate(t)) for i, t in enumerate(inputs) if i != index]
    # A label only this input has was summed away: its gradient is spread by ones of the input's shape.
    operands = [(right, dy), *others, (own, ones_like_op(x))]
    result = own
    if _has_axes(own, x, operands[:-1]):
        operands = operands[:-1]
    elif len(set(own)) != len(own):
        result, deltas = _diagonals(own, x, {*own, *right, *"".join(parts)})
        operands = [*operands[:-1], *deltas]
    text = ",".join(labels for labels, _ in operands) + "->" + result
    return unbroadcast(einsum_op([t for _, t in operands], equation=text), x)


def _has_axes(own: str, x: Tensor, operands: list[tuple[str, Tensor]]) -> bool:
    """Whether the operands alone give all axes of `x`, in its static sizes."""
    given = {pair for labels, t in operands for pair in zip(labels, t.sizes or (), strict=False)}
    wanted = list(zip(own, x.sizes or (None,), strict=False))
    return len(set(own)) == len(own) and all(size is not None and (c, size) in given for c, size in wanted)


def _diagonals(own: str, x: Tensor, used: set[str]) -> tuple[str, list[tuple[str, Tensor]]]:
    """Fresh labels for repeated ones, and the identity matrices that tie them together."""
    from .diagonals import eye

    result, deltas = "", []
    for place, label in enumerate(own):
        if label not in result:
            result += label
            continue
        fresh = next(chr(c) for c in (*range(65, 91), *range(97, 123)) if chr(c) not in used)
        used.add(fresh)
        deltas.append((label + fresh, eye(shape(x)[place], dtype=x.dtype.base_dtype)))
        result += fresh
    return result, deltas


@einsum_op.samples
def einsum_samples(rng: np.random.Generator) -> list[Sample]:
    a, b = rng.normal(size=(2, 3)), rng.normal(size=(3, 4))
    batch = rng.normal(size=(2, 5, 3))
    return [
        Sample(([a, b],), {"equation": "ij,jk->ik"}),
        Sample(([a],), {"equation": "ij->j"}),
        Sample(([batch, b],), {"equation": "...j,jk->...k"}),
        Sample(([a, b, rng.normal(size=4)],), {"equation": "ij,jk,k->i"}),
        Sample(([rng.normal(size=(3, 3))],), {"equation": "ii"}),
        Sample(([a, a],), {"equation": "ij,ij->"}),
    ]


@einsum_op.failing
def einsum_failing(rng: np.random.Generator) -> list[Failure]:
    a = np.ones((2, 3))
    return [
        Failure(([a, a],), ValueError, "'j'", {"equation": "ij,jk->ik"}),
        Failure(([a],), ValueError, "Expected 2 arguments", {"equation": "ij,jk->ik"}),
        Failure(([a],), ValueError, "3 labels", {"equation": "ijk->i"}),
    ]


def einsum(equation: str, *inputs: Any, name: str | None = None) -> Tensor:
    """Sums of products by the labels of axes, as `numpy.einsum`.

    Args:
        equation: labels of the inputs' axes and of the result's, such as "ij,jk->ik"; without "->" the result has
            the labels that occur once; "..." stands for the axes that are not named.
        *inputs: tensors of one dtype.

    Raises:
        ValueError: the equation does not fit the inputs.
    """
    values = inputs[0] if len(inputs) == 1 and isinstance(inputs[0], list | tuple) else inputs
    parts, right = _labels(equation)
    if len(parts) != len(values):
        raise ValueError(f"Expected {len(parts)} arguments for equation {equation}, got {len(values)}")
    return einsum_op(list(values), equation=",".join(parts) + "->" + right, name=name)

"""Arithmetic on sparse tensors: products, sums, softmax and element-wise operations with dense ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import COMPLEX, FLOATING, INDEX, NUMERIC, int32, int64
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, axis_of, reduced_sizes
from ..kernels.segments import unsorted_segment_max, unsorted_segment_sum
from ..kernels.sparse_matmul import sparse_dense_matmul
from ..registry import definition_of, op
from ..samples import Failure, Sample
from .array import reshape, shape
from .array_order import transpose_op
from .array_scatter import scatter_nd_op
from .array_slice import strided_slice_op
from .indexing import gather_nd_op, gather_op
from .reduction import sum_op
from .sparse import ZERO, check_parts, example, row_major, triple_shape

Gradients = list[Any]


@op(
    "SparseTensorDenseMatMul", "a_indices: Tindices, a_values: T, a_shape: int64, b: T", "product: T",
    Tindices=INDEX, T=(*FLOATING, *COMPLEX, int32, int64),
)  # fmt: skip
def sparse_tensor_dense_matmul_op(
    a_indices: Any, a_values: Any, a_shape: Any, b: Any, *, adjoint_a: bool = False, adjoint_b: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The product of a sparse and a dense matrix, either of them given as its adjoint."""


@sparse_tensor_dense_matmul_op.shape
def sparse_tensor_dense_matmul_shape(context: InferenceContext) -> list[Sizes]:
    a, b = context.shape_value(2) or (None, None), context.with_rank(3, 2)
    if len(a) != 2:
        raise ValueError(f"a_shape must have 2 entries, got {len(a)}")
    rows, inner = (a[1], a[0]) if context["adjoint_a"] else a
    inner2, columns = (b[1], b[0]) if context["adjoint_b"] else b
    if inner is not None and inner2 is not None and inner != inner2:
        raise ValueError(f"Dimensions must be equal, but are {inner} and {inner2}")
    return [(rows, columns)]


@sparse_tensor_dense_matmul_op.kernel
def sparse_tensor_dense_matmul_kernel(
    xp: Any, indices: Any, values: Any, a_shape: Any, b: Any, *, adjoint_a: bool, adjoint_b: bool
) -> Any:
    check_parts(indices, values, a_shape)
    sizes = (int(a_shape[0]), int(a_shape[1]))
    return sparse_dense_matmul(indices, values, sizes, b, adjoint_a, adjoint_b)


@sparse_tensor_dense_matmul_op.gradient
def sparse_tensor_dense_matmul_gradient(op: Operation, dy: Tensor) -> Gradients:
    indices, values, a_shape, b = op.inputs
    adjoint_a, adjoint_b = op.attrs["adjoint_a"], op.attrs["adjoint_b"]
    db = sparse_tensor_dense_matmul_op(indices, values, a_shape, dy, adjoint_a=not adjoint_a)
    swap = np.array([1, 0], np.int32)
    rows, columns = (_column(indices, 1), _column(indices, 0)) if adjoint_a else (
        _column(indices, 0), _column(indices, 1))  # fmt: skip
    right = transpose_op(b, swap) if adjoint_b else b
    products = gather_op(dy, rows, ZERO) * gather_op(right, columns, ZERO)
    return [None, sum_op(products, np.array([1], np.int32)), None, transpose_op(db, swap) if adjoint_b else db]


def _column(indices: Tensor, i: int) -> Tensor:
    ends = [np.array(v, np.int32) for v in ([0, i], [0, i + 1], [1, 1])]
    result: Tensor = strided_slice_op(indices, *ends, begin_mask=1, end_mask=1, shrink_axis_mask=2)
    return result


@sparse_tensor_dense_matmul_op.samples
def sparse_tensor_dense_matmul_samples(rng: np.random.Generator) -> list[Sample]:
    parts = example(rng)
    return [
        Sample((*parts, rng.normal(size=(4, 2))), gradients=(1, 3)),
        Sample((*parts, rng.normal(size=(3, 2))), {"adjoint_a": True}, gradients=(1, 3)),
        Sample((*parts, rng.normal(size=(2, 4))), {"adjoint_b": True}, gradients=(1, 3)),
    ]


@sparse_tensor_dense_matmul_op.failing
def sparse_tensor_dense_matmul_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((*example(rng), np.ones((3, 2))), ValueError, "must be equal, but are 4 and 3")]


@op(
    "SparseReduceSum", "input_indices: int64, input_values: T, input_shape: int64, reduction_axes: int32",
    "output: T", T=NUMERIC,
)  # fmt: skip
def sparse_reduce_sum_op(
    input_indices: Any, input_values: Any, input_shape: Any, reduction_axes: Any, *, keep_dims: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The sum over axes of a sparse tensor as a dense one."""


@op(
    "SparseReduceMax", "input_indices: int64, input_values: T, input_shape: int64, reduction_axes: int32",
    "output: T", T=NUMERIC,
)  # fmt: skip
def sparse_reduce_max_op(
    input_indices: Any, input_values: Any, input_shape: Any, reduction_axes: Any, *, keep_dims: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The maximum over axes of a sparse tensor's elements as a dense one, zero where there are none."""


@sparse_reduce_sum_op.shape
@sparse_reduce_max_op.shape
def sparse_reduce_shape(context: InferenceContext) -> list[Sizes]:
    triple_shape(context)
    return [reduced_sizes(context.shape_value(2), context.value(3), context["keep_dims"])]


def _groups(indices: Any, values: Any, dense_shape: Any, axes: Any) -> tuple[Any, tuple[int, ...], Any]:
    """The row number of each element after a reduction, the reduced shape, and that with kept dimensions."""
    check_parts(indices, values, dense_shape)
    try:
        dropped = {axis_of(int(a), len(dense_shape)) for a in np.ravel(axes)}
    except ValueError as error:
        raise InvalidArgumentError(None, None, str(error)) from None
    kept = [i for i in range(len(dense_shape)) if i not in dropped]
    sizes = tuple(int(dense_shape[i]) for i in kept)
    wide = tuple(1 if i in dropped else int(s) for i, s in enumerate(dense_shape))
    rows = np.ravel_multi_index(tuple(indices[:, kept].T), sizes) if kept and len(indices) else np.zeros(len(indices))
    return rows.astype(np.int64), sizes, wide


@sparse_reduce_sum_op.kernel
def sparse_reduce_sum_kernel(
    xp: Any, indices: Any, values: Any, dense_shape: Any, axes: Any, *, keep_dims: bool
) -> Any:
    rows, sizes, wide = _groups(indices, values, dense_shape, axes)
    total = unsorted_segment_sum(values, rows, int(np.prod(sizes, dtype=np.int64)))
    return total.reshape(wide if keep_dims else sizes)


@sparse_reduce_max_op.kernel
def sparse_reduce_max_kernel(
    xp: Any, indices: Any, values: Any, dense_shape: Any, axes: Any, *, keep_dims: bool
) -> Any:
    rows, sizes, wide = _groups(indices, values, dense_shape, axes)
    number = int(np.prod(sizes, dtype=np.int64))
    found = np.where(np.bincount(rows, minlength=number) > 0, unsorted_segment_max(values, rows, number), 0)
    return found.reshape(wide if keep_dims else sizes)


@sparse_reduce_sum_op.gradient
def sparse_reduce_sum_gradient(op: Operation, dy: Tensor) -> Gradients:
    from .array_parts import reduced_shape_op

    indices, _, dense_shape, axes = op.inputs
    kept = reduced_shape_op(dense_shape, axes)
    scaled = definition_of("FloorDiv")(indices, definition_of("FloorDiv")(dense_shape, kept))
    return [None, gather_nd_op(reshape(dy, kept), scaled), None, None]


@sparse_reduce_sum_op.samples
def sparse_reduce_sum_samples(rng: np.random.Generator) -> list[Sample]:
    parts = example(rng)
    return [
        Sample((*parts, np.array([1], np.int32)), gradients=(1,)),
        Sample((*parts, np.array([0, 1], np.int32)), {"keep_dims": True}, gradients=(1,)),
        Sample((*parts, np.array([-2], np.int32)), gradients=(1,)),
    ]


@sparse_reduce_max_op.samples
def sparse_reduce_max_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((*example(rng), np.array([1], np.int32)), {"keep_dims": True}, differentiable=False)]


@sparse_reduce_sum_op.failing
def sparse_reduce_sum_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((*example(rng), np.array([2], np.int32)), ValueError, "2 is out of range")]


sparse_reduce_max_op.not_differentiable = True


@op(
    "SparseAdd",
    "a_indices: int64, a_values: T, a_shape: int64, b_indices: int64, b_values: T, b_shape: int64, thresh: Treal",
    "sum_indices: int64, sum_values: T, sum_shape: int64", T=NUMERIC, Treal=NUMERIC,
)  # fmt: skip
def sparse_add_op(
    a_indices: Any, a_values: Any, a_shape: Any, b_indices: Any, b_values: Any, b_shape: Any, thresh: Any, *,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """The sum of two sparse tensors of one shape, without elements below `thresh` in magnitude."""


@sparse_add_op.shape
def sparse_add_shape(context: InferenceContext) -> list[Sizes]:
    rank = triple_shape(context)[1]
    triple_shape(context, 3)
    return [(None, rank), (None,), (rank,)]


@sparse_add_op.kernel
def sparse_add_kernel(xp: Any, ai: Any, av: Any, a_shape: Any, bi: Any, bv: Any, b_shape: Any, thresh: Any) -> Any:
    check_parts(ai, av, a_shape)
    check_parts(bi, bv, b_shape)
    if a_shape.tolist() != b_shape.tolist():
        text = f"Operands' shapes do not match: {a_shape.tolist()} and {b_shape.tolist()}"
        raise InvalidArgumentError(None, None, text)
    joined, values = np.concatenate([ai, bi]), np.concatenate([av, bv])
    order = row_major(joined)
    sorted_rows = joined[order]
    new = np.ones(len(order), np.bool_)
    new[1:] = (sorted_rows[1:] != sorted_rows[:-1]).any(axis=1)
    sums = unsorted_segment_sum(values[order], np.cumsum(new) - 1, int(new.sum()))
    large = np.abs(sums) >= thresh
    return sorted_rows[new][large], sums[large], a_shape


@sparse_add_op.gradient
def sparse_add_gradient(op: Operation, di: Any, dvalues: Tensor, ds: Any) -> Gradients:
    da, db = sparse_add_grad_op(dvalues, op.inputs[0], op.inputs[3], op.outputs[0])
    return [None, da, None, None, db, None, None]


@op(
    "SparseAddGrad", "backprop_val_grad: T, a_indices: int64, b_indices: int64, sum_indices: int64",
    "a_val_grad: T, b_val_grad: T", T=NUMERIC,
)  # fmt: skip
def sparse_add_grad_op(
    backprop_val_grad: Any, a_indices: Any, b_indices: Any, sum_indices: Any, *, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The gradients of two sparse tensors that were added: zero where the sum was left out."""


@sparse_add_grad_op.shape
def sparse_add_grad_shape(context: InferenceContext) -> list[Sizes]:
    return [(context.with_rank(1, 2)[0],), (context.with_rank(2, 2)[0],)]


@sparse_add_grad_op.kernel
def sparse_add_grad_kernel(xp: Any, dy: Any, a_indices: Any, b_indices: Any, sum_indices: Any) -> Any:
    if len(dy) != len(sum_indices):
        raise InvalidArgumentError(None, None, f"{len(dy)} gradients for {len(sum_indices)} elements of the sum")
    known = {tuple(row): i for i, row in enumerate(sum_indices.tolist())}
    spread = np.append(dy, np.zeros(1, dy.dtype))
    return tuple(
        spread[[known.get(tuple(row), -1) for row in rows.tolist()]] if len(rows) else dy[:0]
        for rows in (a_indices, b_indices)
    )


@sparse_add_op.samples
def sparse_add_samples(rng: np.random.Generator) -> list[Sample]:
    (i, v, s), w = example(rng), rng.normal(size=2)
    j = np.array([[0, 1], [1, 2]])
    zero = np.float64(0)
    return [
        Sample((i, v, s, j, w, s, zero), gradients=(1, 4), second=False),
        Sample((i, np.array([5.0, 0.1, 3.0]), s, j, np.array([1.0, 2.0]), s, np.float64(0.5)), differentiable=False),
    ]


@sparse_add_op.failing
def sparse_add_failing(rng: np.random.Generator) -> list[Failure]:
    (i, v, s), zero = example(rng), np.float64(0)
    inputs = (i, v, s, i, v, np.array([3, 5]), zero)
    return [Failure(inputs, InvalidArgumentError, "shapes do not match", at_run=True)]


@sparse_add_grad_op.samples
def sparse_add_grad_samples(rng: np.random.Generator) -> list[Sample]:
    i = example(rng)[0]
    return [Sample((rng.normal(size=3), i, i[:2], i), differentiable=False)]


sparse_add_grad_op.not_differentiable = True


@op(
    "SparseTensorDenseAdd", "a_indices: Tindices, a_values: T, a_shape: Tindices, b: T", "output: T",
    Tindices=INDEX, T=NUMERIC,
)  # fmt: skip
def sparse_tensor_dense_add_op(
    a_indices: Any, a_values: Any, a_shape: Any, b: Any, *, name: str | None = None
) -> Tensor:
    """The sum of a sparse and a dense tensor of one shape, as a dense one."""


@sparse_tensor_dense_add_op.shape
def sparse_tensor_dense_add_shape(context: InferenceContext) -> list[Sizes]:
    return [context.sizes[3]]


@sparse_tensor_dense_add_op.kernel
def sparse_tensor_dense_add_kernel(xp: Any, indices: Any, values: Any, a_shape: Any, b: Any) -> Any:
    check_parts(indices, values, a_shape)
    if tuple(a_shape.tolist()) != b.shape:
        raise InvalidArgumentError(None, None, f"Shapes do not match: {a_shape.tolist()} and {list(b.shape)}")
    out = np.array(b)
    np.add.at(out, tuple(indices.T), values)
    return out


@sparse_tensor_dense_add_op.gradient
def sparse_tensor_dense_add_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [None, gather_nd_op(dy, op.inputs[0]), None, dy]


@sparse_tensor_dense_add_op.samples
def sparse_tensor_dense_add_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((*example(rng), rng.normal(size=(3, 4))), gradients=(1, 3))]


@sparse_tensor_dense_add_op.failing
def sparse_tensor_dense_add_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((*example(rng), np.ones((4, 4))), InvalidArgumentError, "do not match", at_run=True)]


@op("SparseSoftmax", "sp_indices: int64, sp_values: T, sp_shape: int64", "output: T", T=FLOATING)
def sparse_softmax_op(sp_indices: Any, sp_values: Any, sp_shape: Any, *, name: str | None = None) -> Tensor:
    """The softmax over the present elements of the last dimension, as the values of the same sparse tensor."""


def _values_shape(context: InferenceContext) -> list[Sizes]:
    return [(triple_shape(context)[0],)]


sparse_softmax_op.shape(_values_shape)


@sparse_softmax_op.kernel
def sparse_softmax_kernel(xp: Any, indices: Any, values: Any, dense_shape: Any) -> Any:
    if len(dense_shape) < 2:
        raise InvalidArgumentError(
            None, None, f"Input should have rank >= 2, but received shape {dense_shape.tolist()}"
        )
    rows, sizes, _ = _groups(indices, values, dense_shape, np.array([-1]))
    number = int(np.prod(sizes, dtype=np.int64))
    powers = np.exp(values - unsorted_segment_max(values, rows, number)[rows])
    return powers / unsorted_segment_sum(powers, rows, number)[rows]


@sparse_softmax_op.gradient
def sparse_softmax_gradient(op: Operation, dy: Tensor) -> Gradients:
    indices, _, dense_shape = op.inputs
    y = op.outputs[0]
    sums = sparse_reduce_sum_op(indices, y * dy, dense_shape, np.array([-1], np.int32), keep_dims=True)
    spread = sparse_dense_add_op(indices, dy, dense_shape, -sums)
    return [None, spread * y, None]


@sparse_softmax_op.samples
def sparse_softmax_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample(example(rng), gradients=(1,))]


_CWISE = ("sp_indices: int64, sp_values: T, sp_shape: int64, dense: T", "output: T")


@op("SparseDenseCwiseAdd", *_CWISE, shape=_values_shape, T=NUMERIC)
def sparse_dense_add_op(
    sp_indices: Any, sp_values: Any, sp_shape: Any, dense: Any, *, name: str | None = None
) -> Tensor:
    """The elements of a sparse tensor plus those of a dense one that broadcasts to its shape."""


@op("SparseDenseCwiseMul", *_CWISE, shape=_values_shape, T=NUMERIC)
def sparse_dense_mul_op(
    sp_indices: Any, sp_values: Any, sp_shape: Any, dense: Any, *, name: str | None = None
) -> Tensor:
    """The elements of a sparse tensor times those of a dense one that broadcasts to its shape."""


@op("SparseDenseCwiseDiv", *_CWISE, shape=_values_shape, T=FLOATING)
def sparse_dense_div_op(
    sp_indices: Any, sp_values: Any, sp_shape: Any, dense: Any, *, name: str | None = None
) -> Tensor:
    """The elements of a sparse tensor divided by those of a dense one that broadcasts to its shape."""


def _dense_values(indices: Any, values: Any, dense_shape: Any, dense: Any) -> Any:
    check_parts(indices, values, dense_shape)
    sizes = tuple(int(s) for s in dense_shape)
    try:
        return np.broadcast_to(dense, sizes)[tuple(indices.T)]
    except ValueError:
        text = f"SparseDenseBinaryOpShared broadcasts dense to sparse only; got {list(dense.shape)} to {list(sizes)}"
        raise InvalidArgumentError(None, None, text) from None


@sparse_dense_add_op.kernel
def sparse_dense_add_kernel(xp: Any, indices: Any, values: Any, dense_shape: Any, dense: Any) -> Any:
    return xp.add(values, _dense_values(indices, values, dense_shape, dense))


@sparse_dense_mul_op.kernel
def sparse_dense_mul_kernel(xp: Any, indices: Any, values: Any, dense_shape: Any, dense: Any) -> Any:
    return xp.multiply(values, _dense_values(indices, values, dense_shape, dense))


@sparse_dense_div_op.kernel
def sparse_dense_div_kernel(xp: Any, indices: Any, values: Any, dense_shape: Any, dense: Any) -> Any:
    return xp.divide(values, _dense_values(indices, values, dense_shape, dense))


def _spread(op: Operation) -> tuple[Tensor, Tensor]:
    """Where each element finds its partner in the dense operand with leading ones, and that operand's sizes so."""
    indices, _, dense_shape, dense = op.inputs
    own = shape(dense, out_type=int64)
    missing = definition_of("Size")(dense_shape, out_type=int32) - definition_of("Rank")(dense)
    ones = definition_of("Fill")(reshape(missing, [1]), np.int64(1))
    whole: Tensor = definition_of("ConcatV2")([ones, own], ZERO)
    places: Tensor = definition_of("Minimum")(indices, whole - 1)
    return places, whole


@sparse_dense_add_op.gradient
def sparse_dense_add_gradient(op: Operation, dy: Tensor) -> Gradients:
    places, whole = _spread(op)
    return [None, dy, None, reshape(scatter_nd_op(places, dy, whole), shape(op.inputs[3]))]


@sparse_dense_mul_op.gradient
def sparse_dense_mul_gradient(op: Operation, dy: Tensor) -> Gradients:
    places, whole = _spread(op)
    _, values, _, dense = op.inputs
    partners = gather_nd_op(reshape(dense, whole), places)
    return [None, dy * partners, None, reshape(scatter_nd_op(places, dy * values, whole), shape(dense))]


@sparse_dense_div_op.gradient
def sparse_dense_div_gradient(op: Operation, dy: Tensor) -> Gradients:
    places, whole = _spread(op)
    dense = op.inputs[3]
    dx = definition_of("RealDiv")(dy, gather_nd_op(reshape(dense, whole), places))
    return [None, dx, None, reshape(scatter_nd_op(places, -dx * op.outputs[0], whole), shape(dense))]


@sparse_dense_add_op.samples
@sparse_dense_mul_op.samples
@sparse_dense_div_op.samples
def sparse_dense_samples(rng: np.random.Generator) -> list[Sample]:
    parts = example(rng)
    divisors = (rng.uniform(1, 2, size=size) for size in ((3, 4), (4,), (3, 1), ()))
    return [Sample((*parts, np.asarray(d)), gradients=(1, 3)) for d in divisors]


@sparse_dense_mul_op.failing
def sparse_dense_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((*example(rng), np.ones((2, 3, 4))), InvalidArgumentError, "dense to sparse only", at_run=True)]

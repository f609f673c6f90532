"""Writing and reading parts of variables: scatter by row and by N-d index, slices, and gathers from resources.

Indices are checked before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import ALL, INDEX, NUMERIC, DType, float64
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, like_first
from ..kernels import scatter
from ..registry import Op, op
from ..samples import Failure, Sample
from ..shapes import merge_sizes
from ..tensor_types import IndexedSlices
from .variables import variable_shape_op

AnyOp = Op[..., Any]


def _scatter_shape(context: InferenceContext) -> list[Sizes]:
    ref, indices, updates = context.sizes
    if context.dtypes[0].name == "resource":
        return []
    if ref is not None and indices is not None and updates != ():
        merge_sizes(updates, (*indices, *ref[1:]))
    return [ref]


def _declare(
    kind: str, kernel: Callable[..., Any], dtypes: tuple[DType, ...], resource_kind: str, rule: Any
) -> tuple[AnyOp, AnyOp]:
    arguments = "indices: Tindices, updates: {}"

    def by_reference(
        ref: Any, indices: Any, updates: Any, *, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Combines parts of a variable, given by indices, with updates; gives the reference."""

    def by_handle(resource: Any, indices: Any, updates: Any, *, name: str | None = None) -> Any:
        """Combines parts of a variable, given by indices, with updates."""

    def by_locked_handle(
        ref: Any, indices: Any, updates: Any, *, use_locking: bool = True, name: str | None = None
    ) -> Any:
        """Combines parts of a variable, given by N-d indices, with updates."""

    is_nd = "Nd" in kind
    ref_type = op(
        kind, f"ref: Ref(T), {arguments.format('T')}", "output_ref: Ref(T)",
        shape=rule, stateful=True, T=dtypes, Tindices=INDEX,
    )(by_reference)  # fmt: skip
    inner = "T" if is_nd else "dtype"
    resource_type = op(
        resource_kind, f"{'ref' if is_nd else 'resource'}: resource, {arguments.format(inner)}", "",
        shape=rule, stateful=True, Tindices=INDEX, **{inner: dtypes},
    )(by_locked_handle if is_nd else by_handle)  # fmt: skip

    def update(xp: Any, variable: Any, indices: Any, updates: Any, **_: Any) -> None:
        kernel(variable, np.asarray(indices), np.asarray(updates))

    ref_type.update("ref")(update)
    resource_type.update("ref" if is_nd else "resource")(update)
    return ref_type, resource_type


def _nd_shape(context: InferenceContext) -> list[Sizes]:
    ref, indices, updates = context.sizes
    if context.dtypes[0].name == "resource":
        return []
    if ref is not None and indices and indices[-1] is not None:
        if indices[-1] > len(ref):
            raise ValueError(f"indices name {indices[-1]} dimensions of a variable of shape {list(ref)}")
        merge_sizes(updates, (*indices[:-1], *ref[indices[-1] :]))
    return [ref]


# By the word in the op's name: the op on references and the one on resources.
SCATTER_OPS: dict[str, tuple[AnyOp, AnyOp]] = {
    word.lower(): _declare(f"Scatter{word}", kernel, dtypes, f"ResourceScatter{word}", _scatter_shape)
    for word, kernel, dtypes in (
        ("Update", scatter.scatter_update, ALL),
        ("Add", scatter.scatter_add, NUMERIC),
        ("Sub", scatter.scatter_sub, NUMERIC),
        ("Mul", scatter.scatter_mul, NUMERIC),
        ("Div", scatter.scatter_div, NUMERIC),
        ("Min", scatter.scatter_min, NUMERIC),
        ("Max", scatter.scatter_max, NUMERIC),
    )
}
SCATTER_ND_OPS: dict[str, tuple[AnyOp, AnyOp]] = {
    word.lower(): _declare(f"ScatterNd{word}", kernel, dtypes, f"ResourceScatterNd{word}", _nd_shape)
    for word, kernel, dtypes in (
        ("Update", scatter.scatter_nd_update, ALL),
        ("Add", scatter.scatter_nd_add, NUMERIC),
        ("Sub", scatter.scatter_nd_sub, NUMERIC),
    )
}


@op(
    "StridedSliceAssign", "ref: Ref(T), begin: Index, end: Index, strides: Index, value: T", "output_ref: Ref(T)",
    shape=like_first, stateful=True, Index=INDEX,
)  # fmt: skip
def strided_slice_assign_op(
    ref: Any, begin: Any, end: Any, strides: Any, value: Any, *, begin_mask: int = 0, end_mask: int = 0,
    ellipsis_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Writes `value` to the slice of a variable that StridedSlice would read."""


@op(
    "ResourceStridedSliceAssign", "ref: resource, begin: Index, end: Index, strides: Index, value: T", "",
    stateful=True, Index=INDEX,
)  # fmt: skip
def resource_strided_slice_assign_op(
    ref: Any, begin: Any, end: Any, strides: Any, value: Any, *, begin_mask: int = 0, end_mask: int = 0,
    ellipsis_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0, name: str | None = None,
) -> Operation:  # fmt: skip
    """Writes `value` to the slice of a variable that StridedSlice would read."""


@strided_slice_assign_op.update("ref")
@resource_strided_slice_assign_op.update("ref")
def strided_slice_assign_update(
    xp: Any, variable: Any, begin: Any, end: Any, strides: Any, value: Any, **masks: int
) -> None:
    index = tuple(_part(i, begin, end, strides, masks) for i in range(len(begin)))
    variable[index] = value


def _part(i: int, begin: Any, end: Any, strides: Any, masks: dict[str, int]) -> Any:
    bit = 1 << i
    if masks["ellipsis_mask"] & bit:
        return Ellipsis
    if masks["new_axis_mask"] & bit:
        return None
    if masks["shrink_axis_mask"] & bit:
        return int(begin[i])
    start = None if masks["begin_mask"] & bit else int(begin[i])
    stop = None if masks["end_mask"] & bit else int(end[i])
    return slice(start, stop, int(strides[i]))


@op(
    "ResourceGather", "resource: resource, indices: Tindices", "output: dtype",
    stateful=True, reads=("resource",), Tindices=INDEX,
)  # fmt: skip
def resource_gather_op(
    resource: Any, indices: Any, *, dtype: DType, batch_dims: int = 0, validate_indices: bool = True,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The rows of a variable at `indices`, which must be in range."""


@op(
    "ResourceGatherNd", "resource: resource, indices: Tindices", "output: dtype",
    stateful=True, reads=("resource",), Tindices=INDEX,
)  # fmt: skip
def resource_gather_nd_op(resource: Any, indices: Any, *, dtype: DType, name: str | None = None) -> Tensor:
    """The slices of a variable that the rows of `indices` name, which must be in range."""


@resource_gather_op.shape
def resource_gather_shape(context: InferenceContext) -> list[Sizes]:
    params, indices = context.sizes
    # While the graph is built only the handle's shape is known, not the variable's.
    if context.dtypes[0].name == "resource" or params is None or indices is None:
        return [None]
    return [(*indices, *params[1 + context["batch_dims"] :])]


@resource_gather_nd_op.shape
def resource_gather_nd_shape(context: InferenceContext) -> list[Sizes]:
    params, indices = context.sizes
    if context.dtypes[0].name == "resource" or params is None or not indices or indices[-1] is None:
        return [None]
    return [(*indices[:-1], *params[indices[-1] :])]


@resource_gather_op.kernel
def resource_gather_kernel(xp: Any, params: Any, indices: Any, *, dtype: DType, batch_dims: int, **_: Any) -> Any:
    places = np.asarray(indices)
    if batch_dims == 0:
        return scatter.gather(params, places)
    lead: Any = np.indices(places.shape[:batch_dims])
    spread = [np.broadcast_to(b[(...,) + (None,) * (places.ndim - batch_dims)], places.shape) for b in lead]
    return scatter.gather_nd(params, np.stack([*spread, places], axis=-1))


@resource_gather_op.into
def resource_gather_into(
    xp: Any, out: Any, params: Any, indices: Any, *, dtype: DType, batch_dims: int, **_: Any
) -> None:
    if batch_dims:
        xp.copyto(out, resource_gather_kernel(xp, params, indices, dtype=dtype, batch_dims=batch_dims))
    else:
        scatter.gather(params, indices, 0, out)


@resource_gather_op.gradient
def resource_gather_gradient(op: Operation, dy: Tensor) -> list[Any]:
    from .array import reshape
    from .array_parts import concat

    if op.attrs["batch_dims"]:
        raise LookupError(f"No gradient defined for {op.describe()} with batch_dims={op.attrs['batch_dims']}")
    handle, indices = op.inputs
    sizes = variable_shape_op(handle)
    values = reshape(dy, concat([np.array([-1], np.int32), sizes[1:]], 0))
    return [IndexedSlices(values, reshape(indices, [-1]), sizes), None]


@resource_gather_nd_op.kernel
def resource_gather_nd_kernel(xp: Any, params: Any, indices: Any, *, dtype: DType) -> Any:
    return scatter.gather_nd(params, np.asarray(indices))


def scatter_samples(rng: np.random.Generator) -> list[Sample]:
    """Rows of a matrix, one of them twice, elements of a vector, and no rows at all."""
    return [
        Sample((rng.normal(size=(4, 3)), np.array([3, 0]), rng.normal(size=(2, 3)))),
        Sample((rng.normal(size=5), np.array([[1], [2]], np.int32), rng.normal(size=(2, 1)))),
        Sample((rng.normal(size=(4, 3)), np.zeros(0, np.int32), np.zeros((0, 3)))),
    ]


def scatter_nd_samples(rng: np.random.Generator) -> list[Sample]:
    """Elements and rows of a matrix."""
    return [
        Sample((rng.normal(size=(4, 3)), np.array([[3, 1], [0, 2]]), rng.normal(size=2))),
        Sample((rng.normal(size=(4, 3)), np.array([[1]], np.int32), rng.normal(size=(1, 3)))),
    ]


def scatter_failing(rng: np.random.Generator) -> list[Failure]:
    """An index behind the last row."""
    variable, updates = np.ones((4, 3)), np.ones((1, 3))
    return [Failure((variable, np.array([4]), updates), InvalidArgumentError, "4", at_run=True)]


def slice_assign_samples(rng: np.random.Generator) -> list[Sample]:
    """A part of a matrix, and a row by its number."""
    begin, end, strides = np.array([1, 0]), np.array([3, 3]), np.array([1, 2])
    return [
        Sample((rng.normal(size=(4, 3)), begin, end, strides, rng.normal(size=(2, 2)))),
        Sample((rng.normal(size=(4, 3)), begin[:1], end[:1], strides[:1], rng.normal(size=3)), {"shrink_axis_mask": 1}),
    ]


for _ops in SCATTER_OPS.values():
    for _op in _ops:
        _op.samples(scatter_samples)
        _op.failing(scatter_failing)
for _ops in SCATTER_ND_OPS.values():
    for _op in _ops:
        _op.samples(scatter_nd_samples)
strided_slice_assign_op.samples(slice_assign_samples)
resource_strided_slice_assign_op.samples(slice_assign_samples)
resource_gather_op.samples(
    lambda rng: [
        Sample((rng.normal(size=(4, 3)), np.array([3, 0, 3])), {"dtype": float64}),
        Sample((rng.normal(size=(2, 4)), np.array([[3, 0], [1, 1]])), {"dtype": float64, "batch_dims": 1}),
    ]
)
resource_gather_nd_op.samples(
    lambda rng: [Sample((rng.normal(size=(4, 3)), np.array([[3, 1], [0, 2]])), {"dtype": float64})]
)
resource_gather_op.failing(
    lambda rng: [
        Failure((np.ones((4, 3)), np.array([4])), InvalidArgumentError, "4", {"dtype": float64}, at_run=True),
    ]
)

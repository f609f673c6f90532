"""Pools as ops: max, average and max with places, in two and three dimensions, and their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import FLOATING, INDEX, REAL, DType, int64
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext
from ..kernels import pool
from ..registry import Op, op
from ..samples import Failure, Sample
from ..shapes import merge_sizes
from .array import shape
from .nn_geometry import (
    Window,
    channels_last_view,
    check_pooled,
    given_sizes,
    in_format,
    last_sizes,
    pooled_sizes,
    sizes_of,
)

Gradients = list[Any]


@op("MaxPool", "input: T", "output: T", T=REAL)
def max_pool_op(
    input: Any,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:
    """The largest value of each window of images."""


@op("MaxPoolGrad", "orig_input: T, orig_output: T, grad: T", "output: T", T=REAL)
def max_pool_grad_op(
    orig_input: Any,
    orig_output: Any,
    grad: Any,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:
    """The gradient of MaxPool: each number to the first maximum of its window."""


@op("MaxPoolGradGrad", "orig_input: T, orig_output: T, grad: T", "output: T", T=REAL)
def max_pool_grad_grad_op(
    orig_input: Any,
    orig_output: Any,
    grad: Any,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:
    """The gradient of MaxPoolGrad: `grad` at the first maximum of each window."""


@op("AvgPool", "value: T", "output: T", T=FLOATING)
def avg_pool_op(
    value: Any,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:
    """The mean of each window of images, over what lies inside the image."""


@op("AvgPoolGrad", "orig_input_shape: int32, grad: T", "output: T", T=FLOATING)
def avg_pool_grad_op(
    orig_input_shape: Any,
    grad: Any,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:
    """The gradient of AvgPool."""


@op("MaxPool3D", "input: T", "output: T", T=FLOATING)
def max_pool3d_op(
    input: Any,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    data_format: str = "NDHWC",
    name: str | None = None,
) -> Tensor:
    """The largest value of each window of volumes."""


@op("MaxPool3DGrad", "orig_input: T, orig_output: T, grad: T", "output: T", T=FLOATING)
def max_pool3d_grad_op(
    orig_input: Any,
    orig_output: Any,
    grad: Any,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    data_format: str = "NDHWC",
    name: str | None = None,
) -> Tensor:
    """The gradient of MaxPool3D: each number to the first maximum of its window."""


@op("MaxPool3DGradGrad", "orig_input: T, orig_output: T, grad: T", "output: T", T=FLOATING)
def max_pool3d_grad_grad_op(
    orig_input: Any,
    orig_output: Any,
    grad: Any,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    data_format: str = "NDHWC",
    name: str | None = None,
) -> Tensor:
    """The gradient of MaxPool3DGrad."""


@op("AvgPool3D", "input: T", "output: T", T=FLOATING)
def avg_pool3d_op(
    input: Any,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    data_format: str = "NDHWC",
    name: str | None = None,
) -> Tensor:
    """The mean of each window of volumes."""


@op("AvgPool3DGrad", "orig_input_shape: int32, grad: T", "output: T", T=FLOATING)
def avg_pool3d_grad_op(
    orig_input_shape: Any,
    grad: Any,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    data_format: str = "NDHWC",
    name: str | None = None,
) -> Tensor:
    """The gradient of AvgPool3D."""


@op("MaxPoolWithArgmax", "input: T", "output: T, argmax: Targmax", T=REAL, Targmax=INDEX)
def max_pool_with_argmax_op(
    input: Any,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    Targmax: DType = int64,
    include_batch_in_index: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The largest value of each window, and its flat index in the image (or in the whole batch)."""


@op("MaxPoolGradWithArgmax", "input: T, grad: T, argmax: Targmax", "output: T", T=REAL, Targmax=INDEX)
def max_pool_grad_with_argmax_op(
    input: Any,
    grad: Any,
    argmax: Any,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    include_batch_in_index: bool = False,
    name: str | None = None,
) -> Tensor:
    """The gradient of MaxPoolWithArgmax."""


@op("MaxPoolGradGradWithArgmax", "input: T, grad: T, argmax: Targmax", "output: T", T=REAL, Targmax=INDEX)
def max_pool_grad_grad_with_argmax_op(
    input: Any,
    grad: Any,
    argmax: Any,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    include_batch_in_index: bool = False,
    name: str | None = None,
) -> Tensor:
    """The gradient of MaxPoolGradWithArgmax: `grad` at the given places."""


# Shapes


def _pool_shape(rank: int) -> Callable[[InferenceContext], list[Sizes]]:
    return lambda context: [pooled_sizes(context, rank)]


def _max_grad_shape(rank: int) -> Callable[[InferenceContext], list[Sizes]]:
    def rule(context: InferenceContext) -> list[Sizes]:
        merge_sizes(merge_sizes(pooled_sizes(context, rank), context.sizes[1]), context.sizes[2])
        return [context.with_rank(0, rank)]

    return rule


def _max_grad_grad_shape(rank: int) -> Callable[[InferenceContext], list[Sizes]]:
    def rule(context: InferenceContext) -> list[Sizes]:
        merge_sizes(context.sizes[0], context.sizes[2])
        return [merge_sizes(pooled_sizes(context, rank), context.sizes[1])]

    return rule


def _avg_grad_shape(rank: int) -> Callable[[InferenceContext], list[Sizes]]:
    def rule(context: InferenceContext) -> list[Sizes]:
        context.with_rank(1, rank)
        sizes = given_sizes(context, 0, rank)
        check_pooled(context, sizes, rank)
        return [sizes]

    return rule


@max_pool_with_argmax_op.shape
def max_pool_with_argmax_shape(context: InferenceContext) -> list[Sizes]:
    return [pooled_sizes(context, 4)] * 2


@max_pool_grad_with_argmax_op.shape
def max_pool_grad_with_argmax_shape(context: InferenceContext) -> list[Sizes]:
    merge_sizes(merge_sizes(pooled_sizes(context, 4), context.sizes[1]), context.sizes[2])
    return [context.with_rank(0, 4)]


@max_pool_grad_grad_with_argmax_op.shape
def max_pool_grad_grad_with_argmax_shape(context: InferenceContext) -> list[Sizes]:
    merge_sizes(context.sizes[0], context.sizes[1])
    return [merge_sizes(pooled_sizes(context, 4), context.sizes[2])]


# Kernels


def _steps(attrs: dict[str, Any], spatial: Any) -> tuple[Any, Any, Any]:
    window = Window.of(attrs)
    ksize = last_sizes(attrs["ksize"], attrs.get("data_format", "NHWC"))[1:-1]
    return ksize, window.strides, window.pads(spatial, ksize)


def _define(definition: Op[..., Any], function: Callable[..., Any]) -> None:
    """Kernels of an op whose inputs all are arrays of the data format, the first one that of the pool."""

    def run(arrays: Any, out: Any, attrs: dict[str, Any]) -> Any:
        views = [channels_last_view(a, attrs["data_format"]) for a in arrays]
        return function(*views, *_steps(attrs, views[0].shape[1:-1]), out)

    def kernel(xp: Any, *arrays: Any, **attrs: Any) -> Any:
        return in_format(run(arrays, None, attrs), attrs["data_format"])

    def into(xp: Any, out: Any, *arrays: Any, **attrs: Any) -> None:
        run(arrays, channels_last_view(out, attrs["data_format"]), attrs)

    definition.kernel(kernel)
    definition.into(into)


def _define_avg_grad(definition: Op[..., Any]) -> None:
    def run(sizes: Any, dy: Any, out: Any, attrs: dict[str, Any]) -> Any:
        input_shape = last_sizes(sizes_of(sizes, dy.ndim, "orig_input_shape"), attrs["data_format"])
        dy = channels_last_view(dy, attrs["data_format"])
        return pool.avg_pool_grad(input_shape, dy, *_steps(attrs, input_shape[1:-1]), out)

    def kernel(xp: Any, sizes: Any, dy: Any, **attrs: Any) -> Any:
        return in_format(run(sizes, dy, None, attrs), attrs["data_format"])

    def into(xp: Any, out: Any, sizes: Any, dy: Any, **attrs: Any) -> None:
        run(sizes, dy, channels_last_view(out, attrs["data_format"]), attrs)

    definition.kernel(kernel)
    definition.into(into)


@max_pool_with_argmax_op.kernel
def max_pool_with_argmax_kernel(xp: Any, x: Any, *, Targmax: DType, include_batch_in_index: bool, **attrs: Any) -> Any:
    values, places = pool.max_pool_with_argmax(x, *_steps(attrs, x.shape[1:-1]), include_batch_in_index)
    return values, places.astype(Targmax.numpy)


@max_pool_grad_with_argmax_op.kernel
def max_pool_grad_with_argmax_kernel(
    xp: Any, x: Any, dy: Any, argmax: Any, *, include_batch_in_index: bool, **attrs: Any
) -> Any:
    return pool.max_pool_grad_with_argmax(x.shape, dy, argmax, include_batch_in_index)


@max_pool_grad_grad_with_argmax_op.kernel
def max_pool_grad_grad_with_argmax_kernel(
    xp: Any, x: Any, ddx: Any, argmax: Any, *, include_batch_in_index: bool, **attrs: Any
) -> Any:
    return pool.max_pool_grad_grad_with_argmax(ddx, argmax, include_batch_in_index)


# Gradients


def _attrs(op: Operation, *names: str) -> dict[str, Any]:
    return {name: op.attrs[name] for name in ("ksize", "strides", "padding", *names)}


def _define_max_gradients(forward: Op[..., Any], grad: Op[..., Any], grad_grad: Op[..., Any]) -> None:
    def forward_gradient(op: Operation, dy: Tensor) -> Gradients:
        return [grad(op.inputs[0], op.outputs[0], dy, **_attrs(op, "data_format"))]

    # Where the maxima are does not change with x: both gradients are linear in their last input alone.
    def grad_gradient(op: Operation, dy: Tensor) -> Gradients:
        return [None, None, grad_grad(op.inputs[0], op.inputs[1], dy, **_attrs(op, "data_format"))]

    def grad_grad_gradient(op: Operation, dy: Tensor) -> Gradients:
        return [None, None, grad(op.inputs[0], op.inputs[1], dy, **_attrs(op, "data_format"))]

    forward.gradient(forward_gradient)
    grad.gradient(grad_gradient)
    grad_grad.gradient(grad_grad_gradient)


def _define_avg_gradients(forward: Op[..., Any], grad: Op[..., Any]) -> None:
    def forward_gradient(op: Operation, dy: Tensor) -> Gradients:
        return [grad(shape(op.inputs[0]), dy, **_attrs(op, "data_format"))]

    def grad_gradient(op: Operation, dy: Tensor) -> Gradients:
        return [None, forward(dy, **_attrs(op, "data_format"))]

    forward.gradient(forward_gradient)
    grad.gradient(grad_gradient)


@max_pool_with_argmax_op.gradient
def max_pool_with_argmax_gradient(op: Operation, dy: Tensor | None, dargmax: Tensor | None) -> Gradients:
    if dy is None:
        return [None]
    attrs = _attrs(op, "include_batch_in_index")
    return [max_pool_grad_with_argmax_op(op.inputs[0], dy, op.outputs[1], **attrs)]


@max_pool_grad_with_argmax_op.gradient
def max_pool_grad_with_argmax_gradient(op: Operation, dy: Tensor) -> Gradients:
    x, _, argmax = op.inputs
    return [None, max_pool_grad_grad_with_argmax_op(x, dy, argmax, **_attrs(op, "include_batch_in_index")), None]


@max_pool_grad_grad_with_argmax_op.gradient
def max_pool_grad_grad_with_argmax_gradient(op: Operation, dy: Tensor) -> Gradients:
    x, _, argmax = op.inputs
    return [None, max_pool_grad_with_argmax_op(x, dy, argmax, **_attrs(op, "include_batch_in_index")), None]


# Samples

Case = tuple[tuple[int, ...], dict[str, Any]]

_CASES_2D: list[Case] = [
    ((2, 4, 4, 2), {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"}),
    ((1, 5, 4, 2), {"ksize": [1, 3, 2, 1], "strides": [1, 2, 1, 1], "padding": "SAME"}),
    ((1, 2, 4, 5), {"ksize": [1, 1, 2, 3], "strides": [1, 1, 2, 2], "padding": "SAME", "data_format": "NCHW"}),
    ((0, 4, 4, 1), {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"}),
]
_CASES_3D: list[Case] = [
    ((1, 3, 4, 2, 2), {"ksize": [1, 2, 2, 2, 1], "strides": [1, 1, 2, 2, 1], "padding": "SAME"}),
    (
        (1, 2, 2, 2, 3),
        {"ksize": [1, 1, 2, 1, 2], "strides": [1, 1, 1, 1, 1], "padding": "VALID", "data_format": "NCDHW"},
    ),
]


def _sample(rng: np.random.Generator, forward: Op[..., Any], kind: str, case: Case) -> Sample:
    sizes, attrs = case
    # A permutation: no two values are so near that a finite difference would swap them.
    x = rng.permutation(np.arange(float(np.prod(sizes)))).reshape(sizes) / 8
    if kind == "forward":
        return Sample((x,), attrs)
    defaults = {n: a.default for n, a in forward.attributes.items()}
    kernel: Any = forward.kernel_function
    y = kernel(np, x, **{**defaults, **attrs})
    if kind == "avg":
        return Sample((np.array(sizes, np.int32), rng.normal(size=y.shape)), attrs, gradients=(1,))
    dy = rng.normal(size=x.shape if kind == "grad_grad" else y.shape)
    return Sample((x, np.ascontiguousarray(y), dy), attrs, gradients=(2,))


def _define_samples(definition: Op[..., Any], forward: Op[..., Any], kind: str, cases: list[Case]) -> None:
    def samples(rng: np.random.Generator) -> list[Sample]:
        return [_sample(rng, forward, kind, case) for case in cases]

    definition.samples(samples)


def _define_max(forward: Op[..., Any], grad: Op[..., Any], grad_grad: Op[..., Any], cases: list[Case]) -> None:
    rank = len(cases[0][0])
    for definition, rule, function, kind in (
        (forward, _pool_shape, pool.max_pool, "forward"),
        (grad, _max_grad_shape, pool.max_pool_grad, "grad"),
        (grad_grad, _max_grad_grad_shape, pool.max_pool_grad_grad, "grad_grad"),
    ):
        definition.shape(rule(rank))
        _define(definition, function)
        _define_samples(definition, forward, kind, cases)
    _define_max_gradients(forward, grad, grad_grad)


def _define_avg(forward: Op[..., Any], grad: Op[..., Any], cases: list[Case]) -> None:
    rank = len(cases[0][0])
    forward.shape(_pool_shape(rank))
    grad.shape(_avg_grad_shape(rank))
    _define(forward, pool.avg_pool)
    _define_avg_grad(grad)
    _define_avg_gradients(forward, grad)
    _define_samples(forward, forward, "forward", cases)
    _define_samples(grad, forward, "avg", cases)


_define_max(max_pool_op, max_pool_grad_op, max_pool_grad_grad_op, _CASES_2D)
_define_max(max_pool3d_op, max_pool3d_grad_op, max_pool3d_grad_grad_op, _CASES_3D)
_define_avg(avg_pool_op, avg_pool_grad_op, _CASES_2D)
_define_avg(avg_pool3d_op, avg_pool3d_grad_op, _CASES_3D)


@max_pool_with_argmax_op.samples
def max_pool_with_argmax_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.permutation(np.arange(32.0)).reshape(2, 4, 4, 1)
    attrs = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"}
    return [Sample((x,), attrs), Sample((x,), {**attrs, "include_batch_in_index": True, "padding": "SAME"})]


def _argmax_samples(definition: Op[..., Any], of_input: bool) -> None:
    def samples(rng: np.random.Generator) -> list[Sample]:
        first = max_pool_with_argmax_samples(rng)[0]
        (x,), attrs = first.inputs, first.attrs
        y, places = pool.max_pool_with_argmax(x, *_steps(attrs, x.shape[1:-1]))
        dy = rng.normal(size=x.shape if of_input else y.shape)
        return [Sample((x, dy, places), attrs, gradients=(1,))]

    def failing(rng: np.random.Generator) -> list[Failure]:
        (sample,) = samples(rng)
        x, dy, places = sample.inputs
        return [Failure((x, dy, places + 99), InvalidArgumentError, "argmax index", sample.attrs, at_run=True)]

    definition.samples(samples)
    definition.failing(failing)


_argmax_samples(max_pool_grad_with_argmax_op, False)
_argmax_samples(max_pool_grad_grad_with_argmax_op, True)


@max_pool_op.failing
@avg_pool_op.failing
def pool_failing(rng: np.random.Generator) -> list[Failure]:
    x = np.ones((1, 4, 4, 2))
    good: dict[str, Any] = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"}
    return [
        Failure((x[0],), ValueError, "rank 4", good),
        Failure((x,), ValueError, "ksize must have 4", {**good, "ksize": [2, 2]}),
        Failure((x,), ValueError, "ksize must be 1 along batch", {**good, "ksize": [1, 2, 2, 2]}),
        Failure((x,), ValueError, "strides must be positive", {**good, "strides": [1, 0, 2, 1]}),
        Failure((x,), ValueError, "padding must be", {**good, "padding": "same"}),
        Failure((x,), ValueError, "subtracting 5", {**good, "ksize": [1, 5, 2, 1]}),
    ]

"""Rows sorted into parts and put together again: DynamicPartition and DynamicStitch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, show
from ..kernels.bounds import check_indices
from ..registry import definition_of, op
from ..samples import Failure, Sample
from ..shapes import merge_sizes
from .array import reshape, shape
from .array_parts import zeros_like_tensor

Gradients = list[Any]


@op("DynamicPartition", "data: T, partitions: int32", "outputs: num_partitions * T")
def dynamic_partition_op(data: Any, partitions: Any, *, num_partitions: int, name: str | None = None) -> list[Tensor]:
    """The slices of `data` in parts: slice i goes to part partitions[i]."""


@dynamic_partition_op.shape
def dynamic_partition_shape(context: InferenceContext) -> list[Sizes]:
    data, partitions, number = context.sizes[0], context.sizes[1], context["num_partitions"]
    if data is None or partitions is None:
        return [None] * number
    if len(partitions) > len(data):
        raise ValueError(f"partitions of shape {show(partitions)} are no prefix of {show(data)}")
    merge_sizes(data[: len(partitions)], partitions)
    return [(None, *data[len(partitions) :])] * number


@dynamic_partition_op.kernel
def dynamic_partition_kernel(xp: Any, data: Any, partitions: Any, *, num_partitions: int) -> Any:
    if data.shape[: partitions.ndim] != partitions.shape:
        text = f"data.shape must start with partitions.shape, got {list(data.shape)} and {list(partitions.shape)}"
        raise InvalidArgumentError(None, None, text)
    check_indices(partitions, num_partitions, "partitions")
    flat = partitions.reshape(-1)
    rows = data.reshape(flat.size, *data.shape[partitions.ndim :])
    return [rows[flat == i] for i in range(num_partitions)]


@dynamic_partition_op.gradient
def dynamic_partition_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    data, partitions = op.inputs
    number = op.attrs["num_partitions"]
    count = definition_of("Prod")(shape(partitions), np.zeros(1, np.int32), keep_dims=False)
    places = reshape(definition_of("Range")(np.int32(0), count, np.int32(1)), shape(partitions))
    indices = dynamic_partition_op(places, partitions, num_partitions=number)
    parts = [zeros_like_tensor(t) if dy is None else dy for t, dy in zip(op.outputs, dys, strict=True)]
    return [reshape(dynamic_stitch_op(indices, parts), shape(data)), None]


@dynamic_partition_op.samples
def dynamic_partition_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(3, 2))
    return [
        Sample((x, np.array([1, 0, 1], np.int32)), {"num_partitions": 3}, gradients=(0,)),
        Sample((x, np.array([[1, 0], [0, 0], [1, 1]], np.int32)), {"num_partitions": 2}, gradients=(0,)),
        Sample((np.float64(2), np.array(0, np.int32)), {"num_partitions": 1}, gradients=(0,)),
    ]


@dynamic_partition_op.failing
def dynamic_partition_failing(rng: np.random.Generator) -> list[Failure]:
    x, attrs = np.ones(2), {"num_partitions": 2}
    return [
        Failure((x, np.array([0, 2], np.int32)), InvalidArgumentError, r"\[1\] = 2 is not in \[0, 2\)", attrs, True),
        Failure((x, np.array([0], np.int32)), ValueError, "2|1", attrs),
    ]


@op("DynamicStitch", "indices: N * int32, data: N * T", "merged: T")
def dynamic_stitch_op(indices: Any, data: Any, *, name: str | None = None) -> Tensor:
    """Slices of several tensors put together: merged[indices[m][i]] = data[m][i], the last of equal indices winning."""


@op("ParallelDynamicStitch", "indices: N * int32, data: N * T", "merged: T")
def parallel_dynamic_stitch_op(indices: Any, data: Any, *, name: str | None = None) -> Tensor:
    """DynamicStitch without an order among equal indices (here the last wins as well)."""


@dynamic_stitch_op.shape
@parallel_dynamic_stitch_op.shape
def dynamic_stitch_shape(context: InferenceContext) -> list[Sizes]:
    number = len(context.sizes) // 2
    rest: Sizes = None
    rows: int | None = 0
    for i in range(number):
        places, data, value = context.sizes[i], context.sizes[number + i], context.value(i)
        if places is not None and data is not None:
            merge_sizes(places, data[: len(places)])
            rest = merge_sizes(rest, data[len(places) :])
        rows = None if rows is None or value is None else max(rows, int(np.max(value, initial=-1)) + 1)
    return [None if rest is None else (rows, *rest)]


@dynamic_stitch_op.kernel
@parallel_dynamic_stitch_op.kernel
def dynamic_stitch_kernel(xp: Any, indices: Any, data: Any) -> Any:
    rest = data[0].shape[indices[0].ndim :]
    for i, (places, values) in enumerate(zip(indices, data, strict=True)):
        if values.shape != places.shape + rest:
            text = f"data[{i}] must have shape {list(places.shape + rest)}, got {list(values.shape)}"
            raise InvalidArgumentError(None, None, text)
    rows = max(int(np.max(places, initial=-1)) for places in indices) + 1
    merged = np.full((rows, *rest), b"", object) if data[0].dtype == object else np.zeros((rows, *rest), data[0].dtype)
    for i, (places, values) in enumerate(zip(indices, data, strict=True)):
        check_indices(places, rows, f"indices[{i}]")
        merged[places.reshape(-1)] = values.reshape(places.size, *rest)
    return merged


@dynamic_stitch_op.gradient
@parallel_dynamic_stitch_op.gradient
def dynamic_stitch_gradient(op: Operation, dy: Tensor) -> Gradients:
    indices = op.inputs[: len(op.inputs) // 2]
    rows = [definition_of("GatherV2")(dy, places, np.array(0, np.int32)) for places in indices]
    return [*[None] * len(indices), *rows]


@dynamic_stitch_op.samples
@parallel_dynamic_stitch_op.samples
def dynamic_stitch_samples(rng: np.random.Generator) -> list[Sample]:
    places = [np.array(p, np.int32) for p in (6, [4, 1], [[5, 2], [0, 3]])]
    data = [rng.normal(size=(*p.shape, 2)) for p in places]
    words = [np.array([b"a", b"b"], object)]
    return [
        Sample((places, data), gradients=(3, 4, 5)),
        Sample(([np.array([1, 0], np.int32)], words), differentiable=False),
    ]


@dynamic_stitch_op.failing
@parallel_dynamic_stitch_op.failing
def dynamic_stitch_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure(([np.array([0], np.int32)], [np.ones(2)]), ValueError, "1.*2|2.*1")]


# TensorFlow's names


def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> list[Tensor]:
    """The slices of `data` in `num_partitions` parts: slice i goes to part partitions[i].

    Raises:
        InvalidArgumentError: while running, a partition is out of range.
    """
    return dynamic_partition_op(data, partitions, num_partitions=num_partitions, name=name)


def dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Tensor:
    """Slices of several tensors put together: merged[indices[m][i]] = data[m][i], the last of equal indices winning.

    Rows that no index names are zero. What `dynamic_partition` made is undone by the partition of the row numbers.
    """
    return dynamic_stitch_op(list(indices), list(data), name=name)


def parallel_dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Tensor:
    """`dynamic_stitch` for indices without duplicates."""
    return parallel_dynamic_stitch_op(list(indices), list(data), name=name)

"""Whole numbers as one-hot, multi-hot or counting vectors: what the preprocessing layers share, and CategoryEncoding."""

from __future__ import annotations

from typing import Any

from ...engine.dtypes import as_dtype, int64
from ...engine.ops.array_sets import one_hot
from ...engine.ops.array_shape import expand_dims, squeeze
from ...engine.ops.casting import cast
from ...engine.ops.reduce import reduce_max, reduce_sum
from .base import Layer
from .checks import one_of, positive
from .serialization import registered

MODES = ("int", "one_hot", "multi_hot", "count")


def output_mode_of(layer: str, mode: str, known: tuple[str, ...] = MODES) -> str:
    """An output mode, also under its old name "binary"; ValueError for an unknown one."""
    old = {"binary": "multi_hot", "tf-idf": "tf_idf"}
    result: str = one_of(layer, "output_mode", old.get(mode, mode), known)
    return result


def check_dense(layer: str, sparse: bool) -> None:
    """Raises ValueError where sparse outputs are asked for, which these layers do not have."""
    if sparse:
        raise ValueError(f"{layer} has no sparse outputs here: leave `sparse` out")


def encoded(indices: Any, mode: str, depth: int, dtype: Any, weights: Any = None) -> Any:
    """Indices as an output mode says.

    Args:
        indices: whole numbers [..., places]; those outside of [0, depth) count for nothing.
        mode: "int", "one_hot" (a vector an index), "multi_hot" (ones at the indices of a row) or "count".
        depth: the size of the vectors.
        dtype: of the result.
        weights: what an index counts, in mode "count".
    """
    kind = as_dtype(dtype)
    if mode == "int":
        return cast(indices, kind)
    rank = len(indices.sizes)
    if mode == "one_hot":
        if rank > 1 and indices.sizes[-1] == 1:
            indices = squeeze(indices, [-1])
        return one_hot(cast(indices, int64), depth, dtype=kind)
    marks = one_hot(cast(expand_dims(indices, -1) if rank == 0 else indices, int64), depth, dtype=kind)
    if mode == "multi_hot":
        return reduce_max(marks, axis=-2)
    return reduce_sum(marks if weights is None else marks * cast(expand_dims(weights, -1), kind), axis=-2)


def encoded_shape(input_shape: Any, mode: str, depth: int | None) -> Any:
    """The shape of `encoded`."""
    shape = tuple(input_shape)
    if mode == "int":
        return shape
    if mode == "one_hot":
        return (*(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape), depth)
    return (*shape[:-1], depth)


@registered("layers")
class CategoryEncoding(Layer):
    """Whole numbers below `num_tokens` as vectors.

    Args:
        num_tokens: size of the vectors.
        output_mode: "one_hot", "multi_hot" or "count".
        sparse: False.

    Raises:
        ValueError: an argument is none of these.
    """

    def __init__(
        self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.output_mode = output_mode_of("CategoryEncoding", output_mode, MODES[1:])
        self.num_tokens = positive("CategoryEncoding", "num_tokens", num_tokens)
        check_dense("CategoryEncoding", sparse)

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(
                f"Layer {self.name!r}: `count_weights` is not used when `output_mode` is not 'count', but {self.output_mode!r}"
            )
        return encoded(inputs, self.output_mode, self.num_tokens, self.dtype, count_weights)

    def compute_output_shape(self, input_shape: Any, count_weights_shape: Any = None) -> Any:
        return encoded_shape(input_shape, self.output_mode, self.num_tokens)

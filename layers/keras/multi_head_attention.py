"""MultiHeadAttention and GroupQueryAttention: dot-product attention in several projections."""

from __future__ import annotations

import math
from typing import Any

from ...engine.dtypes import bool as bool_dtype
from ...engine.ops.array import reshape
from ...engine.ops.array_order import transpose
from ...engine.ops.array_pad import tile
from ...engine.ops.array_shape import expand_dims
from ...engine.ops.casting import cast
from ...engine.ops.comparison import less
from ...engine.ops.nn_losses import softmax
from ...engine.ops.products import matmul
from ...engine.ops.ranges import range as numbers
from ...engine.ops.unary import abs as absolute
from .attention import both, causal_mask, hidden, length_of
from .base import Layer, Shape
from .checks import positive, share
from .einsum_dense import EinsumDense
from .noise import Dropout
from .serialization import registered
from .wrappers import sizes_after


class _Projected(Layer):
    """Queries, keys and values by a dense layer each, attention by heads, and a dense layer over all heads."""

    supports_masking = True
    sliding_window: int | None
    use_gate: bool
    use_bias: bool

    def set_up(self, dropout: float, sliding_window: Any, options: dict[str, Any]) -> None:
        """Checks and keeps what both kinds are given."""
        kind = type(self).__name__
        self.sliding_window = None if sliding_window is None else positive(kind, "sliding_window", sliding_window)
        self.dropout = share(kind, "dropout", dropout, below_one=True)
        self.keep(**options)
        self._dense_options = list(options)

    def dense(self, name: str, rank: int, summed: int, sizes: tuple[int, ...], activation: Any = None) -> EinsumDense:
        """A dense layer from the last `summed` axes of inputs of a rank to axes of `sizes`."""
        letters = "abcdefghijklmnopqrstuvwxyz"
        kept, inner = letters[: rank - summed], letters[rank - summed : rank]
        outer = letters[rank : rank + len(sizes)]
        options = {key: vars(self)[key] for key in self._dense_options}
        return EinsumDense(
            f"{kept}{inner},{inner}{outer}->{kept}{outer}", (*(None,) * (len(kept) - 1), *sizes), activation,
            outer if self.use_bias else None, name=name, dtype=self.dtype, **options,
        )  # fmt: skip

    def mask_for(self, query: Any, value: Any, masks: tuple[Any, Any, Any], given: Any, causal: bool) -> Any:
        """Which keys each query may see, [batch, queries, keys]; None for all."""
        query_mask, value_mask, key_mask = (None if m is None else cast(m, bool_dtype) for m in masks)
        result = None if given is None else cast(given, bool_dtype)
        if query_mask is not None:
            result = both(result, expand_dims(query_mask, -1))
        for mask in (value_mask, key_mask):
            if mask is not None:
                result = both(result, expand_dims(mask, -2))
        lengths = length_of(query, 1), length_of(value, 1)
        if causal:
            result = both(result, causal_mask(*lengths))
        if self.sliding_window is not None:
            apart = expand_dims(numbers(lengths[0]), 1) - expand_dims(numbers(lengths[1]), 0)
            result = both(result, expand_dims(less(absolute(apart), self.sliding_window), 0))
        return result


def attend(query: Any, key: Any, value: Any, axes: tuple[int, ...], mask: Any, drop: Any = None) -> tuple[Any, Any]:
    """Attention by heads over some axes.

    Args:
        query, key, value: [batch, ..., heads, size]; the query is scaled already.
        axes: the axes over which is attended; the other ones before the heads are like the batch's.
        mask: bool, without the heads: batch's axes, the queries' `axes`, the keys'; None for all.
        drop: a function of the weights.

    Returns:
        The outputs [batch, ..., heads, size], and the weights with axes batch's, heads, queries', keys'.
    """
    rank = len(query.sizes)
    others = [axis for axis in range(rank - 2) if axis not in axes]
    order = [*others, rank - 2, *axes, rank - 1]

    def by_heads(x: Any) -> Any:
        turned = transpose(x, order)
        if len(axes) == 1:
            return turned
        sizes = sizes_after(turned, 0)
        return reshape(turned, [*sizes[: len(others) + 1], -1, sizes[-1]])

    q, k, v = by_heads(query), by_heads(key), by_heads(value)
    count = len(others) + 2
    scores: Any = matmul(q, transpose(k, [*range(count - 1), count, count - 1]))
    if mask is not None:
        if len(axes) > 1:
            lead = sizes_after(mask, 0)[: len(mask.sizes) - 2 * len(axes)]
            mask = reshape(mask, [*lead, *(_product(x, axes) for x in (query, key))])
        while len(mask.sizes) < len(scores.sizes):
            mask = expand_dims(mask, -3)
    weights = softmax(hidden(scores, mask))
    outputs = matmul(weights if drop is None else drop(weights), v)
    if len(axes) > 1:
        sizes = sizes_after(query, 0)
        spread = [sizes[axis] for axis in axes]
        outputs = reshape(outputs, [*(sizes[axis] for axis in [*others, rank - 2]), *spread, sizes_after(value, 0)[-1]])
    result = transpose(outputs, [order.index(axis) for axis in range(rank)])
    result.set_shape([*query.sizes[:-1], value.sizes[-1]])
    return result, weights


def _product(x: Any, axes: tuple[int, ...]) -> Any:
    sizes = sizes_after(x, 0)
    return math.prod(sizes[axis] for axis in axes)


@registered("layers")
class MultiHeadAttention(_Projected):
    """Attention of queries to values [batch, ..., size] in several heads, as in "Attention is all you need".

    Args:
        num_heads: number of heads.
        key_dim: size of queries and keys in a head.
        value_dim: size of values in a head; `key_dim` by default.
        dropout: share of the weights dropped while training.
        use_bias: whether the dense layers have a bias.
        output_shape: of the output's last axes; the query's last size by default.
        attention_axes: axes over which is attended; all but batch and features by default.
        sliding_window: how near, below this many steps, keys must be.
        flash_attention: accepted.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint: of the dense layers.
        use_gate: whether the heads' outputs are multiplied by a sigmoid of the query's projection.
        seed: of the dropout.

    Raises:
        ValueError: an argument is out of range, or shapes do not fit.

    Example:
        >>> import headrace as tf
        >>> x = tf.keras.Input((6, 8))
        >>> tf.keras.layers.MultiHeadAttention(num_heads=2, key_dim=4)(x, x).shape.as_list()
        [None, 6, 8]
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
        sliding_window: int | None = None,
        flash_attention: Any = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        kind = type(self).__name__
        self.num_heads, self.key_dim = positive(kind, "num_heads", num_heads), positive(kind, "key_dim", key_dim)
        self.value_dim = self.key_dim if value_dim is None else positive(kind, "value_dim", value_dim)
        self.use_bias, self.use_gate, self.seed = use_bias, use_gate, seed
        self._outer = None if not output_shape else (output_shape,) if isinstance(output_shape, int) else output_shape
        self.attention_axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        options = {
            "kernel_initializer": kernel_initializer, "bias_initializer": bias_initializer,
            "kernel_regularizer": kernel_regularizer, "bias_regularizer": bias_regularizer,
            "kernel_constraint": kernel_constraint, "bias_constraint": bias_constraint,
        }  # fmt: skip
        self.set_up(dropout, sliding_window, options)

    def build(self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        self.compute_output_shape(query_shape, value_shape, key_shape)
        inner = self.num_heads, self.key_dim
        self.query_dense = self.dense("query", len(query_shape), 1, inner)
        self.key_dense = self.dense("key", len(key_shape), 1, inner)
        self.query_dense.build(query_shape)
        self.key_dense.build(key_shape)
        if self.use_gate:
            self.gate_dense = self.dense("gate", len(query_shape), 1, (self.num_heads, self.value_dim), "sigmoid")
            self.gate_dense.build(query_shape)
        self.value_dense = self.dense("value", len(value_shape), 1, (self.num_heads, self.value_dim))
        self.value_dense.build(value_shape)
        rank = len(query_shape)
        outer = tuple(self._outer or (query_shape[-1],))
        self.output_dense = self.dense("attention_output", rank + 1, 2, outer)
        self.output_dense.build((*query_shape[:-1], self.num_heads, self.value_dim))
        axes = range(1, rank - 1) if self.attention_axes is None else self.attention_axes
        self._axes = tuple(axis % rank for axis in axes)
        self._drop = Dropout(self.dropout, seed=self.seed, dtype=self.dtype, name="dropout") if self.dropout else None

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:
        key = value if key is None else key
        masks = query_mask, value_mask, key_mask
        mask = self.mask_for(query, value, masks, attention_mask, use_causal_mask)
        scaled = self.query_dense(query) * (1.0 / math.sqrt(self.key_dim))
        drop = None if self._drop is None else lambda weights: self._drop(weights, training=training)  # type: ignore[misc]
        heads, weights = attend(scaled, self.key_dense(key), self.value_dense(value), self._axes, mask, drop)
        if self.use_gate:
            heads = heads * self.gate_dense(query)
        outputs = self.output_dense(heads)
        return (outputs, weights) if return_attention_scores else outputs

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The query's mask."""
        return previous_mask

    def compute_output_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> Any:
        key_shape = value_shape if key_shape is None else key_shape
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ValueError(
                f"Layer {self.name!r}: all sizes of value and key but the last must be equal, got shapes {value_shape} "
                f"and {key_shape}"
            )
        return (*query_shape[:-1], *(self._outer or (query_shape[-1],)))


@registered("layers", "GroupedQueryAttention")
class GroupQueryAttention(_Projected):
    """Attention whose heads of queries share, in groups, heads of keys and values; inputs are [batch, steps, size].

    Args:
        head_dim: size of a head.
        num_query_heads: number of heads of queries, a multiple of the next.
        num_key_value_heads: number of heads of keys and values.
        dropout, use_bias, sliding_window, flash_attention, kernel_initializer, bias_initializer, kernel_regularizer,
            bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint, use_gate, seed: as for
            MultiHeadAttention.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: Any = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        kind = type(self).__name__
        self.head_dim = positive(kind, "head_dim", head_dim)
        self.num_query_heads = positive(kind, "num_query_heads", num_query_heads)
        self.num_key_value_heads = positive(kind, "num_key_value_heads", num_key_value_heads)
        if self.num_query_heads % self.num_key_value_heads:
            raise ValueError(
                f"`num_query_heads` of {kind} must be a multiple of `num_key_value_heads`, got {num_query_heads} and "
                f"{num_key_value_heads}"
            )
        self.use_bias, self.use_gate, self.seed = use_bias, use_gate, seed
        options = {
            "kernel_initializer": kernel_initializer, "bias_initializer": bias_initializer,
            "kernel_regularizer": kernel_regularizer, "bias_regularizer": bias_regularizer,
            "kernel_constraint": kernel_constraint, "bias_constraint": bias_constraint,
        }  # fmt: skip
        self.set_up(dropout, sliding_window, options)

    def build(self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        many, few = (self.num_query_heads, self.head_dim), (self.num_key_value_heads, self.head_dim)
        self.query_dense = self.dense("query", 3, 1, many)
        self.key_dense = self.dense("key", 3, 1, few)
        self.query_dense.build(query_shape)
        self.key_dense.build(key_shape)
        if self.use_gate:
            self.gate_dense = self.dense("gate", 3, 1, many, "sigmoid")
            self.gate_dense.build(query_shape)
        self.value_dense = self.dense("value", 3, 1, few)
        self.value_dense.build(value_shape)
        self.output_dense = self.dense("attention_output", 4, 2, (query_shape[-1] or 0,))
        self.output_dense.build((*query_shape[:-1], *many))
        self._drop = Dropout(self.dropout, seed=self.seed, dtype=self.dtype, name="dropout") if self.dropout else None

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:
        key = value if key is None else key
        masks = query_mask, value_mask, key_mask
        mask = self.mask_for(query, value, masks, attention_mask, use_causal_mask)
        scaled = self.query_dense(query) * (1.0 / math.sqrt(self.head_dim))
        keys, values = self._repeated(self.key_dense(key)), self._repeated(self.value_dense(value))
        drop = None if self._drop is None else lambda weights: self._drop(weights, training=training)  # type: ignore[misc]
        heads, weights = attend(scaled, keys, values, (1,), mask, drop)
        if self.use_gate:
            heads = heads * self.gate_dense(query)
        outputs = self.output_dense(heads)
        return (outputs, weights) if return_attention_scores else outputs

    def _repeated(self, heads: Any) -> Any:
        """Each head of keys or values as often as there are heads of queries for it."""
        times = self.num_query_heads // self.num_key_value_heads
        if times == 1:
            return heads
        wide = tile(expand_dims(heads, 3), [1, 1, 1, times, 1])
        sizes = sizes_after(heads, 0)
        result = reshape(wide, [sizes[0], sizes[1], self.num_query_heads, self.head_dim])
        result.set_shape([*heads.sizes[:2], self.num_query_heads, self.head_dim])
        return result

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The query's mask."""
        return previous_mask

    def compute_output_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> Any:
        return tuple(query_shape)


GroupedQueryAttention = GroupQueryAttention

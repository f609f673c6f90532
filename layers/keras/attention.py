"""Attention and AdditiveAttention: weighted means of values, by how well keys fit queries."""

from __future__ import annotations

from typing import Any

from ...engine.dtypes import bool as bool_dtype
from ...engine.ops.array import identity, shape as shape_of
from ...engine.ops.array_order import transpose
from ...engine.ops.array_shape import expand_dims
from ...engine.ops.casting import cast
from ...engine.ops.comparison import logical_and
from ...engine.ops.cond import smart_cond
from ...engine.ops.nn_layers import dropout as nn_dropout
from ...engine.ops.nn_losses import softmax
from ...engine.ops.products import matmul
from ...engine.ops.ranges import range as numbers
from ...engine.ops.reduce import reduce_sum
from ...engine.ops.trigonometric import tanh
from .base import Layer
from .checks import last_size, one_of, share
from .serialization import registered


def hidden(scores: Any, mask: Any) -> Any:
    """Scores that are as good as minus infinity where the mask is False."""
    if mask is None:
        return scores
    least = 65504.0 if scores.dtype.base_dtype.name == "float16" else 1e9
    return scores - (1.0 - cast(mask, scores.dtype.base_dtype)) * least


def length_of(tensor: Any, axis: int) -> Any:
    """A size: a number where it is known, else a tensor."""
    return tensor.sizes[axis] if tensor.sizes[axis] is not None else shape_of(tensor)[axis]


def causal_mask(queries: Any, keys: Any) -> Any:
    """[1, queries, keys]: True where the key is not after the query."""
    rows, columns = numbers(queries), numbers(keys)
    return expand_dims(expand_dims(rows, 1) >= expand_dims(columns, 0), 0)


def both(first: Any, second: Any) -> Any:
    """Where both masks are True; a mask that is None hides nothing."""
    if first is None or second is None:
        return second if first is None else first
    return logical_and(first, second)


@registered("layers")
class Attention(Layer):
    """Dot-product attention over [query, value] or [query, value, key], each [batch, steps, size].

    A mask of the values hides them, a mask of the queries makes outputs zero.

    Args:
        use_scale: whether scores are multiplied by a weight.
        score_mode: "dot", or "concat" for the sum of `tanh(query + key)` times a weight.
        dropout: share of the weights dropped while training.
        seed: of the dropout.

    Raises:
        ValueError: the mode is unknown, or the inputs are no list of two or three.
    """

    supports_masking = True

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        kind = type(self).__name__
        self.use_scale, self.seed = use_scale, seed
        self.score_mode = one_of(kind, "score_mode", score_mode, ("dot", "concat"))
        self.dropout = share(kind, "dropout", dropout, below_one=True)
        self.scale: Any = None
        self.concat_score_weight: Any = None

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(), initializer="ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(name="concat_score_weight", shape=(), initializer="ones")

    def _check(self, inputs: Any) -> None:
        if not isinstance(inputs, list | tuple) or not 2 <= len(inputs) <= 3 or isinstance(inputs[0], int | None):
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) takes a list [query, value] or [query, value, key], got {inputs}"
            )

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: Any = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check(inputs)
        query, value = inputs[0], inputs[1]
        key = inputs[2] if len(inputs) > 2 else value
        scores = self.scores(query, key)
        value_mask = None if mask is None or mask[1] is None else expand_dims(cast(mask[1], bool_dtype), 1)
        if use_causal_mask:
            value_mask = both(causal_mask(length_of(query, 1), length_of(key, 1)), value_mask)
        weights = softmax(hidden(scores, value_mask))
        dropped = weights
        if self.dropout > 0:
            dropped = smart_cond(
                training,
                lambda: nn_dropout(weights, rate=self.dropout, seed=self.seed),
                lambda: identity(weights),
            )
        outputs = matmul(dropped, value)
        if mask is not None and mask[0] is not None:
            outputs = outputs * cast(expand_dims(mask[0], -1), outputs.dtype.base_dtype)
        return (outputs, weights) if return_attention_scores else outputs

    def scores(self, query: Any, key: Any) -> Any:
        """How well keys fit queries, [batch, queries, keys]."""
        if self.score_mode == "dot":
            product = matmul(query, transpose(key, [0, 2, 1]))
            return product if self.scale is None else product * self.scale
        pairs = expand_dims(query, -2) + expand_dims(key, -3)
        return self.concat_score_weight * reduce_sum(tanh(pairs if self.scale is None else self.scale * pairs), axis=-1)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The queries' mask."""
        return None if previous_mask is None else previous_mask[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        self._check(input_shape)
        return (*input_shape[0][:-1], input_shape[1][-1])


@registered("layers")
class AdditiveAttention(Attention):
    """Attention whose scores are sums of `tanh(query + key)`, weighted if `use_scale`; see Attention."""

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        if self.use_scale:
            size = last_size(self.name, input_shape[0])
            self.scale = self.add_weight(name="scale", shape=[size], initializer="glorot_uniform")

    def scores(self, query: Any, key: Any) -> Any:
        """How well keys fit queries, [batch, queries, keys]."""
        pairs = tanh(expand_dims(query, -2) + expand_dims(key, -3))
        return reduce_sum(pairs if self.scale is None else self.scale * pairs, axis=-1)

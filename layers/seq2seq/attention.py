"""Attention over a memory, by a product (Luong) or by a small network (Bahdanau), as TensorFlow 1.15's contrib.seq2seq."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import DType, as_dtype, float32
from ...engine.graph import Tensor, get_default_graph
from ...engine.initializers import constant_initializer, ones_initializer, zeros_initializer
from ...engine.ops.array import identity, shape, stack
from ...engine.ops.array_parts import ones_like, zeros
from ...engine.ops.array_sets import sequence_mask
from ...engine.ops.array_shape import expand_dims, squeeze
from ...engine.ops.checking import Assert
from ...engine.ops.choice import where
from ...engine.ops.nn_losses import softmax
from ...engine.ops.products import matmul
from ...engine.ops.reduce import reduce_all, reduce_sum
from ...engine.ops.trigonometric import tanh
from ...engine.ops.unary import rsqrt, square
from ...engine.variable_scope import get_variable, variable_scope
from ..core import Dense

Probability = Callable[[Any, Any], Any]


class AttentionMechanism:
    """What an AttentionWrapper asks: `alignments, next_state = mechanism(query, state)` over `values`."""

    values: Any
    dtype: DType

    def __call__(self, query: Any, state: Any) -> tuple[Any, Any]:
        """How much of each value of the memory to take `[batch, max_time]`, and the next state."""
        raise NotImplementedError(f"{type(self).__name__} does not define __call__")

    @property
    def alignments_size(self) -> Any:
        """The number of values, as a number or a scalar tensor."""
        raise NotImplementedError(f"{type(self).__name__} does not define alignments_size")

    @property
    def state_size(self) -> Any:
        """The size of the state without the batch."""
        raise NotImplementedError(f"{type(self).__name__} does not define state_size")


class MemoryAttention(AttentionMechanism):
    """Attention over a memory `[batch, max_time, depth]` whose values past a sequence's end count nothing.

    Args:
        query_layer: a layer for queries, None for none.
        memory: `[batch, max_time, ...]`, such as the outputs of an encoder.
        probability_fn: makes alignments of scores and the state before.
        memory_sequence_length: int vector `[batch]` of the values that count; all by default.
        memory_layer: a layer that makes keys of values, None for none.
        check_inner_dims_defined: whether the memory must be of known sizes but for batch and time.
        score_mask_value: the score of values that do not count; minus infinity by default.
        custom_key_value_fn: a function of keys and values that gives what is used instead.
        name: name scope.

    Raises:
        TypeError: a layer or function is not callable.
        ValueError: a size of the memory is not known.
    """

    def __init__(
        self,
        query_layer: Any,
        memory: Any,
        probability_fn: Probability,
        memory_sequence_length: Any = None,
        memory_layer: Any = None,
        check_inner_dims_defined: bool = True,
        score_mask_value: Any = None,
        custom_key_value_fn: Callable[[Any, Any], Any] | None = None,
        name: str | None = None,
    ) -> None:
        if not callable(probability_fn):
            raise TypeError(f"probability_fn must be callable, saw type: {type(probability_fn).__name__}")
        self.query_layer, self.memory_layer = query_layer, memory_layer
        self._probability = probability_fn
        self._mask_value = -np.inf if score_mask_value is None else score_mask_value
        with get_default_graph().name_scope(name or "BaseAttentionMechanismInit"):
            memory = convert_to_tensor(memory, name="memory")
            self.dtype = memory.dtype.base_dtype if memory_layer is None else as_dtype(memory_layer.dtype or float32)
            if check_inner_dims_defined and (memory.sizes is None or None in memory.sizes[2:]):
                raise ValueError(f"Expected memory to have fully defined inner dims, but saw shape: {memory.shape}")
            self._lengths = _lengths(memory_sequence_length)
            self.values = self._masked(memory)
            self.keys = self.values if memory_layer is None else memory_layer(self.values)
            if custom_key_value_fn is not None:
                self.keys, self.values = custom_key_value_fn(self.keys, self.values)
            self._batch, self._count = (
                shape(self.keys)[axis] if self.keys.sizes[axis] is None else self.keys.sizes[axis] for axis in (0, 1)
            )

    def _masked(self, memory: Tensor) -> Any:
        if self._lengths is None:
            return memory
        mask = sequence_mask(self._lengths, shape(memory)[1], memory.dtype.base_dtype)
        for _ in range(len(memory.sizes or ()) - 2):
            mask = expand_dims(mask, -1)
        masked = memory * mask
        masked.set_shape(memory.shape)
        return masked

    @property
    def batch_size(self) -> Any:
        """The batch's size, as a number or a scalar tensor."""
        return self._batch

    @property
    def alignments_size(self) -> Any:
        return self._count

    @property
    def state_size(self) -> Any:
        return self._count

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Any:
        """Alignments of zeros."""
        return zeros_of_size(self._count, batch_size, dtype)

    def initial_state(self, batch_size: Any, dtype: Any) -> Any:
        """The first state: that of the alignments."""
        return self.initial_alignments(batch_size, dtype)

    def _aligned(self, score: Any, state: Any) -> tuple[Any, Any]:
        if self._lengths is not None:
            mask = sequence_mask(self._lengths, shape(score)[1])
            score = where(mask, score, ones_like(score) * self._mask_value)
        alignments = self._probability(score, state)
        return alignments, alignments


def _lengths(given: Any) -> Any:
    """Sequence lengths, of which none may be zero: a softmax over nothing is not a number."""
    if given is None:
        return None
    lengths = convert_to_tensor(given, name="memory_sequence_length")
    text = "All values in memory_sequence_length must be greater than zero."
    with get_default_graph().control_dependencies([Assert(reduce_all(lengths > 0), [text, lengths])]):
        return identity(lengths)


def zeros_of_size(size: Any, batch_size: Any, dtype: Any) -> Any:
    """Zeros `[batch_size, size]`; both may be scalar tensors."""
    if isinstance(size, int) and isinstance(batch_size, int):
        return zeros([batch_size, size], as_dtype(dtype))
    result = zeros(stack([batch_size, size]), as_dtype(dtype))
    result.set_shape([s if isinstance(s, int) else None for s in (batch_size, size)])
    return result


def luong_score(query: Any, keys: Any, scale: Any) -> Any:
    """The products of a query `[batch, depth]` with keys `[batch, max_time, depth]`, times a scale.

    Raises:
        ValueError: the depths differ or are not known.
    """
    depth, units = query.sizes[-1], keys.sizes[-1]
    if depth != units:
        raise ValueError(
            f"Incompatible or unknown inner dimensions between query and keys. Query has units: {depth}, "
            f"keys have units: {units}. Perhaps you need to set num_units to the keys' dimension ({units})?"
        )
    score = squeeze(matmul(expand_dims(query, 1), keys, transpose_b=True), [1])
    return score if scale is None else scale * score


def bahdanau_score(query: Any, keys: Any, v: Any, g: Any = None, b: Any = None) -> Any:
    """`v · tanh(keys + query + b)`, where `v` is of the norm `g` if that is given."""
    total = keys + expand_dims(query, 1)
    if g is None:
        return reduce_sum(v * tanh(total), [2])
    return reduce_sum(g * v * rsqrt(reduce_sum(square(v))) * tanh(total + b), [2])


class LuongAttention(MemoryAttention):
    """Multiplicative attention (Luong et al. 2015): the product of the query and a linear map of the memory.

    Args:
        num_units: size of queries and keys.
        memory: `[batch, max_time, depth]`, such as the outputs of an encoder.
        memory_sequence_length: int vector `[batch]` of the values that count; all by default.
        scale: whether the scores are multiplied by a variable.
        probability_fn: makes alignments of scores; softmax by default.
        score_mask_value: the score of values that do not count; minus infinity by default.
        dtype: of the map.
        custom_key_value_fn: a function of keys and values that gives what is used instead.
        name: name scope.
    """

    def __init__(
        self,
        num_units: int,
        memory: Any,
        memory_sequence_length: Any = None,
        scale: bool = False,
        probability_fn: Callable[[Any], Any] | None = None,
        score_mask_value: Any = None,
        dtype: Any = None,
        custom_key_value_fn: Callable[[Any, Any], Any] | None = None,
        name: str | None = "LuongAttention",
    ) -> None:
        super().__init__(
            None,
            memory,
            of_scores(probability_fn or softmax),
            memory_sequence_length,
            Dense(num_units, use_bias=False, name="memory_layer", dtype=dtype or float32),
            score_mask_value=score_mask_value,
            custom_key_value_fn=custom_key_value_fn,
            name=name,
        )
        self._scale = scale

    def __call__(self, query: Any, state: Any) -> tuple[Any, Any]:
        """How much of each value to take, and the same as the next state."""
        with variable_scope(None, "luong_attention"):
            return self._aligned(luong_score(query, self.keys, scale_of(self._scale, query)), state)


def of_scores(function: Callable[[Any], Any]) -> Probability:
    """A function of scores as one of scores and state."""
    return lambda score, _: function(score)


def scale_of(wanted: bool, query: Any) -> Any:
    """The variable that multiplies the scores, None where there is none."""
    return get_variable("attention_g", (), query.dtype.base_dtype, ones_initializer()) if wanted else None


class BahdanauAttention(MemoryAttention):
    """Additive attention (Bahdanau et al. 2014): `v · tanh` of linear maps of the query and of the memory.

    Args:
        num_units: size of the maps.
        memory: `[batch, max_time, depth]`, such as the outputs of an encoder.
        memory_sequence_length: int vector `[batch]` of the values that count; all by default.
        normalize: whether `v` is normalised, and a bias added (weight normalisation).
        probability_fn: makes alignments of scores; softmax by default.
        score_mask_value: the score of values that do not count; minus infinity by default.
        dtype: of the maps.
        custom_key_value_fn: a function of keys and values that gives what is used instead.
        name: name scope.
    """

    def __init__(
        self,
        num_units: int,
        memory: Any,
        memory_sequence_length: Any = None,
        normalize: bool = False,
        probability_fn: Callable[[Any], Any] | None = None,
        score_mask_value: Any = None,
        dtype: Any = None,
        custom_key_value_fn: Callable[[Any, Any], Any] | None = None,
        name: str | None = "BahdanauAttention",
    ) -> None:
        super().__init__(
            Dense(num_units, use_bias=False, name="query_layer", dtype=dtype or float32),
            memory,
            of_scores(probability_fn or softmax),
            memory_sequence_length,
            Dense(num_units, use_bias=False, name="memory_layer", dtype=dtype or float32),
            score_mask_value=score_mask_value,
            custom_key_value_fn=custom_key_value_fn,
            name=name,
        )
        self._units, self._normalize = num_units, normalize

    def __call__(self, query: Any, state: Any) -> tuple[Any, Any]:
        """How much of each value to take, and the same as the next state."""
        with variable_scope(None, "bahdanau_attention"):
            return self._aligned(additive_score(self, query, self._units, self._normalize), state)


def additive_score(mechanism: MemoryAttention, query: Any, units: int, normalize: bool) -> Any:
    """The scores of a Bahdanau mechanism, whose variables are made in the current scope."""
    dtype = query.dtype.base_dtype
    asked = mechanism.query_layer(query) if mechanism.query_layer else query
    v = get_variable("attention_v", [units], dtype)
    if not normalize:
        return bahdanau_score(asked, mechanism.keys, v)
    g = get_variable("attention_g", (), dtype, constant_initializer(math.sqrt(1 / units)))
    b = get_variable("attention_b", [units], dtype, zeros_initializer())
    return bahdanau_score(asked, mechanism.keys, v, g, b)

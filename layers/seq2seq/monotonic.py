"""Attention that only goes forward through the memory (Raffel et al. 2017), as TensorFlow 1.15's contrib.seq2seq."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import as_dtype, float32, int32
from ...engine.graph import get_default_graph
from ...engine.initializers import constant_initializer
from ...engine.ops.array import shape, stack
from ...engine.ops.array_order import transpose
from ...engine.ops.array_parts import concat, ones_like, zeros, zeros_like
from ...engine.ops.array_sets import one_hot
from ...engine.ops.casting import cast
from ...engine.ops.choice import clip_by_value
from ...engine.ops.map_scan import scan
from ...engine.ops.random import random_normal
from ...engine.ops.scans import cumprod, cumsum
from ...engine.ops.trigonometric import sigmoid
from ...engine.ops.unary import exp, log
from ...engine.variable_scope import get_variable, variable_scope
from ..core import Dense
from .attention import MemoryAttention, additive_score, luong_score, scale_of


def safe_cumprod(x: Any, *args: Any, **kwargs: Any) -> Any:
    """The cumulative product of numbers between zero and one, by the sum of their logarithms; zeros are lifted a little.

    Args:
        x: the numbers.
        *args, **kwargs: as `tf.cumsum` takes them.
    """
    with get_default_graph().name_scope("SafeCumprod"):
        x = convert_to_tensor(x, name="x")
        tiny = float(np.finfo(x.dtype.base_dtype.numpy).tiny)
        return exp(cumsum(log(clip_by_value(x, tiny, 1)), *args, **kwargs))


def monotonic_attention(p_choose_i: Any, previous_attention: Any, mode: str) -> Any:
    """The attention after one more output, by the chances to stop at each value of the memory.

    Args:
        p_choose_i: `[batch, max_time]`, the chance to choose each value once it is reached.
        previous_attention: `[batch, max_time]`, of the output before; at first all on the first value.
        mode: "recursive" (exact), "parallel" (fast, may be inexact for long memories) or "hard" (chances are 0 or 1).

    Raises:
        ValueError: the mode is another.
    """
    chance = convert_to_tensor(p_choose_i, name="p_choose_i")
    previous = convert_to_tensor(previous_attention, name="previous_attention")
    if mode == "recursive":
        passed = concat([ones_like(chance[:, :1]), 1 - chance[:, :-1]], 1)
        steps = (transpose(passed), transpose(previous))
        return chance * transpose(scan(lambda reached, now: now[0] * reached + now[1], steps, zeros_like(chance[:, 0])))
    if mode == "parallel":
        passed = safe_cumprod(1 - chance, axis=1, exclusive=True)
        return chance * passed * cumsum(previous / clip_by_value(passed, 1e-10, 1.0), axis=1)
    if mode == "hard":
        # Nothing before the value that was chosen last.
        chance = chance * cumsum(previous, axis=1)
        return chance * cumprod(1 - chance, axis=1, exclusive=True)
    raise ValueError(f"mode must be 'recursive', 'parallel', or 'hard', got {mode!r}")


def _probability(score: Any, previous: Any, noise: float, mode: str, seed: int | None) -> Any:
    if noise > 0:
        score = score + noise * random_normal(shape(score), dtype=score.dtype.base_dtype, seed=seed)
    chance = cast(score > 0, score.dtype.base_dtype) if mode == "hard" else sigmoid(score)
    return monotonic_attention(chance, previous, mode)


class _MonotonicAttention(MemoryAttention):
    """Attention that starts at the memory's first value."""

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Any:
        """All on the first value."""
        rows = zeros([batch_size] if isinstance(batch_size, int) else stack([batch_size]), int32)
        return one_hot(rows, self._count, dtype=as_dtype(dtype))

    def _score_bias(self, query: Any, start: float) -> Any:
        return get_variable("attention_score_bias", (), query.dtype.base_dtype, constant_initializer(start))


class BahdanauMonotonicAttention(_MonotonicAttention):
    """Monotonic attention with additive scores.

    Args:
        num_units: size of the maps of query and memory.
        memory: `[batch, max_time, depth]`.
        memory_sequence_length: int vector `[batch]` of the values that count; all by default.
        normalize: whether the scores' vector is normalised.
        score_mask_value: the score of values that do not count; minus infinity by default.
        sigmoid_noise: deviation of the noise added to scores, which drives the chances to 0 and 1 in training.
        sigmoid_noise_seed: its seed.
        score_bias_init: what the scores' bias starts with.
        mode: as for `monotonic_attention`.
        dtype: of the maps.
        name: name scope.
    """

    def __init__(
        self,
        num_units: int,
        memory: Any,
        memory_sequence_length: Any = None,
        normalize: bool = False,
        score_mask_value: Any = None,
        sigmoid_noise: float = 0.0,
        sigmoid_noise_seed: int | None = None,
        score_bias_init: float = 0.0,
        mode: str = "parallel",
        dtype: Any = None,
        name: str | None = "BahdanauMonotonicAttention",
    ) -> None:
        super().__init__(
            Dense(num_units, use_bias=False, name="query_layer", dtype=dtype or float32),
            memory,
            partial(_probability, noise=sigmoid_noise, mode=mode, seed=sigmoid_noise_seed),
            memory_sequence_length,
            Dense(num_units, use_bias=False, name="memory_layer", dtype=dtype or float32),
            score_mask_value=score_mask_value,
            name=name,
        )
        self._units, self._normalize, self._bias_start = num_units, normalize, score_bias_init

    def __call__(self, query: Any, state: Any) -> tuple[Any, Any]:
        """How much of each value to take, and the same as the next state."""
        with variable_scope(None, "bahdanau_monotonic_attention"):
            bias = self._score_bias(query, self._bias_start)
            return self._aligned(additive_score(self, query, self._units, self._normalize) + bias, state)


class LuongMonotonicAttention(_MonotonicAttention):
    """Monotonic attention with scores that are products.

    Args:
        num_units: size of queries and keys.
        memory: `[batch, max_time, depth]`.
        memory_sequence_length: int vector `[batch]` of the values that count; all by default.
        scale: whether the scores are multiplied by a variable.
        score_mask_value: the score of values that do not count; minus infinity by default.
        sigmoid_noise: deviation of the noise added to scores, which drives the chances to 0 and 1 in training.
        sigmoid_noise_seed: its seed.
        score_bias_init: what the scores' bias starts with.
        mode: as for `monotonic_attention`.
        dtype: of the map.
        name: name scope.
    """

    def __init__(
        self,
        num_units: int,
        memory: Any,
        memory_sequence_length: Any = None,
        scale: bool = False,
        score_mask_value: Any = None,
        sigmoid_noise: float = 0.0,
        sigmoid_noise_seed: int | None = None,
        score_bias_init: float = 0.0,
        mode: str = "parallel",
        dtype: Any = None,
        name: str | None = "LuongMonotonicAttention",
    ) -> None:
        super().__init__(
            None,
            memory,
            partial(_probability, noise=sigmoid_noise, mode=mode, seed=sigmoid_noise_seed),
            memory_sequence_length,
            Dense(num_units, use_bias=False, name="memory_layer", dtype=dtype or float32),
            score_mask_value=score_mask_value,
            name=name,
        )
        self._scale, self._bias_start = scale, score_bias_init

    def __call__(self, query: Any, state: Any) -> tuple[Any, Any]:
        """How much of each value to take, and the same as the next state."""
        with variable_scope(None, "luong_monotonic_attention"):
            score = luong_score(query, self.keys, scale_of(self._scale, query))
            return self._aligned(score + self._score_bias(query, self._bias_start), state)

"""Attention and its gradient in one op each, as rewritten steps hold them; see rewriting/fuse_attention.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..dtypes import INDEX, bfloat16, float16, float32, float64
from ..graph import Sizes, Tensor
from ..inference import InferenceContext
from ..kernels.distributions import RESERVED_BLOCKS, mantissa_bits
from ..kernels.draws import words_from
from ..kernels.philox import Stream
from ..registry import op
from ..runtime import KernelContext
from .random import drawn_shape, stream_for

# What matrices are of; scores, and what is kept of them, are float32 where these have 16 bits.
_MATRICES, _SCORES = (float16, bfloat16, float32, float64), (float32, float64)
# Of which numbers weights are dropped.
_DRAWN = (float16, bfloat16, float32)


@op(
    "_Attention",
    "query: T, key: T, value: T, mask: masks * U, chance: chances * uint32",
    "mixed: T, most: U, share: U",
    T=_MATRICES,
    U=_SCORES,
)
def attention_op(
    query: Any,
    key: Any,
    value: Any,
    mask: Any,
    chance: Any = (),
    *,
    scale: float = 1.0,
    mask_factor: float = 1.0,
    hidden: float = 0.0,
    by_rows: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The softmax of `query . key^T * scale + mask * mask_factor`, times `value`; matrices are the last two axes.

    `by_rows`: the result's rows come before its heads, the last of the leading axes. `most` and `share` are the largest
    score of each row and 1 / the sum of what the exponentials of the scores less that are. Below zero, `hidden` is what
    lower scores become; rows that have no other have no gradient of their scores. Of `chance`, see _DropoutChance, is drawn
    which weights are dropped before they are multiplied by `value`.
    """


@op(
    "_AttentionGrad",
    "dy: T, query: T, key: T, value: T, mixed: T, most: U, share: U, mask: masks * U, chance: chances * uint32",
    "query_grad: T, key_grad: T, value_grad: T",
    T=_MATRICES,
    U=_SCORES,
)
def attention_grad_op(
    dy: Any,
    query: Any,
    key: Any,
    value: Any,
    mixed: Any,
    most: Any,
    share: Any,
    mask: Any,
    chance: Any = (),
    *,
    scale: float = 1.0,
    mask_factor: float = 1.0,
    hidden: float = 0.0,
    by_rows: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradient of _Attention from its inputs and results; `dy` has its heads first in any case."""


@op(
    "_PackedAttentionGrad",
    "dy: T, query: T, key: T, value: T, mixed: T, most: U, share: U, mask: masks * U, chance: chances * uint32",
    "packed: T",
    T=_MATRICES,
    U=_SCORES,
)
def packed_attention_grad_op(
    dy: Any,
    query: Any,
    key: Any,
    value: Any,
    mixed: Any,
    most: Any,
    share: Any,
    mask: Any,
    chance: Any = (),
    *,
    scale: float = 1.0,
    mask_factor: float = 1.0,
    hidden: float = 0.0,
    by_rows: bool = False,
    name: str | None = None,
) -> Tensor:
    """The same as one array [batch, rows, 3, heads, size]: of query, key and value."""


@op(
    "_DropoutChance",
    "shape: S, rate: T, factor: F",
    "chance: uint32",
    stateful=True,
    shape=lambda context: [(9,)],
    S=INDEX,
    T=_DRAWN,
    F=_DRAWN,
)
def dropout_chance_op(
    shape: Any, rate: Any, factor: Any, *, seed: int = 0, seed2: int = 0, name: str | None = None
) -> Tensor:
    """By what weights are dropped as `RandomUniform(shape, dtype=T) >= rate` keeps them, without the numbers themselves.

    The key (2 words) and the counter (4) of the stream, the bits of a word that make a number, the least such number that
    is kept, and the bits of `factor` as float32.
    """


for _definition in (attention_op, attention_grad_op, packed_attention_grad_op, dropout_chance_op):
    _definition.not_differentiable = True


def chance_words(stream: Stream, rate: Any, factor: Any) -> np.ndarray[Any, Any]:
    """What _DropoutChance gives for a stream; `rate` and `factor` have one element."""
    limit = 1 << mantissa_bits(rate.dtype)
    with np.errstate(invalid="ignore"):
        least = np.ceil(rate.astype(np.float64).reshape(()) * limit)
    least = int(np.clip(least, 0, limit)) if least == least else limit
    number = factor.astype(np.float32).reshape(1).view(np.uint32)[0]
    return np.array([*stream.key, *stream.counter, limit - 1, least, number], np.uint32)


@dropout_chance_op.state
def dropout_chance_state(context: KernelContext, sizes: Any, rate: Any, factor: Any, *, seed: int, seed2: int) -> Any:
    return chance_words(stream_for(context, math.prod(drawn_shape(sizes)) * RESERVED_BLOCKS), rate, factor)


@attention_op.shape
def attention_shape(context: InferenceContext) -> list[Sizes]:
    query, _, value = (context.with_rank_at_least(i, 3) for i in range(3))
    if query is None or value is None:
        return [None, None, None]
    mixed = (*query[:-1], value[-1])
    if context["by_rows"]:
        mixed = (*mixed[:-3], mixed[-2], mixed[-3], mixed[-1])
    return [mixed, query[:-1], query[:-1]]


@attention_grad_op.shape
def attention_grad_shape(context: InferenceContext) -> list[Sizes]:
    return [context.with_rank_at_least(i, 3) for i in range(1, 4)]


@packed_attention_grad_op.shape
def packed_attention_grad_shape(context: InferenceContext) -> list[Sizes]:
    batch, heads, rows, size = context.with_rank(1, 4)
    return [(batch, rows, 3, heads, size)]


def _wide(x: Any) -> Any:
    return x.astype(np.float32) if x.dtype.itemsize == 2 else x


def _scores(xp: Any, i: int, query: Any, key: Any, mask: Any, scale: float, mask_factor: float, hidden: float) -> Any:
    """The scores of batch `i`."""
    scores = xp.matmul(_wide(query[i]), xp.swapaxes(_wide(key[i]), -1, -2))
    scores *= scores.dtype.type(scale)
    for added in mask:
        scores += xp.broadcast_to(added, (len(query), *scores.shape))[i] * scores.dtype.type(mask_factor)
    if hidden < 0:
        xp.maximum(scores, scores.dtype.type(hidden), out=scores)
    return scores


def _kept(chance: Any, i: int, like: Any) -> tuple[Any, Any]:
    """Which weights of batch `i` are kept, and what they are multiplied by."""
    words = [int(word) for word in chance]
    stream = Stream((words[0], words[1]), (words[2], words[3], words[4], words[5]))
    drawn = words_from(stream, i * like.size, like.size).reshape(like.shape)
    return (drawn & np.uint32(words[6])) >= np.uint32(words[7]), chance[8:].view(np.float32)[0]


@attention_op.kernel
def attention_kernel(
    xp: Any, query: Any, key: Any, value: Any, mask: Any, chance: Any = (), *,
    scale: float, mask_factor: float, by_rows: bool, hidden: float = 0.0,
) -> Any:  # fmt: skip
    mixed = xp.empty((*query.shape[:-1], value.shape[-1]), query.dtype)
    kept = np.float32 if query.dtype.itemsize == 2 else query.dtype
    most, share = (xp.empty(query.shape[:-1], kept) for _ in range(2))
    # A batch at a time: all scores at once may be more than memory holds.
    for i in range(len(query)):
        scores = _scores(xp, i, query, key, mask, scale, mask_factor, hidden)
        most[i] = xp.max(scores, -1, initial=-np.inf)
        scores -= most[i][..., None]
        xp.exp(scores, scores)
        share[i] = 1 / xp.sum(scores, -1)
        for words in chance:
            kept, factor = _kept(words, i, scores)
            scores *= kept
            scores *= factor
        mixed[i] = xp.matmul(scores, _wide(value[i])) * share[i][..., None]
    return xp.ascontiguousarray(xp.swapaxes(mixed, -2, -3)) if by_rows else mixed, most, share


@attention_grad_op.kernel
def attention_grad_kernel(
    xp: Any, dy: Any, query: Any, key: Any, value: Any, mixed: Any, most: Any, share: Any, mask: Any,
    chance: Any = (), *, scale: float, mask_factor: float, by_rows: bool, hidden: float = 0.0,
) -> Any:  # fmt: skip
    results = tuple(xp.empty(x.shape, x.dtype) for x in (query, key, value))
    mixed = xp.swapaxes(mixed, -2, -3) if by_rows else mixed
    for i in range(len(query)):
        weights = _scores(xp, i, query, key, mask, scale, mask_factor, hidden)
        weights -= most[i][..., None]
        xp.exp(weights, weights)
        weights *= share[i][..., None]
        given = _wide(dy[i])
        slopes = xp.matmul(given, xp.swapaxes(_wide(value[i]), -1, -2))
        dropped = weights
        for words in chance:
            kept, factor = _kept(words, i, weights)
            dropped = weights * kept * factor
            slopes *= kept
            slopes *= factor
        slopes -= xp.sum(given * _wide(mixed[i]), -1, keepdims=True)
        slopes *= weights
        slopes *= slopes.dtype.type(scale)
        if hidden < 0:
            slopes[most[i] == most.dtype.type(hidden)] = 0
        results[0][i] = xp.matmul(slopes, _wide(key[i]))
        results[1][i] = xp.matmul(xp.swapaxes(slopes, -1, -2), _wide(query[i]))
        results[2][i] = xp.matmul(xp.swapaxes(dropped, -1, -2), given)
    return results


@packed_attention_grad_op.kernel
def packed_attention_grad_kernel(xp: Any, *values: Any, **attrs: Any) -> Any:
    return xp.ascontiguousarray(xp.stack(attention_grad_kernel(xp, *values, **attrs)).transpose(1, 3, 0, 2, 4))

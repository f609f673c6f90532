"""Mean and variance of the batches of all ranks together: what synchronised batch normalisation normalizes by."""

from __future__ import annotations

from typing import Any

from ..engine.communicator import current
from ..engine.conversion import convert_to_tensor
from ..engine.custom_gradient import custom_gradient
from ..engine.graph import Tensor
from ..engine.ops.array import reshape, shape
from ..engine.ops.array_parts import ones_like
from ..engine.ops.casting import cast
from ..engine.ops.collective import collective_reduce_op, collective_share_op
from ..engine.ops.division import div_no_nan
from ..engine.ops.reduce import reduce_sum
from ..engine.ops.unary import square

Moments = tuple[Tensor, Tensor]


def has_other_ranks() -> bool:
    """Whether there are ranks to synchronise with."""
    ranks = current()
    return ranks is not None and ranks.size > 1


def moments_of_ranks(inputs: Tensor, axes: list[int], keep: bool = False, seen: Any = None) -> Moments:
    """Mean and variance over axes of the inputs of all ranks.

    Args:
        inputs: this rank's part.
        axes: what is reduced.
        keep: whether they stay, with size 1.
        seen: 1 for the elements that count, 0 for others; None where all do.
    """
    share = cast(collective_share_op(), inputs.dtype.base_dtype)
    # A rank that has no examples goes along with a row that must not count.
    counts = ones_like(inputs) if seen is None else cast(seen, inputs.dtype.base_dtype)
    counts = counts * cast(share > 0, inputs.dtype.base_dtype)
    count = _sum(reduce_sum(counts, axes, keepdims=True), share)
    mean = div_no_nan(_sum(reduce_sum(inputs * counts, axes, keepdims=True), share), count)
    apart = square(inputs - mean) * counts
    variance = div_no_nan(_sum(reduce_sum(apart, axes, keepdims=True), share), count)
    if keep:
        return mean, variance
    kept = [size for a, size in enumerate(inputs.sizes or ()) if a not in axes]
    sizes: Any = kept
    if None in kept:
        known = shape(inputs)
        sizes = [known[a] for a in range(len(inputs.sizes or ())) if a not in axes]
    return reshape(mean, sizes), reshape(variance, sizes)


def _sum(x: Tensor, share: Tensor) -> Tensor:
    """The sum over ranks. The gradient is that of the loss of all, which is the mean by shares of those of the ranks."""

    @custom_gradient
    def of_ranks(value: Any, own: Any) -> Any:
        def gradient(dy: Any) -> list[Any]:
            total = _reduced(dy * own)
            return [div_no_nan(total, own), None]

        return _reduced(value), gradient

    result: Tensor = of_ranks(x, share)
    return result


def _reduced(value: Any) -> Tensor:
    ranks = current()
    size = 1 if ranks is None else ranks.size
    return collective_reduce_op(
        convert_to_tensor(value), group_size=size, group_key=0, instance_key=0, merge_op="Add", final_op="Id",
        subdiv_offsets=[0],
    )  # fmt: skip

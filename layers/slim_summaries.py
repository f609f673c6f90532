"""Summaries with a prefix, one tensor or many at a time, as TensorFlow 1.15's `tf.contrib.slim.summaries`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..engine.graph import Tensor, get_default_graph
from ..engine.ops import summaries
from ..engine.ops.checking import Print
from ..engine.ops.nn_layers import zero_fraction
from ..engine.scopes import GraphKeys


def _named(tensor: Any, name: str | None, prefix: str | None, ending: str | None = None) -> str:
    return "/".join(part for part in (prefix, name or tensor.op.name, ending) if part)


def _added(make: Callable[..., Tensor], name: str, tensor: Any, print_summary: bool = False) -> Tensor:
    summary: Tensor = make(name, tensor, collections=[])
    if print_summary:
        summary = Print(summary, [tensor], name)
    get_default_graph().add_to_collection(GraphKeys.SUMMARIES, summary)
    return summary


def add_scalar_summary(
    tensor: Any, name: str | None = None, prefix: str | None = None, print_summary: bool = False
) -> Tensor:
    """A summary of a scalar under `prefix/name`; the name of its operation if there is none.

    Args:
        tensor: a scalar.
        name: of the tag.
        prefix: of the tag.
        print_summary: write the value to standard error too, each time.
    """
    return _added(summaries.scalar, _named(tensor, name, prefix), tensor, print_summary)


def add_histogram_summary(tensor: Any, name: str | None = None, prefix: str | None = None) -> Tensor:
    """A summary of how values are distributed; names as for `add_scalar_summary`."""
    return _added(summaries.histogram, _named(tensor, name, prefix), tensor)


def add_image_summary(
    tensor: Any, name: str | None = None, prefix: str | None = None, print_summary: bool = False
) -> Tensor:
    """A summary with pictures; names as for `add_scalar_summary`."""
    return _added(summaries.image, _named(tensor, name, prefix), tensor, print_summary)


def add_zero_fraction_summary(
    tensor: Any, name: str | None = None, prefix: str | None = None, print_summary: bool = False
) -> Tensor:
    """A summary of the share of zeros under `prefix/name/fraction_of_zero_values`."""
    ending = "fraction_of_zero_values"
    return _added(summaries.scalar, _named(tensor, name, prefix, ending), zero_fraction(tensor), print_summary)


def add_scalar_summaries(tensors: Iterable[Any], prefix: str | None = None) -> list[Tensor]:
    """`add_scalar_summary` of each tensor."""
    return [add_scalar_summary(tensor, prefix=prefix) for tensor in tensors]


def add_histogram_summaries(tensors: Iterable[Any], prefix: str | None = None) -> list[Tensor]:
    """`add_histogram_summary` of each tensor."""
    return [add_histogram_summary(tensor, prefix=prefix) for tensor in tensors]


def add_image_summaries(tensors: Iterable[Any], prefix: str | None = None) -> list[Tensor]:
    """`add_image_summary` of each tensor."""
    return [add_image_summary(tensor, prefix=prefix) for tensor in tensors]


def add_zero_fraction_summaries(tensors: Iterable[Any], prefix: str | None = None) -> list[Tensor]:
    """`add_zero_fraction_summary` of each tensor."""
    return [add_zero_fraction_summary(tensor, prefix=prefix) for tensor in tensors]

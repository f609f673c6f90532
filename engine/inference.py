"""Static shapes: what a shape rule sees, and the rules that many ops share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .dtypes import DType
from .graph import Sizes, Tensor
from .shapes import broadcast_sizes, merge_sizes
from .source import user_line
from .static import constant_sizes, constant_value

if TYPE_CHECKING:
    from .registry import Op

ShapeRule = Callable[["InferenceContext"], Sequence[Sizes]]


class InferenceContext:
    """The inputs of an operation as its shape rule sees them: sizes, dtypes, attributes and known values."""

    __slots__ = ("_sizes_value", "_value", "attrs", "definition", "dtypes", "name", "sizes")

    def __init__(
        self,
        definition: Op[..., Any],
        sizes: Sequence[Sizes],
        dtypes: Sequence[DType],
        attrs: dict[str, Any],
        value: Callable[[int], np.ndarray[Any, Any] | None],
        sizes_value: Callable[[int], Sizes],
        name: str,
    ) -> None:
        self.definition = definition
        self.sizes = sizes
        self.dtypes = dtypes
        self.attrs = attrs
        self._value = value
        self._sizes_value = sizes_value
        self.name = name

    @staticmethod
    def of_tensors(
        definition: Op[..., Any], tensors: Sequence[Tensor], attrs: dict[str, Any], name: str
    ) -> InferenceContext:
        """The context of a new operation on tensors of a graph."""
        return InferenceContext(
            definition,
            [t.sizes for t in tensors],
            [t.dtype.base_dtype for t in tensors],
            attrs,
            lambda i: constant_value(tensors[i]),
            lambda i: constant_sizes(tensors[i]),
            name,
        )

    def value(self, index: int) -> np.ndarray[Any, Any] | None:
        """The value of input `index` where it is known without running anything."""
        return self._value(index)

    def shape_value(self, index: int) -> Sizes:
        """Input `index` read as a shape, with None for the sizes not known; None if not even their number is."""
        return self._sizes_value(index)

    def rank(self, index: int) -> int | None:
        """The number of dimensions of input `index`, where known."""
        sizes = self.sizes[index]
        return None if sizes is None else len(sizes)

    def with_rank(self, index: int, rank: int) -> tuple[int | None, ...]:
        """The sizes of input `index`, which must have `rank` dimensions."""
        sizes = self.sizes[index]
        if sizes is None:
            return (None,) * rank
        if len(sizes) != rank:
            raise ValueError(f"input {index} ({self.input_name(index)}) must have rank {rank}, got shape {show(sizes)}")
        return sizes

    def with_rank_at_least(self, index: int, rank: int) -> Sizes:
        """The sizes of input `index`, which must have at least `rank` dimensions."""
        sizes = self.sizes[index]
        if sizes is not None and len(sizes) < rank:
            raise ValueError(
                f"input {index} ({self.input_name(index)}) must have rank at least {rank}, got shape {show(sizes)}"
            )
        return sizes

    def input_name(self, index: int) -> str:
        """The argument name of a flat input."""
        arguments = self.definition.inputs
        if self.definition.has_list_input or index >= len(arguments):
            return f"#{index}"
        return arguments[index].name

    def __getitem__(self, attribute: str) -> Any:
        return self.attrs[attribute]


def show(sizes: Sizes) -> str:
    """A shape for messages: `[2,?]`, `<unknown>`."""
    if sizes is None:
        return "<unknown>"
    return "[" + ",".join("?" if size is None else str(size) for size in sizes) + "]"


def infer_sizes(definition: Op[..., Any], context: InferenceContext, count: int) -> list[Sizes]:
    """The sizes of the outputs; a rule's ValueError is raised again with the op, its name, inputs and the user's line."""
    rule = definition.shape_rule
    if rule is None:
        return [None] * count
    try:
        sizes = sizes_by(rule, context)
    except ValueError as error:
        shapes = ", ".join(show(s) for s in context.sizes)
        raise ValueError(
            f"{error} for {definition.type} operation {context.name!r}, made at {user_line()}, with input shapes: {shapes}."
        ) from None
    return sizes * count if len(sizes) == 1 and count > 1 else sizes


def sizes_by(rule: ShapeRule, context: InferenceContext) -> list[Sizes]:
    """What a rule says; ValueError also where it trips over attributes or values that it did not expect."""
    try:
        return list(rule(context))
    except (LookupError, ArithmeticError, TypeError, MemoryError) as error:
        raise ValueError(f"Attributes or values that fit no shape: {type(error).__name__}: {error}") from error


# Rules that many ops share


def like_first(context: InferenceContext) -> list[Sizes]:
    """The shape of the first input."""
    return [context.sizes[0]]


def broadcast(context: InferenceContext) -> list[Sizes]:
    """The shape that all inputs broadcast to."""
    result = context.sizes[0]
    for sizes in context.sizes[1:]:
        result = broadcast_sizes(result, sizes)
    return [result]


def all_alike(context: InferenceContext) -> list[Sizes]:
    """The shape that all inputs must share."""
    result = context.sizes[0]
    for sizes in context.sizes[1:]:
        result = merge_sizes(result, sizes)
    return [result]


def scalar_shape(context: InferenceContext) -> list[Sizes]:
    """The shape of a scalar."""
    return [()]


def unknown(context: InferenceContext) -> list[Sizes]:
    """Nothing known."""
    return [None]


def from_shape_attr(context: InferenceContext) -> list[Sizes]:
    """The shape in the attribute `shape`."""
    return [context["shape"].sizes]


def from_shape_input(context: InferenceContext) -> list[Sizes]:
    """The shape that the first input holds."""
    return [context.shape_value(0)]


def no_outputs(context: InferenceContext) -> list[Sizes]:
    """For ops without outputs."""
    return []


def axis_of(axis: int, rank: int) -> int:
    """A possibly negative axis as an index below `rank`; ValueError names both."""
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} is out of range for rank {rank}: expected a value in [{-rank}, {rank})")
    return axis % rank if rank else 0


def reduced_sizes(sizes: Sizes, axes: Any, keep_dims: bool) -> Sizes:
    """The shape after reduction over `axes` (None: not known which)."""
    if sizes is None:
        return None
    if axes is None:
        return (None,) * len(sizes) if keep_dims else None
    dropped = {axis_of(int(a), len(sizes)) for a in np.ravel(axes)}
    if keep_dims:
        return tuple(1 if i in dropped else s for i, s in enumerate(sizes))
    return tuple(s for i, s in enumerate(sizes) if i not in dropped)

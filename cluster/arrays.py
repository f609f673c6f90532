"""Collective operations on arrays for programs with a loop of their own: all ranks call the same ones in one order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.communicator import Communicator, needed
from ..engine.dtypes import of_array

Array = np.ndarray[Any, Any]


class ProcessSet:
    """Some ranks, whose collective operations the others take no part in; all ranks must make it together.

    Args:
        ranks: their numbers, in the order in which the set counts them.

    Attributes:
        ranks: the same.
        included: whether this rank is one of them.

    Raises:
        ValueError: a number is there twice or is no rank's.
    """

    def __init__(self, ranks: Sequence[int]) -> None:
        self.ranks = list(ranks)
        self._communicator = needed("a process set").subset(self.ranks)
        self.included = self._communicator is not None

    def communicator(self) -> Communicator:
        """What the set's operations are done by.

        Raises:
            ValueError: this rank is not one of them.
        """
        if self._communicator is None:
            raise ValueError(f"This rank is not one of the process set {self.ranks}")
        return self._communicator


def all_reduce(
    value: Any, name: str = "array", merge: str = "Add", average: bool = False, process_set: ProcessSet | None = None
) -> Array:
    """The sum (or with `merge` "Min", "Max", "Mul") over ranks of an array of one shape and dtype; equal bits on all.

    Args:
        value: an array, or what becomes one.
        name: for what is said when ranks disagree.
        merge: how elements are made one.
        average: divide by the number of ranks; of integers the result is float64.
        process_set: the ranks, by default all.

    Raises:
        InvalidArgumentError: the ranks are not at the same operation, or shapes or dtypes differ.
        TypeError: it is text or objects.
        ValueError: there is no such `merge`, or in a broadcast no rank `root_rank`.

    >>> all_reduce([1.0, 2.0])
    array([1., 2.])
    """
    ranks = _ranks(process_set)
    found = ranks.all_reduce(name, np.asarray(value), merge)
    if not average:
        return found
    kind = of_array(found)
    wide = found.dtype if kind.is_floating or kind.is_complex else np.float64
    return np.asarray(found / np.asarray(ranks.size, wide))


def all_gather(value: Any, name: str = "array", process_set: ProcessSet | None = None) -> list[Array]:
    """The arrays of all ranks, in their order; they may have different numbers of rows. See all_reduce."""
    return _ranks(process_set).all_gather(name, np.asarray(value))


def broadcast(value: Any, root_rank: int = 0, name: str = "array", process_set: ProcessSet | None = None) -> Array:
    """The array of one rank, on all; every rank gives one of its shape and dtype. See all_reduce."""
    return _ranks(process_set).broadcast(name, np.array(value), root_rank)


def _ranks(process_set: ProcessSet | None) -> Communicator:
    return needed("collective operations") if process_set is None else process_set.communicator()

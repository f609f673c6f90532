"""A group of ranks: each exchange is done inside every host first, then between hosts, then inside hosts again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..world import load
from .exchange import GATHER, SUM, Array, Exchange, operation
from .hosts import HostGroup
from .settings import ALIKE, Settings, name_of
from .shared import SharedGroup, runtime


class Group:
    """Ranks that exchange arrays.

    Args:
        comm: their communicator of MPI, which nobody else uses.
        names: the number of each of them in the job.
        settings: see Settings.

    Attributes:
        exchanges, exchanged_bytes: how many there were, and how many bytes this rank gave.
    """

    def __init__(self, comm: Any, names: Sequence[int], settings: Settings) -> None:
        self.rank, self.size = comm.rank, comm.size
        node = self._node(comm, settings, _has_runtime(comm, names, settings))
        self.host_of = _gathered(comm, _number_of_host(comm, node))
        self._hosts = max(self.host_of) + 1
        self._here = [q for q in range(self.size) if self.host_of[q] == self.host_of[self.rank]]
        self._shared = SharedGroup(node, [names[q] for q in self._here], settings) if node.size > 1 else None
        self._between: HostGroup | None = None
        if self._hosts > 1:
            leads = node.rank == 0
            leaders = comm.Split(0 if leads else load().UNDEFINED, comm.rank)
            if leads:
                first = [names[self.host_of.index(host)] for host in range(self._hosts)]
                self._between = HostGroup(leaders, first, settings)
        self.exchanges = self.exchanged_bytes = 0

    def _node(self, comm: Any, settings: Settings, has_runtime: bool) -> Any:
        if not has_runtime:
            # Without the native runtime every rank is a host of its own.
            return comm.Split(comm.rank, 0)
        node = comm.Split_type(load().COMM_TYPE_SHARED, comm.rank)
        if settings.ranks_per_host:
            node = node.Split(node.rank // settings.ranks_per_host, node.rank)
        return node

    @property
    def direct(self) -> SharedGroup | None:
        """The ranks of this host, if all are."""
        return self._shared if self._hosts == 1 else None

    def run(self, it: Exchange, scale: float = 1.0) -> None:
        """Does an exchange together with all ranks of the group; see SharedGroup.run."""
        self.exchanges += 1
        self.exchanged_bytes += it.nbytes
        if self._hosts == 1 and self._shared is not None:
            self._shared.run(it, scale)
        elif self.size == 1:
            _alone(it, scale)
        elif it.kind == SUM:
            self._sum(it, scale)
        else:
            self._gather(it)

    def _sum(self, it: Exchange, scale: float) -> None:
        if self._shared is not None:
            self._shared.run(it, scale)
        else:
            _alone(it, scale)
        if self._between is not None:
            self._between.agree(it.operation)
            self._between.add(it.operation, it.outputs, it.wire)
        if self._shared is not None:
            if it.spread is None:
                it.spread = Exchange(it.operation, SUM, it.outputs, it.outputs)
            # One rank has the sum, and nothing is added to it.
            self._shared.run(it.spread, 1.0 if self._between is not None else 0.0)

    def _gather(self, it: Exchange) -> None:
        if self._shared is not None:
            here = [it.outputs[q] for q in self._here]
            self._shared.run(Exchange(it.operation, GATHER, it.inputs, here))
        elif it.inputs:
            _alone(Exchange(it.operation, GATHER, it.inputs, [it.outputs[self.rank]]), 1.0)
        if self._between is not None:
            self._between.agree(it.operation)
            self._between.pass_on(it.operation, it.outputs, self.host_of)
        if self._shared is None:
            return
        for q, out in enumerate(it.outputs):
            if q not in self._here:
                empty = np.zeros(0, np.uint8)
                parts = [out if i == 0 else empty for i in range(len(self._here))]
                given = [out] if self._between is not None else [empty]
                self._shared.run(Exchange(operation("part", it.operation.text, ()), GATHER, given, parts))

    def set_busy(self, busy: bool) -> None:
        """Tells the ranks of this host whether this one does something that may take its time."""
        if self._shared is not None:
            self._shared.set_busy(busy)

    def leave(self, why: str = "") -> None:
        """Tells the others on this host that this rank takes part no more, because of an error if there is one."""
        if self._shared is not None:
            self._shared.leave(why)


def _has_runtime(comm: Any, names: Sequence[int], settings: Settings) -> bool:
    """Whether all ranks have the native runtime; ValueError where their settings differ."""
    own = np.array([*(getattr(settings, name) for name in ALIKE), runtime() is not None], np.int64)
    found = np.zeros((comm.size, len(own)), np.int64)
    comm.Allgather(own, found)
    for name, numbers in zip(ALIKE, found.T.tolist(), strict=False):
        if len(set(numbers)) > 1:
            said = ", ".join(f"rank {rank}: {number}" for rank, number in zip(names, numbers, strict=True))
            raise ValueError(f"{name_of(name)} must be the same on all ranks, got {said}")
    return bool(found[:, -1].all())


def _alone(it: Exchange, scale: float) -> None:
    if it.kind == GATHER:
        for given, out in zip(it.inputs, it.outputs, strict=True):
            np.copyto(out, given)
        return
    for array, out in zip(it.inputs, it.outputs, strict=True):
        if scale == 0:
            out.fill(0)
        elif scale == 1:
            np.copyto(out, array)
        else:
            np.multiply(array, np.asarray(scale, array.dtype), out=out)


def _number_of_host(comm: Any, node: Any) -> int:
    """The number of this rank's host: hosts are counted by their first ranks."""
    first = _gathered(node, comm.rank)[0]
    return sorted(set(_gathered(comm, first))).index(first)


def _gathered(comm: Any, number: int) -> list[int]:
    found = np.zeros(comm.size, np.int64)
    comm.Allgather(np.array([number], np.int64), found)
    return [int(n) for n in found]


def tree(arrays: list[Array], add: Any) -> Array:
    """`add` over arrays by pairs of neighbours, then pairs of pairs."""
    if len(arrays) == 1:
        return arrays[0]
    half = 1
    while 2 * half < len(arrays):
        half *= 2
    merged: Array = add(tree(arrays[:half], add), tree(arrays[half:], add))
    return merged

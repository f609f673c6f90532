"""The communicator of a job of several processes: what the engine's collective operations are done by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...engine.chance import set_apart
from ...engine.communicator import check_merge, check_root, check_subset, exchangeable
from ...engine.gpu.find import card_for_sums
from ..arrivals import wait_for_all
from ..launcher import launch
from ..world import load, world
from .exchange import CODES, GATHER, SUM, Array, Exchange, dtype_name, operation, shape_text
from .group import Group, tree
from .settings import Settings, settings_of
from .shared import SharedGroup
from .worker import Task, Worker

_ADD: dict[str, Callable[[Array, Array], Array]] = {
    "Add": np.add, "Mul": np.multiply, "Min": np.minimum, "Max": np.maximum
}  # fmt: skip
# Dtypes whose arrays the native runtime takes as they are: float32, float64 and integers of 32 and 64 bits.
_DIRECT = "fdilqILQ"
_MOST_SUMS = 1024
_WORDS = {"Add": "all-reduce", "Mul": "product", "Min": "minimum", "Max": "maximum"}


class BoundBucket:
    """Arrays in place whose sums over ranks are started and waited for."""

    def __init__(self, owner: ClusterCommunicator, it: Exchange) -> None:
        self._owner, self._it = owner, it
        self._task: Task | None = None

    def start(self, scale: float) -> None:
        """Begins; the arrays must not be written until `wait` has returned."""
        it, run = self._it, self._owner.group.run
        self._task = self._owner.worker.submit(lambda: run(it, scale))

    def wait(self) -> None:
        """Returns when the sums are there."""
        task, self._task = self._task, None
        if task is not None:
            self._owner.worker.wait(task)


class ClusterCommunicator:
    """Ranks that compute together; see the engine's Communicator.

    Attributes:
        rank, size: among these ranks.
        share: how much of a step's examples this rank has.
        cards: a number of each rank's GPU, 0 where it cannot add up with others.
        ranks: their numbers in the job.
        group: what exchanges, and counts.
    """

    def __init__(self, comm: Any, ranks: Sequence[int], settings: Settings, worker: Worker | None = None) -> None:
        self.rank, self.size, self.ranks = comm.rank, comm.size, list(ranks)
        self.share = 1.0 / self.size
        self._comm, self._settings = comm, settings
        self.group = Group(comm, self.ranks, settings)
        self._direct = self.group.direct
        self.cards: Sequence[int] = _cards(comm)
        # One thread for all groups: what a program asks for first is done first.
        self.worker = worker or Worker()
        group = self.group
        self.worker.at_failure.append(lambda error: group.leave(f"{type(error).__name__}: {error}"))
        # Some ranks that were asked for before; they are made by all ranks, so none is dropped by one of them.
        self._subsets: dict[tuple[int, ...], ClusterCommunicator | None] = {}
        # Sums that were asked for before, by name, dtype and shape; without their arrays.
        self._sums: dict[Any, Exchange] = {}
        self._agreements: dict[Any, Exchange] = {}
        self._endings: list[Callable[[], None]] = []

    def bucket(self, name: str, inputs: Sequence[Array], outputs: Sequence[Array], wire: str = "") -> BoundBucket:
        """What adds up arrays in place; see the engine's Communicator.

        Raises:
            TypeError: there is no sum of this dtype.
        """
        dtype = dtype_name(inputs[0])
        if dtype not in CODES or not all(a.dtype.isnative for a in (*inputs, *outputs)):
            raise TypeError(f"{name}: arrays of {inputs[0].dtype} are not added up over ranks")
        wire = wire if dtype == "float32" else ""
        made = operation("all-reduce", name, tuple(map(shape_text, inputs)), wire and f"sent as {wire}")
        return BoundBucket(self, Exchange(made, SUM, list(inputs), list(outputs), wire, True))

    def all_reduce(self, name: str, array: Array, merge: str = "Add", out: Array | None = None) -> Array:
        """The arrays of all ranks made one, in `out` if it is given.

        Raises:
            TypeError: they are text or objects.
            ValueError: there is no such `merge`.
        """
        if merge == "Add" and self._direct is not None and _is_direct(array):
            key = (name, array.dtype, array.shape)
            it = self._sums.get(key) or self._new_sum(self._direct, key, array)
            result = np.empty_like(array) if out is None else out
            self._sum(self._direct, it, array, result)
            return result
        check_merge(name, merge)
        array = np.asarray(exchangeable(name, array), order="C")
        result = np.empty_like(array) if out is None else out
        if array.dtype.kind == "c":
            parts = array.real.dtype
            if merge == "Add":
                self.all_reduce(name, array.reshape(-1).view(parts), merge, result.reshape(-1).view(parts))
                return result
        if merge == "Add" and dtype_name(array) in CODES:
            self._run(Exchange(operation("all-reduce", name, (shape_text(array),)), SUM, [array], [result]))
            return result
        parts_found = self._gathered(_WORDS[merge], name, array, [array.shape] * self.size)
        np.copyto(result, tree(parts_found, _ADD[merge]))
        return result

    def _new_sum(self, direct: SharedGroup, key: tuple[str, np.dtype[Any], tuple[int, ...]], array: Array) -> Exchange:
        if len(self._sums) >= _MOST_SUMS:
            self._sums.clear()
        it = Exchange(operation("all-reduce", key[0], (shape_text(array),)), SUM, [array], [array])
        self._sums[key] = direct.prepared(it)
        return it

    def _sum(self, direct: SharedGroup, it: Exchange, array: Array, out: Array) -> None:
        group, worker = self.group, self.worker
        group.exchanges += 1
        group.exchanged_bytes += array.nbytes
        # The usual case costs little: nothing is under way.
        if not worker.begin():
            worker.run(lambda: direct.all_reduce(it, array, out))
            return
        try:
            direct.all_reduce(it, array, out)
        except BaseException as error:
            worker.fail(error)
            raise
        finally:
            worker.end()

    def all_gather(self, name: str, array: Array) -> list[Array]:
        """The arrays of all ranks, which may differ in their first dimension; not of text or objects: TypeError."""
        array = np.asarray(exchangeable(name, array), order="C")
        rest = shape_text(np.empty((0, *array.shape[1:]), array.dtype)) if array.ndim else shape_text(array)
        rows = np.array([len(array) if array.ndim else 1], np.int64)
        counts = [np.zeros(1, np.int64) for _ in range(self.size)]
        self._run(Exchange(operation("rows for gather", name, (rest,)), GATHER, [rows], counts))
        shapes = [(int(c[0]), *array.shape[1:]) if array.ndim else () for c in counts]
        return self._gathered("gather", name, array, shapes)

    def _gathered(self, what: str, name: str, array: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
        found = [np.empty(shape, array.dtype) for shape in shapes]
        sizes = tuple(f"{dtype_name(array)}{list(shape)}" for shape in shapes)
        self._run(Exchange(operation(what, name, sizes), GATHER, [array], found))
        return found

    def broadcast(self, name: str, array: Array, root: int = 0) -> Array:
        """`array` with the values that it has on `root`, written in place.

        Raises:
            TypeError: it is text or objects.
            ValueError: there is no rank `root`.
        """
        check_root(root, self.size)
        piece = np.asarray(exchangeable(name, array), order="C")
        if piece is not array:
            np.copyto(array, self.broadcast(name, piece, root))
            return array
        empty = np.zeros(0, np.uint8)
        outputs = [array if q == root else empty for q in range(self.size)]
        given = [array] if self.rank == root else [empty]
        made = operation("broadcast", name, (shape_text(array),), f"from {root}")
        self._run(Exchange(made, GATHER, given, outputs))
        return array

    def barrier(self, name: str) -> None:
        """Returns when all ranks have called it."""
        self._run(Exchange(operation("barrier", name, ()), SUM, [], []))

    def agree(self, name: str, arrays: Sequence[str], value: int) -> list[int]:
        """The values of all ranks, which are about to have their GPUs add up the same tensors.

        Raises:
            InvalidArgumentError: another rank does something else.
            AbortedError: another rank has left.
            DeadlineExceededError: another rank did not come in time.
        """
        key = name, tuple(arrays)
        it = self._agreements.get(key)
        if it is None:
            if len(self._agreements) >= _MOST_SUMS:
                self._agreements.clear()
            given, found = np.zeros(1, np.int64), [np.zeros(1, np.int64) for _ in range(self.size)]
            it = self._agreements[key] = Exchange(operation("all-reduce", *key, "by GPUs"), GATHER, [given], found)
        it.inputs[0][0] = value
        self._run(it)
        return [int(found[0]) for found in it.outputs]

    def at_leaving(self, call: Callable[[], None]) -> None:
        """Has `call` called when this rank takes part no more."""
        self._endings.append(call)

    def subset(self, ranks: Sequence[int]) -> ClusterCommunicator | None:
        """The communicator of some ranks (numbers of this one's); all ranks of this one must ask for it together.

        Raises:
            ValueError: a number is there twice or is no rank's.
        """
        chosen = list(ranks)
        check_subset(chosen, self.size)
        self.worker.finish()
        self.barrier(f"process set {chosen}")
        key = tuple(chosen)
        if key not in self._subsets:
            self._subsets[key] = self._made(chosen)
        return self._subsets[key]

    def _made(self, chosen: list[int]) -> ClusterCommunicator | None:
        inside = self.rank in chosen
        comm = self._comm.Split(0 if inside else load().UNDEFINED, chosen.index(self.rank) if inside else 0)
        if not inside:
            return None
        return ClusterCommunicator(comm, [self.ranks[r] for r in chosen], self._settings, self.worker)

    def set_busy(self, busy: bool) -> None:
        """Tells the others whether this rank does something that may take its time: then it does not stall."""
        self.group.set_busy(busy)

    def _run(self, it: Exchange) -> None:
        run = self.group.run
        self.worker.run(lambda: run(it))

    def leave(self) -> None:
        """Takes part no more: who waits for this rank from now on gets an error."""
        for subset in self._subsets.values():
            if subset is not None:
                subset.leave()
        self.group.leave()
        # Afterwards: a rank that waits for this one must not wait for what this one waits for.
        for call in self._endings:
            call()


def _cards(comm: Any) -> list[int]:
    """A number of each rank's GPU, 0 where it cannot add up with others."""
    found = np.zeros(comm.size, np.int64)
    comm.Allgather(np.array([card_for_sums()[0]], np.int64), found)
    return [int(number) for number in found]


def communicator() -> ClusterCommunicator | None:
    """The communicator of all processes of this job, made when first asked for; None in a process of its own."""
    if launch().size == 1:
        return None
    settings, what = settings_of(), "first collective operation"
    wait_for_all(launch(), what, settings)
    job = world()
    # Ranks that started MPI for something else may not be here.
    job.barrier(what, settings.stall_timeout or None)
    made = ClusterCommunicator(job.collectives.Dup(), range(job.size), settings)
    job.finalizers.append(made.leave)
    set_apart(job.rank)
    return made


def _is_direct(array: Array) -> bool:
    dtype = array.dtype
    return dtype.char in _DIRECT and dtype.isnative and array.size > 0 and array.flags.c_contiguous

"""The values of variables on several ranks: the chief's given to all, sums over ranks, and values put back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..communicator import Communicator
from ..errors import UnimplementedError
from ..resources import RowStorage, VariableStorage
from ..rewriting.lower import variable_ref

Array = np.ndarray[Any, Any]


def storages(session: Any, variables: Iterable[Any]) -> list[VariableStorage]:
    """Where the values of variables are in a session, in the order of their names, each once."""
    store = session.runtime.resources
    found = {}
    for variable in variables:
        ref = variable_ref(variable._handle.op)
        found[ref.key] = store.variable(ref.key, ref.dtype, ref.sizes)
    return [found[key] for key in sorted(found)]


def broadcast_state(ranks: Communicator, session: Any, variables: Iterable[Any], root: int = 0) -> None:
    """Gives the variables of all ranks the values that they have on `root`.

    Raises:
        FailedPreconditionError: a variable has no value.
        InvalidArgumentError: the ranks have different variables.
    """
    for storage in storages(session, variables):
        if isinstance(storage, RowStorage):
            _broadcast_rows(ranks, storage, root)
            continue
        array = storage.value()
        if not array.dtype.hasobject:
            ranks.broadcast(storage.name, array, root)


def _broadcast_rows(ranks: Communicator, storage: RowStorage, root: int) -> None:
    storage.check()
    table, name = storage.table, storage.name
    rows, values = table.items()
    sizes = np.array([len(rows), len(table.streams)], np.int64)
    count, streams = (int(n) for n in ranks.broadcast(f"{name} sizes", sizes, root))
    if ranks.rank != root:
        rows, values = np.empty(count, np.int64), np.empty((count, *table.shape[1:]), table.dtype)
    words = table.streams.astype(np.uint64) if ranks.rank == root else np.empty((streams, 6), np.uint64)
    rows = ranks.broadcast(f"{name} rows", rows, root)
    values = ranks.broadcast(f"{name} values", values, root)
    words = ranks.broadcast(f"{name} streams", words.view(np.int64), root).view(np.uint64)
    if ranks.rank != root:
        table.replace(rows, values, words)


@contextmanager
def kept(session: Any, variables: Iterable[Any]) -> Iterator[None]:
    """The variables have the same values after as before."""
    found = [s for s in storages(session, variables) if s.initialized]
    before = [(*s.table.items(), s.table.streams) if isinstance(s, RowStorage) else (s.value().copy(),) for s in found]
    try:
        yield
    finally:
        for storage, arrays in zip(found, before, strict=True):
            if isinstance(storage, RowStorage):
                storage.table.replace(*arrays)
            else:
                np.copyto(storage.value(), arrays[0])


@contextmanager
def summed(ranks: Communicator, session: Any, variables: Iterable[Any], name: str, way: str = "sum") -> Iterator[None]:
    """Inside, the variables have the sums over ranks of their values; after, what they had before.

    With `way` "mean" their means, with "only_first_replica" the values of the first rank.
    """
    found = storages(session, variables)
    arrays = [_whole(s) for s in found]
    first = way == "only_first_replica"
    with kept(session, variables):
        given = [np.zeros_like(a) if first and ranks.rank else a for a in arrays]
        for array, total in zip(arrays, sums_over_ranks(ranks, name, given), strict=True):
            np.copyto(array, total / ranks.size if way == "mean" else total, casting="unsafe")
        yield


def mean_of_ranks(ranks: Communicator, session: Any, variables: Iterable[Any], name: str) -> None:
    """Gives floating variables the mean over ranks of their values."""
    arrays = [a for s in storages(session, variables) if (a := _whole(s)).dtype.kind == "f"]
    for array, total in zip(arrays, sums_over_ranks(ranks, name, arrays), strict=True):
        np.divide(total, ranks.size, out=array, casting="same_kind")


def _whole(storage: VariableStorage) -> Array:
    if isinstance(storage, RowStorage):
        raise UnimplementedError(
            None, None, f"The variable {storage.name} is kept by rows: its values of several ranks cannot be added up"
        )
    return storage.value()


def sums_over_ranks(ranks: Communicator, name: str, arrays: Sequence[Array]) -> list[Array]:
    """The sums over ranks of several arrays; those of one dtype go together."""
    results: list[Array] = [np.empty(0)] * len(arrays)
    for dtype in dict.fromkeys(a.dtype for a in arrays):
        chosen = [i for i, a in enumerate(arrays) if a.dtype == dtype]
        flat = np.concatenate([arrays[i].reshape(-1) for i in chosen])
        total, place = ranks.all_reduce(f"{name} {dtype}", flat), 0
        for i in chosen:
            results[i] = total[place : place + arrays[i].size].reshape(arrays[i].shape)
            place += arrays[i].size
    return results

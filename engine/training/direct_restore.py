"""Restoring variables straight into their memory, by several threads: what Saver.restore does where nothing else is asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..checkpoint.reader import CheckpointReader, PlainSlice
from ..errors import OpError
from ..graph import Operation
from ..ops.checkpoint_files import parse_slice_spec
from ..resources import ResourceStore, VariableStorage
from ..rewriting.lower import variable_ref
from ..session import InteractiveSession, Session
from ..static import constant_value

# Threads that read; more than the memory can serve do not help.
_MOST_THREADS = 4
# Below so many bytes threads take longer to start than to read.
_WORTH_THREADS = 1 << 22


@dataclass(frozen=True)
class _Target:
    """A variable, and which part of which tensor it gets."""

    name: str
    spec: str
    storage: VariableStorage
    array: np.ndarray[Any, Any]


def restored_directly(session: Any, restore: str, prefix: str) -> bool:
    """Does what running a saver's restore operation does, or nothing.

    A variable that has a value keeps it unless all of the checkpoint that is needed is good: that is read first.

    Returns:
        Whether it was done. Where it was not, the operation does it, or says what is wrong.
    """
    if type(session) not in (Session, InteractiveSession) or session.server is not None or session._by_options:
        return False
    assigns = list(_assigns(session.graph.get_operation_by_name(restore)))
    if not all(_is_plain(assign) for assign in assigns):
        return False
    try:
        with CheckpointReader(prefix) as reader:
            targets = _targets(assigns, session.runtime.resources)
            slices = [None if t is None else _slice_of(reader, t) for t in targets]
            # One that does not fit is left to the operation, which says so.
            found = [(t, s) for t, s in zip(targets, slices, strict=True) if t is not None and s is not None]
            return len(found) == len(targets) and _fill(found)
    except OpError:
        return False


def _assigns(operation: Operation) -> Iterator[Operation]:
    """What the groups of a saver's restore operation consist of."""
    for part in operation.control_inputs:
        if part.type == "NoOp":
            yield from _assigns(part)
        else:
            yield part


def _is_plain(assign: Operation) -> bool:
    """Whether an operation gives a variable what was read, as it is."""
    if assign.type not in ("Assign", "AssignVariableOp"):
        return False
    handle, value = (tensor.op for tensor in assign.inputs[:2])
    return handle.type in ("VariableV2", "Variable", "VarHandleOp") and value.type == "RestoreV2"


def _targets(assigns: list[Operation], store: ResourceStore) -> list[_Target | None]:
    texts: dict[Operation, list[list[str]] | None] = {}
    return [_target(assign, store, texts) for assign in assigns]


def _target(assign: Operation, store: ResourceStore, texts: dict[Operation, list[list[str]] | None]) -> _Target | None:
    ref, value = variable_ref(assign.inputs[0].op), assign.inputs[1]
    if value.op not in texts:
        texts[value.op] = _texts(value.op)
    found = texts[value.op]
    if found is None or ref.sizes is None or None in ref.sizes or ref.dtype != value.dtype:
        return None
    names, specs = found
    index = value.op.outputs.index(value)
    storage = store.variable(ref.key, ref.dtype, ref.sizes)
    array = storage.allocate(tuple(int(size or 0) for size in ref.sizes))
    if array.shape != ref.sizes or not array.flags.c_contiguous:
        return None
    return _Target(names[index], specs[index], storage, array)


def _texts(operation: Operation) -> list[list[str]] | None:
    values = [constant_value(tensor) for tensor in operation.inputs[1:3]]
    if any(value is None for value in values):
        return None
    return [[item.decode() for item in np.ravel(value)] for value in values if value is not None]


def _slice_of(reader: CheckpointReader, target: _Target) -> PlainSlice | None:
    entry = reader.entry(target.name)
    full, offset, shape = (
        parse_slice_spec(target.spec) if target.spec else (entry.shape, (0,) * len(entry.shape), entry.shape)
    )
    if entry.dtype != target.storage.dtype or full != entry.shape or shape != target.array.shape:
        return None
    return reader.plain_slice(target.name, offset, shape)


def _fill(found: list[tuple[_Target, PlainSlice]]) -> bool:
    total = sum(target.array.nbytes for target, _ in found)
    threads = min(_MOST_THREADS, os.cpu_count() or 1) if total >= _WORTH_THREADS else 1
    # The largest first: none is begun when the others have ended.
    found = sorted(found, key=lambda pair: -pair[0].array.nbytes)
    kept = [target.storage.initialized for target, _ in found]
    _all(threads, [piece.check for (_, piece), is_kept in zip(found, kept, strict=True) if is_kept])
    for target, _ in found:
        target.storage.initialized = False
    pairs = zip(found, kept, strict=True)
    _all(threads, [partial(piece.read_into, target.array, is_kept) for (target, piece), is_kept in pairs])
    for target, _ in found:
        target.storage.initialized = True
    return True


def _all(threads: int, actions: list[Callable[[], None]]) -> None:
    """Does all; raises the first error."""
    if threads == 1:
        for action in actions:
            action()
        return
    with ThreadPoolExecutor(threads, "Restoring") as pool:
        for done in [pool.submit(action) for action in actions]:
            done.result()

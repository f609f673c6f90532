"""Restoring variables straight into their memory, by several threads: what Saver.restore does where nothing else is asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from ..checkpoint.reader import CheckpointReader, PlainSlice
from ..errors import OpError
from ..graph import Operation
from ..ops.checkpoint_files import parse_slice_spec
from ..protos import SaverDef
from ..resources import ResourceStore, VariableStorage
from ..rewriting.lower import variable_ref
from ..session import InteractiveSession, Session
from ..static import constant_value

# Threads that read; more than the memory can serve do not help.
_MOST_THREADS = 4
# Below so many bytes threads take longer to start than to read.
_WORTH_THREADS = 1 << 22


@dataclass
class _Target:
    """A variable, which part of which tensor it gets, and how that is had: as a piece of a file, or as a value."""

    name: str
    spec: str
    storage: VariableStorage
    array: np.ndarray[Any, Any]
    piece: PlainSlice | None = None
    value: Any = None


def restored_directly(session: Any, definition: SaverDef, prefix: str) -> bool:
    """Does what running a saver's restore operation does, or nothing.

    A variable that has a value keeps it unless all of the checkpoint that is needed is good: that is read first. What
    is no variable is restored by its operations.

    Returns:
        Whether it was done. Where it was not, the operation does it, or says what is wrong.
    """
    if type(session) not in (Session, InteractiveSession) or session.server is not None or session._by_options:
        return False
    if session._closed:
        return False
    operations = list(_parts(session.graph.get_operation_by_name(definition.restore_op_name)))
    assigns = [op for op in operations if _is_plain(op)]
    others = [op for op in operations if not _is_plain(op)]
    # Read once for all, or not at all.
    if {op.inputs[1].op for op in assigns} & {t.op for op in others for t in op.inputs}:
        return False
    try:
        with CheckpointReader(prefix) as reader:
            targets = _targets(assigns, session.runtime.resources)
            if targets is None or not all(_found(reader, target) for target in targets):
                return False
            _check(targets)
            if others:
                session.run(others, {definition.filename_tensor_name: prefix})
            _fill(targets)
    except OpError:
        return False
    return True


def _parts(operation: Operation) -> Iterator[Operation]:
    """What the groups of a saver's restore operation consist of."""
    for part in operation.control_inputs:
        if part.type == "NoOp":
            yield from _parts(part)
        else:
            yield part


def _is_plain(assign: Operation) -> bool:
    """Whether an operation gives a variable what was read, as it is."""
    if assign.type not in ("Assign", "AssignVariableOp"):
        return False
    handle, value = (tensor.op for tensor in assign.inputs[:2])
    return handle.type in ("VariableV2", "Variable", "VarHandleOp") and value.type == "RestoreV2"


def _targets(assigns: list[Operation], store: ResourceStore) -> list[_Target] | None:
    """The variables; None where the graph does not say all about one of them."""
    found = []
    for restore, group in groupby(assigns, lambda assign: assign.inputs[1].op):
        texts = _texts(restore)
        if texts is None:
            return None
        for assign in group:
            ref, value = variable_ref(assign.inputs[0].op), assign.inputs[1]
            if ref.sizes is None or None in ref.sizes or ref.dtype != value.dtype:
                return None
            storage = store.variable(ref.key, ref.dtype, ref.sizes)
            array = storage.allocate(tuple(int(size or 0) for size in ref.sizes))
            if array.shape != ref.sizes or not array.flags.c_contiguous:
                return None
            index = restore.outputs.index(value)
            found.append(_Target(texts[0][index], texts[1][index], storage, array))
    return found


def _texts(operation: Operation) -> list[list[str]] | None:
    values = [constant_value(tensor) for tensor in operation.inputs[1:3]]
    if any(value is None or not all(isinstance(item, bytes) for item in np.ravel(value)) for value in values):
        return None
    return [[item.decode() for item in np.ravel(value)] for value in values if value is not None]


def _found(reader: CheckpointReader, target: _Target) -> bool:
    """Whether what a target gets is there and fits; if so it is looked up, or read where it is no plain piece."""
    entry = reader.entry(target.name)
    full, offset, shape = (
        parse_slice_spec(target.spec) if target.spec else (entry.shape, (0,) * len(entry.shape), entry.shape)
    )
    if entry.dtype != target.storage.dtype or full != entry.shape or shape != target.array.shape:
        return False
    target.piece = reader.plain_slice(target.name, offset, shape)
    if target.piece is None:
        target.value = reader.get_slice(target.name, offset, shape)
    return True


def _check(targets: list[_Target]) -> None:
    """Raises DataLossError if what variables with values get is damaged."""
    _all(targets, [t.piece.check for t in _by_size(targets) if t.piece is not None and t.storage.initialized])


def _fill(targets: list[_Target]) -> None:
    kept = {id(target): target.storage.initialized for target in targets}
    for target in targets:
        target.storage.initialized = False
    pieces = [(t, t.piece) for t in _by_size(targets) if t.piece is not None]
    _all(targets, [partial(piece.read_into, t.array, kept[id(t)]) for t, piece in pieces])
    for target in targets:
        if target.piece is None:
            np.copyto(target.array, target.value)
        target.storage.changed_at_home()
        target.storage.initialized = True


def _by_size(targets: list[_Target]) -> list[_Target]:
    # The largest first: none is begun when the others have ended.
    return sorted(targets, key=lambda target: -target.array.nbytes)


def _all(targets: list[_Target], actions: list[Callable[[], None]]) -> None:
    """Does all, in threads where the targets are large; raises the first error."""
    total = sum(target.array.nbytes for target in targets)
    threads = min(_MOST_THREADS, os.cpu_count() or 1) if total >= _WORTH_THREADS else 1
    if threads == 1:
        for action in actions:
            action()
        return
    from concurrent.futures import ThreadPoolExecutor  # not needed to import the package

    with ThreadPoolExecutor(threads, "Restoring") as pool:
        for done in [pool.submit(action) for action in actions]:
            done.result()

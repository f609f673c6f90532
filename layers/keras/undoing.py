"""What fails half-way leaves nothing: no operations, variables, names or values in the default graph and its session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import Any

from ...engine.graph import DEFAULT, get_default_graph
from . import backend
from .graph_record import GraphRecord, record_of


@contextmanager
def whole_or_nothing() -> Iterator[None]:
    """Takes back what the block added to the default graph, to its layers' names and to its session, if it fails."""
    graph = get_default_graph().outermost()
    record = record_of(graph)
    before = _copy(record)
    sessions = [s for s in {id(s): s for s in (record.session, *DEFAULT.sessions) if s is not None}.values()]
    held = [(s, set(s.runtime.resources.variables), set(backend._READY.get(s, ()))) for s in sessions]
    try:
        with graph.whole_or_nothing():
            yield
    except BaseException:
        if record.session is not None and record.session is not before.session:
            record.session.close()
        vars(record).update(vars(before))
        for session, keys, ready in held:
            backend._READY[session] = ready
            _keep(session.runtime.resources, keys)
        raise


def _copy(record: GraphRecord) -> GraphRecord:
    return replace(
        record, names=copy(record.names), histories=copy(record.histories), masks=copy(record.masks),
        variables=copy(record.variables),
    )  # fmt: skip


def _keep(store: Any, names: set[str]) -> None:
    """Takes variables of other names out of a session's store."""
    with store.lock:
        for name in set(store.variables) - names:
            del store.variables[name]
        store.generation += 1

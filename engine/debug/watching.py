"""Runs that are watched: a session's second set of programs, which run one operation at a time and show what they compute.

The first set, which runs all other steps, is not touched. State (variables, queues, random counters) is the session's.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from ..compiler import FunctionCalls
from ..dtypes import as_dtype
from ..errors import UnimplementedError
from ..fetching import key_of
from ..graph import Graph
from ..resources import VariableStorage
from ..rewriting.dataflow import Node, Value
from ..rewriting.lower import handle_of, variable_ref
from ..rewriting.passes import PASSES
from ..runtime import Runtime
from ..scopes import GraphKeys
from .debug_ops import CHECK, DebugOp, parse_debug_op
from .dump_writer import DISK, DumpWriter
from .graph_text import described_graph
from .numerics import NumericsCheck
from .watch import EVERY_NODE, EVERY_SLOT, folder_of

# Shapes and what follows from them are computed ahead here as well; all else runs as the graph says.
_PASSES = frozenset({"infer", "fold"})


class Sink(Protocol):
    """What looks at one run."""

    def see(self, node: Node, values: Sequence[Any]) -> None:
        """Called after each node with one value an output."""


class _Relay:
    """The observer of the watched programs: hands on to the sinks of the run of this thread, if it has any."""

    def __init__(self) -> None:
        self._runs = threading.local()

    def see(self, node: Node, values: Sequence[Any]) -> None:
        for sink in getattr(self._runs, "sinks", ()):
            sink.see(node, values)

    def run(self, sinks: list[Sink], call: Callable[[], Any]) -> Any:
        around = getattr(self._runs, "sinks", ())
        self._runs.sinks = sinks
        try:
            return call()
        finally:
            self._runs.sinks = around


class Watching:
    """The watched programs of a session, which are compiled as they are needed."""

    def __init__(self, session: Any, make_step: Callable[[Watching, Any, Sequence[Any]], Any]) -> None:
        if session.server is not None:
            raise UnimplementedError(None, None, "Steps on a server's tasks cannot be watched or checked for NaN yet")
        self.server: Any = None
        self.graph: Graph = session.graph
        self.relay = _Relay()
        self.options = replace(
            session.options, off=session.options.off | (PASSES.keys() - _PASSES), observer=self.relay
        )
        calls = FunctionCalls(self.options)
        # All but the calls of functions is shared: state, cancellation, deadlines, traces.
        shared: Runtime = session.runtime
        self.runtime = replace(shared, call=calls)
        calls.runtime = self.runtime
        self.runs = 0
        self._make_step = make_step
        self._steps: dict[Any, _Prepared] = {}

    def step(self, fetches: Any, feed_dict: dict[Any, Any], options: Any, check: bool) -> WatchedRun:
        """A run of `fetches` that is shown to what the options ask for."""
        keys = tuple(feed_dict)
        key = (key_of(fetches), keys)
        prepared = self._steps.get(key)
        if prepared is None:
            prepared = self._steps[key] = _Prepared(self._make_step(self, fetches, keys), fetches, keys, self.graph)
        self.runs += 1
        asked = options.debug_options if options is not None and options.HasField("debug_options") else None
        return WatchedRun(self, prepared, asked, check)


class _Prepared:
    """A step with what its dumps say of it."""

    def __init__(self, step: Any, fetches: Any, keys: Sequence[Any], graph: Graph) -> None:
        self.step = step
        self.fetches = _named(fetches)
        self.feeds = [_named(key) for key in keys]
        self._graph_text: str | None = None
        self.graph = graph

    @property
    def graph_text(self) -> str:
        """The text of graph.json."""
        if self._graph_text is None:
            step = self.step.compiled
            self._graph_text = json.dumps(described_graph(step.fetches, step.targets, step.fed), separators=(",", ":"))
        return self._graph_text


def _named(item: Any) -> Any:
    if isinstance(item, list | tuple):
        return [_named(i) for i in item]
    if isinstance(item, dict):
        return {str(key): _named(value) for key, value in item.items()}
    return item if isinstance(item, str) else str(getattr(item, "name", repr(item)))


class WatchedRun:
    """One run, in the place of a session's step."""

    def __init__(self, watching: Watching, prepared: _Prepared, asked: Any, check: bool) -> None:
        self.watching = watching
        self.prepared = prepared
        self.compiled = prepared.step.compiled
        self.asked = asked
        self.step_number = _global_step(watching.graph, watching.runtime)
        self.number = watching.runs
        watches = list(asked.debug_tensor_watch_opts) if asked is not None else []
        # A session that checks watches every run.
        self.checks_all = check
        self.check = check or any(CHECK in w.debug_ops for w in watches)
        self.dumps = [_Dump(folder, watches) for folder in _folders(watches)]

    def run(self, values: Iterable[Any]) -> Any:
        """The step's results; dumps are there when it returns, and also when it raises."""
        if self.asked is not None and self.asked.reset_disk_byte_usage:
            DISK.reset()
        sinks: list[Sink] = [*self.dumps]
        if self.check:
            sinks.append(NumericsCheck(self._words()))
        with ExitStack() as stack:
            for dump in self.dumps:
                dump.writer.begin(self._described(), self.prepared.graph_text)
                stack.push(lambda kind, error, trace, dump=dump: dump.writer.end(error))
            return self.watching.relay.run(sinks, lambda: self.prepared.step.run(values))

    def _words(self) -> str:
        run = f"{'run' if self.checks_all else 'watched run'} {self.number} of this session"
        return run if self.step_number is None else f"global step {self.step_number} ({run})"

    def _described(self) -> dict[str, Any]:
        asked = -1 if self.asked is None else self.asked.global_step
        return {
            "fetches": self.prepared.fetches,
            "feeds": self.prepared.feeds,
            "global_step": self.step_number if asked == -1 and self.step_number is not None else asked,
            "run": self.number,
            "device": self.watching.options.placement.device_names()[0],
        }


def _folders(watches: Sequence[Any]) -> list[str]:
    return list(dict.fromkeys(folder_of(url) for w in watches for url in w.debug_urls))


def global_step_of(session: Any) -> int | None:
    """The global step that a session stands at; None if its graph has none, or it has no value yet."""
    session = session._tf_sess() if hasattr(session, "_tf_sess") else session
    return _global_step(session.graph, session.runtime)


def _global_step(graph: Graph, runtime: Runtime) -> int | None:
    items = graph.get_collection(GraphKeys.GLOBAL_STEP)
    handle = handle_of(items[0].op) if len(items) == 1 else None
    if handle is None:
        return None
    storage = runtime.resources.variables.get(variable_ref(handle).key)
    if storage is None or not storage.initialized or storage.array is None or storage.array.size != 1:
        return None
    return int(storage.read().item())


class _Dump:
    """A sink that writes the watched tensors of one run to a folder."""

    def __init__(self, folder: str, watches: Sequence[Any]) -> None:
        self.writer = DumpWriter(folder)
        self.watched: dict[tuple[str, int], list[str]] = {}
        for watch in watches:
            if folder in map(folder_of, watch.debug_urls):
                self.watched.setdefault((watch.node_name, watch.output_slot), []).extend(watch.debug_ops)
        self.functions: dict[str, tuple[str, DebugOp]] = {
            text: parse_debug_op(text) for texts in self.watched.values() for text in texts
        }

    def see(self, node: Node, values: Sequence[Any]) -> None:
        for output, value in zip(node.outputs, values, strict=True):
            key = tensor_of(node, output)
            if key is None or value is None:
                continue
            wanted = [
                text
                for name in (key[0], EVERY_NODE)
                for slot in (key[1], EVERY_SLOT)
                for text in self.watched.get((name, slot), ())
            ]
            for text in dict.fromkeys(wanted):
                self._keep(key, node, output, value, *self.functions[text])

    def _keep(
        self, key: tuple[str, int], node: Node, output: Value, value: Any, debug_op: str, function: DebugOp
    ) -> None:
        if isinstance(value, VariableStorage):
            if output.dtype.name == "resource":
                return
            array, initialized = (value.read(), True) if value.initialized else (None, False)
        elif isinstance(value, np.ndarray | np.generic | bytes) and output.dtype.name not in ("resource", "variant"):
            array, initialized = np.asarray(value, output.dtype.numpy), True
        else:
            return
        kept = function(array, output.dtype)
        if kept is None and (array is not None or debug_op == CHECK):
            return
        dtype = output.dtype if kept is array or kept is None else as_dtype(kept.dtype)
        kind = node.origin.type if node.origin is not None else node.type
        entry = {"node": key[0], "slot": key[1], "debug_op": debug_op, "op": kind, "initialized": initialized}
        self.writer.add(entry, kept, dtype)


def tensor_of(node: Node, output: Value) -> tuple[str, int] | None:
    """The name of the operation and the slot that a value is known by in the graph; None for reads between operations."""
    origin = node.origin
    if origin is None or node.name == origin.name:
        return node.name, output.index
    found = re.fullmatch(r"(.*):(\d+)", node.name)
    return (found[1], int(found[2])) if found and found[1] == origin.name else None

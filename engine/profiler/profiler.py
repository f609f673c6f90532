"""tf.profiler: profile, advise and Profiler, as in TensorFlow 1.15."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import InvalidArgumentError, UnimplementedError
from ..graph import Graph, get_default_graph
from ..protos import (
    AdviceProto,
    GraphNodeProto,
    MultiGraphNodeProto,
    OpLogProto,
    ProfileProto,
    RunMetadata,
)
from ..tracing.timeline import Timeline
from .messages import graph_node, multi_graph_node
from .nodes import Profiled, on_accelerator, own_times, profiled_nodes
from .options import Options, ProfileOptionBuilder, checked_options
from .report import table_text, time_text, tree_text
from .views import ViewNode, by_edge, by_line, by_scope, by_type, shown, shown_chain

_VIEWS = {"scope": by_scope, "graph": by_edge, "code": by_line, "op": by_type}

# The checks of `advise`, each with options of its own.
ALL_ADVICE: dict[str, dict[str, Any]] = {
    "ExpensiveOperationChecker": {},
    "AcceleratorUtilizationChecker": {},
    "JobChecker": {},
    "OperationChecker": {},
}


def profile(
    graph: Graph | None = None,
    run_meta: RunMetadata | None = None,
    op_log: OpLogProto | None = None,
    cmd: str = "scope",
    options: dict[str, Any] | None = None,
) -> Any:
    """Writes what is known of a graph as text and returns it as a message; as TensorFlow 1.15's `tf.profiler.profile`.

    Args:
        graph: by default the default graph.
        run_meta: of a run with a trace, step 0: times, bytes, and shapes that the graph does not know.
        op_log: types by which to choose operations, and counts where there is no rule.
        cmd: "scope" for a tree of name scopes, "graph" of edges, "op" for op types, "code" for lines of code.
        options: what ProfileOptionBuilder builds; by default the trainable parameters.

    Returns:
        A GraphNodeProto for "scope" and "graph", a MultiGraphNodeProto for "op" and "code".

    Raises:
        InvalidArgumentError: `cmd` or an option is not known.

    Example:
        >>> import headrace as tf
        >>> with tf.Graph().as_default() as graph:
        ...     w = tf.get_variable("dense/w", [3, 5])
        ...     found = profile(graph)
        node name | # parameters
        _TFProfRoot (--/15 params)
          dense (--/15 params)
            dense/w (3x5, 15/15 params)
        >>> found.total_parameters
        15
    """
    chosen = ProfileOptionBuilder.trainable_variables_parameter() if not options else options
    runs = {} if run_meta is None else {0: run_meta}
    return _profile(graph if graph is not None else get_default_graph(), runs, op_log, cmd, chosen)


def _profile(
    graph: Graph, runs: Mapping[int, RunMetadata], op_log: OpLogProto | None, cmd: str, values: dict[str, Any]
) -> Any:
    if cmd not in _VIEWS:
        raise InvalidArgumentError(None, None, f"unknown cmd: {cmd!r} is not one of {', '.join(_VIEWS)}")
    options = checked_options(values)
    chosen = _chosen_runs(runs, options.step)
    view = _VIEWS[cmd](profiled_nodes(graph, chosen, op_log))
    root = shown_chain(view, options) if cmd == "op" else shown(view, options)
    _write(root, options, cmd, chosen)
    return graph_node(root) if cmd in ("scope", "graph") else multi_graph_node(root)


def _chosen_runs(runs: Mapping[int, RunMetadata], step: int) -> list[RunMetadata]:
    if step == -1:
        return list(runs.values())
    if step not in runs:
        raise InvalidArgumentError(None, None, f"There is no step {step}; there are {sorted(runs)}")
    return [runs[step]]


def _write(root: ViewNode, options: Options, cmd: str, runs: list[RunMetadata]) -> None:
    if options.output == "none":
        return
    if options.output == "pprof":
        raise UnimplementedError(None, None, "The profiler writes no pprof files; write text, or a timeline")
    if options.output == "timeline":
        Path(options.path).write_text(_timeline(runs))
        return
    text = table_text(root, options) if cmd == "op" else tree_text(root, options)
    if options.output == "file":
        Path(options.path).write_text(text)
    else:
        sys.stdout.write(text)


def _timeline(runs: list[RunMetadata]) -> str:
    if not runs:
        raise InvalidArgumentError(None, None, "A timeline needs the RunMetadata of a run with a trace")
    return Timeline(runs[-1].step_stats).generate_chrome_trace_format(show_memory=True)


def advise(
    graph: Graph | None = None, run_meta: RunMetadata | None = None, options: dict[str, Any] | None = None
) -> AdviceProto:
    """Names what takes most time; as TensorFlow 1.15's `tf.profiler.advise`.

    ExpensiveOperationChecker reports the three op types, scopes and lines of code that take most of the time. The other
    checks of ALL_ADVICE look at accelerators and clusters and have nothing to say of one processor.
    """
    runs = {} if run_meta is None else {0: run_meta}
    return _advise(graph if graph is not None else get_default_graph(), runs, options)


def _advise(graph: Graph, runs: Mapping[int, RunMetadata], options: Mapping[str, Any] | None) -> AdviceProto:
    checks = ALL_ADVICE if options is None else options
    unknown = sorted(set(checks) - set(ALL_ADVICE))
    if unknown:
        raise InvalidArgumentError(None, None, f"There are no checks {unknown}; there are {sorted(ALL_ADVICE)}")
    advice = AdviceProto()
    for name in checks:
        advice.checkers[name].SetInParent()
    if runs and "ExpensiveOperationChecker" in checks:
        nodes = profiled_nodes(graph, list(runs.values()))
        advice.checkers["ExpensiveOperationChecker"].reports.extend(_expensive(nodes))
    return advice


def _expensive(nodes: list[Profiled]) -> Iterable[str]:
    values = {**ProfileOptionBuilder.time_and_memory(min_bytes=0), "output": "none"}
    options = checked_options(values)
    for view, what in ((by_type, "operation type"), (by_scope, "graph node"), (by_line, "line")):
        root = shown(view(nodes), options)
        whole = root.total["exec_micros"] or 1
        lines = [
            f"top {i} {what}: {line.name}, total: {time_text(line.total['exec_micros'])} "
            f"({100 * line.total['exec_micros'] / whole:.2f}%)"
            for i, line in enumerate(root.children[:3], 1)
        ]
        if lines:
            yield "\n".join(lines)


class Profiler:
    """Profiles several steps of one graph; as TensorFlow 1.15's `tf.profiler.Profiler`.

    `add_step` keeps the RunMetadata of a step. The views are means over the steps, or of the one that `with_step` names.
    """

    def __init__(self, graph: Graph | None = None, op_log: OpLogProto | None = None) -> None:
        self._graph = graph if graph is not None else get_default_graph()
        self._op_log = op_log
        self._runs: dict[int, RunMetadata] = {}

    def add_step(self, step: int, run_meta: RunMetadata) -> None:
        """Adds the RunMetadata of a step."""
        kept = RunMetadata()
        kept.CopyFrom(run_meta)
        self._runs[step] = kept

    def _view(self, cmd: str, options: dict[str, Any]) -> Any:
        return _profile(self._graph, self._runs, self._op_log, cmd, options)

    def profile_name_scope(self, options: dict[str, Any]) -> GraphNodeProto:
        """The tree of name scopes."""
        message: GraphNodeProto = self._view("scope", options)
        return message

    def profile_graph(self, options: dict[str, Any]) -> GraphNodeProto:
        """The tree of edges."""
        message: GraphNodeProto = self._view("graph", options)
        return message

    def profile_operations(self, options: dict[str, Any]) -> MultiGraphNodeProto:
        """The op types."""
        message: MultiGraphNodeProto = self._view("op", options)
        return message

    def profile_python(self, options: dict[str, Any]) -> MultiGraphNodeProto:
        """The lines of code that made the operations."""
        message: MultiGraphNodeProto = self._view("code", options)
        return message

    def advise(self, options: dict[str, Any] | None = None) -> AdviceProto:
        """Names what takes most time."""
        return _advise(self._graph, self._runs, options)

    def serialize_to_string(self) -> bytes:
        """All that is known as a serialized ProfileProto."""
        return profile_proto(self._graph, self._runs, self._op_log).SerializeToString()


def profile_proto(graph: Graph, runs: Mapping[int, RunMetadata], op_log: OpLogProto | None = None) -> ProfileProto:
    """A graph and its runs as a ProfileProto."""
    message = ProfileProto(steps=sorted(runs))
    numbers: dict[str, int] = {}
    for i, node in enumerate(profiled_nodes(graph, [], op_log)):
        numbers[node.name] = i
        entry = message.nodes[i]
        entry.name, entry.op, entry.id = node.name, node.operation.type, i
        entry.float_ops = round(node.stats["float_ops"])
        entry.op_types.extend(node.types)
        entry.shape.extend(s or 0 for sizes in node.shapes for s in sizes or ())
        message.id_to_string[i] = node.name
    for step, run in runs.items():
        for device, stats, micros in own_times(run.step_stats):
            if stats.node_name in numbers:
                execution = message.nodes[numbers[stats.node_name]].execs[step]
                execution.run_count += 1
                execution.all_start_micros = execution.all_start_micros or stats.all_start_micros
                execution.latest_end_micros = stats.all_start_micros + stats.all_end_rel_micros
                kinds = execution.accelerator_execs if on_accelerator(device) else execution.cpu_execs
                kinds[device].times.add().int64_values.extend([stats.all_start_micros, round(micros)])
    return message

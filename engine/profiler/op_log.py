"""OpLogProto: what is known of operations without a run, as TensorFlow's tfprof reads it."""

from __future__ import annotations

import os
from pathlib import Path

from ..graph import Graph, Operation, get_default_graph
from ..protos import OpLogEntry, OpLogProto, RunMetadata
from ..scopes import GraphKeys
from .nodes import float_ops_of, operations_of
from .options import TRAINABLE_VARIABLES


def merge_default_with_oplog(
    graph: Graph | None, op_log: OpLogProto | None = None, run_meta: RunMetadata | None = None, add_trace: bool = True
) -> OpLogProto:
    """An OpLogProto with the operations' counts, the trainable variables and the user's lines; what is given has priority."""
    graph = graph if graph is not None else get_default_graph()
    result = OpLogProto()
    if op_log is not None:
        result.CopyFrom(op_log)
    known = {e.name: e for e in result.log_entries}
    counts = float_ops_of(graph, [] if run_meta is None else [run_meta])
    trainable = {v.op.name for v in graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)}
    texts: dict[str, int] = {text: number for number, text in result.id_to_string.items()}
    for op in operations_of(graph):
        if not (add_trace or op in counts or op.name in trainable or op.name in known):
            continue
        entry = known.get(op.name) or result.log_entries.add(name=op.name)
        entry.float_ops = entry.float_ops or counts.get(op, 0)
        if op.name in trainable:
            entry.types.append(TRAINABLE_VARIABLES)
        if add_trace and not entry.code_def.traces:
            _add_line(entry, op, texts)
    for text, number in texts.items():
        result.id_to_string[number] = text
    return result


def _add_line(entry: OpLogEntry, op: Operation, texts: dict[str, int]) -> None:
    # Number 0 stands for no text.
    line, first = op.made_at, len(texts) + 1
    file_id = texts.setdefault(line.filename, first)
    function_id = texts.setdefault(line.function, len(texts) + 1)
    entry.code_def.traces.add(file_id=file_id, lineno=line.lineno, function_id=function_id, func_start_line=-1)


def write_op_log(
    graph: Graph | None,
    log_dir: str | os.PathLike[str],
    op_log: OpLogProto | None = None,
    run_meta: RunMetadata | None = None,
    add_trace: bool = True,
) -> None:
    """Writes `tfprof_log`, a serialized OpLogProto, into a folder; as TensorFlow 1.15's `tf.profiler.write_op_log`."""
    message = merge_default_with_oplog(graph, op_log, run_meta, add_trace)
    folder = Path(log_dir)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tfprof_log").write_bytes(message.SerializeToString())

"""Which tensors a step shows: watches as TensorFlow 1.15's tfdbg puts them into RunOptions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from ..function import functions_of
from ..graph import Graph, Operation
from .debug_ops import parse_debug_op

# The name and the slot of a watch that stand for all.
EVERY_NODE, EVERY_SLOT = "*", -1


def add_debug_tensor_watch(
    run_options: Any,
    node_name: str,
    output_slot: int = 0,
    debug_ops: str | Sequence[str] = "DebugIdentity",
    debug_urls: str | Sequence[str] | None = None,
    tolerate_debug_op_creation_failures: bool = False,
    global_step: int = -1,
) -> None:
    """Adds a watch of one tensor to `run_options`, as TensorFlow 1.15's.

    Args:
        run_options: a RunOptions message, changed in place; the step that is run with it dumps the tensor.
        node_name: the operation; `*` for all.
        output_slot: which of its outputs; -1 for all.
        debug_ops: what is kept of the tensor: `DebugIdentity` (all of it), `DebugNanCount`, `DebugNumericSummary`.
        debug_urls: where to: folders as `file:///path`.
        tolerate_debug_op_creation_failures: accepted; nothing is created in the graph.
        global_step: a number for the dump's metadata.

    Raises:
        ValueError: an unknown debug op or a URL that is not a folder's.
    """
    options = run_options.debug_options
    names = [debug_ops] if isinstance(debug_ops, str) else list(debug_ops)
    urls = [debug_urls] if isinstance(debug_urls, str) else list(debug_urls or ())
    for name in names:
        parse_debug_op(name)
    for url in urls:
        folder_of(url)
    options.global_step = global_step
    options.debug_tensor_watch_opts.add(
        node_name=node_name,
        output_slot=output_slot,
        debug_ops=names,
        debug_urls=urls,
        tolerate_debug_op_creation_failures=tolerate_debug_op_creation_failures,
    )


def watch_graph(
    run_options: Any,
    graph: Graph,
    debug_ops: str | Sequence[str] = "DebugIdentity",
    debug_urls: str | Sequence[str] | None = None,
    node_name_regex_whitelist: str | None = None,
    op_type_regex_whitelist: str | None = None,
    tensor_dtype_regex_whitelist: str | None = None,
    tolerate_debug_op_creation_failures: bool = False,
    global_step: int = -1,
    reset_disk_byte_usage: bool = False,
) -> None:
    """Adds watches of a graph's tensors to `run_options`: of all, or of those that fit every expression given.

    As TensorFlow 1.15's, whose regular expressions match from the start; branches and loop bodies are watched too.

    Args:
        run_options: a RunOptions message, changed in place.
        graph: where to look for tensors.
        debug_ops: what is kept of each; see add_debug_tensor_watch.
        debug_urls: where to: folders as `file:///path`.
        node_name_regex_whitelist: for names of operations, such as `(hidden_[0-9]+|loss).*`.
        op_type_regex_whitelist: for their types, such as `(Variable|MatMul)`.
        tensor_dtype_regex_whitelist: for dtypes, such as `^int.*`.
        tolerate_debug_op_creation_failures: accepted; nothing is created in the graph.
        global_step: a number for the dump's metadata.
        reset_disk_byte_usage: count the bytes written so far (see TFDBG_DISK_BYTES_LIMIT) from zero again.

    Example:
        >>> import headrace as tf
        >>> from headrace.engine.debug.watch import watch_graph
        >>> options = tf.RunOptions()
        >>> watch_graph(options, tf.get_default_graph(), debug_urls="file:///tmp/dump")
        >>> options.debug_options.debug_tensor_watch_opts[0].node_name
        '*'
    """
    keep = _matchers(node_name_regex_whitelist, op_type_regex_whitelist, tensor_dtype_regex_whitelist, True)
    _watch(run_options, graph, keep, debug_ops, debug_urls, tolerate_debug_op_creation_failures, global_step)
    run_options.debug_options.reset_disk_byte_usage = reset_disk_byte_usage


def watch_graph_with_blacklists(
    run_options: Any,
    graph: Graph,
    debug_ops: str | Sequence[str] = "DebugIdentity",
    debug_urls: str | Sequence[str] | None = None,
    node_name_regex_blacklist: str | None = None,
    op_type_regex_blacklist: str | None = None,
    tensor_dtype_regex_blacklist: str | None = None,
    tolerate_debug_op_creation_failures: bool = False,
    global_step: int = -1,
    reset_disk_byte_usage: bool = False,
) -> None:
    """As watch_graph, of the tensors that fit none of the expressions."""
    keep = _matchers(node_name_regex_blacklist, op_type_regex_blacklist, tensor_dtype_regex_blacklist, False)
    _watch(run_options, graph, keep, debug_ops, debug_urls, tolerate_debug_op_creation_failures, global_step)
    run_options.debug_options.reset_disk_byte_usage = reset_disk_byte_usage


Keep = Callable[[Operation, int], bool]


def _matchers(name: str | None, kind: str | None, dtype: str | None, wanted: bool) -> Keep | None:
    if not (name or kind or dtype):
        return None
    found = [None if text is None else re.compile(text) for text in (name or None, kind or None, dtype or None)]

    def keep(op: Operation, slot: int) -> bool:
        texts = (op.name, op.type, op.outputs[slot].dtype.base_dtype.name)
        hits = [bool(p.match(text)) for p, text in zip(found, texts, strict=True) if p is not None]
        return all(hits) if wanted else not any(hits)

    return keep


def _watch(
    run_options: Any,
    graph: Graph,
    keep: Keep | None,
    debug_ops: str | Sequence[str],
    debug_urls: str | Sequence[str] | None,
    tolerate: bool,
    global_step: int,
) -> None:
    if keep is None:
        pairs: Iterable[tuple[str, int]] = [(EVERY_NODE, EVERY_SLOT)]
    else:
        pairs = [(op.name, i) for op in all_operations(graph) for i in range(len(op.outputs)) if keep(op, i)]
    for name, slot in pairs:
        add_debug_tensor_watch(run_options, name, slot, debug_ops, debug_urls, tolerate, global_step)
    # Expressions that fit nothing watch nothing, and the step is a watched one all the same.
    run_options.debug_options.global_step = global_step


def all_operations(graph: Graph) -> Iterator[Operation]:
    """The operations of a graph, and those of the branches and bodies in it."""
    seen: set[Graph] = {graph}
    stack = [graph]
    while stack:
        for op in stack.pop().get_operations():
            yield op
            inner = [f for f in functions_of(op) if f not in seen]
            seen.update(inner)
            stack.extend(inner)


def folder_of(url: str) -> str:
    """The folder of a `file://` URL.

    Raises:
        ValueError: it is of another kind.
    """
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc or not parts.path.strip("/"):
        raise ValueError(f"Tensors can be dumped to folders, such as file:///tmp/dump; not to {url!r}")
    return unquote(parts.path)

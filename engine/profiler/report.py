"""The profiler's views as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .nodes import Profiled
from .options import Options
from .views import NUMBERS, ROOT, ViewNode

_TITLES = {
    "bytes": "requested bytes",
    "peak_bytes": "peak bytes",
    "residual_bytes": "residual bytes",
    "output_bytes": "output bytes",
    "micros": "total execution time",
    "accelerator_micros": "accelerator execution time",
    "cpu_micros": "cpu execution time",
    "params": "# parameters",
    "float_ops": "# float_ops",
    "tensor_value": "tensor value",
    "device": "assigned devices",
    "op_types": "op types",
    "occurrence": "op occurrence (run|defined)",
    "input_shapes": "input shapes",
}


def scaled(number: float) -> str:
    """A count in thousands, millions or billions."""
    for size, unit in ((1e9, "b"), (1e6, "m"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.2f}{unit}"
    return f"{number:.0f}"


def bytes_text(number: float) -> str:
    """Bytes in KB, MB or GB, of a thousand each."""
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "KB")):
        if number >= size:
            return f"{number / size:.2f}{unit}"
    return f"{number:.0f}B"


def time_text(micros: float) -> str:
    """Microseconds as us, ms or sec."""
    if micros >= 1e6:
        return f"{micros / 1e6:.2f}sec"
    return f"{micros / 1e3:.2f}ms" if micros >= 1e3 else f"{micros:.0f}us"


def _format_of(column: str) -> Callable[[float], str]:
    if "bytes" in column:
        return bytes_text
    return time_text if "micros" in column else scaled


def tree_text(root: ViewNode, options: Options) -> str:
    """A tree, a line a node: its own numbers and the totals with what is below."""
    head = " | ".join(["node name", *(_TITLES[c] for c in options.select)])
    return "\n".join([head, *_tree_lines(root, options, 0)]) + "\n"


def _tree_lines(line: ViewNode, options: Options, indent: int) -> Iterator[str]:
    columns = ", ".join(filter(None, (_own_and_total(line, c) for c in options.select)))
    yield f"{' ' * indent}{line.name} ({columns})"
    for child in line.children:
        yield from _tree_lines(child, options, indent + 2)


def _own_and_total(line: ViewNode, column: str) -> str:
    if column == "occurrence":
        return f"{line.total['run_count']:.0f}|{line.total['definition_count']:.0f}"
    if column not in NUMBERS:
        return _words(line.nodes, column)
    text, number = _format_of(column), NUMBERS[column]
    own, total = line.stats[number], text(line.total[number])
    hidden = line.name == ROOT or (not own and column in ("params", "float_ops"))
    unit = {"params": " params", "float_ops": " flops"}.get(column, "")
    shape = "x".join(str(s) for n in line.nodes for sizes in n.shapes for s in sizes or ())
    before = f"{shape}, " if column == "params" and shape and own else ""
    return f"{before}{'--' if hidden else text(own)}/{total}{unit}"


def _words(nodes: list[Profiled], column: str) -> str:
    if column == "device":
        return "|".join(dict.fromkeys(d for n in nodes for d in n.devices))
    if column == "op_types":
        return "|".join(dict.fromkeys(t for n in nodes for t in n.types))
    if column == "input_shapes":
        shapes = ("|".join(f"{i}:{t.shape}" for i, t in enumerate(n.operation.inputs)) for n in nodes)
        return "; ".join(filter(None, dict.fromkeys(shapes)))
    return ""


def table_text(root: ViewNode, options: Options) -> str:
    """A list, a line an entry: its numbers, their share of all with those of the lines after it, and its own share."""
    lines: list[ViewNode] = []
    node = root
    while node.children:
        node = node.children[0]
        lines.append(node)
    width = max([len(line.name) for line in lines], default=0) + 4
    head = " | ".join(["node name", *(_TITLES[c] for c in options.select)])
    rows = [line.name.ljust(width) + "  ".join(_shares(line, root, c) for c in options.select) for line in lines]
    return "\n".join([head, *map(str.rstrip, rows)]) + "\n"


def _shares(line: ViewNode, root: ViewNode, column: str) -> str:
    if column == "occurrence":
        return f"{line.stats['run_count']:.0f}|{len(line.nodes)}"
    if column not in NUMBERS:
        return _words(line.nodes, column)
    number = NUMBERS[column]
    whole = root.total[number]
    own = _format_of(column)(line.stats[number]).rjust(9)
    unit = f" {column}" if column in ("params", "float_ops") else ""
    shares = [100 * n / whole if whole else 0 for n in (line.total[number], line.stats[number])]
    return f"{own}{unit} ({shares[0]:.2f}%, {shares[1]:.2f}%)"

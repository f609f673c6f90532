"""The table of a model's layers that `summary` prints, in the form of Keras 3."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from .base import static_shape
from .graph_record import history_of

_WIDEST = 40


def show_summary(
    model: Any,
    line_length: int | None,
    positions: Sequence[float] | None,
    print_fn: Callable[..., Any] | None,
    expand_nested: bool,
    show_trainable: bool,
    layer_range: Sequence[str] | None,
) -> None:
    """Prints the table, to standard output by default."""
    del line_length, positions
    text = summary_text(model, expand_nested, show_trainable, layer_range)
    if print_fn is None:
        sys.stdout.write(text + "\n")
    else:
        print_fn(text)


def summary_text(
    model: Any, expand_nested: bool = False, show_trainable: bool = False, layer_range: Sequence[str] | None = None
) -> str:
    """The table as text."""
    connected = model._network is not None and _branches(model)
    header = ["Layer (type)", "Output Shape", "Param #"]
    header += ["Connected to"] if connected else []
    header += ["Trainable"] if show_trainable else []
    rows = [
        row
        for layer in _within(model.layers, layer_range)
        for row in _rows(model, layer, connected, show_trainable, expand_nested, 0)
    ]
    lines = [f'Model: "{model.name}"', *_table(header, rows)]
    if model.optimizer is not None and model.optimizer.built:
        lines += [f" Optimizer params: {_counted(model.optimizer.variables)}"]
    trained = {id(v) for v in model.trainable_weights}
    lines += [
        f" Total params: {_counted(model.weights)}",
        f" Trainable params: {_counted([v for v in model.weights if id(v) in trained])}",
        f" Non-trainable params: {_counted([v for v in model.weights if id(v) not in trained])}",
    ]
    return "\n".join(lines)


def _branches(model: Any) -> bool:
    """Whether the layers are more than a chain."""
    if hasattr(model, "_chain"):
        return False
    uses: dict[Any, int] = {}
    for node in model._network.nodes:
        if len(node.input_tensors) > 1:
            return True
        for tensor in node.input_tensors:
            uses[tensor] = uses.get(tensor, 0) + 1
    return any(count > 1 for count in uses.values())


def _within(layers: list[Any], limits: Sequence[str] | None) -> list[Any]:
    if limits is None:
        return layers
    if len(limits) != 2:
        raise ValueError(f"layer_range must be the names of a first and a last layer, got {limits!r}")
    names = [layer.name for layer in layers]
    unknown = [name for name in limits if name not in names]
    if unknown:
        raise ValueError(f"layer_range names {unknown}, but the layers are {', '.join(names)}")
    return layers[names.index(limits[0]) : names.index(limits[1]) + 1]


def _rows(model: Any, layer: Any, connected: bool, trainable: bool, nested: bool, depth: int) -> list[list[str]]:
    mark = "└ " * bool(depth)
    row = [f"{'  ' * max(depth - 1, 0)}{mark}{layer.name} ({type(layer).__name__})", _shape(layer), _parameters(layer)]
    if connected:
        row.append(_sources(model, layer) if not depth else "-")
    if trainable:
        row.append("-" if not layer.weights else "Y" if layer.trainable else "N")
    inside = getattr(layer, "layers", None) if nested else None
    return [row, *(r for one in inside or () for r in _rows(model, one, connected, trainable, nested, depth + 1))]


def _shape(layer: Any) -> str:
    if not layer._inbound_nodes:
        network = getattr(layer, "_network", None)
        return "?" if network is None else _shapes(network.output_tensors)
    return _shapes(layer._inbound_nodes[0].output_tensors)


def _shapes(tensors: Sequence[Any]) -> str:
    shapes = [str(static_shape(t)) for t in tensors]
    return shapes[0] if len(shapes) == 1 else "[" + ", ".join(shapes) + "]"


def _parameters(layer: Any) -> str:
    if not layer.built and not layer.weights:
        return "0 (unbuilt)"
    return f"{layer.count_params():,}"


def _sources(model: Any, layer: Any) -> str:
    found = []
    own = {id(node) for node in model._network.nodes}
    for node in layer._inbound_nodes:
        if id(node) not in own:
            continue
        for tensor in node.input_tensors:
            history = history_of(tensor)
            if history is not None:
                found.append(f"{history.layer.name}[{history.node_index}][{history.tensor_index}]")
    return ", ".join(found) or "-"


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    cut = [[_short(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [header, *cut]) for i in range(len(header))]

    def ruled(left: str, line: str, middle: str, right: str) -> str:
        return left + middle.join(line * (width + 2) for width in widths) + right

    def filled(cells: list[str], bar: str) -> str:
        # Numbers stand to the right.
        parts = [
            f" {c.rjust(w) if i == 2 else c.ljust(w)} " for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        ]
        return bar + bar.join(parts) + bar

    body: list[str] = []
    for i, row in enumerate(cut):
        body += [ruled("├", "─", "┼", "┤")] * bool(i) + [filled(row, "│")]
    return [ruled("┏", "━", "┳", "┓"), filled(header, "┃"), ruled("┡", "━", "╇", "┩"), *body, ruled("└", "─", "┴", "┘")]


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _counted(variables: Sequence[Any]) -> str:
    count = sum(v.shape.num_elements() or 0 for v in variables)
    size = float(sum((v.shape.num_elements() or 0) * v.dtype.base_dtype.size for v in variables))
    unit = "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{count:,} ({size:.2f} {unit})"

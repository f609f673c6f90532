"""Writes docs/ops.md, a table of all ops from their declarations; with --check it only says whether the file is current."""

from __future__ import annotations

import sys
from pathlib import Path

from headrace.engine import ops  # noqa: F401  registers the ops
from headrace.engine.dtypes import ALL, COMPLEX, FLOATING, INDEX, INTEGER, NUMERIC, REAL, DType
from headrace.engine.registry import Op, all_definitions
from headrace.engine.signatures import Argument

FILE = Path(__file__).resolve().parent.parent / "docs" / "ops.md"
SETS: dict[tuple[DType, ...], str] = {
    ALL: "any", NUMERIC: "numeric", REAL: "real", FLOATING: "floating", COMPLEX: "complex", INTEGER: "integer",
    INDEX: "int32, int64", (*FLOATING, *COMPLEX): "floating, complex",
}  # fmt: skip
HEAD = """# Ops

Written by `python tools/op_table.py` from the declarations in `engine/ops/`; do not edit.

Type names, inputs, outputs and attributes are those of TensorFlow's GraphDef. A dtype such as `T` is an attribute;
`N * T` is a list of N tensors, `Ref(T)` a variable. Groups of dtypes: floating is float16, bfloat16, float32 and float64;
real adds the integers, numeric the complex types. "Differentiable" is "yes" where gradients flow through the op, "stops"
where they end without an error, "-" where asking for one is an error. Kernels: `scalar` (an element-wise expression that
can be fused), `kernel` (allocates its result), `into` (writes to planned memory), `view` (moves no data), `state` (reads or
changes what lives longer than a step), `update` (writes to a variable in place), `built in` (part of the executor).

"""


def argument(item: Argument) -> str:
    """An argument in the notation of the declarations."""
    kind = item.list_attr or item.type_attr or (item.dtype.name if item.dtype is not None else "?")
    kind = f"Ref({kind})" if item.is_ref else kind
    return f"{item.name}: {item.number_attr} * {kind}" if item.number_attr else f"{item.name}: {kind}"


def attributes(definition: Op[..., object]) -> str:
    """The attributes with their kinds and defaults."""
    parts = []
    for item in definition.attributes.values():
        default = "" if item.required or item.default is None else f" = {shown(item.default)}"
        parts.append(f"{item.name}: {item.kind}{default}")
    return ", ".join(parts)


def shown(value: object) -> str:
    """A default as it is written in a declaration."""
    if isinstance(value, DType):
        return value.name
    return f"{value:.7g}" if isinstance(value, float) else repr(value)


def dtypes(definition: Op[..., object]) -> str:
    """The dtypes that each dtype attribute may be, where not all."""
    parts = []
    for name, allowed in definition.constraints.items():
        names = SETS.get(tuple(allowed)) or ", ".join(d.name for d in allowed)
        if names != "any":
            parts.append(f"{name}: {names}")
    return "; ".join(parts)


def differentiable(definition: Op[..., object]) -> str:
    """Whether gradients flow through the op."""
    if definition.gradient_function is not None:
        return "yes"
    return "stops" if definition.not_differentiable else "-"


def kernels(definition: Op[..., object]) -> str:
    """The forms in which the op's kernel is there."""
    found = ["scalar"] if definition.scalar_rule is not None else []
    names = ("kernel", "into", "view", "state", "update")
    found += [name for name in names if getattr(definition, f"{name}_function") is not None]
    return ", ".join(found) or "built in"


def table() -> str:
    """The whole file."""
    lines = [HEAD]
    by_module: dict[str, list[Op[..., object]]] = {}
    for name, definition in sorted(all_definitions().items()):
        if not name.startswith("_") and definition.__module__.startswith("headrace."):
            by_module.setdefault(definition.__module__.rpartition(".")[2], []).append(definition)
    lines.append(f"{sum(map(len, by_module.values()))} ops in {len(by_module)} families.\n\n")
    for module, definitions in sorted(by_module.items()):
        lines.append(f"## {module}\n\n")
        lines.append("| op | inputs | outputs | attributes | dtypes | differentiable | kernels |\n")
        lines.append("|---|---|---|---|---|---|---|\n")
        lines.extend(row(d) for d in definitions)
        lines.append("\n")
    return "".join(lines).rstrip("\n") + "\n"


def row(definition: Op[..., object]) -> str:
    """An op's line of the table."""
    cells = [
        f"**{definition.type}**",
        ", ".join(map(argument, definition.inputs)),
        ", ".join(map(argument, definition.outputs)),
        attributes(definition),
        dtypes(definition),
        differentiable(definition),
        kernels(definition),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def main() -> int:
    """Writes or checks the file."""
    text = table()
    if "--check" in sys.argv[1:]:
        current = FILE.exists() and FILE.read_text(encoding="utf-8") == text
        print("docs/ops.md is current" if current else "docs/ops.md is not current: run python tools/op_table.py")
        return 0 if current else 1
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

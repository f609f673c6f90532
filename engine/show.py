"""Plans as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .plan.buffers import Cell, Place, View
from .plan.plan import Plan, Step
from .rewriting.dataflow import kind_of


def show_plan(
    plan: Any, reasons: dict[int, str] | None = None, native: str = "native", notes: Sequence[str] = ()
) -> str:
    """A plan's passes, steps and memory, a line each; `reasons` says by step why it runs on NumPy and not as `native`."""
    if not isinstance(plan, Plan):
        return f"{type(plan).__name__}: one operation at a time, nothing rewritten"
    lines = [f"pass {name}: {before} -> {after} nodes" for name, before, after in plan.rewrites]
    lines += [f"{i:4d} {_step(step)}{_how(i, reasons, native)}" for i, step in enumerate(plan.steps)]
    lines.append(f"arena {plan.arena_bytes} bytes ({plan.naive_bytes} without reuse), {len(plan.variables)} variables")
    return "\n".join([*lines, *notes])


def _how(i: int, reasons: dict[int, str] | None, native: str) -> str:
    if reasons is None:
        return ""
    return f"  [NumPy: {reasons[i]}]" if i in reasons else f"  [{native}]"


def _step(step: Step) -> str:
    node = step.node
    kind = kind_of(node)
    inputs = ", ".join(_place(p) for p in step.inputs)
    outputs = ", ".join(_place(p) for p in step.outputs)
    return f"{outputs or '()'} = {kind}({inputs})  # {node.name}"


def _place(place: Place) -> str:
    if place is None:
        return "variable"
    if isinstance(place, Cell):
        return f"{place.dtype.name}[?]"
    return f"{place.dtype.name}{list(place.sizes)}@{_where(place)}"


def _where(view: View) -> str:
    buffer = view.buffer
    start = buffer.offset + view.offset if buffer.storage.value == "arena" else view.offset
    return f"{buffer.storage.value}+{start}" + (f" {buffer.key}" if buffer.storage.value != "arena" else "")

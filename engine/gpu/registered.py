"""For which operations TensorFlow 1.15 has kernels on GPUs: a program that asks for a GPU there expects no others on it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("registered.txt")
# Attributes and the names of their dtypes; all must fit.
_Rule = dict[str, frozenset[str]]


def registered(op_type: str, attrs: dict[str, Any]) -> bool:
    """Whether TensorFlow has a kernel on GPUs for operations of a type and attributes, or does not know the type.

    Kernels that take and give what is in the host's memory count, as they do there: `Shape`, integers, control flow.
    """
    rules = _table().get(op_type)
    return rules is None or any(_fits(rule, attrs) for rule in rules)


def _fits(rule: _Rule, attrs: dict[str, Any]) -> bool:
    return all(_names(attrs[name]) <= allowed for name, allowed in rule.items() if name in attrs)


def _names(value: Any) -> set[str]:
    return {dtype.base_dtype.name for dtype in (value if isinstance(value, list) else [value])}


@cache
def _table() -> dict[str, list[_Rule]]:
    """The rules of each op type that TensorFlow has; one of them must fit."""
    table: dict[str, list[_Rule]] = {}
    rules: list[_Rule] = []
    new = True
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            table.update(dict.fromkeys(line.split(), rules))
            new = True
        elif not line.startswith("#"):
            rules = [] if new else rules
            rules += _rules(line)
            new = False
    return table


def _rules(line: str) -> list[_Rule]:
    if line == "-":
        return []
    pairs = (part.split("=") for part in line.split() if part != "*")
    return [{name: frozenset(names.split(",")) for name, names in pairs}]

"""Writes docs/tf1_names.md: the TensorFlow 1 names that real programs use, and which of them are there.

`docs/tf1_symbols.csv` counts uses in public programs: `covers` 50 names are needed to run half of them, and so on.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import headrace

DOCS = Path(__file__).resolve().parent.parent / "docs"
LEVELS = ("50", "80", "90", "95", "")


def has(symbol: str) -> bool:
    """Whether `tf.a.b` is an attribute of the package."""
    value: Any = headrace
    for part in symbol.split(".")[1:]:
        if not hasattr(value, part):
            return False
        value = getattr(value, part)
    return True


def not_names() -> dict[str, str]:
    """What the count took for a name of TensorFlow 1 and is none, with the reason."""
    with (DOCS / "tf1_not_names.csv").open(newline="") as file:
        return {row["symbol"]: row["reason"] for row in csv.DictReader(file)}


def rows() -> list[dict[str, str]]:
    """The counted names."""
    with (DOCS / "tf1_symbols.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def table() -> str:
    """The page's text."""
    excluded = not_names()
    areas: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows():
        if row["symbol"] not in excluded:
            areas[row["area"]][row["covers"]].append(row["symbol"])
    lines = ["# The names of TensorFlow 1", "", INTRODUCTION, ""]
    lines += ["| area | " + " | ".join(level or "rest" for level in LEVELS) + " |", "|---|" + "---|" * len(LEVELS)]
    lines += [
        f"| {area} | " + " | ".join(_share(levels[level]) for level in LEVELS) + " |"
        for area, levels in sorted(areas.items())
    ]
    for area, levels in sorted(areas.items()):
        lines += ["", f"## {area}", ""]
        for level in LEVELS:
            if levels[level]:
                lines.append(f"- **{level or 'rest'}**: " + " ".join(_shown(s) for s in levels[level]))
    lines += ["", "## Counted but not names of TensorFlow 1", ""]
    lines += [f"- `{symbol}`: {reason}" for symbol, reason in excluded.items()]
    return "\n".join(lines) + "\n"


INTRODUCTION = (
    "Counted in public programs: the names under 50 are needed to run half of them, those under 80 for four in five, and so "
    "on. A name in `code` is there; a ~~struck~~ one is not yet. Written by `python tools/names_table.py`."
)


def _share(symbols: list[str]) -> str:
    return f"{sum(map(has, symbols))} of {len(symbols)}" if symbols else ""


def _shown(symbol: str) -> str:
    return f"`{symbol}`" if has(symbol) else f"~~{symbol}~~"


if __name__ == "__main__":
    (DOCS / "tf1_names.md").write_text(table())

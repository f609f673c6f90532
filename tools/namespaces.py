"""Brings the tables of public names in src/headrace up to date; with --check it only says which are not.

A name is public where a table imports it: to publish one, write its import there (in a lazy table under TYPE_CHECKING)
and run this, which writes `__all__`, the places of lazy tables, and all of `raw_ops.py`, whose names are those of the ops.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "headrace"
WIDTH = 118
RAW_OPS = '"""`tf.raw_ops`: every op by its type name, taking keyword arguments by TensorFlow\'s names."""'
NOT_NAMES = ("typing", "engine.lazy_names")


def tables() -> Iterator[Path]:
    """The files of the package that list public names: those that are not in the rooms (links) or examples."""
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE).parts
        if inside[0] != "examples" and not (PACKAGE / inside[0]).is_symlink() and "\n__all__ = [" in path.read_text():
            yield path


def current(path: Path) -> str:
    """What a table should be."""
    return raw_ops() if path == PACKAGE / "raw_ops.py" else with_all(path.read_text())


def with_all(text: str) -> str:
    """A table with the names that it imports."""
    before = text[: text.index("\n__all__ = [")]
    imports = list(imports_of(ast.parse(before)))
    names = [alias.asname or alias.name for found in imports for alias in found.names]
    rows = "".join(f"{row}\n" for row in wrapped(f'"{name}"' for name in sorted(names, key=natural)))
    text = re.sub(r"(?<=^__all__ = \[\n)[^]]*(?=^\])", rows, text, flags=re.M)
    return text if "_PLACES: " not in text else with_places(text, imports)


def imports_of(tree: ast.Module) -> Iterator[ast.ImportFrom]:
    """The imports of names, those for type checkers too."""
    for node in tree.body:
        for found in node.body if isinstance(node, ast.If) else [node]:
            if isinstance(found, ast.ImportFrom) and found.module not in NOT_NAMES:
                yield found


def with_places(text: str, imports: Iterable[ast.ImportFrom]) -> str:
    """A lazy table with the place of each name that is not a module of its own."""
    places = {
        alias.asname or alias.name: ("." * found.level + found.module, alias.name)
        for found in imports
        if found.module
        for alias in found.names
    }
    rows = [place_row(name, module, own) for name, (module, own) in sorted(places.items())]
    block = "{\n" + "".join(rows) + "}" if rows else "{}"
    return re.sub(r"(?<=^_PLACES: Places = )\{[^}]*\}", block, text, flags=re.M)


def place_row(name: str, module: str, own: str) -> str:
    """A line of a lazy table, or several as the formatter parts it."""
    row = f'    "{name}": ("{module}", "{own}"),\n'
    return row if len(row) <= WIDTH + 3 else f'    "{name}": (\n        "{module}",\n        "{own}",\n    ),\n'


def wrapped(items: Iterable[str]) -> list[str]:
    """The items in lines that are as long as they may be."""
    rows, row = [], "   "
    for item in items:
        if len(row) + len(item) + 2 > WIDTH:
            rows.append(row)
            row = "   "
        row += f" {item},"
    return [*rows, row]


def natural(name: str) -> tuple[int, list[int | str]]:
    """Constants, then classes, then the others, numbers in their order: as linters sort `__all__`."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def raw_ops() -> str:
    """The table of all ops by their types."""
    places: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path in sorted((ROOT / "engine").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        places[module] += declared(path) if "kernels" not in path.parts else []
    lines = [RAW_OPS, "", "# fmt: off", "# ruff: noqa: I001"]
    for module, found in sorted(places.items()):
        if found:
            items = wrapped(f"{function} as {name}" for name, function in sorted(found))
            lines += [f"from .{module} import (", *items, ")"]
    names = sorted((name for found in places.values() for name, _ in found), key=natural)
    return "\n".join([*lines, "", "__all__ = [", *wrapped(f'"{name}"' for name in names), "]", ""])


def declared(path: Path) -> Iterator[tuple[str, str]]:
    """The ops that a file declares: their types and functions."""
    text = path.read_text()
    if "\n@op(" not in text:
        return
    functions = (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef))
    for function in functions:
        for call in function.decorator_list:
            match call:
                case ast.Call(ast.Name("op"), [ast.Constant(str(name)), *_]) if not name.startswith("_"):
                    yield name, function.name


def main() -> int:
    """Writes what is not current, or names it."""
    old = [path for path in tables() if path.read_text() != current(path)]
    for path in old:
        if "--check" not in sys.argv:
            path.write_text(current(path))
        print(path.relative_to(ROOT))
    return bool(old and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())

"""Public names whose modules are loaded when they are first asked for: `import headrace` does not pay for them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, TypeAlias

# For a name, the module that defines it, and what it is called there.
Places: TypeAlias = Mapping[str, tuple[str, str]]


def lazy_names(module: str, places: Places) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a module that has an `__all__`.

    Args:
        module: its name.
        places: for a name, the module that defines it (relative to the package) and what it is called there. A name of
            `__all__` that is not among them is a module beside or below this one.
    """
    own = sys.modules[module].__dict__

    def getattr_(name: str) -> Any:
        if name not in own["__all__"]:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        source, attribute = places.get(name, (f".{name}", ""))
        found = import_module(source, own["__package__"])
        value = own[name] = getattr(found, attribute) if attribute else found
        return value

    def dir_() -> list[str]:
        return sorted({*own, *own["__all__"]})

    return getattr_, dir_

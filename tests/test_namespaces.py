"""The tables of public names say what they import."""

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

import headrace as tf

SCRIPT = Path(__file__).resolve().parent.parent / "tools" / "namespaces.py"


def load():
    spec = importlib.util.spec_from_file_location("namespaces", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_of_names_are_current():
    module = load()
    old = [path for path in module.tables() if path.read_text() != module.current(path)]
    assert not old, "run python tools/namespaces.py"


def test_names_are_added_and_sorted():
    module = load()
    table = (
        '"""Names."""\n\nfrom .a import b10, b9, C\nfrom .d import e as f\n\n__all__ = [\n    "b9",\n]  # fmt: skip\n'
    )
    made = module.with_all(table)
    assert '__all__ = [\n    "C", "b9", "b10", "f",\n]  # fmt: skip\n' in made


def test_lazy_tables_have_places():
    module = load()
    text = (
        "from typing import TYPE_CHECKING\n\nfrom .engine.lazy_names import Places, lazy_names\n\nif TYPE_CHECKING:\n"
        "    from . import parts\n    from ..x.y import z as w\n\n__all__ = [\n]  # fmt: skip\n\n"
        "_PLACES: Places = {}\n__getattr__, __dir__ = lazy_names(__name__, _PLACES)\n"
    )
    made = module.with_all(text)
    assert '__all__ = [\n    "parts", "w",\n]' in made
    assert '_PLACES: Places = {\n    "w": ("..x.y", "z"),\n}\n__getattr__' in made


def test_every_name_of_the_tables_is_there():
    module = load()
    for path in module.tables():
        parts = path.relative_to(module.PACKAGE.parent).with_suffix("").parts
        table = importlib.import_module(".".join(part for part in parts if part != "__init__"))
        for name in table.__all__:
            assert hasattr(table, name), f"{table.__name__}.{name}"


# In these modules a name means another thing than at the top of the package, as in TensorFlow.
OTHER = {"ops.image_ops", "ops.image_ops_impl", "ops.linalg.linalg", "platform.tf_logging", "summary.summary"}


def test_names_by_tensorflows_paths_are_the_public_ones():
    module = load()
    for path in sorted((module.PACKAGE / "python").rglob("*.py")):
        name = ".".join(p for p in path.relative_to(module.PACKAGE / "python").with_suffix("").parts if p != "__init__")
        table = importlib.import_module(f"headrace.python.{name}".rstrip("."))
        for found in set(table.__all__) & set(tf.__all__) if name not in OTHER else ():
            value = getattr(table, found)
            assert isinstance(value, ModuleType) or value is getattr(tf, found), f"{name}.{found}"

"""docs/ops.md is what the declarations of the ops say now."""

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "tools" / "op_table.py"


def load():
    spec = importlib.util.spec_from_file_location("op_table", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_ops_is_current():
    module = load()
    assert module.FILE.read_text(encoding="utf-8") == module.table(), "run python tools/op_table.py"

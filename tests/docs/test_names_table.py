"""docs/tf1_names.md is current, and no name that four in five programs need is missing where the engine stands."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
AREAS = (
    "core graph",
    "dtypes",
    "math",
    "array",
    "nn",
    "random/initializers",
    "strings/lookup",
    "image",
    "train/optimizers",
    "io/queues",
    "platform (app/flags/gfile/logging/test)",
)


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("names_table", ROOT / "tools" / "names_table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("area", AREAS)
def test_names_of_four_in_five_programs_are_there(tool, area):
    excluded = tool.not_names()
    wanted = [r["symbol"] for r in tool.rows() if r["area"] == area and r["covers"] in ("50", "80")]
    assert wanted and not [s for s in wanted if s not in excluded and not tool.has(s)]


def test_the_page_is_current(tool):
    page = (ROOT / "docs" / "tf1_names.md").read_text(encoding="utf-8")
    assert page == tool.table(), "run python tools/names_table.py"

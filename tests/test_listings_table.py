"""The table of listings that may fail hides nothing."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "tools" / "listings.py"


@pytest.fixture(scope="module")
def judge():
    spec = importlib.util.spec_from_file_location("listings", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.judge


@pytest.mark.parametrize(
    "results, problems",
    [
        ({"01_add": True, "16_saver": False}, []),
        ({"01_add": False, "16_saver": False}, ["01_add failed"]),
        ({"01_add": True, "16_saver": True}, ["16_saver passed, but PENDING"]),
        ({"01_add": True}, ["names 16_saver, and there is no such listing"]),
        ({}, ["ran no listing"]),
    ],
)
def test_unexpected_results_are_problems(judge, results, problems):
    found = judge(results, {"16_saver": "issue 5"})
    assert len(found) == len(problems)
    assert all(expected in text for expected, text in zip(problems, found, strict=True))

"""Saves that are killed, hostile and mutated files, and what loading touches; each in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("attacks.py")
SOURCES = PROGRAM.parents[3] / "src"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def attack(action, folder, count):
    environment = {**os.environ, "PYTHONPATH": str(SOURCES), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, str(PROGRAM), action, str(folder), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.long)])
def test_a_kill_at_any_moment_leaves_a_whole_checkpoint(count, tmp_path):
    found, _ = attack("kills", tmp_path, count)
    assert found["kills"] == count and found["steps"] > count // 4


def test_hostile_files_are_refused_before_memory_is_taken(tmp_path):
    found, _ = attack("hostile", tmp_path, 0)
    assert len(found) > 30
    assert {name: word for name, word in found.items() if word != "refused"} == {}


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.long)])
def test_mutated_files_do_not_crash_the_parent(count, tmp_path):
    found, text = attack("mutations", tmp_path, count)
    assert sum(found.values()) == count // 50
    assert found["with an error"] == 0, text


def test_loading_runs_nothing_and_opens_nothing_else(tmp_path):
    found, _ = attack("audit", tmp_path, 200)
    assert found["events"] == [] and found["opened"]
    assert found["inconsistent"] == 0 and found["refused"] > 100

"""A run that is killed at random moments and goes on ends with the bits of one that was left alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.engine.checkpoint.inspection import compared
from headrace.engine.checkpoint.manifest_reader import read_manifest

PROGRAM = Path(__file__).with_name("resumed.py")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def run(*arguments):
    """What the program says."""
    environment = {**os.environ, "PYTHONPATH": str(PROGRAM.parents[2] / "src"), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def differences(folder, steps):
    """The last checkpoints of the two runs, and the lines that say in what they differ."""
    last = [str(folder / run / f"model.ckpt-{steps}") for run in ("whole", "parts")]
    # The state of an iterator names seeds of the system's for what takes its seeds from nowhere else.
    return last, [line for line in compared(*last).lines if not line.startswith(("IteratorV2-state", "the same"))]


def check_events(found, steps):
    whole, parts = found["events"]
    assert set(whole) >= {f"seen {step}" for step in range(1, steps + 1)}
    assert {key: values for key, values in parts.items() if len(values) != 1} == {}
    assert parts == whole


@pytest.mark.parametrize("kind", ["estimator", "session"])
@pytest.mark.parametrize(("steps", "kills"), [(30, 4), pytest.param(200, 20, marks=pytest.mark.long)])
def test_killed_training_ends_with_the_same_bits(kind, steps, kills, tmp_path):
    found = run(kind, tmp_path, steps, kills)
    assert found["killed"] > 0
    last, different = differences(tmp_path, steps)
    assert different == []
    states = [read_manifest(prefix).random for prefix in last]
    assert states[0] == states[1] and any("random_normal" in name for name in states[0]["counters"])
    check_events(found, steps)


@pytest.mark.parametrize(
    ("kind", "steps", "stops"),
    [
        ("estimator", 20, 2),
        ("session", 20, 4),
        ("evaluation", 20, 2),
        ("arrays", 24, 3),
        pytest.param("session", 200, 20, marks=pytest.mark.long),
    ],
)
def test_training_that_was_asked_to_stop_goes_on_with_the_next_step(kind, steps, stops, tmp_path):
    found = run(kind, tmp_path, steps, stops, "signals")
    runs = found["runs"]
    assert [r["status"] for r in runs] == [85] * (len(runs) - 1) + [0] and len(runs) > 1
    # The step on the way is made to its end; it may be that one more had begun when the signal came.
    assert all(0 <= r["after"] - r["before"] - r["asked"] <= 2 for r in runs[:-1]), runs
    assert runs[-1]["after"] == steps
    assert differences(tmp_path, steps)[1] == []
    if kind == "arrays":
        whole, parts = (json.loads((tmp_path / run / "history.json").read_text()) for run in ("whole", "parts"))
        assert parts["loss"] == whole["loss"][-len(parts["loss"]) :]
    if kind in ("estimator", "session"):
        check_events(found, steps)

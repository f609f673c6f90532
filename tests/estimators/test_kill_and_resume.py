"""A run that is killed at random moments and goes on ends with the bits of one that was left alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.engine.checkpoint.inspection import compared
from headrace.engine.checkpoint.manifest import read_manifest

PROGRAM = Path(__file__).with_name("resumed.py")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.mark.parametrize("kind", ["estimator", "session"])
@pytest.mark.parametrize(("steps", "kills"), [(30, 4), pytest.param(200, 20, marks=pytest.mark.long)])
def test_killed_training_ends_with_the_same_bits(kind, steps, kills, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(PROGRAM.parents[2] / "src"), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, str(PROGRAM), kind, str(tmp_path), str(steps), str(kills)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["killed"] > 0
    last = [str(tmp_path / run / f"model.ckpt-{steps}") for run in ("whole", "parts")]
    # The state of an iterator names seeds of the system's for what takes its seeds from nowhere else.
    different = [line for line in compared(*last).lines if not line.startswith(("IteratorV2-state", "the same"))]
    assert different == []
    states = [read_manifest(prefix).random for prefix in last]
    assert states[0] == states[1] and any("random_normal" in name for name in states[0]["counters"])
    whole, parts = found["events"]
    assert set(whole) >= {f"seen {step}" for step in range(1, steps + 1)}
    assert {key: values for key, values in parts.items() if len(values) != 1} == {}
    assert parts == whole

"""Every example runs by itself, offline, and is short."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example_runs(path, tmp_path):
    done = subprocess.run([sys.executable, str(path)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(path.read_text(encoding="utf-8").splitlines()) < 40


def test_the_demo_keeps_its_promises(tmp_path):
    path = next(p for p in EXAMPLES if p.stem == "digits_dnn")
    done = subprocess.run([sys.executable, str(path)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert float(done.stdout.split("accuracy")[1].split()[0]) > 0.95, done.stdout
    assert "examples/s" in done.stderr and "tensorboard --logdir" in done.stdout
    files = [p.name for p in (tmp_path / "runs" / "digits").iterdir()]
    assert "checkpoint" in files and any(n.startswith("events.out.tfevents") for n in files)
    assert len(path.read_text(encoding="utf-8").splitlines()) < 25

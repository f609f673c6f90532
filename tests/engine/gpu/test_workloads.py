"""The training steps of benchmarks/steps follow the CPU's losses on the simulated GPU, each as one stretch of device work."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

import headrace as tf

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
NAMES = [f"W{i}" for i in range(1, 10)]


@pytest.fixture(scope="module")
def steps():
    """Imports a module of benchmarks/steps, whose scripts import each other by name."""
    sys.path.insert(0, str(BENCHMARKS / "steps"))
    yield importlib.import_module
    sys.path.remove(str(BENCHMARKS / "steps"))
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(BENCHMARKS)):
            del sys.modules[name]


def losses(steps, name, count, backend):
    """The losses of `count` steps, and what the session says of its program."""
    workloads, programs = steps("workloads"), steps("headrace_programs")
    w = workloads.get(name, **workloads.TINY[name], batches=4)
    with tf.Graph().as_default():
        batch, loss, train = programs.program(w)
        feeds = [{batch[k]: v for k, v in values.items()} for values in w.batches]
        with tf.Session(backend=backend) as session:
            programs.start(w, session)
            found = [float(session.run([loss, train], feeds[i % len(feeds)])[0]) for i in range(count)]
            return found, session.explain([loss, train], feeds[0])


def agree(steps, name, count, tolerance):
    wanted, _ = losses(steps, name, count, "cpu")
    found, text = losses(steps, name, count, "gpu")
    np.testing.assert_allclose(found, wanted, tolerance, tolerance)
    return text


@pytest.mark.parametrize("name", NAMES)
def test_twenty_steps(sim, steps, name, monkeypatch):
    monkeypatch.setenv("HEADRACE_GPU", "sim")
    text = agree(steps, name, 20, 1e-4)
    # Nothing runs on the host in between.
    assert "segment 0" in text and "segment 1" not in text and "[NumPy" not in text


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_two_hundred_steps(sim, steps, name, monkeypatch):
    monkeypatch.setenv("HEADRACE_GPU", "sim")
    agree(steps, name, 200, 2e-3)

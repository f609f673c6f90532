"""The benchmarks' nine models on a real GPU: losses follow the CPU's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as tf

pytestmark = pytest.mark.gpu
STEPS = Path(__file__).resolve().parents[2] / "benchmarks" / "steps"
# Where rounding grows from step to step.
TOLERANCE = {"W6": 5e-2, "W7": 1e-2}


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(STEPS))
    import headrace_programs

    return headrace_programs


def losses(programs: Any, name: str, backend: str, steps: int) -> list[float]:
    workload = sys.modules["workloads"].get(name, batches=8)
    with tf.Graph().as_default():
        batch, loss, train = programs.program(workload)
        with tf.Session(backend=backend) as session:
            programs.start(workload, session)
            found = []
            for step in range(steps):
                values = workload.batches[step % len(workload.batches)]
                found.append(session.run([loss, train], {batch[k]: v for k, v in values.items()})[0])
            return found


@pytest.mark.parametrize("name", [f"W{i}" for i in range(1, 10)])
def test_losses_follow_the_cpus(device: Any, programs: Any, name: str) -> None:
    found, expected = (losses(programs, name, backend, 30) for backend in ("gpu", "cpu"))
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE.get(name, 1e-3), atol=1e-4)

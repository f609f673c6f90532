"""The programs of benchmarks/gpu stay alive: a few small steps of each on the simulated GPU, and the table."""

import importlib
import math
import sys
from pathlib import Path

import pytest

import headrace as tf
from headrace.engine.gpu.sim.compile import available

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = [str(ROOT / "benchmarks" / name) for name in ("gpu", "steps")]
PROGRAMS = ["G1", "G2", "G2-tf32", "G3", "G4", "G5", "G6", "G7"]


@pytest.fixture(scope="module")
def modules():
    """Imports a module of benchmarks/gpu, whose scripts import each other by name."""
    before, known = sys.path[:], set(sys.modules)
    sys.path[:0] = FOLDERS
    yield importlib.import_module
    sys.path[:] = before
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(tuple(FOLDERS)):
            del sys.modules[name]


@pytest.fixture
def simulated(monkeypatch):
    if not available():
        pytest.skip("the simulated GPU compiles kernels with g++, which is not installed")
    folder = ROOT / "build" / "kernels"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    monkeypatch.setenv("HEADRACE_GPU", "sim")
    monkeypatch.setenv("HEADRACE_CACHE", str(folder))


@pytest.mark.long
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_trains(modules, simulated, name):
    w = modules("programs").get(name, small=True)
    w.rate *= {"adam": 10.0, "sgd": 0.5}.get(w.optimizer, 1.0)
    with tf.Graph().as_default():
        step, read = modules("headrace_gpu").build(w, "", False)
        losses = [read(step(w.batches[0])) for _ in range(15)]
    assert all(map(math.isfinite, losses))
    assert losses[-1] < losses[0]


def test_parameters_have_the_shapes_of_the_variables(modules):
    programs, headrace, gpu = (modules(n) for n in ("programs", "headrace_programs", "headrace_gpu"))
    assert list(programs.PROGRAMS) == PROGRAMS
    assert "bottleneck" in headrace.LOSSES and gpu
    for name in PROGRAMS:
        w = programs.get(name, small=True)
        with tf.Graph().as_default():
            headrace.program(w)
            shapes = [tuple(v.shape.as_list()) for v in headrace.ordered(w)]
        assert shapes == [value.shape for value in w.parameters.values()], name


def test_operations_of_matrix_programs(modules):
    count = modules("programs").matrix_operations
    # Three products a layer, but for the first, whose input needs no gradient.
    assert count("G2") == 4096**3 * 2 * (2 + 3 * 3)
    assert count("G6") > 6 * 8192 * 12 * 12 * 1024**2
    assert count("G1") > 0 and count("G3") == 0


def found(step, ratio):
    return {"step": step, "ratio": ratio, "version": "1.0", "device": "A card", "rate": 8e14}


def test_the_table(modules, tmp_path):
    side_by_side = modules("side_by_side")
    results = {"G1": {"headrace": found(2e-4, 1.0), "torch": found(4e-4, 2.0), "jax": found(3e-4, 1.5)}, "G3": {}}
    text = side_by_side.table(results)
    assert "| 200 us | 400 us | 300 us | 1.50 | 2.00 |" in text
    assert "Measured on A card; headrace 1.0, jax 1.0, torch 1.0." in text and "G3" not in text
    page = tmp_path / "page.md"
    page.write_text(f"before\n{side_by_side.BEGIN}\nold\n{side_by_side.END}\nafter\n", encoding="utf-8")
    side_by_side.write(page, text)
    written = page.read_text(encoding="utf-8")
    assert written.startswith("before\n") and written.endswith("after\n") and "old" not in written and text in written


def test_losses_that_differ_are_named(modules, capsys):
    side_by_side = modules("side_by_side")

    class Peer:
        def __init__(self, name, losses):
            self.name, self.losses = name, losses

    side_by_side.check_losses("G1", [Peer("headrace", [1.0, 0.5]), Peer("torch", [1.01, 0.5]), Peer("jax", [1.0, 0.6])])
    assert capsys.readouterr().err == "G1: jax has loss 0.60000 after step 2, headrace 0.50000\n"

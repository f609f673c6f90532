"""The programs of benchmarks/steps stay alive: a few steps of each workload at tiny sizes, their tables, and the roofline."""

import importlib
import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import pytest

import headrace as tf
from headrace.engine.gpu.sim.compile import available

BENCHMARKS = Path(__file__).resolve().parent.parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def steps():
    """Imports a module of benchmarks/steps, whose scripts import each other by name."""
    sys.path.insert(0, str(BENCHMARKS / "steps"))
    yield importlib.import_module
    sys.path.remove(str(BENCHMARKS / "steps"))
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(BENCHMARKS)):
            del sys.modules[name]


@pytest.mark.parametrize("variant", ["run", "callable"])
@pytest.mark.parametrize("name", [f"W{i}" for i in range(1, 10)])
def test_a_workload_trains(steps, name, variant):
    workloads = steps("workloads")
    w = workloads.get(name, **workloads.TINY[name], batches=2)
    w.rate *= {"adam": 10.0, "sgd": 0.5}.get(w.optimizer, 1.0)
    with tf.Graph().as_default():
        step, read = steps("headrace_programs").build(w, variant, 1)
        losses = [read(step(w.batches[0])) for _ in range(12)]
    assert all(map(math.isfinite, losses))
    assert losses[-1] < losses[0]


def losses_of(steps, w, backend, count):
    programs = steps("headrace_programs")
    with tf.Graph().as_default():
        batch, loss, train = programs.program(w)
        with tf.Session(backend=backend) as session:
            programs.start(w, session)
            given = [{batch[k]: v for k, v in values.items()} for values in w.batches]
            losses = [session.run([loss, train], given[i % len(given)])[0] for i in range(count)]
            return losses, session.explain([loss, train], given[0])


def check_on_device(steps, name, count):
    workloads = steps("workloads")
    w = workloads.get(name, **workloads.TINY[name], batches=2)
    losses, explained = losses_of(steps, w, "gpu", count)
    np.testing.assert_allclose(losses, losses_of(steps, w, "cpu", count)[0], rtol=1e-3)
    # All of a step is one launch.
    assert "NumPy" not in explained and "segment 1" not in explained


@pytest.fixture
def simulated(monkeypatch):
    if not available():
        pytest.skip("the simulated GPU compiles kernels with g++, which is not installed")
    monkeypatch.setenv("HEADRACE_GPU", "sim")


@pytest.mark.usefixtures("simulated")
@pytest.mark.parametrize("name", ["W4", "W5", "W7", "W8", "W9"])
def test_a_workload_trains_on_a_device_in_one_launch(steps, name):
    check_on_device(steps, name, 6)


@pytest.mark.long
@pytest.mark.usefixtures("simulated")
@pytest.mark.parametrize("name", [f"W{i}" for i in range(1, 10)])
def test_losses_follow_those_of_the_cpu(steps, name):
    check_on_device(steps, name, 200)


def test_parameters_have_the_shapes_of_the_variables(steps):
    workloads, programs = steps("workloads"), steps("headrace_programs")
    for name in workloads.TABLE:
        w = workloads.get(name, **workloads.TINY[name], batches=1)
        with tf.Graph().as_default():
            programs.program(w)
            shapes = [tuple(v.shape.as_list()) for v in programs.ordered(w)]
        assert shapes == [value.shape for value in w.parameters.values()], name


def result(step, ratio):
    return {
        "step": step,
        "ratio": ratio,
        "first_step": 0.02,
        "from_start": 0.5,
        "memory": 90.0,
        "others": 0.0,
        "versions": {"python": "3.11"},
    }


def test_the_page_shows_the_fastest_peer(steps, tmp_path):
    table = steps("table")
    found = {"W4": {"headrace": result(0.002, 1.0), "tf1": result(0.004, 2.0), "jax": result(0.003, 1.5)}}
    text = table.page(found, 2, "python compare.py")
    assert "| W4 | 2 ms (1.00) | 4 ms (2.00) | 3 ms (1.50) | **1.50** | 1.4 |" in text
    page = tmp_path / "page.md"
    page.write_text(f"a\n{table.BEGIN}\nold\n{table.END}\nb\n")
    table.write(page, text)
    assert page.read_text() == f"a\n{table.BEGIN}\n{text}\n{table.END}\nb\n"
    page.write_text("no markers")
    with pytest.raises(ValueError, match="once each"):
        table.write(page, text)


def test_a_page_names_no_file_of_the_machine(steps):
    words = ["--rounds", "3", "--write", "/a/b.md", "--results=/c.json", "--threads", "2"]
    assert steps("compare").shown(words) == ["--rounds", "3", "--threads", "2"]


def test_kernels_are_measured_against_the_machine(monkeypatch):
    spec = importlib.util.spec_from_file_location("kernels", BENCHMARKS / "kernels.py")
    kernels = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "kernels", kernels)
    spec.loader.exec_module(kernels)
    monkeypatch.setattr(kernels, "SAMPLE", 0.0)
    small = kernels.product(4, 5, 6)
    assert (small.flops, small.bytes) == (240.0, 4.0 * (20 + 30 + 24))
    for kernel in (small, kernels.bias_relu(4, 5), kernels.convolution(1, 4, 2, 3, 3), kernels.softmax(3, 4)):
        assert kernels.seconds_of(kernel.build(), 1) > 0, kernel.name
    found = {"product": 100e9, "copy": 10e9, "kernels": {"k": {"seconds": 1e-3, "flops": 5e7, "bytes": 1e3}}}
    assert "| k | 1000.0 | 50.0 | 0.0 | 50% |" in kernels.table(2, found)

"""The simulated device for tests: fresh, and in each of the orders that threads may run in."""

import os
from pathlib import Path

import pytest

import headrace as tf
from headrace.engine.gpu import find
from headrace.engine.gpu.sim.compile import available
from headrace.engine.gpu.sim.device import SimDevice

ROOT = Path(__file__).resolve().parents[3]
REAL = os.environ.get("HEADRACE_TEST_DEVICE") == "cuda"
ORDERS = ["forward", "reverse", "random:7"]


# Tests that exchange parts of the simulation: a real library is as it is.
SIMULATED = (
    "test_a_library_",
    "test_gelus_of_the_library_",
    "test_one_call_each_where_",
    "test_sums_of_other_things_",
    "test_what_numpy_gives_without_",
)


def pytest_collection_modifyitems(items):
    """What compiles the kernels of all other tests comes last."""
    for item in items if REAL else ():
        if item.path.name == "test_product_gradients.py" and item.name.startswith(SIMULATED):
            item.add_marker(pytest.mark.skip(reason="exchanges parts of the simulated GPU"))
    items.sort(key=lambda item: item.path == Path(__file__).with_name("test_nvrtc.py"))


@pytest.fixture(scope="session", autouse=True)
def kernel_cache():
    """Kernels compiled for tests stay in the checkout's build folder."""
    with pytest.MonkeyPatch.context() as patch:
        if "HEADRACE_CACHE" not in os.environ:
            folder = ROOT / "build" / "kernels"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            patch.setenv("HEADRACE_CACHE", str(folder))
        yield


@pytest.fixture(scope="session", autouse=True)
def kernels_from_the_start(loaded_kernels):
    """Has all be known that the tests here load."""


@pytest.fixture
def sim():
    """A fresh simulated device; the real one if HEADRACE_TEST_DEVICE is "cuda"."""
    if REAL:
        from headrace.engine.gpu.cuda.device import open_device

        return open_device()
    if not available():
        pytest.skip("the simulated GPU compiles kernels with g++, which is not installed")
    return SimDevice()


@pytest.fixture(params=ORDERS[:1] if REAL else ORDERS)
def ordered_sim(request, sim):
    """A fresh simulated device whose threads run in one of the orders: the test is run in each."""
    return sim if REAL else SimDevice(order=request.param)


@pytest.fixture
def device(sim, monkeypatch):
    """The one device that sessions find."""
    monkeypatch.setenv("HEADRACE_GPU", "sim")
    monkeypatch.setattr(find, "_simulations", [sim])
    return sim


@pytest.fixture
def graph():
    """A graph with a seed, the default one."""
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(7)
        yield graph

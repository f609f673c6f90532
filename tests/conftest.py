"""What all tests share; on the simulated GPU (HEADRACE_GPU=sim) there must be a compiler, and what sessions load is known."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No test may depend on how busy the machine is.
settings.register_profile("headrace", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("headrace")

SIMULATED = os.environ.get("HEADRACE_GPU") == "sim"


def pytest_configure(config):
    if SIMULATED:
        from headrace.engine.gpu.sim.compile import available

        if not available():
            raise pytest.UsageError("the simulated GPU compiles kernels with g++, which is not installed")


@pytest.fixture(scope="session")
def loaded_kernels():
    """All kernels that simulated devices load from now on in this run, by text; also written to HEADRACE_KERNEL_LIST."""
    from headrace.engine.gpu.sim.device import SimDevice

    loaded = {}
    load = SimDevice.load

    def recording(device, kernels):
        functions = load(device, kernels)
        loaded.update((kernel.text, kernel) for kernel in kernels)
        return functions

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SimDevice, "load", recording)
        yield loaded
    if os.environ.get("HEADRACE_KERNEL_LIST"):
        Path(os.environ["HEADRACE_KERNEL_LIST"]).write_text(json.dumps([asdict(kernel) for kernel in loaded.values()]))


@pytest.fixture(scope="session", autouse=True)
def kernels_of_the_suite(request):
    """Keeps what a suite on the simulated GPU loads, for the tests that compile it once more."""
    if SIMULATED:
        request.getfixturevalue("loaded_kernels")

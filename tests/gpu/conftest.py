"""On a real GPU: `make test-gpu`. What was measured is shown at the end of the run.

HEADRACE_TEST_DEVICE=sim tries the tests themselves, as far as the simulated GPU goes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from headrace.engine.gpu.cuda import driver
from headrace.engine.unsupported import UnsupportedError

_rows: list[tuple[str, str]] = []


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Shows what tests noted."""
    if _rows:
        width = max(len(name) for name, _ in _rows)
        terminalreporter.section("measured on this GPU")
        for name, value in _rows:
            terminalreporter.write_line(f"{name:<{width}}  {value}")


@pytest.fixture
def note(pytestconfig: pytest.Config) -> Callable[[str, str], None]:
    """Notes something to be shown at once, for what comes after may hang, and again at the end."""
    reporter: Any = pytestconfig.pluginmanager.get_plugin("terminalreporter")
    capture: Any = pytestconfig.pluginmanager.get_plugin("capturemanager")

    def noted(name: str, value: str) -> None:
        _rows.append((name, value))
        if reporter is not None and capture is not None:
            with capture.global_and_fixture_disabled():
                reporter.write_line(f"  {name}  {value}")

    return noted


@pytest.fixture(scope="session")
def device() -> Iterator[Any]:
    """The first GPU."""
    if os.environ.get("HEADRACE_TEST_DEVICE") == "sim":
        from headrace.engine.gpu.sim.device import SimDevice

        yield SimDevice()
        return
    found = driver.find()
    try:
        driver.check_packages(found)
    except UnsupportedError as error:
        pytest.skip(str(error))
    from headrace.engine.gpu.cuda.device import open_device

    yield open_device()

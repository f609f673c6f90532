"""Whether there is a GPU: what the driver says, and what is said to the user."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import pytest

from headrace.engine.gpu.cuda import driver, library
from headrace.engine.gpu.cuda.driver import Card, Found
from headrace.engine.unsupported import UnsupportedError


class FakeDriver:
    """libcuda with some cards."""

    def __init__(self, version: int = 13000, count: int = 2, status: int = 0) -> None:
        self.version, self.count, self.status = version, count, status

    def cuInit(self, flags: int) -> int:
        return self.status

    def cuDriverGetVersion(self, number: Any) -> int:
        number._obj.value = self.version
        return 0

    def cuDeviceGetCount(self, number: Any) -> int:
        number._obj.value = self.count
        return 0

    def cuDeviceGet(self, device: Any, index: int) -> int:
        device._obj.value = index
        return 0

    def cuDeviceGetName(self, name: Any, size: int, device: Any) -> int:
        name.value = f"Card {device.value}".encode()
        return 0

    def cuDeviceGetAttribute(self, number: Any, attribute: int, device: Any) -> int:
        number._obj.value = {75: 9, 76: 0}[attribute]
        return 0

    def cuDeviceTotalMem_v2(self, number: Any, device: Any) -> int:
        assert isinstance(number._obj, ctypes.c_size_t)
        number._obj.value = 80 << 30
        return 0


@pytest.fixture(autouse=True)
def no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def absent() -> Any:
    raise OSError("libcuda.so.1: cannot open shared object file")


def test_cards() -> None:
    found = driver._ask(FakeDriver)
    assert found == Found((Card(0, "Card 0", "sm_90", 80 << 30), Card(1, "Card 1", "sm_90", 80 << 30)), 13)


@pytest.mark.parametrize(
    ("opened", "visible", "words"),
    [
        (absent, None, "there is no NVIDIA driver"),
        (lambda: FakeDriver(11040), None, "knows CUDA 11.4, and 12 is needed: update the driver"),
        (lambda: FakeDriver(count=0), None, "the driver sees none"),
        (lambda: FakeDriver(status=100), "7", r"sees none \(CUDA_VISIBLE_DEVICES is '7'\)"),
        (FakeDriver, "", "CUDA_VISIBLE_DEVICES is ''"),
        (FakeDriver, "-1", "CUDA_VISIBLE_DEVICES is '-1'"),
        (lambda: FakeDriver(status=3), None, "start processes by 'spawn'"),
        (lambda: FakeDriver(status=803), None, "different versions"),
        (lambda: FakeDriver(status=42), None, "error 42"),
    ],
)
def test_why_there_is_none(opened: Any, visible: str | None, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = driver._ask(opened)
    assert not found.cards
    with pytest.raises(UnsupportedError, match=f"^no GPU: .*{words}"):
        driver.check_packages(found)


@pytest.mark.parametrize(
    ("has_cupy", "made_for", "cuda", "words"),
    [
        (False, 0, 13, r"no CuPy: install headrace\[cuda13\]"),
        (False, 0, 12, r"no CuPy: install headrace\[cuda12\]"),
        (False, 0, 14, r"no CuPy: install headrace\[cuda13\]"),
        (True, 13, 12, r"uninstall cupy-cuda13x and install headrace\[cuda12\]"),
        (True, 13, 13, ""),
        (True, 12, 13, ""),
        (True, 0, 12, ""),
    ],
)
def test_packages(has_cupy: bool, made_for: int, cuda: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if has_cupy else None)
    monkeypatch.setattr(driver, "cuda_of_cupy", lambda: made_for)
    found = driver._ask(lambda: FakeDriver(cuda * 1000))
    if not words:
        driver.check_packages(found)
        return
    with pytest.raises(UnsupportedError, match=words):
        driver.check_packages(found)


def test_libraries_are_looked_for_in_wheels_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [
        tmp_path / "site" / "nvidia" / "cu13" / "lib" / "libcublasLt.so.13",
        tmp_path / "site" / "nvidia" / "cublas" / "lib" / "libcublasLt.so.12",
        tmp_path / "toolkit" / "lib64" / "libcublasLt.so.13",
        tmp_path / "own" / "libcublasLt.so.13",
    ]
    for path in made:
        path.parent.mkdir(parents=True)
        path.touch()
    monkeypatch.setattr("sys.path", [str(tmp_path / "site")])
    monkeypatch.setenv("CUDA_HOME", str(tmp_path / "toolkit"))
    monkeypatch.delenv("CUDA_PATH", raising=False)
    found = list(library.candidates(library.CUBLASLT, 13))
    assert found[:2] == [made[0], made[2]]
    assert found[-1] == "libcublasLt.so.13"
    assert next(library.candidates(library.CUBLASLT, 12)) == made[1]
    monkeypatch.setenv("HEADRACE_CUDA_LIBRARIES", str(tmp_path / "own"))
    assert next(library.candidates(library.CUBLASLT, 13)) == made[3]


def test_what_is_not_there_says_its_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nothing = library.Library("headrace-nothing", "nothing", "cudnn", ("9",))
    with pytest.raises(UnsupportedError, match=r"no libheadrace-nothing for CUDA 13: install headrace\[cudnn13\]"):
        library.load(nothing, 13)
    damaged = tmp_path / "libheadrace-nothing.so.9"
    damaged.write_bytes(b"no library")
    monkeypatch.setenv("HEADRACE_CUDA_LIBRARIES", str(tmp_path))
    with pytest.raises(UnsupportedError, match=r"headrace\[cudnn12\] \(.*libheadrace-nothing"):
        library.load(nothing, 12)

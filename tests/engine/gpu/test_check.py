"""The look at a GPU: what works is said so, and what does not is named, on the simulated device."""

import numpy as np
import pytest

from headrace.__main__ import main
from headrace.engine import gpu_check
from headrace.engine.errors import InternalError
from headrace.engine.gpu.cuda import driver
from headrace.engine.gpu.sim import products
from headrace.engine.unsupported import UnsupportedError


@pytest.fixture(autouse=True)
def simulated(sim, monkeypatch):
    monkeypatch.setenv("HEADRACE_GPU", "sim")


def test_all_is_good_on_the_simulated_gpu(capsys):
    assert main(["gpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "device        sim, sim, 4.0 of 4.0 GiB free"
    assert [line.split("  ")[0] for line in lines[1:]] == list(gpu_check._CHECKS)
    assert all(" good" in line for line in lines[1:])
    assert "by products" in lines[-3] and "by kernels" in lines[-2]


def test_what_kernels_do_for_the_library_is_said(capsys, monkeypatch, device):
    monkeypatch.setattr(products, "_activated", lambda x, product: np.fmax(x, 0))
    assert main(["gpu"]) == 0
    words = "relus, masks of relus, gradients of relus"
    said = f"by kernels: float32 {words}; tf32 {words}; bfloat16 {words}, "
    assert f"bias, relu    good: {said}" in capsys.readouterr().out


def wrong_bytes(device, address, like):
    return np.zeros_like(like)


def lost(device):
    raise InternalError(None, None, "kernel x: an illegal address; the GPU's state is lost for this process")


def test_what_is_wrong_is_named_and_the_rest_is_tried(capsys, monkeypatch):
    monkeypatch.setattr(gpu_check, "_got", wrong_bytes)
    assert main(["gpu"]) == 1
    text = capsys.readouterr().out
    assert "transfers     WRONG: WrongError: 64 bytes came back changed" in text
    assert "steps         good" in text


def test_after_a_lost_gpu_nothing_is_tried(capsys, monkeypatch):
    monkeypatch.setitem(gpu_check._CHECKS, "kernels", lost)
    assert main(["gpu"]) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("kernels       WRONG: InternalError: kernel x")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            driver.Found(reason="no GPU: there is no NVIDIA driver"),
            ["driver", "WRONG: no GPU: there is no NVIDIA driver"],
        ),
        (driver.Found((driver.Card(0, "A card", "sm_90", 1 << 36),), 13), ["GPU 0", "A card, sm_90, 64 GiB"]),
    ],
)
def test_what_is_found(capsys, monkeypatch, found, words):
    def missing(*arguments, **options):
        raise UnsupportedError("no lib: install headrace[cuda13]")

    monkeypatch.setenv("HEADRACE_GPU", "cuda")
    monkeypatch.setattr(driver, "find", lambda: found)
    monkeypatch.setattr(driver, "check_packages", missing)
    monkeypatch.setattr(gpu_check, "Nvrtc", missing)
    monkeypatch.setattr(gpu_check.library, "load", missing)
    assert main(["gpu"]) == 1
    text = capsys.readouterr().out
    assert " ".join(words[:1]) in text and words[1] in text
    if found.cards:
        assert "CuPy          WRONG: no lib: install headrace[cuda13]" in text
        assert "cudnn         no lib" in text and "cublasLt      WRONG: no lib" in text
    assert "device        WRONG: There is no GPU for this session" in text

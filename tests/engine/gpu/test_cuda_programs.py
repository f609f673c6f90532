"""Whole programs on the CUDA device: kernels compiled for a real GPU, every call made on doubles, nothing computed.

What is checked are arguments, order and capture: the first run makes its calls, the second is captured, later ones replay it.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import headrace as tf
from headrace.engine.gpu import find
from headrace.engine.gpu.bindings import product_gradients, products
from headrace.engine.gpu.cuda import cublaslt, nvrtc
from headrace.engine.gpu.cuda.cudnn import Cudnn
from headrace.engine.gpu.cuda.device import CudaDevice
from headrace.engine.gpu.cuda.driver import Card
from headrace.engine.unsupported import UnsupportedError

from .fake_cuda import FakeCuda
from .fake_cudnn import FakeCudnn
from .test_cublaslt import FakeCublasLt

STEPS = Path(__file__).resolve().parents[3] / "benchmarks" / "steps"
OTHERS = [f"W{i}" for i in range(1, 10) if i != 4]


class CallsOnly(FakeCuda):
    """CUDA whose kernels do nothing."""

    def _launchKernel(self, function: int, *rest: Any) -> None:
        grid, block, shared, stream, parameters, extra = rest[:3], rest[3:6], *rest[6:]
        assert function in self._names and parameters and not extra
        assert shared <= self.shared.get(function, 48 << 10)
        assert min(*grid, *block) > 0 and grid[1] < 1 << 16 and grid[2] < 1 << 16
        assert block[0] * block[1] * block[2] <= 1024
        self._push(stream, lambda: None)


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> CallsOnly:
    try:
        nvrtc.Nvrtc(13)
    except UnsupportedError as error:
        pytest.skip(str(error))
    fake = CallsOnly(total=1 << 33)
    module = ModuleType("cupy.cuda")
    module.runtime, module.driver = fake.runtime, fake.driver  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cupy", ModuleType("cupy"))
    monkeypatch.setitem(sys.modules, "cupy.cuda", module)
    return fake


@pytest.fixture
def device(cuda: CallsOnly, monkeypatch: pytest.MonkeyPatch) -> Any:
    made: Any = CudaDevice(Card(0, "A card", "sm_90", 1 << 33), 13)
    library: Any = FakeCublasLt()
    library.cublasLtMatmul.call = lambda *arguments: 0
    nbytes = cublaslt.workspace_bytes("sm_90")
    made.__dict__["_products"] = cublaslt.Products(library, made.stream, made._workspace, nbytes)
    made.__dict__["_cudnn"] = "no cuDNN"
    monkeypatch.setattr(find, "find_device", lambda config=None, required=False: made)
    return made


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    known = set(sys.modules)
    monkeypatch.syspath_prepend(str(STEPS))
    import headrace_programs

    yield headrace_programs
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(STEPS)):
            del sys.modules[name]


def check(programs: Any, cuda: CallsOnly, name: str, precision: str) -> None:
    workloads = sys.modules["workloads"]
    w = workloads.get(name, **workloads.TINY[name], batches=4)
    with tf.Graph().as_default():
        batch, loss, train = programs.program(w)
        with tf.Session(backend="gpu", mixed_precision=precision) as session:
            programs.start(w, session)
            calls = []
            for values in w.batches:
                cuda.calls.clear()
                session.run([loss, train], {batch[k]: v for k, v in values.items()})
                calls.append(Counter(cuda.calls))
    first, second, *later = calls
    assert first["launchKernel"] > 0 and first["streamBeginCapture"] == 0
    # What is captured is launched as a whole, at once.
    assert second["launchKernel"] == first["launchKernel"] and second["graphInstantiate"] == 1
    for replay in later:
        assert replay["graphLaunch"] == 1
        assert not replay.keys() & {"launchKernel", "malloc", "moduleLoadData", "memsetAsync"}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_step_is_one_launch(programs: Any, device: Any, cuda: CallsOnly, precision: str) -> None:
    check(programs, cuda, "W4", precision)


@pytest.mark.parametrize(("precision", "numbers"), [("tf32", {134, 136, 256}), ("bfloat16", {134, 136})])
def test_gradients_after_products(
    programs: Any, device: Any, cuda: CallsOnly, precision: str, numbers: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The library computes nothing here, so that a look at it would find it wrong.
    for module in (products, product_gradients):
        monkeypatch.setattr(module, "works", lambda *arguments: True)
    made: dict[str, int] = {}
    fake = device._products._library
    describe = fake.cublasLtMatmulDescSetAttribute.call
    fake.cublasLtMatmulDescSetAttribute.call = lambda matmul, attribute, value, size: made.setdefault(
        f"{attribute} {value._obj.value}", describe(matmul, attribute, value, size)
    )
    check(programs, cuda, "W4", precision)
    assert {f"7 {number}" for number in numbers} <= made.keys() and not any(made.values())


@pytest.mark.long
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", OTHERS)
def test_all_workloads(programs: Any, device: Any, cuda: CallsOnly, name: str, precision: str) -> None:
    check(programs, cuda, name, precision)


@pytest.mark.long
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["W5", "W6"])
def test_with_cudnn(
    programs: Any, device: Any, cuda: CallsOnly, name: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = FakeCudnn()
    ran: list[str] = []
    monkeypatch.setattr(library, "run", lambda kind, *arguments: ran.append(kind) or 0)
    device.__dict__["_cudnn"] = Cudnn(library, device, device.stream, device._workspace)
    check(programs, cuda, name, precision)
    # Called once, captured once.
    assert {kind: count % 2 for kind, count in Counter(ran).items()} == {"forward": 0, "data": 0, "filter": 0}


@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=pytest.mark.long)])
def test_layers_by_cudnn(programs: Any, device: Any, cuda: CallsOnly, precision: str) -> None:
    library: Any = FakeCudnn()
    ran: list[str] = []
    for name in ("Forward", "BackwardData_v8", "BackwardWeights_v8"):
        getattr(library, f"cudnnRNN{name}").call = lambda *arguments, name=name: ran.append(name) or 0
    device.__dict__["_cudnn"] = Cudnn(library, device, device.stream, device._workspace)
    check(programs, cuda, "W7", precision)
    # Two layers, called once and captured once.
    assert Counter(ran) == {"Forward": 4, "BackwardData_v8": 4, "BackwardWeights_v8": 4}

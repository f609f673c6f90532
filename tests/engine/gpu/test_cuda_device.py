"""The CUDA device on a double of CuPy's calls: their order, their arguments, and what is copied when."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from headrace.engine.errors import FailedPreconditionError, InternalError, ResourceExhaustedError
from headrace.engine.gpu.cuda import device as cuda_device, driver, failures
from headrace.engine.gpu.cuda.device import CudaDevice, packed
from headrace.engine.gpu.cuda.driver import Card
from headrace.engine.gpu.memory import lock_of
from headrace.engine.gpu.source import Kernel

from .fake_cuda import FakeCuda, FakeCudaError

CARD = Card(0, "A card", "sm_90", 1 << 30)
ADD = Kernel("hr_test_add", (("float*", "to"), ("const float*", "a"), ("float", "b"), ("long long", "n")), "")


def add(grid: Any, block: Any, to: int, a: int, b: float, n: int) -> None:
    source, target = ((ctypes.c_float * n).from_address(address) for address in (a, to))
    for i in range(n):
        target[i] = source[i] + b


@pytest.fixture(params=[False, True], ids=["late", "eager"])
def cuda(request: Any, monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    fake = FakeCuda(eager=request.param)
    module = ModuleType("cupy.cuda")
    module.runtime, module.driver = fake.runtime, fake.driver  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cupy", ModuleType("cupy"))
    monkeypatch.setitem(sys.modules, "cupy.cuda", module)
    fake.kernels["hr_test_add"] = add, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_float, ctypes.c_longlong]
    return fake


@pytest.fixture
def device(cuda: FakeCuda) -> CudaDevice:
    made = CudaDevice(CARD, 13)
    compiler = SimpleNamespace(identity="fake", suffix=".cubin", compile=lambda kernels: b"cubin")
    unit = SimpleNamespace(path=SimpleNamespace(name="unit"), data=b"cubin")
    made.__dict__["_compiler"] = compiler
    made.__dict__["_cache"] = SimpleNamespace(load=lambda kernels, _: {k.name: unit for k in kernels})
    return made


def launch(device: CudaDevice, to: int, a: int, b: float, n: int, shared: int = 0) -> Callable[[], Any]:
    return device.launch(device.load([ADD])[ADD.name], (1, 1, 1), (32, 1, 1), shared, (to, a, b, n))


@pytest.mark.parametrize("nbytes", [1, 4, 1000, 65536, 65540, (8 << 20) + 4, (17 << 20) + 12])
def test_what_goes_up_comes_down(device: CudaDevice, nbytes: int) -> None:
    host = np.random.default_rng(0).integers(0, 256, nbytes, np.uint8)
    address = device.allocate(nbytes)
    sent = host.copy()
    device.upload(address, sent)
    # The array may be changed at once.
    sent[:] = 0
    back = np.zeros_like(host)
    device.download(back, address)
    np.testing.assert_array_equal(back, host)


@pytest.mark.parametrize("shape", [(), (0,), (3, 5)])
@pytest.mark.parametrize("dtype", ["float32", "bool", "float16", "int64"])
def test_shapes_and_dtypes(device: CudaDevice, shape: tuple[int, ...], dtype: str) -> None:
    host = np.ones(shape, dtype)
    address = device.allocate(host.nbytes)
    device.upload(address, host)
    back = np.zeros_like(host)
    device.download(back, address)
    np.testing.assert_array_equal(back, host)


@pytest.mark.parametrize("count", [7, 40_000, 3_000_000])
def test_every_step_sees_its_own_feed(device: CudaDevice, count: int) -> None:
    """Uploads of later steps neither overtake the kernels of earlier ones nor change what they read."""
    a, to = device.allocate(count * 4), [device.allocate(4) for _ in range(6)]
    for step, target in enumerate(to):
        device.upload(a, np.full(count, step, np.float32))
        launch(device, target, a + (count - 1) * 4, 0.5, 1)()
    for step, target in enumerate(to):
        got = np.zeros(1, np.float32)
        device.download(got, target)
        assert got[0] == step + 0.5


def test_many_small_uploads_wrap_around(device: CudaDevice) -> None:
    addresses = [device.allocate(40_000) for _ in range(60)]
    for i, address in enumerate(addresses):
        device.upload(address, np.full(40_000, i, np.uint8))
    for i, address in enumerate(addresses):
        got = np.zeros(40_000, np.uint8)
        device.download(got, address)
        assert (got == i).all()


def test_replay_with_new_feeds(device: CudaDevice, cuda: FakeCuda) -> None:
    a, b, c = (device.allocate(16) for _ in range(3))
    calls = [launch(device, b, a, 1.0, 4), device.copy(c, b, 16), device.fill(b, 16, 0)]
    device.upload(a, np.zeros(4, np.float32))
    for call in calls:
        call()
    replay = device.capture(calls)
    cuda.calls.clear()
    for step in range(5):
        device.upload(a, np.full(4, step, np.float32))
        replay()
        got = np.zeros(4, np.float32)
        device.download(got, c)
        assert (got == step + 1).all()
    assert cuda.calls.count("graphLaunch") == 5
    assert "launchKernel" not in cuda.calls


def test_a_graph_gives_back_what_it_has(device: CudaDevice, cuda: FakeCuda) -> None:
    replay = device.capture([device.fill(device.allocate(4), 4, 1)])
    replay()
    del replay
    gc.collect()
    assert not cuda.graphs


def test_what_goes_during_a_capture_is_given_back_after_it(device: CudaDevice, cuda: FakeCuda) -> None:
    call = device.fill(device.allocate(4), 4, 1)
    held = [device.capture([call])]
    device._workspace.reserve(1000)
    blocks = [device._workspace.block]
    device._workspace.reserve(2000)

    def drop() -> None:
        held.clear()
        blocks.clear()
        gc.collect()
        assert "graphExecDestroy" not in cuda.calls and cuda.capturing is not None

    cuda.calls.clear()
    replay = device.capture([call, drop])
    assert cuda.calls.count("graphExecDestroy") == 1
    assert cuda.calls.count("free") == 1
    replay()


def test_a_call_that_fails_ends_the_capture(device: CudaDevice, cuda: FakeCuda) -> None:
    def fails() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        device.capture([fails])
    assert cuda.capturing is None and not cuda.graphs


def test_what_cannot_be_captured_runs_call_by_call(device: CudaDevice, cuda: FakeCuda, caplog: Any) -> None:
    a, b = device.allocate(16), device.allocate(16)
    device.upload(a, np.ones(4, np.float32))
    step = device.capture([launch(device, b, a, 1.0, 4), device.synchronize])
    assert cuda.capturing is None and not cuda.graphs
    assert "A step of 2 calls is not captured, and runs call by call: " in caplog.text
    assert "a call that waits was made while a step was captured" in caplog.text
    cuda.fails["graphInstantiate"] = 999
    others = device.capture([launch(device, a, b, 1.0, 4)])
    got = np.zeros(4, np.float32)
    for call, address, wanted in ((step, b, 2), (others, a, 3)):
        call()
        device.download(got, address)
        assert (got == wanted).all()
    cuda.fails["launchKernel"] = 700
    with pytest.raises(InternalError, match="compute-sanitizer"):
        device.capture([launch(device, b, a, 1.0, 4)])


def test_kernels_are_loaded_once(device: CudaDevice, cuda: FakeCuda) -> None:
    assert device.load([ADD, ADD]) == device.load([ADD])
    assert cuda.calls.count("moduleLoadData") == 1
    assert cuda.calls.count("moduleGetFunction") == 1


def test_much_shared_memory_is_asked_for(device: CudaDevice, cuda: FakeCuda) -> None:
    launch(device, 256, 256, 0.0, 0, shared=1 << 10)()
    assert "funcSetAttribute" not in cuda.calls
    calls = [launch(device, 256, 256, 0.0, 0, shared=n << 10) for n in (64, 100, 50, 48)]
    assert cuda.calls.count("funcSetAttribute") == 2
    # What one launch was granted the next does not take away.
    for call in calls:
        call()


def test_a_functions_own_shared_memory_counts(device: CudaDevice, cuda: FakeCuda) -> None:
    cuda.own_shared = 8 << 10
    launch(device, 256, 256, 0.0, 0, shared=40 << 10)()
    assert "funcSetAttribute" not in cuda.calls
    launch(device, 256, 256, 0.0, 0, shared=41 << 10)()
    assert cuda.calls.count("funcSetAttribute") == 1


def test_arguments_are_packed_as_their_types() -> None:
    kinds = (("float*", "p"), ("int", "i"), ("long long", "n"), ("float", "x"), ("double", "y"), ("unsigned", "u"))
    kernel = Kernel("k", tuple(kinds), "")
    values, addresses = packed(kernel, (1 << 40, -3, 1 << 35, 0.5, 0.1, 7))
    assert [type(v) for v in values] == [
        ctypes.c_void_p, ctypes.c_int, ctypes.c_longlong, ctypes.c_float, ctypes.c_double, ctypes.c_uint,
    ]  # fmt: skip
    assert [v.value for v in values] == [1 << 40, -3, 1 << 35, 0.5, 0.1, 7]
    assert list(addresses) == [ctypes.addressof(v) for v in values]
    with pytest.raises(ValueError, match="a kernel's parameters"):
        packed(Kernel("k", (("short", "s"),), ""), (1,))


def test_too_much_memory(device: CudaDevice, cuda: FakeCuda) -> None:
    with pytest.raises(ResourceExhaustedError, match=r"A card: an allocation of 1099511627776 bytes: .* is full"):
        device.allocate(1 << 40)
    free, total = device.memory()
    assert 0 < free <= total == cuda.total


@pytest.mark.parametrize(
    ("name", "status", "ask", "words"),
    [
        ("launchKernel", 700, lambda d: launch(d, 256, 256, 0.0, 0)(), "kernel hr_test_add: .*compute-sanitizer"),
        ("moduleLoadData", 209, lambda d: d.load([ADD]), "another GPU"),
        ("memGetInfo", 46, lambda d: d.memory(), "holds the GPU for itself"),
        ("streamSynchronize", 719, lambda d: d.synchronize(), "a kernel failed"),
        ("memsetAsync", 1, lambda d: d.fill(256, 4, 0)(), "a fill: cudaError 1$"),
        ("hostAlloc", 304, lambda d: d.upload(256, np.zeros(1)), "a copy to the GPU"),
    ],
)
def test_errors_say_what_to_do(
    device: CudaDevice, cuda: FakeCuda, name: str, status: int, ask: Callable[[CudaDevice], Any], words: str
) -> None:
    cuda.fails[name] = status
    with pytest.raises(InternalError, match=words):
        ask(device)


def test_errors_of_memory() -> None:
    assert isinstance(failures.explained(FakeCudaError(2), "x"), ResourceExhaustedError)
    assert "x: no" in str(failures.explained(RuntimeError("no"), "x"))


def test_calls_go_to_the_device_that_is_asked(device: CudaDevice, cuda: FakeCuda) -> None:
    other = CudaDevice(Card(1, "Another card", "sm_90", 1 << 30), 13)
    for one in (device, other, device):
        one.activate()
        assert cuda.device == one.index


def test_each_thread_chooses_the_device(device: CudaDevice, cuda: FakeCuda) -> None:
    cuda.calls.clear()
    thread = threading.Thread(target=device.activate)
    thread.start()
    thread.join()
    assert cuda.calls == ["setDevice"]


def test_a_thread_has_the_device_while_it_is_its_turn(device: CudaDevice, cuda: FakeCuda) -> None:
    a = device.allocate(4)
    call, said = launch(device, a, a, 1.0, 1), list[str]()

    def ask() -> None:
        try:
            call()
        except InternalError as error:
            said.append(error.message)
        with lock_of(device):
            call()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert len(said) == 1 and "this thread has no GPU context" in said[0]
    assert cuda.calls.count("launchKernel") == 2


def test_a_forked_child_is_told(device: CudaDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    found = driver.Found((CARD,), 13)
    monkeypatch.setattr(driver._answer, "found", found)
    monkeypatch.setattr(driver._answer, "process", 1)
    monkeypatch.setattr(device, "_process", 1)
    with pytest.raises(FailedPreconditionError, match="start processes by 'spawn'"):
        device.allocate(4)
    with pytest.raises(FailedPreconditionError, match="spawn"):
        cuda_device.open_device()
    # What the parent has is the parent's.
    device.release(256)
    monkeypatch.setattr(device._waste, "_process", 1)
    device._waste.take(pytest.fail)


def test_nothing_is_given_back_to_a_gpu_that_is_lost(device: CudaDevice, cuda: FakeCuda) -> None:
    cuda.fails["free"] = 700
    device.release(256)
    cuda.fails["free"] = 1
    with pytest.raises(InternalError, match="a release of memory"):
        device.release(256)

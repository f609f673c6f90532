"""Sums by NCCL: the calls to a library compiled for the test, their order among a device's, captures, and errors."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import headrace as tf
from headrace.engine.communicator import using
from headrace.engine.errors import AbortedError, InternalError, InvalidArgumentError
from headrace.engine.gpu import find
from headrace.engine.gpu.cuda import cublaslt, nccl, nvrtc
from headrace.engine.gpu.cuda.device import CudaDevice
from headrace.engine.gpu.cuda.driver import Card
from headrace.engine.gpu.cuda.nccl import NcclSums
from headrace.engine.unsupported import UnsupportedError

from .fake_cuda import FakeCuda, FakeCudaError
from .test_cublaslt import FakeCublasLt
from .test_cuda_programs import CallsOnly
from .test_sums import Two

Array = np.ndarray[Any, Any]

# What libnccl has of what is used: notes each call in words, and asks the test to do what a sum does.
LIBRARY = r"""
#include <stdio.h>
#include <string.h>

typedef struct { char bytes[128]; } ncclUniqueId;
static char noted[1 << 16], failing[64];
static int status_of_failing, async_error;
static void (*work)(const void *, void *, size_t, int, int, long long);

#define NOTE(...) snprintf(noted + strlen(noted), sizeof noted - strlen(noted), __VA_ARGS__)
#define RESULT(name) return strcmp(failing, name) ? 0 : status_of_failing

const char *fake_noted(void) { return noted; }
void fake_clear(void) { noted[0] = 0; }
void fake_failing(const char *name, int status) { strcpy(failing, name); status_of_failing = status; }
void fake_async_error(int status) { async_error = status; }
void fake_work(void *function) { work = function; }

int ncclGetUniqueId(ncclUniqueId *id) {
    memset(id, 7, sizeof *id);
    NOTE("id\n");
    RESULT("ncclGetUniqueId");
}
int ncclCommInitRank(void **communicator, int size, ncclUniqueId id, int rank) {
    *communicator = (void *)99;
    NOTE("rank %d of %d, id %d %d\n", rank, size, id.bytes[0], id.bytes[127]);
    RESULT("ncclCommInitRank");
}
int ncclAllReduce(const void *from, void *to, size_t count, int dtype, int how, void *communicator, void *stream) {
    NOTE("sum %zu of %d by %d, %s, %lld\n", count, dtype, how, from == to ? "in place" : "elsewhere", (long long)communicator);
    if (work) work(from, to, count, dtype, how, (long long)stream);
    RESULT("ncclAllReduce");
}
int ncclGroupStart(void) { NOTE("group\n"); return 0; }
int ncclGroupEnd(void) { NOTE("end\n"); RESULT("ncclGroupEnd"); }
int ncclCommAbort(void *communicator) { NOTE("abort %lld\n", (long long)communicator); return 0; }
int ncclCommGetAsyncError(void *communicator, int *found) { *found = async_error; return 0; }
const char *ncclGetErrorString(int status) { return status == 6 ? "remote process exited" : "unhandled system error"; }
"""


class Ranks:
    """Two ranks, of which this is one; the first has sent its id, unless it has none."""

    size = 2
    cards = (3, 5)

    def __init__(self, rank: int = 0, has_id: bool = True) -> None:
        self.rank, self.has_id = rank, has_id

    def broadcast(self, name: str, array: Array, root: int = 0) -> Array:
        if self.rank != root:
            array[:] = 7 if self.has_id else 0
        return array

    def all_reduce(self, name: str, array: Array, merge: str = "Add") -> Array:
        raise NotImplementedError

    def agree(self, name: str, arrays: Sequence[str], value: int) -> list[int]:
        raise NotImplementedError

    def at_leaving(self, call: Callable[[], None]) -> None:
        raise NotImplementedError


class OneCapture(FakeCuda):
    """CUDA that, as the real one, captures a stream with those that wait for it, and wants them to come back to it."""

    def __init__(self) -> None:
        super().__init__()
        self.origin = 0
        # The streams of the capture, those with work that the first does not wait for, and recorded events' streams.
        self.inside: set[int] = set()
        self.open: set[int] = set()
        self.recorded: dict[int, tuple[int, bool]] = {}

    def _streamBeginCapture(self, stream: int, mode: int) -> None:
        super()._streamBeginCapture(stream, mode)
        self.origin, self.inside, self.open = stream, {stream}, set()

    def _push(self, stream: int, work: Any) -> None:
        if (
            self.capturing is not None
            and stream in self.inside - {self.origin}
            and (callable(work) or work[0] != "record")
        ):
            self.open.add(stream)
        if self.capturing is None or stream in self.inside:
            super()._push(stream, work)
        else:
            self.queues[stream].append(work)

    def _eventRecord(self, event: int, stream: int) -> None:
        self.recorded[event] = stream, self.capturing is not None and stream in self.inside
        super()._eventRecord(event, stream)

    def _streamWaitEvent(self, stream: int, event: int) -> None:
        source, captured = self.recorded.get(event, (0, False))
        if captured != (self.capturing is not None and stream in self.inside):
            if not captured or self.capturing is None:
                raise FakeCudaError(905 if self.capturing is not None else 907)
            self.inside.add(stream)
        if stream == self.origin:
            self.open.discard(source)
        super()._streamWaitEvent(stream, event)

    def _streamEndCapture(self, stream: int) -> int:
        if self.open:
            self.capturing = None
            raise FakeCudaError(904)
        return super()._streamEndCapture(stream)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("a C compiler makes the double of NCCL, and there is none")
    folder = tmp_path_factory.mktemp("nccl")
    (folder / "nccl.c").write_text(LIBRARY)
    target = folder / "libnccl.so.2"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(target), str(folder / "nccl.c")], check=True)
    return target


class Double:
    """The library, and the CUDA whose streams its sums are done in: they double float32 and leave others as they are."""

    def __init__(self, path: Path, cuda: FakeCuda) -> None:
        self.cuda = cuda
        self.library = ctypes.CDLL(str(path))
        self.library.fake_noted.restype = ctypes.c_char_p
        self.library.fake_failing(b"", 0)
        self.library.fake_async_error(0)
        self.library.fake_clear()
        kinds = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_longlong
        self.function = ctypes.CFUNCTYPE(None, *kinds)(self._work)
        self.library.fake_work(self.function)

    def _work(self, source: int, target: int, count: int, dtype: int, how: int, stream: int) -> None:
        if dtype == 7:
            self.cuda._push(stream, lambda: self._double(target, count))

    def _double(self, address: int, count: int) -> None:
        np.ctypeslib.as_array((ctypes.c_float * count).from_address(address))[:] *= 2

    @property
    def noted(self) -> list[str]:
        """The calls since the last look."""
        lines: list[str] = self.library.fake_noted().decode().splitlines()
        self.library.fake_clear()
        return lines


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> OneCapture:
    fake = OneCapture()
    module = ModuleType("cupy.cuda")
    module.runtime, module.driver = fake.runtime, fake.driver  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cupy", ModuleType("cupy"))
    monkeypatch.setitem(sys.modules, "cupy.cuda", module)
    return fake


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was, when the test is over."""
    monkeypatch.setenv("NCCL_GRAPH_REGISTER", "0")


@pytest.fixture
def double(built: Path, cuda: OneCapture, monkeypatch: pytest.MonkeyPatch) -> Double:
    made = Double(built, cuda)
    monkeypatch.setattr(nccl, "load", lambda library, cuda: made.library)
    return made


@pytest.fixture
def device(cuda: OneCapture, double: Double) -> CudaDevice:
    return CudaDevice(Card(0, "A card", "sm_90", 1 << 30), 13)


@pytest.fixture
def sums(device: CudaDevice) -> NcclSums:
    made = device.sums(Ranks())
    made.connect()
    return made


@pytest.mark.parametrize("rank", [0, 1])
def test_all_ranks_have_the_first_ones_id(device: CudaDevice, double: Double, rank: int) -> None:
    made = device.sums(Ranks(rank))
    assert not double.noted
    for _ in range(2):
        made.connect()
    assert double.noted == ["id"] * (rank == 0) + [f"rank {rank} of 2, id 7 7"]


def test_calls(device: CudaDevice, sums: NcclSums, double: Double) -> None:
    double.library.fake_clear()
    address = device.allocate(64)
    call = sums.all_reduce([(address, 10), (address + 40, 2)], np.float32)
    highest = sums.all_reduce([(address, 3)], ml_dtypes.bfloat16, "Max")
    assert not double.noted
    call()
    highest()
    first = ["group", "sum 10 of 7 by 0, in place, 99", "sum 2 of 7 by 0, in place, 99", "end"]
    assert double.noted == [*first, "group", "sum 3 of 9 by 2, in place, 99", "end"]


def test_sums_are_done_beside_the_devices_work(device: CudaDevice, sums: NcclSums) -> None:
    first, second, found = device.allocate(16), device.allocate(16), np.zeros(4, np.float32)
    call, copy = sums.all_reduce([(first, 4)], np.float32), device.copy(second, first, 16)
    for captured in (False, True):
        calls = [call, sums.join, copy]
        for _ in range(2):
            device.upload(first, np.arange(4, dtype=np.float32))
            for one in [device.capture(calls)] if captured else calls:
                one()
            sums.wait()
            device.download(found, second)
            np.testing.assert_array_equal(found, [0, 2, 4, 6])
    # Who does not wait does not have them.
    device.upload(first, np.ones(4, np.float32))
    call()
    copy()
    device.download(found, second)
    np.testing.assert_array_equal(found, 1)
    # The end of this rank's work waits for them.
    sums.close()
    device.download(found, first)
    np.testing.assert_array_equal(found, 2)


def test_a_capture_holds_all_that_it_began(
    device: CudaDevice, sums: NcclSums, cuda: OneCapture, caplog: pytest.LogCaptureFixture
) -> None:
    call = sums.all_reduce([(device.allocate(16), 4)], np.float32)
    device.capture([call])
    assert "not captured" in caplog.text and "904" in caplog.text
    caplog.clear()
    # What was begun in a capture that failed is not waited for in the next run.
    assert cuda.capturing is None
    sums.connect()
    device.capture([sums.join, call, sums.join])
    # A wait in another segment than the sum's finds nothing to wait for.
    device.capture([sums.join, sums.join])
    assert not caplog.text


def test_errors(device: CudaDevice, sums: NcclSums, double: Double) -> None:
    with pytest.raises(UnsupportedError, match="does not add up complex64"):
        sums.all_reduce([(0, 1)], np.complex64)
    with pytest.raises(InvalidArgumentError, match="merge must be one of Add, Mul"):
        sums.all_reduce([(0, 1)], np.float32, "Mean")
    double.library.fake_failing(b"ncclAllReduce", 2)
    double.library.fake_clear()
    with pytest.raises(InternalError, match=r"ncclAllReduce failed: unhandled system error \(2\); NCCL_DEBUG=INFO"):
        sums.all_reduce([(device.allocate(4), 1)], np.float32)()
    assert double.noted[-1] == "end"
    double.library.fake_failing(b"ncclCommInitRank", 5)
    other = device.sums(Ranks())
    with pytest.raises(InternalError, match="ncclCommInitRank failed"):
        other.connect()
    double.library.fake_failing(b"ncclGetUniqueId", 2)
    with pytest.raises(InternalError, match="ncclGetUniqueId failed"):
        other.connect()
    with pytest.raises(InternalError, match="rank 0 could not start NCCL"):
        device.sums(Ranks(1, has_id=False)).connect()


def test_a_rank_that_is_lost_ends_the_wait(
    device: CudaDevice, sums: NcclSums, double: Double, cuda: OneCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda.runtime, "streamQuery", lambda stream: 600)
    monkeypatch.setattr(nccl, "_LOOKS", 3)
    double.library.fake_async_error(6)
    double.library.fake_clear()
    with pytest.raises(
        AbortedError, match=r"Sums of 2 ranks by NCCL have failed: remote process exited \(6\); has a rank"
    ):
        sums.wait()
    assert sums.aborting is not None
    sums.aborting.join()
    assert double.noted == ["abort 99"]
    with pytest.raises(AbortedError, match="no longer add up by NCCL: remote process exited"):
        sums.connect()
    sums.close()


def test_a_look_before_each_step(sums: NcclSums, double: Double) -> None:
    double.library.fake_async_error(7)
    sums.connect()
    double.library.fake_async_error(6)
    with pytest.raises(AbortedError):
        sums.connect()
    assert sums.aborting is not None
    sums.aborting.join()
    sums.end("another reason")
    with pytest.raises(AbortedError, match="remote process exited"):
        sums.connect()


class Steps(CallsOnly, OneCapture):
    """CUDA whose kernels do nothing, with the rules of captures."""


def test_sums_of_a_program_are_captured_with_it(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three buckets, each begun while the backward pass goes on; what NCCL is asked for in a call, a capture, a replay."""
    try:
        nvrtc.Nvrtc(13)
    except UnsupportedError as error:
        pytest.skip(str(error))
    cuda = Steps()
    module = ModuleType("cupy.cuda")
    module.runtime, module.driver = cuda.runtime, cuda.driver  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cupy", ModuleType("cupy"))
    monkeypatch.setitem(sys.modules, "cupy.cuda", module)
    double, ranks = Double(built, cuda), Two()
    monkeypatch.setattr(nccl, "load", lambda library, cuda: double.library)
    device: Any = CudaDevice(Card(0, "A card", "sm_90", 1 << 30), 13)
    library: Any = FakeCublasLt()
    library.cublasLtMatmul.call = lambda *arguments: 0
    nbytes = cublaslt.workspace_bytes("sm_90")
    device.__dict__["_products"] = cublaslt.Products(library, device.stream, device._workspace, nbytes)
    monkeypatch.setattr(find, "find_device", lambda config=None, required=False: device)
    looks = []
    with tf.Graph().as_default(), using(ranks):
        hidden = tf.placeholder(tf.float32, [8, 16])
        feeds = {hidden: np.ones((8, 16), np.float32)}
        for i in range(3):
            hidden = tf.tanh(tf.matmul(hidden, tf.get_variable(f"w{i}", [16, 16])))
        loss = tf.reduce_sum(hidden)
        step = tf.cluster.DistributedOptimizer(tf.train.AdamOptimizer(), bucket_bytes=1).minimize(loss)
        with tf.Session(backend="gpu") as session:
            session.run(tf.global_variables_initializer())
            for _ in range(4):
                session.run([loss, step], feeds)
                looks.append(double.noted)
            assert "added up over 2 ranks by NCCL" in session.explain([loss, step], feeds)
    sums = ["group", "sum 256 of 7 by 0, in place, 99", "end"] * 3
    assert looks == [["id", "rank 0 of 2, id 7 7", *sums], sums, [], []]
    # The capture held both streams, and waited for the second.
    assert cuda.open == set() and len(cuda.inside) == 2

"""Sums over ranks: the calls to NCCL on a double of the library, and the way through the host."""

from __future__ import annotations

import ctypes
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from headrace.engine import communicator
from headrace.engine.errors import InternalError, InvalidArgumentError
from headrace.engine.gpu.cuda import nccl
from headrace.engine.gpu.cuda.nccl import Sums, staged
from headrace.engine.unsupported import UnsupportedError


class Function:
    """A function of a library, whose types may be declared."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.argtypes: tuple[Any, ...] = ()
        self.restype: Any = None

    def __call__(self, *arguments: Any) -> Any:
        assert len(arguments) == len(self.argtypes)
        return self.call(*arguments)


class FakeNccl:
    """libnccl that notes what it is asked for."""

    def __init__(self, status: int = 0) -> None:
        self.calls: list[Any] = []
        self.status = status
        for name in nccl._SIGNATURES:
            setattr(self, name, Function(lambda *arguments, name=name: self._note(name, *arguments)))
        self.ncclGetErrorString = Function(lambda status: b"unhandled system error")

    def _note(self, name: str, *arguments: Any) -> int:
        self.calls.append((name, *arguments))
        if name == "ncclGetUniqueId":
            ctypes.memset(ctypes.byref(arguments[0]._obj), 7, 128)
        if name == "ncclCommInitRank":
            arguments[0]._obj.value = 99
        return self.status


class Ranks:
    """Two ranks, of which this is one; the first has sent its id."""

    size = 2

    def __init__(self, rank: int) -> None:
        self.rank = rank

    def broadcast(self, name: str, array: Any, root: int = 0) -> Any:
        if self.rank != root:
            array[:] = 7
        return array

    def all_reduce(self, name: str, array: Any, merge: str = "Add") -> Any:
        return array * 2


@pytest.mark.parametrize("rank", [0, 1])
def test_all_ranks_have_the_first_ones_id(rank: int) -> None:
    library = FakeNccl()
    Sums(Ranks(rank), 5, 13, library)
    assert [call[0] for call in library.calls].count("ncclGetUniqueId") == (rank == 0)
    _, _, size, given, own = next(call for call in library.calls if call[0] == "ncclCommInitRank")
    assert (size, bytes(given), own) == (2, b"\7" * 128, rank)


def test_calls() -> None:
    library = FakeNccl()
    sums = Sums(Ranks(0), 5, 13, library)
    library.calls.clear()
    calls = [sums.all_reduce(256, 512, 10, np.float32), sums.all_reduce(256, 256, 3, ml_dtypes.bfloat16, "Max")]
    assert not library.calls
    sums.together(calls)()
    start, first, second, end = library.calls
    assert (start[0], end[0]) == ("ncclGroupStart", "ncclGroupEnd")
    assert (*first[1:6], first[6].value, first[7]) == (256, 512, 10, 7, 0, 99, 5)
    assert second[1:6] == (256, 256, 3, 9, 2)


def test_errors() -> None:
    library = FakeNccl()
    sums = Sums(Ranks(0), 5, 13, library)
    with pytest.raises(UnsupportedError, match="does not add up complex64"):
        sums.all_reduce(0, 0, 1, np.complex64)
    with pytest.raises(InvalidArgumentError, match="merge must be one of Add, Mul"):
        sums.all_reduce(0, 0, 1, np.float32, "Mean")
    call = sums.all_reduce(0, 0, 1, np.float32)
    library.status = 2
    with pytest.raises(InternalError, match=r"ncclAllReduce failed: unhandled system error \(2\); NCCL_DEBUG=INFO"):
        call()
    with pytest.raises(InternalError, match="ncclGroupStart"):
        sums.together([call])()


def test_through_the_host(sim: Any) -> None:
    address = sim.allocate(16)
    sim.upload(address, np.arange(4, dtype=np.float32))
    staged(sim, Ranks(0), "sum", address, 4, np.float32)()
    found = np.empty(4, np.float32)
    sim.download(found, address)
    np.testing.assert_array_equal(found, [0, 2, 4, 6])


def test_a_process_of_its_own(sim: Any) -> None:
    address = sim.allocate(4)
    sim.upload(address, np.ones(1, np.float32))
    staged(sim, communicator.needed("a sum"), "sum", address, 1, np.float32)()
    Sums(communicator.needed("a sum"), 5, 13, FakeNccl())

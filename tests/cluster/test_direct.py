"""Exchanges over shared memory, and sums that ranks add up in their own: right however they meet; who is gone is named."""

import mmap
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from headrace.cluster.collectives.shared import DONE, GONE, LATE, runtime

pytestmark = pytest.mark.skipif(runtime() is None, reason="needs the native runtime")

# Two processes add up 100,000 numbers; the second may leave when it has told where its own are.
PROGRAM = """
import mmap, os, sys
import numpy as np
from headrace.cluster.collectives.shared import runtime

SIZE, SLOT, COUNT = 2, 1 << 16, 100_000
native = runtime()
memory = mmap.mmap(-1, native.exchange_bytes(SIZE, SLOT))
head = np.frombuffer(memory, np.uint8).__array_interface__["data"][0]


def add(rank, wait):
    given, out = np.full(COUNT, rank + 1.0, np.float32), np.zeros(COUNT, np.float32)
    part = [given.__array_interface__["data"][0], out.__array_interface__["data"][0], COUNT]
    what = np.array([head, rank, SIZE, SLOT, 0, 7, 0, 0, 1, 0, 10, 1, *part], np.int64)
    progress = np.array([1, 0, 0, 0], np.int64)
    result = native.exchange(what, progress, 1.0, wait)
    return result, int(progress[3]), bool((out == 3).all())


child = os.fork()
if not child:
    os._exit(add(1, 0.0 if "leaves" in sys.argv else 30.0)[0])
if "leaves" in sys.argv:
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(status, *add(0, 30.0))
else:
    found = add(0, 30.0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), *found)
"""


def run(*arguments: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_process_reads_what_another_has() -> None:
    assert run() == [str(DONE), str(DONE), "1", "True"]


def test_a_process_that_is_gone_is_named() -> None:
    assert run("leaves") == [str(LATE), str(GONE), "1", "False"]


@pytest.mark.parametrize("count", [2, 3, 5, pytest.param(7, marks=pytest.mark.long)])
def test_random_exchanges_of_processes_that_are_late_now_and_then(count: int) -> None:
    """Sums in place and not, by slots and direct, of many lengths, dtypes and scales, and gathers, one after the other."""
    program = Path(__file__).with_name("forked_sums.py")
    command = [sys.executable, str(program), str(count), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


SLOT = 1024


class Member:
    """One of several members of an exchange in this process, which goes on by as much as it can without waiting."""

    def __init__(self, base: int, rank: int, size: int, count: int, direct: int, in_place: bool) -> None:
        self.given = np.arange(count, dtype=np.float32) + rank
        self.out = self.given if in_place else np.zeros(count, np.float32)
        part = [self.given.ctypes.data, self.out.ctypes.data, count]
        self.what = np.array([base, rank, size, SLOT, 0, 7, 0, 0, direct, 0, 0, 1, *part], np.int64)
        self.progress = np.array([1, 0, 0, 0], np.int64)
        self.result = LATE

    def go_on(self) -> None:
        if self.result == LATE:
            self.result = runtime().exchange(self.what, self.progress, 1.0, 0.0)

    def leave(self) -> None:
        """Gives up in the middle and uses its memory for something else."""
        if self.result == LATE:
            self.result = GONE
            runtime().leave_exchange(self.what)
            self.given[:] = self.out[:] = -1


@settings(max_examples=100, deadline=None)
@given(
    size=st.integers(2, 5),
    count=st.sampled_from([1, 700, 2048, 2500]),
    direct=st.integers(0, 1),
    in_place=st.booleans(),
    order=st.lists(st.integers(0, 4), max_size=60),
    leaver=st.none() | st.integers(0, 60),
)
# One has copied all and leaves while the other copies from it.
@example(size=2, count=2048, direct=1, in_place=False, order=[0, 1, 0], leaver=2)
def test_whoever_goes_on_or_gives_up_in_any_order(
    size: int, count: int, direct: int, in_place: bool, order: list[int], leaver: int | None
) -> None:
    """A sum that is done is right, and all end."""
    memory = mmap.mmap(-1, runtime().exchange_bytes(size, SLOT))
    base = np.frombuffer(memory, np.uint8).ctypes.data
    members = [Member(base, rank, size, count, direct, in_place) for rank in range(size)]
    for step, rank in enumerate([*order, *range(60)]):
        members[rank % size].go_on()
        if step == leaver:
            members[rank % size].leave()
    for _ in range(40):
        for member in members:
            member.go_on()
    right = np.arange(count, dtype=np.float32) * size + size * (size - 1) // 2
    assert all(member.result in (DONE, GONE) for member in members)
    assert all(np.array_equal(member.out, right) for member in members if member.result == DONE)
    assert leaver is not None or all(member.result == DONE for member in members)

"""Blocks of memory that others read: lent while an array refers to them, then used again."""

import os
import threading

import numpy as np
import pytest

from headrace.cluster.blocks import Blocks, Borrowed, kept

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no memory without a name")


@pytest.fixture
def shared():
    blocks = Blocks(3, 1 << 20)
    yield blocks, Borrowed(blocks.address, 1)
    blocks.close()


def test_what_is_written_is_read_where_it_is(shared):
    blocks, borrowed = shared
    memory, place = blocks.take(1, 1000)
    memory[:] = np.arange(1000) % 256
    read = borrowed.block(place)
    assert read.ctypes.data % 64 == 0 and np.array_equal(read, memory)
    memory[0] = 7
    assert read[0] == 7
    own = kept(read[:10].view(np.int16))
    memory[0] = 8
    assert own.view(np.uint8)[0] == 7 and read[0] == 8


def test_a_block_is_lent_until_the_last_array_is_gone(shared):
    blocks, borrowed = shared
    places = [blocks.take(1, 100)[1] for _ in range(3)]
    assert len(set(places)) == 3
    part = borrowed.block(places[1])[5:10].view(np.int8)
    assert blocks.take(1, 100)[1] not in places
    del part
    assert blocks.take(1, 100)[1] == places[1]


def test_no_room_is_no_error_and_room_comes_back(shared):
    blocks, borrowed = shared
    taken = [blocks.take(1, 1 << 18)[1] for _ in range(3)]
    assert blocks.take(1, 1 << 18) is None
    small = blocks.take(1, 1 << 17)[1]
    for place in (taken[0], taken[1]):
        borrowed.block(place)
    assert blocks.take(1, 1 << 19)[1][:16] == taken[0][:16]
    borrowed.block(small)
    assert blocks.take(1, 1 << 21) is None


def test_only_for_those_who_have_opened_it(shared):
    blocks, _ = shared
    assert blocks.take(2, 100) is None
    with pytest.raises(OSError, match="is another file"):
        Borrowed(blocks.address.replace(":", ":00", 1), 2)
    with pytest.raises(OSError, match="is another file"):
        Borrowed(blocks.address + "0", 2)
    assert blocks.take(2, 100) is None


def test_what_was_read_outlives_who_wrote_it():
    blocks = Blocks(2, 1 << 20)
    borrowed = Borrowed(blocks.address, 1)
    memory, place = blocks.take(1, 100)
    memory[:] = 5
    read = borrowed.block(place)
    blocks.close()
    del blocks, memory, borrowed
    assert read.sum() == 500


def test_none_where_none_is_wanted():
    blocks = Blocks(2, 0)
    assert blocks.address == "" and blocks.take(1, 100) is None
    blocks.close()


def test_the_file_is_not_closed_while_it_grows(shared):
    blocks, _ = shared
    with blocks._lock:
        thread = threading.Thread(target=blocks.close)
        thread.start()
        thread.join(0.1)
        assert thread.is_alive() and os.fstat(blocks._file).st_size == 1 << 20
    thread.join()
    assert blocks.take(1, 100) is None

"""Copies between host and device: what is read is always the newest value, and nothing is copied that need not be."""

import pytest
from hypothesis import given, strategies as st

from headrace.engine.backends.gpu_residence import BOTH, Access, Side, copies_before, newest_sides

KEYS = st.integers(0, 4)
ACCESSES = st.lists(
    st.builds(
        Access, st.sampled_from(Side), st.lists(KEYS, max_size=3).map(tuple), st.lists(KEYS, max_size=2).map(tuple)
    ),
    max_size=12,
)
GIVEN = st.dictionaries(
    KEYS, st.sampled_from([frozenset([Side.HOST]), frozenset([Side.DEVICE]), BOTH]), min_size=5, max_size=5
)
FETCHED = st.lists(st.tuples(KEYS, st.sampled_from(Side)), max_size=4)


def other(side):
    return Side.HOST if side is Side.DEVICE else Side.DEVICE


@given(ACCESSES, GIVEN, FETCHED)
def test_what_is_read_is_newest_and_no_copy_is_needless(accesses, given, fetched):
    # The value of a buffer is the number of the access that wrote it.
    memory = {side: {key: 0 if side in sides else None for key, sides in given.items()} for side in Side}
    newest = dict.fromkeys(given, 0)
    copies = copies_before(accesses, given, fetched)
    assert len(copies) == len(accesses) + 1
    for number, (access, keys) in enumerate(zip(accesses, copies[:-1], strict=True), 1):
        for key in keys:
            assert key in access.reads and memory[access.side][key] != newest[key]
            memory[access.side][key] = memory[other(access.side)][key]
        assert all(memory[access.side][key] == newest[key] for key in access.reads)
        for key in access.writes:
            memory[access.side][key] = newest[key] = number
    sides = newest_sides(accesses, given)
    assert all({s for s in Side if memory[s][key] == newest[key]} == set(sides[key]) for key in given)
    for key in copies[-1]:
        wanted = {side for k, side in fetched if k == key}
        assert any(memory[side][key] != newest[key] for side in wanted)
        for side in Side:
            memory[side][key] = newest[key]
    assert all(memory[side][key] == newest[key] for key, side in fetched)


@pytest.mark.parametrize(
    ("accesses", "expected"),
    [
        ([Access(Side.DEVICE, ("fed",), ("a",)), Access(Side.DEVICE, ("a",), ("b",))], [[], [], ["b"]]),
        ([Access(Side.DEVICE, ("fed",), ("a",)), Access(Side.HOST, ("a",), ("b",))], [[], ["a"], []]),
        ([Access(Side.HOST, ("fed",), ("b",)), Access(Side.DEVICE, ("b",), ("b",))], [[], ["b"], ["b"]]),
    ],
)
def test_copies_of_small_programs(accesses, expected):
    assert copies_before(accesses, {"fed": BOTH}, [("b", Side.HOST)]) == expected

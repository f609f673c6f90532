"""Native random words are NumPy's, bit by bit, carries between the counter's words included."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.engine.kernels.philox import WORD, Stream, philox, philox_at
from headrace.engine.native.blocks import philox_blocks
from headrace.engine.native.library import load

pytestmark = pytest.mark.skipif(isinstance(load(), str), reason="no native runtime")

KEYS = [(0, 0), (87654321, 5), (WORD, WORD)]
COUNTERS = [(0, 0, 0, 0), (WORD - 3, 0, 7, 1 << 31), (WORD - 99, WORD, WORD, 3), (WORD - 5, WORD, WORD, WORD)]


@pytest.mark.parametrize("counter", COUNTERS)
@pytest.mark.parametrize("key", KEYS)
def test_words_equal_numpy(key: tuple[int, int], counter: tuple[int, int, int, int]) -> None:
    for blocks in (256, 1001, 30000):
        out = np.zeros((blocks, 4), np.uint32)
        assert philox_blocks(key, counter, out)
        expected = philox_at(Stream(key, counter), np.arange(blocks, dtype=np.uint64))
        np.testing.assert_array_equal(out, expected)
        np.testing.assert_array_equal(philox(key, counter, blocks), expected)


def test_every_instruction_set(instruction_set: str) -> None:
    from headrace.engine.native import _runtime  # type: ignore[attr-defined]

    library = load()
    assert not isinstance(library, str)
    out = np.zeros((333, 4), np.uint32)
    kernel, _ = _runtime.kernels(instruction_set)["philox_blocks"]
    place = out.__array_interface__["data"][0]
    assert library.segment([(kernel, 4, (333, 100, 5, 7, -2, place))], 2, [out]).run() == -1
    expected = philox_at(Stream((5, 0), (7, 0, WORD - 1, WORD)), np.arange(333, dtype=np.uint64))
    np.testing.assert_array_equal(out, expected)


def test_few_words_are_numpys() -> None:
    assert not philox_blocks((0, 0), (0, 0, 0, 0), np.zeros((3, 4), np.uint32))

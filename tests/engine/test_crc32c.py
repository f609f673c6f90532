"""CRC-32C: published values, and NumPy's against the definition bit by bit."""

import random
import sys

import pytest
from hypothesis import given, strategies as st

from headrace.engine import crc32c
from headrace.engine.native import library


def by_definition(data: bytes, value: int = 0) -> int:
    register = value ^ 0xFFFFFFFF
    for octet in data:
        register ^= octet
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


# RFC 3720, appendix B.4
PUBLISHED = [
    (b"", 0),
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(range(31, -1, -1)), 0x113FDB5C),
    (b"123456789", 0xE3069283),
]


@pytest.mark.parametrize(("data", "expected"), PUBLISHED)
@pytest.mark.parametrize("function", [crc32c.crc32c, crc32c.crc32c_numpy])
def test_published_values(function, data, expected):
    assert function(data) == expected


@pytest.mark.parametrize("length", [1, 3, 4, 5, 47, 48, 49, 1023, 1024, 1025, 2048, 5000])
def test_every_way_through_numpy(length):
    data = random.Random(length).randbytes(length)
    assert crc32c.crc32c_numpy(data) == by_definition(data)
    assert crc32c.crc32c_numpy(data, 0x12345678) == by_definition(data, 0x12345678)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_a_crc_goes_on_from_the_one_before(first, second):
    whole = crc32c.crc32c_numpy(first + second)
    assert crc32c.crc32c_numpy(second, crc32c.crc32c_numpy(first)) == whole


def test_more_than_is_looked_up_at_once():
    data = random.Random(1).randbytes(300_000)
    pieces = crc32c.crc32c_numpy(data[100_001:], crc32c.crc32c_numpy(data[:100_001]))
    assert crc32c.crc32c_numpy(memoryview(data)) == pieces


def test_the_compiled_package_is_taken_where_it_is(monkeypatch):
    class Compiled:
        @staticmethod
        def crc32c(data: bytes, value: int = 0) -> int:
            return 42

    monkeypatch.setenv("HEADRACE_NATIVE", "0")
    monkeypatch.setitem(sys.modules, "crc32c", Compiled)
    crc32c._checksum.cache_clear()
    assert crc32c.crc32c(b"any") == 42
    monkeypatch.setitem(sys.modules, "crc32c", None)
    crc32c._checksum.cache_clear()
    assert crc32c.crc32c(b"123456789") == 0xE3069283
    crc32c._checksum.cache_clear()


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 1000, 12287, 12288, 12289, 3 * 12288 + 5, 300_001])
def test_the_native_runtime_gives_the_same(plain, length):
    native = library.native_crc32c()
    if native is None:
        pytest.skip("the native runtime was not built, or is switched off")
    data = random.Random(length).randbytes(length + 3)[3:]
    for value in (0, 0x12345678):
        assert native(data, value, plain) == crc32c.crc32c_numpy(data, value)
    with pytest.raises((BufferError, ValueError, TypeError)):
        native(memoryview(bytes(20))[::2], 0)

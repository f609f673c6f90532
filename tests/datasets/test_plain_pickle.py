"""Pickles of data are read without pickle; whatever else they hold is refused, at a byte that is named."""

import os
import pickle
import struct

import numpy as np
import pytest

from headrace.datasets.npz import read_npz
from headrace.datasets.plain_pickle import read_plain_pickle


def python_2_file(rows=2):
    """What Python 2's cPickle wrote for a batch of CIFAR-10: strings are bytes."""
    data = bytes(range(256)) * 12 * rows
    return b"".join([
        b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x08training", b"q\x03U\x06labelsq\x04]q\x05(K\x06K\x09e",
        b"U\x04dataq\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\x09",
        b"(K\x01K", bytes([rows]), b"M\x00\x0c\x86cnumpy\ndtype\nq\nU\x02u1K\x00K\x01\x87Rq\x0b(K\x03U\x01|NNNJ\xff\xff\xff\xffJ",
        b"\xff\xff\xff\xffK\x00tb\x89T", struct.pack("<I", len(data)), data, b"tb", b"h\x02u.",
    ]).replace(b"h\x02u.", b"u.")  # fmt: skip


def test_a_file_of_python_2():
    found = read_plain_pickle(python_2_file(), "batch")
    assert found[b"labels"] == [6, 9] and found[b"batch_label"] == b"training"
    assert found[b"data"].shape == (2, 3072) and found[b"data"][1, 255] == 255


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, -2, 70000, 2**40], b"b": (None, True, "ü"), 3: {}},
        [{"x": b"y" * 300}, (), ("a", "a"), (1, 2, 3, 4), []],
        list(range(3000)),
    ],
)
def test_data_comes_back(value, protocol):
    assert read_plain_pickle(pickle.dumps(value, protocol), "x") == value


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("array", [np.arange(6, dtype=">i4").reshape(2, 3), np.zeros((0, 3)), np.float32([[1, 2]]).T])
def test_arrays_come_back(array, protocol):
    first, again = read_plain_pickle(pickle.dumps([array, array], protocol), "x")
    np.testing.assert_array_equal(first, array)
    assert first.dtype == array.dtype and again is first


def test_arrays_of_lists_come_as_lists(tmp_path):
    texts = np.empty(3, object)
    texts[:] = [[1, 2], [3], []]
    np.savez(tmp_path / "t.npz", x=texts, y=np.arange(3))
    lists, labels = read_npz(tmp_path / "t.npz", ("x", "y"))
    assert lists == [[1, 2], [3], []] and labels.tolist() == [0, 1, 2]


class Harmful:
    def __reduce__(self):
        return os.system, ("touch /tmp/harmed",)


ARRAY = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"


@pytest.mark.parametrize(
    "data, message",
    [
        (pickle.dumps(Harmful(), 2), r"names posix\.system"),
        (pickle.dumps(Harmful(), 4), r"names posix\.system"),
        (pickle.dumps({"a": np.array([Harmful()])}, 4), r"names posix\.system"),
        (b"cbuiltins\neval\n(Vprint\ntR.", "names builtins.eval"),
        (b"cnumpy\nload\n.", "names numpy.load"),
        (b"cnumpy\nndarray\n)R.", "no function of data"),
        (b"\x80\x02cnumpy\nndarray\n.", "does not end with one object"),
        (b"(inumpy\nndarray\n.", "operation code 0x69"),
        (b"\x82\x01.", "operation code 0x82"),
        (pickle.dumps(1.5, 2), "operation code 0x47"),
        (pickle.dumps({1, 2}, 4), "operation code 0x8f"),
        (b"", "cut off: expected 1 bytes more, got 0"),
        (b"\x80\x02T\xff\xff\xff\xffab", "expected 4294967295 bytes more, got 2"),
        (b"\x8e" + b"\xff" * 8, "expected 18446744073709551615 bytes more"),
        (b"\x80\x04\x95" + b"\xff" * 8, "a frame goes on"),
        (b"\x8a\xff" + b"\x00" * 255, "a whole number of 255 bytes"),
        (b"K\x01K\x02.", "does not end with one object"),
        (b".", "does not end with one object"),
        (b"(.", "does not end with one object"),
        (b"e.", "without its mark"),
        (b"(K\x01e.", "without the operands"),
        (b"}(]K\x01u.", "keys must be text"),
        (b"}(K\x01u.", "keys must be text"),
        (b"h\x07.", "object 7 was never noted"),
        (b"q\x07.", "without the operands"),
        (b"X\x01\x00\x00\x00\xff.", "not UTF-8"),
        (b"c" + b"a" * 500, "a name without an end"),
        (ARRAY + b"(K\x01J\xff\xff\xff\x7f\x85cnumpy\ndtype\nU\x02u1\x85R\x89U\x01atb.", "data does not fill it"),
        (ARRAY + b"(K\x01J\xff\xff\xff\xff\x85cnumpy\ndtype\nU\x02u1\x85R\x89U\x01atb.", "an array of shape"),
        (ARRAY + b"(K\x01K\x01\x85cnumpy\ndtype\nU\x02V1\x85R\x89U\x01atb.", "not plain numbers"),
        (ARRAY + b"(K\x01K\x01\x85cnumpy\ndtype\nU\x02f1\x85R\x89U\x01atb.", "there is no dtype"),
        (ARRAY + b")b.", "without version, shape"),
        (b"cnumpy\ndtype\nU\x02u1\x85R(K\x03U\x01?tb.", "byte order"),
        (b"cnumpy\ndtype\n)" + b"\x85" * 100_000 + b"R.", "not plain numbers"),
    ],
)  # fmt: skip
def test_what_is_no_data_is_refused(data, message):
    with pytest.raises(ValueError, match=rf"bad\.bin: no plain data pickle, at byte \d+: .*{message}"):
        read_plain_pickle(data, "bad.bin")


def test_nothing_was_run():
    assert not os.path.exists("/tmp/harmed")  # noqa: PTH110


def test_the_number_of_operations_is_limited():
    with pytest.raises(ValueError, match="more than 100 operations"):
        read_plain_pickle(b"]" * 1000, "x", 100)


def test_cut_off_anywhere_is_an_error():
    data = python_2_file(1)
    for end in [*range(0, 200), len(data) - 5, len(data) - 1]:
        with pytest.raises(ValueError, match="batch: no plain data pickle"):
            read_plain_pickle(data[:end], "batch")


def test_any_byte_changed_is_data_or_an_error():
    data = bytearray(python_2_file(1))
    places = [*range(190), *range(len(data) - 10, len(data))]
    random = np.random.RandomState(0)
    for place in places:
        for value in random.randint(0, 256, 8):
            changed = data.copy()
            changed[place] = value
            try:
                read_plain_pickle(bytes(changed), "batch")
            except ValueError as error:
                assert "no plain data pickle" in str(error)

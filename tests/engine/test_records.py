"""Record files: TensorFlow's, ours, cut, damaged and hostile ones."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from headrace.engine import records
from headrace.engine.crc32c import masked_crc32c
from headrace.engine.errors import DataLossError, NotFoundError

FIXTURES = Path(__file__).parent.parent / "fixtures" / "protos"
RECORDS = [b"", b"a", b"headrace" * 200, bytes(range(256))]  # as in make_proto_files.py
COMPRESSIONS = {"plain": None, "gzip": "GZIP", "zlib": "ZLIB"}


def write(path, contents, compression=None):
    with records.RecordWriter(path, compression) as writer:
        for record in contents:
            writer.write(record)
    return path


@pytest.mark.parametrize(("name", "compression"), COMPRESSIONS.items())
def test_files_of_tensorflow(name, compression):
    assert list(records.read_records(FIXTURES / f"{name}.tfrecord", compression)) == RECORDS


def test_plain_bytes_are_those_of_tensorflow(tmp_path):
    path = write(tmp_path / "ours", RECORDS)
    assert path.read_bytes() == (FIXTURES / "plain.tfrecord").read_bytes()


@pytest.mark.parametrize("compression", COMPRESSIONS.values())
@given(contents=st.lists(st.binary(max_size=200)))
def test_records_come_back(tmp_path_factory, compression, contents):
    path = write(tmp_path_factory.getbasetemp() / f"some-{compression}", contents, compression)
    assert list(records.read_records(path, compression)) == contents


def test_buffers_and_large_records(tmp_path):
    large = bytes(3 << 20)
    path = write(tmp_path / "f", [memoryview(large).cast("I"), bytearray(b"x")], "GZIP")
    assert list(records.read_records(path, "GZIP")) == [large, b"x"]


def test_members_of_a_gzip_file_follow_each_other(tmp_path):
    one = write(tmp_path / "one", [b"a"], "GZIP").read_bytes()
    (tmp_path / "two").write_bytes(one + gzip.compress(records.frame(b"b")))
    assert list(records.read_records(tmp_path / "two", "GZIP")) == [b"a", b"b"]


@pytest.mark.parametrize("compression", COMPRESSIONS.values())
def test_what_was_flushed_can_be_read(tmp_path, compression):
    with records.RecordWriter(tmp_path / "f", compression) as writer:
        writer.write(b"first")
        writer.flush()
        seen = list(records.read_records(tmp_path / "f", compression, tolerate_cut_tail=True))
    assert seen == [b"first"]


def collect(path, **options):
    seen = []
    try:
        for record in records.read_records(path, **options):
            seen.append(record)
    except DataLossError as error:
        return seen, str(error)
    return seen, None


@pytest.mark.parametrize("kept", range(0, 35))
def test_a_cut_tail(tmp_path, kept):
    data = records.frame(b"whole") + records.frame(b"cut")
    (tmp_path / "f").write_bytes(data[:kept])
    whole = [b"whole"] * (kept >= 21)
    assert collect(tmp_path / "f", tolerate_cut_tail=True) == (whole, None)
    seen, message = collect(tmp_path / "f")
    assert seen == whole
    if kept in (0, 21):
        assert message is None
    else:
        assert f"{tmp_path / 'f'}: the record at byte offset {21 * (kept > 21)}" in message


@pytest.mark.parametrize("compression", ["GZIP", "ZLIB"])
@pytest.mark.parametrize("cut", [1, 4, 30])
def test_a_compressed_file_that_is_cut(tmp_path, compression, cut):
    data = write(tmp_path / "f", RECORDS, compression).read_bytes()
    (tmp_path / "f").write_bytes(data[:-cut])
    seen, message = collect(tmp_path / "f", compression=compression)
    assert seen == RECORDS[: len(seen)] and "the file ends before it does" in message
    tolerated = collect(tmp_path / "f", compression=compression, tolerate_cut_tail=True)
    assert tolerated == (seen, None)


@pytest.mark.parametrize("place", range(0, 40))
def test_a_flipped_bit_is_found(tmp_path, place):
    data = bytearray(records.frame(b"first") + records.frame(b"second"))
    data[place] ^= 4
    (tmp_path / "f").write_bytes(data)
    seen, message = collect(tmp_path / "f", tolerate_cut_tail=True)
    assert seen == [b"first"] * (place >= 21)
    assert f"byte offset {21 * (place >= 21)}" in message and "checksum" in message


def test_what_is_not_compressed_as_said(tmp_path):
    path = write(tmp_path / "f", RECORDS)
    assert "cannot be decompressed" in collect(path, compression="GZIP")[1]


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 2**40, 2**31 - 1])
def test_hostile_lengths_take_no_memory(tmp_path, length):
    head = struct.pack("<Q", length)
    (tmp_path / "f").write_bytes(head + struct.pack("<I", masked_crc32c(head)) + b"short")
    tracemalloc.start()
    seen, message = collect(tmp_path / "f")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen == [] and f"{tmp_path / 'f'}: the record at byte offset 0" in message
    assert peak < 8 << 20


def test_a_limit_on_records(tmp_path):
    path = write(tmp_path / "f", [b"ok", b"too long"])
    seen, message = collect(path, max_record_bytes=5)
    assert seen == [b"ok"] and "it has 8 bytes, more than the 5 allowed" in message


@given(st.binary(max_size=100))
def test_no_bytes_crash_it(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(data)
    collect(path)


def test_wrong_use(tmp_path):
    with pytest.raises(NotFoundError, match="missing: no such record file"):
        list(records.read_records(tmp_path / "missing"))
    with pytest.raises(ValueError, match="None, 'GZIP' or 'ZLIB', got 'SNAPPY'"):
        records.RecordWriter(tmp_path / "f", "SNAPPY")
    writer = records.RecordWriter(tmp_path / "f")
    with pytest.raises(TypeError, match="must be bytes, got str"):
        writer.write("text")
    writer.close()
    writer.close()
    with pytest.raises(ValueError, match="f: the record writer is closed"):
        writer.write(b"late")


KINDS = records.TFRecordCompressionType


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (None, ""),
        ("", ""),
        (KINDS.GZIP, "GZIP"),
        ("ZLIB", "ZLIB"),
        (records.TFRecordOptions(KINDS.ZLIB), "ZLIB"),
        (records.TFRecordOptions("GZIP", compression_level=9), "GZIP"),
        (records.TFRecordOptions(), ""),
    ],
)
def test_the_names_of_tensorflow_1(tmp_path, options, expected):
    path = str(tmp_path / "f")
    with records.TFRecordWriter(path, options) as writer:
        writer.write(b"record")
    assert records.TFRecordOptions.get_compression_type_string(options) == expected
    assert list(records.tf_record_iterator(path, options)) == [b"record"]
    assert list(records.read_records(path, expected)) == [b"record"]


@pytest.mark.parametrize("kind", [7, "gzip", object()])
def test_no_compression_type(kind):
    with pytest.raises(ValueError, match="Not a valid compression_type"):
        records.TFRecordOptions(kind)

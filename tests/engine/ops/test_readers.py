"""Readers and file ops: records, keys, counts, ends, wrong files."""

import gzip

import pytest

from headrace.engine import errors
from headrace.engine.data_flow import FIFOQueue
from headrace.engine.dtypes import string
from headrace.engine.graph import Graph
from headrace.engine.ops import files, readers
from headrace.engine.records import TFRecordCompressionType, TFRecordOptions, TFRecordWriter
from headrace.engine.session import Session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def all_of(reader, *paths):
    """All records of the files, and the reader's counts."""
    queue = FIFOQueue(10, string, shapes=[[]])
    read = reader.read(queue)
    counts = [reader.num_records_produced(), reader.num_work_units_completed()]
    found = []
    with Session() as sess:
        sess.run(queue.enqueue_many([[str(p) for p in paths]]))
        sess.run(queue.close())
        with pytest.raises(errors.OutOfRangeError, match="insufficient elements"):
            while True:
                key, value = sess.run(read)
                found.append((key.rpartition(b"/")[2], value))
        return found, [int(c) for c in sess.run(counts)]


def test_lines(graph, tmp_path):
    (tmp_path / "a").write_bytes(b"head\none\r\ntwo\n\n")
    (tmp_path / "b").write_bytes(b"head\nlast")
    found, counts = all_of(readers.TextLineReader(skip_header_lines=1), tmp_path / "a", tmp_path / "b")
    assert found == [(b"a:2", b"one"), (b"a:3", b"two"), (b"a:4", b""), (b"b:2", b"last")]
    assert counts == [4, 2]


@pytest.mark.parametrize("kind", [TFRecordCompressionType.NONE, TFRecordCompressionType.GZIP])
def test_records(graph, tmp_path, kind):
    options = TFRecordOptions(kind)
    with TFRecordWriter(tmp_path / "r", options) as writer:
        writer.write(b"abc")
        writer.write(b"de")
    found, _ = all_of(readers.TFRecordReader(options=options), tmp_path / "r")
    assert found == [(b"r:0", b"abc"), (b"r:19", b"de")]


def test_fixed_length(graph, tmp_path):
    (tmp_path / "f").write_bytes(b"HHaabbcFFF")
    reader = readers.FixedLengthRecordReader(2, header_bytes=2, footer_bytes=3)
    assert all_of(reader, tmp_path / "f")[0] == [(b"f:0", b"aa"), (b"f:1", b"bb")]
    (tmp_path / "z").write_bytes(gzip.compress(b"abcd"))
    reader = readers.FixedLengthRecordReader(2, hop_bytes=1, encoding="GZIP")
    assert [v for _, v in all_of(reader, tmp_path / "z")[0]] == [b"ab", b"bc", b"cd"]


def test_whole_files_and_names(graph, tmp_path):
    (tmp_path / "w").write_bytes(b"\x00\xff")
    assert all_of(readers.WholeFileReader(), tmp_path / "w")[0] == [(b"w", b"\x00\xff")]
    assert all_of(readers.IdentityReader(), "x")[0] == [(b"x", b"x")]


def test_many_at_once_and_reset(graph, tmp_path):
    (tmp_path / "a").write_text("1\n2\n3\n")
    queue = FIFOQueue(10, string, shapes=[[]])
    reader = readers.TextLineReader()
    read, reset = reader.read_up_to(queue, 2), reader.reset()
    with Session() as sess:
        sess.run(queue.enqueue_many([[str(tmp_path / "a")] * 2]))
        assert [sess.run(read.value).tolist() for _ in range(3)] == [[b"1", b"2"], [b"3"], [b"1", b"2"]]
        sess.run(reset)
        assert sess.run(reader.num_records_produced()) == 0


def test_missing_files(graph, tmp_path):
    queue = FIFOQueue(10, string, shapes=[[]])
    read = readers.TextLineReader().read(queue)
    with Session() as sess:
        sess.run(queue.enqueue(str(tmp_path / "none")))
        with pytest.raises(errors.NotFoundError, match="none; No such file"):
            sess.run(read)
        with pytest.raises(errors.NotFoundError, match="none; No such file"):
            sess.run(files.read_file(str(tmp_path / "none")))


def test_file_ops(graph, tmp_path):
    path = str(tmp_path / "new" / "f")
    with Session() as sess:
        sess.run(files.write_file(path, b"\x00text"))
        assert sess.run(files.read_file(path)) == b"\x00text"
        assert sess.run(files.matching_files(str(tmp_path / "*" / "?"))).tolist() == [path.encode()]

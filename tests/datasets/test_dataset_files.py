"""Datasets of files: lines, records, values between commas, Example messages, caches."""

import gc
import gzip
import zlib

import numpy as np
import pytest

import headrace as tf
from headrace.engine import errors

Dataset = tf.data.Dataset


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def all_of(dataset, session=None):
    element = dataset.make_one_shot_iterator().get_next()
    found = []
    with tf.Session() as session:
        while True:
            try:
                found.append(session.run(element))
            except errors.OutOfRangeError:
                return found


@pytest.fixture
def lines(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\ntwo\r\n\nthree")
    (tmp_path / "b.txt").write_bytes(b"four\n")
    return [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]


def test_lines_of_one_and_of_several_files(lines):
    first = [b"one", b"two", b"", b"three"]
    assert all_of(tf.data.TextLineDataset(lines[0])) == first
    assert all_of(tf.data.TextLineDataset(lines)) == [*first, b"four"]
    assert all_of(tf.data.TextLineDataset(Dataset.from_tensor_slices(lines[::-1]))) == [b"four", *first]
    assert all_of(tf.data.TextLineDataset(tf.constant(lines))) == [*first, b"four"]
    assert all_of(Dataset.from_tensor_slices(lines).flat_map(lambda f: tf.data.TextLineDataset(f).skip(1))) == first[1:]
    in_turns = [b"one", b"four", b"two", b"", b"three"]
    assert all_of(tf.data.TextLineDataset(lines, num_parallel_reads=2)) == in_turns


@pytest.mark.parametrize("kind, pack", [("GZIP", gzip.compress), ("ZLIB", zlib.compress)])
def test_compressed_lines(tmp_path, kind, pack):
    path = tmp_path / "packed"
    path.write_bytes(pack(b"a\nb\n"))
    assert all_of(tf.data.TextLineDataset(str(path), kind)) == [b"a", b"b"]
    path.write_bytes(pack(b"a\nb\n" * 99)[:-9])
    with pytest.raises(errors.DataLossError, match="packed"):
        all_of(tf.data.TextLineDataset(str(path), kind))
    with pytest.raises(errors.InvalidArgumentError, match="Unsupported compression_type: LZ"):
        all_of(tf.data.TextLineDataset(str(path), "LZ"))


@pytest.mark.parametrize("kind", ["", "GZIP"])
def test_records_come_back_and_damage_is_named(tmp_path, kind):
    path = tmp_path / "r.tfrecord"
    records = [b"x" * n for n in range(5)]
    with tf.python_io.TFRecordWriter(str(path), kind) as writer:
        for record in records:
            writer.write(record)
    assert all_of(tf.data.TFRecordDataset([str(path)], kind)) == records
    if not kind:
        data = bytearray(path.read_bytes())
        data[-6] ^= 1
        path.write_bytes(data)
        element = tf.data.TFRecordDataset(str(path)).make_one_shot_iterator().get_next()
        with tf.Session() as session:
            assert [session.run(element) for _ in range(4)] == records[:4]
            with pytest.raises(errors.DataLossError, match=r"r\.tfrecord: the record at byte offset"):
                session.run(element)


def test_records_of_one_length(tmp_path):
    (tmp_path / "f").write_bytes(b"HHaabbccF")
    assert all_of(tf.data.FixedLengthRecordDataset(str(tmp_path / "f"), 2, 2, 1)) == [b"aa", b"bb", b"cc"]


def test_list_files_in_order_and_shuffled(tmp_path):
    names = [str(tmp_path / f"{i}.txt").encode() for i in range(6)]
    for name in names:
        (tmp_path / name.decode()).touch()
    pattern = str(tmp_path / "*.txt")
    assert all_of(Dataset.list_files(pattern, shuffle=False)) == names
    shuffled = [all_of(Dataset.list_files(pattern, seed=4)) for _ in range(2)]
    assert shuffled[0] == shuffled[1] != names and sorted(shuffled[0]) == names


CSV = 'x,y,s\n1,2.5,a\n2,,"b, ""c""\nd"\n\n3,1e3,\n'


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(CSV, encoding="utf-8")
    return str(path)


def test_csv_records(table):
    data = tf.data.experimental.CsvDataset(table, [tf.int32, 0.5, ""], header=True)
    assert data.output_types == (tf.int32, tf.float32, tf.string)
    assert all_of(data) == [(1, 2.5, b"a"), (2, 0.5, b'b, "c"\nd'), (3, 1000.0, b"")]
    chosen = tf.data.experimental.CsvDataset(table, [""], header=True, select_cols=[2])
    assert all_of(chosen) == [(b"a",), (b'b, "c"\nd',), (b"",)]
    with pytest.raises(errors.InvalidArgumentError, match=r"[Ff]ield 1"):
        all_of(tf.data.experimental.CsvDataset(table, [tf.int32, tf.float32, tf.string], header=True))


def test_batches_of_csv_columns_by_name(table):
    make = tf.data.experimental.make_csv_dataset
    data = make(table, 2, label_name="x", num_epochs=1, shuffle=False)
    (features, label), (rest, last) = all_of(data)
    assert label.tolist() == [1, 2] and last.tolist() == [3] and label.dtype == np.int32
    assert features["y"].tolist() == [2.5, 0.0] and rest["s"].tolist() == [b""]
    endless = make(table, 2, shuffle=False, select_columns=["x"]).take(3)
    assert [e["x"].tolist() for e in all_of(endless)] == [[1, 2], [3, 1], [2, 3]]
    with pytest.raises(ValueError, match="label_name"):
        make(table, 2, label_name="z")
    with pytest.raises(ValueError, match="No files match"):
        make("/none/*.csv", 2)


def test_batches_of_parsed_examples(tmp_path):
    path = str(tmp_path / "e.tfrecord")
    with tf.python_io.TFRecordWriter(path) as writer:
        for i in range(3):
            feature = {"n": tf.train.Feature(int64_list=tf.train.Int64List(value=[i, i]))}
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    spec = {"n": tf.FixedLenFeature([2], tf.int64)}
    data = tf.data.experimental.make_batched_features_dataset(path, 2, spec, num_epochs=1, shuffle=False)
    assert [e["n"].tolist() for e in all_of(data)] == [[[0, 0], [1, 1]], [[2, 2]]]


def test_a_cache_file_serves_later_sessions_and_is_whole_or_not_there(tmp_path):
    called = []
    path = str(tmp_path / "kept")

    def note(x):
        called.append(int(x))
        return x

    def data():
        made = Dataset.from_tensor_slices((np.arange(3), ["a", "b", "c"]))
        return made.map(lambda x, s: (tf.py_func(note, [x], tf.int64), s)).cache(path)

    assert len(all_of(data().take(2))) == 2
    gc.collect()
    assert not list(tmp_path.iterdir())
    expected = [(0, b"a"), (1, b"b"), (2, b"c")]
    assert all_of(data()) == expected and called == [0, 1, 0, 1, 2]
    assert all_of(data().repeat(2)) == expected * 2 and len(called) == 5

"""Errors about data name the component and the first element, row, record or byte that is wrong."""

import numpy as np
import pytest

import headrace as tf
from headrace.engine import errors

Dataset = tf.data.Dataset


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def run(data):
    element = data.make_one_shot_iterator().get_next()
    with tf.Session() as session:
        while True:
            try:
                session.run(element)
            except errors.OutOfRangeError:
                return


def generated(items, types, shapes=None):
    return Dataset.from_generator(lambda: iter(items), types, shapes)


AB = {"a": tf.int64, "b": tf.float32}


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: generated([{"a": 1, "b": 2.0}, {"a": 1, "b": "x"}], AB), r"element was x \(component 1 \('b'\) of element 1\)"),
        (lambda: generated([({"a": 1}, 2), ({"a": "x"}, 2)], ({"a": tf.int64}, tf.int64)), r"component 0 \('a'\) of element 1"),
        (lambda: generated([1, 2, [3]], tf.int64, []), r"shape \(1,\) where an element of shape \(\) .*component 0 of element 2"),
        (lambda: generated([{"a": 1, "b": 2.0}, {"a": 1}], AB), r"did not match the expected structure.*\(element 1\)"),
        (lambda: generated([{"a": [1], "b": 1.0}, {"a": [1, 2], "b": 1.0}], AB).batch(2),
         r"different shapes in component 0 \('a'\). First element had shape \[1\] and element 1 had shape \[2\]"),
    ],
)  # fmt: skip
def test_elements_that_do_not_fit(make, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        run(make())


@pytest.mark.parametrize(
    "tensors, message",
    [
        ({"a": [1, 2], "b": [1, 2, 3]}, r"got \(2,\) in component 0 \('a'\), \(3,\) in component 1 \('b'\)"),
        ({"a": [1, 2], "b": 1}, r"got a scalar: component 1 \('b'\)"),
        ({"a": [[1, 2], [3, 4], [5]]}, r"component 0 \('a'\): row 2 does not go with those before it"),
        (([1, 2], [1, "x"]), r"component 1: row 1 does not go with those before it"),
    ],
)
def test_arrays_that_do_not_fit(tensors, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Dataset.from_tensor_slices(tensors)


@pytest.mark.parametrize(
    "text, message",
    [
        ("a,b\n1,2\n3,x\n", r"Field 1 is not a valid float32: x \(record 3 of .*t\.csv\)"),
        ("a,b\n1\n", r"Expect 2 fields but have 1 \(record 2 of .*t\.csv\)"),
        ("a,b\n1,2\n,2\n", r"Field 0 is required but missing! \(record 3 of .*t\.csv\)"),
    ],
)
def test_records_of_csv_files(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    data = tf.data.experimental.CsvDataset(str(tmp_path / "t.csv"), [tf.int32, tf.float32], header=True)
    with pytest.raises(errors.InvalidArgumentError, match=message):
        run(data)


def test_a_file_of_fixed_records_is_a_whole_number_of_them(tmp_path):
    path = tmp_path / "r.bin"
    path.write_bytes(b"h" + b"abcd" * 2 + b"x")
    with pytest.raises(
        errors.InvalidArgumentError, match=r"r\.bin.*no multiple of the record length 4: 1 bytes too many at"
    ):
        run(tf.data.FixedLengthRecordDataset(str(path), 4, header_bytes=1))
    run(tf.data.FixedLengthRecordDataset(str(path), 4, header_bytes=1, footer_bytes=1))


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda b: b[:60] + bytes([b[60] ^ 1]) + b[61:], "byte offset 46 is damaged: the checksum of its data"),
        (lambda b: b[:48] + bytes([b[48] ^ 1]) + b[49:], "byte offset 46 is damaged: the checksum"),
        (lambda b: b[:70], "byte offset 46 is damaged: the file ends before"),
        (lambda b: b[:46] + b"\xff" * 8, "byte offset 46 is damaged"),
    ],
)
@pytest.mark.parametrize("turns", [None, 2])
def test_damaged_records_are_named(tmp_path, change, message, turns):
    path = tmp_path / "x.tfrecord"
    with tf.python_io.TFRecordWriter(str(path)) as writer:
        writer.write(b"abc" * 10)
        writer.write(b"def" * 10)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(errors.DataLossError, match=rf"x\.tfrecord: .*{message}"):
        run(tf.data.TFRecordDataset([str(path)], num_parallel_reads=turns))


def test_examples_that_do_not_fit_are_numbered():
    made = [
        tf.train.Example(features=tf.train.Features(feature={
            "a": tf.train.Feature(int64_list=tf.train.Int64List(value=[1] * n))})).SerializeToString() for n in (2, 1)
    ]  # fmt: skip
    data = Dataset.from_tensor_slices(np.array(made, object)).batch(2)
    with pytest.raises(errors.InvalidArgumentError, match="Example index: 1, Key: a"):
        run(data.map(lambda s: tf.parse_example(s, {"a": tf.FixedLenFeature([2], tf.int64)})))

"""Strings where samples cannot say what is right: TensorFlow's own results."""

import numpy as np
import pytest

from headrace.engine.errors import InvalidArgumentError
from headrace.engine.graph import Graph
from headrace.engine.ops import decoding, string_patterns, strings
from headrace.engine.ops.constant import constant
from headrace.engine.session import Session


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default():
        yield


def value(fetches):
    with Session() as session:
        return session.run(fetches)


TABLE = [["a", "b"], ["c", "d"]]
CASES = [
    (lambda: strings.as_string([1.5, 1e10, float("nan")]), [b"1.500000", b"10000000000.000000", b"nan"]),
    (lambda: strings.as_string([1.5, -2.0], precision=2, scientific=True), [b"1.50e+00", b"-2.00e+00"]),
    (lambda: strings.as_string([3, -4], width=5, fill="0"), [b"00003", b"-0004"]),
    (lambda: strings.as_string([1 + 2j]), [b"(1.000000,2.000000)"]),
    (lambda: strings.reduce_join(TABLE, [0, 1]), b"acbd"),
    (lambda: strings.reduce_join(TABLE), b"abcd"),
    (lambda: strings.reduce_join(TABLE, reduction_indices=0, separator="-"), [b"a-c", b"b-d"]),
    (lambda: strings.substr("hello", -3, 2), b"ll"),
    (lambda: strings.string_join(["a", ["x", "y"]], "-"), [b"a-x", b"a-y"]),
    (lambda: strings.string_to_number(["1.5", "-3"]), [1.5, -3]),
    (lambda: strings.encode_base64(["a?>"]), [b"YT8-"]),
    (lambda: strings.decode_base64(["YT8-"]), [b"a?>"]),
    (lambda: string_patterns.regex_replace("a-b-c", "-(.)", r"<\1>", replace_global=False), b"a<b>-c"),
    (lambda: string_patterns.string_to_hash_bucket_fast(["Hello", "TensorFlow", "2.x"], 3), [0, 2, 2]),
    (lambda: strings.string_length(["añb"], unit="UTF8_CHAR"), [3]),
]


@pytest.mark.parametrize(("make", "expected"), CASES)
def test_values(make, expected):
    np.testing.assert_array_equal(value(make()), expected)


def test_split_between_any_of_the_delimiters():
    parts = value(strings.string_split(["a b|c", " "], delimiter=" |", skip_empty=False))
    assert parts.values.tolist() == [b"a", b"b", b"c", b"", b""]
    assert parts.indices.tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1]]
    assert parts.dense_shape.tolist() == [2, 3]


def test_split_at_white_space():
    assert value(strings.split(" a  b ")).values.tolist() == [b"a", b"b"]


def test_csv():
    columns = decoding.decode_csv(['1,"a ""b"", c",2.5', ",x,"], [[7], [""], [0.5]])
    assert [c.tolist() for c in value(columns)] == [[1, 7], [b'a "b", c', b"x"], [2.5, 0.5]]


def test_raw_bytes():
    numbers = decoding.decode_raw(constant([b"\x01\x00\x02\x00", b"\x03\x00\x04\x00"]), "int16")
    assert value(numbers).tolist() == [[1, 2], [3, 4]]


def test_a_text_that_is_no_number_is_named():
    with pytest.raises(InvalidArgumentError, match="could not correctly convert string: x1"):
        value(strings.string_to_number(constant(["x1"])))

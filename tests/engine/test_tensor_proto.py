"""TensorProto: against TensorFlow's own, there and back, wrong values and hostile messages."""

import base64
import json
from pathlib import Path

import hypothesis.extra.numpy as npst
import numpy as np
import pytest
from hypothesis import given, strategies as st

from headrace.engine import dtypes
from headrace.engine.protos import DataType, TensorProto
from headrace.engine.shapes import Dimension
from headrace.engine.tensor_proto import array_of, make_ndarray, make_tensor_proto

FIXTURES = Path(__file__).parent.parent / "fixtures" / "protos"
CASES = json.loads((FIXTURES / "values.json").read_text())["tensors"]
# TF 2.15 puts these into tensor_content, TF 1.15 does not; both are read.
LIKE_1_15 = ("float16", "bfloat16")


def python_values(case):
    values = case["values"]
    if case["dtype"].startswith("complex"):
        values = [complex(*pair) for pair in values]
    return values


def expected_array(case):
    dtype = dtypes.as_dtype(case["dtype"])
    values = python_values(case)
    if dtype is dtypes.string:
        values = [value.encode() for value in values]
    flat = np.empty(np.prod(case["shape"], dtype=int), dtype.numpy)
    flat[: len(values)] = values
    flat[len(values) :] = values[-1:]
    return flat.reshape(case["shape"])


def case_name(case):
    return f"{case['dtype']}-{case['values']}-{case['shape']}"


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_as_tensorflow(case):
    theirs = TensorProto.FromString(base64.b64decode(case["proto"]))
    array = make_ndarray(theirs)
    assert array.dtype == dtypes.as_dtype(case["dtype"]).numpy
    np.testing.assert_array_equal(array, expected_array(case))
    ours = make_tensor_proto(python_values(case), dtype=case["dtype"], shape=case["shape"])
    if case["dtype"] not in LIKE_1_15 or not theirs.tensor_content:
        assert ours == theirs
    np.testing.assert_array_equal(make_ndarray(ours), array)


@pytest.mark.parametrize("dtype", LIKE_1_15)
def test_halves_are_written_as_tf_1_15_does(dtype):
    proto = make_tensor_proto([1, 2], dtype=dtype)
    assert not proto.tensor_content and len(proto.half_val) == 2


NUMBERS = st.sampled_from([dtype.numpy for dtype in (*dtypes.NUMERIC, dtypes.bool)])
ARRAYS = npst.arrays(NUMBERS.filter(lambda dtype: dtype.kind != "V"), npst.array_shapes(min_dims=0, min_side=0))


@given(ARRAYS)
def test_arrays_come_back(array):
    proto = TensorProto.FromString(make_tensor_proto(array).SerializeToString())
    back = make_ndarray(proto)
    assert back.dtype == array.dtype and back.shape == array.shape
    np.testing.assert_array_equal(back, array)
    np.testing.assert_array_equal(make_ndarray(make_tensor_proto(array.T)), array.T)


@given(st.lists(st.binary() | st.text()))
def test_strings_come_back(strings):
    expected = [text.encode() if isinstance(text, str) else text for text in strings]
    assert make_ndarray(make_tensor_proto(strings, dtype="string")).tolist() == expected


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        (1.5, None, np.float32),
        (1, None, np.int32),
        (2**40, None, np.int64),
        ([1, 2.5], None, np.float32),
        ([True, 1], None, np.int32),
        (True, None, np.bool_),
        (1j, None, np.complex128),
        ([], None, np.float32),
        ([], "int64", np.int64),
        (np.float64(1), None, np.float64),
        ([np.arange(2), np.arange(2)], None, np.int32),
        (range(3), None, np.int32),
        ([Dimension(3), 4], None, np.int32),
        (Dimension(3), "float32", np.float32),
        (True, "int32", np.int32),
        (2**70, "float32", np.float32),
        (1e40, "float16", np.float16),
        (np.array([1.5]), "int32", np.int32),
        ([1, 2], "qint8", np.int8),
        (np.array([1, 2], ">i4"), None, np.int32),
        ("text", None, np.object_),
        (np.array(["a", "bc"]), None, np.object_),
    ],
)
def test_which_type_values_get(values, dtype, expected):
    array = array_of(values, None if dtype is None else dtypes.as_dtype(dtype))
    assert array.dtype == np.dtype(expected)
    assert array.dtype.isnative


@pytest.mark.parametrize(
    ("values", "options", "error", "text"),
    [
        (None, {}, ValueError, "None values not supported"),
        ([None], {}, TypeError, "numbers or strings"),
        ([[1, 2], [3]], {}, ValueError, r"equal lengths, got \[\[1, 2\], \[3\]\]"),
        ([["a"], ["b", "c"]], {}, ValueError, "equal lengths"),
        (1.5, {"dtype": "int32"}, TypeError, "Expected int32, got 1.5 of type float"),
        ("a", {"dtype": "int32"}, TypeError, "Expected int32, got 'a' of type str"),
        (1, {"dtype": "string"}, TypeError, "Expected string, got 1 of type int"),
        (1, {"dtype": "bool"}, TypeError, "Expected bool"),
        (300, {"dtype": "uint8"}, ValueError, "300 does not fit into uint8"),
        (-1, {"dtype": "uint32"}, ValueError, "-1 does not fit into uint32"),
        (2**70, {}, ValueError, "does not fit into any integer type"),
        ([1, "a"], {}, TypeError, "all or none"),
        ({"a": 1}, {}, TypeError, "of type dict"),
        (np.array([None, 1], object), {}, TypeError, "binary or unicode string"),
        (np.array(["a"]), {"dtype": "int32"}, TypeError, "array of strings"),
        (np.array([1]), {"dtype": "string"}, TypeError, "Expected strings"),
        (np.datetime64("2020"), {}, TypeError, "datetime64"),
        ([1, 2, 3], {"shape": [2]}, ValueError, r"shape \(2,\) takes at most 2, got 3"),
        ([1, 2], {"shape": [-1]}, ValueError, "negative"),
        ([1, 2], {"shape": [2, 2], "verify_shape": True}, TypeError, r"shape \(2, 2\), got shape"),
        ([1, 2], {"shape": [2, 2], "allow_broadcast": True}, TypeError, "Expected values of shape"),
        (1, {"verify_shape": True, "allow_broadcast": True}, ValueError, "exclude"),
    ],
)
def test_what_cannot_be_a_tensor(values, options, error, text):
    with pytest.raises(error, match=text):
        make_tensor_proto(values, **options)


def hostile(dtype=DataType.DT_FLOAT, sizes=(), **fields):
    proto = TensorProto(dtype=dtype, **fields)
    for size in sizes:
        proto.tensor_shape.dim.add(size=size)
    return proto


UNKNOWN_RANK = hostile()
UNKNOWN_RANK.tensor_shape.unknown_rank = True


@pytest.mark.parametrize(
    ("proto", "error", "text"),
    [
        (UNKNOWN_RANK, ValueError, "no definite shape"),
        (hostile(sizes=[2, -1], float_val=[1]), ValueError, "no definite shape"),
        (hostile(sizes=[2**40], float_val=[1]), ValueError, "more than the 2147483648"),
        (hostile(sizes=[2**62, 4], tensor_content=b"abcd"), ValueError, "more than"),
        (hostile(sizes=[2**32, 2**32], float_val=[1]), ValueError, "more than"),
        (hostile(sizes=[2], tensor_content=b"abcd"), ValueError, "takes 8 bytes.*has 4"),
        (hostile(sizes=[1], tensor_content=b"abcdefgh"), ValueError, "takes 4 bytes.*has 8"),
        (hostile(sizes=[2], float_val=[1, 2, 3]), ValueError, "takes 2 values: it has 3"),
        (hostile(DataType.DT_COMPLEX64, [1], scomplex_val=[1, 2, 3]), ValueError, "imaginary"),
        (hostile(DataType.DT_STRING, [2**40]), ValueError, "more than"),
        (hostile(DataType.DT_RESOURCE), TypeError, "resource"),
        (hostile(DataType.DT_FLOAT8_E5M2), TypeError, "unsupported"),
        (hostile(77), TypeError, "unsupported"),
        (TensorProto(), TypeError, "unsupported"),
    ],
)
def test_hostile_messages_are_refused(proto, error, text):
    with pytest.raises(error, match=text):
        make_ndarray(proto)


def test_missing_values_are_zero_or_the_last():
    np.testing.assert_array_equal(make_ndarray(hostile(sizes=[2])), [0, 0])
    np.testing.assert_array_equal(make_ndarray(hostile(sizes=[3], float_val=[1, 2])), [1, 2, 2])
    assert make_ndarray(hostile(DataType.DT_STRING, [2])).tolist() == [b"", b""]


@given(st.binary(max_size=60))
def test_no_bytes_crash_it(data):
    try:
        proto = TensorProto.FromString(data)
    except Exception:  # protobuf's own DecodeError
        return
    try:
        make_ndarray(proto, max_bytes=10_000)
    except (TypeError, ValueError):
        pass


def test_what_is_made_is_the_callers():
    array = make_ndarray(make_tensor_proto([1.0, 2.0]))
    array[0] = 3
    proto = make_tensor_proto([1, 2])
    assert make_tensor_proto(proto) is proto

"""Dtypes: identity, conversion, properties. Values are those of TF 1.15."""

import copy
import pickle
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from headrace.engine import dtypes
from headrace.engine.dtypes import DType, as_dtype, of_array

ENUMS = {
    "float32": 1,
    "float64": 2,
    "int32": 3,
    "uint8": 4,
    "int16": 5,
    "int8": 6,
    "string": 7,
    "complex64": 8,
    "int64": 9,
    "bool": 10,
    "qint8": 11,
    "quint8": 12,
    "qint32": 13,
    "bfloat16": 14,
    "qint16": 15,
    "quint16": 16,
    "uint16": 17,
    "complex128": 18,
    "float16": 19,
    "resource": 20,
    "variant": 21,
    "uint32": 22,
    "uint64": 23,
}


@pytest.mark.parametrize("name", ENUMS)
def test_singletons(name: str) -> None:
    dtype, enum = getattr(dtypes, name), ENUMS[name]
    reference = as_dtype(f"{name}_ref")
    assert as_dtype(name) is as_dtype(enum) is as_dtype(dtype) is dtype
    assert (dtype.name, dtype.as_datatype_enum, hash(dtype)) == (name, enum, enum)
    assert (repr(dtype), str(dtype)) == (f"tf.{name}", f"<dtype: '{name}'>")
    assert reference.as_datatype_enum == enum + 100 and as_dtype(enum + 100) is reference
    assert reference.base_dtype is dtype.base_dtype is dtype
    assert dtype._as_ref is reference._as_ref is reference
    assert reference.is_ref_dtype and reference._is_ref_dtype and not dtype.is_ref_dtype
    assert copy.deepcopy(dtype) is copy.copy(dtype) is pickle.loads(pickle.dumps(dtype)) is dtype


def test_groups_hold_every_type_once() -> None:
    assert sorted(dtype.name for dtype in dtypes.ALL) == sorted(ENUMS)
    for group, flag in [
        (dtypes.FLOATING, "is_floating"),
        (dtypes.INTEGER, "is_integer"),
        (dtypes.COMPLEX, "is_complex"),
        (dtypes.QUANTIZED, "is_quantized"),
        ((dtypes.bool,), "is_bool"),
    ]:
        assert {dtype for dtype in dtypes.ALL if getattr(dtype, flag)} == set(group)
    assert {d.name for d in dtypes.ALL if d.is_unsigned} == {"uint8", "uint16", "uint32", "uint64"}
    assert {d.name for d in dtypes.ALL if not d.is_numpy_compatible} == {"resource", "variant"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("half", dtypes.float16),
        ("float", dtypes.float32),
        ("double", dtypes.float64),
        ("float_ref", dtypes.float32._as_ref),
        (float, dtypes.float32),
        (bool, dtypes.bool),
        (int, dtypes.int32),
        (complex, dtypes.complex128),
        (str, dtypes.string),
        (bytes, dtypes.string),
        (object, dtypes.string),
        (np.str_, dtypes.string),
        (np.bytes_, dtypes.string),
        (np.object_, dtypes.string),
        (np.dtype("U3"), dtypes.string),
        (np.dtype("S3"), dtypes.string),
        (np.longlong, dtypes.int64),
        (np.dtype(">f4"), dtypes.float32),
        (ml_dtypes.bfloat16, dtypes.bfloat16),
        (np.dtype(ml_dtypes.bfloat16), dtypes.bfloat16),
        (np.bool_, dtypes.bool),
    ],
)
def test_as_dtype(value: Any, expected: DType) -> None:
    assert as_dtype(value) is expected
    assert expected == value and not expected != value


@pytest.mark.parametrize(
    "value",
    [
        None, "int", "flaot32", 0, 24, True, 1.0, [], list, np.generic, np.integer, np.datetime64,
        np.dtype("M8[s]"), np.dtype([("a", "i4")]), np.longdouble, ml_dtypes.int4, np.void,
        np.zeros(2),
    ],
)  # fmt: skip
def test_as_dtype_refuses(value: Any) -> None:
    with pytest.raises(TypeError, match=r"Cannot convert value .* to a headrace DType"):
        as_dtype(value)
    assert all(dtype != value for dtype in dtypes.ALL)


@pytest.mark.parametrize("dtype", [*dtypes.NUMERIC, dtypes.bool, dtypes.string], ids=str)
def test_of_array(dtype: DType) -> None:
    array = np.zeros((2, 1), dtype.as_numpy_dtype)
    assert of_array(array) is of_array(array[0]) is dtype
    assert dtype.numpy == array.dtype and as_dtype(dtype.as_numpy_dtype) is dtype


def test_of_array_of_other_numpy_types() -> None:
    assert of_array(np.array(["abc"])) is of_array(np.array([b"abc"])) is dtypes.string
    assert of_array(np.float32(1)) is of_array(np.zeros(1, ">f4")) is dtypes.float32
    with pytest.raises(TypeError, match=r"datetime64\[s\] have no headrace DType"):
        of_array(np.zeros(1, "M8[s]"))


@pytest.mark.parametrize(
    ("dtype", "low", "high", "limits", "size"),
    [
        (dtypes.int8, -128, 127, (0, 127), 1),
        (dtypes.uint16, 0, 65535, (0, 65535), 2),
        (dtypes.int64, -(2**63), 2**63 - 1, (0, 2**63 - 1), 8),
        (dtypes.float16, -65504.0, 65504.0, (0, 1), 2),
        (dtypes.float32, np.finfo("f4").min, np.finfo("f4").max, (0, 1), 4),
        (dtypes.bfloat16, float.fromhex("-0x1.FEp127"), float.fromhex("0x1.FEp127"), (0, 1), 2),
    ],
    ids=str,
)
def test_range(dtype: DType, low: Any, high: Any, limits: tuple[int, int], size: int) -> None:
    assert (dtype.min, dtype.max, dtype.limits, dtype.size) == (low, high, limits, size)


@pytest.mark.parametrize("dtype", [*dtypes.COMPLEX, dtypes.string, dtypes.qint8, dtypes.bool])
def test_no_range(dtype: DType) -> None:
    with pytest.raises(TypeError, match=f"Cannot find minimum value of <dtype: '{dtype.name}'>"):
        _ = dtype.min
    with pytest.raises(TypeError, match="Cannot find maximum value"):
        _ = dtype.max


def test_odd_sizes_and_limits() -> None:
    assert (dtypes.resource.size, dtypes.variant.size, dtypes.qint32.size) == (1, 1, 4)
    assert dtypes.bool.limits == (False, True)
    with pytest.raises(ValueError, match="string has no limits"):
        _ = dtypes.string.limits


def test_real_dtype() -> None:
    assert dtypes.complex64.real_dtype is dtypes.complex64._as_ref.real_dtype is dtypes.float32
    assert dtypes.complex128.real_dtype is dtypes.float64
    assert dtypes.int8.real_dtype is dtypes.int8


def test_compatibility_is_from_reference_to_base() -> None:
    assert dtypes.float32.is_compatible_with("float32_ref")
    assert not dtypes.float32._as_ref.is_compatible_with(dtypes.float32)
    assert not dtypes.float32.is_compatible_with(np.float64)
    assert dtypes.float32 != dtypes.float32._as_ref


def test_immutable() -> None:
    with pytest.raises(AttributeError, match=r"tf\.int8 is immutable: cannot set name"):
        dtypes.int8.name = "x"

"""Bytes and lines of CSV as tensors: DecodeRaw and DecodeCSV."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import COMPLEX, REAL, DType, as_dtype, bool as bool_dtype, float32, string
from ..errors import InvalidArgumentError
from ..graph import Sizes, Tensor
from ..inference import InferenceContext
from ..registry import op
from ..samples import Failure, Sample
from .strings import number_of, words


@op("DecodeRaw", "bytes: string", "output: out_type", out_type=(*REAL, *COMPLEX, bool_dtype))
def decode_raw_op(bytes: Any, *, out_type: DType, little_endian: bool = True, name: str | None = None) -> Tensor:
    """The bytes of each string as a vector of numbers; all strings must have one length."""


@decode_raw_op.shape
def decode_raw_shape(context: InferenceContext) -> list[Sizes]:
    sizes = context.sizes[0]
    return [None if sizes is None else (*sizes, None)]


@decode_raw_op.kernel
def decode_raw_kernel(xp: Any, strings: Any, *, out_type: DType, little_endian: bool) -> Any:
    strings = np.asarray(strings)
    lengths = {len(s) for s in strings.reshape(-1)}
    dtype = out_type.numpy
    if len(lengths) > 1:
        raise InvalidArgumentError(None, None, f"DecodeRaw requires input strings to all be the same size: {lengths}")
    length = lengths.pop() if lengths else 0
    if length % dtype.itemsize:
        text = f"Input to DecodeRaw has length {length} that is not a multiple of {dtype.itemsize}, the size of"
        raise InvalidArgumentError(None, None, f"{text} {out_type.name}")
    numbers = np.frombuffer(b"".join(strings.reshape(-1)), dtype)
    numbers = numbers if little_endian or dtype.itemsize == 1 else numbers.byteswap()
    return numbers.reshape(*strings.shape, length // dtype.itemsize)


@decode_raw_op.samples
def decode_raw_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((words("abcd", "efgh"),), {"out_type": as_dtype("uint8")}),
        Sample((np.array(b"\x00\x00\x80\x3f", object),), {"out_type": float32}, differentiable=False),
        Sample((words("ab"),), {"out_type": as_dtype("int16"), "little_endian": False}),
    ]


@decode_raw_op.failing
def decode_raw_failing(rng: np.random.Generator) -> list[Failure]:
    attrs = {"out_type": as_dtype("int16")}
    return [
        Failure((words("abc"),), InvalidArgumentError, "length 3 that is not a multiple of 2", attrs, at_run=True),
        Failure((words("ab", "abcd"),), InvalidArgumentError, "same size", attrs, at_run=True),
    ]


decode_raw_op.not_differentiable = True


@op("DecodeCSV", "records: string, record_defaults: OUT_TYPE", "output: OUT_TYPE", lists=("OUT_TYPE",))
def decode_csv_op(
    records: Any, record_defaults: Any, *, field_delim: str = ",", use_quote_delim: bool = True, na_value: str = "",
    select_cols: list[int] = [], name: str | None = None,  # noqa: B006
) -> list[Tensor]:  # fmt: skip
    """The fields of CSV records, one tensor a column."""


@decode_csv_op.shape
def decode_csv_shape(context: InferenceContext) -> list[Sizes]:
    for i, sizes in enumerate(context.sizes[1:]):
        if sizes is not None and (len(sizes) > 1 or (sizes and sizes[0] not in (0, 1, None))):
            raise ValueError(f"Shape of a default must be a length-0 or length-1 vector or a scalar: default {i}")
    return [context.sizes[0]] * (len(context.sizes) - 1)


def fields_of(record: bytes, delimiter: bytes, quotes: bool) -> list[bytes]:
    """The fields of a CSV record; ValueError for quotes out of place."""
    fields, start, end = [], 0, len(record)
    while True:
        if quotes and record[start : start + 1] == b'"':
            field, start = _quoted(record, start + 1)
            if start < end and record[start : start + 1] != delimiter:
                raise ValueError("Quoted field has to end with quote followed by delim or end")
        else:
            stop = record.find(delimiter, start)
            stop = end if stop < 0 else stop
            field, start = record[start:stop], stop
            if quotes and (b'"' in field or b"\n" in field or b"\r" in field):
                raise ValueError("Unquoted fields cannot have quotes/CRLFs inside")
        fields.append(field)
        if start >= end:
            return fields
        start += 1
        if start == end:
            return [*fields, b""]


def _quoted(record: bytes, start: int) -> tuple[bytes, int]:
    parts = []
    while True:
        stop = record.find(b'"', start)
        if stop < 0:
            raise ValueError("Quoted field has to end with quote followed by delim or end")
        parts.append(record[start:stop])
        if record[stop + 1 : stop + 2] != b'"':
            return b"".join(parts), stop + 1
        parts.append(b'"')
        start = stop + 2


@decode_csv_op.kernel
def decode_csv_kernel(
    xp: Any, records: Any, defaults: Any, *, field_delim: str, use_quote_delim: bool, na_value: str, select_cols: Any
) -> Any:
    records = np.asarray(records)
    if len(field_delim) != 1:
        raise InvalidArgumentError(None, None, f"field_delim should be only 1 char, got {field_delim!r}")
    columns = [np.empty(records.size, d.dtype) for d in defaults]
    for i, record in enumerate(records.reshape(-1)):
        fields = _chosen(i, record, field_delim.encode(), use_quote_delim, select_cols, len(defaults))
        for f, (field, default) in enumerate(zip(fields, defaults, strict=True)):
            columns[f][i] = _field(field, np.ravel(default), na_value.encode(), f, i)
    return [column.reshape(records.shape) for column in columns]


def _chosen(i: int, record: bytes, delimiter: bytes, quotes: bool, columns: Any, number: int) -> list[bytes]:
    try:
        fields = fields_of(record, delimiter, quotes)
    except ValueError as error:
        raise InvalidArgumentError(None, None, f"{error} (record {i})") from None
    if columns:
        fields = [fields[c] for c in columns if c < len(fields)]
    if len(fields) != number:
        raise InvalidArgumentError(None, None, f"Expect {number} fields but have {len(fields)} in record {i}")
    return fields


def _field(field: bytes, default: Any, missing: bytes, f: int, i: int) -> Any:
    if not field or field == missing:
        if not default.size:
            raise InvalidArgumentError(None, None, f"Field {f} is required but missing in record {i}!")
        return default[0]
    if default.dtype == object:
        return field
    try:
        return number_of(field, as_dtype(default.dtype))
    except ValueError:
        name, text = as_dtype(default.dtype).name, field.decode(errors="replace")
        raise InvalidArgumentError(None, None, f"Field {f} in record {i} is not a valid {name}: {text}") from None


@decode_csv_op.samples
def decode_csv_samples(rng: np.random.Generator) -> list[Sample]:
    records = words('1,"a ""b"", c",2.5', ",x,")
    defaults = [np.array([7], np.int32), np.array([], object), np.array([0.5], np.float32)]
    return [
        Sample((records, defaults), differentiable=False),
        Sample((words("1 NA"), [np.array([0]), np.array([9])]), {"field_delim": " ", "na_value": "NA"}),
        Sample((words("1,2,3"), [np.array([0])]), {"select_cols": [1]}),
    ]


@decode_csv_op.failing
def decode_csv_failing(rng: np.random.Generator) -> list[Failure]:
    one, error = [np.array([], np.int32)], InvalidArgumentError
    return [
        Failure((words("1,2"), one), error, "Expect 1 fields but have 2 in record 0", at_run=True),
        Failure((words(""), one), error, "Field 0 is required but missing in record 0!", at_run=True),
        Failure((words("a"), one), error, "Field 0 in record 0 is not a valid int32: a", at_run=True),
        Failure((words('"a'), one), error, "Quoted field", at_run=True),
    ]


decode_csv_op.not_differentiable = True


# TensorFlow's names


def decode_raw(
    input_bytes: Any = None, out_type: Any = None, little_endian: bool = True, name: str | None = None,
    bytes: Any = None,
) -> Tensor:  # fmt: skip
    """The bytes of each string as a vector of numbers of `out_type`.

    Args:
        input_bytes: strings of any shape and one length; called `bytes` before 1.14.
        out_type: the dtype of the numbers.
        little_endian: their order of bytes.
        name: the operation's name.
        bytes: the old name of `input_bytes`.

    Returns:
        A tensor with a last dimension more.

    Raises:
        InvalidArgumentError: while running, the lengths differ or are no multiple of the dtype's size.
    """
    if out_type is None:
        raise ValueError("decode_raw() needs out_type")
    text = bytes if input_bytes is None else input_bytes
    return decode_raw_op(text, out_type=as_dtype(out_type), little_endian=little_endian, name=name)


def decode_csv(
    records: Any, record_defaults: Any, field_delim: str = ",", use_quote_delim: bool = True, name: str | None = None,
    na_value: str = "", select_cols: Any = None,
) -> list[Tensor]:  # fmt: skip
    """The fields of CSV records, one tensor a column.

    Args:
        records: strings of any shape, each a record of RFC 4180.
        record_defaults: for each column a vector with its default, an empty one if the field is required; their
            dtypes are those of the columns.
        field_delim: what stands between fields.
        use_quote_delim: whether double quotes are special.
        name: the operation's name.
        na_value: what else than nothing stands for a missing field.
        select_cols: the columns to read, increasing; all by default.

    Raises:
        ValueError: a default that is no scalar and no vector of at most one element.
        InvalidArgumentError: while running, a record that does not fit.
    """
    columns = list(select_cols or [])
    if any(a >= b for a, b in itertools.pairwise(columns)):
        raise ValueError("select_cols is not strictly increasing.")
    if any(c < 0 for c in columns):
        raise ValueError("select_cols contains negative values.")
    defaults = [d if isinstance(d, Tensor) else convert_to_tensor(d) for d in record_defaults]
    return decode_csv_op(
        convert_to_tensor(records, string), defaults, field_delim=field_delim, use_quote_delim=use_quote_delim,
        na_value=na_value, select_cols=columns, name=name,
    )  # fmt: skip

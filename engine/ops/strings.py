"""Strings: joining, splitting, cutting, formatting, reading numbers, upper and lower case, base64."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import COMPLEX, INDEX, REAL, DType, as_dtype, bool as bool_dtype, float32, float64, int32, int64, string
from ..errors import InvalidArgumentError
from ..graph import Sizes, Tensor
from ..inference import InferenceContext, broadcast, like_first, reduced_sizes
from ..registry import Op, op
from ..samples import Failure, Sample
from ..shapes import broadcast_sizes
from ..tensor_types import SparseTensor

_SPACE = b" \t\n\v\f\r"


def words(*values: Any) -> Any:
    """Byte strings as tensors hold them."""
    return np.array([v.encode() if isinstance(v, str) else v for v in values], object)


def mapped(function: Callable[..., Any], *arrays: Any, dtype: Any = object) -> Any:
    """`function` of each element of arrays that broadcast together."""
    spread = np.broadcast_arrays(*arrays) if len(arrays) > 1 else [np.asarray(arrays[0])]
    result = np.empty(spread[0].shape, dtype)
    flat = result.reshape(-1)
    for i, items in enumerate(zip(*(a.reshape(-1) for a in spread), strict=True)):
        flat[i] = function(*items)
    return result


def _unit(unit: str) -> None:
    if unit not in ("BYTE", "UTF8_CHAR"):
        raise ValueError(f"unit must be BYTE or UTF8_CHAR, got {unit!r}")


@op("StringJoin", "inputs: N * string", "output: string")
def string_join_op(inputs: Any, *, separator: str = "", name: str | None = None) -> Tensor:
    """Strings of several tensors of one shape (or scalars) joined element by element."""


@string_join_op.shape
def string_join_shape(context: InferenceContext) -> list[Sizes]:
    result: Sizes = ()
    if not context.sizes:
        raise ValueError("StringJoin needs at least one input")
    for sizes in context.sizes:
        if sizes is None:
            return [None]
        if sizes and result and len(sizes) != len(result):
            raise ValueError(f"inputs must be scalars or of one shape, got {list(context.sizes)}")
        result = broadcast_sizes(result, sizes)
    return [result]


@string_join_op.kernel
def string_join_kernel(xp: Any, inputs: Any, *, separator: str) -> Any:
    between = separator.encode()
    return mapped(lambda *items: between.join(items), *inputs)


@string_join_op.samples
def string_join_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample(([words("a", "b"), words("c", "d"), np.array(b"!", object)],), {"separator": "-"})]


def _split_shape(context: InferenceContext) -> list[Sizes]:
    context.with_rank(0, 1)
    return [(None, 2), (None,), (2,)]


@op("StringSplit", "input: string, delimiter: string", "indices: int64, values: string, shape: int64")
def string_split_op(
    input: Any, delimiter: Any, *, skip_empty: bool = True, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The parts of strings between any of the delimiter's bytes (all bytes if it is empty), as a sparse matrix."""


@op("StringSplitV2", "input: string, sep: string", "indices: int64, values: string, shape: int64")
def string_split_v2_op(
    input: Any, sep: Any, *, maxsplit: int = -1, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The parts of strings between separators (runs of white space if it is empty), as a sparse matrix."""


string_split_op.shape(_split_shape)
string_split_v2_op.shape(_split_shape)


def sparse_rows(rows: list[list[bytes]]) -> tuple[Any, Any, Any]:
    """Lists of strings as the indices, values and shape of a sparse matrix."""
    indices = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
    values = np.array([v for row in rows for v in row] + [None], object)[:-1]
    shape = [len(rows), max((len(row) for row in rows), default=0)]
    return np.array(indices, np.int64).reshape(-1, 2), values, np.array(shape, np.int64)


@string_split_op.kernel
def string_split_kernel(xp: Any, strings: Any, delimiter: Any, *, skip_empty: bool) -> Any:
    marks = bytes(delimiter[()])
    pattern = re.compile(b"[" + re.escape(marks) + b"]") if marks else None
    rows = [[s[i : i + 1] for i in range(len(s))] if pattern is None else pattern.split(s) for s in strings]
    return sparse_rows([[part for part in row if part or not skip_empty] for row in rows])


@string_split_v2_op.kernel
def string_split_v2_kernel(xp: Any, strings: Any, sep: Any, *, maxsplit: int) -> Any:
    return sparse_rows([s.split(bytes(sep[()]) or None, maxsplit) for s in strings])


@string_split_op.samples
def string_split_samples(rng: np.random.Generator) -> list[Sample]:
    lines = words("hello world", " a b|c ", "")
    return [
        Sample((lines, np.array(b" ", object))),
        Sample((lines, np.array(b" |", object)), {"skip_empty": False}),
        Sample((words("ab", "c"), np.array(b"", object))),
    ]


@string_split_v2_op.samples
def string_split_v2_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((words("1<>2<>3", "<>4"), np.array(b"<>", object)), {"maxsplit": 1}),
        Sample((words(" a  b "), np.array(b"", object))),
    ]


@op("Substr", "input: string, pos: T, len: T", "output: string", T=INDEX, shape=broadcast)
def substr_op(input: Any, pos: Any, len: Any, *, unit: str = "BYTE", name: str | None = None) -> Tensor:
    """`len` characters from `pos` on of each string; a negative position counts from the end."""


@substr_op.kernel
def substr_kernel(xp: Any, strings: Any, pos: Any, length: Any, *, unit: str) -> Any:
    def cut(text: bytes, start: int, number: int) -> bytes:
        whole: Any = text.decode(errors="replace") if unit == "UTF8_CHAR" else text
        if not -len(whole) <= start <= len(whole):
            raise InvalidArgumentError(None, None, f"pos {start} out of range for string {text!r}")
        start = start + len(whole) if start < 0 else start
        part = whole[start : start + max(number, 0)]
        return part.encode() if isinstance(part, str) else part

    return mapped(cut, strings, pos, length)


@substr_op.samples
def substr_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((words("Hello", "World"), np.array(1), np.array(3))),
        Sample((words("ten", "eleven"), np.array([-2, 0], np.int32), np.array([9, 1], np.int32))),
        Sample((words("añb"), np.array(1), np.array(1)), {"unit": "UTF8_CHAR"}),
    ]


@substr_op.failing
def substr_failing(rng: np.random.Generator) -> list[Failure]:
    inputs = (words("abc"), np.array(4), np.array(1))
    return [Failure(inputs, InvalidArgumentError, "pos 4 out of range for string b'abc'", at_run=True)]


@op("StringToNumber", "string_tensor: string", "output: out_type", shape=like_first,
    out_type=(float32, float64, int32, int64))  # fmt: skip
def string_to_number_op(string_tensor: Any, *, out_type: DType = float32, name: str | None = None) -> Tensor:
    """The number that each string holds."""


_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|inf(inity)?|nan|0[xX][0-9a-fA-F]+)", re.I)
_INTEGER = re.compile(rb"[+-]?\d+")


def number_of(text: bytes, dtype: DType) -> Any:
    """The number that a string holds; ValueError if it holds none of that dtype."""
    trimmed = text.strip(_SPACE)
    if dtype.is_integer:
        if not _INTEGER.fullmatch(trimmed) or not dtype.min <= int(trimmed) <= dtype.max:
            raise ValueError(f"{text!r} is no {dtype.name}")
        return int(trimmed)
    if not _NUMBER.fullmatch(trimmed):
        raise ValueError(f"{text!r} is no {dtype.name}")
    return float(int(trimmed, 16)) if b"x" in trimmed.lower() else float(trimmed)


@string_to_number_op.kernel
def string_to_number_kernel(xp: Any, strings: Any, *, out_type: DType) -> Any:
    def read(text: bytes) -> Any:
        try:
            return number_of(text, out_type)
        except ValueError:
            message = f"StringToNumberOp could not correctly convert string: {text.decode(errors='replace')}"
            raise InvalidArgumentError(None, None, message) from None

    return mapped(read, strings, dtype=out_type.numpy)


@string_to_number_op.samples
def string_to_number_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((words("1.5", " -2e3 ", "inf"),)),
        Sample((words("12", "-7"),), {"out_type": int64}),
    ]


@string_to_number_op.failing
def string_to_number_failing(rng: np.random.Generator) -> list[Failure]:
    return [
        Failure((words("1.5x"),), InvalidArgumentError, "could not correctly convert string: 1.5x", at_run=True),
        Failure((words("3000000000"),), InvalidArgumentError, "30000", {"out_type": int32}, at_run=True),
    ]


@op("AsString", "input: T", "output: string", shape=like_first, T=(*REAL, *COMPLEX, bool_dtype))
def as_string_op(
    input: Any, *, precision: int = -1, scientific: bool = False, shortest: bool = False, width: int = -1,
    fill: str = "", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Each number as text, by C's printf; "true" and "false" for bools, "(re,im)" for complex numbers."""


# Attributes of an imported graph must not make strings of any length.
WIDEST = 1024


def number_format(kind: str, precision: int, scientific: bool, shortest: bool, width: int, fill: str) -> str:
    """The printf format of numbers of a NumPy kind."""
    letter = "d" if kind in "iu" else "e" if scientific else "g" if shortest else "f"
    if max(width, precision) > WIDEST:
        raise InvalidArgumentError(
            None, None, f"width and precision must be at most {WIDEST}: got {width}, {precision}"
        )
    digits = f".{precision}" if precision > -1 and letter != "d" else ""
    return f"%{fill}{width if width > -1 else ''}{digits}{letter}"


@as_string_op.kernel
def as_string_kernel(xp: Any, x: Any, **attrs: Any) -> Any:
    x = np.asarray(x)
    if attrs["scientific"] and attrs["shortest"]:
        raise InvalidArgumentError(None, None, "Cannot select both scientific and shortest notation")
    if attrs["fill"] not in ("", " ", "+", "-", "0", "#"):
        raise InvalidArgumentError(None, None, f"Fill argument not supported: {attrs['fill']!r}")
    if x.dtype.kind == "b":
        return mapped(lambda v: b"true" if v else b"false", x)
    pattern = number_format(x.dtype.kind, **attrs)
    if x.dtype.kind == "c":
        pattern = f"({pattern},{pattern})"
        return mapped(lambda v: (pattern % (v.real, v.imag)).encode(), x)
    return mapped(lambda v: (pattern % v).encode(), x if x.dtype.kind in "iu" else x.astype(np.float64))


@as_string_op.samples
def as_string_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((np.array([1.5, -2]),), differentiable=False),
        Sample((np.array([1.5, 2.25], np.float32),), {"precision": 1, "width": 6, "fill": "0"}, differentiable=False),
        Sample((np.array([7, -3]),), {"width": 4}),
        Sample((np.array([True, False]),)),
        Sample((np.array([1.5 + 2j]),), {"scientific": True, "precision": 2}, differentiable=False),
    ]


@as_string_op.failing
def as_string_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones(1),), InvalidArgumentError, "Fill argument", {"fill": "x"}, at_run=True)]


def _each(op_type: str, text: str, function: Callable[[bytes], Any], samples: Any) -> Op[..., Any]:
    """Declares an op that maps strings to strings."""

    def declared(input: Any, *, name: str | None = None) -> Tensor:
        raise TypeError(text)

    declared.__doc__ = text
    declared.__name__ = op_type
    definition = op(op_type, "input: string", "output: string", shape=like_first)(declared)
    definition.kernel(lambda xp, strings: mapped(function, strings))
    definition.samples(lambda rng: [Sample((samples,)), Sample((np.array(samples[0], object),))])
    return definition


_BASE64 = re.compile(rb"[A-Za-z0-9_-]*={0,2}")


def _decoded(text: bytes) -> bytes:
    bare = text.rstrip(b"=")
    if not _BASE64.fullmatch(text) or len(bare) % 4 == 1:
        raise InvalidArgumentError(None, None, f"Invalid character or length found in base64: {text!r}")
    return base64.urlsafe_b64decode(bare + b"=" * (-len(bare) % 4))


decode_base64_op = _each("DecodeBase64", "Strings of web-safe base64 decoded.", _decoded, words("aGVsbG8", "YQ=="))
string_strip_op = _each(
    "StringStrip", "Strings without white space around.", lambda s: s.strip(_SPACE), words(" a b ", "c\n")
)


@decode_base64_op.failing
def decode_base64_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((words("a+b="),), InvalidArgumentError, "base64", at_run=True)]


@op("EncodeBase64", "input: string", "output: string", shape=like_first)
def encode_base64_op(input: Any, *, pad: bool = False, name: str | None = None) -> Tensor:
    """Strings as web-safe base64."""


@encode_base64_op.kernel
def encode_base64_kernel(xp: Any, strings: Any, *, pad: bool) -> Any:
    encode = base64.urlsafe_b64encode
    return mapped(encode if pad else lambda s: encode(s).rstrip(b"="), strings)


@encode_base64_op.samples
def encode_base64_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((words("hello", b"\xff\xfe"),), {"pad": pad}) for pad in (False, True)]


@op("StringLower", "input: string", "output: string", shape=like_first)
def string_lower_op(input: Any, *, encoding: str = "", name: str | None = None) -> Tensor:
    """Strings in lower case: ASCII letters alone, or all with encoding "utf-8"."""


@op("StringUpper", "input: string", "output: string", shape=like_first)
def string_upper_op(input: Any, *, encoding: str = "", name: str | None = None) -> Tensor:
    """Strings in upper case: ASCII letters alone, or all with encoding "utf-8"."""


@string_lower_op.kernel
def string_lower_kernel(xp: Any, strings: Any, *, encoding: str) -> Any:
    return mapped(lambda s: s.decode(errors="replace").lower().encode() if encoding else s.lower(), strings)


@string_upper_op.kernel
def string_upper_kernel(xp: Any, strings: Any, *, encoding: str) -> Any:
    return mapped(lambda s: s.decode(errors="replace").upper().encode() if encoding else s.upper(), strings)


@string_lower_op.samples
@string_upper_op.samples
def string_case_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((words("aBc", "Ñ"),), {"encoding": encoding}) for encoding in ("", "utf-8")]


@op("StringLength", "input: string", "output: int32", shape=like_first)
def string_length_op(input: Any, *, unit: str = "BYTE", name: str | None = None) -> Tensor:
    """The length of each string in bytes or characters."""


@string_length_op.kernel
def string_length_kernel(xp: Any, strings: Any, *, unit: str) -> Any:
    if unit == "UTF8_CHAR":
        return mapped(lambda s: len(s.decode(errors="replace")), strings, dtype=np.int32)
    return mapped(len, strings, dtype=np.int32)


@string_length_op.samples
def string_length_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((words("", "añb"),), {"unit": unit}) for unit in ("BYTE", "UTF8_CHAR")]


@op("ReduceJoin", "inputs: string, reduction_indices: int32", "output: string")
def reduce_join_op(
    inputs: Any, reduction_indices: Any, *, keep_dims: bool = False, separator: str = "", name: str | None = None
) -> Tensor:
    """Strings joined along dimensions, in the order in which these are named."""


@reduce_join_op.shape
def reduce_join_shape(context: InferenceContext) -> list[Sizes]:
    return [reduced_sizes(context.sizes[0], context.value(1), context["keep_dims"])]


@reduce_join_op.kernel
def reduce_join_kernel(xp: Any, strings: Any, axes: Any, *, keep_dims: bool, separator: str) -> Any:
    strings = np.asarray(strings)
    rank, between = strings.ndim, separator.encode()
    if any(not -rank <= a < rank for a in np.ravel(axes)):
        raise InvalidArgumentError(
            None, None, f"Invalid reduction dimension for rank {rank}: {np.ravel(axes).tolist()}"
        )
    order = [int(a) % rank for a in np.ravel(axes)]
    kept = [i for i in range(rank) if i not in order]
    outer = [strings.shape[i] for i in kept]
    rows = strings.transpose([*kept, *reversed(order)]).reshape(int(np.prod(outer)), -1) if strings.size else None
    joined = [b""] * int(np.prod(outer)) if rows is None else [between.join(row) for row in rows]
    sizes = [1 if i in order else s for i, s in enumerate(strings.shape)] if keep_dims else outer
    return np.array([*joined, None], object)[:-1].reshape(sizes)


@reduce_join_op.samples
def reduce_join_samples(rng: np.random.Generator) -> list[Sample]:
    table = words("a", "b", "c", "d").reshape(2, 2)
    return [
        Sample((table, np.array([0, 1], np.int32))),
        Sample((table, np.array(-1, np.int32)), {"separator": ".", "keep_dims": True}),
        Sample((table, np.array([], np.int32))),
    ]


# TensorFlow's names


def string_join(inputs: Any, separator: str = "", name: str | None = None) -> Tensor:
    """Strings of several tensors of one shape (or scalars) joined element by element.

    Example:
        >>> import headrace as tf
        >>> with tf.Session() as sess:
        ...     sess.run(tf.string_join(["a", "b"], "-"))
        b'a-b'
    """
    return string_join_op(list(inputs), separator=separator, name=name)


def _sparse(parts: tuple[Tensor, Tensor, Tensor]) -> SparseTensor:
    return SparseTensor(*parts)


def string_split(
    source: Any, sep: Any = None, skip_empty: bool = True, delimiter: Any = " ", result_type: str = "SparseTensor",
    input: Any = None, name: str | None = None,
) -> SparseTensor:  # fmt: skip
    """The parts of the strings of a vector between any of the delimiter's bytes, as a SparseTensor [n, most parts].

    Args:
        source: a vector of strings.
        sep: the delimiter, also called `delimiter`; with "" every byte is a part.
        skip_empty: leave out empty parts.
        delimiter: the old name of `sep`.
        result_type: "SparseTensor".
        input: another name of `source`.
        name: the operation's name.
    """
    _check_sparse(result_type)
    marks = delimiter if sep is None else sep
    text = convert_to_tensor(input if source is None else source, string)
    return _sparse(string_split_op(text, convert_to_tensor(marks, string), skip_empty=skip_empty, name=name))


def _check_sparse(result_type: str) -> None:
    if result_type != "SparseTensor":
        raise ValueError(f"result_type must be 'SparseTensor', got {result_type!r}")


def split(
    input: Any = None, sep: Any = None, maxsplit: int = -1, result_type: str = "SparseTensor", source: Any = None,
    name: str | None = None,
) -> SparseTensor:  # fmt: skip
    """The parts of strings between separators, by default runs of white space, as Python's `str.split`."""
    from .array import reshape

    _check_sparse(result_type)
    text = convert_to_tensor(source if input is None else input, string)
    text = reshape(text, [1]) if text.sizes == () else text
    return _sparse(string_split_v2_op(text, "" if sep is None else sep, maxsplit=maxsplit, name=name))


def substr(input: Any, pos: Any, len: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """`len` characters from `pos` on of each string; a negative position counts from the end.

    Raises:
        InvalidArgumentError: while running, a position is outside of its string.
    """
    _unit(unit)
    return substr_op(input, pos, len, unit=unit, name=name)


def string_to_number(
    string_tensor: Any = None, out_type: Any = float32, name: str | None = None, input: Any = None
) -> Tensor:
    """The number that each string holds; InvalidArgumentError, while running, for one that holds none."""
    text = string_tensor if input is None else input
    return string_to_number_op(text, out_type=as_dtype(out_type), name=name)


def as_string(
    input: Any, precision: int = -1, scientific: bool = False, shortest: bool = False, width: int = -1, fill: str = "",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Each number as text, by C's printf; "true" and "false" for bools, "(re,im)" for complex numbers."""
    return as_string_op(
        input, precision=precision, scientific=scientific, shortest=shortest, width=width, fill=fill, name=name
    )


def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> Tensor:
    """Strings as web-safe base64, by default without padding."""
    return encode_base64_op(input, pad=pad, name=name)


def decode_base64(input: Any, name: str | None = None) -> Tensor:
    """Strings of web-safe base64 decoded; InvalidArgumentError, while running, for others."""
    result: Tensor = decode_base64_op(input, name=name)
    return result


def string_length(input: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """The length of each string in bytes or (unit "UTF8_CHAR") characters."""
    _unit(unit)
    return string_length_op(input, unit=unit, name=name)


def string_strip(input: Any, name: str | None = None) -> Tensor:
    """Strings without white space around."""
    result: Tensor = string_strip_op(input, name=name)
    return result


def string_lower(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Strings in lower case: ASCII letters alone, or all with encoding "utf-8"."""
    return string_lower_op(input, encoding=encoding, name=name)


def string_upper(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Strings in upper case: ASCII letters alone, or all with encoding "utf-8"."""
    return string_upper_op(input, encoding=encoding, name=name)


def reduce_join(
    inputs: Any, axis: Any = None, keep_dims: bool | None = None, separator: str = "", name: str | None = None,
    reduction_indices: Any = None, keepdims: bool | None = None,
) -> Tensor:  # fmt: skip
    """Strings joined along dimensions in the order in which these are named, by default all, last first."""
    inputs = convert_to_tensor(inputs, string)
    axis = reduction_indices if axis is None else axis
    if axis is None:
        if inputs.sizes is None:
            raise ValueError("reduce_join needs an axis where the rank of its input is not known")
        axis = np.arange(len(inputs.sizes) - 1, -1, -1, dtype=np.int32)
    elif not isinstance(axis, Tensor):
        axis = np.array(axis, np.int32)
    return reduce_join_op(inputs, axis, keep_dims=bool(keep_dims or keepdims), separator=separator, name=name)


for _definition in (
    string_join_op, string_split_op, string_split_v2_op, substr_op, string_to_number_op, as_string_op, reduce_join_op,
    decode_base64_op, encode_base64_op, string_strip_op, string_lower_op, string_upper_op, string_length_op,
):  # fmt: skip
    _definition.not_differentiable = True

"""Attributes of operations as AttrValue messages and back, by the kinds that the registry declares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .dtypes import DType, as_dtype
from .graph import Graph, Sizes
from .protos import AttrValue, TensorProto, TensorShapeProto
from .shapes import TensorShape
from .tensor_proto import MAX_BYTES, make_ndarray, make_tensor_proto

# Where TensorFlow keeps an attribute of each kind, and how its errors spell the dtypes.
_FIELDS = {
    "int": "i", "float": "f", "bool": "b", "string": "s", "type": "type", "shape": "shape", "tensor": "tensor",
    "func": "func",
}  # fmt: skip
_SPELLING = {"float32": "float", "float64": "double", "float16": "half"}
# TensorFlow's limit on ranks, without which a few bytes could stand for a shape of any length.
LARGEST_RANK = 254


def spelled(dtype: DType) -> str:
    """The name of a dtype in TensorFlow's messages: float for float32, float_ref for its reference."""
    base = dtype.base_dtype.name
    return _SPELLING.get(base, base) + ("_ref" if dtype._is_ref_dtype else "")


def shape_proto(sizes: Sizes) -> TensorShapeProto:
    """A static shape as a message; unknown sizes are -1."""
    if sizes is None:
        return TensorShapeProto(unknown_rank=True)
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=-1 if s is None else s) for s in sizes])


def sizes_of(proto: TensorShapeProto) -> Sizes:
    """A TensorShapeProto as sizes; ValueError for sizes below -1 and too many of them."""
    if proto.unknown_rank:
        return None
    sizes = [d.size for d in proto.dim]
    if len(sizes) > LARGEST_RANK:
        raise ValueError(f"Shape has {len(sizes)} dimensions, more than {LARGEST_RANK}")
    if min(sizes, default=0) < -1:
        raise ValueError(f"Shape {sizes} has a size that is not >= -1")
    return tuple(None if s == -1 else s for s in sizes)


def attr_value_of(kind: str, value: Any, dtype: DType | None = None) -> AttrValue:
    """An attribute's value as a message; `dtype` is that of a tensor's elements."""
    message = AttrValue()
    if kind.startswith("list("):
        message.list.SetInParent()
        field = _FIELDS[kind[5:-1]]
        for item in value:
            _append(getattr(message.list, field), kind[5:-1], item, dtype)
    else:
        _store(message, kind, value, dtype)
    return message


def _append(items: Any, kind: str, value: Any, dtype: DType | None) -> None:
    part = AttrValue()
    _store(part, kind, value, dtype)
    items.append(getattr(part, _FIELDS[kind]))


def _store(message: AttrValue, kind: str, value: Any, dtype: DType | None) -> None:
    if kind == "shape":
        message.shape.CopyFrom(shape_proto(value.sizes))
    elif kind == "tensor":
        message.tensor.CopyFrom(_tensor(value, dtype))
    elif kind == "func":
        message.func.name = value.name
    elif kind == "type":
        message.type = as_dtype(value).base_dtype.as_datatype_enum  # type: ignore[assignment]
    elif kind == "string":
        message.s = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    else:
        setattr(message, _FIELDS[kind], value)


def _tensor(value: Any, dtype: DType | None) -> TensorProto:
    if isinstance(value, TensorProto):
        return value
    array = np.asarray(value)
    return make_tensor_proto(array, dtype, array.shape)


def kind_of(value: Any) -> str | None:
    """The kind of an attribute that no op declares, by its value; None where it has none."""
    if isinstance(value, list | tuple):
        kinds = {kind_of(item) for item in value}
        inner = kinds.pop() if len(kinds) == 1 else "int" if not value else None
        return None if inner is None or inner.startswith("list(") else f"list({inner})"
    for types, kind in _KINDS:
        if isinstance(value, types):
            return kind
    return None


_KINDS: list[tuple[Any, str]] = [
    (bool | np.bool_, "bool"),
    (int | np.integer, "int"),
    (float | np.floating, "float"),
    (str | bytes, "string"),
    (DType, "type"),
    (TensorShape, "shape"),
    (np.ndarray, "tensor"),
    (Graph, "func"),
]


class Reader:
    """Reads AttrValue messages, with a budget of bytes for the tensors that a whole message may stand for."""

    def __init__(self, budget: int = MAX_BYTES, function: Callable[[str], Any] | None = None) -> None:
        self.budget = budget
        self.function = function

    def read(self, kind: str, message: AttrValue) -> Any:
        """The Python value of an attribute of `kind`.

        Raises:
            ValueError: the message holds another kind, an unknown dtype, a bad shape or tensor.
        """
        held = message.WhichOneof("value")
        if kind.startswith("list("):
            return self._read_list(kind, message, held)
        if held != _FIELDS[kind]:
            raise ValueError(f"AttrValue had value with type '{_named(message)}' when '{kind}' expected")
        return self._convert(kind, getattr(message, held))

    def _read_list(self, kind: str, message: AttrValue, held: str | None) -> list[Any]:
        inner = kind[5:-1]
        filled = [field.name for field, _ in message.list.ListFields()]
        if held != "list" or any(name != _FIELDS[inner] for name in filled):
            raise ValueError(f"AttrValue had value with type '{_named(message)}' when '{kind}' expected")
        return [self._convert(inner, item) for item in getattr(message.list, _FIELDS[inner])]

    def _convert(self, kind: str, item: Any) -> Any:
        if kind == "type":
            return _dtype(item)
        if kind == "shape":
            return TensorShape(sizes_of(item))
        if kind == "tensor":
            return self._array(item)
        if kind == "func":
            return self._function(item)
        return item.decode("utf-8", "surrogateescape") if kind == "string" else item

    def _array(self, proto: TensorProto) -> np.ndarray[Any, Any]:
        if len(proto.tensor_shape.dim) > LARGEST_RANK:
            raise ValueError(f"A tensor has {len(proto.tensor_shape.dim)} dimensions, more than {LARGEST_RANK}")
        try:
            array = make_ndarray(proto, self.budget)
        except (TypeError, OverflowError) as error:
            raise ValueError(f"Cannot parse a tensor: {error}") from None
        self.budget -= array.nbytes
        return array

    def _function(self, item: Any) -> Any:
        if self.function is None:
            raise ValueError(f"The function {item.name!r} is not known here")
        return self.function(item.name)


def _dtype(enum: int) -> DType:
    try:
        dtype = as_dtype(int(enum))
    except TypeError:
        raise ValueError(f"{enum} is not the number of a dtype") from None
    return dtype


def _named(message: AttrValue) -> str:
    held = message.WhichOneof("value")
    if held == "list":
        filled = [field.name for field, _ in message.list.ListFields()]
        return f"list({', '.join(_kind(f) for f in filled)})"
    return "none" if held is None else _kind(held)


def _kind(field: str) -> str:
    return next((kind for kind, name in _FIELDS.items() if name == field), field)


def any_value(message: AttrValue, reader: Reader) -> Any:
    """The value of an attribute whose kind nobody declares, by what the message holds; strings stay bytes."""
    held = message.WhichOneof("value")
    if held is None or held == "placeholder":
        raise ValueError("AttrValue has no value")
    if held != "list":
        return message.s if held == "s" else reader.read(_kind(held), message)
    filled = [field.name for field, _ in message.list.ListFields()]
    if len(filled) > 1:
        raise ValueError(f"AttrValue has a list of several types: {filled}")
    if not filled:
        return []
    return list(message.list.s) if filled[0] == "s" else reader.read(f"list({_kind(filled[0])})", message)

"""What an op takes and gives: arguments like `values: N * T`, in the notation of TensorFlow's op registry."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .dtypes import DType, as_dtype

_ARGUMENT = re.compile(r"^(\w+)\s*:\s*(?:(\w+)\s*\*\s*)?(Ref\()?(\w+)\)?$")


@dataclass(frozen=True, slots=True)
class Argument:
    """One input or output: a name and a fixed dtype, a dtype attribute, N tensors, or a list of dtypes."""

    name: str
    dtype: DType | None = None
    type_attr: str | None = None
    number_attr: str | None = None
    list_attr: str | None = None
    is_ref: bool = False

    @property
    def is_list(self) -> bool:
        """Whether the argument is a sequence of tensors."""
        return self.number_attr is not None or self.list_attr is not None


def parse_arguments(text: str, list_attrs: tuple[str, ...] = ()) -> tuple[Argument, ...]:
    """Parses `a: T, b: Ref(T), values: N * T, components: Tcomponents, index: int32`.

    A type name that is a dtype is fixed; one in `list_attrs` names a list of dtypes; another is a dtype attribute.
    """
    return tuple(_parse_argument(part.strip(), list_attrs) for part in text.split(",") if part.strip())


def _parse_argument(text: str, list_attrs: tuple[str, ...]) -> Argument:
    match = _ARGUMENT.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not an argument: expected 'name: type', 'name: Ref(type)' or 'name: N * type'")
    name, number, ref, kind = match.groups()
    if kind in list_attrs:
        return Argument(name, list_attr=kind)
    dtype = _fixed_dtype(kind)
    return Argument(name, dtype, None if dtype else kind, number, None, ref is not None)


def _fixed_dtype(kind: str) -> DType | None:
    if kind[0].isupper() or kind.startswith("out_"):
        return None
    try:
        return as_dtype(kind)
    except TypeError:
        return None


# How a keyword-only parameter's annotation names the kind of an attribute in a NodeDef.
ATTRIBUTE_KINDS = {
    "int": "int", "float": "float", "bool": "bool", "str": "string", "bytes": "string", "DType": "type",
    "TensorShape": "shape", "np.ndarray": "tensor", "Graph": "func", "list[int]": "list(int)",
    "list[float]": "list(float)", "list[bool]": "list(bool)", "list[str]": "list(string)",
    "list[bytes]": "list(string)", "list[DType]": "list(type)", "list[TensorShape]": "list(shape)",
    "list[Graph]": "list(func)",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute: its kind in a NodeDef, whether it must be given, and its default."""

    name: str
    kind: str
    required: bool
    default: Any = None

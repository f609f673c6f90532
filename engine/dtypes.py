"""The element types of tensors: TensorFlow 1.15's dtypes as immutable singletons over NumPy's.

What converts values (casting, promotion, feeding) does not live here.
"""

from __future__ import annotations

import builtins
from typing import Any, Final, NoReturn, TypeAlias

import ml_dtypes
import numpy as np
import numpy.typing as npt

_REF_OFFSET: Final = 100


class DType:
    """The type of a tensor's elements, such as `float32`.

    There is one object a type, so ``is`` and ``==`` agree; ``==`` also takes names, enum numbers
    and NumPy types. `numpy` is the NumPy dtype, `as_numpy_dtype` its scalar type. Strings,
    resources and variants are held as Python objects; quantized types as plain integers.

    >>> float32, float32 == "float32", int8.max
    (tf.float32, True, 127)
    """

    __slots__ = (
        "_hash",
        "_is_ref_dtype",
        "_partner",
        "as_datatype_enum",
        "as_numpy_dtype",
        "is_bool",
        "is_complex",
        "is_floating",
        "is_integer",
        "is_numpy_compatible",
        "is_quantized",
        "is_unsigned",
        "name",
        "numpy",
    )

    name: str
    as_datatype_enum: int
    as_numpy_dtype: type[Any]
    numpy: np.dtype[Any]
    is_bool: builtins.bool
    is_integer: builtins.bool
    is_floating: builtins.bool
    is_complex: builtins.bool
    is_quantized: builtins.bool
    is_unsigned: builtins.bool
    is_numpy_compatible: builtins.bool
    _is_ref_dtype: builtins.bool
    _partner: DType
    _hash: int

    def __init__(self, name: str, enum: int, numpy_type: type[Any], is_ref: builtins.bool) -> None:
        base_name = name.removesuffix("_ref")
        numpy_dtype = np.dtype(numpy_type)
        quantized = base_name.startswith(("qint", "quint"))
        plain_kind = "quantized" if quantized else numpy_dtype.kind
        values = {
            "name": name,
            "as_datatype_enum": enum,
            "as_numpy_dtype": numpy_type,
            "numpy": numpy_dtype,
            "is_bool": plain_kind == "b",
            "is_integer": plain_kind in ("i", "u"),
            # ml_dtypes registers bfloat16 with kind "V".
            "is_floating": plain_kind == "f" or base_name == "bfloat16",
            "is_complex": plain_kind == "c",
            "is_quantized": quantized,
            "is_unsigned": plain_kind == "u",
            "is_numpy_compatible": base_name not in ("resource", "variant"),
            "_is_ref_dtype": is_ref,
            "_hash": hash(enum),
        }
        for attribute, value in values.items():
            object.__setattr__(self, attribute, value)

    def __setattr__(self, attribute: str, value: object) -> NoReturn:
        raise AttributeError(f"{self!r} is immutable: cannot set {attribute}")

    @property
    def is_ref_dtype(self) -> builtins.bool:
        """Whether this is the type of a reference to a variable."""
        return self._is_ref_dtype

    @property
    def base_dtype(self) -> DType:
        """The type without the reference: float32 of float32_ref."""
        return self._partner if self._is_ref_dtype else self

    @property
    def _as_ref(self) -> DType:
        return self if self._is_ref_dtype else self._partner

    @property
    def real_dtype(self) -> DType:
        """The type of the real part: float32 of complex64, otherwise the type itself."""
        base = self.base_dtype
        if base is complex64:
            return float32
        return float64 if base is complex128 else self

    @property
    def size(self) -> int:
        """The bytes of an element; 1 for resources and variants, a pointer's for strings."""
        return 1 if not self.is_numpy_compatible else self.numpy.itemsize

    @property
    def min(self) -> Any:
        """The smallest finite value; TypeError for types without an order or a bound."""
        return self._finite_info("minimum").min

    @property
    def max(self) -> Any:
        """The largest finite value; TypeError for types without an order or a bound."""
        return self._finite_info("maximum").max

    @property
    def limits(self) -> tuple[Any, Any]:
        """The range of intensities in images of this type, as TF 1.15: (0, 1) if floating."""
        if self.is_bool:
            return False, True
        if self.is_integer:
            return 0, self.max
        if self.is_floating:
            return 0, 1
        raise ValueError(f"{self.name} has no limits: expected a bool, integer or floating dtype")

    def _finite_info(self, which: str) -> Any:
        if self.is_floating:
            return ml_dtypes.finfo(self.as_numpy_dtype)  # type: ignore[no-untyped-call]
        if self.is_integer:
            return np.iinfo(self.as_numpy_dtype)
        raise TypeError(f"Cannot find {which} value of {self}.")

    def is_compatible_with(self, other: DTypeLike) -> builtins.bool:
        """Returns whether a tensor of `other` can stand where this type is asked for.

        A reference can stand for its base type, not the other way round.
        """
        other = as_dtype(other)
        return self is other or self is other.base_dtype

    def __eq__(self, other: object) -> builtins.bool:
        if other is self:
            return True
        if type(other) is DType:
            return False
        return _find(other) is self

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __str__(self) -> str:
        return f"<dtype: {self.name!r}>"

    def __reduce__(self) -> tuple[object, ...]:
        # Also makes copy and deepcopy return the one object.
        return as_dtype, (self.name,)


DTypeLike: TypeAlias = DType | str | int | type[Any] | np.dtype[Any]

_BY_ENUM: Final[dict[int, DType]] = {}
_BY_NAME: Final[dict[str, DType]] = {}


def _define(name: str, enum: int, numpy_type: type[Any]) -> DType:
    dtype = DType(name, enum, numpy_type, False)
    reference = DType(f"{name}_ref", enum + _REF_OFFSET, numpy_type, True)
    object.__setattr__(dtype, "_partner", reference)
    object.__setattr__(reference, "_partner", dtype)
    for one in (dtype, reference):
        _BY_ENUM[one.as_datatype_enum] = one
        _BY_NAME[one.name] = one
    return dtype


# The numbers are those of the DataType enum in TensorFlow's types.proto.
float32: Final = _define("float32", 1, np.float32)
float64: Final = _define("float64", 2, np.float64)
int32: Final = _define("int32", 3, np.int32)
uint8: Final = _define("uint8", 4, np.uint8)
int16: Final = _define("int16", 5, np.int16)
int8: Final = _define("int8", 6, np.int8)
string: Final = _define("string", 7, object)
complex64: Final = _define("complex64", 8, np.complex64)
int64: Final = _define("int64", 9, np.int64)
bool: Final = _define("bool", 10, np.bool_)
qint8: Final = _define("qint8", 11, np.int8)
quint8: Final = _define("quint8", 12, np.uint8)
qint32: Final = _define("qint32", 13, np.int32)
bfloat16: Final = _define("bfloat16", 14, ml_dtypes.bfloat16)
qint16: Final = _define("qint16", 15, np.int16)
quint16: Final = _define("quint16", 16, np.uint16)
uint16: Final = _define("uint16", 17, np.uint16)
complex128: Final = _define("complex128", 18, np.complex128)
float16: Final = _define("float16", 19, np.float16)
resource: Final = _define("resource", 20, object)
variant: Final = _define("variant", 21, object)
uint32: Final = _define("uint32", 22, np.uint32)
uint64: Final = _define("uint64", 23, np.uint64)
half: Final = float16
double: Final = float64

for _alias, _dtype in (("half", float16), ("float", float32), ("double", float64)):
    _BY_NAME[_alias] = _dtype
    _BY_NAME[f"{_alias}_ref"] = _dtype._as_ref

FLOATING: Final = (float16, bfloat16, float32, float64)
COMPLEX: Final = (complex64, complex128)
INTEGER: Final = (int8, int16, int32, int64, uint8, uint16, uint32, uint64)
REAL: Final = FLOATING + INTEGER
NUMERIC: Final = REAL + COMPLEX
INDEX: Final = (int32, int64)
QUANTIZED: Final = (qint8, quint8, qint16, quint16, qint32)
ALL: Final = (*NUMERIC, bool, string, resource, variant, *QUANTIZED)

# NumPy's dtypes hash by what they hold: np.longlong and np.int64 are one key.
_BY_NUMPY: Final[dict[np.dtype[Any], DType]] = {dtype.numpy: dtype for dtype in (*NUMERIC, bool, string)}
# TF 1.15 takes float, bool and object; int, complex, str and bytes are as their constants are.
_BY_PYTHON: Final[dict[type[Any], DType]] = {
    builtins.float: float32,
    builtins.bool: bool,
    builtins.int: int32,
    builtins.complex: complex128,
    builtins.str: string,
    builtins.bytes: string,
    builtins.object: string,
}


def as_dtype(value: DTypeLike) -> DType:
    """Returns the DType that `value` means, as TF 1.15's tf.as_dtype.

    Takes a DType, a name, a number of the DataType enum, a NumPy dtype or scalar type, or a Python
    type (float is float32, int is int32, str and bytes are string).

    Raises:
        TypeError: where it means none.

    >>> as_dtype("half"), as_dtype(float), as_dtype(np.dtype("U5"))
    (tf.float16, tf.float32, tf.string)
    """
    dtype = _find(value)
    if dtype is None:
        raise TypeError(
            f"Cannot convert value {value!r} to a headrace DType: expected a DType, a name such as "
            "'float32', a DataType enum number, or a NumPy or Python type"
        )
    return dtype


def of_array(array: npt.NDArray[Any] | np.generic) -> DType:
    """Returns the DType of an array by one look-up; TypeError for NumPy types that have none.

    >>> of_array(np.zeros(3, np.int64))
    tf.int64
    """
    dtype = _BY_NUMPY.get(array.dtype)
    return _of_other_numpy(array.dtype) if dtype is None else dtype


def _of_other_numpy(numpy_dtype: np.dtype[Any]) -> DType:
    dtype = _find_numpy(numpy_dtype)
    if dtype is None:
        raise TypeError(f"Arrays of NumPy dtype {numpy_dtype} have no headrace DType")
    return dtype


def _find(value: object) -> DType | None:
    if isinstance(value, DType):
        return value
    if isinstance(value, str):
        return _BY_NAME.get(value)
    if isinstance(value, np.dtype):
        return _find_numpy(value)
    if isinstance(value, type):
        return _find_type(value)
    if isinstance(value, int | np.integer) and not isinstance(value, builtins.bool):
        return _BY_ENUM.get(int(value))
    return None


def _find_numpy(numpy_dtype: np.dtype[Any]) -> DType | None:
    if numpy_dtype.kind in "SU":
        return string
    return _BY_NUMPY.get(numpy_dtype.newbyteorder("="))


def _find_type(python_type: type[Any]) -> DType | None:
    if python_type in _BY_PYTHON:
        return _BY_PYTHON[python_type]
    if issubclass(python_type, np.generic) or python_type is ml_dtypes.bfloat16:
        try:
            return _find_numpy(np.dtype(python_type))
        except TypeError:  # an abstract type such as np.generic
            return None
    return None

"""Matrix products of the simulated device: NumPy on views of its memory, with the sums and epilogues of a real one."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from ...unsupported import UnsupportedError
from ..device import Product

Array = np.ndarray[Any, Any]
_NARROW = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))
_ACTIVATIONS = ("", "relu", "gelu")
# As cublasLt's kernels load a bias.
_BIAS_ALIGNMENT = 16


class _Place:
    """Memory in the words of NumPy's array interface."""

    def __init__(self, address: int, dtype: np.dtype[Any], shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        kind = dtype.str if dtype.kind != "V" else f"<V{dtype.itemsize}"
        self.__array_interface__ = {
            "data": (address, False),
            "typestr": kind,
            "shape": shape,
            "strides": strides,
            "version": 3,
        }


def view(address: int, dtype: Any, shape: tuple[int, ...], strides: tuple[int, ...] | None = None) -> Array:
    """An array on memory that is there already; strides in bytes, row-major if None."""
    kind = np.dtype(dtype)
    if strides is None:
        strides = tuple(kind.itemsize * int(np.prod(shape[i + 1 :], dtype=np.int64)) for i in range(len(shape)))
    array = np.asarray(_Place(address, kind, shape, strides))
    return array if array.dtype == kind else array.view(kind)


def require_supported(product: Product) -> None:
    """UnsupportedError for what no device does."""
    if product.activation not in _ACTIVATIONS:
        raise UnsupportedError(f"a product followed by {product.activation}")
    if product.wide and (product.dtype not in _NARROW or product.bias):
        raise UnsupportedError(f"wide products of {product.dtype}")
    if product.compute not in ("float32", "tf32", product.dtype.name):
        raise UnsupportedError(f"a product of {product.dtype} computed as {product.compute}")
    if product.bias % _BIAS_ALIGNMENT:
        raise UnsupportedError(f"a bias that does not begin at a multiple of {_BIAS_ALIGNMENT} bytes")
    for i, name in enumerate("abc"):
        _require_matrix(product, i, f"product, operand {name}")


def _require_matrix(product: Product, which: int, what: str) -> None:
    """ValueError for memory that a library would read otherwise: elements across their size, rows across each other."""
    array = operand(product, which)
    if (product.a, product.b, product.c)[which] % array.itemsize:
        raise ValueError(f"{what}: elements of {array.itemsize} bytes that do not begin at a multiple of that")
    stored = array.swapaxes(1, 2) if [product.transpose_a, product.transpose_b, False][which] else array
    if stored.shape[1] > 1 and product.leading[which] < stored.shape[2]:
        raise ValueError(f"{what}: rows of {stored.shape[2]} elements, {product.leading[which]} apart")


def multiply(product: Product) -> None:
    """Carries a product out."""
    a, b, c = (operand(product, i) for i in range(3))
    exact = product.dtype not in _NARROW
    with np.errstate(all="ignore"):
        result = np.matmul(_factor(a, product), _factor(b, product)) if product.depth else np.zeros(c.shape, a.dtype)
        if not exact:
            result = result.astype(np.float32)
        c[...] = _finished(result, c, product).astype(c.dtype)


def operand(product: Product, which: int) -> Array:
    """Operand a, b or c as [batch, rows, columns], transposed where the product says so."""
    shapes = [(product.rows, product.depth), (product.depth, product.columns), (product.rows, product.columns)]
    turned = [product.transpose_a, product.transpose_b, False][which]
    rows, columns = shapes[which]
    dtype = np.dtype(np.float32) if product.wide and which == 2 else product.dtype
    size = dtype.itemsize
    steps = (product.leading[which] * size, size)
    address = (product.a, product.b, product.c)[which]
    strides = (product.strides[which] * size, *(reversed(steps) if turned else steps))
    return view(address, dtype, (product.batch, rows, columns), strides)


def _factor(array: Array, product: Product) -> Array:
    if product.dtype in _NARROW:
        return array.astype(np.float32)
    return _tf32(array) if product.compute == "tf32" and product.dtype == np.float32 else array


def _tf32(array: Array) -> Array:
    """Rounded to ten bits after the point, as tensor cores read float32."""
    bits = array.view(np.uint32) if array.flags.c_contiguous else np.ascontiguousarray(array).view(np.uint32)
    rounded = (bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)
    return np.where(np.isfinite(array), rounded.view(np.float32), array)


def _finished(result: Array, c: Array, product: Product) -> Array:
    if product.alpha != 1:
        result = result * result.dtype.type(product.alpha)
    # What is multiplied by a beta of 0 is not read: it may be NaN.
    if product.beta:
        result = result + result.dtype.type(product.beta) * c.astype(result.dtype)
    if product.bias:
        result = result + view(product.bias, product.dtype, (product.columns,)).astype(result.dtype)
    if product.activation == "relu":
        return np.maximum(result, 0)
    return _gelu(result) if product.activation == "gelu" else result


def _gelu(x: Array) -> Array:
    # With tanh, as cublasLt has it.
    kind = x.dtype.type
    inner = kind(0.7978845608028654) * (x + kind(0.044715) * x * x * x)
    return np.asarray(kind(0.5) * x * (kind(1) + np.tanh(inner)))

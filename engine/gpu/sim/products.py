"""Matrix products of the simulated device: NumPy on views of its memory, with the sums and epilogues of a real one."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from ...kernels.gelu import gelu, gelu_slope
from ...kernels.relu_masks import bits_of, mask_bytes, signs_of
from ...unsupported import UnsupportedError
from ..device import Product
from ..epilogues import require_possible

Array = np.ndarray[Any, Any]
_NARROW = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))


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
    require_possible(product)
    if product.compute not in ("float32", "tf32", product.dtype.name):
        raise UnsupportedError(f"a product of {product.dtype} computed as {product.compute}")
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
        result = _finished(result, c, product)
        c[...] = result.astype(c.dtype)
        if product.sums:
            summed = {
                "a": lambda: a.sum(2, result.dtype),
                "b": lambda: b.sum(1, result.dtype),
                "c": lambda: result.sum(1),
            }
            _sums(product)[...] = summed[product.summed]()[0].astype(c.dtype)


def extents(product: Product) -> list[tuple[str, int, int]]:
    """What a product reads and writes beside its matrices: a name, an address and bytes of each."""
    rows, columns, size = product.rows, product.columns, product.dtype.itemsize
    found = [("bias", product.bias, columns * size)] if product.bias else []
    if product.sums:
        sums = _sums(product)
        found.append(("sums", product.sums, sums.nbytes))
    if product.auxiliary:
        masked = product.activation.startswith("relu")
        step, last = (product.auxiliary_leading // 8, mask_bytes(columns)) if masked else (
            product.auxiliary_leading * size, columns * size)  # fmt: skip
        found.append(("auxiliary", product.auxiliary, (rows - 1) * step + last))
    return found


def _sums(product: Product) -> Array:
    dtype = np.dtype(np.float32) if product.wide else product.dtype
    return view(product.sums, dtype, (product.rows if product.summed == "a" else product.columns,))


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
    return _activated(result, product) if product.activation else result


def _activated(x: Array, product: Product) -> Array:
    auxiliary = _auxiliary(product) if product.auxiliary else np.empty(0)
    if product.activation == "relu_gradient":
        return np.where(signs_of(auxiliary, product.columns), x, x.dtype.type(0))
    if product.activation == "gelu_gradient":
        return x * gelu_slope(auxiliary.astype(x.dtype))
    if product.auxiliary:
        masked = product.activation == "relu"
        auxiliary[...] = bits_of(x[0]) if masked else x[0].astype(product.dtype)
    return np.maximum(x, 0) if product.activation == "relu" else gelu(x)


def _auxiliary(product: Product) -> Array:
    """A mask as bytes, or what a gelu is taken of."""
    if product.activation.startswith("relu"):
        shape = product.rows, mask_bytes(product.columns)
        return view(product.auxiliary, np.uint8, shape, (product.auxiliary_leading // 8, 1))
    size = product.dtype.itemsize
    shape = product.rows, product.columns
    return view(product.auxiliary, product.dtype, shape, (product.auxiliary_leading * size, size))

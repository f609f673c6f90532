"""What may follow a product on a device: cublasLt's epilogues and their conditions, and looks at whether they do as we do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import ml_dtypes
import numpy as np

from ..errors import InternalError
from ..kernels.gelu import gelu, gelu_slope
from ..kernels.relu_masks import BITS, bits_of, mask_bytes, signs_of
from ..unsupported import UnsupportedError
from .device import Device, Product

Array = np.ndarray[Any, Any]
Kind = tuple[str, bool, bool, str]
# cublasLtEpilogue_t: by activation, whether there is a bias, whether there is an auxiliary array, and what is summed. Its
# matrices are in columns, so that it has b first and c turned: its "A" is our b, and its rows are our columns.
NUMBERS: dict[Kind, int] = {
    ("", False, False, ""): 1,
    ("", True, False, ""): 4,
    ("relu", False, False, ""): 2,
    ("relu", True, False, ""): 6,
    ("relu", False, True, ""): 130,
    ("relu", True, True, ""): 134,
    ("relu_gradient", False, True, ""): 136,
    ("relu_gradient", False, True, "c"): 152,
    ("gelu", False, False, ""): 32,
    ("gelu", True, False, ""): 36,
    ("gelu", False, True, ""): 160,
    ("gelu", True, True, ""): 164,
    ("gelu_gradient", False, True, ""): 192,
    ("gelu_gradient", False, True, "c"): 208,
    ("", False, False, "b"): 256,
    ("", False, False, "a"): 512,
}
# Elements of a row that a gelu is taken of come in so many.
_GELU_ELEMENTS = 8
# What its kernels load of a bias or a mask at once; no preference says that one begins elsewhere.
_ALIGNMENT = 16
_NARROW = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))


def kind_of(product: Product) -> Kind:
    """What follows a product."""
    return product.activation, bool(product.bias), bool(product.auxiliary), product.summed


def require_possible(product: Product) -> None:
    """UnsupportedError for what no device does after a product."""
    if kind_of(product) not in NUMBERS:
        more = "".join(f" with {words}" for name, words in _NAMES.items() if getattr(product, name))
        raise UnsupportedError(f"products followed by {product.activation!r}{more}")
    if product.wide and (product.dtype not in _NARROW or product.bias or product.auxiliary):
        raise UnsupportedError(f"wide products of {product.dtype}")
    for name in ("bias", "auxiliary", "sums"):
        if getattr(product, name) % _ALIGNMENT:
            raise UnsupportedError(f"{_NAMES[name]} that does not begin at a multiple of {_ALIGNMENT} bytes")
    if bool(product.sums) != bool(product.summed):
        raise ValueError(f"sums of {product.summed!r} at address {product.sums}")
    if product.auxiliary or product.sums:
        _require_gradients(product)


_NAMES = {"bias": "a bias", "auxiliary": "an auxiliary array", "sums": "an array of sums"}


def _require_gradients(product: Product) -> None:
    if product.dtype not in (*_NARROW, np.dtype(np.float32)) or product.batch > 1:
        raise UnsupportedError(f"gradients after {product.batch} products of {product.dtype}")
    if product.depth == 1 and (product.sums or product.activation.endswith("gradient")):
        raise UnsupportedError("gradients after products over one element")
    if product.summed == "a" and not product.transpose_a:
        raise UnsupportedError("sums along the rows of a factor")
    if product.auxiliary:
        step = BITS if product.activation.startswith("relu") else _GELU_ELEMENTS
        if product.auxiliary_leading < product.columns or product.auxiliary_leading % step:
            raise UnsupportedError(f"auxiliary rows that are {product.auxiliary_leading} apart")


# Looks at a library: whether it does at the edges (NaN, infinities, zeros) what the CPU does.

_SIZES = _ROWS, _COLUMNS, _DEPTH = 8, 136, 8
_EDGES = (1, -1, np.nan, 0, np.inf, -0.0, -np.inf, 0.5, 3)
_answers: WeakKeyDictionary[Any, dict[Any, bool]] = WeakKeyDictionary()


def works(device: Device, what: str, dtype: np.dtype[Any], compute: str, wide: bool = False) -> bool:
    """Whether an epilogue of a device gives what the CPU does; found out by a small product at first use.

    `what` is "relu", "relu_mask" (a relu with the mask for its gradient), "relu_gradient", "gelu", "gelu_gradient", "sums_a"
    or "sums_b".
    """
    answers = _answers.setdefault(device, {})
    key = what, dtype, compute, wide
    if key not in answers:
        answers[key] = _tried(partial(_LOOKS[what], device, dtype, compute, wide))
    return answers[key]


def _tried(look: Callable[[], bool]) -> bool:
    try:
        with np.errstate(all="ignore"):
            return look()
    except (UnsupportedError, InternalError):
        # No algorithm, or one that is refused when it is called.
        return False


class _Places:
    """Arrays on a device for one look."""

    def __init__(self, device: Device, stack: ExitStack) -> None:
        self._device, self._stack = device, stack

    def put(self, array: Array) -> int:
        address = self._device.allocate(array.nbytes)
        self._stack.callback(self._device.release, address)
        self._device.upload(address, np.ascontiguousarray(array))
        return address

    def got(self, address: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        found = np.empty(shape, dtype)
        self._device.download(found, address)
        return found


def _edges(dtype: np.dtype[Any]) -> tuple[Array, Array, Array]:
    """Two factors, and their product: every edge at many places, with both signs."""
    a, b = np.zeros((_ROWS, _DEPTH), dtype), np.zeros((_DEPTH, _COLUMNS), dtype)
    a[:, 0], b[0] = [1, -1] * (_ROWS // 2), np.resize(np.array(_EDGES), _COLUMNS)
    return a, b, a[:, :1].astype(np.float32) * b[:1].astype(np.float32)


def _product(places: _Places, a: Array, b: Array, compute: str, **options: Any) -> Product:
    out = np.dtype(np.float32) if options.get("wide") else a.dtype
    c = places.put(np.full((_ROWS, _COLUMNS), 7, out))
    leading = a.shape[1], _COLUMNS, _COLUMNS
    return Product(places.put(a), places.put(b), c, *_SIZES, a.dtype, leading, compute=compute, **options)


def _same(found: Array, expected: Array) -> bool:
    return np.array_equal(found.astype(np.float32), expected.astype(np.float32), equal_nan=True)


def _look_at_relu(device: Device, dtype: np.dtype[Any], compute: str, wide: bool, masked: bool = False) -> bool:
    with ExitStack() as stack:
        places = _Places(device, stack)
        a, b, expected = _edges(dtype)
        mask = np.zeros((_ROWS, mask_bytes(_COLUMNS)), np.uint8)
        auxiliary = places.put(mask) if masked else 0
        options = {"bias": places.put(np.zeros(_COLUMNS, dtype)), "activation": "relu", "auxiliary": auxiliary}
        product = _product(places, a, b, compute, auxiliary_leading=mask.shape[1] * 8, **options)
        device.product(product)()
        bits = places.got(auxiliary, mask.shape, mask.dtype) if masked else bits_of(expected)
        found = places.got(product.c, expected.shape, dtype)
        return _same(found, np.maximum(expected, 0)) and bool((signs_of(bits, _COLUMNS) == (expected > 0)).all())


def _look_at_relu_gradient(device: Device, dtype: np.dtype[Any], compute: str, wide: bool) -> bool:
    with ExitStack() as stack:
        places = _Places(device, stack)
        a, b, expected = _edges(dtype)
        mask = np.random.default_rng(0).integers(0, 256, (_ROWS, mask_bytes(_COLUMNS)), np.uint8)
        options = {"activation": "relu_gradient", "auxiliary": places.put(mask)}
        product = _product(places, a, b, compute, auxiliary_leading=mask.shape[1] * 8, **options)
        device.product(product)()
        return _same(places.got(product.c, expected.shape, dtype), np.where(signs_of(mask, _COLUMNS), expected, 0))


def _look_at_gelu(device: Device, dtype: np.dtype[Any], compute: str, wide: bool, gradient: bool = False) -> bool:
    """As far as 16 bits show: the library's tanh is an approximate one."""
    if _before_hopper(device.architecture):
        return False
    with ExitStack() as stack:
        places = _Places(device, stack)
        a, b = np.zeros((_ROWS, _DEPTH), dtype), np.zeros((_DEPTH, _COLUMNS), dtype)
        a[:, 0], b[0] = 1, np.linspace(-6, 6, _COLUMNS)
        b[0, 3] = np.nan
        given = np.broadcast_to(b[:1].astype(np.float32), (_ROWS, _COLUMNS))
        before = (
            np.resize(np.linspace(6, -6, 41), given.shape).astype(dtype) if gradient else np.zeros_like(given, dtype)
        )
        options: dict[str, Any] = {
            "activation": "gelu_gradient" if gradient else "gelu",
            "auxiliary": places.put(before),
        }
        options |= {} if gradient else {"bias": places.put(np.zeros(_COLUMNS, dtype))}
        product = _product(places, a, b, compute, auxiliary_leading=_COLUMNS, **options)
        device.product(product)()
        expected = given * gelu_slope(before.astype(np.float32)) if gradient else gelu(given)
        found = places.got(product.c, given.shape, dtype).astype(np.float32)
        kept = places.got(product.auxiliary, given.shape, dtype)
        return np.allclose(found, expected, 1e-2, 1e-2, equal_nan=True) and (gradient or _same(kept, given))


def _before_hopper(architecture: str) -> bool:
    """There cublasLt is said to do these in another pass over memory, as a kernel of ours does with more beside it."""
    number = architecture.removeprefix("sm_")
    return number.isdecimal() and int(number) < 90


def _look_at_sums(device: Device, dtype: np.dtype[Any], compute: str, wide: bool, summed: str) -> bool:
    with ExitStack() as stack:
        places = _Places(device, stack)
        random, out = np.random.default_rng(0), np.dtype(np.float32) if wide else dtype
        a, b = (random.integers(-4, 5, shape).astype(dtype) for shape in ((_DEPTH, _ROWS), (_DEPTH, _COLUMNS)))
        factor = (a if summed == "a" else b).astype(np.float32)
        factor[0, 1] = np.nan
        (a if summed == "a" else b)[0, 1] = np.nan
        sums = places.put(np.full(factor.shape[1], 7, out))
        product = _product(places, a, b, compute, wide=wide, transpose_a=True, sums=sums, summed=summed)
        device.product(product)()
        expected = a.T.astype(np.float32) @ b.astype(np.float32)
        right = _same(places.got(product.c, expected.shape, out), expected)
        return right and _same(places.got(sums, factor.shape[1:], out), factor.sum(0))


_LOOKS: dict[str, Callable[..., bool]] = {
    "relu": _look_at_relu,
    "relu_mask": partial(_look_at_relu, masked=True),
    "relu_gradient": _look_at_relu_gradient,
    "gelu": _look_at_gelu,
    "gelu_gradient": partial(_look_at_gelu, gradient=True),
    "sums_a": partial(_look_at_sums, summed="a"),
    "sums_b": partial(_look_at_sums, summed="b"),
}

"""Matrix products by cublasLt: workspace and stream are arguments of its calls, so that they can be captured."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable
from ctypes import POINTER, byref, c_double, c_float, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass, replace
from typing import Any

from ...errors import InternalError
from ...unsupported import UnsupportedError
from ..device import ALIGNMENT, Call, Product
from ..epilogues import NUMBERS, kind_of, require_possible
from .workspace import Workspace

# cudaDataType and cublasComputeType_t.
_R_32F, _R_64F, _R_16F, _C_32F, _C_64F, _R_16BF = 0, 1, 2, 4, 5, 14
_COMPUTE_32F, _COMPUTE_64F, _COMPUTE_FAST_16F, _COMPUTE_FAST_16BF, _COMPUTE_FAST_TF32 = 68, 70, 74, 75, 77
# cublasOperation_t.
_AS_IT_IS, _TRANSPOSED = 0, 1
# cublasLtMatmulDescAttributes_t, cublasLtMatrixLayoutAttribute_t, cublasLtMatmulPreferenceAttributes_t.
_TRANSA, _TRANSB, _EPILOGUE, _BIAS_POINTER, _AUXILIARY_POINTER, _AUXILIARY_LEADING = 3, 4, 7, 8, 11, 12
_BATCH_COUNT, _BATCH_STRIDE = 5, 6
_MOST_WORKSPACE, _REDUCTIONS, _ALIGNMENT_A = 1, 3, 5
# Parts of sums are added up in the type that they are computed in: not in 16 bits, and not in place, where their order
# depends on which block comes first.
_REPEATABLE = 2
_CANDIDATES = 8
_STATUS = {
    1: "not initialized",
    3: "an allocation failed",
    7: "an invalid value",
    8: "the GPU is too old for it",
    13: "the execution failed",
    14: "an internal error",
    15: "not supported",
}
_NO_HEURISTIC = (7, 8, 15)
MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class _Types:
    """How elements are named to cublasLt: their type, that of the scales, and how products are computed."""

    data: int
    scale: int
    compute: dict[str, int]
    # What alpha and beta are passed as: the C type of each of their parts, and how many there are.
    part: type[c_float] | type[c_double]
    parts: int = 1


_SUMS_32 = {"float32": _COMPUTE_32F, "tf32": _COMPUTE_32F}
_TYPES = {
    "float32": _Types(
        _R_32F,
        _R_32F,
        {
            "float32": _COMPUTE_32F,
            "tf32": _COMPUTE_FAST_TF32,
            "bfloat16": _COMPUTE_FAST_16BF,
            "float16": _COMPUTE_FAST_16F,
        },
        c_float,
    ),
    "bfloat16": _Types(_R_16BF, _R_32F, _SUMS_32 | {"bfloat16": _COMPUTE_32F}, c_float),
    "float16": _Types(_R_16F, _R_32F, _SUMS_32 | {"float16": _COMPUTE_32F}, c_float),
    "float64": _Types(_R_64F, _R_64F, dict.fromkeys(("float32", "tf32", "float64"), _COMPUTE_64F), c_double),
    "complex64": _Types(
        _C_32F, _C_32F, {"float32": _COMPUTE_32F, "tf32": _COMPUTE_FAST_TF32, "complex64": _COMPUTE_32F}, c_float, 2
    ),
    "complex128": _Types(_C_64F, _C_64F, dict.fromkeys(("float32", "tf32", "complex128"), _COMPUTE_64F), c_double, 2),
}


class Algorithm(ctypes.Structure):
    """cublasLtMatmulAlgo_t."""

    _fields_ = (("data", c_uint64 * 8),)


class Candidate(ctypes.Structure):
    """cublasLtMatmulHeuristicResult_t."""

    _fields_ = (
        ("algorithm", Algorithm),
        ("workspace", c_size_t),
        ("state", c_int),
        ("waves", c_float),
        ("reserved", c_int * 4),
    )


_MATMUL = (*[c_void_p] * 14, c_size_t, c_void_p)
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cublasLtCreate": (POINTER(c_void_p),),
    "cublasLtMatmulDescCreate": (POINTER(c_void_p), c_int, c_int),
    "cublasLtMatmulDescSetAttribute": (c_void_p, c_int, c_void_p, c_size_t),
    "cublasLtMatmulDescDestroy": (c_void_p,),
    "cublasLtMatrixLayoutCreate": (POINTER(c_void_p), c_int, c_uint64, c_uint64, c_int64),
    "cublasLtMatrixLayoutSetAttribute": (c_void_p, c_int, c_void_p, c_size_t),
    "cublasLtMatrixLayoutDestroy": (c_void_p,),
    "cublasLtMatmulPreferenceCreate": (POINTER(c_void_p),),
    "cublasLtMatmulPreferenceSetAttribute": (c_void_p, c_int, c_void_p, c_size_t),
    "cublasLtMatmulPreferenceDestroy": (c_void_p,),
    "cublasLtMatmulAlgoGetHeuristic": (*[c_void_p] * 7, c_int, POINTER(Candidate), POINTER(c_int)),
    "cublasLtMatmul": _MATMUL,
}


def declare(library: Any) -> Any:
    """Gives the functions of a library their types; returns it."""
    for name, arguments in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, c_int
    return library


def workspace_bytes(architecture: str) -> int:
    """What cublasLt should be given: 32 MiB from Hopper on, else 4."""
    return (32 if int(architecture.removeprefix("sm_")) >= 90 else 4) * MEBIBYTE


class Products:
    """cublasLt on one device and one stream."""

    def __init__(self, library: Any, stream: int, workspace: Workspace, nbytes: int) -> None:
        self._library = declare(library)
        self._stream = stream
        self._workspace = workspace
        self._nbytes = nbytes
        self._chosen: dict[Any, Algorithm] = {}
        self._handle = c_void_p()
        _check(library.cublasLtCreate(byref(self._handle)), "cublasLtCreate")
        workspace.reserve(nbytes)

    def prepare(self, product: Product) -> Call:
        """The product as a call; UnsupportedError if cublasLt cannot do it."""
        if not product.depth:
            raise UnsupportedError("a product of matrices without elements")
        types = types_of(product)
        made = Description(self._library, product, types)
        key = _kind(product)
        if key not in self._chosen:
            self._chosen[key] = self._choose(product, made)
        return self._call(product, made, types, self._chosen[key])

    def _call(self, product: Product, made: Description, types: _Types, algorithm: Algorithm) -> Call:
        a, b, c = (c_void_p(address) for address in (product.a, product.b, product.c))
        alpha, beta = _scale(types, product.alpha), _scale(types, product.beta)
        factors = byref(alpha), b, made.b, a, made.a
        before = (self._handle, made.matmul, *factors, byref(beta), c, made.c, c, made.c, byref(algorithm))
        after = c_size_t(self._nbytes), c_void_p(self._stream)
        keeps = made, alpha, beta, algorithm
        return _Prepared(self._library.cublasLtMatmul, before, self._workspace, after, keeps)

    def _choose(self, product: Product, made: Description) -> Algorithm:
        library, preference, count = self._library, c_void_p(), c_int()
        _check(library.cublasLtMatmulPreferenceCreate(byref(preference)), "cublasLtMatmulPreferenceCreate")
        try:
            set_preference(library, preference, product, self._nbytes)
            found = (Candidate * _CANDIDATES)()
            status = library.cublasLtMatmulAlgoGetHeuristic(
                self._handle, made.matmul, made.b, made.a, made.c, made.c, preference, _CANDIDATES, found, byref(count)
            )
        finally:
            library.cublasLtMatmulPreferenceDestroy(preference)
        if status not in _NO_HEURISTIC:
            _check(status, "cublasLtMatmulAlgoGetHeuristic")
            for candidate in found[: count.value]:
                if candidate.state == 0:
                    # The array goes; what is kept is a copy.
                    return Algorithm.from_buffer_copy(candidate.algorithm)
        raise UnsupportedError(f"cublasLt has no algorithm for {_words(product)}")


def types_of(product: Product) -> _Types:
    """The types of a product; UnsupportedError where cublasLt has none."""
    types = _TYPES.get(product.dtype.name)
    if types is None or product.compute not in types.compute:
        raise UnsupportedError(f"products of {product.dtype} computed as {product.compute}")
    require_possible(product)
    return types


class Description:
    """The descriptors of one product. cublasLt counts by columns: it is asked for the transposed product, b first."""

    def __init__(self, library: Any, product: Product, types: _Types) -> None:
        self.matmul, self.a, self.b, self.c = c_void_p(), c_void_p(), c_void_p(), c_void_p()
        weakref.finalize(self, _destroy, library, self.matmul, (self.a, self.b, self.c)).atexit = False
        compute = types.compute[product.compute]
        _check(library.cublasLtMatmulDescCreate(byref(self.matmul), compute, types.scale), "cublasLtMatmulDescCreate")
        for attribute, transposed in ((_TRANSA, product.transpose_b), (_TRANSB, product.transpose_a)):
            self._describe(library, attribute, c_int32(_TRANSPOSED if transposed else _AS_IT_IS))
        self._describe(library, _EPILOGUE, c_uint32(NUMBERS[kind_of(product)]))
        # Before an algorithm is chosen: how even the addresses are counts.
        if product.bias or product.sums:
            self._describe(library, _BIAS_POINTER, c_void_p(product.bias or product.sums))
        if product.auxiliary:
            self._describe(library, _AUXILIARY_POINTER, c_void_p(product.auxiliary))
            self._describe(library, _AUXILIARY_LEADING, c_int64(product.auxiliary_leading))
        for layout, sizes, leading, stride in zip(
            (self.a, self.b, self.c), stored_sizes(product), product.leading, product.strides, strict=True
        ):
            data = _R_32F if product.wide and layout is self.c else types.data
            _lay_out(library, layout, data, sizes, leading)
            if product.batch > 1:
                _set_batch(library, layout, product.batch, stride)

    def _describe(self, library: Any, attribute: int, value: Any) -> None:
        status = library.cublasLtMatmulDescSetAttribute(self.matmul, attribute, byref(value), ctypes.sizeof(value))
        _check(status, f"cublasLtMatmulDescSetAttribute {attribute}")


def stored_sizes(product: Product) -> tuple[tuple[int, int], ...]:
    """Rows and columns of a, b and c as they are stored."""
    rows, columns, depth = product.rows, product.columns, product.depth
    a = (depth, rows) if product.transpose_a else (rows, depth)
    b = (columns, depth) if product.transpose_b else (depth, columns)
    return a, b, (rows, columns)


def _lay_out(library: Any, layout: c_void_p, data: int, sizes: tuple[int, int], leading: int) -> None:
    rows, columns = sizes
    if rows > 1 and leading < columns:
        raise UnsupportedError(f"rows of {columns} elements, {leading} apart")
    # The step from a matrix's only row to the next may be anything.
    status = library.cublasLtMatrixLayoutCreate(byref(layout), data, columns, rows, max(leading, columns))
    _check(status, "cublasLtMatrixLayoutCreate")


def _set_batch(library: Any, layout: c_void_p, batch: int, stride: int) -> None:
    for attribute, value in ((_BATCH_COUNT, c_int32(batch)), (_BATCH_STRIDE, c_int64(stride))):
        status = library.cublasLtMatrixLayoutSetAttribute(layout, attribute, byref(value), ctypes.sizeof(value))
        _check(status, f"cublasLtMatrixLayoutSetAttribute {attribute}")


def _destroy(library: Any, matmul: c_void_p, layouts: tuple[c_void_p, ...]) -> None:
    if matmul.value:
        library.cublasLtMatmulDescDestroy(matmul)
    for layout in layouts:
        if layout.value:
            library.cublasLtMatrixLayoutDestroy(layout)


def set_preference(library: Any, preference: c_void_p, product: Product, nbytes: int) -> None:
    """Says what an algorithm may use: so much workspace, addresses that are so even, no order that changes."""
    a, b, c = (c_uint32(alignment_of(address)) for address in (product.a, product.b, product.c))
    values = {_MOST_WORKSPACE: c_uint64(nbytes), _REDUCTIONS: c_uint32(_REPEATABLE)}
    # For A, B, C and D in cublasLt's order.
    values |= {_ALIGNMENT_A + i: value for i, value in enumerate((b, a, c, c))}
    for attribute, value in values.items():
        status = library.cublasLtMatmulPreferenceSetAttribute(preference, attribute, byref(value), ctypes.sizeof(value))
        _check(status, f"cublasLtMatmulPreferenceSetAttribute {attribute}")


def alignment_of(address: int) -> int:
    """The largest power of two up to ALIGNMENT that divides an address."""
    return min(address & -address, ALIGNMENT) if address else ALIGNMENT


def _kind(product: Product) -> Any:
    """What the choice of an algorithm depends on."""
    places: dict[str, Any] = {
        name: alignment_of(getattr(product, name)) for name in ("a", "b", "c", "bias", "auxiliary", "sums")
    }
    return replace(product, alpha=1.0, beta=float(product.beta != 0), **places), kind_of(product)


def _scale(types: _Types, value: float) -> Any:
    return (types.part * types.parts)(value)


class _Prepared:
    """A call of cublasLtMatmul; `keeps` is what its arguments point to."""

    __slots__ = ("_after", "_before", "_keeps", "_run", "_workspace")

    def __init__(
        self, run: Callable[..., int], before: tuple[Any, ...], workspace: Workspace, after: tuple[Any, ...], keeps: Any
    ) -> None:
        self._run, self._before, self._workspace, self._after, self._keeps = run, before, workspace, after, keeps

    def __call__(self) -> None:
        status = self._run(*self._before, self._workspace.block.address, *self._after)
        if status:
            _check(status, "cublasLtMatmul")


def _words(product: Product) -> str:
    sizes = f"[{product.rows}, {product.depth}] @ [{product.depth}, {product.columns}]"
    batch = f"{product.batch} times " if product.batch > 1 else ""
    extras = [*(["bias"] if product.bias else []), *([product.activation] if product.activation else [])]
    extras += [
        *(["auxiliary array"] if product.auxiliary else []),
        *([f"sums of {product.summed}"] if product.sums else []),
    ]
    after = f" with {' and '.join(extras)}" if extras else ""
    return f"{batch}{sizes} of {product.dtype} computed as {product.compute}{after}"


def _check(status: int, what: str) -> None:
    if status:
        raise InternalError(None, None, f"{what} failed: {_STATUS.get(status, 'unknown')} ({status})")

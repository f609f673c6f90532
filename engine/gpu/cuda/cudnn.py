"""Convolutions by cuDNN's C API: forward and both gradients, images with channels last, in what the dtype asks for."""

from __future__ import annotations

import ctypes
import math
import weakref
from collections.abc import Callable
from ctypes import POINTER, byref, c_char_p, c_double, c_float, c_int, c_size_t, c_void_p
from dataclasses import dataclass
from typing import Any

from ...errors import InternalError
from ...unsupported import UnsupportedError
from ..device import ALIGNMENT, Call, Convolution, Device, Sizes4
from .image_moves import moved, turned
from .workspace import Block, Workspace

# cudnnDataType_t, cudnnTensorFormat_t, cudnnConvolutionMode_t, cudnnMathType_t, cudnnDeterminism_t.
_FLOAT, _DOUBLE, _HALF, _BFLOAT16 = 0, 1, 2, 9
_CHANNELS_LAST, _CROSS_CORRELATION = 1, 1
_DEFAULT_MATH, _TENSOR_OPS, _FMA = 0, 1, 3
_DETERMINISTIC = 1
_CANDIDATES = 10
# Implicit products, which repeat their results, by kind: for where the library proposes nothing that does.
_REPEATING = {"forward": (1, 0), "data": (1,), "filter": (1,)}
# The type of elements, that of sums, and the math of each way to compute. The default math of float32 is TF32.
_TYPES: dict[str, tuple[int, int, dict[str, int]]] = {
    "float32": (_FLOAT, _FLOAT, {"float32": _FMA, "tf32": _DEFAULT_MATH}),
    "float64": (_DOUBLE, _DOUBLE, dict.fromkeys(("float32", "tf32", "float64"), _DEFAULT_MATH)),
    "float16": (_HALF, _FLOAT, dict.fromkeys(("float32", "tf32", "float16"), _TENSOR_OPS)),
    "bfloat16": (_BFLOAT16, _FLOAT, dict.fromkeys(("float32", "tf32", "bfloat16"), _TENSOR_OPS)),
}
MOST_WORKSPACE = 1 << 30


class Candidate(ctypes.Structure):
    """cudnnConvolutionFwdAlgoPerf_t, and those of the gradients, which are the same."""

    _fields_ = (
        ("algorithm", c_int),
        ("status", c_int),
        ("time", c_float),
        ("memory", c_size_t),
        ("determinism", c_int),
        ("math", c_int),
        ("reserved", c_int * 3),
    )


_CHOOSE = (*[c_void_p] * 5, c_int, POINTER(c_int), POINTER(Candidate))
_SIZE = (*[c_void_p] * 5, c_int, POINTER(c_size_t))
_RUN = (*[c_void_p] * 7, c_int, c_void_p, c_size_t, *[c_void_p] * 3)
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cudnnCreate": (POINTER(c_void_p),),
    "cudnnSetStream": (c_void_p, c_void_p),
    "cudnnCreateTensorDescriptor": (POINTER(c_void_p),),
    "cudnnSetTensor4dDescriptor": (c_void_p, *[c_int] * 6),
    "cudnnDestroyTensorDescriptor": (c_void_p,),
    "cudnnCreateFilterDescriptor": (POINTER(c_void_p),),
    "cudnnSetFilter4dDescriptor": (c_void_p, *[c_int] * 6),
    "cudnnDestroyFilterDescriptor": (c_void_p,),
    "cudnnCreateConvolutionDescriptor": (POINTER(c_void_p),),
    "cudnnSetConvolution2dDescriptor": (c_void_p, *[c_int] * 8),
    "cudnnSetConvolutionMathType": (c_void_p, c_int),
    "cudnnSetConvolutionGroupCount": (c_void_p, c_int),
    "cudnnDestroyConvolutionDescriptor": (c_void_p,),
    "cudnnGetConvolution2dForwardOutputDim": (*[c_void_p] * 3, *[POINTER(c_int)] * 4),
    "cudnnGetConvolutionForwardAlgorithm_v7": _CHOOSE,
    "cudnnGetConvolutionBackwardDataAlgorithm_v7": _CHOOSE,
    "cudnnGetConvolutionBackwardFilterAlgorithm_v7": _CHOOSE,
    "cudnnGetConvolutionForwardWorkspaceSize": _SIZE,
    "cudnnGetConvolutionBackwardDataWorkspaceSize": _SIZE,
    "cudnnGetConvolutionBackwardFilterWorkspaceSize": _SIZE,
    "cudnnConvolutionForward": _RUN,
    "cudnnConvolutionBackwardData": _RUN,
    "cudnnConvolutionBackwardFilter": _RUN,
}
# What is chosen and run for each kind.
_KINDS = {"forward": "Forward", "data": "BackwardData", "filter": "BackwardFilter"}


def declare(library: Any) -> Any:
    """Gives the functions of a library their types; returns it."""
    for name, arguments in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, c_int
    library.cudnnGetErrorString.argtypes, library.cudnnGetErrorString.restype = (c_int,), c_char_p
    return library


@dataclass(frozen=True, slots=True)
class Geometry:
    """A convolution with the same padding on both sides, as cuDNN wants it, and what else must be around the images."""

    x_sizes: Sizes4
    # Rows and columns on each side.
    padding: tuple[int, int]
    # Rows above and columns to the left that the images lack.
    shift: tuple[int, int]
    groups: int

    @classmethod
    def of(cls, convolution: Convolution) -> Geometry:
        """The geometry of a convolution; UnsupportedError if its channels do not fit."""
        count, rows, columns, channels = convolution.x_sizes
        top, bottom, left, right = convolution.padding
        high, wide = min(top, bottom), min(left, right)
        inputs = convolution.filter_sizes[2]
        if not inputs or channels % inputs or convolution.filter_sizes[3] % (channels // inputs):
            raise UnsupportedError(f"a convolution of {channels} channels with filters {convolution.filter_sizes}")
        sizes = (count, rows + top + bottom - 2 * high, columns + left + right - 2 * wide, channels)
        return cls(sizes, (high, wide), (top - high, left - wide), channels // inputs)


class Convolutions:
    """cuDNN on one device and one stream."""

    def __init__(
        self, library: Any, device: Device, stream: int, workspace: Workspace, limit: int = MOST_WORKSPACE
    ) -> None:
        self.library = declare(library)
        self.device = device
        self.workspace = workspace
        self.limit = limit
        self.handle = c_void_p()
        self.check(library.cudnnCreate(byref(self.handle)), "cudnnCreate")
        self.check(library.cudnnSetStream(self.handle, stream), "cudnnSetStream")
        self._chosen: dict[Any, Candidate] = {}

    def prepare(self, convolution: Convolution) -> Call:
        """The convolution as a call; UnsupportedError if cuDNN cannot do it."""
        geometry = Geometry.of(convolution)
        made = Description(self.library, convolution, geometry)
        key = convolution_kind(convolution)
        if key not in self._chosen:
            self._chosen[key] = self._choose(convolution, made)
        chosen = self._chosen[key]
        if not made.exact:
            made.set_math(chosen.math)
        return _Prepared(self, convolution, geometry, made, chosen)

    def _choose(self, convolution: Convolution, made: Description) -> Candidate:
        """The first algorithm that repeats its results, that the library says it has, and whose memory is not too much."""
        kind, proposed = convolution.kind, self._proposed(convolution.kind, made)
        known = [_candidate(algorithm, made.math) for algorithm in _REPEATING[kind]]
        for candidate in [*(c for c in proposed if c.status == 0 and c.determinism == _DETERMINISTIC), *known]:
            if not made.exact:
                made.set_math(candidate.math)
            memory = c_size_t()
            ask = getattr(self.library, f"cudnnGetConvolution{_KINDS[kind]}WorkspaceSize")
            # The proposals may name what is then not supported.
            status = ask(self.handle, *made.in_order(kind), candidate.algorithm, byref(memory))
            if status == 0 and memory.value <= self.limit:
                candidate.memory = memory.value
                return candidate
        words = f"a convolution of {convolution.x_sizes} with {convolution.filter_sizes} in {convolution.dtype}"
        raise UnsupportedError(f"cuDNN has no algorithm that repeats its results for {words}")

    def _proposed(self, kind: str, made: Description) -> list[Candidate]:
        found, count = (Candidate * _CANDIDATES)(), c_int()
        choose = getattr(self.library, f"cudnnGetConvolution{_KINDS[kind]}Algorithm_v7")
        if choose(self.handle, *made.in_order(kind), _CANDIDATES, byref(count), found):
            return []
        return [Candidate.from_buffer_copy(candidate) for candidate in found[: count.value]]

    def words(self, status: int) -> str:
        """What a status means."""
        text: bytes = self.library.cudnnGetErrorString(status) or b""
        return f"{text.decode(errors='replace')} ({status})"

    def check(self, status: int, what: str) -> None:
        """Raises InternalError unless the status is zero."""
        if status:
            raise InternalError(None, None, f"{what} failed: {self.words(status)}")


def _candidate(algorithm: int, math_type: int) -> Candidate:
    return Candidate(algorithm=algorithm, determinism=_DETERMINISTIC, math=math_type)


def convolution_kind(convolution: Convolution) -> Any:
    """What the choice of an algorithm depends on: all but the addresses."""
    sizes = convolution.x_sizes, convolution.filter_sizes, convolution.y_sizes
    steps = convolution.strides, convolution.dilations, convolution.padding
    return convolution.kind, convolution.dtype, convolution.compute, sizes, steps


class Description:
    """The descriptors of one convolution."""

    def __init__(self, library: Any, convolution: Convolution, geometry: Geometry) -> None:
        types = _TYPES.get(convolution.dtype.name)
        if types is None or convolution.compute not in types[2]:
            raise UnsupportedError(f"convolutions of {convolution.dtype} computed as {convolution.compute}")
        data, sums, math_types = types
        self._library = library
        self.math = math_types[convolution.compute]
        self.exact = self.math == _FMA
        self.x, self.y, self.filters, self.how = c_void_p(), c_void_p(), c_void_p(), c_void_p()
        weakref.finalize(self, _destroy, library, (self.x, self.y), self.filters, self.how).atexit = False
        for tensor, (count, rows, columns, channels) in ((self.x, geometry.x_sizes), (self.y, convolution.y_sizes)):
            self._ask("CreateTensorDescriptor", byref(tensor))
            self._ask("SetTensor4dDescriptor", tensor, _CHANNELS_LAST, data, count, channels, rows, columns)
        rows, columns, inputs, outputs = convolution.filter_sizes
        self._ask("CreateFilterDescriptor", byref(self.filters))
        self._ask("SetFilter4dDescriptor", self.filters, data, _CHANNELS_LAST, outputs, inputs, rows, columns)
        self._ask("CreateConvolutionDescriptor", byref(self.how))
        steps = *geometry.padding, *convolution.strides, *convolution.dilations
        self._ask("SetConvolution2dDescriptor", self.how, *steps, _CROSS_CORRELATION, sums)
        self._ask("SetConvolutionGroupCount", self.how, geometry.groups)
        self.set_math(self.math)
        self._check_sizes(convolution)

    def set_math(self, kind: int) -> None:
        """Chooses between exact sums and the matrix units."""
        self._ask("SetConvolutionMathType", self.how, kind)

    def in_order(self, kind: str) -> tuple[c_void_p, ...]:
        """The descriptors in the order in which the choice of an algorithm takes them."""
        return {
            "forward": (self.x, self.filters, self.how, self.y),
            "data": (self.filters, self.y, self.how, self.x),
            "filter": (self.x, self.y, self.how, self.filters),
        }[kind]

    def _check_sizes(self, convolution: Convolution) -> None:
        sizes = [c_int() for _ in range(4)]
        self._ask("GetConvolution2dForwardOutputDim", self.how, self.x, self.filters, *map(byref, sizes))
        count, channels, rows, columns = (size.value for size in sizes)
        if (count, rows, columns, channels) != tuple(convolution.y_sizes):
            raise UnsupportedError(
                f"a convolution to {convolution.y_sizes}, where cuDNN's has {(count, rows, columns, channels)}"
            )

    def _ask(self, name: str, *arguments: Any) -> None:
        if status := getattr(self._library, f"cudnn{name}")(*arguments):
            text: bytes = self._library.cudnnGetErrorString(status) or b""
            raise UnsupportedError(f"cudnn{name}: {text.decode(errors='replace')} ({status})")


def _destroy(library: Any, tensors: tuple[c_void_p, ...], filters: c_void_p, how: c_void_p) -> None:
    for tensor in tensors:
        if tensor.value:
            library.cudnnDestroyTensorDescriptor(tensor)
    if filters.value:
        library.cudnnDestroyFilterDescriptor(filters)
    if how.value:
        library.cudnnDestroyConvolutionDescriptor(how)


class _Prepared:
    """A convolution with the kernels before and after it.

    Its filters have the outputs first, and its images may be larger: both lie in the workspace, whose address the
    prepared launches have in them. They are made anew when the workspace has grown.
    """

    __slots__ = ("_block", "_calls", "_chosen", "_convolution", "_geometry", "_made", "_owner")

    def __init__(
        self, owner: Convolutions, convolution: Convolution, geometry: Geometry, made: Description, chosen: Candidate
    ) -> None:
        self._owner, self._convolution, self._geometry = owner, convolution, geometry
        self._made, self._chosen = made, chosen
        self._block: Block | None = None
        self._calls: list[Call] = []
        owner.workspace.reserve(self._places(0)[-1] + chosen.memory)

    def __call__(self) -> None:
        block = self._owner.workspace.block
        if block is not self._block:
            self._calls, self._block = self._bound(block), block
        for call in self._calls:
            call()

    def _places(self, start: int) -> tuple[int, int, int]:
        """Where the filters, the images and the library's own memory begin."""
        item, filters = self._convolution.dtype.itemsize, math.prod(self._convolution.filter_sizes)
        images = math.prod(self._geometry.x_sizes) if self._moves else 0
        x = start + _even(filters * item)
        return start, x, x + _even(images * item)

    @property
    def _moves(self) -> bool:
        return self._geometry.x_sizes != tuple(self._convolution.x_sizes)

    def _bound(self, block: Block) -> list[Call]:
        c, geometry, device = self._convolution, self._geometry, self._owner.device
        filters, x, own = self._places(block.address)
        x = x if self._moves else c.x
        item, kernel, outputs = c.dtype.itemsize, math.prod(c.filter_sizes[:3]), c.filter_sizes[3]
        calls: list[Call] = []
        if c.kind != "filter":
            calls.append(turned(device, filters, c.filters, kernel, outputs, item))
        if c.kind != "data" and self._moves:
            calls.append(moved(device, x, geometry.x_sizes, c.x, c.x_sizes, geometry.shift, item))
        calls.append(self._library_call(x, filters, own))
        if c.kind == "data" and self._moves:
            back = (-geometry.shift[0], -geometry.shift[1])
            calls.append(moved(device, c.x, c.x_sizes, x, geometry.x_sizes, back, item))
        if c.kind == "filter":
            calls.append(turned(device, c.filters, filters, outputs, kernel, item))
        return calls

    def _library_call(self, x: int, filters: int, own: int) -> Call:
        made, kind = self._made, self._convolution.kind
        tensors = {"x": (made.x, x), "y": (made.y, self._convolution.y), "filters": (made.filters, filters)}
        first, second, result = {
            "forward": ("x", "filters", "y"),
            "data": ("filters", "y", "x"),
            "filter": ("x", "y", "filters"),
        }[kind]
        scale = c_double if self._convolution.dtype.name == "float64" else c_float
        one, zero = scale(1), scale(0)
        before = (self._owner.handle, byref(one), *tensors[first], *tensors[second], made.how)
        own_memory = own if self._chosen.memory else None
        arguments = (*before, self._chosen.algorithm, own_memory, self._chosen.memory, byref(zero), *tensors[result])
        run: Callable[..., int] = getattr(self._owner.library, f"cudnnConvolution{_KINDS[kind]}")
        return _LibraryCall(run, arguments, self._owner, (made, one, zero))


class _LibraryCall:
    """A call of cuDNN; `keeps` is what its arguments point to."""

    __slots__ = ("_arguments", "_keeps", "_owner", "_run")

    def __init__(self, run: Callable[..., int], arguments: tuple[Any, ...], owner: Convolutions, keeps: Any) -> None:
        self._run, self._arguments, self._owner, self._keeps = run, arguments, owner, keeps

    def __call__(self) -> None:
        if status := self._run(*self._arguments):
            self._owner.check(status, "a convolution by cuDNN")


def _even(nbytes: int) -> int:
    return -(-nbytes // ALIGNMENT) * ALIGNMENT

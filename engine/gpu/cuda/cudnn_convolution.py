"""Convolutions by cuDNN's C API: forward and both gradients, images with channels last, in what the dtype asks for."""

from __future__ import annotations

import ctypes
import math
from ctypes import POINTER, byref, c_float, c_int, c_size_t, c_void_p
from dataclasses import dataclass
from typing import Any

from ...unsupported import UnsupportedError
from ..device import Call, Convolution, Sizes4
from .cudnn import (
    CHANNELS_LAST,
    DATA_TYPES,
    DEFAULT_MATH,
    DOUBLE,
    FLOAT,
    FMA,
    TENSOR_OPS,
    Cudnn,
    Descriptors,
    LibraryCall,
    declare,
    even,
    one_and_zero,
)
from .image_moves import moved, turned
from .workspace import Block

# cudnnConvolutionMode_t, cudnnDeterminism_t.
_CROSS_CORRELATION, _DETERMINISTIC = 1, 1
_CANDIDATES = 10
# Implicit products, which repeat their results, by kind: for where the library proposes nothing that does.
_REPEATING = {"forward": (1, 0), "data": (1,), "filter": (1,)}
# The type of sums, and the math of each way to compute.
_TYPES: dict[str, tuple[int, dict[str, int]]] = {
    "float32": (FLOAT, {"float32": FMA, "tf32": DEFAULT_MATH}),
    "float64": (DOUBLE, dict.fromkeys(("float32", "tf32", "float64"), DEFAULT_MATH)),
    "float16": (FLOAT, dict.fromkeys(("float32", "tf32", "float16"), TENSOR_OPS)),
    "bfloat16": (FLOAT, dict.fromkeys(("float32", "tf32", "bfloat16"), TENSOR_OPS)),
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
    """Convolutions by cuDNN."""

    def __init__(self, cudnn: Cudnn, limit: int = MOST_WORKSPACE) -> None:
        declare(cudnn.library, _SIGNATURES)
        self.cudnn = cudnn
        self.limit = limit
        self._chosen: dict[Any, Candidate] = {}

    def prepare(self, convolution: Convolution) -> Call:
        """The convolution as a call; UnsupportedError if cuDNN cannot do it."""
        geometry = Geometry.of(convolution)
        made = Description(self.cudnn, convolution, geometry)
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
            ask = getattr(self.cudnn.library, f"cudnnGetConvolution{_KINDS[kind]}WorkspaceSize")
            # The proposals may name what is then not supported.
            status = ask(self.cudnn.handle, *made.in_order(kind), candidate.algorithm, byref(memory))
            if status == 0 and memory.value <= self.limit:
                candidate.memory = memory.value
                return candidate
        words = f"a convolution of {convolution.x_sizes} with {convolution.filter_sizes} in {convolution.dtype}"
        raise UnsupportedError(f"cuDNN has no algorithm that repeats its results for {words}")

    def _proposed(self, kind: str, made: Description) -> list[Candidate]:
        found, count = (Candidate * _CANDIDATES)(), c_int()
        choose = getattr(self.cudnn.library, f"cudnnGetConvolution{_KINDS[kind]}Algorithm_v7")
        if choose(self.cudnn.handle, *made.in_order(kind), _CANDIDATES, byref(count), found):
            return []
        return [Candidate.from_buffer_copy(candidate) for candidate in found[: count.value]]


def _candidate(algorithm: int, math_type: int) -> Candidate:
    return Candidate(algorithm=algorithm, determinism=_DETERMINISTIC, math=math_type)


def convolution_kind(convolution: Convolution) -> Any:
    """What the choice of an algorithm depends on: all but the addresses."""
    sizes = convolution.x_sizes, convolution.filter_sizes, convolution.y_sizes
    steps = convolution.strides, convolution.dilations, convolution.padding
    return convolution.kind, convolution.dtype, convolution.compute, sizes, steps


class Description:
    """The descriptors of one convolution."""

    def __init__(self, cudnn: Cudnn, convolution: Convolution, geometry: Geometry) -> None:
        types = _TYPES.get(convolution.dtype.name)
        if types is None or convolution.compute not in types[1]:
            raise UnsupportedError(f"convolutions of {convolution.dtype} computed as {convolution.compute}")
        data, (sums, math_types) = DATA_TYPES[convolution.dtype.name], types
        self._ask = cudnn.ask
        self.math = math_types[convolution.compute]
        self.exact = self.math == FMA
        self._descriptors = made = Descriptors(cudnn)
        self.x, self.y = (made.images(data, sizes) for sizes in (geometry.x_sizes, convolution.y_sizes))
        rows, columns, inputs, outputs = convolution.filter_sizes
        self.filters, self.how = made.new("Filter"), made.new("Convolution")
        self._ask("SetFilter4dDescriptor", self.filters, data, CHANNELS_LAST, outputs, inputs, rows, columns)
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
        owner.cudnn.workspace.reserve(self._places(0)[-1] + chosen.memory)

    def __call__(self) -> None:
        block = self._owner.cudnn.workspace.block
        if block is not self._block:
            self._calls, self._block = self._bound(block), block
        for call in self._calls:
            call()

    def _places(self, start: int) -> tuple[int, int, int]:
        """Where the filters, the images and the library's own memory begin."""
        item, filters = self._convolution.dtype.itemsize, math.prod(self._convolution.filter_sizes)
        images = math.prod(self._geometry.x_sizes) if self._moves else 0
        x = start + even(filters * item)
        return start, x, x + even(images * item)

    @property
    def _moves(self) -> bool:
        return self._geometry.x_sizes != tuple(self._convolution.x_sizes)

    def _bound(self, block: Block) -> list[Call]:
        c, geometry, device = self._convolution, self._geometry, self._owner.cudnn.device
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
        one, zero = one_and_zero(self._convolution.dtype)
        cudnn = self._owner.cudnn
        before = (cudnn.handle, byref(one), *tensors[first], *tensors[second], made.how)
        own_memory = own if self._chosen.memory else None
        arguments = (*before, self._chosen.algorithm, own_memory, self._chosen.memory, byref(zero), *tensors[result])
        return LibraryCall(cudnn, f"Convolution{_KINDS[kind]}", arguments, "a convolution", (made, one, zero))

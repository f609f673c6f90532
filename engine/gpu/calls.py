"""How nodes become work for a device: one binding an op type, or the reason why a node runs on the CPU."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..scalar import Expression
from ..unsupported import UnsupportedError
from .device import Call, Convolution, Device, Dimensions, Pooling, Product
from .extent import Extent
from .source import Kernel
from .sums import Part

Array = np.ndarray[Any, Any]
# Threads of a block where nothing speaks for another number, and the most blocks of a loop over elements.
THREADS, MOST_BLOCKS = 256, 4096


@dataclass(frozen=True, slots=True)
class DeviceArray(Extent):
    """An array in a device's memory: its address, dtype and shape, and its strides in bytes."""

    address: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def contiguous(self) -> bool:
        """Whether the elements lie in row-major order without gaps."""
        return not self.size or all(
            size == 1 or stride == step
            for size, stride, step in zip(self.shape, self.strides, row_major(self.shape, self.dtype), strict=True)
        )

    @property
    def span(self) -> tuple[int, int]:
        """From where to where the elements lie."""
        steps = [stride * (n - 1) for n, stride in zip(self.shape, self.strides, strict=True)] if self.size else []
        end = self.address + sum(s for s in steps if s > 0) + self.dtype.itemsize * bool(self.size)
        return self.address + sum(s for s in steps if s < 0), end

    def reshaped(self, *shape: int) -> DeviceArray:
        """The elements of a contiguous array in another shape."""
        if not self.contiguous or math.prod(shape) != self.size:
            raise ValueError(f"an array of {self.shape}, strides {self.strides}, is not one of {shape}")
        return replace(self, shape=shape, strides=row_major(shape, self.dtype))


def row_major(shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[int, ...]:
    """The byte strides of a contiguous array."""
    strides = [dtype.itemsize] * len(shape)
    for i in range(len(shape) - 2, -1, -1):
        strides[i] = strides[i + 1] * shape[i + 1]
    return tuple(strides)


Argument = int | float | DeviceArray


@dataclass(frozen=True, slots=True)
class Launch:
    """A launch of a kernel; arrays among the arguments stand for their addresses."""

    kernel: Kernel
    grid: Dimensions
    block: Dimensions
    shared: int
    arguments: tuple[int | float, ...]

    def prepare(self, device: Device, functions: Any) -> Call:
        """The call on a device, given its loaded kernels."""
        return device.launch(functions[self.kernel.name], self.grid, self.block, self.shared, self.arguments)


@dataclass(eq=False)
class Bound:
    """A node with its memory: what a binding sees and adds work to.

    `inputs` and `outputs` are in the node's flat order; variables that the node updates stand among the inputs. `attrs` are
    as the NumPy kernel gets them; `expression` is the node's scalar expression, if it has one; `context` what a stateful
    kernel gets. `error` is the address of an int, zero until a kernel finds bad values: it writes `step` there (by `fail` of
    the prelude), and from then on no kernel of the run may change a variable.
    """

    type: str
    device: Device
    inputs: list[DeviceArray]
    outputs: list[DeviceArray]
    attrs: dict[str, Any]
    node_attrs: dict[str, Any] = field(default_factory=dict)
    # The value of each input that is a constant of the graph, else None.
    constants: list[Array | None] = field(default_factory=list)
    expression: Expression | None = None
    context: Any = None
    error: int = 0
    step: int = 1
    # "float32", or "tf32": how float32 products are computed.
    precision: str = "float32"
    # Gives the address of so many bytes that are this node's own while its work is done.
    allocate_scratch: Callable[[int], int] = lambda nbytes: 0
    # Gives the address of an array that the host computes before each run.
    allocate_step_value: Callable[[Callable[[], Array], int], int] = lambda function, nbytes: 0
    # Puts an array that never changes on the device.
    allocate_table: Callable[[Array], DeviceArray] | None = None
    # Gives the address of so many bytes that are this node's own for good.
    allocate_kept: Callable[[int], int] = lambda nbytes: 0
    # What bindings of one program leave for those of later nodes.
    notes: dict[Any, Any] = field(default_factory=dict)
    # The sums over ranks that are among the work.
    parts: list[Part] = field(default_factory=list)
    work: list[Launch | Call] = field(default_factory=list)
    # What explain says of how the work is done.
    remarks: list[str] = field(default_factory=list)

    def launch(
        self, kernel: Kernel, grid: int | Dimensions, block: int | Dimensions, *arguments: Any, shared: int = 0
    ) -> None:
        """Adds a launch; nothing if the grid is empty."""
        wide, high = _dimensions(grid), _dimensions(block)
        if math.prod(wide):
            self.work.append(Launch(kernel, wide, high, shared, tuple(map(_plain, arguments))))

    def for_each(self, kernel: Kernel, count: int, *arguments: Any) -> None:
        """Adds a launch of a kernel that loops over `count` elements, a grid's threads at a time."""
        self.launch(kernel, min(-(-count // THREADS), MOST_BLOCKS), THREADS, *arguments)

    def product(self, product: Product) -> None:
        """Adds a matrix product."""
        if product.batch and product.rows and product.columns:
            self.work.append(self.device.product(product))

    def convolution(self, convolution: Convolution) -> None:
        """Adds a convolution by the device's library; UnsupportedError where there is none."""
        self.work.append(self.device.convolution(convolution))

    def pooling(self, pooling: Pooling) -> None:
        """Adds a pool by the device's library; UnsupportedError where there is none."""
        self.work.append(self.device.pooling(pooling))

    def copy(self, to: DeviceArray, source: DeviceArray) -> None:
        """Adds a copy between contiguous arrays."""
        if source.nbytes:
            self.work.append(self.device.copy(to.address, source.address, source.nbytes))

    def zero(self, array: DeviceArray) -> None:
        """Adds a fill of a contiguous array with zeros."""
        if array.nbytes:
            self.work.append(self.device.fill(array.address, array.nbytes, 0))

    def scratch(self, shape: Sequence[int], dtype: Any) -> DeviceArray:
        """Memory, not cleared, that is this node's own while its work is done."""
        kind, sizes = np.dtype(dtype), tuple(shape)
        nbytes = max(math.prod(sizes) * kind.itemsize, 1)
        return DeviceArray(self.allocate_scratch(nbytes), kind, sizes, row_major(sizes, kind))

    def step_value(self, function: Callable[[], Array], shape: Sequence[int], dtype: Any) -> DeviceArray:
        """A small array that the host computes before each run, such as a counter of random numbers."""
        kind, sizes = np.dtype(dtype), tuple(shape)
        address = self.allocate_step_value(function, math.prod(sizes) * kind.itemsize)
        return DeviceArray(address, kind, sizes, row_major(sizes, kind))

    def table(self, values: Array) -> DeviceArray:
        """A small array that never changes, such as the addresses of what one launch works on."""
        fixed = np.ascontiguousarray(values)
        if self.allocate_table is not None:
            return self.allocate_table(fixed)
        return self.step_value(lambda: fixed, fixed.shape, fixed.dtype)

    def known(self, i: int) -> Array:
        """Input `i`, whose value is constant; UnsupportedError where it is not."""
        value = self.constants[i] if self.constants else None
        if value is None:
            raise UnsupportedError("an argument that is not constant")
        return value

    def require(self, condition: bool, reason: str) -> None:
        """Raises UnsupportedError with `reason` unless the condition holds."""
        if not condition:
            raise UnsupportedError(reason)

    def require_contiguous(self, *dtypes: Any) -> None:
        """Raises UnsupportedError unless all inputs and outputs lie in row-major order and have one of these dtypes."""
        for array in [*self.inputs, *self.outputs]:
            self.require(not dtypes or array.dtype in [np.dtype(d) for d in dtypes], f"{array.dtype}")
            self.require(array.contiguous, "strided memory")


def _dimensions(sizes: int | Dimensions) -> Dimensions:
    return (int(sizes), 1, 1) if isinstance(sizes, int | np.integer) else sizes


def _plain(value: Any) -> int | float:
    if isinstance(value, DeviceArray):
        return value.address
    return float(value) if isinstance(value, float | np.floating) else int(value)


Binding = Callable[[Bound], None]
# Op type -> what adds the work for a node of it.
GPU_BINDINGS: dict[str, Binding] = {}


def gpu(*types: str) -> Callable[[Binding], Binding]:
    """Registers a function as the GPU binding of op types."""

    def register(binding: Binding) -> Binding:
        for op_type in types:
            if op_type in GPU_BINDINGS:
                raise ValueError(f"{op_type} has two GPU bindings")
            GPU_BINDINGS[op_type] = binding
        return binding

    return register

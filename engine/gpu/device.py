"""What the GPU backend needs of a device. CUDA and a simulation on the processor provide it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .source import Kernel

if TYPE_CHECKING:
    from .sums import Ranks, Sums

Call = Callable[[], Any]
Dimensions = tuple[int, int, int]
Sizes4 = tuple[int, int, int, int]
# Where allocations begin: what the widest loads and the products want.
ALIGNMENT = 256


@dataclass(frozen=True, slots=True)
class Product:
    """A batch of matrix products in row-major order: `c = activation(alpha * op(a) @ op(b) + beta * c + bias)`.

    `op(a)` is [rows, depth] and `op(b)` [depth, columns]; `a`, `b`, `c` and `bias` are addresses, the last of `columns`
    elements or 0; `leading` are the elements from one row to the next of a, b and c as they are stored, `strides` those
    from one matrix of the batch to the next (0 for the same matrix again). `compute` is "float32" (exact), "tf32", or
    the dtype's own name; sums of 16-bit products are kept in float32.

    `activation` is "", "relu", "gelu" (with tanh), or "relu_gradient" or "gelu_gradient": what was computed is the
    gradient of the activation's result, and that of what it was taken of is left. `auxiliary` is the address of what a
    gradient reads, and of what "relu" and "gelu" write for it unless it is 0: of a relu a bit an element, set where the
    element is positive, the first of a byte its lowest; of a gelu what it is taken of, as elements of c. Its rows are
    `auxiliary_leading` bits or elements apart.

    `sums` is the address of sums in c's dtype, or 0: those over rows of c where `summed` is "c"; where it is "a" or "b",
    those over the depth of that factor, so that the gradient of a bias comes with that of the weights.
    """

    a: int
    b: int
    c: int
    rows: int
    columns: int
    depth: int
    dtype: np.dtype[Any]
    leading: tuple[int, int, int]
    transpose_a: bool = False
    transpose_b: bool = False
    batch: int = 1
    strides: tuple[int, int, int] = (0, 0, 0)
    alpha: float = 1.0
    beta: float = 0.0
    bias: int = 0
    activation: str = ""
    compute: str = "float32"
    # Whether c, of which there is no bias, is float32 while a and b have 16 bits.
    wide: bool = False
    auxiliary: int = 0
    auxiliary_leading: int = 0
    sums: int = 0
    summed: str = ""


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution of NHWC images with HWIO filters, or one of its gradients.

    `kind` is "forward" (x, filter -> y), "data" (filter, dy -> dx) or "filter" (x, dy -> dfilter); `x`, `filters` and `y`
    are the addresses of the image, the filters and the result, or of their gradients.
    """

    kind: str
    x: int
    filters: int
    y: int
    dtype: np.dtype[Any]
    x_sizes: Sizes4
    filter_sizes: Sizes4
    y_sizes: Sizes4
    strides: tuple[int, int]
    dilations: tuple[int, int]
    # Rows above and below, columns left and right.
    padding: Sizes4
    compute: str = "float32"


@dataclass(frozen=True, slots=True)
class Pooling:
    """A pool of NHWC images, or the gradient of one.

    `kind` is "max", "mean" (of what lies in the image; x -> y) or "mean gradient" (dy -> dx); `x` and `y` are the addresses
    of the images and the pool, or of their gradients; `padding` are the rows above and the columns to the left.
    """

    kind: str
    x: int
    y: int
    dtype: np.dtype[Any]
    x_sizes: Sizes4
    y_sizes: Sizes4
    window: tuple[int, int]
    strides: tuple[int, int]
    padding: tuple[int, int]

    @property
    def x_elements(self) -> int:
        """The elements of the images."""
        return math.prod(self.x_sizes)

    @property
    def y_elements(self) -> int:
        """The elements of the pool."""
        return math.prod(self.y_sizes)


@dataclass(frozen=True, slots=True)
class Recurrent:
    """An LSTM layer over sequences of one length: inputs [time, batch, size], outputs [time, batch, units].

    `trains` says whether there will be gradients. `compute` is as a product's.
    """

    dtype: np.dtype[Any]
    time: int
    batch: int
    size: int
    units: int
    trains: bool
    compute: str = "float32"


@dataclass(frozen=True, slots=True)
class RecurrentArrays:
    """The addresses of what a layer takes and gives; those of gradients where they are asked for.

    `h_before` and `c_before` are the state before the first step, `h` the outputs of all steps, `c` the last cell state;
    `weights` and `reserve` have the sizes that the layer says; `c_grad` is 0 where nothing depends on the last cell state.
    """

    x: int
    h_before: int
    c_before: int
    h: int
    c: int
    weights: int
    reserve: int
    h_grad: int = 0
    c_grad: int = 0
    x_grad: int = 0
    h_before_grad: int = 0
    c_before_grad: int = 0
    weight_grads: int = 0


class RecurrentLayer(Protocol):
    """A layer of a device's library.

    Among its `weight_bytes` begin, at `matrices`, those of the gates i, f, c, o: [units, size] for inputs, then [units, units]
    for states; and at `biases` two of each gate, the first added to the inputs' product and the second to the states'.
    """

    weight_bytes: int
    reserve_bytes: int
    matrices: tuple[int, ...]
    biases: tuple[int, ...]

    def forward(self, arrays: RecurrentArrays) -> Call:
        """Outputs and the last cell state; what the gradient needs is left in the reserve."""

    def gradient(self, arrays: RecurrentArrays) -> Call:
        """All gradients, those of weights in the weights' places, after a forward call with the same reserve."""


class Device(Protocol):
    """A device with memory and kernels of its own. What is asked of it is done in the order of asking.

    Methods that give a `Call` prepare work: the call starts it, as often as it is called, and takes no arguments, so that
    calls can be captured and replayed.
    """

    name: str
    # What kernels are compiled for, such as "sm_90" or "sim".
    architecture: str
    index: int

    def activate(self) -> None:
        """Makes this device the one that the thread's calls go to: what a thread does first when its turn comes."""

    def memory(self) -> tuple[int, int]:
        """Free and total bytes."""

    def allocate(self, nbytes: int) -> int:
        """The address of fresh memory, a multiple of ALIGNMENT; ResourceExhaustedError if there is not enough."""

    def release(self, address: int) -> None:
        """Gives memory back that `allocate` gave."""

    def upload(self, address: int, host: np.ndarray[Any, Any]) -> None:
        """Starts copying a contiguous array to the device; the array may be changed afterwards."""

    def download(self, host: np.ndarray[Any, Any], address: int) -> None:
        """Fills a contiguous array from the device, when all that was asked for before is done."""

    def load(self, kernels: Sequence[Kernel]) -> Mapping[str, Any]:
        """Compiled kernels by their names; what was compiled before comes from the cache."""

    def launch(
        self, function: Any, grid: Dimensions, block: Dimensions, shared: int, arguments: Sequence[int | float]
    ) -> Call:
        """A launch of a loaded kernel with `shared` bytes of dynamic shared memory; arguments in the kernel's order."""

    def product(self, product: Product) -> Call:
        """A matrix product; UnsupportedError if the device cannot do it."""

    def convolution(self, convolution: Convolution) -> Call:
        """A convolution; UnsupportedError where there is no library for it."""

    def pooling(self, pooling: Pooling) -> Call:
        """A pool; UnsupportedError where there is no library for it."""

    def has_recurrent(self) -> bool:
        """Whether there is a library for `recurrent`."""

    def recurrent(self, recurrent: Recurrent) -> RecurrentLayer:
        """A layer over whole sequences; UnsupportedError where there is no library for it."""

    def sums(self, ranks: Ranks) -> Sums:
        """What adds up arrays of the device over ranks, each with a device of its own; UnsupportedError if nothing does."""

    def copy(self, to: int, source: int, nbytes: int) -> Call:
        """A copy within the device."""

    def fill(self, address: int, nbytes: int, byte: int) -> Call:
        """A fill with one byte's value."""

    def capture(self, calls: Sequence[Call]) -> Call:
        """All these calls as one, which does not run Python between them."""

    def synchronize(self) -> None:
        """Waits until all that was asked for is done."""

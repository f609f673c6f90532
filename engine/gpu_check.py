"""A GPU looked over in a few seconds: what was found, and one of each thing that steps rest on, a line each."""

from __future__ import annotations

import ctypes
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .errors import OpError
from .gpu.cuda import driver, library
from .gpu.cuda.device import CallByCall
from .gpu.cuda.nvrtc import Nvrtc
from .gpu.device import Convolution, Device, Product, Recurrent, RecurrentArrays
from .gpu.epilogues import works as epilogue_works
from .gpu.find import find_device
from .gpu.memory import lock_of
from .gpu.source import Kernel
from .graph import Graph
from .native.library import load as load_native
from .ops.constant import placeholder
from .ops.nn_activations import relu
from .ops.products import matmul
from .ops.reduce import reduce_mean
from .session import Session
from .training.adam import AdamOptimizer
from .unsupported import UnsupportedError
from .variable_lists import global_variables_initializer
from .variable_scope import get_variable

Array = np.ndarray[Any, Any]
_ADD = Kernel("hr_check_add", (("float*", "x"), ("float", "y"), ("int", "n")), "HR_EACH(i, n) x[i] += y;", (), 256)
_SUM = Kernel(
    "hr_check_sum",
    (("const float*", "x"), ("float*", "y"), ("int", "n")),
    "float sum = 0; HR_EACH_OF_BLOCK(i, n) sum += x[i]; sum = block_sum(sum); if (threadIdx.x == 0) *y = sum;",
    (),
    256,
    synchronizes=True,
)
_LIBRARIES = (
    (library.CUBLASLT, "cublasLtGetVersion"),
    (library.CUDNN, "cudnnGetVersion"),
    (library.NCCL, "ncclGetVersion"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """What is said of one thing, and whether it is as it must be."""

    name: str
    text: str
    good: bool = True


class WrongError(Exception):
    """A check that ran, and gave something else than it should."""


def look() -> Iterator[Line]:
    """What there is, then what works, each as soon as it is known; after a failure that ends the process's GPU no more."""
    if os.environ.get("HEADRACE_GPU") != "sim":
        yield from _found()
    try:
        device = find_device(required=True)
        free, total = device.memory() if device is not None else (0, 0)
    except (OpError, UnsupportedError, RuntimeError) as error:
        yield Line("device", _words(error), good=False)
        return
    if device is None:
        yield Line("device", "there is none", good=False)
        return
    sizes = f"{free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
    yield Line("device", f"{device.name}, {device.architecture}, {sizes}")
    for name, check in _CHECKS.items():
        line = _looked(name, partial(check, device), device)
        yield line
        if "state is lost" in line.text:
            return


def _found() -> Iterator[Line]:
    found = driver.find()
    yield Line("driver", found.reason or f"CUDA {found.cuda}", good=not found.reason)
    for card in found.cards:
        yield Line(f"GPU {card.index}", f"{card.name}, {card.architecture}, {card.nbytes / 2**30:.0f} GiB")
    native = load_native()
    yield Line("native code", native if isinstance(native, str) else "built")
    if found.reason:
        return
    cuda = driver.cuda_of_cupy() or min(found.cuda, driver.NEWEST_CUDA)
    yield from _tried("CuPy", lambda: f"{_cupy(found)} for CUDA {cuda}")
    yield from _tried("NVRTC", lambda: Nvrtc(cuda).name)
    for one, function in _LIBRARIES:
        needed = one is library.CUBLASLT
        yield from _tried(one.name, partial(_version, one, cuda, function), needed)


def _tried(name: str, ask: Callable[[], str], needed: bool = True) -> Iterator[Line]:
    try:
        yield Line(name, ask())
    except (UnsupportedError, OpError, ImportError, AttributeError) as error:
        yield Line(name, _words(error), good=not needed)


def _cupy(found: driver.Found) -> str:
    driver.check_packages(found)
    import cupy

    return str(cupy.__version__)


def _version(one: library.Library, cuda: int, function: str) -> str:
    ask = getattr(library.load(one, cuda, everywhere=True), function)
    if one is library.NCCL:
        number = ctypes.c_int()
        ask(ctypes.byref(number))
        return str(number.value)
    ask.restype = ctypes.c_size_t
    return str(ask())


def _looked(name: str, check: Callable[[], str], device: Device) -> Line:
    start = time.perf_counter()
    try:
        text = check()
        device.synchronize()
    except (OpError, UnsupportedError, WrongError, RuntimeError, ValueError) as error:
        return Line(name, f"{type(error).__name__}: {_words(error)}", good=False)
    return Line(name, f"good{text and f': {text}'}, {time.perf_counter() - start:.2f} s")


def _words(error: Exception) -> str:
    """The first lines of an error's text."""
    text = getattr(error, "message", None) or str(error)
    return " ".join(str(text).split("\n")[:4])


def _require(condition: Any, words: str) -> None:
    if not condition:
        raise WrongError(words)


# What is checked


def _put(device: Device, array: Array) -> int:
    address = device.allocate(array.nbytes)
    device.upload(address, array)
    return address


def _got(device: Device, address: int, like: Array) -> Array:
    found = np.empty_like(like)
    device.download(found, address)
    return found


def transfers(device: Device) -> str:
    """Small, middling and large arrays there and back."""
    rates = []
    for nbytes in (64, 100_000, 30_000_000):
        host = np.random.default_rng(0).integers(0, 256, nbytes, np.uint8)
        address = _put(device, host)
        _require((_got(device, address, host) == host).all(), f"{nbytes} bytes came back changed")
        rates = [_rate(device, nbytes, call) for call in (
            partial(device.upload, address, host), partial(device.download, host, address))]  # fmt: skip
        device.release(address)
    return "{:.1f} GB/s up, {:.1f} down".format(*rates)


def _rate(device: Device, nbytes: int, call: Callable[[], Any]) -> float:
    device.synchronize()
    start = time.perf_counter()
    call()
    device.synchronize()
    return nbytes / (time.perf_counter() - start) / 1e9


def kernels(device: Device) -> str:
    """A loop over elements, and a sum by shuffles and shared memory."""
    x = np.arange(5000, dtype=np.float32)
    address, total = _put(device, x), _put(device, np.zeros(1, np.float32))
    functions = device.load([_ADD, _SUM])
    device.launch(functions[_SUM.name], (1, 1, 1), (256, 1, 1), 0, (address, total, 5000))()
    device.launch(functions[_ADD.name], (4, 1, 1), (256, 1, 1), 0, (address, 0.5, 5000))()
    _require((_got(device, address, x) == x + 0.5).all(), "a loop over elements gave something else")
    _require(_got(device, total, x[:1])[0] == x.sum(), "the sum of a block is wrong")
    return ""


def _product(device: Device, dtype: str, compute: str, **options: Any) -> tuple[Product, Array, Array]:
    import ml_dtypes

    kind = np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    random = np.random.default_rng(0)
    a, b = (random.standard_normal(shape).astype(kind) for shape in ((70, 50), (50, 90)))
    places = _put(device, a), _put(device, b), device.allocate(70 * 90 * kind.itemsize)
    return Product(*places, 70, 90, 50, kind, (50, 90, 90), compute=compute, **options), a, b


_PRODUCTS = {"float32": 1e-6, "tf32": 3e-3, "bfloat16": 1e-2, "float16": 2e-3, "float64": 1e-14}


def products(device: Device) -> str:
    """Matrix products in each precision that the device has."""
    missing = []
    for compute, most in _PRODUCTS.items():
        product, a, b = _product(device, "float32" if compute == "tf32" else compute, compute)
        try:
            device.product(product)()
        except UnsupportedError as error:
            missing.append(str(error))
            continue
        wanted = a.astype(np.float64) @ b.astype(np.float64)
        found = _got(device, product.c, np.empty((70, 90), product.dtype)).astype(np.float64)
        error_of_all = np.linalg.norm(found - wanted) / np.linalg.norm(wanted)
        _require(error_of_all < most, f"products computed as {compute} are wrong by {error_of_all:.1e}")
    return ", ".join(missing)


_EPILOGUES = {
    "relu": "relus",
    "relu_mask": "masks of relus",
    "relu_gradient": "gradients of relus",
    "sums_b": "gradients of biases",
}


def epilogues(device: Device) -> str:
    """A bias and a relu after a product; what of them and of their gradients kernels do, where the library does otherwise."""
    bias = np.linspace(-3, 3, 90, dtype=np.float32)
    product, a, b = _product(device, "float32", "float32", bias=_put(device, bias), activation="relu")
    device.product(product)()
    found = _got(device, product.c, np.empty((70, 90), np.float32))
    _require(np.allclose(found, np.maximum(a @ b + bias, 0), 1e-5, 1e-5), "bias and relu are wrong")
    kernels = [text for text in map(partial(_by_kernels, device), ("float32", "tf32", "bfloat16")) if text]
    return f"by kernels: {'; '.join(kernels)}" if kernels else ""


def _by_kernels(device: Device, compute: str) -> str:
    import ml_dtypes

    dtype = np.dtype(ml_dtypes.bfloat16 if compute == "bfloat16" else np.float32)
    names = [name for what, name in _EPILOGUES.items() if not epilogue_works(device, what, dtype, compute)]
    return f"{compute} {', '.join(names)}" if names else ""


def replays(device: Device) -> str:
    """A kernel, a product, a copy and a fill as one captured launch, with new values each time."""
    product, a, b = _product(device, "float32", "float32")
    copied = device.allocate(70 * 90 * 4)
    function = device.load([_ADD])[_ADD.name]
    calls = [
        device.product(product),
        device.launch(function, (4, 1, 1), (256, 1, 1), 0, (product.c, 1.0, 70 * 90)),
        device.copy(copied, product.c, 70 * 90 * 4),
        device.fill(product.c, 70 * 90 * 4, 0xFF),
    ]
    for call in calls:
        call()
    with lock_of(device):
        replay = device.capture(calls)
    _require(not isinstance(replay, CallByCall), "nothing is captured: the log says why")
    for step in range(4):
        device.upload(product.a, a + np.float32(step))
        replay()
        found = _got(device, copied, np.empty((70, 90), np.float32))
        _require(np.allclose(found, (a + np.float32(step)) @ b + 1, 1e-4, 1e-4), f"replay {step} gave something else")
    return ""


def convolutions(device: Device) -> str:
    """A convolution by the device's library, if it has one: its ones add up the pixels under them."""
    x, filters = np.ones((2, 8, 8, 16), np.float32), np.ones((3, 3, 16, 32), np.float32)
    places = _put(device, x), _put(device, filters), device.allocate(2 * 8 * 8 * 32 * 4)
    sizes = x.shape, filters.shape, (2, 8, 8, 32)
    arguments: Any = "forward", *places, x.dtype, *sizes, (1, 1), (1, 1), (1, 1, 1, 1)
    try:
        call = device.convolution(Convolution(*arguments))
    except UnsupportedError as error:
        return f"by products, {error}"
    call()
    found = _got(device, places[2], np.empty((2, 8, 8, 32), np.float32))
    _require(np.allclose(found[:, 1:-1, 1:-1], 9 * 16) and np.allclose(found[:, 0, 0], 4 * 16), "sums are wrong")
    return ""


def layers(device: Device) -> str:
    """An LSTM layer by the device's library, if it has one: of weights only the biases of what cells take in are not zero."""
    length, batch, size, units = 3, 4, 8, 16
    try:
        layer = device.recurrent(Recurrent(np.dtype(np.float32), length, batch, size, units, trains=True))
    except UnsupportedError as error:
        return f"by kernels, {error}"
    weights = np.zeros(layer.weight_bytes // 4, np.float32)
    start = layer.biases[2] // 4
    weights[start : start + units] = 1
    x, state = np.ones((length, batch, size), np.float32), np.ones((batch, units), np.float32)
    outputs = np.empty((length, batch, units), np.float32)
    places = _put(device, x), _put(device, state), _put(device, state), _put(device, outputs), _put(device, state)
    reserve = device.allocate(max(layer.reserve_bytes, 1))
    layer.forward(RecurrentArrays(*places, _put(device, weights), reserve))()
    found, cell = _got(device, places[3], outputs), 1.0
    for step in range(length):
        cell = (cell + math.tanh(1)) / 2
        _require(np.allclose(found[step], math.tanh(cell) / 2, 1e-4), f"outputs of step {step} are wrong")
    return ""


def steps(device: Device) -> str:
    """A network's training step: made call by call, captured, replayed; its losses are the CPU's."""
    found, wanted = (_losses(backend) for backend in ("gpu", "cpu"))
    _require(np.allclose(found, wanted, 1e-4), f"losses are {found}, the CPU's {wanted}")
    return ""


def _losses(backend: str) -> list[float]:
    random = np.random.default_rng(0)
    with Graph().as_default():
        x = placeholder(np.float32, [64, 32], "x")
        shapes = {"hidden": (32, 48), "out": (48, 10)}
        weights = [
            get_variable(name, initializer=random.normal(0, 0.2, shape).astype(np.float32))
            for name, shape in shapes.items()
        ]
        y = matmul(relu(matmul(x, weights[0])), weights[1])
        loss = reduce_mean(y * y)
        train = AdamOptimizer(0.01).minimize(loss)
        with Session(backend=backend) as session:
            session.run(global_variables_initializer())
            feeds = [random.normal(size=(64, 32)).astype(np.float32) for _ in range(5)]
            return [float(session.run([loss, train], {x: feed})[0]) for feed in feeds]


_CHECKS: dict[str, Callable[[Device], str]] = {
    "transfers": transfers,
    "kernels": kernels,
    "products": products,
    "bias, relu": epilogues,
    "replays": replays,
    "convolutions": convolutions,
    "LSTM layers": layers,
    "steps": steps,
}

"""What must be known first on a real GPU, in the order in which one thing rests on another."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from headrace.engine.errors import ResourceExhaustedError
from headrace.engine.gpu import bindings
from headrace.engine.gpu.calls import GPU_BINDINGS, Bound, DeviceArray, Launch, row_major
from headrace.engine.gpu.cuda.device import CallByCall
from headrace.engine.gpu.cuda.image_moves import kernels, moved, turned
from headrace.engine.gpu.device import Convolution, Pooling, Product
from headrace.engine.gpu.epilogues import works
from headrace.engine.gpu.sim.device import SimDevice
from headrace.engine.gpu.source import Kernel
from headrace.engine.registry import definition_of
from headrace.engine.unsupported import UnsupportedError

assert bindings
pytestmark = pytest.mark.gpu
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
ADD_ONE = Kernel("hr_test_add_one", (("float*", "x"), ("int", "n")), "HR_EACH(i, n) x[i] += 1.0f;", (), 256)
# Sums what it has laid down in its shared memory, which is as large as the launch says.
LAY_DOWN = Kernel(
    "hr_test_lay_down",
    (("int*", "y"), ("int", "n")),
    "HR_DYNAMIC_SHARED(int, room); HR_EACH_OF_BLOCK(i, n) room[i] = i % 7; __syncthreads(); "
    "int sum = 0; HR_EACH_OF_BLOCK(i, n) sum += room[n - 1 - i]; sum = block_sum(sum); if (threadIdx.x == 0) *y = sum;",
    (),
    256,
    synchronizes=True,
)
Note = Callable[[str, str], None]


def put(device: Any, array: Any) -> int:
    address: int = device.allocate(array.nbytes)
    device.upload(address, array)
    return address


def got(device: Any, address: int, shape: Any, dtype: Any = np.float32) -> Any:
    array = np.empty(shape, dtype)
    device.download(array, address)
    return array


def captured(device: Any, calls: list[Callable[[], Any]]) -> Any:
    """The calls as one, which may not be what is taken where a capture fails."""
    replay = device.capture(calls)
    assert not isinstance(replay, CallByCall)
    return replay


def seconds(device: Any, call: Callable[[], Any], times: int) -> float:
    """Of one call when so many are asked for in a row."""
    samples = []
    for _ in range(7):
        device.synchronize()
        start = time.perf_counter()
        for _ in range(times):
            call()
        device.synchronize()
        samples.append((time.perf_counter() - start) / times)
    return statistics.median(samples)


def asking(call: Callable[[], Any], device: Any, times: int = 200) -> float:
    """Seconds until a call returns, while the GPU has work."""
    samples = []
    for _ in range(7):
        device.synchronize()
        start = time.perf_counter()
        for _ in range(times):
            call()
        samples.append((time.perf_counter() - start) / times)
    device.synchronize()
    return statistics.median(samples)


def test_1_the_device(device: Any, note: Note) -> None:
    free, total = device.memory()
    note("card", f"{device.name}, {device.architecture}, {total / 2**30:.0f} GiB, {free / 2**30:.0f} free")
    assert 0 < free <= total


@pytest.mark.parametrize("nbytes", [4, 60_000, 5_000_000, 50_000_000])
def test_2_transfers(device: Any, note: Note, nbytes: int) -> None:
    host = np.random.default_rng(0).integers(0, 256, nbytes, np.uint8)
    address = put(device, host)
    np.testing.assert_array_equal(got(device, address, nbytes, np.uint8), host)
    up = seconds(device, lambda: device.upload(address, host), 20)
    down = seconds(device, lambda: device.download(host, address), 20)
    note(f"{nbytes} bytes up, down", f"{up * 1e6:.0f} us, {down * 1e6:.0f} us")
    device.release(address)


def test_3_a_cubin_loads_and_runs(device: Any) -> None:
    x = put(device, np.arange(1000, dtype=np.float32))
    function = device.load([ADD_ONE])[ADD_ONE.name]
    device.launch(function, (4, 1, 1), (256, 1, 1), 0, (x, 1000))()
    np.testing.assert_array_equal(got(device, x, 1000), np.arange(1, 1001))


def test_3_shared_memory_beyond_what_all_have(device: Any) -> None:
    function, y = device.load([LAY_DOWN])[LAY_DOWN.name], put(device, np.zeros(1, np.int32))
    sizes = [40 << 10, 60 << 10, 47 << 10, 64 << 10, 50 << 10]
    # All are prepared first: what one is granted the next does not take away.
    calls = [device.launch(function, (1, 1, 1), (256, 1, 1), size, (y, size // 4)) for size in sizes]
    for call, size in zip(calls, sizes, strict=True):
        call()
        assert got(device, y, 1, np.int32)[0] == (np.arange(size // 4) % 7).sum()


def test_4_replay_with_new_feeds(device: Any) -> None:
    x, y = put(device, np.zeros(1000, np.float32)), device.allocate(4000)
    function = device.load([ADD_ONE])[ADD_ONE.name]
    calls = [device.launch(function, (4, 1, 1), (256, 1, 1), 0, (x, 1000)), device.copy(y, x, 4000)]
    calls.append(device.fill(x, 4000, 0))
    for call in calls:
        call()
    replay = captured(device, calls)
    for step in range(50):
        device.upload(x, np.full(1000, step, np.float32))
        replay()
        assert (got(device, y, 1000) == step + 1).all()


def test_5_overheads(device: Any, note: Note) -> None:
    x = put(device, np.zeros(1000, np.float32))
    function = device.load([ADD_ONE])[ADD_ONE.name]
    launch = device.launch(function, (4, 1, 1), (256, 1, 1), 0, (x, 1000))
    launch()
    replay = captured(device, [launch] * 100)
    replay()
    note("asking for a launch", f"{asking(launch, device) * 1e6:.2f} us")
    note("a launch in a row", f"{seconds(device, launch, 1000) * 1e6:.2f} us")
    note("asking for a replay of 100 launches", f"{asking(replay, device) * 1e6:.2f} us")
    note("a launch within a replay", f"{seconds(device, replay, 20) * 1e4:.2f} us")
    note("a download of 4 bytes", f"{seconds(device, lambda: got(device, x, 1), 100) * 1e6:.1f} us")


PRODUCTS = [
    ("float32", "float32", 1e-6),
    ("float32", "tf32", 2e-3),
    ("bfloat16", "bfloat16", 8e-3),
    ("float16", "float16", 1e-3),
]
PRODUCTS.append(("float64", "float64", 1e-13))


def product_of(
    device: Any, dtype: Any, compute: str, sizes: tuple[int, int, int], **options: Any
) -> tuple[Product, Any, Any]:
    rows, columns, depth = sizes
    random = np.random.default_rng(0)
    a, b = (random.standard_normal(shape).astype(dtype) for shape in ((rows, depth), (depth, columns)))
    c = device.allocate(rows * columns * np.dtype(dtype).itemsize)
    places = put(device, a), put(device, b), c
    leading = (depth, columns, columns)
    return Product(*places, *sizes, np.dtype(dtype), leading, compute=compute, **options), a, b


@pytest.mark.parametrize(("dtype", "compute", "tolerance"), PRODUCTS)
def test_6_products_captured(device: Any, dtype: str, compute: str, tolerance: float) -> None:
    kind = BFLOAT16 if dtype == "bfloat16" else np.dtype(dtype)
    product, a, b = product_of(device, kind, compute, (300, 200, 500))
    call = device.product(product)
    call()
    replay = captured(device, [device.fill(product.c, 300 * 200 * kind.itemsize, 255), call])
    replay()
    expected = a.astype(np.float64) @ b.astype(np.float64)
    found = got(device, product.c, (300, 200), kind).astype(np.float64)
    assert np.linalg.norm(found - expected) / np.linalg.norm(expected) < tolerance
    if compute == "tf32":
        exact = device.product(replace(product, compute="float32"))
        exact()
        assert (got(device, product.c, (300, 200), kind) != found).any()


@pytest.mark.parametrize("activation", ["", "relu", "gelu"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_7_epilogues(device: Any, activation: str, dtype: str) -> None:
    kind = BFLOAT16 if dtype == "bfloat16" else np.dtype(dtype)
    bias = np.random.default_rng(1).standard_normal(200).astype(kind)
    options = {"bias": put(device, bias), "activation": activation}
    product, a, b = product_of(device, kind, dtype, (96, 200, 64), **options)
    device.product(product)()
    expected = a.astype(np.float64) @ b.astype(np.float64) + bias.astype(np.float64)
    if activation == "relu":
        expected = np.maximum(expected, 0)
    if activation == "gelu":
        expected = 0.5 * expected * (1 + np.tanh(np.sqrt(2 / np.pi) * (expected + 0.044715 * expected**3)))
    found = got(device, product.c, (96, 200), kind).astype(np.float64)
    assert np.linalg.norm(found - expected) / np.linalg.norm(expected) < (1e-2 if dtype == "bfloat16" else 1e-3)


# What gradients need of a product: each as the simulation has it.
GRADIENTS = [
    {"activation": "relu", "auxiliary": True, "bias": True},
    {"activation": "gelu", "auxiliary": True, "bias": True},
    {"activation": "relu_gradient", "auxiliary": True},
    {"activation": "relu_gradient", "auxiliary": True, "summed": "c"},
    {"activation": "gelu_gradient", "auxiliary": True},
    {"activation": "gelu_gradient", "auxiliary": True, "summed": "c"},
    {"summed": "b"},
    {"summed": "a", "transpose_a": True},
    {"summed": "b", "wide": True},
]


def gradient_product(device: Any, options: dict[str, Any], arrays: dict[str, Any], kind: Any, compute: str) -> Product:
    """A product of [96, 64] and [64, 200] on a device, with what options ask for."""
    options = dict(options)
    places = {name: put(device, array) for name, array in arrays.items()}
    if options.pop("auxiliary", False):
        relu = options["activation"].startswith("relu")
        options |= {"auxiliary": places["mask" if relu else "before"], "auxiliary_leading": 256 if relu else 200}
    options |= {"bias": places["bias"]} if options.get("bias") else {}
    options |= {"sums": places["sums"]} if options.get("summed") else {}
    leading = 96 if options.get("transpose_a") else 64, 200, 200
    return Product(
        places["a"], places["b"], places["c"], 96, 200, 64, kind, leading, compute=compute,
        **options | {"bias": options.get("bias", 0)},
    )  # fmt: skip


@pytest.mark.parametrize("options", GRADIENTS, ids=str)
@pytest.mark.parametrize(("dtype", "compute"), [("float32", "float32"), ("float32", "tf32"), ("bfloat16", "bfloat16")])
def test_7_what_gradients_need(device: Any, note: Note, options: dict[str, Any], dtype: str, compute: str) -> None:
    kind, random = BFLOAT16 if dtype == "bfloat16" else np.dtype(dtype), np.random.default_rng(0)
    if options.get("wide") and kind != BFLOAT16:
        pytest.skip("float32 is as wide")
    wide = np.dtype(np.float32) if options.get("wide") else kind
    shapes = {
        "a": (64, 96) if options.get("transpose_a") else (96, 64),
        "b": (64, 200),
        "bias": (200,),
        "before": (96, 200),
    }
    given = {name: random.standard_normal(shape).astype(kind) for name, shape in shapes.items()}
    given |= {
        "c": np.zeros((96, 200), wide),
        "sums": np.zeros(200, wide),
        "mask": random.integers(0, 256, (96, 32), np.uint8),
    }
    try:
        call = device.product(product := gradient_product(device, options, given, kind, compute))
    except UnsupportedError as error:
        note(f"{options} in {dtype} as {compute}", str(error))
        return
    call()
    simulated = SimDevice()
    simulated.product(expected := gradient_product(simulated, options, given, kind, compute))()
    results = {"c": product.c, "sums": product.sums, "before": product.auxiliary if "gelu" in product.activation else 0}
    for name, address in results.items():
        if address:
            found = got(device, address, given[name].shape, given[name].dtype).astype(np.float64)
            place = {"c": expected.c, "sums": expected.sums, "before": expected.auxiliary}[name]
            wanted = got(simulated, place, given[name].shape, given[name].dtype).astype(np.float64)
            most = {"float32": 1e-3 if "gelu" in product.activation else 1e-5, "tf32": 3e-3}.get(compute, 1e-2)
            assert np.linalg.norm(found - wanted) / np.linalg.norm(wanted) < most, name


@pytest.mark.parametrize(("dtype", "compute"), [("float32", "float32"), ("float32", "tf32"), ("bfloat16", "bfloat16")])
def test_7_what_the_library_does_as_the_cpu(device: Any, note: Note, dtype: str, compute: str) -> None:
    kind = BFLOAT16 if dtype == "bfloat16" else np.dtype(dtype)
    for what in ("relu", "relu_mask", "relu_gradient", "gelu", "gelu_gradient", "sums_a", "sums_b"):
        note(
            f"{what} in {dtype} as {compute}", "by the library" if works(device, what, kind, compute) else "by a kernel"
        )


def test_7_a_bias_anywhere_is_refused(device: Any) -> None:
    product, _, _ = product_of(device, np.float32, "float32", (96, 200, 64), bias=device.allocate(1000) + 4)
    with pytest.raises(UnsupportedError, match="a bias that does not begin"):
        device.product(product)


@pytest.mark.parametrize(("dtype", "compute"), [("bfloat16", "bfloat16"), ("float32", "tf32"), ("float32", "float32")])
def test_8_rates(device: Any, note: Note, dtype: str, compute: str) -> None:
    kind, size = BFLOAT16 if dtype == "bfloat16" else np.dtype(dtype), 8192 if compute != "float32" else 4096
    product, _, _ = product_of(device, kind, compute, (size, size, size))
    call = device.product(product)
    call()
    rate = 2 * size**3 / seconds(device, call, 10) / 1e12
    note(f"products of {size} in {dtype} as {compute}", f"{rate:.0f} TFLOP/s")
    for address in (product.a, product.b, product.c):
        device.release(address)


def test_9_kernels_around_convolutions(device: Any) -> None:
    device.load(kernels())
    for dtype in (np.float16, np.float32, np.float64):
        item = np.dtype(dtype).itemsize
        matrix = np.random.default_rng(0).standard_normal((70, 45)).astype(dtype)
        to = device.allocate(matrix.nbytes)
        turned(device, to, put(device, matrix), 70, 45, item)()
        np.testing.assert_array_equal(got(device, to, (45, 70), dtype), matrix.T)
        images = np.random.default_rng(0).standard_normal((2, 5, 6, 3)).astype(dtype)
        to = device.allocate(2 * 6 * 8 * 3 * item)
        moved(device, to, (2, 6, 8, 3), put(device, images), (2, 5, 6, 3), (1, 1), item)()
        padded = np.pad(images, ((0, 0), (1, 0), (1, 1), (0, 0)))
        np.testing.assert_array_equal(got(device, to, (2, 6, 8, 3), dtype), padded)


def reference(kind: str, x: Any, filters: Any, y: Any, strides: tuple[int, int], padding: Any) -> Any:
    import headrace as tf

    pads, steps = [[0, 0], [*padding[:2]], [*padding[2:]], [0, 0]], [1, *strides, 1]
    with tf.Graph().as_default(), tf.Session(backend="reference") as session:
        x, filters, y = (value.astype(np.float64) for value in (x, filters, y))
        if kind == "forward":
            return session.run(tf.nn.conv2d(x, filters, steps, pads))
        if kind == "data":
            return session.run(tf.nn.conv2d_backprop_input(x.shape, filters, y, steps, pads))
        return session.run(tf.nn.conv2d_backprop_filter(x, filters.shape, y, steps, pads))


@pytest.mark.parametrize("kind", ["forward", "data", "filter"])
@pytest.mark.parametrize(("strides", "padding"), [((1, 1), (1, 1, 1, 1)), ((2, 2), (0, 1, 0, 1))])
@pytest.mark.parametrize(
    ("dtype", "compute", "tolerance"),
    [
        ("float32", "float32", 1e-5),
        ("float32", "tf32", 2e-3),
        ("bfloat16", "bfloat16", 1e-2),
        ("float16", "float16", 2e-3),
    ],
)
def test_a_convolutions_captured(
    device: Any, kind: str, strides: Any, padding: Any, dtype: str, compute: str, tolerance: float
) -> None:
    element = BFLOAT16 if dtype == "bfloat16" else np.dtype(dtype)
    random = np.random.default_rng(0)
    side = 16 // strides[0]
    shapes = {"x": (4, 16, 16, 32), "filters": (3, 3, 32, 64), "y": (4, side, side, 64)}
    arrays = {name: random.standard_normal(shape).astype(element) for name, shape in shapes.items()}
    places = {name: put(device, array) for name, array in arrays.items()}
    convolution = Convolution(kind, *places.values(), element, *shapes.values(), strides, (1, 1), padding, compute)  # type: ignore[arg-type]
    try:
        call = device.convolution(convolution)
    except UnsupportedError as error:
        pytest.skip(str(error))
    call()
    result = {"forward": "y", "data": "x", "filter": "filters"}[kind]
    replay = captured(device, [device.fill(places[result], arrays[result].nbytes, 255), call])
    replay()
    expected = reference(kind, arrays["x"], arrays["filters"], arrays["y"], strides, padding)
    found = got(device, places[result], shapes[result], element).astype(np.float64)
    assert np.linalg.norm(found - expected) / np.linalg.norm(expected) < tolerance
    replay()
    np.testing.assert_array_equal(got(device, places[result], shapes[result], element).astype(np.float64), found)


POOL = {"ksize": [1, 3, 3, 1], "strides": [1, 2, 2, 1], "padding": "SAME", "data_format": "NHWC"}
POOL_OPS = {"max": "MaxPool", "mean": "AvgPool", "mean gradient": "AvgPoolGrad"}


def pooling(kind: str, x: int, y: int, dtype: Any, count: int, side: int, channels: int) -> Pooling:
    """A pool by windows of 3 by 3 at every other place of images whose sides are odd."""
    sizes = (count, side, side, channels), (count, side // 2 + 1, side // 2 + 1, channels)
    return Pooling(kind, x, y, np.dtype(dtype), *sizes, (3, 3), (2, 2), (1, 1))


@pytest.mark.parametrize("kind", POOL_OPS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, BFLOAT16], ids=str)
def test_a_pools_captured(device: Any, kind: str, dtype: Any) -> None:
    x = np.random.default_rng(0).standard_normal((2, 15, 15, 24)).astype(dtype)
    x[0, 3, 3, 0] = np.nan
    gives = "x" if kind == "mean gradient" else "y"
    arrays = {"x": x, "y": np.array(definition_of("AvgPool").kernel_function(np, x, **POOL))}
    places = {name: put(device, array) for name, array in arrays.items()}
    try:
        call = device.pooling(pooling(kind, *places.values(), dtype, 2, 15, 24))
    except UnsupportedError as error:
        pytest.skip(str(error))
    call()
    replay = captured(device, [device.fill(places[gives], arrays[gives].nbytes, 255), call])
    replay()
    inputs = [np.array(x.shape, np.int32), arrays["y"]] if gives == "x" else [x]
    expected = np.asarray(definition_of(POOL_OPS[kind]).kernel_function(np, *inputs, **POOL)).astype(float)
    found = got(device, places[gives], expected.shape, dtype).astype(float)
    tolerance = {2: 1e-2, 4: 1e-5, 8: 1e-12}[np.dtype(dtype).itemsize]
    np.testing.assert_allclose(found, expected, tolerance, tolerance)


@pytest.mark.parametrize("kind", POOL_OPS)
@pytest.mark.parametrize("dtype", [np.float32, BFLOAT16], ids=str)
def test_a_pools_by_both(device: Any, note: Note, kind: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first pool of a ResNet, by cuDNN and by the kernels: HEADRACE_CUDNN chooses."""
    shapes = (64, 113, 113, 64), (64, 57, 57, 64)
    x, y = (array_of(device, np.zeros(shape, dtype)) for shape in shapes)
    sizes = array_of(device, np.array(shapes[0], np.int32))
    try:
        call = device.pooling(pooling(kind, x.address, y.address, dtype, 64, 113, 64))
    except UnsupportedError as error:
        pytest.skip(str(error))
    inputs, outputs = ([sizes, y], [x]) if kind == "mean gradient" else ([x], [y])
    monkeypatch.setattr(device, "pooling", refused)
    own = bound_calls(Bound(POOL_OPS[kind], device, inputs, outputs, POOL))
    for who, work in (("cuDNN", [call]), ("kernels", own)):
        note(f"{kind} of a pool in {np.dtype(dtype)} by {who}", f"{timed(device, work) * 1e6:.1f} us")
    for array in (x, y, sizes):
        device.release(array.address)


def array_of(device: Any, array: Any) -> DeviceArray:
    return DeviceArray(put(device, array), array.dtype, array.shape, row_major(array.shape, array.dtype))


def refused(work: Any) -> Any:
    raise UnsupportedError("by kernels")


def bound_calls(bound: Bound) -> list[Any]:
    """The prepared work of a node."""
    GPU_BINDINGS[bound.type](bound)
    functions = bound.device.load([w.kernel for w in bound.work if isinstance(w, Launch)])
    return [w.prepare(bound.device, functions) if isinstance(w, Launch) else w for w in bound.work]


def timed(device: Any, calls: list[Any]) -> float:
    """Seconds of captured work."""
    for call in calls:
        call()
    replay = captured(device, calls)
    replay()
    return seconds(device, replay, 20)


def test_b_memory_that_is_not_there(device: Any) -> None:
    with pytest.raises(ResourceExhaustedError):
        device.allocate(1 << 50)
    device.release(device.allocate(1 << 20))


def test_c_bandwidth(device: Any, note: Note) -> None:
    nbytes = 1 << 30
    a, b = device.allocate(nbytes), device.allocate(nbytes)
    call = device.copy(b, a, nbytes)
    call()
    note("copies on the card", f"{2 * nbytes / seconds(device, call, 10) / 1e12:.2f} TB/s read and written")
    device.release(a)
    device.release(b)

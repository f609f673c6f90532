"""The simulated device: its memory, kernels in every order of threads, products, captures, and what it refuses."""

import gc
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from headrace.engine.errors import FailedPreconditionError, InternalError, InvalidArgumentError, ResourceExhaustedError
from headrace.engine.gpu import source
from headrace.engine.gpu.device import ALIGNMENT, Convolution, Product
from headrace.engine.gpu.sim.compile import HostCompiler
from headrace.engine.gpu.sim.device import SimDevice
from headrace.engine.gpu.source import Kernel
from headrace.engine.unsupported import UnsupportedError

BFLOAT16 = ml_dtypes.bfloat16
ROWS = (("float*", "y"), ("const float*", "x"), ("int", "n"))

# Sums of rows, one a block; threads add in a tree by shared memory.
TREE = """
    __shared__ float parts[256];
    int t = threadIdx.x;
    float sum = 0;
    HR_EACH_OF_BLOCK(i, n) sum += x[blockIdx.x * n + i];
    parts[t] = sum;
    BARRIER
    for (int step = 128; step > 0; step /= 2) {
        if (t < step) parts[t] += parts[t + step];
        __syncthreads();
    }
    if (t == 0) y[blockIdx.x] = parts[0];
"""


def rows(name, body, **options):
    return Kernel(name, ROWS, body, **{"synchronizes": True} | options)


def put(device, array):
    array = np.ascontiguousarray(array)
    address = device.allocate(array.nbytes)
    device.upload(address, array)
    return address


def get(device, address, shape, dtype):
    array = np.empty(shape, dtype)
    device.download(array, address)
    return array


def run_rows(device, kernel, x, shared=0, threads=256):
    y = device.allocate(4 * len(x))
    function = device.load([kernel])[kernel.name]
    device.launch(function, (len(x), 1, 1), (threads, 1, 1), shared, (y, put(device, x), x.shape[1]))()
    return get(device, y, len(x), np.float32)


def whole_numbers(*shape):
    return np.random.default_rng(1).integers(-9, 9, shape).astype(np.float32)


def test_fresh_and_freed_memory_is_nan(sim):
    address = sim.allocate(1000)
    assert address % ALIGNMENT == 0 and np.isnan(get(sim, address, 250, np.float32)).all()
    sim.upload(address, np.zeros(250, np.float32))
    calls = sim.copy(address, address, 1000), sim.fill(address, 1000, 0)
    sim.release(address)
    for call in calls:
        with pytest.raises(InternalError, match="not in any block"):
            call()
    with pytest.raises(InternalError, match="released already"):
        sim.release(address)


def test_memory_ends_at_its_limit(sim):
    small = SimDevice(limit=1000)
    first = small.allocate(600)
    assert small.memory() == (400, 1000)
    with pytest.raises(ResourceExhaustedError, match="400 of 1000 bytes left, not 401"):
        small.allocate(401)
    small.release(first)
    small.allocate(1000)


def test_devices_give_their_memory_back(sim):
    device = SimDevice()
    device.allocate(100)
    memory = device._memory
    assert memory.used == 100
    del device
    gc.collect()
    assert memory.used == 0


def test_copies_and_fills(sim):
    a, b = put(sim, np.arange(10)), put(sim, np.zeros(10, np.int64))
    sim.copy(b, a, 40)()
    sim.fill(a, 16, 1)()
    assert get(sim, b, 10, np.int64).tolist() == [0, 1, 2, 3, 4, 0, 0, 0, 0, 0]
    assert get(sim, a, 4, np.int64).tolist() == [0x0101010101010101] * 2 + [2, 3]
    with pytest.raises(ValueError, match="not contiguous"):
        sim.upload(a, np.zeros((2, 2))[:, 0])
    with pytest.raises(InternalError, match="overlap"):
        sim.copy(a + 8, a, 16)()


def test_what_a_gpu_cannot_load_is_an_error(sim):
    """Wide loads and pointers at addresses that are no multiples of what they point to: a processor does not mind."""
    parameters = (("float*", "y"), ("const float*", "x"))
    body = "if (threadIdx.x == 0) pack_at<float, 4>(y) = pack_at<float, 4>((const float*)x);"
    kernel = Kernel("wide", parameters, body, ("elementwise.cuh",))
    function, address = sim.load([kernel])["wide"], put(sim, np.arange(8, dtype=np.float32))
    sim.launch(function, (1, 1, 1), (1, 1, 1), 0, (address, address + 16))()
    assert get(sim, address, 4, np.float32).tolist() == [4, 5, 6, 7]
    for places, words in (((address, address + 4), r"elementwise.cuh:\d+: .* multiple of 16"),
                          ((address, address + 2), "argument:1: .* multiple of 4")):  # fmt: skip
        with pytest.raises(InternalError, match=words):
            sim.launch(function, (1, 1, 1), (1, 1, 1), 0, places)()


def test_products_that_a_library_reads_otherwise(sim):
    address = put(sim, np.zeros(64, np.float32))
    product = Product(address, address, address, 2, 2, 2, np.dtype(np.float32), (2, 2, 2))
    with pytest.raises(UnsupportedError, match="a bias that does not begin"):
        sim.product(replace(product, bias=address + 8))
    with pytest.raises(ValueError, match="operand b: rows of 2 elements, 1 apart"):
        sim.product(replace(product, leading=(2, 1, 2)))
    with pytest.raises(ValueError, match="operand a: elements of 4 bytes"):
        sim.product(replace(product, a=address + 2))


def test_kernels_run_in_every_order(ordered_sim):
    x = whole_numbers(9, 1000)
    tree = rows("tree", TREE.replace("BARRIER", "__syncthreads();"))
    assert (run_rows(ordered_sim, tree, x) == x.sum(1)).all()


def test_a_missing_barrier_is_found(sim):
    x = whole_numbers(9, 1000)
    tree = rows("tree_without_barrier", TREE.replace("BARRIER", ""))
    right = [(run_rows(SimDevice(order=o), tree, x) == x.sum(1)).all() for o in ("forward", "reverse", "random")]
    assert not all(right)


def test_warps_exchange_values(ordered_sim):
    body = """
        int lane = threadIdx.x & 31;
        float v = x[blockIdx.x * n + threadIdx.x];
        float up = __shfl_up_sync(0xffffffffu, v, 1), down = __shfl_down_sync(0xffffffffu, v, 2, 16);
        float first = __shfl_sync(0xffffffffu, v, 0), other = __shfl_xor_sync(0xffffffffu, v, 1);
        unsigned votes = __ballot_sync(0xffffffffu, v > 0);
        bool any = __any_sync(0xffffffffu, v > 0), all = __all_sync(0xffffffffu, v > -100);
        __syncwarp();
        float odd = 0;
        if (lane & 1) odd = __shfl_sync(0xaaaaaaaau, v, lane ^ 2);
        float sum = up + 3 * down + 5 * first + 7 * other + 11 * odd + __popc(votes) + 2 * any + 4 * all;
        sum = block_sum(sum);
        if (threadIdx.x == 0) y[blockIdx.x] = sum;
    """
    x = whole_numbers(3, 96)
    v, lane = x.reshape(3, 3, 32), np.arange(32)
    up, down = v[..., np.maximum(lane - 1, 0)], v[..., np.where(lane % 16 < 14, lane + 2, lane) % 32]
    sums = up + 3 * down + 5 * v[..., :1] + 7 * v[..., lane ^ 1] + 11 * (lane & 1) * v[..., lane ^ 2] + 4
    sums += ((v > 0).sum(-1) + 2 * (v > 0).any(-1))[..., None]
    assert (run_rows(ordered_sim, rows("exchange", body), x, threads=96) == sums.sum((1, 2))).all()


def test_blocks_reduce(ordered_sim):
    body = """
        float v = threadIdx.x < n ? x[blockIdx.x * n + threadIdx.x] : -HR_INFINITY;
        float most = block_max(v), least = block_min(threadIdx.x < n ? v : HR_INFINITY);
        int count = block_sum(1);
        if (threadIdx.x == 0) y[blockIdx.x] = most + 100 * least + 1000 * count;
    """
    x = whole_numbers(5, 70)
    x[3, 60] = np.nan
    expected = x.max(1) + 100 * x.min(1) + 96000
    np.testing.assert_array_equal(run_rows(ordered_sim, rows("extremes", body), x, threads=96), expected)


@pytest.mark.parametrize(
    "words", ["extern __shared__ float tile[];", "HR_DYNAMIC_SHARED(float, tile);"], ids=["extern", "macro"]
)
def test_dynamic_shared_memory(ordered_sim, words):
    name = "reversed_by_" + words.split("(")[0].split()[0]
    body = f"""
        {words}
        tile[threadIdx.x] = x[blockIdx.x * n + threadIdx.x];
        __syncthreads();
        if (threadIdx.x == 0) y[blockIdx.x] = tile[n - 1] + 2 * tile[0];
    """
    x = whole_numbers(4, 64)
    assert (run_rows(ordered_sim, rows(name, body), x, shared=256, threads=64) == x[:, -1] + 2 * x[:, 0]).all()


def test_shared_memory_is_nan_before_it_is_written(ordered_sim):
    body = """
        __shared__ float fixed[64];
        extern __shared__ float tile[];
        if (threadIdx.x == 0) y[blockIdx.x] = (fixed[3] != fixed[3]) + 2 * (tile[3] != tile[3]);
        __syncthreads();
        tile[threadIdx.x] = fixed[threadIdx.x] = 1;
    """
    assert (run_rows(ordered_sim, rows("unwritten", body), whole_numbers(4, 64), shared=256, threads=64) == 3).all()


def test_atomics_count_in_every_order(ordered_sim):
    body = """
        HR_EACH(i, n) {
            int k = (int)x[i];
            atomicAdd(&counts[k], 1);
            atomicMax(&most[0], 10 * k);
            atomicCAS(&most[1], 0, 7);
        }
    """
    kernel = Kernel("counting", (("int*", "counts"), ("int*", "most"), ("const float*", "x"), ("long long", "n")), body)
    x = np.abs(whole_numbers(1000))
    counts, most = put(ordered_sim, np.zeros(10, np.int32)), put(ordered_sim, np.zeros(2, np.int32))
    function = ordered_sim.load([kernel])["counting"]
    ordered_sim.launch(function, (2, 1, 1), (64, 2, 1), 0, (counts, most, put(ordered_sim, x), 1000))()
    # The two rows of threads do the same: HR_EACH is for one row.
    expected = 2 * np.bincount(x.astype(int), minlength=10)
    assert get(ordered_sim, counts, 10, np.int32).tolist() == expected.tolist()
    assert get(ordered_sim, most, 2, np.int32).tolist() == [90, 7]


BAD = {
    "some_wait": ("if (threadIdx.x < 32) __syncthreads();", "some_wait:1: only 32 of 64 threads reach a barrier"),
    "apart": (
        "if (threadIdx.x < 32) {\n__syncthreads(); } else {\n__syncthreads(); }",
        "different barriers, such as apart:[23] and apart:[23]",
    ),
    "ended": (
        "if (threadIdx.x > 3) y[0] = __shfl_sync(0xffffffffu, 1.0f, 0);",
        "28 threads wait for lanes of their warp that never come: 36 threads have ended",
    ),
    "left_out": ("y[0] = __shfl_sync(1u, 1.0f, 0);", r"lane \d+ calls __shfl_sync with a mask that leaves it out"),
    "asks_wrongly": (
        "if (threadIdx.x % 32 < 4) y[0] = __shfl_sync(15u, 1.0f, 8);",
        "lane 0 asks for the value of lane 8",
    ),
    "mixed": ("if (threadIdx.x % 2) __syncwarp(); else __syncthreads();", "threads wait for lanes of their warp"),
}


@pytest.mark.parametrize("name", BAD)
def test_threads_that_wait_in_vain_are_found(ordered_sim, name):
    body, message = BAD[name]
    with pytest.raises(InternalError, match=f"kernel {name}.*{message}"):
        run_rows(ordered_sim, rows(name, body), whole_numbers(2, 64), threads=64)


@pytest.mark.parametrize("call", ["__syncthreads()", "__syncwarp()", "y[0] = __shfl_xor_sync(0xffffffffu, 1.0f, 1)"])
def test_loops_do_not_wait(sim, call):
    name = "loop_" + "".join(c for c in call if c.isalpha())[:12]
    with pytest.raises(InternalError, match=f"{name} calls __.*declared with synchronizes=False"):
        run_rows(sim, rows(name, f"{call};", synchronizes=False), whole_numbers(2, 64))


def test_the_systems_fibres_do_the_same(sim, monkeypatch):
    monkeypatch.setenv("HEADRACE_SIM_FIBRES", "ucontext")
    x = whole_numbers(3, 300)
    body = "float s = 0; HR_EACH_OF_BLOCK(i, n) s += x[blockIdx.x * n + i]; s = block_sum(s); y[blockIdx.x] = s;"
    assert (run_rows(SimDevice(order="random:3"), rows("sums", body), x, threads=64) == x.sum(1)).all()


def test_what_g_plus_plus_says_is_shown(sim):
    with pytest.raises(InternalError, match=r"g\+\+ cannot compile wrong:(.|\n)*wrong:1:.*unknown_name"):
        sim.load([rows("wrong", "y[0] = unknown_name;")])


LAUNCHES = {
    "takes 3 arguments, not 2": ((1, 1, 1), (32, 1, 1), 0, (1, 2)),
    "is no int n": ((1, 1, 1), (32, 1, 1), 0, (1, 2, 2**31)),
    "1.5 is no int n": ((1, 1, 1), (32, 1, 1), 0, (1, 2, 1.5)),
    "a grid of": ((0, 1, 1), (32, 1, 1), 0, (1, 2, 3)),
    "blocks of": ((1, 1, 1), (512, 4, 1), 0, (1, 2, 3)),
    "bytes of shared memory": ((1, 1, 1), (32, 1, 1), 1 << 20, (1, 2, 3)),
}


@pytest.mark.parametrize("message", LAUNCHES)
def test_launches_that_no_gpu_would_do(sim, message):
    function = sim.load([rows("fine", "y[0] = x[0];", synchronizes=False)])["fine"]
    with pytest.raises(ValueError, match=f"kernel fine.*{message}"):
        sim.launch(function, *LAUNCHES[message])
    with pytest.raises(InternalError, match="kernel fine, argument y"):
        sim.launch(function, (1, 1, 1), (32, 1, 1), 0, (64, 0, 1))()


def test_one_name_is_one_kernel(sim):
    kernels = [rows("same", "y[0] = 1;"), rows("same", "y[0] = 2;")]
    with pytest.raises(ValueError, match="two kernels are named same"):
        sim.load(kernels)
    for value, kernel in enumerate(kernels, 1):
        assert run_rows(sim, kernel, whole_numbers(1, 4)).tolist() == [value]


def test_orders_have_names():
    for order in ("sideways", "random:x", "forward:x"):
        with pytest.raises(ValueError, match=f'not "{order}"'):
            SimDevice(order=order)


def test_sizes_of_memory_are_numbers(monkeypatch):
    monkeypatch.setenv("HEADRACE_SIM_MEMORY", "4G")
    with pytest.raises(InvalidArgumentError, match="HEADRACE_SIM_MEMORY is '4G'; it must be a number of bytes"):
        SimDevice()
    monkeypatch.setenv("HEADRACE_SIM_MEMORY", "4096")
    assert SimDevice().memory() == (4096, 4096)


def test_a_compiler_that_does_not_start_is_named(tmp_path, monkeypatch):
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho it is broken >&2\nexit 3\n")
    broken.chmod(0o700)
    monkeypatch.setenv("HEADRACE_SIM_CXX", str(broken))
    with pytest.raises(InternalError, match="broken --version fails with 3: it is broken"):
        SimDevice().load([rows("any", "y[0] = 1;")])


# ---- Products ----


def product_of(sim, dtype, batch=1, turn_a=False, turn_b=False, beta=0.0, bias=False, **options):
    rng, (m, n, k) = np.random.default_rng(2), (5, 4, 3)
    a = rng.integers(-4, 4, (batch, k, m) if turn_a else (batch, m, k)).astype(dtype)
    b = rng.integers(-4, 4, (batch, n, k) if turn_b else (batch, k, n)).astype(dtype)
    c, by_column = rng.integers(-4, 4, (batch, m, n)).astype(dtype), np.arange(n).astype(dtype)
    address = put(sim, c if beta else np.full_like(c, -1))
    added = put(sim, by_column) if bias else 0
    leading, strides = (a.shape[2], b.shape[2], n), (m * k, k * n, m * n)
    options |= {"transpose_a": turn_a, "transpose_b": turn_b, "batch": batch, "strides": strides}
    places = put(sim, a), put(sim, b), address, m, n, k, np.dtype(dtype), leading
    sim.product(Product(*places, beta=beta, bias=added, **options))()
    wide = np.complex128 if np.dtype(dtype).kind == "c" else np.float64
    left, right = (x.astype(wide).swapaxes(1, 2) if t else x.astype(wide) for x, t in ((a, turn_a), (b, turn_b)))
    expected = options.get("alpha", 1) * (left @ right) + (beta * c.astype(wide) if beta else 0)
    return get(sim, address, c.shape, dtype).astype(wide), expected + (by_column.astype(wide) if bias else 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, BFLOAT16, np.int32, np.int64, np.complex64])
@pytest.mark.parametrize("options", [{}, {"turn_a": True}, {"turn_b": True, "batch": 3}, {"alpha": 2, "beta": 3.0}])
def test_products_of_small_numbers_are_exact(sim, dtype, options):
    got, expected = product_of(sim, dtype, **options)
    assert (got == expected).all()


def test_products_end_with_a_bias_and_an_activation(sim):
    got, expected = product_of(sim, np.float32, bias=True, activation="relu")
    assert (got == np.maximum(expected, 0)).all()
    got, x = product_of(sim, np.float16, bias=True, activation="gelu")
    np.testing.assert_allclose(got, 0.5 * x * (1 + np.tanh(0.79788456 * (x + 0.044715 * x**3))), rtol=1e-3, atol=1e-6)
    with pytest.raises(UnsupportedError, match="followed by 'swish'"):
        product_of(sim, np.float32, activation="swish")


def test_tf32_has_ten_bits(sim):
    one = put(sim, np.ones(1, np.float32))
    x, y = put(sim, np.array([1 + 2**-10 + 2**-13], np.float32)), put(sim, np.zeros(1, np.float32))
    sim.product(Product(x, one, y, 1, 1, 1, np.dtype(np.float32), (1, 1, 1), compute="tf32"))()
    assert get(sim, y, 1, np.float32)[0] == 1 + 2**-10


def test_a_product_beyond_its_memory_is_found(sim):
    a, b, c = (put(sim, np.zeros(6, np.float32)) for _ in range(3))
    with pytest.raises(InternalError, match="operand b"):
        sim.product(Product(a, b, c, 2, 3, 3, np.dtype(np.float32), (3, 3, 3)))()


def test_there_is_no_library_of_convolutions(sim):
    sizes = (1, 1, 1, 1)
    convolution = Convolution("forward", 0, 0, 0, np.dtype("f4"), sizes, sizes, sizes, (1, 1), (1, 1), sizes)
    with pytest.raises(UnsupportedError):
        sim.convolution(convolution)


# ---- Captures ----


def test_a_capture_records_and_a_replay_runs(sim):
    a, b = put(sim, np.arange(4.0)), put(sim, np.zeros(4))
    step = sim.capture([sim.copy(b, a, 32), sim.fill(a, 8, 0)])
    assert get(sim, b, 4, float).tolist() == [0, 0, 0, 0]
    sim.upload(a, np.arange(4.0) + 1)
    twice = sim.capture([step, step])
    step()
    assert get(sim, b, 4, float).tolist() == [1, 2, 3, 4]
    twice()
    assert get(sim, b, 4, float).tolist() == [0, 2, 3, 4]


@pytest.mark.parametrize("what", ["upload", "download", "allocate", "release", "capture", "synchronize"])
def test_a_capture_takes_device_work_alone(sim, what):
    a = put(sim, np.zeros(1))
    arguments = {"upload": (a, np.zeros(1)), "download": (np.zeros(1), a), "allocate": (8,), "release": (a,)}
    call = getattr(sim, what)
    with pytest.raises(FailedPreconditionError, match=f"{what} within a capture"):
        sim.capture([lambda: call(*arguments.get(what, ([],) if what == "capture" else ()))])
    sim.synchronize()


# ---- The sanitizer ----

ONE_TOO_FAR = """
import numpy as np
from headrace.engine.gpu.sim.device import SimDevice
from headrace.engine.gpu.source import Kernel

sim = SimDevice()
kernel = Kernel("one_too_far", (("float*", "y"), ("const float*", "x"), ("int", "n")), "HR_EACH(i, n) y[i] = x[i + 1];")
x, y = sim.allocate(400), sim.allocate(400)
sim.launch(sim.load([kernel])["one_too_far"], (1, 1, 1), (128, 1, 1), 0, (y, x, {count}))()
print("no complaint")
"""


@pytest.mark.long
@pytest.mark.parametrize("count", [99, 100])
def test_the_sanitizer_finds_what_is_read_out_of_bounds(sim, count):
    library = subprocess.run(["g++", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    settings = {
        "LD_PRELOAD": library.stdout.strip(),
        "HEADRACE_SIM_SANITIZE": "address",
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",
    }
    command = [sys.executable, "-c", ONE_TOO_FAR.replace("{count}", str(count))]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | settings, check=False)
    if count == 99:
        assert done.stdout == "no complaint\n", done.stderr
    else:
        assert "heap-buffer-overflow" in done.stderr and "one_too_far:1" in done.stderr


WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas"]


def test_the_shim_and_the_prelude_give_no_warnings(sim):
    calls = rows("all_words", "__syncwarp(); float s = block_sum(x[0]) + block_max(x[0]); HR_EACH(i, n) y[i] = s;")
    HostCompiler(WARNINGS).compile([calls])


def test_all_files_of_kernels_go_into_one_unit(sim):
    files = sorted(path.name for path in Path(source.__file__).with_name("kernels").glob("*.cuh"))
    needed = [name for name in files if name != source.PRELUDE]
    # Of the files that kernels need, those that others build on come first.
    first = [name for name in ("columns.cuh", "matrix.cuh", "random.cuh") if name in needed]
    unit = rows("with_all_files", "y[0] = x[n];", files=tuple(dict.fromkeys([*first, *needed])))
    HostCompiler(WARNINGS).compile([unit])

"""Fused attention on the simulated GPU: NumPy's numbers for any lengths, widths and masks, and the same bits in any order."""

import gc
import os
from itertools import product

import ml_dtypes
import numpy as np
import pytest

import headrace as tf
from headrace.engine.gpu.bindings.flash_attention import kinds_of_tiles, tiling
from headrace.engine.gpu.calls import Launch
from headrace.engine.gpu.find import find_device
from headrace.engine.gpu.memory import ledger_of
from headrace.engine.gpu.source import Kernel
from headrace.engine.kernels.philox import stream_of_seeds
from headrace.engine.ops.nn_attention import (
    attention_grad_kernel,
    attention_kernel,
    chance_words,
    packed_attention_grad_kernel,
)

from .nodes import run_node

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
DTYPES = [np.dtype(np.float32), BFLOAT16, np.dtype(np.float16)]
# batch, heads, rows, keys, depth, width
SHAPES = [
    (1, 1, 1, 1, 1, 1),
    (2, 3, 5, 7, 3, 4),
    (1, 2, 70, 150, 64, 64),
    (1, 1, 131, 65, 50, 60),
    (1, 1, 33, 40, 127, 96),
    (1, 1, 40, 20, 128, 128),
]
# Largest error as a share of the largest number.
ERRORS = {"float32": 1e-5, "tf32": 5e-3, "bfloat16": 2e-2, "float16": 4e-3}


def mask_of(kind, rng, batch, heads, rows, keys):
    if kind == "none":
        return []
    if kind == "causal":
        return [np.triu(np.full((rows, keys), -1e9, np.float32), 1)]
    lengths = rng.integers(1, keys + 1, (batch, 1, 1, 1))
    return [np.where(np.arange(keys) < lengths, 0, -1e9).astype(np.float32)]


def case(seed, shape, dtype, kind):
    """Query, key, value and dy as they lie behind a projection, heads within a row; the mask; expected results."""
    rng = np.random.default_rng(seed)
    batch, heads, rows, keys, depth, width = shape
    sizes = ((rows, depth), (keys, depth), (keys, width), (rows, width))
    turned = [rng.standard_normal((batch, n, heads, d)).astype(dtype) for n, d in sizes]
    query, key, value, dy = (x.swapaxes(1, 2) for x in turned)
    mask = mask_of(kind, rng, batch, heads, rows, keys)
    attrs = {"scale": depth**-0.5, "mask_factor": 1.0, "by_rows": kind == "causal"}
    return [query, key, value], dy, mask, attrs, list(attention_kernel(np, query, key, value, mask, **attrs))


def empty_like(expected):
    return [np.full(e.shape, 7, e.dtype) for e in expected]


def check(device, op_type, inputs, attrs, expected, **options):
    outputs = empty_like(expected)
    bound = run_node(device, op_type, inputs, outputs, attrs, **options)
    assert not bound.remarks
    for out, wanted in zip(outputs, expected, strict=True):
        wanted = wanted.astype(np.float32)
        name = options["precision"] if options.get("precision") == "tf32" else inputs[0].dtype.name
        most = ERRORS[name] * np.abs(wanted).max(initial=1)
        np.testing.assert_allclose(out.astype(np.float32), wanted, rtol=0, atol=most)
    return outputs, bound


KINDS = [(p, k) for p in ("float32", "bfloat16") for k in ("none", "causal", "lengths")]


@pytest.mark.parametrize(("precision", "kind"), [*KINDS, ("tf32", "causal"), ("float16", "lengths")])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_attention(sim, shape, precision, kind):
    dtype = np.dtype({"tf32": "float32", "bfloat16": BFLOAT16}.get(precision, precision))
    options = {"precision": "tf32" if precision == "tf32" else "float32"}
    given, dy, mask, attrs, expected = case(3, shape, dtype, kind)
    check(sim, "_Attention", [*given, *mask], attrs, expected, **options)
    inputs = [dy, *given, *map(np.ascontiguousarray, expected), *mask]
    gradients = attention_grad_kernel(np, *inputs[:7], mask, **attrs)
    check(sim, "_AttentionGrad", inputs, attrs, gradients, **options)
    if shape[2] == shape[3] and shape[4] == shape[5]:
        packed = packed_attention_grad_kernel(np, *inputs[:7], mask, **attrs)
        check(sim, "_PackedAttentionGrad", inputs, attrs, [packed], **options)


@pytest.mark.parametrize("dtype", DTYPES[1:], ids=str)
@pytest.mark.parametrize("shape", [(1, 2, 70, 45, 192, 130), (2, 1, 20, 33, 256, 256)], ids=str)
def test_wide_heads(ordered_sim, shape, dtype):
    given, dy, mask, attrs, _ = case(3, shape, dtype, "causal")
    chance = [drawn(0.25)]
    expected = list(attention_kernel(np, *given, mask, chance, **attrs))
    check(ordered_sim, "_Attention", [*given, *mask, *chance], attrs, expected)
    inputs = [dy, *given, *map(np.ascontiguousarray, expected)]
    gradients = attention_grad_kernel(np, *inputs, mask, chance, **attrs)
    check(ordered_sim, "_AttentionGrad", [*inputs, *mask, *chance], attrs, gradients)


@pytest.mark.parametrize("dtype", DTYPES[:2], ids=str)
def test_gradients_of_packed_parts(sim, dtype):
    given, dy, mask, attrs, expected = case(4, (2, 2, 40, 40, 16, 16), dtype, "causal")
    inputs = [dy, *given, *expected]
    packed = packed_attention_grad_kernel(np, *inputs, mask, **attrs)
    check(sim, "_PackedAttentionGrad", [*inputs, *mask], attrs, [packed])


@pytest.mark.parametrize("dtype", DTYPES[:2], ids=str)
def test_three_axes(ordered_sim, dtype):
    rng = np.random.default_rng(9)
    query, key, value = (rng.standard_normal((5, n, 6)).astype(dtype) for n in (3, 4, 4))
    mask, attrs = (
        rng.standard_normal((5, 1, 4)).astype(np.float32),
        {"scale": 1.0, "mask_factor": -1.0, "by_rows": False},
    )
    expected = list(attention_kernel(np, query, key, value, [mask], **attrs))
    check(ordered_sim, "_Attention", [query, key, value, mask], attrs, expected)
    inputs = [rng.standard_normal((5, 3, 6)).astype(dtype), query, key, value, *expected]
    check(ordered_sim, "_AttentionGrad", [*inputs, mask], attrs, attention_grad_kernel(np, *inputs, [mask], **attrs))


def drawn(rate, skipped=2**64 - 3):
    return chance_words(stream_of_seeds(5, 6).skipped(skipped), np.float32(rate), np.float32(1 / (1 - rate)))


@pytest.mark.parametrize(("dtype", "tf32"), [*((d, False) for d in DTYPES), (DTYPES[0], True)], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_is_dropped_and_chosen(sim, shape, dtype, tf32):
    given, dy, _, attrs, _ = case(6, shape, dtype, "none")
    batch, _, _, keys, *_ = shape
    # The first example shows nothing.
    mask = np.where(np.arange(keys) < 3 * np.arange(batch).reshape(-1, 1, 1, 1), 0, -np.inf).astype(np.float32)
    attrs |= {"hidden": -3e4, "by_rows": True}
    expected = list(attention_kernel(np, *given, [mask], [drawn(0.3)], **attrs))
    others, options = [mask, drawn(0.3)], {"precision": "tf32" if tf32 else "float32"}
    check(sim, "_Attention", [*given, *others], attrs, expected, **options)
    inputs = [dy, *given, *map(np.ascontiguousarray, expected)]
    gradients = attention_grad_kernel(np, *inputs, [mask], others[1:], **attrs)
    assert not gradients[0][0].any() and gradients[2].any()
    (found, *_), _ = check(sim, "_AttentionGrad", [*inputs, *others], attrs, gradients, **options)
    assert not found[0].any()


@pytest.mark.parametrize("dtype", DTYPES[:2], ids=str)
def test_what_is_dropped_in_any_order(ordered_sim, dtype):
    given, dy, mask, attrs, _ = case(7, (1, 2, 150, 141, 16, 32), dtype, "causal")
    chance = [drawn(0.5)]
    expected = list(attention_kernel(np, *given, mask, chance, **attrs))
    first, _ = check(ordered_sim, "_Attention", [*given, *mask, *chance], attrs, expected)
    inputs = [dy, *given, *map(np.ascontiguousarray, expected)]
    gradients = attention_grad_kernel(np, *inputs, mask, chance, **attrs)
    check(ordered_sim, "_AttentionGrad", [*inputs, *mask, *chance], attrs, gradients)
    again, _ = check(ordered_sim, "_Attention", [*given, *mask, *chance], attrs, expected, constants=False)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("dtype", DTYPES[:2], ids=str)
def test_hidden_tiles_change_no_bit(ordered_sim, dtype):
    given, dy, mask, attrs, expected = case(5, (1, 2, 140, 140, 16, 16), dtype, "causal")
    inputs = [dy, *given, *expected, *mask]
    for op_type, arrays, wanted in (
        ("_Attention", [*given, *mask], expected),
        ("_AttentionGrad", inputs, attention_grad_kernel(np, *inputs[:7], mask, **attrs)),
    ):
        found, bound = check(ordered_sim, op_type, arrays, attrs, wanted)
        # The mask is no constant now: all of it is read.
        again, other = check(ordered_sim, op_type, arrays, attrs, wanted, constants=False)
        assert tables(bound) and not tables(other)
        for one, two in zip(found, again, strict=True):
            np.testing.assert_array_equal(one, two)


def tables(bound):
    """How many launches have a table of tiles."""
    launches = [w for w in bound.work if isinstance(w, Launch) and w.kernel.parameters[-2][1] == "tiles"]
    return sum(w.arguments[-2] != 0 for w in launches)


def test_kinds_of_tiles():
    causal = np.triu(np.full((5, 6), -1e9, np.float32), 1)
    np.testing.assert_array_equal(kinds_of_tiles(causal, 2, 2), [[2, 0, 0], [1, 2, 0], [1, 1, 2]])
    # Who sees nothing is computed as it stands, and so is NaN.
    causal[0], causal[4] = -np.inf, -1e9
    np.testing.assert_array_equal(kinds_of_tiles(causal, 2, 2), [[2, 2, 2], [1, 2, 0], [2, 2, 2]])
    causal[2, 5] = np.nan
    np.testing.assert_array_equal(kinds_of_tiles(causal, 2, 6), [[2], [2], [2]])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES[:2], ids=str)
def test_rows_that_see_nothing_and_keys_that_are_hidden(sim, dtype):
    rng = np.random.default_rng(10)
    query, key, value = (rng.standard_normal((1, 1, n, 4)).astype(dtype) for n in (4, 300, 300))
    mask = np.zeros((4, 300), np.float32)
    mask[0] = -np.inf
    mask[1, :290] = -np.inf
    mask[2, 5] = np.nan
    mask[3] = -1e9
    attrs = {"scale": 0.5, "mask_factor": 1.0, "by_rows": False}
    outputs = empty_like(expected := attention_kernel(np, query, key, value, [mask], **attrs))
    run_node(sim, "_Attention", [query, key, value, mask], list(outputs), attrs)
    found, wanted = (x[0][0, 0].astype(np.float32) for x in (outputs, expected))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=ERRORS[dtype.name])
    assert np.isnan(found[[0, 2]]).all()


PRODUCTS = """
float sum[2][4][4] = {}, mixed[2][4][4] = {};
HR_DYNAMIC_SHARED(T, tile);
load_tile<T, 32, 32, 32>(tile, a, 32, 32, 32, true);
load_tile<T, 32, 32, 32>(tile + 32 * tile_of<T, 32>::stride, b, 32, 32, 32, true);
await_copies();
__syncthreads();
row_products<T, UNITS, 32, 2, 4>::add(sum, tile, tile + 32 * tile_of<T, 32>::stride);
weight_products<T, UNITS, 32, 2, 4>::add(mixed, sum, tile + 32 * tile_of<T, 32>::stride);
int lane = lane_of_warp();
for (int i = 0; i < 32; i++) {
    int m = i / 16, n = i / 4 % 4, row = 16 * m + lane / 4 + i % 4 / 2 * 8, column = 8 * n + lane % 4 * 2 + i % 2;
    c[row * 32 + column] = sum[m][n][i % 4];
    c[1024 + row * 32 + column] = mixed[m][n][i % 4];
}
"""


@pytest.mark.parametrize("units", ["true", "false"])
@pytest.mark.parametrize("name", ["float", "half", "bfloat16"])
def test_products_of_a_warp(ordered_sim, name, units):
    dtype = dict(zip(["float", "bfloat16", "half"], DTYPES, strict=True))[name]
    parameters = ((f"const {name}*", "a"), (f"const {name}*", "b"), ("float*", "c"))
    body = PRODUCTS.replace("UNITS", units).replace("T", name)
    kernel = Kernel(f"warp_products_{name}_{units}", parameters, body, ("matrix.cuh",), 32, synchronizes=True)
    rng = np.random.default_rng(1)
    a, b = (rng.integers(-3, 4, (32, 32)).astype(dtype) for _ in range(2))
    addresses = [ordered_sim.allocate(4096), ordered_sim.allocate(4096), ordered_sim.allocate(8192)]
    for address, array in zip(addresses, (a, b), strict=False):
        ordered_sim.upload(address, array)
    function = ordered_sim.load([kernel])[kernel.name]
    ordered_sim.launch(function, (1, 1, 1), (32, 1, 1), 2 * 32 * (32 * dtype.itemsize + 16), addresses)()
    found = np.empty((2, 32, 32), np.float32)
    ordered_sim.download(found, addresses[2])
    products = a.astype(np.float32) @ b.astype(np.float32).T
    np.testing.assert_array_equal(found[0], products)
    # Small whole numbers: nothing is rounded but what 16 bits round.
    np.testing.assert_array_equal(found[1], products.astype(dtype).astype(np.float32) @ b.astype(np.float32))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_tiles_fit(dtype):
    widest = 256 if dtype.itemsize == 2 else 128
    for width, backward, drop in product(range(1, widest + 1), (False, True), (False, True)):
        cut = tiling(dtype, width, backward=backward, drop=drop)
        assert cut.width % 16 == 0 and width <= cut.width < width + 16 and cut.columns % 16 == 0
        for by_keys in (False, True):
            assert (cut.gradient_bytes(by_keys=by_keys) if backward else cut.forward_bytes()) <= 64 << 10


# Programs


@pytest.fixture
def simulated(sim, monkeypatch):
    monkeypatch.setenv("HEADRACE_GPU", os.environ.get("HEADRACE_TEST_DEVICE", "sim"))
    with tf.Graph().as_default() as graph:
        yield graph


def transformer(steps, heads=2, depth=16, causal=True):
    """A layer of attention behind a projection and before another, its loss and gradients."""
    width = heads * depth
    x = tf.placeholder(tf.float32, [1, steps, width])
    weights = [
        tf.get_variable(name, initializer=(np.random.default_rng(i).standard_normal((width, n)) / 6).astype(np.float32))
        for i, (name, n) in enumerate((("in", 3 * width), ("out", width)))
    ]
    parts = tf.reshape(tf.matmul(tf.reshape(x, [steps, width]), weights[0]), [1, steps, 3, heads, depth])
    query, key, value = tf.unstack(tf.transpose(parts, [2, 0, 3, 1, 4]))
    scores = tf.matmul(query, key, transpose_b=True) * depth**-0.5
    if causal:
        scores += np.triu(np.full((steps, steps), -1e9, np.float32), 1)
    mixed = tf.reshape(tf.transpose(tf.matmul(tf.nn.softmax(scores), value), [0, 2, 1, 3]), [steps, width])
    loss = tf.reduce_mean(tf.square(tf.matmul(mixed, weights[1]) - tf.reshape(x, [steps, width])))
    return x, [loss, *tf.gradients(loss, weights)]


@pytest.mark.parametrize(
    ("precision", "error"), [("float32", 1e-4), ("tf32", 1e-2), ("bfloat16", 3e-2), ("float16", 1e-2)]
)
def test_a_layer_in_each_precision(simulated, precision, error):
    x, fetches = transformer(40)
    feed = {x: np.random.default_rng(5).standard_normal(x.shape.as_list()).astype(np.float32)}
    results = {}
    for backend, chosen in (("gpu", precision), ("cpu", "float32")):
        with tf.Session(backend=backend, mixed_precision=chosen) as session:
            session.run(tf.global_variables_initializer())
            results[backend] = [session.run(fetches, feed) for _ in range(3)][-1]
            if backend == "gpu":
                text = session.explain(fetches, feed)
    assert "NumPy" not in text and "in parts" not in text
    shown = [line for line in text.splitlines() if "Attention" in line and "[GPU]" in line]
    assert len(shown) == 2 and all(precision.replace("tf32", "float32") in line for line in shown)
    for found, expected in zip(results["gpu"], results["cpu"], strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=0, atol=error * np.abs(expected).max())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("by", ["einsum", "selection"])
def test_what_a_graph_writes_in_16_bits_and_drops(simulated, by, dtype):
    """Scores as float32 for the softmax, weights dropped and cast back; three steps draw what the CPU draws."""
    tf.set_random_seed(4)
    given = [tf.placeholder(tf.float32, (2, n, 2, 16)) for n in (33, 40, 40, 33)]
    query, key, value = (x if dtype == "float32" else tf.cast(x, dtype) for x in given[:3])
    shown = tf.reshape(tf.sequence_mask(tf.placeholder_with_default([7, 0], [2]), 40), [2, 1, 1, 40])
    if by == "selection":
        query, key, value = (tf.transpose(x, [0, 2, 1, 3]) for x in (query, key, value))
        scores = tf.where_v2(
            shown, tf.matmul(query, key, transpose_b=True) * tf.cast(0.25, dtype), tf.cast(-3e4, dtype)
        )
    else:
        scores = tf.einsum("bqhd,bkhd->bhqk", query, key) / tf.cast(4.0, dtype)
    weights = tf.nn.dropout(tf.nn.softmax(tf.cast(scores, "float32")), rate=0.25)
    weights = weights if dtype == "float32" else tf.cast(weights, dtype)
    if by == "selection":
        mixed = tf.transpose(tf.matmul(weights, value), [0, 2, 1, 3])
    else:
        mixed = tf.einsum("bhqk,bkhd->bqhd", weights, value)
    mixed = mixed if dtype == "float32" else tf.cast(mixed, "float32")
    fetches = [mixed, *tf.gradients(mixed, given[:3], given[3:])]
    rng = np.random.default_rng(2)
    feed = {x: rng.standard_normal(x.shape.as_list()).astype(np.float32) for x in given}
    results = {}
    for backend in ("gpu", "numpy"):
        with tf.Session(backend=backend) as session:
            results[backend] = [session.run(fetches, feed) for _ in range(3)]
            if backend == "gpu":
                text = session.explain(fetches, feed)
    shown = [line for line in text.splitlines() if "Attention" in line or "_DropoutChance" in line]
    assert len(shown) == 3 and all("[GPU]" in line for line in shown) and "NumPy" not in text
    for found, expected in zip(results["gpu"], results["numpy"], strict=True):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=ERRORS[dtype] * np.abs(other).max())


@pytest.mark.parametrize(("precision", "depth", "most"), [("float32", 130, 128), ("bfloat16", 258, 128)])
def test_what_is_computed_in_parts_is_explained(simulated, precision, depth, most):
    x, fetches = transformer(6, 1, depth)
    with tf.Session(backend="gpu", mixed_precision=precision) as session:
        session.run(tf.global_variables_initializer())
        text = session.explain(fetches, {x: np.zeros(x.shape.as_list(), np.float32)})
    assert "NumPy" not in text
    said = f"attention in parts, with products between kernels: heads of {depth}, more than {most}"
    assert len([line for line in text.splitlines() if line.endswith(said)]) == 2


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_memory_grows_with_the_rows(sim, monkeypatch, precision):
    monkeypatch.setenv("HEADRACE_GPU", os.environ.get("HEADRACE_TEST_DEVICE", "sim"))

    def used(steps):
        with tf.Graph().as_default(), tf.Session(backend="gpu", mixed_precision=precision) as session:
            ledger = ledger_of(find_device())
            # What other tests left behind.
            gc.collect()
            before = ledger.used
            x, fetches = transformer(steps, causal=False)
            session.run(tf.global_variables_initializer())
            for _ in range(2):
                session.run(fetches, {x: np.ones(x.shape.as_list(), np.float32)})
            return ledger.used - before

    short, long = used(256), used(512)
    # A matrix of scores has a mebibyte at 512 steps.
    assert short < long < 2.2 * short

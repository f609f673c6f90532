"""Attention in parts on the simulated GPU gives NumPy's numbers, for whole heads and for some rows at a time."""

import numpy as np
import pytest

from headrace.engine.gpu.bindings import attention, flash_attention
from headrace.engine.kernels.philox import stream_of_seeds
from headrace.engine.ops.nn_attention import (
    attention_grad_kernel,
    attention_kernel,
    chance_words,
    packed_attention_grad_kernel,
)

from .nodes import run_node

# batch, heads, rows, keys, depth, width
SHAPES = [(1, 1, 1, 1, 1, 1), (2, 3, 5, 7, 3, 4), (3, 2, 20, 20, 8, 8), (1, 2, 7, 1100, 5, 3)]
MASKS = ["none", "causal", "by batch", "by key", "column"]
PLAIN = {"scale": 1.0, "mask_factor": 1.0, "by_rows": False}


@pytest.fixture(autouse=True)
def in_parts(monkeypatch):
    monkeypatch.setattr(flash_attention, "WIDEST", 0)


def mask_of(kind, rng, shape):
    batch, heads, rows, keys, *_ = shape
    if kind == "causal":
        return [((1 - np.tril(np.ones((rows, keys)))) * -1e9).astype(np.float32)]
    sizes = {"by batch": (batch, 1, rows, keys), "by key": (keys,), "column": (heads, rows, 1)}.get(kind)
    return [] if sizes is None else [rng.standard_normal(sizes).astype(np.float32)]


def check(device, op_type, inputs, attrs, expected):
    outputs = [np.full(e.shape, 7, np.float32) for e in expected]
    run_node(device, op_type, inputs, outputs, attrs)
    for out, wanted in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(out, wanted, rtol=1e-4, atol=2e-5 * np.nanmax(np.abs(wanted), initial=1))


@pytest.mark.parametrize("bytes_of_scores", [64 << 20, 4 * 5 * 7 * 2, 100])
@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_attention(sim, monkeypatch, shape, kind, bytes_of_scores):
    monkeypatch.setattr(attention, "_SCORES", bytes_of_scores)
    rng = np.random.default_rng(8)
    batch, heads, rows, keys, depth, width = shape
    attrs = {"scale": depth**-0.5, "mask_factor": -1.0 if kind == "by batch" else 1.0, "by_rows": kind == "causal"}
    # As they lie behind a projection: the heads within a row.
    sizes = ((rows, depth), (keys, depth), (keys, width), (rows, width))
    turned = [rng.standard_normal((batch, n, heads, d)).astype(np.float32) for n, d in sizes]
    query, key, value, dy = (x.swapaxes(1, 2) for x in turned)
    mask = mask_of(kind, rng, shape)
    expected = list(attention_kernel(np, query, key, value, mask, **attrs))
    check(sim, "_Attention", [query, key, value, *mask], attrs, expected)
    given = [dy, query, key, value, *map(np.ascontiguousarray, expected)]
    check(sim, "_AttentionGrad", [*given, *mask], attrs, attention_grad_kernel(np, *given, mask, **attrs))
    if rows == keys and depth == width:
        packed = packed_attention_grad_kernel(np, *given, mask, **attrs)
        check(sim, "_PackedAttentionGrad", [*given, *mask], attrs, [packed])


def test_three_axes(ordered_sim):
    rng = np.random.default_rng(9)
    query, key, value = (rng.standard_normal((5, n, 6)).astype(np.float32) for n in (3, 4, 4))
    mask = [rng.standard_normal((5, 1, 4)).astype(np.float32)]
    expected = list(attention_kernel(np, query, key, value, mask, **PLAIN))
    check(ordered_sim, "_Attention", [query, key, value, *mask], PLAIN, expected)
    given = [rng.standard_normal((5, 3, 6)).astype(np.float32), query, key, value, *expected]
    check(ordered_sim, "_AttentionGrad", [*given, *mask], PLAIN, attention_grad_kernel(np, *given, mask, **PLAIN))


@pytest.mark.parametrize("bytes_of_scores", [64 << 20, 100])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_is_dropped_and_chosen(sim, monkeypatch, shape, bytes_of_scores):
    monkeypatch.setattr(attention, "_SCORES", bytes_of_scores)
    rng = np.random.default_rng(8)
    batch, heads, rows, keys, depth, width = shape
    sizes = ((rows, depth), (keys, depth), (keys, width), (rows, width))
    *given, dy = (rng.standard_normal((batch, heads, *size)).astype(np.float32) for size in sizes)
    mask = np.where(np.arange(keys) < 3 * np.arange(batch).reshape(-1, 1, 1, 1), 0, -np.inf).astype(np.float32)
    chance = chance_words(stream_of_seeds(5, 6).skipped(2**64 - 3), np.float32(0.3), np.float32(1 / 0.7))
    attrs = PLAIN | {"hidden": -3e4}
    expected = list(attention_kernel(np, *given, [mask], [chance], **attrs))
    check(sim, "_Attention", [*given, mask, chance], attrs, expected)
    inputs = [dy, *given, *expected]
    gradients = attention_grad_kernel(np, *inputs, [mask], [chance], **attrs)
    check(sim, "_AttentionGrad", [*inputs, mask, chance], attrs, gradients)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_rows_that_see_nothing_and_keys_that_are_hidden(sim):
    rng = np.random.default_rng(10)
    query, key, value = (rng.standard_normal((1, 1, n, 4)).astype(np.float32) for n in (3, 300, 300))
    mask = np.zeros((3, 300), np.float32)
    mask[0] = -np.inf
    mask[1, :290] = -np.inf
    mask[2, 5] = np.nan
    outputs = [np.zeros((1, 1, 3, 4), np.float32), *(np.zeros((1, 1, 3), np.float32) for _ in range(2))]
    run_node(sim, "_Attention", [query, key, value, mask], outputs, PLAIN)
    expected = attention_kernel(np, query, key, value, [mask], **PLAIN)[0]
    np.testing.assert_allclose(outputs[0], expected, rtol=1e-4, atol=1e-5)
    assert np.isnan(outputs[0][0, 0, [0, 2]]).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("fused", [False, True])
def test_rows_that_choose_nothing_have_no_slopes(sim, monkeypatch, fused):
    monkeypatch.setattr(flash_attention, "WIDEST", 128 if fused else 0)
    rng = np.random.default_rng(11)
    query, key, value, dy = (rng.standard_normal((1, 2, n, 8)).astype(np.float32) for n in (40, 70, 70, 40))
    mask = np.where(np.arange(70) < np.arange(40)[:, None], 0, -np.inf).astype(np.float32)
    attrs = PLAIN | {"hidden": -np.inf}
    inputs = [dy, query, key, value, *attention_kernel(np, query, key, value, [mask], **attrs)]
    expected = attention_grad_kernel(np, *inputs, [mask], **attrs)
    assert not expected[0][:, :, 0].any() and np.isfinite(expected[1]).all() and np.isnan(expected[2]).any()
    check(sim, "_AttentionGrad", [*inputs, mask], attrs, expected)

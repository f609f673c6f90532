"""Resizing, local response normalisation and the largest of rows on the simulated GPU give NumPy's numbers."""

import numpy as np
import pytest

from headrace.engine.registry import definition_of

from .nodes import all_attrs, run_node


def kernel_of(op_type, inputs, attrs):
    values = {k: v for k, v in all_attrs(op_type, attrs).items() if k not in ("T", "Tindices")}
    found = definition_of(op_type).kernel_function(np, *inputs, **values)
    return [np.asarray(x) for x in (found if isinstance(found, tuple) else (found,))]


def check(device, op_type, inputs, attrs, tolerance=1e-5):
    expected = kernel_of(op_type, inputs, attrs)
    outputs = [np.zeros_like(x) for x in expected]
    run_node(device, op_type, inputs, outputs, attrs)
    for out, want in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(out, want, tolerance, tolerance)


@pytest.mark.parametrize("kind", ["NearestNeighbor", "Bilinear", "Bicubic", "Area"])
@pytest.mark.parametrize("how", [{}, {"align_corners": True}, {"half_pixel_centers": True}], ids=str)
def test_resizing(sim, kind, how):
    if kind == "Area" and "half_pixel_centers" in how:
        how = {}
    rng = np.random.default_rng(0)
    for sizes in ((7, 3), (3, 9), (5, 4)):
        images, size = rng.standard_normal((2, 5, 4, 3)).astype(np.float32), np.array(sizes, np.int32)
        check(sim, f"Resize{kind}", [images, size], how, 2e-5)
        check(sim, f"Resize{kind}", [(images * 9).astype(np.int16), size], how, 2e-5)
        dy = rng.standard_normal((2, *sizes, 3)).astype(np.float32)
        if kind != "Area":
            other = np.array([5, 4], np.int32) if kind == "NearestNeighbor" else images
            check(sim, f"Resize{kind}Grad", [dy, other], how, 2e-5)


@pytest.mark.parametrize("attrs", [{}, {"depth_radius": 1, "bias": 2.0, "alpha": 0.5, "beta": 0.75}], ids=str)
def test_lrn(sim, attrs):
    x, dy = np.random.default_rng(0).standard_normal((2, 2, 3, 3, 8)).astype(np.float32)
    check(sim, "LRN", [x], attrs)
    check(sim, "LRNGrad", [dy, x, kernel_of("LRN", [x], attrs)[0]], attrs)


@pytest.mark.parametrize(
    "dtype",
    [
        np.float32,
        pytest.param(np.int32, marks=pytest.mark.long),
        pytest.param(np.float64, marks=pytest.mark.long),
        pytest.param(np.uint8, marks=pytest.mark.long),
    ],
)
def test_top_k(ordered_sim, dtype):
    x = np.random.default_rng(0).integers(0, 9, (4, 3, 20)).astype(dtype)
    if np.dtype(dtype).kind == "f":
        x[0, 0, 3:5] = np.nan
    for k in (0, 1, 7, 20):
        check(ordered_sim, "TopKV2", [x, np.asarray(np.int32(k))], {})


def test_in_top_k(ordered_sim):
    x = np.random.default_rng(0).standard_normal((9, 40)).astype(np.float32)
    x[3, 2], x[4, 1] = np.inf, np.nan
    targets = np.array([0, 1, 2, 3, 4, 40, -1, 7, 8])
    for k in (1, 10, 39):
        check(ordered_sim, "InTopK", [x, targets], {"k": k})
        check(ordered_sim, "InTopKV2", [x, targets, np.asarray(k)], {})


@pytest.mark.parametrize("word", ["Prod", "Max", "Min"])
@pytest.mark.parametrize(
    "dtype",
    [np.float32, pytest.param(np.int64, marks=pytest.mark.long), pytest.param(np.float16, marks=pytest.mark.long)],
)
def test_extremes_by_segment(sim, word, dtype):
    rng = np.random.default_rng(0)
    data, ids = rng.integers(1, 4, (30, 3)).astype(dtype), rng.integers(-1, 6, 30)
    check(sim, f"UnsortedSegment{word}", [data, ids, np.asarray(7)], {})

"""Convolutions on the simulated GPU, by columns and products, give NumPy's numbers."""

import numpy as np
import pytest

from headrace.engine.gpu.bindings import convolution
from headrace.engine.registry import definition_of

from .launching import run_op
from .nodes import all_attrs, run_node

# images, filters, strides, dilations, padding
CASES = [
    ((2, 7, 5, 3), (3, 3, 3, 4), (1, 1), (1, 1), "SAME"),
    ((3, 8, 9, 2), (5, 3, 2, 6), (2, 2), (1, 1), "VALID"),
    ((2, 6, 6, 5), (1, 1, 5, 7), (1, 1), (1, 1), "SAME"),
    ((2, 6, 7, 5), (1, 1, 5, 3), (2, 3), (1, 1), "VALID"),
    ((1, 9, 9, 2), (3, 2, 2, 3), (1, 1), (2, 3), "SAME"),
    ((5, 4, 4, 1), (2, 2, 1, 33), (1, 1), (1, 1), [(0, 0), (1, 2), (0, 1), (0, 0)]),
]


def attrs_of(case):
    _, _, strides, dilations, padding = case
    attrs = {"strides": [1, *strides, 1], "dilations": [1, *dilations, 1], "padding": padding}
    if not isinstance(padding, str):
        attrs |= {"padding": "EXPLICIT", "explicit_paddings": [n for pair in padding for n in pair]}
    return attrs


def drawn(shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def kernel_of(op_type, inputs, attrs):
    values = {k: v for k, v in all_attrs(op_type, attrs).items() if k not in ("T", "num_args")}
    return definition_of(op_type).kernel_function(np, *inputs, **values)


def check(result, expected):
    tolerance = {2: 1e-2, 4: 1e-5, 8: 1e-12}[result.dtype.itemsize]
    wanted = np.asarray(expected, np.float64)
    np.testing.assert_allclose(result.astype(np.float64), wanted, tolerance, tolerance * max(1, np.abs(wanted).max()))


@pytest.mark.parametrize(
    "dtype",
    [np.float32, pytest.param(np.float64, marks=pytest.mark.long), pytest.param(np.float16, marks=pytest.mark.long)],
)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_convolutions(sim, monkeypatch, case, dtype):
    # Several runs of images.
    monkeypatch.setattr(convolution, "_COLUMNS", 4000)
    x, filters, attrs = drawn(case[0], dtype), drawn(case[1], dtype, 1), attrs_of(case)
    y = np.asarray(kernel_of("Conv2D", [x, filters], attrs))
    out, dy = np.zeros_like(y), drawn(y.shape, dtype, 2)
    run_node(sim, "Conv2D", [x, filters], [out], attrs)
    check(out, y)
    sizes = np.array(x.shape, np.int32)
    run_node(sim, "Conv2DBackpropInput", [sizes, filters, dy], [dx := np.zeros_like(x)], attrs)
    check(dx, kernel_of("Conv2DBackpropInput", [sizes, filters, dy], attrs))
    sizes = np.array(filters.shape, np.int32)
    run_node(sim, "Conv2DBackpropFilter", [x, sizes, dy], [df := np.zeros_like(filters)], attrs)
    check(df, kernel_of("Conv2DBackpropFilter", [x, sizes, dy], attrs))


@pytest.mark.parametrize("case", CASES[:4], ids=str)
def test_with_what_follows(sim, case):
    x, filters, attrs = drawn(case[0]), drawn(case[1], seed=1), attrs_of(case)
    bias = drawn(case[1][-1:], seed=3)
    for fused in (["BiasAdd"], ["BiasAdd", "Relu"]):
        y = kernel_of("_FusedConv2D", [x, filters, [bias]], {**attrs, "fused_ops": fused})
        run_node(sim, "_FusedConv2D", [x, filters, bias], [out := np.zeros_like(y)], {**attrs, "fused_ops": fused})
        check(out, y)
    inputs = [np.array(x.shape, np.int32), filters, drawn(y.shape, seed=4), drawn(x.shape, seed=5)]
    run_node(sim, "_Conv2DBackpropInputReluGrad", inputs, [dx := np.zeros_like(x)], attrs)
    check(dx, kernel_of("_Conv2DBackpropInputReluGrad", inputs, attrs))


def test_a_bias_that_begins_anywhere(sim):
    """Libraries want one that begins at a multiple of 16 bytes."""
    case = CASES[0]
    x, filters, bias = drawn(case[0]), drawn(case[1], seed=1), drawn(5, seed=2)[1:]
    attrs = {**attrs_of(case), "fused_ops": ["BiasAdd", "Relu"], "num_args": 1}
    out = np.zeros_like(y := kernel_of("_FusedConv2D", [x, filters, [bias]], attrs))
    run_op(sim, "_FusedConv2D", [x, filters, bias], [out], attrs)
    check(out, y)


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("case", [CASES[0], CASES[1], CASES[4]], ids=str)
def test_depthwise(ordered_sim, case, times):
    x, filters, attrs = drawn(case[0]), drawn((*case[1][:3], times), seed=1), attrs_of(case)
    attrs.pop("explicit_paddings", None)
    y = np.asarray(kernel_of("DepthwiseConv2dNative", [x, filters], attrs))
    run_node(ordered_sim, "DepthwiseConv2dNative", [x, filters], [out := np.zeros_like(y)], attrs)
    check(out, y)
    dy, sizes = drawn(y.shape, seed=2), np.array(x.shape, np.int32)
    kind = "DepthwiseConv2dNativeBackpropInput"
    run_node(ordered_sim, kind, [sizes, filters, dy], [dx := np.zeros_like(x)], attrs)
    check(dx, kernel_of(kind, [sizes, filters, dy], attrs))
    kind, sizes = "DepthwiseConv2dNativeBackpropFilter", np.array(filters.shape, np.int32)
    run_node(ordered_sim, kind, [x, sizes, dy], [df := np.zeros_like(filters)], attrs)
    check(df, kernel_of(kind, [x, sizes, dy], attrs))

"""Native convolutions and their gradients give NumPy's numbers, the same bits on one thread and on two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headrace.engine.kernels import conv
from headrace.engine.kernels.windows import output_sizes, padding_of
from headrace.engine.unsupported import UnsupportedError

Native = Callable[..., None]

# images, height, width, channels; filter height, width, channels out; stride, dilation, padding
CASES: list[tuple[tuple[int, ...], tuple[int, int, int], Any, Any, Any]] = [
    ((1, 1, 1, 1), (1, 1, 1), (1, 1), (1, 1), "VALID"),
    ((2, 5, 6, 3), (3, 3, 16), (1, 1), (1, 1), "SAME"),
    ((3, 7, 4, 5), (5, 5, 33), (1, 1), (1, 1), "SAME"),
    ((1, 9, 17, 2), (2, 3, 10), (1, 1), (1, 1), "VALID"),
    ((2, 8, 9, 16), (3, 3, 40), (2, 2), (1, 1), "SAME"),
    ((2, 9, 8, 7), (1, 1, 20), (2, 2), (1, 1), "SAME"),
    ((1, 10, 11, 4), (2, 2, 8), (3, 1), (1, 1), "VALID"),
    ((1, 6, 35, 4), (3, 2, 64), (1, 2), (1, 1), [(2, 0), (1, 3)]),
    ((2, 12, 9, 3), (3, 2, 17), (1, 1), (2, 3), "SAME"),
    ((1, 3, 3, 4), (5, 5, 6), (1, 1), (1, 1), [(4, 5), (6, 4)]),
    ((20, 28, 28, 1), (5, 5, 32), (1, 1), (1, 1), "SAME"),
    ((9, 33, 20, 16), (3, 3, 16), (1, 1), (1, 1), "SAME"),
    ((5, 16, 16, 32), (3, 3, 64), (2, 2), (1, 1), "SAME"),
    ((2, 8, 8, 64), (3, 3, 70), (1, 1), (1, 1), "SAME"),
]


def _attrs(strides: Any, dilations: Any, padding: Any) -> dict[str, Any]:
    pairs = padding if isinstance(padding, list) else []
    explicit = [0, 0, *(n for pair in pairs for n in pair), 0, 0] if pairs else []
    return {
        "strides": [1, *strides, 1],
        "dilations": [1, *dilations, 1],
        "padding": "EXPLICIT" if pairs else padding,
        "explicit_paddings": explicit,
    }


@pytest.mark.parametrize("case", CASES, ids=str)
def test_convolutions(native: Native, case: Any) -> None:
    shape, (height, width, outputs), strides, dilations, padding = case
    rng = np.random.default_rng(1)
    x = rng.standard_normal(shape).astype(np.float32)
    filters = rng.standard_normal((height, width, shape[3], outputs)).astype(np.float32)
    pads = padding_of(padding, shape[1:3], filters.shape[:2], strides, dilations)
    sizes = output_sizes(shape[1:3], filters.shape[:2], strides, pads, dilations)
    dy = rng.standard_normal((shape[0], *sizes, outputs)).astype(np.float32)
    attrs, steps = _attrs(strides, dilations, padding), (strides, pads, dilations)
    x_sizes, filter_sizes = np.array(shape, np.int32), np.array(filters.shape, np.int32)
    for op_type, inputs, expected in (
        ("Conv2D", (x, filters), conv.conv2d(x, filters, *steps)),
        ("Conv2DBackpropInput", (x_sizes, filters, dy), conv.conv2d_backprop_input(shape, filters, dy, *steps)),
        ("Conv2DBackpropFilter", (x, filter_sizes, dy), conv.conv2d_backprop_filter(x, filters.shape, dy, *steps)),
    ):
        results = []
        for threads in (1, 2):
            result = np.full(expected.shape, np.nan, np.float32)
            native(op_type, inputs, [result], attrs, threads)
            results.append(result)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(results[0], expected, rtol=1e-4, atol=2e-6 * scale)
        assert np.array_equal(*results)


def test_nan_and_infinity_go_through(native: Native) -> None:
    x = np.zeros((1, 4, 4, 1), np.float32)
    x[0, 0, 0], x[0, 3, 3] = np.nan, np.inf
    result = np.empty((1, 4, 4, 2), np.float32)
    native("Conv2D", [x, np.ones((3, 3, 1, 2), np.float32)], [result], _attrs((1, 1), (1, 1), "SAME"))
    assert np.isnan(result[0, :2, :2]).all() and np.isinf(result[0, 2:, 2:]).all() and not result[0, :2, 2:].any()


@pytest.mark.parametrize(
    ("dtype", "attrs", "reason"),
    [
        (np.float64, {}, "float64"),
        (np.float32, {"data_format": "NCHW"}, "channels before"),
    ],
)
def test_what_runs_on_numpy(native: Native, dtype: Any, attrs: dict[str, Any], reason: str) -> None:
    x, filters = np.ones((1, 2, 2, 2), dtype), np.ones((1, 1, 2, 2), dtype)
    with pytest.raises(UnsupportedError, match=reason):
        native("Conv2D", [x, filters], [x.copy()], {**_attrs((1, 1), (1, 1), "SAME"), **attrs})


@pytest.mark.parametrize("outputs", [3, 16, 40])
def test_bias_relu_and_the_relu_gradient(native: Native, outputs: int) -> None:
    rng = np.random.default_rng(5)
    x, filters = rng.standard_normal((2, 6, 19, 4)).astype("f"), rng.standard_normal((3, 2, 4, outputs)).astype("f")
    bias, attrs = rng.standard_normal(outputs).astype("f"), _attrs((1, 1), (1, 1), "SAME")
    plain, fused = (np.empty((2, 6, 19, outputs), np.float32) for _ in range(2))
    native("Conv2D", [x, filters], [plain], attrs)
    for relu in (False, True):
        native("_FusedConv2D", [x, filters, bias], [fused], {**attrs, "fused_ops": ["BiasAdd", "Relu"][: 1 + relu]})
        np.testing.assert_array_equal(fused, np.maximum(plain + bias, 0) if relu else plain + bias)
    plain, fused, sizes = np.empty_like(x), np.empty_like(x), np.array(x.shape, np.int32)
    for strides in ((1, 1), (2, 3)):
        dy = rng.standard_normal((2, -(-6 // strides[0]), -(-19 // strides[1]), outputs)).astype("f")
        attrs = _attrs(strides, (1, 1), "SAME")
        native("Conv2DBackpropInput", [sizes, filters, dy], [plain], attrs)
        native("_Conv2DBackpropInputReluGrad", [sizes, filters, dy, x], [fused], attrs)
        np.testing.assert_array_equal(fused, np.where(x > 0, plain, 0))

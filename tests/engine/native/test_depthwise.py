"""Native depthwise convolutions and their gradients give NumPy's numbers, the same bits on one thread and on two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headrace.engine.kernels import depthwise
from headrace.engine.kernels.windows import output_sizes, padding_of

Native = Callable[..., None]

# images, height, width, channels; filter height, width, multiplier; stride, dilation, padding
CASES: list[Any] = [
    ((1, 1, 1, 1), (1, 1, 1), (1, 1), (1, 1), "VALID"),
    ((2, 5, 17, 16), (3, 3, 1), (1, 1), (1, 1), "SAME"),
    ((2, 7, 6, 5), (5, 4, 3), (1, 1), (1, 1), "SAME"),
    ((2, 8, 9, 35), (3, 3, 1), (2, 2), (1, 1), "SAME"),
    ((1, 9, 8, 7), (3, 2, 2), (2, 1), (1, 1), "VALID"),
    ((2, 9, 8, 6), (1, 1, 1), (2, 2), (1, 1), "SAME"),
    ((1, 9, 8, 4), (2, 3, 2), (1, 1), (2, 3), "SAME"),
    ((8, 32, 33, 48), (3, 3, 1), (1, 1), (1, 1), "SAME"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_depthwise(native: Native, case: Any) -> None:
    shape, (height, width, times), strides, dilations, padding = case
    rng = np.random.default_rng(7)
    x = rng.standard_normal(shape).astype(np.float32)
    filters = rng.standard_normal((height, width, shape[3], times)).astype(np.float32)
    pads = padding_of(padding, shape[1:3], filters.shape[:2], strides, dilations)
    sizes = output_sizes(shape[1:3], filters.shape[:2], strides, pads, dilations)
    dy = rng.standard_normal((shape[0], *sizes, shape[3] * times)).astype(np.float32)
    attrs = {"strides": [1, *strides, 1], "dilations": [1, *dilations, 1], "padding": padding}
    steps, name = (strides, pads, dilations), "DepthwiseConv2dNative"
    x_sizes, filter_sizes = np.array(shape, np.int32), np.array(filters.shape, np.int32)
    to_filters = depthwise.depthwise_conv2d_backprop_filter(x, filters.shape, dy, *steps)
    to_input = depthwise.depthwise_conv2d_backprop_input(shape, filters, dy, *steps)
    for op_type, inputs, expected in (
        (name, (x, filters), depthwise.depthwise_conv2d(x, filters, *steps)),
        (f"{name}BackpropInput", (x_sizes, filters, dy), to_input),
        (f"{name}BackpropFilter", (x, filter_sizes, dy), to_filters),
    ):
        results = [np.full(expected.shape, np.nan, np.float32) for _ in range(2)]
        for threads in (1, 2):
            native(op_type, inputs, [results[threads - 1]], attrs, threads)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(results[0], expected, rtol=1e-4, atol=3e-6 * scale)
        assert np.array_equal(*results)

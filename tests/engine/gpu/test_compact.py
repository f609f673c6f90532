"""Kernels that want arrays in row-major order serve nodes whose arrays are views, too."""

import numpy as np
import pytest

from headrace.engine.registry import definition_of

from .nodes import all_attrs, run_node

POOL = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "SAME"}
CONVOLUTION = {"strides": [1, 1, 1, 1], "padding": "SAME"}
# op type, shapes of the inputs, attributes
CASES = [
    ("Softmax", [(3, 4, 5)], {}),
    ("SoftmaxCrossEntropyWithLogits", [(5, 3), (5, 3)], {}),
    ("MaxPool", [(2, 5, 4, 3)], POOL),
    ("Conv2D", [(2, 5, 4, 3), (2, 3, 3, 4)], CONVOLUTION),
    ("LayerNormalization", [(4, 6), (6,), (6,)], {}),
]


def turned(shape, seed):
    """Numbers whose last axis lies outermost."""
    whole = np.random.default_rng(seed).standard_normal((shape[-1], *shape[:-1])).astype(np.float32)
    return np.moveaxis(whole, 0, -1)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_views(sim, case):
    op_type, shapes, attrs = case
    inputs = [turned(shape, i) for i, shape in enumerate(shapes)]
    values = {k: v for k, v in all_attrs(op_type, attrs).items() if k != "T"}
    found = definition_of(op_type).kernel_function(np, *inputs, **values)
    expected = [np.asarray(x) for x in (found if isinstance(found, tuple) else (found,))]
    outputs = [turned(x.shape, 9) for x in expected]
    run_node(sim, op_type, inputs, outputs, attrs)
    for out, want in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(out, want, 1e-5, 1e-5)


FIRST = {"data_format": "NCHW"}
WINDOW = {"ksize": [1, 1, 2, 3], "strides": [1, 1, 2, 1], "padding": "SAME", **FIRST}
TAPS = {"strides": [1, 1, 2, 1], "dilations": [1, 1, 1, 1], "padding": "SAME", **FIRST}
IMAGES, MAPS, POOLED = (2, 3, 5, 4), (2, 6, 3, 4), (2, 3, 3, 4)
SIZES = np.array(IMAGES, np.int32)
# op type, shapes of the inputs or what they are, attributes
CHANNELS_FIRST = [
    ("Conv2D", [IMAGES, (3, 2, 3, 6)], TAPS),
    ("Conv2D", [IMAGES, (3, 2, 3, 6)], {**TAPS, "padding": "EXPLICIT", "explicit_paddings": [0, 0, 0, 0, 1, 1, 0, 1]}),
    ("Conv2DBackpropInput", [SIZES, (3, 2, 3, 6), MAPS], TAPS),
    ("Conv2DBackpropFilter", [IMAGES, np.array([3, 2, 3, 6], np.int32), MAPS], TAPS),
    ("DepthwiseConv2dNative", [IMAGES, (3, 2, 3, 2)], {**TAPS, "strides": [1, 1, 1, 1]}),
    ("MaxPool", [IMAGES], WINDOW),
    ("AvgPool", [IMAGES], WINDOW),
    ("AvgPoolGrad", [SIZES, POOLED], WINDOW),
    ("FusedBatchNormV3", [IMAGES, (3,), (3,), (3,), (3,)], FIRST),
]


@pytest.mark.parametrize("case", CHANNELS_FIRST, ids=lambda case: case[0])
def test_channels_first(sim, case):
    op_type, shapes, attrs = case
    rng = np.random.default_rng(0)
    inputs = [x if isinstance(x, np.ndarray) else rng.standard_normal(x).astype(np.float32) for x in shapes]
    values = {k: v for k, v in all_attrs(op_type, attrs).items() if k not in ("T", "U")}
    found = definition_of(op_type).kernel_function(np, *inputs, **values)
    expected = [np.ascontiguousarray(x) for x in (found if isinstance(found, tuple) else (found,))]
    outputs = [np.zeros_like(x) for x in expected]
    run_node(sim, op_type, inputs, outputs, attrs)
    for out, want in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(out, want, 1e-5, 1e-5)

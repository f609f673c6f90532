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

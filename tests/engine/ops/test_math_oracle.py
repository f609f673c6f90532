"""Public math functions against results and gradients that TensorFlow gave (fixtures/ops/make_math.py)."""

import json
from pathlib import Path

import numpy as np
import pytest

from headrace.engine.dtypes import as_dtype
from headrace.engine.gradients import gradients
from headrace.engine.graph import Graph, Tensor
from headrace.engine.ops import (
    binary,
    casting,
    choice,
    clipping,
    comparison,
    decompositions,
    diagonals,
    division,
    extrema,
    products,
    ranges,
    reduce,
    rounding,
    scans,
    segments,
    solvers,
    special,
    trigonometric,
    unary,
)
from headrace.engine.ops.constant import constant
from headrace.engine.session import Session

MODULES = (
    *(unary, trigonometric, rounding, casting, binary, division, comparison, choice, reduce, extrema, scans, ranges),
    *(clipping, products, diagonals, solvers, decompositions, segments, special),
)
FIXTURE = Path(__file__).parents[2] / "fixtures" / "ops" / "math.json"
CASES = json.loads(FIXTURE.read_text())


def function(name):
    return next(vars(m)[name] for m in MODULES if name in vars(m))


@pytest.mark.parametrize("case", CASES, ids=[f"{i}-{c['call']}" for i, c in enumerate(CASES)])
def test_as_tensorflow(case):
    with Graph().as_default():
        args = [constant(v["array"], v["dtype"]) if isinstance(v, dict) else v for v in case["args"]]
        args = [as_dtype(v) if isinstance(v, str) else v for v in args]
        result = function(case["call"])(*args, **case["kwargs"])
        assert result.dtype.name == case["dtype"]
        inputs = [t for t in args if isinstance(t, Tensor) and t.dtype.is_floating]
        wanted = [(t, g) for t, g in zip(inputs, case["gradients"], strict=True) if g is not None]
        found = gradients(result, [t for t, _ in wanted]) if wanted else []
        with Session() as session:
            value, slopes = session.run([result, found])
    _assert_close(value, case["value"])
    for slope, (_, expected) in zip(slopes, wanted, strict=True):
        _assert_close(slope, expected)


def _assert_close(actual, expected):
    digits = 2e-6 if np.asarray(actual).dtype == np.float32 else 1e-9
    np.testing.assert_allclose(actual, expected, rtol=digits, atol=digits)

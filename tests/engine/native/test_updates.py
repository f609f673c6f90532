"""Native optimizer updates give NumPy's numbers: every rule, dtype and size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headrace.engine.ops.training import APPLY, RULES
from headrace.engine.registry import definition_of

Native = Callable[..., None]
NUMBERS = {"lr_power": -0.5, "beta1_power": 0.9, "beta2_power": 0.99, "momentum": 0.9, "rho": 0.9, "epsilon": 1e-4}
# One element, fewer and more than vectors hold, and several chunks.
SHAPES = [(), (0,), (1,), (3, 5), (67,), (300, 130)]


def inputs_of(rule: Any, names: list[str], shape: tuple[int, ...], dtype: Any) -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    result: list[Any] = []
    for i, name in enumerate(names):
        if i < rule.variables:
            # A mean of squares is no less than the square of the mean.
            result.append(np.abs(rng.normal(size=shape)).astype(dtype) + dtype(30 if name == "ms" else 1))
        elif name in ("grad", "delta"):
            result.append(np.asarray(rng.normal(size=shape)).astype(dtype))
        else:
            result.append(np.array(2) if name == "global_step" else np.array(NUMBERS.get(name, 0.1), dtype))
    return result


def assert_close(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> None:
    # Fused multiply-adds round once, and new values near 0 are differences of larger ones.
    scale = max(1.0, float(np.abs(y).max(initial=0)))
    one = x.dtype == np.float32
    np.testing.assert_allclose(x, y, rtol=1e-5 if one else 1e-13, atol=(1e-6 if one else 1e-14) * scale)


def options_of(rule: Any) -> list[dict[str, bool]]:
    return [{}, *({name: not default} for name, default in rule.options)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_dense(native: Native, rule: Any, dtype: Any) -> None:
    names = rule.dense.split()
    op_type = next(op.type for op in APPLY[rule.name] if op is not None)
    definition = definition_of(op_type)
    for shape in SHAPES:
        for options in options_of(rule):
            inputs = inputs_of(rule, names, shape, dtype)
            expected = [np.array(x) for x in inputs]
            defaults = {name: default for name, default in rule.options}
            assert definition.update_function is not None
            definition.update_function(np, *expected, **{**defaults, **options})
            results = []
            for threads in (1, 2):
                results.append([np.array(x) for x in inputs])
                native(op_type, results[-1], [], options, threads)
            for one, two, right in zip(*results, expected, strict=True):
                np.testing.assert_array_equal(one, two)
                assert_close(one, right)


def test_several_in_one_node(native: Native) -> None:
    rule = next(r for r in RULES if r.name == "Adam")
    sets = [inputs_of(rule, rule.dense.split(), shape, np.float32) for shape in ((4,), (50, 3))]
    definition = definition_of("ApplyAdam")
    expected = [[x.copy() for x in inputs] for inputs in sets]
    assert definition.update_function is not None
    for inputs in expected:
        definition.update_function(np, *inputs, use_nesterov=False)
    parts = [(definition, {"use_nesterov": False}, len(inputs), "") for inputs in sets]
    native("_MultiUpdate", [x for inputs in sets for x in inputs], [], {"parts": parts})
    for inputs, right in zip(sets, expected, strict=True):
        for x, y in zip(inputs, right, strict=True):
            assert_close(x, y)

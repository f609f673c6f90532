"""Optimizer updates on the simulated GPU: the steps of NumPy, alone, merged, and with a product as the gradient."""

import ml_dtypes
import numpy as np
import pytest

from headrace.engine.gpu.update_text import step_text
from headrace.engine.ops.training import RULES
from headrace.engine.registry import definition_of

from .nodes import all_attrs, run_node

NUMBERS = {"lr_power": -0.5, "beta1_power": 0.9, "beta2_power": 0.99, "momentum": 0.9, "rho": 0.9}
CASES = [(rule, flag) for rule in RULES for flag in ({True, False} if rule.options else {False})]


def inputs_of(rule, shape, dtype, seed=0, numbers=NUMBERS):
    rng = np.random.default_rng(seed)
    values = []
    for i, name in enumerate(rule.dense.split()):
        if i < rule.variables:
            size = 0.1 if name == "mg" else 1
            values.append(np.asarray((np.abs(rng.normal(size=shape)) + 1) * size).astype(dtype))
        elif name in ("grad", "delta"):
            values.append(np.asarray(rng.normal(size=shape)).astype(dtype))
        else:
            values.append(np.array(2) if name == "global_step" else np.asarray(numbers.get(name, 0.1), dtype))
    return values


def expected_of(op_type, inputs, attrs):
    values = [x.copy() for x in inputs]
    kinds = {k: v for k, v in all_attrs(op_type, attrs).items() if k not in ("T", "Tindices")}
    definition_of(op_type).update_function(np, *values, **kinds)
    return values


def check(results, expected):
    for result, want in zip(results, expected, strict=True):
        tolerance = {2: 2e-2 if result.dtype == ml_dtypes.bfloat16 else 2e-3, 4: 1e-6, 8: 1e-13}[result.dtype.itemsize]
        np.testing.assert_allclose(result.astype(np.float64), want.astype(np.float64), tolerance, tolerance)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0].name}-{case[1]}")
@pytest.mark.parametrize(
    "dtype",
    [np.float32, pytest.param(np.float64, marks=pytest.mark.long), pytest.param(np.float16, marks=pytest.mark.long)],
)
def test_each_rule(sim, case, dtype):
    rule, flag = case
    attrs = {name: flag for name, _ in rule.options}
    op_type = f"ResourceApply{rule.name}"
    inputs = inputs_of(rule, (3, 5), dtype)
    expected = expected_of(op_type, inputs, attrs)
    run_node(sim, op_type, inputs, [], attrs)
    check(inputs[: rule.variables], expected[: rule.variables])


@pytest.mark.parametrize("name", ["Ftrl", "FtrlV2", "ProximalAdagrad", "ProximalGradientDescent", "AdagradDA"])
def test_numbers_that_a_rule_asks_for(sim, name):
    rule = next(r for r in RULES if r.name == name)
    # In double: differences of powers lose digits.
    inputs = inputs_of(rule, (9,), np.float64, numbers={"lr_power": -0.7, "l1": 0.0})
    expected = expected_of(f"Apply{name}", inputs, {})
    run_node(sim, f"Apply{name}", inputs, [])
    check(inputs[: rule.variables], expected[: rule.variables])


def test_many_tensors_in_one_launch(ordered_sim):
    rule = next(r for r in RULES if r.name == "Adam")
    definition = definition_of("ApplyAdam")
    shapes = [(5000,), (0,), (3,), (41, 100), ()]
    inputs = [inputs_of(rule, shape, np.float32, i) for i, shape in enumerate(shapes)]
    expected = [expected_of("ApplyAdam", values, {}) for values in inputs]
    flat = [x for values in inputs for x in values]
    parts = [(definition, {"use_nesterov": False}, 10, "adam")] * len(shapes)
    bound = run_node(ordered_sim, "_MultiUpdate", flat, [], {"parts": parts})
    assert len(bound.work) == 1
    for values, wanted in zip(inputs, expected, strict=True):
        check(values[:3], wanted[:3])


def test_nothing_changes_after_an_error(sim):
    rule = next(r for r in RULES if r.name == "GradientDescent")
    inputs = inputs_of(rule, (5,), np.float32)
    before = inputs[0].copy()
    run_node(sim, "ApplyGradientDescent", inputs, [], fails=True, error=5)
    np.testing.assert_array_equal(inputs[0], before)


@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("name", ["GradientDescent", "Momentum", "Adam"])
def test_products_as_gradients(sim, name, turned):
    rule = next(r for r in RULES if r.name == name)
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(7, 3)).astype(np.float32), rng.normal(size=(3, 5)).astype(np.float32)
    values = inputs_of(rule, (7, 5), np.float32)
    names = rule.dense.split()
    place = next(i for i, n in enumerate(names) if n in ("grad", "delta"))
    values[place] = a @ b
    expected = expected_of(f"Apply{name}", values, {})
    factors = [np.ascontiguousarray(m.T) if t else m for m, t in zip((a, b), turned, strict=True)]
    inputs = [*values[:place], *values[place + 1 :], *factors]
    run_node(sim, f"_MatMulApply{name}", inputs, [], {"transpose_a": turned[0], "transpose_b": turned[1]})
    for result, want in zip(inputs[: rule.variables], expected, strict=False):
        np.testing.assert_allclose(result, want, 1e-5, 1e-5)


def test_a_step_as_text():
    text = step_text("gradient_descent", 1, ("alpha",), (), "float")
    assert text == "const float t0 = g * alpha; const float t1 = v0 - t0; v0 = t1; "
    assert step_text("ftrl", 3, ("lr", "l1", "l2", "lr_power"), (), "double").startswith("if (lr_power == -0.5) {")

"""Optimizer updates of some rows on the simulated GPU: the steps of NumPy, in whatever order threads run."""

import numpy as np
import pytest

from headrace.engine.kernels.optimizer_blocks import update_summed
from headrace.engine.ops.training import RULES
from headrace.engine.registry import definition_of

from .nodes import all_attrs, run_node

SPARSE = [rule for rule in RULES if rule.sparse]
NUMBERS = {"lr_power": -0.5, "momentum": 0.9, "rho": 0.9}


def inputs_of(rule, shape, indices, dtype, seed=0):
    rng, values = np.random.default_rng(seed), []
    for i, name in enumerate(rule.sparse.split()):
        if i < rule.variables:
            size = 0.1 if name == "mg" else 1
            values.append(((np.abs(rng.normal(size=shape)) + 1) * size).astype(dtype))
        elif name == "grad":
            values.append(rng.normal(size=(len(indices), *shape[1:])).astype(dtype))
        elif name == "indices":
            values.append(indices)
        else:
            values.append(np.array(2) if name == "global_step" else np.asarray(NUMBERS.get(name, 0.1), dtype))
    return values


def expected_of(rule, op_type, inputs, *, adds):
    values = [x.copy() for x in inputs]
    attrs = {k: v for k, v in all_attrs(op_type, {}).items() if k not in ("T", "Tindices")}
    update = definition_of(op_type).update_function
    if adds:
        names = rule.sparse.split()
        update_summed(update, names.index("grad"), names.index("indices"), np, *values, **attrs)
    else:
        update(np, *values, **attrs)
    return values


def check(results, expected):
    for result, want in zip(results, expected, strict=True):
        tolerance = {2: 3e-3, 4: 2e-6, 8: 1e-13}[result.dtype.itemsize]
        np.testing.assert_allclose(result.astype(np.float64), want.astype(np.float64), tolerance, tolerance)


@pytest.mark.parametrize("rule", SPARSE, ids=lambda rule: rule.name)
@pytest.mark.parametrize(
    "dtype",
    [np.float32, pytest.param(np.float64, marks=pytest.mark.long), pytest.param(np.float16, marks=pytest.mark.long)],
)
def test_each_rule(sim, rule, dtype):
    op_type, indices = f"ResourceSparseApply{rule.name}", np.array([3, 0, 3, 6, 3], np.int32)
    for shape in ((7, 3), (9,)):
        inputs = inputs_of(rule, shape, indices, dtype)
        expected = expected_of(rule, op_type, inputs, adds=False)
        run_node(sim, op_type, inputs, [])
        check(inputs[: rule.variables], expected[: rule.variables])


@pytest.mark.parametrize("name", ["Adagrad", "Ftrl", "Momentum"])
def test_tables_in_one_launch(ordered_sim, name):
    rule = next(r for r in RULES if r.name == name)
    definition, rng = definition_of(f"ResourceSparseApply{name}"), np.random.default_rng(1)
    shapes = [((70, 5), 40), ((9,), 300), ((30, 2, 20), 7), ((4, 4), 0), ((5000,), 20)]
    every = [inputs_of(rule, s, rng.integers(0, s[0], n), np.float32, n) for s, n in shapes]
    expected = [expected_of(rule, definition.type, inputs, adds=True) for inputs in every]
    parts = [(definition, {}, len(inputs), "part") for inputs in every]
    run_node(ordered_sim, "_SparseUpdate", [x for inputs in every for x in inputs], [], {"parts": parts})
    for inputs, wanted in zip(every, expected, strict=True):
        check(inputs[: rule.variables], wanted[: rule.variables])


def test_nothing_changes_where_an_index_is_bad(sim):
    rule = next(r for r in RULES if r.name == "Adagrad")
    inputs = inputs_of(rule, (7, 3), np.array([0, 7]), np.float32)
    before = [x.copy() for x in inputs]
    run_node(sim, "SparseApplyAdagrad", inputs, [], fails=True)
    for array, old in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(array, old)

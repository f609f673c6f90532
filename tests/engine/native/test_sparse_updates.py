"""Native updates of rows: equal rows are added up, or updated in turn, as NumPy does it; in steps, with all optimizers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import headrace as tf
from headrace.engine.kernels.optimizer_blocks import summed_rows, update_summed
from headrace.engine.ops.training import RULES, SPARSE_APPLY

from .test_updates import assert_close, inputs_of

Native = Callable[..., None]
SPARSE = [rule for rule in RULES if rule.sparse]
# Rows of the variable, elements of a row, rows of the gradient.
SIZES = [(3, (), 5), (9, (1,), 300), (50, (8,), 70), (20, (3, 5), 40), (30, (16,), 1), (7, (129,), 600), (4, (2,), 0)]


def rows_of(rule: Any, size: Any, dtype: Any, seed: int = 0) -> list[np.ndarray[Any, Any]]:
    rows, inner, count = size
    rng = np.random.default_rng(seed)
    inputs: list[np.ndarray[Any, Any]] = inputs_of(rule, rule.sparse.split(), (rows, *inner), dtype)
    place = rule.sparse.split().index("indices")
    inputs[place] = rng.integers(0, rows, count).astype((np.int32, np.int64)[seed % 2])
    inputs[place - 1] = rng.standard_normal((count, *inner)).astype(dtype)
    return inputs


def definition_for(rule: Any) -> Any:
    return next(op for op in SPARSE_APPLY[rule.name] if op is not None)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", SPARSE, ids=lambda r: r.name)
def test_rules(native: Native, rule: Any, dtype: Any) -> None:
    definition, place = definition_for(rule), rule.sparse.split().index("indices")
    options = dict(rule.options)
    for summed in (True, False):
        for size in SIZES:
            inputs = rows_of(rule, size, dtype)
            expected = [x.copy() for x in inputs]
            if summed:
                update_summed(definition.update_function, place - 1, place, np, *expected, **options)
            else:
                definition.update_function(np, *expected, **options)
            results = []
            for threads in (1, 2):
                results.append([x.copy() for x in inputs])
                attrs = {"parts": [(definition, options, len(inputs), "")]} if summed else options
                native("_SparseUpdate" if summed else definition.type, results[-1], [], attrs, threads)
            for one, two, right in zip(*results, expected, strict=True):
                np.testing.assert_array_equal(one, two)
                assert_close(one, right)


def test_tables_of_different_sizes_and_strided_gradients(native: Native) -> None:
    rule = next(r for r in RULES if r.name == "Adagrad")
    definition = definition_for(rule)
    sets = [rows_of(rule, size, np.float32, i) for i, size in enumerate(SIZES[1:])]
    for inputs in sets:
        if inputs[3].ndim == 2:
            wide = np.pad(inputs[3], [(0, 0), (2, 5)])
            inputs[3] = wide[:, 2 : wide.shape[1] - 5]
    expected = [[x.copy() for x in inputs] for inputs in sets]
    for inputs in expected:
        update_summed(definition.update_function, 3, 4, np, *inputs, update_slots=True)
    parts: list[Any] = [(definition, {}, len(inputs), "") for inputs in sets]
    native("_SparseUpdate", [x for inputs in sets for x in inputs], [], {"parts": parts}, 2)
    for inputs, right in zip(sets, expected, strict=True):
        assert_close(inputs[0], right[0])
        assert_close(inputs[1], right[1])


def test_nothing_is_written_if_an_index_is_out_of_range(native: Native) -> None:
    rule = next(r for r in RULES if r.name == "Adagrad")
    sets = [rows_of(rule, (5, (3,), 4), np.float32, i) for i in range(2)]
    sets[1][4][2] = 5
    before = [[x.copy() for x in inputs] for inputs in sets]
    parts: list[Any] = [(definition_for(rule), {}, len(inputs), "") for inputs in sets]
    native("_SparseUpdate", [x for inputs in sets for x in inputs], [], {"parts": parts}, fails=True)
    for inputs, right in zip(sets, before, strict=True):
        np.testing.assert_array_equal(inputs[0], right[0])


OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "SparseApplyAdagrad": lambda: tf.train.AdagradOptimizer(0.1),
    "SparseApplyFtrl": lambda: tf.train.FtrlOptimizer(0.1),
    "SparseApplyMomentum": lambda: tf.train.MomentumOptimizer(0.1, 0.9),
    "SparseApplyRMSProp": lambda: tf.train.RMSPropOptimizer(0.1),
    "SparseApplyAdadelta": lambda: tf.train.AdadeltaOptimizer(0.1),
}


def trained(make: Callable[[], Any], resource: bool, **options: Any) -> tuple[list[Any], str]:
    """Two tables after some steps, and the explained program."""
    with tf.Graph().as_default(), tf.Session(**options) as session:
        ids = tf.placeholder(tf.int32, [12, 2])
        rng = np.random.default_rng(0)
        columns = tf.unstack(ids, axis=1)
        tables = [
            tf.get_variable(f"t{i}", initializer=rng.normal(size=(9, 4)).astype(np.float32), use_resource=resource)
            for i in range(2)
        ]
        looked_up = [tf.nn.embedding_lookup(t, column) for t, column in zip(tables, columns, strict=True)]
        loss = tf.reduce_sum(tf.square(tf.concat(looked_up, 1)))
        train = make().minimize(loss)
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run([loss, train], {ids: rng.integers(0, 9, (12, 2))})
        explained = session.explain([loss, train], {ids: np.zeros((12, 2), np.int32)})
        return session.run(tables), explained


@pytest.mark.parametrize("resource", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_with_the_pass_equal_the_reference(name: str, resource: bool) -> None:
    make = OPTIMIZERS[name]
    right, _ = trained(make, resource, backend="reference")
    choices: list[dict[str, Any]] = [{}, {"backend": "numpy"}]
    for options in choices:
        result, program = trained(make, resource, **options)
        assert program.count("_SparseUpdate(") == 1 and "Unique(" not in program
        for x, y in zip(result, right, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)


def test_an_index_out_of_range_is_named() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        ids = tf.placeholder(tf.int32, [3])
        table = tf.get_variable("t", [4, 2])
        gradient = tf.IndexedSlices(tf.ones([3, 2]), ids, tf.constant([4, 2]))
        train = tf.train.AdagradOptimizer(0.1).apply_gradients([(gradient, table)])
        session.run(tf.global_variables_initializer())
        before = session.run(table)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"4 is not in \[0, 4\)"):
            session.run(train, {ids: [0, 4, 1]})
        np.testing.assert_array_equal(session.run(table), before)


@pytest.mark.parametrize("resource", [False, True])
def test_means_take_sums_of_static_shape(resource: bool) -> None:
    make = tf.train.AdamOptimizer
    right, _ = trained(make, resource, backend="reference")
    choices: list[dict[str, Any]] = [{}, {"backend": "numpy"}, {"passes_off": ["summed_rows"]}]
    for options in choices:
        result, program = trained(make, resource, **options)
        assert ("Unique(" in program) == ("passes_off" in options)
        for x, y in zip(result, right, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_summed_rows(native: Native, dtype: Any) -> None:
    for _, inner, count in SIZES:
        rng = np.random.default_rng(count)
        values, indices = rng.standard_normal((count, *inner)).astype(dtype), rng.integers(0, 9, count)
        expected = summed_rows(values, indices)
        for threads in (1, 2):
            out = np.full_like(values, np.nan)
            native("_SummedRows", (values, indices), [out], threads=threads)
            np.testing.assert_array_equal(out, expected)


def test_sums_that_are_used_otherwise_stay() -> None:
    with tf.Graph().as_default() as graph, tf.Session() as session:
        ids, values = tf.placeholder(tf.int32, [4]), tf.ones([4, 2])
        rows, places = tf.unique(ids)
        sums = tf.unsorted_segment_sum(values, places, tf.shape(rows)[0])
        table = tf.get_variable("t", initializer=np.zeros((5, 2), np.float32))
        added = tf.scatter_add(table, rows, sums * 2)
        session.run(tf.global_variables_initializer())
        assert session.run([sums, added.op], {ids: [1, 1, 3, 1]})[0].tolist() == [[3, 3], [1, 1]]
        assert graph is tf.get_default_graph() and session.run(table)[1].tolist() == [6, 6]

"""Gradients through branches and loops: against finite differences, unrolled graphs and NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from headrace.engine.custom_gradient import custom_gradient
from headrace.engine.gradients import gradients
from headrace.engine.graph import Graph
from headrace.engine.ops.array import identity
from headrace.engine.ops.array_parts import concat
from headrace.engine.ops.cond import cond
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.ops.indexing import gather
from headrace.engine.ops.linalg import matmul_op
from headrace.engine.ops.py_func import py_func
from headrace.engine.ops.random import random_uniform
from headrace.engine.ops.reduce import reduce_sum
from headrace.engine.ops.variables import assign_op, assign_variable_op, read_variable_op, var_handle_op, variable_op
from headrace.engine.ops.while_loop import while_loop
from headrace.engine.session import Session
from headrace.engine.shapes import TensorShape
from headrace.engine.tensor_types import IndexedSlices


@pytest.fixture(params=["cpu", "reference"])
def session(request):
    with Graph().as_default() as graph:
        session = Session(graph=graph, backend=request.param)
        yield session
        session.close()


def finite_difference(session, y, x, value, feeds=None, step=1e-6):
    value = np.asarray(value, np.float64)
    result = np.zeros_like(value)
    for i in np.ndindex(value.shape):
        ends = []
        for sign in (1, -1):
            moved = value.copy()
            moved[i] += sign * step
            ends.append(np.sum(session.run(y, {**(feeds or {}), x: moved})))
        result[i] = (ends[0] - ends[1]) / (2 * step)
    return result


def check(session, y, x, *values, feeds=None, second=True):
    (dy,) = gradients(y, x)
    ddy = gradients(dy, x)[0] if second else None
    for value in values:
        expected = finite_difference(session, y, x, value, feeds)
        np.testing.assert_allclose(session.run(dy, {**(feeds or {}), x: value}), expected, rtol=1e-5, atol=1e-6)
        if ddy is not None:
            expected = finite_difference(session, dy, x, value, feeds)
            np.testing.assert_allclose(session.run(ddy, {**(feeds or {}), x: value}), expected, rtol=1e-5, atol=1e-5)


def test_cond(session):
    x = placeholder("float64", [3])
    total = reduce_sum(x)
    y = cond(total > 0.0, lambda: x * x * x, lambda: x * total)
    check(session, y, x, [1.0, 2.0, 0.5], [-1.0, -2.0, 0.5])


def test_cond_in_cond(session):
    x = placeholder("float64", [])
    y = cond(x > 0.0, lambda: cond(x > 1.0, lambda: x * x * x, lambda: x * x), lambda: x * 3.0)
    check(session, y, x, 2.0, 0.5, -1.0)


def test_cond_where_one_branch_does_not_depend_on_x(session):
    x, p = placeholder("float64", [2]), placeholder("bool", [])
    y = cond(p, lambda: x * x, lambda: constant([1.0, 2.0], "float64"))
    dy = gradients(y, x)[0]
    assert session.run(dy, {x: [3, 4], p: True}).tolist() == [6, 8]
    assert session.run(dy, {x: [3, 4], p: False}).tolist() == [0, 0]


def test_cond_of_unknown_shapes(session):
    x, p = placeholder("float64", [None]), placeholder("bool", [])
    y = cond(p, lambda: x * x, lambda: constant([7.0], "float64"))
    dy = gradients(y, x)[0]
    assert session.run(dy, {x: [3, 4], p: True}).tolist() == [6, 8]
    assert session.run(dy, {x: [3, 4, 5], p: False}).tolist() == [0, 0, 0]


def test_the_forward_branch_runs_once(session):
    x, calls = placeholder("float64", []), []

    def noisy(value):
        calls.append(value)
        return np.float64(len(calls))

    def branch():
        factor = py_func(noisy, [x], "float64")
        factor.set_shape([])
        return x * factor

    y = cond(x > 0.0, branch, lambda: x)
    dy = gradients(y, x)[0]
    value, slope = session.run([y, dy], {x: 5.0})
    assert len(calls) == 1 and value == 5 and slope == 1


def test_gradients_see_the_random_numbers_of_the_forward_pass(session):
    x, p = placeholder("float64", [8]), placeholder("bool", [])
    branch = cond(p, lambda: x * random_uniform([8], dtype="float64"), lambda: x)
    loop = while_loop(
        lambda i, v: i < 3, lambda i, v: (i + 1, v * random_uniform([8], dtype="float64")), [constant(0), x]
    )[1]
    slopes = [gradients(y, x)[0] for y in (branch, loop)]
    one, other, *found = session.run([branch, loop, *slopes], {x: np.ones(8), p: True})
    np.testing.assert_allclose(found, [one, other])
    assert len(set(other)) == 8


def test_steps_compiled_before_the_gradient_stay_valid(session):
    x = placeholder("float64", [])
    y = cond(x > 0.0, lambda: x * x, lambda: x)
    z = while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * x), [constant(0), x])[1]
    before = session.make_callable([y, z], [x])
    assert before(2.0) == [4, 16]
    slopes = gradients([y, z], x)[0]
    assert before(3.0) == [9, 81] and session.run(slopes, {x: 2.0}) == 4 + 32 and before(-1.0) == [-1, 1]


def test_sparse_gradients_of_branches(session):
    p, table = placeholder("bool", []), placeholder("float64", [4, 2])
    both = cond(p, lambda: gather(table, [1, 1]), lambda: gather(table, [2]))
    dtable = gradients(both, table)[0]
    assert isinstance(dtable, IndexedSlices)
    feeds = {p: False, table: np.zeros((4, 2))}
    assert session.run(dtable, {**feeds, p: True}).indices.tolist() == [1, 1]
    one = gradients(cond(p, lambda: gather(table, [3]), lambda: constant([[0.0, 0.0]], "float64")), table)[0]
    assert session.run(one, feeds).indices.size == 0
    dense = gradients(cond(p, lambda: gather(table, [3]), lambda: table[:1] * 2.0), table)[0]
    assert session.run(dense, {**feeds, p: True}).tolist() == [[0, 0], [0, 0], [0, 0], [1, 1]]
    assert session.run(dense, feeds).tolist() == [[2, 2], [0, 0], [0, 0], [0, 0]]


# Loops


def power(x, n):
    return while_loop(lambda i, p: i < n, lambda i, p: (i + 1, p * x), [constant(0), constant(1.0, "float64")])[1]


def test_loop(session):
    x, n = placeholder("float64", []), placeholder("int32", [])
    y = power(x, n)
    for count in (0, 1, 5):
        check_once = {n: count}
        dy = gradients(y, x)[0]
        assert session.run(dy, {x: 2.0, **check_once}) == count * 2.0 ** (count - 1)
    check(session, y, x, 1.5, feeds={n: 4})


def test_third_order_of_a_loop(session):
    x = placeholder("float64", [])
    y = power(x, 5)
    for expected in (80, 160, 240):
        y = gradients(y, x)[0]
        assert session.run(y, {x: 2.0}) == expected


def test_loop_over_matrices_with_captures(session):
    w, x = placeholder("float64", [3, 3]), placeholder("float64", [2, 3])
    h = while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, matmul_op(h, w) * h), [constant(0), x])[1]
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(3, 3)) * 0.5, rng.normal(size=(2, 3))
    check(session, h, w, a, feeds={x: b})
    check(session, h, x, b, feeds={w: a})


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 4), st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_a_loop_is_its_unrolled_self(count, a, b):
    with Graph().as_default():
        x, y = placeholder("float64", []), placeholder("float64", [])

        def step(u, v):
            return cond(u > v, lambda: u * v + x, lambda: v - u * y), u * x

        looped = while_loop(lambda i, u, v: i < count, lambda i, u, v: (i + 1, *step(u, v)), [constant(0), x, y])[1:]
        unrolled = [identity(x), identity(y)]
        for _ in range(count):
            unrolled = list(step(*unrolled))
        session = Session()
        found = [gradients(list(pair), [x, y]) for pair in (looped, unrolled)]
        results = [
            session.run([p, [g for g in gs if g is not None]], {x: a, y: b})
            for p, gs in zip((list(looped), unrolled), found, strict=True)
        ]
        for one, other in zip(*results, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_nested_loops_and_branches(session):
    x = placeholder("float64", [])

    def inner(n, start):
        def body(i, v):
            return i + 1, cond(v > 3.0, lambda: v * 0.5 + x, lambda: v * x)

        return while_loop(lambda i, v: i < n, body, [constant(0), start])[1]

    y = while_loop(lambda i, v: i < 4, lambda i, v: (i + 1, inner(i, v) * x), [constant(0), x])[1]
    check(session, y, x, 1.3, -0.7, second=False)


def test_a_loop_in_a_branch_in_a_loop(session):
    x = placeholder("float64", [2])
    grown = lambda v: while_loop(lambda j, v: j < 2, lambda j, v: (j + 1, v * v * 0.9), [constant(0), v])[1]  # noqa: E731
    body = lambda i, v: (i + 1, cond(i % 2 < 1, lambda: grown(v), lambda: v - 0.3 * x))  # noqa: E731
    y = while_loop(lambda i, v: i < 4, body, [constant(0), x])[1]
    check(session, y, x, [1.1, 0.8])


def test_second_order_of_nested_loops(session):
    x = placeholder("float64", [])

    def inner(start):
        return while_loop(lambda i, v: i < 2, lambda i, v: (i + 1, v * x), [constant(0), start])[1]

    y = while_loop(lambda i, v: i < 2, lambda i, v: (i + 1, inner(v) * v), [constant(0), x])[1]
    check(session, y, x, 1.3)


def test_loops_of_changing_shapes(session):
    x = placeholder("float64", [1])
    y = while_loop(
        lambda i, v: i < 3,
        lambda i, v: (i + 1, concat([v * x, x], 0)),
        [constant(0), x],
        shape_invariants=[TensorShape([]), TensorShape([None])],
    )[1]
    check(session, y, x, [1.5], second=False)


def test_sparse_gradients_add_up_over_iterations(session):
    table = placeholder("float64", [3, 2])

    def body(i, total):
        return i + 1, total + reduce_sum(gather(table, [i, 0]) * 2.0)

    y = while_loop(lambda i, t: i < 3, body, [constant(0), constant(0.0, "float64")])[1]
    found = session.run(gradients(y, table)[0], {table: np.ones((3, 2))})
    assert found.tolist() == [[8, 8], [2, 2], [2, 2]]


@pytest.mark.parametrize("resource", [False, True])
def test_variables_inside(session, resource):
    if resource:
        handle = var_handle_op(shape=[], dtype="float64", shared_name="v")
        init = assign_variable_op(handle, np.float64(3.0))
        read = lambda: read_variable_op(handle, dtype="float64")  # noqa: E731
    else:
        handle = variable_op(shape=[], dtype="float64")
        init = assign_op(handle, np.float64(3.0)).op
        read = lambda: identity(handle)  # noqa: E731
    p = placeholder("bool", [])

    def shaped():
        result = read()
        result.set_shape([])
        return result

    y = cond(p, lambda: shaped() * shaped(), lambda: shaped() * 5.0)
    z = while_loop(lambda i, v: i < 2, lambda i, v: (i + 1, v * shaped()), [constant(0), constant(1.0, "float64")])[1]
    session.run(init)
    dy, dz = gradients(y, handle)[0], gradients(z, handle)[0]
    assert session.run([y, dy, z, dz], {p: True}) == [9, 6, 9, 6]
    assert session.run(dy, {p: False}) == 5


def test_back_prop_false_stops_gradients():
    with Graph().as_default():
        x = placeholder("float64", [])
        y = while_loop(lambda v: v < 9.0, lambda v: v * x, [x], back_prop=False)
        assert gradients(y, x) == [None]


def test_gradients_inside_a_body(session):
    x = placeholder("float64", [])
    step = lambda v: v - 0.1 * gradients((v - x) * (v - x), v)[0]  # noqa: E731
    y = while_loop(lambda i, v: i < 200, lambda i, v: (i + 1, step(v)), [constant(0), constant(0.0, "float64")])[1]
    np.testing.assert_allclose(session.run(y, {x: 4.0}), 4.0)


def test_custom_gradient(session):
    x = placeholder("float64", [])

    @custom_gradient
    def doubled(v):
        return v * 2.0, lambda dy: dy * 100.0

    y = cond(x > 0.0, lambda: doubled(x), lambda: x)
    dy = gradients(y, x)[0]
    assert session.run([y, dy], {x: 3.0}) == [6, 100] and session.run(dy, {x: -3.0}) == 1

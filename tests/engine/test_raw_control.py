"""Switch, Merge and frames as TensorFlow 1 lowers control flow to them."""

import numpy as np
import pytest

from headrace.engine import errors
from headrace.engine.function import set_input
from headrace.engine.gradients import gradients
from headrace.engine.graph import Graph
from headrace.engine.ops.array import identity
from headrace.engine.ops.cond import cond
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.ops.control import control_trigger, no_op
from headrace.engine.ops.elementwise import floor_div_op
from headrace.engine.ops.py_func import py_func
from headrace.engine.ops.raw_control import (
    enter_op,
    exit_op,
    loop_cond_op,
    merge_op,
    next_iteration_op,
    ref_switch_op,
    switch_op,
)
from headrace.engine.ops.variables import assign_add_op, assign_op, variable_op
from headrace.engine.session import Session


@pytest.fixture(params=["cpu", "reference"])
def session(request):
    with Graph().as_default() as graph:
        session = Session(graph=graph, backend=request.param)
        yield session
        session.close()


def raw_loop(frame, start, constants, condition, body):
    """Merge, LoopCond, Switch and NextIteration around Python functions, as the tf.while_loop of TensorFlow 1."""
    entered = [enter_op(x, frame_name=frame) for x in start]
    fixed = [enter_op(x, frame_name=frame, is_constant=True) for x in constants]
    merged = [merge_op([x, x])[0] for x in entered]
    chosen = loop_cond_op(condition(merged, fixed))
    pairs = [switch_op(x, chosen) for x in merged]
    for merge, value in zip(merged, body([p.output_true for p in pairs], fixed), strict=True):
        set_input(merge.op, 1, next_iteration_op(value))
    return [exit_op(p.output_false) for p in pairs]


def test_switch_and_merge(session):
    x = placeholder("float32", [])
    pair = switch_op(data=x, pred=x > 0.0)
    merged, which = merge_op(inputs=[pair.output_false * 10.0, pair.output_true * 100.0])
    assert session.run([merged, which], {x: 2}) == [200, 1]
    assert session.run([merged, which], {x: -2}) == [-20, 0]
    slope = gradients(merged, x)[0]
    assert session.run(slope, {x: 2}) == 100 and session.run(slope, {x: -2}) == 10


def test_a_dead_tensor_cannot_be_fetched(session):
    x = placeholder("float32", [])
    false, true = switch_op(x, x > 0.0)
    with pytest.raises(errors.InvalidArgumentError, match=r"Retval\[1\] does not have value"):
        session.run([true + 1.0, false + 1.0], {x: 2})


def test_what_is_dead_does_not_run(session):
    x, calls = placeholder("float32", []), []
    false, true = switch_op(x, x > 0.0)
    seen = [py_func(lambda v, n=n: calls.append(n) or v, [t], "float32") for n, t in ((0, false), (1, true))]
    with session.graph.control_dependencies([seen[0]]):
        after, trigger = no_op(), control_trigger()
    merged = merge_op(seen)[0]
    session.run([merged, after, trigger], {x: 1})
    assert calls == [1]


def test_a_loop(session):
    x, n = placeholder("float32", []), placeholder("int32", [])

    def body(values, fixed):
        with session.graph.control_dependencies([values[0]]):
            one = constant(1)
        return [values[0] + one, values[1] * fixed[1]]

    i, p = raw_loop("f", [constant(0), constant(1.0)], [n, x], lambda v, c: v[0] < c[0], body)
    assert session.run([i, p], {x: 2, n: 5}) == [5, 32]
    assert session.run(p, {x: 2, n: 0}) == 1
    assert session.run(p * x, {x: 3, n: 2}) == 27


def test_nested_loops(session):
    n = placeholder("int32", [])

    def one(after):
        with session.graph.control_dependencies([after]):
            return constant(1)

    def outer_body(values, fixed):
        i, total = values
        inner = lambda v, c: [v[0] + one(v[0]), v[1] + c[0]]  # noqa: E731
        zero = i - i
        _, total = raw_loop("inner", [zero, total], [i], lambda v, c: v[0] < c[0], inner)
        return [i + one(i), total]

    total = raw_loop("outer", [constant(0), constant(0)], [n], lambda v, c: v[0] < c[0], outer_body)[1]
    for value in (0, 1, 4):
        assert session.run(total, {n: value}) == sum(i * i for i in range(value))


def test_a_loop_on_the_dead_side_of_a_switch(session):
    x = placeholder("int32", [])
    false, true = switch_op(x, x > 0)

    def body(values, fixed):
        return [values[0] + fixed[0]]

    looped = raw_loop("f", [true], [true], lambda v, c: v[0] < c[0] * c[0], body)[0]
    merged, which = merge_op([false, looped])
    assert session.run([merged, which], {x: 3}) == [9, 1]
    assert session.run([merged, which], {x: -3}) == [-3, 0]


def test_variables_and_structured_operations_beside_raw_ones(session):
    v = variable_op(shape=[], dtype="float32", name="v")
    x = placeholder("float32", [])
    false, true = ref_switch_op(v, x > 0.0)
    added = assign_add_op(true, x)
    merged = merge_op([identity(false), identity(added)])[0]
    both = cond(x > 1.0, lambda: merged * 2.0, lambda: merged)
    session.run(assign_op(v, np.float32(1.0)).op)
    assert session.run(merged, {x: 2}) == 3 and session.run(v) == 3
    assert session.run([merged, both], {x: -2}) == [3, 3]
    assert session.run(both, {x: 2}) == 10


def test_errors_name_the_operation(session):
    x = placeholder("int32", [])
    _, true = switch_op(x, x < 5)
    with pytest.raises(errors.InvalidArgumentError, match=r"zero[\s\S]*\[\[node bad"):
        session.run(floor_div_op(true, x - x, name="bad"), {x: 1})
    with pytest.raises(errors.InvalidArgumentError, match="You must feed a value for placeholder tensor 'Placeholder'"):
        session.run(true)
    inside = enter_op(x, frame_name="g")
    with pytest.raises(errors.InvalidArgumentError, match="inputs from different frames"):
        session.run(exit_op(inside + x), {x: 1})

"""cond, case, while_loop and their kin against plain Python; which branches run; what is refused."""

import numpy as np
import pytest

from headrace.engine import checks, errors, nest
from headrace.engine.graph import Graph, Tensor, get_default_graph
from headrace.engine.ops.array import identity
from headrace.engine.ops.array_parts import concat
from headrace.engine.ops.checking import Assert, Print, print_v2
from headrace.engine.ops.cond import case, cond, smart_cond
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.ops.control import group, no_op, tuple as tuple_of, with_dependencies
from headrace.engine.ops.critical_section import CriticalSection
from headrace.engine.ops.py_func import py_func
from headrace.engine.ops.variables import assign_add_op, assign_op, variable_op
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


def counted(counts, name, value):
    """A tensor whose making is counted."""

    def function(x):
        counts[name] = counts.get(name, 0) + 1
        return x

    result = py_func(function, [value], "float32")
    result.set_shape([])
    return result


def variable(value, name="v"):
    v = variable_op(shape=np.shape(value), dtype="float32", name=name)
    return v, assign_op(v, np.float32(value)).op


# cond


def test_cond_runs_the_branch_taken_alone(session):
    counts = {}
    x = placeholder("float32", [])
    y = cond(x > 0.0, lambda: counted(counts, "true", x * 2.0), lambda: counted(counts, "false", x - 1.0))
    assert session.run(y, {x: 3}) == 6
    assert counts == {"true": 1}
    assert session.run(y, {x: -3}) == -4
    assert counts == {"true": 1, "false": 1}


def test_cond_gives_nested_structures(session):
    p = placeholder("bool", [])
    a, b = constant(1.0), constant([1, 2])
    y = cond(p, lambda: {"a": a, "b": (b, [a + 1.0])}, lambda: {"a": a * 5.0, "b": (b * 2, [a])})
    assert y["a"].sizes == () and y["b"][0].sizes == (2,)
    true, false = session.run(y, {p: True}), session.run(y, {p: False})
    assert true["a"] == 1 and false["a"] == 5 and true["b"][1] == [2] and false["b"][0].tolist() == [2, 4]


@pytest.mark.parametrize("strict", [False, True])
def test_cond_takes_lists_of_one_apart_unless_strict(strict):
    with Graph().as_default():
        y = cond(placeholder("bool", []), lambda: [constant(1)], lambda: [constant(2)], strict=strict)
        assert isinstance(y, list) is strict


def test_cond_runs_an_operation_of_the_branch_taken(session):
    v, init = variable(1.0)
    p = placeholder("bool", [])
    done = cond(p, lambda: assign_add_op(v, 10.0).op, lambda: no_op())
    session.run(init)
    assert session.run(done, {p: False}) is np.False_ and session.run(v) == 1
    assert session.run(done, {p: True}) is np.True_ and session.run(v) == 11


def test_reads_outside_come_before_writes_inside(session):
    v, init = variable(1.0)
    p = placeholder("bool", [])
    before = identity(v) * 1.0
    after = cond(p, lambda: assign_add_op(v, 10.0), lambda: identity(v))
    session.run(init)
    assert session.run([before, after], {p: True}) == [1, 11]
    assert session.run([before, after], {p: False}) == [11, 11]


def test_a_branch_reads_what_was_assigned_before_it(session):
    v, init = variable(1.0)
    assigned = assign_op(v, 7.0)
    y = cond(constant(True), lambda: assigned + 1.0, lambda: constant(0.0))
    session.run(init)
    assert session.run(y) == 8 and session.run(v) == 7


def test_cond_merges_static_shapes():
    with Graph().as_default():
        p = placeholder("bool", [])
        x, y = placeholder("float32", [2, 3]), placeholder("float32", [4, 3])
        assert cond(p, lambda: x, lambda: y).sizes == (None, 3)
        assert cond(p, lambda: x, lambda: constant(1.0)).sizes is None


def test_cond_gives_indexed_slices(session):
    p = placeholder("bool", [])

    def make(n):
        return IndexedSlices(constant([[1.0]] * n), constant(list(range(n))), constant([5, 1]))

    y = cond(p, lambda: make(1), lambda: make(2))
    assert isinstance(y, IndexedSlices)
    assert session.run(y, {p: False}).indices.tolist() == [0, 1]


def test_control_inputs_of_the_graph_around_run_first(session):
    v, init = variable(1.0)
    add = assign_add_op(v, 1.0).op

    def branch():
        with get_default_graph().control_dependencies([add]):
            return identity(constant(2.0))

    y = cond(placeholder("bool", [], "q"), branch, lambda: constant(0.0))
    session.run(init)
    session.run(y, {"q:0": True})
    assert session.run(v) == 2


@pytest.mark.parametrize(
    "arguments, error, text",
    [
        ((True, lambda: 1, lambda: 2), TypeError, "Python bool"),
        (("p", 1, lambda: 2), TypeError, "true_fn must be callable"),
        (("p", lambda: constant(1), 1), TypeError, "false_fn must be callable"),
        (("p", lambda: constant(1)), TypeError, "false_fn.*required"),
        (("p", lambda: None, lambda: constant(1)), ValueError, "true_fn must have a return value"),
        (("p", lambda: constant(1), lambda: constant(1.0)), ValueError, "same type: int32, float32"),
        (("p", lambda: [constant(1), constant(2)], lambda: constant(1)), ValueError, "Incompatible return values"),
        (("p", lambda: (constant(1),) * 2, lambda: [constant(1)] * 2), TypeError, "Incompatible return types"),
        (("vector", lambda: constant(1), lambda: constant(2)), ValueError, "scalar"),
    ],
)
def test_cond_refuses(arguments, error, text):
    with Graph().as_default():
        given = {"p": placeholder("bool", []), "vector": placeholder("bool", [2])}
        with pytest.raises(error, match=text):
            cond(*(given.get(a, a) if isinstance(a, str) else a for a in arguments))


def test_old_and_new_names_exclude_each_other():
    with Graph().as_default(), pytest.raises(TypeError, match="'true_fn' and 'fn1'"):
        cond(placeholder("bool", []), lambda: 1, lambda: 2, fn1=lambda: 3)


def test_an_error_inside_a_branch_names_its_operation(session):
    x = placeholder("int32", [])
    y = cond(x > 0, lambda: constant(1) // (x - x), lambda: x)
    with pytest.raises(errors.InvalidArgumentError, match=r"zero[\s\S]*cond/"):
        session.run(y, {x: 1})
    assert session.run(y, {x: 0}) == 0


def test_smart_cond_decides_what_is_known():
    with Graph().as_default() as graph:
        assert smart_cond(True, lambda: 1, lambda: 2) == 1
        assert smart_cond(constant(False), lambda: 1, lambda: 2) == 2
        assert isinstance(smart_cond(placeholder("bool", []), lambda: constant(1), lambda: constant(2)), Tensor)
        assert sum(op.type == "If" for op in graph.get_operations()) == 1


# case


def test_case_takes_the_first_true_predicate(session):
    x = placeholder("int32", [])
    pairs = [(x < 1, lambda: constant(10)), (x < 2, lambda: constant(20))]
    y = case(pairs, default=lambda: constant(30))
    assert [session.run(y, {x: i}) for i in range(3)] == [10, 20, 30]


@pytest.mark.parametrize(
    "value, options, text",
    [(5, {}, "None of the conditions"), (0, {"exclusive": True}, "more than 1 conditions")],
)
def test_case_checks_its_predicates_when_run(session, value, options, text):
    x = placeholder("int32", [])
    y = case([(x < 1, lambda: constant(10)), (x < 2, lambda: constant(20))], **options)
    with pytest.raises(errors.InvalidArgumentError, match=text):
        session.run(y, {x: value})
    assert session.run(y, {x: 1}) == 20


# while_loop


def test_while_loop_computes_as_python_does(session):
    x = placeholder("float32", [])
    i, p = while_loop(lambda i, p: i < 5, lambda i, p: (i + 1, p * x), [constant(0), constant(1.0)])
    assert session.run([i, p], {x: 2}) == [5, 32]
    assert session.run(while_loop(lambda i: i < 0, lambda i: i + 1, [7])) == 7


def test_nested_loops_with_conditions(session):
    n = placeholder("int32", [])

    def inner(i, total):
        def step(j, t):
            return j + 1, cond(j < i, lambda: t + j, lambda: t - 1)

        return while_loop(lambda j, t: j < 4, step, [constant(0), total])[1]

    total = while_loop(lambda i, t: i < n, lambda i, t: (i + 1, inner(i, t)), [constant(0), constant(0)])[1]

    def expected(n):
        t = 0
        for i in range(n):
            for j in range(4):
                t = t + j if j < i else t - 1
        return t

    for value in (0, 1, 3, 6):
        assert session.run(total, {n: value}) == expected(value)


def test_loop_variables_may_be_nested_and_swap_places(session):
    start = {"a": constant(1), "b": (constant(2), [constant(3)])}

    def body(i, s):
        return i + 1, {"a": s["b"][0], "b": (s["b"][1][0], [s["a"]])}

    _, result = while_loop(lambda i, s: i < 2, body, (constant(0), start))
    assert session.run(result) == {"a": 3, "b": (1, [2])}


def test_the_body_runs_as_often_as_it_should(session):
    counts = {}
    y = while_loop(lambda x: x < 5.0, lambda x: counted(counts, "body", x) + 1.0, [constant(0.0)])
    assert session.run(y) == 5 and counts == {"body": 5}


def test_maximum_iterations_ends_a_loop(session):
    limit = placeholder("int32", [])
    y = while_loop(lambda i: i < 100, lambda i: i + 1, [constant(0)], maximum_iterations=limit)
    assert session.run(y, {limit: 7}) == 7 and session.run(y, {limit: 500}) == 100


def test_shapes_may_grow_under_an_invariant(session):
    x = placeholder("float32", [1])
    _, y = while_loop(
        lambda i, v: i < 40,
        lambda i, v: (i + 1, concat([v, x], 0)),
        [constant(0), x],
        shape_invariants=[TensorShape([]), TensorShape([None])],
    )
    assert y.sizes == (None,) and session.run(y, {x: [2]}).tolist() == [2.0] * 41


def test_a_body_assigns_to_variables(session):
    v, init = variable(1.0)

    def body(i):
        with get_default_graph().control_dependencies([assign_add_op(v, 2.0).op]):
            return identity(i + 1)

    before = identity(v) * 1.0
    loop = while_loop(lambda i: i < 3, body, [constant(0)])
    session.run(init)
    assert session.run([before, loop]) == [1, 3]
    assert session.run(v) == 7


def test_return_same_structure():
    with Graph().as_default():

        def loop(**options):
            return while_loop(lambda i: i < 3, lambda i: [i + 1], [constant(0)], **options)

        assert isinstance(loop(return_same_structure=True), list) and isinstance(loop(), Tensor)


@pytest.mark.parametrize(
    "cond_fn, body, loop_vars, options, error, text",
    [
        (lambda: True, lambda: (), [], {}, ValueError, "No loop variables"),
        (1, lambda i: i, [0], {}, TypeError, "cond must be callable"),
        (lambda i: i < 1, 1, [0], {}, TypeError, "body must be callable"),
        (lambda i: i, lambda i: i, [0], {}, TypeError, "scalar bool"),
        (lambda i: i < 1, lambda i: (i, i), [0], {}, ValueError, "same number of elements|same nested"),
        (lambda i: i < 1, lambda i: i * [[1, 2]], [0], {}, ValueError, "not an invariant.*shape_invariants"),
        (lambda i: i < 1, lambda i: constant(1.0), [0], {}, TypeError, "enters the loop with type int32"),
        (lambda i: i < 1, lambda i: i, [0], {"shape_invariants": [TensorShape([2])]}, ValueError, "not compatible"),
        (lambda i: i < 1, lambda i: i, [0], {"parallel_iterations": 0}, TypeError, "positive integer"),
    ],
)
def test_while_loop_refuses(cond_fn, body, loop_vars, options, error, text):
    with Graph().as_default(), pytest.raises(error, match=text):
        while_loop(cond_fn, body, loop_vars, **options)


def test_cancelling_ends_an_endless_loop():
    with Graph().as_default():
        session = Session()

        def stop(x):
            session.runtime.cancellation.cancel()
            return x

        endless = while_loop(lambda x: x >= 0.0, lambda x: counted_stop(stop, x), [constant(0.0)])
        with pytest.raises(errors.CancelledError):
            session.run(endless)


def counted_stop(stop, x):
    result = py_func(stop, [x], "float32")
    result.set_shape([])
    return result


# What orders and checks


def test_group_and_dependencies(session):
    v, init = variable(0.0)
    adds = [assign_add_op(v, 1.0), assign_add_op(v, 2.0)]
    session.run(init)
    assert session.run(group(*adds)) is None and session.run(v) == 3
    assert session.run(with_dependencies([group(adds[0])], constant(5))) == 5 and session.run(v) == 4
    first, none, second = tuple_of([constant(1), None, constant(2)])
    assert none is None and session.run([first, second]) == [1, 2]
    with pytest.raises(TypeError, match=r"Expected tf\.Tensor"):
        group(3)
    with pytest.raises(ValueError, match="at least one"):
        tuple_of([None])


def test_assert_shows_its_data(session):
    x = placeholder("int32", [None])
    check = Assert(constant(False), [constant("text"), x])
    with pytest.raises(errors.InvalidArgumentError, match=r"assertion failed: \[text\] \[1 2 3\.\.\.\]"):
        session.run(check, {x: [1, 2, 3, 4]})
    assert session.run(Assert(constant(True), [x]), {x: [1]}) is None


def test_print_writes_to_stderr(session, capfd):
    x = placeholder("float32", [None])
    y = Print(x, [x, constant("a")], "values: ", first_n=2)
    for _ in range(3):
        session.run(y, {x: [1, 2.5, 3, 4]})
    assert capfd.readouterr().err == "values: [1 2.5 3...][a]\n" * 2
    session.run(print_v2("x is", x, sep="="), {x: list(range(8))})
    assert capfd.readouterr().err == "x is=[0 1 2 ... 5 6 7]\n"


def test_py_func_takes_arrays_and_checks_results(session):
    x = placeholder("float32", [2])
    a, b = py_func(lambda v: (v * 2, np.int64(v.sum())), [x], ["float32", "int64"])
    assert [r.tolist() for r in session.run([a, b], {x: [1, 2]})] == [[2, 4], 3]
    assert session.run(py_func(lambda s: s + b"!", [constant("a")], "string")) == b"a!"
    with pytest.raises(errors.InvalidArgumentError, match="float64, but expects float32"):
        session.run(py_func(lambda v: v.astype(np.float64), [x], "float32"), {x: [1, 2]})
    with pytest.raises(errors.InvalidArgumentError, match="returns 2 values"):
        session.run(py_func(lambda v: (v, v), [x], ["float32"]), {x: [1, 2]})


def test_critical_section(session):
    v, init = variable(1.0)
    section = CriticalSection()
    first = section.execute(lambda: assign_add_op(v, 1.0))
    second = section.execute(lambda: {"a": identity(v) * 1.0})
    session.run(init)
    assert session.run(first) == 2
    assert session.run(second) == {"a": 2}


@pytest.mark.parametrize(
    "check, good, bad",
    [
        (lambda x: checks.assert_positive(x), [1, 2], [1, 0]),
        (lambda x: checks.assert_non_negative(x), [0, 2], [-1, 0]),
        (lambda x: checks.assert_equal(x, [1, 2]), [1, 2], [1, 3]),
        (lambda x: checks.assert_less(x, 3), [1, 2], [1, 3]),
        (lambda x: checks.assert_none_equal(x, 3), [1, 2], [1, 3]),
        (lambda x: checks.assert_greater_equal(x, 1), [1, 2], [1, 0]),
    ],
)
def test_checks_when_run_and_when_built(session, check, good, bad):
    x = placeholder("int32", [2])
    operation = check(x)
    assert session.run(operation, {x: good}) is None
    with pytest.raises(errors.InvalidArgumentError, match=r"did not hold element-wise"):
        session.run(operation, {x: bad})
    assert check(constant(good)).type == "NoOp"
    with pytest.raises(errors.InvalidArgumentError, match=r"did not hold element-wise"):
        check(constant(bad))


def test_checks_of_shapes_and_types():
    with Graph().as_default():
        x = placeholder("float32", [2, 3])
        assert checks.assert_rank(x, 2).type == "NoOp"
        with pytest.raises(ValueError, match="must have rank 3"):
            checks.assert_rank(x, 3)
        with pytest.raises(ValueError, match="must have rank at least 3"):
            checks.assert_rank_at_least(x, 3)
        with pytest.raises(ValueError, match="must have rank in"):
            checks.assert_rank_in(x, [1, 3])
        with pytest.raises(TypeError, match="integer type"):
            checks.assert_integer(x)
        assert checks.is_numeric_tensor(x) and not checks.is_numeric_tensor(constant("a"))
        with pytest.raises(ValueError, match="Expected scalar"):
            checks.assert_scalar(x)


# nest


def test_nest_takes_apart_and_puts_together():
    structure = {"b": (1, [2]), "a": 3}
    assert nest.flatten(structure) == [3, 1, 2]
    assert nest.pack_sequence_as(structure, [30, 10, 20]) == {"b": (10, [20]), "a": 30}
    assert nest.map_structure(lambda x, y: x + y, structure, structure) == {"b": (2, [4]), "a": 6}
    assert nest.flatten_up_to([0, 0], [(1, 2), 3]) == [(1, 2), 3]
    with pytest.raises(ValueError, match="2 elements"):
        nest.pack_sequence_as([1, 2], [1])
    with pytest.raises(ValueError, match="same number of elements"):
        nest.assert_same_structure([1, 2], [1])
    with pytest.raises(TypeError, match="same sequence type"):
        nest.assert_same_structure([1], (1,))

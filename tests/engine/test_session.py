"""Session: what can be fetched and fed, state, errors, threads, and that steps leave nothing behind."""

from __future__ import annotations

import collections
import gc
import threading
import tracemalloc

import numpy as np
import pytest

from headrace.engine import errors
from headrace.engine.dtypes import float32, float64, int32, resource, string
from headrace.engine.graph import Graph, get_default_session
from headrace.engine.ops.array import identity, reshape
from headrace.engine.ops.constant import constant, placeholder, placeholder_with_default
from headrace.engine.ops.elementwise import floor_div_op
from headrace.engine.ops.linalg import matmul_op
from headrace.engine.registry import definition_of, find_definition, op
from headrace.engine.session import InteractiveSession, Session
from headrace.engine.shapes import TensorShape
from headrace.engine.tensor_types import IndexedSlices, IndexedSlicesValue, SparseTensor, SparseTensorValue

Pair = collections.namedtuple("Pair", "first second")
CALLS = []

if find_definition("TestCounted") is None:

    @op("TestCounted", "x: T", "y: T", shape=lambda c: [c.sizes[0]], stateful=True)
    def counted_op(x, *, tag: str = "", name=None):
        """`x`; every run is counted."""

    @counted_op.state
    def counted_state(context, x, *, tag):
        CALLS.append(tag)
        return x


def counted(x, tag):
    return definition_of("TestCounted")(x, tag=tag)


@pytest.fixture
def graph():
    with Graph().as_default() as graph:
        yield graph


@pytest.fixture
def session(graph):
    with Session() as session:
        yield session


def variable(value, name="v"):
    array = np.asarray(value)
    v = definition_of("VariableV2")(shape=TensorShape(array.shape), dtype=constant(array).dtype, name=name)
    return v, definition_of("Assign")(v, array).op


def test_fetches_keep_their_structure(session):
    a, b = constant(1.0, name="a"), constant([2, 3], name="b")
    assert session.run(a) == 1.0 and isinstance(session.run(a), np.float32)
    assert session.run("a:0") == 1.0
    assert session.run(a.op) is None and session.run("a") is None
    assert session.run([a, [a, (a,)]]) == [1.0, [1.0, (1.0,)]]
    assert session.run([]) == []
    result = session.run({"x": a, "y": {"z": a.op}})
    assert result == {"x": 1.0, "y": {"z": None}}
    ordered = session.run(collections.OrderedDict([("q", a), ("p", a)]))
    assert isinstance(ordered, collections.OrderedDict) and list(ordered) == ["q", "p"]
    pair = session.run(Pair(a, b))
    assert isinstance(pair, Pair) and pair.second.tolist() == [2, 3]
    sparse = session.run(SparseTensor([[0, 1]], [5.0], [2, 2]))
    assert isinstance(sparse, SparseTensorValue) and sparse.values.tolist() == [5.0]
    slices = session.run(IndexedSlices(b, b))
    assert isinstance(slices, IndexedSlicesValue) and slices.dense_shape is None


@pytest.mark.parametrize(
    "fetch, error, match",
    [
        (None, TypeError, "Fetch argument None has invalid type"),
        (3, TypeError, "Fetch argument 3 has invalid type int"),
        ("nope", ValueError, "not in the graph"),
        ("nope:0", ValueError, "refers to a Tensor which does not exist"),
        ("a:7", ValueError, "'a' has 1 outputs"),
        ([1.5], TypeError, "invalid type float"),
    ],
)
def test_wrong_fetches(session, fetch, error, match):
    constant(1.0, name="a")
    with pytest.raises(error, match=match):
        session.run(fetch)


def test_fetches_of_another_graph(session):
    constant(0.0)
    with Graph().as_default():
        other = constant(1.0, name="other")
    with pytest.raises(ValueError, match=r"'other:0'.*is not an element of this graph"):
        session.run(other)
    with pytest.raises(TypeError, match="Cannot interpret feed_dict key as Tensor"):
        session.run(constant(1.0), {other: 1.0})
    with Graph().as_default(), pytest.raises(ValueError, match="different"):
        constant(1.0).eval(session=session)


def test_any_tensor_can_be_fed_and_what_only_it_needed_does_not_run(session):
    x = placeholder(float32, [2], name="x")
    middle = counted(x, "middle")
    y = counted(middle, "end") * 2.0
    CALLS.clear()
    assert session.run(y, {middle: [1.0, 2.0]}).tolist() == [2.0, 4.0]
    assert CALLS == ["end"]
    assert session.run(y, {"x:0": [1.0, 2.0]}).tolist() == [2.0, 4.0]
    assert CALLS == ["end", "middle", "end"]
    assert session.run([x, y], {x: [1.0, 1.0]})[0].tolist() == [1.0, 1.0]
    assert session.run(constant(3.0) + 1.0, {}) == 4.0
    assert session.run(placeholder_with_default(5.0, [])) == 5.0
    with pytest.raises(
        errors.InvalidArgumentError, match="You must feed a value for placeholder tensor 'x' with dtype"
    ):
        session.run(y)


@pytest.mark.parametrize(
    "dtype, shape, value, error, match",
    [
        (float32, [2], [1.0, 2.0, 3.0], ValueError, r"Cannot feed value of shape \(3,\) for Tensor 'x:0'"),
        (float32, [None, 2], [1.0], ValueError, "which has shape"),
        (float32, [], "text", TypeError, "'x:0' of dtype float32"),
        (int32, [], 1.5, (TypeError, ValueError), "'x:0' of dtype int32"),
        (int32, [], 2**40, (TypeError, ValueError), "int32"),
        (float32, [2], [[1.0], [2.0, 3.0]], (TypeError, ValueError), "'x:0'"),
        (float32, [], None, (TypeError, ValueError), "x:0"),
        (string, [], 3, TypeError, "string"),
    ],
)
def test_wrong_feeds_run_nothing(session, dtype, shape, value, error, match):
    x = placeholder(dtype, shape, name="x")
    v, initialize = variable(np.float32(0))
    session.run(initialize)
    step = definition_of("AssignAdd")(v, 1.0)
    with pytest.raises(error, match=match):
        session.run([step.op, x], {x: value})
    assert session.run(v) == 0.0


def test_nested_feeds(session):
    one, two, three = (placeholder(float32, [None]) for _ in range(3))
    sparse = SparseTensor(np.zeros((1, 1)), constant([0.0]), [1])
    fetches = [identity(one), two * 10.0, three * 100.0, identity(sparse.values)]
    pair = (np.ones(1), (np.array([2.0]),))
    fed = {(one, (two,)): pair, three: (3.0,), sparse: SparseTensorValue([[0]], [7.0], [1])}
    assert [value.tolist() for value in session.run(fetches, fed)] == [[1.0], [20.0], [300.0], [7.0]]
    with pytest.raises(ValueError, match="not nested alike"):
        session.run(fetches[0], {(one, two): ([1.0],)})


def test_a_tensor_as_a_feed(session):
    x = placeholder(float32, [], name="x")
    with pytest.raises(TypeError, match=r"The value of a feed cannot be a tf\.Tensor object"):
        session.run(x, {x: constant(1.0)})


def test_fetched_arrays_belong_to_the_caller(session):
    x = placeholder(float32, [3], name="x")
    v, initialize = variable(np.ones(3, np.float32))
    session.run(initialize)
    fetches = [x, v, constant([1.0, 1.0, 1.0]), x + v, identity(x), reshape(v, [3, 1])]
    fed = np.ones(3, np.float32)
    first = session.run(fetches, {x: fed})
    for array in first:
        array[...] = 99
    assert fed.tolist() == [1.0] * 3
    second = session.run(fetches, {x: fed})
    assert [a.ravel().tolist() for a in second] == [[1.0] * 3] * 3 + [[2.0] * 3] + [[1.0] * 3] * 2
    third = session.run(fetches, {x: fed * 5})
    assert second[0].tolist() == [1.0] * 3 and third[0].tolist() == [5.0] * 3


def test_closed_empty_and_wrong_sessions(graph):
    session = Session()
    with pytest.raises(RuntimeError, match="The Session graph is empty"):
        session.run([])
    x = constant(1.0)
    call = session.make_callable(x)
    assert session.run(x) == 1.0
    session.close()
    session.close()
    for run in (lambda: session.run(x), call):
        with pytest.raises(RuntimeError, match="Attempted to use a closed Session"):
            run()
    with pytest.raises(TypeError, match=r"graph must be a tf\.Graph"):
        Session(graph="graph")
    with pytest.raises(ValueError, match="no backend 'nope'"):
        Session(backend="nope")
    with pytest.raises(ValueError, match="no default session is registered"):
        x.eval()


def test_default_sessions_nest(graph):
    x = constant(2.0)
    with Session() as outer:
        with Session().as_default() as inner:
            assert get_default_session() is inner and x.eval() == 2.0
        assert get_default_session() is outer
        assert inner.run(x) == 2.0
        inner.close()
    assert get_default_session() is None


def test_interactive_session():
    graph = Graph()
    session = InteractiveSession(graph=graph)
    x = constant(2.0) * 3.0
    assert x.graph is graph and x.eval() == 6.0
    session.close()
    assert get_default_session() is None
    with pytest.raises(RuntimeError, match="closed"):
        session.run(x)


def test_make_callable(session):
    x, y = placeholder(float32, [], name="x"), placeholder(float32, [], name="y")
    call = session.make_callable({"sum": x + y}, [x, "y:0"])
    assert call(1.0, 2.0) == {"sum": 3.0}
    assert call(np.float32(3.0), 2) == {"sum": 5.0}
    with pytest.raises(TypeError, match="Expected 2 fed values, got 1"):
        call(1.0)


def test_partial_run_runs_every_operation_once(session):
    a, b = placeholder(float32, [], name="a"), placeholder(float32, [], name="b")
    first = counted(a, "first") * 2.0
    second = first + b
    handle = session.partial_run_setup([first, second], [a, b])
    CALLS.clear()
    assert session.partial_run(handle, first, {a: 3.0}) == 6.0
    assert session.partial_run(handle, second, {b: 4.0}) == 10.0
    assert CALLS == ["first"]
    with pytest.raises(errors.InvalidArgumentError, match="already been fed"):
        session.partial_run(handle, second, {b: 4.0})
    handle = session.partial_run_setup([first, second], [a, b])
    with pytest.raises(errors.InvalidArgumentError, match="You must feed a value for"):
        session.partial_run(handle, second, {a: 1.0})


def test_variables_live_in_the_session(session):
    v, initialize = variable(np.float32(1.0), "v")
    with pytest.raises(errors.FailedPreconditionError, match="uninitialized value v"):
        session.run(v)
    with pytest.raises(errors.FailedPreconditionError, match="uninitialized value v"):
        session.run(definition_of("AssignAdd")(v, 1.0))
    session.run(initialize)
    assert session.run(definition_of("AssignAdd")(v, 1.0)) == 2.0
    with Session() as other, pytest.raises(errors.FailedPreconditionError):
        other.run(v)
    assert session.run(v) == 2.0


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_errors_name_the_operation_and_the_line(graph, backend):
    x = placeholder(int32, [None], name="x")
    bad = floor_div_op(constant([1, 2]), x, name="bad")
    v, initialize = variable(np.int32(0))
    with Session(backend=backend) as session:
        session.run(initialize)
        with pytest.raises(
            errors.InvalidArgumentError, match=r"division by zero[\s\S]*bad[\s\S]*test_session\.py:\d+"
        ) as e:
            session.run(bad, {x: [1, 0]})
        assert e.value.op is bad.op
        assert session.run(bad, {x: [1, 1]}).tolist() == [1, 2]
        assert session.run(v) == 0


def test_shapes_that_contradict_each_other_are_named_at_run(session):
    a, b = placeholder(float32, [None, None], name="a"), placeholder(float32, [None, None], name="b")
    product = matmul_op(a, b, name="product")
    with pytest.raises(errors.InvalidArgumentError, match=r"equal, but are 3 and 4[\s\S]*product"):
        session.run(product, {a: np.ones((2, 3)), b: np.ones((4, 2))})
    assert session.run(product, {a: np.ones((2, 3)), b: np.ones((3, 1))}).tolist() == [[3.0], [3.0]]


def test_a_graph_grows_between_runs(session):
    x = constant(1.0)
    assert session.run(x) == 1.0
    assert session.run(x + 1.0) == 2.0


def test_threads_may_run_one_step_at_once(session):
    x = placeholder(float64, [64, 64], name="x")
    y = matmul_op(matmul_op(x, x) + x, x) * 0.5
    wrong = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(20):
            array = rng.normal(size=(64, 64))
            expected = ((array @ array + array) @ array) * 0.5
            if not np.allclose(session.run(y, {x: array}), expected):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("backend, steps", [("cpu", 10_000), ("reference", 1_000)])
def test_steps_leave_no_memory_behind(graph, backend, steps):
    x = placeholder(float32, [None, 16], name="x")
    v, initialize = variable(np.ones((16, 16), np.float32))
    out = matmul_op(x, v) * 2.0 + x
    step = definition_of("AssignSub")(v, v * 1e-3)
    fed = np.ones((4, 16), np.float32)
    with Session(backend=backend) as session:
        session.run(initialize)
        for _ in range(50):
            session.run([out, step.op], {x: fed})
        gc.collect()
        tracemalloc.start()
        for _ in range(steps):
            session.run([out, step.op], {x: fed})
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    assert grown < 50_000, f"{grown} bytes more after {steps} steps"


def test_handles_can_be_fetched_and_fed(session):
    handle = definition_of("VarHandleOp")(shape=TensorShape([]), dtype=float32, name="h")
    session.run(definition_of("AssignVariableOp")(handle, 1.5))
    assert handle.dtype == resource
    assert session.run(definition_of("ReadVariableOp")(handle, dtype=float32)) == 1.5

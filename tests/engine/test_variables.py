"""Variables by reference and as resources: names, values, assignment, initialization, messages."""

import numpy as np
import pytest

from headrace.engine import assignments
from headrace.engine.errors import FailedPreconditionError, InvalidArgumentError, OutOfRangeError
from headrace.engine.function import FunctionGraph
from headrace.engine.gradients import gradients
from headrace.engine.graph import Graph, get_default_graph
from headrace.engine.ops.cond import cond
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.ops.reduce import reduce_sum
from headrace.engine.ops.variable_scatter import resource_gather_op
from headrace.engine.ops.variables import destroy_temporary_variable_op, temporary_variable_op
from headrace.engine.scopes import (
    GraphKeys,
    add_to_collection,
    colocate_with,
    container,
    control_dependencies,
    device,
    get_collection,
    get_collection_ref,
    init_scope,
    name_scope,
    op_scope,
)
from headrace.engine.session import Session
from headrace.engine.tensor_types import IndexedSlices
from headrace.engine.variable_lists import (
    assert_variables_initialized,
    global_variables,
    global_variables_initializer,
    local_variables,
    local_variables_initializer,
    report_uninitialized_variables,
    trainable_variables,
    variables_initializer,
)
from headrace.engine.variables import RefVariable, ResourceVariable, Variable

both = pytest.mark.parametrize("use_resource", [False, True], ids=["reference", "resource"])


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as graph:
        yield graph


def started():
    session = Session()
    session.run([global_variables_initializer(), local_variables_initializer()])
    return session


def test_nodes_are_named_as_in_tensorflow(graph):
    v = Variable([1.0, 2.0], name="v")
    w = Variable(lambda: constant(1, name="one"), name="w")
    r = Variable(1.0, name="r", use_resource=True)
    assert [(op.name, op.type) for op in graph.get_operations()] == [
        ("v/initial_value", "Const"),
        ("v", "VariableV2"),
        ("v/Assign", "Assign"),
        ("v/read", "Identity"),
        ("w/Initializer/one", "Const"),
        ("w", "VariableV2"),
        ("w/Assign", "Assign"),
        ("w/read", "Identity"),
        ("r/initial_value", "Const"),
        ("r", "VarHandleOp"),
        ("r/IsInitialized/VarIsInitializedOp", "VarIsInitializedOp"),
        ("r/Assign", "AssignVariableOp"),
        ("r/Read/ReadVariableOp", "ReadVariableOp"),
    ]
    assert (v.name, v.op.name, v.dtype.name, v.shape.as_list()) == ("v:0", "v", "float32_ref", [2])
    assert (r.name, r.dtype.name, w.dtype.base_dtype.name) == ("r:0", "float32", "int32")
    assert isinstance(v, RefVariable) and isinstance(r, ResourceVariable)
    assert v.initializer.name == "v/Assign" and v.initial_value.name == "v/initial_value:0"
    assert graph.get_operation_by_name("v/Assign").attrs["_class"] == [b"loc:@v"]


@both
def test_operators(use_resource):
    v = Variable([4.0, 9.0], use_resource=use_resource)
    i = Variable([5, 6], use_resource=use_resource)
    results = [
        v + 1, 1 - v, v * [2.0, 3.0], 36.0 / v, v**2, -v, abs(-v), v[1], v > 5.0, i // 2, 7 % i, constant(1.0) + v,
        np.float32([1, 1]) - v, v[::-1], i <= 5,
    ]  # fmt: skip
    expected = [
        [5, 10], [-3, -8], [8, 27], [9, 4], [16, 81], [-4, -9], [4, 9], 9, [False, True], [2, 3], [2, 1], [5, 10],
        [-3, -8], [9, 4], [True, False],
    ]  # fmt: skip
    for found, wanted in zip(started().run(results), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    with pytest.raises(TypeError, match="not iterable"):
        iter(v)
    assert len({v, i, v}) == 2 and v != i


@both
@pytest.mark.parametrize("value", [[True, False], [b"a", b"b"], [1, 2], [1.5, 2.5], [1 + 2j, 3j]])
def test_dtypes(value, use_resource):
    v = Variable(value, use_resource=use_resource)
    session = started()
    np.testing.assert_array_equal(session.run(v), value)
    np.testing.assert_array_equal(session.run(v.assign(value[::-1])), value[::-1])
    assert v.eval(session).tolist() == value[::-1]


@both
def test_assignments(use_resource):
    v = Variable([1.0, 2.0], use_resource=use_resource)
    session = started()
    for update, expected in (
        (v.assign([3.0, 4.0]), [3, 4]),
        (v.assign_add([1.0, 1.0]), [4, 5]),
        (v.assign_sub([2.0, 2.0]), [2, 3]),
        (assignments.assign(v, [0.0, 0.0]), [0, 0]),
        (assignments.assign_add(v, [5.0, 6.0]), [5, 6]),
        (assignments.assign_sub(v, [1.0, 1.0]), [4, 5]),
        (v[0].assign(9.0), [9, 5]),
        (v[1:].assign([7.0]), [9, 7]),
    ):
        session.run(update)
        np.testing.assert_array_equal(session.run(v), expected)
    assert session.run(v.assign([1.0, 1.0], read_value=False)) is None
    v.load([8.0, 8.0], session)
    np.testing.assert_array_equal(session.run(v.read_value()), [8, 8])
    with pytest.raises(ValueError, match=r"2.*3"):
        v.assign([1.0, 2.0, 3.0])
    with pytest.raises((TypeError, ValueError), match=r"string|float"):
        v.assign("a")


@both
@pytest.mark.parametrize(
    "word, expected",
    [
        ("update", [[9, 8], [2, 2], [5, 4]]), ("add", [[10, 9], [2, 2], [8, 7]]), ("sub", [[-8, -7], [2, 2], [-2, -1]]),
        ("mul", [[9, 8], [2, 2], [15, 12]]), ("div", [[1 / 9, 1 / 8], [2, 2], [0.6, 0.75]]),
        ("min", [[1, 1], [2, 2], [3, 3]]), ("max", [[9, 8], [2, 2], [5, 4]]),
    ],
)  # fmt: skip
def test_scatter(word, expected, use_resource):
    v = Variable([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]], use_resource=use_resource)
    function = getattr(assignments, f"scatter_{word}")
    session = started()
    rows = [[9.0, 8.0], [5.0, 4.0]]
    np.testing.assert_allclose(session.run(function(v, [0, 2], rows)), expected, rtol=1e-6)
    session.run(v.initializer)
    method = getattr(v, f"scatter_{word}")
    np.testing.assert_allclose(
        session.run(method(IndexedSlices(constant(rows), constant([0, 2])))), expected, rtol=1e-6
    )
    session.run(v.initializer)
    with pytest.raises(InvalidArgumentError, match=r"3 is not in \[0, 3\)"):
        session.run(function(v, [0, 3], rows))
    np.testing.assert_array_equal(session.run(v), [[1, 1], [2, 2], [3, 3]])
    with pytest.raises(ValueError):
        function(v, [0, 2], [[1.0, 2.0]])
    with pytest.raises(TypeError, match="IndexedSlices"):
        method([1.0])


@both
def test_scatter_nd(use_resource):
    v = Variable([[1, 2], [3, 4]], use_resource=use_resource)
    session = started()
    session.run(assignments.scatter_nd_update(v, [[0, 1], [1, 0]], [7, 8]))
    session.run(assignments.scatter_nd_add(v, [[1], [1]], [[1, 1], [1, 1]]))
    np.testing.assert_array_equal(session.run(v.scatter_nd_sub([[0, 0]], [5])), [[-4, 7], [10, 6]])
    with pytest.raises(InvalidArgumentError, match="does not index into"):
        session.run(assignments.scatter_nd_update(v, [[0, 2]], [7]))


@both
def test_count_up_to(use_resource):
    v = Variable(0, use_resource=use_resource)
    count = v.count_up_to(2)
    session = started()
    assert [session.run(count), session.run(count)] == [0, 1]
    with pytest.raises(OutOfRangeError, match="Reached limit of 2"):
        session.run(count)


@both
def test_uninitialized(use_resource):
    v = Variable(1.0, name="v", use_resource=use_resource)
    w = Variable(2, name="w", collections=[GraphKeys.LOCAL_VARIABLES])
    session = Session()
    for fetch in (v, v + 1, v.assign_add(1.0), assert_variables_initialized([v])):
        with pytest.raises(FailedPreconditionError, match="uninitialized value v"):
            session.run(fetch)
    report, flag = report_uninitialized_variables(), assignments.is_variable_initialized(v)
    assert session.run(report).tolist() == [b"v", b"w"] and not session.run(flag)
    session.run(variables_initializer([v]))
    assert session.run(report).tolist() == [b"w"] and session.run(flag)
    session.run(local_variables_initializer())
    assert session.run(report).tolist() == [] and local_variables() == [w]
    assert Session().run(report_uninitialized_variables([])).tolist() == []


@both
def test_initial_values_may_depend_on_variables(use_resource):
    a = Variable([2.0, 3.0], use_resource=use_resource)
    b = Variable(a * 2.0, use_resource=use_resource)
    c = Variable(b.initialized_value() + a, use_resource=use_resource)
    session = started()
    np.testing.assert_array_equal(session.run([b, c]), [[4, 6], [6, 9]])
    session.run(a.assign([0.0, 0.0]))
    session.run(b.initializer)
    np.testing.assert_array_equal(session.run(b), [0, 0])


def test_shapes():
    x = placeholder("float32", [None])
    with pytest.raises(ValueError, match="initial_value must have a shape specified"):
        Variable(x)
    v = Variable(x, validate_shape=False)
    session = Session()
    for value in ([1.0], [1.0, 2.0, 3.0]):
        session.run(v.initializer, {x: value})
        np.testing.assert_array_equal(session.run(v + 1), np.array(value) + 1)
    with pytest.raises(ValueError, match="initial_value must be specified"):
        Variable()
    v.set_shape([3])
    assert v.shape.as_list() == [3]


@both
def test_values_of_other_shapes_do_not_get_in(use_resource):
    v = Variable([1.0, 2.0], use_resource=use_resource)
    x = placeholder("float32", [None])
    session = started()
    for update in (v.assign(x), v.assign_add(x), v.assign_sub(x)):
        for value in ([1.0], [1.0, 2.0, 3.0]):
            with pytest.raises(InvalidArgumentError, match="shape"):
                session.run(update, {x: value})
    np.testing.assert_array_equal(session.run(v), [1, 2])


@both
def test_collections(use_resource):
    a = Variable(1.0, use_resource=use_resource)
    b = Variable(1.0, trainable=False, use_resource=use_resource, name="scope/b")
    c = Variable(1.0, collections=["mine"], trainable=False)
    assert global_variables() == [a, b] and trainable_variables() == [a] and get_collection("mine") == [c]
    assert global_variables("scope/") == [b]
    with pytest.raises(ValueError, match="must be a list, tuple, or set"):
        Variable(1.0, collections="mine")


@both
def test_gradients_reach_variables(use_resource):
    v = Variable([1.0, 2.0], use_resource=use_resource)
    (dense,) = gradients(reduce_sum(v * v), [v])
    session = started()
    np.testing.assert_array_equal(session.run(dense), [2, 4])


def test_gather_from_a_resource():
    v = Variable(np.arange(6.0).reshape(3, 2), use_resource=True)
    rows = v.sparse_read([2, 2])
    (sparse,) = gradients(reduce_sum(rows * rows), [v])
    session = started()
    assert rows.shape.as_list() == [2, 2] and isinstance(sparse, IndexedSlices)
    value = session.run(sparse)
    np.testing.assert_array_equal(value.indices, [2, 2])
    np.testing.assert_array_equal(value.values, [[8, 10], [8, 10]])
    np.testing.assert_array_equal(session.run(v.gather_nd([[1, 1]])), [3])
    batch = resource_gather_op(v.handle, [[1], [0], [1]], dtype=v.dtype, batch_dims=1)
    np.testing.assert_array_equal(session.run(batch), [[1], [2], [5]])
    with pytest.raises(InvalidArgumentError, match=r"3 is not in \[0, 3\)"):
        session.run(v.sparse_read([3]))


@both
def test_messages(use_resource):
    with name_scope("outer"):
        v = Variable([1.0, 2.0], name="v", use_resource=use_resource)
    message = v.to_proto()
    assert (message.variable_name, message.initializer_name) == ("outer/v:0", "outer/v/Assign")
    copy = Variable.from_proto(message)
    assert type(copy) is type(v) and copy.trainable and copy.shape == v.shape
    assert v.to_proto(export_scope="outer").variable_name == "v:0" and v.to_proto(export_scope="x") is None
    again = Variable.from_proto(v.to_proto(export_scope="outer"), import_scope="outer")
    session = started()
    np.testing.assert_array_equal(session.run(copy + again), [2, 4])


@both
def test_variables_made_inside_functions_live_outside(graph, use_resource):
    x = placeholder("bool", [])
    made = []

    def branch():
        made.append(Variable(lambda: constant(3.0), name="inner", use_resource=use_resource))
        return made[-1] * 2.0

    with control_dependencies([x]):
        result = cond(x, branch, lambda: constant(0.0))
    assert made[0].graph is graph and not made[0].initializer.control_inputs
    session = started()
    assert session.run(result, {x: True}) == 6.0
    inner = FunctionGraph("f", graph)
    with inner.as_default(), init_scope():
        assert get_default_graph() is graph


def test_containers_and_sharing_between_sessions():
    with container("box"):
        v = Variable(1.0, name="v")
    assert v.op.attrs["container"] == "box"
    one, other = started(), started()
    one.run(v.assign(5.0))
    assert (one.run(v), other.run(v)) == (5.0, 1.0)


def test_temporary_variables():
    t = temporary_variable_op(shape=[2], dtype="float32", var_name="t")
    update = assignments.assign_add(assignments.assign(t, [1.0, 2.0]), [1.0, 1.0])
    assert Session().run(destroy_temporary_variable_op(update, var_name="t")).tolist() == [2, 3]


def test_scopes(graph):
    with name_scope("a") as first, name_scope(None, "b") as second:
        c = constant(1.0, name="c")
    with op_scope([c], None, "old") as old:
        pass
    assert (first, second, old, c.name) == ("a/", "a/b/", "old/", "a/b/c:0")
    other = Graph()
    with other.as_default():
        with name_scope("n", values=[c]):
            assert get_default_graph() is graph
    with pytest.raises(ValueError, match="At least one of name"):
        name_scope(None, values=[c])
    with device("/job:ps/task:1"), device("/gpu:0"):
        d = constant(1.0)
    with colocate_with(d):
        e = constant(1.0)
    assert d.device == e.device == "/job:ps/task:1/device:GPU:0"
    add_to_collection("x", 1)
    get_collection_ref("x").append(2)
    assert get_collection("x") == [1, 2]

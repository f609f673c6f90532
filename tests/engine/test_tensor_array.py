"""TensorArray, tensor lists, map_fn, scan and folds: values, gradients, versions and errors."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from headrace.engine import errors
from headrace.engine.gradients import gradients
from headrace.engine.graph import Graph
from headrace.engine.list_value import ListValue
from headrace.engine.ops.cond import cond
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.ops.map_scan import foldl, foldr, map_fn, scan
from headrace.engine.ops.reduce import reduce_sum
from headrace.engine.ops.tensor_array import TensorArray
from headrace.engine.ops.while_loop import while_loop
from headrace.engine.session import Session


@pytest.fixture(params=["cpu", "reference"])
def session(request):
    with Graph().as_default() as graph:
        session = Session(graph=graph, backend=request.param)
        yield session
        session.close()


def test_write_read_stack_gather_concat(session):
    x = placeholder("float32", [2])
    array = TensorArray("float32", 3).write(0, x).write(1, x * 2.0).write(2, x * 3.0)
    parts = [array.read(1), array.stack(), array.gather([2, 0]), array.concat(), array.size()]
    read, stacked, gathered, joined, size = session.run(parts, {x: [1, 2]})
    assert read.tolist() == [2, 4] and stacked.tolist() == [[1, 2], [2, 4], [3, 6]] and size == 3
    assert gathered.tolist() == [[3, 6], [1, 2]] and joined.tolist() == [1, 2, 2, 4, 3, 6]
    assert [p.sizes for p in parts] == [(2,), (3, 2), (2, 2), (None,), ()]


def test_unstack_scatter_split(session):
    x = placeholder("float32", [3, 2])
    assert session.run(TensorArray("float32", 3).unstack(x).read(2), {x: np.eye(3, 2)}).tolist() == [0, 0]
    scattered = TensorArray("float32", 4, element_shape=[2]).scatter([3, 0, 1], x)
    assert session.run(scattered.stack(), {x: np.ones((3, 2))}).sum(1).tolist() == [2, 2, 0, 2]
    split = TensorArray("float32", 2, infer_shape=False).split(x, [1, 2])
    assert session.run([split.read(1), split.concat()], {x: np.eye(3, 2)})[0].shape == (2, 2)


def test_a_loop_fills_an_array_that_grows(session):
    n = placeholder("int32", [])
    start = TensorArray("int32", 0, dynamic_size=True)
    _, array = while_loop(lambda i, a: i < n, lambda i, a: (i + 1, a.write(i, i * i)), (constant(0), start))
    assert session.run(array.stack(), {n: 5}).tolist() == [0, 1, 4, 9, 16]


def test_a_branch_gives_an_array(session):
    p = placeholder("bool", [])
    array = TensorArray("float32", 2, element_shape=[])
    chosen = cond(p, lambda: array.write(0, 1.0), lambda: array.write(1, 2.0))
    assert session.run(chosen.stack(), {p: True}).tolist() == [1, 0]
    assert session.run(chosen.stack(), {p: False}).tolist() == [0, 2]


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda a: a.write(0, 1.0).write(0, 2.0).stack(), "index 0 because it has already been written"),
        (lambda a: a.write(5, 1.0).stack(), "element 5 in a list with 3"),
        (lambda a: a.write(0, 1.0).read(7), "element 7 in a list with 3"),
        (lambda a: TensorArray("float32", 2).read(1), "Could not read index 1.*not fully known"),
        (lambda a: a.unstack([1.0, 2.0, 3.0, 4.0]).stack(), "index 3 of a list with 3|expected a list"),
        (lambda a: TensorArray("float32", 2).split([1.0, 2.0], [1, 2]).concat(), "sum of lengths is 3"),
    ],
)
def test_errors_of_running(session, make, text):
    with pytest.raises(errors.InvalidArgumentError, match=text):
        session.run(make(TensorArray("float32", 3, element_shape=[])))


def test_an_element_is_read_once_unless_told_otherwise(session):
    once = TensorArray("float32", 1).write(0, 1.0)
    first = once.read(0)
    with session.graph.control_dependencies([first]):
        second = once.read(0)
    with pytest.raises(errors.InvalidArgumentError, match="Could not read index 0 twice"):
        session.run([first, second])
    often = TensorArray("float32", 1, clear_after_read=False).write(0, 1.0)
    assert session.run([often.read(0), often.read(0) + 1.0]) == [1, 2]


def test_arrays_of_one_tensor_are_read_once_each(session):
    x = placeholder("float32", [2])
    first, second = (TensorArray("float32", 2).unstack(x) for _ in range(2))
    read = [first.read(0), second.read(0) * 2, second.read(1)]
    assert session.run(read, {x: [3.0, 4.0]}) == [3, 6, 4]


def test_errors_of_building():
    with Graph().as_default():
        with pytest.raises(ValueError, match="Size must be provided"):
            TensorArray("float32")
        with pytest.raises(ValueError, match="Inconsistent shapes"):
            TensorArray("float32", 2).write(0, [1.0, 2.0]).write(1, [1.0])
        with pytest.raises(ValueError, match="not scalars"):
            map_fn(lambda x: x, constant(1.0))
        with pytest.raises(TypeError, match="callable"):
            scan(1, [1.0])


def test_gradients_flow_through_arrays(session):
    x = placeholder("float64", [3])
    array = TensorArray("float64", 3, clear_after_read=False).unstack(x * x)
    y = array.read(0) * 2.0 + array.read(2) * array.read(0) + reduce_sum(array.gather([1, 1]))
    dy = gradients(y, x)[0]
    assert session.run(dy, {x: [1, 2, 3]}).tolist() == [2 * (2 + 9), 8, 6]
    written = TensorArray("float64", 2).write(1, x[0] * 3.0).write(0, x[1])
    assert session.run(gradients(written.stack() * [5.0, 7.0], x)[0], {x: [1, 2, 3]}).tolist() == [21, 5, 0]
    joined = TensorArray("float64", 2, infer_shape=False).split(x, [1, 2]).concat() * x
    assert session.run(gradients(joined, x)[0], {x: [1, 2, 3]}).tolist() == [2, 4, 6]


def test_gradients_flow_through_arrays_in_loops(session):
    x = placeholder("float64", [3])
    source = TensorArray("float64", 3, clear_after_read=False).unstack(x)

    def body(i, total, out):
        total = total * 0.5 + source.read(i) * source.read(i)
        return i + 1, total, out.write(i, total)

    start = (constant(0), constant(0.0, "float64"), TensorArray("float64", 3))
    total, out = while_loop(lambda i, *_: i < 3, body, start)[1:]
    dx = gradients([total, out.stack()], x)[0]
    a = np.array([1.0, 2.0, 3.0])
    weights = np.array([1 + 0.5 + 0.5, 1 + 0.5 + 0.5, 1 + 1]) * [1, 1, 1]
    weights[0] = 1 + 0.5 + 0.25 + 0.25
    assert session.run(dx, {x: a}).tolist() == (2 * a * weights).tolist()
    assert session.run(gradients(dx, x)[0], {x: a}).tolist() == (2 * weights).tolist()


# Loops over the first axis


def test_map_fn(session):
    x = placeholder("float32", [None, 2])
    y = map_fn(lambda v: {"sum": reduce_sum(v), "twice": v * 2.0}, x, dtype={"sum": "float32", "twice": "float32"})
    found = session.run(y, {x: [[1, 2], [3, 4]]})
    assert found["sum"].tolist() == [3, 7] and found["twice"].tolist() == [[2, 4], [6, 8]]
    pair = map_fn(lambda ab: ab[0] * ab[1], (x, x), dtype="float32")
    assert session.run(pair, {x: [[1, 2]]}).tolist() == [[1, 4]]
    assert map_fn(lambda v: v, constant([[1, 2]])).sizes == (1, 2)


@pytest.mark.parametrize(
    "function, expected",
    [
        (lambda x: scan(lambda a, b: a * b, x), [1, 2, 6]),
        (lambda x: scan(lambda a, b: a * b, x, reverse=True), [6, 6, 3]),
        (lambda x: scan(lambda a, b: a + b, x, initializer=1.0), [2, 4, 7]),
        (lambda x: scan(lambda a, b: a * 2.0 + b, x, initializer=0.0, reverse=True), [17, 8, 3]),
        (lambda x: foldl(lambda a, b: a * 2.0 + b, x), 11),
        (lambda x: foldr(lambda a, b: a * 2.0 + b, x), 17),
        (lambda x: foldl(lambda a, b: a * 2.0 + b, x, initializer=1.0), 19),
        (lambda x: foldr(lambda a, b: (a[0] + b, a[1] * b), x, initializer=(0.0, 1.0))[1], 6),
        (lambda x: scan(lambda a, b: (a[0] + b[0], a[1] * b[1]), (x, x), initializer=(0.0, 1.0))[0], [1, 3, 6]),
    ],
)
def test_scan_and_folds(session, function, expected):
    x = placeholder("float32", [3])
    y = function(x)
    assert np.array_equal(session.run(y, {x: [1, 2, 3]}), expected)
    assert session.run(gradients(y, x)[0], {x: [1, 2, 3]}).shape == (3,)


def test_gradients_of_scan(session):
    x = placeholder("float64", [3])
    (dx,) = gradients(scan(lambda a, b: a * b, x), x)
    assert session.run(dx, {x: [1, 2, 3]}).tolist() == [9, 4, 2]
    assert session.run(gradients(dx, x)[0], {x: [1, 2, 3]}).tolist() == [6, 5, 3]


# The value of a list


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_versions_of_a_list_do_not_disturb_each_other(data):
    versions = [(ListValue(np.dtype("float32"), ()), [])]
    for number in range(data.draw(st.integers(1, 25))):
        value, model = data.draw(st.sampled_from(versions))
        kind = data.draw(st.sampled_from(["push", "pop", "set", "resize"]))
        item = np.array(float(number), np.float32)
        if kind == "push":
            versions.append((value.push(item), [*model, number]))
        elif kind == "pop" and model:
            versions.append((value.pop()[0], model[:-1]))
        elif kind == "set" and model:
            i = data.draw(st.integers(0, len(model)))
            versions.append((value.set(i, item), [*model[:i], number, *model[i + 1 :]]))
        elif kind == "resize":
            n = data.draw(st.integers(0, 6))
            versions.append((value.resized(n), (model + [0] * n)[:n]))
        if data.draw(st.booleans()):
            value, model = data.draw(st.sampled_from(versions))
            assert [float(x) for x in value.all_items(())] == model
    for value, model in versions:
        assert value.length == len(model) and [float(x) for x in value.all_items(())] == model

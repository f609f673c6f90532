"""Functions of the graph: results, captured tensors, gradients, effects, and what they refuse."""

import pytest

import headrace as tf
from headrace.engine.defun import Defun


@pytest.fixture(params=["cpu", "reference"])
def session(request):
    with tf.Graph().as_default() as graph:
        session = tf.Session(graph=graph, backend=request.param)
        yield session
        session.close()


def test_a_call_is_one_operation_and_the_function_runs_once(session):
    runs = []

    @Defun(tf.float32, tf.float32, func_name="Both")
    def both(x, y):
        runs.append(1)
        return x + y, x * y

    assert both.name == "Both" and both.declared_input_types == [tf.float32, tf.float32]
    first, second = both(2.0, [3.0, 4.0]), both(tf.constant(5.0), 6.0, name="again")
    assert second[0].op.name == "again" and first[0].op is first[1].op and runs == [1]
    assert [r.tolist() for r in session.run(first)] == [[5, 6], [6, 8]]
    assert session.run(second) == [11, 30]


def test_types_of_the_call(session):
    @Defun()
    def double(x):
        return x + x

    assert session.run([double(2), double(1.5)]) == [4, 3.0]


@pytest.mark.parametrize("use_resource", [False, True])
def test_gradients_flow_through_calls_and_to_what_they_capture(session, use_resource):
    v, x = tf.Variable(3.0, use_resource=use_resource), tf.placeholder(tf.float32, ())
    c = x * 2.0

    @Defun(tf.float32)
    def function(y):
        return tf.sin(y) * v + y * c, tf.exp(y)

    session.run(v.initializer)
    z = function(x)[0] + function(x * x)[1]
    expected = tf.sin(x) * v + x * c + tf.exp(x * x)
    for found, wanted in ((z, expected), *zip(tf.gradients(z, [x, v]), tf.gradients(expected, [x, v]), strict=True)):
        assert session.run(found, {x: 0.7}) == pytest.approx(session.run(wanted, {x: 0.7}))
    second = tf.gradients(tf.gradients(z, x)[0], x)[0], tf.gradients(tf.gradients(expected, x)[0], x)[0]
    assert session.run(second[0], {x: 0.7}) == pytest.approx(session.run(second[1], {x: 0.7}))


def test_calls_inside_calls_branches_and_loops(session):
    @Defun(tf.float32, shape_func=lambda op: [op.inputs[0].shape])
    def square(x):
        return x * x

    @Defun(tf.float32)
    def fourth(x):
        return square(square(x))

    x = tf.constant(2.0)
    y = tf.cond(x > 1.0, lambda: fourth(x), lambda: x)
    _, z = tf.while_loop(lambda i, _: i < 2, lambda i, z: (i + 1, square(z)), [0, x])
    assert session.run([y, z, *tf.gradients(y, x), *tf.gradients(z, x)]) == [16, 16, 32, 32]


def test_own_gradients(session):
    @Defun(tf.float32, python_grad_func=lambda op, dy: dy * 100.0)
    def one(x):
        return x * 2.0

    @Defun(tf.float32, tf.float32)
    def gradient(x, dy):
        return dy * x * 7.0

    @Defun(tf.float32, grad_func=gradient)
    def two(x):
        return x * 2.0

    x = tf.constant(3.0)
    assert session.run([*tf.gradients(one(x), x), *tf.gradients(two(x), x)]) == [100, 21]


def test_effects(session):
    v = tf.Variable(1.0)

    @Defun(tf.float32)
    def add(x):
        tf.assign_add(v, x)

    @Defun(tf.float32, shape_func=lambda op: [[2]])
    def pair(x):
        return tf.stack([x, x])

    session.run(v.initializer)
    session.run(add(4.0))
    assert session.run(v) == 5.0
    assert pair(1.0).shape.as_list() == [2]


def test_a_call_survives_a_graph_def(session):
    @Defun(tf.float32)
    def square(x):
        return x * x

    square(tf.placeholder(tf.float32, (), name="x"), name="y")
    message = session.graph.as_graph_def()
    with tf.Graph().as_default() as graph, tf.Session() as other:
        tf.import_graph_def(message, name="")
        y, x = graph.get_tensor_by_name("y:0"), graph.get_tensor_by_name("x:0")
        assert other.run([y, *tf.gradients(y, x)], {x: 3.0}) == [9, 6]


def test_refused():
    with pytest.raises(ValueError, match="2 input types"):
        Defun(tf.float32, tf.float32)(lambda x: x)
    with pytest.raises(ValueError, match="not both"):
        Defun(tf.float32, grad_func=Defun(tf.float32)(lambda x: x), python_grad_func=lambda op, dy: dy)
    with tf.Graph().as_default(), pytest.raises(ValueError, match="Expected number of arguments: 1"):
        Defun(tf.float32)(lambda x: x)(1.0, 2.0)


@pytest.mark.parametrize("use", [lambda f: tf.function(f), lambda f: tf.function(input_signature=[])(f)])
def test_function_of_tensorflow_2_says_what_there_is(use):
    with pytest.raises(NotImplementedError, match=r"leave the decorator out.*tf\.function\.Defun"):
        use(lambda x: x)

"""tf.gradients: what it returns, what it stops at, and what its options do."""

import numpy as np
import pytest

import headrace as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as fresh:
        yield fresh


def value(*tensors, feed=None):
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(list(tensors), feed)


def test_sum_over_ys_and_weights_of_them():
    x = tf.constant([1.0, 2.0])
    (plain,) = tf.gradients([x * x, 3.0 * x], x)
    (weighted,) = tf.gradients([x * x, 3.0 * x], x, grad_ys=[tf.constant([1.0, 10.0]), None])
    a, b = value(plain, weighted)
    np.testing.assert_allclose(a, [5, 7])
    np.testing.assert_allclose(b, [5, 43])


def test_grad_ys_must_fit():
    x = tf.constant([1.0, 2.0])
    with pytest.raises(ValueError, match=r"grad_ys\[0\] has shape \(3,\)"):
        tf.gradients(x * x, x, grad_ys=[tf.zeros([3])])
    with pytest.raises(ValueError, match="Passed 2 grad_ys for 1 ys"):
        tf.gradients(x * x, x, grad_ys=[None, None])


def test_unreachable_xs_have_none_or_zeros():
    x, other = tf.constant([1.0, 2.0]), tf.constant([[1.0]])
    assert tf.gradients(x * x, [x, other])[1] is None
    zero = tf.gradients(x * x, [x, other], unconnected_gradients=tf.UnconnectedGradients.ZERO)[1]
    assert value(zero)[0].tolist() == [[0.0]]


def test_integers_carry_no_gradient():
    x = tf.constant(3.0)
    assert tf.gradients(tf.cast(tf.cast(x, tf.int32), tf.float32), x) == [None]
    with pytest.warns(UserWarning, match="must be floating, got int32"):
        assert tf.gradients(tf.constant(2) * 3, tf.constant(1)) == [None]


def test_stop_gradients_makes_constants():
    a = tf.constant(2.0)
    b = 2.0 * a
    partial = tf.gradients(a + b, [a, b], stop_gradients=[a, b])
    total = tf.gradients(a + b, [a, b])
    assert value(*partial) == [1, 1] and value(*total) == [3, 1]
    assert tf.gradients(tf.stop_gradient(a) * 3.0, a) == [None]


def test_an_x_may_be_an_intermediate_or_a_y():
    x = tf.constant(3.0)
    y = x * x
    assert value(*tf.gradients(y * y, [y, x])) == [18, 108]
    assert value(*tf.gradients(y, y)) == [1]


def test_second_and_third_derivatives():
    x = tf.constant(2.0)
    first = tf.gradients(x**4.0, x)[0]
    second = tf.gradients(first, x)[0]
    third = tf.gradients(second, x)[0]
    np.testing.assert_allclose(value(first, second, third), [32, 48, 48], rtol=1e-5)


def test_hessians():
    x = tf.constant([1.0, 2.0])
    y = x[0] ** 2.0 * x[1]
    np.testing.assert_allclose(value(tf.hessians(y, x)[0])[0], [[4, 2], [2, 0]], rtol=1e-5)
    with pytest.raises(ValueError, match="known shape"):
        p = tf.placeholder(tf.float32, [None])
        tf.hessians(tf.reduce_sum(p * p), p)


def test_gathers_stay_sparse_and_add_up():
    table = tf.Variable(np.arange(8, dtype=np.float32).reshape(4, 2))
    rows = tf.gather(table, [1, 1]) + tf.gather(table, [3, 0])
    (gradient,) = tf.gradients(rows, table)
    assert isinstance(gradient, tf.IndexedSlices) and gradient.values.shape.as_list() == [4, 2]
    dense = tf.convert_to_tensor(gradient)
    assert value(dense)[0].tolist() == [[1, 1], [2, 2], [0, 0], [1, 1]]


def test_sparse_and_dense_parts_give_a_dense_sum():
    table = tf.Variable(tf.ones([3, 2]))
    (gradient,) = tf.gradients(tf.reduce_sum(tf.gather(table, [2])) + tf.reduce_sum(table * table), table)
    assert isinstance(gradient, tf.Tensor)
    assert value(gradient)[0].tolist() == [[2, 2], [2, 2], [3, 3]]


def test_an_operation_without_a_rule_is_named():
    x = tf.constant([3.0, 1.0])
    with pytest.raises(
        LookupError,
        match=r"No gradient defined for operation 'RGBToHSV' \(op type: RGBToHSV\), made at .*test_gradients",
    ):
        tf.gradients(tf.image.rgb_to_hsv(tf.reshape(tf.tile(x, [3]), [2, 3])), x)


def test_registered_and_overridden_gradients(graph):
    @tf.RegisterGradient("TestDoubled")
    def doubled(op, grad):
        return 2.0 * grad

    x = tf.constant(3.0)
    with graph.gradient_override_map({"Identity": "TestDoubled"}):
        y = tf.identity(x)
    assert value(*tf.gradients(y, x)) == [2]
    assert value(*tf.gradients(tf.identity(x), x)) == [1]
    with pytest.raises(KeyError, match="Registering two gradient with name 'TestDoubled'"):
        tf.RegisterGradient("TestDoubled")(doubled)


def test_a_rule_must_give_one_gradient_an_input(graph):
    @tf.RegisterGradient("TestTooFew")
    def too_few(op, grad):
        return [grad]

    x = tf.constant(3.0)
    with graph.gradient_override_map({"Mul": "TestTooFew"}):
        y = x * x
    with pytest.raises(
        ValueError, match=r"Num gradients 1 generated for Mul operation 'mul', made at .*test_gradients.py"
    ):
        tf.gradients(y, x)


def test_gate_and_colocation():
    x = tf.constant(2.0)
    with tf.device("/cpu:0"):
        z = x * 3.0
        y = z * x
    gated = tf.gradients(y, [x, z], gate_gradients=True, colocate_gradients_with_ops=True)
    assert value(*gated) == [12, 2] and "CPU:0" in gated[1].device


def test_xs_of_another_graph_are_refused():
    x = tf.constant(1.0)
    with tf.Graph().as_default():
        y = tf.constant(2.0) * 2.0
        with pytest.raises(ValueError, match="from a different graph"):
            tf.gradients(y, x)


def test_a_long_chain_needs_no_recursion():
    x = tf.constant(1.0)
    y = x
    for _ in range(3000):
        y = y * 1.0001
    assert value(tf.gradients(y, x)[0])[0] == pytest.approx(1.0001**3000, rel=1e-3)

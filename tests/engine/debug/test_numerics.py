"""Checks for NaN: the first operation that makes one is named with its type, the step, the counts and the user's line."""

import inspect

import numpy as np
import pytest

import headrace as tf
from headrace import debug as tf_debug


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph
    tf.debugging.disable_check_numerics()


def deep_network(third):
    """Four layers, `third` in the place of the third one: what is fed, and what a step runs."""
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    ones = tf.ones_initializer()
    h = tf.layers.dense(x, 8, tf.nn.relu, use_bias=False, kernel_initializer=ones, name="layer1")
    h = tf.layers.dense(h, 8, tf.nn.relu, use_bias=False, kernel_initializer=ones, name="layer2")
    with tf.name_scope("layer3"):
        h = third(h)
    loss = tf.reduce_mean(tf.layers.dense(h, 1, kernel_initializer=ones, name="layer4"), name="loss")
    step = tf.train.get_or_create_global_step()
    return x, [tf.train.GradientDescentOptimizer(1e-3).minimize(loss, global_step=step), loss]


def logarithm(h):
    return tf.log(h, name="log")


def root(h):
    return tf.sqrt(h, name="root")


def line_of(function):
    """Where the operation of a function of one line is made."""
    return f"{__file__}:{inspect.getsourcelines(function)[1] + 1}"


FINE, BAD = np.ones((3, 4)), np.array([[1.0] * 4, [0.0] * 4, [2.0] * 4])


def failure(run, *args):
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        run(*args)
    return caught.value


def test_a_nan_of_the_third_layer_is_named():
    x, fetches = deep_network(logarithm)
    with tf.Session(check_numerics=True) as session:
        session.run(tf.global_variables_initializer())
        for _ in range(2):
            session.run(fetches, {x: FINE})
        error = failure(session.run, fetches, {x: BAD})
        assert (error.op.name, error.op.type) == ("layer3/log", "Log")
        assert "'layer3/log:0' (Log) has 8 -Inf among 24 values of float32 [3, 8] at global step 2" in error.message
        assert "Inputs: 'layer2/Relu:0' float32 [3, 8] from 0 to" in error.message
        assert f"made at {line_of(logarithm)}" in str(error)
        # The step was ended before the update: training may go on.
        session.run(fetches, {x: FINE})


def test_a_nan_of_the_third_layer_s_gradient_is_named():
    # The root of zero is fine, its gradient is not.
    x, fetches = deep_network(root)
    with tf.Session(check_numerics=True) as session:
        session.run(tf.global_variables_initializer())
        session.run(fetches, {x: FINE})
        error = failure(session.run, fetches, {x: BAD})
    assert error.op.name.startswith("gradients/layer3/root_grad/")
    assert "has 8 Inf among 24 values of float32 [3, 8] at global step 1" in error.message
    assert f"It is the gradient of Sqrt operation 'layer3/root', made at {line_of(root)}" in error.message


def test_what_is_fed_and_what_variables_hold_is_checked():
    x = tf.placeholder(tf.float32, [2], name="x")
    v = tf.get_variable("v", initializer=[1.0, 2.0], use_resource=False)
    fetch = x + v
    with tf.Session(check_numerics=True) as session:
        session.run(v.initializer)
        assert "'x:0' (fed) has 1 NaN among 2 values" in failure(session.run, fetch, {x: [np.nan, 1]}).message
        assert "at run 3 of this session" in failure(session.run, fetch, {x: [np.nan, 1]}).message
        failure(v.load, [np.inf, 1.0], session)
        session.run(v.initializer)
        assert session.run(fetch, {x: [1, 2]}).tolist() == [2, 4]


def test_an_update_that_breaks_a_variable_is_named():
    v = tf.get_variable("v", initializer=[1e38], dtype=tf.float32, use_resource=False)
    grow = tf.assign(v, v * 10)
    add = tf.assign_add(v, [3e38])
    with tf.Session(check_numerics=True) as session:
        session.run(v.initializer)
        assert "(Mul) has 1 Inf" in failure(session.run, grow).message
        session.run(v.initializer)
        assert failure(session.run, add).op.type == "AssignAdd"


@pytest.mark.parametrize(
    "build",
    [
        lambda x: tf.nn.softmax(tf.where(x > 0, x, tf.constant([-np.inf, -np.inf]))),
        lambda x: tf.reduce_max(tf.stack([x, tf.fill([2], tf.constant(-np.inf))])),
        lambda x: tf.cast(x, tf.int32),
        lambda x: tf.reduce_sum(tf.zeros([0, 2]) + x),
    ],
)
def test_infinities_that_are_meant_pass(build):
    x = tf.placeholder(tf.float32, [2])
    fetch = build(x)
    with tf.Session(check_numerics=True) as session, tf.Session() as plain:
        np.testing.assert_array_equal(session.run(fetch, {x: [1, -1]}), plain.run(fetch, {x: [1, -1]}))


def test_nan_of_infinities_is_named():
    x = tf.placeholder(tf.float64, [2], name="x")
    fetch = tf.multiply(tf.constant([np.inf, 1], tf.float64), x, name="product")
    with tf.Session(check_numerics=True) as session:
        error = failure(session.run, fetch, {x: [0, 1]})
    assert "'product:0' (Mul) has 1 NaN among 2 values of float64 [2]" in error.message
    assert "float64 [2] with Inf" in error.message


def test_branches_and_bodies_are_checked():
    x = tf.placeholder(tf.float32, [], name="x")
    branch = tf.cond(x > 5, lambda: x, lambda: tf.log(x, name="log"))
    _, total = tf.while_loop(
        lambda i, t: i < 3, lambda i, t: (i + 1, tf.div(t, t - 3.0, name="quotient")), [tf.constant(0), x]
    )
    with tf.Session(check_numerics=True) as session:
        assert session.run(branch, {x: 7}) == 7
        assert failure(session.run, branch, {x: 0}).op.name.endswith("log")
        assert failure(session.run, total, {x: 3}).op.name.endswith("quotient")


def test_the_switch_is_for_sessions_made_after_it():
    x = tf.placeholder(tf.float32, [])
    y = tf.log(x)
    before = tf.Session()
    tf.debugging.enable_check_numerics()
    checked = tf.Session()
    tf.debugging.disable_check_numerics()
    after = tf.Session()
    assert before.run(y, {x: 0}) == after.run(y, {x: 0}) == -np.inf
    failure(checked.run, y, {x: 0})
    failure(checked.make_callable(y, [x]), 0.0)


def test_keras_models_are_checked():
    tf.debugging.enable_check_numerics()
    inputs = tf.keras.layers.Input((2,))
    outputs = tf.keras.layers.Lambda(tf.log, name="logs")(inputs)
    model = tf.keras.models.Model(inputs, tf.keras.layers.Dense(1)(outputs))
    model.compile("sgd", "mse")
    rows = np.array([[1.0, 2.0]] * 3 + [[0.0, 0.0]])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\(Log\) has 2 -Inf among 2 values") as found:
        model.fit(rows, np.ones((4, 1)), 1, 2, verbose=0, shuffle=False)
    assert found.value.__notes__ == ["In batch 4 of epoch 1 of 2."]
    for use in (lambda: model.evaluate(rows, np.ones((4, 1)), 2, verbose=0), lambda: model.predict(rows, 2)):
        with pytest.raises(tf.errors.InvalidArgumentError) as found:
            use()
        assert found.value.__notes__ == ["In batch 2."]


def test_the_hook_checks_the_steps_of_a_monitored_session():
    x, fetches = deep_network(logarithm)
    hooks = [tf_debug.CheckNumericsHook(), tf.train.NanTensorHook(fetches[1])]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"'layer3/log:0' \(Log\) has 8 -Inf .* global step 1"):
        with tf.train.MonitoredSession(hooks=hooks) as session:
            session.run(fetches, {x: FINE})
            session.run(fetches, {x: BAD})


def test_nan_losses_say_how_to_find_the_operation():
    x = tf.placeholder(tf.float32, [])
    hook = tf.train.NanTensorHook(x)
    with pytest.raises(tf.train.NanLossDuringTrainingError, match=r"NaN loss during training.*CheckNumericsHook"):
        with tf.train.MonitoredSession(hooks=[hook]) as session:
            session.run(x, {x: np.nan})


def test_checks_as_operations_name_the_tensor():
    x = tf.placeholder(tf.float32, [2], name="x")
    y = tf.log(x, name="log")
    check = tf.add_check_numerics_ops()
    with tf.Session() as session:
        session.run([y, check], {x: [1, 2]})
        assert "log:0" in failure(session.run, [y, check], {x: [1, 0]}).message
        assert "mine : Tensor had" in failure(session.run, tf.check_numerics(y, "mine"), {x: [1, -1]}).message

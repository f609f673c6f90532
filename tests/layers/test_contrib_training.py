"""Training operations and summaries of tf.contrib."""

import numpy as np
import pytest

import headrace as tf

training, slim, contrib = tf.contrib.training, tf.contrib.slim, tf.contrib.layers


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture
def weights(graph):
    return tf.get_variable("w", initializer=np.float32([3, 4])), tf.get_variable("v", initializer=np.float32([1, 0]))


def after_one_step(train, *tensors):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        loss = session.run(train)
        return [np.asarray(loss).tolist(), *(np.asarray(session.run(t)).tolist() for t in tensors)]


def test_a_step_clips_multiplies_and_updates(weights):
    w, v = weights
    seen = tf.get_variable("seen", initializer=0.0, trainable=False)
    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, seen.assign_add(1.0))
    train = slim.learning.create_train_op(
        tf.nn.l2_loss(w) + tf.nn.l2_loss(v),
        tf.train.GradientDescentOptimizer(1.0),
        clip_gradient_norm=2.5,
        gradient_multipliers={"v": 2.0},
        summarize_gradients=True,
    )
    assert tf.get_collection(tf.GraphKeys.TRAIN_OP)[-1] is train
    assert len(tf.get_collection(tf.GraphKeys.SUMMARIES)) == 4
    step = tf.train.get_global_step()
    assert after_one_step(train, w, v, seen, step) == [13.0, [1.5, 2.0], [-1.0, 0.0], 1.0, 1]


def test_a_step_of_some_variables_without_a_global_step(weights):
    w, v = weights
    train = training.create_train_op(
        tf.reduce_sum(w) + tf.reduce_sum(v),
        tf.train.GradientDescentOptimizer(1.0),
        global_step=None,
        variables_to_train=[v],
        transform_grads_fn=training.clip_gradient_norms_fn(1e-9),
    )
    assert tf.train.get_global_step() is None
    assert after_one_step(train, w)[1] == [3.0, 4.0]


def test_a_loss_that_is_no_number_is_an_error(weights):
    train = slim.learning.create_train_op(tf.reduce_sum(weights[0]) / 0.0, tf.train.GradientDescentOptimizer(0.1))
    with pytest.raises(tf.errors.InvalidArgumentError, match="LossTensor is inf or nan"):
        after_one_step(train)


def test_multipliers_need_gradients(weights):
    with pytest.raises(ValueError, match="Requested multiple of `None` gradient: w"):
        training.multiply_gradients([(None, weights[0])], {"w": 2.0})
    with pytest.raises(ValueError, match="gradient_multipliers is empty"):
        training.multiply_gradients([], {})


def test_summaries_by_kind_and_collection(weights):
    x = tf.constant([[-1.0, 2.0, 7.0, 8.0]])
    contrib.summarize_activation(tf.nn.relu6(x, name="act"))
    contrib.summarize_tensor(tf.constant(1.0), "one")
    contrib.summarize_collection(tf.GraphKeys.GLOBAL_VARIABLES, name_filter="w")
    contrib.summarize_variables()
    tf.add_to_collection(tf.GraphKeys.ACTIVATIONS, tf.nn.relu(x, name="rel"))
    assert len(contrib.summarize_activations()) == 1
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        summary = tf.Summary.FromString(session.run(tf.summary.merge_all()))
    values = {value.tag: value.simple_value for value in summary.value}
    assert list(values) == [
        "act/zeros",
        "act/sixes",
        "act/activation",
        "one",
        "w_1",
        "w_2",
        "v_1",
        "rel/zeros",
        "rel/activation",
    ]
    assert (values["act/zeros"], values["act/sixes"], values["one"]) == (0.25, 0.5, 1.0)

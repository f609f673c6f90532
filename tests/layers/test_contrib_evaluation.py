"""Evaluations of checkpoints by the loops of `tf.contrib.training` and slim."""

import numpy as np
import pytest

import headrace as tf

slim = tf.contrib.slim


@pytest.fixture
def folder(tmp_path):
    """Two checkpoints of w, 3 and 5, at steps 1 and 2."""
    with tf.Graph().as_default(), tf.Session() as session:
        w, step = tf.get_variable("w", initializer=3.0), tf.train.get_or_create_global_step()
        saver = tf.train.Saver()
        session.run(tf.global_variables_initializer())
        for number, value in enumerate((3.0, 5.0), 1):
            session.run([w.assign(value), step.assign(number)])
            saver.save(session, str(tmp_path / "model"), step)
    return tmp_path


def build():
    w = tf.get_variable("w", initializer=0.0)
    seen = tf.placeholder(tf.float32, [], "seen")
    mean, update = tf.metrics.mean(w * seen)
    tf.summary.scalar("shown", mean)
    return seen, mean, update


def test_evaluate_once(folder):
    with tf.Graph().as_default():
        seen, mean, update = build()
        hooks = [tf.contrib.training.StopAfterNEvalsHook(3), tf.contrib.training.SummaryAtEndHook(str(folder / "eval"))]
        found = tf.contrib.training.evaluate_once(
            str(folder / "model-1"), eval_ops=update, feed_dict={seen: 2.0}, final_ops={"mean": mean}, hooks=hooks
        )
    assert found == {"mean": 6.0}
    (path,) = map(str, (folder / "eval").iterdir())
    values = [
        (e.step, v.simple_value) for e in tf.train.summary_iterator(path) for v in e.summary.value if v.tag == "shown"
    ]
    assert values == [(1, 6.0)]


def test_evaluate_repeatedly(folder):
    with tf.Graph().as_default():
        seen, mean, update = build()
        found = tf.contrib.training.evaluate_repeatedly(
            str(folder), eval_ops=update, feed_dict={seen: 2.0}, final_ops=mean, eval_interval_secs=0,
            hooks=[tf.contrib.training.StopAfterNEvalsHook(2)], max_number_of_evaluations=1,
        )  # fmt: skip
        assert found == 10.0
        assert tf.contrib.training.evaluate_repeatedly(str(folder / "none"), timeout=0, eval_ops=update) is None


@pytest.mark.parametrize("loop", [False, True])
def test_slim(folder, loop):
    with tf.Graph().as_default():
        seen, mean, update = build()
        first = tf.get_variable("first", initializer=0.0, collections=[tf.GraphKeys.LOCAL_VARIABLES])
        restored = [v for v in tf.global_variables() if v is not first]
        arguments = {
            "num_evals": 4, "initial_op": first.assign(7.0), "eval_op": update, "eval_op_feed_dict": {seen: 1.0},
            "final_op": [mean, first], "variables_to_restore": [*restored, tf.train.get_or_create_global_step()],
        }  # fmt: skip
        if loop:
            found = slim.evaluation.evaluation_loop(
                "", str(folder), str(folder / "logs"), max_number_of_evaluations=1, eval_interval_secs=0, **arguments
            )
        else:
            found = slim.evaluation.evaluate_once("", str(folder / "model-2"), str(folder / "logs"), **arguments)
    np.testing.assert_array_equal(found, [5.0, 7.0])


def test_a_hook_needs_a_place_for_its_summaries():
    with pytest.raises(ValueError, match="may not both be None"):
        tf.contrib.training.SummaryAtEndHook()


def test_train(tmp_path):
    with tf.Graph().as_default():
        x = tf.constant(np.linspace(-1, 1, 20)[:, None], tf.float32)
        loss = tf.losses.mean_squared_error(3 * x, slim.fully_connected(x, 1, activation_fn=None))
        train_op = slim.learning.create_train_op(loss, tf.train.GradientDescentOptimizer(0.3))
        final = slim.learning.train(train_op, str(tmp_path), number_of_steps=100, log_every_n_steps=50)
    assert final < 1e-3
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith("-100")
    with tf.Graph().as_default():
        loss = tf.losses.mean_squared_error([1.0], tf.get_variable("v", [1]))
        with pytest.raises(ValueError, match="train_op"):
            slim.learning.train(None, str(tmp_path))
        train_op = slim.learning.create_train_op(loss, tf.train.GradientDescentOptimizer(0.3))
        assert slim.learning.train(train_op, None, number_of_steps=3) >= 0


def test_train_until_the_input_ends(tmp_path):
    with tf.Graph().as_default():
        x = tf.data.Dataset.from_tensor_slices(np.arange(5, dtype=np.float32)).make_one_shot_iterator().get_next()
        loss = tf.losses.mean_squared_error([x], tf.get_variable("v", [1], initializer=tf.zeros_initializer()))
        train_op = slim.learning.create_train_op(loss, tf.train.GradientDescentOptimizer(0.0))
        assert slim.learning.train(train_op, str(tmp_path), log_every_n_steps=2) == 16.0
        assert tf.train.latest_checkpoint(str(tmp_path)).endswith("-5")
        with pytest.raises(ValueError, match="number_of_steps must be None or a positive number, got 0"):
            slim.learning.train(train_op, None, number_of_steps=0)

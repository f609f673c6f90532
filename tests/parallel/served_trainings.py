"""Several trainings of several models, one after the other, with variables on a parameter server: rank 2 of three."""

import sys

import numpy as np
from results import report

import headrace as tf

folder = sys.argv[1]
config = tf.estimator.RunConfig(strategy="parameter_server", save_checkpoints_steps=1000, tf_random_seed=1)
x_all = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
y_all = x_all @ np.array([[1.0], [2.0], [3.0]], np.float32)
widths, calls = [], []


class Count(tf.train.SessionRunHook):
    """Counts this worker's steps."""

    def after_run(self, run_context, run_values):
        calls.append(1)


def model_fn(features, labels, mode, params):
    with tf.variable_scope("model"):
        w = tf.get_variable("w", [3, params["width"]], initializer=tf.zeros_initializer())
    widths.append(w.device)
    predicted = tf.reduce_sum(tf.matmul(features, w), 1, keepdims=True)
    loss = tf.losses.mean_squared_error(labels, predicted)
    train = tf.train.GradientDescentOptimizer(0.05).minimize(loss, tf.train.get_global_step())
    return tf.estimator.EstimatorSpec(
        mode, predictions=predicted, loss=loss, train_op=train, training_hooks=[Count()] if params["hook"] else None
    )


def from_queue():
    """An input whose queue must be in the model's graph: it is not shared out."""
    x, y = tf.train.slice_input_producer([x_all, y_all], shuffle=True)
    return tf.train.batch([x, y], 16)


def once():
    """An input that ends: 25 batches, of which each worker takes its own."""
    return tf.data.Dataset.from_tensor_slices((x_all, y_all)).batch(16)


def estimator(name, **params):
    return tf.estimator.Estimator(model_fn, f"{folder}/{name}", config, params)


if config.task_type == "ps":
    report(role="ps")
first = estimator("first", width=1, hook=True)
first.train(from_queue, steps=200)
after_queue = first.get_variable_value("global_step")
counted = len(calls)
first.train(once)
after_end = first.get_variable_value("global_step")
first.train(once, max_steps=100)
error = float(first.evaluate(once)["loss"])
# Variables of the same name and another shape, on the same server.
second = estimator("second", width=2, hook=False)
second.train(once, steps=10)
report(
    role=config.task_type,
    after_queue=int(after_queue),
    own=counted,
    after_end=int(after_end),
    last=int(first.get_variable_value("global_step")),
    error=error,
    second=int(second.get_variable_value("global_step")),
    shape=list(second.get_variable_value("model/w").shape),
    devices=sorted(set(widths)),
)

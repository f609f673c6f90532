"""An estimator of a model function, trained by all ranks in the way that the second argument names."""

import os
import signal
import sys

import numpy as np
from results import report

import headrace as tf

folder, how = sys.argv[1:]
rank, size = tf.cluster.rank(), tf.cluster.size()
draws = np.random.default_rng(0)
X = draws.normal(size=(101, 8)).astype(np.float32)
Y = (X @ draws.normal(size=(8, 3))).argmax(1)


def model_fn(features: dict, labels: object, mode: str) -> tf.estimator.EstimatorSpec:
    logits = tf.layers.dense(tf.layers.dense(features["x"], 16, tf.nn.relu), 3)
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    if mode == tf.estimator.ModeKeys.EVAL:
        metrics = {"accuracy": tf.metrics.accuracy(labels, tf.argmax(logits, 1))}
        return tf.estimator.EstimatorSpec(mode, loss=loss, eval_metric_ops=metrics)
    optimizer = tf.train.AdamOptimizer(0.01)
    grads, variables = zip(*optimizer.compute_gradients(loss), strict=True)
    clipped, _ = tf.clip_by_global_norm(grads, 1.0)
    step = optimizer.apply_gradients(zip(clipped, variables, strict=True), tf.train.get_global_step())
    hooks = [tf.train.StopAtStepHook(last_step=9)] if how == "hooks" else []
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=step, training_hooks=hooks)


def batches() -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(({"x": X}, Y)).batch(16)


class Signal(tf.train.SessionRunHook):
    """The last rank is asked to stop after the third step."""

    steps = 0

    def after_run(self, run_context: object, run_values: object) -> None:
        self.steps += 1
        if self.steps == 3 and rank == size - 1:
            os.kill(os.getpid(), signal.SIGTERM)


class Named(tf.estimator.Exporter):
    """Exports nothing but a name."""

    name = "named"

    def export(
        self, estimator: object, export_path: str, checkpoint_path: str, eval_result: dict, final: bool
    ) -> bytes:
        return f"exported at {eval_result['global_step']}".encode()


config = tf.estimator.RunConfig(tf_random_seed=3, save_checkpoints_steps=4)
estimator = tf.estimator.Estimator(model_fn, f"{folder}/{how}", config)
if how == "evaluations":
    train = tf.estimator.TrainSpec(lambda: batches().shuffle(99).repeat(), max_steps=9)
    evaluation = tf.estimator.EvalSpec(batches, throttle_secs=0, exporters=Named())
    told, exports = tf.estimator.train_and_evaluate(estimator, train, evaluation)
    assert exports == [b"exported at 9"]
    again = estimator.evaluate(batches)
    np.testing.assert_allclose([told[name] for name in again], list(again.values()), rtol=1e-5)
    assert (type(told["loss"]), type(told["global_step"])) == (np.float32, int)
    # With nothing left to train there is nothing to tell.
    assert tf.estimator.train_and_evaluate(estimator, train, evaluation) == (None, None)
else:
    estimator.train(lambda: batches().shuffle(99).repeat(), hooks=[Signal()] if how == "signal" else None)
values = [estimator.get_variable_value(name) for name in sorted(estimator.get_variable_names())]
found = estimator.evaluate(batches)
report(
    weights=np.concatenate([np.ravel(v).astype(np.float64) for v in values]),
    metrics=np.array([found["accuracy"], found["loss"], found["global_step"]]),
)

"""A canned estimator that all ranks train; arguments: a folder, and what goes wrong as "rank:step:way"."""

import os
import signal
import sys

import numpy as np
from results import report

import headrace as tf

place, trouble = sys.argv[1:]
who, when, way = trouble.split(":") if trouble else ("", "-1", "")


class Trouble(tf.train.SessionRunHook):
    """Fails in the first start, after a step."""

    def begin(self):
        self.step = tf.train.get_global_step()

    def before_run(self, run_context):
        return tf.train.SessionRunArgs(self.step)

    def after_run(self, run_context, run_values):
        if os.environ["HEADRACE_ATTEMPT"] == "0" and tf.cluster.rank() == int(who) and run_values.results == int(when):
            os.kill(os.getpid(), {"kill": signal.SIGKILL, "term": signal.SIGTERM, "stop": signal.SIGSTOP}[way])


def input_fn():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(96, 4)).astype(np.float32)
    y = (x[:, 0] > x[:, 1]).astype(np.int32)
    return tf.data.Dataset.from_tensor_slices(({"x": x}, y)).batch(16).repeat()


columns = [tf.feature_column.numeric_column("x", shape=[4])]
config = tf.estimator.RunConfig(place, tf_random_seed=1, save_checkpoints_steps=6)
model = tf.estimator.DNNClassifier([8], columns, n_classes=2, config=config, optimizer="Adagrad")
model.train(input_fn, max_steps=30, hooks=[Trouble()] if trouble else [])
weights = {name.replace("/", "."): model.get_variable_value(name) for name in model.get_variable_names()}
report(**weights, attempt=int(os.environ["HEADRACE_ATTEMPT"]))

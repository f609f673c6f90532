"""Inputs of an estimator that ranks share out: sparse, with single numbers, with a last row, unlike on ranks; tables by rows."""

import os

import numpy as np
from results import report

import headrace as tf
from headrace.engine import resources

rank, size = tf.cluster.rank(), tf.cluster.size()
X = np.random.RandomState(0).rand(9, 4).astype(np.float32)
Y = X.sum(1, keepdims=True)
folder = os.environ["HEADRACE_TEST_RESULTS"]


def sparse(x: tf.Tensor, y: tf.Tensor) -> tuple:
    places = tf.where(x > 0.4)
    return {"s": tf.SparseTensor(places, tf.gather_nd(x, places), tf.shape(x, out_type=tf.int64)), "k": 1.5}, y


def model(hooks: list) -> object:
    def model_fn(features: dict, labels: object, mode: str) -> tf.estimator.EstimatorSpec:
        x = tf.sparse_tensor_to_dense(features["s"]) * features["k"] if "s" in features else features["x"]
        x = tf.reshape(x, [-1, 4])
        loss = tf.reduce_mean(
            tf.square(tf.matmul(x, tf.get_variable("w", [4, 1], initializer=tf.zeros_initializer())) - labels)
        )
        biggest = tf.Variable(0.0, trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES], name="biggest")
        metrics = {"biggest": (biggest, tf.assign(biggest, tf.maximum(biggest, tf.reduce_max(x))))}
        step = tf.train.GradientDescentOptimizer(0.1).minimize(loss, tf.train.get_global_step())
        return tf.estimator.EstimatorSpec(mode, None, loss, step, metrics, training_hooks=hooks)

    return model_fn


def by_rows(features: dict, labels: object, mode: str) -> tf.estimator.EstimatorSpec:
    # The chief's initial values count.
    table = tf.get_variable("t", [1 << 16, 4], initializer=tf.random_normal_initializer(seed=1 + rank))
    loss = tf.reduce_mean(tf.square(tf.nn.embedding_lookup(table, features["i"])))
    step = tf.train.AdagradOptimizer(1.0).minimize(loss, tf.train.get_global_step())
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=step, eval_metric_ops={"mean": tf.metrics.mean(loss)})


def rows() -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(({"x": X}, Y)).batch(4)


def numbers() -> tf.data.Dataset:
    return tf.data.Dataset.range(16).batch(4).map(lambda i: ({"i": i}, tf.zeros_like(i)))


def estimator(name: str, model_fn: object) -> tf.estimator.Estimator:
    return tf.estimator.Estimator(model_fn, f"{folder}/{name}", tf.estimator.RunConfig(tf_random_seed=1))


def weights(name: str, hooks: list, input_fn: object) -> np.ndarray:
    return estimator(name, model(hooks)).train(input_fn).get_variable_value("w")


def refused(train: object) -> str:
    try:
        train()
    except ValueError as error:
        return str(error)
    return ""


def batches_of_some() -> tf.data.Dataset:
    return rows().take(3 - rank)


hook = [tf.train.SessionRunHook()]
found = {}
for kind, hooks in (("plain", []), ("hooks", hook)):
    found[f"{kind}_sparse"] = weights(f"{kind}_sparse", hooks, lambda: rows().map(lambda f, y: sparse(f["x"], y)))
    found[f"{kind}_last"] = weights(f"{kind}_last", hooks, rows)
found["biggest"] = np.array(estimator("plain_last", model([])).evaluate(rows)["biggest"])
said = {}


def shard() -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(({"x": X[:8]}, Y[:8])).shard(size, rank).batch(2)


if size > 1:
    # Random operations of an input differ by chance only.
    weights("noisy", [], lambda: rows().map(lambda f, y: ({"x": f["x"] + tf.random_uniform([4])}, y)))
    said["rows"] = refused(lambda: weights("rows", [], batches_of_some))
    said["plain"] = refused(lambda: weights("shard", [], shard))
resources.BY_ROWS_FROM = 1 << 16
table = estimator("by_rows", by_rows)
table.train(numbers)
found["table"] = np.array([table.evaluate(numbers)[name] for name in ("mean", "loss")])
report(**found, said=said)

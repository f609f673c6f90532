"""Estimators trained as TensorFlow's replicas, by each way that an input function tells them apart."""

import numpy as np
from results import report

import headrace as tf

rank, size = tf.cluster.rank(), tf.cluster.size()
draws = np.random.default_rng(0)
X = draws.normal(size=(48, 3)).astype(np.float32)
Y = (X @ [[1.0], [-2.0], [0.5]]).astype(np.float32)
SEEN = []


def model_fn(features: object, labels: object, mode: str, params: dict) -> tf.estimator.EstimatorSpec:
    w = tf.get_variable("w", [3, 1], initializer=tf.zeros_initializer())
    loss = tf.losses.mean_squared_error(labels, tf.matmul(features, w))
    train_op = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss, tf.train.get_global_step())
    metrics = {"rows": tf.metrics.mean(tf.ones_like(labels))}
    hooks = [tf.train.StopAtStepHook(last_step=4)] if params["hooks"] else []
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train_op, eval_metric_ops=metrics, training_hooks=hooks)


def batches(rows: int) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(rows)


def told(input_context: tf.distribute.InputContext | None = None) -> tf.data.Dataset:
    if input_context is None:
        return batches(4)
    SEEN.append(
        [input_context.num_input_pipelines, input_context.input_pipeline_id, input_context.num_replicas_in_sync]
    )
    return batches(4).shard(input_context.num_input_pipelines, input_context.input_pipeline_id)


def trained(input_fn: object, strategy: object, hooks: bool = False) -> tf.estimator.Estimator:
    config = tf.estimator.RunConfig(train_distribute=strategy, tf_random_seed=1)
    return tf.estimator.Estimator(model_fn, config=config, params={"hooks": hooks}).train(input_fn, steps=4)


strategy = tf.distribute.MirroredStrategy(["/gpu:0", "/gpu:1"][:size])
models = {
    "replicas": trained(lambda: batches(4), strategy),
    "hooks": trained(lambda: batches(4), tf.contrib.distribute.MirroredStrategy(num_gpus=size), hooks=True),
    "told": trained(told, tf.distribute.experimental.MultiWorkerMirroredStrategy()),
    "shared": trained(lambda: batches(4 * size), None),
}
weights = {name: model.get_variable_value("w") for name, model in models.items()}
values = models["replicas"].evaluate(lambda: batches(4))
try:
    trained(lambda: batches(4).make_one_shot_iterator().get_next(), strategy)
    refused = ""
except ValueError as error:
    refused = str(error)
report(**weights, seen=SEEN, loss=float(values["loss"]), step=int(values["global_step"]), refused=refused)

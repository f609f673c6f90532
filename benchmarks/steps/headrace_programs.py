"""W1 to W9 as a user of TensorFlow 1 writes them, on headrace."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from workloads import Workload, blocks

import headrace as tf

Batch = dict[str, Any]


def mean_cross_entropy(labels: Any, logits: Any) -> Any:
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))


def linear(w: Workload, batch: Batch) -> Any:
    kernel, bias = tf.get_variable("kernel", [1, 1]), tf.get_variable("bias", [1])
    return tf.reduce_mean(tf.square(tf.matmul(batch["x"], kernel) + bias - batch["y"]))


def layers(w: Workload, batch: Batch) -> Any:
    hidden = batch["x"]
    for width in w.size.widths[1:-1]:
        hidden = tf.layers.dense(hidden, width, activation=tf.nn.relu)
    return mean_cross_entropy(batch["y"], tf.layers.dense(hidden, w.size.widths[-1]))


def convolutional(w: Workload, batch: Batch) -> Any:
    hidden = batch["x"]
    for channels in w.size.channels:
        hidden = tf.layers.conv2d(hidden, channels, 5, padding="same", activation=tf.nn.relu)
        hidden = tf.layers.max_pooling2d(hidden, 2, 2)
    hidden = tf.layers.dense(tf.layers.flatten(hidden), w.size.hidden, activation=tf.nn.relu)
    return mean_cross_entropy(batch["y"], tf.layers.dense(hidden, 10))


def residual(w: Workload, batch: Batch) -> Any:
    def convolution(x: Any, channels: int, width: int, stride: int = 1) -> Any:
        x = tf.layers.conv2d(x, channels, width, stride, padding="same", use_bias=False)
        return tf.layers.batch_normalization(x, momentum=w.size.decay, epsilon=w.size.epsilon, training=True)

    x = tf.nn.relu(convolution(batch["x"], w.size.stages[0], 3))
    for _, inputs, outputs, stride in blocks(w.size):
        y = tf.nn.relu(convolution(x, outputs, 3, stride))
        y = convolution(y, outputs, 3)
        x = tf.nn.relu(y + (x if inputs == outputs and stride == 1 else convolution(x, outputs, 1, stride)))
    return mean_cross_entropy(batch["y"], tf.layers.dense(tf.reduce_mean(x, [1, 2]), 10))


def recurrent(w: Workload, batch: Batch) -> Any:
    size = w.size
    embedding = tf.get_variable("embedding", [size.vocabulary, size.embedding])
    words = tf.unstack(tf.nn.embedding_lookup(embedding, batch["x"]), axis=1)
    cell = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.BasicLSTMCell(size.hidden) for _ in range(2)])
    state = [
        tf.nn.rnn_cell.LSTMStateTuple(
            *(tf.get_variable(f"{what}{i}", [size.batch, size.hidden], trainable=False) for what in "ch")
        )
        for i in (1, 2)
    ]
    # What the variables hold before the step, whenever they are assigned.
    before = tuple(tf.nn.rnn_cell.LSTMStateTuple(*map(tf.identity, s)) for s in state)
    outputs, after = tf.nn.static_rnn(cell, words, before)
    for variables, values in zip(state, after, strict=True):
        for variable, value in zip(variables, values, strict=True):
            tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, variable.assign(value))
    hidden = tf.reshape(tf.stack(outputs, axis=1), [-1, size.hidden])
    return mean_cross_entropy(tf.reshape(batch["y"], [-1]), tf.layers.dense(hidden, size.vocabulary))


def wide_and_deep(w: Workload, batch: Batch) -> Any:
    size = w.size
    ids = tf.unstack(batch["ids"], axis=1)
    with tf.variable_scope("deep"):
        tables = [tf.get_variable(f"table{i}", [size.buckets, size.embedding]) for i in range(size.columns)]
        rows = [tf.nn.embedding_lookup(table, i) for table, i in zip(tables, ids, strict=True)]
    with tf.variable_scope("wide"):
        tables = [tf.get_variable(f"table{i}", [size.buckets, 1]) for i in range(size.columns)]
        wide = tf.add_n([tf.nn.embedding_lookup(table, i) for table, i in zip(tables, ids, strict=True)])
        wide += tf.matmul(batch["numeric"], tf.get_variable("kernel", [size.numeric, 1])) + tf.get_variable("bias", [1])
    with tf.variable_scope("deep"):
        hidden = tf.concat([*rows, batch["numeric"]], 1)
        for width in size.widths:
            hidden = tf.layers.dense(hidden, width, activation=tf.nn.relu)
        logits = tf.layers.dense(hidden, 1) + wide
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=batch["y"], logits=logits))


def layer_norm(x: Any, name: str) -> Any:
    with tf.variable_scope(name):
        scale, offset = tf.get_variable("scale", [x.shape[-1]]), tf.get_variable("offset", [x.shape[-1]])
    mean, variance = tf.nn.moments(x, [-1], keep_dims=True)
    return tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-5)


def gelu(x: Any) -> Any:
    return 0.5 * x * (1 + tf.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * tf.pow(x, 3))))


def attention(w: Workload, x: Any, mask: Any) -> Any:
    """Causal attention of rows [batch * steps, width]."""
    size = w.size
    depth = size.width // size.heads
    parts = tf.reshape(tf.layers.dense(x, 3 * size.width), [size.batch, size.steps, 3, size.heads, depth])
    query, key, value = tf.unstack(tf.transpose(parts, [2, 0, 3, 1, 4]))
    scores = tf.nn.softmax(tf.matmul(query, key, transpose_b=True) * depth**-0.5 + mask)
    mixed = tf.transpose(tf.matmul(scores, value), [0, 2, 1, 3])
    return tf.layers.dense(tf.reshape(mixed, [-1, size.width]), size.width)


def transformer(w: Workload, batch: Batch) -> Any:
    size = w.size
    embedding = tf.get_variable("embedding", [size.vocabulary, size.width])
    positions = tf.get_variable("positions", [size.steps, size.width])
    mask = tf.constant((1 - np.tril(np.ones((size.steps, size.steps), np.float32))) * -1e9)
    x = tf.reshape(tf.nn.embedding_lookup(embedding, batch["x"]) + positions, [-1, size.width])
    for i in range(size.layers):
        with tf.variable_scope(f"layer{i}"):
            x += attention(w, layer_norm(x, "first"), mask)
            inner = tf.layers.dense(layer_norm(x, "second"), size.inner, activation=gelu)
            x += tf.layers.dense(inner, size.width)
    logits = tf.layers.dense(layer_norm(x, "last"), size.vocabulary, use_bias=False)
    return mean_cross_entropy(tf.reshape(batch["y"], [-1]), logits)


LOSSES: dict[str, Callable[[Workload, Batch], Any]] = {
    "linear": linear,
    "layers": layers,
    "convolutional": convolutional,
    "residual": residual,
    "recurrent": recurrent,
    "wide_and_deep": wide_and_deep,
    "transformer": transformer,
}


def wide_and_deep_update(w: Workload, loss: Any) -> Any:
    """Adagrad for the deep part and FTRL for the wide one, as the canned estimators have it."""
    deep = tf.train.AdagradOptimizer(w.rate, w.size.accumulator)
    wide = tf.train.FtrlOptimizer(
        w.size.wide_rate,
        initial_accumulator_value=w.size.accumulator,
        l1_regularization_strength=w.size.l1,
        l2_regularization_strength=w.size.l2,
    )
    return tf.group(
        deep.minimize(loss, var_list=tf.trainable_variables("model/deep")),
        wide.minimize(loss, var_list=tf.trainable_variables("model/wide")),
    )


def update(w: Workload, loss: Any, parallel: bool = False) -> Any:
    """The operation that takes one step; if `parallel`, by the mean of the gradients of all ranks."""
    if w.optimizer == "adagrad and ftrl":
        return wide_and_deep_update(w, loss)
    makers: dict[str, Callable[[], Any]] = {
        "sgd": lambda: tf.train.GradientDescentOptimizer(w.rate),
        "adam": lambda: tf.train.AdamOptimizer(w.rate),
        "momentum": lambda: tf.train.MomentumOptimizer(w.rate, w.size.momentum),
    }
    optimizer = makers[w.optimizer]()
    optimizer = tf.cluster.DistributedOptimizer(optimizer) if parallel else optimizer
    if not hasattr(w.size, "clip"):
        return optimizer.minimize(loss)
    gradients, variables = zip(*optimizer.compute_gradients(loss), strict=True)
    clipped, _ = tf.clip_by_global_norm(gradients, w.size.clip)
    return optimizer.apply_gradients(zip(clipped, variables, strict=True))


def program(w: Workload, parallel: bool = False) -> tuple[Batch, Any, Any]:
    """Builds the graph; returns placeholders, loss and the update."""
    batch = {k: tf.placeholder(v.dtype, v.shape, name=k) for k, v in w.batches[0].items()}
    # The starting values are assigned: none are to be drawn.
    with tf.variable_scope("model", initializer=tf.zeros_initializer()):
        loss = LOSSES[w.model](w, batch)
    return batch, loss, tf.group(update(w, loss, parallel), *tf.get_collection(tf.GraphKeys.UPDATE_OPS))


def ordered(w: Workload) -> list[Any]:
    """The trainable variables in the order of the workload's parameters."""
    found = tf.trainable_variables()
    if w.model != "wide_and_deep":
        return found
    wide = [v for v in found if v.name.startswith("model/wide/")]
    deep = [v for v in found if v.name.startswith("model/deep/")]
    return deep[: w.size.columns] + wide + deep[w.size.columns :]


def start(w: Workload, session: tf.Session) -> None:
    """Gives every variable its starting value, in one step."""
    trained = ordered(w)
    feeds = {}
    assigned = []
    for variable, value in zip(trained, w.parameters.values(), strict=True):
        feeds[tf.placeholder(value.dtype, value.shape)] = value
        assigned.append(tf.assign(variable, list(feeds)[-1]).op)
    rest = [v for v in tf.global_variables() if v not in trained]
    session.run([tf.variables_initializer(rest), assigned], feeds)


def build(w: Workload, variant: str, threads: int) -> tuple[Callable[[Any], Any], Callable[[Any], float]]:
    """Returns the step, fed by session.run or a callable ("run", "callable", "parallel"), and how to read its loss."""
    batch, loss, train = program(w, variant == "parallel")
    session = tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=threads))
    start(w, session)
    keys = list(batch)
    if variant in ("callable", "parallel"):
        call = session.make_callable([loss, train], [batch[k] for k in keys])
        return lambda values: call(*[values[k] for k in keys]), lambda result: float(result[0])
    run, fetches, pairs = session.run, [loss, train], list(batch.items())
    return lambda values: run(fetches, {t: values[k] for k, t in pairs}), lambda result: float(result[0])

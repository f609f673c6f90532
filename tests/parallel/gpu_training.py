"""Ranks that train on devices of their own; the arguments name what is done. Reports weights and how sums were made."""

import os
import sys

import numpy as np
from results import report

import headrace as tf

rank, size = tf.cluster.rank(), tf.cluster.size()
draws = np.random.default_rng(0)
X = draws.normal(size=(50, 12)).astype(np.float32)
Y = (X @ draws.normal(size=(12, 3))).argmax(1)
layers = tf.keras.layers


def flat(values: list) -> np.ndarray:
    return np.concatenate([np.ravel(v).astype(np.float64) for v in values])


def by_hand(compression: str | None = None, most: int = 1000, last: int = 5) -> tuple[np.ndarray, str]:
    """Weights after some steps on 48 rows, of which each rank has its part, and what is said of a step."""
    with tf.Graph().as_default():
        tf.set_random_seed(1 + rank)
        x, y = tf.placeholder(tf.float32, [None, 12]), tf.placeholder(tf.int64, [None])
        hidden = x
        for i in range(3):
            hidden = tf.layers.dense(hidden, 12, tf.nn.tanh, name=f"hidden{i}")
        loss = tf.losses.sparse_softmax_cross_entropy(y, tf.layers.dense(hidden, 3))
        optimizer = tf.train.AdamOptimizer(0.01)
        wrapped = tf.cluster.DistributedOptimizer(optimizer, compression=compression, bucket_bytes=most)
        step = wrapped.minimize(loss, tf.train.get_or_create_global_step())
        own = slice(rank * 48 // size, (rank + 1) * 48 // size)
        feeds = {x: X[own], y: Y[own]}
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            tf.cluster.broadcast_variables(session)
            text = session.explain([loss, step], feeds)
            for i in range(last):
                if rank and i == 3 and "leaves" in sys.argv:
                    sys.exit()
                if rank == 0 and i == 3:
                    # Only this rank makes its calls one by one: the other one would replay.
                    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
                    session.run([loss, step], feeds, options, tf.RunMetadata())
                else:
                    session.run([loss, step], feeds)
            values = session.run(tf.trainable_variables())
    return flat(values), text


def fitted() -> np.ndarray:
    """A Keras model on 50 rows in batches of 15: ranks have parts of other sizes, and metrics of all."""
    tf.keras.backend.clear_session()
    model = tf.keras.Sequential([layers.Dense(8, "relu", input_shape=(12,)), layers.Dense(3, "softmax")])
    model.compile(tf.keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    own = np.random.default_rng(1)
    model.set_weights([own.uniform(-0.3, 0.3, w.shape) for w in model.get_weights()])
    history = model.fit(X, Y, batch_size=15, epochs=3, shuffle=False, verbose=0).history
    return flat([*model.get_weights(), *history["loss"], *history["accuracy"]])


plain, text = by_hand()
report(
    plain=plain,
    together=by_hand(most=1 << 20)[0],
    half=by_hand("bfloat16")[0],
    fitted=fitted(),
    text=text,
    gpu=os.environ.get("HEADRACE_GPU", ""),
)

"""What ranks do together besides plain training: shards of different length, synchronised statistics, accumulation, stops."""

import os

import numpy as np
from results import report

import headrace as tf
from headrace.engine.communicator import current

rank, size = tf.cluster.rank(), tf.cluster.size()
draws = np.random.default_rng(0)
X = draws.normal(size=(50, 12)).astype(np.float32)
Y = (X @ draws.normal(size=(12, 3))).argmax(1)
layers = tf.keras.layers


def flat(values: list) -> np.ndarray:
    return np.concatenate([np.ravel(v).astype(np.float64) for v in values])


def model(*between: object) -> object:
    tf.keras.backend.clear_session()
    made = tf.keras.Sequential([layers.Dense(8, input_shape=(12,)), *between, layers.Dense(3, "softmax")])
    made.compile(tf.keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    own = np.random.default_rng(1)
    made.set_weights([own.uniform(-0.3, 0.3, w.shape) if w.ndim > 1 else w for w in made.get_weights()])
    return made


def uneven() -> np.ndarray:
    """Rank q has q batches less than the first; a rank alone has what they have together."""
    os.environ["HEADRACE_SHARDED_INPUT"] = "1"
    steps = [[(X[8 * i + 4 * q :][:4], Y[8 * i + 4 * q :][:4]) for q in range(2) if i < 4 - q] for i in range(4)]

    def batches() -> object:
        for step in steps:
            chosen = step if size == 1 else step[rank : rank + 1]
            if chosen:
                yield np.concatenate([x for x, _ in chosen]), np.concatenate([y for _, y in chosen])

    made = model()
    history = made.fit(batches(), verbose=0).history
    os.environ["HEADRACE_SHARDED_INPUT"] = "0"
    return flat([*made.get_weights(), *history["loss"], *history["accuracy"]])


def normalized() -> np.ndarray:
    """50 rows in batches of 16: of the last two four ranks have at most one each."""
    made = model(layers.BatchNormalization(synchronized=True), layers.ReLU())
    made.fit(X, Y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    return flat([*made.get_weights(), *made.evaluate(X, Y, verbose=0)])


def by_hand(passes: int = 1, compression: str | None = None, most: int = 4 << 20) -> tuple[np.ndarray, int, int]:
    """Weights of a loop of its own, with the exchanges and bytes of a step; each rank has its part of 48 rows."""
    with tf.Graph().as_default():
        tf.set_random_seed(1 + rank)
        x, y = tf.placeholder(tf.float32, [None, 12]), tf.placeholder(tf.int64, [None])
        table = tf.get_variable("table", [20, 3])
        hidden = x
        for i in range(6):
            hidden = tf.layers.dense(hidden, 12, tf.nn.tanh, name=f"hidden{i}")
        logits = tf.layers.dense(hidden, 3) + tf.gather(table, tf.cast(tf.abs(x[:, 0]) * 4, tf.int32))
        loss = tf.losses.sparse_softmax_cross_entropy(y, logits)
        optimizer = tf.train.AdamOptimizer(0.01)
        wrapped = tf.cluster.DistributedOptimizer(optimizer, None, False, compression, passes, True, most)
        step = wrapped.minimize(loss, tf.train.get_or_create_global_step())
        own = 48 // size
        part = own // passes
        with tf.train.MonitoredSession(hooks=[tf.cluster.BroadcastGlobalVariablesHook(0)]) as session:
            group = getattr(current(), "group", None)
            for _ in range(3):
                before = (group.exchanges, group.exchanged_bytes) if group else (0, 0)
                for i in range(passes):
                    rows = slice(rank * own + i * part, rank * own + (i + 1) * part)
                    session.run(step, {x: X[rows], y: Y[rows]})
            values = session.run(tf.trainable_variables())
            counts = (group.exchanges - before[0], group.exchanged_bytes - before[1]) if group else (0, 0)
    return flat(values), *counts


class Stops(tf.keras.callbacks.Callback):
    """The last rank wants to stop after the first batch of an epoch."""

    batches = 0

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        self.batches += 1
        self.model.stop_training = rank == size - 1


stopped = Stops()
model().fit(X, Y, batch_size=10, epochs=3, verbose=0, callbacks=[stopped])
plain, exchanges, nbytes = by_hand()
small = by_hand(most=600)
half = by_hand(compression="float16")
report(
    uneven=uneven() if size <= 2 else 0,
    normalized=normalized(),
    plain=plain,
    passes=by_hand(passes=2)[0],
    small=small[0],
    half=half[0],
    exchanges=exchanges,
    nbytes=nbytes,
    small_exchanges=small[1],
    half_bytes=half[2],
    batches=stopped.batches,
)

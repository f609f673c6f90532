"""A Keras model that is fitted on all ranks, with backups; arguments: a folder, and what goes wrong as "rank:batch:way"."""

import os
import signal
import sys
from pathlib import Path

import numpy as np
from results import report

import headrace as tf

place, trouble = Path(sys.argv[1]), sys.argv[2]
who, when, way = trouble.split(":") if trouble else ("", "-1", "")
keras = tf.keras


class Trouble(keras.callbacks.Callback):
    """Fails in the first start, at a batch counted over all epochs."""

    seen = 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == int(when) and os.environ["HEADRACE_ATTEMPT"] == "0" and tf.cluster.rank() == int(who):
            if way == "raise":
                raise ValueError("a wrong value")
            os.kill(os.getpid(), {"kill": signal.SIGKILL, "term": signal.SIGTERM, "stop": signal.SIGSTOP}[way])


keras.utils.set_random_seed(1)
rng = np.random.default_rng(0)
x = rng.normal(size=(160, 6)).astype(np.float32)
y = (x[:, :1] * 2 - x[:, 1:2] > 0).astype(np.float32)
model = keras.Sequential([keras.layers.Dense(8, activation="relu", input_shape=(6,)), keras.layers.Dense(1)])
model.compile("adam", "mse")
backup = keras.callbacks.BackupAndRestore(place / "backup", save_freq=3)
model.fit(x, y, batch_size=16, epochs=4, verbose=0, shuffle=True, callbacks=[backup, Trouble()])
report(**{f"w{i}": w for i, w in enumerate(model.get_weights())}, attempt=int(os.environ["HEADRACE_ATTEMPT"]))

"""A fit that the test kills: `python resumed_fit.py FOLDER KIND [BATCH [SIGNAL]]` ends after a batch, or writes results."""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

import headrace as tf

keras = tf.keras


class Killed(keras.callbacks.Callback):
    """Kills the process, or sends it another signal, after a number of batches, counted from its own start."""

    def __init__(self, left, number=signal.SIGKILL):
        super().__init__()
        self.left, self.number = left, number

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), self.number)


def rows(x, y):
    """Batches without end, each with noise of NumPy's."""
    while True:
        chosen = np.random.permutation(len(x))[:10]
        yield x[chosen] + np.random.normal(size=(10, 3)).astype("float32") / 10, y[chosen]


def data(kind, x, y):
    """What fit is given of a kind of data, and how many steps an epoch has."""
    if kind == "arrays":
        return {"x": x, "y": y, "batch_size": 10}
    if kind == "steps":
        return {"x": x, "y": y, "batch_size": 7, "steps_per_epoch": 4}
    if kind == "generator":
        return {"x": rows(x, y), "steps_per_epoch": 4}
    return {"x": tf.data.Dataset.from_tensor_slices((x, y)).shuffle(50).batch(10).repeat(), "steps_per_epoch": 4}


def main(folder, kind, killed=0, number=signal.SIGKILL):
    """Trains; writes weights and history to results.npz beside the folder of the backup."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(50, 3)).astype("float32")
    y = (x @ [1.0, -1.0, 0.5] + rng.normal(size=50)).astype("float32")
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(6, "relu"), keras.layers.Dropout(0.2), keras.layers.Dense(1)]
    )
    model.compile(keras.optimizers.Adam(0.3), "mse", metrics=["mae"])
    callbacks = [
        keras.callbacks.BackupAndRestore(folder / "backup", save_freq=3),
        keras.callbacks.ReduceLROnPlateau("val_loss", 0.5, patience=1, cooldown=1),
        keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True),
        keras.callbacks.CSVLogger(folder / "table.csv"),
        *([Killed(killed, number)] if killed else []),
    ]
    history = model.fit(
        **data(kind, x, y), epochs=12, validation_data=(x[:20], y[:20]), verbose=0, callbacks=callbacks
    ).history
    np.savez(folder / "results.npz", *model.get_weights(), *model.optimizer.get_weights())
    (folder / "history.json").write_text(json.dumps(history))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:]))

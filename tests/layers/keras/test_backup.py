"""A fit that was killed goes on as if it had not been, to the last bit: weights, optimizer, callbacks, tables."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import headrace as tf

from . import resumed_fit

keras = tf.keras
SCRIPT = Path(resumed_fit.__file__)


def run(folder, *arguments):
    folder.mkdir(exist_ok=True)
    source = str(Path(tf.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": source, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, SCRIPT, folder, *arguments], env=environment, check=False, timeout=120)


def results(folder):
    with np.load(folder / "results.npz") as found:
        return [found[name] for name in found.files]


@pytest.mark.parametrize(
    ("kind", "kills"), [("arrays", ["13"]), ("steps", ["8", "9"]), ("dataset", ["11"]), ("generator", ["14"])]
)
def test_a_fit_that_was_killed_is_that_which_was_not(tmp_path, kind, kills):
    assert run(tmp_path / "whole", kind).returncode == 0
    for batch in kills:
        assert run(tmp_path / "killed", kind, batch).returncode < 0
    assert run(tmp_path / "killed", kind).returncode == 0
    for name in ("history.json", "table.csv"):
        assert (tmp_path / "killed" / name).read_text() == (tmp_path / "whole" / name).read_text()
    for found, wanted in zip(results(tmp_path / "killed"), results(tmp_path / "whole"), strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert not list((tmp_path / "killed" / "backup").iterdir())


@pytest.mark.parametrize(("kind", "asked"), [("arrays", ["13", "5"]), ("dataset", ["8"])])
def test_a_fit_that_was_asked_to_stop_goes_on_with_the_next_batch(tmp_path, kind, asked):
    assert run(tmp_path / "whole", kind).returncode == 0
    for batch, number in zip(asked, (signal.SIGTERM, signal.SIGUSR1), strict=False):
        assert run(tmp_path / "parts", kind, batch, str(int(number))).returncode == 85
    assert run(tmp_path / "parts", kind).returncode == 0
    for name in ("history.json", "table.csv"):
        assert (tmp_path / "parts" / name).read_text() == (tmp_path / "whole" / name).read_text()
    for found, wanted in zip(results(tmp_path / "parts"), results(tmp_path / "whole"), strict=True):
        np.testing.assert_array_equal(found, wanted)


class Asking(keras.callbacks.Callback):
    """Sends the process a signal in the validation of an epoch, and notes all batches."""

    def __init__(self, seen, at):
        super().__init__()
        self.seen, self.at = seen, at

    def on_train_batch_begin(self, batch, logs=None):
        self.seen.append(batch)

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.at:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("at", [1, 3], ids=["on the way", "the last epoch"])
def test_a_signal_between_two_epochs(tmp_path, at):
    wanted, seen = fit(tmp_path / "other"), []
    with pytest.raises(SystemExit) as stopped:
        fit(tmp_path, Asking(seen, at), preemption_exit_status=7)
    assert stopped.value.code == 7 and len(seen) == 4 * (at + 1)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert fit(tmp_path, Asking(seen, None)) == wanted and len(seen) == 16
    fit(tmp_path / "none", Asking(seen, None), preemption_exit_status=None)


def test_the_model_is_saved_where_a_signal_ends_fit(tmp_path):
    def saved(name, **options):
        return keras.callbacks.ModelCheckpoint(tmp_path / name, **options)

    class At(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                os.kill(os.getpid(), signal.SIGUSR1)

    keras.backend.clear_session()
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    x = np.ones((20, 3), "float32")
    files = [saved("m-{epoch}-{batch}.keras"), saved("{loss}.keras"), saved("best.keras", save_best_only=True)]
    with pytest.raises(SystemExit) as stopped:
        model.fit(x, x[:, 0], batch_size=5, epochs=4, verbose=0, callbacks=[At(), *files])
    assert stopped.value.code == 85 and [path.name for path in tmp_path.iterdir()] == ["m-1-2.keras"]
    found = keras.models.load_model(tmp_path / "m-1-2.keras")
    for one, other in zip(found.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert int(keras.backend.get_value(found.optimizer.iterations)) == 2
    seen = []
    check = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(signal.getsignal(signal.SIGTERM))
    )
    for callback in (files[2], saved("none.keras", preemption_exit_status=None)):
        model.fit(x, x[:, 0], verbose=0, callbacks=[callback, check])
    assert seen == [signal.SIG_DFL] * 2


def test_a_backup_and_a_model_are_both_saved(tmp_path):
    other = keras.callbacks.ModelCheckpoint(tmp_path / "m.weights.h5", save_weights_only=True)
    at = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: batch == 2 and os.kill(os.getpid(), signal.SIGTERM)
    )
    for callbacks in ([at, other], [other, at]):
        with pytest.raises(SystemExit):
            fit(tmp_path / "backup", *callbacks)
        assert {path.name for path in tmp_path.iterdir()} == {"m.weights.h5", "backup"}
        (tmp_path / "m.weights.h5").unlink()
        (tmp_path / "backup" / "backup.h5").unlink()


class Interrupted(keras.callbacks.Callback):
    """Interrupts where `when(epoch)` says so."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.at:
            raise KeyboardInterrupt


def fit(folder, *callbacks, **options):
    keras.backend.clear_session()
    np.random.seed(0)
    x = np.random.normal(size=(20, 3)).astype("float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    backup = keras.callbacks.BackupAndRestore(folder, **options)
    return model.fit(x, x[:, 0], batch_size=5, epochs=4, verbose=0, callbacks=[backup, *callbacks]).history["loss"]


def test_a_backup_that_cannot_be_read_gives_way_to_the_one_before(tmp_path, caplog):
    wanted = fit(tmp_path / "other")
    for double in (True, False):
        folder = tmp_path / str(double)
        with pytest.raises(KeyboardInterrupt):
            fit(folder, Interrupted(3), double_checkpoint=double)
        (folder / "backup.h5").write_bytes(b"damaged")
        if double:
            assert fit(folder, double_checkpoint=True) == wanted
            assert "the one before is" in caplog.text
        else:
            with pytest.raises(ValueError, match=r"backup\.h5 cannot be read"):
                fit(folder)


@pytest.mark.parametrize("name", ["epoch", "batch", "chances", "ops", "callbacks", "columns", "source"])
@pytest.mark.parametrize("value", [-1, "a", {"numpy": ["MT19937", [1], 0, 0, 0.0], "python": 3}])
def test_a_backup_of_odd_state_is_refused(tmp_path, name, value):
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, Interrupted(3))
    with h5py.File(tmp_path / "backup.h5", "r+") as file:
        state = json.loads(bytes(file["state"][()]))
        del file["state"]
        file["state"] = np.frombuffer(json.dumps({**state, name: value}).encode(), np.uint8)
    with pytest.raises(ValueError, match=r"backup\.h5"):
        fit(tmp_path)


class Odd(keras.callbacks.Callback):
    """Keeps what no file can hold."""

    def kept_state(self):
        return {"thing": object()}


def test_callbacks_keep_plain_values(tmp_path):
    with pytest.raises(TypeError, match="kept_state of a callback must give plain values"):
        fit(tmp_path, Odd())


def test_a_fit_that_was_about_to_stop_stops(tmp_path):
    stop = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(stop.model, "stop_training", epoch == 1)
    )
    end = keras.callbacks.LambdaCallback(on_train_end=Interrupted(None).on_epoch_begin)
    assert len(fit(tmp_path, stop, end, delete_checkpoint=False)) == 2
    assert len(fit(tmp_path, stop)) == 2

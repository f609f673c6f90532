"""Callbacks: what each does, and that an interrupted fit goes on where it was."""

import csv

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import headrace as tf

keras = tf.keras
callbacks = keras.callbacks
RNG = np.random.default_rng(4)
X = RNG.normal(size=(40, 4)).astype("float32")
Y = X @ np.array([1.0, -2.0, 0.5, 0.0], "float32")
START = [np.full((4, 1), 0.1, "float32"), np.zeros(1, "float32")]


@pytest.fixture(autouse=True)
def fresh_graph():
    keras.backend.clear_session()


def model_of(optimizer="sgd", metrics=None):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mse", metrics=metrics)
    model.set_weights(START)
    return model


def fit(model, *used, epochs=3, **options):
    return model.fit(X, Y, epochs=epochs, batch_size=8, verbose=0, callbacks=list(used), **options)


class Told(callbacks.Callback):
    """Notes what it is called with."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("train")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch}")

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append((batch, sorted(logs)))

    def on_test_batch_end(self, batch, logs=None):
        self.calls.append(f"test {batch}")

    def on_predict_batch_end(self, batch, logs=None):
        self.calls.append(logs["outputs"].shape)

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(sorted(logs))


def test_order_and_logs():
    told, model = Told(), model_of()
    model.fit(X, Y, batch_size=20, validation_data=(X, Y), verbose=0, callbacks=told)
    names = ["loss", "val_loss"]
    assert told.calls == ["train", "epoch 0", (0, ["loss"]), (1, ["loss"]), "test 0", "test 1", names]
    told.calls.clear()
    model.predict(X, batch_size=32, verbose=0, callbacks=[told])
    assert told.calls == [(32, 1), (8, 1)]
    assert told.params["steps"] == 2
    assert told.model is model


def test_logs_of_batches_are_running_means():
    found = []
    note = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: found.append(logs["loss"]))
    history = fit(model_of(), note, epochs=1)
    assert found[-1] == pytest.approx(history.history["loss"][0])
    assert len(found) == 5


class Fixed(callbacks.Callback):
    """Puts given values of val_loss into the logs, and the epoch into the weights."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = self.values[epoch]
        self.model.set_weights([np.full((4, 1), float(epoch)), np.zeros(1)])


@pytest.mark.parametrize(
    ("options", "epochs", "restored"),
    [
        ({"patience": 2}, 4, 3),
        ({"patience": 2, "restore_best_weights": True}, 4, 1),
        ({"patience": 1, "min_delta": 0.5}, 2, 1),
        ({"patience": 2, "mode": "max"}, 3, 2),
        ({"patience": 2, "baseline": 0.5}, 2, 1),
        ({"patience": 2, "start_from_epoch": 3}, 6, 5),
    ],
)
def test_early_stopping(options, epochs, restored):
    model, values = model_of(), [1.0, 0.8, 0.9, 0.9, 0.9, 0.9]
    history = fit(model, Fixed(values), callbacks.EarlyStopping(**options), epochs=6)
    assert len(history.epoch) == epochs
    assert model.get_weights()[0][0, 0] == restored


def test_early_stopping_without_its_metric_says_so(caplog):
    fit(model_of(), callbacks.EarlyStopping("val_speed"), epochs=1)
    assert "val_speed" in caplog.text


def test_reduce_on_plateau():
    model = model_of()
    plateau = callbacks.ReduceLROnPlateau(factor=0.5, patience=2, min_lr=0.004)
    history = fit(model, Fixed([1.0] * 8), plateau, epochs=8)
    np.testing.assert_allclose(history.history["learning_rate"], [0.01] * 3 + [0.005] * 2 + [0.004] * 3, rtol=1e-5)
    with pytest.raises(ValueError, match="factor"):
        callbacks.ReduceLROnPlateau(factor=1.0)


@pytest.mark.parametrize("schedule", [lambda epoch: 0.1 / (epoch + 1), lambda epoch, rate: 0.1 / (epoch + 1)])
def test_learning_rate_scheduler(schedule):
    history = fit(model_of(), callbacks.LearningRateScheduler(schedule))
    np.testing.assert_allclose(history.history["learning_rate"], [0.1, 0.05, 0.1 / 3], rtol=1e-5)


def test_learning_rate_scheduler_wants_a_number():
    with pytest.raises(ValueError, match="must give a number"):
        fit(model_of(), callbacks.LearningRateScheduler(lambda epoch: "fast"))


def test_terminate_on_nan():
    model = model_of(keras.optimizers.SGD(1e20))
    history = fit(model, callbacks.TerminateOnNaN(), epochs=5)
    assert len(history.epoch) == 1


def test_csv_logger(tmp_path):
    path, model = tmp_path / "log.csv", model_of(metrics=["mae"])
    fit(model, callbacks.CSVLogger(path, separator=";"), validation_data=(X, Y))
    fit(model, callbacks.CSVLogger(path, separator=";", append=True), epochs=1, validation_data=(X, Y))
    rows = list(csv.reader(path.read_text().splitlines(), delimiter=";"))
    assert rows[0] == ["epoch", "loss", "mae", "val_loss", "val_mae"]
    assert [row[0] for row in rows[1:]] == ["0", "1", "2", "0"]


def test_model_checkpoint(tmp_path):
    model = model_of()
    every = callbacks.ModelCheckpoint(tmp_path / "m-{epoch:02d}-{loss:.1f}.keras")
    best = callbacks.ModelCheckpoint(tmp_path / "best.weights.h5", save_best_only=True, save_weights_only=True)
    by_batch = callbacks.ModelCheckpoint(tmp_path / "b{epoch}.{batch}.weights.h5", save_weights_only=True, save_freq=4)
    fit(model, Fixed([1.0, 0.5, 0.7]), every, best, by_batch)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"b1.4.weights.h5", "b2.3.weights.h5", "b3.2.weights.h5", "best.weights.h5"} <= names
    assert sum(name.startswith("m-0") for name in names) == 3
    model.load_weights(tmp_path / "best.weights.h5")
    assert model.get_weights()[0][0, 0] == 1.0
    with pytest.raises(ValueError, match=r"\.keras"):
        callbacks.ModelCheckpoint(tmp_path / "model")
    with pytest.raises(KeyError, match="speed"):
        fit(model, callbacks.ModelCheckpoint(tmp_path / "{speed}.keras"))


class Interrupt(callbacks.Callback):
    """Interrupts at a batch, counted over all epochs."""

    def __init__(self, at):
        super().__init__()
        self.left = at

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


@pytest.mark.parametrize(("save_freq", "at"), [("epoch", 8), (1, 8), (3, 12)])
def test_an_interrupted_fit_goes_on_where_it_was(tmp_path, save_freq, at):
    np.random.seed(1)
    whole = model_of("adam", ["mae"])
    wanted = fit(whole, epochs=4).history

    np.random.seed(1)
    with pytest.raises(KeyboardInterrupt):
        fit(model_of("adam", ["mae"]), callbacks.BackupAndRestore(tmp_path, save_freq), Interrupt(at), epochs=4)
    np.random.seed(99)
    resumed = model_of("adam", ["mae"])
    found = fit(resumed, callbacks.BackupAndRestore(tmp_path, save_freq), epochs=4)
    np.testing.assert_array_equal(resumed.get_weights()[0], whole.get_weights()[0])
    np.testing.assert_array_equal(resumed.optimizer.get_weights()[2], whole.optimizer.get_weights()[2])
    for name, values in found.history.items():
        np.testing.assert_allclose(values, wanted[name][-len(values) :], rtol=1e-6)
    assert not list(tmp_path.iterdir()), "a finished fit leaves no backup"


def test_the_backup_of_another_model_is_refused(tmp_path):
    fit(model_of(), callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False))
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2), keras.layers.Dense(1)])
    other.compile("sgd", "mse")
    with pytest.raises(ValueError, match="another model"):
        other.fit(X, Y, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path)])


def events(folder):
    accumulator = EventAccumulator(str(folder), size_guidance={"histograms": 0})
    accumulator.Reload()
    return accumulator


def test_tensorboard(tmp_path):
    board = callbacks.TensorBoard(tmp_path, histogram_freq=1, write_images=True, update_freq=2)
    history = fit(model_of(metrics=["mae"]), board, validation_data=(X, Y)).history
    train, validation = events(tmp_path / "train"), events(tmp_path / "validation")
    assert [e.value for e in train.Scalars("epoch_loss")] == pytest.approx(history["loss"])
    assert [e.value for e in validation.Scalars("epoch_mae")] == pytest.approx(history["val_mae"])
    assert [e.step for e in train.Scalars("batch_loss")] == [2, 4, 6, 8, 10, 12, 14]
    assert [e.value for e in train.Scalars("epoch_learning_rate")] == pytest.approx([0.01] * 3)
    assert [e.step for e in validation.Scalars("evaluation_loss_vs_iterations")] == [5, 10, 15]
    assert len(train.Histograms("dense/kernel_0/histogram")) == 3
    assert train.Graph().node
    with pytest.raises(ValueError, match="update_freq"):
        callbacks.TensorBoard(update_freq="never")


def test_a_line_every_few_seconds_where_there_is_no_terminal(capsys, monkeypatch):
    monkeypatch.setattr("headrace.layers.fitting.display.LINE_SECONDS", 0.0)
    model_of().fit(X, Y, batch_size=20, callbacks=[callbacks.ProgbarLogger()])
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "Epoch 1/1: step 1/2",
        "Epoch 1/1: step 2/2",
        "Epoch 1/1: 2 steps",
    ]


def test_a_bar_on_a_terminal(monkeypatch, capsys):
    import io

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    model_of().fit(X, Y, callbacks=[callbacks.ProgbarLogger(stream=stream)])
    assert "Epoch 1/1" in stream.getvalue()
    assert "loss" in stream.getvalue()


class Seen(callbacks.Callback):
    """Notes a weight where evaluations begin and epochs end."""

    def __init__(self):
        super().__init__()
        self.tests, self.epochs = [], []

    def on_test_begin(self, logs=None):
        self.tests.append(self.model.get_weights()[0][0, 0])

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(self.model.get_weights()[0][0, 0])


@pytest.mark.parametrize("on_epoch", [False, True])
def test_averages_take_the_weights_place_for_evaluation(on_epoch):
    options = {"use_ema": True, "ema_momentum": 0.5}
    plain, swapped = Seen(), Seen()
    wanted = model_of(keras.optimizers.SGD(0.1, **options))
    fit(wanted, plain, shuffle=False, validation_data=(X, Y))
    model = model_of(keras.optimizers.SGD(0.1, **options))
    fit(model, callbacks.SwapEMAWeights(on_epoch), swapped, shuffle=False, validation_data=(X, Y))
    np.testing.assert_array_equal(model.get_weights()[0], wanted.get_weights()[0])
    assert swapped.tests != plain.tests
    assert (swapped.epochs == plain.epochs) == (not on_epoch)
    assert swapped.tests[-1] == wanted.get_weights()[0][0, 0]
    with pytest.raises(ValueError, match="use_ema=True"):
        fit(model_of(), callbacks.SwapEMAWeights(), validation_data=(X, Y))

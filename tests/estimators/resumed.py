"""Run by tests as a program of its own: training that is killed at random moments and goes on, beside one that is not.

`python resumed.py estimator|session FOLDER STEPS KILLS` prints a JSON object; the runs are in FOLDER/whole and FOLDER/parts.
With `signals` after that the runs are not killed but asked to stop: by SIGTERM and SIGUSR1, at random steps.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import headrace as tf

X = np.random.default_rng(0).standard_normal((200, 6)).astype(np.float32)
Y = (X[:, :1] * X[:, 1:2] + 0.1).astype(np.float32)
EVERY = 4


def data() -> Any:
    return tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(50).repeat().batch(8).prefetch(2)


def with_arrays(folder: str, steps: int) -> None:
    """Epochs of six steps, in data of thirteen batches."""
    config = tf.estimator.RunConfig(save_checkpoints_steps=EVERY, tf_random_seed=3, log_step_count_steps=None)
    columns = [tf.feature_column.numeric_column("x", (6,))]
    estimator = tf.estimator.DNNRegressor([8], columns, folder, optimizer="Adam", dropout=0.2, config=config)
    telling = tf.keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: Telling.tell())
    rows = slice(None, 100)
    estimator.fit(
        {"x": X[rows]}, Y[rows, 0], epochs=steps // 6, steps_per_epoch=6, batch_size=8, verbose=0, callbacks=[telling]
    )
    Path(folder, "history.json").write_text(json.dumps(estimator.history_))


class Telling(tf.train.SessionRunHook):
    """Tells the parent process of each step."""

    pipes: tuple[int, int] | None = None

    @classmethod
    def tell(cls) -> None:
        """Says that a step is done, and goes on when the parent has seen it or looks no more."""
        if cls.pipes is not None:
            os.write(cls.pipes[0], b".")
            os.read(cls.pipes[1], 1)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self.tell()


def model(features: Any, labels: Any, mode: str) -> Any:
    """Slots, moving averages, dropout and noise that nobody gave a seed of its own."""
    hidden = tf.layers.dense(features, 16, tf.nn.relu, kernel_initializer=tf.glorot_uniform_initializer())
    hidden = tf.layers.batch_normalization(hidden, training=True)
    hidden = tf.nn.dropout(hidden, 0.7) + tf.random_normal([16], stddev=0.01)
    loss = tf.reduce_mean(tf.square(tf.layers.dense(hidden, 1) - labels))
    tf.summary.scalar("seen", loss)
    step = tf.train.get_or_create_global_step()
    average = tf.train.ExponentialMovingAverage(0.9, step)
    train = tf.train.AdamOptimizer(0.01).minimize(loss, step)
    with tf.control_dependencies([train, *tf.get_collection(tf.GraphKeys.UPDATE_OPS)]):
        train = average.apply(tf.trainable_variables())
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train)


def with_estimator(folder: str, steps: int) -> None:
    config = tf.estimator.RunConfig(
        save_checkpoints_steps=EVERY, tf_random_seed=3, save_summary_steps=1, log_step_count_steps=None
    )
    estimator = tf.estimator.Estimator(model, folder, config)
    hook = tf.data.experimental.CheckpointInputPipelineHook(estimator)
    estimator.train(data, hooks=[hook, Telling()], max_steps=steps)


def with_evaluation(folder: str, steps: int) -> None:
    config = tf.estimator.RunConfig(save_checkpoints_steps=EVERY, tf_random_seed=3, log_step_count_steps=None)
    estimator = tf.estimator.Estimator(model, folder, config)
    hooks = [tf.data.experimental.CheckpointInputPipelineHook(estimator), Telling()]
    training = tf.estimator.TrainSpec(data, steps, hooks)
    tf.estimator.train_and_evaluate(estimator, training, tf.estimator.EvalSpec(data, steps=1, throttle_secs=0))


def with_session(folder: str, steps: int) -> None:
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        iterator = data().make_initializable_iterator()
        tf.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
        tf.add_to_collection(tf.GraphKeys.SAVEABLE_OBJECTS, tf.data.experimental.make_saveable_from_iterator(iterator))
        spec = model(*iterator.get_next(), tf.estimator.ModeKeys.TRAIN)
        with tf.train.MonitoredTrainingSession(
            checkpoint_dir=folder,
            save_checkpoint_steps=EVERY,
            save_summaries_steps=1,
            log_step_count_steps=None,
            hooks=[tf.train.StopAtStepHook(last_step=steps), Telling()],
        ) as session:
            while not session.should_stop():
                session.run(spec.train_op)


def run(train: Callable[[], None], seconds: float, signals: tuple[int, int] = (0, 0)) -> int:
    """The status of a child that trains, and that the system's alarm ends if it has not ended after so many seconds.

    With `signals` it is sent the second one after the first number of steps.
    """
    (reading, writing), (waiting, answering) = os.pipe(), os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        os.close(waiting)
        for left in reversed(range(signals[0])):
            if not os.read(reading, 1):
                break
            if left:
                os.write(answering, b".")
            else:
                os.kill(child, signals[1])
        os.close(answering)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.close(reading)
        return status
    os.close(answering)
    status, Telling.pipes = 1, (writing, waiting)
    try:
        # Nobody handles this signal: the process ends at once, as if it had been killed.
        signal.setitimer(signal.ITIMER_REAL, seconds)
        train()
        status = 0
    except SystemExit as error:
        status = int(error.code or 0)
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(status)


def events(folder: Path) -> dict[str, list[float]]:
    """By tag and step the values of all events, without those that a later start made void."""
    found: dict[str, list[float]] = {}
    for path in sorted(folder.glob("events.*"), key=lambda p: (p.stat().st_mtime_ns, p.name)):
        for event in tf.train.summary_iterator(str(path)):
            if event.HasField("session_log") and event.session_log.status == event.session_log.START:
                found = {key: values for key, values in found.items() if int(key.split(" ")[1]) < event.step}
            for value in event.summary.value:
                if value.HasField("histo"):
                    continue
                number = value.simple_value if value.HasField("simple_value") else tf.make_ndarray(value.tensor).item()
                found.setdefault(f"{value.tag} {event.step}", []).append(number)
    return found


TRAIN = {"estimator": with_estimator, "session": with_session, "evaluation": with_evaluation, "arrays": with_arrays}


def stopped_by_signals(kind: str, folder: Path, steps: int, stops: int) -> dict[str, Any]:
    """The exit status and step of each run, the last of which is left alone."""
    rng, found, done = random.Random(stops), [], 0
    if run(lambda: TRAIN[kind](str(folder / "whole"), steps), 300):
        raise RuntimeError("the run that is left alone failed")
    for number in range(stops + 1):
        at = rng.randint(1, max(1, 2 * (steps - done) // (stops - number + 1))) if number < stops else 0
        signals = (at, (signal.SIGTERM, signal.SIGUSR1)[number % 2]) if at else (0, 0)
        status = run(lambda: TRAIN[kind](str(folder / "parts"), steps), 300, signals)
        before, done = done, int(tf.train.load_variable(str(folder / "parts"), "global_step"))
        found.append({"status": status, "before": before, "asked": at, "after": done})
        if status == 0:
            break
    return {"runs": found, "events": [events(folder / name) for name in ("whole", "parts")]}


def reached(folder: Path) -> int:
    """The step of the newest checkpoint."""
    prefix = tf.train.latest_checkpoint(str(folder))
    return int(tf.train.load_variable(prefix, "global_step")) if prefix else 0


def main(kind: str, folder: Path, steps: int, kills: int) -> dict[str, Any]:
    train = TRAIN[kind]
    rng, killed, finished = random.Random(kills), 0, False
    start = time.monotonic()
    if run(lambda: train(str(folder / "whole"), steps), 300):
        raise RuntimeError("the run that is left alone failed")
    whole = time.monotonic() - start
    for number in range(kills):
        # The first after a step, so that one is killed however busy the machine is; the others at any moment.
        first = number == 0
        signals, seconds = ((rng.randint(1, steps - 1), signal.SIGALRM), 300.0) if first else ((0, 0), whole)
        status = run(lambda: train(str(folder / "parts"), steps), rng.uniform(0.4, 0.9) * seconds, signals)
        if status not in (0, -signal.SIGALRM):
            raise RuntimeError(f"a run ended with status {status}")
        killed += status != 0
        # A session that begins at its last step takes one more, as TensorFlow's: a run killed after that is over.
        finished = status == 0 or reached(folder / "parts") >= steps
        if finished:
            break
    if not finished and run(lambda: train(str(folder / "parts"), steps), 300):
        raise RuntimeError("the last run failed")
    return {"killed": killed, "events": [events(folder / name) for name in ("whole", "parts")]}


if __name__ == "__main__":
    chosen = stopped_by_signals if sys.argv[5:] == ["signals"] else main
    sys.stdout.write(json.dumps(chosen(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))))

"""Signals that ask training to stop: who catches them, what is saved, how the process leaves."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import headrace as tf
from headrace.engine.training.preemption import Preempted, PreemptionHook, ask_to_stop

SRC = Path(__file__).resolve().parents[3] / "src"


@pytest.fixture(autouse=True)
def graph():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)]
    assert before == [signal.SIG_DFL] * 2
    with tf.Graph().as_default() as made:
        yield made
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)] == before
    tf.summary.FileWriterCache.clear()


class Signal(tf.train.SessionRunHook):
    """Sends a signal to the process when a step has been made."""

    def __init__(self, number, step):
        self.number, self.left = number, step

    def after_run(self, run_context, run_values):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), self.number)


def training(folder, *hooks, **options):
    """A session that ends at step 9 and an operation that makes a step."""
    train = tf.train.get_or_create_global_step().assign_add(1)
    options = {"save_checkpoint_steps": 100, "log_step_count_steps": None, **options}
    hooks = [tf.train.StopAtStepHook(last_step=9), *hooks]
    return tf.train.MonitoredTrainingSession(checkpoint_dir=str(folder), hooks=hooks, **options), train


def saved(folder):
    return int(tf.train.load_variable(str(folder), "global_step"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
@pytest.mark.parametrize("asks", [True, False], ids=["should_stop", "a fixed number of steps"])
@pytest.mark.parametrize("asynchronous", [True, False])
def test_the_step_is_finished_and_saved(number, asks, asynchronous, tmp_path):
    session, train = training(tmp_path, Signal(number, 3), asynchronous_checkpoints=asynchronous)
    cleaned = []
    with pytest.raises(SystemExit) as found, session:
        try:
            for _ in range(9):
                if asks and session.should_stop():
                    break
                session.run(train)
        finally:
            cleaned.append(True)
    assert found.value.code == 85 and isinstance(found.value, Preempted)
    assert saved(tmp_path) == 3 and cleaned and session.should_stop()


def test_the_log_says_saved_when_it_is(tmp_path, caplog):
    caplog.set_level("INFO", "absl")
    session, train = training(tmp_path, Signal(signal.SIGTERM, 1))
    with pytest.raises(Preempted), session:
        while not session.should_stop():
            session.run(train)
    lines = [record.getMessage() for record in caplog.records]
    asked, saving, left = (
        next(i for i, line in enumerate(lines) if text in line)
        for text in ("was asked to stop: it saves its state now", "Saving checkpoints for 1", "Training has stopped")
    )
    assert asked < saving < left and "the exit status is 85" in lines[left]


def test_the_status_is_chosen(tmp_path):
    session, train = training(tmp_path, Signal(signal.SIGTERM, 1), preemption_exit_status=3)
    with pytest.raises(SystemExit) as found, session:
        while not session.should_stop():
            session.run(train)
    assert found.value.code == 3


@pytest.mark.parametrize(
    "options",
    [{"preemption_exit_status": None}, {"save_checkpoint_steps": None, "save_checkpoint_secs": None}],
    ids=["by choice", "nothing is saved"],
)
def test_signals_that_are_left_alone(options, tmp_path):
    session, _ = training(tmp_path, **options)
    with session:
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_handlers_of_the_program_stay(tmp_path):
    seen = []
    for number, handler in ((signal.SIGTERM, lambda *_: seen.append(ask_to_stop())), (signal.SIGUSR1, signal.SIG_IGN)):
        signal.signal(number, handler)
    try:
        session, train = training(tmp_path, Signal(signal.SIGUSR1, 2), Signal(signal.SIGTERM, 4))
        with pytest.raises(Preempted), session:
            while not session.should_stop():
                session.run(train)
    finally:
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, signal.SIG_DFL)
    assert seen and saved(tmp_path) == 4


def test_errors_come_first(tmp_path):
    session, train = training(tmp_path, Signal(signal.SIGTERM, 2))
    with pytest.raises(KeyError), session:
        session.run([train])
        session.run([train])
        raise KeyError("mine")
    # What comes later is not the signal's.
    with tf.Graph().as_default():
        session, train = training(tmp_path)
        with session:
            while not session.should_stop():
                session.run(train)
    assert saved(tmp_path) == 9


def test_a_session_that_cannot_be_made_leaves_no_handlers(tmp_path):
    class Fails(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            raise KeyError("mine")

    with pytest.raises(KeyError):
        training(tmp_path, Fails())


def test_a_session_that_is_dropped_leaves_no_handlers(tmp_path):
    training(tmp_path)
    gc.collect()


def test_other_threads_catch_nothing(tmp_path, graph):
    found = []

    def train():
        with graph.as_default():
            session, step = training(tmp_path)
            with session:
                found.append(signal.getsignal(signal.SIGTERM))
                session.run(step)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert found == [signal.SIG_DFL] and saved(tmp_path) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_children_can_be_ended(tmp_path):
    session, _ = training(tmp_path)
    with session:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            # Python forgets a signal that comes while it forks.
            os.write(writing, b".")
            time.sleep(60)
            os._exit(0)
        os.read(reading, 1)
        os.kill(child, signal.SIGTERM)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
        os.close(reading), os.close(writing)


def test_all_ranks_stop_where_one_was_asked(tmp_path):
    asked = []

    def any_rank(here):
        asked.append(here)
        return len(asked) == 2

    session, train = training(tmp_path, PreemptionHook(any_rank=any_rank))
    with pytest.raises(Preempted), session:
        while not session.should_stop():
            session.run(train)
    assert asked == [False, False] and saved(tmp_path) == 2


PROGRAM = """
import os, signal, sys
import headrace as tf

train = tf.train.get_or_create_global_step().assign_add(1)
with tf.train.MonitoredTrainingSession(checkpoint_dir=sys.argv[1], save_checkpoint_secs=1000) as session:
    try:
        while not session.should_stop():
            if session.run(train) == 5:
                os.kill(os.getpid(), signal.SIGTERM)
    finally:
        sys.stdout.write("left")
sys.stdout.write("not reached")
"""


def test_the_status_of_the_process(tmp_path):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (85, "left", "")
    # The signal came between two steps: the next one is the last.
    assert saved(tmp_path) == 6

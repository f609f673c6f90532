"""Monitored sessions: made ready, resumed, recovered, ended; their threads and errors."""

import json
import runpy
import threading
from pathlib import Path

import pytest

import headrace as tf
from headrace.engine import errors
from headrace.engine.checkpoint.state import latest_checkpoint
from headrace.engine.dtypes import float32
from headrace.engine.graph import Graph
from headrace.engine.ops.constant import placeholder
from headrace.engine.session import Session
from headrace.engine.summary.writer import FileWriterCache
from headrace.engine.training import input as inputs
from headrace.engine.training.basic_session_run_hooks import StopAtStepHook
from headrace.engine.training.global_step import get_or_create_global_step
from headrace.engine.training.monitored_session import (
    ChiefSessionCreator,
    MonitoredSession,
    MonitoredTrainingSession,
    SingularMonitoredSession,
    WorkerSessionCreator,
)
from headrace.engine.training.saver import Saver
from headrace.engine.training.scaffold import Scaffold
from headrace.engine.training.session_manager import SessionManager
from headrace.engine.training.session_run_hook import SessionRunHook
from headrace.engine.variable_lists import global_variables_initializer, report_uninitialized_variables
from headrace.engine.variables import Variable


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as graph:
        yield graph
    FileWriterCache.clear()


class Recorder(SessionRunHook):
    """Notes what is called."""

    def __init__(self):
        self.calls = []

    def begin(self):
        self.calls.append("begin")

    def after_create_session(self, session, coord):
        self.calls.append("created")

    def before_run(self, run_context):
        self.calls.append("before")

    def after_run(self, run_context, run_values):
        self.calls.append("after")

    def end(self, session):
        self.calls.append("end")


FIXTURES = Path(__file__).parents[2] / "fixtures" / "training"


def test_calls_are_those_of_tensorflow():
    found = runpy.run_path(str(FIXTURES / "make_hook_orders.py"))["orders"](tf)
    wanted = json.loads((FIXTURES / "hook_orders.json").read_text())
    assert list(found) == list(wanted)
    for name, calls in wanted.items():
        assert found[name] == calls, name


def test_order_of_calls(graph):
    v, hook = Variable(1.0, name="v"), Recorder()
    with MonitoredSession(hooks=[hook]) as sess:
        assert graph.finalized and sess.graph is graph
        assert sess.run(v) == 1.0
    assert hook.calls == ["begin", "created", "before", "after", "end"]
    assert not graph.finalized and sess.should_stop()
    with pytest.raises(RuntimeError, match="already closed"):
        sess.run(v)


def test_errors_leave_out_the_end():
    v, hook = Variable(1.0), Recorder()
    with pytest.raises(KeyError), MonitoredSession(hooks=[hook]) as sess:
        sess.run(v)
        raise KeyError("mine")
    assert hook.calls[-1] == "after"


def test_training_is_resumed(tmp_path):
    for last in (5, 8):
        with Graph().as_default():
            train = get_or_create_global_step().assign_add(1)
            hooks = [StopAtStepHook(last_step=last)]
            with MonitoredTrainingSession(checkpoint_dir=str(tmp_path), hooks=hooks, save_checkpoint_steps=2) as sess:
                steps = []
                while not sess.should_stop():
                    steps.append(int(sess.run(train)))
        assert latest_checkpoint(tmp_path) == f"{tmp_path}/model.ckpt-{last}"
    assert steps == [6, 7, 8]


def test_a_damaged_newest_checkpoint_is_passed_over(tmp_path):
    v = Variable(0.0, name="v")
    saver = Saver()
    with Session() as sess:
        for step in (1, 2):
            sess.run(v.assign(float(step)) if step > 1 else v.initializer)
            saver.save(sess, f"{tmp_path}/m", step)
    (tmp_path / "m-2.data-00000-of-00001").unlink()
    with SingularMonitoredSession(checkpoint_dir=str(tmp_path), scaffold=Scaffold(saver=saver)) as sess:
        assert sess.run(v) == 0.0


def test_the_end_of_input_ends_the_loop():
    before = threading.active_count()
    number = inputs.range_input_producer(6, num_epochs=1, shuffle=False).dequeue()
    batch, seen = inputs.batch(number, 2), []
    with MonitoredSession() as sess:
        while not sess.should_stop():
            seen.append(sess.run(batch).tolist())
    assert seen == [[0, 1], [2, 3], [4, 5]] and threading.active_count() == before


def test_an_error_in_a_queue_thread_is_what_is_raised():
    x = placeholder(float32, [2])
    batch = inputs.batch(x, 2)
    with pytest.raises(errors.InvalidArgumentError, match="must feed a value"), MonitoredSession() as sess:
        while True:
            sess.run(batch)


def test_lost_sessions_are_replaced():
    v = Variable(1.0, name="v")
    hook, failures = Recorder(), [errors.AbortedError(None, None, "lost"), errors.UnavailableError(None, None, "lost")]

    def step(step_context):
        if failures:
            raise failures.pop()
        return step_context.run_with_hooks(v)

    with MonitoredSession(hooks=[hook]) as sess:
        assert sess.run_step_fn(step) == 1.0
    assert hook.calls.count("created") == 3 and hook.calls.count("before") == 1
    failures.append(errors.AbortedError(None, None, "lost"))
    with pytest.raises(errors.AbortedError), SingularMonitoredSession() as sess:
        sess.run_step_fn(step)


def test_step_functions():
    v = Variable(1.0)

    def stop(step_context):
        assert step_context.session.run(v) == 1.0
        step_context.request_stop()

    with MonitoredSession() as sess:
        while not sess.should_stop():
            sess.run_step_fn(stop)
    with MonitoredSession() as sess, pytest.raises(ValueError, match="step_context"):
        sess.run_step_fn(lambda: None)


def test_initializing():
    v, x = Variable(1.0, name="v"), placeholder(float32, [])
    more = v.assign_add(1.0)
    scaffold = Scaffold(init_op=v.assign(x).op, init_feed_dict={x: 3.0}, init_fn=lambda s, sess: sess.run(more))
    with MonitoredSession(ChiefSessionCreator(scaffold)) as sess:
        assert sess.run(v) == 4.0


def test_what_is_not_initialized_is_named():
    Variable(1.0, name="v")
    ready = report_uninitialized_variables()
    with pytest.raises(RuntimeError, match=r"did not make model ready.*Variables not initialized: v"):
        SessionManager(ready_op=ready).prepare_session("", init_fn=lambda sess: None)
    with pytest.raises(RuntimeError, match="no init_op or init_fn or local_init_op"):
        SessionManager(ready_op=ready).prepare_session("")
    with pytest.raises(errors.DeadlineExceededError, match="not ready after waiting 0 secs"):
        SessionManager(ready_op=ready).wait_for_session("", max_wait_secs=0)
    with pytest.raises(errors.DeadlineExceededError):
        WorkerSessionCreator(max_wait_secs=0).create_session()


def test_recovering(tmp_path):
    v = Variable(1.0, name="v")
    saver, init, ready = Saver(), global_variables_initializer(), report_uninitialized_variables()
    manager = SessionManager(ready_op=ready)
    sess, is_ready = manager.recover_session("", saver, str(tmp_path))
    assert not is_ready
    sess.run(init)
    saver.save(sess, f"{tmp_path}/m", 1)
    sess.close()
    sess, is_ready = manager.recover_session("", saver, str(tmp_path))
    assert is_ready and sess.run(v) == 1.0
    sess.close()

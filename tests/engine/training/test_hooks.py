"""Hooks: when they act, what they write, what they refuse."""

import json
import logging

import numpy as np
import pytest

from headrace.engine.checkpoint.state import latest_checkpoint
from headrace.engine.dtypes import float32
from headrace.engine.graph import Graph
from headrace.engine.ops import summaries
from headrace.engine.ops.casting import cast
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.protos import RunMetadata
from headrace.engine.summary.events import summary_iterator
from headrace.engine.summary.writer import FileWriterCache
from headrace.engine.training import basic_session_run_hooks as hooks
from headrace.engine.training.global_step import get_or_create_global_step
from headrace.engine.training.monitored_session import (
    MonitoredSession,
    MonitoredTrainingSession,
    SingularMonitoredSession,
)
from headrace.engine.training.saver import Saver
from headrace.engine.training.scaffold import Scaffold
from headrace.engine.training.session_run_hook import SessionRunArgs, SessionRunHook
from headrace.engine.training.timer import SecondOrStepTimer


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as graph:
        yield graph
    FileWriterCache.clear()


@pytest.fixture
def train():
    return get_or_create_global_step().assign_add(1)


def loop(train, *used, limit=100, fetch=None):
    """Runs until a hook stops it; the last value."""
    value = None
    with SingularMonitoredSession(hooks=list(used)) as sess:
        for _ in range(limit):
            if sess.should_stop():
                break
            value = sess.run([train, fetch] if fetch is not None else train)
    return value


def events_in(folder):
    FileWriterCache.clear()
    return [e for p in sorted(folder.glob("events*")) for e in summary_iterator(p)]


@pytest.mark.parametrize("options, steps", [({"last_step": 5}, 5), ({"num_steps": 3}, 3)])
def test_stopping(train, options, steps):
    assert loop(train, hooks.StopAtStepHook(**options)) == steps


def test_stopping_needs_one_number():
    for options in ({}, {"num_steps": 1, "last_step": 1}):
        with pytest.raises(ValueError, match="of num_steps or last_step"):
            hooks.StopAtStepHook(**options)
    with pytest.raises(RuntimeError, match="Global step should be created"):
        loop(constant(1), hooks.StopAtStepHook(1))


def test_logging(train, caplog):
    caplog.set_level(logging.INFO, "absl")
    shown = hooks.LoggingTensorHook({"loss": constant(0.5)}, every_n_iter=2, at_end=True)
    loop(train, shown, hooks.StopAtStepHook(5))
    lines = [r.getMessage() for r in caplog.records if "loss" in r.getMessage()]
    assert len(lines) == 4 and lines[0] == "loss = 0.5" and lines[1].endswith(" sec)")
    formatted = hooks.LoggingTensorHook(["Const:0"], at_end=True, formatter=lambda v: f"got {v}")
    with pytest.raises(ValueError, match="exactly one of"):
        hooks.LoggingTensorHook([], every_n_iter=1, every_n_secs=1)
    assert formatted


def test_checkpoints_and_listeners(train, tmp_path):
    seen = []

    class Listener(hooks.CheckpointSaverListener):
        def before_save(self, session, global_step_value):
            seen.append(("before", global_step_value))

        def after_save(self, session, global_step_value):
            seen.append(("after", global_step_value))
            return global_step_value >= 5

        def end(self, session, global_step_value):
            seen.append(("end", global_step_value))

    saver = Saver()
    saving = hooks.CheckpointSaverHook(str(tmp_path), save_steps=3, saver=saver, listeners=[Listener()])
    assert loop(train, saving) == 6
    saves = [step for kind, step in seen if kind == "after"]
    assert saves == [0, 3, 6] and seen[-1] == ("end", 6)
    assert latest_checkpoint(tmp_path) == f"{tmp_path}/model.ckpt-6"
    assert (tmp_path / "graph.pbtxt").read_text().startswith("node {")
    logs = [e for e in events_in(tmp_path) if e.HasField("session_log")]
    assert [e.step for e in logs] == [0, 3, 6]


def test_summaries_and_steps_a_second(train, tmp_path):
    x = cast(train, float32)
    summary = summaries.scalar("x", x)
    folder = str(tmp_path)
    loop(
        train,
        hooks.SummarySaverHook(save_steps=2, output_dir=folder, summary_op=summary),
        hooks.StepCounterHook(every_n_steps=2, output_dir=folder),
        hooks.StopAtStepHook(5),
    )
    values = [(v.tag, e.step) for e in events_in(tmp_path) for v in e.summary.value]
    assert [s for tag, s in values if tag == "x"] == [1, 3, 5]
    assert [s for tag, s in values if tag == "global_step/sec"] == [3, 5]


def test_a_step_that_stands_still(train, tmp_path, caplog):
    counter, other = hooks.StepCounterHook(every_n_steps=100, output_dir=str(tmp_path)), constant(1)
    with SingularMonitoredSession(hooks=[counter]) as sess:
        for _ in range(3):
            sess.run(train)
        for _ in range(19):
            sess.run(other)
        assert "not been increased" not in caplog.text
        for _ in range(120):
            sess.run(other)
    assert caplog.text.count("has not been increased: it is 3 as before") == 5


def test_nan(train):
    x = placeholder(float32, [])
    for fails in (True, False):
        with SingularMonitoredSession(hooks=[hooks.NanTensorHook(x, fail_on_nan_loss=fails)]) as sess:
            sess.run(train, {x: 1.0})
            if fails:
                with pytest.raises(hooks.NanLossDuringTrainingError, match="NaN loss during training"):
                    sess.run(train, {x: np.nan})
            else:
                sess.run(train, {x: np.nan})
                assert sess.should_stop()


def test_feeding_and_final_values(train):
    x = placeholder(float32, [])
    final = hooks.FinalOpsHook(train, None)
    values = loop(train, hooks.FeedFnHook(lambda: {x: 3.0}), final, limit=2, fetch=x + 1.0)
    assert values[1] == 4.0 and final.final_ops_values == 3


def test_waiting_for_a_step(train):
    assert loop(train, hooks.GlobalStepWaiterHook(0), hooks.StopAtStepHook(2)) == 2


def test_profiles(train, tmp_path):
    for folder, show_memory in (("plain", False), ("memory", True)):
        hook = hooks.ProfilerHook(save_steps=2, output_dir=tmp_path / folder, show_memory=show_memory)
        loop(train, hook, hooks.StopAtStepHook(num_steps=5))
        FileWriterCache.clear()
        steps = []
        for path in (tmp_path / folder).glob("timeline-*.json"):
            events = json.loads(path.read_text())["traceEvents"]
            steps.append(int(path.stem.removeprefix("timeline-")))
            assert "AssignAdd" in {e["name"] for e in events if e["ph"] == "X"}
            assert ("C" in {e["ph"] for e in events}) == show_memory
        (records,) = (tmp_path / folder).glob("events.out.*")
        tagged = [e.tagged_run_metadata for e in summary_iterator(records) if e.HasField("tagged_run_metadata")]
        assert [t.tag for t in tagged] == [f"step_{step}" for step in sorted(steps)] and len(steps) == 2
        metadata = RunMetadata.FromString(tagged[0].run_metadata)
        assert "global_step" in str(metadata.step_stats.dev_stats[0].node_stats)
    with pytest.raises(ValueError, match="Either every_secs or every_steps"):
        hooks.ProfilerHook()


def test_what_hooks_see(train):
    seen = []

    class Hook(SessionRunHook):
        def before_run(self, run_context):
            seen.append(run_context.original_args)
            return SessionRunArgs({"a": constants[0], "b": [constants[1]]})

        def after_run(self, run_context, run_values):
            seen.append(run_values.results)
            run_context.request_stop()

    constants = [constant(1), constant(2)]
    with MonitoredSession(hooks=[Hook()]) as sess:
        sess.run(train)
        assert sess.should_stop()
        with pytest.raises(RuntimeError, match="even after should_stop"):
            sess.run(train)
    assert seen[0] == SessionRunArgs(train, None, None) and seen[1] == {"a": 1, "b": [2]}


def test_a_tensor_is_fed_once(train):
    x = placeholder(float32, [])
    feeds = [hooks.FeedFnHook(lambda: {x: 1.0})] * 2
    for used, feed, text in ((feeds, None, "by two hooks"), (feeds[:1], {x: 2.0}, "by a SessionRunHook and user")):
        with SingularMonitoredSession(hooks=list(used)) as sess, pytest.raises(RuntimeError, match=text):
            sess.run(x, feed)


def test_timer():
    timer = SecondOrStepTimer(every_steps=3)
    assert timer.should_trigger_for_step(1) and timer.update_last_triggered_step(1) == (None, None)
    assert [s for s in range(1, 6) if timer.should_trigger_for_step(s)] == [4, 5]
    assert timer.update_last_triggered_step(4)[1] == 3 and timer.last_triggered_step() == 4
    for options in ({}, {"every_secs": 1, "every_steps": 1}):
        with pytest.raises(ValueError, match="every_secs"):
            SecondOrStepTimer(**options)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda n: SecondOrStepTimer(every_steps=n), "every_steps"),
        (lambda n: hooks.CheckpointSaverHook("folder", save_steps=n), "save_steps"),
        (lambda n: hooks.SummarySaverHook(save_steps=n, scaffold=Scaffold()), "save_steps"),
        (lambda n: hooks.ProfilerHook(save_steps=n), "save_steps"),
        (lambda n: hooks.StepCounterHook(every_n_steps=n), "every_n_steps"),
        (lambda n: hooks.LoggingTensorHook([], every_n_iter=n), "every_n_iter"),
    ],
)
@pytest.mark.parametrize("number", [0, -5, "5", 2.5, True, np.nan], ids=repr)
def test_a_number_of_steps_that_is_none(make, name, number):
    with pytest.raises((TypeError, ValueError), match=rf"{name}\b.*{number!r}"):
        make(number)


@pytest.mark.parametrize("number", [-1, "5", True, np.nan], ids=repr)
def test_seconds_that_are_none(number):
    makes = {
        "every_secs": lambda: SecondOrStepTimer(every_secs=number),
        "save_secs": lambda: hooks.CheckpointSaverHook("folder", save_secs=number),
        "every_n_secs": lambda: hooks.LoggingTensorHook([], every_n_secs=number),
    }
    for name, make in makes.items():
        with pytest.raises((TypeError, ValueError), match=rf"{name}\b.*{number!r}"):
            make()
    assert SecondOrStepTimer(every_secs=0).should_trigger_for_step(1)
    assert SecondOrStepTimer(every_steps=np.int64(3)).should_trigger_for_step(1) and hooks.StopAtStepHook(np.int32(2))


@pytest.mark.parametrize("number", ["5", 2.5, True], ids=repr)
def test_a_last_step_that_is_none(number):
    makes = {
        "num_steps": lambda: hooks.StopAtStepHook(num_steps=number),
        "last_step": lambda: hooks.StopAtStepHook(last_step=number),
        "wait_until_step": lambda: hooks.GlobalStepWaiterHook(number),
    }
    for name, make in makes.items():
        with pytest.raises(TypeError, match=f"{name} must be a whole number, got {number!r}"):
            make()


def test_a_hook_that_is_refused_makes_no_folder(tmp_path):
    for options in ({}, {"save_steps": 0}, {"save_steps": 1, "save_secs": 1}):
        with pytest.raises(ValueError, match="steps"):
            hooks.ProfilerHook(output_dir=tmp_path / "folder", **options)
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize("off", [0, -1, None])
def test_a_monitored_training_without_checkpoints_and_summaries(train, tmp_path, off):
    options = {"save_checkpoint_steps": off, "save_summaries_steps": off, "log_step_count_steps": off}
    with MonitoredTrainingSession(checkpoint_dir=str(tmp_path), hooks=[hooks.StopAtStepHook(3)], **options) as session:
        while not session.should_stop():
            session.run(train)
    assert not list(tmp_path.iterdir())
    with pytest.raises(TypeError, match="save_steps must be a whole number from 1 on, got '5'"):
        MonitoredTrainingSession(checkpoint_dir=str(tmp_path), save_checkpoint_steps="5")


def test_scaffold_of_summaries(train):
    summaries.scalar("s", constant(1.0))
    scaffold = Scaffold().finalize()
    assert scaffold.summary_op is not None and scaffold.saver.as_saver_def().sharded
    copied = Scaffold(copy_from_scaffold=scaffold)
    assert copied.init_op is scaffold.init_op

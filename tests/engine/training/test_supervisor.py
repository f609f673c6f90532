"""Supervisor: sessions that are made ready and resumed, and threads that save and end."""

import pytest

from headrace.engine.checkpoint.state import latest_checkpoint
from headrace.engine.graph import Graph
from headrace.engine.ops import summaries
from headrace.engine.protos import SessionLog
from headrace.engine.summary.events import summary_iterator
from headrace.engine.training.global_step import get_or_create_global_step
from headrace.engine.training.supervisor import Supervisor


def test_training_is_resumed(tmp_path):
    for expected in (1, 4):
        with Graph().as_default():
            step = get_or_create_global_step()
            train = step.assign_add(1)
            summaries.scalar("step", step.read_value())
            supervisor = Supervisor(logdir=tmp_path)
            with supervisor.managed_session() as sess:
                assert sess.run(train) == expected
                sess.run([train, train])
                while sess.run(step) < expected + 2:
                    sess.run(train)
                supervisor.saver.save(sess, supervisor.save_path, global_step=step)
        assert latest_checkpoint(tmp_path) == f"{tmp_path}/model.ckpt-{expected + 2}"
    events = [e for p in tmp_path.glob("events*") for e in summary_iterator(p)]
    assert any(v.tag == "step" for e in events for v in e.summary.value)


def test_events_of_a_run_that_goes_on(tmp_path):
    """Each run says from which step on it counts; the rate of steps comes with the summaries."""
    for start in (0, 5):
        with Graph().as_default():
            step = get_or_create_global_step()
            train, end = step.assign_add(1), step.assign(start + 5)
            supervisor = Supervisor(logdir=tmp_path, save_summaries_secs=0.05)
            with supervisor.managed_session() as sess:
                while sess.run(step) < start + 5 or not rates(tmp_path, supervisor.summary_writer):
                    sess.run(train)
                sess.run(end)
                supervisor.saver.save(sess, supervisor.save_path, global_step=step)
    paths = sorted(tmp_path.glob("events*"), key=lambda path: int(path.name.rpartition(".")[2]))
    starts = [e.step for p in paths for e in summary_iterator(p) if e.session_log.status == SessionLog.START]
    assert starts == [0, 5]


def rates(folder, writer):
    writer.flush()
    events = [e for p in folder.glob("events*") for e in summary_iterator(p)]
    return [v.simple_value for e in events for v in e.summary.value if v.tag == "global_step/sec"]


def test_errors_come_out_and_all_ends():
    with Graph().as_default():
        get_or_create_global_step()
        supervisor = Supervisor()
        with pytest.raises(KeyError, match="mine"), supervisor.managed_session():
            raise KeyError("mine")
        assert supervisor.should_stop() and supervisor.save_path is None
        with pytest.raises(RuntimeError, match="summary writer"):
            supervisor.summary_computed(None, b"")


def test_only_the_chief_saves():
    with Graph().as_default():
        supervisor = Supervisor(is_chief=False, saver=None)
        with pytest.raises(RuntimeError, match="Only chief"):
            supervisor.start_standard_services(None)

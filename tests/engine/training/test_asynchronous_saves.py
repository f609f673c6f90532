"""Asynchronous saves hold the values of when they were asked for; their errors come up; shards of any number are restored."""

import re
import threading

import numpy as np
import pytest

import headrace as tf
from headrace.engine.checkpoint import files, shards
from headrace.engine.checkpoint.reader import list_variables, load_variable
from headrace.engine.training import preemption
from headrace.engine.training.saver_background import Background


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


class Gate:
    """Holds background writes until it is opened."""

    def __init__(self, monkeypatch):
        self.open, self.waiting = threading.Event(), threading.Event()
        write = files.write_some

        def slow(descriptor, octets):
            if threading.current_thread().name.startswith("Saving"):
                self.waiting.set()
                assert self.open.wait(20)
            return write(descriptor, octets)

        monkeypatch.setattr(files, "write_some", slow)


@pytest.mark.parametrize("sharded", [False, True])
def test_the_file_holds_the_values_of_when_it_was_asked_for(sharded, tmp_path, monkeypatch):
    dense = tf.Variable(np.arange(1000.0), name="dense")
    with tf.device("/cpu:0" if sharded else None):
        handle = tf.get_variable("handle", initializer=1.0, use_resource=True)
    saver = tf.train.Saver(sharded=sharded)
    change = tf.group(dense.assign(dense + 1.0), handle.assign(5.0))
    gate = Gate(monkeypatch)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = saver.save(session, str(tmp_path / "m"), global_step=1, asynchronous=True)
        assert gate.waiting.wait(20)
        session.run(change)
        assert tf.train.latest_checkpoint(str(tmp_path)) is None
        gate.open.set()
        saver.wait()
        assert tf.train.latest_checkpoint(str(tmp_path)) == path and (tmp_path / "m-1.meta").exists()
        np.testing.assert_array_equal(load_variable(path, "dense"), np.arange(1000.0))
        assert load_variable(path, "handle") == 1.0
        saver.save(session, str(tmp_path / "m"), global_step=2, asynchronous=True)
        saver.restore(session, path)
        assert session.run(handle) == 1.0 and load_variable(str(tmp_path), "handle") == 5.0


def failing(*_):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("action", ["save", "restore", "wait"])
def test_the_error_of_a_save_comes_up_at_the_next_call(action, tmp_path, monkeypatch, caplog):
    tf.Variable(1.0, name="v")
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = saver.save(session, str(tmp_path / "m"), global_step=1)
        with monkeypatch.context() as patch:
            patch.setattr(files, "sync", failing)
            saver.save(session, str(tmp_path / "m"), global_step=2, asynchronous=True)
            saver._background._thread.join()
        calls = {
            "save": lambda: saver.save(session, str(tmp_path / "m"), global_step=3),
            "restore": lambda: saver.restore(session, path),
            "wait": saver.wait,
        }
        with pytest.raises(tf.errors.OpError, match="No space left"):
            calls[action]()
        calls[action]()
    assert "No space left" in caplog.text
    assert not list(tmp_path.glob("m-2.*"))


def test_hooks_save_while_training_goes_on(tmp_path, monkeypatch):
    step = tf.train.get_or_create_global_step()
    train = tf.assign_add(step, 1)
    seen = []
    write = shards.write_shard

    def noted(*arguments):
        seen.append(threading.current_thread().name.split(" ")[0])
        return write(*arguments)

    monkeypatch.setattr("headrace.engine.checkpoint.writer.write_shard", noted)
    hooks = [tf.train.StopAtStepHook(last_step=5)]
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=str(tmp_path), save_checkpoint_steps=2, hooks=hooks, asynchronous_checkpoints=True
    ) as session:
        while not session.should_stop():
            session.run(train)
    assert set(seen) == {"Saving"} and load_variable(str(tmp_path), "global_step") == 5


class Noting(tf.train.CheckpointSaverListener):
    """Notes what is called, in which thread, and which checkpoint is the newest then."""

    def __init__(self, folder, seen):
        self.folder, self.seen = folder, seen

    def _note(self, what, step):
        newest = tf.train.latest_checkpoint(str(self.folder))
        main = threading.current_thread() is threading.main_thread()
        self.seen.append((what, step, newest and int(newest.rpartition("-")[2]), main))

    def before_save(self, session, global_step_value):
        self._note("before", global_step_value)

    def after_save(self, session, global_step_value):
        session.run(session.graph.get_tensor_by_name("global_step:0"))
        self._note("after", global_step_value)
        return global_step_value >= 6

    def end(self, session, global_step_value):
        self._note("end", global_step_value)


def training(folder, seen, **options):
    train = tf.assign_add(tf.train.get_or_create_global_step(), 1)
    scaffold = tf.train.Scaffold(saver=tf.train.Saver())
    hook = tf.train.CheckpointSaverHook(
        str(folder), scaffold=scaffold, listeners=[Noting(folder, seen)], asynchronous=True, **options
    )
    return tf.train.MonitoredSession(tf.train.ChiefSessionCreator(scaffold), [hook]), train, scaffold


def test_listeners_are_told_when_a_checkpoint_is_on_the_disk(tmp_path):
    seen, steps = [], 0
    session, train, _ = training(tmp_path, seen, save_steps=2)
    with session:
        while not session.should_stop():
            session.run(train)
            steps += 1
    saves = sorted({step for _, step, _, _ in seen})
    # The checkpoint of step 6 ends the loop, and the disk may take some steps for it.
    assert saves[:4] == [0, 2, 4, 6] and steps >= 6
    wanted = [item for step in saves for item in (("before", step), ("after", step))]
    assert [(what, step) for what, step, _, _ in seen] == [*wanted, ("end", steps)]
    assert all(main for *_, main in seen)
    assert all(newest == step for what, step, newest, _ in seen if what != "before")


def test_training_does_not_wait_for_listeners(tmp_path, monkeypatch):
    seen, gate = [], Gate(monkeypatch)
    session, train, scaffold = training(tmp_path, seen, save_steps=100)
    with session:
        session.run(train)
        assert [what for what, *_ in seen] == ["before"]
        gate.open.set()
        scaffold.saver.wait()
        session.run(train)
        assert [what for what, *_ in seen] == ["before", "after"]
    assert [(what, step) for what, step, *_ in seen[2:]] == [("before", 2), ("after", 2), ("end", 2)]


def test_listeners_do_not_hear_of_a_save_that_failed(tmp_path, monkeypatch):
    seen = []
    session, train, scaffold = training(tmp_path, seen, save_steps=1)
    with pytest.raises(tf.errors.OpError, match="No space left"), session:
        scaffold.saver.wait()
        monkeypatch.setattr(files, "sync", failing)
        for _ in range(5):
            session.run(train)
    assert [what for what, *_ in seen] == ["before", "after", "before"]


def fails_at(monkeypatch, step):
    """Makes the save of a step fail."""
    write = shards.write_shard

    def odd(path, *arguments):
        if re.search(rf"-{step}\b", str(path).replace("_", " ")):
            failing()
        return write(path, *arguments)

    monkeypatch.setattr("headrace.engine.checkpoint.writer.write_shard", odd)


@pytest.mark.parametrize("ends", ["a loop", "the end of the input", "a signal"])
def test_a_last_save_that_fails_is_raised(tmp_path, monkeypatch, ends):
    train = tf.assign_add(tf.train.get_or_create_global_step(), 1)
    fails_at(monkeypatch, 3)
    with pytest.raises(tf.errors.OpError, match="No space left"):
        with tf.train.MonitoredTrainingSession(checkpoint_dir=str(tmp_path), asynchronous_checkpoints=True) as session:
            for _ in range(3):
                session.run(train)
            if ends == "the end of the input":
                raise tf.errors.OutOfRangeError(None, None, "no more")
            if ends == "a signal":
                preemption.ask_to_stop()
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith("-0")


@pytest.mark.parametrize("kind", ["train", "fit"])
def test_a_last_save_of_an_estimator_that_fails_is_raised(tmp_path, monkeypatch, kind):
    config = tf.estimator.RunConfig(save_checkpoints_steps=100, asynchronous_checkpoints=True)
    model = tf.estimator.LinearRegressor([tf.feature_column.numeric_column("x")], str(tmp_path), config=config)
    rows, targets = {"x": np.ones(4, np.float32)}, np.ones(4, np.float32)
    data = tf.data.Dataset.from_tensors((rows, targets[:, None])).repeat
    fails_at(monkeypatch, 4)
    with pytest.raises(tf.errors.OpError, match="No space left"):
        model.train(data, steps=4) if kind == "train" else model.fit(rows, targets, batch_size=4, epochs=4, verbose=0)
    assert model.latest_checkpoint().endswith("-0")


def test_a_save_that_fails_is_raised_when_its_session_ends(tmp_path, monkeypatch):
    tf.Variable(1.0, name="v")
    saver = tf.train.Saver()
    fails_at(monkeypatch, 1)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    saver.save(session, str(tmp_path / "m"), 1, asynchronous=True)
    with pytest.raises(tf.errors.OpError, match="No space left"):
        session.close()
    saver.wait()
    session.close()


def test_an_interactive_session_ends_with_the_error_of_its_save(tmp_path, monkeypatch):
    initializer = tf.Variable(1.0, name="v").initializer
    saver = tf.train.Saver()
    fails_at(monkeypatch, 1)
    session = tf.InteractiveSession()
    session.run(initializer)
    saver.save(session, str(tmp_path / "m"), 1, asynchronous=True)
    with pytest.raises(tf.errors.OpError, match="No space left"):
        session.close()
    assert tf.get_default_session() is None


@pytest.mark.parametrize("kind", [tf.Session, tf.train.MonitoredSession])
def test_an_error_of_the_block_comes_before_that_of_its_save(tmp_path, monkeypatch, kind):
    initializer = tf.Variable(1.0, name="v").initializer
    saver = tf.train.Saver()
    fails_at(monkeypatch, 1)
    with pytest.raises(ZeroDivisionError) as found, kind() as session:
        session.run(initializer)
        saver.save(session, str(tmp_path / "m"), 1, asynchronous=True)
        raise ZeroDivisionError
    assert "No space left" in "".join(found.value.__notes__)


def test_an_estimator_saves_while_training_goes_on(tmp_path):
    config = tf.estimator.RunConfig(save_checkpoints_steps=2, asynchronous_checkpoints=True)

    def model(features, labels, mode):
        weight = tf.get_variable("w", [], initializer=tf.zeros_initializer())
        loss = tf.reduce_mean(tf.square(features * weight - 1.0))
        return tf.estimator.EstimatorSpec(
            mode, loss=loss, train_op=tf.train.GradientDescentOptimizer(0.1).minimize(loss, tf.train.get_global_step())
        )

    estimator = tf.estimator.Estimator(model, str(tmp_path), config)
    estimator.train(lambda: tf.data.Dataset.from_tensors(np.ones(2, np.float32)).repeat(), steps=5)
    assert estimator.latest_checkpoint().endswith("model.ckpt-5")


@pytest.mark.parametrize("counts", [(3, 2), (2, 1), (1, 4), (4, 3)], ids=str)
def test_another_number_of_shards(counts, tmp_path):
    def variable(count):
        partitioner = tf.fixed_size_partitioner(count) if count > 1 else None
        with tf.variable_scope("", partitioner=partitioner):
            return tf.get_variable("w", [7, 4], tf.float64, tf.random_uniform_initializer(seed=1))

    prefix = str(tmp_path / "m")
    with tf.Graph().as_default(), tf.Session() as session:
        saved = tf.convert_to_tensor(variable(counts[0]))
        session.run(tf.global_variables_initializer())
        tf.train.Saver(sharded=True).save(session, prefix)
        value = session.run(saved)
    assert list_variables(prefix) == [("w", [7, 4])]
    with tf.Graph().as_default(), tf.Session() as session:
        restored = tf.convert_to_tensor(variable(counts[1]))
        tf.train.Saver(sharded=True).restore(session, prefix)
        np.testing.assert_array_equal(session.run(restored), value)


def test_an_interrupted_wait_leaves_the_save_to_the_next(monkeypatch):
    gate, background = threading.Event(), Background()

    def act():
        gate.wait(20)
        raise OSError(28, "No space left on device")

    def interrupted(timeout=None):
        raise KeyboardInterrupt

    background.start("Saving m", act)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(threading.Thread, "join", interrupted)
        background.wait()
    assert background.is_busy
    gate.set()
    with pytest.raises(OSError, match="No space"):
        background.wait()
    background.wait()


def test_a_session_waits_for_the_saves_of_all_savers(monkeypatch):
    gate, actions, done = threading.Event(), [Background(), Background(), Background()], []

    def failing(number):
        gate.wait(20)
        raise RuntimeError(f"save {number} failed")

    def whole():
        gate.wait(20)
        done.append(True)

    session = tf.Session()
    for number, action in enumerate([lambda: failing(1), lambda: failing(2), whole]):
        session.wait_at_close(actions[number].wait)
        actions[number].start(f"Saving {number}", action)
    gate.set()
    with pytest.raises(RuntimeError, match="save 1 failed") as found:
        session.close()
    assert found.value.__notes__ == ["Afterwards: RuntimeError: save 2 failed"]
    assert done and not any(action.is_busy for action in actions)

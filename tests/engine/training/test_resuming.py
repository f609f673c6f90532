"""Runs that go on in folders that were copied, or whose files are damaged: nothing is lost, and nothing begins anew."""

import logging
import os
import shutil

import pytest

import headrace as tf
from headrace.engine.checkpoint.state import latest_checkpoint


def train(folder, last_step):
    """Trains to a step with a checkpoint every second one; the first step that was made."""
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        train = step.assign_add(1)
        hooks = [tf.train.StopAtStepHook(last_step=last_step)]
        made = []
        with tf.train.MonitoredTrainingSession(
            checkpoint_dir=str(folder), hooks=hooks, save_checkpoint_steps=2, save_summaries_steps=None
        ) as session:
            while not session.should_stop():
                made.append(int(session.run(train)))
    return made[0]


def checkpoints(folder):
    return sorted(path.name for path in folder.glob("model.ckpt-*"))


def test_a_run_removes_no_checkpoints_of_the_folder_that_it_was_copied_from(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    train(old, 6)
    new.mkdir()
    for path in [old / "checkpoint", *old.glob("model.ckpt-6.*")]:
        shutil.copy2(path, new)
    there = checkpoints(old)
    assert train(new, 18) == 7
    assert checkpoints(old) == there and latest_checkpoint(old) == f"{old}/model.ckpt-6"
    assert latest_checkpoint(new) == f"{new}/model.ckpt-18"


@pytest.mark.parametrize(
    "text", [b"", b'model_checkpoint_path: "mod', b"\xba\xad" * 100], ids=["empty", "cut", "other"]
)
def test_a_damaged_checkpoint_file_does_not_hide_the_checkpoints(text, tmp_path, caplog):
    train(tmp_path, 6)
    (tmp_path / "checkpoint").write_bytes(text)
    with caplog.at_level(logging.ERROR):
        assert latest_checkpoint(tmp_path) == f"{tmp_path}/model.ckpt-6"
    assert f"{tmp_path}/checkpoint" in caplog.text
    assert train(tmp_path, 8) == 7
    assert checkpoints(tmp_path)[0] == "model.ckpt-0.data-00000-of-00001"


@pytest.mark.parametrize("hurt", ["cut", "missing"])
def test_where_all_checkpoints_are_damaged_training_does_not_begin_anew(hurt, tmp_path):
    train(tmp_path, 2)
    for shard in tmp_path.glob("*.data-*"):
        shard.write_bytes(b"") if hurt == "cut" else shard.unlink()
    there = checkpoints(tmp_path)
    with pytest.raises(tf.errors.DataLossError, match=r"None of the checkpoints in .*model\.ckpt-2"):
        train(tmp_path, 4)
    assert checkpoints(tmp_path) == there
    for path in tmp_path.glob("*.index"):
        path.unlink()
    assert train(tmp_path, 2) == 1


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["folder", "pipe"])
@pytest.mark.parametrize("name", ["checkpoint", "model.ckpt-4.index"])
def test_what_is_no_file_is_passed_over(make, name, tmp_path, caplog):
    train(tmp_path, 4)
    (tmp_path / name).unlink()
    make(tmp_path / name)
    newest = 4 if name == "checkpoint" else 2
    assert latest_checkpoint(tmp_path) == f"{tmp_path}/model.ckpt-{newest}"
    assert f"{tmp_path}/{name}" in caplog.text
    if name != "checkpoint":
        assert train(tmp_path, 3) == 3

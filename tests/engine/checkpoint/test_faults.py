"""Faults under a save and after it: failing writes, syncs and renames, flipped bits, cut, lost and swapped files."""

import errno
import logging
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headrace.engine import dtypes, errors
from headrace.engine.checkpoint import files, manifest, state
from headrace.engine.checkpoint.inspection import verified
from headrace.engine.checkpoint.manifest_reader import read_manifest
from headrace.engine.checkpoint.reader import CheckpointReader, is_whole, load_variable
from headrace.engine.checkpoint.writer import Part, merge_checkpoints, write_checkpoint


def values(step):
    texts = np.array([b"word", b"", b"%d" % step], object)
    return {
        "dense/kernel": (np.arange(60.0).reshape(6, 10) + step, dtypes.float64),
        "text": (texts, dtypes.string),
        "flag": (np.array([True, False]), dtypes.bool),
        "global_step": (np.int64(step), dtypes.int64),
    }


def shards(step):
    whole, _ = values(step)["dense/kernel"]
    first = [Part("dense/kernel", whole[:3], dtypes.float64, whole.shape, (0, 0))]
    second = [Part("dense/kernel", whole[3:], dtypes.float64, whole.shape, (3, 0))]
    return [first + [Part(n, v, d) for n, (v, d) in values(step).items() if "/" not in n], second]


def save(folder, step, prefix=None):
    prefix = prefix or f"{folder}/m-{step}"
    write_checkpoint(prefix, shards(step))
    known = state.get_checkpoint_state(folder)
    before = [] if known is None else [p for p in known.all_model_checkpoint_paths if p != prefix]
    state.update_checkpoint_state(folder, prefix, [*before, prefix])
    return prefix


def step_of(prefix):
    """The step of a checkpoint all of whose values are right."""
    with CheckpointReader(prefix) as reader:
        step = int(reader.get_tensor("global_step"))
        for name, (value, _) in values(step).items():
            np.testing.assert_array_equal(reader.get_tensor(name), value)
    return step


class Layer:
    """Counts the calls that reach the disk and lets one of them fail."""

    def __init__(self, monkeypatch, failing=-1, code=errno.EIO):
        self.kinds = []
        self.failing, self.code = failing, code
        for name in ("write_some", "sync", "rename"):
            monkeypatch.setattr(files, name, self.counted(name, getattr(files, name)))
        monkeypatch.setattr("headrace.engine.checkpoint.writer.rename", files.rename)

    def counted(self, name, function):
        def call(*args):
            self.kinds.append(name)
            if len(self.kinds) - 1 == self.failing:
                if name == "write_some":
                    function(args[0], args[1][: len(args[1]) // 2])
                raise OSError(self.code, os.strerror(self.code))
            return function(*args)

        return call


def calls_of(action, folder):
    with pytest.MonkeyPatch.context() as patch:
        layer = Layer(patch)
        action(folder)
    return layer.kinds


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC], ids=errno.errorcode.get)
@pytest.mark.parametrize("same", [False, True], ids=["next", "same prefix"])
def test_every_write_sync_and_rename_may_fail(same, code, tmp_path, monkeypatch):
    def prefix(step):
        return "same" if same else f"m-{step}"

    (tmp_path / "count").mkdir()
    kinds = calls_of(lambda folder: save(folder, 1), tmp_path / "count")
    assert kinds.count("write_some") > 10 and (kinds.count("sync"), kinds.count("rename")) == (7, 4)
    for failing in range(len(kinds)):
        folder = tmp_path / str(failing)
        folder.mkdir()
        save(folder, 1, f"{folder}/{prefix(1)}")
        with monkeypatch.context() as patch, pytest.raises(OSError, match=os.strerror(code)) as found:
            Layer(patch, failing, code)
            save(folder, 2, f"{folder}/{prefix(2)}")
        assert found.value.filename is not None and found.value.filename.startswith(str(folder))
        assert step_of(state.latest_checkpoint(folder)) in (1, 2)
        # If the last sync fails, the new manifest is there but may not last: the old shards stay.
        assert same or orphans(folder) == set()
        save(folder, 3, f"{folder}/{prefix(3)}")
        assert step_of(state.latest_checkpoint(folder)) == 3
        assert orphans(folder) == set()


def orphans(folder):
    whole = {s.file for p in folder.glob("*.index") for s in read_manifest(str(p)[:-6]).shards}
    return {p.name for p in folder.iterdir() if ".data-" in p.name or p.suffix == ".tmp"} - whole


def test_a_save_removes_what_a_kill_left_of_its_prefix(tmp_path):
    kept = [tmp_path / name for name in ("m-10.data-00000-of-00001", "m-1.data-notes", ".m-10.index.0123456789ab.tmp")]
    gone = [tmp_path / name for name in ("m-1.data-00000-of-00001.1", ".m-1.data-00000-of-00001.0123456789ab.tmp")]
    for path in [*kept, *gone, tmp_path / ".m-1.index.0123456789ab.tmp"]:
        path.touch()
    save(tmp_path, 1)
    assert {p for p in tmp_path.iterdir() if not p.stat().st_size} == set(kept)


def test_several_that_save_one_prefix_at_a_time_leave_a_whole_checkpoint(tmp_path):
    """As the ranks of a job do whose program says nothing about ranks."""
    start, failures = threading.Barrier(4), []

    def work(number):
        start.wait()
        for step in range(number, 40, 4):
            try:
                save(tmp_path, step, f"{tmp_path}/same")
            except Exception as error:  # the test's own thread shows it
                failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [] and orphans(tmp_path) == set()
    assert verified(f"{tmp_path}/same").status == 0


@pytest.mark.parametrize("name", ["allocate", "sync"])
@pytest.mark.parametrize("call", [0, 1])
def test_a_large_shard_is_whole_or_not_there(name, call, tmp_path, monkeypatch):
    # Its room is taken first, and a thread syncs it while it is written.
    monkeypatch.setattr(files, "_LARGE", 1 << 12)
    monkeypatch.setattr(files, "_STRETCH", 1 << 13)
    monkeypatch.setattr("headrace.engine.checkpoint.shards._PIECE", 1 << 13)
    value, function, calls, write = np.arange(1 << 14), getattr(files, name), [], files.write_some

    def slow(*args):
        time.sleep(0.002)
        return write(*args)

    monkeypatch.setattr(files, "write_some", slow)

    def failing(*args):
        calls.append(threading.current_thread().name)
        if len(calls) - 1 == call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return function(*args)

    parts = [[Part(key, value, dtypes.int64)] for key in "ab"]
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(files, name, failing)
        write_checkpoint(f"{tmp_path}/m", parts)
    assert name == "allocate" or "Syncing" in calls
    assert list(tmp_path.iterdir()) == [] and not any(t.name == "Syncing" for t in threading.enumerate())
    write_checkpoint(f"{tmp_path}/m", parts)
    np.testing.assert_array_equal(load_variable(f"{tmp_path}/m", "b"), value)


def test_file_systems_that_take_no_room(tmp_path, monkeypatch):
    def refusing(*args):
        raise OSError(errno.EOPNOTSUPP, "not here")

    monkeypatch.setattr(os, "posix_fallocate", refusing)
    value = np.arange(1 << 18)
    write_checkpoint(f"{tmp_path}/m", [[Part("a", value, dtypes.int64)]])
    np.testing.assert_array_equal(load_variable(f"{tmp_path}/m", "a"), value)


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC], ids=errno.errorcode.get)
def test_merging_may_fail_anywhere(code, tmp_path, monkeypatch):
    for failing in range(99):
        folder = tmp_path / str(failing)
        (folder / "parts").mkdir(parents=True)
        parts = []
        for index, own in enumerate(shards(5)):
            parts.append(f"{folder}/parts/p-{index}")
            write_checkpoint(parts[-1], [own])
        with monkeypatch.context() as patch:
            layer = Layer(patch, failing, code)
            try:
                merge_checkpoints(parts, f"{folder}/m")
            except OSError:
                assert not is_whole(f"{folder}/m") or step_of(f"{folder}/m") == 5
                continue
        assert len(layer.kinds) <= failing and step_of(f"{folder}/m") == 5
        return


def damaged(path, change):
    data = path.read_bytes()
    path.write_bytes(change(data))
    return data


def check_noticed(folder, path, data):
    """The damage of `path` is found by who reads all, who verifies and who looks for the newest; then it is undone."""
    prefix = f"{folder}/m-2"
    with pytest.raises(errors.OpError, match=path.name):
        step_of(prefix)
    report = verified(folder)
    assert report.status == 1 and any(path.name in line for line in report.lines), report.lines
    path.write_bytes(data)


def generations(folder):
    save(folder, 1)
    save(folder, 2)
    return sorted(folder.glob("m-2.*"))


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.long)])
def test_flipped_bits_are_noticed(count, tmp_path):
    paths = generations(tmp_path)
    rng = np.random.default_rng(count)
    for number in range(count):
        path = paths[number % len(paths)]
        place, bit = int(rng.integers(path.stat().st_size)), 1 << int(rng.integers(8))
        data = damaged(path, lambda d: d[:place] + bytes([d[place] ^ bit]) + d[place + 1 :])  # noqa: B023
        check_noticed(tmp_path, path, data)
    assert step_of(f"{tmp_path}/m-2") == 2


@pytest.mark.parametrize("count", [20, pytest.param(100, marks=pytest.mark.long)])
def test_cut_files_are_noticed(count, tmp_path, caplog):
    paths = generations(tmp_path)
    rng = np.random.default_rng(count)
    for number in range(count):
        path = paths[number % len(paths)]
        data = damaged(path, lambda d: d[: int(rng.integers(len(d)))])
        assert step_of(state.latest_checkpoint(tmp_path)) == 1
        check_noticed(tmp_path, path, data)


def test_lost_and_swapped_shards_are_noticed(tmp_path, caplog):
    index, one, other = sorted(generations(tmp_path), key=lambda p: ".data" in p.name)
    for path in (one, other, index):
        data = path.read_bytes()
        path.unlink()
        caplog.clear()
        with caplog.at_level(logging.ERROR):
            assert step_of(state.latest_checkpoint(tmp_path)) == 1
        assert path.name in caplog.text
        check_noticed(tmp_path, path, data)
    older = {p.name.replace("m-1", "m-2"): p for p in tmp_path.glob("m-1.data-*")}
    for path in (one, other):
        check_noticed(tmp_path, path, damaged(path, lambda _: older[path.name].read_bytes()))  # noqa: B023
    swapped = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(swapped)
    report = verified(f"{tmp_path}/m-2")
    assert report.status == 1 and all(any(p.name in line for line in report.lines) for p in (one, other))
    assert step_of(state.latest_checkpoint(tmp_path)) == 1


def test_shards_of_one_size_that_are_swapped_are_noticed(tmp_path):
    write_checkpoint(f"{tmp_path}/m", [[Part(n, np.full(4, ord(n), np.int64), dtypes.int64)] for n in "ab"])
    one, other = sorted(Path(tmp_path).glob("m.data-*"))
    data = [one.read_bytes(), other.read_bytes()]
    assert len(data[0]) == len(data[1])
    one.write_bytes(data[1])
    other.write_bytes(data[0])
    for name in "ab":
        with pytest.raises(errors.DataLossError, match=r"m\.data-0000\d-of-00002"):
            load_variable(f"{tmp_path}/m", name)


def test_slices_that_overlap_are_refused(tmp_path):
    prefix = f"{tmp_path}/m"
    write_checkpoint(prefix, shards(1))
    found = read_manifest(prefix)
    slices = found.tensors["dense/kernel"].slices
    slices[1] = replace(slices[1], offset=(2, 0))
    manifest.write_manifest(prefix, found)
    with pytest.raises(errors.DataLossError, match="overlap"):
        load_variable(prefix, "dense/kernel")
    slices[1] = replace(slices[1], shard=0, position=slices[0].position)
    manifest.write_manifest(prefix, found)
    with pytest.raises(errors.DataLossError, match="overlap"):
        load_variable(prefix, "flag")

"""Checkpoints as files: every dtype, slices, what is refused, the order of writing, the state file."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import h5py
import numpy as np
import pytest

from headrace.engine import dtypes, errors
from headrace.engine.checkpoint import manifest, state, writer
from headrace.engine.checkpoint.manifest_reader import read_manifest
from headrace.engine.checkpoint.reader import (
    CheckpointReader,
    is_whole,
    list_variables,
    load_checkpoint,
    load_variable,
)
from headrace.engine.checkpoint.writer import Part, merge_checkpoints, remove_checkpoint, write_checkpoint

SAVABLE = [d for d in dtypes.ALL if d.name not in ("resource", "variant")]


def values_of(dtype, shape):
    rng = np.random.default_rng(len(dtype.name))
    if dtype is dtypes.string:
        texts = np.empty(shape, object)
        texts.reshape(-1)[:] = [bytes(rng.integers(0, 256, n, np.uint8)) for n in range(texts.size)]
        return texts
    raw = rng.integers(0, 100, shape)
    return (raw + 1j * raw if dtype.is_complex else raw).astype(dtype.numpy)


@pytest.mark.parametrize("dtype", SAVABLE, ids=lambda d: d.name)
def test_round_trip(dtype, tmp_path):
    prefix = f"{tmp_path}/model.ckpt-7"
    arrays = {f"a/b/{i}%": values_of(dtype, shape) for i, shape in enumerate([(), (3,), (2, 0), (2, 3, 4)])}
    write_checkpoint(prefix, [[Part(n, a, dtype) for n, a in arrays.items()]])
    with CheckpointReader(prefix) as reader:
        for name, array in arrays.items():
            got = reader.get_tensor(name)
            assert got.dtype == dtype.numpy and got.shape == array.shape
            np.testing.assert_array_equal(got, array)
        assert reader.get_variable_to_dtype_map() == dict.fromkeys(arrays, dtype)
        reader.verify()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.ckpt-7.data-00000-of-00001", "model.ckpt-7.index"]


def sliced(prefix):
    whole = np.arange(24.0).reshape(6, 4)
    parts = [Part("w", whole[i : i + 2], dtypes.float64, (6, 4), (i, 0)) for i in (0, 2, 4)]
    write_checkpoint(prefix, [[parts[0], parts[2]], [parts[1], Part("w/other", np.int32(3), dtypes.int32)]])
    return whole


def test_slices_are_put_together(tmp_path):
    prefix = f"{tmp_path}/m"
    whole = sliced(prefix)
    assert list_variables(prefix) == [("w", [6, 4]), ("w/other", [])]
    np.testing.assert_array_equal(load_variable(prefix, "w"), whole)
    with load_checkpoint(prefix) as reader:
        np.testing.assert_array_equal(reader.get_slice("w", (1, 1), (4, 2)), whole[1:5, 1:3])
        assert reader.has_tensor("w/other") and not reader.has_tensor("x")
        with pytest.raises(errors.NotFoundError, match="Key x not found in checkpoint"):
            reader.get_tensor("x")


def test_a_gap_between_slices_is_found(tmp_path):
    prefix = f"{tmp_path}/m"
    write_checkpoint(prefix, [[Part("w", np.zeros((2, 2)), dtypes.float64, (4, 2), (0, 0))]])
    with CheckpointReader(prefix) as reader, pytest.raises(errors.DataLossError, match="only 4 of the 8 elements of w"):
        reader.get_tensor("w")


def test_a_damaged_shard_is_named(tmp_path):
    prefix = f"{tmp_path}/m"
    sliced(prefix)
    shard = tmp_path / "m.data-00001-of-00002"
    data = shard.read_bytes()
    place = data.index(np.float64(9.0).tobytes())
    shard.write_bytes(data[:place] + b"\xff" + data[place + 1 :])
    with CheckpointReader(prefix) as reader, pytest.raises(errors.DataLossError, match=r"m.data-00001-of-00002.*check"):
        reader.get_tensor("w")
    shard.write_bytes(data[:-1])
    with pytest.raises(errors.DataLossError, match=r"not whole: the shard .*00001-of-00002 has"):
        CheckpointReader(prefix)
    shard.unlink()
    with pytest.raises(errors.DataLossError, match=r"00001-of-00002 is missing"):
        CheckpointReader(prefix)
    assert not is_whole(prefix)


def rewritten(prefix, make):
    """Replaces the dataset by what `make` leaves in the file; the manifest is an early one, without positions."""
    write_checkpoint(prefix, [[Part("x", np.zeros(4, np.float32), dtypes.float32)]])
    shard = f"{prefix}.data-00000-of-00001"
    with h5py.File(shard, "r+", libver="latest") as file:
        del file["x"]
        make(file)
    data = read_manifest(prefix)
    path = manifest.manifest_path(prefix)
    data.shards[0] = manifest.Shard(data.shards[0].file, (path.parent / data.shards[0].file).stat().st_size)
    data.tensors["x"].slices[0] = replace(data.tensors["x"].slices[0], position=None)
    manifest.write_manifest(prefix, data)


def external(file):
    file["x"] = h5py.ExternalLink("elsewhere.h5", "/y")


def soft(file):
    file["y"] = np.zeros(4, np.float32)
    file["x"] = h5py.SoftLink("/y")


def outside(file):
    file.create_dataset("x", (4,), np.float32, external=[("/etc/hostname", 0, 16)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), np.float32)
    layout[:] = h5py.VirtualSource("elsewhere.h5", "y", (4,))
    file.create_virtual_dataset("x", layout)


def zipped(file):
    file.create_dataset("x", (4,), np.float32, compression="gzip")


def bomb(file):
    file.create_dataset("x", (2**40,), np.float32)


def group(file):
    file.create_group("x")


def typed(file):
    file["x"] = np.zeros(4, np.int32)


@pytest.mark.parametrize("make", [external, soft, outside, virtual, zipped, bomb, group, typed])
def test_what_is_no_plain_dataset_is_refused(make, tmp_path):
    prefix = f"{tmp_path}/m"
    rewritten(prefix, make)
    with CheckpointReader(prefix) as reader, pytest.raises(errors.DataLossError, match="is damaged: 'x'"):
        reader.get_tensor("x")


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["tensors"]["x"].update(shape=[2**60]),
        lambda d: d["shards"][0].update(file="../m"),
        lambda d: d.update(version=2),
        lambda d: d["tensors"]["x"]["slices"][0].update(shard=1),
        lambda d: d["tensors"]["x"]["slices"][0].update(shape=[2**60], bytes=2**62),
        lambda d: d.pop("shards"),
    ],
)
@pytest.mark.parametrize("signed", [True, False])
def test_a_manifest_that_lies_is_refused(change, signed, tmp_path):
    prefix = f"{tmp_path}/m"
    write_checkpoint(prefix, [[Part("x", np.zeros(4, np.float32), dtypes.float32)]])
    path = manifest.manifest_path(prefix)
    data = json.loads(path.read_text())
    change(data)
    if signed:
        data.pop("crc32c")
        data["crc32c"] = manifest.checksum_of(data)
    path.write_text(json.dumps(data))
    with (
        pytest.raises(errors.DataLossError, match=r"manifest|whole|elements|damaged"),
        CheckpointReader(prefix) as reader,
    ):
        reader.get_tensor("x")


def test_what_is_no_manifest(tmp_path):
    with pytest.raises(errors.NotFoundError, match="Unsuccessful"):
        CheckpointReader(f"{tmp_path}/none")
    (tmp_path / "tf.index").write_bytes(b"\x00\x00\x0b\x08\x01")
    with pytest.raises(errors.DataLossError, match="no manifest of a checkpoint"):
        CheckpointReader(f"{tmp_path}/tf")


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("at", range(6))
def test_killed_at_any_point_leaves_a_whole_checkpoint(at, tmp_path, monkeypatch):
    prefix = f"{tmp_path}/m"

    def save(number):
        parts = [[Part(n, np.full(3, number), dtypes.int64)] for n in "ab"]
        write_checkpoint(prefix, parts)

    save(1)
    calls = []

    def counted(function):
        def call(*args, **options):
            calls.append(function)
            if len(calls) > at:
                raise Killed
            return function(*args, **options)

        return call

    with monkeypatch.context() as patch:
        for name in ("write_shard", "sync_folder", "write_manifest", "_remove_leftovers"):
            patch.setattr(writer, name, counted(getattr(writer, name)))
        try:
            save(2)
        except Killed:
            pass
    with CheckpointReader(prefix) as reader:
        values = {int(v) for name in "ab" for v in reader.get_tensor(name)}
    assert values == ({2} if at > 3 else {1})


def test_saving_again_leaves_nothing_old(tmp_path):
    prefix = f"{tmp_path}/m"
    for number in range(4):
        write_checkpoint(prefix, [[Part("a", np.full(3, number), dtypes.int64)]])
        assert load_variable(prefix, "a")[0] == number
        assert len(list(tmp_path.iterdir())) == 2
    remove_checkpoint(prefix)
    remove_checkpoint(prefix)
    assert not list(tmp_path.iterdir())


def test_merging(tmp_path):
    for i in range(2):
        (tmp_path / "tmp").mkdir(exist_ok=True)
        parts = [Part("w", np.full(2, i), dtypes.int64, (4,), (2 * i,)), Part(f"own{i}", np.float32(i), dtypes.float32)]
        write_checkpoint(f"{tmp_path}/tmp/part-{i}", [parts])
    merge_checkpoints([f"{tmp_path}/tmp/part-{i}" for i in range(2)], f"{tmp_path}/m")
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "m.data-00000-of-00002", "m.data-00001-of-00002", "m.index",
    ]  # fmt: skip
    assert load_variable(f"{tmp_path}/m", "w").tolist() == [0, 0, 1, 1]
    assert load_variable(f"{tmp_path}/m", "own1") == 1


def test_state_file(tmp_path):
    prefixes = [f"{tmp_path}/m-{i}" for i in range(3)]
    for prefix in prefixes:
        write_checkpoint(prefix, [[Part("a", np.zeros(2), dtypes.float64)]])
    assert state.latest_checkpoint(tmp_path) is None
    state.update_checkpoint_state(tmp_path, prefixes[2], prefixes, save_relative_paths=True)
    text = (tmp_path / "checkpoint").read_text()
    assert text.splitlines()[:2] == ['model_checkpoint_path: "m-2"', 'all_model_checkpoint_paths: "m-0"']
    found = state.get_checkpoint_state(tmp_path)
    assert found.model_checkpoint_path == prefixes[2] and list(found.all_model_checkpoint_paths) == prefixes
    assert state.latest_checkpoint(tmp_path) == prefixes[2]
    (tmp_path / "m-2.data-00000-of-00001").unlink()
    assert state.latest_checkpoint(tmp_path) == prefixes[1]
    assert state.checkpoint_exists(prefixes[0]) and not state.checkpoint_exists(f"{tmp_path}/m-9")
    (tmp_path / "checkpoint").write_text("not a message {")
    assert state.get_checkpoint_state(tmp_path) is None


@pytest.mark.parametrize("copied", [False, True])
def test_a_folder_that_was_moved_or_copied_has_its_own_checkpoints(copied, tmp_path, caplog):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    prefixes = [f"{old}/m-{i}" for i in range(2)]
    for prefix in prefixes:
        write_checkpoint(prefix, [[Part("a", np.zeros(2), dtypes.float64)]])
    state.update_checkpoint_state(old, prefixes[1], prefixes)
    shutil.copytree(old, new)
    if not copied:
        shutil.rmtree(old)
    assert state.latest_checkpoint(new) == f"{new}/m-1" and not caplog.text
    assert list(state.get_checkpoint_state(new).all_model_checkpoint_paths) == [f"{new}/m-0", f"{new}/m-1"]
    # A folder may also name checkpoints of another one.
    state.update_checkpoint_state(tmp_path, f"{new}/m-0")
    assert state.latest_checkpoint(tmp_path) == f"{new}/m-0"
    (tmp_path / "link").symlink_to(new)
    assert state.latest_checkpoint(tmp_path / "link") == f"{tmp_path}/link/m-1"


def test_locks_of_others_are_no_hindrance(tmp_path):
    """File systems of clusters may have locks that fail or hang: none are asked for, whatever the environment says."""
    program = """
import fcntl, glob, sys, headrace as tf
prefix, held = sys.argv[1], []
with tf.Session() as session:
    v = tf.Variable([1.0, 2.0], name="v")
    saver = tf.train.Saver()
    session.run(v.initializer)
    for number in range(2):
        saver.save(session, prefix)
        held += [open(path, "rb") for path in glob.glob(prefix + ".*")]
        for stream in held:
            fcntl.flock(stream, fcntl.LOCK_EX)
    saver.restore(session, prefix)
    print(tf.train.load_variable(prefix, "v").tolist(), session.run(v).tolist())
"""
    environment = {**os.environ, "HDF5_USE_FILE_LOCKING": "TRUE"}
    command = [sys.executable, "-c", program, str(tmp_path / "m")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.stdout == "[1.0, 2.0] [1.0, 2.0]\n", done.stderr


def test_state_message():
    made = state.generate_checkpoint_state_proto("d", "d/m-2", ["d/m-1"])
    assert (made.model_checkpoint_path, list(made.all_model_checkpoint_paths)) == ("m-2", ["m-1", "m-2"])
    with pytest.raises(ValueError, match="must match checkpoint paths"):
        state.generate_checkpoint_state_proto("d", "d/m-2", ["d/m-1"], [1.0, 2.0])


@pytest.mark.parametrize("name", ["", ".", "..", "...", "./a", "a/..", "%", "%2E", "a@0", "\u65e5 \n\0", "x" * 5000])
def test_any_name_of_a_tensor_can_be_saved(name, tmp_path):
    write_checkpoint(f"{tmp_path}/m", [[Part(n, np.float32(len(n)), dtypes.float32) for n in {name, "%25", "w"}]])
    with CheckpointReader(f"{tmp_path}/m") as reader:
        reader.verify()
        assert reader.get_tensor(name) == len(name)


@pytest.mark.skipif(os.sep != "/", reason="elsewhere a backslash parts folders")
def test_any_name_of_a_prefix_can_be_read_again(tmp_path):
    prefix = f'{tmp_path}/a\\b\n"[1]*'
    write_checkpoint(prefix, [[Part("w", np.float32(3), dtypes.float32)]])
    assert load_variable(prefix, "w") == 3 and is_whole(prefix)

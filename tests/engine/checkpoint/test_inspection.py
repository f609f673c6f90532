"""The command line for checkpoints: what it lists, shows, finds damaged and finds different, and its exit status."""

import re

import numpy as np
import pytest

from headrace.__main__ import main
from headrace.engine import dtypes
from headrace.engine.checkpoint import state
from headrace.engine.checkpoint.writer import Part, write_checkpoint


def save(prefix, weights, **others):
    parts = [Part("w", np.asarray(weights, np.float32), dtypes.float32)]
    parts += [Part(n, np.asarray(v), dtypes.as_dtype(np.asarray(v).dtype)) for n, v in others.items()]
    write_checkpoint(prefix, [parts])


@pytest.fixture
def folder(tmp_path):
    for step in (1, 2):
        save(f"{tmp_path}/m-{step}", [step, 0.5, np.nan], step=np.int64(step), same=np.int64(7))
    state.update_checkpoint_state(tmp_path, f"{tmp_path}/m-2", [f"{tmp_path}/m-1", f"{tmp_path}/m-2"])
    return tmp_path


def ran(capsys, *arguments):
    status = main(["checkpoint", *map(str, arguments)])
    return status, capsys.readouterr().out


def flip(path, value):
    data = path.read_bytes()
    place = data.index(np.asarray(value).tobytes())
    path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])


def test_a_good_folder(folder, capsys):
    status, text = ran(capsys, "list", folder)
    assert status == 0
    assert [line.split("/")[-1].split(":")[0] for line in text.splitlines()] == ["m-1", "m-2"]
    assert text.count("(newest)") == 1 and re.search(r"3 tensors, \d+ bytes in 1 shard\b", text)
    status, text = ran(capsys, "verify", folder)
    assert (status, text.count(": good")) == (0, 2)
    status, text = ran(capsys, "show", folder)
    assert status == 0 and text.splitlines()[0].endswith("m-2") and "w  float32[3]" in text
    status, text = ran(capsys, "show", f"{folder}/m-1.index", "w", "step")
    assert (status, text.splitlines()) == (0, ["w = [1. , 0.5, nan]", "step = 1"])


def test_damage_is_named(folder, capsys):
    flip(folder / "m-2.data-00000-of-00001", np.array([2, 0.5], np.float32))
    status, text = ran(capsys, "verify", folder)
    assert status == 1
    bad = [line for line in text.splitlines() if "good" not in line]
    assert len(bad) == 1 and bad[0].startswith("w: The shard") and "m-2.data-00000-of-00001" in bad[0]
    (folder / "m-1.data-00000-of-00001").unlink()
    status, text = ran(capsys, "verify", f"{folder}/m-1")
    assert status == 1 and "m-1.data-00000-of-00001 of a checkpoint is missing" in text and "same:" in text
    assert ran(capsys, "list", folder)[0] == 1
    assert ran(capsys, "show", f"{folder}/m-1")[0] == 1
    (folder / "m-1.index").write_text("{")
    status, text = ran(capsys, "verify", f"{folder}/m-1")
    assert status == 1 and "m-1.index is damaged" in text
    (folder / "m-1.index").unlink()
    status, text = ran(capsys, "list", folder)
    assert status == 1 and "there is no file" in text


def test_differences(folder, capsys):
    status, text = ran(capsys, "diff", f"{folder}/m-1", f"{folder}/m-2")
    assert status == 1
    assert text.splitlines() == ["step: 1 of 1 elements differ, by up to 1", "w: 1 of 3 elements differ, by up to 1"]
    assert ran(capsys, "diff", f"{folder}/m-1", f"{folder}/m-1") == (0, "the same tensors\n")
    save(f"{folder}/m-3", np.zeros((2, 2)), text=np.zeros(2, np.int32))
    status, text = ran(capsys, "diff", folder, f"{folder}/m-3")
    assert status == 1 and "w: float32[3] became float32[2, 2]" in text and "text: only in" in text
    flip(folder / "m-1.data-00000-of-00001", np.array([1, 0.5], np.float32))
    assert ran(capsys, "diff", f"{folder}/m-1", f"{folder}/m-2")[0] == 2


@pytest.mark.parametrize("action", ["list", "show", "verify", "diff"])
def test_nothing_there(action, tmp_path, capsys):
    other = [tmp_path] if action == "diff" else []
    assert ran(capsys, action, tmp_path, *other)[0] == 2
    with pytest.raises(SystemExit) as stopped:
        main(["checkpoint", action])
    assert stopped.value.code == 2

"""Compiled kernels on disk: found again, checked when read, kept small, and safe with many processes at once."""

import errno
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from headrace.engine.errors import InvalidArgumentError
from headrace.engine.gpu.cache import UnitCache, trusted_folder
from headrace.engine.gpu.source import Kernel


class Spelling:
    """A compiler whose units are the kernels' names."""

    suffix = ".so"

    def __init__(self, identity="spelling 1", size=0):
        self.identity = identity
        self.padding = b"." * size
        self.units = []

    def compile(self, kernels):
        self.units.append([kernel.name for kernel in kernels])
        return f"{self.identity}: {' '.join(self.units[-1])}".encode() + self.padding


def kernels(*names, body="y[0] = 1;", **options):
    return [Kernel(name, (("float*", "y"),), body, **options) for name in names]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


def loaded(folder, wanted, compiler=None, **options):
    compiler = compiler or Spelling()
    units = UnitCache(folder, **options).load(wanted, compiler)
    return {name: unit.data.decode() for name, unit in units.items()}, compiler.units


def test_only_what_was_never_compiled_is_compiled_as_one_unit(folder):
    assert loaded(folder, kernels("a", "b")) == ({"a": "spelling 1: a b", "b": "spelling 1: a b"}, [["a", "b"]])
    data, units = loaded(folder, kernels("b", "c", "d"))
    assert data == {"b": "spelling 1: a b", "c": "spelling 1: c d", "d": "spelling 1: c d"} and units == [["c", "d"]]
    assert loaded(folder, kernels("d", "a"))[1] == []
    assert loaded(folder, [])[1] == []


@pytest.mark.parametrize(
    "wanted, compiler",
    [
        (kernels("a", body="y[0] = 2;"), Spelling()),
        (kernels("a", threads=64), Spelling()),
        (kernels("a", synchronizes=True), Spelling()),
        (kernels("a", files=("random.cuh",)), Spelling()),
        (kernels("a"), Spelling("spelling 2")),
    ],
    ids=["body", "threads", "synchronizes", "files", "compiler"],
)
def test_all_that_a_unit_depends_on_counts(folder, wanted, compiler):
    loaded(folder, kernels("a"))
    assert loaded(folder, wanted, compiler)[1] == [["a"]]


def damage(path, how):
    data = path.read_bytes()
    path.write_bytes({"cut": data[:-1], "empty": b"", "changed": bytes([data[0] ^ 1]) + data[1:]}[how])


@pytest.mark.parametrize("suffix", [".so", ".kernel"])
@pytest.mark.parametrize("how", ["cut", "empty", "changed", "gone", "not text"])
def test_what_is_damaged_is_compiled_anew(folder, suffix, how):
    expected = loaded(folder, kernels("a"))[0]
    [path] = folder.glob(f"*{suffix}")
    if how == "gone":
        path.unlink()
    elif how == "not text":
        path.write_bytes(b"\xff\xfe\x00")
    else:
        damage(path, how)
    # Without its last byte, a line end, an index still says all.
    whole = suffix == ".kernel" and how == "cut"
    assert loaded(folder, kernels("a")) == (expected, [] if whole else [["a"]])
    assert loaded(folder, kernels("a")) == (expected, [])


def test_an_index_of_another_kernel_is_no_index(folder):
    loaded(folder, kernels("a"))
    [first] = folder.glob("*.kernel")
    loaded(folder, kernels("b"))
    [second] = set(folder.glob("*.kernel")) - {first}
    second.write_bytes(first.read_bytes())
    assert loaded(folder, kernels("b"))[1] == [["b"]]


def test_nothing_half_written_stays(folder):
    class Failing(Spelling):
        def compile(self, kernels):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loaded(folder, kernels("a"), Failing())
    loaded(folder, kernels("a"))
    assert sorted(path.suffix for path in folder.iterdir()) == [".kernel", ".so"]


def age(paths, seconds):
    for path in paths:
        os.utime(path, (time.time() - seconds, time.time() - seconds))


def test_what_was_used_longest_ago_goes_first(folder):
    for name in "abc":
        before = set(folder.glob("*"))
        loaded(folder, kernels(name), Spelling(size=1000))
        age(set(folder.glob("*")) - before, {"a": 40_000, "b": 30_000, "c": 20_000}[name])
    # Its use makes it young again.
    loaded(folder, kernels("a"))
    (folder / "notes.txt").write_text("not ours")
    (folder / ".new-abandoned").write_bytes(b"")
    age(folder.glob(".new-*"), 50_000)
    loaded(folder, kernels("d"), Spelling(size=1000), limit=2600)
    assert not (folder / ".new-abandoned").exists() and (folder / "notes.txt").exists()
    assert {name: bool(loaded(folder, kernels(name))[1]) for name in "dabc"} == {
        "d": False, "a": False, "b": True, "c": True,
    }  # fmt: skip


def test_what_is_just_made_stays_whatever_the_limit(folder):
    assert loaded(folder, kernels("a"), limit=0)[0] == loaded(folder, kernels("a"))[0]


def test_a_new_folder_is_the_users_alone(folder):
    UnitCache(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_write_to_is_not_used(folder, mode):
    folder.mkdir()
    folder.chmod(mode)
    with pytest.warns(RuntimeWarning, match="for this process alone: .* can be written to by others"):
        first = trusted_folder(folder)
    assert first != folder and first.stat().st_mode & 0o777 == 0o700
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert trusted_folder(folder) == first


def test_a_folder_that_cannot_be_made_is_not_used(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(RuntimeWarning, match="cannot be made"):
        assert trusted_folder(tmp_path / "file" / "cache").is_dir()


def test_a_folder_of_another_user_is_not_used(folder, monkeypatch):
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    with pytest.warns(RuntimeWarning, match="belongs to another user"):
        assert trusted_folder(folder) != folder


def test_what_cannot_be_kept_is_used_all_the_same(folder):
    expected = loaded(folder, kernels("a"))[0]
    [index], [unit] = folder.glob("*.kernel"), folder.glob("*.so")
    for path in (index, unit):
        path.unlink()
        path.mkdir()
    with pytest.warns(RuntimeWarning, match="for this process alone: .* cannot be written to .Is a directory"):
        assert loaded(folder, kernels("a")) == (expected, [["a"]])
    # What is in the way does not stop what is too old from going, either.
    assert loaded(folder, kernels("b"), limit=0)[1] == [["b"]]


def test_a_full_disk_ends_nothing(folder, monkeypatch):
    folder.mkdir(mode=0o700)
    write = UnitCache._write

    def full(self, path, data):
        if path.parent == folder:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, path, data)

    monkeypatch.setattr(UnitCache, "_write", full)
    with pytest.warns(RuntimeWarning, match="cannot be written to .No space left"):
        assert loaded(folder, kernels("a"))[0] == {"a": "spelling 1: a"}
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("text", ["much", "1e9", "-1"])
def test_a_limit_that_is_no_number_is_named(folder, monkeypatch, text):
    monkeypatch.setenv("HEADRACE_CACHE_BYTES", text)
    with pytest.raises(InvalidArgumentError, match=f"HEADRACE_CACHE_BYTES is '{text}'; it must be a number of bytes"):
        UnitCache(folder)


def test_the_environment_names_the_folder(folder, monkeypatch):
    monkeypatch.setenv("HEADRACE_CACHE", str(folder))
    assert UnitCache().folder == folder
    monkeypatch.delenv("HEADRACE_CACHE")
    monkeypatch.setattr(Path, "home", lambda: folder)
    assert UnitCache().folder == folder / ".cache" / "headrace" / "gpu"


def test_two_kernels_of_one_name_are_refused(folder):
    with pytest.raises(ValueError, match="two kernels are named a"):
        loaded(folder, kernels("a") + kernels("a", body="y[0] = 2;"))
    assert loaded(folder, kernels("a", "a"))[1] == [["a"]]


AT_ONCE = """
import sys
from pathlib import Path
from headrace.engine.gpu.cache import UnitCache
from headrace.engine.gpu.source import Kernel

class Spelling:
    identity, suffix = "spelling", ".so"

    def compile(self, kernels):
        return "".join(f"{kernel.name} " for kernel in kernels).encode() * 10_000

for i in range(60):
    names = [f"k{i}", f"k{i + 1}", f"k{i % 7}"]
    wanted = [Kernel(name, (), ";") for name in names]
    units = UnitCache(Path(sys.argv[1]), limit=400_000).load(wanted, Spelling())
    if any(name not in units[name].data.decode().split() for name in names):
        raise SystemExit(f"{i}: not what was asked for")
print("done")
"""


def test_processes_may_use_it_at_once(folder):
    command = [sys.executable, "-c", AT_ONCE, str(folder)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate() for process in processes] == [("done\n", "")] * 3
    assert not list(folder.glob(".new-*"))

"""tf.gfile against the file system."""

import pytest

from headrace.engine import errors
from headrace.engine.platform import gfile


def test_text_and_bytes(tmp_path):
    path = str(tmp_path / "a.txt")
    with gfile.GFile(path, "w") as file:
        file.write("one\ntwo\n")
    with gfile.FastGFile(path) as file:
        assert file.readline() == "one\n" and file.tell() == 4
        file.seek(0)
        assert file.readlines() == ["one\n", "two\n"] and file.size() == 8
    with gfile.Open(path, "rb") as file:
        assert file.read(3) == b"one" and list(file) == [b"\n", b"two\n"]
    with gfile.GFile(path, "a") as file:
        file.write("three")
    with gfile.GFile(path) as file:
        assert file.read().endswith("three")


def test_folders(tmp_path):
    top = str(tmp_path / "a" / "b")
    gfile.MakeDirs(top)
    gfile.MakeDirs(top)
    with gfile.GFile(top + "/x", "w") as file:
        file.write("1")
    gfile.Copy(top + "/x", top + "/y")
    gfile.Rename(top + "/y", top + "/z")
    assert gfile.ListDirectory(top) == ["x", "z"] == gfile.ListDir(top)
    assert gfile.Glob(top + "/*") == [top + "/x", top + "/z"]
    assert [names for _, _, names in gfile.Walk(str(tmp_path))][-1] == ["x", "z"]
    assert gfile.IsDirectory(top) and not gfile.IsDirectory(top + "/x") and gfile.Stat(top).is_directory
    gfile.Remove(top + "/x")
    gfile.DeleteRecursively(str(tmp_path / "a"))
    assert not gfile.Exists(top)


@pytest.mark.parametrize(
    ("action", "error"),
    [
        (lambda p: gfile.GFile(p + "/none").read(), errors.NotFoundError),
        (lambda p: gfile.Remove(p + "/none"), errors.NotFoundError),
        (lambda p: gfile.MkDir(p), errors.AlreadyExistsError),
        (lambda p: gfile.GFile(p).read(), errors.FailedPreconditionError),
        (lambda p: gfile.Copy(p + "/none", p), errors.AlreadyExistsError),
        (lambda p: gfile.GFile(p, "q"), ValueError),
    ],
)
def test_errors_are_tensorflows(tmp_path, action, error):
    with pytest.raises(error):
        action(str(tmp_path))

"""The names of TensorFlow 1.15's `tf.gfile`."""

from .engine.errors import OpError as FileError
from .engine.platform.gfile import (
    Copy,
    DeleteRecursively,
    Exists,
    FastGFile,
    GFile,
    Glob,
    IsDirectory,
    ListDir,
    ListDirectory,
    MakeDirs,
    MkDir,
    Open,
    OpenFast,
    Remove,
    Rename,
    Stat,
    Walk,
)

__all__ = [
    "Copy", "DeleteRecursively", "Exists", "FastGFile", "FileError", "GFile", "Glob", "IsDirectory", "ListDir",
    "ListDirectory", "MakeDirs", "MkDir", "Open", "OpenFast", "Remove", "Rename", "Stat", "Walk",
]  # fmt: skip

"""The names of `tensorflow.python.platform.gfile`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.platform.gfile import (
        Copy,
        DeleteRecursively,
        Exists,
        FastGFile,
        GFile,
        GFile as Open,
        Glob,
        IsDirectory,
        ListDirectory,
        MakeDirs,
        MkDir,
        Remove,
        Rename,
        Stat,
        Walk,
    )

__all__ = [
    "Copy", "DeleteRecursively", "Exists", "FastGFile", "GFile", "Glob", "IsDirectory", "ListDirectory", "MakeDirs",
    "MkDir", "Open", "Remove", "Rename", "Stat", "Walk",
]  # fmt: skip

_PLACES: Places = {
    "Copy": ("...engine.platform.gfile", "Copy"),
    "DeleteRecursively": ("...engine.platform.gfile", "DeleteRecursively"),
    "Exists": ("...engine.platform.gfile", "Exists"),
    "FastGFile": ("...engine.platform.gfile", "FastGFile"),
    "GFile": ("...engine.platform.gfile", "GFile"),
    "Glob": ("...engine.platform.gfile", "Glob"),
    "IsDirectory": ("...engine.platform.gfile", "IsDirectory"),
    "ListDirectory": ("...engine.platform.gfile", "ListDirectory"),
    "MakeDirs": ("...engine.platform.gfile", "MakeDirs"),
    "MkDir": ("...engine.platform.gfile", "MkDir"),
    "Open": ("...engine.platform.gfile", "GFile"),
    "Remove": ("...engine.platform.gfile", "Remove"),
    "Rename": ("...engine.platform.gfile", "Rename"),
    "Stat": ("...engine.platform.gfile", "Stat"),
    "Walk": ("...engine.platform.gfile", "Walk"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

"""The names of `tensorflow.python.lib.io.file_io`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ....engine.platform.gfile import (
        Copy as copy,
        DeleteRecursively as delete_recursively,
        Exists as file_exists,
        GFile as FileIO,
        Glob as get_matching_files,
        IsDirectory as is_directory,
        ListDirectory as list_directory,
        MakeDirs as recursive_create_dir,
        MkDir as create_dir,
        Remove as delete_file,
        Rename as rename,
        Stat as stat,
        Walk as walk,
    )

__all__ = [
    "FileIO", "copy", "create_dir", "delete_file", "delete_recursively", "file_exists", "get_matching_files",
    "is_directory", "list_directory", "recursive_create_dir", "rename", "stat", "walk",
]  # fmt: skip

_PLACES: Places = {
    "FileIO": ("....engine.platform.gfile", "GFile"),
    "copy": ("....engine.platform.gfile", "Copy"),
    "create_dir": ("....engine.platform.gfile", "MkDir"),
    "delete_file": ("....engine.platform.gfile", "Remove"),
    "delete_recursively": ("....engine.platform.gfile", "DeleteRecursively"),
    "file_exists": ("....engine.platform.gfile", "Exists"),
    "get_matching_files": ("....engine.platform.gfile", "Glob"),
    "is_directory": ("....engine.platform.gfile", "IsDirectory"),
    "list_directory": ("....engine.platform.gfile", "ListDirectory"),
    "recursive_create_dir": ("....engine.platform.gfile", "MakeDirs"),
    "rename": ("....engine.platform.gfile", "Rename"),
    "stat": ("....engine.platform.gfile", "Stat"),
    "walk": ("....engine.platform.gfile", "Walk"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

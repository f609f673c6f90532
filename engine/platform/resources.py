"""`tf.resource_loader` and `tf.sysconfig`: where the package and a program's data files lie."""

from __future__ import annotations

import sys
from pathlib import Path


def _caller_folder() -> Path:
    return Path(sys._getframe(2).f_code.co_filename).resolve().parent


def get_data_files_path() -> str:
    """The folder of the file that calls this."""
    return str(_caller_folder())


def get_path_to_datafile(path: str) -> str:
    """`path` beside the file that calls this."""
    return str(_caller_folder() / path)


def load_resource(path: str) -> bytes:
    """The bytes of a file given by its path."""
    return Path(path).read_bytes()


def get_root_dir_with_all_resources() -> str:
    """The folder of the file that calls this."""
    return str(_caller_folder())


def readahead_file_path(path: str, readahead: str = "128M") -> str:
    """`path` itself: there is no read-ahead."""
    del readahead
    return path

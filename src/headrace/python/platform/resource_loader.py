"""The names of `tensorflow.python.platform.resource_loader`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.platform.resources import (
        get_data_files_path,
        get_path_to_datafile,
        get_root_dir_with_all_resources,
        load_resource,
        readahead_file_path,
    )

__all__ = [
    "get_data_files_path", "get_path_to_datafile", "get_root_dir_with_all_resources", "load_resource",
    "readahead_file_path",
]  # fmt: skip

_PLACES: Places = {
    "get_data_files_path": ("...engine.platform.resources", "get_data_files_path"),
    "get_path_to_datafile": ("...engine.platform.resources", "get_path_to_datafile"),
    "get_root_dir_with_all_resources": ("...engine.platform.resources", "get_root_dir_with_all_resources"),
    "load_resource": ("...engine.platform.resources", "load_resource"),
    "readahead_file_path": ("...engine.platform.resources", "readahead_file_path"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

"""`tf.resource_loader`: files beside the calling program."""

from .engine.platform.resources import get_data_files_path as get_data_files_path
from .engine.platform.resources import get_path_to_datafile as get_path_to_datafile
from .engine.platform.resources import get_root_dir_with_all_resources as get_root_dir_with_all_resources
from .engine.platform.resources import load_resource as load_resource
from .engine.platform.resources import readahead_file_path as readahead_file_path

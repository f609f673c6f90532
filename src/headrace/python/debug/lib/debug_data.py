"""The names of `tensorflow.python.debug.lib.debug_data`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ....engine.debug.dump_dir import (
        DebugDumpDir,
        DebugTensorDatum,
        WatchKeyDoesNotExistInDebugDumpDirError,
        has_inf_or_nan,
    )
    from ....engine.debug.event_file import load_tensor_from_event_file

__all__ = [
    "DebugDumpDir", "DebugTensorDatum", "WatchKeyDoesNotExistInDebugDumpDirError", "has_inf_or_nan",
    "load_tensor_from_event_file",
]  # fmt: skip

_PLACES: Places = {
    "DebugDumpDir": ("....engine.debug.dump_dir", "DebugDumpDir"),
    "DebugTensorDatum": ("....engine.debug.dump_dir", "DebugTensorDatum"),
    "WatchKeyDoesNotExistInDebugDumpDirError": ("....engine.debug.dump_dir", "WatchKeyDoesNotExistInDebugDumpDirError"),
    "has_inf_or_nan": ("....engine.debug.dump_dir", "has_inf_or_nan"),
    "load_tensor_from_event_file": ("....engine.debug.event_file", "load_tensor_from_event_file"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

"""The debugger: the names of TensorFlow 1.15's `tensorflow.python.debug`. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from .engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from .engine.debug.dump_dir import (
        DebugDumpDir,
        DebugTensorDatum,
        WatchKeyDoesNotExistInDebugDumpDirError,
        has_inf_or_nan,
    )
    from .engine.debug.event_file import load_tensor_from_event_file
    from .engine.debug.numerics import disable_check_numerics, enable_check_numerics
    from .engine.debug.watch import add_debug_tensor_watch, watch_graph, watch_graph_with_blacklists
    from .engine.debug.wrappers import DumpingDebugWrapperSession, LocalCLIDebugWrapperSession, WatchOptions
    from .engine.training.debug_hooks import CheckNumericsHook, DumpingDebugHook, LocalCLIDebugHook

__all__ = [
    "CheckNumericsHook", "DebugDumpDir", "DebugTensorDatum", "DumpingDebugHook", "DumpingDebugWrapperSession",
    "LocalCLIDebugHook", "LocalCLIDebugWrapperSession", "WatchKeyDoesNotExistInDebugDumpDirError", "WatchOptions",
    "add_debug_tensor_watch", "disable_check_numerics", "enable_check_numerics", "has_inf_or_nan",
    "load_tensor_from_event_file", "watch_graph", "watch_graph_with_blacklists",
]  # fmt: skip

_PLACES: Places = {
    "CheckNumericsHook": (".engine.training.debug_hooks", "CheckNumericsHook"),
    "DebugDumpDir": (".engine.debug.dump_dir", "DebugDumpDir"),
    "DebugTensorDatum": (".engine.debug.dump_dir", "DebugTensorDatum"),
    "DumpingDebugHook": (".engine.training.debug_hooks", "DumpingDebugHook"),
    "DumpingDebugWrapperSession": (".engine.debug.wrappers", "DumpingDebugWrapperSession"),
    "LocalCLIDebugHook": (".engine.training.debug_hooks", "LocalCLIDebugHook"),
    "LocalCLIDebugWrapperSession": (".engine.debug.wrappers", "LocalCLIDebugWrapperSession"),
    "WatchKeyDoesNotExistInDebugDumpDirError": (".engine.debug.dump_dir", "WatchKeyDoesNotExistInDebugDumpDirError"),
    "WatchOptions": (".engine.debug.wrappers", "WatchOptions"),
    "add_debug_tensor_watch": (".engine.debug.watch", "add_debug_tensor_watch"),
    "disable_check_numerics": (".engine.debug.numerics", "disable_check_numerics"),
    "enable_check_numerics": (".engine.debug.numerics", "enable_check_numerics"),
    "has_inf_or_nan": (".engine.debug.dump_dir", "has_inf_or_nan"),
    "load_tensor_from_event_file": (".engine.debug.event_file", "load_tensor_from_event_file"),
    "watch_graph": (".engine.debug.watch", "watch_graph"),
    "watch_graph_with_blacklists": (".engine.debug.watch", "watch_graph_with_blacklists"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

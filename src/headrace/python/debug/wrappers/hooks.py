"""The names of `tensorflow.python.debug.wrappers.hooks`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ....engine.training.debug_hooks import DumpingDebugHook, LocalCLIDebugHook

__all__ = [
    "DumpingDebugHook", "LocalCLIDebugHook",
]  # fmt: skip

_PLACES: Places = {
    "DumpingDebugHook": ("....engine.training.debug_hooks", "DumpingDebugHook"),
    "LocalCLIDebugHook": ("....engine.training.debug_hooks", "LocalCLIDebugHook"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

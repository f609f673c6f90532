"""The names of `tensorflow.python.debug.wrappers.hooks`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ....engine.training.session_run_hook import (
        SessionRunHook as DumpingDebugHook,
        SessionRunHook as GrpcDebugHook,
        SessionRunHook as LocalCLIDebugHook,
        SessionRunHook as TensorBoardDebugHook,
    )

__all__ = [
    "DumpingDebugHook", "GrpcDebugHook", "LocalCLIDebugHook", "TensorBoardDebugHook",
]  # fmt: skip

_PLACES: Places = {
    "DumpingDebugHook": ("....engine.training.session_run_hook", "SessionRunHook"),
    "GrpcDebugHook": ("....engine.training.session_run_hook", "SessionRunHook"),
    "LocalCLIDebugHook": ("....engine.training.session_run_hook", "SessionRunHook"),
    "TensorBoardDebugHook": ("....engine.training.session_run_hook", "SessionRunHook"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

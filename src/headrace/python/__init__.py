"""The parts of `tensorflow.python` that programs import by path. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ..engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from . import (
        client,
        data,
        debug,
        feature_column,
        framework,
        layers,
        lib,
        ops,
        platform,
        profiler,
        pywrap_tensorflow,
        saved_model,
        summary,
        tools,
        training,
        util,
    )

__all__ = [
    "client", "data", "debug", "feature_column", "framework", "layers", "lib", "ops", "platform", "profiler",
    "pywrap_tensorflow", "saved_model", "summary", "tools", "training", "util",
]  # fmt: skip

_PLACES: Places = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

"""The names of TensorFlow 1.15's `tf.profiler`. Each is loaded when it is first asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine.profiler.op_log import write_op_log
    from .engine.profiler.options import ProfileOptionBuilder
    from .engine.profiler.profiler import ALL_ADVICE, Profiler, advise, profile
    from .engine.protos import AdviceProto, GraphNodeProto, MultiGraphNodeProto, OpLogProto

__all__ = [
    "ALL_ADVICE", "AdviceProto", "GraphNodeProto", "MultiGraphNodeProto", "OpLogProto", "ProfileOptionBuilder",
    "Profiler", "advise", "profile", "write_op_log",
]  # fmt: skip

_PLACES: dict[str, tuple[str, str]] = {
    "ALL_ADVICE": (".engine.profiler.profiler", "ALL_ADVICE"),
    "AdviceProto": (".engine.protos", "AdviceProto"),
    "GraphNodeProto": (".engine.protos", "GraphNodeProto"),
    "MultiGraphNodeProto": (".engine.protos", "MultiGraphNodeProto"),
    "OpLogProto": (".engine.protos", "OpLogProto"),
    "ProfileOptionBuilder": (".engine.profiler.options", "ProfileOptionBuilder"),
    "Profiler": (".engine.profiler.profiler", "Profiler"),
    "advise": (".engine.profiler.profiler", "advise"),
    "profile": (".engine.profiler.profiler", "profile"),
    "write_op_log": (".engine.profiler.op_log", "write_op_log"),
}


def __getattr__(name: str) -> Any:
    """The namespace, class or function of a name."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _PLACES:
        module, attribute = _PLACES[name]
        value = getattr(import_module(module, __package__), attribute)
    else:
        value = import_module(f".{name}", __package__)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

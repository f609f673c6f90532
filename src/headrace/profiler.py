"""The names of TensorFlow 1.15's `tf.profiler`. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from .engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from .engine.profiler.op_log import write_op_log
    from .engine.profiler.options import ProfileOptionBuilder
    from .engine.profiler.profiler import ALL_ADVICE, Profiler, advise, profile
    from .engine.protos import AdviceProto, GraphNodeProto, MultiGraphNodeProto, OpLogProto

__all__ = [
    "ALL_ADVICE", "AdviceProto", "GraphNodeProto", "MultiGraphNodeProto", "OpLogProto", "ProfileOptionBuilder",
    "Profiler", "advise", "profile", "write_op_log",
]  # fmt: skip

_PLACES: Places = {
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
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

"""The names of `tensorflow.python.ops.control_flow_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.checking import Assert
    from ...engine.ops.cond import case, cond
    from ...engine.ops.control import group, no_op, tuple, with_dependencies
    from ...engine.ops.while_loop import while_loop

__all__ = [
    "Assert", "case", "cond", "group", "no_op", "tuple", "while_loop", "with_dependencies",
]  # fmt: skip

_PLACES: Places = {
    "Assert": ("...engine.ops.checking", "Assert"),
    "case": ("...engine.ops.cond", "case"),
    "cond": ("...engine.ops.cond", "cond"),
    "group": ("...engine.ops.control", "group"),
    "no_op": ("...engine.ops.control", "no_op"),
    "tuple": ("...engine.ops.control", "tuple"),
    "while_loop": ("...engine.ops.while_loop", "while_loop"),
    "with_dependencies": ("...engine.ops.control", "with_dependencies"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

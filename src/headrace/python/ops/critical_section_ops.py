"""The names of `tensorflow.python.ops.critical_section_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.critical_section import CriticalSection

__all__ = [
    "CriticalSection",
]  # fmt: skip

_PLACES: Places = {
    "CriticalSection": ("...engine.ops.critical_section", "CriticalSection"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

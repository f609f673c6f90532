"""The names of `tensorflow.python.training.slot_creator`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.slot_creator import create_slot, create_slot_with_initializer, create_zeros_slot

__all__ = [
    "create_slot", "create_slot_with_initializer", "create_zeros_slot",
]  # fmt: skip

_PLACES: Places = {
    "create_slot": ("...engine.training.slot_creator", "create_slot"),
    "create_slot_with_initializer": ("...engine.training.slot_creator", "create_slot_with_initializer"),
    "create_zeros_slot": ("...engine.training.slot_creator", "create_zeros_slot"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

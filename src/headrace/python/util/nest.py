"""The names of `tensorflow.python.util.nest`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.nest import (
        assert_same_structure,
        assert_shallow_structure,
        flatten,
        flatten_dict_items,
        flatten_up_to,
        is_nested,
        map_structure,
        map_structure_up_to,
        pack_sequence_as,
    )

__all__ = [
    "assert_same_structure", "assert_shallow_structure", "flatten", "flatten_dict_items", "flatten_up_to",
    "is_nested", "map_structure", "map_structure_up_to", "pack_sequence_as",
]  # fmt: skip

_PLACES: Places = {
    "assert_same_structure": ("...engine.nest", "assert_same_structure"),
    "assert_shallow_structure": ("...engine.nest", "assert_shallow_structure"),
    "flatten": ("...engine.nest", "flatten"),
    "flatten_dict_items": ("...engine.nest", "flatten_dict_items"),
    "flatten_up_to": ("...engine.nest", "flatten_up_to"),
    "is_nested": ("...engine.nest", "is_nested"),
    "map_structure": ("...engine.nest", "map_structure"),
    "map_structure_up_to": ("...engine.nest", "map_structure_up_to"),
    "pack_sequence_as": ("...engine.nest", "pack_sequence_as"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

"""The names of `tensorflow.python.platform.flags`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.platform.flags import (
        FLAGS,
        DEFINE_bool,
        DEFINE_bool as DEFINE_boolean,
        DEFINE_enum,
        DEFINE_float,
        DEFINE_integer,
        DEFINE_list,
        DEFINE_multi_integer,
        DEFINE_multi_string,
        DEFINE_string,
        FlagValues,
        mark_flag_as_required,
        mark_flags_as_required,
        register_validator,
    )

__all__ = [
    "FLAGS", "DEFINE_bool", "DEFINE_boolean", "DEFINE_enum", "DEFINE_float", "DEFINE_integer", "DEFINE_list",
    "DEFINE_multi_integer", "DEFINE_multi_string", "DEFINE_string", "FlagValues", "mark_flag_as_required",
    "mark_flags_as_required", "register_validator",
]  # fmt: skip

_PLACES: Places = {
    "DEFINE_bool": ("...engine.platform.flags", "DEFINE_bool"),
    "DEFINE_boolean": ("...engine.platform.flags", "DEFINE_bool"),
    "DEFINE_enum": ("...engine.platform.flags", "DEFINE_enum"),
    "DEFINE_float": ("...engine.platform.flags", "DEFINE_float"),
    "DEFINE_integer": ("...engine.platform.flags", "DEFINE_integer"),
    "DEFINE_list": ("...engine.platform.flags", "DEFINE_list"),
    "DEFINE_multi_integer": ("...engine.platform.flags", "DEFINE_multi_integer"),
    "DEFINE_multi_string": ("...engine.platform.flags", "DEFINE_multi_string"),
    "DEFINE_string": ("...engine.platform.flags", "DEFINE_string"),
    "FLAGS": ("...engine.platform.flags", "FLAGS"),
    "FlagValues": ("...engine.platform.flags", "FlagValues"),
    "mark_flag_as_required": ("...engine.platform.flags", "mark_flag_as_required"),
    "mark_flags_as_required": ("...engine.platform.flags", "mark_flags_as_required"),
    "register_validator": ("...engine.platform.flags", "register_validator"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

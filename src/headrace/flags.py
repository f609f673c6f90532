"""`tf.flags`: command-line flags."""

from .engine.platform.flags import (
    FLAGS,
    DEFINE_bool,
    DEFINE_boolean,
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

"""The names of `tensorflow.python.ops.check_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.checks import (
        assert_equal,
        assert_greater,
        assert_greater_equal,
        assert_integer,
        assert_less,
        assert_less_equal,
        assert_near,
        assert_negative,
        assert_non_negative,
        assert_non_positive,
        assert_none_equal,
        assert_positive,
        assert_proper_iterable,
        assert_rank,
        assert_rank_at_least,
        assert_rank_in,
        assert_same_float_dtype,
        assert_scalar,
        assert_type,
        is_non_decreasing,
        is_numeric_tensor,
        is_strictly_increasing,
    )
    from ...engine.ops.array_shape import ensure_shape

__all__ = [
    "assert_equal", "assert_greater", "assert_greater_equal", "assert_integer", "assert_less", "assert_less_equal",
    "assert_near", "assert_negative", "assert_non_negative", "assert_non_positive", "assert_none_equal",
    "assert_positive", "assert_proper_iterable", "assert_rank", "assert_rank_at_least", "assert_rank_in",
    "assert_same_float_dtype", "assert_scalar", "assert_type", "ensure_shape", "is_non_decreasing",
    "is_numeric_tensor", "is_strictly_increasing",
]  # fmt: skip

_PLACES: Places = {
    "assert_equal": ("...engine.checks", "assert_equal"),
    "assert_greater": ("...engine.checks", "assert_greater"),
    "assert_greater_equal": ("...engine.checks", "assert_greater_equal"),
    "assert_integer": ("...engine.checks", "assert_integer"),
    "assert_less": ("...engine.checks", "assert_less"),
    "assert_less_equal": ("...engine.checks", "assert_less_equal"),
    "assert_near": ("...engine.checks", "assert_near"),
    "assert_negative": ("...engine.checks", "assert_negative"),
    "assert_non_negative": ("...engine.checks", "assert_non_negative"),
    "assert_non_positive": ("...engine.checks", "assert_non_positive"),
    "assert_none_equal": ("...engine.checks", "assert_none_equal"),
    "assert_positive": ("...engine.checks", "assert_positive"),
    "assert_proper_iterable": ("...engine.checks", "assert_proper_iterable"),
    "assert_rank": ("...engine.checks", "assert_rank"),
    "assert_rank_at_least": ("...engine.checks", "assert_rank_at_least"),
    "assert_rank_in": ("...engine.checks", "assert_rank_in"),
    "assert_same_float_dtype": ("...engine.checks", "assert_same_float_dtype"),
    "assert_scalar": ("...engine.checks", "assert_scalar"),
    "assert_type": ("...engine.checks", "assert_type"),
    "ensure_shape": ("...engine.ops.array_shape", "ensure_shape"),
    "is_non_decreasing": ("...engine.checks", "is_non_decreasing"),
    "is_numeric_tensor": ("...engine.checks", "is_numeric_tensor"),
    "is_strictly_increasing": ("...engine.checks", "is_strictly_increasing"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

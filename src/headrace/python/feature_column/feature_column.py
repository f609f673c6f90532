"""The names of `tensorflow.python.feature_column.feature_column`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...estimators.columns.input_layer import input_layer
    from ...estimators.columns.linear_model import linear_model
    from ...estimators.columns.parsing import make_parse_example_spec

__all__ = [
    "input_layer", "linear_model", "make_parse_example_spec",
]  # fmt: skip

_PLACES: Places = {
    "input_layer": ("...estimators.columns.input_layer", "input_layer"),
    "linear_model": ("...estimators.columns.linear_model", "linear_model"),
    "make_parse_example_spec": ("...estimators.columns.parsing", "make_parse_example_spec"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

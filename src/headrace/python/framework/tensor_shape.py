"""The names of `tensorflow.python.framework.tensor_shape`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.shapes import (
        Dimension,
        TensorShape,
        as_dimension,
        as_shape,
        dimension_at_index,
        dimension_value,
        matrix,
        scalar,
        unknown_shape,
        vector,
    )

__all__ = [
    "Dimension", "TensorShape", "as_dimension", "as_shape", "dimension_at_index", "dimension_value", "matrix",
    "scalar", "unknown_shape", "vector",
]  # fmt: skip

_PLACES: Places = {
    "Dimension": ("...engine.shapes", "Dimension"),
    "TensorShape": ("...engine.shapes", "TensorShape"),
    "as_dimension": ("...engine.shapes", "as_dimension"),
    "as_shape": ("...engine.shapes", "as_shape"),
    "dimension_at_index": ("...engine.shapes", "dimension_at_index"),
    "dimension_value": ("...engine.shapes", "dimension_value"),
    "matrix": ("...engine.shapes", "matrix"),
    "scalar": ("...engine.shapes", "scalar"),
    "unknown_shape": ("...engine.shapes", "unknown_shape"),
    "vector": ("...engine.shapes", "vector"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

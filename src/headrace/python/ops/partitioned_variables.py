"""The names of `tensorflow.python.ops.partitioned_variables`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.partitioned import (
        fixed_size_partitioner,
        min_max_variable_partitioner,
        variable_axis_size_partitioner,
    )

__all__ = [
    "fixed_size_partitioner", "min_max_variable_partitioner", "variable_axis_size_partitioner",
]  # fmt: skip

_PLACES: Places = {
    "fixed_size_partitioner": ("...engine.partitioned", "fixed_size_partitioner"),
    "min_max_variable_partitioner": ("...engine.partitioned", "min_max_variable_partitioner"),
    "variable_axis_size_partitioner": ("...engine.partitioned", "variable_axis_size_partitioner"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

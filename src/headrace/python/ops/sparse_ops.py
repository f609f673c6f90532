"""The names of `tensorflow.python.ops.sparse_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.array_shape import expand_dims as sparse_expand_dims
    from ...engine.ops.diagonals import eye as sparse_eye
    from ...engine.ops.elementwise_nary import cross as sparse_cross
    from ...engine.ops.ranges import bincount, bincount as sparse_bincount
    from ...engine.ops.serialized import deserialize_many_sparse, serialize_many_sparse, serialize_sparse
    from ...engine.ops.sparse_functions import (
        sparse_add,
        sparse_concat,
        sparse_fill_empty_rows,
        sparse_merge,
        sparse_reduce_max,
        sparse_reduce_sum,
        sparse_reorder,
        sparse_reset_shape,
        sparse_reshape,
        sparse_retain,
        sparse_slice,
        sparse_softmax,
        sparse_split,
        sparse_tensor_dense_matmul,
        sparse_tensor_to_dense,
        sparse_to_dense,
        sparse_to_indicator,
        sparse_transpose,
    )

__all__ = [
    "bincount", "deserialize_many_sparse", "serialize_many_sparse", "serialize_sparse", "sparse_add",
    "sparse_bincount", "sparse_concat", "sparse_cross", "sparse_expand_dims", "sparse_eye", "sparse_fill_empty_rows",
    "sparse_merge", "sparse_reduce_max", "sparse_reduce_sum", "sparse_reorder", "sparse_reset_shape",
    "sparse_reshape", "sparse_retain", "sparse_slice", "sparse_softmax", "sparse_split", "sparse_tensor_dense_matmul",
    "sparse_tensor_to_dense", "sparse_to_dense", "sparse_to_indicator", "sparse_transpose",
]  # fmt: skip

_PLACES: Places = {
    "bincount": ("...engine.ops.ranges", "bincount"),
    "deserialize_many_sparse": ("...engine.ops.serialized", "deserialize_many_sparse"),
    "serialize_many_sparse": ("...engine.ops.serialized", "serialize_many_sparse"),
    "serialize_sparse": ("...engine.ops.serialized", "serialize_sparse"),
    "sparse_add": ("...engine.ops.sparse_functions", "sparse_add"),
    "sparse_bincount": ("...engine.ops.ranges", "bincount"),
    "sparse_concat": ("...engine.ops.sparse_functions", "sparse_concat"),
    "sparse_cross": ("...engine.ops.elementwise_nary", "cross"),
    "sparse_expand_dims": ("...engine.ops.array_shape", "expand_dims"),
    "sparse_eye": ("...engine.ops.diagonals", "eye"),
    "sparse_fill_empty_rows": ("...engine.ops.sparse_functions", "sparse_fill_empty_rows"),
    "sparse_merge": ("...engine.ops.sparse_functions", "sparse_merge"),
    "sparse_reduce_max": ("...engine.ops.sparse_functions", "sparse_reduce_max"),
    "sparse_reduce_sum": ("...engine.ops.sparse_functions", "sparse_reduce_sum"),
    "sparse_reorder": ("...engine.ops.sparse_functions", "sparse_reorder"),
    "sparse_reset_shape": ("...engine.ops.sparse_functions", "sparse_reset_shape"),
    "sparse_reshape": ("...engine.ops.sparse_functions", "sparse_reshape"),
    "sparse_retain": ("...engine.ops.sparse_functions", "sparse_retain"),
    "sparse_slice": ("...engine.ops.sparse_functions", "sparse_slice"),
    "sparse_softmax": ("...engine.ops.sparse_functions", "sparse_softmax"),
    "sparse_split": ("...engine.ops.sparse_functions", "sparse_split"),
    "sparse_tensor_dense_matmul": ("...engine.ops.sparse_functions", "sparse_tensor_dense_matmul"),
    "sparse_tensor_to_dense": ("...engine.ops.sparse_functions", "sparse_tensor_to_dense"),
    "sparse_to_dense": ("...engine.ops.sparse_functions", "sparse_to_dense"),
    "sparse_to_indicator": ("...engine.ops.sparse_functions", "sparse_to_indicator"),
    "sparse_transpose": ("...engine.ops.sparse_functions", "sparse_transpose"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

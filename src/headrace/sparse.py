"""The names of TensorFlow 1.15's `tf.sparse`."""

from .engine.ops.accumulators import SparseConditionalAccumulator
from .engine.ops.array_shape import expand_dims
from .engine.ops.constant import sparse_placeholder as placeholder
from .engine.ops.diagonals import eye
from .engine.ops.elementwise_nary import cross
from .engine.ops.products import matmul
from .engine.ops.ranges import bincount
from .engine.ops.segments_sparse import (
    sparse_segment_mean as segment_mean,
    sparse_segment_sqrt_n as segment_sqrt_n,
    sparse_segment_sum as segment_sum,
)
from .engine.ops.sparse_functions import (
    sparse_add as add,
    sparse_concat as concat,
    sparse_fill_empty_rows as fill_empty_rows,
    sparse_mask as mask,
    sparse_merge as merge,
    sparse_reduce_max as reduce_max,
    sparse_reduce_sum as reduce_sum,
    sparse_reorder as reorder,
    sparse_reset_shape as reset_shape,
    sparse_reshape as reshape,
    sparse_retain as retain,
    sparse_slice as slice,
    sparse_softmax as softmax,
    sparse_split as split,
    sparse_tensor_dense_matmul as sparse_dense_matmul,
    sparse_tensor_to_dense as to_dense,
    sparse_to_indicator as to_indicator,
    sparse_transpose as transpose,
)
from .engine.tensor_types import SparseTensor

__all__ = [
    "SparseConditionalAccumulator", "SparseTensor", "add", "bincount", "concat", "cross", "expand_dims", "eye",
    "fill_empty_rows", "mask", "matmul", "merge", "placeholder", "reduce_max", "reduce_sum", "reorder", "reset_shape",
    "reshape", "retain", "segment_mean", "segment_sqrt_n", "segment_sum", "slice", "softmax", "sparse_dense_matmul",
    "split", "to_dense", "to_indicator", "transpose",
]  # fmt: skip

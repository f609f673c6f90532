"""The names of `tensorflow.python.ops.array_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.array import fill, identity, reshape, shape
    from ...engine.ops.array_order import (
        invert_permutation,
        matrix_transpose,
        reverse,
        reverse as reverse_v2,
        reverse_sequence,
        transpose,
    )
    from ...engine.ops.array_pad import pad, tile
    from ...engine.ops.array_parts import broadcast_to, concat, ones, ones_like, zeros, zeros_like
    from ...engine.ops.array_scatter import (
        scatter_nd,
        tensor_scatter_add,
        tensor_scatter_sub,
        tensor_scatter_update as tensor_scatter_nd_update,
    )
    from ...engine.ops.array_sets import (
        one_hot,
        repeat,
        searchsorted,
        sequence_mask,
        setdiff1d,
        unique,
        unique_with_counts,
    )
    from ...engine.ops.array_shape import (
        broadcast_dynamic_shape,
        broadcast_static_shape,
        expand_dims,
        rank,
        shape_n,
        size,
        squeeze,
    )
    from ...engine.ops.array_slice import slice_ as slice, strided_slice
    from ...engine.ops.array_space import (
        batch_to_space,
        batch_to_space_nd,
        depth_to_space,
        required_space_to_batch_paddings,
        space_to_batch,
        space_to_batch_nd,
        space_to_depth,
    )
    from ...engine.ops.array_split import meshgrid, parallel_stack, split
    from ...engine.ops.casting import bitcast
    from ...engine.ops.choice import where, where_v2
    from ...engine.ops.constant import placeholder, placeholder_with_default, sparse_placeholder
    from ...engine.ops.control import identity_n
    from ...engine.ops.diagonals import (
        diag,
        diag_part as tensor_diag_part,
        matrix_band_part,
        matrix_diag,
        matrix_diag_part,
        matrix_set_diag,
    )
    from ...engine.ops.guards import check_numerics, stop_gradient
    from ...engine.ops.image_crop import extract_image_patches
    from ...engine.ops.indexing import batch_gather, boolean_mask, gather, gather_nd
    from ...engine.ops.sparse_functions import edit_distance, sparse_mask

__all__ = [
    "batch_gather", "batch_to_space", "batch_to_space_nd", "bitcast", "boolean_mask", "broadcast_dynamic_shape",
    "broadcast_static_shape", "broadcast_to", "check_numerics", "concat", "depth_to_space", "diag", "edit_distance",
    "expand_dims", "extract_image_patches", "fill", "gather", "gather_nd", "identity", "identity_n",
    "invert_permutation", "matrix_band_part", "matrix_diag", "matrix_diag_part", "matrix_set_diag",
    "matrix_transpose", "meshgrid", "one_hot", "ones", "ones_like", "pad", "parallel_stack", "placeholder",
    "placeholder_with_default", "rank", "repeat", "required_space_to_batch_paddings", "reshape", "reverse",
    "reverse_sequence", "reverse_v2", "scatter_nd", "searchsorted", "sequence_mask", "setdiff1d", "shape", "shape_n",
    "size", "slice", "space_to_batch", "space_to_batch_nd", "space_to_depth", "sparse_mask", "sparse_placeholder",
    "split", "squeeze", "stop_gradient", "strided_slice", "tensor_diag_part", "tensor_scatter_add",
    "tensor_scatter_nd_update", "tensor_scatter_sub", "tile", "transpose", "unique", "unique_with_counts", "where",
    "where_v2", "zeros", "zeros_like",
]  # fmt: skip

_PLACES: Places = {
    "batch_gather": ("...engine.ops.indexing", "batch_gather"),
    "batch_to_space": ("...engine.ops.array_space", "batch_to_space"),
    "batch_to_space_nd": ("...engine.ops.array_space", "batch_to_space_nd"),
    "bitcast": ("...engine.ops.casting", "bitcast"),
    "boolean_mask": ("...engine.ops.indexing", "boolean_mask"),
    "broadcast_dynamic_shape": ("...engine.ops.array_shape", "broadcast_dynamic_shape"),
    "broadcast_static_shape": ("...engine.ops.array_shape", "broadcast_static_shape"),
    "broadcast_to": ("...engine.ops.array_parts", "broadcast_to"),
    "check_numerics": ("...engine.ops.guards", "check_numerics"),
    "concat": ("...engine.ops.array_parts", "concat"),
    "depth_to_space": ("...engine.ops.array_space", "depth_to_space"),
    "diag": ("...engine.ops.diagonals", "diag"),
    "edit_distance": ("...engine.ops.sparse_functions", "edit_distance"),
    "expand_dims": ("...engine.ops.array_shape", "expand_dims"),
    "extract_image_patches": ("...engine.ops.image_crop", "extract_image_patches"),
    "fill": ("...engine.ops.array", "fill"),
    "gather": ("...engine.ops.indexing", "gather"),
    "gather_nd": ("...engine.ops.indexing", "gather_nd"),
    "identity": ("...engine.ops.array", "identity"),
    "identity_n": ("...engine.ops.control", "identity_n"),
    "invert_permutation": ("...engine.ops.array_order", "invert_permutation"),
    "matrix_band_part": ("...engine.ops.diagonals", "matrix_band_part"),
    "matrix_diag": ("...engine.ops.diagonals", "matrix_diag"),
    "matrix_diag_part": ("...engine.ops.diagonals", "matrix_diag_part"),
    "matrix_set_diag": ("...engine.ops.diagonals", "matrix_set_diag"),
    "matrix_transpose": ("...engine.ops.array_order", "matrix_transpose"),
    "meshgrid": ("...engine.ops.array_split", "meshgrid"),
    "one_hot": ("...engine.ops.array_sets", "one_hot"),
    "ones": ("...engine.ops.array_parts", "ones"),
    "ones_like": ("...engine.ops.array_parts", "ones_like"),
    "pad": ("...engine.ops.array_pad", "pad"),
    "parallel_stack": ("...engine.ops.array_split", "parallel_stack"),
    "placeholder": ("...engine.ops.constant", "placeholder"),
    "placeholder_with_default": ("...engine.ops.constant", "placeholder_with_default"),
    "rank": ("...engine.ops.array_shape", "rank"),
    "repeat": ("...engine.ops.array_sets", "repeat"),
    "required_space_to_batch_paddings": ("...engine.ops.array_space", "required_space_to_batch_paddings"),
    "reshape": ("...engine.ops.array", "reshape"),
    "reverse": ("...engine.ops.array_order", "reverse"),
    "reverse_sequence": ("...engine.ops.array_order", "reverse_sequence"),
    "reverse_v2": ("...engine.ops.array_order", "reverse"),
    "scatter_nd": ("...engine.ops.array_scatter", "scatter_nd"),
    "searchsorted": ("...engine.ops.array_sets", "searchsorted"),
    "sequence_mask": ("...engine.ops.array_sets", "sequence_mask"),
    "setdiff1d": ("...engine.ops.array_sets", "setdiff1d"),
    "shape": ("...engine.ops.array", "shape"),
    "shape_n": ("...engine.ops.array_shape", "shape_n"),
    "size": ("...engine.ops.array_shape", "size"),
    "slice": ("...engine.ops.array_slice", "slice_"),
    "space_to_batch": ("...engine.ops.array_space", "space_to_batch"),
    "space_to_batch_nd": ("...engine.ops.array_space", "space_to_batch_nd"),
    "space_to_depth": ("...engine.ops.array_space", "space_to_depth"),
    "sparse_mask": ("...engine.ops.sparse_functions", "sparse_mask"),
    "sparse_placeholder": ("...engine.ops.constant", "sparse_placeholder"),
    "split": ("...engine.ops.array_split", "split"),
    "squeeze": ("...engine.ops.array_shape", "squeeze"),
    "stop_gradient": ("...engine.ops.guards", "stop_gradient"),
    "strided_slice": ("...engine.ops.array_slice", "strided_slice"),
    "tensor_diag_part": ("...engine.ops.diagonals", "diag_part"),
    "tensor_scatter_add": ("...engine.ops.array_scatter", "tensor_scatter_add"),
    "tensor_scatter_nd_update": ("...engine.ops.array_scatter", "tensor_scatter_update"),
    "tensor_scatter_sub": ("...engine.ops.array_scatter", "tensor_scatter_sub"),
    "tile": ("...engine.ops.array_pad", "tile"),
    "transpose": ("...engine.ops.array_order", "transpose"),
    "unique": ("...engine.ops.array_sets", "unique"),
    "unique_with_counts": ("...engine.ops.array_sets", "unique_with_counts"),
    "where": ("...engine.ops.choice", "where"),
    "where_v2": ("...engine.ops.choice", "where_v2"),
    "zeros": ("...engine.ops.array_parts", "zeros"),
    "zeros_like": ("...engine.ops.array_parts", "zeros_like"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

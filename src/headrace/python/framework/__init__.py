"""The modules of `tensorflow.python.framework`. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from . import (
        constant_op,
        device,
        dtypes,
        errors,
        errors_impl,
        function,
        graph_io,
        graph_util,
        graph_util_impl,
        importer,
        indexed_slices,
        meta_graph,
        ops,
        random_seed,
        sparse_tensor,
        tensor_shape,
        tensor_spec,
        tensor_util,
        test_util,
    )

__all__ = [
    "constant_op", "device", "dtypes", "errors", "errors_impl", "function", "graph_io", "graph_util",
    "graph_util_impl", "importer", "indexed_slices", "meta_graph", "ops", "random_seed", "sparse_tensor",
    "tensor_shape", "tensor_spec", "tensor_util", "test_util",
]  # fmt: skip

_PLACES: Places = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

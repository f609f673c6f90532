"""The names of `tensorflow.python.framework.test_util`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...cluster.local import create_local_cluster
    from ...engine.testing import (
        TestCase as TensorFlowTestCase,
        assert_equal_graph_def,
        assert_equal_graph_def as assert_equal_graph_def_v1,
        gpu_device_name,
        is_gpu_available,
    )

__all__ = [
    "TensorFlowTestCase", "assert_equal_graph_def", "assert_equal_graph_def_v1", "create_local_cluster",
    "gpu_device_name", "is_gpu_available",
]  # fmt: skip

_PLACES: Places = {
    "TensorFlowTestCase": ("...engine.testing", "TestCase"),
    "assert_equal_graph_def": ("...engine.testing", "assert_equal_graph_def"),
    "assert_equal_graph_def_v1": ("...engine.testing", "assert_equal_graph_def"),
    "create_local_cluster": ("...cluster.local", "create_local_cluster"),
    "gpu_device_name": ("...engine.testing", "gpu_device_name"),
    "is_gpu_available": ("...engine.testing", "is_gpu_available"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

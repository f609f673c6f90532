"""`tf.test`: test cases with graphs and sessions."""

from .cluster.local import create_local_cluster
from .engine.testing import (
    Benchmark,
    TestCase,
    assert_equal_graph_def,
    compute_gradient,
    compute_gradient_error,
    get_temp_dir,
    gpu_device_name,
    is_built_with_cuda,
    is_built_with_gpu_support,
    is_built_with_rocm,
    is_built_with_xla,
    is_gpu_available,
    main,
)

__all__ = [
    "Benchmark", "TestCase", "assert_equal_graph_def", "compute_gradient", "compute_gradient_error",
    "create_local_cluster", "get_temp_dir", "gpu_device_name", "is_built_with_cuda", "is_built_with_gpu_support",
    "is_built_with_rocm", "is_built_with_xla", "is_gpu_available", "main",
]  # fmt: skip

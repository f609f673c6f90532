"""The names of `tensorflow.python.platform.test`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...cluster.local import create_local_cluster
    from ...engine.testing import (
        Benchmark,
        TestCase,
        compute_gradient,
        compute_gradient_error,
        get_temp_dir,
        gpu_device_name,
        is_built_with_cuda,
        is_gpu_available,
        main,
    )

__all__ = [
    "Benchmark", "TestCase", "compute_gradient", "compute_gradient_error", "create_local_cluster", "get_temp_dir",
    "gpu_device_name", "is_built_with_cuda", "is_gpu_available", "main",
]  # fmt: skip

_PLACES: Places = {
    "Benchmark": ("...engine.testing", "Benchmark"),
    "TestCase": ("...engine.testing", "TestCase"),
    "compute_gradient": ("...engine.testing", "compute_gradient"),
    "compute_gradient_error": ("...engine.testing", "compute_gradient_error"),
    "create_local_cluster": ("...cluster.local", "create_local_cluster"),
    "get_temp_dir": ("...engine.testing", "get_temp_dir"),
    "gpu_device_name": ("...engine.testing", "gpu_device_name"),
    "is_built_with_cuda": ("...engine.testing", "is_built_with_cuda"),
    "is_gpu_available": ("...engine.testing", "is_gpu_available"),
    "main": ("...engine.testing", "main"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

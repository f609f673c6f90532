"""`tf.test`: test cases with graphs and sessions."""

from .engine.testing import Benchmark as Benchmark
from .engine.testing import TestCase as TestCase
from .engine.testing import compute_gradient as compute_gradient
from .engine.testing import compute_gradient_error as compute_gradient_error
from .engine.testing import get_temp_dir as get_temp_dir
from .engine.testing import gpu_device_name as gpu_device_name
from .engine.testing import is_built_with_cuda as is_built_with_cuda
from .engine.testing import is_gpu_available as is_gpu_available
from .engine.testing import main as main

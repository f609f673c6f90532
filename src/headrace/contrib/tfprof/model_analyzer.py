"""The names of TensorFlow 1.15's `tf.contrib.tfprof.model_analyzer`."""

from ...engine.profiler.model_analyzer import (
    FLOAT_OPS_OPTIONS,
    PRINT_ALL_TIMING_MEMORY,
    TRAINABLE_VARS_PARAMS_STAT_OPTIONS,
    print_model_analysis,
)

__all__ = [
    "FLOAT_OPS_OPTIONS", "PRINT_ALL_TIMING_MEMORY", "TRAINABLE_VARS_PARAMS_STAT_OPTIONS", "print_model_analysis",
]  # fmt: skip

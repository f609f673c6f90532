"""tf.contrib.tfprof.model_analyzer: the profiler under its name before TensorFlow 1.3."""

from __future__ import annotations

from typing import Any

from ..graph import Graph
from ..protos import OpLogProto, RunMetadata
from .options import COLUMNS, ProfileOptionBuilder
from .profiler import profile

TRAINABLE_VARS_PARAMS_STAT_OPTIONS = ProfileOptionBuilder.trainable_variables_parameter()
FLOAT_OPS_OPTIONS = ProfileOptionBuilder.float_operation()
PRINT_ALL_TIMING_MEMORY = {**ProfileOptionBuilder.time_and_memory(), "order_by": "name"}
# Options that TensorFlow has no more.
_GONE = ("viz", "device_regexes")


def print_model_analysis(
    graph: Graph,
    run_meta: RunMetadata | None = None,
    op_log: OpLogProto | None = None,
    tfprof_cmd: str = "scope",
    tfprof_options: dict[str, Any] | None = None,
) -> Any:
    """Writes and returns what `tf.profiler.profile` does; `dump_to_file` among the options names a file to write to.

    Example:
        >>> import headrace as tf
        >>> with tf.Graph().as_default() as graph:
        ...     w = tf.get_variable("w", [3, 5])
        >>> options = {**TRAINABLE_VARS_PARAMS_STAT_OPTIONS, "output": "none"}
        >>> print_model_analysis(graph, tfprof_options=options).total_parameters
        15
    """
    given = TRAINABLE_VARS_PARAMS_STAT_OPTIONS if tfprof_options is None else tfprof_options
    options = {name: value for name, value in given.items() if name not in _GONE}
    # What the old columns are called now, and no more.
    options["select"] = [c for c in options.get("select", ["params"]) if c in COLUMNS]
    return profile(graph, run_meta, op_log, tfprof_cmd, options)

"""Runs with a trace: RunMetadata with the time of the step."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .compiler import CompiledStep


def run_traced(step: CompiledStep, run: Callable[[], Any], options: Any, run_metadata: Any) -> Any:
    """Runs a step; with a trace level above none, `run_metadata` gets one entry a step with start and duration."""
    start = time.time_ns()
    result = run()
    if run_metadata is not None and options is not None and options.trace_level:
        device = run_metadata.step_stats.dev_stats.add(device=step.options.placement.device_names()[0])
        device.node_stats.add(
            node_name="step", all_start_micros=start // 1000, all_end_rel_micros=(time.time_ns() - start) // 1000
        )
    return result

"""Traces of the stages that a task runs for a client elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..compiler import CompiledStep
from ..protos import RunOptions, StepStats
from ..recorder import Recorder
from .runs import recording
from .step_stats import fill_step_stats


def run_traced_stage(step: CompiledStep, values: Sequence[Any], trace_level: int) -> tuple[list[Any], bytes]:
    """A stage's results, and a StepStats of its run as bytes."""
    recorder = Recorder(trace_level == RunOptions.HARDWARE_TRACE)
    with recording(step.runtime, recorder):
        results = step.run(values)
    message = StepStats()
    fill_step_stats(message, recorder, step.options.placement)
    return results, message.SerializeToString()

"""The messages of `tensorflow.core.framework.step_stats_pb2`: what a traced step did."""

from ...engine.protos import AllocationDescription, AllocatorMemoryUsed, DeviceStepStats, MemoryStats, NodeExecStats, NodeOutput, StepStats

__all__ = [
    "AllocationDescription", "AllocatorMemoryUsed", "DeviceStepStats", "MemoryStats", "NodeExecStats", "NodeOutput",
    "StepStats",
]  # fmt: skip

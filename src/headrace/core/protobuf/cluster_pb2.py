"""The messages of `tensorflow.core.protobuf.cluster_pb2`: the tasks of a cluster."""

from ...engine.protos import ClusterDef, JobDef

__all__ = [
    "ClusterDef", "JobDef",
]  # fmt: skip

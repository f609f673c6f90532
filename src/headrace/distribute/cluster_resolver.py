"""The names of TensorFlow 1.15's `tf.distribute.cluster_resolver`."""

from ..cluster.resolvers import ClusterResolver, SimpleClusterResolver, SlurmClusterResolver, TFConfigClusterResolver

__all__ = [
    "ClusterResolver", "SimpleClusterResolver", "SlurmClusterResolver", "TFConfigClusterResolver",
]  # fmt: skip

"""The names of TensorFlow 1.15's `tf.estimator.experimental`."""

from ..estimators.kmeans import KMeansClustering as KMeans

__all__ = [
    "KMeans",
]  # fmt: skip

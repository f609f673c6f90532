"""The names of TensorFlow 1.15's `tf.contrib.factorization`."""

from ..estimators.clustering import (
    CLUSTERS_VAR_NAME,
    COSINE_DISTANCE,
    KMEANS_PLUS_PLUS_INIT,
    RANDOM_INIT,
    SQUARED_EUCLIDEAN_DISTANCE,
    KMeans,
)
from ..estimators.kmeans import KMeansClustering

__all__ = [
    "CLUSTERS_VAR_NAME", "COSINE_DISTANCE", "KMEANS_PLUS_PLUS_INIT", "RANDOM_INIT", "SQUARED_EUCLIDEAN_DISTANCE",
    "KMeans", "KMeansClustering",
]  # fmt: skip

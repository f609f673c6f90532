"""The messages of `tensorflow.core.example.feature_pb2`: what examples have."""

from ...engine.protos import BytesList, Feature, FeatureList, FeatureLists, Features, FloatList, Int64List

__all__ = [
    "BytesList", "Feature", "FeatureList", "FeatureLists", "Features", "FloatList", "Int64List",
]  # fmt: skip

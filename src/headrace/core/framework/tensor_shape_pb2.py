"""The messages of `tensorflow.core.framework.tensor_shape_pb2`: shapes of tensors."""

from ...engine.protos import TensorShapeProto

__all__ = [
    "TensorShapeProto",
]  # fmt: skip

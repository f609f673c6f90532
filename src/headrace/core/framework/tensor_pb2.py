"""The messages of `tensorflow.core.framework.tensor_pb2`: values of tensors."""

from ...engine.protos import TensorProto, VariantTensorDataProto

__all__ = [
    "TensorProto", "VariantTensorDataProto",
]  # fmt: skip

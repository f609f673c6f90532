"""The messages of `tensorflow.core.framework.attr_value_pb2`: attributes of nodes."""

from ...engine.protos import AttrValue, NameAttrList

__all__ = [
    "AttrValue", "NameAttrList",
]  # fmt: skip

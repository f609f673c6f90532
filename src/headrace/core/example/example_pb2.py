"""The messages of `tensorflow.core.example.example_pb2`: examples."""

from ...engine.protos import Example, SequenceExample

__all__ = [
    "Example", "SequenceExample",
]  # fmt: skip

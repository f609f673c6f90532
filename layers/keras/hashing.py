"""Hashing: words and numbers as hashes."""

from __future__ import annotations

from typing import Any

from ...engine.dtypes import int64, string
from ...engine.ops.array_parts import zeros_like
from ...engine.ops.casting import cast
from ...engine.ops.choice import where
from ...engine.ops.comparison import equal
from ...engine.ops.string_patterns import string_to_hash_bucket_fast, string_to_hash_bucket_strong
from ...engine.ops.strings import as_string
from . import backend
from .base import Layer
from .checks import positive
from .encoding import check_dense, encoded, encoded_shape, output_mode_of
from .serialization import registered


def hashed(values: Any, bins: int, salt: list[int] | None) -> Any:
    """Hashes of words or numbers below `bins`: FarmHash's, or SipHash's with a salt."""
    if values.dtype.base_dtype != string:
        values = as_string(cast(values, int64) if values.dtype.base_dtype.is_floating else values)
    if salt is None:
        return string_to_hash_bucket_fast(values, bins)
    return string_to_hash_bucket_strong(values, bins, key=salt)


def salt_of(layer: str, salt: Any) -> list[int] | None:
    """A salt as two numbers, None for None; ValueError for anything but one or two whole numbers."""
    if salt is None:
        return None
    if isinstance(salt, int):
        return [salt, salt]
    if isinstance(salt, list | tuple) and len(salt) == 2:
        return [int(salt[0]), int(salt[1])]
    raise ValueError(f"The `salt` of {layer} must be an integer or two of them, got {salt!r}")


@registered("layers")
class Hashing(Layer):
    """Words or whole numbers as hashes below `num_bins`, equal to TensorFlow's.

    Args:
        num_bins: number of hashes.
        mask_value: what becomes 0, which nothing else does then.
        salt: one or two numbers; SipHash is used with them, FarmHash without.
        output_mode: "int", "one_hot", "multi_hot" or "count".
        sparse: False.

    Raises:
        ValueError: an argument is none of these.
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        mode = output_mode_of("Hashing", output_mode)
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if mode == "int" else backend.floatx()
        super().__init__(**kwargs)
        check_dense("Hashing", sparse)
        if mode == "int" and self.dtype not in ("int32", "int64"):
            raise ValueError(f"The dtype of Hashing with output_mode 'int' must be int32 or int64, got {self.dtype}")
        self.num_bins = positive("Hashing", "num_bins", num_bins)
        self.mask_value, self.output_mode, self.salt = mask_value, mode, salt_of("Hashing", salt)

    @property
    def input_dtype(self) -> str:
        """Words."""
        return "string"

    def call(self, inputs: Any) -> Any:
        indices = self._bins_of(inputs)
        return encoded(indices, self.output_mode, self.num_bins, self.dtype)

    def _bins_of(self, values: Any) -> Any:
        if self.mask_value is None or self.num_bins == 1:
            return hashed(values, self.num_bins, self.salt)
        indices = hashed(values, self.num_bins - 1, self.salt) + 1
        return where(equal(values, self.mask_value), zeros_like(indices), indices)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return encoded_shape(input_shape, self.output_mode, self.num_bins)

"""Feature columns: how named features become the dense input of a model. Numeric columns, so far."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import DType, as_dtype, float32
from ..engine.graph import Tensor, get_default_graph
from ..engine.ops.array import reshape
from ..engine.ops.array_parts import concat
from ..engine.ops.casting import cast


@dataclass(frozen=True)
class NumericColumn:
    """A feature of numbers: `key` in the features, of shape [batch, *shape]."""

    key: str
    shape: tuple[int, ...] = (1,)
    dtype: DType = float32
    normalizer_fn: Callable[[Tensor], Tensor] | None = None

    @property
    def name(self) -> str:
        """The name by which the column's scope and errors call it."""
        return self.key

    @property
    def size(self) -> int:
        """Numbers an example."""
        return math.prod(self.shape)

    def dense(self, features: Mapping[str, Any]) -> Tensor:
        """The feature as float32 [batch, size]."""
        if self.key not in features:
            raise ValueError(f"Feature {self.key!r} is not in features dictionary: {sorted(features)}.")
        values = cast(convert_to_tensor(features[self.key]), float32)
        self._check(values)
        if self.normalizer_fn is not None:
            values = self.normalizer_fn(values)
        return reshape(values, [-1, self.size])

    def _check(self, values: Tensor) -> None:
        # Without it a batch of another width is cut into other examples.
        found = values.shape[1:].num_elements() if values.shape.ndims else None
        if found not in (None, self.size):
            raise ValueError(
                f"Feature {self.key!r} has shape {values.shape}, but its column has shape {self.shape} an example."
            )


def numeric_column(
    key: str,
    shape: Any = (1,),
    default_value: Any = None,
    dtype: Any = float32,
    normalizer_fn: Callable[[Tensor], Tensor] | None = None,
) -> NumericColumn:
    """A column of real numbers, as `tf.feature_column.numeric_column`.

    Args:
        key: the feature's name.
        shape: of one example's values.
        default_value: for parsing examples without the feature.
        dtype: a real type; the model always gets float32.
        normalizer_fn: applied to the float32 tensor.
    """
    sizes = (shape,) if isinstance(shape, int) else tuple(int(s) for s in shape)
    if any(s < 1 for s in sizes):
        raise ValueError(f"shape must be positive, got {sizes} for the column {key!r}")
    kind = as_dtype(dtype)
    if not (kind.is_floating or kind.is_integer):
        raise ValueError(f"dtype must be convertible to float. dtype: {kind.name}, key: {key}")
    del default_value
    return NumericColumn(key, sizes, kind, normalizer_fn)


def input_layer(features: Mapping[str, Any], feature_columns: Sequence[NumericColumn]) -> Tensor:
    """The columns of a batch side by side, by name: float32 [batch, sum of sizes]."""
    if not feature_columns:
        raise ValueError("feature_columns must not be empty.")
    ordered = sorted(feature_columns, key=lambda column: column.name)
    if len({c.name for c in ordered}) < len(ordered):
        raise ValueError(f"Duplicate feature columns: {[c.name for c in ordered]}")
    with get_default_graph().name_scope("input_layer"):
        parts = [column.dense(features) for column in ordered]
        return parts[0] if len(parts) == 1 else concat(parts, 1)

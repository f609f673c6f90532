"""`keras.regularizers`: losses of weights by name, with Keras 3's names and defaults."""

from __future__ import annotations

from typing import Any

from ...engine.ops.array import reshape
from ...engine.ops.array_order import transpose
from ...engine.ops.clipping import l2_normalize
from ...engine.ops.diagonals import eye
from ...engine.ops.products import matmul
from ...engine.ops.reduce import reduce_sum
from ...engine.ops.unary import abs as absolute, square
from .serialization import registered, resolve, serialize_keras_object

_KIND = "regularizers"


class Regularizer:
    """A function of a weight that gives a loss."""

    _names: tuple[str, ...] = ()

    def __call__(self, x: Any) -> Any:
        """The loss of a weight."""
        return reduce_sum(x) * 0.0

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {name: getattr(self, name) for name in self._names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The regularizer that `get_config` described."""
        return cls(**config)


def _factor(name: str, value: Any) -> float:
    if not isinstance(value, int | float) or value != value or value < 0 or value in (float("inf"),):
        raise ValueError(f"The regularization factor `{name}` must be a finite number from 0 on, got {value!r}")
    return float(value)


@registered(_KIND, "l1_l2")
class L1L2(Regularizer):
    """`l1 * sum(|x|) + l2 * sum(x ** 2)`."""

    _names: tuple[str, ...] = ("l1", "l2")

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = _factor("l1", l1 or 0.0), _factor("l2", l2 or 0.0)

    def __call__(self, x: Any) -> Any:
        terms = []
        if self.l1:
            terms.append(self.l1 * reduce_sum(absolute(x)))
        if self.l2:
            terms.append(self.l2 * reduce_sum(square(x)))
        return sum(terms[1:], terms[0]) if terms else super().__call__(x)


@registered(_KIND, "l1")
class L1(L1L2):
    """`l1 * sum(|x|)`."""

    _names = ("l1",)

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=l1)


@registered(_KIND, "l2")
class L2(L1L2):
    """`l2 * sum(x ** 2)`."""

    _names = ("l2",)

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=l2)


@registered(_KIND, "orthogonal_regularizer")
class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean of the products of different rows (or columns) of a matrix, as they point.

    Raises:
        ValueError: the mode is neither "rows" nor "columns", or the weight is no matrix.
    """

    _names = ("factor", "mode")

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        if mode not in ("rows", "columns"):
            raise ValueError(f'Invalid value for argument `mode`. Expected "rows" or "columns", got {mode!r}')
        self.factor, self.mode = _factor("factor", factor), mode

    def __call__(self, x: Any) -> Any:
        sizes = x.shape.as_list()
        if len(sizes) != 2:
            raise ValueError(f"OrthogonalRegularizer takes matrices, got shape {tuple(sizes)}")
        lines = l2_normalize(x if self.mode == "rows" else transpose(x), 1)
        count = sizes[0] if self.mode == "rows" else sizes[1]
        products = reshape(matmul(lines, transpose(lines)) * (1.0 - eye(count, dtype=x.dtype.base_dtype)), [-1])
        return self.factor * 0.5 * reduce_sum(absolute(products)) / max(count * (count - 1) / 2.0, 1.0)


l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer


def get(identifier: Any) -> Any:
    """The regularizer of a name, configuration or class; functions stay, None for None.

    Raises:
        ValueError: the name is unknown.
    """
    return resolve(_KIND, identifier)


def serialize(regularizer: Any) -> Any:
    """A regularizer's configuration."""
    return serialize_keras_object(regularizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The regularizer of a configuration or name."""
    return resolve(_KIND, config, custom_objects)

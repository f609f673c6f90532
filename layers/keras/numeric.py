"""Layers that prepare numbers: Normalization, Discretization, Rescaling."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.dtypes import as_dtype
from ...engine.ops.array import reshape
from ...engine.ops.binary import maximum
from ...engine.ops.casting import cast
from ...engine.ops.constant import constant
from ...engine.ops.ranges import bucketize_op
from ...engine.ops.unary import sqrt
from . import backend
from .adapting import batches
from .base import Layer, Shape
from .checks import positive
from .encoding import check_dense, encoded, encoded_shape, output_mode_of
from .serialization import registered


@registered("layers")
class Normalization(Layer):
    """`(inputs - mean) / sqrt(variance)`, with mean and variance given or found by `adapt`.

    Args:
        axis: the axis or axes that each have a mean of their own; None for one of everything.
        mean, variance: the numbers themselves; both or neither.
        invert: whether to do the inverse.

    Raises:
        ValueError: one of mean and variance alone was given, or shapes do not fit.
    """

    supports_masking = True

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if (mean is None) != (variance is None):
            raise ValueError(
                f"When setting values directly, both `mean` and `variance` must be set in Normalization {self.name!r}; "
                f"got mean={mean} and variance={variance}"
            )
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.input_mean, self.input_variance, self.invert = mean, variance, invert
        self._found: tuple[Any, Any] = (0.0, 1.0)

    @property
    def mean(self) -> Any:
        """The means that were given or found, None before there are some; an array."""
        return self._numbers(self.input_mean, "adapt_mean")

    @property
    def variance(self) -> Any:
        """The variances that were given or found, None before there are some; an array."""
        return self._numbers(self.input_variance, "adapt_variance")

    def _numbers(self, given: Any, name: str) -> Any:
        if given is not None:
            return np.asarray(given, self.dtype)
        return backend.get_value(getattr(self, name)) if self.built else None

    def _kept_axes(self, rank: int) -> list[int]:
        if any(not -rank <= axis < rank for axis in self.axis):
            raise ValueError(
                f"All axes {self.axis} of Normalization {self.name!r} must be below the input's rank {rank}"
            )
        return sorted(axis % rank for axis in self.axis)

    def build(self, input_shape: Shape) -> None:
        kept = self._kept_axes(len(input_shape))
        sizes = [input_shape[axis] for axis in kept]
        if None in sizes:
            raise ValueError(
                f"The sizes along the axes {self.axis} of Normalization {self.name!r} must be known, got {input_shape}"
            )
        self._spread = [(size or 0) if axis in kept else 1 for axis, size in enumerate(input_shape)]
        if self.input_mean is None:
            mean, variance = self._found
            still: dict[str, Any] = {"shape": sizes, "trainable": False}
            self.adapt_mean = self.add_weight(name="mean", initializer=_exactly(mean), **still)
            self.adapt_variance = self.add_weight(name="variance", initializer=_exactly(variance), **still)
            self.count = self.add_weight(name="count", shape=(), dtype="int64", initializer="zeros", trainable=False)

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Finds mean and variance of data: an array, an iterable of batches or a dataset.

        Raises:
            ValueError: mean and variance were given, there is no data, or its shape is not that of the inputs.
        """
        if self.input_mean is not None:
            raise ValueError(f"Cannot `adapt` Normalization {self.name!r}: it was made with mean and variance")
        total, mean, square, shape = 0.0, np.zeros(()), np.zeros(()), None
        for batch in batches(data, steps):
            values = np.asarray(batch, np.float64)
            shape = (None, *values.shape[1:])
            kept = self._kept_axes(values.ndim)
            reduced = tuple(axis for axis in range(values.ndim) if axis not in kept)
            count = float(np.prod([values.shape[axis] for axis in reduced]))
            share = count / (total + count)
            before = mean
            mean = before + (values.mean(axis=reduced) - before) * share
            square = (square + (before - mean) ** 2) * (1 - share)
            square = square + (values.var(axis=reduced) + (values.mean(axis=reduced) - mean) ** 2) * share
            total += count
        if shape is None:
            raise ValueError(f"Normalization {self.name!r} was adapted to data without a batch")
        self._set(mean, square, shape)

    def _set(self, mean: Any, variance: Any, shape: Any) -> None:
        if not self.built:
            self._found = (mean, variance)
            self.build(shape)
            return
        sizes = tuple(self.adapt_mean.shape.as_list())
        if np.shape(mean) != sizes:
            raise ValueError(
                f"Normalization {self.name!r} was built for means of shape {sizes}, but the data has {np.shape(mean)}"
            )
        backend.batch_set_value([(self.adapt_mean, mean), (self.adapt_variance, variance)])

    def call(self, inputs: Any) -> Any:
        kind = as_dtype(self.dtype)
        values = cast(inputs, kind)
        if self.input_mean is None:
            mean, variance = reshape(self.adapt_mean, self._spread), reshape(self.adapt_variance, self._spread)
        else:
            mean, variance = (constant(self._given_values(v), kind) for v in (self.input_mean, self.input_variance))
        width = maximum(sqrt(variance), backend.epsilon())
        return mean + values * width if self.invert else (values - mean) / width

    def _given_values(self, value: Any) -> Any:
        array = np.asarray(value, as_dtype(self.dtype).as_numpy_dtype)
        kept = self._kept_axes(len(self._spread))
        shape = [1] * len(self._spread)
        for place in range(1, array.ndim + 1):
            shape[kept[-place]] = array.shape[-place]
        return np.broadcast_to(array.reshape(shape), self._spread)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)


def _exactly(value: Any) -> Any:
    """An initializer that gives a value."""
    return lambda shape, dtype=None: constant(np.broadcast_to(np.asarray(value, np.float64), shape), dtype)


@registered("layers")
class Discretization(Layer):
    """Numbers as the index of the bin that they fall into; bins are given by their boundaries or found by `adapt`.

    Args:
        bin_boundaries: ascending numbers; a number equal to one belongs to the bin above.
        num_bins: how many bins `adapt` shall find, in place of boundaries.
        epsilon: how precise `adapt` is: it keeps `1 / epsilon` quantiles.
        output_mode: "int", "one_hot", "multi_hot" or "count".
        sparse: False.

    Raises:
        ValueError: both or neither of boundaries and number of bins are given, or the mode is unknown.
    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.output_mode = output_mode_of("Discretization", output_mode)
        super().__init__(name=name, dtype=dtype, **kwargs)
        check_dense("Discretization", sparse)
        self._result = ("int64" if self.output_mode == "int" else backend.floatx()) if dtype is None else self.dtype
        if (num_bins is None) == (bin_boundaries is None):
            raise ValueError(
                f"Discretization {self.name!r} needs either `num_bins` or `bin_boundaries`, got {num_bins} and {bin_boundaries}"
            )
        self.num_bins = None if num_bins is None else positive("Discretization", "num_bins", num_bins)
        self.bin_boundaries = None if bin_boundaries is None else [float(b) for b in bin_boundaries]
        self.epsilon = epsilon

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Finds boundaries between bins that hold about as much of the data each.

        Raises:
            ValueError: the boundaries were given.
        """
        if self.num_bins is None:
            raise ValueError(f"Cannot `adapt` Discretization {self.name!r}: it was made with `bin_boundaries`")
        summary = np.zeros((2, 0), np.float32)
        for batch in batches(data, steps):
            both = np.concatenate([_summary(np.asarray(batch, np.float32), self.epsilon), summary], 1)
            summary = _compressed(both[:, np.argsort(both[0])], self.epsilon)
        self.bin_boundaries = _compressed(summary, 1.0 / self.num_bins)[0, :-1].tolist()

    def call(self, inputs: Any) -> Any:
        if self.bin_boundaries is None:
            raise ValueError(f"Discretization {self.name!r} has no `bin_boundaries`: call adapt(data) first")
        indices = bucketize_op(inputs, boundaries=list(self.bin_boundaries))
        return encoded(indices, self.output_mode, len(self.bin_boundaries) + 1, self._result)

    def compute_output_shape(self, input_shape: Any) -> Any:
        depth = self.num_bins if self.bin_boundaries is None else len(self.bin_boundaries) + 1
        return encoded_shape(input_shape, self.output_mode, depth)

    def get_config(self) -> dict[str, Any]:
        """The arguments; boundaries that were found in place of their number."""
        config = super().get_config()
        return config if self.bin_boundaries is None else {**config, "num_bins": None}


def _summary(values: Any, epsilon: float) -> Any:
    """Quantiles of values in a first row, and how many each stands for in a second."""
    values = np.sort(values, axis=None)
    step = max(values.size * epsilon, 1)
    bounds = values[int(step - 1) :: int(step)]
    return np.stack([bounds, np.ones_like(bounds) * step])


def _compressed(summary: Any, epsilon: float) -> Any:
    """A summary of `1 / epsilon` quantiles, interpolated between those of a larger one."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    sums = summary[1].cumsum()
    bounds = np.interp(shares, sums / sums[-1], summary[0])
    counts = np.interp(shares, sums / sums[-1], sums)
    return np.stack([bounds, np.diff(counts, prepend=0)]).astype(np.float32)


@registered("layers")
class Rescaling(Layer):
    """`inputs * scale + offset`."""

    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset

    def call(self, inputs: Any) -> Any:
        kind = as_dtype(self.dtype)
        return cast(inputs, kind) * constant(np.asarray(self.scale), kind) + constant(np.asarray(self.offset), kind)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

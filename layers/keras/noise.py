"""Layers that do something while training only: dropout of several kinds, and noise."""

from __future__ import annotations

import math
from typing import Any

from ...engine.ops.array import identity, shape as shape_of
from ...engine.ops.array_parts import zeros_like
from ...engine.ops.casting import cast
from ...engine.ops.cond import smart_cond
from ...engine.ops.nn_layers import dropout as nn_dropout
from ...engine.ops.random import random_normal, random_uniform
from .base import Layer
from .checks import share
from .data_format import data_format_of, spatial_axes
from .input_spec import InputSpec
from .serialization import registered

# SELU's constants: what dropped units become.
_ALPHA, _SCALE = 1.6732632423543772, 1.0507009873554805


class _OnlyTraining(Layer):
    """A layer that changes its inputs while training and hands them on otherwise."""

    supports_masking = True

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The inputs, changed while training."""
        if not self.changes():
            return inputs
        return smart_cond(training, lambda: self.changed(inputs), lambda: identity(inputs))

    def changes(self) -> bool:
        """Whether the layer does anything at all."""
        return True

    def changed(self, inputs: Any) -> Any:
        """The inputs as training sees them."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)


@registered("layers")
class Dropout(_OnlyTraining):
    """Sets a random `rate` of the inputs to zero and scales the others up, while training.

    Args:
        rate: share of elements dropped, within 0 and 1.
        noise_shape: shape of the mask, broadcast to the inputs'; None for an input's own size.
        seed: of the mask.

    Raises:
        ValueError: the rate is out of range.
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = share(type(self).__name__, "rate", rate)
        self.noise_shape, self.seed = noise_shape, seed

    def changes(self) -> bool:
        """Whether anything is dropped."""
        return self.rate > 0

    def changed(self, inputs: Any) -> Any:
        """The inputs with elements dropped."""
        if self.rate == 1:
            return zeros_like(inputs)
        return nn_dropout(inputs, rate=self.rate, noise_shape=self.noise_of(inputs), seed=self.seed)

    def noise_of(self, inputs: Any) -> Any:
        """The mask's shape."""
        if self.noise_shape is None:
            return None
        sizes = shape_of(inputs)
        return [sizes[i] if size is None else size for i, size in enumerate(self.noise_shape)]


class _SpatialDropout(Dropout):
    _rank: int

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = data_format_of(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def noise_of(self, inputs: Any) -> Any:
        """One draw for all places of a channel."""
        sizes = shape_of(inputs)
        alone = spatial_axes(self.data_format, self._rank)
        return [1 if axis in alone else sizes[axis] for axis in range(self._rank + 2)]


@registered("layers")
class SpatialDropout1D(_SpatialDropout):
    """Drops whole channels of sequences; see Dropout."""

    _rank = 1

    def __init__(
        self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(rate, "channels_last", seed, name, dtype, **kwargs)


@registered("layers")
class SpatialDropout2D(_SpatialDropout):
    """Drops whole channels of images; see Dropout."""

    _rank = 2


@registered("layers")
class SpatialDropout3D(_SpatialDropout):
    """Drops whole channels of volumes; see Dropout."""

    _rank = 3


@registered("layers")
class AlphaDropout(Dropout):
    """Dropout for networks of SELU: dropped units take its limit, and mean and variance stay."""

    def changed(self, inputs: Any) -> Any:
        """The inputs with elements dropped."""
        limit = -_ALPHA * _SCALE
        noise = self.noise_of(inputs)
        drawn = random_uniform(
            shape_of(inputs) if noise is None else noise, dtype=inputs.dtype.base_dtype, seed=self.seed
        )
        kept = cast(drawn >= self.rate, inputs.dtype.base_dtype)
        scale = ((1 - self.rate) * (1 + self.rate * limit**2)) ** -0.5 if self.rate < 1 else 0.0
        return scale * (inputs * kept + limit * (1.0 - kept)) - scale * limit * self.rate


@registered("layers")
class GaussianDropout(_OnlyTraining):
    """Multiplies with normal numbers of mean 1 and deviation `sqrt(rate / (1 - rate))`, while training.

    Raises:
        ValueError: the rate is out of range.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate, self.seed = share("GaussianDropout", "rate", rate, below_one=True), seed

    def changes(self) -> bool:
        """Whether there is any noise."""
        return self.rate > 0

    def changed(self, inputs: Any) -> Any:
        """The inputs with noise."""
        deviation = math.sqrt(self.rate / (1.0 - self.rate))
        return inputs * random_normal(shape_of(inputs), 1.0, deviation, inputs.dtype.base_dtype, self.seed)


@registered("layers")
class GaussianNoise(_OnlyTraining):
    """Adds normal numbers of mean 0 and deviation `stddev`, while training.

    Raises:
        ValueError: the deviation is negative.
    """

    def __init__(self, stddev: Any, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(stddev, bool) or not isinstance(stddev, int | float) or stddev < 0:
            raise ValueError(f"The `stddev` of a GaussianNoise layer must be from 0 on, got {stddev!r}")
        self.stddev, self.seed = stddev, seed

    def changes(self) -> bool:
        """Whether there is any noise."""
        return self.stddev > 0

    def changed(self, inputs: Any) -> Any:
        """The inputs with noise."""
        return inputs + random_normal(shape_of(inputs), 0.0, self.stddev, inputs.dtype.base_dtype, self.seed)

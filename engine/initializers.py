"""Initializers of variables: objects that give the first value of a variable of a given shape and dtype."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from .dtypes import DType, as_dtype, float32
from .graph import Tensor
from .ops.array import fill, reshape
from .ops.array_order import matrix_transpose
from .ops.array_parts import ones, zeros
from .ops.array_slice import slice_
from .ops.constant import constant
from .ops.decompositions import qr
from .ops.diagonals import diag_part
from .ops.random import random_normal, random_uniform, truncated_normal
from .ops.unary import sign
from .shapes import TensorShape

# The deviation of a standard normal distribution that is cut off at 2.
TRUNCATED_DEVIATION = 0.87962566103423978


def _sizes(shape: Any) -> list[int]:
    sizes = TensorShape(shape)
    if not sizes.is_fully_defined():
        raise ValueError(f"The shape of a variable must be fully defined, got {sizes}")
    return [int(size) for size in sizes.as_list() if size is not None]


def _full_sizes(shape: Any, partition_info: Any) -> list[int]:
    """The sizes of the whole variable, of which `shape` may be one part."""
    return _sizes(shape if partition_info is None else partition_info.full_shape)


def _floating(dtype: Any) -> DType:
    result = as_dtype(dtype).base_dtype
    if not result.is_floating:
        raise ValueError(f"Expected floating point type, got {result!r}.")
    return result


# Elements of the largest array of one value that a graph holds: a larger one is made when the step runs.
_LARGEST_CONSTANT = 1 << 16


class Initializer:
    """What all initializers share: calling one with a shape gives a tensor, `get_config` its arguments."""

    dtype: DType

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        """The value of a variable of `shape`.

        Args:
            shape: of the variable, or of one part of a partitioned variable.
            dtype: of the variable; None takes the initializer's own.
            partition_info: which part of the variable it is, None for the whole.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how it initializes")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The initializer that `get_config` described."""
        return cls(**config)

    def _dtype(self, dtype: Any) -> DType:
        return self.dtype if dtype is None else as_dtype(dtype).base_dtype


class Zeros(Initializer):
    """Zeros (False, empty strings)."""

    def __init__(self, dtype: Any = float32) -> None:
        self.dtype = as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return zeros(shape, self._dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        """The dtype."""
        return {"dtype": self.dtype.name}


class Ones(Initializer):
    """Ones (True)."""

    def __init__(self, dtype: Any = float32) -> None:
        self.dtype = as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return ones(shape, self._dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        """The dtype."""
        return {"dtype": self.dtype.name}


class Constant(Initializer):
    """A value, or a list of values whose last one fills what is left.

    Raises:
        TypeError: the value is no number, list or array.
    """

    def __init__(self, value: Any = 0, dtype: Any = float32, verify_shape: bool = False) -> None:
        if not (np.isscalar(value) or isinstance(value, list | tuple | np.ndarray)):
            raise TypeError(f"Invalid type for initial value: {type(value)} (expected Python scalar, list or array).")
        self.value = value
        self.dtype = as_dtype(dtype)
        self._verify_shape = verify_shape

    def __call__(
        self, shape: Any, dtype: Any = None, partition_info: Any = None, verify_shape: bool | None = None
    ) -> Tensor:
        verify = self._verify_shape if verify_shape is None else verify_shape
        sizes = _sizes(shape)
        if np.ndim(self.value) == 0 and math.prod(sizes) > _LARGEST_CONSTANT:
            return fill(sizes, constant(self.value, self._dtype(dtype)))
        return constant(self.value, self._dtype(dtype), shape, verify_shape=verify)

    def get_config(self) -> dict[str, Any]:
        """The value and the dtype."""
        return {"value": self.value, "dtype": self.dtype.name}


class RandomUniform(Initializer):
    """Numbers uniform in [minval, maxval); maxval is 1 for floats if left out."""

    def __init__(self, minval: Any = 0, maxval: Any = None, seed: int | None = None, dtype: Any = float32) -> None:
        self.minval = minval
        self.maxval = maxval
        self.seed = seed
        self.dtype = as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return random_uniform(shape, self.minval, self.maxval, self._dtype(dtype), self.seed)

    def get_config(self) -> dict[str, Any]:
        """The bounds, the seed and the dtype."""
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed, "dtype": self.dtype.name}


class _Normal(Initializer):
    _draw: Callable[..., Tensor]

    def __init__(self, mean: Any = 0.0, stddev: Any = 1.0, seed: int | None = None, dtype: Any = float32) -> None:
        self.mean = mean
        self.stddev = stddev
        self.seed = seed
        self.dtype = _floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return type(self)._draw(shape, self.mean, self.stddev, self._dtype(dtype), self.seed)

    def get_config(self) -> dict[str, Any]:
        """The mean, the deviation, the seed and the dtype."""
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed, "dtype": self.dtype.name}


class RandomNormal(_Normal):
    """Normal numbers of the given mean and deviation."""

    _draw = staticmethod(random_normal)


class TruncatedNormal(_Normal):
    """Normal numbers, drawn again where they lie more than two deviations from the mean."""

    _draw = staticmethod(truncated_normal)


class UniformUnitScaling(Initializer):
    """Uniform numbers that keep the scale of the input: within `factor * sqrt(3 / inputs)`."""

    def __init__(self, factor: float = 1.0, seed: int | None = None, dtype: Any = float32) -> None:
        self.factor = factor
        self.seed = seed
        self.dtype = _floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        inputs = max(math.prod(_full_sizes(shape, partition_info)[:-1]), 1)
        limit = math.sqrt(3 / inputs) * self.factor
        return random_uniform(shape, -limit, limit, self._dtype(dtype), self.seed)

    def get_config(self) -> dict[str, Any]:
        """The factor, the seed and the dtype."""
        return {"factor": self.factor, "seed": self.seed, "dtype": self.dtype.name}


class VarianceScaling(Initializer):
    """Numbers whose variance is `scale` over the number of inputs, outputs, or the mean of both.

    Args:
        scale: positive.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal" (also "normal"), "untruncated_normal" or "uniform".
        seed: of the random op.
        dtype: used where the call gives none.

    Raises:
        ValueError: for other arguments.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        dtype: Any = float32,
    ) -> None:
        if scale <= 0.0:
            raise ValueError(f"`scale` must be positive float, got {scale!r}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"Invalid `mode` argument: {mode!r}, expected fan_in, fan_out or fan_avg")
        distribution = distribution.lower()
        if distribution not in ("normal", "uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(f"Invalid `distribution` argument: {distribution!r}")
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.seed = seed
        self.dtype = _floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        fan_in, fan_out = fans(_full_sizes(shape, partition_info))
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        scale = self.scale / max(1.0, fan)
        wanted = self._dtype(dtype)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * scale)
            return random_uniform(shape, -limit, limit, wanted, self.seed)
        if self.distribution == "untruncated_normal":
            return random_normal(shape, 0.0, math.sqrt(scale), wanted, self.seed)
        return truncated_normal(shape, 0.0, math.sqrt(scale) / TRUNCATED_DEVIATION, wanted, self.seed)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        names = ("scale", "mode", "distribution", "seed")
        return {**{name: getattr(self, name) for name in names}, "dtype": self.dtype.name}


def fans(sizes: list[int]) -> tuple[float, float]:
    """How many inputs and outputs a weight of a shape has; all but the last two sizes are a receptive field."""
    if not sizes:
        return 1, 1
    if len(sizes) == 1:
        return sizes[0], sizes[0]
    field = math.prod(sizes[:-2])
    return sizes[-2] * field, sizes[-1] * field


class Orthogonal(Initializer):
    """A random matrix with orthonormal columns (or rows, where there are fewer); other shapes are flattened to one."""

    def __init__(self, gain: float = 1.0, seed: int | None = None, dtype: Any = float32) -> None:
        self.gain = gain
        self.seed = seed
        self.dtype = _floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        sizes = _sizes(shape)
        if len(sizes) < 2:
            raise ValueError(f"The tensor to initialize must be at least two-dimensional, got shape {sizes}")
        rows, columns = math.prod(sizes[:-1]), sizes[-1]
        flat = [max(rows, columns), min(rows, columns)]
        q, r = qr(random_normal(flat, dtype=self._dtype(dtype), seed=self.seed), full_matrices=False)
        # Signs that make the matrix uniform over all orthogonal ones.
        q = q * sign(diag_part(r))
        return self.gain * reshape(matrix_transpose(q) if rows < columns else q, sizes)

    def get_config(self) -> dict[str, Any]:
        """The gain, the seed and the dtype."""
        return {"gain": self.gain, "seed": self.seed, "dtype": self.dtype.name}


class Identity(Initializer):
    """`gain` times the identity matrix; for matrices only."""

    def __init__(self, gain: float = 1.0, dtype: Any = float32) -> None:
        self.gain = gain
        self.dtype = _floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        full = _full_sizes(shape, partition_info)
        if len(full) != 2:
            raise ValueError(f"Identity matrix initializer can only be used for 2D matrices, got shape {full}")
        matrix = constant(self.gain * np.eye(full[0], full[1]), self._dtype(dtype))
        return matrix if partition_info is None else slice_(matrix, partition_info.var_offset, _sizes(shape))

    def get_config(self) -> dict[str, Any]:
        """The gain and the dtype."""
        return {"gain": self.gain, "dtype": self.dtype.name}


class GlorotUniform(VarianceScaling):
    """Uniform within `sqrt(6 / (inputs + outputs))`, also called Xavier initialization."""

    def __init__(self, seed: int | None = None, dtype: Any = float32) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)

    def get_config(self) -> dict[str, Any]:
        """The seed and the dtype."""
        return {"seed": self.seed, "dtype": self.dtype.name}


class GlorotNormal(VarianceScaling):
    """Truncated normal of the variance `2 / (inputs + outputs)`."""

    def __init__(self, seed: int | None = None, dtype: Any = float32) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)

    def get_config(self) -> dict[str, Any]:
        """The seed and the dtype."""
        return {"seed": self.seed, "dtype": self.dtype.name}


def lecun_normal(seed: int | None = None) -> VarianceScaling:
    """Truncated normal of the variance `1 / inputs`."""
    return VarianceScaling(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: int | None = None) -> VarianceScaling:
    """Uniform within `sqrt(3 / inputs)`."""
    return VarianceScaling(1.0, "fan_in", "uniform", seed)


def he_normal(seed: int | None = None) -> VarianceScaling:
    """Truncated normal of the variance `2 / inputs`, for layers with relu."""
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: int | None = None) -> VarianceScaling:
    """Uniform within `sqrt(6 / inputs)`, for layers with relu."""
    return VarianceScaling(2.0, "fan_in", "uniform", seed)


zeros_initializer = Zeros
ones_initializer = Ones
constant_initializer = Constant
random_uniform_initializer = RandomUniform
random_normal_initializer = RandomNormal
truncated_normal_initializer = TruncatedNormal
uniform_unit_scaling_initializer = UniformUnitScaling
variance_scaling_initializer = VarianceScaling
orthogonal_initializer = Orthogonal
identity_initializer = Identity
glorot_uniform_initializer = GlorotUniform
glorot_normal_initializer = GlorotNormal


# Those of tf.contrib.layers


def contrib_variance_scaling_initializer(
    factor: float = 2.0,
    mode: str = "FAN_IN",
    uniform: bool = False,
    seed: int | None = None,
    dtype: Any = float32,
) -> Callable[..., Tensor]:
    """TensorFlow 1.15's `tf.contrib.layers.variance_scaling_initializer`: a function of shape and dtype.

    Unlike `VarianceScaling` the variance of its truncated normal is rounded: `1.3 * factor / n`.

    Raises:
        TypeError: the mode or the dtype is none.
    """
    dtype = as_dtype(dtype)
    if not dtype.is_floating:
        raise TypeError(f"Cannot create initializer for non-floating point type {dtype.name}.")
    if mode not in ("FAN_IN", "FAN_OUT", "FAN_AVG"):
        raise TypeError(f"Unknown mode {mode!r}, expected FAN_IN, FAN_OUT or FAN_AVG")

    def initializer(shape: Any, dtype: Any = dtype, partition_info: Any = None) -> Tensor:
        fan_in, fan_out = fans(_full_sizes(shape, partition_info))
        n = {"FAN_IN": fan_in, "FAN_OUT": fan_out, "FAN_AVG": (fan_in + fan_out) / 2.0}[mode]
        if uniform:
            limit = math.sqrt(3.0 * factor / n)
            return random_uniform(shape, -limit, limit, dtype, seed)
        return truncated_normal(shape, 0.0, math.sqrt(1.3 * factor / n), dtype, seed)

    return initializer


def xavier_initializer(uniform: bool = True, seed: int | None = None, dtype: Any = float32) -> Callable[..., Tensor]:
    """TensorFlow 1.15's `tf.contrib.layers.xavier_initializer`: keeps the scale of activations and of gradients."""
    return contrib_variance_scaling_initializer(1.0, "FAN_AVG", uniform, seed, dtype)


xavier_initializer_conv2d = xavier_initializer

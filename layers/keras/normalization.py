"""LayerNormalization, RMSNormalization, GroupNormalization, UnitNormalization: each example by itself."""

from __future__ import annotations

from typing import Any

from ...engine.dtypes import bfloat16, float16, float32, float64
from ...engine.ops.array import reshape, shape as shape_of
from ...engine.ops.casting import cast
from ...engine.ops.clipping import l2_normalize
from ...engine.ops.nn_layer_norm import layer_normalization_op
from ...engine.ops.nn_moments import moments
from ...engine.ops.reduce import reduce_mean
from ...engine.ops.unary import rsqrt, square
from .base import Layer, Shape
from .batch_normalization import feature_size
from .input_spec import InputSpec
from .reshaping import batch_of
from .serialization import registered


class _Alike(Layer):
    supports_masking = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        for axis in _listed(vars(self)["axis"]):
            if not -len(input_shape) <= axis < len(input_shape):
                raise ValueError(f"Axis {axis} of layer {self.name!r} is out of bounds for input shape {input_shape}")
        return tuple(input_shape)

    def sizes_along(self, input_shape: Shape) -> list[int]:
        """The sizes along the layer's axes."""
        return [feature_size(self.name, input_shape, axis) for axis in _listed(vars(self)["axis"])]


def _listed(axis: Any) -> list[int]:
    return sorted(axis) if isinstance(axis, list | tuple) else [axis]


def precise(x: Any) -> Any:
    """16-bit floats as float32."""
    return cast(x, float32) if x.dtype.base_dtype in (float16, bfloat16) else x


def _spread(value: Any, rank: int, axes: list[int]) -> Any:
    """A weight over axes, in a shape that goes with inputs of a rank."""
    wanted = {axis % rank for axis in axes}
    sizes = iter(value.shape.as_list())
    return reshape(value, [next(sizes) if axis in wanted else 1 for axis in range(rank)])


class _ScaledAndMoved(_Alike):
    """gamma and beta over the layer's axes."""

    casts_integers = True

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(axis, int) and not (isinstance(axis, list | tuple) and all(isinstance(a, int) for a in axis)):
            raise TypeError(f"The `axis` of {type(self).__name__} must be a number or a list of numbers, got {axis!r}")
        self.axis: Any = axis if isinstance(axis, int) else list(axis)
        self.epsilon, self.center, self.scale = epsilon, center, scale
        self.keep(
            beta_initializer=beta_initializer, beta_regularizer=beta_regularizer, beta_constraint=beta_constraint,
            gamma_initializer=gamma_initializer, gamma_regularizer=gamma_regularizer, gamma_constraint=gamma_constraint,
        )  # fmt: skip

    def build(self, input_shape: Shape) -> None:
        sizes = self.sizes_along(input_shape)
        self.gamma = self.make_weight("gamma", sizes) if self.scale else None
        self.beta = self.make_weight("beta", sizes) if self.center else None


@registered("layers")
class LayerNormalization(_ScaledAndMoved):
    """`gamma * (inputs - mean) / sqrt(variance + epsilon) + beta`, with the moments over `axis` of each example.

    Args:
        axis: the axis or axes that are normalized.
        epsilon: added to the variance.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: of
            the weights.
    """

    def call(self, inputs: Any) -> Any:
        x, axes = precise(inputs), _listed(self.axis)
        rank = len(x.sizes)
        last = [axis % rank for axis in axes] == [rank - 1]
        if last and self.gamma is not None and self.beta is not None and x.dtype.base_dtype in (float32, float64):
            weights = (cast(w, x.dtype.base_dtype) for w in (self.gamma, self.beta))
            return cast(layer_normalization_op(x, *weights, epsilon=self.epsilon)[0], inputs.dtype.base_dtype)
        mean, variance = moments(x, [axis % rank for axis in axes], keepdims=True)
        outputs = (x - mean) * rsqrt(variance + self.epsilon)
        if self.gamma is not None:
            outputs = outputs * cast(_spread(self.gamma, rank, axes), x.dtype.base_dtype)
        if self.beta is not None:
            outputs = outputs + cast(_spread(self.beta, rank, axes), x.dtype.base_dtype)
        return cast(outputs, inputs.dtype.base_dtype)


@registered("layers")
class GroupNormalization(_ScaledAndMoved):
    """As LayerNormalization, with the moments over all places of each of `groups` groups of channels.

    Args:
        groups: their number; -1 for as many as there are channels.
        axis: of the channels.
        epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint: as for LayerNormalization.

    Raises:
        ValueError: the channels are not known, or not a multiple of the groups.
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            axis, epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        self.groups = groups

    def build(self, input_shape: Shape) -> None:
        size = self.sizes_along(input_shape)[0]
        count = size if self.groups == -1 else self.groups
        if count < 1 or size % count:
            raise ValueError(
                f"The number of channels of layer {self.name!r} must be a multiple of its groups, got {size} and {count}"
            )
        self._count = count
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        x = precise(inputs)
        rank = len(x.sizes)
        axis = self.axis % rank
        sizes, known = shape_of(x), x.sizes
        whole: list[Any] = [known[i] if known[i] is not None else sizes[i] for i in range(rank)]
        grouped = [*whole[:axis], self._count, known[axis] // self._count, *whole[axis + 1 :]]
        values = reshape(x, grouped)
        mean, variance = moments(values, [i for i in range(1, rank + 1) if i != axis], keepdims=True)
        outputs = reshape((values - mean) * rsqrt(variance + self.epsilon), [batch_of(x), *whole[1:]])
        if self.gamma is not None:
            outputs = outputs * cast(_spread(self.gamma, rank, [axis]), x.dtype.base_dtype)
        if self.beta is not None:
            outputs = outputs + cast(_spread(self.beta, rank, [axis]), x.dtype.base_dtype)
        outputs.set_shape(inputs.shape)
        return cast(outputs, inputs.dtype.base_dtype)


@registered("layers")
class RMSNormalization(_Alike):
    """`scale * inputs / sqrt(mean(inputs ** 2) + epsilon)` over `axis` of each example."""

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis, self.epsilon = axis, epsilon

    def build(self, input_shape: Shape) -> None:
        self.scale = self.add_weight(name="scale", shape=self.sizes_along(input_shape), initializer="ones")

    def call(self, inputs: Any) -> Any:
        x, axes = precise(inputs), _listed(self.axis)
        mean = reduce_mean(square(x), axis=axes, keepdims=True)
        outputs = x * rsqrt(mean + self.epsilon) * cast(_spread(self.scale, len(x.sizes), axes), x.dtype.base_dtype)
        return cast(outputs, inputs.dtype.base_dtype)


@registered("layers")
class UnitNormalization(_Alike):
    """Inputs brought to norm 1 along an axis, or several together."""

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        return l2_normalize(inputs, _listed(self.axis), epsilon=1e-24)

"""Activations as layers: Activation, ReLU, LeakyReLU, PReLU, ELU, Softmax, ThresholdedReLU."""

from __future__ import annotations

from typing import Any

from ...engine.ops.casting import cast
from ...engine.ops.nn_activations import relu as nn_relu
from . import activations, constraints, initializers, regularizers
from .base import Layer, Shape
from .input_spec import InputSpec
from .serialization import registered


class _ElementWise(Layer):
    supports_masking = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)


@registered("layers")
class Activation(_ElementWise):
    """A function, or the activation of a name, applied to the inputs."""

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)


@registered("layers")
class ReLU(_ElementWise):
    """`max(x, 0)`, more generally as `keras.activations.relu`.

    Raises:
        ValueError: a number is negative.
    """

    def __init__(self, max_value: Any = None, negative_slope: Any = 0.0, threshold: Any = 0.0, **kwargs: Any) -> None:
        negative_slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        for name, value in {"max_value": max_value, "negative_slope": negative_slope, "threshold": threshold}.items():
            if (value is None and name != "max_value") or (value is not None and value < 0):
                raise ValueError(f"{name} of a ReLU layer must be a number from 0 on, got {value!r}")
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold

    def call(self, inputs: Any) -> Any:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


@registered("layers")
class LeakyReLU(_ElementWise):
    """`x` above zero, `negative_slope * x` below.

    Raises:
        ValueError: the slope is None or negative.
    """

    def __init__(self, negative_slope: Any = 0.3, **kwargs: Any) -> None:
        negative_slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        if negative_slope is None or negative_slope < 0:
            raise ValueError(f"The negative_slope of a LeakyReLU layer must be from 0 on, got {negative_slope!r}")
        self.negative_slope = negative_slope

    def call(self, inputs: Any) -> Any:
        return activations.leaky_relu(inputs, self.negative_slope)


@registered("layers")
class ELU(_ElementWise):
    """`x` above zero, `alpha * (exp(x) - 1)` below."""

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        return activations.elu(inputs, self.alpha)


@registered("layers")
class ThresholdedReLU(_ElementWise):
    """`x` above theta, zero elsewhere; as TensorFlow 1.15's.

    Raises:
        ValueError: theta is None or negative.
    """

    def __init__(self, theta: Any = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if theta is None or theta < 0:
            raise ValueError(f"The theta of a ThresholdedReLU layer must be from 0 on, got {theta!r}")
        self.theta = theta

    def call(self, inputs: Any) -> Any:
        return inputs * cast(inputs > self.theta, inputs.dtype.base_dtype)


@registered("layers")
class PReLU(_ElementWise):
    """`x` above zero, `alpha * x` below, with an alpha for each element that is trained.

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: of alpha.
        shared_axes: axes along which there is one alpha.
    """

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        if shared_axes is not None and not isinstance(shared_axes, list | tuple):
            shared_axes = [shared_axes]
        self.shared_axes = None if shared_axes is None else list(shared_axes)

    def build(self, input_shape: Shape) -> None:
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            shape[axis - 1] = 1
        self.alpha = self.make_weight("alpha", shape)
        self.input_spec = InputSpec(
            ndim=len(input_shape),
            axes={i: size for i, size in enumerate(input_shape) if i and i not in (self.shared_axes or ())},
        )

    def call(self, inputs: Any) -> Any:
        return nn_relu(inputs) - self.alpha * nn_relu(-inputs)


@registered("layers")
class Softmax(_ElementWise):
    """Shares along an axis, or several together, that sum to one; what the mask hides gets none."""

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is not None:
            hidden = 1.0 - cast(mask, inputs.dtype.base_dtype)
            inputs = inputs + hidden * (-3e4 if inputs.dtype.base_dtype.name == "float16" else -1e9)
        return activations.softmax(inputs, self.axis)

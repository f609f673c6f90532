"""Dense, Dropout and Flatten, and TensorFlow 1.15's functions over them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..engine.graph import Tensor
from ..engine.initializers import zeros_initializer
from ..engine.ops.array import identity, reshape, shape
from ..engine.ops.cond import smart_cond
from ..engine.ops.linalg import matmul_op
from ..engine.ops.nn_bias import bias_add
from ..engine.ops.nn_layers import dropout as nn_dropout
from ..engine.ops.products import tensordot
from ..engine.shapes import TensorShape
from .base import Layer
from .input_spec import InputSpec

Function = Callable[..., Any]


class Dense(Layer):
    """`activation(inputs @ kernel + bias)` over the last axis.

    Args:
        units: size of the output's last axis.
        activation: a function of tensors, None for none.
        use_bias: whether there is a bias.
        kernel_initializer: by default glorot_uniform.
        bias_initializer: zeros by default.
        kernel_regularizer, bias_regularizer, activity_regularizer: functions of tensors that give losses.
        kernel_constraint, bias_constraint: functions applied to variables after an update.
        trainable, name: as for every layer.

    Raises:
        ValueError: the input's last size is unknown.
    """

    def __init__(
        self,
        units: int,
        activation: Function | None = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = zeros_initializer,
        kernel_regularizer: Function | None = None,
        bias_regularizer: Function | None = None,
        activity_regularizer: Function | None = None,
        kernel_constraint: Function | None = None,
        bias_constraint: Function | None = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable, name, activity_regularizer=activity_regularizer, **kwargs)
        self.units = int(units)
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = as_initializer(bias_initializer)
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: TensorShape) -> None:
        size = None if input_shape.sizes is None else input_shape.sizes[-1]
        if size is None:
            raise ValueError("The last dimension of the inputs to `Dense` should be defined. Found `None`.")
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self.kernel = self.add_weight(
            "kernel",
            [size, self.units],
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                [self.units],
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, inputs: Tensor, **kwargs: Any) -> Tensor:
        flat = inputs.sizes is not None and len(inputs.sizes) == 2
        outputs = matmul_op(inputs, self.kernel) if flat else tensordot(inputs, self.kernel, [[-1], [0]])
        if self.bias is not None:
            outputs = bias_add(outputs, self.bias)
        return self.activation(outputs) if self.activation is not None else outputs

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        return TensorShape([*TensorShape(input_shape).as_list()[:-1], self.units])


class Dropout(Layer):
    """Sets a random `rate` of the inputs to zero and scales the others up, while training.

    Args:
        rate: share of elements dropped, at least 0 and below 1; a number or a scalar tensor.
        noise_shape: shape of the mask, broadcast to the inputs'.
        seed: of the mask.
    """

    def __init__(
        self,
        rate: Any = 0.5,
        noise_shape: Any = None,
        seed: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if isinstance(rate, int | float) and not 0 <= rate < 1:
            raise ValueError(f"rate must be at least 0 and below 1, got {rate}")
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def call(self, inputs: Tensor, training: Any = False, **kwargs: Any) -> Tensor:
        result: Tensor = smart_cond(training, lambda: self._dropped(inputs), lambda: identity(inputs))
        return result

    def _dropped(self, inputs: Tensor) -> Tensor:
        return nn_dropout(inputs, rate=self.rate, noise_shape=self.noise_shape, seed=self.seed)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        return TensorShape(input_shape)


class Flatten(Layer):
    """All axes but the first as one."""

    def __init__(self, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.input_spec = InputSpec(min_ndim=2)

    def call(self, inputs: Tensor, **kwargs: Any) -> Tensor:
        sizes = inputs.sizes or ()
        if all(s is not None for s in sizes[1:]):
            return reshape(inputs, [-1 if sizes[0] is None else sizes[0], math.prod(s or 0 for s in sizes[1:])])
        return reshape(inputs, [shape(inputs)[0], -1])

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        sizes = TensorShape(input_shape).as_list()
        rest = [s for s in sizes[1:] if s is not None]
        return TensorShape([sizes[0], math.prod(rest) if len(rest) == len(sizes) - 1 else None])


def dense(
    inputs: Any,
    units: int,
    activation: Function | None = None,
    use_bias: bool = True,
    kernel_initializer: Any = None,
    bias_initializer: Any = zeros_initializer,
    kernel_regularizer: Function | None = None,
    bias_regularizer: Function | None = None,
    activity_regularizer: Function | None = None,
    kernel_constraint: Function | None = None,
    bias_constraint: Function | None = None,
    trainable: bool = True,
    name: Any = None,
    reuse: Any = None,
) -> Tensor:
    """A densely connected layer as a function; see Dense for the arguments.

    Args:
        inputs: at least 2-D, with a known last size.
        units: size of the output's last axis.
        activation: a function of tensors, None for none.
        reuse: whether to use the variables of a layer of the same name.

    Example:
        >>> import headrace as tf
        >>> with tf.Graph().as_default():
        ...     y = tf.layers.dense(tf.zeros([4, 3]), 2, tf.nn.relu, name="hidden")
        ...     names = [v.name for v in tf.trainable_variables()]
        >>> y.shape.as_list(), names
        ([4, 2], ['hidden/kernel:0', 'hidden/bias:0'])
    """
    options = functional_options(locals())
    result: Tensor = Dense(**options)(inputs)
    return result


def dropout(
    inputs: Any,
    rate: Any = 0.5,
    noise_shape: Any = None,
    seed: int | None = None,
    training: Any = False,
    name: str | None = None,
) -> Tensor:
    """Dropout as a function; `training` may be a Python bool or a boolean tensor."""
    layer = Dropout(rate, noise_shape, seed, name=name)
    return layer(inputs, training=training)  # type: ignore[no-any-return]


def flatten(inputs: Any, name: str | None = None) -> Tensor:
    """All axes but the first as one."""
    return Flatten(name=name)(inputs)  # type: ignore[no-any-return]


def functional_options(arguments: dict[str, Any]) -> dict[str, Any]:
    """The constructor's arguments of a layer from those of its function, which also has `inputs` and `reuse`.

    The function's `name` may be a VariableScope, in which the variables are then made.
    """
    options = {name: value for name, value in arguments.items() if name not in ("inputs", "reuse")}
    scope = arguments["name"]
    return {**options, "name": getattr(scope, "name", scope), "_scope": scope, "_reuse": arguments["reuse"]}


def as_initializer(initializer: Any) -> Any:
    """An initializer where its class may be given too."""
    return initializer() if isinstance(initializer, type) else initializer

"""Batch normalization with moving averages, as TensorFlow 1.15's `tf.layers.BatchNormalization`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..engine.assignments import assign_sub
from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import bfloat16, float16, float32
from ..engine.graph import Tensor, get_default_graph
from ..engine.initializers import ones_initializer, zeros_initializer
from ..engine.ops.array import reshape
from ..engine.ops.casting import cast
from ..engine.ops.cond import smart_cond, smart_constant_value
from ..engine.ops.constant import constant
from ..engine.ops.nn_moments import batch_normalization as nn_batch_normalization, fused_batch_norm, moments
from ..engine.shapes import TensorShape
from .base import Layer
from .core import Function, as_initializer, functional_options
from .input_spec import InputSpec
from .rank_moments import has_other_ranks, moments_of_ranks

Moments = tuple[Tensor, Tensor]
FUSED_FORMATS = {1: "NCHW", 3: "NHWC"}


class BatchNormalization(Layer):
    """`gamma * (inputs - mean) / sqrt(variance + epsilon) + beta`, with the moments of the batch while training.

    Moving averages of the moments are kept while training and used otherwise. The operations that move them are in the
    collection UPDATE_OPS (and in `updates`); the training operation must depend on them.

    Args:
        axis: the axis of the channels, or several axes.
        momentum: of the moving averages.
        epsilon: added to the variance.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: of the variables.
        beta_regularizer, gamma_regularizer: functions of tensors that give losses.
        beta_constraint, gamma_constraint: functions applied to variables after an update.
        fused: use the one operation for images; by default where the input is 4-D and the axis 1 or 3. As in TensorFlow
            its moving variance is that of a sample, larger by n / (n - 1).
        synchronized: of several ranks that train together, use the moments of the batches of all.
        trainable, name: as for every layer.

    Raises:
        ValueError: the axis is out of range or of unknown size, `fused=True` for another input, or one of `renorm`,
            `virtual_batch_size` and `adjustment`, which this library does not have.
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = zeros_initializer,
        gamma_initializer: Any = ones_initializer,
        moving_mean_initializer: Any = zeros_initializer,
        moving_variance_initializer: Any = ones_initializer,
        beta_regularizer: Function | None = None,
        gamma_regularizer: Function | None = None,
        beta_constraint: Function | None = None,
        gamma_constraint: Function | None = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        fused: bool | None = None,
        trainable: bool = True,
        virtual_batch_size: int | None = None,
        adjustment: Function | None = None,
        name: str | None = None,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable, name, **kwargs)
        for option, given in {
            "renorm": renorm,
            "renorm_clipping": renorm_clipping,
            "virtual_batch_size": virtual_batch_size,
            "adjustment": adjustment,
        }.items():
            if given:
                raise ValueError(f"BatchNormalization has no `{option}` here, got {given!r}: leave it out")
        self.renorm, self.renorm_clipping, self.renorm_momentum = False, None, renorm_momentum
        self.virtual_batch_size, self.adjustment = None, None
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.momentum, self.epsilon, self.center, self.scale = momentum, epsilon, center, scale
        self.beta_initializer = as_initializer(beta_initializer)
        self.gamma_initializer = as_initializer(gamma_initializer)
        self.moving_mean_initializer = as_initializer(moving_mean_initializer)
        self.moving_variance_initializer = as_initializer(moving_variance_initializer)
        self.beta_regularizer, self.gamma_regularizer = beta_regularizer, gamma_regularizer
        self.beta_constraint, self.gamma_constraint = beta_constraint, gamma_constraint
        self.fused, self.synchronized = fused, synchronized
        self.beta: Any = None
        self.gamma: Any = None

    def build(self, input_shape: TensorShape) -> None:
        sizes = input_shape.sizes
        if sizes is None:
            raise ValueError(f"Input has undefined rank: {input_shape}")
        self._axes = _axes_of(self.axis, len(sizes))
        self._use_fused = self._fuses(len(sizes))
        known = {a: size for a in self._axes if (size := sizes[a]) is not None}
        if len(known) != len(self._axes):
            raise ValueError(f"Input has undefined `axis` dimension: axes {self._axes} of shape {input_shape}")
        self.input_spec = InputSpec(ndim=len(sizes), axes=known)
        one = len(known) == 1
        shape = list(known.values()) if one else [known.get(a, 1) for a in range(len(sizes))]
        self._add_parameters(shape)

    def _fuses(self, rank: int) -> bool:
        if self.synchronized and has_other_ranks():
            return False
        possible = rank == 4 and len(self._axes) == 1 and self._axes[0] in FUSED_FORMATS
        if self.fused and not possible:
            raise ValueError(f"fused=True takes 4-D inputs and axis 1 or 3, got rank {rank} and axis {self.axis}")
        return possible if self.fused is None else bool(self.fused)

    def _add_parameters(self, shape: list[int]) -> None:
        dtype = float32 if self.dtype in (float16, bfloat16) else self.dtype
        if self.scale:
            self.gamma = self.add_weight(
                "gamma", shape, dtype, self.gamma_initializer, self.gamma_regularizer, True, self.gamma_constraint
            )
        if self.center:
            self.beta = self.add_weight(
                "beta", shape, dtype, self.beta_initializer, self.beta_regularizer, True, self.beta_constraint
            )
        self.moving_mean = self.add_weight("moving_mean", shape, dtype, self.moving_mean_initializer, trainable=False)
        self.moving_variance = self.add_weight(
            "moving_variance", shape, dtype, self.moving_variance_initializer, trainable=False
        )

    def call(self, inputs: Tensor, training: Any = False, **kwargs: Any) -> Tensor:
        normalize = self._fused_outputs if self._use_fused else self._plain_outputs
        outputs, mean, variance = normalize(inputs, training)
        if smart_constant_value(training) is not False:
            momentum = smart_cond(training, lambda: constant(self.momentum), lambda: constant(1.0))
            self.add_update(moved(self.moving_mean, mean, momentum))
            self.add_update(moved(self.moving_variance, variance, momentum))
        outputs.set_shape(inputs.shape)
        return outputs

    def _fused_outputs(self, inputs: Tensor, training: Any) -> tuple[Tensor, Tensor, Tensor]:
        return fused_outputs(
            inputs,
            (self.gamma, self.beta, self.moving_mean, self.moving_variance),
            self.epsilon,
            FUSED_FORMATS[self._axes[0]],
            training,
        )

    def _plain_outputs(self, inputs: Tensor, training: Any) -> tuple[Tensor, Tensor, Tensor]:
        rank = len(inputs.sizes or ())
        others = [a for a in range(rank) if a not in self._axes]
        mean, variance = plain_moments(
            inputs, others, len(self._axes) > 1, (self.moving_mean, self.moving_variance), training, self.synchronized
        )
        spread = [-1 if a in self._axes else 1 for a in range(rank)]

        def broadcast(value: Any) -> Any:
            return value if value is None or self._axes == [rank - 1] or len(self._axes) > 1 else reshape(value, spread)

        def like_inputs(value: Any) -> Any:
            return None if value is None else cast(convert_to_tensor(broadcast(value)), inputs.dtype.base_dtype)

        center, width, offset, scale = (like_inputs(v) for v in (mean, variance, self.beta, self.gamma))
        return nn_batch_normalization(inputs, center, width, offset, scale, self.epsilon), mean, variance

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        return TensorShape(input_shape)


def _axes_of(axis: int | list[int], rank: int) -> list[int]:
    axes = [axis] if isinstance(axis, int) else list(axis)
    if not axes or any(not -rank <= a < rank for a in axes):
        raise ValueError(f"Invalid axis: {axis} for an input of rank {rank}")
    axes = [a % rank for a in axes]
    if len(set(axes)) != len(axes):
        raise ValueError(f"Duplicate axis: {axis}")
    return axes


def plain_moments(
    inputs: Tensor, axes: list[int], keep: bool, moving: tuple[Any, Any], training: Any, synchronized: bool = False
) -> Moments:
    """Mean and variance of the batch over axes if training, else the moving ones; in the dtype of these."""

    def of_batch() -> Moments:
        if synchronized and has_other_ranks():
            return moments_of_ranks(cast(inputs, moving[0].dtype.base_dtype), axes, keep)
        mean, variance = moments(cast(inputs, moving[0].dtype.base_dtype), axes, keep_dims=keep)
        return mean, variance

    def kept() -> Moments:
        return convert_to_tensor(moving[0]), convert_to_tensor(moving[1])

    result: Moments = smart_cond(training, of_batch, kept)
    return result


def fused_outputs(
    inputs: Tensor, variables: tuple[Any, Any, Any, Any], epsilon: float, data_format: str, training: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """The normalized images and the moments that the moving averages go to.

    Args:
        inputs: 4-D.
        variables: gamma (None for ones), beta (None for zeros), moving mean, moving variance.
        epsilon: added to the variance.
        data_format: "NHWC" or "NCHW".
        training: a bool or a boolean tensor.
    """
    gamma, beta, mean, variance = variables
    dtype, sizes = mean.dtype.base_dtype, mean.shape.as_list()
    scale = constant(1.0, dtype, sizes) if gamma is None else convert_to_tensor(gamma)
    offset = constant(0.0, dtype, sizes) if beta is None else convert_to_tensor(beta)

    def of_batch() -> tuple[Tensor, Tensor, Tensor]:
        return fused_batch_norm(inputs, scale, offset, epsilon=epsilon, data_format=data_format)

    def kept() -> tuple[Tensor, Tensor, Tensor]:
        moments = convert_to_tensor(mean), convert_to_tensor(variance)
        return fused_batch_norm(inputs, scale, offset, *moments, epsilon, data_format, is_training=False)

    result: tuple[Tensor, Tensor, Tensor] = smart_cond(training, of_batch, kept)
    return result


def moved(variable: Any, value: Tensor, momentum: Tensor) -> Any:
    """`variable -= (1 - momentum) * (variable - value)` as one assignment."""
    with get_default_graph().name_scope("AssignMovingAvg") as scope, get_default_graph().colocate_with(variable.op):
        rate = cast(1.0 - momentum, variable.dtype.base_dtype)
        return assign_sub(variable, (convert_to_tensor(variable) - value) * rate, name=scope)


def batch_normalization(
    inputs: Any,
    axis: int | Sequence[int] = -1,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
    center: bool = True,
    scale: bool = True,
    beta_initializer: Any = zeros_initializer,
    gamma_initializer: Any = ones_initializer,
    moving_mean_initializer: Any = zeros_initializer,
    moving_variance_initializer: Any = ones_initializer,
    beta_regularizer: Function | None = None,
    gamma_regularizer: Function | None = None,
    beta_constraint: Function | None = None,
    gamma_constraint: Function | None = None,
    training: Any = False,
    trainable: bool = True,
    name: Any = None,
    reuse: Any = None,
    renorm: bool = False,
    renorm_clipping: Any = None,
    renorm_momentum: float = 0.99,
    fused: bool | None = None,
    virtual_batch_size: int | None = None,
    adjustment: Function | None = None,
    synchronized: bool = False,
) -> Tensor:
    """Batch normalization as a function; see BatchNormalization.

    Args:
        inputs: at least 2-D.
        training: a Python bool or a boolean tensor: whether to use the moments of the batch and to keep averages.
        reuse: whether to use the variables of a layer of the same name.

    The moving averages change only if training runs the operations in the collection UPDATE_OPS::

        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            train = optimizer.minimize(loss)
    """
    options = functional_options(locals())
    del options["training"]
    result: Tensor = BatchNormalization(**options)(inputs, training=training)
    return result

"""BatchNormalization with moving averages, over what no mask hides."""

from __future__ import annotations

from typing import Any

from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import bool as bool_dtype
from ...engine.graph import Tensor
from ...engine.ops.array import reshape, shape as shape_of
from ...engine.ops.array_parts import ones_like, zeros_like
from ...engine.ops.array_shape import expand_dims
from ...engine.ops.casting import cast
from ...engine.ops.choice import where
from ...engine.ops.comparison import logical_and
from ...engine.ops.cond import smart_cond, smart_constant_value
from ...engine.ops.constant import constant
from ...engine.ops.nn_moments import batch_normalization as nn_batch_normalization
from ...engine.ops.reduce import reduce_prod, reduce_sum
from ...engine.ops.unary import square
from ..normalization import FUSED_FORMATS, fused_outputs, moved, plain_moments
from ..rank_moments import has_other_ranks, moments_of_ranks
from . import backend
from .base import Layer, Shape
from .input_spec import InputSpec
from .serialization import registered

Normalized = tuple[Tensor, Tensor, Tensor]


@registered("layers")
class BatchNormalization(Layer):
    """`gamma * (inputs - mean) / sqrt(variance + epsilon) + beta`, with the moments of the batch while training.

    Moving averages of the moments are kept while training and used otherwise; `updates` has the operations that move
    them, which `fit` runs. A layer that is not trainable uses the averages.

    Args:
        axis: the axis of the features.
        momentum: of the moving averages.
        epsilon: added to the variance.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer, beta_regularizer,
            gamma_regularizer, beta_constraint, gamma_constraint: of the weights.
        synchronized: of several ranks that train together, use the moments of the batches of all.

    Raises:
        ValueError: the axis is out of range or of unknown size, or `renorm` is asked for, which is not there.
    """

    supports_masking = True
    casts_integers = True

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        for name in ("renorm_clipping", "renorm_momentum", "fused", "virtual_batch_size"):
            kwargs.pop(name, None)
        super().__init__(**kwargs)
        if renorm:
            raise ValueError(f"BatchNormalization {self.name!r} has no `renorm` here: leave it out")
        if not isinstance(axis, int):
            if len(axis) != 1:
                raise ValueError(f"The `axis` of BatchNormalization must be one axis, got {axis!r}")
            axis = axis[0]
        if not 0 <= momentum <= 1:
            raise ValueError(f"The `momentum` of BatchNormalization must be within 0 and 1, got {momentum!r}")
        self.axis, self.momentum, self.epsilon, self.center, self.scale = axis, momentum, epsilon, center, scale
        self.renorm, self.synchronized = False, synchronized
        self.keep(
            beta_initializer=beta_initializer, beta_regularizer=beta_regularizer, beta_constraint=beta_constraint,
            gamma_initializer=gamma_initializer, gamma_regularizer=gamma_regularizer, gamma_constraint=gamma_constraint,
            moving_mean_initializer=moving_mean_initializer, moving_variance_initializer=moving_variance_initializer,
        )  # fmt: skip
        self.gamma: Any = None
        self.beta: Any = None

    def build(self, input_shape: Shape) -> None:
        size = feature_size(self.name, input_shape, self.axis)
        if self.scale:
            self.gamma = self.make_weight("gamma", (size,))
        if self.center:
            self.beta = self.make_weight("beta", (size,))
        still = {"shape": (size,), "trainable": False}
        starts = vars(self)["moving_mean_initializer"], vars(self)["moving_variance_initializer"]
        self.moving_mean = self.add_weight(name="moving_mean", initializer=starts[0], **still)
        self.moving_variance = self.add_weight(name="moving_variance", initializer=starts[1], **still)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if mask is not None and len(mask.sizes) != len(inputs.sizes) - 1:
            raise ValueError(
                f"The mask of layer {self.name!r} must have one axis less than the inputs, got {mask.shape} and {inputs.shape}"
            )
        if not self.trainable:
            training = False
        outputs, mean, variance = self._normalized(inputs, training, mask)
        if smart_constant_value(training) is not False:
            momentum = smart_cond(training, lambda: constant(self.momentum), lambda: constant(1.0))
            self.add_update([moved(self.moving_mean, mean, momentum), moved(self.moving_variance, variance, momentum)])
        outputs.set_shape(inputs.shape)
        return outputs

    def _normalized(self, inputs: Tensor, training: Any, mask: Any) -> Normalized:
        rank = len(inputs.sizes or ())
        axis = self.axis % rank
        synchronized = self.synchronized and has_other_ranks()
        if mask is None and rank == 4 and axis in FUSED_FORMATS and not synchronized:
            return self._of_images(inputs, training, axis)
        others = [a for a in range(rank) if a != axis]
        moving = (self.moving_mean, self.moving_variance)
        if mask is None:
            mean, variance = plain_moments(inputs, others, False, moving, training, synchronized)
        else:
            mean, variance = smart_cond(
                training,
                lambda: masked_moments(inputs, mask, others, synchronized),
                lambda: tuple(convert_to_tensor(variable) for variable in moving),
            )
        spread = [-1 if a == axis else 1 for a in range(rank)]

        def fitted(value: Any) -> Any:
            return None if value is None else cast(reshape(value, spread), inputs.dtype.base_dtype)

        center, width, offset, scale = (fitted(value) for value in (mean, variance, self.beta, self.gamma))
        return nn_batch_normalization(inputs, center, width, offset, scale, self.epsilon), mean, variance

    def _of_images(self, inputs: Tensor, training: Any, axis: int) -> Normalized:
        """One operation; the variance that it gives for the average is a sample's, Keras keeps the batch's."""
        weights = (self.gamma, self.beta, self.moving_mean, self.moving_variance)
        outputs, mean, variance = fused_outputs(inputs, weights, self.epsilon, FUSED_FORMATS[axis], training)
        sizes = [size for a, size in enumerate(inputs.sizes or ()) if a != axis]
        if None in sizes:
            wanted = [a for a in range(4) if a != axis]
            known = shape_of(inputs)
            count = cast(reduce_prod([known[a] for a in wanted]), variance.dtype.base_dtype)
        else:
            count = constant(float(sizes[0] * sizes[1] * sizes[2]), variance.dtype.base_dtype)  # type: ignore[operator]
        return outputs, mean, variance * ((count - 1.0) / count)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)


def masked_moments(inputs: Tensor, mask: Any, axes: list[int], synchronized: bool = False) -> tuple[Tensor, Tensor]:
    """Mean and variance over axes of the elements that the mask does not hide."""
    seen = logical_and(expand_dims(cast(mask, bool_dtype), -1), cast(ones_like(inputs), bool_dtype))
    if synchronized:
        return moments_of_ranks(inputs, axes, seen=seen)
    count = reduce_sum(cast(seen, inputs.dtype.base_dtype), axis=axes, keepdims=True) + backend.epsilon()
    mean = reduce_sum(where(seen, inputs, zeros_like(inputs)), axis=axes, keepdims=True) / count
    apart = where(seen, inputs - mean, zeros_like(inputs))
    variance = reduce_sum(square(apart), axis=axes, keepdims=True) / count
    return reshape(mean, [-1]), reshape(variance, [-1])


def feature_size(layer: str, input_shape: Shape, axis: int) -> int:
    """The size along an axis; ValueError, naming the layer, where there is no such axis or its size is not known."""
    rank = len(input_shape)
    size = input_shape[axis] if -rank <= axis < rank else None
    if size is None:
        raise ValueError(f"Layer {layer!r} needs a known size along axis {axis}, got input shape {tuple(input_shape)}")
    return size

"""Identity, Lambda, Masking and ActivityRegularization."""

from __future__ import annotations

import inspect
from typing import Any

from ...engine.ops.casting import cast
from ...engine.ops.comparison import not_equal
from ...engine.ops.reduce import reduce_any
from .base import Layer, map_shapes
from .graph_record import set_mask
from .regularizers import L1L2
from .serialization import registered


@registered("layers")
class Identity(Layer):
    """The inputs as they are."""

    supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return map_shapes(lambda shape: shape, input_shape)


@registered("layers")
class Lambda(Layer):
    """A function of tensors as a layer. A configuration holds the function itself: no code is ever written to files.

    Args:
        function: of the inputs and, if it takes them, of `mask` and `training`.
        output_shape: the output's shape without the batch, or a function of the inputs' shape.
        mask: of the output, or a function of inputs and mask.
        arguments: further keyword arguments of the function.

    Raises:
        TypeError: the function is none.
    """

    def __init__(
        self,
        function: Any,
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"The `function` of a Lambda layer must be callable, got {function!r}")
        self.function = function
        self.arguments = dict(arguments or {})
        self._output_shape = output_shape
        self.mask = mask
        self.supports_masking = mask is not None

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        given = {"mask": mask, "training": training}
        try:
            parameters = inspect.signature(self.function).parameters
        except (TypeError, ValueError):
            parameters = inspect.signature(lambda x: x).parameters
        extra = {name: value for name, value in given.items() if name in parameters}
        return self.function(inputs, **{**extra, **self.arguments})

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The given mask."""
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        first = input_shape[0] if not input_shape or not isinstance(input_shape[0], list | tuple) else input_shape[0][0]
        return (first, *self._output_shape)


@registered("layers")
class Masking(Layer):
    """Hides the time steps at which all features equal `mask_value`: they become zeros, and a mask goes with them."""

    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """False at the hidden steps."""
        return reduce_any(not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Any) -> Any:
        kept = reduce_any(not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        outputs = inputs * cast(kept, inputs.dtype.base_dtype)
        set_mask(outputs, self.compute_mask(inputs))
        return outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)


@registered("layers")
class ActivityRegularization(Layer):
    """The inputs as they are, with a loss of `l1 * sum(|x|) + l2 * sum(x ** 2)`, divided by the batch's size."""

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=L1L2(l1, l2), **kwargs)
        self.l1, self.l2 = l1, l2

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

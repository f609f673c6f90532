"""CuDNNLSTM and CuDNNGRU: names of TensorFlow 1 for LSTM and GRU with the activations that are one operation a layer."""

from __future__ import annotations

from typing import Any

from .recurrent import GRU, LSTM
from .serialization import registered


@registered("layers")
class CuDNNLSTM(LSTM):
    """LSTM with its default activations, on any device; arguments as `tf.keras.layers.CuDNNLSTM` has them.

    The weights are those of LSTM: one bias, not the two of NVIDIA's library.
    """

    def __init__(
        self,
        units: int,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **_given(locals()), **kwargs)


@registered("layers")
class CuDNNGRU(GRU):
    """GRU with its default activations, on any device; arguments as `tf.keras.layers.CuDNNGRU` has them."""

    def __init__(
        self,
        units: int,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **_given(locals()), **kwargs)


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    """The named arguments of a constructor but for `units`, which goes by place."""
    return {name: value for name, value in arguments.items() if name not in ("self", "units", "kwargs", "__class__")}

"""CuDNNLSTM and CuDNNGRU of TensorFlow 1: LSTM and GRU whose weights are laid out as NVIDIA's library has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...engine.graph import get_default_graph
from ...engine.ops.array import reshape
from ...engine.ops.array_order import transpose
from ...engine.ops.array_parts import concat
from ...engine.ops.array_split import split
from . import initializers
from .recurrent import GRU, LSTM, RNN
from .recurrent_cells import GRUCell, LSTMCell, RecurrentCell, Step
from .recurrent_loop import time_first
from .serialization import registered


def _kernel_of(kernel: Any, size: int, gates: int, units: int) -> Any:
    """A kernel `[size, gates * units]` for products from one whose gates are `[units, size]`, each in that many numbers."""
    parts = transpose(reshape(kernel, [size, gates, units]), [1, 0, 2])
    return reshape(transpose(reshape(parts, [gates, units, size]), [2, 0, 1]), [size, gates * units])


class _CuDNNCell(RecurrentCell):
    """A cell with two biases side by side, and the matrices of gates turned; steps are those of a cell without."""

    plain_cell: type[RecurrentCell]

    def bias_shape(self) -> tuple[int, ...]:
        """The shape of both biases."""
        return (2 * self.gates * self.units,)

    def plain(self) -> Any:
        """A cell of the usual kind, whose weights are tensors made of this one's."""
        size = self.kernel.shape.as_list()[0]
        cell: Any = self.plain_cell(self.units, dtype=self.dtype, name=self.name)  # type: ignore[call-arg]
        cell.kernel = _kernel_of(self.kernel, size, self.gates, self.units)
        cell.recurrent_kernel = _kernel_of(self.recurrent_kernel, self.units, self.gates, self.units)
        cell.bias = self.plain_bias()
        return cell

    def plain_bias(self) -> Any:
        """The bias as the usual cell has it."""
        raise NotImplementedError

    def prepared(self, inputs: Any, training: Any) -> tuple[Any, Step]:
        """As the usual cell."""
        result: tuple[Any, Step] = self.plain().prepared(inputs, training)
        return result

    def fused(self, inputs: Any, states: list[Any]) -> tuple[Any, list[Any]] | None:
        """As the usual cell."""
        result: tuple[Any, list[Any]] | None = self.plain().fused(inputs, states)
        return result


class _CuDNNLSTMCell(_CuDNNCell, LSTMCell):
    plain_cell = LSTMCell

    def _first_bias(self, shape: Any, dtype: Any = None) -> Any:
        start, units = vars(self)["bias_initializer"], self.units
        if not self.unit_forget_bias:
            return start(shape, dtype)
        return concat([start([5 * units], dtype), initializers.Ones()([units], dtype), start([2 * units], dtype)], 0)

    def plain_bias(self) -> Any:
        """The sum of both."""
        first, second = split(self.bias, 2, 0)
        return first + second


class _CuDNNGRUCell(_CuDNNCell, GRUCell):
    plain_cell = GRUCell

    def plain_bias(self) -> Any:
        """One above the other."""
        return reshape(self.bias, [2, self.gates * self.units])


class _CuDNNRNN(RNN):
    """What the layers share: variables directly in the layer's scope, and sequences with the time in front."""

    time_major: bool

    def use(self, cell: RecurrentCell, time_major: bool) -> None:
        """Takes a cell in place of the usual one."""
        self.cell, self.time_major = cell, time_major

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        if self.time_major:
            sequences_shape = (sequences_shape[1], sequences_shape[0], *sequences_shape[2:])
        type(self.cell).build(self.cell, (sequences_shape[0], *sequences_shape[2:]))
        self.cell.built, self.cell._graph = True, get_default_graph().outermost()
        super().build(sequences_shape, initial_state_shape)

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = None) -> Any:
        """The outputs, and the states if they are wanted."""
        if not self.time_major:
            return super().call(sequences, initial_state, mask, training)
        result = super().call(time_first(sequences), initial_state, mask, training)
        if not self.return_sequences:
            return result
        return (time_first(result[0]), *result[1:]) if self.return_state else time_first(result)

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        if not self.time_major:
            return super().compute_output_shape(sequences_shape, initial_state_shape)
        time, batch, *rest = sequences_shape[0] if isinstance(sequences_shape[0], list | tuple) else sequences_shape
        shape = super().compute_output_shape((batch, time, *rest), initial_state_shape)
        if not self.return_sequences:
            return shape
        output, states = (shape[0], shape[1:]) if self.return_state else (shape, ())
        turned = (output[1], output[0], output[2])
        return (turned, *states) if self.return_state else turned

    def get_config(self) -> dict[str, Any]:
        """The arguments that make a layer alike."""
        return {**super().get_config(), "time_major": self.time_major}


@registered("layers")
class CuDNNLSTM(_CuDNNRNN, LSTM):
    """LSTM with its default activations, on any device; arguments and weights as `tf.keras.layers.CuDNNLSTM` has them.

    There are two biases side by side, `[8 * units]`, which are added. Kernels have the shapes of LSTM's, with each gate's
    numbers in the order of the turned matrix; weights in HDF5 files of one are converted for the other.
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
        time_major = kwargs.pop("time_major", False)
        given = _given(locals())
        super().__init__(units, **given, **kwargs)
        self.use(_CuDNNLSTMCell(units, **_of_cell(given, kwargs), name=self.cell.name), time_major)


@registered("layers")
class CuDNNGRU(_CuDNNRNN, GRU):
    """GRU with its default activations, on any device; arguments and weights as `tf.keras.layers.CuDNNGRU` has them.

    See CuDNNLSTM for the weights; the two biases, `[6 * units]`, are those of `GRU(reset_after=True)`.
    """

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
        time_major = kwargs.pop("time_major", False)
        given = _given(locals())
        super().__init__(units, **given, **kwargs)
        self.use(_CuDNNGRUCell(units, **_of_cell(given, kwargs), name=self.cell.name), time_major)


_NOT_GIVEN = ("self", "units", "kwargs", "time_major", "__class__")
_OF_LAYER = ("activity_regularizer", "return_sequences", "return_state", "go_backwards", "stateful")


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    """The named arguments of a constructor but for `units`, which goes by place."""
    return {name: value for name, value in arguments.items() if name not in _NOT_GIVEN}


def _of_cell(given: dict[str, Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Those of the cell."""
    also: dict[str, Any] = {name: kwargs[name] for name in ("dtype", "trainable") if name in kwargs}
    return {**{name: value for name, value in given.items() if name not in _OF_LAYER}, **also}


# Weights of files


def converted(layer: Any, arrays: Sequence[Any]) -> Sequence[Any]:
    """A file's weights for an LSTM or GRU layer, or one in both directions, between the usual layout and cuDNN's.

    Raises:
        ValueError: the weights are of a GRU that resets before the product, and the layer is none, or the reverse.
    """
    if hasattr(layer, "forward_layer") and hasattr(layer, "backward_layer") and len(arrays) % 2 == 0:
        half = len(arrays) // 2
        return [*converted(layer.forward_layer, arrays[:half]), *converted(layer.backward_layer, arrays[half:])]
    if not isinstance(layer, LSTM | GRU) or len(arrays) != 3:
        return arrays
    units, gates, bias = arrays[1].shape[0], layer.cell.gates, arrays[2].shape
    from_cudnn, to_cudnn = bias == (2 * gates * units,), isinstance(layer, _CuDNNRNN)
    if from_cudnn == to_cudnn:
        return arrays
    before = bias == (gates * units,) if to_cudnn else not getattr(layer, "reset_after", True)
    if isinstance(layer, GRU) and before:
        names = ["CuDNNGRU", "GRU(reset_after=False)"]
        source, target = names if from_cudnn else reversed(names)
        raise ValueError(f"Weights of {source} are not compatible with {target}: layer {layer.name!r}")
    kernels = [_turned(np.asarray(array[()]), gates, from_cudnn) for array in arrays[:2]]
    return [*kernels, _bias(layer, np.asarray(arrays[2][()]), from_cudnn)]


def _turned(kernel: Any, gates: int, from_cudnn: bool) -> Any:
    """The same kernel in the other layout."""
    parts = np.split(kernel, gates, 1)
    if from_cudnn:
        return np.concatenate([part.reshape(part.shape[::-1]).T for part in parts], 1)
    return np.concatenate([part.T.reshape(part.shape) for part in parts], 1)


def _bias(layer: Any, bias: Any, from_cudnn: bool) -> Any:
    if isinstance(layer, GRU):
        return bias.reshape((2, -1) if from_cudnn else -1)
    return bias[: len(bias) // 2] + bias[len(bias) // 2 :] if from_cudnn else np.tile(bias / 2, 2)

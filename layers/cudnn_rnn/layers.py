"""CudnnLSTM, CudnnGRU, CudnnRNNTanh, CudnnRNNRelu: networks of several layers, each with one variable for all weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import as_dtype, float16, float32, float64
from ...engine.graph import get_default_graph
from ...engine.initializers import glorot_uniform_initializer, zeros_initializer
from ...engine.ops.array import shape as shape_of
from ...engine.ops.array_parts import zeros
from ...engine.scopes import GraphKeys, init_scope
from ...engine.shapes import TensorShape
from ...engine.variable_scope import get_variable_scope, variable_scope
from ..base import Layer
from ..input_spec import InputSpec
from . import models
from .forward import run_network
from .parameters import (
    CUDNN_GRU,
    CUDNN_INPUT_LINEAR_MODE,
    CUDNN_LSTM,
    CUDNN_RNN_BIDIRECTION,
    CUDNN_RNN_RELU,
    CUDNN_RNN_TANH,
    CUDNN_RNN_UNIDIRECTION,
    PARAMS_PER_LAYER,
    Layout,
    check_direction,
    check_dropout,
    check_input_mode,
    check_sizes,
)
from .saveables import SAVEABLES, CudnnOpaqueParamsSaveable


class _CudnnRNN(Layer):
    """What the networks share; see CudnnLSTM."""

    rnn_mode: str

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """The layer; or, for the arguments that these names had before TensorFlow 1.4, what they were then."""
        mode = args[2] if len(args) > 2 else kwargs.get("input_mode", "")
        if "input_size" in kwargs or not isinstance(mode, str):
            return getattr(models, cls.__name__)(*args, **kwargs)
        return super().__new__(cls)

    def __init__(
        self,
        num_layers: int,
        num_units: int,
        input_mode: str = CUDNN_INPUT_LINEAR_MODE,
        direction: str = CUDNN_RNN_UNIDIRECTION,
        dropout: float = 0.0,
        seed: int | None = None,
        dtype: Any = float32,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        check_direction(direction)
        check_input_mode(input_mode)
        check_sizes(num_layers=num_layers, num_units=num_units)
        check_dropout(dropout)
        if as_dtype(dtype) not in (float16, float32, float64):
            raise ValueError(f"Only float16, float32 and float64 are supported, got {dtype}")
        self.num_layers, self.num_units = num_layers, num_units
        self.input_mode, self.direction = input_mode, direction
        self.dropout, self.seed = dropout, seed
        for initializer in (kernel_initializer, bias_initializer):
            if initializer is not None and not callable(initializer):
                raise TypeError(f"An initializer of {type(self).__name__} must be a function, got {initializer!r}")
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self._layout: Layout | None = None
        self._saveable: CudnnOpaqueParamsSaveable | None = None

    @property
    def layout(self) -> Layout:
        """The places of the weights in the variable.

        Raises:
            RuntimeError: the layer is not built.
        """
        if self._layout is None:
            raise RuntimeError(f"{type(self).__name__}: the size of the inputs is not known before the layer is built")
        return self._layout

    @property
    def input_size(self) -> int:
        """The size of the inputs; ValueError before the layer is built."""
        if self._layout is None:
            raise ValueError("'input_size' is unknown since layer has not been built.")
        return self._layout.input_size

    @property
    def num_dirs(self) -> int:
        """One or two."""
        return 2 if self.direction == CUDNN_RNN_BIDIRECTION else 1

    @property
    def saveable(self) -> CudnnOpaqueParamsSaveable | None:
        """What a Saver writes and reads besides the variable, None before the layer is built."""
        return self._saveable

    @property
    def canonical_weight_shapes(self) -> list[tuple[int, int]]:
        """The shapes of all matrices; RuntimeError before the layer is built."""
        return self.layout.weight_shapes

    @property
    def canonical_bias_shapes(self) -> list[list[int]]:
        """The shapes of all biases."""
        return [[self.num_units]] * (PARAMS_PER_LAYER[self.rnn_mode] * self.num_dirs * self.num_layers)

    def state_shape(self, batch_size: Any) -> tuple[list[Any], ...]:
        """The shapes of the states, each `[layers * directions, batch, units]`: two of an LSTM, else one."""
        shape = [self.num_layers * self.num_dirs, batch_size, self.num_units]
        return (shape, list(shape)) if self.rnn_mode == CUDNN_LSTM else (shape,)

    def build(self, input_shape: Any) -> None:
        """Makes the variable, and what a Saver writes of it; a second call does nothing.

        Raises:
            ValueError: inputs are not of three dimensions, or not of a known size.
        """
        if self.built:
            return
        shape = TensorShape(input_shape)
        if shape.ndims != 3:
            raise ValueError(f"Expecting input_shape with 3 dims, got {shape.ndims}")
        size = shape.as_list()[2]
        if size is None:
            raise ValueError(f"The last dimension of the inputs to {type(self).__name__} must be known, got {shape}")
        self._layout = Layout(self.rnn_mode, self.num_layers, self.num_units, size, self.input_mode, self.direction)
        self.input_spec = InputSpec(ndim=3, axes={-1: size})
        self.graph = get_default_graph().outermost()
        self._open_scope()
        outer = get_variable_scope()
        with variable_scope(self._scope, reuse=self._reuse, auxiliary_name_scope=False) as scope:
            # The variable is always whole.
            scope.set_partitioner(None)
            self.kernel = self.add_weight("opaque_kernel", [self._layout.size], initializer=self._first)
        self._save(outer)
        self.built = True

    def _first(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        """The variable's first value: every matrix and bias by itself."""
        matrix = self.kernel_initializer or glorot_uniform_initializer(seed=self.seed, dtype=self.dtype)
        bias = self.bias_initializer or zeros_initializer(dtype=self.dtype)
        weights = [matrix(shape, dtype=self.dtype) for shape in self.layout.weight_shapes]
        return self.layout.joined(weights, [bias(shape, dtype=self.dtype) for shape in self.layout.bias_shapes])

    def _save(self, scope: Any) -> None:
        """Adds the saveable to the graph's, unless another layer did that for the variable."""
        graph, layout = get_default_graph().outermost(), self.layout
        name = f"{self.kernel.op.name}_saveable"
        others = graph.get_collection(GraphKeys.SAVEABLE_OBJECTS)
        for other in others:
            if isinstance(other, CudnnOpaqueParamsSaveable) and other.name == name:
                self._saveable = other
                return
        with init_scope():
            self._saveable = SAVEABLES[self.rnn_mode](
                self.kernel, layout.num_layers, layout.num_units, layout.input_size, layout.input_mode,
                layout.direction, scope, name,
            )  # fmt: skip
        graph.add_to_collection(GraphKeys.SAVEABLE_OBJECTS, self._saveable)

    def call(
        self,
        inputs: Any,
        initial_state: tuple[Any, ...] | None = None,
        sequence_lengths: Any = None,
        time_major: bool = True,
        training: Any = True,
        **kwargs: Any,
    ) -> tuple[Any, tuple[Any, ...]]:
        """Outputs `[time, batch, directions * units]` and the last states.

        Args:
            inputs: `[time, batch, size]`.
            initial_state: a tuple of `[layers * directions, batch, units]`: h and c of an LSTM, else h; zeros by default.
            sequence_lengths: `[batch]`: outputs after the end are zeros, last states those at the end.
            time_major: otherwise inputs, outputs and states have the batch in front.
            training: whether outputs between layers are dropped, as a bool or a tensor.

        Raises:
            TypeError: initial_state is not a tuple, or sequence_lengths are not integers.
            ValueError: there are not as many states as the network has, or sizes do not fit; lengths that are known are not
                from 0 to the number of steps (others are InvalidArgumentError in the step).
        """
        if initial_state is not None and not isinstance(initial_state, tuple):
            raise TypeError(f"Invalid initial_state type: {initial_state}, expecting tuple.")
        inputs = convert_to_tensor(inputs, dtype=self.dtype)
        states = self._first_states(inputs, time_major) if initial_state is None else initial_state
        count = len(self.state_shape(0))
        if len(states) != count:
            raise ValueError(f"{type(self).__name__} has {count} initial states, got {len(states)}")
        states = tuple(convert_to_tensor(state, dtype=self.dtype) for state in states)
        self._check_states(inputs, states, time_major)
        h, c = (*states, None)[:2]
        outputs, *last = run_network(
            self.layout,
            inputs,
            h,
            c,
            self.kernel,
            sequence_lengths,
            time_major,
            self.dropout,
            training,
            self.seed,
        )
        return outputs, tuple(last[:count])

    def _check_states(self, inputs: Any, states: Sequence[Any], time_major: bool) -> None:
        count, batch, units = self.state_shape(inputs.shape.as_list()[1 if time_major else 0])[0]
        expected = [count, batch, units] if time_major else [batch, count, units]
        for state in states:
            if not state.shape.is_compatible_with(expected):
                raise ValueError(
                    f"The initial state of {type(self).__name__} must be of shape {expected}, got {state.shape}"
                )

    def _first_states(self, inputs: Any, time_major: bool) -> tuple[Any, ...]:
        axis = 1 if time_major else 0
        batch = inputs.sizes[axis]
        batch = shape_of(inputs)[axis] if batch is None else batch
        shapes = self.state_shape(batch)
        return tuple(zeros([n, b, u] if time_major else [b, n, u], self.dtype) for n, b, u in shapes)


class CudnnLSTM(_CudnnRNN):
    """LSTM layers one above the other, in one direction or two, as cuDNN computes them; on any device.

    All weights are in one variable, `opaque_kernel`, in cuDNN's order: for each layer and direction the matrices
    `[num_units, size]` of the inputs of the gates i, f, c, o, then those of the states; after all of them the biases, two
    a gate. Checkpoints have it too as the variables of CudnnCompatibleLSTMCell, and are restored from those: a graph with
    such cells in MultiRNNCell and dynamic_rnn, or in stack_bidirectional_dynamic_rnn, in this layer's variable scope, reads
    them and writes such as this layer reads.

    Args:
        num_layers, num_units: sizes of the network.
        input_mode: "linear_input"; with "skip_input", or "auto_select" where the sizes are equal, the first layer adds
            the inputs to each gate as they are.
        direction: "unidirectional" or "bidirectional".
        dropout: the share of the outputs of each layer but the last that is dropped in training.
        seed: of initial values and of what is dropped.
        dtype: float16, float32 or float64.
        kernel_initializer: of each matrix, by default Glorot's.
        bias_initializer: of each bias, by default zeros.
        name: of the variable scope.

    With a size, and not a word, as the third argument, or with `input_size`, this is the class of TensorFlow before 1.4:
    see `tf.contrib.cudnn_rnn.python.ops.cudnn_rnn_ops.CudnnLSTM`.

    Raises:
        ValueError: a word or dtype is unknown, a size is not above zero, or dropout not in [0, 1).
        TypeError: an initializer is no function.

    Example:
        >>> import headrace as tf
        >>> layer = tf.contrib.cudnn_rnn.CudnnLSTM(2, 5, direction="bidirectional")
        >>> outputs, (h, c) = layer(tf.zeros([7, 3, 4]))
        >>> outputs.shape.as_list(), h.shape.as_list()
        ([7, 3, 10], [4, 3, 5])
    """

    rnn_mode = CUDNN_LSTM


class CudnnGRU(_CudnnRNN):
    """GRU layers as CudnnLSTM; their cell is CudnnCompatibleGRUCell, the gates are r, u and the candidate."""

    rnn_mode = CUDNN_GRU


class CudnnRNNTanh(_CudnnRNN):
    """Recurrent layers with tanh, as CudnnLSTM; their cell is BasicRNNCell."""

    rnn_mode = CUDNN_RNN_TANH


class CudnnRNNRelu(_CudnnRNN):
    """Recurrent layers with relu, as CudnnLSTM; their cell is BasicRNNCell with that activation."""

    rnn_mode = CUDNN_RNN_RELU

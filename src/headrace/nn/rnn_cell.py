"""The names of TensorFlow 1.15's `tf.nn.rnn_cell`."""

from ..layers.recurrent.basic import BasicRNNCell, GRUCell
from ..layers.recurrent.cell import RNNCell
from ..layers.recurrent.contrib_wrappers import EmbeddingWrapper, InputProjectionWrapper, OutputProjectionWrapper
from ..layers.recurrent.linear import _linear
from ..layers.recurrent.lstm import BasicLSTMCell, LSTMCell, LSTMStateTuple
from ..layers.recurrent.multi import MultiRNNCell
from ..layers.recurrent.wrappers import DeviceWrapper, DropoutWrapper, ResidualWrapper

__all__ = [
    "BasicLSTMCell", "BasicRNNCell", "DeviceWrapper", "DropoutWrapper", "EmbeddingWrapper", "GRUCell",
    "InputProjectionWrapper", "LSTMCell", "LSTMStateTuple", "MultiRNNCell", "OutputProjectionWrapper", "RNNCell",
    "ResidualWrapper", "_linear",
]  # fmt: skip

"""The names of TensorFlow 1.15's `tf.contrib.rnn`."""

from ..layers.recurrent.basic import BasicRNNCell, GRUCell
from ..layers.recurrent.bidirectional import static_bidirectional_rnn
from ..layers.recurrent.cell import RNNCell
from ..layers.recurrent.lstm import BasicLSTMCell, LSTMCell, LSTMStateTuple
from ..layers.recurrent.multi import MultiRNNCell
from ..layers.recurrent.static import static_rnn
from ..layers.recurrent.wrappers import DeviceWrapper, DropoutWrapper, ResidualWrapper

__all__ = [
    "BasicLSTMCell", "BasicRNNCell", "DeviceWrapper", "DropoutWrapper", "GRUCell", "LSTMCell", "LSTMStateTuple",
    "MultiRNNCell", "RNNCell", "ResidualWrapper", "static_bidirectional_rnn", "static_rnn",
]  # fmt: skip

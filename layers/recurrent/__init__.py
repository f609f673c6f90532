"""Recurrent cells and what runs them over sequences, as TensorFlow 1.15's `tf.nn.rnn_cell` and `tf.nn.dynamic_rnn`."""

from .basic import BasicRNNCell as BasicRNNCell, GRUCell as GRUCell
from .bidirectional import (
    bidirectional_dynamic_rnn as bidirectional_dynamic_rnn,
    static_bidirectional_rnn as static_bidirectional_rnn,
)
from .blocks import GRUBlockCell as GRUBlockCell, GRUBlockCellV2 as GRUBlockCellV2, LSTMBlockCell as LSTMBlockCell
from .cell import RNNCell as RNNCell
from .dynamic import dynamic_rnn as dynamic_rnn
from .fused_cells import LSTMBlockFusedCell as LSTMBlockFusedCell
from .lstm import BasicLSTMCell as BasicLSTMCell, LSTMCell as LSTMCell, LSTMStateTuple as LSTMStateTuple
from .multi import MultiRNNCell as MultiRNNCell
from .raw import raw_rnn as raw_rnn
from .static import static_rnn as static_rnn
from .wrappers import (
    DeviceWrapper as DeviceWrapper,
    DropoutWrapper as DropoutWrapper,
    ResidualWrapper as ResidualWrapper,
)

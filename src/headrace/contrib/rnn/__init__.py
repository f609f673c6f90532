"""The names of TensorFlow 1.15's `tf.contrib.rnn`."""

from ...layers.recurrent.basic import BasicRNNCell, GRUCell
from ...layers.recurrent.bidirectional import static_bidirectional_rnn
from ...layers.recurrent.blocks import GRUBlockCell, GRUBlockCellV2, LSTMBlockCell
from ...layers.recurrent.cell import RNNCell
from ...layers.recurrent.contrib_cells import (
    CoupledInputForgetGateLSTMCell,
    IntersectionRNNCell,
    LayerNormBasicLSTMCell,
    NASCell,
    UGRNNCell,
)
from ...layers.recurrent.contrib_wrappers import (
    AttentionCellWrapper,
    EmbeddingWrapper,
    HighwayWrapper,
    InputProjectionWrapper,
    OutputProjectionWrapper,
)
from ...layers.recurrent.fused_cells import FusedRNNCell, FusedRNNCellAdaptor, LSTMBlockFusedCell, TimeReversedFusedRNN
from ...layers.recurrent.lstm import BasicLSTMCell, LSTMCell, LSTMStateTuple
from ...layers.recurrent.multi import MultiRNNCell
from ...layers.recurrent.stacked import stack_bidirectional_dynamic_rnn, stack_bidirectional_rnn
from ...layers.recurrent.static import static_rnn
from ...layers.recurrent.wrappers import DeviceWrapper, DropoutWrapper, ResidualWrapper
from . import core_rnn_cell

__all__ = [
    "AttentionCellWrapper", "BasicLSTMCell", "BasicRNNCell", "CoupledInputForgetGateLSTMCell", "DeviceWrapper",
    "DropoutWrapper", "EmbeddingWrapper", "FusedRNNCell", "FusedRNNCellAdaptor", "GRUBlockCell", "GRUBlockCellV2",
    "GRUCell", "HighwayWrapper", "InputProjectionWrapper", "IntersectionRNNCell", "LSTMBlockCell",
    "LSTMBlockFusedCell", "LSTMCell", "LSTMStateTuple", "LayerNormBasicLSTMCell", "MultiRNNCell", "NASCell",
    "OutputProjectionWrapper", "RNNCell", "ResidualWrapper", "TimeReversedFusedRNN", "UGRNNCell", "core_rnn_cell",
    "stack_bidirectional_dynamic_rnn", "stack_bidirectional_rnn", "static_bidirectional_rnn", "static_rnn",
]  # fmt: skip

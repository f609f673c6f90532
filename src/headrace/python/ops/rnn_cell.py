"""The names of `tensorflow.python.ops.rnn_cell`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...layers.recurrent.basic import BasicRNNCell, GRUCell
    from ...layers.recurrent.cell import RNNCell, RNNCell as LayerRNNCell
    from ...layers.recurrent.lstm import BasicLSTMCell, LSTMCell, LSTMStateTuple
    from ...layers.recurrent.multi import MultiRNNCell
    from ...layers.recurrent.wrappers import DeviceWrapper, DropoutWrapper, ResidualWrapper

__all__ = [
    "BasicLSTMCell", "BasicRNNCell", "DeviceWrapper", "DropoutWrapper", "GRUCell", "LSTMCell", "LSTMStateTuple",
    "LayerRNNCell", "MultiRNNCell", "RNNCell", "ResidualWrapper",
]  # fmt: skip

_PLACES: Places = {
    "BasicLSTMCell": ("...layers.recurrent.lstm", "BasicLSTMCell"),
    "BasicRNNCell": ("...layers.recurrent.basic", "BasicRNNCell"),
    "DeviceWrapper": ("...layers.recurrent.wrappers", "DeviceWrapper"),
    "DropoutWrapper": ("...layers.recurrent.wrappers", "DropoutWrapper"),
    "GRUCell": ("...layers.recurrent.basic", "GRUCell"),
    "LSTMCell": ("...layers.recurrent.lstm", "LSTMCell"),
    "LSTMStateTuple": ("...layers.recurrent.lstm", "LSTMStateTuple"),
    "LayerRNNCell": ("...layers.recurrent.cell", "RNNCell"),
    "MultiRNNCell": ("...layers.recurrent.multi", "MultiRNNCell"),
    "RNNCell": ("...layers.recurrent.cell", "RNNCell"),
    "ResidualWrapper": ("...layers.recurrent.wrappers", "ResidualWrapper"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

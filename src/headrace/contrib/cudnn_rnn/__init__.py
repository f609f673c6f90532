"""The names of TensorFlow 1.15's `tf.contrib.cudnn_rnn`. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...layers.cudnn_rnn.cells import CudnnCompatibleGRUCell, CudnnCompatibleLSTMCell
    from ...layers.cudnn_rnn.converters import (
        CudnnParamsFormatConverterGRU,
        CudnnParamsFormatConverterLSTM,
        CudnnParamsFormatConverterRelu,
        CudnnParamsFormatConverterTanh,
    )
    from ...layers.cudnn_rnn.layers import CudnnGRU, CudnnLSTM, CudnnRNNRelu, CudnnRNNTanh
    from ...layers.cudnn_rnn.models import RNNParamsSaveable
    from ...layers.cudnn_rnn.saveables import (
        CudnnGRUSaveable,
        CudnnLSTMSaveable,
        CudnnOpaqueParamsSaveable,
        CudnnRNNReluSaveable,
        CudnnRNNTanhSaveable,
    )
    from . import python

__all__ = [
    "CudnnCompatibleGRUCell", "CudnnCompatibleLSTMCell", "CudnnGRU", "CudnnGRUSaveable", "CudnnLSTM",
    "CudnnLSTMSaveable", "CudnnOpaqueParamsSaveable", "CudnnParamsFormatConverterGRU",
    "CudnnParamsFormatConverterLSTM", "CudnnParamsFormatConverterRelu", "CudnnParamsFormatConverterTanh",
    "CudnnRNNRelu", "CudnnRNNReluSaveable", "CudnnRNNTanh", "CudnnRNNTanhSaveable", "RNNParamsSaveable", "python",
]  # fmt: skip

_PLACES: Places = {
    "CudnnCompatibleGRUCell": ("...layers.cudnn_rnn.cells", "CudnnCompatibleGRUCell"),
    "CudnnCompatibleLSTMCell": ("...layers.cudnn_rnn.cells", "CudnnCompatibleLSTMCell"),
    "CudnnGRU": ("...layers.cudnn_rnn.layers", "CudnnGRU"),
    "CudnnGRUSaveable": ("...layers.cudnn_rnn.saveables", "CudnnGRUSaveable"),
    "CudnnLSTM": ("...layers.cudnn_rnn.layers", "CudnnLSTM"),
    "CudnnLSTMSaveable": ("...layers.cudnn_rnn.saveables", "CudnnLSTMSaveable"),
    "CudnnOpaqueParamsSaveable": ("...layers.cudnn_rnn.saveables", "CudnnOpaqueParamsSaveable"),
    "CudnnParamsFormatConverterGRU": ("...layers.cudnn_rnn.converters", "CudnnParamsFormatConverterGRU"),
    "CudnnParamsFormatConverterLSTM": ("...layers.cudnn_rnn.converters", "CudnnParamsFormatConverterLSTM"),
    "CudnnParamsFormatConverterRelu": ("...layers.cudnn_rnn.converters", "CudnnParamsFormatConverterRelu"),
    "CudnnParamsFormatConverterTanh": ("...layers.cudnn_rnn.converters", "CudnnParamsFormatConverterTanh"),
    "CudnnRNNRelu": ("...layers.cudnn_rnn.layers", "CudnnRNNRelu"),
    "CudnnRNNReluSaveable": ("...layers.cudnn_rnn.saveables", "CudnnRNNReluSaveable"),
    "CudnnRNNTanh": ("...layers.cudnn_rnn.layers", "CudnnRNNTanh"),
    "CudnnRNNTanhSaveable": ("...layers.cudnn_rnn.saveables", "CudnnRNNTanhSaveable"),
    "RNNParamsSaveable": ("...layers.cudnn_rnn.models", "RNNParamsSaveable"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

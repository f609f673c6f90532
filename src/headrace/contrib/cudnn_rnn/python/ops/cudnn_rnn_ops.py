"""The names of TensorFlow 1.15's `tf.contrib.cudnn_rnn.python.ops.cudnn_rnn_ops`."""

from .....layers.cudnn_rnn.cells import CudnnCompatibleGRUCell, CudnnCompatibleLSTMCell
from .....layers.cudnn_rnn.converters import (
    CudnnParamsFormatConverter,
    CudnnParamsFormatConverterGRU,
    CudnnParamsFormatConverterLSTM,
    CudnnParamsFormatConverterRelu,
    CudnnParamsFormatConverterTanh,
)
from .....layers.cudnn_rnn.models import (
    CudnnGRU,
    CudnnLSTM,
    CudnnRNNRelu,
    CudnnRNNTanh,
    RNNParamsSaveable,
    cudnn_gru,
    cudnn_lstm,
    cudnn_rnn,
    cudnn_rnn_canonical_to_opaque_params,
    cudnn_rnn_opaque_params_size,
    cudnn_rnn_opaque_params_to_canonical,
    cudnn_rnn_relu,
    cudnn_rnn_tanh,
)
from .....layers.cudnn_rnn.parameters import (
    CUDNN_GRU,
    CUDNN_GRU_PARAMS_PER_LAYER,
    CUDNN_INPUT_AUTO_MODE,
    CUDNN_INPUT_LINEAR_MODE,
    CUDNN_INPUT_SKIP_MODE,
    CUDNN_LSTM,
    CUDNN_LSTM_PARAMS_PER_LAYER,
    CUDNN_RNN_BIDIRECTION,
    CUDNN_RNN_RELU,
    CUDNN_RNN_RELU_PARAMS_PER_LAYER,
    CUDNN_RNN_TANH,
    CUDNN_RNN_TANH_PARAMS_PER_LAYER,
    CUDNN_RNN_UNIDIRECTION,
    check_direction,
    check_input_mode,
)
from .....layers.cudnn_rnn.saveables import (
    CudnnGRUSaveable,
    CudnnLSTMSaveable,
    CudnnOpaqueParamsSaveable,
    CudnnRNNReluSaveable,
    CudnnRNNTanhSaveable,
)

__all__ = [
    "CUDNN_GRU", "CUDNN_GRU_PARAMS_PER_LAYER", "CUDNN_INPUT_AUTO_MODE", "CUDNN_INPUT_LINEAR_MODE",
    "CUDNN_INPUT_SKIP_MODE", "CUDNN_LSTM", "CUDNN_LSTM_PARAMS_PER_LAYER", "CUDNN_RNN_BIDIRECTION", "CUDNN_RNN_RELU",
    "CUDNN_RNN_RELU_PARAMS_PER_LAYER", "CUDNN_RNN_TANH", "CUDNN_RNN_TANH_PARAMS_PER_LAYER", "CUDNN_RNN_UNIDIRECTION",
    "CudnnCompatibleGRUCell", "CudnnCompatibleLSTMCell", "CudnnGRU", "CudnnGRUSaveable", "CudnnLSTM",
    "CudnnLSTMSaveable", "CudnnOpaqueParamsSaveable", "CudnnParamsFormatConverter", "CudnnParamsFormatConverterGRU",
    "CudnnParamsFormatConverterLSTM", "CudnnParamsFormatConverterRelu", "CudnnParamsFormatConverterTanh",
    "CudnnRNNRelu", "CudnnRNNReluSaveable", "CudnnRNNTanh", "CudnnRNNTanhSaveable", "RNNParamsSaveable",
    "check_direction", "check_input_mode", "cudnn_gru", "cudnn_lstm", "cudnn_rnn",
    "cudnn_rnn_canonical_to_opaque_params", "cudnn_rnn_opaque_params_size", "cudnn_rnn_opaque_params_to_canonical",
    "cudnn_rnn_relu", "cudnn_rnn_tanh",
]  # fmt: skip

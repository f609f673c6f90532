"""The names of TensorFlow 1.15's `tf.keras.layers`."""

from ..estimators.columns.dense_features import DenseFeatures
from ..layers.keras.activation_layers import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax, ThresholdedReLU
from ..layers.keras.attention import AdditiveAttention, Attention
from ..layers.keras.base import Layer
from ..layers.keras.batch_normalization import BatchNormalization
from ..layers.keras.bidirectional import Bidirectional
from ..layers.keras.borders import Cropping1D, Cropping2D, Cropping3D, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D
from ..layers.keras.convolution import Conv1D, Conv2D, Conv3D, Convolution1D, Convolution2D, Convolution3D
from ..layers.keras.convolution_depthwise import (
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
    SeparableConvolution1D,
    SeparableConvolution2D,
)
from ..layers.keras.convolution_transpose import (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
    Convolution1DTranspose,
    Convolution2DTranspose,
    Convolution3DTranspose,
)
from ..layers.keras.dense import Dense, Embedding
from ..layers.keras.einsum_dense import EinsumDense
from ..layers.keras.encoding import CategoryEncoding
from ..layers.keras.hashing import Hashing
from ..layers.keras.images import CenterCrop, Resizing, UpSampling1D, UpSampling2D, UpSampling3D
from ..layers.keras.input_spec import InputSpec
from ..layers.keras.inputs import Input, InputLayer
from ..layers.keras.lookup import IntegerLookup, StringLookup
from ..layers.keras.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from ..layers.keras.multi_head_attention import GroupedQueryAttention, GroupQueryAttention, MultiHeadAttention
from ..layers.keras.noise import (
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from ..layers.keras.normalization import GroupNormalization, LayerNormalization, RMSNormalization, UnitNormalization
from ..layers.keras.numeric import Discretization, Normalization, Rescaling
from ..layers.keras.operation_layer import OperationLayer
from ..layers.keras.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalAvgPool3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from ..layers.keras.random_images import (
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomGrayscale,
    RandomInvert,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from ..layers.keras.recurrent import GRU, LSTM, RNN, SimpleRNN
from ..layers.keras.recurrent_cells import GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells
from ..layers.keras.recurrent_old_names import CuDNNGRU, CuDNNLSTM
from ..layers.keras.reshaping import Flatten, Permute, RepeatVector, Reshape
from ..layers.keras.serialization import deserialize, serialize
from ..layers.keras.structural import ActivityRegularization, Identity, Lambda, Masking
from ..layers.keras.text import TextVectorization
from ..layers.keras.wrappers import TimeDistributed, Wrapper

__all__ = [
    "ELU", "GRU", "LSTM", "RNN", "Activation", "ActivityRegularization", "Add", "AdditiveAttention", "AlphaDropout",
    "Attention", "Average", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "BatchNormalization",
    "Bidirectional", "CategoryEncoding", "CenterCrop", "Concatenate", "Conv1D", "Conv1DTranspose", "Conv2D",
    "Conv2DTranspose", "Conv3D", "Conv3DTranspose", "Convolution1D", "Convolution1DTranspose", "Convolution2D",
    "Convolution2DTranspose", "Convolution3D", "Convolution3DTranspose", "Cropping1D", "Cropping2D", "Cropping3D",
    "CuDNNGRU", "CuDNNLSTM", "Dense", "DenseFeatures", "DepthwiseConv1D", "DepthwiseConv2D", "Discretization", "Dot",
    "Dropout", "EinsumDense", "Embedding", "Flatten", "GRUCell", "GaussianDropout", "GaussianNoise",
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalAvgPool3D",
    "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D", "GroupNormalization", "GroupQueryAttention",
    "GroupedQueryAttention", "Hashing", "Identity", "Input", "InputLayer", "InputSpec", "IntegerLookup", "LSTMCell",
    "Lambda", "Layer", "LayerNormalization", "LeakyReLU", "Masking", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D",
    "Maximum", "Minimum", "MultiHeadAttention", "Multiply", "Normalization", "OperationLayer", "PReLU", "Permute",
    "RMSNormalization", "RandomBrightness", "RandomContrast", "RandomCrop", "RandomFlip", "RandomGrayscale",
    "RandomInvert", "RandomRotation", "RandomShear", "RandomTranslation", "RandomZoom", "ReLU", "RepeatVector",
    "Rescaling", "Reshape", "Resizing", "SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D",
    "SeparableConvolution2D", "SimpleRNN", "SimpleRNNCell", "Softmax", "SpatialDropout1D", "SpatialDropout2D",
    "SpatialDropout3D", "StackedRNNCells", "StringLookup", "Subtract", "TextVectorization", "ThresholdedReLU",
    "TimeDistributed", "UnitNormalization", "UpSampling1D", "UpSampling2D", "UpSampling3D", "Wrapper",
    "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "add", "average", "concatenate", "deserialize", "dot",
    "maximum", "minimum", "multiply", "serialize", "subtract",
]  # fmt: skip

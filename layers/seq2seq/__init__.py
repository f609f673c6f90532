"""Sequence to sequence: attention, decoders and their helpers, as `tf.contrib.seq2seq`; the older `legacy_seq2seq`."""

from .attention import BahdanauAttention as BahdanauAttention, LuongAttention as LuongAttention
from .attention_wrapper import (
    AttentionWrapper as AttentionWrapper,
    AttentionWrapperState as AttentionWrapperState,
    hardmax as hardmax,
)
from .basic_decoder import BasicDecoder as BasicDecoder, BasicDecoderOutput as BasicDecoderOutput
from .beam_search import BeamSearchDecoder as BeamSearchDecoder
from .beams import gather_tree as gather_tree, tile_batch as tile_batch
from .decoder import Decoder as Decoder, dynamic_decode as dynamic_decode
from .helper import CustomHelper as CustomHelper, Helper as Helper, TrainingHelper as TrainingHelper
from .inference_helpers import (
    GreedyEmbeddingHelper as GreedyEmbeddingHelper,
    InferenceHelper as InferenceHelper,
    SampleEmbeddingHelper as SampleEmbeddingHelper,
)
from .monotonic import (
    BahdanauMonotonicAttention as BahdanauMonotonicAttention,
    LuongMonotonicAttention as LuongMonotonicAttention,
)

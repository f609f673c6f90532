"""The names of TensorFlow 1.15's `tf.contrib.seq2seq`."""

from ..engine.ops.nn_losses import batch_sequence_loss as sequence_loss
from ..layers.seq2seq.attention import AttentionMechanism, BahdanauAttention, LuongAttention
from ..layers.seq2seq.attention_wrapper import AttentionWrapper, AttentionWrapperState, hardmax
from ..layers.seq2seq.basic_decoder import BasicDecoder, BasicDecoderOutput
from ..layers.seq2seq.beam_search import (
    BeamSearchDecoder,
    BeamSearchDecoderOutput,
    BeamSearchDecoderState,
    FinalBeamSearchDecoderOutput,
)
from ..layers.seq2seq.beams import gather_tree, gather_tree_from_array, tile_batch
from ..layers.seq2seq.decoder import Decoder, dynamic_decode
from ..layers.seq2seq.helper import (
    CustomHelper,
    Helper,
    ScheduledEmbeddingTrainingHelper,
    ScheduledOutputTrainingHelper,
    TrainingHelper,
)
from ..layers.seq2seq.inference_helpers import GreedyEmbeddingHelper, InferenceHelper, SampleEmbeddingHelper
from ..layers.seq2seq.monotonic import (
    BahdanauMonotonicAttention,
    LuongMonotonicAttention,
    monotonic_attention,
    safe_cumprod,
)

__all__ = [
    "AttentionMechanism", "AttentionWrapper", "AttentionWrapperState", "BahdanauAttention",
    "BahdanauMonotonicAttention", "BasicDecoder", "BasicDecoderOutput", "BeamSearchDecoder",
    "BeamSearchDecoderOutput", "BeamSearchDecoderState", "CustomHelper", "Decoder", "FinalBeamSearchDecoderOutput",
    "GreedyEmbeddingHelper", "Helper", "InferenceHelper", "LuongAttention", "LuongMonotonicAttention",
    "SampleEmbeddingHelper", "ScheduledEmbeddingTrainingHelper", "ScheduledOutputTrainingHelper", "TrainingHelper",
    "dynamic_decode", "gather_tree", "gather_tree_from_array", "hardmax", "monotonic_attention", "safe_cumprod",
    "sequence_loss", "tile_batch",
]  # fmt: skip

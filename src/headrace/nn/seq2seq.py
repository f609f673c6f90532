"""The names of TensorFlow 1.15's `tf.nn.seq2seq`."""

from ..engine.ops.nn_losses import sequence_loss, sequence_loss_by_example
from ..layers.seq2seq.legacy import basic_rnn_seq2seq, model_with_buckets, rnn_decoder, tied_rnn_seq2seq
from ..layers.seq2seq.legacy_attention import (
    attention_decoder,
    embedding_attention_decoder,
    embedding_attention_seq2seq,
)
from ..layers.seq2seq.legacy_embedding import (
    embedding_rnn_decoder,
    embedding_rnn_seq2seq,
    embedding_tied_rnn_seq2seq,
    one2many_rnn_seq2seq,
)

__all__ = [
    "attention_decoder", "basic_rnn_seq2seq", "embedding_attention_decoder", "embedding_attention_seq2seq",
    "embedding_rnn_decoder", "embedding_rnn_seq2seq", "embedding_tied_rnn_seq2seq", "model_with_buckets",
    "one2many_rnn_seq2seq", "rnn_decoder", "sequence_loss", "sequence_loss_by_example", "tied_rnn_seq2seq",
]  # fmt: skip

"""The names of `tensorflow.python.ops.ctc_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.nn_ctc import ctc_beam_search_decoder, ctc_beam_search_decoder_v2, ctc_greedy_decoder, ctc_loss

__all__ = [
    "ctc_beam_search_decoder", "ctc_beam_search_decoder_v2", "ctc_greedy_decoder", "ctc_loss",
]  # fmt: skip

_PLACES: Places = {
    "ctc_beam_search_decoder": ("...engine.ops.nn_ctc", "ctc_beam_search_decoder"),
    "ctc_beam_search_decoder_v2": ("...engine.ops.nn_ctc", "ctc_beam_search_decoder_v2"),
    "ctc_greedy_decoder": ("...engine.ops.nn_ctc", "ctc_greedy_decoder"),
    "ctc_loss": ("...engine.ops.nn_ctc", "ctc_loss"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

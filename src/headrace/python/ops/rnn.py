"""The names of `tensorflow.python.ops.rnn`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...layers.recurrent.bidirectional import bidirectional_dynamic_rnn, static_bidirectional_rnn
    from ...layers.recurrent.dynamic import dynamic_rnn
    from ...layers.recurrent.raw import raw_rnn
    from ...layers.recurrent.static import static_rnn

__all__ = [
    "bidirectional_dynamic_rnn", "dynamic_rnn", "raw_rnn", "static_bidirectional_rnn", "static_rnn",
]  # fmt: skip

_PLACES: Places = {
    "bidirectional_dynamic_rnn": ("...layers.recurrent.bidirectional", "bidirectional_dynamic_rnn"),
    "dynamic_rnn": ("...layers.recurrent.dynamic", "dynamic_rnn"),
    "raw_rnn": ("...layers.recurrent.raw", "raw_rnn"),
    "static_bidirectional_rnn": ("...layers.recurrent.bidirectional", "static_bidirectional_rnn"),
    "static_rnn": ("...layers.recurrent.static", "static_rnn"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

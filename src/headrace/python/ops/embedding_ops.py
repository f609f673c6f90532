"""The names of `tensorflow.python.ops.embedding_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.nn_embedding import embedding_lookup, embedding_lookup_sparse, safe_embedding_lookup_sparse

__all__ = [
    "embedding_lookup", "embedding_lookup_sparse", "safe_embedding_lookup_sparse",
]  # fmt: skip

_PLACES: Places = {
    "embedding_lookup": ("...engine.ops.nn_embedding", "embedding_lookup"),
    "embedding_lookup_sparse": ("...engine.ops.nn_embedding", "embedding_lookup_sparse"),
    "safe_embedding_lookup_sparse": ("...engine.ops.nn_embedding", "safe_embedding_lookup_sparse"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

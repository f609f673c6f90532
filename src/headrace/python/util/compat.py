"""The names of `tensorflow.python.util.compat`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.platform.compat import as_bytes, as_str, as_str_any, as_text, path_to_str

__all__ = [
    "as_bytes", "as_str", "as_str_any", "as_text", "path_to_str",
]  # fmt: skip

_PLACES: Places = {
    "as_bytes": ("...engine.platform.compat", "as_bytes"),
    "as_str": ("...engine.platform.compat", "as_str"),
    "as_str_any": ("...engine.platform.compat", "as_str_any"),
    "as_text": ("...engine.platform.compat", "as_text"),
    "path_to_str": ("...engine.platform.compat", "path_to_str"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

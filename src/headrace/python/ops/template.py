"""The names of `tensorflow.python.ops.template`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.template import Template, make_template

__all__ = [
    "Template", "make_template",
]  # fmt: skip

_PLACES: Places = {
    "Template": ("...engine.template", "Template"),
    "make_template": ("...engine.template", "make_template"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

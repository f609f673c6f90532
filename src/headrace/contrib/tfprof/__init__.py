"""`tf.contrib.tfprof`: the profiler under its name before TensorFlow 1.3. Each is loaded when it is first asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import model_analyzer, tfprof_logger

__all__ = [
    "model_analyzer", "tfprof_logger",
]  # fmt: skip

_PLACES: dict[str, tuple[str, str]] = {}


def __getattr__(name: str) -> Any:
    """The namespace, class or function of a name."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _PLACES:
        module, attribute = _PLACES[name]
        value = getattr(import_module(module, __package__), attribute)
    else:
        value = import_module(f".{name}", __package__)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Checks of layers' arguments that several layers share; the errors name the layer's class and the argument."""

from __future__ import annotations

from typing import Any


def positive(layer: str, name: str, value: Any) -> int:
    """A positive whole number; ValueError for anything else."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < 1:
        raise ValueError(
            f"Received an invalid value for `{name}` of {layer}: expected a positive integer, got {value!r}"
        )
    return int(value.__index__())


def share(layer: str, name: str, value: Any, below_one: bool = False) -> float:
    """A number within 0 and 1; ValueError for anything else."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value <= 1
        or (below_one and value == 1)
    ):
        raise ValueError(f"Invalid value for `{name}` of {layer}: expected a number within 0 and 1, got {value!r}")
    return value


def one_of(layer: str, name: str, value: Any, known: Any) -> Any:
    """A value out of `known`; ValueError for any other."""
    if value not in known:
        raise ValueError(f"Invalid value for `{name}` of {layer}: expected one of {tuple(known)}, got {value!r}")
    return value


def last_size(layer: str, input_shape: Any) -> int:
    """The last size of a layer's input; ValueError where it is not known."""
    size = input_shape[-1] if input_shape else None
    if size is None:
        raise ValueError(f"Layer {layer!r} needs inputs whose last size is known, got shape {input_shape}")
    return int(size)


def whole(name: str, value: Any, least: int, is_needed: bool = True) -> None:
    """ValueError, naming the argument, for what is no whole number from `least` on; None passes where it may."""
    if value is None and not is_needed:
        return
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < least:
        raise ValueError(f"{name} must be a whole number from {least} on, got {value!r}")

"""`tf.compat`: text and bytes, as TensorFlow 1.15 converts them; and the switches that newer programs call first."""

from __future__ import annotations

import numbers
import os
from typing import Any

import numpy as np

integral_types = (numbers.Integral, np.integer)
real_types = (numbers.Real, np.integer, np.floating)
complex_types = (numbers.Complex, np.number)
bytes_or_text_types = (bytes, str)


def as_bytes(bytes_or_text: Any, encoding: str = "utf-8") -> bytes:
    """`bytes_or_text` as bytes; TypeError for anything else."""
    if isinstance(bytes_or_text, bytearray | bytes):
        return bytes(bytes_or_text)
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


def as_text(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """`bytes_or_text` as str; TypeError for anything else."""
    if isinstance(bytes_or_text, str):
        return bytes_or_text
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text.decode(encoding)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


as_str = as_text


def as_str_any(value: Any) -> str:
    """Text and bytes as str, other values by `str`."""
    return as_str(value) if isinstance(value, bytes) else str(value)


def path_to_str(path: Any) -> Any:
    """A path-like object as str, other values as they are."""
    return as_str_any(os.fspath(path)) if hasattr(path, "__fspath__") else path


def disable_v2_behavior() -> None:
    """Nothing to do: graphs and sessions are the only behaviour there is."""


def disable_eager_execution() -> None:
    """Nothing to do: there is no eager execution."""


def executing_eagerly() -> bool:
    """False: operations are added to a graph."""
    return False

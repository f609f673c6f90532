"""Where the channels of images are: the data format of a layer, and shapes and axes in it."""

from __future__ import annotations

from typing import Any

from ..convolutional import FORMATS, as_data_format
from . import backend


def data_format_of(value: Any) -> str:
    """The given data format, or that of the settings; ValueError for an unknown one."""
    return as_data_format(backend.image_data_format() if value is None else value)


def op_format(data_format: str, rank: int) -> str:
    """The data format as the operations over `rank` spatial axes call it."""
    return FORMATS[rank][data_format == "channels_first"]


def channel_axis(data_format: str, rank: int) -> int:
    """The axis of the channels."""
    return 1 if data_format == "channels_first" else rank + 1


def spatial_axes(data_format: str, rank: int) -> list[int]:
    """The spatial axes."""
    first = 2 if data_format == "channels_first" else 1
    return list(range(first, first + rank))

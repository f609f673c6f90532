"""Tensors in the dump files that TensorFlow's own debugger wrote: one Event message a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..protos import Event
from ..tensor_proto import make_ndarray


def load_tensor_from_event_file(event_file_path: str) -> Any:
    """The tensor in a dump file of TensorFlow's debugger, as an array; None for a variable that had no value.

    Dumps of headrace are read by DebugDumpDir, and their files by `numpy.load` too.

    Raises:
        ValueError: the file holds no Event with a tensor.
    """
    # Protobuf's DecodeError is an Exception of its own.
    from google.protobuf.message import DecodeError

    event = Event()
    try:
        event.ParseFromString(Path(event_file_path).read_bytes())
    except DecodeError as error:
        raise ValueError(f"{event_file_path} is no dump file of TensorFlow's debugger: {error}") from None
    if not event.summary.value or not event.summary.value[0].HasField("tensor"):
        raise ValueError(f"{event_file_path} is no dump file of TensorFlow's debugger: it holds no tensor")
    tensor = event.summary.value[0].tensor
    if not tensor.dtype:
        return None
    return make_ndarray(tensor)

"""`tf.load_op_library`: refused, since op libraries are machine code made for TensorFlow."""

from __future__ import annotations

from typing import NoReturn

from ..errors import UnimplementedError


def load_op_library(library_filename: str) -> NoReturn:
    """Raises UnimplementedError: an op is declared in Python here, see docs/add_an_op.md."""
    raise UnimplementedError(
        None,
        None,
        f"{library_filename}: op libraries are compiled for TensorFlow and cannot be loaded; "
        "declare the op in Python (docs/add_an_op.md) or wrap it in tf.py_func.",
    )

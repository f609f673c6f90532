"""File ops: reading and writing whole files, and lists of file names by pattern."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError, NotFoundError, file_error
from ..graph import Operation, Tensor
from ..inference import InferenceContext, no_outputs, scalar_shape
from ..registry import op
from ..samples import Failure, Sample
from ..shapes import Sizes

_IO: dict[str, Any] = {"stateful": True, "touches_files": True}


@op("ReadFile", "filename: string", "contents: string", shape=scalar_shape, **_IO)
def read_file(filename: Any, *, name: str | None = None) -> Tensor:
    """The contents of a file as a string scalar.

    Raises (when run):
        NotFoundError: there is no such file.
    """


@read_file.state
def read_file_state(context: Any, filename: Any) -> Any:
    path = one_text(filename, "filename")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise file_error(path, error) from None


@read_file.failing
def read_file_failing(rng: np.random.Generator) -> list[Failure]:
    missing = np.array(b"no-such-folder/no-such-file", object)
    return [Failure((missing,), NotFoundError, "no-such-file; No such file", at_run=True)]


@op("WriteFile", "filename: string, contents: string", shape=no_outputs, **_IO)
def write_file(filename: Any, contents: Any, *, name: str | None = None) -> Operation:
    """Writes a string scalar to a file, whose folder is made if need be."""


@write_file.state
def write_file_state(context: Any, filename: Any, contents: Any) -> None:
    path = Path(one_text(filename, "filename"))
    data = np.asarray(contents).item()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise file_error(path, error) from None


@op("MatchingFiles", "pattern: string", "filenames: string", **_IO)
def matching_files(pattern: Any, *, name: str | None = None) -> Tensor:
    """The sorted names of the files that match a pattern, or one of several (`*`, `?`, `[...]`), as a string vector."""


@matching_files.shape
def matching_files_shape(context: InferenceContext) -> list[Sizes]:
    return [(None,)]


@matching_files.state
def matching_files_state(context: Any, pattern: Any) -> Any:
    found = [name for p in np.ravel(pattern) for name in glob.glob(os.fsdecode(p))]  # noqa: PTH207  may be absolute
    return np.array(sorted(os.fsencode(name) for name in found) or np.empty(0, object), object)


@matching_files.samples
def matching_files_samples(rng: np.random.Generator) -> list[Sample]:
    patterns = np.array([b"no-such-folder/*"], object)
    return [Sample((p,), differentiable=False) for p in (patterns, patterns[0:0], np.array(b"no/?", object))]


def one_text(value: Any, what: str) -> str:
    """A string scalar as text; InvalidArgumentError for another shape."""
    array = np.asarray(value, object)
    if array.ndim:
        raise InvalidArgumentError(None, None, f"Input {what} tensor must be scalar, but had shape: {array.shape}")
    return os.fsdecode(array.item())

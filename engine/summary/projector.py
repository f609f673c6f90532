"""TensorBoard's projector: which variables of a run's checkpoints it shows, and their values as it can read them."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from google.protobuf import text_format

from ..checkpoint.files import write_durably
from ..checkpoint.reader import CheckpointReader
from ..checkpoint.state import latest_checkpoint
from ..crc32c import crc32c
from ..errors import InvalidArgumentError
from ..protos import ProjectorConfig

CONFIG_FILE: Final = "projector_config.pbtxt"
FOLDER: Final = "projector"  # of the values that come from checkpoints
# Characters of a variable's name in a file's.
_LONGEST_NAME: Final = 200
# NumPy's kinds of real numbers; V are those that it does not know itself, such as bfloat16.
_REAL: Final = "biufV"
MOST_ROWS: Final = 100_000  # TensorBoard asks for no more

_log = logging.getLogger("absl")


def visualize_embeddings(summary_writer: Any, config: Any) -> None:
    """Makes TensorBoard's projector show embeddings, as tf.contrib.tensorboard.plugins.projector of TF 1.15.

    Writes `projector_config.pbtxt` into the folder of the run. TensorBoard alone cannot read checkpoints of headrace;
    so an embedding without `tensor_path` gets one, and the values of its variable are written there from the newest
    checkpoint of the folder: now, if there is one, and by every `Saver.save` into it.

    Args:
        summary_writer: a FileWriter, or the folder.
        config: a ProjectorConfig; it is left as it is.

    Raises:
        ValueError: no folder, or an embedding with neither `tensor_name` nor `tensor_path`.
    """
    logdir = summary_writer.get_logdir() if hasattr(summary_writer, "get_logdir") else summary_writer
    if not logdir:
        raise ValueError("Summary writer must have a log directory")
    written = ProjectorConfig.FromString(config.SerializeToString())
    for embedding in written.embeddings:
        if not embedding.tensor_name and not embedding.tensor_path:
            raise ValueError(f"an embedding needs a tensor_name or a tensor_path: {embedding}")
        if not embedding.tensor_path:
            embedding.tensor_path = _place(embedding.tensor_name)
    folder = Path(logdir)
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / CONFIG_FILE, text_format.MessageToString(written).encode())
    newest = latest_checkpoint(folder)
    if newest is not None:
        export_embeddings(newest)


def export_embeddings(prefix: str) -> None:
    """Writes the embeddings of a checkpoint for the projector, if the checkpoint's folder has its configuration.

    What cannot be shown or written is logged: the checkpoint is whole, and training goes on.
    """
    folder = Path(prefix).parent
    wanted = _wanted(folder / CONFIG_FILE)
    if not wanted:
        return
    reader = CheckpointReader(prefix)
    shapes = reader.get_variable_to_shape_map()
    for tensor, place in wanted.items():
        name = tensor.removesuffix(":0")
        if len(shapes.get(name, ())) != 2:
            _log.warning("The projector cannot show %s: it is no matrix of the checkpoint %s.", name, prefix)
            continue
        try:
            write_vectors(folder / place, reader.get_tensor(name))
        except (InvalidArgumentError, OSError) as error:
            _log.warning("The projector cannot show %s: %s", name, error)


def _wanted(path: Path) -> dict[str, str]:
    """The files of the variables whose values come from checkpoints."""
    if not path.exists():
        return {}
    try:
        config = text_format.Parse(path.read_text(encoding="utf-8"), ProjectorConfig())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        _log.warning("The projector has no embeddings, as %s cannot be read: %s", path, error)
        return {}
    return {e.tensor_name: e.tensor_path for e in config.embeddings if e.tensor_path == _place(e.tensor_name)}


def write_vectors(path: Path, values: npt.ArrayLike) -> None:
    """Writes a matrix as lines of numbers between tabs, the first 100,000 rows.

    Raises:
        InvalidArgumentError: not a matrix, or not of real numbers.
    """
    matrix = np.asarray(values)
    if matrix.dtype.kind not in _REAL:
        kind = "strings" if matrix.dtype.hasobject else matrix.dtype.name
        raise InvalidArgumentError(None, None, f"{path}: the values of an embedding are {kind}, not real numbers")
    if matrix.ndim != 2:
        raise InvalidArgumentError(
            None, None, f"{path}: an embedding is a matrix [words, dimensions], got shape {list(matrix.shape)}"
        )
    line = "\t".join(["%.6g"] * matrix.shape[1])
    text = "\n".join([line % tuple(row) for row in matrix[:MOST_ROWS].astype(np.float64).tolist()])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, f"{text}\n".encode())


def _place(tensor_name: str) -> str:
    name = tensor_name.removesuffix(":0")
    safe = re.sub(r"[^-\w.]", "_", name, flags=re.ASCII)[:_LONGEST_NAME]
    # Two variables must not share a file because their names differ only in what a file's name cannot have.
    mark = "" if safe == name else f"-{crc32c(name.encode()):08x}"
    return f"{FOLDER}/{safe}{mark}.tsv"

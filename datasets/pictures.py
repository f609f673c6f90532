"""Sets in the form of MNIST, from idx files or an npz file, as Keras's loaders give them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .idx import IMAGES_MAGIC, LABELS_MAGIC, read_idx
from .locating import Download, Layout, PathText, Source, locate
from .npz import read_npz

Part = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def picture_source(name: str, *downloads: Download) -> Source:
    """A set of pictures: an npz file of its name, or the four idx files, plain or gzipped."""
    return Source(name, (Layout("npz", (f"{name}.npz",)), Layout("idx", IDX_FILES)), downloads)


def load_pictures(source: Source, path: PathText | None, download: bool) -> tuple[Part, Part]:
    """The training and test part: uint8 images [n, rows, columns] and labels [n].

    Raises:
        NotFoundError: the files are not there; the message says which file to put where.
        ValueError: a file is damaged, or there are not as many labels as images.
    """
    located = locate(source, path, download)
    if located.kind == "npz":
        arrays = read_npz(located.files[0], ARRAYS)
    else:
        kinds = [(IMAGES_MAGIC, "images"), (LABELS_MAGIC, "labels")] * 2
        arrays = [read_idx(file, *kind) for file, kind in zip(located.files, kinds, strict=True)]
    return _checked(arrays[:2], str(located.files[0])), _checked(arrays[2:], str(located.files[-1]))


def _checked(pair: list[Any], name: str) -> Part:
    images, labels = (np.asarray(part) for part in pair)
    if images.dtype != np.uint8 or images.ndim != 3:
        raise ValueError(
            f"{name}: expected uint8 images of [n, rows, columns], got {images.dtype} {list(images.shape)}"
        )
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        raise ValueError(f"{name}: expected a label for each of {len(images)} images, got {list(labels.shape)}")
    return images, labels

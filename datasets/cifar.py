"""CIFAR's images from its binary files and its Python files (read without pickle), in folders or archives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .archives import read_limited, read_members
from .locating import Located
from .npz import read_npz
from .plain_pickle import read_plain_pickle

Bytes = npt.NDArray[np.uint8]
Part = tuple[Bytes, npt.NDArray[Any]]
Parts = tuple[Part, Part]

PIXELS = 3 * 32 * 32


def parts_of(
    located: Located, files: Sequence[str], test: str, key: str, label: int, width: int, classes: int
) -> Parts:
    """The training and test part of a set in any of CIFAR's layouts.

    Args:
        located: the files.
        files: names of the training files, without the suffix of the binary ones.
        test: name of the test file.
        key: of the labels in the Python files.
        label: byte of a binary record that is the label.
        width: bytes of a binary record before the pixels.
        classes: that there are.
    """
    if located.kind == "npz":
        arrays = read_npz(located.files[0], ("x_train", "y_train", "x_test", "y_test"))
        pairs = [_checked(arrays[i], arrays[i + 1], classes, str(located.files[0])) for i in (0, 2)]
        return pairs[0], pairs[1]
    binary = "binary" in located.kind
    names = [f"{name}.bin" if binary else name for name in (*files, test)]
    if located.kind.endswith("archive"):
        contents = read_members(located.files[0], names)
        shown = [f"{located.files[0]}: {name}" for name in names]
    else:
        contents = [read_limited(path) for path in located.files]
        shown = [str(path) for path in located.files]
    pairs = [
        from_binary(data, name, label, width, classes) if binary else from_python(data, name, key, classes)
        for data, name in zip(contents, shown, strict=True)
    ]
    train = np.concatenate([x for x, _ in pairs[:-1]]), np.concatenate([y for _, y in pairs[:-1]])
    return train, pairs[-1]


def from_python(data: bytes, name: str, key: str, classes: int) -> Part:
    """Images, uint8 [n, 32, 32, 3], and labels, [n, 1], of one of the Python files; it is read without pickle.

    Raises:
        ValueError: the file is damaged, is no such file, or holds anything but data.
    """
    found = read_plain_pickle(data, name)
    if not isinstance(found, dict):
        raise ValueError(f"{name}: expected a dict with 'data' and {key!r}, got {type(found).__name__}")
    by_name = {k.decode("utf-8", "replace") if isinstance(k, bytes) else k: v for k, v in found.items()}
    if "data" not in by_name or key not in by_name:
        raise ValueError(f"{name}: expected 'data' and {key!r}, got {sorted(map(str, by_name))[:20]}")
    pixels, labels = by_name["data"], by_name[key]
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (PIXELS,):
        got = f"{pixels.dtype} {list(pixels.shape)}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise ValueError(f"{name}: expected 'data' to be uint8 [n, {PIXELS}], got {got}")
    if not isinstance(labels, list) or not all(type(v) is int and 0 <= v < 256 for v in labels):
        raise ValueError(f"{name}: expected {key!r} to be a list of numbers from 0 to {classes - 1}")
    return _checked(_images(pixels), np.array(labels, np.uint8), classes, name)


def from_binary(data: bytes, name: str, label: int, width: int, classes: int) -> Part:
    """Images, uint8 [n, 32, 32, 3], and labels, [n, 1], of one of the binary files.

    Raises:
        ValueError: the file is cut off, or a label is not below `classes`.
    """
    size = width + PIXELS
    if not data or len(data) % size:
        whole = len(data) // size
        raise ValueError(
            f"{name}: cut off: expected records of {size} bytes, got {len(data) - whole * size} bytes after {whole} "
            f"records, at byte {whole * size}"
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, size)
    return _checked(_images(records[:, width:]), records[:, label].copy(), classes, name)


def _images(pixels: Bytes) -> Bytes:
    # The files hold the red, then the green, then the blue plane of an image.
    return np.ascontiguousarray(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _checked(images: Any, labels: Any, classes: int, name: str) -> Part:
    if getattr(images, "shape", (0,))[1:] != (32, 32, 3) or images.dtype != np.uint8:
        raise ValueError(f"{name}: expected uint8 images of [n, 32, 32, 3]")
    labels = np.asarray(labels).reshape(-1)
    if labels.dtype.kind not in "iu" or len(labels) != len(images):
        raise ValueError(f"{name}: expected a whole number as label of each of {len(images)} images, got {len(labels)}")
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise ValueError(f"{name}: row {wrong[0]} has the label {labels[wrong[0]]}; expected 0 to {classes - 1}")
    return images, labels.reshape(-1, 1)


def folder_layouts(folder: str, files: Sequence[str]) -> list[str]:
    """The paths of files within a folder."""
    return [str(Path(folder, name)) for name in files]

"""Datasets of what lies in a folder, a folder a class, and of windows of a series, as `keras.utils` has them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..engine.byte_strings import string_array
from ..engine.dtypes import float32
from ..engine.errors import NotFoundError
from ..engine.graph import Tensor
from ..engine.ops.array_shape import expand_dims
from ..engine.ops.casting import cast
from ..engine.ops.files import read_file
from ..engine.ops.image_codecs import decode_image
from ..engine.ops.image_resize import resize_bicubic, resize_bilinear, resize_nearest_neighbor
from ..engine.ops.strings import substr
from .dataset import Dataset

_IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
_RESIZERS = {"bilinear": resize_bilinear, "bicubic": resize_bicubic, "nearest": resize_nearest_neighbor}
_PARTS = ("training", "validation", "both")


class _Files(NamedTuple):
    """Paths, the number of each one's class (None without labels), and the classes' names."""

    paths: list[str]
    labels: np.ndarray[Any, Any] | None
    class_names: list[str] | None

    def part(self, rows: Any) -> _Files:
        labels = None if self.labels is None else self.labels[rows]
        return _Files([self.paths[i] for i in rows], labels, self.class_names)


def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Sequence[int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
) -> Any:
    """Batches of the images of a folder, float32 [n, height, width, channels] from 0 to 255, as Keras's.

    Args:
        directory: has a folder of images (BMP, GIF, JPEG, PNG) for each class, or images alone without labels.
        labels: "inferred" from the folders, None, or an integer for each file in the order of their names.
        label_mode: "int", "categorical" (one-hot), "binary" (float32 [n, 1]), or None for images alone.
        class_names: the folders, in the order of their numbers; sorted by default.
        color_mode: "grayscale", "rgb" or "rgba".
        batch_size: images a batch; None for one by one.
        image_size: height and width that all are brought to.
        shuffle: whether the order is random, another one in each pass.
        seed: of the order.
        validation_split: the share of the files that is for validation.
        subset: "training", "validation" or "both", which gives a pair.
        interpolation: "bilinear", "bicubic" or "nearest".
        follow_links: whether links to folders are followed.

    Returns:
        A Dataset with `class_names` and `file_paths`.

    Raises:
        NotFoundError: there is no such folder.
        ValueError: it has no images, or an argument is none of those above.

    Example:
        >>> import numpy as np, tempfile, pathlib
        >>> import headrace as tf
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("cat", "dog"):
        ...     (folder / name).mkdir()
        ...     tf.keras.utils.save_img(folder / name / "1.png", np.zeros((4, 4, 3)))
        >>> data = tf.keras.utils.image_dataset_from_directory(folder, image_size=(8, 8))
        >>> data.class_names
        ['cat', 'dog']
    """
    for what, value, known in (("color_mode", color_mode, _CHANNELS), ("interpolation", interpolation, _RESIZERS)):
        if value not in known:
            raise ValueError(f"{what} must be one of {', '.join(known)}, got {value!r}")
    height, width = image_size

    def image(path: Tensor) -> Tensor:
        pixels = decode_image(read_file(path), _CHANNELS[color_mode], expand_animations=False)
        resized = cast(
            _RESIZERS[interpolation](expand_dims(pixels, 0), [height, width], half_pixel_centers=True), float32
        )
        one: Tensor = resized[0]
        one.set_shape((height, width, _CHANNELS[color_mode]))
        return one

    files = _found(directory, _IMAGES, labels, label_mode, class_names, follow_links)
    return _datasets(files, image, label_mode, batch_size, shuffle, seed, validation_split, subset)


def text_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
) -> Any:
    """Batches of the text files (.txt) of a folder, strings [n]; arguments as of `image_dataset_from_directory`.

    Args:
        max_length: characters (bytes) of a text at most; all by default.
    """

    def text(path: Tensor) -> Tensor:
        whole: Tensor = read_file(path)
        return whole if max_length is None else substr(whole, 0, max_length)

    files = _found(directory, (".txt",), labels, label_mode, class_names, follow_links)
    return _datasets(files, text, label_mode, batch_size, shuffle, seed, validation_split, subset)


def _found(
    directory: Any, endings: tuple[str, ...], labels: Any, mode: str | None, names: Sequence[str] | None, links: bool
) -> _Files:
    if mode not in ("int", "categorical", "binary", None):
        raise ValueError(f"label_mode must be int, categorical, binary or None, got {mode!r}")
    root = Path(directory)
    if not root.is_dir():
        raise NotFoundError(None, None, f"There is no folder {root}")
    folders = sorted(f.name for f in root.iterdir() if f.is_dir() and not f.name.startswith("."))
    if labels != "inferred" and not (labels is None or isinstance(labels, list | tuple)):
        raise ValueError(f'labels must be "inferred", None or a list of integers, got {labels!r}')
    if labels != "inferred" or mode is None:
        paths = _listed(root, endings, links)
        if labels is not None and labels != "inferred" and len(labels) != len(paths):
            raise ValueError(f"There are {len(labels)} labels, but {len(paths)} files in {root}")
        given = None if mode is None or labels is None else _given(labels, mode)
        return _some(_Files(paths, given, None), root, endings)
    chosen = folders if names is None else list(names)
    if sorted(chosen) != folders:
        raise ValueError(f"class_names must be the folders of {root}, {folders}, got {chosen}")
    if mode == "binary" and len(chosen) != 2:
        raise ValueError(f'With label_mode="binary" there must be two classes, there are {chosen}')
    listed = [_listed(root / name, endings, links) for name in chosen]
    numbers = np.repeat(np.arange(len(chosen)), [len(part) for part in listed])
    return _some(_Files([path for part in listed for path in part], numbers, chosen), root, endings)


def _given(labels: Any, mode: str) -> np.ndarray[Any, Any]:
    """The labels of a list, checked: others would be taken for those of another class."""
    numbers = np.asarray(labels)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or (numbers < 0).any():
        raise ValueError(f"labels must be whole numbers of 0 or more, one a file, got {labels!r}")
    if mode == "binary" and numbers.max(initial=0) > 1:
        raise ValueError(f'With label_mode="binary" labels must be 0 or 1, got {labels!r}')
    return numbers.astype(np.int64)


def _some(files: _Files, root: Path, endings: tuple[str, ...]) -> _Files:
    if not files.paths:
        raise ValueError(f"There are no files that end with {', '.join(endings)} in {root}")
    return files


def _listed(folder: Path, endings: tuple[str, ...], links: bool) -> list[str]:
    return sorted(
        str(Path(place, name))
        for place, _, names in os.walk(folder, followlinks=links)
        for name in names
        if name.lower().endswith(endings)
    )


def _datasets(
    files: _Files, make: Any, mode: str | None, batch_size: int | None, shuffle: bool, seed: int | None,
    split: float | None, subset: str | None,
) -> Any:  # fmt: skip
    if (split is None) != (subset is None):
        raise ValueError("validation_split and subset must be given together")
    if split is not None and (not 0 < split < 1 or subset not in _PARTS):
        raise ValueError(f"validation_split must be in (0, 1) and subset one of {_PARTS}, got {split} and {subset!r}")
    if split is not None and shuffle and seed is None:
        raise ValueError("A random order that is split needs a seed: otherwise the parts would have files in common")
    order = np.arange(len(files.paths))
    if shuffle:
        np.random.RandomState(seed).shuffle(order)
    if split is None:
        return _dataset(files.part(order), make, mode, batch_size, shuffle, seed)
    held = int(split * len(order))
    if not held or held == len(order):
        raise ValueError(f"validation_split {split} of {len(order)} files leaves a part without files")
    parts = [_dataset(files.part(order[:-held]), make, mode, batch_size, shuffle, seed)]
    parts.append(_dataset(files.part(order[-held:]), make, mode, batch_size, False, seed))
    return tuple(parts) if subset == "both" else parts[_PARTS.index(subset or "")]


def _dataset(
    files: _Files, make: Any, mode: str | None, batch_size: int | None, shuffle: bool, seed: int | None
) -> Dataset:
    paths = string_array(files.paths)
    labels = None if files.labels is None else _coded(files.labels, mode, files.class_names)
    data = Dataset.from_tensor_slices(paths if labels is None else (paths, labels))
    if shuffle:
        data = data.shuffle(len(paths), seed=seed)
    data = data.map(make if labels is None else lambda path, label: (make(path), label))
    if batch_size is not None:
        data = data.batch(batch_size)
    data = data.prefetch(1)
    # What Keras gives along.
    data.class_names, data.file_paths = files.class_names, files.paths  # type: ignore[attr-defined]
    return data


def _coded(labels: np.ndarray[Any, Any], mode: str | None, names: list[str] | None) -> np.ndarray[Any, Any]:
    if mode == "binary":
        return labels.astype(np.float32)[:, None]
    if mode == "categorical":
        hot: np.ndarray[Any, Any] = np.eye(len(names) if names else int(labels.max()) + 1, dtype=np.float32)[labels]
        return hot
    numbers: np.ndarray[Any, Any] = labels.astype(np.int32)
    return numbers


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
) -> Dataset:
    """Batches of windows of a series, as `keras.utils.timeseries_dataset_from_array`.

    Args:
        data: [steps, ...].
        targets: [steps, ...]: the target of the window that begins at step i is targets[i]; None for windows alone.
        sequence_length: values a window.
        sequence_stride: steps from the beginning of a window to that of the next.
        sampling_rate: steps from one value of a window to the next.
        batch_size: windows a batch; None for one by one.
        shuffle: whether the windows come in random order.
        seed: of the order.
        start_index, end_index: the part of the series that is used.

    Raises:
        ValueError: a number is out of range, or no window fits in.

    Example:
        >>> import headrace as tf
        >>> windows = tf.keras.utils.timeseries_dataset_from_array(range(6), [0, 10, 20], 3)
        >>> x, y = windows.make_one_shot_iterator().get_next()
        >>> with tf.Session() as session:
        ...     session.run([x, y])[0].tolist()
        [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
    """
    series = np.asarray(data)
    for name, value in (("sequence_length", sequence_length), ("sequence_stride", sequence_stride),
                        ("sampling_rate", sampling_rate)):  # fmt: skip
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    first, end = start_index or 0, len(series) if end_index is None else end_index
    if not 0 <= first < end <= len(series):
        raise ValueError(
            f"start_index {start_index} and end_index {end_index} must lie in a series of {len(series)} steps"
        )
    span = (sequence_length - 1) * sampling_rate
    count = end - first - span if targets is None else min(end - first - span, len(targets) - first)
    starts = first + np.arange(0, max(count, 0), sequence_stride)
    if not len(starts):
        raise ValueError(f"No window of {sequence_length} values, {sampling_rate} steps apart, fits into the series")
    if shuffle:
        np.random.RandomState(seed).shuffle(starts)
    windows = series[starts[:, None] + np.arange(0, span + 1, sampling_rate)]
    rows = Dataset.from_tensor_slices(windows if targets is None else (windows, np.asarray(targets)[starts]))
    return (rows if batch_size is None else rows.batch(batch_size)).prefetch(1)

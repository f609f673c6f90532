"""Batches of pictures from arrays and folders: what ImageDataGenerator's flow and flow_from_directory give."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator as Iterating
from pathlib import Path
from typing import Any

import numpy as np

from .backend import floatx
from .data import as_array
from .image_arrays import Array, array_to_img, img_to_array, load_img
from .numpy_tools import PyDataset

logger = logging.getLogger("headrace")

FORMATS = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")
_CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}


class Iterator(PyDataset):
    """Batches by number, or one after the other without end; subclasses define `_get_batches_of_transformed_samples`.

    Args:
        n: how many samples there are.
        batch_size: of a batch.
        shuffle: draw the order anew each epoch, by NumPy's global generator.
        seed: of it: with the number of batches so far it says what each batch draws.
    """

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None) -> None:
        super().__init__()
        if isinstance(batch_size, bool) or not hasattr(batch_size, "__index__") or batch_size < 1:
            raise ValueError(f"batch_size must be a positive whole number, got {batch_size!r}")
        self.n, self.batch_size, self.shuffle, self.seed = n, int(batch_size), shuffle, seed
        self.batch_index = self.total_batches_seen = 0
        self.lock = threading.Lock()
        self.index_array: Array | None = None

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        if index >= len(self):
            raise ValueError(f"Asked to retrieve element {index}, but the Sequence has length {len(self)}")
        with self.lock:
            self._draw(self.index_array is None)
            order = self.index_array if self.index_array is not None else np.arange(self.n)
            chosen = order[index * self.batch_size : (index + 1) * self.batch_size]
        return self._get_batches_of_transformed_samples(chosen)

    def _draw(self, is_new: bool) -> None:
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)
        self.total_batches_seen += 1
        if is_new:
            self._set_index_array()

    def _set_index_array(self) -> None:
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def on_epoch_end(self) -> None:
        self._set_index_array()

    def reset(self) -> None:
        """Begins anew with the first batch."""
        self.batch_index = 0

    def __iter__(self) -> Iterating[Any]:
        # No end, as in Keras: `fit` takes batches by number.
        return self

    def __next__(self) -> Any:
        with self.lock:
            self._draw(self.batch_index == 0)
            start = self.batch_index * self.batch_size
            order = self.index_array if self.index_array is not None else np.arange(self.n)
            chosen = order[start : start + self.batch_size]
            self.batch_index = self.batch_index + 1 if self.n > start + self.batch_size else 0
        return self._get_batches_of_transformed_samples(chosen)

    next = __next__

    def _get_batches_of_transformed_samples(self, index_array: Array) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not say what its batches are")

    def _saved(self, batch: Array, numbers: Array, folder: Any, prefix: str, kind: str, data_format: str) -> None:
        if folder is None:
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        for picture, number in zip(batch, numbers, strict=True):
            name = f"{prefix}_{number}_{np.random.randint(10_000_000)}.{kind}"
            array_to_img(picture, data_format, scale=True).save(Path(folder, name))


class NumpyArrayIterator(Iterator):
    """Batches of pictures in an array, with labels; see `ImageDataGenerator.flow` for the arguments."""

    def __init__(
        self, x: Any, y: Any, image_data_generator: Any, batch_size: int = 32, shuffle: bool = False,
        sample_weight: Any = None, seed: int | None = None, data_format: str | None = None, save_to_dir: Any = None,
        save_prefix: str = "", save_format: str = "png", subset: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        pictures, others = (x[0], list(x[1])) if isinstance(x, tuple | list) and len(x) == 2 else (x, [])
        arrays = {"x": np.asarray(pictures, dtype or floatx())}
        if arrays["x"].ndim != 4:
            raise ValueError(f"Input data in `NumpyArrayIterator` should have rank 4, got shape {arrays['x'].shape}")
        arrays.update({f"x_misc[{i}]": np.asarray(other) for i, other in enumerate(others)})
        for name, given in (("y", y), ("sample_weight", sample_weight)):
            if given is not None:
                arrays[name] = as_array(given, name)
        lengths = {name: len(array) for name, array in arrays.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"All arrays must have as many rows, got {lengths}")
        rows = part_of(len(arrays["x"]), image_data_generator.validation_split, subset)
        arrays = {name: array[rows] for name, array in arrays.items()}
        self.x, self.x_misc = arrays["x"], [array for name, array in arrays.items() if name.startswith("x_misc")]
        self.y, self.sample_weight = arrays.get("y"), arrays.get("sample_weight")
        self.image_data_generator = image_data_generator
        self.data_format = data_format or image_data_generator.data_format
        self._saves = save_to_dir, save_prefix, save_format
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _get_batches_of_transformed_samples(self, index_array: Array) -> Any:
        maker = self.image_data_generator
        batch = np.zeros((len(index_array), *self.x.shape[1:]), self.x.dtype)
        for i, row in enumerate(index_array):
            picture = self.x[row]
            moved = maker.apply_transform(picture.astype(maker.dtype), maker.get_random_transform(picture.shape))
            batch[i] = maker.standardize(moved)
        self._saved(batch, index_array, *self._saves, self.data_format)
        found: Any = [batch, *(other[index_array] for other in self.x_misc)] if self.x_misc else batch
        if self.y is None:
            return found
        parts = found, self.y[index_array]
        return parts if self.sample_weight is None else (*parts, self.sample_weight[index_array])


class DirectoryIterator(Iterator):
    """Batches of the pictures of a folder with a folder for each class; see `flow_from_directory` for the arguments."""

    def __init__(
        self, directory: Any, image_data_generator: Any, target_size: Any = (256, 256), color_mode: str = "rgb",
        classes: Any = None, class_mode: str | None = "categorical", batch_size: int = 32, shuffle: bool = True,
        seed: int | None = None, data_format: str | None = None, save_to_dir: Any = None, save_prefix: str = "",
        save_format: str = "png", follow_links: bool = False, subset: str | None = None,
        interpolation: str = "nearest", dtype: Any = None,
    ) -> None:  # fmt: skip
        if color_mode not in _CHANNELS:
            raise ValueError(f"Invalid color mode: {color_mode}; expected one of {', '.join(_CHANNELS)}")
        if class_mode not in ("categorical", "binary", "sparse", "input", None):
            raise ValueError(f"Invalid class_mode: {class_mode}; expected categorical, binary, sparse, input or None")
        folder = Path(directory)
        if not folder.is_dir():
            raise FileNotFoundError(f"There is no folder {folder}")
        self.directory, self.image_data_generator = directory, image_data_generator
        self.target_size, self.color_mode, self.class_mode = tuple(target_size), color_mode, class_mode
        self.data_format = data_format or image_data_generator.data_format
        self.interpolation, self._dtype = interpolation, dtype or floatx()
        self._saves = save_to_dir, save_prefix, save_format
        names = list(classes) if classes else sorted(p.name for p in folder.iterdir() if p.is_dir())
        self.class_indices = {name: number for number, name in enumerate(names)}
        self.num_classes = len(names)
        share = image_data_generator.validation_split
        found = [
            (path, self.class_indices[name])
            for name in names
            for path in _part(_pictures(folder / name, follow_links), share, subset)
        ]
        self.filepaths = [str(path) for path, _ in found]
        self.filenames = [path.relative_to(folder).as_posix() for path, _ in found]
        self.classes = np.array([number for _, number in found], np.int32)
        logger.info("Found %d images belonging to %d classes.", len(found), len(names))
        super().__init__(len(found), batch_size, shuffle, seed)

    @property
    def labels(self) -> Array:
        """The number of each picture's class."""
        return self.classes

    @property
    def image_shape(self) -> tuple[int, ...]:
        """The shape of a picture."""
        channels = _CHANNELS[self.color_mode]
        first = self.data_format == "channels_first"
        return (channels, *self.target_size) if first else (*self.target_size, channels)

    def _get_batches_of_transformed_samples(self, index_array: Array) -> Any:
        maker = self.image_data_generator
        batch = np.zeros((len(index_array), *self.image_shape), self._dtype)
        for i, row in enumerate(index_array):
            loaded = load_img(self.filepaths[row], False, self.color_mode, self.target_size, self.interpolation)
            picture = img_to_array(loaded, self.data_format)
            moved = maker.apply_transform(picture, maker.get_random_transform(picture.shape))
            batch[i] = maker.standardize(moved)
        self._saved(batch, index_array, *self._saves, self.data_format)
        if self.class_mode is None:
            return batch
        return batch, self._targets(batch, index_array)

    def _targets(self, batch: Array, index_array: Array) -> Array:
        numbers = self.classes[index_array]
        if self.class_mode == "input":
            return batch.copy()
        if self.class_mode == "categorical":
            return np.eye(self.num_classes, dtype=self._dtype)[numbers]
        return numbers.astype(self._dtype)


def part_of(rows: int, share: float, subset: str | None) -> slice:
    """The rows of a subset: those of validation come first."""
    if subset is None:
        return slice(None)
    if subset not in ("training", "validation"):
        raise ValueError(f"Invalid subset name: {subset}; expected 'training' or 'validation'.")
    at = int(rows * share)
    return slice(at) if subset == "validation" else slice(at, None)


def _part(paths: list[Path], share: float, subset: str | None) -> list[Path]:
    return paths[part_of(len(paths), share, subset)]


def _pictures(folder: Path, follow_links: bool) -> list[Path]:
    """The pictures below a folder, by name; those that links lead to only if wanted."""
    found: list[Path] = []
    waiting = [folder] if folder.is_dir() else []
    seen: set[Path] = set()
    while waiting:
        current = waiting.pop()
        if current.resolve() in seen:
            continue
        seen.add(current.resolve())
        for path in current.iterdir():
            if path.is_dir() and (follow_links or not path.is_symlink()):
                waiting.append(path)
            elif path.is_file() and path.suffix.lower().lstrip(".") in FORMATS:
                found.append(path)
    return sorted(found)

"""MNIST, or any set in its form, from local files: TensorFlow 1.15's tutorial reader, and Keras's load_data.

The tutorial reader never downloads. The idx format is in idx.py.
"""

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..engine.errors import NotFoundError
from .idx import IMAGES_MAGIC, LABELS_MAGIC, IdxSource, read_idx
from .locating import Download, PathText
from .pictures import IDX_FILES, Part, load_pictures, picture_source

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = IDX_FILES

SOURCE = picture_source(
    "mnist",
    Download(
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
        "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    ),
)

Images = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint8] | npt.NDArray[np.float64]
# Lists are what TensorFlow's reader gives for fake data.
Batch = tuple[Images | list[list[float]], Labels | list[Any]]


def dense_to_one_hot(labels_dense: npt.NDArray[np.uint8], num_classes: int) -> Labels:
    """Returns float64 [n, num_classes] with a one in the column of each label of [n].

    Raises:
        ValueError: if a label is not below num_classes.
    """
    if labels_dense.size and labels_dense.max() >= num_classes:
        raise ValueError(f"labels: expected 0 to {num_classes - 1}, got {labels_dense.max()}")
    return np.eye(num_classes)[labels_dense]


def extract_images(f: IdxSource) -> npt.NDArray[np.uint8]:
    """Returns the images of an idx3 file (a path or open file) as uint8 [n, rows, columns, 1].

    Raises:
        ValueError: if the file is not an idx file of images, or is damaged or cut off.
    """
    return read_idx(f, IMAGES_MAGIC, "images")[..., np.newaxis]


def extract_labels(f: IdxSource, one_hot: bool = False, num_classes: int = 10) -> Labels:
    """Returns the labels of an idx1 file as uint8 [n], or as float64 [n, num_classes] if one_hot.

    Raises:
        ValueError: if the file is not an idx file of labels, or is damaged or cut off.
    """
    labels = read_idx(f, LABELS_MAGIC, "labels")
    return dense_to_one_hot(labels, num_classes) if one_hot else labels


class DataSet:
    """Images and labels that are handed out in shuffled batches, epoch after epoch.

    Behaves as in TensorFlow 1.15's tutorials: float32 images are scaled to 0..1, uint8 images are
    left alone; with reshape they are [n, rows * columns]. Batches are drawn from a stream of this
    data set alone, seeded by `seed`, or by the system where it is None.
    """

    def __init__(
        self,
        images: npt.NDArray[Any],
        labels: npt.NDArray[Any],
        fake_data: bool = False,
        one_hot: bool = False,
        dtype: Any = np.float32,
        reshape: bool = True,
        seed: int | None = None,
    ) -> None:
        kind = _pixel_dtype(dtype)
        self.one_hot = one_hot
        # RandomState, since NumPy promises that its streams never change.
        self._random = np.random.RandomState(seed)
        self._images, self._labels = np.asarray(images), np.asarray(labels)
        self._num_examples = 10000 if fake_data else len(self._images)
        self._epochs_completed = self._index_in_epoch = 0
        # Shuffling moves these numbers and never the images, of which there may be hundreds of MB.
        self._order = np.arange(self._num_examples)
        if not fake_data:
            self._images = _prepared(self._images, self._labels, kind, reshape)

    @property
    def images(self) -> Images:
        """All images, in the order of the file."""
        return self._images

    @property
    def labels(self) -> Labels:
        """All labels, in the order of `images`."""
        return self._labels

    @property
    def num_examples(self) -> int:
        """How many examples there are."""
        return self._num_examples

    @property
    def epochs_completed(self) -> int:
        """How many times all examples have been handed out."""
        return self._epochs_completed

    def next_batch(self, batch_size: int, fake_data: bool = False, shuffle: bool = True) -> Batch:
        """Returns the next batch_size images and labels; a batch may span two epochs.

        Examples are shuffled at the start of every epoch unless shuffle is off.

        Raises:
            ValueError: if batch_size is negative or more than there are examples.
        """
        if fake_data:
            label: Any = [1] + [0] * 9 if self.one_hot else 0
            return [[1.0] * 784 for _ in range(batch_size)], [label for _ in range(batch_size)]
        if not 0 <= batch_size <= len(self._images):
            raise ValueError(
                f"next_batch: expected a batch_size from 0 to the {len(self._images)} examples "
                f"of this data set, got {batch_size}"
            )
        start = self._index_in_epoch
        if start == 0 and self._epochs_completed == 0 and shuffle:
            self._shuffle()
        if start + batch_size > self._num_examples:
            return self._batch_over_the_end(batch_size, shuffle)
        self._index_in_epoch += batch_size
        return self._rows(start, self._index_in_epoch)

    def _batch_over_the_end(self, batch_size: int, shuffle: bool) -> Batch:
        """Returns what is left of this epoch with the beginning of the next."""
        rest_images, rest_labels = self._rows(self._index_in_epoch, self._num_examples)
        self._epochs_completed += 1
        if shuffle:
            self._shuffle()
        self._index_in_epoch = batch_size - len(rest_images)
        images, labels = self._rows(0, self._index_in_epoch)
        return np.concatenate([rest_images, images]), np.concatenate([rest_labels, labels])

    def _rows(self, start: int, stop: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        chosen = self._order[start:stop]
        return self._images[chosen], self._labels[chosen]

    def _shuffle(self) -> None:
        self._random.shuffle(self._order)


class Datasets(NamedTuple):
    """The three parts of a data set."""

    train: DataSet
    validation: DataSet
    test: DataSet


def read_data_sets(
    train_dir: str | os.PathLike[str],
    fake_data: bool = False,
    one_hot: bool = False,
    dtype: Any = np.float32,
    reshape: bool = True,
    validation_size: int = 5000,
    seed: int | None = None,
    source_url: str | None = None,
) -> Datasets:
    """Returns train, validation and test parts of the MNIST files in the folder train_dir.

    Each file may be plain or compressed with gzip. The first validation_size training examples are
    the validation part. Nothing is downloaded: source_url only appears in the error for a missing
    file.

    Raises:
        NotFoundError: if a file is missing; says which one to put where.
        ValueError: if a file is damaged, its numbers do not fit together, or validation_size is
            not between 0 and the number of training images.
        TypeError: if dtype is neither float32 nor uint8.
    """
    if fake_data:
        nothing = np.zeros(0, dtype=np.uint8)
        fakes = [DataSet(nothing, nothing, True, one_hot, dtype, seed=seed) for _ in range(3)]
        return Datasets(*fakes)
    names = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
    files = [_find(Path(train_dir), name, source_url) for name in names]
    images, labels = extract_images(files[0]), extract_labels(files[1], one_hot)
    test = DataSet(
        extract_images(files[2]),
        extract_labels(files[3], one_hot),
        False,
        one_hot,
        dtype,
        reshape,
        seed,
    )
    if not 0 <= validation_size <= len(images):
        raise ValueError(
            f"read_data_sets: expected a validation_size from 0 to the {len(images)} training "
            f"images, got {validation_size}"
        )
    train, validation = (
        DataSet(images[part], labels[part], False, one_hot, dtype, reshape, seed)
        for part in (slice(validation_size, None), slice(validation_size))
    )
    return Datasets(train, validation, test)


def load_data(path: PathText | None = None, download: bool = False) -> tuple[Part, Part]:
    """Returns (x_train, y_train), (x_test, y_test): uint8 images [n, 28, 28] and labels [n], as Keras's loader does.

    Args:
        path: mnist.npz, or the folder of it or of the four idx files; by default the folders of HEADRACE_DATA and
            ~/.keras/datasets are searched.
        download: fetch mnist.npz if there is nothing; no connection is opened otherwise.

    Raises:
        NotFoundError: the files are not there; the message says which file to put where.
        ValueError: a file is damaged, or there are not as many labels as images.
    """
    return load_pictures(SOURCE, path, download)


def load_mnist(train_dir: str | os.PathLike[str] = "MNIST-data") -> Datasets:
    """Returns `read_data_sets` of a folder, with its defaults."""
    return read_data_sets(train_dir)


def _pixel_dtype(dtype: Any) -> np.dtype[Any]:
    kind: np.dtype[Any] = np.dtype(getattr(dtype, "as_numpy_dtype", dtype))
    if kind not in (np.uint8, np.float32):
        raise TypeError(f"dtype: expected float32 or uint8 for images, got {kind}")
    return kind


def _prepared(
    images: npt.NDArray[Any], labels: npt.NDArray[Any], kind: np.dtype[Any], reshape: bool
) -> npt.NDArray[Any]:
    if len(images) != len(labels):
        raise ValueError(f"expected as many labels as images, got {len(images)} and {len(labels)}")
    if reshape:
        if images.ndim != 4 or images.shape[3] != 1:
            raise ValueError(f"images: expected [n, rows, columns, 1], got {list(images.shape)}")
        images = images.reshape(len(images), images.shape[1] * images.shape[2])
    if kind == np.float32:
        return images.astype(np.float32) * np.float32(1.0 / 255.0)
    return images


def _find(folder: Path, name: str, source_url: str | None) -> Path:
    # Some mirrors write a dot where the original has a dash: train-images.idx3-ubyte.
    for stem in (name, name.replace("-idx", ".idx")):
        for path in (folder / stem, folder / f"{stem}.gz"):
            if path.is_file():
                return path
    where = f", for instance from {source_url}" if source_url else ""
    raise NotFoundError(
        None,
        None,
        f"{folder}: expected the file {name} or {name}.gz, found neither. headrace downloads "
        f"nothing: put the four MNIST files into this folder{where}",
    )

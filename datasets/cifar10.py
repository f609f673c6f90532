"""CIFAR-10: 60,000 colour images of ten kinds of things, from local files as Keras's loader gives them."""

from __future__ import annotations

from .cifar import Parts, folder_layouts, parts_of
from .locating import Download, Layout, PathText, Source, locate

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))
_TEST = "test_batch"
_FILES = (*_TRAIN, _TEST)

SOURCE = Source(
    "cifar10",
    (
        Layout("npz", ("cifar10.npz",)),
        Layout("python", tuple(folder_layouts("cifar-10-batches-py", _FILES))),
        Layout("binary", tuple(folder_layouts("cifar-10-batches-bin", [f"{n}.bin" for n in _FILES]))),
        Layout("python archive", ("cifar-10-python.tar.gz",)),
        Layout("binary archive", ("cifar-10-binary.tar.gz",)),
    ),
    (
        Download(
            "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
            "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        ),
    ),
)


def load_data(path: PathText | None = None, download: bool = False) -> Parts:
    """Returns (x_train, y_train), (x_test, y_test): uint8 images [n, 32, 32, 3] and uint8 labels [n, 1].

    Read are cifar-10-batches-py, cifar-10-batches-bin, the archives that these come in, and an npz file of the four
    arrays. The Python files are read without pickle.

    Args:
        path: the folder or file; by default the folders of HEADRACE_DATA and ~/.keras/datasets are searched.
        download: fetch the archive if there is nothing.

    Raises:
        NotFoundError: the files are not there; the message says which file to put where.
        ValueError: a file is damaged, or a label out of range.
    """
    return parts_of(locate(SOURCE, path, download), _TRAIN, _TEST, "labels", 0, 1, 10)

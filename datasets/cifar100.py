"""CIFAR-100: 60,000 colour images of a hundred kinds of things in twenty groups, as Keras's loader gives them."""

from __future__ import annotations

from .cifar import Parts, folder_layouts, parts_of
from .locating import Download, Layout, PathText, Source, locate

_FILES = ("train", "test")

SOURCE = Source(
    "cifar100",
    (
        Layout("npz", ("cifar100.npz",)),
        Layout("python", tuple(folder_layouts("cifar-100-python", _FILES))),
        Layout("binary", tuple(folder_layouts("cifar-100-binary", [f"{n}.bin" for n in _FILES]))),
        Layout("python archive", ("cifar-100-python.tar.gz",)),
        Layout("binary archive", ("cifar-100-binary.tar.gz",)),
    ),
    (
        Download(
            "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
            "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        ),
    ),
)


def load_data(label_mode: str = "fine", path: PathText | None = None, download: bool = False) -> Parts:
    """Returns (x_train, y_train), (x_test, y_test): uint8 images [n, 32, 32, 3] and whole-number labels [n, 1].

    Args:
        label_mode: "fine" for the hundred classes, "coarse" for their twenty groups; an npz file has the one that was
            put into it.
        path: the folder or file; by default the folders of HEADRACE_DATA and ~/.keras/datasets are searched.
        download: fetch the archive if there is nothing.

    Raises:
        NotFoundError: the files are not there; the message says which file to put where.
        ValueError: label_mode is another one, a file is damaged, or a label out of range.
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f'`label_mode` must be one of "fine", "coarse". Received: label_mode={label_mode!r}.')
    fine = label_mode == "fine"
    located = locate(SOURCE, path, download)
    return parts_of(located, _FILES[:1], _FILES[1], f"{label_mode}_labels", 1 if fine else 0, 2, 100 if fine else 20)

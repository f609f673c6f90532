"""Fashion-MNIST: 70,000 grey images of clothes in MNIST's form, from local files as Keras's loader gives them."""

from __future__ import annotations

from .locating import Download, PathText
from .pictures import IDX_FILES, Part, load_pictures, picture_source

CLASS_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

_FOLDER = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"

# The files have gzip's own checksums.
SOURCE = picture_source("fashion_mnist", *(Download(f"{_FOLDER}{name}.gz", "") for name in IDX_FILES))


def load_data(path: PathText | None = None, download: bool = False) -> tuple[Part, Part]:
    """Returns (x_train, y_train), (x_test, y_test): uint8 images [n, 28, 28] and labels [n].

    Args:
        path: the folder of the four idx files, or an npz file; by default the folders fashion_mnist and fashion-mnist
            in those of HEADRACE_DATA and ~/.keras/datasets are searched.
        download: fetch the files if there is nothing.

    Raises:
        NotFoundError: the files are not there; the message says which file to put where.
        ValueError: a file is damaged, or there are not as many labels as images.
    """
    return load_pictures(SOURCE, path, download)

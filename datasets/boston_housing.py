"""The prices of 506 houses of 1978 with 13 measures each, from a local file as Keras's loader gives them."""

from __future__ import annotations

from .housing import Part, read_divided
from .locating import Download, Layout, PathText, Source, locate

SOURCE = Source(
    "boston_housing",
    (Layout("npz", ("boston_housing.npz",)),),
    (
        Download(
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/boston_housing.npz",
            "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
        ),
    ),
)


def load_data(
    path: PathText | None = None, test_split: float = 0.2, seed: int = 113, download: bool = False
) -> tuple[Part, Part]:
    """Returns (x_train, y_train), (x_test, y_test): float64 [n, 13] and [n], divided as Keras divides them.

    Args:
        path: the npz file or its folder; by default the folders of HEADRACE_DATA and ~/.keras/datasets are searched.
        test_split: share of the rows in the test part.
        seed: of the order.
        download: fetch the file if there is none.

    Raises:
        NotFoundError: the file is not there; the message says which file to put where.
        ValueError: test_split is not from 0 to below 1, or the file is damaged.
    """
    return read_divided(lambda: locate(SOURCE, path, download).files[0], test_split, seed)

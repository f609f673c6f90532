"""The prices of houses in 20,640 places of California in 1990 with 8 measures each, from a local file as Keras's loader."""

from __future__ import annotations

from .housing import Part, read_divided
from .locating import Download, Layout, PathText, Source, locate

SOURCE = Source(
    "california_housing",
    (Layout("npz", ("california_housing.npz",)),),
    (
        Download(
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/california_housing.npz",
            "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
        ),
    ),
)
_SMALL = 600


def load_data(
    version: str = "large",
    path: PathText | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    download: bool = False,
) -> tuple[Part, Part]:
    """Returns (x_train, y_train), (x_test, y_test): float [n, 8] and [n], divided as Keras divides them.

    Args:
        version: "large" for all rows, "small" for the first 600.
        path: the npz file or its folder; by default the folders of HEADRACE_DATA and ~/.keras/datasets are searched.
        test_split: share of the rows in the test part.
        seed: of the order.
        download: fetch the file if there is none.

    Raises:
        NotFoundError: the file is not there; the message says which file to put where.
        ValueError: the version is unknown, test_split is not from 0 to below 1, or the file is damaged.
    """
    if version not in ("small", "large"):
        raise ValueError(f"Argument `version` must be one of 'small', 'large'. Received: version={version}")
    most = _SMALL if version == "small" else None
    return read_divided(lambda: locate(SOURCE, path, download).files[0], test_split, seed, most)

"""Fisher's iris: 150 flowers of three species, four measures each, shipped with the package.

Source: R. A. Fisher, "Iris", UCI Machine Learning Repository, 1936,
https://doi.org/10.24432/C56C76. Licence: Creative Commons Attribution 4.0 International.
Two rows are as in Fisher's paper where the repository's file has misprints (as in scikit-learn and
R); repacked as bytes in an npz file.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from .splitting import Split, stratified_split

FEATURE_NAMES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
CLASS_NAMES = ("setosa", "versicolor", "virginica")

_FILE = Path(__file__).with_name("iris.npz")


def load_data() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Returns the features, float32 [150, 4] in centimetres, and the labels, int64 [150].

    The columns are `FEATURE_NAMES`, a label is an index into `CLASS_NAMES`.

    >>> features, labels = load_data()
    >>> features[0].tolist() == np.float32([5.1, 3.5, 1.4, 0.2]).tolist(), CLASS_NAMES[labels[0]]
    (True, 'setosa')
    """
    with np.load(_FILE, allow_pickle=False) as arrays:
        tenths = arrays["features"].astype(np.float32)
        return tenths / np.float32(10), arrays["labels"].astype(np.int64)


def load_split(test_fraction: float = 0.2, seed: int = 0) -> Split:
    """Returns x_train, x_test, y_train, y_test; x is float32 [n, 4] in centimetres, y is int64 [n].

    Every species has the same share in both parts; the same seed gives the same split everywhere.

    Raises:
        ValueError: if test_fraction is not between 0 and 1, both excluded.
    """
    features, labels = load_data()
    return stratified_split(features, labels, test_fraction, seed)

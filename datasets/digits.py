"""The UCI handwritten digits: 1,797 real 8x8 images of the digits 0 to 9, shipped with the package.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits" (the test part), UCI
Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49. Licence: Creative Commons
Attribution 4.0 International; repacked as bytes in an npz file, the values are unchanged.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from .splitting import Split, stratified_split

_FILE = Path(__file__).with_name("digits.npz")


def load_data() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Returns images, float32 [1797, 8, 8] from 0 to 16 as in the source, and labels, int64 [1797].

    >>> images, labels = load_data()
    >>> images.shape, labels[:3].tolist()
    ((1797, 8, 8), [0, 1, 2])
    """
    with np.load(_FILE, allow_pickle=False) as arrays:
        return arrays["images"].astype(np.float32), arrays["labels"].astype(np.int64)


def load_split(test_fraction: float = 0.2, seed: int = 0) -> Split:
    """Returns x_train, x_test, y_train, y_test; x is float32 [n, 64] from 0 to 1, y is int64 [n].

    Every digit has the same share in both parts; the same seed gives the same split everywhere.

    Raises:
        ValueError: if test_fraction is not between 0 and 1, both excluded.
    """
    images, labels = load_data()
    return stratified_split(images.reshape(len(images), 64) / np.float32(16), labels, test_fraction, seed)

"""Dividing labelled examples into a part to train on and a part to test on."""

import numpy as np
import numpy.typing as npt

Split = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int64]]


def stratified_split(
    features: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    test_fraction: float = 0.2,
    seed: int = 0,
) -> Split:
    """Returns features and labels as x_train, x_test, y_train, y_test, both parts shuffled.

    Each class gives the same share of its examples, rounded, to the test part. The same seed gives
    the same split on every machine and NumPy release.

    Raises:
        ValueError: if test_fraction is not between 0 and 1, both excluded.
    """
    if not 0.0 < test_fraction < 1.0:
        raise ValueError(f"test_fraction: expected a number between 0 and 1, got {test_fraction}")
    # RandomState, since NumPy promises that its streams never change; those of Generator may.
    random = np.random.RandomState(seed)
    order = random.permutation(len(labels))
    in_test = np.zeros(len(labels), dtype=np.bool_)
    for value in np.unique(labels):
        rows = order[labels[order] == value]
        in_test[rows[: round(test_fraction * len(rows))]] = True
    train, test = order[~in_test[order]], order[in_test[order]]
    return features[train], features[test], labels[train], labels[test]

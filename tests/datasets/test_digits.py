"""The digits are all there, and the split is fair and repeatable."""

import numpy as np
import pytest
import sklearn.datasets

import headrace


def test_same_images_and_labels_as_scikit_learn():
    images, labels = headrace.datasets.digits.load_data()
    expected = sklearn.datasets.load_digits()
    assert images.dtype == np.float32
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(images, expected.images)
    np.testing.assert_array_equal(labels, expected.target)


def test_split_uses_every_image_once():
    x_train, x_test, y_train, y_test = headrace.datasets.digits.load_split()
    assert (x_train.shape, x_test.shape) == ((1438, 64), (359, 64))
    assert x_train.dtype == x_test.dtype == np.float32
    assert x_train.min() == 0.0 and x_train.max() == 1.0
    images, labels = headrace.datasets.digits.load_data()
    rows = np.c_[images.reshape(-1, 64), labels]
    split = np.c_[np.r_[x_train, x_test] * 16, np.r_[y_train, y_test]]
    np.testing.assert_array_equal(split[np.lexsort(split.T)], rows[np.lexsort(rows.T)])


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.5])
def test_each_digit_has_its_share_of_the_test_part(fraction):
    *_, y_train, y_test = headrace.datasets.digits.load_split(fraction)
    shares = np.bincount(y_test) / (np.bincount(y_train) + np.bincount(y_test))
    np.testing.assert_allclose(shares, fraction, atol=0.01)


def test_seed_decides_the_split():
    first, again, other = (headrace.datasets.digits.load_split(seed=seed) for seed in (3, 3, 4))
    for left, right in zip(first, again, strict=True):
        np.testing.assert_array_equal(left, right)
    assert not np.array_equal(first[2], other[2])


def test_split_is_the_same_in_every_release():
    *_, y_train, y_test = headrace.datasets.digits.load_split()
    assert y_train[:12].tolist() == [6, 6, 6, 6, 6, 9, 7, 6, 9, 9, 5, 6]
    assert y_test[:12].tolist() == [2, 8, 2, 6, 6, 7, 1, 9, 8, 5, 2, 8]


@pytest.mark.parametrize("fraction", [-0.1, 0.0, 1.0, 2.0, float("nan")])
def test_fraction_outside_the_interval_is_refused(fraction):
    with pytest.raises(ValueError, match=r"test_fraction: expected a number between 0 and 1, got"):
        headrace.datasets.digits.load_split(fraction)

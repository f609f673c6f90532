"""The iris flowers are all there, and the split is fair."""

import numpy as np
import pytest
import sklearn.datasets

import headrace


def test_same_features_and_labels_as_scikit_learn():
    features, labels = headrace.datasets.iris.load_data()
    expected = sklearn.datasets.load_iris()
    assert features.dtype == np.float32
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(features, expected.data.astype(np.float32))
    np.testing.assert_array_equal(labels, expected.target)
    assert headrace.datasets.iris.CLASS_NAMES == tuple(expected.target_names)


def test_split_gives_ten_flowers_of_each_species_to_the_test_part():
    x_train, x_test, y_train, y_test = headrace.datasets.iris.load_split()
    assert (x_train.shape, x_test.shape) == ((120, 4), (30, 4))
    assert np.bincount(y_test).tolist() == [10, 10, 10]
    assert np.bincount(y_train).tolist() == [40, 40, 40]


def test_irises_as_contrib_learn_has_them():
    learn = headrace.contrib.learn.datasets
    found = learn.load_dataset("iris")
    assert found.data.shape == (150, 4) and (found.target == learn.load_iris().target).all()
    with pytest.raises(ValueError, match="no data set 'boston'"):
        learn.load_dataset("boston")

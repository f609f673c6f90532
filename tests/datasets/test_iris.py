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


def test_csv_files_of_the_iris_tutorial(tmp_path):
    base = headrace.contrib.learn.datasets.base
    path = tmp_path / "iris.csv"
    path.write_text("3,2,setosa,versicolor\n6.4,2.8,2\n5.0,2.3,1\n4.9,3.1,0\n")
    found = base.load_csv_with_header(str(path), target_dtype=np.int64, features_dtype=np.float32)
    assert found.data.dtype == np.float32 and found.target.tolist() == [2, 1, 0]
    np.testing.assert_allclose(found.data, [[6.4, 2.8], [5.0, 2.3], [4.9, 3.1]], rtol=1e-6)
    path.write_text("1,6.4,2.8\n0,5.0,2.3\n")
    assert base.load_csv_without_header(path, int, float, target_column=0).target.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "first line must begin"),
        ("a,b\n1,2\n", "first line must begin"),
        ("2,2\n1,2,0\n", "says 2 rows of 2 features"),
        ("2,2\n1,2,0\n1,x,0\n", "line 3: .*could not convert"),
        ("2,2\n1,2,0\n1,0\n", "line 3: 1 features"),
    ],
)
def test_csv_files_of_another_form_are_named(tmp_path, text, message):
    path = tmp_path / "iris.csv"
    path.write_text(text)
    with pytest.raises(headrace.errors.InvalidArgumentError, match=f"iris.csv.*{message}"):
        headrace.contrib.learn.datasets.base.load_csv_with_header(path, np.int64, np.float32)

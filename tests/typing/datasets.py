"""User code that must pass the type checkers: the shipped data sets."""

from typing import assert_type

import numpy as np
import numpy.typing as npt

from headrace.datasets import digits, iris, mnist

x_train, x_test, y_train, y_test = digits.load_split(test_fraction=0.25, seed=1)
assert_type(x_train, npt.NDArray[np.float32])
assert_type(y_test, npt.NDArray[np.int64])

features, labels = iris.load_data()
assert_type(features, npt.NDArray[np.float32])
names: tuple[str, ...] = iris.CLASS_NAMES

data = mnist.read_data_sets("MNIST_data", one_hot=True, validation_size=500)
images, targets = data.train.next_batch(100)
count: int = data.validation.num_examples
digits.load_split(fraction=0.25)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

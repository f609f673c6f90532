"""Feature columns against TensorFlow's: outputs, gradients, names of variables, and ten thousand hashes."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import headrace as tf

FIXTURES = Path(__file__).parents[1] / "fixtures" / "estimators"
MODULE = runpy.run_path(str(FIXTURES / "column_cases.py"))
CASES = sorted(MODULE["columns"](tf))


@pytest.fixture(scope="module")
def expected():
    with np.load(FIXTURES / "columns.npz") as file:
        return dict(file)


def check(found, expected, prefix):
    wanted = {key.removeprefix(prefix): value for key, value in expected.items() if key.startswith(prefix)}
    assert found.pop("variables").tolist() == wanted.pop("variables").tolist()
    assert set(found) == set(wanted)
    for key, value in wanted.items():
        assert found[key].dtype == value.dtype and found[key].shape == value.shape
        np.testing.assert_allclose(found[key], value, rtol=1e-5, atol=1e-6, err_msg=key)


@pytest.mark.parametrize("name", CASES)
def test_input_layer(name, expected):
    check(MODULE["run"](tf, name), expected, f"input/{name}/")


@pytest.mark.parametrize("name", MODULE["LINEAR"])
def test_linear_model(name, expected):
    check(MODULE["run"](tf, name, linear=True, units=2), expected, f"linear/{name}/")


def test_linear_model_that_averages(expected):
    check(MODULE["run"](tf, "hashed", linear=True, sparse_combiner="mean"), expected, "mean/hashed/")


def test_ten_thousand_hashes(expected):
    for name, buckets in MODULE["hashes"](tf).items():
        np.testing.assert_array_equal(buckets[:200], expected[f"hash/{name}/some"], err_msg=name)
        assert MODULE["digest"](buckets) == str(expected[f"hash/{name}/digest"]), name

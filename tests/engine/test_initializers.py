"""Initializers: scales and shapes, partitions, configurations, and the arguments they refuse."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from headrace.engine import initializers
from headrace.engine.dtypes import float64, int32
from headrace.engine.graph import Graph
from headrace.engine.session import Session

ALL = [
    initializers.Zeros(),
    initializers.Ones(float64),
    initializers.Constant([1, 2]),
    initializers.RandomUniform(-1, 1, 3),
    initializers.RandomNormal(1.0, 2.0, 3),
    initializers.TruncatedNormal(stddev=0.1),
    initializers.UniformUnitScaling(1.5),
    initializers.VarianceScaling(2.0, "fan_out", "uniform", 4),
    initializers.Orthogonal(2.0, 5),
    initializers.Identity(3.0),
    initializers.GlorotUniform(1),
    initializers.GlorotNormal(1),
    initializers.he_normal(1),
    initializers.he_uniform(1),
    initializers.lecun_normal(1),
    initializers.lecun_uniform(1),
]


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default():
        yield


def value(tensor):
    with Session() as session:
        return session.run(tensor)


@pytest.mark.parametrize("initializer", ALL, ids=lambda i: type(i).__name__)
def test_values_have_the_shape_and_dtype_asked_for(initializer):
    assert value(initializer([3, 4])).dtype == initializer.dtype.numpy
    assert value(initializer([3, 4], float64)).shape == (3, 4)
    assert value(initializer([3, 4], float64)).dtype == np.float64
    copy = type(initializer).from_config(initializer.get_config())
    assert copy.get_config() == initializer.get_config()


@pytest.mark.parametrize(
    ("initializer", "deviation"),
    [
        (initializers.VarianceScaling(1.0, "fan_in"), math.sqrt(1 / 60)),
        (initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal"), math.sqrt(2 / 300)),
        (initializers.VarianceScaling(1.0, "fan_avg", "uniform"), math.sqrt(1 / 180)),
        (initializers.glorot_normal_initializer(), math.sqrt(2 / 360)),
        (initializers.glorot_uniform_initializer(), math.sqrt(2 / 360)),
        (initializers.he_uniform(), math.sqrt(2 / 60)),
        (initializers.lecun_normal(), math.sqrt(1 / 60)),
        (initializers.uniform_unit_scaling_initializer(), math.sqrt(1 / 60)),
        (initializers.xavier_initializer(), math.sqrt(2 / 360)),
        (initializers.xavier_initializer(uniform=False), math.sqrt(2 * 1.3 / 360) * 0.8796),
        (initializers.contrib_variance_scaling_initializer(), math.sqrt(2 * 1.3 / 60) * 0.8796),
    ],
)
def test_scales_follow_inputs_and_outputs(initializer, deviation):
    # 60 inputs: a window of 3 times 2 over 10 channels; 50 outputs.
    found = value(initializer([3, 2, 10, 50]))
    assert found.std() == pytest.approx(deviation, rel=0.05)
    assert abs(found.mean()) < deviation / 10


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 2, 3)])
def test_orthogonal_has_orthonormal_columns_or_rows(shape):
    flat = value(initializers.Orthogonal(2.0, 1)(shape)).reshape(-1, shape[-1])
    product = flat.T @ flat if flat.shape[0] >= flat.shape[1] else flat @ flat.T
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)


def test_a_part_is_scaled_as_the_whole():
    part = SimpleNamespace(full_shape=[400, 30], var_offset=[100, 0])
    whole = value(initializers.he_uniform(3)([100, 30], partition_info=part))
    assert np.abs(whole).max() == pytest.approx(math.sqrt(6 / 400), rel=0.01)
    identity = value(
        initializers.Identity()([2, 3], partition_info=SimpleNamespace(full_shape=[4, 3], var_offset=[1, 0]))
    )
    np.testing.assert_array_equal(identity, np.eye(4, 3)[1:3])


def test_constants_fill_up_with_their_last_element():
    np.testing.assert_array_equal(value(initializers.Constant([1, 2])([2, 2])), [[1, 2], [2, 2]])
    assert value(initializers.zeros_initializer()([2], int32)).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("build", "error", "match"),
    [
        (lambda: initializers.VarianceScaling(0), ValueError, "scale"),
        (lambda: initializers.VarianceScaling(mode="fan"), ValueError, "mode"),
        (lambda: initializers.VarianceScaling(distribution="cauchy"), ValueError, "distribution"),
        (lambda: initializers.RandomNormal(dtype=int32), ValueError, "floating"),
        (lambda: initializers.Orthogonal()([3]), ValueError, "two-dimensional"),
        (lambda: initializers.Identity()([3]), ValueError, "2D"),
        (lambda: initializers.Constant(object()), TypeError, "Invalid type"),
        (lambda: initializers.Constant([1, 2, 3])([2]), ValueError, "Too many elements"),
        (lambda: initializers.Constant([1])([2], verify_shape=True), TypeError, "shape"),
        (lambda: initializers.xavier_initializer(dtype=int32), TypeError, "non-floating"),
        (lambda: initializers.contrib_variance_scaling_initializer(mode="FAN"), TypeError, "mode"),
    ],
)
def test_bad_arguments_are_named(build, error, match):
    with pytest.raises(error, match=match):
        build()

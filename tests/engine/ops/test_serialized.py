"""Serialized tensors and sparse tensors, the check of a whole graph, and the weighted sum of 2016's cells."""

import numpy as np
import pytest

from headrace.engine.check_numerics import add_check_numerics_ops
from headrace.engine.dtypes import float32, float64, string
from headrace.engine.errors import InvalidArgumentError
from headrace.engine.graph import Graph
from headrace.engine.linear_map import linear
from headrace.engine.ops import serialized
from headrace.engine.ops.array import stack
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.ops.unary import log
from headrace.engine.session import Session
from headrace.engine.tensor_types import SparseTensor
from headrace.engine.variable_lists import global_variables, global_variables_initializer

SPARSE = ([[0, 1], [2, 0]], [1.5, 2.5], [3, 4])


@pytest.fixture(autouse=True)
def session():
    with Graph().as_default() as graph, Session(graph=graph) as session:
        yield session


@pytest.mark.parametrize("value", [np.eye(2), np.array([b"a", b""], object), np.zeros((0, 3)), np.array(3.0)])
def test_tensors_come_back(session, value):
    dtype = string if value.dtype == object else float64
    text = serialized.serialize_tensor(constant(value))
    np.testing.assert_array_equal(session.run(serialized.parse_tensor(text, dtype)), value)


def test_sparse_tensors_come_back_as_rows(session):
    sparse = SparseTensor(*SPARSE)
    twice = stack([serialized.serialize_sparse(sparse)] * 2)
    both = serialized.deserialize_many_sparse(twice, float32, rank=2)
    assert both.indices.shape.as_list() == [None, 3]
    found = session.run(both)
    assert found.indices.tolist() == [[0, 0, 1], [0, 2, 0], [1, 0, 1], [1, 2, 0]]
    assert found.values.tolist() == [1.5, 2.5] * 2
    assert found.dense_shape.tolist() == [2, 3, 4]
    again = session.run(serialized.deserialize_many_sparse(serialized.serialize_many_sparse(sparse), float32))
    for part, expected in zip((again.indices, again.values, again.dense_shape), SPARSE, strict=True):
        assert part.tolist() == expected


def test_the_check_of_a_graph_names_the_tensor(session):
    x = placeholder(float32, [2])
    log(x, name="logarithm")
    check = add_check_numerics_ops()
    session.run(check, {x: [1.0, 2.0]})
    with pytest.raises(InvalidArgumentError, match="logarithm:0"):
        session.run(check, {x: [1.0, -2.0]})


def test_linear(session):
    parts = [np.ones((2, 3), np.float32), np.full((2, 1), 2, np.float32)]
    result = linear(parts, 4, bias_start=0.5)
    assert [v.op.name for v in global_variables()] == ["Linear/Matrix", "Linear/Bias"]
    session.run(global_variables_initializer())
    found, matrix = session.run([result, global_variables()[0]])
    np.testing.assert_allclose(found, np.concatenate(parts, 1) @ matrix + 0.5, rtol=1e-6)
    with pytest.raises(ValueError, match="matrices of known width"):
        linear(np.ones(3), 2, scope="other")

"""Assignments of variables that have a value are native; those that give the first value are not."""

from __future__ import annotations

import numpy as np
import pytest

import headrace as tf
from headrace.engine.native.library import load

pytestmark = pytest.mark.skipif(isinstance(load(), str), reason="no native runtime")


def line_of(program: str, op_type: str) -> str:
    return next(line for line in program.splitlines() if f"{op_type}(" in line)


@pytest.mark.parametrize("resource", [False, True])
@pytest.mark.parametrize("shape", [(), (3,), (300, 1000), (0, 2)])
def test_values_go_round(shape: tuple[int, ...], resource: bool) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.get_variable("v", shape, initializer=tf.ones_initializer(), use_resource=resource)
        doubled = tf.assign(variable, variable * 2)
        with tf.control_dependencies([doubled]):
            done = tf.no_op()
        session.run(variable.initializer)
        op_type = "AssignVariableOp" if resource else "Assign"
        assert "[native]" in line_of(session.explain(done), op_type)
        assert "first value" in line_of(session.explain(variable.initializer), op_type)
        for _ in range(3):
            session.run(done)
        np.testing.assert_array_equal(session.run(variable), np.full(shape, 8, np.float32))


def test_a_variable_without_a_value_is_named() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.get_variable("v", [2])
        doubled = tf.assign(variable, variable * 2)
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value v"):
            session.run(doubled.op)
        session.run(variable.initializer)
        session.run(doubled.op)

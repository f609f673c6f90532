"""Moving averages: values step by step, corrections for the start, names."""

import numpy as np
import pytest

from headrace.engine.graph import Graph
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.scopes import GraphKeys, control_dependencies, get_collection
from headrace.engine.session import Session
from headrace.engine.training.gradient_descent import GradientDescentOptimizer
from headrace.engine.training.moving_averages import (
    ExponentialMovingAverage,
    assign_moving_average,
    weighted_moving_average,
)
from headrace.engine.variable_lists import global_variables_initializer
from headrace.engine.variables import Variable

both = pytest.mark.parametrize("use_resource", [False, True], ids=["reference", "resource"])


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as graph:
        yield graph


@both
def test_averages_of_variables(use_resource):
    v = Variable([1.0, 2.0], name="v", use_resource=use_resource)
    ema = ExponentialMovingAverage(0.9)
    train = v.assign_add([1.0, 1.0])
    with control_dependencies([train]):
        update = ema.apply([v])
    expected = now = np.array([1.0, 2.0])
    with Session() as session:
        session.run(global_variables_initializer())
        for _ in range(3):
            session.run(update)
            now = now + 1
            expected = 0.9 * expected + 0.1 * now
            np.testing.assert_allclose(session.run(ema.average(v)), expected, rtol=1e-6)
    assert ema.average(v).name == "v/ExponentialMovingAverage:0"
    assert ema.average_name(v) == "v/ExponentialMovingAverage"
    assert get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES) == [v]


def test_averages_after_an_optimizer_see_its_update():
    v = Variable(1.0)
    train = GradientDescentOptimizer(1.0).minimize(v * 3.0)
    ema = ExponentialMovingAverage(0.5)
    with control_dependencies([train]):
        update = ema.apply([v])
    with Session() as session:
        session.run(global_variables_initializer())
        session.run(update)
        assert session.run([v, ema.average(v)]) == [-2.0, -0.5]


def test_decay_by_number_of_updates():
    steps = Variable(2, trainable=False)
    v = Variable(0.0)
    ema = ExponentialMovingAverage(0.9, num_updates=steps)
    update = ema.apply([v])
    with Session() as session:
        session.run(global_variables_initializer())
        session.run(v.assign(1.0))
        session.run(update)
        assert session.run(ema.average(v)) == pytest.approx(1 - 3 / 12)


@pytest.mark.parametrize("zero_debias", [False, True])
def test_averages_of_tensors_start_at_zero(zero_debias):
    x = placeholder("float32", [])
    tensor = x * 1.0
    ema = ExponentialMovingAverage(0.5, zero_debias=zero_debias)
    update = ema.apply([tensor])
    with Session() as session:
        session.run(global_variables_initializer())
        total = 0.0
        for n, value in enumerate([4.0, 8.0, 2.0]):
            session.run(update, {x: value})
            total = 0.5 * total + 0.5 * value
            expected = total / (1 - 0.5 ** (n + 1)) if zero_debias else total
            assert session.run(ema.average(tensor)) == pytest.approx(expected)


@both
def test_assign_moving_average(use_resource):
    v = Variable(0.0, name="v", use_resource=use_resource)
    update = assign_moving_average(v, constant(10.0), 0.9, zero_debias=False)
    with Session() as session:
        session.run(global_variables_initializer())
        assert session.run(update) == pytest.approx(1.0)
        assert session.run(update) == pytest.approx(1.9)


def test_weighted_moving_average():
    value, weight = placeholder("float32", []), placeholder("float32", [])
    mean = weighted_moving_average(value, 0.5, weight)
    with Session() as session:
        session.run(global_variables_initializer())
        assert session.run(mean, {value: 2.0, weight: 1.0}) == pytest.approx(2.0)
        assert session.run(mean, {value: 8.0, weight: 3.0}) == pytest.approx((0.5 * 2 + 24) / (0.5 + 3))


def test_variables_to_restore():
    a, b = Variable(1.0, name="a"), Variable(1.0, name="b", trainable=False)
    ema = ExponentialMovingAverage(0.5)
    assert ema.variables_to_restore() == {"a/ExponentialMovingAverage": a, "b": b}
    ema.apply([a])
    found = ema.variables_to_restore()
    assert found["a/ExponentialMovingAverage"] is a and found["b"] is b and len(found) == 2
    with pytest.raises(TypeError, match="half, float, or double"):
        ema.apply([Variable(1)])


@pytest.mark.parametrize("decay, error", [
    (2.0, ValueError), (-1, ValueError), (float("nan"), ValueError), ("0.9", TypeError), (None, TypeError),
])  # fmt: skip
def test_what_is_no_decay(decay, error):
    with pytest.raises(error, match="decay must be"):
        ExponentialMovingAverage(decay)
    with pytest.raises(error, match="decay must be"):
        assign_moving_average(Variable([1.0]), constant([2.0]), decay)


def test_a_decay_of_zero_takes_the_value():
    average = ExponentialMovingAverage(0)
    v = Variable([1.0])
    with control_dependencies([v.assign([3.0])]):
        update = average.apply([v])
    with Session() as session:
        session.run(global_variables_initializer())
        session.run(update)
        assert session.run(average.average(v)) == [3.0]

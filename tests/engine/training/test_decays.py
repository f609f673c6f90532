"""Learning-rate decays against their formulas, and the global step."""

import math

import numpy as np
import pytest

from headrace.engine.graph import Graph
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.session import Session
from headrace.engine.training import learning_rate_decay as decays
from headrace.engine.training.global_step import (
    create_global_step,
    get_global_step,
    get_or_create_global_step,
    get_or_create_global_step_read,
    global_step,
)
from headrace.engine.variable_lists import global_variables_initializer, trainable_variables
from headrace.engine.variable_scope import variable_scope
from headrace.engine.variables import Variable


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as graph:
        yield graph


def wave(part):
    return 0.5 * (1 + math.cos(math.pi * part))


def restarts(step, first=10, t_mul=2.0, m_mul=0.5):
    length, rate = first, 0.1
    while step >= length:
        step, length, rate = step - length, length * t_mul, rate * m_mul
    return rate * wave(step / length)


CASES = {
    "exponential": (lambda s: decays.exponential_decay(0.1, s, 10, 0.5), lambda n: 0.1 * 0.5 ** (n / 10)),
    "staircase": (lambda s: decays.exponential_decay(0.1, s, 10, 0.5, True), lambda n: 0.1 * 0.5 ** (n // 10)),
    "piecewise": (
        lambda s: decays.piecewise_constant(s, [5, 17], [1.0, 0.5, 0.1]),
        lambda n: 1.0 if n <= 5 else 0.5 if n <= 17 else 0.1,
    ),
    "polynomial": (
        lambda s: decays.polynomial_decay(0.1, s, 20, 0.01, 0.5),
        lambda n: 0.09 * (1 - min(n, 20) / 20) ** 0.5 + 0.01,
    ),
    "cycle": (
        lambda s: decays.polynomial_decay(0.1, s, 20, 0.01, cycle=True),
        lambda n: 0.09 * (1 - n / (20 * (math.ceil(n / 20) or 1))) + 0.01,
    ),
    "natural": (lambda s: decays.natural_exp_decay(0.1, s, 10, 0.5), lambda n: 0.1 * math.exp(-0.5 * n / 10)),
    "inverse": (lambda s: decays.inverse_time_decay(0.1, s, 10, 0.5), lambda n: 0.1 / (1 + 0.5 * n / 10)),
    "inverse staircase": (
        lambda s: decays.inverse_time_decay(0.1, s, 10, 0.5, True),
        lambda n: 0.1 / (1 + 0.5 * (n // 10)),
    ),
    "cosine": (
        lambda s: decays.cosine_decay(0.1, s, 20, alpha=0.2),
        lambda n: 0.1 * (0.8 * wave(min(n, 20) / 20) + 0.2),
    ),
    "restarts": (lambda s: decays.cosine_decay_restarts(0.1, s, 10, m_mul=0.5), restarts),
    "equal restarts": (
        lambda s: decays.cosine_decay_restarts(0.1, s, 10, t_mul=1.0),
        lambda n: restarts(n, t_mul=1, m_mul=1),
    ),
    "linear cosine": (
        lambda s: decays.linear_cosine_decay(0.1, s, 20, alpha=0.1),
        lambda n: 0.1 * ((0.1 + (20 - min(n, 20)) / 20) * wave(min(n, 20) / 20) + 0.001),
    ),
    "quiet noise": (
        lambda s: decays.noisy_linear_cosine_decay(0.1, s, 20, initial_variance=0.0),
        lambda n: 0.1 * ((20 - min(n, 20)) / 20 * wave(min(n, 20) / 20) + 0.001),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    build, expected = CASES[name]
    step = placeholder("int64", [])
    rate = build(step)
    steps = [0, 3, 5, 12, 17, 21, 33]
    with Session() as session:
        found = [session.run(rate, {step: n}) for n in steps]
    assert rate.dtype.name == "float32"
    np.testing.assert_allclose(found, [expected(n) for n in steps], rtol=1e-5, atol=1e-7)


def test_noise():
    rate = decays.noisy_linear_cosine_decay(0.1, 3, 20)
    with Session() as session:
        assert session.run(rate) != session.run(rate)


def test_errors():
    with pytest.raises(ValueError, match="global_step is required for exponential_decay"):
        decays.exponential_decay(0.1, None, 10, 0.5)
    with pytest.raises(ValueError, match="1 less than"):
        decays.piecewise_constant(constant(1), [1], [1.0])
    with pytest.raises(ValueError, match="same dtype"):
        decays.piecewise_constant(constant(1), [1], [1.0, 2])


def test_the_global_step(graph):
    assert get_global_step() is None and get_or_create_global_step_read() is None
    with variable_scope("anything"):
        step = get_or_create_global_step()
    assert step.name == "global_step:0" and step.dtype.base_dtype.name == "int64"
    assert get_global_step() is get_or_create_global_step(graph) is step and trainable_variables() == []
    read = get_or_create_global_step_read()
    assert get_or_create_global_step_read() is read
    with pytest.raises(ValueError, match="already exists"):
        create_global_step()
    with Session() as session:
        session.run(global_variables_initializer())
        session.run(step.assign_add(3))
        assert global_step(session, step) == 3 and session.run(read) == 3


@pytest.mark.parametrize("value, match", [(1.0, "integer type"), ([1], "not scalar")])
def test_what_is_no_global_step(graph, value, match):
    Variable(value, name="global_step")
    with pytest.raises(TypeError, match=match):
        get_global_step()

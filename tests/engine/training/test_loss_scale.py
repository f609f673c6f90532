"""Loss scales: how they change, what steps with infinities do, and the switch for a program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import headrace as tf
from headrace.engine.session_config import DEFAULTS
from headrace.engine.training.loss_scale import (
    DynamicLossScale,
    FixedLossScale,
    MixedPrecisionLossScaleOptimizer,
    all_finite,
    disable_mixed_precision_graph_rewrite,
    enable_mixed_precision_graph_rewrite,
    global_policy,
    loss_scale_of,
    set_policy,
)


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture(autouse=True)
def switch() -> Iterator[None]:
    yield
    DEFAULTS.mixed_precision = "float32"


def test_a_dynamic_scale() -> None:
    scale = DynamicLossScale(initial_loss_scale=4, increment_period=2)
    bad = tf.placeholder(tf.float32, [2])
    update, apply = scale.update([bad, None, tf.IndexedSlices(bad, tf.constant([0, 1]))])
    found = []
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for value in (0, 0, 0, np.inf, 0, 0, np.nan, -np.inf, np.inf, np.inf):
            applied = session.run([apply, update], {bad: [1, value]})[0]
            found.append((bool(applied), float(session.run(scale()))))
    assert found == [
        (True, 4), (True, 8), (True, 8), (False, 4), (True, 4), (True, 8), (False, 4), (False, 2), (False, 1), (False, 1),
    ]  # fmt: skip


def test_a_scale_stops_before_infinity() -> None:
    scale = DynamicLossScale(initial_loss_scale=3e38, increment_period=1)
    update, _ = scale.update([tf.constant(1.0)])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(update)
        assert np.isfinite(session.run(scale()))


@pytest.mark.parametrize("name", ["GradientDescentOptimizer", "AdamOptimizer", "MomentumOptimizer"])
@pytest.mark.parametrize("loss_scale", [8, DynamicLossScale(initial_loss_scale=16)])
def test_the_scale_changes_no_result(name: str, loss_scale: Any) -> None:
    def trained(scaled: bool) -> Any:
        with tf.Graph().as_default():
            options = {"momentum": 0.9} if name == "MomentumOptimizer" else {}
            optimizer = getattr(tf.train, name)(learning_rate=0.1, **options)
            wrapped = MixedPrecisionLossScaleOptimizer(optimizer, loss_scale) if scaled else optimizer
            x = tf.get_variable("x", initializer=[1.0, -2.0])
            step = tf.train.get_or_create_global_step()
            train = wrapped.minimize(tf.reduce_sum(x**4 + tf.gather(x, [0])), step)
            with tf.Session() as session:
                session.run(tf.global_variables_initializer())
                for _ in range(5):
                    session.run(train)
                return [*session.run([x, step])]

    for own, expected in zip(trained(True), trained(False), strict=True):
        np.testing.assert_allclose(own, expected, rtol=1e-6)


def test_a_step_with_infinities_changes_nothing_but_the_scale() -> None:
    factor = tf.placeholder(tf.float32, [])
    x = tf.get_variable("x", initializer=[1.0])
    optimizer = MixedPrecisionLossScaleOptimizer(tf.train.AdamOptimizer(0.1), DynamicLossScale(initial_loss_scale=16))
    step = tf.train.get_or_create_global_step()
    train = optimizer.minimize(tf.reduce_sum(x * factor), step)
    watched = [x, step, *optimizer.variables(), *[optimizer.get_slot(x, n) for n in optimizer.get_slot_names()]]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train, {factor: 1.0})
        before = session.run(watched)
        session.run(train, {factor: np.inf})
        np.testing.assert_equal(session.run(watched), before)
        assert session.run(optimizer._loss_scale()) == 8
        session.run(train, {factor: 1.0})
        assert session.run(x) < before[0]


def test_small_gradients_live_through_float16() -> None:
    """A gradient of 2**-26 is zero in float16, and is not where the loss is scaled."""

    def moved(scale: float) -> bool:
        with tf.Graph().as_default():
            w = tf.get_variable("w", initializer=[[1.0]])
            small = tf.placeholder(tf.float32, [2, 1])
            w2 = tf.concat([w, w], 1)
            loss = tf.reduce_sum(tf.matmul(tf.matmul(tf.ones([2, 1]), w2), small)) * 2.0**-12
            train = MixedPrecisionLossScaleOptimizer(tf.train.GradientDescentOptimizer(2.0**20), scale).minimize(loss)
            with tf.Session(mixed_precision="float16") as session:
                session.run(tf.global_variables_initializer())
                session.run(train, {small: [[2.0**-14]] * 2})
                return bool(session.run(w)[0, 0] != 1)

    assert [moved(1), moved(2**10)] == [False, True]


def test_all_finite() -> None:
    values = [[1.0, 2.0], [np.nan, 0.0]]
    with tf.Session() as session:
        assert session.run([all_finite([tf.constant(v)]) for v in values]) == [True, False]
        assert session.run(all_finite([None, tf.IndexedSlices(tf.constant([0.0]), tf.constant([3]))]))


def test_the_switch_for_a_program() -> None:
    optimizer = enable_mixed_precision_graph_rewrite(tf.train.GradientDescentOptimizer(0.1))
    assert isinstance(optimizer._loss_scale, DynamicLossScale)
    with tf.Session() as session:
        assert session.options.mixed_precision == "float16"
    with pytest.raises(ValueError, match="must not already be"):
        enable_mixed_precision_graph_rewrite(optimizer)
    disable_mixed_precision_graph_rewrite()
    with tf.Session() as session:
        assert session.options.mixed_precision == ""


@pytest.mark.parametrize(
    ("policy", "dtype"), [("mixed_bfloat16", "bfloat16"), ("mixed_float16", "float16"), ("float32", "")]
)
def test_policies(policy: str, dtype: str) -> None:
    set_policy(policy)
    assert global_policy() == policy
    with tf.Session() as session:
        assert session.options.mixed_precision == dtype
    with tf.Session(mixed_precision="float32") as session:
        assert session.options.mixed_precision == ""
    with pytest.raises(ValueError, match="policy must be one of"):
        set_policy("float8")


@pytest.mark.parametrize(("given", "kind"), [("dynamic", DynamicLossScale), (2, FixedLossScale), (8.0, FixedLossScale)])
def test_scales_by_name(given: Any, kind: Any) -> None:
    found = loss_scale_of(given)
    assert type(found) is kind
    assert type(kind.from_config(found.get_config())) is kind
    assert loss_scale_of(found) is found


@pytest.mark.parametrize("given", ["static", None, True, 0.5, -1, float("nan"), float("inf")])
def test_what_is_no_scale(given: Any) -> None:
    with pytest.raises(ValueError, match="loss_scale"):
        loss_scale_of(given)


@pytest.mark.parametrize("options", [
    {"initial_loss_scale": 0}, {"initial_loss_scale": float("inf")}, {"increment_period": 0}, {"multiplier": 1},
    {"multiplier": "2"}, {"increment_period": float("nan")},
])  # fmt: skip
def test_what_is_no_dynamic_scale(options: Any) -> None:
    with pytest.raises(ValueError, match="expected initial_loss_scale >= 1"):
        DynamicLossScale(**options)


def test_a_period_is_a_number_of_steps() -> None:
    with pytest.raises(ValueError, match=r"a number of steps, got 1\.5"):
        DynamicLossScale(increment_period=1.5)  # type: ignore[arg-type]


def test_only_optimizers_are_wrapped() -> None:
    with pytest.raises(ValueError, match="must be an instance of Optimizer"):
        MixedPrecisionLossScaleOptimizer("sgd", 1)  # type: ignore[arg-type]

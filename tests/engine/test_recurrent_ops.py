"""LSTM and GRU in one operation: TensorFlow's numbers, and gradients by differences of the outputs that have them."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import headrace as tf
from headrace.engine import ops  # noqa: F401  registers the ops
from headrace.engine.registry import definition_of

FIXTURES = Path(__file__).parent.parent / "fixtures" / "ops"
specification = importlib.util.spec_from_file_location("recurrent_cases", FIXTURES / "recurrent_cases.py")
cases = importlib.util.module_from_spec(specification)
specification.loader.exec_module(cases)
with np.load(FIXTURES / "recurrent.npz") as archive:
    EXPECTED = dict(archive)


def made(name, arrays, attrs):
    return definition_of(name).make(list(arrays), dict(attrs)).outputs


@pytest.mark.parametrize("key", cases.CASES)
def test_numbers_are_tensorflows(key):
    name, arrays, attrs = cases.CASES[key]
    with tf.Graph().as_default(), tf.Session() as session:
        found = session.run(made(name, arrays, attrs))
    for index, value in enumerate(found):
        if f"{key}-{index}" in EXPECTED:
            np.testing.assert_allclose(value, EXPECTED[f"{key}-{index}"], rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("key", [k for k, case in cases.CASES.items() if not case[0].endswith("Grad")])
def test_gradients_of_state_and_output(key):
    name, arrays, attrs = cases.CASES[key]
    attrs = {**attrs, "cell_clip": -1.0} if attrs else {}
    arrays = [a.astype(np.float64) if a.dtype == np.float32 else a for a in arrays]
    with tf.Graph().as_default(), tf.Session() as session:
        inputs = [tf.placeholder(a.dtype, a.shape) if a.dtype.kind == "f" else a for a in arrays]
        outputs = made(name, inputs, attrs)
        ys = [outputs[1], outputs[6]] if len(outputs) == 7 else [outputs[3]]
        xs = [x for x in inputs if isinstance(x, tf.Tensor)]
        values = [a for a in arrays if a.dtype.kind == "f"]
        rng = np.random.default_rng(3)
        weights = [rng.normal(size=y.shape.as_list()) for y in ys]
        loss = tf.add_n([tf.reduce_sum(y * w) for y, w in zip(ys, weights, strict=True)])
        exact = session.run(tf.gradients(loss, xs), dict(zip(xs, values, strict=True)))
        for position, value in enumerate(values):
            direction = rng.normal(size=value.shape)
            sides = [[*values[:position], value + s * direction, *values[position + 1 :]] for s in (1e-5, -1e-5)]
            high, low = (session.run(loss, dict(zip(xs, side, strict=True))) for side in sides)
            assert np.sum(exact[position] * direction) == pytest.approx((high - low) / 2e-5, rel=1e-5, abs=1e-7)


def test_long_sequences_go_in_blocks(monkeypatch):
    from headrace.engine.kernels import lstm

    results = []
    for block in (1 << 21, 20):
        monkeypatch.setattr(lstm, "_BLOCK", block)
        for name in ("BlockLSTM", "GRUSequence"):
            _, arrays, attrs = cases.CASES[name]
            with tf.Graph().as_default(), tf.Session() as session:
                inputs = [tf.constant(a) for a in arrays]
                outputs = made(name, inputs, attrs)
                results.append(session.run([*outputs, *tf.gradients(outputs[-1], inputs[1:])]))
    for whole, parted in zip(results[0] + results[1], results[2] + results[3], strict=True):
        np.testing.assert_allclose(whole, parted, rtol=1e-5, atol=1e-6)

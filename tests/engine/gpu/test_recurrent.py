"""LSTM and GRU cells and layers on the simulated GPU give NumPy's numbers."""

import numpy as np
import pytest

from headrace.engine.ops import recurrent_gru, recurrent_lstm

from .nodes import run_node

# time, batch, size, units
SIZES = [(1, 1, 1, 1), (3, 2, 3, 4), (2, 5, 7, 17), (5, 13, 20, 33)]
DEFAULTS = {"forget_bias": 1.0, "cell_clip": 3.0, "use_peephole": False}
OPTIONS = [{"cell_clip": -1.0}, {"use_peephole": True, "forget_bias": 0.3, "cell_clip": 0.7}]


def check(device, op_type, inputs, attrs, expected):
    outputs = [np.full(e.shape, np.nan, e.dtype) for e in expected]
    run_node(device, op_type, inputs, outputs, attrs)
    for out, wanted in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(out, wanted, rtol=1e-4, atol=1e-5 * max(np.abs(wanted).max(initial=0), 1))


def draws(seed):
    rng = np.random.default_rng(seed)
    return lambda *shape: (rng.standard_normal(shape) * 0.5).astype(np.float32)


def weights(draw, batch, size, units):
    diagonals = [draw(units) for _ in range(3)]
    return [draw(batch, units), draw(batch, units), draw(size + units, 4 * units), *diagonals, draw(4 * units)]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_block_lstm(sim, sizes, options):
    time, batch, size, units = sizes
    draw, attrs = draws(1), {**DEFAULTS, **options}
    inputs = [draw(time, batch, size), *weights(draw, batch, size, units)]
    cs_grad, h_grad = draw(time, batch, units), draw(time, batch, units)
    for taken in (time, time - 1):
        limit = np.array(taken, np.int64)
        steps = list(recurrent_lstm.block_lstm_kernel(np, limit, *inputs, **attrs))
        check(sim, "BlockLSTM", [limit, *inputs], attrs, steps)
        values = [limit, *inputs, *steps, cs_grad, h_grad]
        peephole = {"use_peephole": attrs["use_peephole"]}
        expected = recurrent_lstm.block_lstm_grad_kernel(np, *values, **peephole)
        check(sim, "BlockLSTMGrad", values, peephole, expected)


def test_too_many_steps_fail(sim):
    inputs = [draws(1)(2, 3, 4), *weights(draws(1), 3, 4, 5)]
    outputs = [np.zeros((2, 3, 5), np.float32) for _ in range(7)]
    for limit in (3, -1):
        run_node(sim, "BlockLSTM", [np.array(limit), *inputs], outputs, DEFAULTS, fails=True)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_lstm_cell(sim, sizes, options):
    _, batch, size, units = sizes
    draw, attrs = draws(2), {**DEFAULTS, **options}
    inputs = [draw(batch, size), *weights(draw, batch, size, units)]
    steps = list(recurrent_lstm.lstm_block_cell_kernel(np, *inputs, **attrs))
    check(sim, "LSTMBlockCell", inputs, attrs, steps)
    values = [*inputs, *steps[:6], draw(batch, units), draw(batch, units)]
    peephole = {"use_peephole": attrs["use_peephole"]}
    expected = list(recurrent_lstm.lstm_block_cell_grad_kernel(np, *values, **peephole))
    check(sim, "LSTMBlockCellGrad", values, peephole, expected)


def gru(draw, batch, size, units):
    # Small enough that differences in the last place do not grow from step to step.
    kernels = [draw(size + units, n * units) / np.float32(np.sqrt(size + units)) for n in (2, 1)]
    return [draw(batch, units), *kernels, draw(2 * units), draw(units)]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gru(sim, sizes, dtype):
    time, batch, size, units = sizes
    draw = draws(3)
    inputs = [x.astype(dtype) for x in [draw(time, batch, size), *gru(draw, batch, size, units)]]
    steps = list(recurrent_gru.gru_sequence_kernel(np, *inputs))
    check(sim, "GRUSequence", inputs, {}, steps)
    values = [*inputs, *steps, draw(time, batch, units).astype(dtype)]
    check(sim, "GRUSequenceGrad", values, {}, recurrent_gru.gru_sequence_grad_kernel(np, *values))


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_gru_cell(sim, sizes):
    _, batch, size, units = sizes
    draw = draws(4)
    inputs = [draw(batch, size), *gru(draw, batch, size, units)]
    steps = list(recurrent_gru.gru_block_cell_kernel(np, *inputs))
    check(sim, "GRUBlockCell", inputs, {}, steps)
    values = [*inputs, *steps[:3], draw(batch, units)]
    check(sim, "GRUBlockCellGrad", values, {}, recurrent_gru.gru_block_cell_grad_kernel(np, *values))

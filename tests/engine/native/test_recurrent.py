"""Native LSTM and GRU cells and layers give NumPy's numbers, and the same bits on one thread and on two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headrace.engine.native.bindings import recurrent
from headrace.engine.ops import recurrent_gru, recurrent_gru_after, recurrent_lstm

Native = Callable[..., None]
Arrays = list[np.ndarray[Any, Any]]

# time, batch, size, units
SIZES = [(1, 1, 1, 1), (3, 2, 3, 4), (2, 5, 7, 17), (5, 13, 20, 33), (4, 3, 2, 200), (6, 20, 50, 200), (3, 300, 5, 6)]
DEFAULTS: dict[str, Any] = {"forget_bias": 1.0, "cell_clip": 3.0, "use_peephole": False}
OPTIONS: list[dict[str, Any]] = [{"cell_clip": -1.0}, {"use_peephole": True, "forget_bias": 0.3, "cell_clip": 0.7}]


def check(native: Native, op_type: str, inputs: Arrays, attrs: dict[str, Any], expected: Arrays) -> None:
    results = []
    for threads in (1, 2):
        outputs = [np.full(e.shape, np.nan, np.float32) for e in expected]
        native(op_type, inputs, outputs, attrs, threads)
        results.append(outputs)
    for one, two, wanted in zip(*results, expected, strict=True):
        np.testing.assert_allclose(one, wanted, rtol=1e-4, atol=1e-5 * max(np.abs(wanted).max(initial=0), 1))
        assert np.array_equal(one, two)


def draws(seed: int) -> Callable[..., np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)
    return lambda *shape: (rng.standard_normal(shape) * 0.5).astype(np.float32)


def _weights(draw: Any, batch: int, size: int, units: int) -> Arrays:
    diagonals = [draw(units) for _ in range(3)]
    return [draw(batch, units), draw(batch, units), draw(size + units, 4 * units), *diagonals, draw(4 * units)]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_block_lstm(native: Native, sizes: Any, options: Any, monkeypatch: Any) -> None:
    time, batch, size, units = sizes
    draw, attrs = draws(1), {**DEFAULTS, **options}
    inputs = [draw(time, batch, size), *_weights(draw, batch, size, units)]
    cs_grad, h_grad = draw(time, batch, units), draw(time, batch, units)
    for taken, block in ((time, 1 << 21), (time - 1, 1 << 21), (time, 8 * batch * units)):
        monkeypatch.setattr(recurrent, "_BLOCK", block)
        limit = np.array(taken, np.int64)
        steps = list(recurrent_lstm.block_lstm_kernel(np, limit, *inputs, **attrs))
        check(native, "BlockLSTM", [limit, *inputs], attrs, steps)
        values = [limit, *inputs, *steps, cs_grad, h_grad]
        peephole = {"use_peephole": attrs["use_peephole"]}
        expected = recurrent_lstm.block_lstm_grad_kernel(np, *values, **peephole)
        check(native, "BlockLSTMGrad", values, peephole, list(expected))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_lstm_cell(native: Native, sizes: Any, options: Any) -> None:
    _, batch, size, units = sizes
    draw, attrs = draws(2), {**DEFAULTS, **options}
    inputs = [draw(batch, size), *_weights(draw, batch, size, units)]
    steps = list(recurrent_lstm.lstm_block_cell_kernel(np, *inputs, **attrs))
    check(native, "LSTMBlockCell", inputs, attrs, steps)
    values = [*inputs, *steps[:6], draw(batch, units), draw(batch, units)]
    peephole = {"use_peephole": attrs["use_peephole"]}
    expected = list(recurrent_lstm.lstm_block_cell_grad_kernel(np, *values, **peephole))
    check(native, "LSTMBlockCellGrad", values, peephole, expected)


def _gru(draw: Any, batch: int, size: int, units: int) -> Arrays:
    # Small enough that differences in the last place do not grow from step to step.
    kernels = [draw(size + units, n * units) / np.float32(np.sqrt(size + units)) for n in (2, 1)]
    return [draw(batch, units), *kernels, draw(2 * units), draw(units)]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_gru(native: Native, sizes: Any) -> None:
    time, batch, size, units = sizes
    draw = draws(3)
    inputs = [draw(time, batch, size), *_gru(draw, batch, size, units)]
    steps = list(recurrent_gru.gru_sequence_kernel(np, *inputs))
    check(native, "GRUSequence", inputs, {}, steps)
    values = [*inputs, *steps, draw(time, batch, units)]
    check(native, "GRUSequenceGrad", values, {}, list(recurrent_gru.gru_sequence_grad_kernel(np, *values)))


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_gru_cell(native: Native, sizes: Any) -> None:
    _, batch, size, units = sizes
    draw = draws(4)
    inputs = [draw(batch, size), *_gru(draw, batch, size, units)]
    steps = list(recurrent_gru.gru_block_cell_kernel(np, *inputs))
    check(native, "GRUBlockCell", inputs, {}, steps)
    values = [*inputs, *steps[:3], draw(batch, units)]
    check(native, "GRUBlockCellGrad", values, {}, list(recurrent_gru.gru_block_cell_grad_kernel(np, *values)))


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_gru_that_resets_after(native: Native, sizes: Any) -> None:
    time, batch, size, units = sizes
    draw = draws(5)
    kernels = [draw(rows, 3 * units) / np.float32(np.sqrt(rows)) for rows in (size, units)]
    inputs = [draw(time, batch, size), draw(batch, units), *kernels, draw(3 * units), draw(3 * units)]
    steps = list(recurrent_gru_after.gru_reset_after_sequence_kernel(np, *inputs))
    check(native, "GRUResetAfterSequence", inputs, {}, steps)
    values = [*inputs, *steps, draw(time, batch, units)]
    expected = list(recurrent_gru_after.gru_reset_after_sequence_grad_kernel(np, *values))
    check(native, "GRUResetAfterSequenceGrad", values, {}, expected)

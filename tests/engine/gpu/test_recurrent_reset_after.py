"""GRU layers that reset after the product, on the simulated GPU, beside NumPy's."""

import numpy as np
import pytest

from headrace.engine.ops import recurrent_gru_after

from .test_recurrent import SIZES, check, draws


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gru_that_resets_after(sim, sizes, dtype):
    time, batch, size, units = sizes
    draw = draws(5)
    # Small enough that differences in the last place do not grow from step to step.
    kernels = [draw(rows, 3 * units) / np.float32(np.sqrt(rows)) for rows in (size, units)]
    inputs = [draw(time, batch, size), draw(batch, units), *kernels, draw(3 * units), draw(3 * units)]
    inputs = [array.astype(dtype) for array in inputs]
    steps = list(recurrent_gru_after.gru_reset_after_sequence_kernel(np, *inputs))
    check(sim, "GRUResetAfterSequence", inputs, {}, steps)
    values = [*inputs, *steps, draw(time, batch, units).astype(dtype)]
    expected = recurrent_gru_after.gru_reset_after_sequence_grad_kernel(np, *values)
    check(sim, "GRUResetAfterSequenceGrad", values, {}, expected)

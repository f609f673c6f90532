"""Fourier transforms against NumPy's."""

import numpy as np
import pytest

from headrace.engine.dtypes import complex64, float32
from headrace.engine.graph import Graph
from headrace.engine.ops import fourier, fourier_real
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.session import Session

RNG = np.random.default_rng(0)
REAL = RNG.normal(size=(2, 4, 5, 6)).astype(np.float32)
COMPLEX = (REAL + 1j * RNG.normal(size=REAL.shape)).astype(np.complex64)
AXES = {"": (-1,), "2d": (-2, -1), "3d": (-3, -2, -1)}
LENGTHS = {"": [7], "2d": [3, 7], "3d": [5, 3, 8]}


def run(tensor, feeds=None):
    with Session() as session:
        return session.run(tensor, feeds)


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default():
        yield


@pytest.mark.parametrize("kind", AXES)
def test_as_numpy(kind):
    axes, lengths = AXES[kind], LENGTHS[kind]
    close(run(getattr(fourier, f"fft{kind}")(COMPLEX)), np.fft.fftn(COMPLEX, axes=axes))
    close(run(getattr(fourier, f"ifft{kind}")(COMPLEX)), np.fft.ifftn(COMPLEX, axes=axes))
    rfft, irfft = getattr(fourier_real, f"rfft{kind}"), getattr(fourier_real, f"irfft{kind}")
    close(run(rfft(REAL)), np.fft.rfftn(REAL, axes=axes))
    close(run(rfft(REAL, lengths)), np.fft.rfftn(REAL, lengths, axes))
    close(run(irfft(COMPLEX)), np.fft.irfftn(COMPLEX, axes=axes))
    close(run(irfft(COMPLEX, lengths)), np.fft.irfftn(COMPLEX, lengths, axes))
    close(run(irfft(rfft(constant(REAL)))), REAL)


def test_sizes_known_only_when_run():
    x, z = placeholder(float32, [None, None]), placeholder(complex64)
    close(run(fourier_real.rfft(x), {x: REAL[0, 0]}), np.fft.rfft(REAL[0, 0]))
    close(run(fourier_real.irfft(z), {z: COMPLEX}), np.fft.irfft(COMPLEX))
    assert fourier_real.rfft(np.zeros((2, 6))).shape.as_list() == [2, 4]
    assert fourier_real.rfft(np.zeros((2, 6), np.float32), [8]).dtype == complex64

"""The names of TensorFlow 1.15's `tf.spectral`."""

from .engine.ops.fourier import fft, fft2d, fft3d, ifft, ifft2d, ifft3d
from .engine.ops.fourier_real import irfft, irfft2d, irfft3d, rfft, rfft2d, rfft3d

__all__ = [
    "fft", "fft2d", "fft3d", "ifft", "ifft2d", "ifft3d", "irfft", "irfft2d", "irfft3d", "rfft", "rfft2d", "rfft3d",
]  # fmt: skip

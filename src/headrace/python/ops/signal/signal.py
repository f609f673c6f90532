"""The names of `tensorflow.python.ops.signal.signal`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ....engine.ops.fourier import fft, fft2d, fft3d, ifft, ifft2d, ifft3d
    from ....engine.ops.fourier_real import irfft, irfft2d, irfft3d, rfft, rfft2d, rfft3d
    from ....engine.records import frame

__all__ = [
    "fft", "fft2d", "fft3d", "frame", "ifft", "ifft2d", "ifft3d", "irfft", "irfft2d", "irfft3d", "rfft", "rfft2d",
    "rfft3d",
]  # fmt: skip

_PLACES: Places = {
    "fft": ("....engine.ops.fourier", "fft"),
    "fft2d": ("....engine.ops.fourier", "fft2d"),
    "fft3d": ("....engine.ops.fourier", "fft3d"),
    "frame": ("....engine.records", "frame"),
    "ifft": ("....engine.ops.fourier", "ifft"),
    "ifft2d": ("....engine.ops.fourier", "ifft2d"),
    "ifft3d": ("....engine.ops.fourier", "ifft3d"),
    "irfft": ("....engine.ops.fourier_real", "irfft"),
    "irfft2d": ("....engine.ops.fourier_real", "irfft2d"),
    "irfft3d": ("....engine.ops.fourier_real", "irfft3d"),
    "rfft": ("....engine.ops.fourier_real", "rfft"),
    "rfft2d": ("....engine.ops.fourier_real", "rfft2d"),
    "rfft3d": ("....engine.ops.fourier_real", "rfft3d"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

"""Pools by cuDNN's C API: the largest number and the mean of windows of images with channels last, and a mean's gradient."""

from __future__ import annotations

from ctypes import POINTER, byref, c_int, c_void_p

from ...unsupported import UnsupportedError
from ..device import Call, Pooling
from .cudnn import DATA_TYPES, Cudnn, Descriptors, LibraryCall, Signatures, declare, one_and_zero

# cudnnPoolingMode_t: the largest number, in an order that does not change; the mean of what lies in the image.
_MODES = {"max": 3, "mean": 2, "mean gradient": 2}
_PROPAGATE_NAN = 1
# What its kernels count with 32 bits.
_MOST_ELEMENTS = 2**31 - 1
_SIGNATURES: Signatures = {
    "cudnnCreatePoolingDescriptor": (POINTER(c_void_p),),
    "cudnnSetPooling2dDescriptor": (c_void_p, *[c_int] * 8),
    "cudnnDestroyPoolingDescriptor": (c_void_p,),
    "cudnnGetPooling2dForwardOutputDim": (c_void_p, c_void_p, *[POINTER(c_int)] * 4),
    "cudnnPoolingForward": (c_void_p,) * 8,
    "cudnnPoolingBackward": (c_void_p,) * 12,
}


class Pools:
    """Pools by cuDNN."""

    def __init__(self, cudnn: Cudnn) -> None:
        declare(cudnn.library, _SIGNATURES)
        self.cudnn = cudnn

    def prepare(self, pooling: Pooling) -> Call:
        """The pool as a call; UnsupportedError if cuDNN cannot do it.

        The same rows and columns are around the images on both sides of cuDNN's: windows that begin where cuDNN's do are
        the same windows as far as they lie in the images, if there are as many of them.
        """
        data, ask = DATA_TYPES.get(pooling.dtype.name), self.cudnn.ask
        if data is None or max(pooling.x_elements, pooling.y_elements) > _MOST_ELEMENTS:
            raise UnsupportedError(f"pools of {pooling.x_sizes} {pooling.dtype}")
        made = Descriptors(self.cudnn)
        how, x, y = made.new("Pooling"), made.images(data, pooling.x_sizes), made.images(data, pooling.y_sizes)
        steps = *pooling.window, *pooling.padding, *pooling.strides
        ask("SetPooling2dDescriptor", how, _MODES[pooling.kind], _PROPAGATE_NAN, *steps)
        sizes = [c_int() for _ in range(4)]
        ask("GetPooling2dForwardOutputDim", how, x, *map(byref, sizes))
        count, channels, rows, columns = (size.value for size in sizes)
        if (count, rows, columns, channels) != tuple(pooling.y_sizes):
            raise UnsupportedError(f"a pool to {pooling.y_sizes}, where cuDNN's has {(count, rows, columns, channels)}")
        return self._call(pooling, made, how, x, y)

    def _call(self, pooling: Pooling, made: Descriptors, how: c_void_p, x: c_void_p, y: c_void_p) -> Call:
        one, zero = one_and_zero(pooling.dtype)
        images, pool = (x, pooling.x), (y, pooling.y)
        keeps, before = (made, one, zero), (self.cudnn.handle, how, byref(one))
        if pooling.kind != "mean gradient":
            forward = (*before, *images, byref(zero), *pool)
            return LibraryCall(self.cudnn, "PoolingForward", forward, "a pool", keeps)
        # What was pooled, and the pool, have no part in a mean's gradient: any memory of their sizes stands for them.
        backward = (*before, *pool, *pool, *images, byref(zero), *images)
        return LibraryCall(self.cudnn, "PoolingBackward", backward, "the gradient of a pool", keeps)

"""Pooling of sequences, images and volumes: by windows, and over all places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...engine.dtypes import bool as bool_dtype
from ...engine.ops.array_parts import ones_like, zeros_like
from ...engine.ops.array_shape import expand_dims
from ...engine.ops.casting import cast
from ...engine.ops.choice import where
from ...engine.ops.comparison import logical_and
from ...engine.ops.nn_pooling import avg_pool, avg_pool1d, avg_pool3d, max_pool, max_pool1d, max_pool3d
from ...engine.ops.reduce import reduce_max, reduce_mean, reduce_sum
from ..convolutional import as_padding, as_tuple, window_length
from .base import Layer
from .data_format import data_format_of, op_format, spatial_axes
from .input_spec import InputSpec
from .serialization import registered


class Pooling(Layer):
    """One number for each window of each channel.

    Args:
        pool_size: a number, or one for each spatial axis.
        strides: the same; the pool's size by default.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; that of the settings by default.

    Raises:
        ValueError: an argument is none of its kind.
    """

    rank: int
    pool: Callable[..., Any]

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = as_tuple(pool_size, self.rank, "pool_size")
        self.strides = as_tuple(pool_size if strides is None else strides, self.rank, "strides")
        self.padding = as_padding(padding)
        self.data_format = data_format_of(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        sizes = list(self.pool_size), list(self.strides)
        options = {"data_format": op_format(self.data_format, self.rank)}
        return type(self).pool(inputs, *sizes, self.padding.upper(), **options)

    def compute_output_shape(self, input_shape: Any) -> Any:
        sizes = list(input_shape)
        for place, axis in enumerate(spatial_axes(self.data_format, self.rank)):
            sizes[axis] = window_length(sizes[axis], self.pool_size[place], self.padding, self.strides[place])
        return tuple(sizes)


@registered("layers", "MaxPool1D")
class MaxPooling1D(Pooling):
    """The largest number of each window of sequences; see Pooling for the arguments."""

    rank, pool = 1, staticmethod(max_pool1d)


@registered("layers", "MaxPool2D")
class MaxPooling2D(Pooling):
    """The largest number of each window of images; see Pooling for the arguments."""

    rank, pool = 2, staticmethod(max_pool)


@registered("layers", "MaxPool3D")
class MaxPooling3D(Pooling):
    """The largest number of each window of volumes; see Pooling for the arguments."""

    rank, pool = 3, staticmethod(max_pool3d)


@registered("layers", "AvgPool1D")
class AveragePooling1D(Pooling):
    """The mean of each window of sequences; see Pooling for the arguments."""

    rank, pool = 1, staticmethod(avg_pool1d)


@registered("layers", "AvgPool2D")
class AveragePooling2D(Pooling):
    """The mean of each window of images; see Pooling for the arguments."""

    rank, pool = 2, staticmethod(avg_pool)


@registered("layers", "AvgPool3D")
class AveragePooling3D(Pooling):
    """The mean of each window of volumes; see Pooling for the arguments."""

    rank, pool = 3, staticmethod(avg_pool3d)


class GlobalPooling(Layer):
    """One number for each channel.

    Args:
        data_format: "channels_last" or "channels_first"; that of the settings by default.
        keepdims: whether the spatial axes stay, with size 1.
    """

    rank: int
    reduction: Callable[..., Any]

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format, self.keepdims = data_format_of(data_format), keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        axes = spatial_axes(self.data_format, self.rank)
        return type(self).reduction(inputs, axis=axes, keepdims=self.keepdims)

    def compute_output_shape(self, input_shape: Any) -> Any:
        axes = spatial_axes(self.data_format, self.rank)
        kept = [1 if axis in axes else size for axis, size in enumerate(input_shape)]
        return tuple(size for axis, size in enumerate(kept) if self.keepdims or axis not in axes)


@registered("layers", "GlobalMaxPool1D")
class GlobalMaxPooling1D(GlobalPooling):
    """The largest number of each channel of sequences."""

    rank, reduction = 1, staticmethod(reduce_max)


@registered("layers", "GlobalMaxPool2D")
class GlobalMaxPooling2D(GlobalPooling):
    """The largest number of each channel of images."""

    rank, reduction = 2, staticmethod(reduce_max)


@registered("layers", "GlobalMaxPool3D")
class GlobalMaxPooling3D(GlobalPooling):
    """The largest number of each channel of volumes."""

    rank, reduction = 3, staticmethod(reduce_max)


@registered("layers", "GlobalAvgPool1D")
class GlobalAveragePooling1D(GlobalPooling):
    """The mean of each channel of sequences, over the steps that no mask hides."""

    rank, reduction = 1, staticmethod(reduce_mean)
    supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return super().call(inputs)
        axis = spatial_axes(self.data_format, 1)[0]
        wide = expand_dims(cast(mask, bool_dtype), 3 - axis)
        seen = where(logical_and(wide, cast(ones_like(inputs), bool_dtype)), inputs, zeros_like(inputs))
        count = reduce_sum(cast(wide, inputs.dtype.base_dtype), axis=axis, keepdims=self.keepdims)
        return reduce_sum(seen, axis=axis, keepdims=self.keepdims) / count

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """None: there are no steps any more."""
        return None


@registered("layers", "GlobalAvgPool2D")
class GlobalAveragePooling2D(GlobalPooling):
    """The mean of each channel of images."""

    rank, reduction = 2, staticmethod(reduce_mean)


@registered("layers", "GlobalAvgPool3D")
class GlobalAveragePooling3D(GlobalPooling):
    """The mean of each channel of volumes."""

    rank, reduction = 3, staticmethod(reduce_mean)


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D

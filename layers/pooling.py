"""Pooling of sequences, images and volumes, as TensorFlow 1.15's `tf.layers.MaxPooling1D` and its like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.graph import Tensor
from ..engine.ops.nn_pooling import avg_pool, avg_pool1d, avg_pool3d, max_pool, max_pool1d, max_pool3d
from ..engine.shapes import TensorShape
from .base import Layer
from .convolutional import FORMATS, Numbers, as_data_format, as_padding, as_tuple, window_length
from .input_spec import InputSpec


class Pooling(Layer):
    """What the pooling layers share: one number for each window of each channel.

    Args:
        pool: the function of tensors.
        rank: number of spatial dimensions, 1 to 3.
        pool_size, strides: an int, or one for each spatial dimension.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first".
        name: as for every layer.
    """

    def __init__(
        self,
        pool: Callable[..., Tensor],
        rank: int,
        pool_size: Numbers,
        strides: Numbers,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self._pool = pool
        self.rank = rank
        self.pool_size = as_tuple(pool_size, rank, "pool_size")
        self.strides = as_tuple(strides, rank, "strides")
        self.padding = as_padding(padding)
        self.data_format = as_data_format(data_format)
        self.input_spec = InputSpec(ndim=rank + 2)

    def call(self, inputs: Tensor, **kwargs: Any) -> Tensor:
        data_format = FORMATS[self.rank][self.data_format == "channels_first"]
        sizes = list(self.pool_size), list(self.strides)
        return self._pool(inputs, *sizes, self.padding.upper(), data_format=data_format)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        sizes = TensorShape(input_shape).as_list()
        first = 2 if self.data_format == "channels_first" else 1
        for i in range(self.rank):
            sizes[first + i] = window_length(sizes[first + i], self.pool_size[i], self.padding, self.strides[i])
        return TensorShape(sizes)


class MaxPooling1D(Pooling):
    """The largest number of each window of sequences; see Pooling."""

    def __init__(
        self,
        pool_size: Numbers,
        strides: Numbers,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(max_pool1d, 1, pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling2D(Pooling):
    """The largest number of each window of images; see Pooling."""

    def __init__(
        self,
        pool_size: Numbers,
        strides: Numbers,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(max_pool, 2, pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling3D(Pooling):
    """The largest number of each window of volumes; see Pooling."""

    def __init__(
        self,
        pool_size: Numbers,
        strides: Numbers,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(max_pool3d, 3, pool_size, strides, padding, data_format, name, **kwargs)


class AveragePooling1D(Pooling):
    """The mean of each window of sequences; see Pooling."""

    def __init__(
        self,
        pool_size: Numbers,
        strides: Numbers,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(avg_pool1d, 1, pool_size, strides, padding, data_format, name, **kwargs)


class AveragePooling2D(Pooling):
    """The mean of each window of images; see Pooling."""

    def __init__(
        self,
        pool_size: Numbers,
        strides: Numbers,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(avg_pool, 2, pool_size, strides, padding, data_format, name, **kwargs)


class AveragePooling3D(Pooling):
    """The mean of each window of volumes; see Pooling."""

    def __init__(
        self,
        pool_size: Numbers,
        strides: Numbers,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(avg_pool3d, 3, pool_size, strides, padding, data_format, name, **kwargs)


def max_pooling1d(
    inputs: Any,
    pool_size: Numbers,
    strides: Numbers,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The largest number of each window of sequences; see MaxPooling1D."""
    result: Tensor = MaxPooling1D(pool_size, strides, padding, data_format, name)(inputs)
    return result


def max_pooling2d(
    inputs: Any,
    pool_size: Numbers,
    strides: Numbers,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The largest number of each window of images; see MaxPooling2D."""
    result: Tensor = MaxPooling2D(pool_size, strides, padding, data_format, name)(inputs)
    return result


def max_pooling3d(
    inputs: Any,
    pool_size: Numbers,
    strides: Numbers,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The largest number of each window of volumes; see MaxPooling3D."""
    result: Tensor = MaxPooling3D(pool_size, strides, padding, data_format, name)(inputs)
    return result


def average_pooling1d(
    inputs: Any,
    pool_size: Numbers,
    strides: Numbers,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The mean of each window of sequences; see AveragePooling1D."""
    result: Tensor = AveragePooling1D(pool_size, strides, padding, data_format, name)(inputs)
    return result


def average_pooling2d(
    inputs: Any,
    pool_size: Numbers,
    strides: Numbers,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The mean of each window of images; see AveragePooling2D."""
    result: Tensor = AveragePooling2D(pool_size, strides, padding, data_format, name)(inputs)
    return result


def average_pooling3d(
    inputs: Any,
    pool_size: Numbers,
    strides: Numbers,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The mean of each window of volumes; see AveragePooling3D."""
    result: Tensor = AveragePooling3D(pool_size, strides, padding, data_format, name)(inputs)
    return result

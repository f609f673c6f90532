"""Random tensors that are functions of a seed: the same seed and shape give the same numbers, always and everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import FLOATING, INDEX, REAL, DType, as_dtype, float32, float64, int32, int64
from ..errors import InvalidArgumentError
from ..graph import Sizes, Tensor, get_default_graph
from ..inference import InferenceContext
from ..kernels import distributions
from ..kernels.philox import Stream, stream_of_stateless_seed
from ..registry import Op, op
from ..samples import Failure, Sample
from .elementwise import add_op
from .random import check_range, drawn_shape, shape_tensor

_SEED = np.array([3, -4], np.int64)


def stateless_stream(seed: Any) -> Stream:
    """The stream of a seed of two integers; InvalidArgumentError for another shape."""
    if seed.shape != (2,):
        raise InvalidArgumentError(None, None, f"seed must have shape [2], not {list(seed.shape)}")
    return stream_of_stateless_seed(int(seed[0]), int(seed[1]))


def stateless_shape(context: InferenceContext) -> list[Sizes]:
    """The shape that input 0 holds, where input 1 is a seed."""
    (count,) = context.with_rank(1, 1)
    if count not in (None, 2):
        raise ValueError(f"seed must have shape [2], not [{count}]")
    return [context.shape_value(0)]


@op("StatelessRandomUniform", "shape: T, seed: Tseed", "output: dtype", T=INDEX, Tseed=INDEX, dtype=FLOATING)
def stateless_random_uniform_op(shape: Any, seed: Any, *, dtype: DType = float32, name: str | None = None) -> Tensor:
    """Floats uniform in [0, 1)."""


@op("StatelessRandomNormal", "shape: T, seed: Tseed", "output: dtype", T=INDEX, Tseed=INDEX, dtype=FLOATING)
def stateless_random_normal_op(shape: Any, seed: Any, *, dtype: DType = float32, name: str | None = None) -> Tensor:
    """Floats of mean 0 and deviation 1."""


@op("StatelessTruncatedNormal", "shape: T, seed: Tseed", "output: dtype", T=INDEX, Tseed=INDEX, dtype=FLOATING)
def stateless_truncated_normal_op(shape: Any, seed: Any, *, dtype: DType = float32, name: str | None = None) -> Tensor:
    """Floats of mean 0 and deviation 1, drawn again where they lie beyond 2."""


def _seed_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.array([2]), np.array([1, 2, 3])), ValueError, r"shape \[2\], not \[3\]", {"dtype": float32})]


def _define(definition: Op[..., Any], draw: Callable[..., Any]) -> None:
    def kernel(xp: Any, sizes: Any, seed: Any, *, dtype: DType) -> Any:
        return draw(stateless_stream(seed), drawn_shape(sizes), dtype.numpy)[0]

    def into(xp: Any, out: Any, sizes: Any, seed: Any, *, dtype: DType) -> None:
        draw(stateless_stream(seed), drawn_shape(sizes), dtype.numpy, out)

    def samples(rng: np.random.Generator) -> list[Sample]:
        return [
            Sample((np.array([2, 3], np.int32), _SEED), {"dtype": dtype}, differentiable=False)
            for dtype in (float32, float64)
        ]

    definition.shape(stateless_shape)
    definition.kernel(kernel)
    definition.into(into)
    definition.samples(samples)
    definition.failing(_seed_failing)
    definition.not_differentiable = True


_define(stateless_random_uniform_op, distributions.uniform)
_define(stateless_random_normal_op, distributions.normal)
_define(stateless_truncated_normal_op, distributions.truncated_normal)


@op(
    "StatelessRandomUniformInt",
    "shape: T, seed: Tseed, minval: dtype, maxval: dtype",
    "output: dtype",
    shape=stateless_shape,
    T=INDEX,
    Tseed=INDEX,
    dtype=INDEX,
)
def stateless_random_uniform_int_op(
    shape: Any, seed: Any, minval: Any, maxval: Any, *, name: str | None = None
) -> Tensor:
    """Integers in [minval, maxval)."""


@stateless_random_uniform_int_op.kernel
def stateless_random_uniform_int_kernel(xp: Any, sizes: Any, seed: Any, minval: Any, maxval: Any) -> Any:
    low, high = check_range(minval, maxval)
    return distributions.uniform_int(stateless_stream(seed), drawn_shape(sizes), low, high, minval.dtype)[0]


@stateless_random_uniform_int_op.samples
def stateless_random_uniform_int_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((np.array([2, 3], np.int32), _SEED, np.int32(-4), np.int32(9)), differentiable=False)]


@stateless_random_uniform_int_op.failing
def stateless_random_uniform_int_failing(rng: np.random.Generator) -> list[Failure]:
    inputs = (np.array([2], np.int32), _SEED, np.int32(4), np.int32(4))
    return [Failure(inputs, InvalidArgumentError, "minval < maxval", at_run=True)]


@op(
    "StatelessMultinomial",
    "logits: T, num_samples: int32, seed: Tseed",
    "output: output_dtype",
    T=REAL,
    Tseed=INDEX,
    output_dtype=INDEX,
)
def stateless_multinomial_op(
    logits: Any, num_samples: Any, seed: Any, *, output_dtype: DType = int64, name: str | None = None
) -> Tensor:
    """Class numbers [batch, num_samples] drawn with the probabilities softmax(logits)."""


@stateless_multinomial_op.shape
def stateless_multinomial_shape(context: InferenceContext) -> list[Sizes]:
    batch, _ = context.with_rank(0, 2)
    number = context.value(1)
    context.with_rank(2, 1)
    return [(batch, None if number is None else int(number))]


@stateless_multinomial_op.kernel
def stateless_multinomial_kernel(xp: Any, logits: Any, num_samples: Any, seed: Any, *, output_dtype: DType) -> Any:
    return distributions.categorical(stateless_stream(seed), logits, int(num_samples), output_dtype.numpy)[0]


@stateless_multinomial_op.samples
def stateless_multinomial_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=(2, 3)).astype(np.float32), np.int32(4), _SEED), differentiable=False)]


for _definition in (stateless_random_uniform_int_op, stateless_multinomial_op):
    _definition.not_differentiable = True


# TensorFlow's names


def stateless_random_uniform(
    shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32, name: str | None = None
) -> Tensor:
    """Numbers uniform in [minval, maxval) that depend on `seed`, two integers, alone.

    Raises:
        ValueError: an integer dtype without `maxval`, or a dtype that is neither.
    """
    dtype = as_dtype(dtype)
    if dtype not in (*FLOATING, int32, int64):
        raise ValueError(f"Invalid dtype {dtype!r}: stateless_random_uniform gives floats, int32 or int64")
    if maxval is None:
        if dtype.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
        maxval = 1
    with get_default_graph().name_scope(name or "stateless_random_uniform") as scope:
        sizes = shape_tensor(shape)
        low, high = convert_to_tensor(minval, dtype, "min"), convert_to_tensor(maxval, dtype, "max")
        if dtype.is_integer:
            return stateless_random_uniform_int_op(sizes, seed, low, high, name=scope)
        drawn = stateless_random_uniform_op(sizes, seed, dtype=dtype)
        return add_op(drawn * (high - low), low, name=scope)


def stateless_random_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, name: str | None = None
) -> Tensor:
    """Normal numbers that depend on `seed`, two integers, alone."""
    return _normal(stateless_random_normal_op, shape, seed, mean, stddev, dtype, name or "stateless_random_normal")


def stateless_truncated_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, name: str | None = None
) -> Tensor:
    """Normal numbers within two deviations of the mean that depend on `seed`, two integers, alone."""
    default = "stateless_truncated_normal"
    return _normal(stateless_truncated_normal_op, shape, seed, mean, stddev, dtype, name or default)


def _normal(definition: Op[..., Any], shape: Any, seed: Any, mean: Any, stddev: Any, dtype: Any, name: str) -> Tensor:
    dtype = as_dtype(dtype)
    with get_default_graph().name_scope(name) as scope:
        sizes = shape_tensor(shape)
        center, width = convert_to_tensor(mean, dtype, "mean"), convert_to_tensor(stddev, dtype, "stddev")
        return add_op(definition(sizes, seed, dtype=dtype) * width, center, name=scope)


def stateless_multinomial(
    logits: Any, num_samples: Any, seed: Any, output_dtype: Any = int64, name: str | None = None
) -> Tensor:
    """Class numbers [batch, num_samples] drawn with the probabilities softmax(logits), by `seed` alone."""
    with get_default_graph().name_scope(name or "stateless_multinomial"):
        return stateless_multinomial_op(logits, num_samples, seed, output_dtype=as_dtype(output_dtype))


def stateless_categorical(
    logits: Any, num_samples: Any, seed: Any, dtype: Any = int64, name: str | None = None
) -> Tensor:
    """`stateless_multinomial` under its later name."""
    with get_default_graph().name_scope(name or "stateless_categorical"):
        return stateless_multinomial_op(logits, num_samples, seed, output_dtype=as_dtype(dtype))

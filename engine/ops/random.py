"""Random tensors: ops that draw from a Philox stream kept by the task, seeded as in TensorFlow 1.15."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..chance import first_block
from ..conversion import convert_to_tensor
from ..dtypes import FLOATING, INDEX, REAL, DType, as_dtype, float16, float32, float64, int32, int64
from ..errors import InvalidArgumentError
from ..graph import Sizes, Tensor, get_default_graph
from ..inference import InferenceContext, from_shape_input, like_first
from ..kernels import distributions, gamma_poisson, op_seeds
from ..kernels.philox import Stream, stream_of_seeds
from ..registry import Op, op
from ..resources import ResourceStore
from ..runtime import KernelContext
from ..samples import Failure, Sample
from ..shapes import TensorShape
from .array import shape as shape_of, shape_array
from .array_parts import zeros_like
from .array_slice import slice_
from .binary import maximum
from .elementwise import add_op

_SEEDED = {"seed": 3, "seed2": 4}


def stream_for(context: KernelContext, blocks: int) -> Stream:
    """The stream of the running op at its next place, which is moved on by `blocks`."""
    return stream_of(context.resources, context.name, context.attrs, blocks)


def stream_of(resources: ResourceStore, name: str, attrs: dict[str, Any], blocks: int) -> Stream:
    """The stream of the op `name` at its next place, which is moved on by `blocks`.

    An op without seeds gets a pair of its own from the system's entropy, kept as long as the task's state.
    """
    seed, seed2 = attrs["seed"], attrs["seed2"]
    if seed == 0 and seed2 == 0:
        with resources.lock:
            seed, seed2 = resources.seeds.setdefault(name, (_entropy(), _entropy()))
    return stream_of_seeds(seed, seed2).skipped(first_block() + resources.advance(name, blocks))


def _entropy() -> int:
    return int.from_bytes(os.urandom(8)) >> 1


def drawn_shape(sizes: Any) -> tuple[int, ...]:
    """The shape input of a random op as a tuple; InvalidArgumentError for one that is none."""
    if np.ndim(sizes) != 1 or (np.asarray(sizes) < 0).any():
        raise InvalidArgumentError(
            None, None, f"shape must be a vector of sizes >= 0, got {np.asarray(sizes).tolist()}"
        )
    return tuple(int(size) for size in sizes)


def _reserved(shape: tuple[int, ...]) -> int:
    return math.prod(shape) * distributions.RESERVED_BLOCKS


# Ops that take a shape and give floats


@op("RandomUniform", "shape: T", "output: dtype", shape=from_shape_input, stateful=True, T=INDEX, dtype=FLOATING)
def random_uniform_op(shape: Any, *, dtype: DType, seed: int = 0, seed2: int = 0, name: str | None = None) -> Tensor:
    """Floats uniform in [0, 1)."""


@op("RandomStandardNormal", "shape: T", "output: dtype", shape=from_shape_input, stateful=True, T=INDEX, dtype=FLOATING)
def random_standard_normal_op(
    shape: Any, *, dtype: DType, seed: int = 0, seed2: int = 0, name: str | None = None
) -> Tensor:
    """Floats of mean 0 and deviation 1."""


@op("TruncatedNormal", "shape: T", "output: dtype", shape=from_shape_input, stateful=True, T=INDEX, dtype=FLOATING)
def truncated_normal_op(shape: Any, *, dtype: DType, seed: int = 0, seed2: int = 0, name: str | None = None) -> Tensor:
    """Floats of mean 0 and deviation 1, drawn again where they lie beyond 2."""


def _define_floats(definition: Op[..., Any], draw: Callable[..., Any]) -> None:
    def state(context: KernelContext, sizes: Any, *, dtype: DType, seed: int, seed2: int) -> Any:
        shape = drawn_shape(sizes)
        return draw(stream_for(context, _reserved(shape)), shape, dtype.numpy)[0]

    def samples(rng: np.random.Generator) -> list[Sample]:
        sizes = [np.array([2, 3], np.int32), np.array([], np.int32), np.array([0, 3])]
        return [
            *(Sample((s,), {"dtype": float32, **_SEEDED}, differentiable=False) for s in sizes),
            Sample((sizes[0],), {"dtype": float64}, differentiable=False),
            Sample((sizes[0],), {"dtype": float16, **_SEEDED}, differentiable=False),
        ]

    def failing(rng: np.random.Generator) -> list[Failure]:
        return [Failure((np.array([2, -3]),), InvalidArgumentError, "-3|>= 0", {"dtype": float32}, at_run=True)]

    definition.failing(failing)
    definition.state(state)
    definition.samples(samples)
    definition.not_differentiable = True


_define_floats(random_uniform_op, distributions.uniform)
_define_floats(random_standard_normal_op, distributions.normal)
_define_floats(truncated_normal_op, distributions.truncated_normal)


# Others


@op(
    "RandomUniformInt",
    "shape: T, minval: Tout, maxval: Tout",
    "output: Tout",
    shape=from_shape_input,
    stateful=True,
    T=INDEX,
    Tout=INDEX,
)
def random_uniform_int_op(
    shape: Any, minval: Any, maxval: Any, *, seed: int = 0, seed2: int = 0, name: str | None = None
) -> Tensor:
    """Integers in [minval, maxval)."""


@random_uniform_int_op.state
def random_uniform_int_state(
    context: KernelContext, sizes: Any, minval: Any, maxval: Any, *, seed: int, seed2: int
) -> Any:
    shape = drawn_shape(sizes)
    low, high = check_range(minval, maxval)
    return distributions.uniform_int(stream_for(context, _reserved(shape)), shape, low, high, minval.dtype)[0]


def check_range(minval: Any, maxval: Any) -> tuple[int, int]:
    """Two scalars as the bounds of a draw; InvalidArgumentError unless the first is smaller."""
    if np.ndim(minval) or np.ndim(maxval):
        raise InvalidArgumentError(
            None, None, f"minval and maxval must be scalars, got shapes {np.shape(minval)} and {np.shape(maxval)}"
        )
    if minval >= maxval:
        raise InvalidArgumentError(None, None, f"Need minval < maxval, got {minval} >= {maxval}")
    return int(minval), int(maxval)


@random_uniform_int_op.samples
def random_uniform_int_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((np.array([2, 3], np.int32), np.int32(-5), np.int32(7)), _SEEDED, differentiable=False),
        Sample((np.array([4]), np.int64(0), np.int64(2**40)), differentiable=False),
    ]


@random_uniform_int_op.failing
def random_uniform_int_failing(rng: np.random.Generator) -> list[Failure]:
    shape = np.array([2], np.int32)
    return [
        Failure((shape, np.int32(3), np.int32(3)), InvalidArgumentError, "minval < maxval, got 3", at_run=True),
    ]


@op("RandomShuffle", "value: T", "output: T", shape=like_first, stateful=True)
def random_shuffle_op(value: Any, *, seed: int = 0, seed2: int = 0, name: str | None = None) -> Tensor:
    """The rows of `value` in another order."""


@random_shuffle_op.state
def random_shuffle_state(context: KernelContext, value: Any, *, seed: int, seed2: int) -> Any:
    if value.ndim == 0 or len(value) <= 1:
        return value.copy()
    order, _ = distributions.permutation(stream_for(context, -(-(len(value) - 1) // 4)), len(value))
    return value[order]


@random_shuffle_op.samples
def random_shuffle_samples(rng: np.random.Generator) -> list[Sample]:
    values = (np.arange(12.0).reshape(6, 2), np.array(3), np.array(["a", "b"], object), np.ones((0, 2)))
    return [Sample((v,), _SEEDED, differentiable=False) for v in values]


@op("Multinomial", "logits: T, num_samples: int32", "output: output_dtype", stateful=True, T=REAL, output_dtype=INDEX)
def multinomial_op(
    logits: Any,
    num_samples: Any,
    *,
    seed: int = 0,
    seed2: int = 0,
    output_dtype: DType = int64,
    name: str | None = None,
) -> Tensor:
    """Class numbers [batch, num_samples] drawn with the probabilities softmax(logits)."""


@multinomial_op.shape
def multinomial_shape(context: InferenceContext) -> list[Sizes]:
    batch, _ = context.with_rank(0, 2)
    number = context.value(1)
    return [(batch, None if number is None else int(number))]


@multinomial_op.state
def multinomial_state(
    context: KernelContext, logits: Any, num_samples: Any, *, seed: int, seed2: int, output_dtype: DType
) -> Any:
    number = int(num_samples)
    blocks = len(logits) * -(-max(number, 0) // 4) * 4 * 2 * distributions.RESERVED_BLOCKS
    return distributions.categorical(stream_for(context, blocks), logits, number, output_dtype.numpy)[0]


@multinomial_op.samples
def multinomial_samples(rng: np.random.Generator) -> list[Sample]:
    logits = rng.normal(size=(2, 4)).astype(np.float32)
    return [
        Sample((logits, np.int32(5)), _SEEDED, differentiable=False),
        Sample((logits, np.int32(0)), {"output_dtype": int32}, differentiable=False),
    ]


@multinomial_op.failing
def multinomial_failing(rng: np.random.Generator) -> list[Failure]:
    return [
        Failure((np.ones(3), np.int32(1)), ValueError, "rank 2"),
        Failure((np.ones((2, 0)), np.int32(1)), InvalidArgumentError, "num_classes", at_run=True),
    ]


def _parameter_last(context: InferenceContext) -> list[Sizes]:
    sizes, own = context.shape_value(0), context.sizes[1]
    return [None if sizes is None or own is None else (*sizes, *own)]


@op("RandomGamma", "shape: S, alpha: T", "output: T", shape=_parameter_last, stateful=True, S=INDEX, T=FLOATING)
def random_gamma_op(shape: Any, alpha: Any, *, seed: int = 0, seed2: int = 0, name: str | None = None) -> Tensor:
    """Gamma draws of scale 1: `shape` of them for every alpha."""


@random_gamma_op.state
def random_gamma_state(context: KernelContext, sizes: Any, alpha: Any, *, seed: int, seed2: int) -> Any:
    shape = drawn_shape(sizes)
    return gamma_poisson.gamma(stream_for(context, _reserved((*shape, alpha.size))), shape, alpha)[0]


@random_gamma_op.samples
def random_gamma_samples(rng: np.random.Generator) -> list[Sample]:
    alpha = np.array([0.5, 1.0, 3.0], np.float32)
    return [Sample((np.array([2], np.int32), alpha), _SEEDED, differentiable=False)]


@op(
    "RandomPoissonV2",
    "shape: S, rate: R",
    "output: dtype",
    shape=_parameter_last,
    stateful=True,
    S=INDEX,
    R=(*FLOATING, int32, int64),
    dtype=(*FLOATING, int32, int64),
)
def random_poisson_op(
    shape: Any, rate: Any, *, seed: int = 0, seed2: int = 0, dtype: DType = int64, name: str | None = None
) -> Tensor:
    """Poisson draws: `shape` of them for every rate."""


@random_poisson_op.state
def random_poisson_state(context: KernelContext, sizes: Any, rate: Any, *, seed: int, seed2: int, dtype: DType) -> Any:
    shape = drawn_shape(sizes)
    stream = stream_for(context, _reserved((*shape, rate.size)))
    return gamma_poisson.poisson(stream, shape, rate, dtype.numpy)[0]


@random_poisson_op.samples
def random_poisson_samples(rng: np.random.Generator) -> list[Sample]:
    rate = np.array([0.5, 12.0])
    return [
        Sample((np.array([3], np.int32), rate), {**_SEEDED, "dtype": d}, differentiable=False) for d in (float32, int64)
    ]


for _definition in (random_uniform_int_op, multinomial_op, random_poisson_op):
    _definition.not_differentiable = True


# TensorFlow's names


def set_random_seed(seed: int | None) -> None:
    """Sets the seed of the default graph, from which ops without a seed of their own get theirs."""
    get_default_graph().seed = seed


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """The two seeds of an op made now with the argument `seed=op_seed`: Nones where neither graph nor op has one."""
    graph = get_default_graph()
    return op_seeds.seeds(graph.seed, op_seed, graph.version)


def seed_attributes(op_seed: int | None) -> dict[str, Any]:
    """The attributes `seed` and `seed2` of an op made now."""
    first, second = get_seed(op_seed)
    return {"seed": first or 0, "seed2": second or 0}


def shape_tensor(shape: Any) -> Tensor:
    """A shape argument (list, TensorShape, tensor, list of tensors) as an integer vector."""
    if isinstance(shape, TensorShape):
        shape = shape.as_list()
    if isinstance(shape, Sequence):
        shape = [getattr(size, "value", size) for size in shape]
        if not any(isinstance(size, Tensor) for size in shape):
            shape = shape_array(shape)
    return convert_to_tensor(shape, None, "shape")


def random_uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32, seed: int | None = None, name: Any = None
) -> Tensor:
    """Numbers uniform in [minval, maxval), the same as TensorFlow's for the same seeds.

    Args:
        shape: of the result: a list, TensorShape or integer vector.
        minval: the lower bound.
        maxval: the upper bound; 1 for floats if left out, needed for integers.
        dtype: float16, bfloat16, float32, float64, int32 or int64.
        seed: of this op; together with the graph's it fixes the numbers.

    Raises:
        ValueError: an integer dtype without `maxval`, or a dtype that is neither.
    """
    dtype = as_dtype(dtype)
    if dtype not in (*FLOATING, int32, int64):
        raise ValueError(f"Invalid dtype {dtype!r}: random_uniform gives floats, int32 or int64")
    if maxval is None:
        if dtype.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
        maxval = 1
    with get_default_graph().name_scope(name or "random_uniform") as scope:
        sizes = shape_tensor(shape)
        low, high = convert_to_tensor(minval, dtype, "min"), convert_to_tensor(maxval, dtype, "max")
        seeds = seed_attributes(seed)
        if dtype.is_integer:
            return random_uniform_int_op(sizes, low, high, name=scope, **seeds)
        drawn = random_uniform_op(sizes, dtype=dtype, **seeds)
        return add_op(drawn * (high - low), low, name=scope)


def _normal(definition: Op[..., Any], default: str, arguments: tuple[Any, ...]) -> Tensor:
    shape, mean, stddev, dtype, seed, name = arguments
    dtype = as_dtype(dtype)
    with get_default_graph().name_scope(name or default) as scope:
        sizes = shape_tensor(shape)
        center, width = convert_to_tensor(mean, dtype, "mean"), convert_to_tensor(stddev, dtype, "stddev")
        drawn = definition(sizes, dtype=dtype, **seed_attributes(seed))
        return add_op(drawn * width, center, name=scope)


def random_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, seed: int | None = None, name: Any = None
) -> Tensor:
    """Normal numbers of the given mean and deviation, the same as TensorFlow's for the same seeds."""
    return _normal(random_standard_normal_op, "random_normal", (shape, mean, stddev, dtype, seed, name))


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, seed: int | None = None, name: Any = None
) -> Tensor:
    """Normal numbers, drawn again where they lie more than two deviations from the mean."""
    return _normal(truncated_normal_op, "truncated_normal", (shape, mean, stddev, dtype, seed, name))


def random_shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """The slices of `value` along its first axis in a random order."""
    return random_shuffle_op(value, name=name, **seed_attributes(seed))


def random_crop(value: Any, size: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """A slice of shape `size` at a random place of `value`; InvalidArgumentError where it does not fit."""
    with get_default_graph().name_scope(name or "random_crop") as scope:
        whole = convert_to_tensor(value, None, "value")
        wanted = convert_to_tensor(size, int32, "size")
        sizes = shape_of(whole)
        # A size that is too large gives no limit below 1: the slice then says what does not fit.
        limit = maximum(sizes - wanted + 1, 1)
        drawn = random_uniform(shape_of(sizes), 0, int32.max, int32, seed)
        return slice_(whole, drawn % limit, wanted, name=scope)


def multinomial(
    logits: Any, num_samples: Any, seed: int | None = None, name: str | None = None, output_dtype: Any = None
) -> Tensor:
    """Class numbers [batch, num_samples], drawn from the distributions softmax(logits) [batch, classes]."""
    with get_default_graph().name_scope(name or "multinomial"):
        return categorical_of(logits, num_samples, output_dtype, seed)


def categorical(
    logits: Any, num_samples: Any, dtype: Any = None, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Class numbers [batch, num_samples]: `multinomial` under its later name and argument order."""
    with get_default_graph().name_scope(name or "categorical"):
        return categorical_of(logits, num_samples, dtype, seed)


def categorical_of(logits: Any, num_samples: Any, dtype: Any, seed: int | None) -> Tensor:
    """The draw of `multinomial` in the current scope."""
    tensor = convert_to_tensor(logits, None, "logits")
    output = as_dtype(dtype) if dtype is not None else int64
    return multinomial_op(tensor, num_samples, output_dtype=output, **seed_attributes(seed))


def random_gamma(
    shape: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Draws from gamma distributions: `shape + broadcast(alpha, beta).shape` of them.

    Args:
        shape: how many draws for each pair of parameters.
        alpha: the shape parameter, positive.
        beta: the inverse scale, 1 if left out.
    """
    dtype = as_dtype(dtype)
    with get_default_graph().name_scope(name or "random_gamma"):
        sizes = convert_to_tensor(shape, int32, "shape")
        a = convert_to_tensor(alpha, dtype, "alpha")
        b = convert_to_tensor(1 if beta is None else beta, dtype, "beta")
        both = a + zeros_like(b)
        drawn = random_gamma_op(sizes, both, **seed_attributes(seed))
        return maximum(np.array(np.finfo(dtype.numpy).tiny, dtype.numpy), drawn / b)


def random_poisson(
    lam: Any, shape: Any, dtype: Any = float32, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Draws from Poisson distributions of the rates `lam`: `shape + lam.shape` of them."""
    with get_default_graph().name_scope(name or "random_poisson"):
        sizes = convert_to_tensor(shape, int32, "shape")
        return random_poisson_op(sizes, lam, dtype=as_dtype(dtype), **seed_attributes(seed))

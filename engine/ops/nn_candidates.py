"""Samplers of candidate classes for losses over very many classes, as ops."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import InvalidArgumentError, NotFoundError
from ..graph import Sizes, Tensor
from ..inference import InferenceContext
from ..kernels import candidates
from ..registry import Op, op
from ..runtime import KernelContext
from ..samples import Failure, Sample
from .random import seed_attributes, stream_for

_INPUT = "true_classes: int64"
_OUTPUTS = "sampled_candidates: int64, true_expected_count: float32, sampled_expected_count: float32"
NO_WEIGHTS: list[float] = []
# What TensorFlow's ops reserve of the stream for each class that is drawn.
_BLOCKS_EACH = 512


class SampledCandidates(NamedTuple):
    """What samplers give: classes, and how often the true and the sampled ones are expected in a sample."""

    sampled_candidates: Tensor
    true_expected_count: Tensor
    sampled_expected_count: Tensor


def candidates_shape(context: InferenceContext) -> list[Sizes]:
    """The shapes of a sampler's outputs."""
    sizes = context.with_rank(0, 2)
    number = context["num_true"]
    if sizes[1] is not None and sizes[1] != number:
        raise ValueError(f"true_classes must have num_true = {number} columns, got {sizes[1]}")
    return [(context["num_sampled"],), (sizes[0], number), (context["num_sampled"],)]


@op("UniformCandidateSampler", _INPUT, _OUTPUTS, shape=candidates_shape, stateful=True)
def uniform_candidate_sampler_op(
    true_classes: Any,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> SampledCandidates:
    """Classes drawn evenly."""


@op("LogUniformCandidateSampler", _INPUT, _OUTPUTS, shape=candidates_shape, stateful=True)
def log_uniform_candidate_sampler_op(
    true_classes: Any,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> SampledCandidates:
    """Classes drawn by Zipf's law, for classes sorted by falling frequency."""


@op("LearnedUnigramCandidateSampler", _INPUT, _OUTPUTS, shape=candidates_shape, stateful=True)
def learned_unigram_candidate_sampler_op(
    true_classes: Any,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> SampledCandidates:
    """Classes drawn as often as they were seen among the true ones."""


@op("ThreadUnsafeUnigramCandidateSampler", _INPUT, _OUTPUTS, shape=candidates_shape, stateful=True)
def unigram_candidate_sampler_op(
    true_classes: Any,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> SampledCandidates:
    """The same under the name of TensorFlow's variant without a lock; this one has it."""


@op("FixedUnigramCandidateSampler", _INPUT, _OUTPUTS, shape=candidates_shape, stateful=True, touches_files=True)
def fixed_unigram_candidate_sampler_op(
    true_classes: Any,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    vocab_file: str = "",
    distortion: float = 1.0,
    num_reserved_ids: int = 0,
    num_shards: int = 1,
    shard: int = 0,
    unigrams: list[float] = NO_WEIGHTS,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> SampledCandidates:
    """Classes drawn in proportion to given weights, from a list or the last column of a file."""


@op("AllCandidateSampler", _INPUT, _OUTPUTS, shape=candidates_shape, stateful=True)
def all_candidate_sampler_op(
    true_classes: Any,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> SampledCandidates:
    """Every class once."""


def _stream(context: KernelContext, num_sampled: int) -> Any:
    return stream_for(context, max(num_sampled, 0) * _BLOCKS_EACH)


def _define(definition: Op[..., Any], sample: Callable[..., candidates.Candidates]) -> None:
    def state(context: KernelContext, classes: Any, *, num_sampled: int, unique: bool, range_max: int, **_: Any) -> Any:
        return sample(_stream(context, num_sampled), classes, num_sampled, unique, range_max)[:3]

    definition.state(state)


def _define_learned(definition: Op[..., Any]) -> None:
    def state(context: KernelContext, classes: Any, *, num_sampled: int, unique: bool, range_max: int, **_: Any) -> Any:
        resources = context.resources
        with resources.lock:
            counts = resources.object("", f"{context.name}/unigrams", lambda: np.ones(range_max, np.int64))
            stream = _stream(context, num_sampled)
            return candidates.learned_unigram_candidates(stream, classes, num_sampled, unique, counts)[:3]

    definition.state(state)


_define(uniform_candidate_sampler_op, candidates.uniform_candidates)
_define(log_uniform_candidate_sampler_op, candidates.log_uniform_candidates)
_define_learned(learned_unigram_candidate_sampler_op)
_define_learned(unigram_candidate_sampler_op)


@fixed_unigram_candidate_sampler_op.state
def fixed_unigram_candidate_sampler_state(
    context: KernelContext,
    classes: Any,
    *,
    num_sampled: int,
    unique: bool,
    range_max: int,
    vocab_file: str,
    distortion: float,
    num_reserved_ids: int,
    num_shards: int,
    shard: int,
    unigrams: list[float],
    **_: Any,
) -> Any:
    def read() -> Any:
        return _weights_of_file(vocab_file) if vocab_file else np.array(unigrams, np.float32)

    weights = context.resources.object("", f"{context.name}/weights", read)
    stream = _stream(context, num_sampled)
    settings = (weights, distortion, num_reserved_ids, num_shards, shard)
    return candidates.fixed_unigram_candidates(stream, classes, num_sampled, unique, range_max, *settings)[:3]


def _weights_of_file(path: str) -> Any:
    """The last column of the lines of a file of comma-separated values."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise NotFoundError(None, None, f"cannot read the vocabulary {path}: {error}") from None
    try:
        return np.array([float(line.rsplit(",", 1)[-1]) for line in lines if line.strip()], np.float32)
    except ValueError as error:
        raise InvalidArgumentError(None, None, f"{path}: the last column must hold weights: {error}") from None


@all_candidate_sampler_op.state
def all_candidate_sampler_state(context: KernelContext, classes: Any, *, num_sampled: int, **_: Any) -> Any:
    return candidates.all_candidates(classes, num_sampled)[:3]


_ATTRIBUTES = {"num_true": 2, "num_sampled": 4, "unique": True, "range_max": 10, "seed": 3, "seed2": 4}
_CLASSES = np.array([[1, 3], [0, 9]])


def _range_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((_CLASSES,), {**_ATTRIBUTES, "unique": unique}, differentiable=False) for unique in (True, False)]


def _range_failing(rng: np.random.Generator) -> list[Failure]:
    return [
        Failure((_CLASSES,), InvalidArgumentError, "out of range", {**_ATTRIBUTES, "range_max": 9}, at_run=True),
        Failure((_CLASSES,), InvalidArgumentError, "too small", {**_ATTRIBUTES, "num_sampled": 11}, at_run=True),
        Failure((_CLASSES[:, :1],), ValueError, "num_true = 2", _ATTRIBUTES),
    ]


for _definition in (
    uniform_candidate_sampler_op,
    log_uniform_candidate_sampler_op,
    learned_unigram_candidate_sampler_op,
    unigram_candidate_sampler_op,
):
    _definition.samples(_range_samples)
    _definition.failing(_range_failing)


@fixed_unigram_candidate_sampler_op.samples
def fixed_unigram_candidate_sampler_samples(rng: np.random.Generator) -> list[Sample]:
    weights = {"unigrams": [float(i) for i in range(1, 9)], "num_reserved_ids": 2, "distortion": 0.75}
    return [Sample((_CLASSES,), {**_ATTRIBUTES, **weights}, differentiable=False)]


@fixed_unigram_candidate_sampler_op.failing
def fixed_unigram_candidate_sampler_failing(rng: np.random.Generator) -> list[Failure]:
    few, lost = {**_ATTRIBUTES, "unigrams": [1.0, 2.0]}, {**_ATTRIBUTES, "vocab_file": "/nonexistent/file"}
    return [
        Failure((_CLASSES,), InvalidArgumentError, "equal to weights size 2", few, at_run=True),
        Failure((_CLASSES,), NotFoundError, "nonexistent", lost, at_run=True),
    ]


@all_candidate_sampler_op.samples
def all_candidate_sampler_samples(rng: np.random.Generator) -> list[Sample]:
    attrs = {"num_true": 2, "num_sampled": 10, "unique": True}
    return [Sample((_CLASSES,), attrs, differentiable=False)]


@op(
    "ComputeAccidentalHits",
    "true_classes: int64, sampled_candidates: int64",
    "indices: int32, ids: int64, weights: float32",
)
def compute_accidental_hits_op(
    true_classes: Any,
    sampled_candidates: Any,
    *,
    num_true: int,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The rows and places where a sampled class is a true one of the row, each with the weight -FLT_MAX."""


@compute_accidental_hits_op.shape
def compute_accidental_hits_shape(context: InferenceContext) -> list[Sizes]:
    context.with_rank(0, 2)
    context.with_rank(1, 1)
    return [(None,)] * 3


@compute_accidental_hits_op.kernel
def compute_accidental_hits_kernel(xp: Any, true_classes: Any, sampled: Any, **_: Any) -> Any:
    return candidates.compute_accidental_hits(true_classes, sampled)


@compute_accidental_hits_op.samples
def compute_accidental_hits_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((_CLASSES, np.array([3, 7, 0, 3])), {"num_true": 2}, differentiable=False),
        Sample((_CLASSES, np.array([5])), {"num_true": 2}, differentiable=False),
    ]


_SAMPLERS: tuple[Op[..., Any], ...] = (
    uniform_candidate_sampler_op,
    log_uniform_candidate_sampler_op,
    learned_unigram_candidate_sampler_op,
    unigram_candidate_sampler_op,
    fixed_unigram_candidate_sampler_op,
    all_candidate_sampler_op,
    compute_accidental_hits_op,
)
for _sampler in _SAMPLERS:
    _sampler.not_differentiable = True


# TensorFlow's names


def _build(definition: Op[..., Any], classes: Any, attrs: dict[str, Any], seed: int | None, name: str | None) -> Any:
    return SampledCandidates(*definition(classes, name=name, **attrs, **seed_attributes(seed)))


def uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> SampledCandidates:
    """Classes drawn evenly from [0, range_max).

    Args:
        true_classes: int64 [batch, num_true].
        num_true: classes that are right, for each example.
        num_sampled: how many to draw.
        unique: no class twice.
        range_max: the number of classes.
        seed: of the op.
        name: of the operation.

    Returns:
        sampled_candidates [num_sampled], true_expected_count [batch, num_true] and sampled_expected_count
        [num_sampled].
    """
    attrs = {"num_true": num_true, "num_sampled": num_sampled, "unique": unique, "range_max": range_max}
    return _build(uniform_candidate_sampler_op, true_classes, attrs, seed, name)  # type: ignore[no-any-return]


def log_uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> SampledCandidates:
    """Classes drawn by Zipf's law: k with probability log((k + 2) / (k + 1)) / log(range_max + 1)."""
    attrs = {"num_true": num_true, "num_sampled": num_sampled, "unique": unique, "range_max": range_max}
    return _build(log_uniform_candidate_sampler_op, true_classes, attrs, seed, name)  # type: ignore[no-any-return]


def learned_unigram_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> SampledCandidates:
    """Classes drawn as often as they were true classes so far (each starts with a count of one)."""
    attrs = {"num_true": num_true, "num_sampled": num_sampled, "unique": unique, "range_max": range_max}
    return _build(learned_unigram_candidate_sampler_op, true_classes, attrs, seed, name)  # type: ignore[no-any-return]


def fixed_unigram_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    vocab_file: str = "",
    distortion: float = 1.0,
    num_reserved_ids: int = 0,
    num_shards: int = 1,
    shard: int = 0,
    unigrams: Any = (),
    seed: int | None = None,
    name: str | None = None,
) -> SampledCandidates:
    """Classes drawn in proportion to weights ** distortion.

    Args:
        true_classes: int64 [batch, num_true].
        num_true: classes that are right, for each example.
        num_sampled: how many to draw.
        unique: no class twice.
        range_max: the number of classes.
        vocab_file: a file whose lines end in ",weight", one a class.
        distortion: the power that weights are raised to.
        num_reserved_ids: classes at the front that have no weight and are never drawn.
        num_shards: how many samplers share the classes.
        shard: which of these this is.
        unigrams: the weights, in the place of a file.
        seed: of the op.
        name: of the operation.
    """
    attrs = {
        "num_true": num_true, "num_sampled": num_sampled, "unique": unique, "range_max": range_max,
        "vocab_file": vocab_file, "distortion": distortion, "num_reserved_ids": num_reserved_ids,
        "num_shards": num_shards, "shard": shard, "unigrams": list(unigrams),
    }  # fmt: skip
    return _build(fixed_unigram_candidate_sampler_op, true_classes, attrs, seed, name)  # type: ignore[no-any-return]


def all_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    seed: int | None = None,
    name: str | None = None,
) -> SampledCandidates:
    """Every class of [0, num_sampled): with it a sampled loss is the full one, for tests."""
    attrs = {"num_true": num_true, "num_sampled": num_sampled, "unique": unique}
    return _build(all_candidate_sampler_op, true_classes, attrs, seed, name)  # type: ignore[no-any-return]


def compute_accidental_hits(
    true_classes: Any, sampled_candidates: Any, num_true: int, seed: int | None = None, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Where sampled classes are true ones: row numbers, places in the sample, and weights of -FLT_MAX."""
    return compute_accidental_hits_op(
        true_classes, sampled_candidates, num_true=num_true, name=name, **seed_attributes(seed)
    )

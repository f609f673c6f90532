"""Crosses of sparse features, hashed as TensorFlow hashes them, and the edit distance of sparse sequences."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..dtypes import DType, int64, string
from ..errors import InvalidArgumentError
from ..graph import Sizes, Tensor
from ..inference import InferenceContext
from ..kernels.fingerprint import fingerprint64, fingerprint_cat64
from ..registry import op
from ..samples import Failure, Sample
from .sparse import check_parts
from .strings import words

DEFAULT_HASH_KEY = 0xDECAFCAFFE


@op(
    "SparseCross",
    "indices: N * int64, values: sparse_types, shapes: N * int64, dense_inputs: dense_types",
    "output_indices: int64, output_values: out_type, output_shape: int64", lists=("sparse_types", "dense_types"),
    sparse_types=(int64, string), dense_types=(int64, string),
)  # fmt: skip
def sparse_cross_op(
    indices: Any, values: Any, shapes: Any, dense_inputs: Any, *, hashed_output: bool, num_buckets: int, hash_key: int,
    out_type: DType, internal_type: DType, name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """For each row all combinations of one value a column, joined by "_X_" or hashed into buckets."""


@sparse_cross_op.shape
def sparse_cross_shape(context: InferenceContext) -> list[Sizes]:
    return [(None, 2), (None,), (2,)]


class _Column(NamedTuple):
    """The values of a column row by row, and how many each row has."""

    values: Any
    counts: Any


def _columns(indices: Any, values: Any, shapes: Any, dense_inputs: Any) -> list[_Column]:
    for parts in zip(indices, values, shapes, strict=True):
        check_parts(*parts)
    batches = {int(s[0]) for s in shapes} | {len(d) for d in dense_inputs}
    if len(batches) != 1 or any(i.shape[1] != 2 for i in indices) or any(d.ndim != 2 for d in dense_inputs):
        raise InvalidArgumentError(None, None, f"Crossed inputs must be matrices with equally many rows, got {batches}")
    rows = batches.pop()
    found = []
    for i, v in zip(indices, values, strict=True):
        order = np.argsort(i[:, 0], kind="stable")
        found.append(_Column(v[order], np.bincount(i[:, 0], minlength=rows)))
    return [*found, *(_Column(d.reshape(-1), np.full(len(d), d.shape[1])) for d in dense_inputs)]


def _combinations(columns: list[_Column]) -> tuple[Any, list[Any]]:
    """Row and number in the row of each combination, and for each column where its value is; the last runs fastest."""
    counts = np.stack([c.counts for c in columns])
    sizes = counts.prod(axis=0)
    rows = np.repeat(np.arange(len(sizes)), sizes)
    numbers = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    positions = []
    for k, count in enumerate(counts):
        stride = counts[k + 1 :].prod(axis=0)
        starts = np.cumsum(count) - count
        positions.append(starts[rows] + numbers // stride[rows] % count[rows])
    return np.stack([rows, numbers], axis=1), positions


def _hashed(columns: list[_Column], positions: list[Any], key: int, buckets: int) -> Any:
    result = np.full(len(positions[0]), key & (2**64 - 1), np.uint64)
    for (values, _), position in zip(columns, positions, strict=True):
        ids = fingerprint64(values) if values.dtype == object else values.astype(np.int64).view(np.uint64)
        result = fingerprint_cat64(result, ids[position])
    return (result % np.uint64(buckets if buckets > 0 else np.iinfo(np.int64).max)).astype(np.int64)


def _joined(columns: list[_Column], positions: list[Any]) -> Any:
    texts = [[v if isinstance(v, bytes) else str(int(v)).encode() for v in column.values] for column in columns]
    parts = [[text[i] for i in position] for text, position in zip(texts, positions, strict=True)]
    return words(*map(b"_X_".join, zip(*parts, strict=True)))


@sparse_cross_op.kernel
def sparse_cross_kernel(
    xp: Any, indices: Any, values: Any, shapes: Any, dense_inputs: Any, *, hashed_output: bool, num_buckets: int,
    hash_key: int, **_: Any,
) -> Any:  # fmt: skip
    columns = _columns(indices, values, shapes, dense_inputs)
    places, positions = _combinations(columns)
    crossed = _hashed(columns, positions, hash_key, num_buckets) if hashed_output else _joined(columns, positions)
    most = int(places[:, 1].max()) + 1 if len(places) else 0
    return places.astype(np.int64), crossed, np.array([len(columns[0].counts), most], np.int64)


@sparse_cross_op.samples
def sparse_cross_samples(rng: np.random.Generator) -> list[Sample]:
    i, shape = np.array([[0, 0], [1, 0], [1, 1]]), np.array([2, 2])
    texts, numbers = words("a", "b", "c"), np.array([[3], [4]])
    attrs = {"num_buckets": 0, "hash_key": DEFAULT_HASH_KEY}
    return [
        Sample(([i, i], [texts, texts], [shape, shape], [numbers]),
               {"hashed_output": False, "out_type": string, "internal_type": string, **attrs}),
        Sample(([i], [texts], [shape], [numbers]),
               {"hashed_output": True, "out_type": int64, "internal_type": int64, **attrs, "num_buckets": 100}),
    ]  # fmt: skip


@sparse_cross_op.failing
def sparse_cross_failing(rng: np.random.Generator) -> list[Failure]:
    i, attrs = np.array([[0, 0]]), {"hashed_output": False, "out_type": string, "internal_type": string}
    inputs = ([i], [words("a")], [np.array([1, 1])], [np.array([[3], [4]])])
    attrs |= {"num_buckets": 0, "hash_key": 1}
    return [Failure(inputs, InvalidArgumentError, "equally many rows", attrs, at_run=True)]


sparse_cross_op.not_differentiable = True


@op(
    "EditDistance",
    "hypothesis_indices: int64, hypothesis_values: T, hypothesis_shape: int64, truth_indices: int64, truth_values: T,"
    "truth_shape: int64",
    "output: float32",
)
def edit_distance_op(
    hypothesis_indices: Any, hypothesis_values: Any, hypothesis_shape: Any, truth_indices: Any, truth_values: Any,
    truth_shape: Any, *, normalize: bool = True, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The Levenshtein distance between sequences along the last dimension of two sparse tensors."""


@edit_distance_op.shape
def edit_distance_shape(context: InferenceContext) -> list[Sizes]:
    shapes = context.shape_value(2), context.shape_value(5)
    if shapes[0] is None or shapes[1] is None:
        return [None]
    if len(shapes[0]) != len(shapes[1]):
        raise ValueError(f"hypothesis and truth must have one rank, got {len(shapes[0])} and {len(shapes[1])}")
    pairs = zip(shapes[0][:-1], shapes[1][:-1], strict=True)
    return [tuple(None if a is None or b is None else max(a, b) for a, b in pairs)]


def _sequences(indices: Any, values: Any) -> dict[tuple[int, ...], list[Any]]:
    found: dict[tuple[int, ...], list[Any]] = {}
    for row, value in zip(indices.tolist(), values.tolist(), strict=True):
        found.setdefault(tuple(row[:-1]), []).append(value)
    return found


def levenshtein(a: list[Any], b: list[Any]) -> int:
    """How many insertions, deletions and substitutions turn one sequence into another."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (x != y))
    return row[-1]


@edit_distance_op.kernel
def edit_distance_kernel(
    xp: Any, hi: Any, hv: Any, h_shape: Any, ti: Any, tv: Any, t_shape: Any, *, normalize: bool
) -> Any:
    check_parts(hi, hv, h_shape)
    check_parts(ti, tv, t_shape)
    if len(h_shape) != len(t_shape) or not len(h_shape):
        text = f"hypothesis and truth must have one rank >= 1: {h_shape.tolist()} and {t_shape.tolist()}"
        raise InvalidArgumentError(None, None, text)
    hypotheses, truths = _sequences(hi, hv), _sequences(ti, tv)
    out = np.zeros(np.maximum(h_shape[:-1], t_shape[:-1]), np.float32)
    for place in {**hypotheses, **truths}:
        guess, truth = hypotheses.get(place, []), truths.get(place, [])
        distance = float(levenshtein(guess, truth))
        if normalize:
            distance = distance / len(truth) if truth else (float("inf") if distance else 0.0)
        out[place] = distance
    return out


@edit_distance_op.samples
def edit_distance_samples(rng: np.random.Generator) -> list[Sample]:
    h = (np.array([[0, 0], [1, 0], [1, 1]]), words("a", "b", "c"), np.array([2, 2]))
    t = (np.array([[0, 0], [0, 1], [2, 0]]), words("a", "x", "y"), np.array([3, 2]))
    return [Sample((*h, *t), {"normalize": n}) for n in (True, False)]


@edit_distance_op.failing
def edit_distance_failing(rng: np.random.Generator) -> list[Failure]:
    h = (np.array([[0, 0]]), words("a"), np.array([2, 2]))
    t = (np.array([[0]]), words("a"), np.array([3]))
    return [Failure((*h, *t), ValueError, "one rank, got 2 and 1")]


edit_distance_op.not_differentiable = True

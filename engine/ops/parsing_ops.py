"""The ops that parse Example and SequenceExample messages. The functions over them are in parsing.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import DType, int64, of_array
from ..errors import InvalidArgumentError
from ..graph import Sizes
from ..inference import InferenceContext
from ..kernels import examples
from ..kernels.examples import Dense
from ..registry import op
from ..samples import Failure, Sample
from ..shapes import TensorShape


def _example() -> type[Any]:
    from ..protos import Example

    return Example


@op(
    "ParseExample",
    "serialized: string, names: string, sparse_keys: Nsparse * string, dense_keys: Ndense * string, "
    "dense_defaults: Tdense",
    "sparse_indices: Nsparse * int64, sparse_values: sparse_types, sparse_shapes: Nsparse * int64, "
    "dense_values: Tdense",
    lists=("Tdense",),
    foldable=False,
)
def parse_example_op(
    serialized: Any,
    names: Any,
    sparse_keys: Any,
    dense_keys: Any,
    dense_defaults: Any,
    *,
    sparse_types: list[DType],
    dense_shapes: list[TensorShape],
    name: str | None = None,
) -> Any:
    """Parses a vector of Example messages; an empty default makes a dense feature required."""


@parse_example_op.shape
def parse_example_shape(context: InferenceContext) -> list[Sizes]:
    batch = context.with_rank(0, 1)[0]
    number = len(context["sparse_types"])
    dense: list[Sizes] = [_batched(batch, s.sizes) for s in context["dense_shapes"]]
    return [(None, 2)] * number + [(None,)] * number + [(2,)] * number + dense


def _batched(batch: int | None, sizes: Sizes) -> Sizes:
    return None if sizes is None else (batch, *sizes)


@parse_example_op.kernel
def parse_example_kernel(
    xp: Any,
    serialized: Any,
    names: Any,
    sparse_keys: Any,
    dense_keys: Any,
    dense_defaults: Any,
    *,
    sparse_types: list[DType],
    dense_shapes: list[TensorShape],
) -> Any:
    wheres = [_where(names, i) for i in range(len(serialized))]
    parsed = [
        examples.parse(s, _example(), w).features.feature for s, w in zip(serialized.tolist(), wheres, strict=True)
    ]
    sparse = [
        examples.sparse_batch(parsed, _text(k), d, wheres) for k, d in zip(sparse_keys, sparse_types, strict=True)
    ]
    specs = _dense_specs([_text(k) for k in dense_keys], dense_defaults, dense_shapes)
    dense = [examples.dense_batch(parsed, spec, wheres) for spec in specs]
    return [s[0] for s in sparse], [s[1] for s in sparse], [s[2] for s in sparse], dense


def _where(names: Any, index: int) -> str:
    name = _text(names[index]) if np.size(names) else "<unknown>"
    return f"Name: {name}, Example index: {index}"


def _text(value: Any) -> str:
    item = value.item() if hasattr(value, "item") else value
    return item.decode() if isinstance(item, bytes) else str(item)


def _dense_specs(keys: list[str], defaults: Any, shapes: list[TensorShape]) -> list[Dense]:
    specs = []
    for key, default, shape in zip(keys, defaults, shapes, strict=True):
        given = np.asarray(default)
        varies = shape.rank is not None and not shape.is_fully_defined()
        # As in TensorFlow an empty default means that there is none.
        value = given if given.size or varies or 0 in shape.as_list() else None
        specs.append(Dense(key, of_array(given), shape.sizes, value))
    return specs


_EMPTY = np.empty(0, object)


@parse_example_op.samples
def parse_example_samples(rng: np.random.Generator) -> list[Sample]:
    keys = [np.array(b"a", object)]
    serialized = np.array([_serialized([1, 2]), _serialized([3])], object)
    attrs = {"sparse_types": [int64], "dense_shapes": []}
    dense = {"sparse_types": [], "dense_shapes": [TensorShape([None])]}
    return [
        Sample((serialized, _EMPTY, keys, [], []), attrs, differentiable=False),
        Sample((serialized, _EMPTY, [], keys, [np.zeros(0, np.int64)]), dense, differentiable=False),
    ]


@parse_example_op.failing
def parse_example_failing(rng: np.random.Generator) -> list[Failure]:
    keys = [np.array(b"a", object)]
    serialized = np.array([_serialized([1, 2])], object)
    attrs = {"sparse_types": [], "dense_shapes": [TensorShape([3])]}
    inputs: tuple[Any, ...] = (serialized, _EMPTY, [], keys, [np.zeros(0, np.int64)])
    return [Failure(inputs, InvalidArgumentError, "Key: a.  Number of int64 values", attrs, at_run=True)]


def _serialized(values: list[int]) -> bytes:
    from ..protos import Example, Feature, Features, Int64List

    feature = Feature(int64_list=Int64List(value=values))
    return Example(features=Features(feature={"a": feature})).SerializeToString()


@op(
    "ParseSingleExample",
    "serialized: string, dense_defaults: Tdense",
    "sparse_indices: num_sparse * int64, sparse_values: sparse_types, sparse_shapes: num_sparse * int64, "
    "dense_values: Tdense",
    lists=("Tdense",),
    foldable=False,
)
def parse_single_example_op(
    serialized: Any,
    dense_defaults: Any,
    *,
    num_sparse: int,
    sparse_keys: list[str],
    dense_keys: list[str],
    sparse_types: list[DType],
    dense_shapes: list[TensorShape],
    name: str | None = None,
) -> Any:
    """Parses one Example message."""


@parse_single_example_op.shape
def parse_single_example_shape(context: InferenceContext) -> list[Sizes]:
    context.with_rank(0, 0)
    number = len(context["sparse_types"])
    dense: list[Sizes] = [s.sizes for s in context["dense_shapes"]]
    return [(None, 1)] * number + [(None,)] * number + [(1,)] * number + dense


@parse_single_example_op.kernel
def parse_single_example_kernel(
    xp: Any,
    serialized: Any,
    dense_defaults: Any,
    *,
    num_sparse: int,
    sparse_keys: list[str],
    dense_keys: list[str],
    sparse_types: list[DType],
    dense_shapes: list[TensorShape],
) -> Any:
    where = "Name: <unknown>"
    features = examples.parse(np.asarray(serialized).item(), _example(), where).features.feature
    sparse = [examples.sparse_one(features, _text(k), d, where) for k, d in zip(sparse_keys, sparse_types, strict=True)]
    specs = _dense_specs([_text(k) for k in dense_keys], dense_defaults, dense_shapes)
    dense = [examples.dense_batch([features], spec, [where])[0] for spec in specs]
    return [s[0] for s in sparse], [s[1] for s in sparse], [s[2] for s in sparse], dense


@parse_single_example_op.samples
def parse_single_example_samples(rng: np.random.Generator) -> list[Sample]:
    serialized = np.array(_serialized([1, 2]), object)
    attrs = {
        "num_sparse": 1,
        "sparse_keys": ["a"],
        "dense_keys": ["a"],
        "sparse_types": [int64],
        "dense_shapes": [TensorShape([2])],
    }
    return [Sample((serialized, [np.zeros(0, np.int64)]), attrs, differentiable=False)]


@op(
    "ParseSingleSequenceExample",
    "serialized: string, feature_list_dense_missing_assumed_empty: string, "
    "context_sparse_keys: Ncontext_sparse * string, context_dense_keys: Ncontext_dense * string, "
    "feature_list_sparse_keys: Nfeature_list_sparse * string, feature_list_dense_keys: Nfeature_list_dense * string, "
    "context_dense_defaults: Tcontext_dense, debug_name: string",
    "context_sparse_indices: Ncontext_sparse * int64, context_sparse_values: context_sparse_types, "
    "context_sparse_shapes: Ncontext_sparse * int64, context_dense_values: Tcontext_dense, "
    "feature_list_sparse_indices: Nfeature_list_sparse * int64, "
    "feature_list_sparse_values: feature_list_sparse_types, "
    "feature_list_sparse_shapes: Nfeature_list_sparse * int64, feature_list_dense_values: feature_list_dense_types",
    lists=("Tcontext_dense",),
    foldable=False,
)
def parse_single_sequence_example_op(
    serialized: Any,
    feature_list_dense_missing_assumed_empty: Any,
    context_sparse_keys: Any,
    context_dense_keys: Any,
    feature_list_sparse_keys: Any,
    feature_list_dense_keys: Any,
    context_dense_defaults: Any,
    debug_name: Any,
    *,
    context_sparse_types: list[DType],
    feature_list_dense_types: list[DType],
    context_dense_shapes: list[TensorShape],
    feature_list_sparse_types: list[DType],
    feature_list_dense_shapes: list[TensorShape],
    name: str | None = None,
) -> Any:
    """Parses one SequenceExample message: features of the whole, and features of each step."""


@parse_single_sequence_example_op.shape
def parse_single_sequence_example_shape(context: InferenceContext) -> list[Sizes]:
    whole, steps = len(context["context_sparse_types"]), len(context["feature_list_sparse_types"])
    sizes: list[Sizes] = [(None, 1)] * whole + [(None,)] * whole + [(1,)] * whole
    sizes += [s.sizes for s in context["context_dense_shapes"]]
    sizes += [(None, 2)] * steps + [(None,)] * steps + [(2,)] * steps
    return sizes + [_batched(None, s.sizes) for s in context["feature_list_dense_shapes"]]


@parse_single_sequence_example_op.kernel
def parse_single_sequence_example_kernel(
    xp: Any,
    serialized: Any,
    assumed_empty: Any,
    context_sparse_keys: Any,
    context_dense_keys: Any,
    sparse_keys: Any,
    dense_keys: Any,
    defaults: Any,
    debug_name: Any,
    *,
    context_sparse_types: list[DType],
    feature_list_dense_types: list[DType],
    context_dense_shapes: list[TensorShape],
    feature_list_sparse_types: list[DType],
    feature_list_dense_shapes: list[TensorShape],
) -> Any:
    from ..protos import SequenceExample

    where = f"Name: {_text(np.asarray(debug_name)) or '<unknown>'}"
    message = examples.parse(np.asarray(serialized).item(), SequenceExample, where)
    whole, lists = message.context.feature, message.feature_lists.feature_list
    one = [
        examples.sparse_one(whole, _text(k), d, where)
        for k, d in zip(context_sparse_keys, context_sparse_types, strict=True)
    ]
    specs = _dense_specs([_text(k) for k in context_dense_keys], defaults, context_dense_shapes)
    dense = [examples.dense_batch([whole], spec, [where])[0] for spec in specs]
    many = [
        examples.sparse_rows(examples.sequence_rows(lists, _text(k), d, where, None), d)
        for k, d in zip(sparse_keys, feature_list_sparse_types, strict=True)
    ]
    may_miss = {_text(k) for k in np.ravel(assumed_empty)}
    steps = [
        _dense_steps(lists, Dense(_text(k), d, s.sizes, None), where, may_miss)
        for k, d, s in zip(dense_keys, feature_list_dense_types, feature_list_dense_shapes, strict=True)
    ]
    return (*_columns(one), dense, *_columns(many), steps)


def _columns(parts: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    return [p[0] for p in parts], [p[1] for p in parts], [p[2] for p in parts]


def _dense_steps(lists: Any, spec: Dense, where: str, may_miss: set[str]) -> Any:
    if spec.key not in lists and spec.key not in may_miss:
        raise InvalidArgumentError(
            None,
            None,
            f"{where}, Feature list '{spec.key}' is required but could not be found.  Did you mean to include it in "
            "feature_list_dense_missing_assumed_empty or feature_list_dense_defaults?",
        )
    rows = examples.sequence_rows(
        lists, spec.key, spec.dtype, where, lambda values: examples.shaped(values, spec, where)
    )
    sizes = tuple(s or 0 for s in spec.shape or ())
    return np.stack(rows) if rows else np.empty((0, *sizes), spec.dtype.numpy)


@parse_single_sequence_example_op.samples
def parse_single_sequence_example_samples(rng: np.random.Generator) -> list[Sample]:
    key, empty = [np.array(b"a", object)], np.array(b"", object)
    attrs: dict[str, Any] = {
        "context_sparse_types": [int64],
        "feature_list_dense_types": [],
        "context_dense_shapes": [],
        "feature_list_sparse_types": [int64],
        "feature_list_dense_shapes": [],
    }
    return [Sample((empty, _EMPTY, key, [], key, [], [], empty), attrs, differentiable=False)]


for _definition in (parse_example_op, parse_single_example_op, parse_single_sequence_example_op):
    _definition.not_differentiable = True

"""Ops that write, read and merge checkpoints: what tf.train.Saver puts into a graph."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..checkpoint.reader import CheckpointReader
from ..checkpoint.writer import Part, merge_checkpoints, write_checkpoint
from ..dtypes import DType
from ..errors import FailedPreconditionError, InvalidArgumentError, file_error
from ..graph import Operation, Tensor
from ..inference import InferenceContext, no_outputs, scalar_shape, show as shown
from ..registry import op
from ..samples import Sample
from ..shapes import Sizes, are_compatible
from .files import one_text

# The attribute in which RestoreV2 keeps the shapes that its reader expects; TensorFlow ignores it.
EXPECTED_SHAPES = "_expected_shapes"

_IO: dict[str, Any] = {"stateful": True, "touches_files": True}
SliceSpec = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


@op(
    "SaveV2",
    "prefix: string, tensor_names: string, shape_and_slices: string, tensors: dtypes",
    shape=no_outputs,
    lists=("dtypes",),
    **_IO,
)
def save_op(
    prefix: Any, tensor_names: Any, shape_and_slices: Any, tensors: Any, *, name: str | None = None
) -> Operation:
    """Writes tensors, or slices of them, as a checkpoint of one shard."""


@save_op.state
def save_state(context: Any, prefix: Any, names: Any, specs: Any, tensors: Any) -> None:
    path = one_text(prefix, "prefix")
    keys, slices = _texts(names), _texts(specs)
    if not len(keys) == len(slices) == len(tensors):
        raise InvalidArgumentError(
            None, None, f"Got {len(keys)} tensor names, {len(slices)} slices but {len(tensors)} tensors"
        )
    types = context.attrs["dtypes"]
    later = getattr(_deferred, "actions", None)
    # What is written later must not see what steps assign until then.
    values = tensors if later is None else [np.array(tensor) for tensor in tensors]
    parts = [_part(k, s, t, d) for k, s, t, d in zip(keys, slices, values, types, strict=True)]
    random = context.resources.random_state()
    _now_or_later(lambda: _writing(path, lambda: write_checkpoint(path, [parts], random)))


_deferred = threading.local()


@contextmanager
def deferred_saves() -> Iterator[list[Callable[[], None]]]:
    """Saves that this thread runs in the block copy their tensors only; what is to be done then is in the list."""
    _deferred.actions = []
    try:
        yield _deferred.actions
    finally:
        _deferred.actions = None


def _now_or_later(action: Callable[[], None]) -> None:
    later = getattr(_deferred, "actions", None)
    if later is None:
        action()
    else:
        later.append(action)


def _part(name: str, spec: str, value: Any, dtype: DType) -> Part:
    if not spec:
        return Part(name, value, dtype)
    full, offset, shape = parse_slice_spec(spec)
    if np.shape(value) != shape:
        raise InvalidArgumentError(
            None, None, f"The slice {spec!r} of {name} has shape {shape}, but the tensor has {np.shape(value)}"
        )
    return Part(name, value, dtype, full, offset)


def _writing(path: str, write: Any) -> None:
    if not Path(path).parent.is_dir():
        raise FailedPreconditionError(None, None, f"{path}: the folder {Path(path).parent} does not exist")
    try:
        write()
    except OSError as error:
        raise file_error(path, error) from error


@op("RestoreV2", "prefix: string, tensor_names: string, shape_and_slices: string", "tensors: dtypes", **_IO)
def restore_op(
    prefix: Any, tensor_names: Any, shape_and_slices: Any, *, dtypes: list[DType], name: str | None = None
) -> list[Tensor]:
    """Reads tensors, or slices of them, from a checkpoint.

    Raises (when run):
        NotFoundError: a name is not in the checkpoint.
        InvalidArgumentError: a tensor has another dtype or shape there.
        DataLossError: the checkpoint is damaged.
    """


@restore_op.shape
def restore_shape(context: InferenceContext) -> list[Sizes]:
    return _expected(context.attrs, len(context["dtypes"]))


def _expected(attrs: dict[str, Any], count: int) -> list[Sizes]:
    shapes = attrs.get(EXPECTED_SHAPES)
    return [None] * count if shapes is None or len(shapes) != count else [s.sizes for s in shapes]


@restore_op.state
def restore_state(context: Any, prefix: Any, names: Any, specs: Any, *, dtypes: list[DType]) -> Any:
    keys, slices = _texts(names), _texts(specs)
    expected = _expected(context.attrs, len(dtypes))
    with CheckpointReader(one_text(prefix, "prefix")) as reader:
        return [
            _restored(reader, key, spec, dtype, sizes)
            for key, spec, dtype, sizes in zip(keys, slices, dtypes, expected, strict=True)
        ]


def _restored(reader: CheckpointReader, name: str, spec: str, dtype: DType, sizes: Sizes) -> Any:
    entry = reader.entry(name)
    if entry.dtype != dtype:
        raise InvalidArgumentError(
            None,
            None,
            f"tensor_name = {name}; expected dtype {dtype.name} does not equal original dtype {entry.dtype.name}",
        )
    full, offset, shape = parse_slice_spec(spec) if spec else (entry.shape, (0,) * len(entry.shape), entry.shape)
    if full != entry.shape or not are_compatible(shape, sizes):
        wanted = shown(full if full != entry.shape else sizes)
        raise InvalidArgumentError(
            None,
            None,
            f"The shape of {name} does not fit: {wanted} in the graph, {shown(entry.shape)} in the checkpoint "
            f"{reader.prefix} (Assign requires shapes of both tensors to match)",
        )
    return reader.get_slice(name, offset, shape)


def parse_slice_spec(spec: str) -> SliceSpec:
    """`10 4 0,5:-` as the whole's shape, the slice's offset and its shape; `-` is all of a dimension."""
    try:
        *sizes, cuts = spec.split(" ")
        full = tuple(int(s) for s in sizes)
        pairs = [
            (0, n) if c == "-" else tuple(map(int, c.split(","))) for c, n in zip(cuts.split(":"), full, strict=True)
        ]
        return full, tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)
    except (ValueError, IndexError):
        raise InvalidArgumentError(
            None, None, f"{spec!r} is no shape and slice: expected sizes and 'start,size:start,size'"
        ) from None


@op("MergeV2Checkpoints", "checkpoint_prefixes: string, destination_prefix: string", shape=no_outputs, **_IO)
def merge_checkpoints_op(
    checkpoint_prefixes: Any, destination_prefix: Any, *, delete_old_dirs: bool = True, name: str | None = None
) -> Operation:
    """Makes one checkpoint of several, whose shards are renamed."""


@merge_checkpoints_op.state
def merge_checkpoints_state(context: Any, prefixes: Any, destination: Any, *, delete_old_dirs: bool) -> None:
    path = one_text(destination, "destination_prefix")
    parts = _texts(prefixes)
    random = context.resources.random_state()
    _now_or_later(lambda: _writing(path, lambda: merge_checkpoints(parts, path, delete_old_dirs, random)))


@op("ShardedFilename", "basename: string, shard: int32, num_shards: int32", "filename: string", shape=scalar_shape)
def sharded_filename_op(basename: Any, shard: Any, num_shards: Any, *, name: str | None = None) -> Tensor:
    """`basename-00001-of-00003`."""


@sharded_filename_op.kernel
def sharded_filename_kernel(xp: Any, basename: Any, shard: Any, num_shards: Any) -> Any:
    base = np.asarray(basename, object).item()
    return base + f"-{int(shard):05d}-of-{int(num_shards):05d}".encode()


@sharded_filename_op.samples
def sharded_filename_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((np.array(b"model", object), np.int32(1), np.int32(3)), differentiable=False)]


def _texts(values: Any) -> list[str]:
    return [v.decode() if isinstance(v, bytes) else str(v) for v in np.ravel(values)]


def slice_specs(specs: Sequence[str]) -> np.ndarray[Any, Any]:
    """Names or specs as a vector of strings."""
    result = np.empty(len(specs), object)
    result[:] = [s.encode() for s in specs]
    return result

"""Input pipelines of queues: producers and batching, as TensorFlow 1.15's tf.train.*_input_producer and *batch*."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..conversion import convert_to_tensor
from ..data_flow import FIFOQueue, PaddingFIFOQueue, QueueBase, RandomShuffleQueue
from ..dtypes import bool as bool_, float32, int32, int64, string
from ..graph import Tensor, get_default_graph
from ..ops import summaries
from ..ops.array import identity, reshape, shape
from ..ops.array_shape import expand_dims, size
from ..ops.binary import maximum
from ..ops.casting import cast
from ..ops.choice import where
from ..ops.comparison import greater
from ..ops.constant import constant
from ..ops.files import matching_files
from ..ops.indexing import gather
from ..ops.random import random_shuffle
from ..ops.ranges import range as range_tensor
from ..ops.serialized import deserialize_many_sparse, serialize_many_sparse, serialize_sparse
from ..registry import definition_of
from ..scopes import GraphKeys, name_scope
from ..shapes import TensorShape
from ..tensor_types import SparseTensor
from ..variables import Variable
from .queue_runner import QueueRunner, add_queue_runner


def match_filenames_once(pattern: Any, name: str | None = None) -> Variable:
    """A local variable with the names of the files that match a pattern, found when it is initialized."""
    with name_scope(name, "matching_filenames", [pattern]) as scope:
        return Variable(
            matching_files(pattern),
            trainable=False,
            collections=[GraphKeys.LOCAL_VARIABLES],
            validate_shape=False,
            name=scope,
        )


def limit_epochs(tensor: Any, num_epochs: int | None = None, name: str | None = None) -> Tensor:
    """`tensor`, which can be read `num_epochs` times and then raises OutOfRangeError.

    The count is a local variable, `epochs`: run `local_variables_initializer()` before.
    """
    if num_epochs is None:
        return convert_to_tensor(tensor)
    if num_epochs <= 0:
        raise ValueError(f"num_epochs must be > 0 not {num_epochs}.")
    with name_scope(name, "limit_epochs", [tensor]) as scope:
        epochs = Variable(constant(0, int64), name="epochs", trainable=False, collections=[GraphKeys.LOCAL_VARIABLES])
        with get_default_graph().control_dependencies([epochs.count_up_to(num_epochs)]):
            return identity(tensor, name=scope)


# Producers


def input_producer(
    input_tensor: Any,
    element_shape: Any = None,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    summary_name: str | None = None,
    name: str | None = None,
    cancel_op: Any = None,
) -> QueueBase:
    """A queue of the rows of `input_tensor`, over and over, with a QueueRunner that fills it.

    Args:
        input_tensor: at least one dimension.
        element_shape: of a row, where it is not known.
        num_epochs: how often; endlessly if None. Then OutOfRangeError ends the input.
        shuffle: give the rows of each epoch in random order.
        seed: of the order.
        capacity: of the queue.
        shared_name: of the queue.
        summary_name: of a summary of how full the queue is; none if None.
        name: of the queue.
        cancel_op: of the QueueRunner.
    """
    with name_scope(name, "input_producer", [input_tensor]):
        tensor = convert_to_tensor(input_tensor, name="input_tensor")
        row_shape = tensor.shape[1:].merge_with(element_shape)
        if not row_shape.is_fully_defined():
            raise ValueError(
                "Either `input_tensor` must have a fully defined shape or `element_shape` must be specified"
            )
        if shuffle:
            tensor = random_shuffle(tensor, seed=seed)
        tensor = limit_epochs(tensor, num_epochs)
        queue = FIFOQueue(
            capacity, [tensor.dtype.base_dtype], [row_shape], shared_name=shared_name, name=name or "fifo_queue"
        )
        add_queue_runner(QueueRunner(queue, [queue.enqueue_many([tensor])], cancel_op=cancel_op))
        if summary_name is not None:
            summaries.scalar(summary_name, cast(queue.size(), float32) * (1.0 / capacity))
        return queue


def string_input_producer(
    string_tensor: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
    cancel_op: Any = None,
) -> QueueBase:
    """A queue of strings, such as file names, over and over.

    Raises:
        ValueError: an empty list. A tensor without elements raises InvalidArgumentError when run.
    """
    empty = "string_input_producer requires a non-null input tensor"
    if not isinstance(string_tensor, Tensor | Variable) and not len(string_tensor):
        raise ValueError(empty)
    with name_scope(name, "input_producer", [string_tensor]) as scope:
        tensor = convert_to_tensor(string_tensor, dtype=string)
        check = definition_of("Assert")(greater(size(tensor), 0), [empty])
        with get_default_graph().control_dependencies([check]):
            tensor = identity(tensor)
        return input_producer(
            tensor,
            [],
            num_epochs,
            shuffle,
            seed,
            capacity,
            shared_name,
            f"fraction_of_{capacity}_full",
            scope,
            cancel_op,
        )


def range_input_producer(
    limit: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
) -> QueueBase:
    """A queue of the int32 numbers from 0 to `limit` - 1, over and over."""
    with name_scope(name, "input_producer", [limit]) as scope:
        numbers = range_tensor(limit)
        full = f"fraction_of_{capacity}_full"
        return input_producer(numbers, [], num_epochs, shuffle, seed, capacity, shared_name, full, scope)


def slice_input_producer(
    tensor_list: Sequence[Any],
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
) -> list[Tensor]:
    """One row of each tensor in the list, the same one, over and over."""
    with name_scope(name, "input_producer", list(tensor_list)):
        tensors = [convert_to_tensor(t) for t in tensor_list]
        if not tensors:
            raise ValueError("Expected at least one tensor in slice_input_producer().")
        queue = range_input_producer(shape(tensors[0])[0], num_epochs, shuffle, seed, capacity, shared_name)
        index = queue.dequeue()
        return [gather(t, index) for t in tensors]


# Batches


def batch(
    tensors: Any,
    batch_size: Any,
    num_threads: int = 1,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Batches of the tensors, which a queue with its runner collects from step to step, as TF 1.15's tf.train.batch.

    Args:
        tensors: a tensor, list or dictionary of them: one element, or many where `enqueue_many`. SparseTensors
            become one SparseTensor with the batch as its first dimension.
        batch_size: elements a batch.
        num_threads: threads that fill the queue.
        capacity: of the queue.
        enqueue_many: the first dimension of the tensors counts elements.
        shapes: of an element's tensors; the inferred ones if None.
        dynamic_pad: pad with zeros to the largest in the batch, where sizes are not known.
        allow_smaller_final_batch: give what is left when the input ends.
        shared_name: of the queue.
        name: of the batch.

    Returns:
        Tensors in the structure of `tensors` with a first dimension of `batch_size`.

    Raises:
        ValueError: shapes that are not known.
        OutOfRangeError (when run): the input has ended.
    """
    return maybe_batch(
        tensors, True, batch_size, num_threads, capacity, enqueue_many, shapes, dynamic_pad,
        allow_smaller_final_batch, shared_name, name,
    )  # fmt: skip


def maybe_batch(
    tensors: Any,
    keep_input: Any,
    batch_size: Any,
    num_threads: int = 1,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """As `batch`, of those elements alone for which `keep_input` (bool scalar or vector) is true."""
    with name_scope(name, "batch", _flat(tensors)) as scope:
        parts = [_converted(_flat(tensors), enqueue_many)] * num_threads
        queue = _fifo(parts[:1], shapes, enqueue_many, dynamic_pad, capacity, shared_name)
        _fill(queue, parts, keep_input, enqueue_many)
        _summarize_fullness(queue, capacity)
        return _dequeued(queue, batch_size, allow_smaller_final_batch, scope, tensors, enqueue_many)


def batch_join(
    tensors_list: Sequence[Any],
    batch_size: Any,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """As `batch`, with one thread for each of several structures of tensors."""
    return maybe_batch_join(
        tensors_list, True, batch_size, capacity, enqueue_many, shapes, dynamic_pad, allow_smaller_final_batch,
        shared_name, name,
    )  # fmt: skip


def maybe_batch_join(
    tensors_list: Sequence[Any],
    keep_input: Any,
    batch_size: Any,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """As `batch_join`, of those elements alone for which `keep_input` is true."""
    with name_scope(name, "batch_join", _flat_list(tensors_list)) as scope:
        _check_alike(tensors_list)
        parts = [_converted(_flat(t), enqueue_many) for t in tensors_list]
        queue = _fifo(parts, shapes, enqueue_many, dynamic_pad, capacity, shared_name)
        _fill(queue, parts, keep_input, enqueue_many)
        _summarize_fullness(queue, capacity)
        return _dequeued(queue, batch_size, allow_smaller_final_batch, scope, tensors_list[0], enqueue_many)


def shuffle_batch(
    tensors: Any,
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    num_threads: int = 1,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """As `batch`, in random order: `min_after_dequeue` elements at least are mixed."""
    return maybe_shuffle_batch(
        tensors, batch_size, capacity, min_after_dequeue, True, num_threads, seed, enqueue_many, shapes,
        allow_smaller_final_batch, shared_name, name,
    )  # fmt: skip


def maybe_shuffle_batch(
    tensors: Any,
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    keep_input: Any,
    num_threads: int = 1,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """As `shuffle_batch`, of those elements alone for which `keep_input` is true."""
    with name_scope(name, "shuffle_batch", _flat(tensors)) as scope:
        parts = [_converted(_flat(tensors), enqueue_many)] * num_threads
        queue = _shuffling(parts[:1], shapes, enqueue_many, capacity, min_after_dequeue, seed, shared_name)
        _fill(queue, parts, keep_input, enqueue_many)
        _summarize_fullness(queue, capacity, min_after_dequeue)
        return _dequeued(queue, batch_size, allow_smaller_final_batch, scope, tensors, enqueue_many)


def shuffle_batch_join(
    tensors_list: Sequence[Any],
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """As `shuffle_batch`, with one thread for each of several structures of tensors."""
    return maybe_shuffle_batch_join(
        tensors_list, batch_size, capacity, min_after_dequeue, True, seed, enqueue_many, shapes,
        allow_smaller_final_batch, shared_name, name,
    )  # fmt: skip


def maybe_shuffle_batch_join(
    tensors_list: Sequence[Any],
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    keep_input: Any,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """As `shuffle_batch_join`, of those elements alone for which `keep_input` is true."""
    with name_scope(name, "shuffle_batch_join", _flat_list(tensors_list)) as scope:
        _check_alike(tensors_list)
        parts = [_converted(_flat(t), enqueue_many) for t in tensors_list]
        queue = _shuffling(parts, shapes, enqueue_many, capacity, min_after_dequeue, seed, shared_name)
        _fill(queue, parts, keep_input, enqueue_many)
        _summarize_fullness(queue, capacity, min_after_dequeue)
        return _dequeued(queue, batch_size, allow_smaller_final_batch, scope, tensors_list[0], enqueue_many)


# What they share


def _flat(tensors: Any) -> list[Any]:
    if isinstance(tensors, dict):
        return [tensors[key] for key in sorted(tensors)]
    return list(tensors) if isinstance(tensors, list | tuple) else [tensors]


def _flat_list(tensors_list: Sequence[Any]) -> list[Any]:
    if not tensors_list:
        raise ValueError("Expected at least one set of tensors in the list to join.")
    return [t for tensors in tensors_list for t in _flat(tensors)]


def _converted(parts: list[Any], many: bool) -> list[Tensor]:
    if not parts:
        raise ValueError("Expected at least one tensor in batch().")
    # Sparse tensors go through the queue as the strings of their serialized parts.
    stored = serialize_many_sparse if many else serialize_sparse
    tensors = [stored(p) if isinstance(p, SparseTensor) else convert_to_tensor(p) for p in parts]
    for part, tensor in zip(parts, tensors, strict=True):
        if isinstance(part, SparseTensor):
            tensor.set_shape([None, 3] if many else [3])
    return tensors


def _check_alike(structures: Sequence[Any]) -> None:
    kinds = [[(p.dtype if isinstance(p, SparseTensor) else None) for p in _flat(s)] for s in structures]
    if any(k != kinds[0] for k in kinds):
        raise TypeError(f"Expected sparse tensors of one dtype in the same places of all structures, got {kinds}")


def _restored(stored: Tensor, like: SparseTensor, many: bool) -> SparseTensor:
    rank = like.dense_shape.shape.num_elements()
    return deserialize_many_sparse(stored, like.dtype, rank - many if rank is not None else None)


def _dtypes(parts: list[list[Tensor]]) -> list[Any]:
    dtypes = [[t.dtype.base_dtype for t in tensors] for tensors in parts]
    if any(d != dtypes[0] for d in dtypes):
        raise TypeError(f"Expected types to be consistent: {dtypes}")
    return dtypes[0]


def _shapes(parts: list[list[Tensor]], shapes: Any, enqueue_many: bool) -> list[TensorShape]:
    if shapes is not None:
        given = [shapes] if len(parts[0]) == 1 and not isinstance(shapes, list | tuple) else list(shapes)
        nested = given if all(s is not None and not isinstance(s, int) for s in given) else [given]
        stored = [_is_stored(t) for t in parts[0]]
        return [TensorShape([3] if own else s) for own, s in zip(stored, nested, strict=True)]
    result = []
    for column in zip(*parts, strict=True):
        known = [t.shape[1:] if enqueue_many else t.shape for t in column]
        common = known[0]
        for other in known[1:]:
            common = common.most_specific_compatible_shape(other)
        result.append(common)
    return result


def _is_stored(tensor: Tensor) -> bool:
    return tensor.op.type in ("SerializeSparse", "SerializeManySparse")


def _fifo(
    parts: list[list[Tensor]],
    shapes: Any,
    enqueue_many: bool,
    pads: bool,
    capacity: int,
    shared_name: str | None,
) -> QueueBase:
    kind = PaddingFIFOQueue if pads else FIFOQueue
    return kind(capacity, _dtypes(parts), _shapes(parts, shapes, enqueue_many), shared_name=shared_name)


def _shuffling(
    parts: list[list[Tensor]],
    shapes: Any,
    enqueue_many: bool,
    capacity: int,
    min_after_dequeue: int,
    seed: int | None,
    shared_name: str | None,
) -> QueueBase:
    if capacity <= min_after_dequeue:
        raise ValueError(f"capacity {capacity} must be larger than min_after_dequeue {min_after_dequeue}.")
    known = _shapes(parts, shapes, enqueue_many)
    return RandomShuffleQueue(capacity, min_after_dequeue, _dtypes(parts), known, seed=seed, shared_name=shared_name)


def _fill(queue: QueueBase, parts: list[list[Tensor]], keep_input: Any, many: bool) -> None:
    """Adds a runner with one thread for each list of tensors; equal lists share an operation."""
    made: dict[tuple[Tensor, ...], Any] = {}
    ops = []
    for tensors in parts:
        key = tuple(tensors)
        if key not in made:
            made[key] = _enqueue(queue, tensors, keep_input, many)
        ops.append(made[key])
    add_queue_runner(QueueRunner(queue, ops))


def _enqueue(queue: QueueBase, tensors: list[Tensor], keep_input: Any, many: bool) -> Any:
    if keep_input is True:
        return queue.enqueue_many(tensors) if many else queue.enqueue(tensors)
    keep = convert_to_tensor(keep_input, bool_)
    if keep.shape.rank not in ((0, 1) if many else (0,)):
        raise ValueError(f"`keep_input` must be a bool scalar, or a vector with enqueue_many; got shape {keep.shape}")
    rows = tensors if many else [expand_dims(t, 0) for t in tensors]
    if keep.shape.rank == 0:
        number = reshape(shape(rows[0])[0], [1])
        keep = definition_of("Fill")(number, keep)
    kept = reshape(cast(where(keep), int32), [-1])
    chosen = [gather(t, kept) for t in rows]
    for old, new in zip(rows, chosen, strict=True):
        new.set_shape(TensorShape([None]).concatenate(old.shape[1:]))
    return queue.enqueue_many(chosen)


def _summarize_fullness(queue: QueueBase, capacity: int, minimum: int | None = None) -> None:
    if minimum is None:
        summaries.scalar(f"fraction_of_{capacity}_full", cast(queue.size(), float32) * (1.0 / capacity))
        return
    above = cast(maximum(0, queue.size() - minimum), float32) * (1.0 / (capacity - minimum))
    summaries.scalar(f"fraction_over_{minimum}_of_{capacity}_full", above)


def _dequeued(queue: QueueBase, batch_size: Any, allow_smaller: bool, scope: str, like: Any, many: bool) -> Any:
    take = queue.dequeue_up_to if allow_smaller else queue.dequeue_many
    found = take(batch_size, name=scope)
    flat = found if isinstance(found, list) else [found]
    pairs = zip(flat, _flat(like), strict=True)
    flat = [_restored(t, old, many) if isinstance(old, SparseTensor) else t for t, old in pairs]
    if isinstance(like, dict):
        return dict(zip(sorted(like), flat, strict=True))
    return flat if isinstance(like, list | tuple) else flat[0]

"""tf.data.experimental of TensorFlow 1.15: transformations for `Dataset.apply`, and a few datasets more."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import as_dtype, int64
from ..engine.errors import InvalidArgumentError, OpError
from ..engine.graph import Tensor
from ..engine.nest import flatten, map_structure, pack_sequence_as
from ..engine.ops.random import get_seed
from . import combining
from .cardinality import INFINITE, UNKNOWN
from .dataset import Dataset, argument
from .functions import Function
from .prefetching import AUTOTUNE as AUTOTUNE
from .running import Chance, Element, Elements, Generated, Numbered, Run
from .shuffling import Draws
from .sources import components_of
from .structure import DatasetSpec, TensorSpec

Transformation = Callable[[Dataset], Dataset]

INFINITE_CARDINALITY = INFINITE
UNKNOWN_CARDINALITY = UNKNOWN


def cardinality(dataset: Dataset) -> Tensor:
    """How many elements a dataset has, int64: INFINITE_CARDINALITY for no end, UNKNOWN_CARDINALITY where only they tell.

    Example:
        >>> import headrace as tf
        >>> count = tf.data.experimental.cardinality(tf.data.Dataset.range(10).batch(4))
        >>> tf.Session().run(count)
        3
    """
    return dataset.cardinality()


def Counter(start: Any = 0, step: Any = 1, dtype: Any = int64) -> Dataset:
    """The numbers from `start` on, `step` apart, for ever."""
    first, move = argument(start), argument(step)
    numpy = as_dtype(dtype).numpy

    def make(run: Run) -> Elements:
        a, b = run.integer(first), run.integer(move)
        stop = np.iinfo(np.int64).max if b > 0 else np.iinfo(np.int64).min
        return Numbered(builtins.range(a, int(stop), b), lambda n: np.array(n, numpy))

    made = Dataset(TensorSpec((), dtype), [t for t in (first, move) if isinstance(t, Tensor)], make)
    return made.counted(lambda run: INFINITE_CARDINALITY)


class RandomDataset(Dataset):
    """Random int64 numbers below 2**32 for ever; TensorFlow's for the same seed."""

    def __init__(self, seed: int | None = None) -> None:
        pair = get_seed(seed)
        key = Chance()

        def numbers(run: Run) -> Iterator[Element]:
            draws = Draws(run.log.next(key) if pair[0] is None or pair[1] is None else (pair[0], pair[1]))
            while True:
                yield [np.array(draws.next(), np.int64)]

        super().__init__(TensorSpec((), int64), (), lambda run: Generated(numbers(run)), [key])
        self.counted(lambda run: INFINITE_CARDINALITY)


def enumerate_dataset(start: Any = 0) -> Transformation:
    """Pairs of a number and the element; see Dataset.enumerate."""
    return lambda dataset: dataset.enumerate(start)


def shuffle_and_repeat(buffer_size: Any, count: Any = None, seed: int | None = None) -> Transformation:
    """Each repetition shuffled anew: `shuffle` and then `repeat`."""
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


def map_and_batch(
    map_func: Callable[..., Any],
    batch_size: Any,
    num_parallel_batches: int | None = None,
    drop_remainder: Any = False,
    num_parallel_calls: Any = None,
) -> Transformation:
    """`map` and then `batch`."""
    calls = num_parallel_calls if num_parallel_batches is None else AUTOTUNE
    return lambda dataset: dataset.map(map_func, calls).batch(batch_size, drop_remainder)


def parallel_interleave(
    map_func: Callable[..., Any],
    cycle_length: Any,
    block_length: Any = 1,
    sloppy: bool = False,
    buffer_output_elements: Any = None,
    prefetch_input_elements: Any = None,
) -> Transformation:
    """`interleave`; the order is the same in every run, with `sloppy` too."""
    return lambda dataset: dataset.interleave(map_func, cycle_length, block_length)


def batch_and_drop_remainder(batch_size: Any) -> Transformation:
    """Batches of `batch_size` elements exactly; what is left over is dropped."""
    return lambda dataset: dataset.batch(batch_size, True)


def unbatch() -> Transformation:
    """The rows of each element; see Dataset.unbatch."""
    return lambda dataset: dataset.unbatch()


def ignore_errors() -> Transformation:
    """The elements whose making does not fail."""
    return lambda dataset: dataset.ignoring((OpError, ValueError, TypeError, ArithmeticError, LookupError))


def prefetch_to_device(device: Any, buffer_size: Any = None) -> Transformation:
    """`prefetch`: steps find their inputs in the memory they need."""
    return lambda dataset: dataset.prefetch(AUTOTUNE if buffer_size is None else buffer_size)


def copy_to_device(target_device: Any, source_device: Any = "/cpu:0") -> Transformation:
    """The same elements: steps find their inputs in the memory they need."""
    return lambda dataset: dataset


def take_while(predicate: Callable[..., Any]) -> Transformation:
    """The elements before the first one for which `predicate` is false."""
    return lambda dataset: dataset.take_while(predicate)


def unique() -> Transformation:
    """The elements that did not come before: one component, a number or string scalar."""

    def apply(dataset: Dataset) -> Dataset:
        def elements(source: Elements) -> Iterator[Element]:
            seen = set()
            for element in source:
                if element[0].item() not in seen:
                    seen.add(element[0].item())
                    yield element

        return dataset.derived(dataset.element_spec, lambda s, run: Generated(elements(s)))

    return apply


def scan(initial_state: Any, scan_func: Callable[..., Any]) -> Transformation:
    """What `scan_func(state, element) -> (state, output)` gives, the state being handed on."""

    def apply(dataset: Dataset) -> Dataset:
        structure, components = components_of(initial_state)
        state = pack_sequence_as(structure, [c.spec for c in components])
        function, state = combining.stable_function(scan_func, state, dataset.element_spec, "scan", 2)

        def make(source: Elements, run: Run) -> Elements:
            call = function.bound(run, state, dataset.element_spec)
            return Generated(combining.scanned(source, [c.value(run) for c in components], call))

        used = [t for c in components for t in c.tensors]
        return dataset.derived(function.spec[1], make, [*function.captures, *used])

    return apply


def group_by_window(
    key_func: Callable[..., Any],
    reduce_func: Callable[..., Any],
    window_size: Any = None,
    window_size_func: Callable[..., Any] | None = None,
) -> Transformation:
    """Elements with one key in windows, each turned into a dataset by `reduce_func(key, window)`.

    Args:
        key_func: gives an int64 scalar for an element.
        reduce_func: takes a key and the dataset of a window.
        window_size: elements a window; or
        window_size_func: gives that for a key.
    """
    if (window_size is None) == (window_size_func is None):
        raise ValueError("Must pass either window_size or window_size_func.")

    def apply(dataset: Dataset) -> Dataset:
        key_spec = TensorSpec((), int64)
        key = Function(key_func, [dataset.element_spec], "group_by_window")
        if key.single("int64 scalar").dtype != int64:
            raise ValueError(f"`key_func` must return a single int64 scalar, got {key.spec}")
        sizes = window_size_func or (lambda _: convert_to_tensor(window_size, int64))
        size = Function(sizes, [key_spec], "group_by_window")
        window = DatasetSpec(dataset.element_spec)
        reduce = Function(reduce_func, [key_spec, window], "group_by_window")
        result = reduce.single("dataset")
        if not isinstance(result, DatasetSpec):
            raise TypeError(f"`reduce_func` must return a `Dataset` object. Got {result}")

        def make(source: Elements, run: Run) -> Elements:
            calls = key.bound(run, dataset.element_spec), reduce.bound(run, key_spec, window), size.bound(run, key_spec)
            return Generated(combining.grouped(source, run, *calls))

        return dataset.derived(result.element_spec, make, [*key.captures, *reduce.captures, *size.captures], reduce)

    return apply


def bucket_by_sequence_length(
    element_length_func: Callable[..., Any],
    bucket_boundaries: Sequence[int],
    bucket_batch_sizes: Sequence[int],
    padded_shapes: Any = None,
    padding_values: Any = None,
    no_padding: bool = False,
    drop_remainder: bool = False,
) -> Transformation:
    """Padded batches of elements of like lengths.

    Args:
        element_length_func: gives the length of an element, int32.
        bucket_boundaries: rising upper bounds of the buckets' lengths.
        bucket_batch_sizes: the batch size of each bucket, one more than boundaries.
        padded_shapes: as in padded_batch; the elements' own by default.
        padding_values: as in padded_batch.
        no_padding: the elements are padded already.
        drop_remainder: leave out batches that are not full.
    """
    if len(bucket_batch_sizes) != len(bucket_boundaries) + 1:
        raise ValueError("len(bucket_batch_sizes) must equal len(bucket_boundaries) + 1")
    from ..engine.ops.casting import cast
    from ..engine.ops.indexing import gather  # a program without buckets does without
    from ..engine.ops.reduce import reduce_sum

    bounds = np.array(bucket_boundaries, np.int64)
    sizes = np.array(bucket_batch_sizes, np.int64)

    def key(*element: Any) -> Any:
        length = cast(element_length_func(*element), int64)
        return reduce_sum(cast(convert_to_tensor(bounds) <= length, int64))

    def apply(dataset: Dataset) -> Dataset:
        shapes = padded_shapes if padded_shapes is not None else dataset.output_shapes

        def batches(bucket: Any, window: Dataset) -> Dataset:
            size = gather(convert_to_tensor(sizes), bucket)
            if no_padding:
                return window.batch(size, drop_remainder)
            return window.padded_batch(size, shapes, padding_values, drop_remainder)

        return dataset.apply(
            group_by_window(key, batches, window_size_func=lambda b: gather(convert_to_tensor(sizes), b))
        )

    return apply


def dense_to_sparse_batch(batch_size: Any, row_shape: Any) -> Transformation:
    """Batches of dense elements of differing shapes as sparse tensors of [batch, *row_shape]."""
    return lambda dataset: dataset.sparse_batch(batch_size, row_shape)


def choose_from_datasets(datasets: Sequence[Dataset], choice_dataset: Dataset) -> Dataset:
    """The elements of several datasets, in the order of the numbers (int64 scalars) of another one."""
    spec = datasets[0].element_spec
    for dataset in datasets[1:]:
        spec = combining.common_spec(spec, dataset.element_spec)
    if flatten(choice_dataset.element_spec) != [TensorSpec((), int64)]:
        raise TypeError("`choice_dataset` must be a dataset of scalar `tf.int64` tensors.")
    return choice_dataset.derived(
        spec, lambda s, run: Generated(combining.chosen(s, [d.begin(run) for d in datasets])), (), *datasets
    )


def sample_from_datasets(
    datasets: Sequence[Dataset], weights: Sequence[float] | None = None, seed: int | None = None
) -> Dataset:
    """The elements of several datasets, drawn at random by weight; of a finished one no more come.

    The same seed gives the same order, which is not TensorFlow's.
    """
    chances = np.ones(len(datasets)) if weights is None else np.asarray(weights, float)
    if len(chances) != len(datasets) or not (chances >= 0).all() or not chances.sum():
        raise ValueError(f"weights must be {len(datasets)} numbers that are not negative, got {weights}")
    bounds = np.cumsum(chances) / chances.sum()
    numbers = RandomDataset(seed)

    def make(run: Run) -> Elements:
        draws = numbers.begin(run)
        picks = (_picked(bounds, draw[0]) for draw in draws)
        return Generated(_sampled(picks, [d.begin(run) for d in datasets]))

    spec = datasets[0].element_spec
    for dataset in datasets[1:]:
        spec = combining.common_spec(spec, dataset.element_spec)
    return Dataset(spec, [t for d in datasets for t in d.tensors], make, [numbers, *datasets])


def _picked(bounds: Any, draw: Any) -> int:
    return min(int(np.searchsorted(bounds, int(draw) / 2**32, side="right")), len(bounds) - 1)


def _sampled(picks: Iterator[int], sources: Sequence[Elements]) -> Iterator[Element]:
    left = set(builtins.range(len(sources)))
    for pick in picks:
        element = next(sources[pick], None) if pick in left else None
        if element is None:
            left.discard(pick)
            if not left:
                return
        else:
            yield element


def get_single_element(dataset: Dataset) -> Any:
    """Tensors: the one element of a dataset.

    Raises (when run):
        InvalidArgumentError: there is none, or more than one.
    """
    batched = dataset.derived(dataset.element_spec, lambda s, run: Generated(_only(s)))
    return batched.reduce(_zeros(dataset.element_spec), lambda _, element: element)


def _only(source: Elements) -> Iterator[Element]:
    found = next(source, None)
    if found is None:
        raise InvalidArgumentError(None, None, "Dataset was empty.")
    if next(source, None) is not None:
        raise InvalidArgumentError(None, None, "Dataset had more than one element.")
    yield found


def _zeros(spec: Any) -> Any:
    def zero(leaf: TensorSpec) -> Any:
        shape = [size or 0 for size in leaf.shape.as_list()] if leaf.shape.rank is not None else []
        return np.full(shape, b"", object) if leaf.dtype.name == "string" else np.zeros(shape, leaf.dtype.numpy)

    return map_structure(zero, spec)

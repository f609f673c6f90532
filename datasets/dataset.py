"""Dataset: a pipeline of elements, each a structure of tensors, and its transformations; as TensorFlow 1.15's tf.data."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import as_dtype, int64, string
from ..engine.errors import InvalidArgumentError
from ..engine.graph import Tensor
from ..engine.nest import flatten, map_structure, pack_sequence_as
from ..engine.ops.iterators import dataset_cardinality_op
from ..engine.ops.random import get_seed
from ..engine.static import constant_value
from . import cardinality, combining
from .batching import Batches, Slices, padder, sparse_batches, stacker, unstacked, windows
from .functions import Function, computed
from .iterator import Iterator, initializable_iterator, one_shot_iterator
from .matching import matching_files
from .options import Options
from .plan import Plan
from .prefetching import AUTOTUNE, DEFAULT_READY, ParallelMapped, Prefetched
from .running import (
    Chained,
    Chance,
    Elements,
    Filtered,
    Generated,
    Listed,
    Make,
    Mapped,
    Numbered,
    Repeated,
    Run,
    Shards,
    Skipped,
    Survivors,
    Taken,
    TakenWhile,
    Zipped,
)
from .shuffling import Draws, Shuffled
from .sources import Yielded, common_length, component_of, components_of
from .storing import FileCache, MemoryCache
from .structure import DatasetSpec, SparseTensorSpec, TensorSpec, component_names, leaves_of, shapes_like, specs_of


class Dataset(Plan):
    """Elements that can be iterated over any number of times, each a structure of tuples and dicts of tensors.

    Made by the static methods and by transformations of other datasets. Lists count as tensors. The order of elements
    is the same in each run, with threads too; `shuffle` with a seed gives TensorFlow's order for that seed.

    Args:
        element_spec: the structure of an element, with specs as leaves.
        tensors: of the graph, whose values an iteration needs.
        make: starts an iteration.
        sources: the datasets, functions and chances that it is made from.
    """

    def __init__(self, element_spec: Any, tensors: Sequence[Tensor], make: Make, sources: Sequence[Any] = ()) -> None:
        super().__init__(element_spec, tensors, make, sources)
        self._options = Options()

    # Iteration

    def make_one_shot_iterator(self) -> Iterator:
        """An iterator that each session runs through once, without initialisation.

        Raises:
            ValueError: the dataset depends on a placeholder.
        """
        return one_shot_iterator(self)

    def make_initializable_iterator(self, shared_name: str | None = None) -> Iterator:
        """An iterator that starts whenever its `initializer` is run."""
        return initializable_iterator(self, shared_name)

    @property
    def output_types(self) -> Any:
        """The dtypes of an element's components, in its structure; a spec for a component that is a dataset."""
        return map_structure(lambda s: s if isinstance(s, DatasetSpec) else s.dtype, self.element_spec)

    @property
    def output_shapes(self) -> Any:
        """The static shapes of an element's components, in its structure."""
        return map_structure(lambda s: s.shape, self.element_spec)

    @property
    def output_classes(self) -> Any:
        """tf.Tensor, tf.SparseTensor or a dataset's spec for each of an element's components, in its structure."""
        return map_structure(lambda s: s if isinstance(s, DatasetSpec) else s.value_type, self.element_spec)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} shapes: {self.output_shapes}, types: {self.output_types}>"

    def __iter__(self) -> NoReturn:
        raise RuntimeError(
            "A dataset is iterated over in a graph: take tensors from make_one_shot_iterator().get_next() and run them."
        )

    # Sources

    @staticmethod
    def from_tensors(tensors: Any) -> Dataset:
        """One element: `tensors`."""
        structure, components = components_of(tensors)
        used = [t for c in components for t in c.tensors]
        spec = pack_sequence_as(structure, [c.spec for c in components])
        return Dataset(spec, used, lambda run: Listed([[c.value(run) for c in components]])).counted(lambda run: 1)

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        """The rows of `tensors`, which have one first size; arrays are not copied into the graph.

        Raises:
            ValueError: the first sizes differ, or a component is a scalar.

        Example:
            >>> import headrace as tf
            >>> data = tf.data.Dataset.from_tensor_slices({"a": [1, 2], "b": [[3.0], [4.0]]})
            >>> data.output_shapes["b"].as_list()
            [1]
        """
        structure, components = components_of(tensors)
        if any(isinstance(c.spec, SparseTensorSpec) for c in components):
            return Dataset.from_tensors(tensors).unbatch()
        common_length([c.spec.shape for c in components], component_names(structure))
        used = [t for c in components for t in c.tensors]
        spec = pack_sequence_as(structure, [c.spec.unbatched() for c in components])

        def make(run: Run) -> Elements:
            arrays = [c.value(run) for c in components]
            lengths = {len(a) for a in arrays}
            if len(lengths) != 1:
                raise InvalidArgumentError(None, None, f"The components have different first sizes {sorted(lengths)}")
            return Slices(arrays, lengths.pop())

        return Dataset(spec, used, make).counted(lambda run: len(components[0].value(run)))

    @staticmethod
    def from_sparse_tensor_slices(sparse_tensor: Any) -> Dataset:
        """The rows of a sparse tensor, each a sparse tensor."""
        return Dataset.from_tensor_slices(sparse_tensor)

    @staticmethod
    def from_generator(
        generator: Callable[..., Any], output_types: Any, output_shapes: Any = None, args: Any = None
    ) -> Dataset:
        """The elements that a Python function yields, called anew by each iteration.

        Args:
            generator: returns something that can be iterated over.
            output_types: a structure of dtypes.
            output_shapes: a structure of shapes, unknown ones by default.
            args: tensors whose values the generator is called with.

        Raises:
            TypeError: `generator` is not callable.
            InvalidArgumentError (when run): an element has another structure, dtype or shape.
        """
        if not callable(generator):
            raise TypeError("`generator` must be callable.")
        spec = specs_of(output_types, output_shapes)
        structure, _ = leaves_of(output_types)
        source = Yielded(generator, structure, flatten(spec))
        components = [component_of(arg) for arg in args or ()]
        used = [t for c in components for t in c.tensors]
        return Dataset(spec, used, lambda run: Generated(source.elements([c.value(run)[()] for c in components])))

    @staticmethod
    def range(*args: Any) -> Dataset:
        """Whole numbers as int64 scalars: those of Python's range with the same arguments."""
        if not 1 <= len(args) <= 3:
            raise ValueError(f"Invalid arguments to Dataset.range: {args}")
        given = [integer(a, "Dataset.range") for a in args]

        def make(run: Run) -> Elements:
            numbers = [run.integer(a) for a in given]
            if len(numbers) == 3 and numbers[2] == 0:
                raise InvalidArgumentError(None, None, "step must be a non-zero integer.")
            return Numbered(builtins.range(*numbers), lambda n: np.array(n, np.int64))

        made = Dataset(TensorSpec((), int64), _tensors(given), make)
        return made.counted(lambda run: len(builtins.range(*(run.integer(a) for a in given))))

    @staticmethod
    def zip(datasets: Any) -> Dataset:
        """Elements side by side, in the structure of `datasets`, as long as all have one.

        Raises:
            TypeError: something in the structure is not a dataset.
        """
        structure, parts = leaves_of(datasets)
        if isinstance(datasets, list) or not parts or not all(isinstance(d, Dataset) for d in parts):
            raise TypeError("The argument to `Dataset.zip()` must be a nested structure of `Dataset` objects.")
        spec = map_structure(lambda i: _Box(parts[i].element_spec), structure)
        used = [t for d in parts for t in d.tensors]
        made = Dataset(_unboxed(spec), used, lambda run: Zipped([d.begin(run) for d in parts]), parts)
        return made.counted(lambda run: cardinality.least([d.count(run) for d in parts]))

    @staticmethod
    def list_files(file_pattern: Any, shuffle: bool | None = None, seed: int | None = None) -> Dataset:
        """The names of the files that match a pattern or several, in random order unless `shuffle` is False.

        Raises (when run):
            InvalidArgumentError: no file matches.
        """
        names = matching_files(file_pattern, True if shuffle is None else shuffle, seed)
        return Dataset(names.element_spec, names.tensors, names.begin, [names])

    # Transformations

    def derived(
        self, spec: Any, make: Callable[[Elements, Run], Elements], arguments: Sequence[Any] = (), *others: Any
    ) -> Dataset:
        """A dataset over this one: `make` turns an iteration into another one; tensors among `arguments` are needed.

        `others` are the datasets, functions and chances that it is made from too.
        """
        used = [*self.tensors, *(t for d in others if isinstance(d, Plan) for t in d.tensors), *_tensors(arguments)]
        return Dataset(spec, used, lambda run: make(self.begin(run), run), [self, *others])

    def concatenate(self, dataset: Dataset) -> Dataset:
        """The elements of this dataset, then those of `dataset`; TypeError if their structures or dtypes differ."""
        spec = combining.common_spec(self.element_spec, dataset.element_spec)
        used = [*self.tensors, *dataset.tensors]

        def make(run: Run) -> Elements:
            return Chained([lambda: self.begin(run), lambda: dataset.begin(run)])

        made = Dataset(spec, used, make, [self, dataset])
        return made.counted(lambda run: cardinality.total([self.count(run), dataset.count(run)]))

    def map(self, map_func: Callable[..., Any], num_parallel_calls: Any = None) -> Dataset:
        """What `map_func` makes of each element.

        Args:
            map_func: takes the components (a tuple as several arguments, a dict as one) and returns a structure of
                tensors. It is called once, to build a graph; `tf.py_func` runs Python for each element.
            num_parallel_calls: how many elements are worked on at once, -1 for as many as there are cores.
        """
        function = Function(map_func, [self.element_spec], "map")
        calls = None if num_parallel_calls is None else integer(num_parallel_calls, "num_parallel_calls")

        def make(source: Elements, run: Run) -> Elements:
            call = function.bound(run, self.element_spec)
            if calls is None or run.integer(calls) == 1:
                return Mapped(source, call, function.pure)
            return ParallelMapped(source, call, run.integer(calls), function.pure)

        return self.derived(function.spec, make, [*function.captures, calls], function).counted(self.count)

    def map_with_legacy_function(self, map_func: Callable[..., Any], num_parallel_calls: Any = None) -> Dataset:
        """As `map`."""
        return self.map(map_func, num_parallel_calls)

    def filter_with_legacy_function(self, predicate: Callable[..., Any]) -> Dataset:
        """As `filter`."""
        return self.filter(predicate)

    def filter(self, predicate: Callable[..., Any]) -> Dataset:
        """The elements for which `predicate` is true."""
        function = self._predicate(predicate, "filter")
        return self.derived(
            self.element_spec, lambda s, run: Filtered(s, self._truth(function, run)), function.captures
        )

    def take_while(self, predicate: Callable[..., Any]) -> Dataset:
        """The elements before the first one for which `predicate` is false."""
        function = self._predicate(predicate, "take_while")
        return self.derived(
            self.element_spec, lambda s, run: TakenWhile(s, self._truth(function, run)), function.captures
        )

    def _predicate(self, predicate: Callable[..., Any], name: str) -> Function:
        function = Function(computed(predicate, name), [self.element_spec], name)
        spec = function.single("scalar boolean")
        if spec.dtype.name != "bool" or spec.shape.rank not in (None, 0):
            raise ValueError(f"`predicate` return type must be convertible to a scalar boolean tensor. Was {spec}.")
        return function

    def _truth(self, function: Function, run: Run) -> Callable[[Any], bool]:
        call = function.bound(run, self.element_spec)
        return lambda element: bool(call(element)[0])

    def flat_map(self, map_func: Callable[..., Any]) -> Dataset:
        """The elements of the datasets that `map_func` makes of the elements, one dataset after the other."""
        function, spec = self._to_datasets(map_func, "flat_map")
        return self.derived(
            spec,
            lambda s, run: Generated(combining.flattened(s, function.bound(run, self.element_spec), run)),
            function.captures,
            function,
        )

    def interleave(
        self,
        map_func: Callable[..., Any],
        cycle_length: Any = AUTOTUNE,
        block_length: Any = 1,
        num_parallel_calls: Any = None,
    ) -> Dataset:
        """The elements of the datasets that `map_func` makes of the elements, taken in turns.

        Args:
            map_func: returns a dataset.
            cycle_length: how many datasets are open at once, 10 for AUTOTUNE.
            block_length: elements taken from one before the next one's turn.
            num_parallel_calls: accepted; the order does not depend on it.
        """
        function, spec = self._to_datasets(map_func, "interleave")
        cycle, block = integer(cycle_length, "cycle_length"), integer(block_length, "block_length")

        def make(source: Elements, run: Run) -> Elements:
            call = function.bound(run, self.element_spec)
            return Generated(combining.interleaved(source, call, run, run.integer(cycle), run.integer(block)))

        return self.derived(spec, make, [*function.captures, cycle, block], function)

    def _to_datasets(self, map_func: Callable[..., Any], name: str) -> tuple[Function, Any]:
        function = Function(map_func, [self.element_spec], name)
        spec = function.single("dataset")
        if not isinstance(spec, DatasetSpec):
            raise TypeError(f"`map_func` must return a `Dataset` object. Got {spec}")
        return function, spec.element_spec

    def batch(self, batch_size: Any, drop_remainder: Any = False) -> Dataset:
        """Groups of `batch_size` elements along a new first axis; the last one may be smaller unless it is dropped.

        Raises (when run):
            InvalidArgumentError: elements of a batch differ in shape, or batch_size is not positive.
        """
        size, drop = integer(batch_size, "batch_size"), argument(drop_remainder)
        spec = map_structure(lambda s: s.batched(_static_size(size, drop)), self.element_spec)
        combine = stacker(self.element_spec)

        def make(source: Elements, run: Run) -> Elements:
            return Batches(source, run.integer(size), bool(run.value(drop)), combine, True)

        return self.derived(spec, make, [size, drop]).counted(self._batches(size, drop))

    def _batches(self, size: Any, drop: Any) -> cardinality.Count:
        return lambda run: cardinality.scaled(self.count(run), run.integer(size), bool(run.value(drop)))

    def padded_batch(
        self, batch_size: Any, padded_shapes: Any, padding_values: Any = None, drop_remainder: Any = False
    ) -> Dataset:
        """Groups of elements whose components are first padded to `padded_shapes`; None or -1 is the longest of a batch.

        Args:
            batch_size: elements a group.
            padded_shapes: a structure of shapes like that of an element.
            padding_values: a structure of scalars, 0 and "" by default.
            drop_remainder: leave out a last group that is not full.
        """
        size, drop = integer(batch_size, "batch_size"), argument(drop_remainder)
        leaves = flatten(self.element_spec)
        shapes = shapes_like(pack_sequence_as(self.element_spec, list(builtins.range(len(leaves)))), padded_shapes)
        fills = combining.padding_of(leaves, padding_values)
        batched = [TensorSpec([_static_size(size, drop), *s.as_list()], x.dtype) for s, x in zip_(shapes, leaves)]
        sizes = [shape.as_list() for shape in shapes]

        def make(source: Elements, run: Run) -> Elements:
            combine = padder(leaves, sizes, [f.value(run) for f in fills])
            return Batches(source, run.integer(size), bool(run.value(drop)), combine, False)

        used = [t for f in fills for t in f.tensors]
        made = self.derived(pack_sequence_as(self.element_spec, batched), make, [size, drop, *used])
        return made.counted(self._batches(size, drop))

    def unbatch(self) -> Dataset:
        """The rows of each element."""
        leaves = flatten(self.element_spec)
        spec = map_structure(lambda s: s.unbatched(), self.element_spec)
        return self.derived(spec, lambda s, run: Generated(unstacked(s, leaves)))

    def window(self, size: Any, shift: Any = None, stride: Any = 1, drop_remainder: Any = False) -> Dataset:
        """Windows over the elements, each component a dataset of `size` elements.

        Args:
            size: elements a window.
            shift: from one window to the next, `size` by default.
            stride: from one element of a window to the next.
            drop_remainder: leave out windows that are not full.
        """
        numbers = {"size": size, "shift": size if shift is None else shift, "stride": stride}
        given = [*(integer(v, name) for name, v in numbers.items()), argument(drop_remainder)]

        def make(source: Elements, run: Run) -> Elements:
            length, move, step = (run.integer(a) for a in given[:3])
            return Generated(windows(source, length, move, step, bool(run.value(given[3]))))

        def count(run: Run) -> int:
            length, move, step = (run.integer(a) for a in given[:3])
            return cardinality.scaled(self.count(run), (length - 1) * step + 1, bool(run.value(given[3])), move)

        return self.derived(map_structure(DatasetSpec, self.element_spec), make, given).counted(count)

    def shuffle(self, buffer_size: Any, seed: Any = None, reshuffle_each_iteration: bool | None = None) -> Dataset:
        """The elements in random order, each drawn from a buffer of the `buffer_size` that come next.

        Args:
            buffer_size: elements in the buffer.
            seed: the order is TensorFlow's for the same seed (with the graph's seed, as for random ops).
            reshuffle_each_iteration: whether each repetition has an order of its own, which is the default.
        """
        size = integer(buffer_size, "buffer_size")
        pair = get_seed(seed)
        seeds = None if pair[0] is None or pair[1] is None else (pair[0], pair[1])
        again = reshuffle_each_iteration is not False
        key = Chance()

        def make(source: Elements, run: Run) -> Elements:
            base = run.shared((key, "seeds"), lambda: seeds or run.log.next(key))
            draws = run.shared(key, lambda: Draws(base))
            return Shuffled(source, run.integer(size), draws.pair() if again else base)

        return self.derived(self.element_spec, make, [size], key).counted(self.count)

    def repeat(self, count: Any = None) -> Dataset:
        """The elements `count` times over; for ever if it is None or -1."""
        times = integer(-1 if count is None else count, "count")
        used = [*self.tensors, *_tensors([times])]
        made = Dataset(
            self.element_spec, used, lambda run: Repeated(lambda: self.begin(run), run.integer(times)), [self]
        )
        return made.counted(lambda run: cardinality.repeated(self.count(run), run.integer(times)))

    def cache(self, filename: Any = "") -> Dataset:
        """The elements kept at their first pass, in memory or in a file, and read from there afterwards.

        A file is written whole or not at all; it serves later runs too, and its form is not TensorFlow's.
        """
        name = argument(filename, string)
        key = object()
        leaves = flatten(self.element_spec)

        def make(run: Run) -> Elements:
            path = run.value(name)
            text = path.item() if isinstance(path, np.ndarray) else path
            text = text.decode() if isinstance(text, bytes) else str(text)
            if text:
                return FileCache(text, leaves).begin(lambda: self.begin(run))
            return run.shared(key, MemoryCache).begin(lambda: self.begin(run))

        return Dataset(self.element_spec, [*self.tensors, *_tensors([name])], make, [self]).counted(self.count)

    def prefetch(self, buffer_size: Any) -> Dataset:
        """The same elements, up to `buffer_size` of them made ahead by a thread that ends with the session."""
        size = integer(buffer_size, "buffer_size")

        def make(source: Elements, run: Run) -> Elements:
            ahead = run.integer(size)
            ready = DEFAULT_READY if ahead == AUTOTUNE else ahead
            return Prefetched(source, ready, run.runtime.cancellation) if ready > 0 else source

        return self.derived(self.element_spec, make, [size]).counted(self.count)

    def take(self, count: Any) -> Dataset:
        """The first `count` elements; all of them for -1."""
        number = integer(count, "count")
        made = self.derived(self.element_spec, lambda s, run: Taken(s, run.integer(number)), [number])
        return made.counted(lambda run: cardinality.first(self.count(run), run.integer(number)))

    def skip(self, count: Any) -> Dataset:
        """All but the first `count` elements; none for -1."""
        number = integer(count, "count")
        made = self.derived(self.element_spec, lambda s, run: Skipped(s, run.integer(number)), [number])
        return made.counted(lambda run: cardinality.rest(self.count(run), run.integer(number)))

    def shard(self, num_shards: Any, index: Any) -> Dataset:
        """Each `num_shards`-th element, from `index` on; InvalidArgumentError (when run) unless 0 <= index < num_shards."""
        number, first = integer(num_shards, "num_shards"), integer(index, "index")

        def make(source: Elements, run: Run) -> Elements:
            n, i = run.integer(number), run.integer(first)
            if not 0 <= i < n:
                raise InvalidArgumentError(None, None, f"shard index must be in [0, num_shards), got {i} of {n}")
            return Shards(source, n, i)

        made = self.derived(self.element_spec, make, [number, first])
        return made.counted(lambda run: cardinality.part(self.count(run), run.integer(number), run.integer(first)))

    def enumerate(self, start: Any = 0) -> Dataset:
        """Pairs of a number, from `start` on, and the element."""
        return Dataset.zip((Dataset.range(start, np.iinfo(np.int64).max), self))

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any]) -> Any:
        """Tensors: all elements combined by `reduce_func(state, element) -> state`, from `initial_state` on."""
        return combining.reduction(self, initial_state, reduce_func)

    def cardinality(self) -> Tensor:
        """How many elements there are, int64: -1 for no end, -2 where only the elements tell."""
        return dataset_cardinality_op(self._variant_tensor)

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """What a function of datasets makes of this one; TypeError if that is not a dataset."""
        result = transformation_func(self)
        if not isinstance(result, Dataset):
            raise TypeError(f"`transformation_func` must return a Dataset. Got {result}.")
        return result

    def with_options(self, options: Options) -> Dataset:
        """The same elements; options say what they say, and change nothing in the order."""
        if not isinstance(options, Options):
            raise TypeError(f"options must be tf.data.Options, got {type(options).__name__}")
        result = self.derived(self.element_spec, lambda s, run: s).counted(self.count)
        result._options = options
        return result

    def options(self) -> Options:
        """The options of `with_options`."""
        return self._options

    def ignoring(self, errors: tuple[type[Exception], ...]) -> Dataset:
        """The elements that can be made without one of these errors."""
        return self.derived(self.element_spec, lambda s, run: Survivors(s, errors))

    def sparse_batch(self, batch_size: Any, row_shape: Any) -> Dataset:
        """Batches of dense elements of differing shapes as sparse tensors; see experimental.dense_to_sparse_batch."""
        size, (leaf,) = integer(batch_size, "batch_size"), flatten(self.element_spec)
        sizes = list(TensorSpec(row_shape).shape.as_list())
        return self.derived(
            SparseTensorSpec([None, *sizes], leaf.dtype),
            lambda s, run: Generated(sparse_batches(s, run.integer(size), sizes)),
            [size],
        )


class _Box:
    """A structure as a leaf of another one."""

    def __init__(self, item: Any) -> None:
        self.item = item


def _unboxed(value: Any) -> Any:
    if isinstance(value, _Box):
        return value.item
    if isinstance(value, tuple):
        items = [_unboxed(v) for v in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return {key: _unboxed(item) for key, item in value.items()}


def zip_(*columns: Any) -> Any:
    """Python's strict zip; the name itself is a method's."""
    return builtins.zip(*columns, strict=True)


def argument(value: Any, dtype: Any = None) -> Any:
    """A scalar argument: what is known of it while the graph is built, else a tensor."""
    if not isinstance(value, Tensor) and not hasattr(value, "_as_graph_element"):
        return value
    tensor = convert_to_tensor(value, None if dtype is None else as_dtype(dtype))
    known = constant_value(tensor)
    return tensor if known is None else known.item()


def integer(value: Any, name: str) -> Any:
    """A scalar argument that is a whole number, or a tensor of one; TypeError, naming it, for anything else."""
    found = argument(value)
    if isinstance(found, Tensor):
        if not found.dtype.is_integer:
            raise TypeError(f"{name} must be a whole number, got a tensor of {found.dtype.name}")
        return found
    if isinstance(found, bool | np.bool_) or not hasattr(found, "__index__"):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    return found


def _tensors(arguments: Sequence[Any]) -> list[Tensor]:
    return [a for a in arguments if isinstance(a, Tensor)]


def _static_size(size: Any, drop: Any) -> int | None:
    return int(size) if not isinstance(size, Tensor) and not isinstance(drop, Tensor) and drop else None


def of_variant(tensor: Tensor, spec: Any) -> Dataset:
    """The dataset that a variant tensor holds."""
    made = Dataset(spec, [tensor], lambda run: run.value(tensor).begin(run))
    return made.counted(lambda run: run.value(tensor).count(run))


# Specs come before datasets, and are packed as datasets all the same.
DatasetSpec.opened = staticmethod(of_variant)

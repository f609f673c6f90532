"""Helpers say what a decoder's samples and next inputs are: in training those given, now and then the decoder's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...engine import nest
from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import DType, as_dtype, float32, int32
from ...engine.graph import Tensor, get_default_graph
from ...engine.ops.array import reshape, shape, stack
from ...engine.ops.array_parts import concat, ones_like, zeros
from ...engine.ops.binary import maximum
from ...engine.ops.casting import cast
from ...engine.ops.choice import select_op, where
from ...engine.ops.comparison import equal
from ...engine.ops.extrema import argmax
from ...engine.ops.nn_embedding import embedding_lookup
from ...engine.ops.random import multinomial, random_uniform
from ...engine.ops.tensor_array import TensorArray
from ...engine.shapes import TensorShape
from .decoder import swapped


class Helper:
    """What a BasicDecoder asks: first inputs, samples of outputs, next inputs."""

    @property
    def batch_size(self) -> Any:
        """How many sequences there are."""
        raise NotImplementedError(f"{type(self).__name__} does not define batch_size")

    @property
    def sample_ids_shape(self) -> TensorShape:
        """The shape of a sample without the batch."""
        return TensorShape([])

    @property
    def sample_ids_dtype(self) -> DType:
        """The dtype of samples."""
        return int32

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        """Which sequences have ended `[batch]`, and the first inputs."""
        raise NotImplementedError(f"{type(self).__name__} does not define initialize")

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """Samples of a step's outputs."""
        raise NotImplementedError(f"{type(self).__name__} does not define sample")

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        """Which sequences end with this step, the next inputs and the next state."""
        raise NotImplementedError(f"{type(self).__name__} does not define next_inputs")


class CustomHelper(Helper):
    """A helper made of functions.

    Args:
        initialize_fn: `() -> (finished, next_inputs)`.
        sample_fn: `(time, outputs, state) -> sample_ids`.
        next_inputs_fn: `(time, outputs, state, sample_ids) -> (finished, next_inputs, next_state)`.
        sample_ids_shape: the shape of a sample without the batch; scalars by default.
        sample_ids_dtype: int32 by default.
    """

    def __init__(
        self,
        initialize_fn: Callable[[], Any],
        sample_fn: Callable[..., Any],
        next_inputs_fn: Callable[..., Any],
        sample_ids_shape: Any = None,
        sample_ids_dtype: Any = None,
    ) -> None:
        self._functions = (initialize_fn, sample_fn, next_inputs_fn)
        self._shape = TensorShape(sample_ids_shape or [])
        self._dtype = as_dtype(sample_ids_dtype or int32)
        self._rows: Any = None

    @property
    def batch_size(self) -> Any:
        if self._rows is None:
            raise ValueError("batch_size accessed before initialize was called")
        return self._rows

    @property
    def sample_ids_shape(self) -> TensorShape:
        return self._shape

    @property
    def sample_ids_dtype(self) -> DType:
        return self._dtype

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        finished, inputs = self._functions[0]()
        if self._rows is None:
            self._rows = rows_of(finished)
        return finished, inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return self._functions[1](time=time, outputs=outputs, state=state)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        result: tuple[Any, Any, Any] = self._functions[2](
            time=time, outputs=outputs, state=state, sample_ids=sample_ids
        )
        return result


def rows_of(value: Any) -> Any:
    """The first size of a tensor, as a number where it is known."""
    tensor = convert_to_tensor(value)
    return tensor.sizes[0] if tensor.sizes and tensor.sizes[0] is not None else shape(tensor)[0]


class TrainingHelper(Helper):
    """The given inputs at each step; samples are the largest outputs.

    Args:
        inputs: `[batch, time, ...]`, or `[time, batch, ...]` if `time_major`; or a nested structure of such.
        sequence_length: int vector `[batch]`.
        time_major: whether time comes first.
        name: accepted.

    Raises:
        ValueError: `sequence_length` is not a vector.
    """

    def __init__(self, inputs: Any, sequence_length: Any, time_major: bool = False, name: str | None = None) -> None:
        with get_default_graph().name_scope(name or type(self).__name__):
            values = nest.map_structure(convert_to_tensor, inputs)
            self._values = values if time_major else nest.map_structure(swapped, values)
            self._lengths = convert_to_tensor(sequence_length, name="sequence_length")
            if self._lengths.sizes is None or len(self._lengths.sizes) != 1:
                raise ValueError(f"Expected sequence_length to be a vector, but received shape: {self._lengths.shape}")
            self._readers = nest.map_structure(reader_of, self._values)
            self._rows = rows_of(self._lengths)

    @property
    def inputs(self) -> Any:
        """The inputs, time first."""
        return self._values

    @property
    def sequence_length(self) -> Tensor:
        """The lengths."""
        return self._lengths

    @property
    def batch_size(self) -> Any:
        return self._rows

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        return equal(0, self._lengths), nest.map_structure(lambda reader: reader.read(0), self._readers)

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return cast(argmax(outputs, -1), int32)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        inputs = nest.map_structure(lambda reader: reader.read(time + 1), self._readers)
        return self._lengths <= time + 1, inputs, state


def reader_of(value: Any) -> TensorArray:
    """The steps of a tensor, and zeros after the last one, which is read when all sequences have ended."""
    size_of_step = [1, *shape_list(value)[1:]]
    known = all(isinstance(s, int) for s in size_of_step)
    after = zeros(size_of_step if known else stack(size_of_step), value.dtype.base_dtype)
    whole = concat([value, after], 0)
    steps = value.sizes[0]
    count = shape(whole)[0] if steps is None else steps + 1
    return TensorArray(value.dtype.base_dtype, size=count, clear_after_read=False).unstack(whole)


def shape_list(value: Any) -> list[Any]:
    """The sizes of a tensor: numbers where they are known, else scalar tensors."""
    sizes = shape(value)
    return [sizes[axis] if known is None else known for axis, known in enumerate(value.sizes)]


def embedding_function(embedding: Any) -> Callable[[Any], Any]:
    """A function of class numbers, given as such or as a table."""
    if callable(embedding):
        function: Callable[[Any], Any] = embedding
        return function
    return lambda ids: embedding_lookup(embedding, ids)


def _chance(sampling_probability: Any) -> Tensor:
    chance = convert_to_tensor(sampling_probability, float32, name="sampling_probability")
    if chance.sizes is None or len(chance.sizes) > 1:
        raise ValueError(f"sampling_probability must be either a scalar or a vector. saw shape: {chance.shape}")
    return chance


class ScheduledEmbeddingTrainingHelper(TrainingHelper):
    """The given inputs, or by chance the embeddings of what the outputs say (Bengio et al. 2015).

    Args:
        inputs: `[batch, time, size]`, or time first if `time_major`.
        sequence_length: int vector `[batch]`.
        embedding: a table `[classes, size]`, or a function of class numbers.
        sampling_probability: the chance to take one's own output, a scalar or `[batch]`.
        time_major: whether time comes first.
        seed: of the samples.
        scheduling_seed: of the choice between the two.
        name: accepted.

    Raises:
        ValueError: `sampling_probability` is neither a scalar nor a vector.
    """

    def __init__(
        self,
        inputs: Any,
        sequence_length: Any,
        embedding: Any,
        sampling_probability: Any,
        time_major: bool = False,
        seed: int | None = None,
        scheduling_seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(inputs, sequence_length, time_major, name)
        self._embed = embedding_function(embedding)
        self._chance = _chance(sampling_probability)
        self._seed, self._scheduling_seed = seed, scheduling_seed

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """Samples of the outputs; -1 where the given inputs are taken."""
        ids = cast(reshape(multinomial(outputs, 1, seed=self._seed), [-1]), int32)
        chosen = random_uniform(shape(ids), seed=self._scheduling_seed) < self._chance
        return where(chosen, ids, -ones_like(ids))

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        finished, inputs, state = super().next_inputs(time, outputs, state, sample_ids, name)
        own = self._embed(maximum(sample_ids, 0))
        return finished, select_op(sample_ids > -1, own, inputs), state


class ScheduledOutputTrainingHelper(TrainingHelper):
    """The given inputs, or by chance the outputs themselves.

    Args:
        inputs: `[batch, time, size]`, or time first if `time_major`.
        sequence_length: int vector `[batch]`.
        sampling_probability: the chance to take one's own output, a scalar or `[batch]`.
        time_major: whether time comes first.
        seed: of the choice.
        next_inputs_fn: makes inputs of outputs; by default outputs are taken as they are.
        auxiliary_inputs: joined to all inputs along the last axis; in the form of `inputs`.
        name: accepted.

    Raises:
        ValueError: `sampling_probability` is neither a scalar nor a vector.
    """

    def __init__(
        self,
        inputs: Any,
        sequence_length: Any,
        sampling_probability: Any,
        time_major: bool = False,
        seed: int | None = None,
        next_inputs_fn: Callable[[Any], Any] | None = None,
        auxiliary_inputs: Any = None,
        name: str | None = None,
    ) -> None:
        self._chance = _chance(sampling_probability)
        self._seed, self._function = seed, next_inputs_fn
        self._auxiliary: TensorArray | None = None
        if auxiliary_inputs is not None:
            extra = convert_to_tensor(auxiliary_inputs)
            inputs = concat([inputs, extra], -1)
            self._auxiliary = reader_of(extra if time_major else swapped(extra))
        super().__init__(inputs, sequence_length, time_major, name)

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """One where the output is the next input, zero elsewhere."""
        rows = self.batch_size
        sizes = [rows] if isinstance(rows, int) else stack([rows])
        return cast(random_uniform(sizes, seed=self._seed) < self._chance, int32)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        finished, inputs, state = super().next_inputs(time, outputs, state, sample_ids, name)
        own = outputs if self._function is None else self._function(outputs)
        if self._auxiliary is not None:
            own = concat([own, self._auxiliary.read(time + 1)], -1)
        return finished, select_op(sample_ids > 0, own, inputs), state

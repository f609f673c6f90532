"""Helpers whose next inputs are the decoder's own samples: the likeliest, drawn ones, or what functions say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import DType, as_dtype, int32
from ...engine.graph import Tensor, get_default_graph
from ...engine.ops.array import reshape, stack
from ...engine.ops.array_parts import zeros
from ...engine.ops.casting import cast
from ...engine.ops.comparison import equal
from ...engine.ops.extrema import argmax
from ...engine.ops.random import multinomial
from ...engine.shapes import TensorShape
from .helper import Helper, embedding_function, rows_of


class GreedyEmbeddingHelper(Helper):
    """The class with the largest output is the sample, and its embedding the next input.

    Args:
        embedding: a table `[classes, size]`, or a function of class numbers.
        start_tokens: int32 `[batch]`, the classes to start with.
        end_token: the class that ends a sequence, a scalar.

    Raises:
        ValueError: `start_tokens` is not a vector or `end_token` not a scalar.
    """

    def __init__(self, embedding: Any, start_tokens: Any, end_token: Any) -> None:
        self._embed = embedding_function(embedding)
        with get_default_graph().name_scope(type(self).__name__):
            self._start = convert_to_tensor(start_tokens, int32, name="start_tokens")
            self._end = convert_to_tensor(end_token, int32, name="end_token")
            if self._start.sizes is None or len(self._start.sizes) != 1:
                raise ValueError(f"start_tokens must be a vector, got shape {self._start.shape}")
            if self._end.sizes != ():
                raise ValueError(f"end_token must be a scalar, got shape {self._end.shape}")
            self._rows = rows_of(self._start)
            self._first = self._embed(self._start)

    @property
    def batch_size(self) -> Any:
        return self._rows

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        return _unfinished(self._rows), self._first

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return cast(argmax(_checked(outputs), -1), int32)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        inputs = self._embed(sample_ids)
        inputs.set_shape(self._first.shape)
        return equal(sample_ids, self._end), inputs, state


def _unfinished(rows: Any) -> Any:
    return zeros([rows] if isinstance(rows, int) else stack([rows]), "bool")


def _checked(outputs: Any) -> Tensor:
    if not isinstance(outputs, Tensor):
        raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs).__name__}")
    return outputs


class SampleEmbeddingHelper(GreedyEmbeddingHelper):
    """A class drawn by the outputs as logits is the sample, and its embedding the next input.

    Args:
        embedding: a table `[classes, size]`, or a function of class numbers.
        start_tokens: int32 `[batch]`, the classes to start with.
        end_token: the class that ends a sequence, a scalar.
        softmax_temperature: divides the logits: above one more random, below less.
        seed: of the samples.
    """

    def __init__(
        self,
        embedding: Any,
        start_tokens: Any,
        end_token: Any,
        softmax_temperature: Any = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(embedding, start_tokens, end_token)
        self._temperature, self._seed = softmax_temperature, seed

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        logits = _checked(outputs) if self._temperature is None else _checked(outputs) / self._temperature
        ids = cast(reshape(multinomial(logits, 1, seed=self._seed), [-1]), int32)
        ids.set_shape(self._start.shape)
        return ids


class InferenceHelper(Helper):
    """A helper whose samples are the next inputs.

    Args:
        sample_fn: `(outputs) -> sample_ids`.
        sample_shape: the shape of a sample without the batch.
        sample_dtype: their dtype.
        start_inputs: the first inputs `[batch, ...]`.
        end_fn: `(sample_ids) -> finished`.
        next_inputs_fn: makes inputs of samples; by default they are taken as they are.
    """

    def __init__(
        self,
        sample_fn: Callable[[Any], Any],
        sample_shape: Any,
        sample_dtype: Any,
        start_inputs: Any,
        end_fn: Callable[[Any], Any],
        next_inputs_fn: Callable[[Any], Any] | None = None,
    ) -> None:
        self._sample, self._ended, self._function = sample_fn, end_fn, next_inputs_fn
        self._shape, self._dtype = TensorShape(sample_shape), as_dtype(sample_dtype)
        self._first = convert_to_tensor(start_inputs, name="start_inputs")
        self._rows = rows_of(self._first)

    @property
    def batch_size(self) -> Any:
        return self._rows

    @property
    def sample_ids_shape(self) -> TensorShape:
        return self._shape

    @property
    def sample_ids_dtype(self) -> DType:
        return self._dtype

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        return _unfinished(self._rows), self._first

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return self._sample(outputs)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        inputs = sample_ids if self._function is None else self._function(sample_ids)
        return self._ended(sample_ids), inputs, state

"""What input and model functions are called with, what they give, and predictions as they are asked for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any


def call_with(function: Callable[..., Any], available: Mapping[str, Any], *args: Any) -> Any:
    """Calls `function` with those of the available arguments that it takes by name."""
    names = set(inspect.signature(function).parameters)
    return function(*args, **{name: value for name, value in available.items() if name in names})


def takes(function: Callable[..., Any], name: str) -> bool:
    """Whether a function has a parameter of this name."""
    return name in inspect.signature(function).parameters


def split_input(result: Any) -> tuple[Any, Any]:
    """Features and labels of what an input function gives.

    Raises:
        ValueError: it is no pair.
    """
    if hasattr(result, "make_one_shot_iterator"):
        result = result.make_one_shot_iterator().get_next()
    if isinstance(result, list | tuple):
        if len(result) != 2:
            raise ValueError(f"input_fn should return (features, labels), got a sequence of {len(result)}")
        return result[0], result[1]
    if result is None:
        raise ValueError("input_fn should return (features, labels), or features alone, got None")
    return result, None


def chosen_predictions(predictions: Any, keys: str | Sequence[str] | None) -> Any:
    """The predictions of some keys; ValueError for one that is not there."""
    if keys is None:
        return predictions
    wanted = [keys] if isinstance(keys, str) else list(keys)
    unknown = [k for k in wanted if k not in predictions]
    if unknown:
        raise ValueError(f"Unknown predict_keys {unknown}; there are {sorted(predictions)}")
    return {k: predictions[k] for k in wanted}


def examples_of(batch: Any) -> Iterator[Any]:
    """The predictions of a batch, one example's after another's."""
    if not isinstance(batch, Mapping):
        yield from batch
        return
    count = len(next(iter(batch.values())))
    for i in range(count):
        yield {key: value[i] for key, value in batch.items()}

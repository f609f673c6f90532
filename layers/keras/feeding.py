"""From what fit is given to the arrays of a model's placeholders: matched by place or name, converted and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...engine.nest import flatten, pack_sequence_as
from ..fitting.rows import Array, check_rows
from .data import as_array, check_finite, check_labels, class_weights, spec_of, unpack
from .steps import Columns


class Feed:
    """The arrays of a batch, or of all rows: inputs, targets and weights, None where an output has none."""

    def __init__(
        self, x: list[Array], y: list[Array | None], weights: list[Array | None], names: Sequence[str]
    ) -> None:
        self.x, self.y, self.weights, self.names = x, y, weights, list(names)

    @property
    def arrays(self) -> list[Array]:
        """Those that there are, in order."""
        return [a for a in (*self.x, *self.y, *self.weights) if a is not None]

    @property
    def columns(self) -> Columns:
        """Dtypes and shapes."""
        y, weights = ([None if a is None else spec_of(a) for a in part] for part in (self.y, self.weights))
        return Columns(tuple(spec_of(a) for a in self.x), tuple(y), tuple(weights))

    def named(self) -> list[tuple[str, Array]]:
        """The arrays with what they are."""
        xs = zip(_numbered("x", self.names), self.x, strict=True)
        ys = [(f"y[{i}]" if len(self.y) > 1 else "y", a) for i, a in enumerate(self.y)]
        weights = [
            (f"sample_weight[{i}]" if len(self.weights) > 1 else "sample_weight", a) for i, a in enumerate(self.weights)
        ]
        return [(name, a) for name, a in (*xs, *ys, *weights) if a is not None]

    def with_rows(self, arrays: Sequence[Array]) -> Feed:
        """The same with other rows: `arrays` as in `arrays`."""
        rest = iter(arrays)
        x = [next(rest) for _ in self.x]
        y, weights = ([None if a is None else next(rest) for a in part] for part in (self.y, self.weights))
        return Feed(x, y, weights, self.names)


def _numbered(name: str, names: Sequence[str]) -> list[str]:
    return [name] if len(names) == 1 else [f"{name}[{n!r}]" for n in names]


def x_arrays(model: Any, x: Any) -> tuple[list[Array], list[str]]:
    """The arrays of a model's inputs and what they are called.

    Raises:
        ValueError: there are more or fewer inputs, or an array's shape is not the input's.
        TypeError: it holds no numbers.
    """
    network = model._network
    if network is None:
        leaves = [x] if _is_rows(x) else flatten(x)
        model._x_structure = None if _is_rows(x) else x
        names = [str(i + 1) for i in range(len(leaves))]
        labels = _numbered("x", names)
        return [as_array(leaf, label) for leaf, label in zip(leaves, labels, strict=True)], names
    if hasattr(x, "columns") and len(network.input_names) > 1:
        x = {name: x[name] for name in network.input_names}
    values = [x] if len(network.input_tensors) == 1 and _is_rows(x) else network.matched(x)
    labels = _numbered("x", network.input_names)
    pairs = zip(values, network.input_tensors, labels, strict=True)
    return [_fitted(value, tensor, label) for value, tensor, label in pairs], network.input_names


def _is_rows(x: Any) -> bool:
    """Whether `x` is one array and not several: a list of numbers or of lists is an array too."""
    if isinstance(x, Mapping):
        return False
    if not isinstance(x, list | tuple):
        return True
    return not any(hasattr(part, "shape") and np.ndim(part) > 0 for part in x) and not any(
        isinstance(part, Mapping) for part in x
    )


def _fitted(value: Any, tensor: Any, name: str) -> Array:
    dtype = tensor.dtype.base_dtype.as_numpy_dtype
    array = as_array(value, name, None if np.dtype(dtype).hasobject else dtype)
    sizes = tensor.sizes
    if sizes is None:
        return array
    if array.ndim == len(sizes) - 1 and sizes[-1] in (1, None):
        array = array[..., np.newaxis]
    if array.ndim != len(sizes) or any(
        s is not None and s != n for s, n in zip(sizes[1:], array.shape[1:], strict=True)
    ):
        raise ValueError(f"{name} must have the shape {tuple(sizes)}, got {array.shape}")
    return array


def for_outputs(value: Any, names: Sequence[str], keys: Sequence[Any] | None, what: str) -> list[Any]:
    """One value for each output: from a list in order, a dict by name, or a single one.

    Raises:
        ValueError: there are more or fewer, or a name is unknown.
    """
    if value is None:
        return [None] * len(names)
    if isinstance(value, Mapping):
        for known in (keys, names):
            if known is not None and all(name in known for name in value):
                return [value.get(name) for name in known]
        unknown = [name for name in value if name not in names]
        raise ValueError(f"{what} names {unknown}, but the model's outputs are {', '.join(map(str, names))}")
    if len(names) == 1:
        single = isinstance(value, list | tuple) and len(value) == 1 and np.ndim(value[0]) > 0
        return [value[0] if single and hasattr(value[0], "shape") else value]
    if not isinstance(value, list | tuple) or len(value) != len(names):
        found = f"{len(value)} entries" if isinstance(value, list | tuple) else f"one {type(value).__name__}"
        raise ValueError(f"{what} must have an entry for each of the outputs {', '.join(names)}, got {found}")
    return list(value)


def feed_of(model: Any, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None) -> Feed:
    """The arrays of a model's placeholders.

    Raises:
        ValueError: numbers of rows differ, or something does not fit the model.
    """
    xs, names = x_arrays(model, x)
    model._ensure_built(xs)
    if y is None and sample_weight is None:
        nothing = [None] * len(model._output_names())
        feed = Feed(xs, list(nothing), list(nothing), names)
        check_rows(feed.named())
        return feed
    output_names, keys = model._output_names(), model._output_keys()
    several = len(output_names) > 1
    ys: list[Any] = [
        None if part is None else _targets(part, f"y[{name!r}]" if several else "y")
        for name, part in zip(output_names, for_outputs(y, output_names, keys, "y"), strict=True)
    ]
    weights = [
        None if part is None else as_array(part, "sample_weight", np.float32)
        for part in for_outputs(sample_weight, output_names, keys, "sample_weight")
    ]
    if class_weight is not None:
        weights = _by_class(ys, weights, class_weight)
    feed = Feed(xs, ys, weights, names)
    check_rows(feed.named())
    return feed


def _targets(value: Any, name: str) -> Array:
    array = as_array(value, name)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, got {array.dtype} such as {array.ravel()[:1]!r}")
    return array.astype(np.float32) if array.dtype.kind == "b" else array


def _by_class(ys: list[Any], weights: list[Any], class_weight: Mapping[int, float]) -> list[Any]:
    if len(ys) != 1 or ys[0] is None:
        raise ValueError("class_weight is for models with one output and targets; give sample_weight instead")
    by_class = class_weights(ys[0], class_weight)
    if weights[0] is None:
        return [by_class]
    return [weights[0] * by_class.reshape(-1, *([1] * (weights[0].ndim - 1)))]


def check_values(model: Any, feed: Feed, where: str = "") -> None:
    """Raises ValueError for NaN, infinity and labels that are no class's number, with column and row.

    `where` follows the row's number. The look is one sum over each array of floats: of a batch of images some hundredths
    of the time of a training step, and less of all others.
    """
    for name, array in feed.named():
        check_finite(name, array, where)
    guesses: Sequence[Any] = model._output_tensors()
    for i, guess in enumerate(guesses):
        labels = feed.y[i]
        classes = model._class_count(i, guess)
        if labels is not None and classes is not None and labels.dtype.kind in "iuf":
            check_labels(f"y[{model._output_names()[i]!r}]" if len(feed.y) > 1 else "y", labels, classes, where)


def arrays_of_item(model: Any, item: Any, number: int, class_weight: Any = None) -> Feed:
    """The arrays of a batch that a generator or Dataset gave, checked; `number` counts the batches."""
    x, y, weights = unpack(item)
    feed = feed_of(model, x, y, weights, class_weight)
    model._compiled_for(model._output_structure)
    check_values(model, feed, f" of batch {number}")
    return feed


def packed(structure: Any, leaves: Sequence[Any]) -> Any:
    """Tensors in the structure of the inputs that a model was given."""
    return leaves[0] if structure is None else pack_sequence_as(structure, list(leaves))

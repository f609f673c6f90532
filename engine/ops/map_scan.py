"""Loops over the first axis: map_fn, scan, foldl and foldr, on tensors and nested structures of them."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from .. import nest
from ..conversion import convert_to_tensor
from ..dtypes import as_dtype
from ..graph import Tensor
from ..scopes import name_scope
from ..shapes import TensorShape, merge_sizes
from .array import shape
from .constant import constant
from .tensor_array import TensorArray
from .while_loop import while_loop


def map_fn(
    fn: Callable[..., Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
) -> Any:
    """`fn` of each slice of `elems` along the first axis, stacked again; as TensorFlow 1.15's `tf.map_fn`.

    Args:
        fn: a function of one slice (in the structure of `elems`).
        elems: a tensor, or a nested structure of tensors with the same first size.
        dtype: the dtypes of what `fn` gives, in its structure; those of `elems` by default.
        parallel_iterations: accepted.
        back_prop: whether gradients flow through.
        swap_memory: accepted.
        infer_shape: whether all results have one shape.
        name: name scope.

    Raises:
        TypeError: `fn` is not callable.
        ValueError: an elem is a scalar, or `fn` gives another structure than `dtype` has.
    """
    _check_function(fn)
    with name_scope(name, "map"):
        values = _Elements(elems)
        dtypes = values.dtypes if dtype is None else dtype
        results = nest.map_structure(lambda d: _results(d, values.count, infer_shape), dtypes)

        def body(i: Tensor, arrays: Any) -> Any:
            found = fn(values.read(i))
            nest.assert_same_structure(dtypes, found, check_types=False)
            return i + 1, _written(arrays, i, found)

        loop = (constant(0), results)
        options = _options(parallel_iterations, back_prop, swap_memory)
        _, arrays = while_loop(lambda i, _: i < values.count, body, loop, maximum_iterations=values.count, **options)
        return nest.map_structure(lambda array: _stacked(array, values.length), arrays)


def scan(
    fn: Callable[..., Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """All intermediate results of `accumulated = fn(accumulated, slice)`, stacked; as TensorFlow 1.15's `tf.scan`.

    Args:
        fn: a function of the accumulated value and a slice of `elems`, which gives the next accumulated value.
        elems: a tensor, or a nested structure of tensors with the same first size.
        initializer: the first accumulated value; the first slice by default.
        parallel_iterations: accepted.
        back_prop: whether gradients flow through.
        swap_memory: accepted.
        infer_shape: whether all results have one shape.
        reverse: start at the last slice; results stand at the place of their slice.
        name: name scope.

    Raises:
        TypeError: `fn` is not callable.
        ValueError: an elem is a scalar, or `fn` gives another structure than `initializer` has.
    """
    _check_function(fn)
    with name_scope(name, "scan"):
        values = _Elements(elems)
        start, first = _start(values, initializer, reverse)
        results = nest.map_structure(lambda t: _results(t.dtype.base_dtype, values.count, infer_shape, t), start)
        if initializer is None:
            results = _written(results, values.count - 1 if reverse else constant(0), start)
        step = -1 if reverse else 1

        def body(i: Tensor, accumulated: Any, arrays: Any) -> Any:
            found = fn(accumulated, values.read(i))
            nest.assert_same_structure(start, found, check_types=False)
            flat = [convert_to_tensor(x) for x in nest.flatten(found)]
            found = nest.pack_sequence_as(start, flat)
            return i + step, found, _written(arrays, i, found)

        def condition(i: Tensor, *_: Any) -> Tensor:
            return i >= 0 if reverse else i < values.count

        options = _options(parallel_iterations, back_prop, swap_memory)
        loop = (first, start, results)
        _, _, arrays = while_loop(condition, body, loop, maximum_iterations=values.count, **options)
        return nest.map_structure(lambda array: _stacked(array, values.length), arrays)


def foldl(
    fn: Callable[..., Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """The last `accumulated = fn(accumulated, slice)` over the slices of `elems` from the first to the last."""
    return _fold(fn, elems, initializer, _options(parallel_iterations, back_prop, swap_memory), name or "foldl", False)


def foldr(
    fn: Callable[..., Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """The last `accumulated = fn(accumulated, slice)` over the slices of `elems` from the last to the first."""
    return _fold(fn, elems, initializer, _options(parallel_iterations, back_prop, swap_memory), name or "foldr", True)


def _fold(
    fn: Callable[..., Any], elems: Any, initializer: Any, options: dict[str, Any], name: str, reverse: bool
) -> Any:
    _check_function(fn)
    with name_scope(name):
        values = _Elements(elems)
        start, first = _start(values, initializer, reverse)
        step = -1 if reverse else 1

        def condition(i: Tensor, _: Any) -> Tensor:
            return i >= 0 if reverse else i < values.count

        def body(i: Tensor, accumulated: Any) -> Any:
            return i + step, fn(accumulated, values.read(i))

        _, result = while_loop(condition, body, (first, start), maximum_iterations=values.count, **options)
        return result


class _Elements:
    """The slices of a structure of tensors along their first axis, as arrays that a loop reads."""

    def __init__(self, elems: Any) -> None:
        self.structure = nest.map_structure(lambda t: convert_to_tensor(t, name="elem"), elems)
        flat: list[Tensor] = nest.flatten(self.structure)
        self.dtypes = nest.map_structure(lambda t: t.dtype.base_dtype, self.structure)
        sizes: Any = (None,)
        for tensor in flat:
            if tensor.sizes == ():
                raise ValueError("elements in elems must be 1+ dimensional Tensors, not scalars")
            sizes = merge_sizes(sizes, None if tensor.sizes is None else tensor.sizes[:1])
        self.length: int | None = sizes[0]
        self.count = shape(flat[0])[0] if self.length is None else constant(self.length)
        self.arrays = [
            TensorArray(t.dtype, self.count, clear_after_read=False, infer_shape=True).unstack(t) for t in flat
        ]

    def read(self, index: Any) -> Any:
        """The slices at `index`, in the structure of the elements."""
        return nest.pack_sequence_as(self.structure, [array.read(index) for array in self.arrays])


def _start(values: _Elements, initializer: Any, reverse: bool) -> tuple[Any, Tensor]:
    last = values.count - 1
    if initializer is None:
        first = last - 1 if reverse else constant(1)
        return values.read(last if reverse else 0), first
    given = nest.map_structure(lambda t: convert_to_tensor(t, name="initializer"), initializer)
    return given, last if reverse else constant(0)


def _check_function(fn: Any) -> None:
    if not callable(fn):
        raise TypeError("fn must be callable")


def _options(parallel_iterations: int | None, back_prop: bool, swap_memory: bool) -> dict[str, Any]:
    return {"parallel_iterations": parallel_iterations or 10, "back_prop": back_prop, "swap_memory": swap_memory}


def _results(dtype: Any, count: Tensor, infer_shape: bool, like: Tensor | None = None) -> TensorArray:
    element = TensorShape(like.sizes) if like is not None and infer_shape else None
    return TensorArray(as_dtype(dtype), count, infer_shape=infer_shape, element_shape=element)


def _written(arrays: Any, index: Any, values: Any) -> Any:
    pairs = builtins.zip(nest.flatten(arrays), nest.flatten(values), strict=True)
    return nest.pack_sequence_as(arrays, [array.write(index, value) for array, value in pairs])


def _stacked(array: TensorArray, length: int | None) -> Tensor:
    result = array.stack()
    if length is not None and result.sizes is not None:
        result.set_shape((length, *result.sizes[1:]))
    return result

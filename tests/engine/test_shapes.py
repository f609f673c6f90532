"""Shapes: Dimension, TensorShape and the helpers on plain tuples. Values are those of TF 1.15."""

import copy
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from headrace.engine import shapes
from headrace.engine.shapes import (
    Dimension,
    Sizes,
    TensorShape,
    are_compatible,
    as_shape,
    as_sizes,
    broadcast_sizes,
    merge_sizes,
)

UNKNOWN = TensorShape(None)


def untyped(value: object) -> Any:
    """Hides from the type checker what a user without one may pass."""
    return value


@pytest.mark.parametrize(
    ("operation", "left", "right", "expected"),
    [
        (operator.add, Dimension(3), 2, 5),
        (operator.add, 2, Dimension(3), 5),
        (operator.sub, Dimension(3), Dimension(2), 1),
        (operator.sub, 7, Dimension(3), 4),
        (operator.mul, Dimension(3), 2, 6),
        (operator.mul, 2, Dimension(3), 6),
        (operator.floordiv, Dimension(7), 2, 3),
        (operator.floordiv, 7, Dimension(2), 3),
        (operator.mod, Dimension(7), 4, 3),
        (operator.mod, 7, Dimension(4), 3),
        (operator.add, Dimension(None), 2, None),
        (operator.mul, Dimension(2), None, None),
        (operator.mod, None, Dimension(2), None),
    ],
)
def test_dimension_arithmetic(
    operation: Callable[[Any, Any], Any], left: Any, right: Any, expected: int | None
) -> None:
    result = operation(left, right)
    assert type(result) is Dimension and result.value == expected


@pytest.mark.parametrize(
    ("operation", "other", "expected"),
    [
        (operator.eq, 3, True),
        (operator.eq, Dimension(4), False),
        (operator.eq, None, None),
        (operator.eq, Dimension(None), None),
        (operator.eq, "a", False),
        (operator.eq, -1, False),
        (operator.ne, 3, False),
        (operator.ne, 4, True),
        (operator.ne, None, None),
        (operator.ne, "a", True),
        (operator.lt, 4, True),
        (operator.le, 2, False),
        (operator.gt, None, None),
        (operator.ge, np.int64(3), True),
    ],
)
def test_dimension_comparison(operation: Callable[[Any, Any], Any], other: Any, expected: bool | None) -> None:
    assert operation(Dimension(3), other) is expected


def test_dimension_as_a_value() -> None:
    assert (repr(Dimension(3)), str(Dimension(3)), str(Dimension(None))) == (
        "Dimension(3)",
        "3",
        "?",
    )
    assert int(Dimension(3)) == 3 and list(range(Dimension(2))) == [0, 1] and np.zeros(Dimension(2)).size
    assert hash(Dimension(3)) == hash(3)
    assert copy.deepcopy(Dimension(3)).value == 3
    assert [1] * Dimension(2) == [1, 1]
    assert Dimension(None).merge_with(4).value == Dimension(4).merge_with(None).value == 4


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: Dimension(-1), ValueError, "Dimension -1 must be >= 0"),
        (lambda: Dimension(2**63), ValueError, "must be <= 9223372036854775807"),
        (lambda: Dimension(untyped(2.0)), TypeError, "Expected an integer, .* got 2.0"),
        (lambda: Dimension(untyped("3")), TypeError, "got '3'"),
        (lambda: Dimension(3) - 5, ValueError, "Dimension -2"),
        (lambda: Dimension(3) + untyped("a"), TypeError, "unsupported operand"),
        (lambda: Dimension(3) < untyped("a"), TypeError, "not supported"),
        (lambda: Dimension(3) // 0, ZeroDivisionError, "zero"),
        (lambda: Dimension(3) / 2, TypeError, "use //"),
        (lambda: 2 / Dimension(3), TypeError, "use //"),
        (lambda: int(Dimension(None)), TypeError, "is unknown"),
        (lambda: Dimension(3).merge_with(4), ValueError, "Dimensions 3 and 4 are not compatible"),
        (lambda: setattr(Dimension(3), "value", 4), AttributeError, "immutable"),
        (lambda: TensorShape([-1]), ValueError, "Dimension -1 must be >= 0"),
        (lambda: TensorShape(untyped("ab")), TypeError, "A string is no shape: got 'ab'"),
        (lambda: TensorShape(untyped([[1]])), TypeError, r"got \[1\]"),
        (lambda: TensorShape(untyped(2.5)), TypeError, "got 2.5"),
        (lambda: TensorShape([1, 2])[5], IndexError, r"Shape \(1, 2\) has no dimension 5"),
        (lambda: len(UNKNOWN), ValueError, "Cannot take the length of shape with unknown rank"),
        (lambda: list(UNKNOWN), ValueError, "Cannot iterate over a shape with unknown rank"),
        (lambda: UNKNOWN.as_list(), ValueError, "as_list.. is not defined"),
        (lambda: UNKNOWN.assert_is_fully_defined(), ValueError, "<unknown> is not fully defined"),
        (lambda: TensorShape([1, 2]).merge_with([2]), ValueError, r"\(1, 2\) and \(2,\) are not"),
        (
            lambda: TensorShape([1, 2]).assert_is_compatible_with([2, 2]),
            ValueError,
            r"Shapes \(1, 2\) and \(2, 2\) are incompatible",
        ),
        (lambda: TensorShape([1]).with_rank(3), ValueError, r"Shape \(1,\) must have rank 3"),
        (lambda: TensorShape([1]).with_rank_at_least(3), ValueError, "must have rank at least 3"),
        (lambda: TensorShape([1]).with_rank_at_most(0), ValueError, "must have rank at most 0"),
        (
            lambda: TensorShape([1]).assert_same_rank([1, 2]),
            ValueError,
            r"\(1,\) and \(1, 2\) must have the same rank",
        ),
        (lambda: setattr(UNKNOWN, "sizes", ()), AttributeError, "immutable"),
    ],
)
def test_refused(call: Callable[[], Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize(
    ("value", "sizes", "text"),
    [
        (None, None, "<unknown>"),
        ([], (), "()"),
        (3, (3,), "(3,)"),
        (Dimension(None), (None,), "(?,)"),
        ([2, None], (2, None), "(2, ?)"),
        ((Dimension(2), np.int32(0)), (2, 0), "(2, 0)"),
        (np.array([1, 2]), (1, 2), "(1, 2)"),
        (np.array(3), (3,), "(3,)"),
        (TensorShape([4]), (4,), "(4,)"),
    ],
)
def test_conversion(value: Any, sizes: Sizes, text: str) -> None:
    shape = TensorShape(value)
    assert shape.sizes == as_sizes(value) == as_shape(value).sizes == sizes
    assert str(shape) == text
    assert shape == sizes and shape == TensorShape(sizes) and hash(shape) == hash(as_shape(sizes))
    assert shape.rank == shape.ndims == (None if sizes is None else len(sizes))
    assert bool(shape) is (sizes is not None)
    assert copy.deepcopy(shape) == shape
    assert all(type(size) is int for size in shape.sizes or () if size is not None)


def test_repr() -> None:
    assert repr(TensorShape([2, None])) == "TensorShape([Dimension(2), Dimension(None)])"
    assert repr(UNKNOWN) == "TensorShape(None)"


def test_equality_never_raises() -> None:
    shape = TensorShape([1])
    assert shape == (1,) and shape == [1]
    assert all(shape != other for other in (None, [2], [None], 3, "a", [-1], [0.5], object()))
    assert UNKNOWN == None and UNKNOWN != [None]  # noqa: E711


@pytest.mark.parametrize(
    ("shape", "key", "expected"),
    [
        (TensorShape([1, 2, 3]), slice(None, None, 2), (1, 3)),
        (TensorShape([1, 2, 3]), slice(-2, None), (2, 3)),
        (UNKNOWN, slice(1, 3), (None, None)),
        (UNKNOWN, slice(3, 1), ()),
        (UNKNOWN, slice(1, None), None),
        (UNKNOWN, slice(-2, None), None),
        (UNKNOWN, slice(0, -1), None),
        (UNKNOWN, slice(0, 4, 2), None),
    ],
)
def test_slices(shape: TensorShape, key: slice, expected: Sizes) -> None:
    assert shape[key].sizes == expected


def test_items() -> None:
    shape = TensorShape([1, None])
    assert type(shape[0]) is Dimension and shape[0].value == 1 and shape[-1].value is None
    assert UNKNOWN[0].value is None
    assert len(shape) == 2 and [size.value for size in shape] == [1, None] == shape.as_list()


@pytest.mark.parametrize(
    ("sizes", "count", "static"),
    [
        ((), 1, True),
        ((2, 3), 6, True),
        ((0, 5), 0, True),
        ((2, None), None, False),
        (None, None, False),
    ],
)
def test_counting(sizes: Sizes, count: int | None, static: bool) -> None:
    assert TensorShape(sizes).num_elements() == shapes.count_elements(sizes) == count
    assert TensorShape(sizes).is_fully_defined() is shapes.is_static(sizes) is static


def test_combining() -> None:
    shape = TensorShape([2, None])
    assert shape.concatenate([3]) == shape + TensorShape(3) == (2, None, 3)
    assert as_shape(3) + shape == 3 + shape == (3, 2, None)
    assert shape.concatenate(Dimension(None)) == (2, None, None)
    assert shape.concatenate(None) == UNKNOWN.concatenate([1]) == UNKNOWN
    assert shape.merge_with([None, 4]) == (2, 4) and shape.merge_with(None) == shape
    assert UNKNOWN.with_rank(2) == (None, None) and shape.with_rank(2) is shape
    assert shape.with_rank_at_least(1) is shape.with_rank_at_most(2) is shape
    assert UNKNOWN.with_rank_at_least(3).sizes is None
    assert shape.most_specific_compatible_shape([2, 5]) == (2, None)
    assert shape.most_specific_compatible_shape([2]) == UNKNOWN
    shape.assert_same_rank(None)
    shape.assert_has_rank(None)
    UNKNOWN.assert_has_rank(2)


def test_makers() -> None:
    assert shapes.unknown_shape() == UNKNOWN and shapes.unknown_shape(2) == (None, None)
    assert shapes.scalar() == () and shapes.vector(3) == (3,)
    assert shapes.matrix(2, None) == (2, None)
    assert shapes.dimension_value(Dimension(3)) == shapes.dimension_value(3) == 3
    assert shapes.dimension_value(Dimension(None)) is shapes.dimension_value(None) is None
    assert shapes.dimension_at_index([4, 5], 1).value == 5
    assert shapes.dimension_at_index(None, 1).value is None


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((None, 0), (0, None), (None, None)),
        ((None, 1), (5, None), (5, None)),
        ((None, 1), None, None),
        ((None,), (), (None,)),
        ((), (2, None), (2, None)),
        ((8, 1, 6), (7, 1), (8, 7, 6)),
    ],
)
def test_broadcast(a: Sizes, b: Sizes, expected: Sizes) -> None:
    assert broadcast_sizes(a, b) == broadcast_sizes(b, a) == expected


@pytest.mark.parametrize(("a", "b"), [((2, 3), (4,)), ((None, 2), (5, 3)), ((0,), (2,))])
def test_broadcast_refuses(a: Sizes, b: Sizes) -> None:
    with pytest.raises(ValueError, match=r"for broadcasting: .* and .*; sizes"):
        broadcast_sizes(a, b)


static_sizes = st.lists(st.integers(0, 3), max_size=4).map(tuple)


@st.composite
def sizes_and_mask(draw: st.DrawFn) -> tuple[tuple[int, ...], Sizes]:
    """A true shape, and what is known of it."""
    sizes = draw(static_sizes)
    hidden = draw(st.lists(st.booleans(), min_size=len(sizes), max_size=len(sizes)))
    masked = tuple(None if hide else size for size, hide in zip(sizes, hidden, strict=True))
    return sizes, draw(st.sampled_from([masked, masked, masked, None]))


@given(static_sizes, static_sizes)
def test_static_broadcast_is_numpys(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        with pytest.raises(ValueError, match="Incompatible shapes"):
            broadcast_sizes(a, b)
    else:
        assert broadcast_sizes(a, b) == expected


@given(sizes_and_mask(), sizes_and_mask())
def test_partial_broadcast_admits_what_runs(
    one: tuple[tuple[int, ...], Sizes], other: tuple[tuple[int, ...], Sizes]
) -> None:
    (a, known_a), (b, known_b) = one, other
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        return
    assert are_compatible(broadcast_sizes(known_a, known_b), expected)


@given(sizes_and_mask(), st.data())
def test_merge_keeps_the_truth(one: tuple[tuple[int, ...], Sizes], data: st.DataObject) -> None:
    true, known = one
    hidden = data.draw(st.lists(st.booleans(), min_size=len(true), max_size=len(true)))
    again = tuple(None if hide else size for size, hide in zip(true, hidden, strict=True))
    merged = merge_sizes(known, again)
    assert merged == merge_sizes(again, known) == merge_sizes(merged, known)
    assert are_compatible(merged, true) and merge_sizes(merged, true) == true
    assert known is None or merged is not None


@given(sizes_and_mask(), sizes_and_mask())
def test_merge_raises_exactly_where_incompatible(
    one: tuple[tuple[int, ...], Sizes], other: tuple[tuple[int, ...], Sizes]
) -> None:
    a, b = one[1], other[1]
    if are_compatible(a, b):
        assert are_compatible(merge_sizes(a, b), a)
    else:
        with pytest.raises(ValueError, match="are not compatible"):
            merge_sizes(a, b)

"""Static shapes: TensorFlow 1.15's TensorShape and Dimension over plain tuples of sizes.

Engine code works on the tuples (`Sizes`, None for an unknown rank or size), users on the classes.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from typing import Final, NoReturn, SupportsIndex, TypeAlias, TypeGuard, cast, overload

Sizes: TypeAlias = tuple[int | None, ...] | None
_LARGEST: Final = 2**63 - 1


class Dimension:
    """The size of one dimension, `value`, which is None where it is not known.

    Arithmetic with an unknown size gives an unknown one; comparison with it gives None, as TF 1.15.

    >>> Dimension(3) * 2, Dimension(3) + None, Dimension(3) == None
    (Dimension(6), Dimension(None), None)
    """

    __slots__ = ("value",)

    value: int | None

    def __init__(self, value: DimensionLike) -> None:
        object.__setattr__(self, "value", size_of(value))

    def __setattr__(self, attribute: str, value: object) -> NoReturn:
        raise AttributeError(f"{self!r} is immutable: cannot set {attribute}")

    def __repr__(self) -> str:
        return f"Dimension({self.value})"

    def __str__(self) -> str:
        return "?" if self.value is None else str(self.value)

    def __reduce__(self) -> tuple[object, ...]:
        return Dimension, (self.value,)

    def __hash__(self) -> int:
        return hash(self.value)

    def __index__(self) -> int:
        if self.value is None:
            raise TypeError("Dimension(None) is unknown: it cannot be made an int")
        return self.value

    __int__ = __index__

    def is_compatible_with(self, other: DimensionLike) -> bool:
        """Returns whether the two can be the same size."""
        size = size_of(other)
        return self.value is None or size is None or self.value == size

    def assert_is_compatible_with(self, other: DimensionLike) -> None:
        """Raises ValueError where the two cannot be the same size."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {Dimension(other)} are not compatible")

    def merge_with(self, other: DimensionLike) -> Dimension:
        """Returns what is known of a size that is both; ValueError where there is none."""
        self.assert_is_compatible_with(other)
        return Dimension(other) if self.value is None else self

    def __eq__(self, other: object) -> bool | None:  # type: ignore[override]
        return _compared(operator.eq, self, other)

    def __ne__(self, other: object) -> bool | None:  # type: ignore[override]
        return _compared(operator.ne, self, other)

    def __lt__(self, other: DimensionLike) -> bool | None:
        return _compared(operator.lt, self, other)

    def __le__(self, other: DimensionLike) -> bool | None:
        return _compared(operator.le, self, other)

    def __gt__(self, other: DimensionLike) -> bool | None:
        return _compared(operator.gt, self, other)

    def __ge__(self, other: DimensionLike) -> bool | None:
        return _compared(operator.ge, self, other)

    def __add__(self, other: DimensionLike) -> Dimension:
        return _combined(operator.add, self, other)

    def __radd__(self, other: DimensionLike) -> Dimension:
        return _combined(operator.add, other, self)

    def __sub__(self, other: DimensionLike) -> Dimension:
        return _combined(operator.sub, self, other)

    def __rsub__(self, other: DimensionLike) -> Dimension:
        return _combined(operator.sub, other, self)

    def __mul__(self, other: DimensionLike) -> Dimension:
        return _combined(operator.mul, self, other)

    def __rmul__(self, other: DimensionLike) -> Dimension:
        return _combined(operator.mul, other, self)

    def __floordiv__(self, other: DimensionLike) -> Dimension:
        return _combined(operator.floordiv, self, other)

    def __rfloordiv__(self, other: DimensionLike) -> Dimension:
        return _combined(operator.floordiv, other, self)

    def __mod__(self, other: DimensionLike) -> Dimension:
        return _combined(operator.mod, self, other)

    def __rmod__(self, other: DimensionLike) -> Dimension:
        return _combined(operator.mod, other, self)

    def __truediv__(self, other: object) -> NoReturn:
        raise TypeError(f"A Dimension is not divided by /: use // for {self!r} and {other!r}")

    def __rtruediv__(self, other: object) -> NoReturn:
        raise TypeError(f"A Dimension is not divided by /: use // for {other!r} and {self!r}")


DimensionLike: TypeAlias = Dimension | SupportsIndex | None


# NotImplemented lets the other operand try.
def _combined(operation: Callable[[int, int], int], left: object, right: object) -> Dimension:
    if not (_is_dimension_like(left) and _is_dimension_like(right)):
        return cast("Dimension", NotImplemented)
    one, other = size_of(left), size_of(right)
    return Dimension(None if one is None or other is None else operation(one, other))


def _compared(operation: Callable[[int, int], bool], left: Dimension, right: object) -> bool | None:
    if not _is_dimension_like(right):
        return cast("bool", NotImplemented)
    one, other = left.value, _index_of(right)
    return None if one is None or other is None else operation(one, other)


def _is_dimension_like(value: object) -> TypeGuard[DimensionLike]:
    if value is None or isinstance(value, int | Dimension):
        return True
    try:
        operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return False
    return True


def _index_of(value: DimensionLike) -> int | None:
    if isinstance(value, Dimension):
        return value.value
    return None if value is None else int(operator.index(value))


def size_of(value: DimensionLike) -> int | None:
    """Returns the size that an int, a Dimension or None means; None where it is unknown.

    Raises:
        TypeError: where it is no integer.
        ValueError: where it is negative or above 2**63 - 1.
    """
    try:
        size = _index_of(value)
    except TypeError:
        raise TypeError(f"Expected an integer, a Dimension or None as a size, got {value!r}") from None
    if size is not None and not 0 <= size <= _LARGEST:
        bound = ">= 0" if size < 0 else f"<= {_LARGEST}"
        raise ValueError(f"Dimension {size} must be {bound}")
    return size


class TensorShape:
    """The static shape of a tensor, in which the rank or single sizes may be unknown (None).

    `sizes` is the plain tuple, or None where the rank is unknown. As in TF 1.15 an index gives a
    Dimension and a slice a TensorShape.

    >>> shape = TensorShape([2, None])
    >>> shape, str(shape), shape[0], shape.merge_with([None, 3]).as_list()
    (TensorShape([Dimension(2), Dimension(None)]), '(2, ?)', Dimension(2), [2, 3])
    """

    __slots__ = ("sizes",)

    sizes: Sizes

    def __init__(self, dims: ShapeLike) -> None:
        object.__setattr__(self, "sizes", as_sizes(dims))

    @classmethod
    def of_sizes(cls, sizes: Sizes) -> TensorShape:
        """Returns the shape of a tuple that is known to be right, without checking it."""
        shape = cls.__new__(cls)
        object.__setattr__(shape, "sizes", sizes)
        return shape

    def __setattr__(self, attribute: str, value: object) -> NoReturn:
        raise AttributeError(f"{self!r} is immutable: cannot set {attribute}")

    def __reduce__(self) -> tuple[object, ...]:
        return TensorShape, (self.sizes,)

    def __repr__(self) -> str:
        return f"TensorShape({self.dims!r})"

    def __str__(self) -> str:
        return sizes_text(self.sizes)

    @property
    def rank(self) -> int | None:
        """The number of dimensions, or None."""
        return None if self.sizes is None else len(self.sizes)

    @property
    def ndims(self) -> int | None:
        """The number of dimensions, or None; the same as `rank`."""
        return self.rank

    @property
    def dims(self) -> list[Dimension] | None:
        """The sizes as Dimensions, or None where the rank is unknown."""
        return None if self.sizes is None else [Dimension(size) for size in self.sizes]

    def as_list(self) -> list[int | None]:
        """Returns the sizes, None for unknown ones; ValueError where the rank is unknown."""
        return list(self._known("as_list() is not defined on an unknown TensorShape."))

    def _known(self, otherwise: str) -> tuple[int | None, ...]:
        if self.sizes is None:
            raise ValueError(otherwise)
        return self.sizes

    def num_elements(self) -> int | None:
        """Returns the product of the sizes, or None where one is unknown."""
        return count_elements(self.sizes)

    def is_fully_defined(self) -> bool:
        """Returns whether rank and all sizes are known."""
        return is_static(self.sizes)

    def assert_is_fully_defined(self) -> None:
        """Raises ValueError where the rank or a size is unknown."""
        if not is_static(self.sizes):
            raise ValueError(f"Shape {self} is not fully defined")

    def is_compatible_with(self, other: ShapeLike) -> bool:
        """Returns whether a tensor can have both shapes."""
        return are_compatible(self.sizes, as_sizes(other))

    def assert_is_compatible_with(self, other: ShapeLike) -> None:
        """Raises ValueError where no tensor can have both shapes."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {as_shape(other)} are incompatible")

    def merge_with(self, other: ShapeLike) -> TensorShape:
        """Returns what is known of a tensor that has both shapes; ValueError where none can."""
        return TensorShape.of_sizes(merge_sizes(self.sizes, as_sizes(other)))

    def most_specific_compatible_shape(self, other: ShapeLike) -> TensorShape:
        """Returns the shape that keeps only what both agree on.

        >>> str(TensorShape([1, 2]).most_specific_compatible_shape([1, 3]))
        '(1, ?)'
        """
        sizes = as_sizes(other)
        if self.sizes is None or sizes is None or len(self.sizes) != len(sizes):
            return unknown_shape()
        pairs = zip(self.sizes, sizes, strict=True)
        return TensorShape.of_sizes(tuple(a if a == b else None for a, b in pairs))

    def concatenate(self, other: ShapeLike) -> TensorShape:
        """Returns these dimensions followed by those of `other`, which may be one size."""
        sizes = as_sizes(other)
        if self.sizes is None or sizes is None:
            return unknown_shape()
        return TensorShape.of_sizes(self.sizes + sizes)

    def with_rank(self, rank: int) -> TensorShape:
        """Returns this shape, now known to have the rank; ValueError where it has another."""
        if self.sizes is None:
            return unknown_shape(rank)
        self.assert_has_rank(rank)
        return self

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """Returns this shape; ValueError where it has fewer dimensions."""
        if self.sizes is not None and len(self.sizes) < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """Returns this shape; ValueError where it has more dimensions."""
        if self.sizes is not None and len(self.sizes) > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def assert_has_rank(self, rank: int | None) -> None:
        """Raises ValueError where the rank is known and another."""
        if self.rank not in (None, rank) and rank is not None:
            raise ValueError(f"Shape {self} must have rank {rank}")

    def assert_same_rank(self, other: ShapeLike) -> None:
        """Raises ValueError where both ranks are known and differ."""
        shape = as_shape(other)
        if None not in (self.rank, shape.rank) and self.rank != shape.rank:
            raise ValueError(f"Shapes {self} and {shape} must have the same rank")

    @overload
    def __getitem__(self, key: SupportsIndex) -> Dimension: ...
    @overload
    def __getitem__(self, key: slice) -> TensorShape: ...
    def __getitem__(self, key: SupportsIndex | slice) -> Dimension | TensorShape:
        if self.sizes is None:
            return _slice_of_unknown(key) if isinstance(key, slice) else Dimension(None)
        if isinstance(key, slice):
            return TensorShape.of_sizes(self.sizes[key])
        try:
            return Dimension(self.sizes[key])
        except IndexError:
            raise IndexError(f"Shape {self} has no dimension {operator.index(key)}") from None

    def __len__(self) -> int:
        return len(self._known("Cannot take the length of shape with unknown rank."))

    def __iter__(self) -> Iterator[Dimension]:
        sizes = self._known("Cannot iterate over a shape with unknown rank.")
        return map(Dimension, sizes)

    def __bool__(self) -> bool:
        return self.sizes is not None

    def __add__(self, other: ShapeLike) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: ShapeLike) -> TensorShape:
        return as_shape(other).concatenate(self)

    def __eq__(self, other: object) -> bool:
        if type(other) is TensorShape:
            return self.sizes == other.sizes
        try:
            return self.sizes == as_sizes(other)  # type: ignore[arg-type]
        except TypeError:
            return NotImplemented
        except ValueError:
            return False

    def __hash__(self) -> int:
        return hash(self.sizes)


ShapeLike: TypeAlias = TensorShape | Iterable[DimensionLike] | DimensionLike


def _slice_of_unknown(key: slice) -> TensorShape:
    start = 0 if key.start is None else key.start
    if key.stop is None or key.step not in (None, 1) or start < 0 or key.stop < 0:
        return unknown_shape()
    return unknown_shape(max(key.stop - start, 0))


def as_sizes(value: ShapeLike) -> Sizes:
    """Returns the plain tuple of anything that means a shape; None means an unknown rank.

    Raises:
        TypeError: where it is no shape or holds what is no size.
        ValueError: where a size is negative; an unknown one is None, not -1.

    >>> as_sizes([2, None]), as_sizes(3), as_sizes(None)
    ((2, None), (3,), None)
    """
    if value is None or isinstance(value, TensorShape):
        return None if value is None else value.sizes
    if isinstance(value, str | bytes):
        raise TypeError(f"A string is no shape: got {value!r}, expected a list of ints and None")
    try:
        dims = tuple(value)  # type: ignore[arg-type]
    except TypeError:
        return (size_of(value),)  # type: ignore[arg-type]
    return tuple([size_of(dim) for dim in dims])


def as_shape(value: ShapeLike) -> TensorShape:
    """Returns the TensorShape that `value` means; the errors are those of `as_sizes`."""
    return value if isinstance(value, TensorShape) else TensorShape(value)


def as_dimension(value: DimensionLike) -> Dimension:
    """Returns the Dimension that `value` means; the errors are those of `size_of`."""
    return value if isinstance(value, Dimension) else Dimension(value)


def unknown_shape(rank: int | None = None) -> TensorShape:
    """Returns a shape of unknown sizes, and of unknown rank where none is given."""
    return TensorShape.of_sizes(None if rank is None else (None,) * rank)


def scalar() -> TensorShape:
    """Returns the shape of a scalar."""
    return TensorShape.of_sizes(())


def vector(length: DimensionLike) -> TensorShape:
    """Returns the shape of a vector."""
    return TensorShape([length])


def matrix(rows: DimensionLike, columns: DimensionLike) -> TensorShape:
    """Returns the shape of a matrix."""
    return TensorShape([rows, columns])


def dimension_value(dimension: DimensionLike) -> int | None:
    """Returns the int of a Dimension or int, None where unknown; as tf.dimension_value."""
    return _index_of(dimension)


def dimension_at_index(shape: ShapeLike, index: int) -> Dimension:
    """Returns one Dimension of a shape, an unknown one where the rank is unknown."""
    return as_shape(shape)[index]


def sizes_text(sizes: Sizes) -> str:
    """Returns how error messages write a shape: ``(2, ?)``, ``(2,)``, ``<unknown>``."""
    if sizes is None:
        return "<unknown>"
    inside = ", ".join("?" if size is None else str(size) for size in sizes)
    return f"({inside},)" if len(sizes) == 1 else f"({inside})"


def is_static(sizes: Sizes) -> TypeGuard[tuple[int, ...]]:
    """Returns whether rank and all sizes are known."""
    return sizes is not None and None not in sizes


def count_elements(sizes: Sizes) -> int | None:
    """Returns the product of the sizes, or None where one is unknown."""
    return math.prod(sizes) if is_static(sizes) else None


def are_compatible(a: Sizes, b: Sizes) -> bool:
    """Returns whether one tensor can have both shapes."""
    if a is None or b is None or a == b:
        return True
    if len(a) != len(b):
        return False
    return all(x is None or y is None or x == y for x, y in zip(a, b, strict=True))


def merge_sizes(a: Sizes, b: Sizes) -> Sizes:
    """Returns what is known of a tensor that has both shapes; ValueError where none can.

    >>> merge_sizes((2, None), (None, 3))
    (2, 3)
    """
    if not are_compatible(a, b):
        raise ValueError(f"Shapes {sizes_text(a)} and {sizes_text(b)} are not compatible")
    if a is None or b is None:
        return b if a is None else a
    return tuple([y if x is None else x for x, y in zip(a, b, strict=True)])


def broadcast_sizes(a: Sizes, b: Sizes) -> Sizes:
    """Returns the shape of an element-wise operation on both, by NumPy's rules.

    As in TF 1.15 an unknown size beside one above 1 must be that or 1; beside 0, 1 or another
    unknown one the result is unknown. ValueError names both shapes where they do not fit.

    >>> broadcast_sizes((5, 1, None), (4, 3))
    (5, 4, 3)
    """
    if a is None or b is None:
        return None
    if a == b:
        return a
    pairs = zip_longest(reversed(a), reversed(b), fillvalue=1)
    result = [_broadcast_size(x, y) for x, y in pairs]
    if -1 in result:
        raise ValueError(
            f"Incompatible shapes for broadcasting: {sizes_text(a)} and {sizes_text(b)}; sizes "
            "counted from the last must be equal, or one of them 1"
        )
    return tuple(reversed(result))


def _broadcast_size(x: int | None, y: int | None) -> int | None:
    """Returns the size of both, None where unknown and -1 where they do not fit."""
    if x is None or y is None:
        known = y if x is None else x
        return known if known is not None and known > 1 else None
    if x == y or y == 1:
        return x
    return y if x == 1 else -1

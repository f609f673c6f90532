"""Nested structures of lists, tuples, named tuples and dicts: taking them apart and putting them together again.

As TensorFlow 1.15's `nest`: dicts are walked in the order of their sorted keys, strings and arrays are leaves. Things
made of several tensors (SparseTensor, IndexedSlices, TensorArray) are leaves, unless `expand_composites` takes them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .tensor_types import IndexedSlices, SparseTensor


def is_sequence(value: Any) -> bool:
    """Whether `value` is a structure and not a leaf."""
    return isinstance(value, list | tuple | Mapping)


is_nested = is_sequence


def is_composite(value: Any) -> bool:
    """Whether `value` is made of several tensors, or stands for one under another type."""
    return isinstance(value, IndexedSlices | SparseTensor) or hasattr(value, "_composite_parts")


def composite_parts(value: Any) -> list[Any]:
    """The tensors that a composite is made of."""
    if isinstance(value, SparseTensor):
        return [value.indices, value.values, value.dense_shape]
    if isinstance(value, IndexedSlices):
        return [value.values, value.indices] + ([] if value.dense_shape is None else [value.dense_shape])
    return list(value._composite_parts())


def composite_like(value: Any, parts: Sequence[Any]) -> Any:
    """A composite of the kind of `value` made of other tensors."""
    if isinstance(value, SparseTensor):
        return SparseTensor(*parts)
    if isinstance(value, IndexedSlices):
        return IndexedSlices(*parts)
    return value._composite_like(list(parts))


def _sorted_keys(structure: Mapping[Any, Any]) -> list[Any]:
    try:
        return sorted(structure)
    except TypeError:
        raise TypeError(f"nest only supports dicts with sortable keys, got {list(structure)}") from None


def _children(structure: Any) -> list[Any]:
    if isinstance(structure, Mapping):
        return [structure[key] for key in _sorted_keys(structure)]
    return list(structure)


def _like(structure: Any, children: Sequence[Any]) -> Any:
    if isinstance(structure, Mapping):
        by_key = dict(zip(_sorted_keys(structure), children, strict=True))
        items = [(key, by_key[key]) for key in structure]
        kind: Any = type(structure)
        if hasattr(structure, "default_factory"):
            return kind(structure.default_factory, items)
        return kind(items)
    if hasattr(structure, "_fields"):
        return type(structure)(*children)
    return type(structure)(children)


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves of a structure in order; a leaf alone gives a list of one.

    Example:
        >>> flatten([1, (2, {"b": 4, "a": 3})])
        [1, 2, 3, 4]
    """
    return list(_leaves(structure, expand_composites))


def _leaves(structure: Any, expand: bool) -> Iterator[Any]:
    if is_sequence(structure):
        for child in _children(structure):
            yield from _leaves(child, expand)
    elif expand and is_composite(structure):
        yield from composite_parts(structure)
    else:
        yield structure


def pack_sequence_as(structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
    """The leaves `flat_sequence` arranged as `structure` is; the inverse of `flatten`.

    Raises:
        TypeError: `flat_sequence` is not a sequence.
        ValueError: there are more or fewer leaves than the structure has.
    """
    if not isinstance(flat_sequence, list | tuple):
        raise TypeError(f"flat_sequence must be a sequence, got {type(flat_sequence).__name__}")
    count = len(flatten(structure, expand_composites))
    if count != len(flat_sequence):
        raise ValueError(
            f"Structure had {count} elements, but flat_sequence had {len(flat_sequence)} elements.  "
            f"Structure: {structure}, flat_sequence: {flat_sequence}."
        )
    return _packed(structure, iter(flat_sequence), expand_composites)


def _packed(structure: Any, leaves: Iterator[Any], expand: bool) -> Any:
    if is_sequence(structure):
        return _like(structure, [_packed(child, leaves, expand) for child in _children(structure)])
    if expand and is_composite(structure):
        return composite_like(structure, [next(leaves) for _ in composite_parts(structure)])
    return next(leaves)


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False) -> None:
    """Raises ValueError unless both are nested alike, and TypeError where their sequences are of different types."""
    try:
        _compare(nest1, nest2, check_types, expand_composites)
    except (TypeError, ValueError) as error:
        raise type(error)(
            "The two structures don't have the same nested structure.\n\n"
            f"First structure: type={type(nest1).__name__} str={nest1}\n\n"
            f"Second structure: type={type(nest2).__name__} str={nest2}\n\nMore specifically: {error}"
        ) from None


def _compare(a: Any, b: Any, check_types: bool, expand: bool) -> None:
    if is_sequence(a) != is_sequence(b):
        one, other = (a, b) if is_sequence(a) else (b, a)
        raise ValueError(
            f'Substructure "type={type(one).__name__} str={one}" is a sequence, '
            f'while substructure "type={type(other).__name__} str={other}" is not'
        )
    if expand and is_composite(a) != is_composite(b):
        raise ValueError(f"{a} and {b} are not made of tensors in the same way")
    if expand and is_composite(a) and type(a) is not type(b):
        raise TypeError(f"{type(a).__name__} is not {type(b).__name__}")
    if is_sequence(a):
        _compare_sequences(a, b, check_types, expand)


def _compare_sequences(a: Any, b: Any, check_types: bool, expand: bool) -> None:
    if check_types and not _alike(a, b):
        raise TypeError(
            "The two namedtuples don't have the same sequence type."
            if hasattr(a, "_fields") and hasattr(b, "_fields")
            else f"The two structures don't have the same sequence type. First structure has type {type(a).__name__}, "
            f"while second structure has type {type(b).__name__}."
        )
    if isinstance(a, Mapping) and isinstance(b, Mapping) and set(a) != set(b):
        raise ValueError(
            "The two dictionaries don't have the same set of keys. First structure has keys "
            f"{list(a)}, while second structure has keys {list(b)}"
        )
    first, second = _children(a), _children(b)
    if len(first) != len(second):
        raise ValueError(
            "The two structures don't have the same number of elements. "
            f"First structure has {len(first)}, second structure has {len(second)}."
        )
    for x, y in zip(first, second, strict=True):
        _compare(x, y, check_types, expand)


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return True
    if hasattr(a, "_fields") and hasattr(b, "_fields"):
        # Two namedtuple classes with one name and the same fields are one to their users.
        return type(a).__name__ == type(b).__name__ and a._fields == b._fields
    return type(a) is type(b)


def map_structure(
    func: Callable[..., Any], *structure: Any, check_types: bool = True, expand_composites: bool = False
) -> Any:
    """`func` of the corresponding leaves of one or more structures, arranged as the first one.

    Example:
        >>> map_structure(lambda x, y: x + y, [1, (2,)], [10, (20,)])
        [11, (22,)]
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    for other in structure[1:]:
        assert_same_structure(structure[0], other, check_types, expand_composites)
    flat = [flatten(s, expand_composites) for s in structure]
    return pack_sequence_as(structure[0], [func(*leaves) for leaves in zip(*flat, strict=True)], expand_composites)


def assert_shallow_structure(shallow_tree: Any, input_tree: Any, check_types: bool = True) -> None:
    """Raises TypeError or ValueError unless `shallow_tree` is `input_tree` with some subtrees replaced by leaves."""
    if not is_sequence(shallow_tree):
        return
    if not is_sequence(input_tree):
        raise TypeError(
            "If shallow structure is a sequence, input must also be a sequence. "
            f"Input has type: {type(input_tree).__name__}."
        )
    if check_types and not _alike(shallow_tree, input_tree):
        raise TypeError(
            "The two structures don't have the same sequence type. Input structure has type "
            f"{type(input_tree).__name__}, while shallow structure has type {type(shallow_tree).__name__}."
        )
    first, second = _children(shallow_tree), _children(input_tree)
    if len(first) != len(second):
        raise ValueError(
            "The two structures don't have the same sequence length. "
            f"Input structure has length {len(second)}, while shallow structure has length {len(first)}."
        )
    for a, b in zip(first, second, strict=True):
        assert_shallow_structure(a, b, check_types)


def flatten_up_to(shallow_tree: Any, input_tree: Any, check_types: bool = True) -> list[Any]:
    """The parts of `input_tree` that stand where `shallow_tree` has leaves."""
    assert_shallow_structure(shallow_tree, input_tree, check_types)
    return list(_up_to(shallow_tree, input_tree))


def _up_to(shallow: Any, tree: Any) -> Iterator[Any]:
    if not is_sequence(shallow):
        yield tree
        return
    for a, b in zip(_children(shallow), _children(tree), strict=True):
        yield from _up_to(a, b)


def map_structure_up_to(shallow_tree: Any, func: Callable[..., Any], *inputs: Any, check_types: bool = True) -> Any:
    """`func` of the parts of `inputs` that stand where `shallow_tree` has leaves, arranged as `shallow_tree`."""
    flat = [flatten_up_to(shallow_tree, tree, check_types) for tree in inputs]
    return pack_sequence_as(shallow_tree, [func(*parts) for parts in zip(*flat, strict=True)])


def flatten_dict_items(dictionary: Mapping[Any, Any]) -> dict[Any, Any]:
    """A dict with keys and values of equal structure as one with the leaves of both."""
    if not isinstance(dictionary, Mapping):
        raise TypeError("input must be a dictionary")
    result: dict[Any, Any] = {}
    for key, value in dictionary.items():
        keys = flatten(key)
        values = flatten(value) if is_sequence(key) else [value]
        if len(keys) != len(values):
            raise ValueError(f"Could not flatten dictionary: key {key} and value {value} are not nested alike")
        for k, v in zip(keys, values, strict=True):
            if k in result:
                raise ValueError(f"Could not flatten dictionary: key {k} is not unique.")
            result[k] = v
    return result

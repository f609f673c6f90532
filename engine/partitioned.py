"""Variables in slices: partitioners say how many, `PartitionedVariable` stands for the whole."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from numbers import Integral
from typing import Any

from .conversion import convert_to_tensor, register_tensor_conversion_function
from .dtypes import DType, as_dtype, string
from .graph import Operation, Tensor, get_default_graph
from .ops.array import identity
from .ops.array_parts import concat
from .resources import kept_by_rows
from .shapes import TensorShape
from .variable_protos import SaveSliceInfo
from .variable_store import Request, VariableStore, part_of

Partitioner = Callable[..., list[int]]


class PartitionInfo:
    """What an initializer may know about the slice it fills: the whole's shape and where the slice starts."""

    def __init__(self, full_shape: Sequence[int], var_offset: Sequence[int]) -> None:
        if len(full_shape) != len(var_offset):
            raise ValueError(f"Expected equal lengths, but full_shape is {full_shape} and var_offset {var_offset}")
        self._full_shape = list(full_shape)
        self._var_offset = list(var_offset)

    @property
    def full_shape(self) -> list[int]:
        """The shape of the whole variable."""
        return self._full_shape

    @property
    def var_offset(self) -> list[int]:
        """Where the slice starts in each dimension."""
        return self._var_offset

    def single_slice_dim(self, shape: Sequence[int]) -> int | None:
        """The dimension along which a slice of `shape` was cut, or None if it is the whole."""
        cut = [i for i, (part, whole) in enumerate(zip(shape, self._full_shape, strict=True)) if part != whole]
        if len(cut) > 1:
            raise ValueError(f"Cannot use single_slice_dim() with shape {shape} and full_shape {self._full_shape}")
        return cut[0] if cut else None

    def single_offset(self, shape: Sequence[int]) -> int:
        """Where a slice of `shape` starts in the dimension along which it was cut."""
        dimension = self.single_slice_dim(shape)
        return 0 if dimension is None else self._var_offset[dimension]


class PartitionedVariable:
    """A variable in slices along one axis, as TensorFlow 1.15's: an iterable of Variables that converts to one tensor.

    Args:
        name: name of the whole; slices are called `name/part_0`, ...
        shape: shape of the whole.
        dtype: element type.
        variable_list: the slices in order.
        partitions: number of slices in each dimension; at most one is above 1.
    """

    def __init__(
        self, name: str, shape: Any, dtype: Any, variable_list: Sequence[Any], partitions: Sequence[int]
    ) -> None:
        if not isinstance(variable_list, list | tuple):
            raise TypeError(f"variable_list is not a list or tuple: {variable_list}")
        if not isinstance(partitions, list | tuple):
            raise TypeError(f"partitions is not a list or tuple: {partitions}")
        if any(p < 1 for p in partitions):
            raise ValueError(f"partition values must be positive: {partitions}")
        if not variable_list:
            raise ValueError("variable_list may not be empty")
        self._name = name
        self._shape = TensorShape(shape)
        self._dtype = as_dtype(dtype).base_dtype
        self._variable_list = sorted(variable_list, key=lambda v: v._get_save_slice_info().var_offset)
        self._partitions = list(partitions)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._variable_list)

    def __len__(self) -> int:
        """The number of slices along the cut axis."""
        return len(self._variable_list)

    @property
    def name(self) -> str:
        """The name of the whole."""
        return self._name

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole."""
        return self._shape

    def get_shape(self) -> TensorShape:
        """The shape of the whole, as TensorFlow 1 spells it."""
        return self._shape

    @property
    def partitions(self) -> list[int]:
        """The number of slices in each dimension."""
        return self._partitions

    @property
    def device(self) -> str:
        """The device of the first slice."""
        device: str = self._variable_list[0].device
        return device

    @property
    def graph(self) -> Any:
        """The graph that holds the slices."""
        return self._variable_list[0].graph

    def _get_partitions(self) -> list[int]:
        return self._partitions

    def _get_variable_list(self) -> list[Any]:
        return self._variable_list

    def _partition_axes(self) -> list[int]:
        """The axes that are cut; the first where none is."""
        return [i for i, p in enumerate(self._partitions) if p > 1] or [0]

    def as_tensor(self) -> Tensor:
        """The whole as one tensor: the slices joined."""
        graph = get_default_graph()
        with graph.name_scope(None):
            if len(self._variable_list) == 1:
                return identity(self._variable_list[0], name=self._name)
            axes = self._partition_axes()
            if len(axes) > 1:
                raise NotImplementedError(f"Cannot concatenate along more than one dimension: {axes}.")
            with graph.name_scope(f"{self._name}/ConcatPartitions/"):
                joined = concat(list(self._variable_list), axes[0])
            return identity(joined, name=self._name)

    def __getitem__(self, index: object) -> Tensor:
        return self.as_tensor()[index]

    def __add__(self, other: object) -> Tensor:
        return self.as_tensor() + other

    def __mul__(self, other: object) -> Tensor:
        return self.as_tensor() * other

    def initialized_value(self) -> Any:
        """The slices' initialized values, joined."""
        return concat([v.initialized_value() for v in self._variable_list], self._partition_axes()[0])

    @property
    def initializer(self) -> Any:
        """An operation that initializes all slices."""
        from .ops.grouping import group_operations

        return group_operations([v.initializer for v in self._variable_list], f"{self._name}_initializer")

    def _apply(self, method: str, value: Any, options: dict[str, Any]) -> list[Any]:
        tensor = convert_to_tensor(value, self._dtype) if not isinstance(value, list | tuple) else None
        results = []
        for i, part in enumerate(self._variable_list):
            own = value[i] if tensor is None else self._slice_of(tensor, part)
            results.append(getattr(part, method)(own, **options))
        return results

    def _slice_of(self, tensor: Tensor, part: Any) -> Tensor:
        info = part._get_save_slice_info()
        index = tuple(slice(o, o + s) for o, s in zip(info.var_offset, info.var_shape, strict=True))
        return tensor[index]

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Writes a whole, or a list of slices; returns one result a slice."""
        return self._apply("assign", value, {"use_locking": use_locking, "name": name, "read_value": read_value})

    def assign_add(
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Adds a whole, or a list of slices; returns one result a slice."""
        return self._apply("assign_add", value, {"use_locking": use_locking, "name": name, "read_value": read_value})

    def assign_sub(
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtracts a whole, or a list of slices; returns one result a slice."""
        return self._apply("assign_sub", value, {"use_locking": use_locking, "name": name, "read_value": read_value})

    def __repr__(self) -> str:
        return f"<tf.PartitionedVariable {self._name!r} shape={self._shape} dtype={self._dtype.name} parts={len(self)}>"


def _convert(value: PartitionedVariable, dtype: DType | None, name: str | None, as_ref: bool) -> Any:
    del name
    if dtype is not None and not dtype.is_compatible_with(value.dtype):
        raise ValueError(
            f"Incompatible type conversion requested to type '{dtype.name}' for variable of type '{value.dtype.name}'"
        )
    if as_ref:
        raise NotImplementedError("PartitionedVariable doesn't support being used as a reference.")
    return value.as_tensor()


register_tensor_conversion_function(PartitionedVariable, _convert, 50)


def get_partitioned(store: VariableStore, request: Request) -> PartitionedVariable:
    """The partitioned variable asked for: the one of that name, checked, or a new one."""
    constant = None
    if request.initializer is not None and not callable(request.initializer):
        constant = convert_to_tensor(request.initializer)
        shape = TensorShape(request.shape).merge_with(constant.shape)
    else:
        shape = TensorShape(request.shape)
    dtype = as_dtype(request.dtype).base_dtype if constant is None else constant.dtype.base_dtype
    partitions = None if request.partitioner is None else _partitions(request.partitioner, shape, dtype)
    if request.name in store.partitioned:
        return _found(store.partitioned[request.name], request, shape, dtype, partitions)
    if request.reuse is True and f"{request.name}/part_0" not in store.variables:
        raise ValueError(
            f"PartitionedVariable {request.name} does not exist, or was not created with tf.get_variable(). "
            "Did you mean to set reuse=False or reuse=tf.AUTO_REUSE in VarScope?"
        )
    made = _new(store, request, shape, dtype, partitions or [1] * len(shape.as_list()), constant)
    store.partitioned[request.name] = made
    return made


def _found(
    found: PartitionedVariable, request: Request, shape: TensorShape, dtype: DType, partitions: list[int] | None
) -> PartitionedVariable:
    name = request.name
    if request.reuse in (False, None):
        raise ValueError(
            f"Partitioned variable with name {name} already exists. "
            "Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in VarScope?"
        )
    for what, wanted, has, fits in (
        ("shape", shape, found.shape, shape.is_compatible_with(found.shape)),
        ("dtype", dtype.name, found.dtype.name, dtype == found.dtype),
        ("partitions", partitions, found.partitions, partitions in (None, found.partitions)),
    ):
        if not fits:
            raise ValueError(
                f"Trying to reuse partitioned variable {name}, but specified {what} {wanted} and found {what} {has}."
            )
    return found


def _new(
    store: VariableStore, request: Request, shape: TensorShape, dtype: DType, partitions: list[int], constant: Any
) -> PartitionedVariable:
    whole = _sizes(shape)
    variables = []
    for i, (offset, sizes) in enumerate(slices_of(whole, partitions)):
        changes: dict[str, Any] = {"name": f"{request.name}/part_{i}", "shape": sizes, "partitioner": None}
        if constant is not None:
            index = tuple(slice(o, o + s) for o, s in zip(offset, sizes, strict=True))
            changes.update(shape=None, initializer=constant[index])
        own = part_of(request, dtype=dtype, **changes)
        variable = store.single(own, PartitionInfo(whole, offset))
        variable._set_save_slice_info(SaveSliceInfo(request.name, whole, offset, sizes))
        variables.append(variable)
        if kept_by_rows(dtype, tuple(sizes)) and sizes[1:] == whole[1:]:
            _draw_as_whole(variables[0], variable, offset[0])
    return PartitionedVariable(request.name, shape, dtype, variables, partitions)


def _draw_as_whole(first: Any, part: Any, row: int) -> None:
    """Makes a part's initial value that of its rows in the whole, however many parts there are."""
    for source, op in zip(_random_ops(first), _random_ops(part), strict=True):
        op.attrs.update(seed=source.attrs["seed"], seed2=source.attrs["seed2"], _first_row=row)


def _random_ops(variable: Any) -> list[Operation]:
    found, stack = [], [variable.initial_value.op]
    while stack:
        op = stack.pop()
        found += [op] if "seed2" in op.attrs else []
        stack += [t.op for t in op.inputs]
    return found


def slices_of(whole: Sequence[int], partitions: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
    """Offset and shape of each slice: nearly equal ones, the longer first."""
    axis = next((i for i, p in enumerate(partitions) if p > 1), 0)
    count = partitions[axis] if partitions else 1
    length, longer = divmod(whole[axis], count) if whole else (0, 0)
    start = 0
    for i in range(count):
        size = length + (i < longer)
        offset = [start if d == axis else 0 for d in range(len(whole))]
        yield offset, [size if d == axis else s for d, s in enumerate(whole)]
        start += size


def _partitions(partitioner: Any, shape: TensorShape, dtype: DType) -> list[int]:
    if not shape.is_fully_defined():
        raise ValueError(f"Shape of a new partitioned variable must be fully defined, but instead was {shape}.")
    if len(shape.as_list()) < 1:
        raise ValueError(f"A partitioned Variable must have rank at least 1: {shape}")
    found = partitioner(shape=shape, dtype=dtype)
    if not isinstance(found, Sequence):
        raise ValueError(f"Partitioner must return a sequence, but saw: {found}")
    if len(found) != len(shape.as_list()):
        raise ValueError(
            f"Partitioner returned a partition list that does not match the Variable's rank: {found} vs. {shape}"
        )
    if not all(isinstance(p, Integral) for p in found):
        raise ValueError(f"Partitioner must return whole numbers, but saw: {found}")
    if not all(p >= 1 for p in found):
        raise ValueError(f"Partitioner returned zero partitions for some axes: {found}")
    if sum(p > 1 for p in found) > 1:
        raise ValueError(f"Can only slice a variable along one dimension: shape: {shape}, partitioning: {found}")
    return [int(p) for p in found]


def _sizes(shape: Any) -> list[int]:
    static = TensorShape(shape)
    static.assert_is_fully_defined()
    return [s for s in static.as_list() if s is not None]


# Partitioners


def _sizes_with(shape: Any, axis: int) -> list[int]:
    sizes = _sizes(shape)
    if not -len(sizes) <= axis < len(sizes):
        raise ValueError(f"Cannot partition variable along axis {axis} when shape is only {sizes}")
    return sizes


def fixed_size_partitioner(num_shards: int, axis: int = 0) -> Partitioner:
    """A partitioner that cuts `axis` into `num_shards` slices, or into single rows if there are fewer.

    Raises:
        TypeError: an argument is no integer.
    """
    for what, value in (("num_shards", num_shards), ("axis", axis)):
        if not isinstance(value, Integral):
            raise TypeError(f"{what} must be an integer, got {value!r}")

    def partitioner(shape: Any, **_: Any) -> list[int]:
        sizes = _sizes_with(shape, axis)
        result = [1] * len(sizes)
        result[axis] = min(num_shards, sizes[axis])
        return result

    return partitioner


def _element_size(dtype: Any, bytes_per_string_element: int) -> int:
    kind = as_dtype(dtype).base_dtype
    return bytes_per_string_element if kind == string else kind.size


def variable_axis_size_partitioner(
    max_shard_bytes: int, axis: int = 0, bytes_per_string_element: int = 16, max_shards: int | None = None
) -> Partitioner:
    """A partitioner that cuts `axis` so that no slice has more than `max_shard_bytes`."""
    if max_shard_bytes < 1 or bytes_per_string_element < 1:
        raise ValueError("Both max_shard_bytes and bytes_per_string_element must be positive.")
    if max_shards is not None and max_shards < 1:
        raise ValueError("max_shards must be positive.")

    def partitioner(shape: Any, dtype: Any) -> list[int]:
        sizes = _sizes_with(shape, axis)
        row_bytes = math.prod(sizes) / sizes[axis] * _element_size(dtype, bytes_per_string_element)
        rows = max(1, math.floor(max_shard_bytes / row_bytes))
        shards = math.ceil(sizes[axis] / rows)
        result = [1] * len(sizes)
        result[axis] = shards if max_shards is None else min(max_shards, shards)
        return result

    return partitioner


def min_max_variable_partitioner(
    max_partitions: int = 1, axis: int = 0, min_slice_size: int = 256 << 10, bytes_per_string_element: int = 16
) -> Partitioner:
    """A partitioner that cuts `axis` into at most `max_partitions` slices of at least `min_slice_size` bytes."""
    for what, value in (
        ("max_partitions", max_partitions),
        ("min_slice_size", min_slice_size),
        ("bytes_per_string_element", bytes_per_string_element),
    ):
        if value < 1:
            raise ValueError(f"Argument {what} must be positive. Received: {value}")

    def partitioner(shape: Any, dtype: Any) -> list[int]:
        sizes = _sizes_with(shape, axis)
        total = math.prod(sizes) * _element_size(dtype, bytes_per_string_element)
        result = [1] * len(sizes)
        result[axis] = max(1, min(sizes[axis], max_partitions, -(-total // min_slice_size)))
        return result

    return partitioner

"""What a Saver saves: variables, slices of partitioned ones, and other objects with tensors, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..conversion import convert_to_tensor
from ..dtypes import DType
from ..graph import Tensor, get_default_graph
from ..ops.array import reshape
from ..ops.rows import FILE_OPS
from ..resources import kept_by_rows
from ..shapes import TensorShape


class SaveSpec:
    """One tensor of a SaveableObject.

    Args:
        tensor: what is saved, or a function that gives it.
        slice_spec: where it lies in a whole, as `10 4 0,5:0,4`; empty for a whole tensor.
        name: its name in the checkpoint.
        dtype: its dtype, where `tensor` is a function.
        device: where it is.
    """

    def __init__(
        self, tensor: Any, slice_spec: str, name: str, dtype: DType | None = None, device: str | None = None
    ) -> None:
        self._tensor = tensor
        self.slice_spec = slice_spec
        self.name = name
        self.dtype: DType = dtype if dtype is not None else tensor.dtype
        self.device: str = device if device is not None else getattr(tensor, "device", "")

    @property
    def tensor(self) -> Tensor:
        """What is saved."""
        return self._tensor() if callable(self._tensor) else self._tensor  # type: ignore[no-any-return]


class SaveableObject:
    """Something that is saved and restored as a few tensors, as tf.train.SaverBuilder's of TF 1.15.

    Args:
        op: the operation or object that it belongs to.
        specs: its tensors.
        name: what it is called in a Saver.
    """

    # The shape that the value in a checkpoint must have; None: any.
    expected_shapes: Sequence[TensorShape] | None = None
    # A variable that it restores from another form: where both are to be restored, the variable is not by itself.
    stands_for: Any = None

    def __init__(self, op: Any, specs: Sequence[SaveSpec], name: str) -> None:
        self.op = op
        self.specs = list(specs)
        self.name = name

    @property
    def device(self) -> str:
        """The device of its first tensor."""
        return self.specs[0].device or ""

    def restore(self, restored_tensors: Sequence[Tensor], restored_shapes: Sequence[Any] | None) -> Any:
        """The operation that gives the object the values of its tensors.

        Args:
            restored_tensors: one a spec.
            restored_shapes: shapes to give them first, or None.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how it is restored")


class VariableSaveable(SaveableObject):
    """A variable or a slice of a partitioned one."""

    def __init__(self, variable: Any, name: str) -> None:
        info = variable._get_save_slice_info()
        spec = SaveSpec(
            lambda: convert_to_tensor(variable),
            "" if info is None else info.spec,
            name,
            variable.dtype.base_dtype,
            variable.device,
        )
        super().__init__(variable, [spec], name)
        self.expected_shapes = [variable.shape]

    def restore(self, restored_tensors: Sequence[Tensor], restored_shapes: Sequence[Any] | None) -> Any:
        """Assigns the value."""
        value = restored_tensors[0]
        if restored_shapes is not None:
            value = reshape(value, restored_shapes[0])
        return self.op.assign(value, read_value=False)


class TableSaveable(SaveableObject):
    """A variable that is kept by rows, or a part of one: the rows in use are saved, and restored into any number of parts."""

    def __init__(self, variable: Any, name: str) -> None:
        info = variable._get_save_slice_info()
        first = 0 if info is None else info.var_offset[0]
        read, self._restore = FILE_OPS[variable.op.type == "VarHandleOp"]
        self._attrs = {"dtype": variable.dtype.base_dtype, "first_row": first}
        self._table = name
        handle = variable.op.outputs[0]
        with get_default_graph().colocate_with(variable.op):
            rows, values, streams = read(handle, row_sizes=variable.shape.as_list()[1:], **self._attrs)
        tensors = {"rows": rows, "values": values, "streams": streams}
        specs = [SaveSpec(t, "", f"{name}/.part_{first}/{what}", device=variable.device) for what, t in tensors.items()]
        super().__init__(variable, specs, name)

    def restore_from(self, prefix: Tensor) -> Any:
        """The operation that gives the table the rows of a checkpoint; the others begin anew."""
        with get_default_graph().control_dependencies([self.op.initializer]):
            return self._restore(self.op.op.outputs[0], prefix, table_name=self._table, **self._attrs)


def _saveable(variable: Any, name: str) -> SaveableObject:
    sizes = None if variable.shape.ndims is None else tuple(variable.shape.as_list())
    by_rows = kept_by_rows(variable.dtype.base_dtype, sizes)
    return TableSaveable(variable, name) if by_rows else VariableSaveable(variable, name)


def saveables_of(var_list: Any) -> list[SaveableObject]:
    """What a Saver's `var_list` (a list, or a dictionary by name) names.

    Raises:
        ValueError: two have one name, or one is given twice.
        TypeError: something that is no variable.
    """
    named = var_list if isinstance(var_list, dict) else _by_name(var_list)
    result: list[SaveableObject] = []
    for name in sorted(named):
        result += _saveables(name, named[name])
    seen: set[int] = set()
    for saveable in result:
        if id(saveable.op) in seen:
            raise ValueError(f"The same saveable will be restored with two names: {saveable.name}")
        seen.add(id(saveable.op))
    return result


def _by_name(var_list: Any) -> dict[str, Any]:
    if not isinstance(var_list, list | tuple | set):
        raise TypeError(f"Variables to save should be passed in a dict or a list: {var_list}")
    named: dict[str, Any] = {}
    for item in sorted(var_list, key=_name_of):
        name = _name_of(item)
        if name not in named:
            named[name] = item
        elif _is_slice(item) and isinstance(named[name], list):
            named[name].append(item)
        else:
            raise ValueError(f"At least two variables have the same name: {name}")
        if _is_slice(item) and not isinstance(named[name], list):
            named[name] = [item]
    return named


def _name_of(item: Any) -> str:
    if isinstance(item, SaveableObject):
        return item.name
    if _is_slice(item):
        return item._get_save_slice_info().full_name  # type: ignore[no-any-return]
    if hasattr(item, "_get_save_slice_info"):
        return item.op.name  # type: ignore[no-any-return]
    if hasattr(item, "partitions"):
        return item.name  # type: ignore[no-any-return]
    raise TypeError(f"Variable to save is not a Variable: {item}")


def _is_slice(item: Any) -> bool:
    return hasattr(item, "_get_save_slice_info") and item._get_save_slice_info() is not None


def _saveables(name: str, item: Any) -> list[SaveableObject]:
    if isinstance(item, SaveableObject):
        return [item]
    if hasattr(item, "_get_save_slice_info"):
        return [_saveable(item, name)]
    if isinstance(item, list | tuple) or hasattr(item, "partitions"):
        parts = list(item)
        if not parts or any(not _is_slice(p) for p in parts):
            raise ValueError(f"{name}: expected the slices of one partitioned variable, got {parts}")
        return [_saveable(p, name) for p in parts]
    raise TypeError(f"names_to_saveables must be a dict mapping string names to variables: {name} is {item}")

"""OperationLayer: an operation that stands between layers as a layer, so that models of `x + y` can be called again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...engine.dtypes import DType, as_dtype
from ...engine.errors import PermissionDeniedError
from ...engine.graph import Operation, Tensor, get_default_graph
from ...engine.node_reader import PYTHON_OPS
from ...engine.ops.constant import constant
from ...engine.registry import definition_of
from ...engine.shapes import TensorShape
from ...engine.static import constant_value
from .base import Layer
from .graph_record import Node, history_of
from .serialization import registered


@registered("layers")
class OperationLayer(Layer):
    """One operation of some of its inputs; the others are constants, or values of the graph that stay as they are.

    Args:
        op_type: the operation's type.
        attributes: the operation's attributes, as configurations hold them.
        constants: the values of inputs by their place, as text.
        name: of the layer.

    Raises:
        ValueError: there is no such operation, or an attribute cannot be read.
    """

    supports_masking = True

    def __init__(
        self, op_type: str, attributes: dict[str, Any], constants: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        kwargs.pop("autocast", None)
        super().__init__(autocast=False, **kwargs)
        self.op_type = op_type
        self._definition = definition_of(op_type)
        self._attributes = {name: _read(value) for name, value in attributes.items()}
        self._fixed: dict[int, Any] = {int(place): _read(value) for place, value in (constants or {}).items()}

    def call(self, inputs: Any) -> Any:
        given = iter(inputs if isinstance(inputs, list | tuple) else [inputs])
        count = len(self._fixed) + len(inputs if isinstance(inputs, list | tuple) else [inputs])
        values = [_tensor(self._fixed[place]) if place in self._fixed else next(given) for place in range(count)]
        groups = self._definition.group_inputs(values, self._attributes)
        op = self._definition.make(list(groups), dict(self._attributes), None)
        return op.outputs[0] if len(op.outputs) == 1 else list(op.outputs)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The layer of a configuration.

        Raises:
            PermissionDeniedError: the operation touches files or runs Python functions: configurations come from files.
        """
        op_type = config["op_type"]
        if definition_of(op_type).touches_files or op_type in PYTHON_OPS:
            raise PermissionDeniedError(
                None, None, f"Layer {config.get('name')!r} of a configuration is a {op_type}, which reads or writes files "
                "or runs Python functions; put it into a layer of your own",
            )  # fmt: skip
        return super().from_config(config)

    def get_config(self) -> dict[str, Any]:
        """The operation's type, its attributes and its constants.

        Raises:
            ValueError: one of these can be kept in the graph only.
        """
        try:
            return {
                "name": self.name,
                "trainable": self.trainable,
                "dtype": self.dtype,
                "op_type": self.op_type,
                "attributes": {name: _written(value) for name, value in self._attributes.items()},
                "constants": {str(place): _written(value) for place, value in self._fixed.items()},
            }
        except TypeError as error:
            raise ValueError(f"The operation {self.name!r} ({self.op_type}) has no configuration: {error}") from None


def _tensor(value: Any) -> Any:
    return value if isinstance(value, Tensor) else constant(value[0], value[1])


def _written(value: Any) -> Any:
    """A value of an attribute or a constant as JSON holds it."""
    if isinstance(value, DType):
        return {"dtype": value.name}
    if isinstance(value, TensorShape):
        return {"shape": None if value.sizes is None else list(value.sizes)}
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], np.ndarray):
        if value[0].dtype == object:
            return {"constant": [_written(v) for v in value[0].ravel().tolist()], "shape": list(value[0].shape)}
        return {"constant": value[0].ravel().tolist(), "shape": list(value[0].shape), "dtype": value[1].name}
    if isinstance(value, list | tuple):
        return [_written(part) for part in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{value!r} cannot be written")


def _read(value: Any) -> Any:
    """The value that `_written` wrote; others stay as they are."""
    if isinstance(value, list):
        return [_read(part) for part in value]
    if not isinstance(value, dict):
        return value
    if "constant" in value:
        dtype = as_dtype(value.get("dtype", "string"))
        parts = [_read(part) for part in value["constant"]]
        return np.array(parts, dtype.as_numpy_dtype).reshape(value["shape"]), dtype
    if "dtype" in value:
        return as_dtype(value["dtype"])
    if "shape" in value:
        return TensorShape(value["shape"])
    if "bytes" in value:
        return str(value["bytes"]).encode("latin-1")
    raise ValueError(f"Unknown value of an attribute: {value!r}")


def record_operations(tensors: Iterable[Tensor]) -> None:
    """Records the operations between layers and tensors as calls of OperationLayers."""
    for op in _between(tensors):
        own = [history_of(tensor) is not None for tensor in op.inputs]
        layer = OperationLayer(op.type, {}, name=_unique_name(op))
        layer._attributes = dict(op.attrs)
        layer._fixed = {i: _fixed(tensor) for i, tensor in enumerate(op.inputs) if not own[i]}
        layer.built = True
        layer._graph = get_default_graph().outermost()
        given = [tensor for tensor, known in zip(op.inputs, own, strict=True) if known]
        Node(
            layer,
            (given if len(given) > 1 else given[0],),
            {},
            list(op.outputs) if len(op.outputs) > 1 else op.outputs[0],
        )


def _unique_name(op: Operation) -> str:
    from . import backend

    return backend.unique_name("operation_" + op.name.rpartition("/")[2].lower())


def _fixed(tensor: Tensor) -> Any:
    value = constant_value(tensor)
    return tensor if value is None else (np.asarray(value), tensor.dtype.base_dtype)


def _between(tensors: Iterable[Tensor]) -> list[Operation]:
    """The operations that depend on layers' outputs and on which the tensors depend, in order."""
    depends: dict[Operation, bool] = {}
    found: list[Operation] = []
    stack = [(tensor.op, False) for tensor in tensors if history_of(tensor) is None]
    while stack:
        op, done = stack.pop()
        if done:
            depends[op] = any(history_of(t) is not None or depends.get(t.op, False) for t in op.inputs)
            if depends[op]:
                found.append(op)
        elif op not in depends:
            depends[op] = False
            stack.append((op, True))
            stack.extend((t.op, False) for t in op.inputs if history_of(t) is None and t.op not in depends)
    return found

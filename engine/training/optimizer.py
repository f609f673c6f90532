"""The base class of optimizers: gradients, slots and their application to variables, open to users' subclasses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..conversion import convert_to_tensor
from ..dtypes import DType, bfloat16, float16, float32, float64
from ..gradients import gradients
from ..graph import Graph, Operation, Tensor, get_default_graph
from ..ops.array import identity, shape
from ..ops.array_sets import unique
from ..ops.grouping import group_operations, value_after
from ..ops.segments import unsorted_segment_sum
from ..scopes import GraphKeys, get_collection, init_scope
from ..tensor_types import IndexedSlices
from ..variable_lists import trainable_variables
from ..variables import ResourceVariable, Variable
from . import slot_creator
from .data_parallel import replicated

GradientsAndVariables = list[tuple[Any, Any]]


def deduplicate_slices(values: Any, indices: Any) -> tuple[Tensor, Tensor]:
    """Rows added up by index: `(sums, unique indices)`."""
    places, positions = unique(indices)
    return unsorted_segment_sum(values, positions, shape(places)[0]), places


class Optimizer:
    """What all optimizers share, as TensorFlow 1.15's `tf.train.Optimizer`.

    Subclasses implement `_apply_dense` and `_apply_sparse` (and `_resource_apply_dense`, `_resource_apply_sparse`
    for variables that are resources), and as needed `_create_slots`, `_prepare` and `_finish`.

    Args:
        use_locking: accepted; updates of one variable never overlap.
        name: prefix of the names of slots and operations.
    """

    GATE_NONE = 0
    GATE_OP = 1
    GATE_GRAPH = 2

    def __init__(self, use_locking: bool, name: str) -> None:
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._use_locking = use_locking
        self._name = name
        self._slots: dict[str, dict[Any, Any]] = {}
        self._non_slot_dict: dict[tuple[str, Graph | None], Any] = {}

    def get_name(self) -> str:
        """The name given at construction."""
        return self._name

    def minimize(
        self,
        loss: Any,
        global_step: Any = None,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> Operation:
        """An operation that makes one step: `compute_gradients`, then `apply_gradients`.

        Args:
            loss: the tensor to minimize.
            global_step: a variable that is raised by one after the update.
            var_list: variables to train, by default the trainable ones.
            name: name of the operation, by default the optimizer's.

        Raises:
            ValueError: no variable has a gradient.
        """
        found = self.compute_gradients(
            loss, var_list, gate_gradients, aggregation_method, colocate_gradients_with_ops, grad_loss
        )
        if not any(g is not None for g, _ in found):
            raise ValueError(
                "No gradients provided for any variable, check your graph for ops that do not support gradients, between "
                f"variables {[str(v) for _, v in found]} and loss {loss}."
            )
        return self.apply_gradients(found, global_step=global_step, name=name)

    def compute_gradients(
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> GradientsAndVariables:
        """Pairs (gradient, variable); the gradient is a tensor, IndexedSlices, or None where the loss does not depend on it.

        With GATE_GRAPH all gradients are computed before any is used. GATE_OP needs nothing here: in a step, reads of
        a variable come before its update.
        """
        if gate_gradients not in (self.GATE_NONE, self.GATE_OP, self.GATE_GRAPH):
            raise ValueError(
                "gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH.  Not "
                f"{gate_gradients}"
            )
        loss = loss() if callable(loss) else loss
        if not hasattr(loss, "dtype"):
            raise TypeError(f"loss must be a tensor, got {loss!r} of type {type(loss).__name__}")
        self._assert_valid_dtypes([loss] if grad_loss is None else [loss, grad_loss])
        variables = _trained(var_list)
        grads = gradients(
            loss,
            [_target(v) for v in variables],
            grad_ys=grad_loss,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
        )
        if gate_gradients == self.GATE_GRAPH:
            grads = _gated(grads)
        grads = replicated(grads, variables)
        pairs = list(zip(grads, variables, strict=True))
        self._assert_valid_dtypes([v for g, v in pairs if g is not None and v.dtype.name != "resource"])
        return pairs

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Any]], global_step: Any = None, name: str | None = None
    ) -> Operation:
        """An operation that applies gradients to variables and then raises `global_step` by one.

        Raises:
            TypeError: a gradient is neither a tensor nor IndexedSlices.
            ValueError: there is no gradient.
        """
        pairs = [(_as_gradient(g), v) for g, v in grads_and_vars]
        if not pairs:
            raise ValueError("No variables provided.")
        variables = [v for g, v in pairs if g is not None]
        if not variables:
            raise ValueError(f"No gradients provided for any variable: {[str(v) for _, v in pairs]}.")
        grads = replicated([g for g, _ in pairs], [v for _, v in pairs])
        pairs = list(zip(grads, (v for _, v in pairs), strict=True))
        with init_scope():
            self._create_slots(variables)
        graph = get_default_graph()
        with graph.name_scope(name or self._name) as scope:
            self._prepare()
            updates = [self._update(graph, g, v) for g, v in pairs if g is not None]
            result = self._finished(graph, updates, global_step, scope)
        operation: Operation = getattr(result, "op", result)
        train_ops = graph.get_collection_ref(GraphKeys.TRAIN_OP)
        if operation not in train_ops:
            train_ops.append(operation)
        return operation

    def _finished(self, graph: Graph, updates: list[Any], global_step: Any, scope: str) -> Any:
        if global_step is None:
            return self._finish(updates, scope)
        with graph.control_dependencies([self._finish(updates, "update")]), graph.colocate_with(global_step.op):
            if isinstance(global_step, ResourceVariable):
                return global_step.assign_add(1, name=scope, read_value=False)
            from ..assignments import assign_add

            return assign_add(global_step, 1, name=scope)

    def _update(self, graph: Graph, gradient: Any, variable: Any) -> Any:
        if not isinstance(variable, Variable):
            raise TypeError(f"Expected a variable to update, got {variable!r}")
        with graph.name_scope("update_" + variable.op.name), graph.colocate_with(variable.op):
            update = self._update_of(gradient, variable)
            if variable.constraint is None:
                return update
            if isinstance(gradient, IndexedSlices):
                raise RuntimeError("Cannot use a constraint function on a sparse variable.")
            with graph.control_dependencies([update]):
                return variable.assign(variable.constraint(variable.read_value()), read_value=False)

    def _update_of(self, gradient: Any, variable: Variable) -> Any:
        sparse = isinstance(gradient, IndexedSlices)
        if isinstance(variable, ResourceVariable):
            if sparse:
                return self._resource_apply_sparse_duplicate_indices(gradient.values, variable, gradient.indices)
            return self._resource_apply_dense(gradient, variable)
        return (
            self._apply_sparse_duplicate_indices(gradient, variable)
            if sparse
            else self._apply_dense(gradient, variable)
        )

    # Slots

    def get_slot(self, var: Any, name: str) -> Any:
        """The slot `name` of a variable, or None."""
        slots = self._slots.get(name)
        return None if not slots else slots.get(_key(var))

    def get_slot_names(self) -> list[str]:
        """The names of the slots that the optimizer made."""
        return sorted(self._slots)

    def variables(self) -> list[Any]:
        """The optimizer's own variables in the current graph: slots and others, by name."""
        graph = get_default_graph().outermost()
        own = [v for v in self._non_slot_variables() if v.graph is graph]
        own += [v for slots in self._slots.values() for v in slots.values() if v.graph is graph]
        return sorted(own, key=lambda v: v.name)

    def _slot_dict(self, slot_name: str) -> dict[Any, Any]:
        return self._slots.setdefault(slot_name, {})

    def _get_or_make_slot(self, var: Any, val: Any, slot_name: str, op_name: str) -> Any:
        return self._slot(var, slot_name, lambda: slot_creator.create_slot(var, val, op_name))

    def _get_or_make_slot_with_initializer(
        self, var: Any, initializer: Any, shape: Any, dtype: Any, slot_name: str, op_name: str
    ) -> Any:
        def make() -> Any:
            return slot_creator.create_slot_with_initializer(var, initializer, shape, dtype, op_name)

        return self._slot(var, slot_name, make)

    def _zeros_slot(self, var: Any, slot_name: str, op_name: str) -> Any:
        return self._slot(var, slot_name, lambda: slot_creator.create_zeros_slot(var, op_name))

    def _slot(self, var: Any, slot_name: str, make: Callable[[], Any]) -> Any:
        slots = self._slot_dict(slot_name)
        if _key(var) not in slots:
            slots[_key(var)] = make()
        return slots[_key(var)]

    def _create_non_slot_variable(self, initial_value: Any, name: str, colocate_with: Any) -> Any:
        key = (name, colocate_with.graph)
        if key not in self._non_slot_dict:
            with get_default_graph().colocate_with(colocate_with.op):
                self._non_slot_dict[key] = Variable(
                    initial_value,
                    name=name,
                    trainable=False,
                    use_resource=isinstance(colocate_with, ResourceVariable),
                )
        return self._non_slot_dict[key]

    def _get_non_slot_variable(self, name: str, graph: Graph | None = None) -> Any:
        return self._non_slot_dict.get((name, graph))

    def _non_slot_variables(self) -> Iterable[Any]:
        return self._non_slot_dict.values()

    # What subclasses implement

    def _valid_dtypes(self) -> set[DType]:
        return {float16, bfloat16, float32, float64}

    def _assert_valid_dtypes(self, tensors: Sequence[Any]) -> None:
        valid = self._valid_dtypes()
        for tensor in tensors:
            dtype = tensor.dtype.base_dtype
            if dtype not in valid:
                names = sorted(d.name for d in valid)
                raise ValueError(f"Invalid type {dtype.name} for {tensor.name}, expected: {names}.")

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        del var_list

    def _prepare(self) -> None:
        """Makes tensors of the numbers that updates need."""

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        raise NotImplementedError

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        raise NotImplementedError

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        raise NotImplementedError

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        raise NotImplementedError

    def _apply_sparse_duplicate_indices(self, grad: Any, var: Any) -> Any:
        values, indices = deduplicate_slices(grad.values, grad.indices)
        return self._apply_sparse(IndexedSlices(values, indices, grad.dense_shape), var)

    def _resource_apply_sparse_duplicate_indices(self, grad: Any, handle: Any, indices: Any) -> Any:
        values, places = deduplicate_slices(grad, indices)
        return self._resource_apply_sparse(values, handle, places)

    def _finish(self, update_ops: list[Any], name_scope: str) -> Any:
        return group_operations(update_ops, name_scope)

    def _call_if_callable(self, param: Any) -> Any:
        return param() if callable(param) else param


def _key(var: Any) -> tuple[Graph, str]:
    return (var.op.graph, var.op.name)


def _trained(var_list: Any) -> list[Any]:
    if var_list is None:
        given: list[Any] = trainable_variables() + get_collection(GraphKeys.TRAINABLE_RESOURCE_VARIABLES)
    else:
        given = list(_flat(var_list))
    if not given:
        raise ValueError("No variables to optimize.")
    return given


def _flat(items: Any) -> Iterable[Any]:
    if isinstance(items, dict):
        items = [items[k] for k in sorted(items)]
    # Partitioned variables are iterables of their slices.
    if isinstance(items, list | tuple | set) or hasattr(items, "_get_variable_list"):
        for item in items:
            yield from _flat(item)
    else:
        yield items


def _target(variable: Any) -> Any:
    if isinstance(variable, Variable | Tensor):
        return variable._handle if isinstance(variable, Variable) else variable
    raise TypeError(f"Expected a variable to optimize, got {variable!r} of type {type(variable).__name__}")


def _gated(grads: list[Any]) -> list[Any]:
    present = [g.values if isinstance(g, IndexedSlices) else g for g in grads if g is not None]
    gate = group_operations([t.op for t in present], "gate")

    def after(gradient: Any) -> Any:
        if isinstance(gradient, IndexedSlices):
            return IndexedSlices(value_after([gate], gradient.values), identity(gradient.indices), gradient.dense_shape)
        return None if gradient is None else value_after([gate], gradient)

    return [after(g) for g in grads]


def _as_gradient(gradient: Any) -> Any:
    if gradient is None or isinstance(gradient, IndexedSlices):
        return gradient
    try:
        return convert_to_tensor(gradient)
    except TypeError:
        raise TypeError(f"Gradient must be convertible to a Tensor or IndexedSlices, or None: {gradient}") from None

"""Gradients of If and While: the gradient of a branch is a branch, that of a loop a loop that runs backwards.

What the backward pass needs from inside the forward functions is not computed again: branches give it as further
outputs, loops push it to stacks, one push an iteration. The forward operation is extended for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .conversion import convert_to_tensor, local
from .dtypes import DType, int32, variant
from .function import FunctionGraph, align_captures, extend_operation
from .gradients import backward, wanted_inputs
from .graph import Graph, Operation, Sizes, Tensor, get_default_graph
from .ops.aggregation import add_all, as_dense
from .ops.array import shape_op
from .ops.array_parts import zeros
from .ops.cond import common_sizes
from .ops.constant import constant
from .ops.functional import fake_param_op, if_op, stateful_partitioned_call_op, while_op
from .ops.tensor_list import (
    element_shape_of,
    empty_tensor_list_op,
    tensor_list_pop_back_op,
    tensor_list_push_back_op,
    tensor_list_zeros_op,
)
from .rewriting.lower import handle_of
from .shapes import TensorShape
from .tensor_types import IndexedSlices


def flows(dtype: DType) -> bool:
    """Whether gradients flow through tensors of a dtype."""
    base = dtype.base_dtype
    return base.is_floating or base.is_complex or base is variant


class GradientGraph(FunctionGraph):
    """The graph of a gradient, which may use tensors of the forward function as if they were its own.

    `given` maps those that stand for inputs of the forward operation; the others become `intermediates`.
    """

    def __init__(self, forward: FunctionGraph, outer: Graph, given: dict[Tensor, Tensor]) -> None:
        super().__init__(forward.name + "_grad", outer)
        self.forward: FunctionGraph = forward
        self.given = given
        self.intermediates: dict[Tensor, Tensor] = {}

    def capture(self, tensor: Tensor) -> Tensor:
        """What stands for a tensor of the forward function, or of the graphs around."""
        if tensor.graph is not self.forward:
            return super().capture(tensor)
        if tensor in self.given:
            return super().capture(self.given[tensor])
        if tensor.op.type == "Const":
            return self._constant(tensor)
        if tensor not in self.intermediates:
            self.intermediates[tensor] = self._intermediate(tensor)
        return self.intermediates[tensor]

    def _constant(self, tensor: Tensor) -> Tensor:
        with self.as_default(), self.bare():
            return constant(tensor.op.attrs["value"], tensor.dtype)

    def _intermediate(self, tensor: Tensor) -> Tensor:
        """An input that will get the value of a forward tensor."""
        with self.bare():
            inner = self.add_input(tensor.dtype, tensor.sizes, "intermediate")
        # It is no declared input: whoever builds the call puts it in its place.
        self.inputs.remove(inner)
        return inner

    def _is_outer(self, item: Any) -> bool:
        element = getattr(getattr(item, "values", item) if hasattr(item, "dense_shape") else item, "op", item)
        # What the forward function did is done.
        return getattr(element, "graph", None) is self.forward or super()._is_outer(item)


class LoopGradientGraph(GradientGraph):
    """The graph of a loop's gradient: what it needs of the forward body comes from stacks, one pop an iteration."""

    def __init__(self, forward: FunctionGraph, outer: Graph, given: dict[Tensor, Tensor]) -> None:
        super().__init__(forward, outer, given)
        # Each stack and what is left of it.
        self.stacks: list[tuple[Tensor, Tensor]] = []

    def _intermediate(self, tensor: Tensor) -> Tensor:
        with self.as_default(), self.bare():
            stack = self.add_input(variant, (), "stack")
            shape = element_shape_of(() if tensor.dtype is variant else tensor.sizes)
            rest, item = tensor_list_pop_back_op(stack, shape, element_dtype=tensor.dtype.base_dtype)
        self.stacks.append((stack, rest))
        return item


def dense_zeros(tensor: Tensor) -> Tensor:
    """Zeros in the default graph for a tensor of it, or of the forward function."""
    if tensor.dtype.base_dtype is variant:
        return tensor_list_zeros_op(tensor)
    sizes, dtype = tensor.sizes, tensor.dtype.base_dtype
    handle = handle_of(tensor.op)
    if handle is not None:
        sizes, dtype = handle.attrs["shape"].sizes, handle.attrs["dtype"]
    if sizes is not None and None not in sizes:
        return zeros(sizes, dtype)
    if handle is not None:
        raise ValueError(f"The gradient of the variable {handle.name!r} needs a variable of known shape")
    # The shape is taken where the tensor is: only it need be kept for the backward pass.
    with tensor.graph.as_default(), _bare(tensor.graph):
        shape = shape_op(tensor)
    return zeros(shape, dtype)


# If


def if_gradient(op: Operation, *dys: Any) -> list[Any]:
    """An If whose branches are the gradients of the branches."""
    outer = get_default_graph()
    forward = [op.attrs["then_branch"], op.attrs["else_branch"]]
    used = [i for i, dy in enumerate(dys) if dy is not None and flows(op.outputs[i].dtype)]
    given = [convert_to_tensor(dys[i]) for i in used]
    wanted = {i - 1 for i in wanted_inputs(len(op.inputs))}
    branches = [_BranchGradient(op, graph, outer, used, given, wanted) for graph in forward]
    kinds = [_kind(*pair) for pair in zip(branches[0].found, branches[1].found, strict=True)]
    for branch in branches:
        branch.give(kinds)
    outputs = _gradient_if(op, branches, given)
    return [None, *_collected(kinds, outputs)]


class _BranchGradient:
    """The gradient of one branch while it is built."""

    def __init__(
        self,
        op: Operation,
        forward: FunctionGraph,
        outer: Graph,
        used: list[int],
        dys: list[Tensor],
        wanted: set[int],
    ) -> None:
        self.op = op
        self.forward = forward
        self.graph = GradientGraph(forward, outer, dict(zip(forward.inputs, op.inputs[1:], strict=True)))
        arguments = [self.graph.add_input(dy.dtype, dy.sizes, "grad_y") for dy in dys]
        xs = [t for i, t in enumerate(forward.inputs) if i in wanted and (flows(t.dtype) or t.dtype.name == "resource")]
        with self.graph.as_default():
            found = dict(zip(xs, backward([forward.outputs[i] for i in used], xs, arguments), strict=True))
        self.found = [found.get(t) for t in forward.inputs]

    def give(self, kinds: Sequence[str]) -> None:
        """Makes the gradients outputs, in the form that both branches can give."""
        with self.graph.as_default():
            for tensor, gradient, kind in zip(self.forward.inputs, self.found, kinds, strict=True):
                if kind == "slices":
                    self.graph.outputs += _slices_or_none(tensor, gradient)
                elif kind == "dense":
                    self.graph.outputs.append(local(dense_zeros(tensor) if gradient is None else as_dense(gradient)))


def _kind(first: Any, second: Any) -> str:
    present = [g for g in (first, second) if g is not None]
    if not present:
        return "none"
    sparse = all(isinstance(g, IndexedSlices) and g.dense_shape is not None for g in present)
    return "slices" if sparse else "dense"


def _slices_or_none(tensor: Tensor, gradient: Any) -> list[Tensor]:
    if gradient is None:
        handle = handle_of(tensor.op)
        sizes = tensor.sizes if handle is None else handle.attrs["shape"].sizes
        if sizes is None or None in sizes:
            gradient = IndexedSlices(dense_zeros(tensor)[:0], zeros([0], int32), shape_op(tensor))
        else:
            dtype = tensor.dtype.base_dtype if handle is None else handle.attrs["dtype"]
            gradient = IndexedSlices(zeros((0, *sizes[1:]), dtype), zeros([0], int32), constant(list(sizes), int32))
    from .ops.casting import cast  # the gradient of a gather keeps the dtype of its indices

    parts = [gradient.values, cast(gradient.indices, "int64"), cast(gradient.dense_shape, "int64")]
    return [local(p) for p in parts]


def _gradient_if(op: Operation, branches: list[_BranchGradient], dys: list[Tensor]) -> list[Tensor]:
    first = branches[0]
    captures = align_captures([b.graph for b in branches], len(dys))
    given = [_give_intermediates(op, branches, i) for i in range(2)]
    intermediates = [tensor for tensors in given for tensor in tensors]
    sizes = [common_sizes(*(b.graph.outputs[i].sizes for b in branches)) for i in range(len(first.graph.outputs))]
    result: list[Tensor] = if_op(
        op.inputs[0],
        [*dys, *captures, *intermediates],
        Tout=[t.dtype.base_dtype for t in first.graph.outputs],
        then_branch=first.graph,
        else_branch=branches[1].graph,
        output_shapes=[TensorShape(s) for s in sizes],
        name="If",
    )
    return result


def _give_intermediates(op: Operation, branches: list[_BranchGradient], which: int) -> list[Tensor]:
    """Makes what one gradient needs an output of the forward operation, and an input of both gradients."""
    own, other = branches[which], branches[1 - which]
    wanted = list(own.graph.intermediates)
    own.forward.outputs.extend(wanted)
    with other.forward.as_default(), other.forward.bare():
        other.forward.outputs.extend(fake_param_op(dtype=t.dtype.base_dtype, shape=t.shape) for t in wanted)
    for tensor in wanted:
        own.graph.inputs.append(own.graph.intermediates[tensor])
        with other.graph.bare():
            other.graph.add_input(tensor.dtype, None, "unused")
    attrs = {
        "Tout": [*op.attrs["Tout"], *(t.dtype.base_dtype for t in wanted)],
        "output_shapes": [*_shapes(op), *(TensorShape(None) for _ in wanted)],
    }
    outputs = extend_operation(op, [], [(t.dtype.base_dtype, None) for t in wanted], attrs)
    return outputs


def _shapes(op: Operation) -> list[TensorShape]:
    return list(op.attrs.get("output_shapes") or [TensorShape(t.sizes) for t in op.outputs])


def _collected(kinds: Sequence[str], outputs: Sequence[Tensor]) -> list[Any]:
    given = iter(outputs)
    result: list[Any] = []
    for kind in kinds:
        if kind == "slices":
            result.append(IndexedSlices(next(given), next(given), next(given)))
        else:
            result.append(next(given) if kind == "dense" else None)
    return result


# Calls


def call_gradient(op: Operation, *dys: Any) -> list[Any]:
    """A call of the gradient of a function, which takes what it needs of the forward call from further outputs of it."""
    forward: FunctionGraph = op.attrs["f"]
    if forward.own_gradient is not None:
        return forward.own_gradient(op, *dys)
    used = [i for i, dy in enumerate(dys) if dy is not None and flows(op.outputs[i].dtype)]
    given = [convert_to_tensor(dys[i]) for i in used]
    graph = GradientGraph(forward, get_default_graph(), dict(zip(forward.inputs, op.inputs, strict=True)))
    arguments = [graph.add_input(dy.dtype, dy.sizes, "grad_y") for dy in given]
    wanted = wanted_inputs(len(op.inputs))
    places = [i for i, t in enumerate(forward.inputs) if i in wanted and (flows(t.dtype) or t.dtype.name == "resource")]
    with graph.as_default():
        found = backward([forward.outputs[i] for i in used], [forward.inputs[i] for i in places], arguments)
        graph.outputs = [local(as_dense(g)) for g in found if g is not None]
    captures = align_captures([graph], len(given))
    needed = list(graph.intermediates)
    graph.inputs += graph.intermediates.values()
    attrs = {
        "Tout": [t.dtype.base_dtype for t in graph.outputs],
        "f": graph,
        "output_shapes": [TensorShape(t.sizes) for t in graph.outputs],
    }
    inputs = [*given, *captures, *_forward_values(op, forward, needed)]
    outputs = iter(stateful_partitioned_call_op.make([inputs], attrs, f"{op.name}_grad").outputs)
    results: list[Any] = [None] * len(op.inputs)
    for i, gradient in zip(places, found, strict=True):
        results[i] = None if gradient is None else next(outputs)
    return results


def _forward_values(op: Operation, forward: FunctionGraph, wanted: Sequence[Tensor]) -> list[Tensor]:
    """The outputs of a call that hold tensors of its function; calls of one function share the list of outputs."""
    forward.outputs.extend(t for t in wanted if t not in forward.outputs)
    added = [(t.dtype.base_dtype, None) for t in forward.outputs[len(op.outputs) :]]
    attrs = {
        "Tout": [*op.attrs["Tout"], *(dtype for dtype, _ in added)],
        "output_shapes": [*_shapes(op), *(TensorShape(None) for _ in added)],
    }
    extend_operation(op, [], added, attrs)
    return [op.outputs[forward.outputs.index(t)] for t in wanted]


# While


def while_gradient(op: Operation, *dys: Any) -> list[Any]:
    """A While that runs the gradient of the body as often as the body ran, over what it left on stacks."""
    if not op.attrs.get("_back_prop", True):
        return [None] * len(op.inputs)
    return _LoopGradient(op, dys).build()


class _LoopGradient:
    """The gradient of a loop while it is built.

    Its loop variables: how many iterations are left, the gradients of the forward loop variables, the sums of the
    gradients of what the body captures, and the stacks.
    """

    def __init__(self, op: Operation, dys: Sequence[Any]) -> None:
        self.op = op
        self.body: FunctionGraph = op.attrs["body"]
        self.outer = get_default_graph()
        self.inputs = list(self.body.inputs)
        handed_on = [out is arg for out, arg in zip(self.body.outputs, self.inputs, strict=True)]
        self.variables = [i for i, t in enumerate(self.inputs) if flows(t.dtype) and not handed_on[i]]
        wanted = wanted_inputs(len(op.inputs))
        self.captures = [
            i
            for i, t in enumerate(self.inputs)
            if handed_on[i] and i in wanted and (flows(t.dtype) or t.dtype.name == "resource")
        ]
        self.handed_on = handed_on
        self.dys = list(dys)

    def build(self) -> list[Any]:
        count = _iteration_counter(self.op, self.body)
        given = {t: self.op.inputs[i] for i, t in enumerate(self.inputs) if self.handed_on[i]}
        graph = self.graph = LoopGradientGraph(self.body, self.outer, given)
        left = graph.add_input(int32, (), "iterations_left")
        arguments = [graph.add_input(self._dtype(i), self._sizes(i), "grad_y") for i in self.variables]
        found = self._backward(arguments)
        touched = [i for i in self.captures if found[i] is not None]
        sums = [graph.add_input(self._dtype(i), self._sizes(i), "grad_sum") for i in touched]
        with graph.as_default():
            outputs = [left - 1, *(self._own(found[i], i) for i in self.variables)]
            outputs += [_added(total, found[i]) for total, i in zip(sums, touched, strict=True)]
        start = [count, *(self._start(i) for i in self.variables), *(self._zero_sum(i) for i in touched)]
        start += [_stack_of(self.op, self.body, tensor) for tensor in graph.intermediates]
        graph.inputs[: len(graph.inputs)] = [left, *arguments, *sums, *(s for s, _ in graph.stacks)]
        graph.outputs = [*outputs, *(rest for _, rest in graph.stacks)]
        return self._results(self._loop(start), touched)

    def _dtype(self, index: int) -> DType:
        handle = handle_of(self.inputs[index].op)
        dtype: DType = self.inputs[index].dtype.base_dtype if handle is None else handle.attrs["dtype"]
        return dtype

    def _sizes(self, index: int) -> Sizes:
        handle = handle_of(self.inputs[index].op)
        sizes: Sizes = self.inputs[index].sizes if handle is None else handle.attrs["shape"].sizes
        return sizes

    def _backward(self, arguments: list[Tensor]) -> dict[int, Any]:
        wanted = [*self.variables, *self.captures]
        ys = [self.body.outputs[i] for i in self.variables]
        with self.graph.as_default():
            found = backward(ys, [self.inputs[i] for i in wanted], arguments)
        return dict(zip(wanted, found, strict=True))

    def _own(self, gradient: Any, index: int) -> Tensor:
        return local(dense_zeros(self.inputs[index]) if gradient is None else as_dense(gradient))

    def _start(self, index: int) -> Tensor:
        dy = self.dys[index] if index < len(self.dys) else None
        return dense_zeros(local(self.op.outputs[index])) if dy is None else as_dense(dy)

    def _zero_sum(self, index: int) -> Tensor:
        return dense_zeros(local(self.op.inputs[index]))

    def _loop(self, start: list[Tensor]) -> list[Tensor]:
        graph, count = self.graph, len(start)
        condition = FunctionGraph(graph.name + "_cond", self.outer)
        for tensor in graph.inputs[:count]:
            condition.add_input(tensor.dtype, tensor.sizes, "loop_var")
        with condition.as_default():
            condition.outputs = [condition.inputs[0] > 0]
        captures = align_captures([graph, condition], count)
        graph.outputs += graph.inputs[count:]
        shapes = [TensorShape(t.sizes) for t in graph.inputs]
        attrs = {"cond": condition, "body": graph, "output_shapes": shapes}
        return while_op.make([[*start, *captures]], attrs, "While").outputs

    def _results(self, outputs: list[Tensor], touched: list[int]) -> list[Any]:
        results: list[Any] = [None] * len(self.op.inputs)
        for place, i in enumerate([*self.variables, *touched], 1):
            results[i] = outputs[place]
        # What a loop hands on unchanged gives its own gradient back.
        for i in self.captures:
            dy = self.dys[i] if i < len(self.dys) else None
            if dy is not None:
                results[i] = dy if results[i] is None else add_all([results[i], dy])
        return results


def _added(total: Tensor, gradient: Any) -> Tensor:
    return add_all([total, local(as_dense(gradient))])  # type: ignore[no-any-return]


def _extend_loop(op: Operation, start: Tensor, inner: Tensor, following: Tensor) -> Tensor:
    """Gives a loop one more variable; `inner` and `following` are its value in the body and the next one."""
    body, condition = op.attrs["body"], op.attrs["cond"]
    with condition.bare():
        condition.add_input(inner.dtype, inner.sizes, "loop_var")
    body.outputs.append(following)
    attrs = {"T": [*op.attrs["T"], inner.dtype.base_dtype], "output_shapes": [*_shapes(op), TensorShape(inner.sizes)]}
    return extend_operation(op, [start], [(inner.dtype.base_dtype, inner.sizes)], attrs)[0]


def _iteration_counter(op: Operation, body: FunctionGraph) -> Tensor:
    """The output of a loop that counts its iterations; made once."""
    if None not in body.kept:
        with op.graph.as_default(), _bare(op.graph):
            start = constant(0, int32, name="iterations")
        with body.as_default(), body.bare():
            inner = body.add_input(int32, (), "iteration")
            following = inner + 1
        body.kept[None] = _extend_loop(op, start, inner, following).value_index
    return local(op.outputs[body.kept[None]])


def _stack_of(op: Operation, body: FunctionGraph, tensor: Tensor) -> Tensor:
    """The output of a loop that holds the values of a tensor of its body, one an iteration; made once a tensor."""
    if tensor not in body.kept:
        with op.graph.as_default(), _bare(op.graph):
            shape = element_shape_of(() if tensor.dtype is variant else tensor.sizes)
            start = empty_tensor_list_op(shape, np.int32(-1), element_dtype=tensor.dtype.base_dtype)
        with body.as_default(), body.bare():
            inner = body.add_input(variant, (), "stack")
            following = tensor_list_push_back_op(inner, tensor)
        body.kept[tensor] = _extend_loop(op, start, inner, following).value_index
    return local(op.outputs[body.kept[tensor]])


def _bare(graph: Graph) -> Any:
    return graph.bare() if isinstance(graph, FunctionGraph) else graph.control_dependencies(None)

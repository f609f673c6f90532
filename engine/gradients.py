"""Reverse-mode differentiation: walks the graph from ys back to xs and calls the ops' own rules. Builds, never computes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from contextvars import ContextVar
from typing import Any

from .conversion import convert_to_tensor, local
from .dtypes import DType
from .graph import Graph, Operation, Tensor, get_default_graph
from .ops.aggregation import add_all
from .ops.array import fill_op, shape
from .registry import find_definition
from .tensor_types import IndexedSlices

GradientFunction = Callable[..., Any]
Gradient = Tensor | IndexedSlices

_registered: dict[str, GradientFunction | None] = {}
_wanted: ContextVar[frozenset[int] | None] = ContextVar("wanted", default=None)


def wanted_inputs(count: int) -> frozenset[int]:
    """For a gradient rule that is being called: which of `count` inputs have gradients that lead to what is asked for.

    Rules may give more; those for which each input costs much, such as loops', look here.
    """
    wanted = _wanted.get()
    return frozenset(range(count)) if wanted is None else wanted


class AggregationMethod:
    """How several gradients of one tensor are combined; all of them add up here, in one AddN."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


class UnconnectedGradients:
    """What stands for the gradient of an x that no y depends on: None or zeros."""

    NONE = "none"
    ZERO = "zero"


class RegisterGradient:
    """A decorator that registers the gradient of an op type, or of a name for `gradient_override_map`.

    Example:
        >>> import headrace as tf
        >>> @tf.RegisterGradient("DocsHalf")
        ... def half(op, grad):
        ...     return grad * 0.5
    """

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self.op_type = op_type

    def __call__(self, function: GradientFunction) -> GradientFunction:
        definition = find_definition(self.op_type)
        if self.op_type in _registered or (definition is not None and definition.gradient_function is not None):
            raise KeyError(f"Registering two gradient with name '{self.op_type}'!")
        _registered[self.op_type] = function
        return function


def not_differentiable(op_type: str) -> None:
    """Says that no gradient flows through operations of this type (TensorFlow's `tf.NotDifferentiable`)."""
    if not isinstance(op_type, str):
        raise TypeError("op_type must be a string")
    _registered[op_type] = None


def gradient_function_of(op: Operation) -> GradientFunction | None:
    """The gradient rule of an operation; None where gradients stop; LookupError where there is no rule."""
    override = op.attrs.get("_gradient_op_type")
    name = override if override is not None else op.type
    if name in _registered:
        return _registered[name]
    definition = find_definition(name)
    if definition is not None and definition.gradient_function is not None:
        return definition.gradient_function
    if definition is not None and definition.not_differentiable:
        return None
    raise LookupError(f"No gradient defined for operation '{op.name}' (op type: {op.type}), made at {op.made_at}")


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    stop_gradients: Any = None,
    unconnected_gradients: str = UnconnectedGradients.NONE,
) -> list[Any]:
    """The symbolic derivatives of the sum of `ys` with respect to each x in `xs`, as TensorFlow 1.15's `tf.gradients`.

    Args:
        ys: a tensor or a list of them.
        xs: a tensor or variable, or a list of them.
        grad_ys: gradients of the ys, ones by default; None entries mean ones.
        name: name scope of what is built.
        colocate_gradients_with_ops: put each gradient on its operation's device.
        gate_gradients: let all gradients of an operation be there before any of them is used.
        aggregation_method: see AggregationMethod.
        stop_gradients: tensors to treat as constants.
        unconnected_gradients: "none" or "zero".

    Returns:
        One gradient an x: a Tensor, IndexedSlices where the x was gathered from, or None where no y depends on it.

    Raises:
        LookupError: an operation between has no gradient.
        ValueError, TypeError: wrong shapes or dtypes of grad_ys.
    """
    y_list, x_list = _listed(ys), _listed(xs)
    grads = _listed(grad_ys) if grad_ys is not None else [None] * len(y_list)
    if len(grads) != len(y_list):
        raise ValueError(f"Passed {len(grads)} grad_ys for {len(y_list)} ys")
    graph = _graph_of(y_list)
    with graph.as_default(), graph.name_scope(name) as scope:
        outputs = [convert_to_tensor(y) if not isinstance(y, IndexedSlices) else y.values for y in y_list]
        inputs = [local(_as_handle(x)) for x in x_list]
        stops = {local(_as_handle(t)) for t in _listed(stop_gradients or [])}
        run = _Backward(graph, outputs, inputs, stops, gate_gradients, colocate_gradients_with_ops)
        run.start([_initial(y, g, i) for i, (y, g) in enumerate(zip(outputs, grads, strict=True))])
        run.walk()
        del scope, aggregation_method
        found = [run.gradient_of(x) for x in inputs]
        return found if unconnected_gradients == UnconnectedGradients.NONE else _zeros_for_none(found, inputs)


def backward(ys: Sequence[Tensor], xs: Sequence[Tensor], grad_ys: Sequence[Any]) -> list[Any]:
    """`gradients` inside a function's graph, built in the default graph, which may be another one."""
    run = _Backward(get_default_graph(), list(ys), list(xs), set(), False, False)
    run.start([_initial(y, g, i) for i, (y, g) in enumerate(zip(ys, grad_ys, strict=True))])
    run.walk()
    return [run.gradient_of(x) for x in xs]


def hessians(ys: Any, xs: Any, name: str = "hessians", **options: Any) -> list[Tensor]:
    """The second derivatives of the sum of `ys` with respect to each x: shape [*x.shape, *x.shape].

    The number of elements of each x must be known; the gradient of every element is built.
    """
    from .ops.array import reshape, stack

    x_list = _listed(xs)
    results = []
    for x, gradient in zip(x_list, gradients(ys, x_list, name=name, **options), strict=True):
        tensor = convert_to_tensor(x)
        if gradient is None or tensor.sizes is None or None in tensor.sizes:
            raise ValueError(f"hessians needs an x of known shape that ys depend on, got {tensor!r}")
        sizes = [s for s in tensor.sizes if s is not None]
        flat = reshape(convert_to_tensor(gradient), [-1])
        count = flat.sizes[0] if flat.sizes else 0
        rows = [_row(gradients(flat[i], x, name=name, **options)[0], tensor) for i in range(count or 0)]
        results.append(reshape(stack(rows), sizes + sizes))
    return results


def _row(gradient: Any, x: Tensor) -> Tensor:
    from .ops.array_parts import zeros_like_tensor

    return zeros_like_tensor(x) if gradient is None else convert_to_tensor(gradient)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _graph_of(ys: Sequence[Any]) -> Graph:
    graph = getattr(ys[0], "graph", None) if ys else None
    default = get_default_graph()
    # Inside a function, ys of the graph around are captured.
    return default if graph is None or default.outer_graph is not None else graph


def _as_handle(x: Any) -> Tensor:
    handle = getattr(x, "handle", None)
    return handle if isinstance(handle, Tensor) else convert_to_tensor(x, as_ref=True)


def _differentiable(dtype: DType) -> bool:
    base = dtype.base_dtype
    return base.is_floating or base.is_complex or base.name in ("resource", "variant")


def _initial(y: Tensor, given: Any, index: int) -> Gradient | None:
    if not _differentiable(y.dtype):
        warnings.warn(f"The dtype of the target tensor must be floating, got {y.dtype.name} for {y.name}", stacklevel=4)
        return None
    if given is None:
        if y.dtype.is_complex:
            raise TypeError(f"Gradients of complex tensors must set grad_ys (y.dtype = {y.dtype.name})")
        return fill_op(shape(y), convert_to_tensor(1.0, y.dtype.base_dtype), name=f"grad_ys_{index}")
    if isinstance(given, IndexedSlices):
        return given
    tensor = convert_to_tensor(given, y.dtype.base_dtype, f"grad_ys_{index}")
    if not tensor.shape.is_compatible_with(y.shape):
        raise ValueError(f"grad_ys[{index}] has shape {tensor.shape}, but {y.name} has shape {y.shape}")
    return tensor


class _Backward:
    """The state of one walk: gradients so far by tensor, and which operations lie between ys and xs."""

    def __init__(
        self, graph: Graph, ys: list[Tensor], xs: list[Tensor], stops: set[Tensor], gate: bool, colocate: bool
    ) -> None:
        self.graph = graph
        self.ys = ys
        self.xs = set(xs)
        self.stops = stops
        self.gate = gate
        self.colocate = colocate
        self.parts: dict[Tensor, list[Gradient]] = {}
        self.totals: dict[Tensor, Gradient] = {}
        self.reached: set[Operation] = set()

    def start(self, initial: list[Gradient | None]) -> None:
        for y, gradient in zip(self.ys, initial, strict=True):
            if gradient is not None:
                self.parts.setdefault(y, []).append(gradient)

    def walk(self) -> None:
        for op in self._between():
            self._through(op)

    def _between(self) -> list[Operation]:
        """The operations on paths from xs to ys, last made first."""
        reached = self.reached = _forward(self.xs, self.stops)
        seen: set[Operation] = set()
        stack = [y.op for y in self.ys]
        while stack:
            op = stack.pop()
            if op in seen or op not in reached:
                continue
            seen.add(op)
            stack.extend(t.op for t in op.inputs)
        return sorted(seen, key=lambda op: op.order, reverse=True)

    def gradient_of(self, tensor: Tensor) -> Gradient | None:
        """The sum of what arrived at a tensor."""
        if tensor not in self.totals:
            parts = self.parts.get(tensor)
            if not parts:
                return None
            self.totals[tensor] = add_all(parts)
        return self.totals[tensor]

    def _through(self, op: Operation) -> None:
        outs = [self.gradient_of(t) for t in op.outputs]
        if all(g is None for g in outs) or all(t in self.stops for t in op.outputs):
            return
        if not any(t.op in self.reached for t in op.inputs):
            # Nothing that is asked for lies behind this operation.
            return
        function = gradient_function_of(op)
        if function is None:
            return
        found = self._call(op, function, outs)
        # Loops get further inputs when their gradients are built.
        for tensor, gradient in zip(op.inputs, found, strict=True):
            if gradient is not None and _differentiable(tensor.dtype):
                self.parts.setdefault(tensor, []).append(_checked(op, tensor, gradient))

    def _call(self, op: Operation, function: GradientFunction, outs: list[Any]) -> list[Any]:
        with ExitStack() as stack:
            stack.enter_context(self.graph.name_scope(op.name + "_grad"))
            if self.colocate:
                stack.enter_context(self.graph.colocate_with(op, ignore_existing=True))
            token = _wanted.set(frozenset(i for i, t in enumerate(op.inputs) if t.op in self.reached))
            try:
                result = function(op, *outs)
            finally:
                _wanted.reset(token)
            found = list(result) if isinstance(result, list | tuple) else [result]
            if len(found) != len(op.inputs):
                raise ValueError(
                    f"Num gradients {len(found)} generated for {op.describe()} do not match num inputs {len(op.inputs)}"
                )
            return _gated(found) if self.gate else found


def _forward(xs: set[Tensor], stops: set[Tensor]) -> set[Operation]:
    """The operations that depend on xs without passing through stops, those that make xs among them."""
    reached: set[Operation] = {x.op for x in xs}
    stack: list[Tensor] = [x for x in xs]
    seen = set(stack)
    while stack:
        tensor = stack.pop()
        if tensor in stops and tensor not in xs:
            continue
        for op in tensor.consumers():
            if op not in reached or any(t in xs for t in op.outputs):
                reached.add(op)
            fresh = [t for t in op.outputs if t not in seen]
            seen.update(fresh)
            stack.extend(fresh)
    return reached


def _checked(op: Operation, tensor: Tensor, gradient: Any) -> Gradient:
    if isinstance(gradient, IndexedSlices):
        return gradient
    result = convert_to_tensor(gradient)
    if tensor.dtype.name not in ("resource", "variant") and result.sizes != tensor.sizes:
        try:
            result.set_shape(tensor.shape)
        except ValueError as error:
            raise ValueError(
                f"Incompatible shapes between op input and its gradient, for {op.describe()}: {error}"
            ) from None
    return result


def _gated(found: list[Any]) -> list[Any]:
    from .ops.array import identity

    present = [g for g in found if g is not None]
    if len(present) < 2:
        return found
    graph = present[0].graph
    with graph.control_dependencies([g.op for g in present]):
        return [None if g is None else _held(g, identity) for g in found]


def _held(gradient: Gradient, identity: Callable[..., Tensor]) -> Gradient:
    if isinstance(gradient, IndexedSlices):
        return IndexedSlices(identity(gradient.values), identity(gradient.indices), gradient.dense_shape)
    return identity(gradient)


def _zeros_for_none(found: list[Any], xs: list[Tensor]) -> list[Any]:
    from .ops.array_parts import zeros_like_tensor

    return [zeros_like_tensor(convert_to_tensor(x)) if g is None else g for g, x in zip(found, xs, strict=True)]


__all__ = [
    "AggregationMethod", "RegisterGradient", "UnconnectedGradients", "gradients", "hessians",
    "not_differentiable",
]  # fmt: skip

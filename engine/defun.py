"""Defun: Python functions of tensors as functions of the graph, as TensorFlow 1.15's framework.function.Defun."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from .conversion import convert_to_tensor
from .dtypes import DType, as_dtype
from .function import FunctionGraph
from .graph import Graph, Operation, Tensor, get_default_graph
from .ops.cond import own_value
from .ops.functional import stateful_partitioned_call_op
from .registry import find_definition
from .shapes import TensorShape


class Defun:
    """A decorator that makes a function of tensors one operation of each graph in which it is called.

    Args:
        input_types: dtypes of the arguments; by default those of what it is called with.
        func_name: the function's name in the graph; by default that of the Python function.
        grad_func: a function decorated so that gives the gradients of the inputs, given these and those of the outputs.
        python_grad_func: the same as a Python function of the call's operation and the gradients of the outputs.
        shape_func: a Python function of the call's operation that gives the shapes of its outputs.

    Example:
        >>> import headrace as tf
        >>> @tf.function.Defun(tf.float32, tf.float32)
        ... def polynomial(x, y):
        ...     return x * x + y
        >>> with tf.Graph().as_default(), tf.Session() as sess:
        ...     x = tf.constant(3.0)
        ...     z = polynomial(x, 1.0)
        ...     print(*sess.run([z, tf.gradients(z, x)[0]]))
        10.0 6.0
    """

    def __init__(
        self,
        *input_types: Any,
        func_name: str | None = None,
        grad_func: DefinedFunction | None = None,
        python_grad_func: Callable[..., Any] | None = None,
        shape_func: Callable[[Operation], Any] | None = None,
    ) -> None:
        if grad_func is not None and python_grad_func is not None:
            raise ValueError("Give grad_func or python_grad_func, not both.")
        self._types = [as_dtype(t) for t in input_types]
        self._func_name = func_name
        self._grad_func = grad_func
        self._python_grad_func = python_grad_func
        self._shape_func = shape_func

    def __call__(self, func: Callable[..., Any]) -> DefinedFunction:
        """The function as one of the graph.

        Raises:
            ValueError: it does not take as many arguments as there are types.
        """
        if not callable(func):
            raise ValueError(f"function {func} must be callable")
        parameters = inspect.signature(func).parameters.values()
        fixed = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        required = sum(p.default is p.empty for p in fixed)
        open_ended = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        count = len(self._types)
        if self._types and (count < required or (count > len(fixed) and not open_ended)):
            raise ValueError(f"The function takes {len(fixed)} arguments, but there are {count} input types.")
        name = str(self._func_name or getattr(func, "__name__", "function"))
        gradient = self._python_grad_func or (self._grad_func and _gradient_by(self._grad_func))
        return DefinedFunction(func, name, self._types, gradient, self._shape_func)


def _gradient_by(function: DefinedFunction) -> Callable[..., Any]:
    return lambda op, *dys: function(*op.inputs, *dys)


class DefinedFunction:
    """A function of the graph. A call adds one operation; the Python function runs once a graph and dtypes."""

    def __init__(
        self,
        func: Callable[..., Any],
        name: str,
        types: Sequence[DType],
        gradient: Callable[..., Any] | None,
        shape_func: Callable[[Operation], Any] | None,
    ) -> None:
        self._func = func
        self._name = name
        self._types = list(types)
        self._gradient = gradient
        self._shape_func = shape_func
        self._traced: dict[tuple[Graph, tuple[DType, ...]], tuple[FunctionGraph, int]] = {}
        self.__doc__ = func.__doc__
        self.__wrapped__ = func

    @property
    def name(self) -> str:
        """The function's name."""
        return self._name

    @property
    def declared_input_types(self) -> list[DType]:
        """The dtypes given; empty where they are those of the call."""
        return self._types

    def __call__(self, *args: Any, name: str | None = None) -> Any:
        """The results as a tensor, a list of them, or the operation if there are none.

        Raises:
            ValueError: there are not as many arguments as declared types.
        """
        if self._types and len(args) != len(self._types):
            raise ValueError(f"Expected number of arguments: {len(self._types)}, received: {len(args)}")
        types: Sequence[DType | None] = self._types or [None] * len(args)
        inputs = [own_value(convert_to_tensor(a, t)) for a, t in zip(args, types, strict=True)]
        graph, count = self._graph_for(tuple(t.dtype.base_dtype for t in inputs))
        shapes = [TensorShape(t.sizes) for t in graph.outputs[:count]]
        attrs = {"Tout": [t.dtype.base_dtype for t in graph.outputs[:count]], "f": graph, "output_shapes": shapes}
        definition: Any = stateful_partitioned_call_op
        with get_default_graph().control_dependencies(list(graph.outer_controls)):
            op: Operation = definition.make([[*inputs, *graph.captures]], attrs, name or self._name)
        if self._shape_func is not None:
            for tensor, shape in zip(op.outputs, self._shape_func(op), strict=True):
                tensor.set_shape(shape)
        results = list(op.outputs)
        return op if not results else results[0] if count == 1 else results

    def _graph_for(self, types: tuple[DType, ...]) -> tuple[FunctionGraph, int]:
        """The function's graph inside the default graph, and the number of its results."""
        key = (get_default_graph(), types)
        if key not in self._traced:
            self._traced[key] = self._trace(*key)
        return self._traced[key]

    def _trace(self, outer: Graph, types: tuple[DType, ...]) -> tuple[FunctionGraph, int]:
        graph = FunctionGraph(self._name, outer)
        with graph.as_default():
            arguments = [graph.add_input(t, None) for t in types]
            found = self._func(*arguments)
            parts = found if isinstance(found, list | tuple) else [] if found is None else [found]
            graph.outputs = [own_value(convert_to_tensor(p)) for p in parts if not isinstance(p, Operation)]
        # What a function does to state it does whether or not a result needs it.
        graph.control_outputs = [op for op in graph.get_operations() if op in parts or _has_effect(op)]
        if self._gradient is not None:
            graph.own_gradient = self._own_gradient(len(types), len(graph.outputs))
        return graph, len(graph.outputs)

    def _own_gradient(self, inputs: int, outputs: int) -> Callable[..., list[Any]]:
        function = self._gradient

        def gradient(op: Operation, *dys: Any) -> list[Any]:
            found = function(op, *dys[:outputs]) if function is not None else None
            gradients: list[Tensor | None] = list(found) if isinstance(found, list | tuple) else [found]
            if len(gradients) not in (inputs, len(op.inputs)):
                raise ValueError(f"The gradient of {self._name} gave {len(gradients)} gradients for {inputs} inputs")
            return gradients + [None] * (len(op.inputs) - len(gradients))

        return gradient


def _has_effect(op: Operation) -> bool:
    definition = find_definition(op.type)
    if definition is None or not definition.stateful:
        return False
    return not op.outputs or definition.update_function is not None


class _FunctionNames:
    """`tf.function`: what holds Defun. As a decorator it says what there is instead."""

    Defun = Defun

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Raises NotImplementedError: TensorFlow 2's tf.function runs eagerly, and graphs are built here.

        Raises:
            NotImplementedError: always, with what to do instead.
        """
        raise NotImplementedError(
            "tf.function traces functions for eager execution, which is not there: leave the decorator out, since calling "
            "the Python function adds its operations to the graph and Session.run runs them compiled; for a function "
            "that is one operation of the graph use @tf.function.Defun(dtypes), and tf.cond or tf.while_loop for "
            "conditions and loops over tensors"
        )


function = _FunctionNames()

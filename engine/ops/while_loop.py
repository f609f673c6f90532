"""tf.while_loop: a condition and a body as graphs of their own, called in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import nest
from ..conversion import convert_to_tensor
from ..dtypes import bool as bool_dtype
from ..function import FunctionGraph, align_captures
from ..graph import Operation, Sizes, Tensor, get_default_graph
from ..scopes import name_scope
from ..shapes import TensorShape
from .cond import own_value
from .constant import constant
from .functional import while_op


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:
    """Calls `body` on the loop variables as long as `cond` of them is true; as TensorFlow 1.15's `tf.while_loop`.

    Args:
        cond: a function of the loop variables that gives a scalar bool tensor.
        body: a function of the loop variables that gives their next values, in the same structure.
        loop_vars: a (nested) tuple or list of tensors, Python values, TensorArrays.
        shape_invariants: the same structure of shapes: what all iterations have in common. By default the shapes of
            the initial values.
        parallel_iterations: accepted; iterations run one after the other.
        back_prop: whether gradients may flow through the loop.
        swap_memory: accepted.
        name: name scope of what is built.
        maximum_iterations: a scalar integer; the loop ends after so many iterations at the latest.
        return_same_structure: return a list of one for a single loop variable, and not the variable alone.

    Raises:
        TypeError: `cond` or `body` is not callable, or `cond` does not give a bool.
        ValueError: there are no loop variables, the body changes their structure, or a shape is not invariant.

    Example:
        >>> import headrace as tf
        >>> i = tf.while_loop(lambda i: i < 10, lambda i: i + 3, [tf.constant(0)])
        >>> with tf.Session() as sess:
        ...     print(sess.run(i))
        12
    """
    _check_arguments(cond, body, loop_vars, parallel_iterations)
    del swap_memory
    with name_scope(name, "while"):
        loop = _Loop(loop_vars, shape_invariants, maximum_iterations)
        loop.trace(cond, body)
        result = loop.build(parallel_iterations, back_prop)
    if return_same_structure or not isinstance(result, list | tuple) or len(result) != 1:
        return result
    return result[0]


def _check_arguments(cond: Any, body: Any, loop_vars: Any, parallel_iterations: Any) -> None:
    if loop_vars is None or (nest.is_sequence(loop_vars) and not nest.flatten(loop_vars)):
        raise ValueError("No loop variables provided")
    if not callable(cond):
        raise TypeError("cond must be callable.")
    if not callable(body):
        raise TypeError("body must be callable.")
    if int(parallel_iterations) < 1:
        raise TypeError("parallel_iterations must be a positive integer.")


class _Loop:
    """A loop while it is built: the initial values, their shapes over all iterations, and the traced functions."""

    def __init__(self, loop_vars: Any, shape_invariants: Any, maximum_iterations: Any) -> None:
        self.outer = get_default_graph()
        self.packed = loop_vars if nest.is_sequence(loop_vars) else [loop_vars]
        self.structure = nest.map_structure(_initial, self.packed)
        self.values: list[Tensor] = nest.flatten(self.structure, expand_composites=True)
        self.sizes = self._invariants(shape_invariants)
        self.given = shape_invariants is not None
        self.limit = None if maximum_iterations is None else self._limit(maximum_iterations)
        if self.limit is not None:
            self.values.append(constant(0, self.limit.dtype.base_dtype, name="iteration_counter"))
            self.sizes.append(())

    def _limit(self, maximum: Any) -> Tensor:
        limit = convert_to_tensor(maximum, name="maximum_iterations")
        if limit.sizes:
            raise ValueError(f"maximum_iterations must be a scalar, saw shape: {limit.shape}")
        return limit

    def _invariants(self, shapes: Any) -> list[Sizes]:
        if shapes is None:
            return [v.sizes for v in self.values]
        flat = _flat_shapes(self.structure, shapes)
        for value, sizes in zip(self.values, flat, strict=True):
            if not _less_specific(sizes, value.sizes):
                raise ValueError(
                    f"The shape invariant specified for {value.name} is not compatible with the initial shape of the "
                    f"loop variable. It enters the loop with shape {value.shape}, but the specified shape invariant is "
                    f"{TensorShape(sizes)}."
                )
        return flat

    def trace(self, cond: Callable[..., Any], body: Callable[..., Any]) -> None:
        """Fills in the graphs of the condition and of the body, with the same inputs."""
        self.cond, arguments = self._graph("cond")
        with self.cond.as_default():
            self.cond.outputs = [self._condition(cond, arguments)]
        self.body, arguments = self._graph("body")
        with self.body.as_default():
            self.body.outputs = self._next(body, arguments)
        self.captures = align_captures([self.cond, self.body], len(self.values))
        self.body.outputs += self.body.inputs[len(self.values) :]

    def _graph(self, name: str) -> tuple[FunctionGraph, list[Tensor]]:
        graph = FunctionGraph(f"{self.outer.get_name_scope() or 'while'}_{name}", self.outer)
        pairs = zip(self.values, self.sizes, strict=True)
        return graph, [graph.add_input(value.dtype, sizes, "loop_var") for value, sizes in pairs]

    def _pack(self, flat: list[Tensor]) -> Any:
        own = flat if self.limit is None else flat[:-1]
        return nest.pack_sequence_as(self.structure, own, expand_composites=True)

    def _condition(self, cond: Callable[..., Any], arguments: list[Tensor]) -> Tensor:
        packed = self._pack(arguments)
        result = convert_to_tensor(cond(**packed) if isinstance(packed, dict) else cond(*packed))
        if result.dtype.base_dtype != bool_dtype or result.sizes:
            raise TypeError(f"cond of a while_loop must give a scalar bool, got {result!r}")
        if self.limit is not None:
            result = (arguments[-1] < self.limit) & result
        return own_value(result)

    def _next(self, body: Callable[..., Any], arguments: list[Tensor]) -> list[Tensor]:
        packed = self._pack(arguments)
        result = body(**packed) if isinstance(packed, dict) else body(*packed)
        if not nest.is_sequence(result):
            result = [result]
        alike = result if type(result) is type(self.structure) or isinstance(result, dict) else list(result)
        own = self.structure if alike is result else list(self.structure)
        nest.assert_same_structure(own, alike, check_types=False, expand_composites=True)
        flat = [self._converted(v, i) for i, v in enumerate(nest.flatten(result, expand_composites=True))]
        if self.limit is not None:
            flat.append(arguments[-1] + 1)
        for i, tensor in enumerate(flat):
            self._check(tensor, i)
        return flat

    def _converted(self, value: Any, index: int) -> Tensor:
        if isinstance(value, Operation):
            with get_default_graph().control_dependencies([value]):
                return constant(0)
        return own_value(convert_to_tensor(value, preferred_dtype=self.values[index].dtype.base_dtype))

    def _check(self, tensor: Tensor, index: int) -> None:
        value, sizes = self.values[index], self.sizes[index]
        if tensor.dtype.base_dtype != value.dtype.base_dtype:
            raise TypeError(
                f"Loop var {value.name} enters the loop with type {value.dtype.name} but has type {tensor.dtype.name} "
                "after 1 iteration. A loop variable must keep its type."
            )
        if _less_specific(sizes, tensor.sizes):
            return
        if self.given:
            raise ValueError(
                f"The shape for {value.name} is not an invariant for the loop. The shape invariant is "
                f"{TensorShape(sizes)}, but it has shape {tensor.shape} after one iteration."
            )
        raise ValueError(
            f"The shape for {value.name} is not an invariant for the loop. It enters the loop with shape {value.shape}, "
            f"but has shape {tensor.shape} after one iteration. Provide shape invariants using either the "
            "`shape_invariants` argument of tf.while_loop or set_shape() on the loop variables."
        )

    def build(self, parallel_iterations: int, back_prop: bool) -> Any:
        """Adds the While operation and packs its outputs."""
        shapes = [TensorShape(s) for s in self.sizes] + [TensorShape(t.sizes) for t in self.captures]
        waits = [*self.cond.outer_controls, *self.body.outer_controls]
        with self.outer.control_dependencies(waits):
            operation = while_op.make(
                [[*self.values, *self.captures]],
                {
                    "cond": self.cond,
                    "body": self.body,
                    "output_shapes": shapes,
                    "parallel_iterations": int(parallel_iterations),
                    "_back_prop": bool(back_prop),
                },
                "While",
            )
        return self._pack(operation.outputs[: len(self.values)])


def _initial(value: Any) -> Any:
    if nest.is_composite(value):
        return value
    if isinstance(value, Operation):
        raise TypeError(f"Loop variables must be tensors, got the operation {value.name!r}")
    tensor = convert_to_tensor(value)
    return own_value(tensor) if tensor.dtype._is_ref_dtype else tensor


def _flat_shapes(structure: Any, shapes: Any) -> list[Sizes]:
    nest.assert_shallow_structure(structure, shapes, check_types=False)
    flat: list[Sizes] = []
    for leaf, shape in zip(nest.flatten(structure), nest.flatten_up_to(structure, shapes, False), strict=True):
        if nest.is_composite(leaf):
            flat.extend([None if t.dtype.name == "variant" else _part_sizes(t) for t in nest.composite_parts(leaf)])
        else:
            flat.append(TensorShape(shape).sizes)
    return flat


def _part_sizes(tensor: Tensor) -> Sizes:
    # How many rows or elements there are may change from one iteration to the next.
    return None if tensor.sizes is None else (None, *tensor.sizes[1:]) if tensor.sizes else ()


def _less_specific(general: Sizes, special: Sizes) -> bool:
    """Whether every array of shape `special` has shape `general`."""
    if general is None:
        return True
    if special is None or len(general) != len(special):
        return False
    return all(a is None or a == b for a, b in zip(general, special, strict=True))

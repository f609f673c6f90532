"""EinsumDense: a dense layer whose product is said by an equation of labels."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from ...engine.initializers import VarianceScaling
from ...engine.ops.array import reshape
from ...engine.ops.array_order import transpose
from ...engine.ops.products import einsum, tensordot
from . import activations, constraints, initializers, regularizers
from .base import Layer, Shape
from .input_spec import InputSpec
from .serialization import registered


class Equation(NamedTuple):
    """An equation's labels of inputs, kernel and outputs, and where "..." stands: "left", "right" or nowhere."""

    inputs: str
    kernel: str
    outputs: str
    elided: str | None


def parsed(equation: str) -> Equation:
    """The parts of an equation; ValueError for one of another form."""
    for pattern, elided in (
        (r"([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)", None),
        (r"\.\.\.([a-zA-Z]+),([a-zA-Z]+)->\.\.\.([a-zA-Z]+)", "left"),
        (r"([a-zA-Z]{2,})\.\.\.,([a-zA-Z]+)->([a-zA-Z]+)\.\.\.", "right"),
    ):
        match = re.fullmatch(pattern, equation.replace(" ", ""))
        if match:
            return Equation(match[1], match[2], match[3], elided)
    raise ValueError(
        f"Invalid einsum equation {equation!r}. Equations must be in the form [X],[Y]->[Z], ...[X],[Y]->...[Z], or "
        "[X]...,[Y]->[Z]...."
    )


@registered("layers")
class EinsumDense(Layer):
    """`activation(einsum(equation, inputs, kernel) + bias)`.

    Args:
        equation: of labels, such as "ab,bc->ac" or "...x,xy->...y".
        output_shape: the output's shape without the batch (and without what "..." stands for); None for a size that
            the input has too.
        activation: a name or function; none by default.
        bias_axes: labels of the outputs' axes that have a bias; none by default.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint:
            as for Dense.

    Raises:
        ValueError: the equation is none, or does not fit the shapes.
    """

    casts_integers = True

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.equation = equation
        self._parts = parsed(equation)
        self.partial_output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Shape) -> None:
        sizes, _ = self._sizes(input_shape)
        kernel = [self._size_of(label, sizes) for label in self._parts.kernel]
        inner = [i for i, label in enumerate(self._parts.kernel) if label not in self._parts.outputs]
        self.kernel = self.add_weight(
            name="kernel",
            shape=kernel,
            initializer=spread(self.kernel_initializer, inner),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None if self.bias_axes is None else self.make_weight("bias", self._bias_shape(sizes, input_shape))
        self.input_spec = InputSpec(ndim=len(input_shape))

    def _sizes(self, input_shape: Shape) -> tuple[dict[str, int | None], Shape]:
        """The sizes of the labels and the output's shape."""
        parts = self._parts
        count = len(input_shape) - len(parts.inputs)
        if count < 0 or (count and not parts.elided) or len(self.partial_output_shape) + 1 < len(parts.outputs):
            raise ValueError(
                f"Layer {self.name!r}: equation {self.equation!r} and output_shape {self.partial_output_shape} do not "
                f"fit inputs of shape {tuple(input_shape)}"
            )
        own, extra = (input_shape[count:], input_shape[:count]) if parts.elided == "left" else (input_shape, ())
        sizes: dict[str, int | None] = dict(zip(parts.inputs, own, strict=False))
        batch = 0 if parts.elided == "left" and count else 1
        if parts.elided == "right":
            extra = input_shape[len(parts.inputs) :]
        for label, size in zip(parts.outputs[batch:], self.partial_output_shape, strict=False):
            if label not in sizes:
                sizes[label] = size
            elif size is not None and sizes[label] not in (None, size):
                raise ValueError(
                    f"Layer {self.name!r}: input and output sizes of {label!r} in {self.equation!r} differ: "
                    f"{sizes[label]} and {size}"
                )
        outputs = tuple(self._known(label, sizes) for label in parts.outputs)
        return sizes, (*extra, *outputs) if parts.elided == "left" else (*outputs, *extra)

    def _known(self, label: str, sizes: dict[str, int | None]) -> int | None:
        if label not in sizes:
            raise ValueError(
                f"Layer {self.name!r}: {label!r} of equation {self.equation!r} is among neither the inputs' nor the "
                "outputs' sizes"
            )
        return sizes[label]

    def _size_of(self, label: str, sizes: dict[str, int | None]) -> int:
        size = self._known(label, sizes)
        if size is None:
            raise ValueError(f"Layer {self.name!r}: the size of {label!r} in {self.equation!r} must be known")
        return size

    def _bias_shape(self, sizes: dict[str, int | None], input_shape: Shape) -> list[int]:
        labels, wanted = self._parts.outputs, self.bias_axes or ""
        strange = set(wanted) - set(labels)
        if strange or not wanted:
            raise ValueError(f"Layer {self.name!r}: bias_axes {wanted!r} are not labels of the outputs {labels!r}")
        first = min(labels.find(label) for label in wanted)
        shape = [self._size_of(label, sizes) if label in wanted else 1 for label in labels[first:]]
        elided = len(input_shape) - len(self._parts.inputs) if self._parts.elided == "right" else 0
        return shape + [1] * elided

    def call(self, inputs: Any) -> Any:
        outputs = self._product(inputs)
        return self.activation(outputs if self.bias is None else outputs + self.bias)

    def _product(self, inputs: Any) -> Any:
        """One matrix product where the summed axes are the inputs' last and the kernel's first."""
        parts = self._parts
        summed = [label for label in parts.inputs if label in parts.kernel]
        count = len(summed)
        text = "".join(summed)
        kept = parts.inputs[: len(parts.inputs) - count]
        if parts.elided != "right" and count and parts.inputs.endswith(text) and parts.kernel.startswith(text):
            if kept + parts.kernel[count:] == parts.outputs:
                rank = len(inputs.sizes or ())
                return tensordot(inputs, self.kernel, [list(range(rank - count, rank)), list(range(count))])
        return einsum(self.equation, inputs, self.kernel)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self._sizes(tuple(input_shape))[1]


def spread(initializer: Any, inner: list[int]) -> Any:
    """An initializer of kernels whose `inner` axes are the inputs': what scales with inputs and outputs counts them so."""
    if not isinstance(initializer, VarianceScaling):
        return initializer

    def initial(shape: Any, dtype: Any = None) -> Any:
        outer = [axis for axis in range(len(shape)) if axis not in inner]
        order = [*inner, *outer]
        matrix = [math.prod(shape[axis] for axis in axes) for axes in (inner, outer)]
        value = reshape(initializer(matrix, dtype), [shape[axis] for axis in order])
        return value if order == sorted(order) else transpose(value, [order.index(axis) for axis in range(len(order))])

    return initial

"""linear: the weighted sum of inputs that recurrent cells of 2016 were written with."""

from __future__ import annotations

from typing import Any

from .conversion import convert_to_tensor
from .graph import Tensor
from .initializers import constant_initializer
from .ops.array_parts import concat
from .ops.products import matmul
from .variable_scope import get_variable, variable_scope


def linear(args: Any, output_size: int, bias: bool = True, bias_start: float = 0.0, scope: Any = None) -> Tensor:
    """`concat(args, 1) @ Matrix + Bias` with variables of these names in the scope "Linear".

    Args:
        args: a matrix [batch, n] or a list of such.
        output_size: columns of the result.
        bias: whether there is a Bias.
        bias_start: its initial value.
        scope: a variable scope or its name.

    Raises:
        ValueError: no arguments, or one that is not a matrix of known width.

    Example:
        >>> import headrace as tf
        >>> from headrace.engine.linear_map import linear
        >>> linear([tf.zeros([2, 3]), tf.zeros([2, 1])], 5).shape
        TensorShape([Dimension(2), Dimension(5)])
    """
    parts = [convert_to_tensor(x) for x in (args if isinstance(args, list | tuple) else [args])]
    if not parts:
        raise ValueError("linear needs at least one matrix")
    width = sum(_width(x) for x in parts)
    dtype = parts[0].dtype.base_dtype
    with variable_scope(scope or "Linear"):
        matrix = get_variable("Matrix", [width, output_size], dtype)
        product: Tensor = matmul(parts[0] if len(parts) == 1 else concat(parts, 1), matrix)
        if not bias:
            return product
        result: Tensor = product + get_variable("Bias", [output_size], dtype, constant_initializer(bias_start))
        return result


def _width(x: Tensor) -> int:
    if x.sizes is None or len(x.sizes) != 2 or x.sizes[1] is None:
        raise ValueError(f"linear takes matrices of known width, got shape {x.shape}")
    return x.sizes[1]

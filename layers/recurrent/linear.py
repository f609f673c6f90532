"""The affine map inside cells that make their variables when they are called."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from ...engine.conversion import convert_to_tensor
from ...engine.initializers import constant_initializer
from ...engine.ops.array_parts import concat
from ...engine.ops.nn_bias import bias_add
from ...engine.ops.products import matmul
from ...engine.variable_scope import get_variable, variable_scope
from .cell import depth_of


def linear(
    args: Any, output_size: int, bias: bool, bias_start: float = 0.0, scope: Any = None, kernel_initializer: Any = None
) -> Any:
    """`concat(args, 1) @ kernel`, and plus `bias`: the `_linear` of TensorFlow 1's recurrent cells.

    Args:
        args: a tensor `[batch, size]` or a list of such.
        output_size: columns of the result.
        bias: whether a bias is added.
        bias_start: what it starts with.
        scope: variable scope of the variables `kernel` and `bias`; the current one by default.
        kernel_initializer: by default the scope's.

    Raises:
        ValueError: there are no args, or one is not of a known size.
    """
    if args is None or (isinstance(args, list | tuple) and not args):
        raise ValueError("`args` must be specified")
    values = [convert_to_tensor(arg) for arg in (args if isinstance(args, list | tuple) else [args])]
    if any(value.shape.ndims != 2 for value in values):
        raise ValueError(f"linear is expecting 2D arguments: {[str(value.shape) for value in values]}")
    rows = sum(depth_of(value.shape, "linear") for value in values)
    dtype = values[0].dtype.base_dtype
    with nullcontext() if scope is None else variable_scope(scope):
        kernel = get_variable("kernel", [rows, output_size], dtype, kernel_initializer)
        product = matmul(values[0] if len(values) == 1 else concat(values, 1), kernel)
        if not bias:
            return product
        start = constant_initializer(bias_start, dtype=dtype)
        return bias_add(product, get_variable("bias", [output_size], dtype, start))


_linear = linear

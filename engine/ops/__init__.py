"""The ops, one file a family, each op one block: declaration, shape rule, kernels, gradient, samples."""

from . import (  # noqa: F401  importing a family registers its ops
    array,
    array_parts,
    array_slice,
    broadcasting,
    constant,
    elementwise,
    internal,
    linalg,
    operators,
    reduction,
    training,
    variables,
)

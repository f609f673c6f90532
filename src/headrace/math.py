"""The names of TensorFlow 1.15's `tf.math`."""

from .engine.checks import is_non_decreasing, is_strictly_increasing
from .engine.ops.array_order import invert_permutation
from .engine.ops.binary import (
    add,
    atan2,
    maximum,
    minimum,
    multiply,
    multiply_no_nan,
    pow,
    squared_difference,
    subtract,
    xdivy,
    xlogy,
)
from .engine.ops.clipping import l2_normalize, scalar_mul
from .engine.ops.comparison import (
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_or,
    logical_xor,
    not_equal,
)
from .engine.ops.complex_parts import angle, conj, imag, real
from .engine.ops.confusion import confusion_matrix
from .engine.ops.division import divide, floordiv, floormod, floormod as mod, truediv
from .engine.ops.elementwise_nary import accumulate_n, add_n
from .engine.ops.extrema import argmax, argmin
from .engine.ops.nn_activations import softplus, softsign
from .engine.ops.nn_layers import zero_fraction
from .engine.ops.nn_losses import log_softmax, softmax
from .engine.ops.ranges import bincount
from .engine.ops.reduce import (
    count_nonzero,
    reduce_all,
    reduce_any,
    reduce_euclidean_norm,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_std,
    reduce_sum,
    reduce_variance,
)
from .engine.ops.rounding import ceil, floor, is_finite, is_inf, is_nan, logical_not, rint, round
from .engine.ops.scans import cumprod, cumsum
from .engine.ops.segments import (
    segment_max,
    segment_mean,
    segment_min,
    segment_prod,
    segment_sum,
    unsorted_segment_max,
    unsorted_segment_mean,
    unsorted_segment_min,
    unsorted_segment_prod,
    unsorted_segment_sqrt_n,
    unsorted_segment_sum,
)
from .engine.ops.special import betainc, digamma, erf, erfc, igamma, igammac, lbeta, lgamma, polygamma, zeta
from .engine.ops.top import in_top_k, top_k
from .engine.ops.trigonometric import acos, acosh, asin, asinh, atan, atanh, cos, cosh, sigmoid, sin, sinh, tan, tanh
from .engine.ops.unary import abs, exp, expm1, log, log1p, negative, reciprocal, rsqrt, sign, sqrt, square

__all__ = [
    "abs", "accumulate_n", "acos", "acosh", "add", "add_n", "angle", "argmax", "argmin", "asin", "asinh", "atan",
    "atan2", "atanh", "betainc", "bincount", "ceil", "confusion_matrix", "conj", "cos", "cosh", "count_nonzero",
    "cumprod", "cumsum", "digamma", "divide", "equal", "erf", "erfc", "exp", "expm1", "floor", "floordiv", "floormod",
    "greater", "greater_equal", "igamma", "igammac", "imag", "in_top_k", "invert_permutation", "is_finite", "is_inf",
    "is_nan", "is_non_decreasing", "is_strictly_increasing", "l2_normalize", "lbeta", "less", "less_equal", "lgamma",
    "log", "log1p", "log_softmax", "logical_and", "logical_not", "logical_or", "logical_xor", "maximum", "minimum",
    "mod", "multiply", "multiply_no_nan", "negative", "not_equal", "polygamma", "pow", "real", "reciprocal",
    "reduce_all", "reduce_any", "reduce_euclidean_norm", "reduce_logsumexp", "reduce_max", "reduce_mean",
    "reduce_min", "reduce_prod", "reduce_std", "reduce_sum", "reduce_variance", "rint", "round", "rsqrt",
    "scalar_mul", "segment_max", "segment_mean", "segment_min", "segment_prod", "segment_sum", "sigmoid", "sign",
    "sin", "sinh", "softmax", "softplus", "softsign", "sqrt", "square", "squared_difference", "subtract", "tan",
    "tanh", "top_k", "truediv", "unsorted_segment_max", "unsorted_segment_mean", "unsorted_segment_min",
    "unsorted_segment_prod", "unsorted_segment_sqrt_n", "unsorted_segment_sum", "xdivy", "xlogy", "zero_fraction",
    "zeta",
]  # fmt: skip

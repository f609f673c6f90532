"""The names of TensorFlow 1.15's `tf.keras.backend`."""

from ..engine.gradients import gradients
from ..engine.ops.array import reshape, shape, stack
from ..engine.ops.array_order import reverse, transpose
from ..engine.ops.array_pad import tile
from ..engine.ops.array_parts import ones_like, zeros_like
from ..engine.ops.binary import maximum, minimum, pow
from ..engine.ops.casting import cast
from ..engine.ops.clipping import l2_normalize
from ..engine.ops.comparison import equal, greater, greater_equal, less, less_equal, not_equal
from ..engine.ops.constant import constant
from ..engine.ops.diagonals import eye
from ..engine.ops.guards import stop_gradient
from ..engine.ops.indexing import gather
from ..engine.ops.map_scan import map_fn
from ..engine.ops.ranges import range as arange
from ..engine.ops.rounding import round
from ..engine.ops.scans import cumprod, cumsum
from ..engine.ops.top import in_top_k
from ..engine.ops.trigonometric import cos, sigmoid, sin, tanh
from ..engine.ops.unary import abs, exp, log, sign, square
from ..engine.scopes import name_scope
from ..layers.keras.activations import elu, hard_sigmoid, softplus, softsign
from ..layers.keras.backend import (
    batch_get_value,
    batch_set_value,
    clear_session,
    epsilon,
    floatx,
    get_session,
    get_uid,
    get_value,
    image_data_format,
    learning_phase,
    set_epsilon,
    set_floatx,
    set_image_data_format,
    set_learning_phase,
    set_session,
    set_value,
    symbolic_learning_phase,
)
from ..layers.keras.backend_functions import (
    Axis,
    all,
    any,
    argmax,
    argmin,
    batch_dot,
    batch_flatten,
    binary_crossentropy,
    categorical_crossentropy,
    clip,
    concatenate,
    ctc_batch_cost,
    ctc_label_dense_to_sparse,
    dot,
    dropout,
    dtype,
    eval,
    expand_dims,
    flatten,
    function,
    in_test_phase,
    in_train_phase,
    int_shape,
    logsumexp,
    max,
    mean,
    min,
    ndim,
    one_hot,
    ones,
    permute_dimensions,
    placeholder,
    prod,
    random_normal,
    random_uniform,
    relu,
    repeat_elements,
    softmax,
    sparse_categorical_crossentropy,
    sqrt,
    squeeze,
    std,
    sum,
    switch,
    update,
    update_add,
    update_sub,
    var,
    variable,
    zeros,
)

__all__ = [
    "Axis", "abs", "all", "any", "arange", "argmax", "argmin", "batch_dot", "batch_flatten", "batch_get_value",
    "batch_set_value", "binary_crossentropy", "cast", "categorical_crossentropy", "clear_session", "clip",
    "concatenate", "constant", "cos", "ctc_batch_cost", "ctc_label_dense_to_sparse", "cumprod", "cumsum", "dot",
    "dropout", "dtype", "elu", "epsilon", "equal", "eval", "exp", "expand_dims", "eye", "flatten", "floatx",
    "function", "gather", "get_session", "get_uid", "get_value", "gradients", "greater", "greater_equal",
    "hard_sigmoid", "image_data_format", "in_test_phase", "in_top_k", "in_train_phase", "int_shape", "l2_normalize",
    "learning_phase", "less", "less_equal", "log", "logsumexp", "map_fn", "max", "maximum", "mean", "min", "minimum",
    "name_scope", "ndim", "not_equal", "one_hot", "ones", "ones_like", "permute_dimensions", "placeholder", "pow",
    "prod", "random_normal", "random_uniform", "relu", "repeat_elements", "reshape", "reverse", "round",
    "set_epsilon", "set_floatx", "set_image_data_format", "set_learning_phase", "set_session", "set_value", "shape",
    "sigmoid", "sign", "sin", "softmax", "softplus", "softsign", "sparse_categorical_crossentropy", "sqrt", "square",
    "squeeze", "stack", "std", "stop_gradient", "sum", "switch", "symbolic_learning_phase", "tanh", "tile",
    "transpose", "update", "update_add", "update_sub", "var", "variable", "zeros", "zeros_like",
]  # fmt: skip

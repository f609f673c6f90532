"""headrace: a machine-learning framework: estimators and layers over a dataflow-graph engine of its own.

Read as `import headrace as hr` for estimators, layers and datasets, and as `import headrace as tf` for programs of
TensorFlow 1: the names are those of TensorFlow 1.15, and the older ones that programs of 2016 use.
"""

# Rooms and namespaces
from . import (
    app,
    bitwise,
    cluster,
    config,
    contrib,
    core,
    data,
    datasets,
    debug,
    debugging,
    distribute,
    dtypes,
    errors,
    estimator,
    estimators,
    examples,
    feature_column,
    flags,
    gfile,
    graph_util,
    image,
    initializers,
    io,
    keras,
    layers,
    linalg,
    logging,
    lookup,
    losses,
    math,
    metrics,
    nn,
    profiler,
    python,
    python_io,
    queue,
    random,
    raw_ops,
    resource_loader,
    saved_model,
    signal,
    sparse,
    spectral,
    strings,
    summary,
    test,
    train,
    version,
)
from .datasets.structure import SparseTensorSpec, TensorSpec
from .engine.assignments import (
    assign,
    assign_add,
    assign_sub,
    batch_scatter_update,
    count_up_to,
    is_variable_initialized,
    scatter_add,
    scatter_div,
    scatter_max,
    scatter_min,
    scatter_mul,
    scatter_nd_add,
    scatter_nd_sub,
    scatter_nd_update,
    scatter_sub,
    scatter_update,
)
from .engine.barrier import Barrier
from .engine.check_numerics import add_check_numerics_ops
from .engine.checkpoint.state import latest_checkpoint
from .engine.checks import (
    assert_equal,
    assert_greater,
    assert_greater_equal,
    assert_integer,
    assert_less,
    assert_less_equal,
    assert_near,
    assert_negative,
    assert_non_negative,
    assert_non_positive,
    assert_none_equal,
    assert_positive,
    assert_proper_iterable,
    assert_rank,
    assert_rank_at_least,
    assert_rank_in,
    assert_same_float_dtype,
    assert_scalar,
    assert_type,
    is_non_decreasing,
    is_numeric_tensor,
    is_strictly_increasing,
)
from .engine.conversion import convert_to_tensor, register_tensor_conversion_function
from .engine.custom_gradient import custom_gradient, grad_pass_through
from .engine.data_flow import FIFOQueue, PaddingFIFOQueue, PriorityQueue, QueueBase, RandomShuffleQueue
from .engine.defun import function
from .engine.device import DeviceSpec
from .engine.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    bool,
    complex64,
    complex128,
    double,
    float16,
    float32,
    float64,
    half,
    int8,
    int16,
    int32,
    int64,
    qint8,
    qint16,
    qint32,
    quint8,
    quint16,
    resource,
    string,
    uint8,
    uint16,
    uint32,
    uint64,
    variant,
)
from .engine.errors import InvalidArgumentError, OpError
from .engine.gradients import (
    AggregationMethod,
    RegisterGradient,
    UnconnectedGradients,
    gradients,
    hessians,
    not_differentiable as NoGradient,
    not_differentiable as NotDifferentiable,
)
from .engine.graph import Graph, Operation, Tensor, get_default_graph, get_default_session, reset_default_graph
from .engine.importer import import_graph_def
from .engine.initializers import (
    constant_initializer,
    glorot_normal_initializer,
    glorot_uniform_initializer,
    ones_initializer,
    orthogonal_initializer,
    random_normal_initializer,
    random_uniform_initializer,
    truncated_normal_initializer,
    uniform_unit_scaling_initializer,
    variance_scaling_initializer,
    zeros_initializer,
)
from .engine.lookup import initialize_all_tables, tables_initializer
from .engine.ops.accumulators import ConditionalAccumulator, ConditionalAccumulatorBase, SparseConditionalAccumulator
from .engine.ops.array import fill, identity, reshape, shape, stack
from .engine.ops.array_dynamic import dynamic_partition, dynamic_stitch
from .engine.ops.array_order import (
    invert_permutation,
    matrix_transpose,
    reverse,
    reverse_sequence,
    reverse_v2,
    roll,
    transpose,
)
from .engine.ops.array_pad import pad, tile
from .engine.ops.array_parts import broadcast_to, concat, concat_v2, ones, ones_like, zeros, zeros_like
from .engine.ops.array_scatter import (
    scatter_nd,
    tensor_scatter_add,
    tensor_scatter_add as tensor_scatter_nd_add,
    tensor_scatter_sub,
    tensor_scatter_sub as tensor_scatter_nd_sub,
    tensor_scatter_update,
    tensor_scatter_update as tensor_scatter_nd_update,
)
from .engine.ops.array_sets import one_hot, repeat, searchsorted, sequence_mask, setdiff1d, unique, unique_with_counts
from .engine.ops.array_shape import (
    broadcast_dynamic_shape,
    broadcast_static_shape,
    ensure_shape,
    expand_dims,
    rank,
    shape_n,
    size,
    squeeze,
)
from .engine.ops.array_slice import newaxis, slice_ as slice, strided_slice
from .engine.ops.array_space import (
    batch_to_space,
    batch_to_space_nd,
    depth_to_space,
    required_space_to_batch_paddings,
    space_to_batch,
    space_to_batch_nd,
    space_to_depth,
)
from .engine.ops.array_split import meshgrid, pack, parallel_stack, split, unpack, unstack
from .engine.ops.binary import add, atan2, maximum, minimum, mul, multiply, pow, squared_difference, sub, subtract
from .engine.ops.casting import (
    bitcast,
    cast,
    saturate_cast,
    to_bfloat16,
    to_complex64,
    to_complex128,
    to_double,
    to_float,
    to_int32,
    to_int64,
)
from .engine.ops.checking import Assert, Print, print_v2 as print
from .engine.ops.choice import clip_by_value, select, where, where_v2
from .engine.ops.clipping import (
    clip_by_average_norm,
    clip_by_global_norm,
    clip_by_norm,
    global_norm,
    norm,
    scalar_mul,
    verify_tensor_all_finite,
)
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
from .engine.ops.complex_parts import angle, complex, conj, imag, real
from .engine.ops.cond import case, cond
from .engine.ops.confusion import confusion_matrix
from .engine.ops.constant import constant, placeholder, placeholder_with_default, sparse_placeholder
from .engine.ops.control import group, identity_n, no_op, tuple
from .engine.ops.critical_section import CriticalSection
from .engine.ops.decoding import decode_csv, decode_raw
from .engine.ops.decompositions import qr, self_adjoint_eig, self_adjoint_eigvals, svd
from .engine.ops.diagonals import (
    diag,
    diag_part,
    eye,
    matrix_band_part,
    matrix_diag,
    matrix_diag_part,
    matrix_set_diag,
    trace,
)
from .engine.ops.division import (
    div,
    div_no_nan,
    divide,
    floor_div,
    floordiv,
    floormod,
    mod,
    realdiv,
    truediv,
    truncatediv,
    truncatemod,
)
from .engine.ops.elementwise_nary import accumulate_n, add_n, cross
from .engine.ops.extrema import arg_max, arg_min, argmax, argmin
from .engine.ops.files import matching_files, read_file, write_file
from .engine.ops.fourier import fft, fft2d, fft3d, ifft, ifft2d, ifft3d
from .engine.ops.guards import check_numerics, stop_gradient
from .engine.ops.image_crop import extract_image_patches
from .engine.ops.indexing import batch_gather, boolean_mask, gather, gather_nd
from .engine.ops.map_scan import foldl, foldr, map_fn, scan
from .engine.ops.nn_losses import softmax
from .engine.ops.parsing import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    SparseFeature,
    VarLenFeature,
    parse_example,
    parse_single_example,
    parse_single_sequence_example,
)
from .engine.ops.products import batch_matmul, einsum, matmul, tensordot
from .engine.ops.py_func import numpy_function, py_func
from .engine.ops.random import (
    get_seed,
    multinomial,
    random_crop,
    random_gamma,
    random_normal,
    random_poisson,
    random_shuffle,
    random_uniform,
    set_random_seed,
    truncated_normal,
)
from .engine.ops.ranges import bincount, histogram_fixed_width, lin_space, linspace, range
from .engine.ops.readers import (
    FixedLengthRecordReader,
    IdentityReader,
    ReaderBase,
    TextLineReader,
    TFRecordReader,
    WholeFileReader,
)
from .engine.ops.reduce import (
    count_nonzero,
    reduce_all,
    reduce_any,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_sum,
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
from .engine.ops.segments_sparse import sparse_segment_mean, sparse_segment_sqrt_n, sparse_segment_sum
from .engine.ops.serialized import (
    deserialize_many_sparse,
    parse_tensor,
    serialize_many_sparse,
    serialize_sparse,
    serialize_tensor,
)
from .engine.ops.solvers import (
    cholesky,
    cholesky_solve,
    matrix_determinant,
    matrix_inverse,
    matrix_solve,
    matrix_solve_ls,
    matrix_triangular_solve,
)
from .engine.ops.sorting import argsort, sort
from .engine.ops.sparse_functions import (
    edit_distance,
    sparse_add,
    sparse_concat,
    sparse_fill_empty_rows,
    sparse_mask,
    sparse_merge,
    sparse_reduce_max,
    sparse_reduce_sum,
    sparse_reorder,
    sparse_reset_shape,
    sparse_reshape,
    sparse_retain,
    sparse_slice,
    sparse_softmax,
    sparse_split,
    sparse_tensor_dense_matmul,
    sparse_tensor_to_dense,
    sparse_to_dense,
    sparse_to_indicator,
    sparse_transpose,
)
from .engine.ops.special import betainc, digamma, erf, erfc, igamma, igammac, lbeta, lgamma, polygamma, zeta
from .engine.ops.string_patterns import (
    regex_replace,
    string_to_hash_bucket,
    string_to_hash_bucket_fast,
    string_to_hash_bucket_strong,
)
from .engine.ops.strings import (
    as_string,
    decode_base64,
    encode_base64,
    reduce_join,
    string_join,
    string_split,
    string_strip,
    string_to_number,
    substr,
)
from .engine.ops.summaries import (
    audio_summary,
    histogram_summary,
    image_summary,
    merge_all_summaries,
    merge_summary,
    scalar_summary,
)
from .engine.ops.tensor_array import TensorArray
from .engine.ops.trigonometric import acos, acosh, asin, asinh, atan, atanh, cos, cosh, sigmoid, sin, sinh, tan, tanh
from .engine.ops.unary import abs, exp, expm1, log, log1p, neg, negative, reciprocal, rsqrt, sign, sqrt, square
from .engine.ops.while_loop import while_loop
from .engine.partitioned import fixed_size_partitioner, min_max_variable_partitioner, variable_axis_size_partitioner
from .engine.platform.compat import disable_eager_execution, disable_v2_behavior, executing_eagerly
from .engine.platform.op_library import load_op_library
from .engine.platform.tf_logging import get_logger
from .engine.profiler.statistics import RegisterStatistics
from .engine.protos import (
    AttrValue,
    ConfigProto,
    Event,
    GPUOptions,
    GraphDef,
    GraphOptions,
    HistogramProto,
    LogMessage,
    MetaGraphDef,
    NameAttrList,
    NodeDef,
    OptimizerOptions,
    RunMetadata,
    RunOptions,
    SequenceExample,
    SessionLog,
    Summary,
    SummaryMetadata,
    TensorInfo,
)
from .engine.scopes import (
    GraphKeys,
    add_to_collection,
    add_to_collections,
    colocate_with,
    container,
    control_dependencies,
    device,
    get_collection,
    get_collection_ref,
    init_scope,
    name_scope,
    op_scope,
)
from .engine.session import InteractiveSession, Session
from .engine.shapes import Dimension, TensorShape, dimension_at_index, dimension_value
from .engine.template import make_template
from .engine.tensor_proto import make_ndarray, make_tensor_proto
from .engine.tensor_types import IndexedSlices, SparseTensor, SparseTensorValue
from .engine.training.rmsprop import RMSPropOptimizer
from .engine.training.saver import Saver
from .engine.training.supervisor import Supervisor
from .engine.variable_creators import variable_creator_scope
from .engine.variable_lists import (
    all_variables,
    assert_variables_initialized,
    global_variables,
    global_variables_initializer,
    initialize_all_variables,
    initialize_local_variables,
    initialize_variables,
    local_variables,
    local_variables_initializer,
    model_variables,
    moving_average_variables,
    report_uninitialized_variables,
    trainable_variables,
    variables_initializer,
)
from .engine.variable_protos import VariableAggregation, VariableSynchronization
from .engine.variable_scope import (
    VariableScope,
    get_local_variable,
    get_variable,
    get_variable_scope,
    no_regularizer,
    variable_op_scope,
    variable_scope,
)
from .engine.variable_store import AUTO_REUSE
from .engine.variables import Variable
from .engine.versions import (
    GIT_VERSION,
    GRAPH_DEF_VERSION,
    GRAPH_DEF_VERSION_MIN_CONSUMER,
    GRAPH_DEF_VERSION_MIN_PRODUCER,
    VERSION,
)

__version__ = "0.1.0"

__all__ = [
    "AUTO_REUSE", "GIT_VERSION", "GRAPH_DEF_VERSION", "GRAPH_DEF_VERSION_MIN_CONSUMER",
    "GRAPH_DEF_VERSION_MIN_PRODUCER", "VERSION", "AggregationMethod", "Assert", "AttrValue", "Barrier",
    "ConditionalAccumulator", "ConditionalAccumulatorBase", "ConfigProto", "CriticalSection", "DType", "DeviceSpec",
    "Dimension", "Event", "FIFOQueue", "FixedLenFeature", "FixedLenSequenceFeature", "FixedLengthRecordReader",
    "GPUOptions", "Graph", "GraphDef", "GraphKeys", "GraphOptions", "HistogramProto", "IdentityReader",
    "IndexedSlices", "InteractiveSession", "InvalidArgumentError", "LogMessage", "MetaGraphDef", "NameAttrList",
    "NoGradient", "NodeDef", "NotDifferentiable", "OpError", "Operation", "OptimizerOptions", "PaddingFIFOQueue",
    "Print", "PriorityQueue", "QueueBase", "RMSPropOptimizer", "RandomShuffleQueue", "ReaderBase", "RegisterGradient",
    "RegisterStatistics", "RunMetadata", "RunOptions", "Saver", "SequenceExample", "Session", "SessionLog",
    "SparseConditionalAccumulator", "SparseFeature", "SparseTensor", "SparseTensorSpec", "SparseTensorValue",
    "Summary", "SummaryMetadata", "Supervisor", "TFRecordReader", "Tensor", "TensorArray", "TensorInfo",
    "TensorShape", "TensorSpec", "TextLineReader", "UnconnectedGradients", "VarLenFeature", "Variable",
    "VariableAggregation", "VariableScope", "VariableSynchronization", "WholeFileReader", "abs", "accumulate_n",
    "acos", "acosh", "add", "add_check_numerics_ops", "add_n", "add_to_collection", "add_to_collections",
    "all_variables", "angle", "app", "arg_max", "arg_min", "argmax", "argmin", "argsort", "as_dtype", "as_string",
    "asin", "asinh", "assert_equal", "assert_greater", "assert_greater_equal", "assert_integer", "assert_less",
    "assert_less_equal", "assert_near", "assert_negative", "assert_non_negative", "assert_non_positive",
    "assert_none_equal", "assert_positive", "assert_proper_iterable", "assert_rank", "assert_rank_at_least",
    "assert_rank_in", "assert_same_float_dtype", "assert_scalar", "assert_type", "assert_variables_initialized",
    "assign", "assign_add", "assign_sub", "atan", "atan2", "atanh", "audio_summary", "batch_gather", "batch_matmul",
    "batch_scatter_update", "batch_to_space", "batch_to_space_nd", "betainc", "bfloat16", "bincount", "bitcast",
    "bitwise", "bool", "boolean_mask", "broadcast_dynamic_shape", "broadcast_static_shape", "broadcast_to", "case",
    "cast", "ceil", "check_numerics", "cholesky", "cholesky_solve", "clip_by_average_norm", "clip_by_global_norm",
    "clip_by_norm", "clip_by_value", "cluster", "colocate_with", "complex", "complex64", "complex128", "concat",
    "concat_v2", "cond", "config", "confusion_matrix", "conj", "constant", "constant_initializer", "container",
    "contrib", "control_dependencies", "convert_to_tensor", "core", "cos", "cosh", "count_nonzero", "count_up_to",
    "cross", "cumprod", "cumsum", "custom_gradient", "data", "datasets", "debug", "debugging", "decode_base64",
    "decode_csv", "decode_raw", "depth_to_space", "deserialize_many_sparse", "device", "diag", "diag_part", "digamma",
    "dimension_at_index", "dimension_value", "disable_eager_execution", "disable_v2_behavior", "distribute", "div",
    "div_no_nan", "divide", "double", "dtypes", "dynamic_partition", "dynamic_stitch", "edit_distance", "einsum",
    "encode_base64", "ensure_shape", "equal", "erf", "erfc", "errors", "estimator", "estimators", "examples",
    "executing_eagerly", "exp", "expand_dims", "expm1", "extract_image_patches", "eye", "feature_column", "fft",
    "fft2d", "fft3d", "fill", "fixed_size_partitioner", "flags", "float16", "float32", "float64", "floor",
    "floor_div", "floordiv", "floormod", "foldl", "foldr", "function", "gather", "gather_nd", "get_collection",
    "get_collection_ref", "get_default_graph", "get_default_session", "get_local_variable", "get_logger", "get_seed",
    "get_variable", "get_variable_scope", "gfile", "global_norm", "global_variables", "global_variables_initializer",
    "glorot_normal_initializer", "glorot_uniform_initializer", "grad_pass_through", "gradients", "graph_util",
    "greater", "greater_equal", "group", "half", "hessians", "histogram_fixed_width", "histogram_summary", "identity",
    "identity_n", "ifft", "ifft2d", "ifft3d", "igamma", "igammac", "imag", "image", "image_summary",
    "import_graph_def", "init_scope", "initialize_all_tables", "initialize_all_variables",
    "initialize_local_variables", "initialize_variables", "initializers", "int8", "int16", "int32", "int64",
    "invert_permutation", "io", "is_finite", "is_inf", "is_nan", "is_non_decreasing", "is_numeric_tensor",
    "is_strictly_increasing", "is_variable_initialized", "keras", "latest_checkpoint", "layers", "lbeta", "less",
    "less_equal", "lgamma", "lin_space", "linalg", "linspace", "load_op_library", "local_variables",
    "local_variables_initializer", "log", "log1p", "logging", "logical_and", "logical_not", "logical_or",
    "logical_xor", "lookup", "losses", "make_ndarray", "make_template", "make_tensor_proto", "map_fn",
    "matching_files", "math", "matmul", "matrix_band_part", "matrix_determinant", "matrix_diag", "matrix_diag_part",
    "matrix_inverse", "matrix_set_diag", "matrix_solve", "matrix_solve_ls", "matrix_transpose",
    "matrix_triangular_solve", "maximum", "merge_all_summaries", "merge_summary", "meshgrid", "metrics",
    "min_max_variable_partitioner", "minimum", "mod", "model_variables", "moving_average_variables", "mul",
    "multinomial", "multiply", "name_scope", "neg", "negative", "newaxis", "nn", "no_op", "no_regularizer", "norm",
    "not_equal", "numpy_function", "one_hot", "ones", "ones_initializer", "ones_like", "op_scope",
    "orthogonal_initializer", "pack", "pad", "parallel_stack", "parse_example", "parse_single_example",
    "parse_single_sequence_example", "parse_tensor", "placeholder", "placeholder_with_default", "polygamma", "pow",
    "print", "profiler", "py_func", "python", "python_io", "qint8", "qint16", "qint32", "qr", "queue", "quint8",
    "quint16", "random", "random_crop", "random_gamma", "random_normal", "random_normal_initializer",
    "random_poisson", "random_shuffle", "random_uniform", "random_uniform_initializer", "range", "rank", "raw_ops",
    "read_file", "real", "realdiv", "reciprocal", "reduce_all", "reduce_any", "reduce_join", "reduce_logsumexp",
    "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum", "regex_replace",
    "register_tensor_conversion_function", "repeat", "report_uninitialized_variables",
    "required_space_to_batch_paddings", "reset_default_graph", "reshape", "resource", "resource_loader", "reverse",
    "reverse_sequence", "reverse_v2", "rint", "roll", "round", "rsqrt", "saturate_cast", "saved_model", "scalar_mul",
    "scalar_summary", "scan", "scatter_add", "scatter_div", "scatter_max", "scatter_min", "scatter_mul", "scatter_nd",
    "scatter_nd_add", "scatter_nd_sub", "scatter_nd_update", "scatter_sub", "scatter_update", "searchsorted",
    "segment_max", "segment_mean", "segment_min", "segment_prod", "segment_sum", "select", "self_adjoint_eig",
    "self_adjoint_eigvals", "sequence_mask", "serialize_many_sparse", "serialize_sparse", "serialize_tensor",
    "set_random_seed", "setdiff1d", "shape", "shape_n", "sigmoid", "sign", "signal", "sin", "sinh", "size", "slice",
    "softmax", "sort", "space_to_batch", "space_to_batch_nd", "space_to_depth", "sparse", "sparse_add",
    "sparse_concat", "sparse_fill_empty_rows", "sparse_mask", "sparse_merge", "sparse_placeholder",
    "sparse_reduce_max", "sparse_reduce_sum", "sparse_reorder", "sparse_reset_shape", "sparse_reshape",
    "sparse_retain", "sparse_segment_mean", "sparse_segment_sqrt_n", "sparse_segment_sum", "sparse_slice",
    "sparse_softmax", "sparse_split", "sparse_tensor_dense_matmul", "sparse_tensor_to_dense", "sparse_to_dense",
    "sparse_to_indicator", "sparse_transpose", "spectral", "split", "sqrt", "square", "squared_difference", "squeeze",
    "stack", "stop_gradient", "strided_slice", "string", "string_join", "string_split", "string_strip",
    "string_to_hash_bucket", "string_to_hash_bucket_fast", "string_to_hash_bucket_strong", "string_to_number",
    "strings", "sub", "substr", "subtract", "summary", "svd", "tables_initializer", "tan", "tanh",
    "tensor_scatter_add", "tensor_scatter_nd_add", "tensor_scatter_nd_sub", "tensor_scatter_nd_update",
    "tensor_scatter_sub", "tensor_scatter_update", "tensordot", "test", "tile", "to_bfloat16", "to_complex64",
    "to_complex128", "to_double", "to_float", "to_int32", "to_int64", "trace", "train", "trainable_variables",
    "transpose", "truediv", "truncated_normal", "truncated_normal_initializer", "truncatediv", "truncatemod", "tuple",
    "uint8", "uint16", "uint32", "uint64", "uniform_unit_scaling_initializer", "unique", "unique_with_counts",
    "unpack", "unsorted_segment_max", "unsorted_segment_mean", "unsorted_segment_min", "unsorted_segment_prod",
    "unsorted_segment_sqrt_n", "unsorted_segment_sum", "unstack", "variable_axis_size_partitioner",
    "variable_creator_scope", "variable_op_scope", "variable_scope", "variables_initializer",
    "variance_scaling_initializer", "variant", "verify_tensor_all_finite", "version", "where", "where_v2",
    "while_loop", "write_file", "zeros", "zeros_initializer", "zeros_like", "zeta",
]  # fmt: skip

# compat.v1 holds all names above, so it comes last.
# isort: split
from . import compat as compat

"""What the registry's tests share: samples as operations of a graph, runs of them, and numeric derivatives."""

import os
import zlib
from dataclasses import dataclass, field

import ml_dtypes
import numpy as np

from headrace.engine import ops  # noqa: F401  registers the ops
from headrace.engine.dtypes import of_array
from headrace.engine.graph import Graph, Tensor
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.registry import all_definitions, definition_of
from headrace.engine.session import Session
from headrace.engine.shapes import TensorShape

# Sessions run on a device: it adds up in another order than the CPU.
ON_DEVICE = os.environ.get("HEADRACE_GPU") in ("sim", "cuda")
# How many of an op's samples are run: all, where nothing is said.
SAMPLES = int(os.environ.get("HEADRACE_SAMPLES") or 0) or None
# Ops that only rewritten steps hold have no samples of their own.
INTERNAL = (
    "_Feed",
    "_Fused",
    "_FusedMatMul",
    "_FusedMatMulGelu",
    "_FusedMatMulMask",
    "_LibraryLSTM",
    "_LibraryLSTMGrad",
    "_MultiUpdate",
    "_SparseUpdate",
    "_SummedRows",
    "_MatMulApplyAdam",
    "_MatMulApplyGradientDescent",
    "_MatMulApplyMomentum",
    "_MatMulBiasGrad",
    "_MatMulGeluGrad",
    "_MatMulReluGrad",
)
# Tests elsewhere declare ops too.
OWN = {n: d for n, d in sorted(all_definitions().items()) if d.__module__.startswith("headrace.")}
DEFINITIONS = {name: d for name, d in OWN.items() if name not in INTERNAL}
SAMPLED = [name for name, d in DEFINITIONS.items() if d.sample_function is not None]
FAILING = [name for name, d in DEFINITIONS.items() if d.failing_function is not None]


def generator(name):
    """The same numbers for an op in every run."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def samples_of(name):
    return DEFINITIONS[name].sample_function(generator(name))[:SAMPLES]


def as_array(value, dtype=None):
    """A sample's value as the array that would be fed for it."""
    if isinstance(value, np.ndarray | np.generic) and np.asarray(value).dtype.kind not in "SU":
        return np.asarray(value)
    if isinstance(value, str | bytes) or (isinstance(value, np.ndarray) and value.dtype.kind in "SUO"):
        return np.vectorize(lambda v: v.encode() if isinstance(v, str) else v, otypes=[object])(
            np.asarray(value, object)
        )
    with Graph().as_default():
        return constant(value, dtype).op.attrs["value"]


def flat_inputs(sample):
    """The sample's inputs, those of list inputs one by one."""
    return [v for item in sample.inputs for v in (item if isinstance(item, list | tuple) else [item])]


@dataclass
class Built:
    """An operation made from a sample: what to feed, what to fetch and what to run first."""

    op: object = None
    inputs: list = field(default_factory=list)
    feeds: dict = field(default_factory=dict)
    initializers: list = field(default_factory=list)
    variables: list = field(default_factory=list)
    session: object = None

    def run(self, session, fetches=None, feeds=None):
        """Initializes, runs the operation; its outputs and then the variables it may have written."""
        if self.initializers:
            session.run(self.initializers)
        targets = (list(self.op.outputs) or [self.op]) if fetches is None else fetches
        results = session.run(targets, self.feeds if feeds is None else feeds)
        return [*results, *session.run(self.variables)]


def build(definition, inputs, attrs, mode="static", positions=()):
    """Adds an operation to the default graph.

    Modes: "constant" gives all inputs as constants, "static" feeds them in their static shapes (except indices and
    sizes, which stay constants), "dynamic" feeds all of them with unknown sizes. `positions` are always fed.
    """
    built = Built()
    values, flat = [], 0
    for i, (argument, value) in enumerate(zip(definition.inputs, inputs, strict=True)):
        items = list(value) if argument.is_list else [value]
        made = []
        for item in items:
            made.append(_input(built, definition, i, argument, item, mode, flat in positions))
            flat += 1
        values.append(made if argument.is_list else made[0])
    result = definition.make(values, dict(attrs))
    built.op = result
    return built


def _input(built, definition, position, argument, value, mode, fed):
    if callable(value) and not isinstance(value, Tensor):
        # A handle: a queue, a table, an iterator.
        value = value()
    if isinstance(value, Tensor):
        built.inputs.append(value)
        return value
    if argument.is_ref or (argument.dtype is not None and argument.dtype.name == "resource"):
        return _variable(built, argument, value)
    array = as_array(value, argument.dtype)
    if mode == "constant" or (mode == "static" and not fed and _is_index(definition, position, argument, array)):
        tensor = constant(array)
    else:
        shape = array.shape if mode == "static" else [None] * array.ndim
        tensor = placeholder(argument.dtype or of_array(array), shape)
        built.feeds[tensor] = array
    built.inputs.append(tensor)
    return tensor


def _is_index(definition, position, argument, array):
    """Whether an input says how, and not on what, to compute: axes, sizes, permutations."""
    if array.ndim > 2 or array.size > 16 or array.dtype.kind not in "iuO" or len(definition.inputs) == 1:
        return False
    if argument.type_attr is not None and argument.type_attr == definition.inputs[0].type_attr and position > 0:
        return False
    return array.dtype.kind != "O" or position > 0


def _variable(built, argument, value):
    if argument.is_ref:
        array = as_array(value)
        handle = definition_of("VariableV2")(shape=TensorShape(array.shape), dtype=of_array(array))
        built.initializers.append(definition_of("Assign")(handle, array).op)
        built.variables.append(definition_of("Identity")(handle))
    else:
        array = as_array(value)
        handle = definition_of("VarHandleOp")(shape=TensorShape(array.shape), dtype=of_array(array))
        built.initializers.append(definition_of("AssignVariableOp")(handle, array))
        built.variables.append(definition_of("ReadVariableOp")(handle, dtype=of_array(array)))
    built.inputs.append(handle)
    return handle


def is_random(definition, built):
    """Whether two runs of an operation need not agree."""
    names = ("seed", "seed2")
    return definition.stateful and any(n in definition.attributes for n in names)


def tolerance_of(dtype):
    """Relative tolerance between two ways of computing the same thing."""
    if dtype == ml_dtypes.bfloat16:
        return 2e-2
    return {2: 2e-3, 4: 2e-5, 8: 1e-9}.get(np.empty(0, dtype).real.itemsize, 1e-9)


def assert_same(actual, expected, what=""):
    """Equal arrays: strings and integers exactly, floating numbers closely, NaN to NaN."""
    if not isinstance(expected, np.ndarray | np.generic):
        return
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype, f"{what}: {actual.dtype} for {expected.dtype}"
    assert actual.shape == expected.shape, f"{what}: {actual.shape} for {expected.shape}"
    if expected.dtype == ml_dtypes.bfloat16:
        actual, expected, rtol = actual.astype(np.float32), expected.astype(np.float32), 2e-2
    elif expected.dtype.kind in "fc":
        rtol = tolerance_of(expected.dtype)
    else:
        np.testing.assert_array_equal(actual, expected, what)
        return
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=1.0)
    np.testing.assert_allclose(actual, expected, rtol, rtol * float(scale), err_msg=what)


def narrowed(values, dtype):
    """Results of float64 in the bits of `dtype`, if one input of that dtype was enough to round them so."""
    wide = [isinstance(v, np.ndarray | np.generic) and v.dtype == np.float64 for v in values]
    return [v.astype(dtype) if w else v for v, w in zip(values, wide, strict=True)]


def non_contiguous(array):
    """The same values with gaps between them."""
    if array.ndim == 0:
        return array
    wide = np.zeros((*array.shape[:-1], array.shape[-1] * 2), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def read_only(array):
    copy = array.copy() if array.flags.c_contiguous else array
    copy.flags.writeable = False
    return copy


def directional(function, values, position, direction, step=1e-5):
    """The central difference quotient of `function(values)` along `direction` in one input."""
    high, low = list(values), list(values)
    high[position] = values[position] + step * direction
    low[position] = values[position] - step * direction
    return (function(high) - function(low)) / (2 * step)


def directions_of(array, rng):
    """Unit directions for small arrays, random ones for large."""
    if array.size <= 12:
        return [np.eye(1, array.size, i).reshape(array.shape) for i in range(array.size)]
    return [rng.normal(size=array.shape) for _ in range(4)]


def dot(a, b):
    """The real part of the inner product of two lists of arrays."""
    return float(sum(np.real(np.sum(np.conj(x) * y)) for x, y in zip(a, b, strict=True)))


def new_session(**options):
    return Session(**options)

"""Every op that has kernels for a GPU, by its samples: on the simulated device it gives what the reference executor does."""

import numpy as np
import pytest

from headrace.engine import errors
from headrace.engine.dtypes import bfloat16, float16, float32, int32, int64, uint8
from headrace.engine.gpu import bindings
from headrace.engine.gpu.calls import GPU_BINDINGS
from headrace.engine.graph import Graph
from headrace.engine.registry import allowed_dtypes
from headrace.engine.session import Session

from ..ops.harness import DEFINITIONS, SAMPLED, as_array, assert_same, build, is_random, samples_of

assert bindings
BOUND = [name for name in SAMPLED if name in GPU_BINDINGS or DEFINITIONS[name].scalar_rule is not None]
# What the compiler would do at once: here it is the kernels' work.
PASSES_OFF = ("fold", "merge", "simplify", "repeat", "fuse")
# Ops of a program: their kernels are compiled together.
AT_ONCE = 24
UNDEFINED_VALUE = frozenset({"Empty", "EmptyTensorList"})


@pytest.fixture(autouse=True)
def simulated(monkeypatch, sim):
    monkeypatch.setenv("HEADRACE_GPU", "sim")


def groups(names):
    return [pytest.param(names[i : i + AT_ONCE], id=names[i]) for i in range(0, len(names), AT_ONCE)]


def results_of(made, **options):
    """The outputs of many operations in one step, and the variables that they changed."""
    with Session(**options) as session:
        session.run([i for _, built in made for i in built.initializers])
        feeds = {k: v for _, built in made for k, v in built.feeds.items()}
        outputs = session.run([list(built.op.outputs) or [built.op] for _, built in made], feeds)
        variables = session.run([built.variables for _, built in made])
        text = session.explain([list(built.op.outputs) or built.op for _, built in made], feeds)
    return [[*found, *after] for found, after in zip(outputs, variables, strict=True)], text


def compare(samples):
    """Runs (what, op type, inputs, attributes) by the reference executor and on the device."""
    with Graph().as_default():
        made = []
        for what, name, inputs, attrs in samples:
            try:
                made.append((what, build(DEFINITIONS[name], inputs, attrs, "static")))
            except TypeError:
                assert "with" in what, what  # a dtype that does not go with the sample's others
        made, expected = computed(made)
        found, text = results_of(made, backend="gpu", passes_off=PASSES_OFF)
    assert "[GPU]" in text
    for (what, built), results, wanted in zip(made, found, expected, strict=True):
        definition = DEFINITIONS[built.op.type]
        if not is_random(definition, built) and built.op.type not in UNDEFINED_VALUE:
            for one, other in zip(results, wanted, strict=True):
                assert_same(_narrow(one, what), _narrow(other, what), what)


def _narrow(value, what):
    """A result in no more bits than the sample's variant is computed in."""
    bits = next((d for d in ("float32", "float16") if what.endswith(d)), None)
    if bits is None or not isinstance(value, np.ndarray | np.generic) or value.dtype != np.float64:
        return value
    return value.astype(bits)


def computed(made):
    """Those operations that the reference executor computes, and their results."""
    kept, expected = [], []
    for what, built in made:
        try:
            expected += results_of([(what, built)], backend="reference")[0]
            kept.append((what, built))
        except errors.OpError:
            # NumPy has no such rule for integers, or the values that the sample becomes are out of the op's range.
            assert "int" in what, what
    return kept, expected


def usable(sample):
    return not any(callable(v) for v in sample.inputs)


@pytest.mark.parametrize("names", groups(BOUND))
def test_samples(names):
    compare(
        [
            (f"{name} sample {i}", name, sample.inputs, sample.attrs)
            for name in names
            for i, sample in enumerate(samples_of(name))
            if usable(sample)
        ]
    )


def variants(name):
    """The first samples of an op in the other dtypes that it takes."""
    definition = DEFINITIONS[name]
    for i, sample in enumerate(samples_of(name)[:2]):
        for attribute in sorted({a.type_attr for a in definition.inputs if a.type_attr is not None}):
            for dtype in (float32, float16, bfloat16, int32, int64, uint8):
                if dtype in allowed_dtypes(definition, attribute) and usable(sample) and name != "Bitcast":
                    inputs = [
                        _cast(a, v, attribute, dtype) for a, v in zip(definition.inputs, sample.inputs, strict=True)
                    ]
                    attrs = {k: dtype if k == attribute else v for k, v in sample.attrs.items()}
                    if all(v is not None for v in inputs):
                        yield f"{name} sample {i} with {attribute}={dtype.name}", name, inputs, attrs


def _cast(argument, value, attribute, dtype):
    """The value in another dtype; None where it is not of floats."""
    # A handle's variable is of the dtype that the op is told.
    handle = argument.dtype is not None and argument.dtype.name == "resource" and attribute in ("T", "dtype")
    if argument.type_attr != attribute and not handle:
        return value
    if argument.is_list:
        parts = [_cast_one(v, dtype) for v in value]
        return None if any(p is None for p in parts) else parts
    return _cast_one(value, dtype)


def _cast_one(value, dtype):
    array = as_array(value)
    if array.dtype.kind != "f":
        return None
    with np.errstate(all="ignore"):
        # Whole numbers of one sign, none of them zero: nothing is divided by zero, no power is negative.
        whole = np.abs(np.nan_to_num(array, posinf=3, neginf=3)) * 3 + 1
        return (whole if dtype.is_integer else array).astype(dtype.numpy)


@pytest.mark.long
@pytest.mark.parametrize("names", groups(BOUND))
def test_samples_in_other_dtypes(names):
    compare([variant for name in names for variant in variants(name)])

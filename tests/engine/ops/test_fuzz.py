"""Ops on inputs that nobody would give them: what escapes is an error of headrace, a TypeError or a ValueError."""

import resource
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from headrace.engine import errors
from headrace.engine.dtypes import as_dtype
from headrace.engine.graph import Graph
from headrace.engine.registry import allowed_dtypes

from .harness import DEFINITIONS, SAMPLED, as_array, build, new_session, samples_of

ALLOWED = (errors.OpError, TypeError, ValueError)
DTYPES = ("float16", "bfloat16", "float32", "float64", "int8", "int32", "int64", "uint8", "bool", "complex64", "string")
SPECIAL = np.array([0, 1, -1, 2, 1e30, -1e30, np.nan, np.inf, -np.inf, 0.5])
INTEGERS = np.array([0, 1, -1, 2, 3, -7, 100, 2**31 - 1, -(2**31), 2**62, -(2**63)])
SIZES = ((), (0,), (1,), (2,), (3,), (2, 3), (3, 2), (0, 3), (1, 1), (4, 1, 2), (2, 2, 2, 2), (1, 0, 1, 0, 1))
# These wait for another thread, or make as much as they are told to.
LEFT_OUT = frozenset(n for n, d in DEFINITIONS.items() if d.blocking or d.touches_files)
# Of processor time; a million elements through special functions take two.
SECONDS = 5.0
MEBIBYTES = 512


@pytest.fixture(autouse=True)
def limited_memory():
    """Whoever asks for more gets a MemoryError, and not all that the machine has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (3 << 30), hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def random_array(rng, dtype, shape=None):
    shape = SIZES[rng.integers(len(SIZES))] if shape is None else shape
    if dtype.name == "string":
        return rng.choice(np.array([b"", b"a", b"\xff\x00", b"1.5", b"x" * 100], object), size=shape)
    source = INTEGERS if dtype.is_integer else SPECIAL
    with np.errstate(all="ignore"):
        values = np.asarray(rng.choice(source[: rng.integers(1, len(source) + 1)], size=shape))
        if dtype.is_integer:
            return np.asarray(values.astype(np.int64).astype(dtype.numpy))
        return np.asarray(values).astype(dtype.numpy)


def large(rng, dtype):
    """A million elements that take no memory."""
    shape = ((10**6,), (1000, 1000), (1, 10**6))[rng.integers(3)]
    return np.broadcast_to(np.zeros((), dtype.numpy), shape)


def wild_input(rng, definition, argument, value, types):
    """Something in the place of a sample's input: often itself, or of another dtype, shape or content."""
    if callable(value):
        return value
    if argument.is_list:
        parts = [wild_input(rng, definition, argument_of(argument), v, types) for v in value]
        return parts[: rng.integers(len(parts) + 1)] if rng.random() < 0.2 else parts
    array = as_array(value, argument.dtype)
    kind = rng.random()
    if kind < 0.3:
        return value
    if kind < 0.6:
        return random_array(rng, as_dtype(array.dtype), array.shape)
    dtype = as_dtype(array.dtype)
    if kind > 0.9:
        dtype = as_dtype(DTYPES[rng.integers(len(DTYPES))])
    elif argument.type_attr is not None:
        allowed = [d for d in allowed_dtypes(definition, argument.type_attr) if d.name in DTYPES]
        dtype = types.setdefault(argument.type_attr, allowed[rng.integers(len(allowed))] if allowed else dtype)
    if kind > 0.97 and dtype.name != "string":
        return large(rng, dtype)
    return random_array(rng, dtype)


def argument_of(argument):
    return type(argument)(argument.name, argument.dtype, argument.type_attr, None, None, argument.is_ref)


def wild_attributes(rng, definition, attrs):
    result = dict(attrs)
    for name, attribute in definition.attributes.items():
        if rng.random() < 0.15:
            choices = {
                "int": [0, 1, -1, 7, -(2**31), 2**31],
                "float": [0.0, -1.0, 1e30, float("nan")],
                "bool": [True, False],
                "string": ["", "SAME", "NHWC", "\0"],
                "list(int)": [[], [0], [1, 1, 1, 1], [-1, 2, 3, 4], [2**31] * 4],
            }.get(attribute.kind)
            if choices is not None:
                result[name] = choices[rng.integers(len(choices))]
    return result


def run_case(definition, sample, rng):
    types = {}
    inputs = [wild_input(rng, definition, a, v, types) for a, v in zip(definition.inputs, sample.inputs, strict=True)]
    attrs = wild_attributes(rng, definition, sample.attrs)
    mode = ("constant", "static", "dynamic")[rng.integers(3)]
    started = time.thread_time()
    with Graph().as_default():
        try:
            built = build(definition, inputs, attrs, mode)
            if too_much(built):
                return 0.0
            with new_session() as session:
                built.run(session)
        except ALLOWED as error:
            if isinstance(error, errors.UnknownError | errors.InternalError):
                raise AssertionError(f"{type(error).__name__}: {error}") from error
    return time.thread_time() - started


def too_much(built):
    """Whether the result is declared to be larger than what the tests may take."""
    known = [t.sizes for t in built.op.outputs if t.sizes is not None and None not in t.sizes]
    return any(np.prod(sizes, dtype=object) > 10**7 for sizes in known)


def fuzz(name, count):
    definition = DEFINITIONS[name]
    rng = np.random.default_rng(zlib.crc32(name.encode()) + count)
    samples = samples_of(name)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for i in range(count):
        state = rng.bit_generator.state["state"]["state"]
        try:
            seconds = run_case(definition, samples[i % len(samples)], rng)
        except ALLOWED:
            raise
        except Exception as error:
            raise AssertionError(f"{name}, case {i} ({state}): {type(error).__name__}: {error}") from error
        assert seconds < SECONDS, f"{name}, case {i}: {seconds:.1f} s"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MEBIBYTES * 1024, f"{name}: {grown // 1024} MiB more"


CASES = [n for n in SAMPLED if n not in LEFT_OUT]


@pytest.mark.parametrize("name", CASES)
def test_a_few_wild_inputs(name):
    fuzz(name, 20)


@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_many_wild_inputs(name):
    fuzz(name, 200)

"""Expressions as CUDA text: every primitive in every dtype, exact constants, conversions, names by text."""

import ml_dtypes
import numpy as np
import pytest

from headrace.engine.gpu.bindings.elementwise import ITSELF, chain
from headrace.engine.gpu.text import constant, kernel_of, stored
from headrace.engine.scalar import CASTS, PRIMITIVES, Expression, Instruction, Operand, call, trace, where
from headrace.engine.unsupported import UnsupportedError

from .launching import run

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
DTYPES = [np.dtype(d) for d in "bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 float32 float64".split()]
DTYPES += [BFLOAT16, np.dtype(np.complex64), np.dtype(np.complex128)]
TOLERANCE = {2: 2e-3, 4: 1e-6, 8: 1e-14}
# What real numbers have, but not these kernels for complex ones.
NOT_COMPLEX = {"sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "expm1"}
NOT_COMPLEX |= {"log1p", "pow", "sign", "rint", "maximum", "minimum", "less", "less_equal", "greater", "greater_equal"}
NOT_COMPLEX |= {"isnan", "isinf", "isfinite", *CASTS}


def numbers(dtype, count=97, seed=3):
    rng = np.random.default_rng(seed)
    if dtype.kind == "b":
        return rng.random(count) < 0.5
    if dtype.kind in "iu":
        edges = [np.iinfo(dtype).min, np.iinfo(dtype).max, 0, 1]
        small = rng.integers(0 if dtype.kind == "u" else -7, 8, count - 4)
        return np.concatenate([small.astype(dtype), np.array(edges, dtype)])
    if dtype.kind == "c":
        return (rng.normal(size=count) + 1j * rng.normal(size=count)).astype(dtype)
    special = np.array([0, -0.0, 1, -1, np.nan, np.inf, -np.inf, 1e-3, 2.5], dtype)
    x = rng.normal(size=count) * rng.choice([0.1, 1, 9], count)
    return np.where(rng.random(count) < 0.2, rng.choice(special, count), x.astype(dtype))


def arity(name):
    return {"select": 3}.get(name, 1 + ("{1}" in PRIMITIVES[name].source))


def single(name):
    count = arity(name)
    return Expression(count, (Instruction(name, tuple(Operand("input", i) for i in range(count))),))


def operands(name, dtype):
    count = arity(name)
    found = [numbers(dtype, seed=i) for i in range(count)]
    if name == "select":
        found[0] = found[0].astype(bool)
    if name == "pow":
        found[1] = np.abs(found[1]) % 5 if dtype.kind in "iu" else found[1]
        found[0] = found[0] if dtype.kind in "iu" else np.abs(found[0])
    if name in ("floordiv", "mod", "fmod") and dtype.kind in "iu":
        found[1] = np.where(found[1] == 0, 3, found[1]).astype(dtype)
    return found


def expected_of(expression, inputs):
    with np.errstate(all="ignore"):
        return np.asarray(expression.evaluate(*inputs))


def assert_close(found, expected, what):
    if expected.dtype.kind in "biu":
        np.testing.assert_array_equal(found, expected, what)
        return
    tolerance = 1e-2 if expected.dtype == BFLOAT16 else TOLERANCE[expected.real.dtype.itemsize]
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    tiny = 1e-4 if expected.dtype == np.float16 else tolerance if wide is np.complex128 else 1e-37
    np.testing.assert_allclose(found.astype(wide), expected.astype(wide), tolerance, tiny, err_msg=what)


def evaluate(device, cases):
    """The values of (expression, inputs, dtype) triples, by kernels that are compiled together."""
    outs = [np.zeros(np.broadcast_shapes(*(x.shape for x in inputs)), dtype) for _, inputs, dtype in cases]

    def add(bound):
        arrays = iter(bound.inputs)
        for (expression, inputs, _), out in zip(cases, bound.outputs, strict=True):
            chain(bound, expression, [next(arrays) for _ in inputs], out)

    run(device, add, [x for _, inputs, _ in cases for x in inputs], outs)
    return outs


RARE = ("int8", "uint16", "uint32", "uint64", "bfloat16", "complex128")


@pytest.mark.parametrize(
    "dtype", [pytest.param(d, id=str(d), marks=[pytest.mark.long] if str(d) in RARE else []) for d in DTYPES]
)
def test_primitives_equal_numpy(sim, dtype):
    cases, names = [], []
    for name in PRIMITIVES:
        if dtype.kind == "c" and name in NOT_COMPLEX:
            continue
        inputs = operands(name, dtype)
        try:
            expected = expected_of(single(name), inputs)
        except TypeError:
            continue
        cases.append((single(name), inputs, expected.dtype))
        names.append(name)
    for name, (expression, inputs, _), found in zip(names, cases, evaluate(sim, cases), strict=True):
        assert_close(found, expected_of(expression, inputs), f"{name} of {dtype}")
    assert len(names) > 10


def test_casts_equal_numpy(sim):
    with np.errstate(all="ignore"):
        values = [np.array([0, 1, 2.5, 100, 120.5]).astype(d) for d in DTYPES]
        cases = [
            (ITSELF, [x], target) for x in values for target in DTYPES if x.dtype.kind != "c" or target.kind == "c"
        ]
        found = evaluate(sim, cases)
        for (_, (x,), target), out in zip(cases, found, strict=True):
            wanted = x != 0 if target.kind == "b" else x.astype(target)
            np.testing.assert_array_equal(out, wanted, f"{x.dtype} to {target}")


def test_constants_keep_every_bit(sim):
    values = [0.1, -0.0, 1e-45, 3.4e38, np.nan, np.inf, -np.inf, 1 / 3]
    cases = [
        (trace(lambda x, v=v: where(x > 0, v, x), 1), [np.ones(5, dtype)], np.dtype(dtype))
        for dtype in (np.float32, np.float64)
        for v in values
    ]
    integers = [-(2**31), 2**31 - 1, -1, 0]
    cases += [
        (trace(lambda x, v=v: where(x > 0, v, x), 1), [np.ones(5, np.int32)], np.dtype(np.int32)) for v in integers
    ]
    for (expression, inputs, _), found in zip(cases, evaluate(sim, cases), strict=True):
        expected = expected_of(expression, inputs).astype(found.dtype)
        assert found.tobytes() == expected.tobytes()
    assert constant(-(2**63), np.dtype(np.int64)) == "(long long)0x8000000000000000ull"


def test_mixed_dtypes_as_numpy_has_them(sim):
    rng = np.random.default_rng(5)
    mask, whole, wide = rng.random(40) < 0.5, rng.integers(-9, 9, 40).astype(np.int32), rng.normal(size=40).astype("f")
    rules = [
        (lambda m, i, x: where(m, call("mul", m, x), x * 2), [mask, whole, wide]),
        (lambda m, i, x: call("logical_and", m, i > 2), [mask, whole, wide]),
        (lambda m, i, x: call("add", call("to_bool", i), m), [mask, whole, wide]),
        (lambda m, i, x: i / 4, [mask, whole, wide]),
        (lambda m, i, x: call("sqrt", call("abs", i)) > 1.5, [mask, whole, wide]),
    ]
    cases = [(trace(rule, 3), inputs, expected_of(trace(rule, 3), inputs).dtype) for rule, inputs in rules]
    for (expression, inputs, _), found in zip(cases, evaluate(sim, cases), strict=True):
        assert_close(found, expected_of(expression, inputs), str(expression))


def test_what_there_is_no_text_for(sim):
    z = np.ones(3, np.complex64)
    for name in ("sin", "less", "isnan"):
        with pytest.raises(UnsupportedError, match=name):
            evaluate(sim, [(single(name), [z] * arity(name), z.dtype)])
    with pytest.raises(UnsupportedError, match="object"):
        stored(np.dtype(object))


def test_kernels_are_named_after_their_text():
    first, same = (kernel_of("some", [("int", "n")], "n;", ()) for _ in range(2))
    assert first == same and first.name != kernel_of("some", [("int", "m")], "m;", ()).name

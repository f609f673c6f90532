"""Element-wise programs against NumPy: every instruction, dtype, broadcasting and length, in every instruction set."""

import itertools

import numpy as np
import pytest

import headrace as tf
from headrace.engine.native import bindings, programs
from headrace.engine.native.bindings.elementwise import chain
from headrace.engine.native.calls import Bound
from headrace.engine.native.library import load
from headrace.engine.native.segment import Segment
from headrace.engine.scalar import CASTS, PRIMITIVES, Expression, Instruction, Operand, call, trace, where
from headrace.engine.unsupported import UnsupportedError

pytestmark = pytest.mark.skipif(isinstance(load(), str), reason="the native runtime was not built")
assert bindings

F = np.float32
# Primitives that NumPy computes: for no dtype, or not for integers.
FALLING_BACK: set[str] = set()
FLOATS_ONLY = (
    "div pow atan2 sqrt exp expm1 log log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh floor ceil rint "
    "isnan isinf isfinite"
).split()
DTYPES = ("float32", "float64", "int32", "int64")
SETS = (
    [] if isinstance(load(), str) else __import__("headrace.engine.native._runtime", fromlist=["x"]).instruction_sets()
)


@pytest.fixture(params=SETS)
def library(request, monkeypatch):
    from headrace.engine.native import _runtime

    found = load()
    return type(found)(request.param, _runtime.kernels(request.param), found.segment, found.has_blas)


def run(library, expression, inputs, out, threads=1):
    """The expression's value, natively, in `out`."""
    bound = Bound("_Fused", list(inputs), [out], {})
    chain(bound, expression, inputs, out)
    segment = Segment(library, bound.calls, [0] * len(bound.calls), threads, np.zeros(64, np.uint8))
    assert segment.run() == -1
    return out


def result_of(expression, inputs):
    with np.errstate(all="ignore"):
        return np.asarray(expression.evaluate(*inputs))


def numbers(dtype, shape, rng):
    if np.dtype(dtype).kind == "i":
        return rng.integers(-7, 8, shape).astype(dtype)
    special = np.array([0, -0.0, 1, -1, np.nan, np.inf, -np.inf, 1e-30, 88.5, -104, 3e38], dtype)
    x = (rng.normal(size=shape) * rng.choice([0.1, 1, 30], shape)).astype(dtype)
    return np.where(rng.random(shape) < 0.2, rng.choice(special, shape), x)


def arity(name):
    return {"select": 3}.get(name, 1 + ("{1}" in PRIMITIVES[name].source))


def single(name):
    count = arity(name)
    return Expression(count, (Instruction(name, tuple(Operand("input", i) for i in range(count))),))


def test_every_primitive_is_native_or_listed():
    names = {name.split(".")[1] for name in load().kernels if name.startswith("float32.")}
    names |= {"conj", "bitwise_and", "bitwise_or", "bitwise_xor", "invert", "logical_and", "logical_or", "logical_not"}
    assert set(PRIMITIVES) - CASTS.keys() - names == FALLING_BACK


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in PRIMITIVES if name not in CASTS])
def test_primitives_equal_numpy(library, name, dtype):
    expression, rng = single(name), np.random.default_rng(3)
    if dtype.startswith("int") and name in FLOATS_ONLY:
        pytest.skip("floats only")
    if name in ("bitwise_and", "bitwise_or", "bitwise_xor", "invert") and dtype.startswith("float"):
        pytest.skip("integers only")
    inputs = [numbers(dtype, (997,), rng) for _ in range(arity(name))]
    if name == "select":
        inputs[0] = inputs[0] > 0
    if name == "pow":
        inputs[0] = np.abs(inputs[0])
    expected = result_of(expression, inputs)
    found = run(library, expression, inputs, np.zeros(997, expected.dtype))
    if expected.dtype.kind == "f":
        tolerance = 1e-6 if dtype == "float32" else 1e-14
        small = 1.2e-38 if dtype == "float32" else 0
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=small)
    else:
        np.testing.assert_array_equal(found, expected)


SHAPES = [
    [(), ()],
    [(0, 3), (3,)],
    [(7,), ()],
    [(33, 5), (5,)],
    [(33, 5), (33, 1)],
    [(700, 130), (130,)],
    [(40, 1030), (1030,)],
    [(40, 1030), (40, 1)],
    [(6, 5, 70), (5, 70)],
    [(6, 5, 70), (6, 1, 70)],
    [(3, 4, 9, 16), (9, 16)],
    [(3, 4, 9, 16), (3, 4, 9, 1)],
    [(64, 1), (1, 40)],
    [(9, 2000), (1, 1)],
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_broadcasting_in_chains(library, shapes, dtype):
    rng = np.random.default_rng(5)
    a, b = (np.asarray(rng.integers(-9, 9, s)).astype(dtype) for s in shapes)
    expression = trace(lambda x, y: where(x * y + 3 > y, call("maximum", x + y, 0) * x, -y), 2)
    for pair in itertools.permutations((a, b)):
        expected = result_of(expression, pair)
        np.testing.assert_array_equal(run(library, expression, pair, np.zeros(expected.shape, dtype)), expected)


@pytest.mark.parametrize("length", [1, 3, 15, 16, 17, 100, 4095, 70001, 300000])
def test_lengths_threads_and_unaligned_memory(library, length):
    rng = np.random.default_rng(length)
    memory = rng.normal(size=2 * length + 9).astype(F)
    x, y = memory[1 : 1 + length], memory[4 + length : 4 + 2 * length]
    expression = trace(lambda x, y: call("tanh", x * y + 1) * 0.5 + y, 2)
    outs = [np.full(length + 2, 7, F) for _ in range(2)]
    for threads, out in enumerate(outs, 1):
        run(library, expression, [x, y], out[1:-1], threads)
        assert out[0] == out[-1] == 7
    np.testing.assert_array_equal(*outs)
    np.testing.assert_allclose(outs[0][1:-1], result_of(expression, [x, y]), rtol=1e-5, atol=1e-6)


def test_strides_masks_and_in_place(library):
    rng = np.random.default_rng(7)
    x = rng.normal(size=(90, 70, 3)).astype(F)
    turned, stepped, mask = x.transpose(2, 1, 0), x[::2, ::-1, ::2], rng.random((3, 70, 90)) > 0.5
    both = trace(lambda m, x, y: where(call("logical_and", m, x < y), x, y * 2), 3)
    y = rng.normal(size=turned.shape).astype(F)
    expected = result_of(both, [mask, turned, y])
    np.testing.assert_array_equal(run(library, both, [mask, turned, y], y), expected)
    square = trace(lambda x: x * x, 1)
    np.testing.assert_array_equal(run(library, square, [stepped], np.zeros(stepped.shape, F)), stepped * stepped)
    inverse = trace(lambda m: call("logical_not", m), 1)
    np.testing.assert_array_equal(run(library, inverse, [mask], np.zeros(mask.shape, bool)), ~mask)


def test_what_the_interpreter_has_not():
    half, whole = np.ones(3, np.float16), np.ones(3, np.int32)
    with pytest.raises(UnsupportedError, match="float16"):
        programs.compile_program(single("add"), [half, half], (3,))
    with pytest.raises(UnsupportedError, match="float64 and int32"):
        programs.compile_program(single("div"), [whole, whole], (3,))
    with pytest.raises(UnsupportedError, match="13 inputs"):
        programs.compile_program(single("add"), [whole] * 13, (3,))


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_ops_without_rules(dtype):
    rng = np.random.default_rng(9)
    arrays = [rng.integers(-9, 9, (31, 70)).astype(dtype) for _ in range(30)]
    x = arrays[0]
    with tf.Graph().as_default(), tf.Session() as session, tf.Session(config=tf.ConfigProto()) as other:
        del other
        feeds = [tf.placeholder(dtype, a.shape) for a in arrays]
        variable = tf.Variable(x)
        fetches = [
            tf.add_n(feeds),
            tf.where(x[:, 0] > 0, feeds[0], feeds[1]),
            tf.clip_by_value(feeds[0], -3, 4),
            tf.zeros_like(feeds[0]),
            tf.ones_like(feeds[0]),
            tf.assign_sub(variable, feeds[1]),
        ]
        session.run(variable.initializer)
        values = session.run(fetches, dict(zip(feeds, arrays, strict=True)))
    chosen = np.where(x[:, :1] > 0, x, arrays[1])
    expected = [sum(arrays), chosen, x.clip(-3, 4), 0 * x, 0 * x + 1, x - arrays[1]]
    for found, value in zip(values, expected, strict=True):
        np.testing.assert_array_equal(found, value)

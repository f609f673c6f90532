"""Native movement of data against NumPy: views of all kinds, item sizes, threads, and each op by a session."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

import headrace as tf
from headrace.engine.native import bindings
from headrace.engine.native.bindings.movement import copy_view
from headrace.engine.native.calls import Bound
from headrace.engine.native.library import load
from headrace.engine.native.segment import Segment

LIBRARY = load()
pytestmark = pytest.mark.skipif(isinstance(LIBRARY, str), reason="the native runtime was not built")
assert bindings


@pytest.fixture(params=["baseline", "avx2", "avx512"])
def library(request):
    from headrace.engine.native import _runtime

    if request.param not in _runtime.instruction_sets():
        pytest.skip("another machine's")
    return replace(LIBRARY, instruction_set=request.param, kernels=_runtime.kernels(request.param))


def moved(library, out, source, threads=2):
    bound = Bound("Identity", [source], [out], {})
    copy_view(bound, out, source)
    assert Segment(library, bound.calls, [0] * len(bound.calls), threads, np.zeros(64, np.uint8)).run() == -1
    np.testing.assert_array_equal(out, source)


@pytest.mark.parametrize("dtype", ["int8", "float16", "float32", "float64", "complex128"])
@pytest.mark.parametrize(
    "shape", [(), (5,), (3, 4), (40, 33), (17, 16, 35), (300, 129), (2, 3, 4, 5), (64, 48, 3)], ids=str
)
def test_axes_in_every_order(library, shape, dtype):
    rng = np.random.default_rng(1)
    for order in itertools.permutations(range(len(shape))):
        source = rng.integers(-99, 99, shape).astype(dtype).transpose(order)
        moved(library, np.zeros(source.shape, dtype), source)


@pytest.mark.parametrize("dtype", ["int16", "float32", "int64"])
def test_windows_steps_and_repeats(library, dtype):
    x = np.random.default_rng(2).integers(-99, 99, (60, 50, 7)).astype(dtype)
    sources = [x[::-1], x[:, ::-1, ::2], x[5:9, 3:, 1:4], x[:, :, 3], x[7], x[..., None], x[::3].transpose(1, 2, 0)]
    sources += [
        np.broadcast_to(x[:, :1], x.shape),
        np.broadcast_to(x[:, :, :1], x.shape),
        np.broadcast_to(x[0, 0, 0], x.shape),
    ]
    for source in sources:
        moved(library, np.zeros(source.shape, dtype), source)
        wide = np.full([n + 3 for n in source.shape], 5, dtype)
        inner = wide[tuple(slice(1, n + 1) for n in source.shape)]
        moved(library, inner, source)
        inner[...] = 5
        assert (wide == 5).all()


def test_ops():
    x = np.random.default_rng(3).integers(-99, 99, (6, 8, 10)).astype(np.float32)
    y = np.asfortranarray(x[:, :3])
    with tf.Graph().as_default(), tf.Session() as session:
        a, b = tf.placeholder(tf.float32, x.shape), tf.placeholder(tf.float32, y.shape)
        v = tf.get_variable("v", initializer=x)
        turned = tf.transpose(a, [2, 0, 1])
        cases = [
            (turned, x.transpose(2, 0, 1)),
            (tf.reshape(turned, [-1]), x.transpose(2, 0, 1).ravel()),
            (tf.concat([a, b, a], 1), np.concatenate([x, y, x], 1)),
            (tf.stack([a, a + 1], 2), np.stack([x, x + 1], 2)),
            (tf.tile(a, [2, 1, 3]), np.tile(x, [2, 1, 3])),
            (tf.pad(b, [[1, 0], [2, 1], [0, 3]]), np.pad(y, [[1, 0], [2, 1], [0, 3]])),
            (
                tf.pad(b, [[1, 0], [2, 1], [0, 3]], constant_values=7.0),
                np.pad(y, [[1, 0], [2, 1], [0, 3]], constant_values=7),
            ),
            (tf.reverse(a, [0, 2]), x[::-1, :, ::-1]),
            (tf.broadcast_to(b[:, :1], b.shape), np.broadcast_to(y[:, :1], y.shape)),
            (tf.slice(a, [1, 2, 3], [4, -1, 5]) * 2, x[1:5, 2:, 3:8] * 2),
            (tf.fill([3, 4], a[0, 0, 0]), np.full((3, 4), x[0, 0, 0])),
            (tf.cast(a, tf.int32), x.astype(np.int32)),
            (tf.assign(v, a[::-1]), x[::-1]),
        ]
        cases += zip(tf.split(a, 2, 1), np.split(x, 2, 1), strict=True)
        cases += zip(tf.split(a, [1, 5], 0), np.split(x, [1], 0), strict=True)
        cases += zip(tf.unstack(turned, axis=1), x, strict=True)
        session.run(v.initializer)
        for fetch, expected in cases:
            feeds = {a: x, b: y}
            found = session.run(fetch, feeds)
            np.testing.assert_array_equal(found, expected.T if fetch.op.type == "Unpack" else expected)
            # An assignment that does not need the value before may be the first one, which makes the memory.
            assert fetch.op.type == "Assign" or "NumPy" not in session.explain([fetch], feeds), fetch.op.type


NUMBERS = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64", "bfloat16", "float16"]


@pytest.mark.parametrize("to", NUMBERS)
def test_casts(to):
    for dtype in ("bool", "uint8", "int32", "int64", "float32", "float64", "bfloat16", "float16"):
        x = np.random.default_rng(4).normal(size=1000) * 40
        with tf.Graph().as_default(), tf.Session() as session, tf.Session(backend="reference") as reference:
            feed = tf.placeholder(dtype, [1000])
            y = tf.cast(feed, to)
            value = (np.abs(x) if dtype == "uint8" or to == "uint8" else x).astype(tf.as_dtype(dtype).as_numpy_dtype)
            np.testing.assert_array_equal(session.run(y, {feed: value}), reference.run(y, {feed: value}))


def test_halves_are_rounded_as_numpy_rounds_them():
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    wide = every[np.isfinite(every)].astype(np.float32)
    # Each number, what lies in the middle to the next, and its neighbours; what is too large, and what is none.
    with np.errstate(over="ignore"):
        middle = (wide + np.spacing(wide.astype(np.float16)).astype(np.float32) / 2).astype(np.float32)
    beside = [np.nextafter(middle, np.float32(end)) for end in (-np.inf, np.inf)]
    given = np.concatenate([wide, middle, *beside, np.float32([np.inf, -np.inf, np.nan, 65519.9, 65520, 1e30, 1e-40])])
    with tf.Graph().as_default(), tf.Session(backend="cpu") as session:
        short, long = tf.placeholder(tf.float16, [None]), tf.placeholder(tf.float32, [None])
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(
                session.run(tf.cast(long, tf.float16), {long: given}), given.astype(np.float16)
            )
        np.testing.assert_array_equal(session.run(tf.cast(short, tf.float32), {short: every}), every.astype(np.float32))


def test_steps_that_do_nothing_are_no_steps():
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.get_variable("v", initializer=1.0)
        step = tf.group(tf.assign_add(v, 1.0), tf.no_op())
        session.run(v.initializer)
        assert "NoOp" not in session.explain([step])
        session.run(step)
        assert session.run(v) == 2.0

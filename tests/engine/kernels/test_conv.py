"""Convolutions against TensorFlow's values, and their gradients against the adjoint identity."""

import threading
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from headrace.engine.errors import InvalidArgumentError
from headrace.engine.kernels import conv, depthwise
from headrace.engine.kernels.scratch import clear_scratch, scratch
from headrace.engine.kernels.windows import output_sizes, padding_of

EXPECTED = np.load(Path(__file__).parents[2] / "fixtures/kernels/conv.npz")
DENSE = (conv.conv2d, conv.conv2d_backprop_input, conv.conv2d_backprop_filter)
DEPTHWISE = (
    depthwise.depthwise_conv2d,
    depthwise.depthwise_conv2d_backprop_input,
    depthwise.depthwise_conv2d_backprop_filter,
)
EXPLICIT = [(2, 1), (0, 3)]


@pytest.mark.parametrize(
    ("name", "strides", "padding", "kernels"),
    [
        ("conv_same", (1, 1), "SAME", DENSE),
        ("conv_stride", (2, 3), "SAME", DENSE),
        ("conv_valid", (2, 1), "VALID", DENSE),
        ("conv_pixel", (2, 2), "VALID", DENSE),
        ("conv_explicit", (2, 2), EXPLICIT, DENSE),
        ("conv3d", (1, 2, 2), "SAME", DENSE),
        ("depthwise_one", (1, 1), "SAME", DEPTHWISE),
        ("depthwise_two", (2, 2), "VALID", DEPTHWISE),
    ],
)
def test_values_are_those_of_tensorflow(name, strides, padding, kernels):
    x, w, y, dy, dx, dw = (EXPECTED[f"{name}/{key}"] for key in ("x", "w", "y", "dy", "dx", "dw"))
    forward, backprop_input, backprop_filter = kernels
    pads = padding_of(padding, x.shape[1:-1], w.shape[:-2], strides)
    for dtype in (np.float32, np.float64):
        xs, ws, ds = x.astype(dtype), w.astype(dtype), dy.astype(dtype)
        np.testing.assert_allclose(forward(xs, ws, strides, pads), y, atol=1e-5)
        np.testing.assert_allclose(backprop_input(x.shape, ws, ds, strides, pads), dx, atol=1e-5)
        np.testing.assert_allclose(backprop_filter(xs, w.shape, ds, strides, pads), dw, atol=1e-5)


def test_dilation_is_that_of_tensorflow():
    x, w, y = (EXPECTED[f"conv_dilated/{key}"] for key in ("x", "w", "y"))
    pads = padding_of("SAME", x.shape[1:-1], w.shape[:-2], (1, 1), (2, 3))
    np.testing.assert_allclose(conv.conv2d(x, w, (1, 1), pads, (2, 3)), y, atol=1e-5)


cases = st.integers(1, 3).flatmap(
    lambda rank: st.fixed_dictionaries(
        {
            "sizes": st.tuples(*[st.integers(1, 7)] * rank),
            "window": st.tuples(*[st.integers(1, 4)] * rank),
            "strides": st.tuples(*[st.integers(1, 3)] * rank),
            "dilations": st.tuples(*[st.integers(1, 2)] * rank),
            "padding": st.one_of(
                st.sampled_from(["SAME", "VALID"]),
                st.lists(st.tuples(*[st.integers(0, 2)] * 2), min_size=rank, max_size=rank),
            ),
            "channels": st.tuples(st.integers(1, 7), st.integers(1, 4)),
            "batch": st.integers(0, 3),
        }
    )
)


@settings(max_examples=150, deadline=None)
@given(case=cases, kernels=st.sampled_from([DENSE, DEPTHWISE]))
def test_gradients_are_adjoint_to_the_convolution(case, kernels):
    forward, backprop_input, backprop_filter = kernels
    strides, dilations = case["strides"], case["dilations"]
    pads = padding_of(case["padding"], case["sizes"], case["window"], strides, dilations)
    random = np.random.default_rng(0)
    x = random.normal(size=(case["batch"], *case["sizes"], case["channels"][0]))
    w = random.normal(size=(*case["window"], *case["channels"]))
    try:
        y = forward(x, w, strides, pads, dilations)
    except InvalidArgumentError:
        return
    dy = random.normal(size=y.shape)
    dx = backprop_input(x.shape, w, dy, strides, pads, dilations)
    dw = backprop_filter(x, w.shape, dy, strides, pads, dilations)
    np.testing.assert_allclose(np.vdot(dx, x), np.vdot(dy, y), atol=1e-9)
    np.testing.assert_allclose(np.vdot(dw, w), np.vdot(dy, y), atol=1e-9)
    np.testing.assert_allclose(y, _by_definition(x, w, strides, pads, dilations, y, kernels))


def _by_definition(x, w, strides, pads, dilations, like, kernels):
    padded = np.pad(x, ((0, 0), *pads, (0, 0)))
    result = np.zeros_like(like)
    for place in np.ndindex(*like.shape[1:-1]):
        for tap in np.ndindex(*w.shape[:-2]):
            where = (p * s + t * d for p, s, t, d in zip(place, strides, tap, dilations, strict=True))
            pixel = padded[(slice(None), *where)]
            term = pixel @ w[tap] if kernels is DENSE else (pixel[..., None] * w[tap])
            result[(slice(None), *place)] += term.reshape(len(x), like.shape[-1])
    return result


@pytest.mark.parametrize("shape", [(40, 30, 30, 8), (2, 300, 200, 16)])
def test_chunks_of_images_and_of_lines_give_what_one_image_gives(shape):
    random = np.random.default_rng(0)
    x, w = random.normal(size=shape), random.normal(size=(3, 3, shape[-1], 2))
    pads = padding_of("SAME", shape[1:3], (3, 3), (1, 1))
    y = conv.conv2d(x, w, (1, 1), pads)
    last = conv.conv2d(x[-1:, -10:], w, (1, 1), ((0, 1), (1, 1)))
    np.testing.assert_allclose(y[-1:, -8:], last[:, -8:])
    dx = conv.conv2d_backprop_input(x.shape, w, y, (1, 1), pads)
    dw = conv.conv2d_backprop_filter(x, w.shape, y, (1, 1), pads)
    np.testing.assert_allclose([np.vdot(dx, x), np.vdot(dw, w)], np.vdot(y, y))
    few = random.normal(size=(3, 3, 2, shape[-1]))
    dz = conv.conv2d_backprop_input((*shape[:3], 2), few, x, (1, 1), pads)
    z = conv.conv2d(dz, few, (1, 1), pads)
    np.testing.assert_allclose(np.vdot(dz, dz), np.vdot(z, x))


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("kernels", [DENSE, DEPTHWISE])
def test_short_floats_are_calculated_in_float32(dtype, kernels):
    random = np.random.default_rng(0)
    x, w = (
        random.normal(size=(2, 6, 6, 3)).astype(dtype),
        random.normal(size=(3, 3, 3, 2)).astype(dtype),
    )
    pads = padding_of("SAME", (6, 6), (3, 3), (2, 2))
    wide = [array.astype(np.float32) for array in (x, w)]
    y = kernels[0](*wide, (2, 2), pads)
    found = [
        kernels[0](x, w, (2, 2), pads),
        kernels[1](x.shape, w, y.astype(dtype), (2, 2), pads),
        kernels[2](x, w.shape, y.astype(dtype), (2, 2), pads),
    ]
    dy = y.astype(dtype).astype(np.float32)
    expected = [
        y,
        kernels[1](x.shape, wide[1], dy, (2, 2), pads),
        kernels[2](wide[0], w.shape, dy, (2, 2), pads),
    ]
    for array, reference in zip(found, expected, strict=True):
        assert array.dtype == dtype
        assert (array == reference.astype(dtype)).all()


@pytest.mark.parametrize("kernels", [DENSE, DEPTHWISE])
def test_out_is_filled_whatever_its_layout(kernels):
    x, w = EXPECTED["conv_same/x"], EXPECTED["conv_same/w"]
    pads = padding_of("SAME", x.shape[1:-1], w.shape[:-2], (1, 1))
    y = kernels[0](x, w, (1, 1), pads)
    calls = [
        (y, lambda out: kernels[0](x, w, (1, 1), pads, out=out)),
        (None, lambda out: kernels[1](x.shape, w, y, (1, 1), pads, out=out)),
        (None, lambda out: kernels[2](x, w.shape, y, (1, 1), pads, out=out)),
    ]
    for expected, call in calls:
        expected = call(None) if expected is None else expected
        for out in (
            np.full_like(expected, np.nan),
            np.full((*expected.shape, 2), np.nan, "f")[..., 0],
        ):
            assert call(out) is out
            np.testing.assert_array_equal(out, expected)
        with pytest.raises(ValueError, match="out: expected float32 of shape"):
            call(np.empty((1,), np.float32))


@pytest.mark.parametrize("kernels", [DENSE, DEPTHWISE])
def test_what_does_not_fit_is_named(kernels):
    x, w = np.zeros((1, 4, 4, 3)), np.zeros((3, 3, 2, 5))
    none = ((0, 0), (0, 0))
    with pytest.raises(InvalidArgumentError, match="same depth: 3 vs 2"):
        kernels[0](x, w, (1, 1), none)
    with pytest.raises(InvalidArgumentError, match="output size would be negative"):
        kernels[0](np.zeros((1, 1, 1, 2)), w, (1, 1), none)
    with pytest.raises(InvalidArgumentError, match=r"out_backprop: expected shape \[1, 2, 2, "):
        kernels[1]((1, 4, 4, 2), w, np.zeros((1, 3, 3, 10)), (1, 1), none)
    with pytest.raises(InvalidArgumentError, match=r"out_backprop: expected shape \[1, 2, 2, "):
        kernels[2](x[..., :2], w.shape, np.zeros((1, 3, 3, 10)), (1, 1), none)


@pytest.mark.parametrize("shape", [(0, 4, 4, 2), (2, 0, 4, 2), (2, 4, 4, 0)])
def test_empty_inputs(shape):
    w = np.ones((1, 1, shape[-1], 3))
    none = ((0, 0), (0, 0))
    y = conv.conv2d(np.ones(shape), w, (1, 1), none)
    assert y.shape == (*shape[:3], 3)
    assert not y.any()
    assert conv.conv2d_backprop_input(shape, w, y, (1, 1), none).shape == shape
    assert not conv.conv2d_backprop_filter(np.ones(shape), w.shape, y, (1, 1), none).any()


def test_padding_rules():
    assert padding_of("SAME", (5, 6, 1), (3, 2, 1), (2, 2, 1)) == ((1, 1), (0, 0), (0, 0))
    assert padding_of("SAME", (10,), (3,), (1,), (3,)) == ((3, 3),)
    assert padding_of("VALID", (5,), (3,), (2,)) == ((0, 0),)
    assert padding_of([(1, 2)], (5,), (3,), (2,)) == ((1, 2),)
    assert output_sizes((5, 3), (3, 3), (2, 1), ((0, 0), (0, 0))) == (2, 1)
    with pytest.raises(ValueError, match="expected SAME, VALID or pairs of ints, got 'FULL'"):
        padding_of("FULL", (5,), (3,), (2,))


def test_scratch_is_a_threads_own_and_can_be_given_back():
    first = scratch("test", (4,), np.dtype(np.int32))
    assert np.shares_memory(first, scratch("test", (2, 2), np.dtype(np.float32)))
    seen = []
    thread = threading.Thread(target=lambda: seen.append(scratch("test", (4,), np.dtype(np.int32))))
    thread.start()
    thread.join()
    assert not np.shares_memory(first, seen[0])
    clear_scratch()
    assert not np.shares_memory(first, scratch("test", (4,), np.dtype(np.int32)))

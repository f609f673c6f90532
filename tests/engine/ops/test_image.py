"""tf.image against TensorFlow on the cases of fixtures/image, and where those do not look: partial shapes, errors, files."""

import io
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from headrace.engine import dtypes
from headrace.engine.errors import InvalidArgumentError
from headrace.engine.gradients import gradients
from headrace.engine.graph import Graph
from headrace.engine.ops import (
    array_parts,
    constant,
    image,
    image_boxes,
    image_codecs,
    image_color,
    image_convert,
    image_crop,
    image_quality,
    image_resize,
)
from headrace.engine.ops.constant import placeholder
from headrace.engine.session import Session

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "image"
TABLE = runpy.run_path(str(FIXTURES / "cases.py"))
CASES, INPUTS = TABLE["CASES"], TABLE["inputs"]()
MODULES = (image, image_boxes, image_codecs, image_color, image_convert, image_crop, image_quality, image_resize)
IMAGE = SimpleNamespace(**{k: v for module in MODULES for k, v in vars(module).items() if not k.startswith("_")})
IMAGE.transpose = image.transpose_image
TF = SimpleNamespace(
    image=IMAGE,
    constant=constant.constant,
    gradients=gradients,
    concat=array_parts.concat,
    **{d: getattr(dtypes, d) for d in ("float32", "uint8", "int16")},
)
EXPECTED = np.load(FIXTURES / "images.npz")
# The arithmetic of these sums many float32 numbers in another order.
LOOSE = {"ssim": 1e-4, "ssim_multiscale": 1e-4, "total_variation": 1e-4, "grad_crop_boxes": 1e-4}
PIXELS = np.arange(24, dtype=np.float32).reshape(2, 4, 3)


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default():
        yield


def run(tensor, feeds=None):
    with Session() as session:
        return session.run(tensor, feeds)


def check(name, actual):
    expected = EXPECTED[name]
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    if expected.dtype.kind in "iu":
        # Where a float falls between two integers, rounding may go either way.
        assert np.abs(actual.astype(int) - expected.astype(int)).max(initial=0) <= 1
    else:
        tolerance = LOOSE.get(name, 2e-5)
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", CASES)
def test_as_tensorflow(name):
    with Graph().as_default():
        tensor = CASES[name](TF, constant.constant, INPUTS)
        assert tensor.shape.is_compatible_with(EXPECTED[name].shape)
        check(name, run(tensor))


UNKNOWN = ["crop", "pad", "crop_or_pad", "central_crop", "rot90", "resize_images_0", "resize_aspect", "flip_left_right"]
BATCHES = ["resize_with_pad", "crop_or_pad_batch", "central_crop_batch", "resize_bicubic_half", "standardization"]


@pytest.mark.parametrize("name", [*UNKNOWN, *BATCHES, "to_grey_float", "contrast", "crop_and_resize", "patches"])
def test_sizes_known_only_when_run(name):
    with Graph().as_default():
        feeds = {}

        def fed(value):
            tensor = placeholder(dtypes.of_array(value), [None] * (value.ndim - 1) + [value.shape[-1]])
            feeds[tensor] = value
            return tensor

        tensor = CASES[name](TF, fed, INPUTS)
        check(name, run(tensor, feeds))


def test_sizes_may_be_tensors():
    one, two = placeholder(dtypes.int32, []), placeholder(dtypes.int32, [])
    cropped = image.crop_to_bounding_box(PIXELS, one - 1, one, one, two)
    padded = image.pad_to_bounding_box(cropped, one, one, two, two + 2)
    fitted = image.resize_image_with_crop_or_pad(PIXELS, two, two)
    found, around, middle = run([cropped, padded, fitted], {one: 1, two: 2})
    np.testing.assert_array_equal(found, PIXELS[:1, 1:3])
    np.testing.assert_array_equal(around, np.pad(PIXELS[:1, 1:3], ((1, 0), (1, 1), (0, 0))))
    np.testing.assert_array_equal(middle, PIXELS[:, 1:3])
    with pytest.raises(InvalidArgumentError, match="height must be >= target"):
        run(padded, {one: 2, two: 2})


@pytest.mark.parametrize(
    "call",
    [
        lambda x: image.resize_images(x, 4, 6),
        lambda x: image.resize_images(x, 4, 6, 0, False),
        lambda x: image.resize_images(x, 4, 6, method=image.ResizeMethod.BILINEAR),
        lambda x: image.resize_images(x, new_height=4, new_width=6),
        lambda x: image.resize_images(x, np.array([4, 6])),
        lambda x: image.resize_images(x, size=(4, 6), method=lambda images, size: image.resize_bilinear(images, size)),
    ],
)
def test_height_and_width_apart(call):
    np.testing.assert_array_equal(run(call(PIXELS)), run(image.resize_images(PIXELS, [4, 6])))


def test_images_of_the_wanted_size_stay():
    pixels = PIXELS.astype(np.uint8)
    assert run(image.resize_images(pixels, [2, 4])).dtype == np.uint8


@pytest.mark.parametrize("flip, axis", [(image.random_flip_left_right, 2), (image.random_flip_up_down, 1)])
def test_random_flips(flip, axis):
    images = np.arange(64 * 6, dtype=np.uint8).reshape(64, 2, 3, 1)
    single = flip(images[0], seed=1)
    for found, original in ((run(flip(images, seed=1)), images), (run(single)[None], images[:1])):
        same = (found == original).all(axis=(1, 2, 3))
        np.testing.assert_array_equal(found[~same], np.flip(original[~same], axis))
        assert len(original) == 1 or 0 < same.sum() < 64
    assert single.shape.as_list() == [2, 3, 1]


@pytest.mark.parametrize("turns", range(-1, 6))
def test_turns_by_a_tensor(turns):
    k = placeholder(dtypes.int32, [])
    np.testing.assert_array_equal(run(image.rot90(PIXELS, k), {k: turns}), np.rot90(PIXELS, turns))
    np.testing.assert_array_equal(run(image.rot90(PIXELS[None], turns)), np.rot90(PIXELS, turns)[None])


BYTES = INPUTS["u"]


@pytest.mark.parametrize("channels", [0, 1, 3])
def test_files_and_back(channels):
    png, jpeg = image_codecs.encode_png(BYTES), image_codecs.encode_jpeg(BYTES, quality=100)
    decoded = image_codecs.decode_png(png, channels)
    assert decoded.shape.as_list() == [None, None, channels or None]
    pixels, shape, is_jpeg, is_not = run(
        [decoded, image_codecs.extract_jpeg_shape(jpeg), image_codecs.is_jpeg(jpeg), image_codecs.is_jpeg(png)]
    )
    assert pixels.shape == (6, 5, channels or 3)
    if channels != 1:
        np.testing.assert_array_equal(pixels, BYTES)
    assert shape.tolist() == [6, 5, 3]
    assert (is_jpeg, is_not) == (True, False)
    window = image_codecs.decode_and_crop_jpeg(jpeg, [1, 2, 3, 2], channels)
    assert window.shape.as_list() == [3, 2, channels or None]
    whole, part = run([image_codecs.decode_jpeg(jpeg, channels), window])
    np.testing.assert_array_equal(part, whole[1:4, 2:4])


def test_any_file():
    png = run(image_codecs.encode_png(BYTES))
    results = [image_codecs.decode_image(png, dtype=d) for d in (dtypes.uint8, dtypes.float32, dtypes.float64)]
    for found, scale in zip(run(results), (1, 255, 255), strict=True):
        np.testing.assert_allclose(found * scale, BYTES, rtol=1e-6)
    assert image_codecs.decode_image(png).shape.ndims is None
    assert image_codecs.decode_image(png, 3, expand_animations=False).shape.as_list() == [None, None, 3]
    with pytest.raises(InvalidArgumentError, match="Unknown image file format"):
        run(image_codecs.decode_image(b"no image"))


def test_frames_of_a_gif():
    pillow = pytest.importorskip("PIL.Image")
    frames = [pillow.fromarray(np.full((2, 3, 3), level, np.uint8)) for level in (0, 255)]
    target = io.BytesIO()
    frames[0].save(target, format="GIF", save_all=True, append_images=frames[1:])
    found = run([image_codecs.decode_gif(target.getvalue()), image_codecs.decode_image(target.getvalue())])
    for item in found:
        assert item.shape == (2, 2, 3, 3)
        assert (item[0].max(), item[1].min()) == (0, 255)


def test_quality_of_a_jpeg_lowers_the_image():
    floats = INPUTS["f"][0]
    low, high = run([image_codecs.adjust_jpeg_quality(floats, quality) for quality in (5, 100)])
    assert low.dtype == np.float32
    assert np.abs(low - floats).mean() > np.abs(high - floats).mean()


ERRORS = [
    (lambda: image.flip_left_right(np.ones((2, 3))), "either 3 or 4 dimensions"),
    (lambda: image.rot90(np.ones((2, 3))), "either 3 or 4 dimensions"),
    (lambda: image.transpose_image(np.ones(2)), "either 3 or 4 dimensions"),
    (lambda: image.resize_images(np.ones((2, 3)), [1, 1]), "either 3 or 4 dimensions"),
    (lambda: image.resize_images(placeholder(dtypes.float32), [1, 1]), "contains no shape"),
    (lambda: image.resize_images(PIXELS, [1, 2, 3]), "1-D Tensor of 2 elements"),
    (lambda: image.resize_images(PIXELS, [1, 2], 9), "not implemented: 9"),
    (lambda: image.crop_to_bounding_box(PIXELS, -1, 0, 1, 1), "offset_height must be >= 0"),
    (lambda: image.crop_to_bounding_box(PIXELS, 0, 2, 1, 3), "width must be >= target"),
    (lambda: image.crop_to_bounding_box(PIXELS, 0, 0, 0, 3), "target_height must be > 0"),
    (lambda: image.pad_to_bounding_box(PIXELS, 0, -1, 9, 9), "offset_width must be >= 0"),
    (lambda: image.pad_to_bounding_box(PIXELS, 3, 0, 4, 9), "height must be <= target"),
    (lambda: image.resize_image_with_crop_or_pad(PIXELS, 3, 0), "target_width must be > 0"),
    (lambda: image.resize_image_with_pad(PIXELS, -1, 3), "target_height must be > 0"),
    (lambda: image.central_crop(PIXELS, 0.0), r"within \(0, 1\]"),
    (lambda: image_convert.random_brightness(PIXELS, -0.1), "non-negative"),
    (lambda: image_convert.random_contrast(PIXELS, 0.5, 0.5), "upper must be > lower"),
    (lambda: image_convert.random_saturation(PIXELS, -1, 0.5), "lower must be non-negative"),
    (lambda: image_convert.random_hue(PIXELS, 0.6), "max_delta"),
    (lambda: image_convert.adjust_gamma(PIXELS, -1), "Gamma should be"),
    (lambda: image_convert.rgb_to_grayscale(PIXELS[..., :2]), "last dimension is 3"),
    (lambda: image_convert.grayscale_to_rgb(PIXELS), "last dimension is 1"),
    (lambda: image_convert.per_image_standardization(np.ones((2, 3))), "at least three-dimensional"),
    (lambda: image_crop.crop_and_resize(PIXELS[None], [[0, 0, 1, 1]]), "needs box_ind"),
    (lambda: image_crop.extract_image_patches(PIXELS[None], [1, 2, 2, 1]), "needs strides"),
    (lambda: image_quality.psnr(PIXELS, PIXELS[:1], 1), "not of compatible shapes"),
    (lambda: image_quality.ssim(PIXELS, PIXELS, 1), "at least 11 pixels"),
    (lambda: image_quality.total_variation(np.ones(3)), "3 or 4-dimensional"),
    (lambda: image_quality.image_gradients(PIXELS), "expects a 4D tensor"),
]


@pytest.mark.parametrize("call, text", ERRORS, ids=[text for _, text in ERRORS])
def test_what_is_wrong_is_said(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_negative_gamma_of_a_tensor():
    gamma = placeholder(dtypes.float32, [])
    adjusted = image_convert.adjust_gamma(PIXELS / 24, gamma)
    np.testing.assert_allclose(run(adjusted, {gamma: 2.0}), (PIXELS / 24) ** 2, rtol=1e-6)
    with pytest.raises(InvalidArgumentError, match="Gamma"):
        run(adjusted, {gamma: -1.0})


@pytest.mark.parametrize("resize", [image.resize_bilinear, image.resize_bicubic, image.resize_nearest_neighbor])
def test_second_gradients_of_resizing(resize):
    x, dy = constant.constant(PIXELS[None]), constant.constant(np.ones((1, 3, 5, 3), np.float32))
    dx = gradients(resize(x, [3, 5]), x, dy)[0]
    again = gradients(dx, dy, constant.constant(PIXELS[None]))[0]
    np.testing.assert_allclose(run(again), run(resize(x, [3, 5])), rtol=1e-6)


def test_gradients_of_crops_reach_the_image():
    x = constant.constant(PIXELS[None].astype(np.float64))
    crops = image_crop.crop_and_resize(x, [[0, 0, 1, 1]], [0], [2, 4])
    np.testing.assert_array_equal(run(gradients(crops, x)[0]), np.ones((1, 2, 4, 3)))

"""Image kernels against TensorFlow's values."""

from pathlib import Path

import numpy as np
import pytest

from headrace.engine.errors import InvalidArgumentError
from headrace.engine.kernels import (
    image_boxes as boxes,
    image_color as color,
    image_crop as crop,
    image_resize as resize,
)
from headrace.engine.kernels.draws import Draws, words_from
from headrace.engine.kernels.image_patches import extract_image_patches, extract_image_patches_grad
from headrace.engine.kernels.philox import philox, stream_of_seeds

FILE = np.load(Path(__file__).parents[2] / "fixtures/kernels/image.npz")
E = {name: FILE[name] for name in FILE.files}
IMAGE = E["crop/image"]
CONVENTIONS = [(False, False), (True, False), (False, True)]


@pytest.mark.parametrize("how", CONVENTIONS)
@pytest.mark.parametrize("size", [(9, 7), (3, 2), (1, 1)])
def test_resizing_and_its_gradients(size, how):
    name = f"resize/{size[0]}x{size[1]}_{how[0]:d}{how[1]:d}"
    image, dy = E["resize/image"], E[f"{name}/dy"]
    np.testing.assert_array_equal(resize.resize_bilinear(image, size, *how), E[f"{name}/linear"])
    np.testing.assert_array_equal(resize.resize_nearest(image, size, *how), E[f"{name}/nearest"])
    found = resize.resize_bicubic(image, size, *how)
    np.testing.assert_allclose(found, E[f"{name}/cubic"], rtol=1e-5, atol=1e-5)
    for kind in ("linear", "cubic"):
        grad = resize.resize_bilinear_grad if kind == "linear" else resize.resize_bicubic_grad
        found = grad(dy, image.shape, np.dtype(np.float32), *how)
        np.testing.assert_allclose(found, E[f"{name}/{kind}_grad"], rtol=1e-4, atol=1e-4)
    found = resize.resize_nearest_grad(dy, image.shape[1:3], *how)
    np.testing.assert_array_equal(found, E[f"{name}/nearest_grad"])
    if not how[1]:
        np.testing.assert_allclose(resize.resize_area(image, size, how[0]), E[f"{name}/area"], rtol=1e-5)


def test_resizing_of_integers_out_and_short_gradients():
    image = (IMAGE * 8).astype(np.uint8)
    wide = resize.resize_bilinear(image.astype(np.float32), (4, 9))
    np.testing.assert_array_equal(resize.resize_bilinear(image, (4, 9)), wide)
    out = np.empty((2, 4, 9, 3), np.uint8)
    assert resize.resize_nearest(image, (4, 9), out=out) is out
    dy = np.ones((2, 4, 9, 3), np.float16)
    grad = resize.resize_bilinear_grad(dy, image.shape, np.dtype(np.float16))
    assert (grad.dtype, grad.sum()) == (np.float16, dy.sum())
    many = np.repeat(IMAGE, 4000, axis=0)
    np.testing.assert_array_equal(resize.resize_bilinear(many, (2, 2))[-1:], resize.resize_bilinear(IMAGE[1:], (2, 2)))


@pytest.mark.parametrize("size", [(3, 4), (1, 2)])
@pytest.mark.parametrize("method", ["bilinear", "nearest"])
def test_crops_and_their_gradients(size, method):
    name = f"crop/{size[0]}x{size[1]}"
    where = (E["crop/boxes"], E["crop/index"])
    found = crop.crop_and_resize(IMAGE, *where, size, method, -1.0)
    np.testing.assert_allclose(found, E[f"{name}_{method}/value"], rtol=1e-5)
    dy = E[f"{name}/dy"]
    found = crop.crop_and_resize_grad_image(dy, *where, IMAGE.shape, method=method)
    np.testing.assert_allclose(found, E[f"{name}_{method}/grad"], rtol=1e-5, atol=1e-5)
    if method == "bilinear":
        found = crop.crop_and_resize_grad_boxes(dy, IMAGE, *where)
        np.testing.assert_allclose(found, E[f"{name}/grad_boxes"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("edge", [np.nan, np.inf, 1e38])
def test_a_box_without_bounds_is_outside(edge):
    wild = np.array([[-edge, -edge, edge, edge]], np.float32)
    where = (wild, np.array([0]), (2, 2), "bilinear", 5.0)
    assert (crop.crop_and_resize(IMAGE, *where) == 5).all()
    assert boxes.non_max_suppression(np.repeat(wild, 2, axis=0), np.ones(2), 2).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("overlap", "least", "most"),
    [(0.5, -np.inf, 40), (0.1, 0.3, 40), (0.3, -np.inf, 5), (0.0, 0.5, 9)],
)
def test_non_max_suppression(overlap, least, most):
    args = (E["nms/boxes"], E["nms/scores"], most, overlap, least)
    kept = E[f"nms/{overlap}_{least}_{most}/kept"]
    np.testing.assert_array_equal(boxes.non_max_suppression(*args), kept)
    padded, number = boxes.non_max_suppression_padded(*args)
    assert (len(padded), number) == (most, len(kept))
    assert not padded[number:].any()


def test_suppression_of_empty_and_flat_boxes():
    assert boxes.non_max_suppression(np.zeros((0, 4)), np.zeros(0), 3).tolist() == []
    assert boxes.non_max_suppression(np.zeros((2, 4)), np.array([1, 2.0]), 3).tolist() == [1, 0]
    assert boxes.non_max_suppression_padded(np.zeros((2, 4)), np.ones(2), 3, pad_to_max_output_size=False)[
        0
    ].tolist() == [0, 1]


def test_colours():
    pixels = E["colour/pixels"]
    for name, found in {
        "hsv": color.rgb_to_hsv(pixels),
        "rgb": color.hsv_to_rgb(pixels),
        "hue": color.adjust_hue(pixels, 0.7),
        "hue_back": color.adjust_hue(pixels, -0.4),
        "saturation": color.adjust_saturation(pixels, 1.7),
        "contrast": color.adjust_contrast(pixels, 2.5),
    }.items():
        np.testing.assert_allclose(found, E[f"colour/{name}"], rtol=1e-4, atol=2e-6, err_msg=name)
    half = pixels.astype(np.float16)
    np.testing.assert_allclose(color.adjust_hue(half, 0.7), E["colour/hue"], atol=4e-3)
    assert color.rgb_to_hsv(half).dtype == np.float16
    assert color.adjust_contrast(np.zeros((2, 0, 3, 3)), 2.0).shape == (2, 0, 3, 3)


def test_drawn_boxes():
    canvas = np.zeros((2, 8, 10, 3), np.float32)
    found = boxes.draw_bounding_boxes(canvas, E["draw/boxes"])
    np.testing.assert_array_equal(found, E["draw/drawn"])
    found = boxes.draw_bounding_boxes(canvas, E["draw/boxes"], E["draw/colors"])
    np.testing.assert_array_equal(found, E["draw/own"])
    found = boxes.draw_bounding_boxes(canvas[..., :1], E["draw/boxes"])
    np.testing.assert_array_equal(found, E["draw/grey"])
    hostile = np.array([[[np.nan, 0, 1, 1], [-1e38, -1e38, 1e38, 1e38]]] * 2, np.float32)
    assert not boxes.draw_bounding_boxes(canvas, hostile).any()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_random_crops_are_those_of_tensorflow(number):
    box = np.array([[[0.2, 0.3, 0.7, 0.8]]], np.float32)
    more = [{}, {"min_object_covered": 0.9, "area_range": (0.3, 0.6)}, {"aspect_ratio_range": (0.2, 3.0)}]
    stream = stream_of_seeds(4, 5)
    for run in range(3):
        begin, size, bbox, blocks = boxes.sample_distorted_bounding_box(
            stream, np.array([40, 60, 3], np.int32), box, **more[number]
        )
        stream = stream.skipped(blocks)
        for key, value in (("begin", begin), ("size", size), ("bbox", bbox)):
            np.testing.assert_array_equal(value, E[f"sample{number}/{run}/{key}"])


def test_a_random_crop_that_cannot_be_is_the_image():
    how = {"aspect_ratio_range": (50.0, 60.0), "area_range": (0.9, 1.0)}
    found = boxes.sample_distorted_bounding_box(
        stream_of_seeds(1, 2), np.array([40, 60, 3]), np.zeros((1, 0, 4)), use_image_if_no_bounding_boxes=True, **how
    )
    assert found[0].tolist() == [0, 0, 0]
    assert found[1].tolist() == [40, 60, -1]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("same", ((3, 2), (2, 1), (1, 1), "SAME")),
        ("rates", ((2, 2), (1, 2), (2, 1), "VALID")),
    ],
)
def test_patches(name, how):
    found = extract_image_patches(IMAGE, *how)
    np.testing.assert_array_equal(found, E[f"patches/{name}"])
    dy = np.random.default_rng(0).normal(size=found.shape)
    grad = extract_image_patches_grad(IMAGE.shape, dy, *how)
    np.testing.assert_allclose(np.vdot(grad, IMAGE), np.vdot(dy, found))
    assert extract_image_patches(IMAGE[:0], *how).shape == (0, *found.shape[1:])
    with pytest.raises(InvalidArgumentError, match="grad: expected shape"):
        extract_image_patches_grad(IMAGE.shape, dy[..., :1], *how)


def test_single_draws_take_the_words_of_the_stream():
    stream = stream_of_seeds(1, 2)
    words = philox(stream.key, stream.counter, 100).ravel()
    draws = Draws(stream)
    assert [draws.word() for _ in range(400)] == words.tolist()
    np.testing.assert_array_equal(words_from(stream, 5, 20), words[5:25])
    draws = Draws(stream)
    found = [draws.below(3) for _ in range(3000)]
    assert {0, 1, 2} == set(found)
    assert abs(np.mean(found) - 1) < 0.1
    assert 0 <= draws.below_long(2**40 + 1) <= 2**40
    assert 0 <= draws.unit_float() < 1
    assert draws.below(1) == draws.below(0) == 0


NONE = np.zeros((1, 0, 4))
ONE = np.zeros((1, 4, 4, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: resize.resize_bilinear(ONE[0], (2, 2)), "must be 4-dimensional"),
        (lambda: resize.resize_area(ONE, (2, 0)), "two positive sizes"),
        (lambda: resize.resize_nearest(ONE[:, :0], (2, 2)), "non-zero size"),
        (lambda: resize.resize_bicubic(ONE, (2, 2), True, True), "align_corners must be False"),
        (lambda: resize.resize_bilinear_grad(ONE, (2, 4, 4, 3)), r"grads: expected \[2, "),
        (lambda: crop.crop_and_resize(ONE, np.zeros((1, 4)), np.array([1]), (2, 2)),
         r"box_index\[0\] = 1 is not in \[0, 1\)"),
        (lambda: crop.crop_and_resize(ONE, np.zeros((1, 3)), np.array([0]), (2, 2)), "boxes must be"),
        (lambda: crop.crop_and_resize(ONE, np.zeros((1, 4)), np.array([0, 0]), (2, 2)), "box_index must be"),
        (lambda: crop.crop_and_resize(ONE, np.zeros((1, 4)), np.array([0]), (2, 0)), "crop dimensions"),
        (lambda: crop.crop_and_resize(ONE, np.zeros((1, 4)), np.array([0]), (2, 2), "cubic"), "'cubic'"),
        (lambda: crop.crop_and_resize(ONE[0], np.zeros((1, 4)), np.array([0]), (2, 2)), "must be 4-D"),
        (lambda: crop.crop_and_resize_grad_image(ONE, np.zeros((2, 4)), np.zeros(2, int), ONE.shape), "grads: expected"),
        (lambda: boxes.non_max_suppression(np.zeros((2, 3)), np.zeros(2), 1), "num_boxes, 4"),
        (lambda: boxes.non_max_suppression(np.zeros((2, 4)), np.zeros(1), 1), "scores has incompatible"),
        (lambda: boxes.non_max_suppression(np.zeros((2, 4)), np.zeros(2), 1, 1.5), r"in \[0, 1\], got 1.5"),
        (lambda: boxes.non_max_suppression(np.zeros((2, 4)), np.zeros(2), -1), "non-negative, got -1"),
        (lambda: boxes.draw_bounding_boxes(ONE[..., :2], np.zeros((1, 1, 4))), "depth 1"),
        (lambda: boxes.draw_bounding_boxes(ONE, np.zeros((2, 1, 4))), "boxes must be"),
        (lambda: boxes.draw_bounding_boxes(ONE, np.zeros((1, 1, 4)), np.zeros((1, 3))), "colors must be"),
        (lambda: color.rgb_to_hsv(ONE[..., :2]), "must have 3 channels"),
        (lambda: color.adjust_contrast(ONE[0, 0], 1.0), "at least 3-D"),
        (lambda: sample(use=False), "No bounding boxes"),
        (lambda: sample(size=np.ones(2, int)), "image_size must contain 3"),
        (lambda: sample(found=np.zeros((1, 4))), "bounding boxes must be"),
        (lambda: sample(found=np.full((1, 1, 4), 1.5)), r"in \[0.0, 1.0\]"),
        (lambda: sample(min_object_covered=-1.0), "Min object covered"),
        (lambda: sample(aspect_ratio_range=(0.0, 1.0)), "Aspect ratio"),
        (lambda: sample(area_range=(0.5, 1.5)), "Area range"),
        (lambda: sample(max_attempts=0), "Max attempts"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(call, message):
    with pytest.raises(InvalidArgumentError, match=message):
        call()


def sample(size=(4, 4, 3), found=NONE, use=True, **more):
    stream = stream_of_seeds(1, 2)
    return boxes.sample_distorted_bounding_box(
        stream, np.asarray(size), found, use_image_if_no_bounding_boxes=use, **more
    )

"""Random changes of images: known ones where the factors leave no choice, none without training, and bad arguments."""

import numpy as np
import pytest

import headrace as tf

L, K = tf.keras.layers, tf.keras.backend
IMAGES = np.random.default_rng(0).uniform(0, 255, (2, 4, 4, 3)).astype(np.float32)
ONE = IMAGES[0]


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default(), tf.Session():
        yield


def trained(layer, images=IMAGES):
    return K.get_value(layer(images, training=True))


LAYERS = [
    lambda **o: L.RandomFlip(**o),
    lambda **o: L.RandomBrightness(0.5, **o),
    lambda **o: L.RandomContrast(0.9, **o),
    lambda **o: L.RandomGrayscale(0.9, **o),
    lambda **o: L.RandomInvert(0.9, **o),
    lambda **o: L.RandomCrop(2, 2, **o),
    lambda **o: L.RandomRotation(0.3, **o),
    lambda **o: L.RandomTranslation(0.4, 0.4, **o),
    lambda **o: L.RandomZoom(0.5, **o),
    lambda **o: L.RandomShear(0.4, 0.4, **o),
]


@pytest.mark.parametrize("make", LAYERS)
def test_images_change_while_training_only_and_seeds_repeat(make):
    layer = make(seed=3)
    outputs = layer(IMAGES)
    session, phase = K.get_session(), K.learning_phase()
    still, changed = session.run(outputs, {phase: False}), session.run(outputs, {phase: True})
    assert still.shape == changed.shape == tuple(outputs.shape.as_list()) and outputs.dtype == tf.float32
    if still.shape == IMAGES.shape:
        np.testing.assert_array_equal(still, IMAGES)
    assert any(np.abs(still - session.run(outputs, {phase: True})).max() > 0 for _ in range(5))
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    with tf.Graph().as_default(), tf.Session():
        first, second = trained(make(seed=5)), None
    with tf.Graph().as_default(), tf.Session():
        second = trained(make(seed=5))
    np.testing.assert_array_equal(first, second)


def test_single_images_and_channels_first():
    assert trained(L.RandomFlip("horizontal"), ONE).shape == (4, 4, 3)
    assert trained(L.RandomCrop(2, 3), ONE.astype(np.uint8)).shape == (2, 3, 3)
    assert trained(L.RandomRotation(0.2, data_format="channels_first"), IMAGES.transpose(0, 3, 1, 2)).shape == (
        2,
        3,
        4,
        4,
    )


def test_flips_are_mirror_images():
    for image, found in zip(IMAGES, trained(L.RandomFlip("horizontal")), strict=True):
        assert any(np.array_equal(found, x) for x in (image, image[:, ::-1]))


@pytest.mark.parametrize("make, expected", [
    (lambda: L.RandomRotation((0.25, 0.25)), np.rot90(IMAGES, 1, (1, 2))),
    (lambda: L.RandomTranslation((0.25, 0.25), (-0.5, -0.5), "wrap"), np.roll(IMAGES, (1, -2), (1, 2))),
    (lambda: L.RandomTranslation((0.0, 0.0), (0.25, 0.25)),
     np.pad(IMAGES, [(0, 0), (0, 0), (1, 0), (0, 0)], "symmetric")[:, :, :4]),
    (lambda: L.RandomTranslation((-0.25, -0.25), (0.0, 0.0), "constant", fill_value=7.0),
     np.pad(IMAGES, [(0, 0), (0, 1), (0, 0), (0, 0)], constant_values=7)[:, 1:]),
    (lambda: L.RandomTranslation((0.25, 0.25), (0.0, 0.0), "nearest", "nearest"),
     np.pad(IMAGES, [(0, 0), (1, 0), (0, 0), (0, 0)], "edge")[:, :4]),
    (lambda: L.RandomZoom((-1.0, -1.0)), np.broadcast_to(IMAGES[:, 1:3, 1:3].mean((1, 2), keepdims=True), IMAGES.shape)),
    (lambda: L.RandomShear(), IMAGES),
    (lambda: L.RandomBrightness((1.0, 1.0)), np.full_like(IMAGES, 255.0)),
    (lambda: L.RandomInvert(), 255.0 - IMAGES),
    (lambda: L.RandomContrast((1.0, -1.0)), np.broadcast_to(IMAGES.mean((1, 2), keepdims=True), IMAGES.shape)),
])  # fmt: skip
def test_known_changes(make, expected):
    np.testing.assert_allclose(trained(make()), expected, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("make, match", [
    (lambda: L.RandomFlip("diagonal"), "`mode` of RandomFlip"),
    (lambda: L.RandomRotation(-0.1), "`factor` of RandomRotation"),
    (lambda: L.RandomRotation(0.1, fill_mode="fade"), "`fill_mode` of RandomRotation"),
    (lambda: L.RandomZoom((0.2, -0.2)), "`height_factor` of RandomZoom"),
    (lambda: L.RandomTranslation(0.1, "x"), "`width_factor` of RandomTranslation"),
    (lambda: L.RandomCrop(0, 2), "`height` of RandomCrop"),
    (lambda: trained(L.RandomCrop(9, 9)), "takes images of at least 9 by 9"),
    (lambda: L.RandomFlip()(np.ones((2, 2))), "expected min_ndim=3"),
])  # fmt: skip
def test_what_they_refuse(make, match):
    with pytest.raises(ValueError, match=match):
        make()

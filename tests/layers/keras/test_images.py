"""keras.preprocessing.image: arrays and files of pictures, moves equal to SciPy's, batches from arrays and folders."""

import numpy as np
import pytest
from scipy import ndimage

import headrace as tf

keras = tf.keras
image = keras.preprocessing.image
RNG = np.random.default_rng(2)
PICTURE = RNG.uniform(0, 255, (9, 7, 3)).astype(np.float32)


@pytest.mark.parametrize("mode", ["nearest", "constant", "reflect"])
@pytest.mark.parametrize("order", [0, 1])
def test_moves_are_those_of_scipy(mode, order):
    numbers = {"theta": 25.0, "tx": 1.5, "ty": -2.25, "shear": 10.0, "zx": 0.8, "zy": 1.3}
    found = image.apply_affine_transform(PICTURE, **numbers, fill_mode=mode, cval=7.0, order=order)
    turn, lean = np.deg2rad(25.0), np.deg2rad(10.0)
    matrix = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    matrix = matrix @ np.array([[1, 0, 1.5], [0, 1, -2.25], [0, 0, 1]])
    matrix = matrix @ np.array([[1, -np.sin(lean), 0], [0, np.cos(lean), 0], [0, 0, 1]]) @ np.diag([0.8, 1.3, 1])
    middle = np.array([4.0, 3.0])
    offset = matrix[:2, 2] + middle - matrix[:2, :2] @ middle
    wanted = [
        ndimage.affine_transform(PICTURE[..., i], matrix[:2, :2], offset, order=order, mode=mode, cval=7.0)
        for i in range(3)
    ]
    np.testing.assert_allclose(found, np.stack(wanted, -1), atol=1e-3)


def test_moves_of_whole_pixels_and_channels_first():
    moved = image.apply_affine_transform(PICTURE, tx=1, fill_mode="wrap")
    np.testing.assert_allclose(moved, np.roll(PICTURE, -1, 0), rtol=1e-5)
    first = image.apply_affine_transform(PICTURE.transpose(2, 0, 1), 30.0, row_axis=1, col_axis=2, channel_axis=0)
    np.testing.assert_allclose(first.transpose(1, 2, 0), image.apply_affine_transform(PICTURE, 30.0), rtol=1e-6)
    np.testing.assert_array_equal(image.apply_brightness_shift(np.full((1, 1, 1), 100.7), 1.5, scale=False), [[[150]]])
    assert image.apply_channel_shift(PICTURE, 1000.0).min() == PICTURE.max()
    for move in (
        lambda x: image.random_rotation(x, 20, 0, 1, 2), lambda x: image.random_shift(x, 0.2, 0.2, 0, 1, 2),
        lambda x: image.random_shear(x, 20, 0, 1, 2), lambda x: image.random_zoom(x, (0.5, 1.5), 0, 1, 2),
        lambda x: image.random_channel_shift(x, 20.0, 2), lambda x: image.random_brightness(x, (0.5, 0.9)),
    ):  # fmt: skip
        assert move(PICTURE).shape == PICTURE.shape and not np.array_equal(move(PICTURE), PICTURE)


@pytest.mark.parametrize(("channels", "mode", "name"), [(1, "L", "grayscale"), (3, "RGB", "rgb"), (4, "RGBA", "rgba")])
def test_pictures_as_arrays_and_files(tmp_path, channels, mode, name):
    values = RNG.integers(0, 256, (6, 8, channels)).astype(np.float32)
    values.flat[:2] = 0, 255
    picture = image.array_to_img(values)
    assert picture.mode == mode
    np.testing.assert_array_equal(image.img_to_array(picture), values)
    image.save_img(tmp_path / "a.png", values)
    np.testing.assert_array_equal(image.img_to_array(image.load_img(tmp_path / "a.png", color_mode=name)), values)
    small = image.load_img(tmp_path / "a.png", color_mode=name, target_size=(3, 4), interpolation="bilinear")
    assert image.img_to_array(small, "channels_first").shape == (channels, 3, 4)
    image.save_img(tmp_path / "a.jpg", values)


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"nothing")
    wrong = [
        (lambda: image.load_img(tmp_path / "a.png"), "cannot be read as a picture"),
        (lambda: image.load_img(tmp_path / "a.png", color_mode="x"), "color_mode"),
        (lambda: image.array_to_img(np.zeros((2, 2))), "rank 3"),
        (lambda: image.array_to_img(np.zeros((2, 2, 2))), "Unsupported channel number: 2"),
        (lambda: image.img_to_array(np.zeros(3)), "Unsupported image shape"),
        (lambda: image.ImageDataGenerator(fill_mode="x"), "fill_mode must be one of"),
        (lambda: image.ImageDataGenerator(zoom_range=[1, 2, 3]), "zoom_range"),
        (lambda: image.ImageDataGenerator(validation_split=2.0), "strictly between 0 and 1"),
        (lambda: image.ImageDataGenerator().flow(np.zeros((2, 3, 3))), "rank 4"),
        (lambda: image.ImageDataGenerator().flow(np.zeros((2, 3, 3, 1)), [1]), "as many rows"),
        (lambda: image.ImageDataGenerator().flow(np.zeros((2, 3, 3, 1)), subset="x"), "subset"),
        (lambda: image.ImageDataGenerator().fit(np.zeros((2, 3, 3))), "rank 4"),
    ]
    for make, text in wrong:
        with pytest.raises(ValueError, match=text):
            make()


def test_flow_of_arrays_trains_a_model():
    keras.backend.clear_session()
    x, y = RNG.uniform(0, 255, (20, 8, 8, 1)), np.arange(20) % 3
    maker = image.ImageDataGenerator(
        rotation_range=10, width_shift_range=0.1, height_shift_range=[1, 2], horizontal_flip=True, shear_range=5,
        zoom_range=0.1, channel_shift_range=5.0, brightness_range=(0.8, 1.2), rescale=1 / 255, validation_split=0.25,
    )  # fmt: skip
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    data = [maker.flow(x, y, 4, seed=1, subset=subset) for subset in ("training", "validation")]
    assert [len(one) for one in data] == [4, 2]
    history = model.fit(data[0], validation_data=data[1], epochs=2, verbose=0).history
    assert sorted(history) == ["loss", "val_loss"]
    again = [next(maker.flow(x, y, 4, seed=3)) for _ in range(2)]
    np.testing.assert_array_equal(again[0][0], again[1][0])
    plain = image.ImageDataGenerator().flow(x, y, 8, shuffle=False, sample_weight=y / 2)
    parts = [next(plain) for _ in range(4)]
    assert [len(part[0]) for part in parts] == [8, 8, 4, 8]
    np.testing.assert_array_equal(np.concatenate([part[1] for part in parts[:3]]), y)


def test_what_fit_learns_normalizes():
    x = RNG.normal(5.0, 2.0, (50, 4, 4, 2))
    maker = image.ImageDataGenerator(featurewise_std_normalization=True)
    with pytest.warns(UserWarning, match="hasn't been fit"):
        maker.standardize(x[0])
    maker.fit(x, augment=True, seed=0)
    batch = next(maker.flow(x, batch_size=50))
    assert abs(batch.mean()) < 1e-3 and abs(batch.std() - 1) < 1e-2
    white = image.ImageDataGenerator(zca_whitening=True)
    white.fit(x)
    flat = white.standardize(x.astype(np.float32)).reshape(50, -1)
    np.testing.assert_allclose(flat.T @ flat / 50, np.eye(32), atol=0.05)
    one = image.ImageDataGenerator(samplewise_std_normalization=True).standardize(x[0])
    assert abs(one.std() - 1) < 1e-3


@pytest.mark.parametrize(
    ("mode", "shape"), [("categorical", (3, 2)), ("binary", (3,)), ("input", (3, 4, 5, 1)), (None, None)]
)
def test_flow_from_a_folder(tmp_path, mode, shape):
    for i, name in enumerate(["cats/1.png", "cats/2.jpg", "dogs/deep/3.png", "dogs/notes.txt"]):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("no picture")
        else:
            image.save_img(path, np.full((6, 6, 3), 60.0 * i), scale=False)
    maker = image.ImageDataGenerator(rescale=1 / 60)
    data = maker.flow_from_directory(
        tmp_path / "data",
        (4, 5),
        "grayscale",
        class_mode=mode,
        batch_size=3,
        shuffle=False,
        save_to_dir=tmp_path / "out",
    )
    assert data.class_indices == {"cats": 0, "dogs": 1} and data.filenames == [
        "cats/1.png",
        "cats/2.jpg",
        "dogs/deep/3.png",
    ]
    found = data[0]
    pictures = found if mode is None else found[0]
    np.testing.assert_allclose(pictures.mean(axis=(1, 2, 3)), [0, 1, 2], atol=0.02)
    assert (None if mode is None else found[1].shape) == shape
    assert len(list((tmp_path / "out").iterdir())) == 3
    with pytest.raises(FileNotFoundError):
        maker.flow_from_directory(tmp_path / "nothing")
    with pytest.raises(ValueError, match="retrieve element 1"):
        data[1]

"""Datasets of folders of images and texts, and windows of series: numbers as Keras's, errors that name what is wrong."""

import numpy as np
import pytest

import headrace as tf

utils = tf.keras.utils


@pytest.fixture
def images(tmp_path):
    for number, name in enumerate(("ants", "bees")):
        (tmp_path / name / "more").mkdir(parents=True)
        for i in range(5):
            pixels = np.full((6, 4, 3), 20 * i + 100 * number, np.uint8)
            utils.save_img(tmp_path / name / ("more" if i == 4 else "") / f"{i}.png", pixels, scale=False)
    (tmp_path / "ants" / "notes.txt").write_text("no image")
    return tmp_path


def all_of(data):
    with tf.Graph().as_default(), tf.Session() as session:
        element, found = data.make_one_shot_iterator().get_next(), []
        while True:
            try:
                found.append(session.run(element))
            except tf.errors.OutOfRangeError:
                return found


def test_images(images):
    data = utils.image_dataset_from_directory(images, image_size=(3, 5), batch_size=4, shuffle=False)
    assert data.class_names == ["ants", "bees"] and len(data.file_paths) == 10
    batches = all_of(data)
    assert [x.shape for x, _ in batches] == [(4, 3, 5, 3), (4, 3, 5, 3), (2, 3, 5, 3)]
    assert np.concatenate([y for _, y in batches]).tolist() == [0] * 5 + [1] * 5
    values = np.concatenate([x for x, _ in batches])[:, 0, 0, 0].tolist()
    assert values == [0, 20, 40, 60, 80, 100, 120, 140, 160, 180] and batches[0][0].dtype == np.float32


@pytest.mark.parametrize(
    ("mode", "expected"), [("int", [0, 1]), ("binary", [[0.0], [1.0]]), ("categorical", [[1.0, 0.0], [0.0, 1.0]])]
)
def test_labels(images, mode, expected):
    data = utils.image_dataset_from_directory(images, label_mode=mode, image_size=(2, 2), shuffle=False)
    assert all_of(data)[0][1][[0, 9]].tolist() == expected


def test_without_labels_in_grey(images):
    data = utils.image_dataset_from_directory(
        images, None, None, color_mode="grayscale", image_size=(2, 2), batch_size=None
    )
    assert sorted(int(x[0, 0, 0]) for x in all_of(data)) == [0, 20, 40, 60, 80, 100, 120, 140, 160, 180]


def test_parts(images):
    options = {"image_size": (2, 2), "validation_split": 0.3, "seed": 3, "batch_size": None}
    train, held = utils.image_dataset_from_directory(images, subset="both", **options)
    assert (len(train.file_paths), len(held.file_paths)) == (7, 3)
    assert not set(train.file_paths) & set(held.file_paths)
    again = utils.image_dataset_from_directory(images, subset="validation", **options)
    assert again.file_paths == held.file_paths


def test_a_model_learns_from_a_folder(images):
    keras = tf.keras
    keras.utils.set_random_seed(1)
    data = utils.image_dataset_from_directory(images, label_mode="binary", image_size=(4, 4), batch_size=5, seed=1)
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Rescaling(1 / 90), keras.layers.GlobalAveragePooling2D(),
                              keras.layers.Dense(1, activation="sigmoid")])  # fmt: skip
    model.compile(keras.optimizers.Adam(0.2), "binary_crossentropy", metrics=["accuracy"])
    assert model.fit(data, epochs=40, verbose=0).history["accuracy"][-1] > 0.85


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"color_mode": "cmyk"}, ValueError, "color_mode must be one of grayscale, rgb, rgba, got 'cmyk'"),
        ({"label_mode": "words"}, ValueError, "label_mode must be int"),
        ({"class_names": ["ants"]}, ValueError, "class_names must be the folders"),
        ({"labels": [1, 2]}, ValueError, "There are 2 labels, but 10 files"),
        ({"validation_split": 0.2}, ValueError, "given together"),
        ({"validation_split": 0.2, "subset": "training"}, ValueError, "needs a seed"),
        ({"validation_split": 0.01, "subset": "training", "seed": 1}, ValueError, "a part without files"),
        ({"directory": "no-such-folder"}, tf.errors.NotFoundError, "There is no folder no-such-folder"),
    ],
)
def test_what_does_not_fit_is_named(images, options, error, message):
    with pytest.raises(error, match=message):
        utils.image_dataset_from_directory(**{"directory": images, **options})


def test_texts(tmp_path):
    for name in ("bad", "good"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.txt").write_text(f"a {name} day")
    data = utils.text_dataset_from_directory(tmp_path, shuffle=False, max_length=6)
    ((texts, labels),) = all_of(data)
    assert texts.tolist() == [b"a bad ", b"a good"] and labels.tolist() == [0, 1]
    with pytest.raises(ValueError, match=r"no files that end with \.bmp"):
        utils.image_dataset_from_directory(tmp_path)


@pytest.mark.parametrize(
    ("options", "windows", "targets"),
    [
        ({}, [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]], [0, 10, 20, 30]),
        ({"sequence_stride": 2}, [[0, 1, 2], [2, 3, 4]], [0, 20]),
        ({"sampling_rate": 2}, [[0, 2, 4], [1, 3, 5]], [0, 10]),
        ({"start_index": 1, "end_index": 5}, [[1, 2, 3], [2, 3, 4]], [10, 20]),
    ],
)
def test_windows(options, windows, targets):
    ((x, y),) = all_of(utils.timeseries_dataset_from_array(np.arange(6), np.arange(6) * 10, 3, **options))
    assert x.tolist() == windows and y.tolist() == targets


def test_no_window():
    with pytest.raises(ValueError, match="No window of 9 values"):
        utils.timeseries_dataset_from_array(np.arange(6), None, 9)
    with pytest.raises(ValueError, match="sequence_stride must be at least 1, got 0"):
        utils.timeseries_dataset_from_array(np.arange(6), None, 2, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": [-1] + [0] * 9, "label_mode": "categorical"}, "labels must be whole numbers of 0 or more"),
        ({"labels": [0.7] * 10}, "labels must be whole numbers of 0 or more"),
        ({"labels": [3] * 10, "label_mode": "binary"}, "labels must be 0 or 1"),
        ({"class_names": ["ants", "bees", "ants"]}, "class_names must be the folders"),
    ],
)
def test_labels_that_would_name_another_class(images, options, message):
    with pytest.raises(ValueError, match=message):
        utils.image_dataset_from_directory(images, **options)

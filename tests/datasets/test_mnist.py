"""The idx reader and TensorFlow 1's MNIST batches, on files written here."""

import gzip
import io
import socket
import struct

import numpy as np
import pytest

import headrace
from headrace.datasets import mnist
from headrace.engine import errors
from headrace.examples.tutorials.mnist import input_data


def images_file(images):
    return struct.pack(">4I", 2051, *images.shape) + images.tobytes()


def labels_file(labels):
    return struct.pack(">2I", 2049, len(labels)) + labels.tobytes()


def pixels(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 3, 2), np.uint8)


def labels(count):
    return (np.arange(count) % 10).astype(np.uint8)


def write(folder, pack=gzip.compress, suffix=".gz", train=20, test=6):
    for name, count in (("train", train), ("t10k", test)):
        files = {
            "images-idx3": images_file(pixels(count)),
            "labels-idx1": labels_file(labels(count)),
        }
        for kind, content in files.items():
            (folder / f"{name}-{kind}-ubyte{suffix}").write_bytes(pack(content))
    return folder


@pytest.fixture(autouse=True)
def _no_sockets(monkeypatch):
    def refuse(*arguments, **keywords):
        raise AssertionError("a data set was about to be downloaded")

    monkeypatch.setattr(socket, "socket", refuse)


@pytest.mark.parametrize("pack, suffix", [(gzip.compress, ".gz"), (bytes, "")])
def test_reads_plain_and_compressed_files(tmp_path, pack, suffix):
    data = mnist.read_data_sets(write(tmp_path, pack, suffix), validation_size=5)
    assert (data.train.num_examples, data.validation.num_examples, data.test.num_examples) == (
        15,
        5,
        6,
    )
    assert data.train.images.dtype == np.float32
    np.testing.assert_allclose(data.train.images, pixels(20)[5:].reshape(15, 6) / 255, rtol=1e-6)
    np.testing.assert_array_equal(data.validation.labels, labels(5))


def test_reads_files_that_mirrors_name_with_a_dot(tmp_path):
    write(tmp_path)
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    assert mnist.read_data_sets(tmp_path, validation_size=0).train.num_examples == 20


def test_tutorial_module_is_the_same_reader():
    assert input_data.read_data_sets is headrace.datasets.mnist.read_data_sets


def test_one_hot_labels_and_unscaled_images(tmp_path):
    data = input_data.read_data_sets(write(tmp_path), one_hot=True, dtype=np.uint8, reshape=False, validation_size=0)
    np.testing.assert_array_equal(data.train.labels, np.eye(10)[labels(20)])
    np.testing.assert_array_equal(data.train.images, pixels(20)[..., None])
    assert data.train.images.dtype == np.uint8


def test_batches_cover_each_epoch_and_span_its_end(tmp_path):
    train = mnist.read_data_sets(write(tmp_path), validation_size=0, seed=1).train
    batches = [train.next_batch(8) for _ in range(5)]
    seen = np.concatenate([images for images, _ in batches])
    for epoch in (seen[:20], seen[20:]):
        np.testing.assert_allclose(np.sort(epoch, axis=0), np.sort(pixels(20).reshape(20, 6) / 255, axis=0), rtol=1e-6)
    assert not np.array_equal(seen[:20], seen[20:])
    assert train.epochs_completed == 1
    train.next_batch(1)
    assert train.epochs_completed == 2


def test_labels_stay_with_their_images(tmp_path):
    train = mnist.read_data_sets(write(tmp_path, train=10), validation_size=0, dtype=np.uint8).train
    by_image = {image.tobytes(): label for image, label in zip(pixels(10), labels(10), strict=True)}
    for _ in range(7):
        images, batch_labels = train.next_batch(3)
        assert [by_image[image.tobytes()] for image in images] == batch_labels.tolist()
    np.testing.assert_array_equal(train.labels, labels(10))


def test_batches_without_shuffling_are_in_the_order_of_the_file(tmp_path):
    train = mnist.read_data_sets(write(tmp_path), validation_size=0).train
    got = [train.next_batch(7, shuffle=False)[1] for _ in range(3)]
    np.testing.assert_array_equal(np.concatenate(got), np.r_[labels(20), labels(1)])


def test_seed_decides_the_batches(tmp_path):
    write(tmp_path)
    first, again, other = (
        mnist.read_data_sets(tmp_path, validation_size=0, seed=seed).train.next_batch(20)[1].tolist()
        for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize("one_hot, label", [(False, 0), (True, [1] + [0] * 9)])
def test_fake_data_needs_no_files(tmp_path, one_hot, label):
    data = input_data.read_data_sets(tmp_path / "absent", fake_data=True, one_hot=one_hot)
    images, batch_labels = data.train.next_batch(2, fake_data=True)
    assert images == [[1] * 784] * 2
    assert batch_labels == [label] * 2
    assert data.train.num_examples == 10000


def test_extract_takes_an_open_file():
    images = mnist.extract_images(io.BytesIO(gzip.compress(images_file(pixels(4)))))
    np.testing.assert_array_equal(images, pixels(4)[..., None])
    np.testing.assert_array_equal(mnist.extract_labels(io.BytesIO(labels_file(labels(4)))), labels(4))


GOOD = images_file(pixels(4))
DAMAGED = {
    "labels instead of images": (
        labels_file(labels(4)),
        r"expected an idx file of images .* 2051, got 2049",
    ),
    "not an idx file": (
        b"<html>",
        r"expected an idx file of images with magic number 2051, got 1013478509",
    ),
    "empty": (b"", r"cut off: expected 4 bytes of magic number, got 0"),
    "header cut off": (GOOD[:9], r"cut off: expected 12 bytes of dimensions, got 5"),
    "pixels cut off": (
        GOOD[:-1],
        r"cut off: expected 24 bytes of images of shape \[4, 3, 2\], got 23",
    ),
    "too long": (GOOD + b"\0", r"expected images of shape \[4, 3, 2\], got more bytes"),
    "claims exabytes": (
        struct.pack(">4I", 2051, *[2**32 - 1] * 3),
        r"says that it has images of shape \[4294967295, .*\]; at most 1073741824 bytes are read",
    ),
    "gzip cut off": (gzip.compress(GOOD)[:-9], r"damaged gzip file of images"),
    "gzip with a flipped bit": (
        gzip.compress(GOOD)[:-8] + b"\1" * 8,
        r"damaged gzip file of images",
    ),
    "gzip of nothing": (b"\x1f\x8b", r"damaged gzip file of images"),
}


@pytest.mark.parametrize("content, message", DAMAGED.values(), ids=DAMAGED.keys())
def test_damaged_file_is_named_with_what_is_wrong(tmp_path, content, message):
    path = write(tmp_path) / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{path.name}: {message}"):
        mnist.read_data_sets(tmp_path)


def test_missing_file_says_what_to_put_where(tmp_path):
    write(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    message = rf"{tmp_path.name}: expected the file t10k-labels-idx1-ubyte or .*\.gz, found neither"
    with pytest.raises(errors.NotFoundError, match=message):
        mnist.read_data_sets(tmp_path)
    with pytest.raises(errors.NotFoundError, match=r"for instance from https://example\.org/mnist"):
        mnist.read_data_sets(tmp_path, source_url="https://example.org/mnist")


def test_numbers_that_do_not_fit_together_are_refused(tmp_path):
    write(tmp_path)
    with pytest.raises(ValueError, match=r"validation_size from 0 to the 20 training images, got 21"):
        mnist.read_data_sets(tmp_path, validation_size=21)
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(labels_file(labels(19)))
    with pytest.raises(ValueError, match=r"expected as many labels as images, got 20 and 19"):
        mnist.read_data_sets(tmp_path, validation_size=0)


def test_label_above_nine_is_refused_for_one_hot():
    with pytest.raises(ValueError, match=r"labels: expected 0 to 9, got 10"):
        mnist.dense_to_one_hot(np.array([3, 10], np.uint8), 10)


def test_other_pixel_dtypes_are_refused(tmp_path):
    with pytest.raises(TypeError, match=r"expected float32 or uint8 for images, got float64"):
        mnist.read_data_sets(write(tmp_path), dtype=np.float64, validation_size=0)


@pytest.mark.parametrize("size", [-1, 21])
def test_batch_size_outside_the_data_set_is_refused(tmp_path, size):
    train = mnist.read_data_sets(write(tmp_path), validation_size=0).train
    with pytest.raises(ValueError, match=rf"batch_size from 0 to the 20 examples .*, got {size}"):
        train.next_batch(size)

"""Known data sets from local files in every layout; what is missing, cut off or hostile is named."""

import gzip
import io
import pickle
import socket
import struct
import tarfile
import threading
import time
import zipfile

import numpy as np
import pytest

import headrace
from headrace.datasets import boston_housing, california_housing, cifar10, cifar100, fashion_mnist, imdb, mnist, reuters
from headrace.engine import errors

RANDOM = np.random.default_rng(0)
TRAIN = [f"data_batch_{i}" for i in range(1, 6)]


@pytest.fixture(autouse=True)
def _local(monkeypatch, tmp_path):
    def refuse(*arguments, **keywords):
        raise AssertionError("a data set was about to be downloaded")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("HEADRACE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


def pixels(count):
    return RANDOM.integers(0, 256, (count, 3072), np.uint8)


def batches(rows=2):
    """Pixels and labels by file name."""
    return {name: (pixels(rows), [int(v) for v in RANDOM.integers(0, 10, rows)]) for name in [*TRAIN, "test_batch"]}


def expected(parts, names):
    x = np.concatenate([parts[n][0] for n in names]).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return x, np.concatenate([parts[n][1] for n in names])[:, None]


def packed(x, y, protocol=3):
    return pickle.dumps({b"data": x, b"labels": y, b"filenames": [b"a.png"] * len(y)}, protocol)


def binary(x, y):
    return b"".join(bytes([label]) + row.tobytes() for row, label in zip(x, y, strict=True))


def archive(path, files):
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def write_cifar10(folder, layout, parts):
    if layout == "npz":
        (x, y), (v, w) = expected(parts, TRAIN), expected(parts, ["test_batch"])
        np.savez(folder / "cifar10.npz", x_train=x, y_train=y, x_test=v, y_test=w)
        return
    form, suffix, inner = (
        (packed, "", "cifar-10-batches-py") if "python" in layout else (binary, ".bin", "cifar-10-batches-bin")
    )
    files = {f"{inner}/{name}{suffix}": form(*part) for name, part in parts.items()}
    if "archive" in layout:
        archive(folder / f"cifar-10-{layout.split()[0]}.tar.gz", files)
        return
    (folder / inner).mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)


@pytest.mark.parametrize("layout", ["npz", "python", "binary", "python archive", "binary archive"])
def test_cifar10_in_every_layout(tmp_path, layout):
    parts = batches()
    folder = tmp_path / "data" / "cifar10"
    folder.mkdir(parents=True)
    write_cifar10(folder, layout, parts)
    places = [None, folder, *(p for p in folder.iterdir())]
    for place in places:
        train, test = cifar10.load_data(path=place)
        for (x, y), names in ((train, TRAIN), (test, ["test_batch"])):
            images, labels = expected(parts, names)
            np.testing.assert_array_equal(x, images)
            np.testing.assert_array_equal(y, labels)
            assert x.dtype == np.uint8 and x.flags.c_contiguous


@pytest.mark.parametrize("mode, column, classes", [("fine", 1, 100), ("coarse", 0, 20)])
@pytest.mark.parametrize("layout", ["cifar-100-python", "cifar-100-binary"])
def test_cifar100(tmp_path, mode, column, classes, layout):
    folder = tmp_path / "keras" / "datasets" / layout
    folder.mkdir(parents=True)
    labels = {"train": np.array([[19, 99], [3, 7]]), "test": np.array([[0, 50]])}
    images = {name: pixels(len(rows)) for name, rows in labels.items()}
    for name, rows in labels.items():
        if layout.endswith("python"):
            keys = {"data": images[name], "coarse_labels": rows[:, 0].tolist(), "fine_labels": rows[:, 1].tolist()}
            (folder / name).write_bytes(pickle.dumps(keys, 4))
        else:
            records = np.concatenate([rows.astype(np.uint8), images[name]], axis=1)
            (folder / f"{name}.bin").write_bytes(records.tobytes())
    (x, y), (_, w) = cifar100.load_data(mode)
    assert y[:, 0].tolist() == labels["train"][:, column].tolist() and w.tolist() == [[labels["test"][0, column]]]
    np.testing.assert_array_equal(x[1, :, :, 2].reshape(-1), images["train"][1, 2048:])


def test_label_mode_is_checked():
    with pytest.raises(ValueError, match="label_mode"):
        cifar100.load_data("rough")


def idx(array):
    return struct.pack(f">{1 + array.ndim}I", 0x0800 | array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("module, name", [(mnist, "mnist"), (fashion_mnist, "fashion-mnist")])
@pytest.mark.parametrize("form", ["idx", "idx.gz", "npz"])
def test_sets_of_grey_pictures(tmp_path, module, name, form):
    folder = tmp_path / "data" / name
    folder.mkdir(parents=True)
    arrays = {
        "train-images-idx3": RANDOM.integers(0, 256, (5, 4, 4), np.uint8), "train-labels-idx1": np.arange(5, dtype=np.uint8),
        "t10k-images-idx3": RANDOM.integers(0, 256, (2, 4, 4), np.uint8), "t10k-labels-idx1": np.arange(2, dtype=np.uint8),
    }  # fmt: skip
    if form == "npz":
        keys = dict(zip(("x_train", "y_train", "x_test", "y_test"), arrays.values(), strict=True))
        np.savez(folder / f"{name.replace('-', '_')}.npz", **keys)
    else:
        for stem, array in arrays.items():
            packed_file = gzip.compress(idx(array)) if form == "idx.gz" else idx(array)
            (folder / f"{stem}-ubyte{form[3:]}").write_bytes(packed_file)
    (x, y), (v, w) = module.load_data()
    for found, array in zip((x, y, v, w), arrays.values(), strict=True):
        np.testing.assert_array_equal(found, array)


def test_boston_housing_is_divided_as_keras_divides_it(tmp_path):
    folder = tmp_path / "keras" / "datasets"
    folder.mkdir(parents=True)
    np.savez(folder / "boston_housing.npz", x=np.arange(20.0).reshape(10, 2), y=np.arange(10.0))
    (x, y), (_, w) = boston_housing.load_data("boston_housing.npz")
    # The order of Keras 2.15 for ten rows and the seed 113.
    assert y.tolist() == [9, 3, 6, 1, 0, 7, 4, 8] and w.tolist() == [2, 5]
    np.testing.assert_array_equal(x[:, 0], y * 2)
    with pytest.raises(ValueError, match="test_split"):
        boston_housing.load_data(test_split=1.0)


@pytest.mark.parametrize(("version", "rows"), [("large", 700), ("small", 600)])
def test_california_housing_in_two_sizes(tmp_path, version, rows):
    np.savez(tmp_path / "california_housing.npz", x=np.arange(5600.0).reshape(700, 8), y=np.arange(700.0))
    (x, y), (v, w) = california_housing.load_data(version, tmp_path)
    assert len(y) == int(rows * 0.8) and sorted([*y, *w]) == list(range(rows))
    np.testing.assert_array_equal(np.concatenate([x, v])[:, 0], np.concatenate([y, w]) * 8)
    with pytest.raises(ValueError, match="`version` must be one of"):
        california_housing.load_data("medium", tmp_path)


def lists(*rows):
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


def test_texts_are_marked_and_limited_as_keras_does(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    train, test = lists([1, 2], [3], [4, 1, 9]), lists([2, 2, 2], [5], [7, 8])
    np.savez(folder / "imdb.npz", x_train=train, y_train=[0, 1, 1], x_test=test, y_test=[1, 0, 0])
    (x, y), (v, w) = imdb.load_data(num_words=8)
    # Keras 2.15 gives these.
    assert x.tolist() == [[1, 7, 4, 2], [1, 4, 5], [1, 6]] and y.tolist() == [1, 0, 1]
    assert v.tolist() == [[1, 2], [1, 5, 5, 5], [1, 2, 2]] and w.tolist() == [0, 1, 0]
    (x, _), _ = imdb.load_data(start_char=None, index_from=0, oov_char=None, skip_top=2)
    assert x.tolist() == [[4], [2], [3]]
    with pytest.raises(ValueError, match="no text is shorter"):
        imdb.load_data(maxlen=1)
    np.savez(folder / "reuters.npz", x=lists([1], [2], [3], [4], [5]), y=np.arange(5))
    (x, y), (v, w) = reuters.load_data(test_split=0.4)
    assert [t[1] for t in [*x, *v]] == [label + 4 if label < 4 else 2 for label in [*y, *w]] and len(x) == 3
    (folder / "imdb_word_index.json").write_text('{"the": 1, "and": 2}')
    assert imdb.get_word_index() == {"the": 1, "and": 2}


@pytest.mark.parametrize(
    "module, file",
    [
        (mnist, "mnist.npz"), (fashion_mnist, "t10k-labels-idx1-ubyte"), (cifar10, "cifar-10-python.tar.gz"),
        (cifar100, "cifar-100-batches|cifar-100-python.tar.gz"), (boston_housing, "boston_housing.npz"),
        (imdb, "imdb.npz"), (reuters, "reuters.npz"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(tmp_path, module, file):
    with pytest.raises(errors.NotFoundError, match=rf"(?s){tmp_path}/data.*({file}).*put https://.*download=True"):
        module.load_data()
    with pytest.raises(errors.NotFoundError, match="is not in /nowhere"):
        module.load_data(path="/nowhere")


def test_a_download_is_checked_and_kept_whole_or_not_at_all(tmp_path, monkeypatch):
    asked = []

    def served(url, timeout):
        asked.append(url)
        return io.BytesIO(b"not the file")

    monkeypatch.setattr("urllib.request.urlopen", served)
    with pytest.raises(errors.DataLossError, match=r"mnist\.npz: expected sha256 731c5ac6.*nothing was kept"):
        mnist.load_data(download=True)
    assert len(asked) == 1 and not list((tmp_path / "data" / "mnist").iterdir())
    labels = np.zeros(1, np.uint8)
    monkeypatch.setattr(
        "urllib.request.urlopen",
        lambda url, timeout: io.BytesIO(gzip.compress(idx(labels if "labels" in url else labels.reshape(1, 1, 1)))),
    )
    for download in (True, False):
        (x, _), _ = fashion_mnist.load_data(download=download)
        assert x.shape == (1, 1, 1)


def test_processes_that_need_a_file_at_once_download_it_once(tmp_path, monkeypatch):
    asked = []

    def served(url, timeout):
        asked.append(url)
        time.sleep(0.05)
        data = np.zeros(1, np.uint8) if "labels" in url else np.zeros((1, 1, 1), np.uint8)
        return io.BytesIO(gzip.compress(idx(data)))

    monkeypatch.setattr("urllib.request.urlopen", served)
    # Each opens the lock's file itself, as processes do.
    threads = [threading.Thread(target=fashion_mnist.load_data, kwargs={"download": True}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 4


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda parts: packed(parts[0], [3, 10]), r"row 1 has the label 10; expected 0 to 9"),
        (lambda parts: packed(parts[0], [3]), "of each of 2 images, got 1"),
        (lambda parts: packed(parts[0][:, :7], [3, 4]), r"uint8 \[n, 3072\], got uint8 \[2, 7\]"),
        (lambda parts: packed(parts[0].astype(np.float32), [3, 4]), "got float32"),
        (lambda parts: packed(parts[0], ["x", 4]), "list of numbers from 0 to 9"),
        (lambda parts: packed(*parts)[:-100], "cut off"),
        (lambda parts: pickle.dumps([1, 2], 3), "expected a dict"),
        (lambda parts: pickle.dumps({"data": 1}, 3), r"got \['data'\]"),
        (lambda parts: b"", "cut off"),
    ],
)
def test_bad_python_files_are_named(tmp_path, make, message):
    parts = batches()
    write_cifar10(tmp_path, "python", parts)
    (tmp_path / "cifar-10-batches-py" / "data_batch_3").write_bytes(make(parts["data_batch_3"]))
    with pytest.raises(ValueError, match=rf"data_batch_3.*{message}"):
        cifar10.load_data(tmp_path)


def test_bad_binary_files_are_named(tmp_path):
    parts = batches()
    write_cifar10(tmp_path, "binary", parts)
    file = tmp_path / "cifar-10-batches-bin" / "test_batch.bin"
    whole = file.read_bytes()
    for data, message in (
        (whole[:-1], "got 3072 bytes after 1 records, at byte 3073"),
        (b"\x0c" + whole[1:], "row 0 has the label 12"),
        (b"", "cut off"),
    ):
        file.write_bytes(data)
        with pytest.raises(ValueError, match=rf"test_batch\.bin.*{message}"):
            cifar10.load_data(tmp_path)


def test_bad_archives_are_named(tmp_path):
    write_cifar10(tmp_path, "python archive", batches())
    path = tmp_path / "cifar-10-python.tar.gz"
    whole = path.read_bytes()
    for data in (whole[: len(whole) // 2], b"", b"no archive", whole[:300] + b"\x00\xff" + whole[302:]):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"cifar-10-python\.tar\.gz"):
            cifar10.load_data(tmp_path)
    archive(path, {"cifar-10-batches-py/test_batch": b"x", "/etc/data_batch_1": b"x"})
    with pytest.raises(ValueError, match="has no data_batch_2"):
        cifar10.load_data(tmp_path)


def test_a_claim_of_many_bytes_takes_no_memory(tmp_path):
    path = tmp_path / "cifar-10-python.tar.gz"
    info = tarfile.TarInfo("data_batch_1")
    info.size = 1 << 40
    path.write_bytes(gzip.compress(info.tobuf() + bytes(4096)))
    with pytest.raises(ValueError, match=r"1099511627776 bytes; at most"):
        cifar10.load_data(tmp_path)
    info.type = tarfile.XHDTYPE
    path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(4096)))
    with pytest.raises(ValueError, match="damaged archive"):
        cifar10.load_data(tmp_path)


def npz(path, header, data=b""):
    text = header.encode() + b" " * (117 - len(header)) + b"\n"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data)


@pytest.mark.parametrize(
    "header, message",
    [
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999,)}", "needs 799999999999992 bytes"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "no plain data pickle"),
        ("{'descr': '<f8'}", "damaged"),
        ("__import__('os').system('true')", "damaged"),
    ],
)
def test_bad_npz_files_are_named(tmp_path, header, message):
    npz(tmp_path / "boston_housing.npz", header, b"cos\nsystem\n.")
    with pytest.raises(ValueError, match=rf"boston_housing\.npz.*{message}"):
        boston_housing.load_data(tmp_path)
    (tmp_path / "boston_housing.npz").write_bytes(b"PK\x03\x04 not a zip file")
    with pytest.raises(ValueError, match="damaged npz file"):
        boston_housing.load_data(tmp_path)


def test_an_array_that_is_missing_is_named(tmp_path):
    np.savez(tmp_path / "boston_housing.npz", x=np.zeros((2, 2)))
    with pytest.raises(ValueError, match="expected an array 'y', got x"):
        boston_housing.load_data(tmp_path)


def test_keras_names_are_the_same_functions():
    for name in (
        "mnist",
        "fashion_mnist",
        "cifar10",
        "cifar100",
        "boston_housing",
        "california_housing",
        "imdb",
        "reuters",
    ):
        assert getattr(headrace.keras.datasets, name).load_data is getattr(headrace.datasets, name).load_data

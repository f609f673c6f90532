"""Image files: TensorFlow's pixels, round trips, damaged and hostile files."""

import builtins
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from headrace.engine.errors import InvalidArgumentError
from headrace.engine.kernels import image_codecs as codecs

Image = pytest.importorskip("PIL.Image")
FILE = np.load(Path(__file__).parents[2] / "fixtures/kernels/codecs.npz")
E = {name: FILE[name] for name in FILE.files}
RANDOM = np.random.default_rng(0)


def saved(image, kind, **options):
    target = io.BytesIO()
    image.save(target, format=kind, **options)
    return target.getvalue()


@pytest.mark.parametrize("name", ["grey", "rgb", "grey_alpha", "rgba", "grey16"])
@pytest.mark.parametrize("channels", [0, 1, 3, 4])
def test_png_pixels_are_those_of_tensorflow(name, channels):
    expected = E[f"{name}/png{channels}"]
    found = codecs.decode_png(E[f"{name}/png"].tobytes(), channels, expected.dtype)
    # Grey of colour is rounded differently by the two libraries.
    np.testing.assert_allclose(found.astype(int), expected, atol=int(channels == 1))
    assert found.dtype == expected.dtype


@pytest.mark.parametrize("name", ["grey", "rgb"])
def test_jpeg_pixels_are_those_of_tensorflow(name):
    file = E[f"{name}/jpeg"].tobytes()
    for channels in (0, 1, 3):
        found = codecs.decode_jpeg(file, channels)
        np.testing.assert_allclose(found.astype(int), E[f"{name}/jpeg{channels}"], atol=2)
    half = codecs.decode_jpeg(file, ratio=2)
    np.testing.assert_allclose(half.astype(int), E[f"{name}/jpeg_half"], atol=6)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("compression", [-1, 0, 9])
def test_png_round_trip(channels, compression):
    image = RANDOM.integers(0, 256, (6, 7, channels)).astype(np.uint8)
    file = codecs.encode_png(image, compression)
    np.testing.assert_array_equal(codecs.decode_png(file), image)
    np.testing.assert_array_equal(codecs.decode_image(file, dtype=np.uint16) // 257, image)
    wide = image.astype(np.uint16) * 257
    np.testing.assert_array_equal(codecs.decode_png(codecs.encode_png(wide), dtype=np.uint16), wide)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_options(channels):
    image = E["rgb/png0"][..., :channels]
    small = codecs.encode_jpeg(image, quality=10)
    large = codecs.encode_jpeg(image, quality=100, chroma_downsampling=False, density=(72, 96))
    assert len(small) < len(large)
    assert Image.open(io.BytesIO(large)).info["dpi"] == (72, 96)
    np.testing.assert_allclose(codecs.decode_jpeg(large).astype(int), image, atol=4)
    codecs.decode_jpeg(codecs.encode_jpeg(image, progressive=True, optimize_size=True))


def test_gif_bmp_and_palettes():
    frames = [Image.new("RGB", (5, 4), colour) for colour in ("red", "lime", "blue")]
    file = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    pixels = codecs.decode_gif(file)
    assert pixels.shape == (3, 4, 5, 3)
    assert pixels[:, 0, 0].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    np.testing.assert_array_equal(codecs.decode_image(file, expand_animations=False), pixels[0])
    np.testing.assert_array_equal(codecs.decode_bmp(saved(frames[1], "BMP")), pixels[1])
    assert codecs.decode_image(saved(frames[1], "BMP"), 1).shape == (4, 5, 1)
    assert codecs.decode_png(saved(frames[0].convert("P"), "PNG")).shape == (4, 5, 3)
    assert codecs.decode_png(saved(frames[0].convert("1"), "PNG")).shape == (4, 5, 1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_files_are_refused_or_read(kind, data):
    image = Image.fromarray(E["rgb/png0"])
    file = bytearray(saved(image, kind))
    for _ in range(data.draw(st.integers(1, 4))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(file)))
    try:
        codecs.decode_image(bytes(file[:cut]), max_pixels=1 << 16)
    except InvalidArgumentError as error:
        assert "data, size" in str(error) or "larger than" in str(error) or "Unknown" in str(error)


def test_cut_off_jpegs_are_refused_or_filled():
    file = codecs.encode_jpeg(RANDOM.integers(0, 256, (64, 64, 3)).astype(np.uint8))
    cut = file[: len(file) * 3 // 4]
    with pytest.raises(InvalidArgumentError, match="Invalid JPEG data, size"):
        codecs.decode_jpeg(cut)
    whole, filled = codecs.decode_jpeg(file), codecs.decode_jpeg(cut, try_recover_truncated=True)
    np.testing.assert_array_equal(filled[0, :8], whole[0, :8])


def test_huge_images_are_refused_before_they_are_decoded():
    file = bytearray(saved(Image.new("L", (9, 9)), "BMP"))
    for side in (20_000, 60_000):
        file[18:26] = side.to_bytes(4, "little") * 2
        with pytest.raises(InvalidArgumentError, match=r"larger than the limit|exceeds limit"):
            codecs.decode_bmp(bytes(file))
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "lime", "blue")]
    file = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(InvalidArgumentError, match=r"2 frame\(s\) is larger than the limit of 100"):
        codecs.decode_gif(file, max_pixels=100)


def test_without_pillow_the_extra_is_named(monkeypatch):
    find = builtins.__import__

    def without(name, *rest):
        if name.startswith("PIL"):
            raise ImportError(name)
        return find(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"headrace\[image\]"):
        codecs.decode_jpeg(b"")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: codecs.decode_jpeg(b"", ratio=3), "ratio must be 1, 2, 4, or 8, got 3"),
        (lambda: codecs.decode_jpeg(b"", 4), r"channels must be one of \[0, 1, 3\], got 4"),
        (lambda: codecs.decode_jpeg(b"GIF89a"), r"Expected image \(JPEG\)"),
        (lambda: codecs.decode_png(b"", dtype=np.int32), "uint8 or uint16, got int32"),
        (lambda: codecs.decode_image(b"nonsense"), "Unknown image file format"),
        (lambda: codecs.encode_jpeg(np.zeros((2, 2, 1), np.uint8), "rgb"), "channels one of"),
        (lambda: codecs.encode_jpeg(np.zeros((2, 2, 1), np.uint8), "cmyk"), "got 'cmyk'"),
        (lambda: codecs.encode_jpeg(np.zeros((2, 2, 1), np.uint8), quality=101), "quality"),
        (lambda: codecs.encode_jpeg(np.zeros((0, 2, 1), np.uint8)), "not empty"),
        (lambda: codecs.encode_png(np.zeros((2, 2, 1))), "must be uint8 or uint16, got float64"),
        (lambda: codecs.encode_png(np.zeros((2, 2, 1), np.uint8), 10), r"in \[-1,9\], got 10"),
    ],
)
def test_what_is_wrong_is_named(call, message):
    with pytest.raises(InvalidArgumentError, match=message):
        call()

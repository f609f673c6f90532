"""Summaries: against TensorFlow's, edge cases, pictures and sounds that others can open."""

import base64
import io
import json
import runpy
import wave
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from headrace.engine.errors import InvalidArgumentError
from headrace.engine.protos import Summary
from headrace.engine.summary import values

FIXTURES = Path(__file__).parents[2] / "fixtures"
THEIRS = json.loads((FIXTURES / "protos" / "values.json").read_text())
INPUTS = runpy.run_path(str(FIXTURES / "make_proto_files.py"))


def their_value(text):
    (value,) = Summary.FromString(base64.b64decode(text)).value
    return value


def opened(value):
    return np.asarray(Image.open(io.BytesIO(value.image.encoded_image_string)))


def test_scalar():
    (value,) = values.scalar("loss", np.float32(0.5)).value
    assert value == Summary.Value(tag="loss", simple_value=0.5)
    assert values.scalar("a", np.array([3], ml_dtypes.bfloat16)).value[0].simple_value == 3.0
    with pytest.raises(ValueError, match=r"'loss': expected one number, got shape \(2,\)"):
        values.scalar("loss", [1, 2])


@pytest.mark.parametrize("number", range(len(THEIRS["histograms"])))
def test_histograms_of_tensorflow(number):
    theirs = their_value(THEIRS["histograms"][number]).histo
    (ours,) = values.histogram("values", INPUTS["HISTOGRAMS"][number]).value
    assert ours.tag == "values"
    assert list(ours.histo.bucket_limit) == list(theirs.bucket_limit)
    assert list(ours.histo.bucket) == list(theirs.bucket)
    for field in ("min", "max", "num", "sum", "sum_squares"):
        assert getattr(ours.histo, field) == pytest.approx(getattr(theirs, field)), field


@given(st.lists(st.floats(-1e300, 1e300)))
def test_a_histogram_counts_everything_once(numbers):
    # The squares of large numbers are infinite, in TensorFlow too.
    with np.errstate(over="ignore"):
        histogram = values.histogram_proto(numbers)
    assert sum(histogram.bucket) == histogram.num == len(numbers)
    limits = list(histogram.bucket_limit)
    assert limits == sorted(limits)


def test_the_largest_numbers_are_in_the_outer_buckets():
    with np.errstate(over="ignore"):
        histogram = values.histogram_proto([-np.finfo(float).max, 1e21, np.finfo(float).max])
    assert sum(histogram.bucket) == 3 and histogram.bucket[-1] == 2
    assert (histogram.min, histogram.max) == (-np.finfo(float).max, np.finfo(float).max)


@pytest.mark.parametrize(("bad", "text"), [(np.nan, "Nan in summary"), (-np.inf, "Infinity in")])
def test_histograms_are_of_finite_values(bad, text):
    with pytest.raises(InvalidArgumentError, match=f"{text}.*weights"):
        values.histogram("weights", [1.0, bad])


@pytest.mark.parametrize("number", range(len(INPUTS["IMAGES"])))
def test_pixels_of_tensorflow(number):
    dtype, pixels = INPUTS["IMAGES"][number]
    (value,) = values.image("image", np.array([pixels], dtype), max_outputs=1).value
    expected = np.array(THEIRS["pixels"][number], np.uint8)
    assert (value.tag, value.image.colorspace) == ("image/image", expected.shape[-1])
    np.testing.assert_array_equal(opened(value), expected.squeeze(-1) if expected.shape[-1] == 1 else expected)


def test_images_are_numbered():
    batch = np.random.default_rng(0).integers(0, 256, [5, 7, 6, 4], np.uint8)
    summary = values.image("x", batch, max_outputs=3)
    assert [value.tag for value in summary.value] == ["x/image/0", "x/image/1", "x/image/2"]
    for value, pixels in zip(summary.value, batch, strict=False):
        assert (value.image.height, value.image.width, value.image.colorspace) == (7, 6, 4)
        np.testing.assert_array_equal(opened(value), pixels)
    assert len(values.image("x", batch[:0]).value) == 0


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        (np.zeros([2, 2]), r"x: Tensor must be 4-D with last dim 1, 3, or 4, not \[2,2\]"),
        (np.zeros([1, 2, 2, 2]), r"not \[1,2,2,2\]"),
        (np.zeros([1, 2, 2, 3], int), "uint8 or float: int64"),
    ],
)
def test_what_is_no_image(batch, text):
    with pytest.raises(InvalidArgumentError, match=text):
        values.image("x", batch)


def test_sounds_of_tensorflow():
    for encoded, number in zip(THEIRS["audio"], (1, 5), strict=True):
        ours = values.audio("clip", INPUTS["CLIP"], 8000.0, max_outputs=number)
        assert ours == Summary.FromString(base64.b64decode(encoded))


def test_a_stereo_sound():
    (value,) = values.audio("x", np.array([[[0, 1], [-1, 0.5]]]), 22050.5, max_outputs=1).value
    assert (value.tag, value.audio.num_channels, value.audio.length_frames) == ("x/audio", 2, 2)
    with wave.open(io.BytesIO(value.audio.encoded_audio_string)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 22050, 2)
        assert np.frombuffer(file.readframes(2), "<i2").tolist() == [0, 32767, -32768, 16384]


@pytest.mark.parametrize(
    ("clips", "rate"), [(np.zeros(3), 8000), (np.zeros([1, 3]), 0), (np.full([1, 3], np.nan), 8000)]
)
def test_what_is_no_sound(clips, rate):
    with pytest.raises(InvalidArgumentError, match="x: expected a sample rate"):
        values.audio("x", clips, rate)


def test_text_and_tensors():
    (value,) = values.text("note", ["a", "b"]).value
    assert value.metadata.plugin_data.plugin_name == "text"
    assert value.tensor.string_val[:] == [b"a", b"b"]
    (plain,) = values.tensor("t", [1.0, 2.0]).value
    assert not plain.HasField("metadata") and plain.tensor.tensor_content


def test_merged():
    first, second = values.scalar("a", 1), values.scalar("b", 2)
    whole = values.merged([first, second.SerializeToString()])
    assert [value.tag for value in whole.value] == ["a", "b"]
    with pytest.raises(InvalidArgumentError, match="Duplicate tag a found in summary inputs"):
        values.merged([first, first])

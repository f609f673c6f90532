"""String hashes against TensorFlow's values, for strings of every length."""

from pathlib import Path

import numpy as np
import pytest

from headrace.engine.errors import InvalidArgumentError
from headrace.engine.kernels import fingerprint as f

EXPECTED = np.load(Path(__file__).parents[2] / "fixtures/kernels/fingerprint.npz")
LARGEST = 2**63 - 1
TEXT = bytes(i * i * 31 % 251 for i in range(400))
WORDS = [TEXT[i % 50 : i % 50 + i] for i in range(200)]
WORDS += [TEXT[:i] for i in (255, 256, 257, 319, 320, 321)]


@pytest.mark.parametrize("name", ["fast", "strong", "legacy"])
def test_buckets_are_those_of_tensorflow(name):
    hashed = {
        "fast": lambda words, out=None: f.string_to_hash_bucket_fast(words, LARGEST, out),
        "strong": lambda words, out=None: f.string_to_hash_bucket_strong(words, LARGEST, (123, -456), out),
        "legacy": lambda words, out=None: f.string_to_hash_bucket(words, LARGEST, out),
    }[name]
    np.testing.assert_array_equal(hashed(WORDS), EXPECTED[name])
    table = np.array(WORDS, object)[[[7, 100], [3, 205]]]
    out = np.empty((2, 2), np.int64)
    assert hashed(table, out) is out
    np.testing.assert_array_equal(out, EXPECTED[name][[[7, 100], [3, 205]]])
    assert [hashed([word])[0] for word in WORDS] == EXPECTED[name].tolist()
    assert hashed([]).shape == (0,)


def test_crosses_are_those_of_tensorflow():
    first, second = f.fingerprint64([b"a", b"bc"]), f.fingerprint64([b"x", b"yz"])
    start = np.full(2, f.LEGACY_SEED, np.uint64)
    crossed = f.fingerprint_cat64(f.fingerprint_cat64(start, first), second)
    np.testing.assert_array_equal(crossed % np.uint64(LARGEST), EXPECTED["cross"])


def test_text_is_taken_as_utf8():
    assert f.fingerprint64(["ü", b"a"])[0] == f.fingerprint64(["ü".encode()])[0]


def test_what_is_wrong_is_named():
    with pytest.raises(TypeError, match="expected bytes or str, got int"):
        f.fingerprint64([b"a", 3])
    with pytest.raises(InvalidArgumentError, match="num_buckets must be positive, got 0"):
        f.string_to_hash_bucket_fast([b"a"], 0)
    with pytest.raises(InvalidArgumentError, match="Key must have 2 elements, got 1"):
        f.string_to_hash_bucket_strong([b"a"], 2, (1,))

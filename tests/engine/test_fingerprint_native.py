"""The extension's fingerprints are those of NumPy's arithmetic, for strings of every length."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.engine.kernels import fingerprint
from headrace.engine.native.library import native_fingerprints

native = native_fingerprints()
needs_native = pytest.mark.skipif(native is None, reason="the native runtime was not built")


def texts(count: int = 700) -> np.ndarray:
    rng = np.random.default_rng(0)
    found = np.empty(count, object)
    found[:] = [rng.bytes(length) for length in range(count)]
    return found


@needs_native
def test_equal_for_every_length() -> None:
    strings = texts()
    assert (fingerprint.fingerprint64(strings) == fingerprint.fingerprint64_numpy(strings)).all()
    parts = strings.reshape(70, 10)[::3, ::2]
    assert (fingerprint.fingerprint64(parts) == fingerprint.fingerprint64_numpy(parts)).all()


@needs_native
def test_other_objects_are_left_to_numpy() -> None:
    assert native is not None
    out = np.empty(2, np.uint64)
    assert not native(np.array([b"a", "b"], object), out)
    assert not native(np.empty(2, object), out)
    assert fingerprint.fingerprint64(np.array([b"a", "b"], object)).tolist() == [
        fingerprint.fingerprint64([text])[0] for text in (b"a", b"b")
    ]
    with pytest.raises(TypeError, match="expected bytes or str, got int"):
        fingerprint.fingerprint64(np.array([b"a", 1], object))


@needs_native
@pytest.mark.parametrize(
    ("strings", "out"),
    [(np.array([b"a"], object), np.empty(2, np.uint64)), (np.array([1.0]), np.empty(1, np.uint64))],
)
def test_arrays_that_do_not_fit_are_refused(strings: np.ndarray, out: np.ndarray) -> None:
    assert native is not None
    with pytest.raises(ValueError, match="as many numbers of 64 bits"):
        native(strings, out)

"""tf.compat's text and bytes, and tf.logging's counting functions."""

import logging

import pytest

from headrace.engine.platform import compat, tf_logging


def test_text_and_bytes():
    assert compat.as_bytes("ä") == "ä".encode() and compat.as_bytes(b"a") == b"a"
    assert compat.as_text(b"a") == "a" == compat.as_str("a") and compat.as_str_any(3) == "3"
    with pytest.raises(TypeError, match="Expected binary or unicode string, got 3"):
        compat.as_text(3)


def test_levels_and_counts(caplog):
    with caplog.at_level(logging.INFO, "headrace"):
        tf_logging.info("a %d", 1)
        tf_logging.debug("unseen")
        for i in range(5):
            tf_logging.log_first_n(tf_logging.INFO, "first %d", 2, i)
            tf_logging.log_every_n(tf_logging.INFO, "every %d", 3, i)
    assert [r.getMessage() for r in caplog.records] == ["a 1", "first 0", "every 0", "first 1", "every 3"]
    assert {r.filename for r in caplog.records} == {"test_compat_and_logging.py"}

"""Compiling a step leaves Python's collector as it found it."""

from __future__ import annotations

import gc

import pytest

import headrace as tf


@pytest.fixture
def collector():
    was = gc.isenabled()
    yield
    (gc.enable if was else gc.disable)()


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_as_before(enabled, collector):
    (gc.enable if enabled else gc.disable)()
    seen = []
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [])
        session.run(tf.py_func(lambda v: seen.append(gc.isenabled()) or v, [x], tf.float32), {x: 1.0})
        assert seen == [enabled]
        with pytest.raises(tf.errors.InvalidArgumentError, match="You must feed"):
            session.run(x)
    assert gc.isenabled() is enabled

"""What is fetched is the caller's own: no two results share memory, and none shares it with state."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import headrace as tf


def _positive(x):
    return tf.boolean_mask(x, x > 0)


def _identity(x):
    y = _positive(x)
    return [y, tf.identity(y), tf.identity(tf.stop_gradient(y))]


def _branch(x):
    y = tf.cond(tf.placeholder_with_default(True, []), lambda: [_positive(x)] * 2, lambda: [x, x])
    return [*y, x]


def _loop(x):
    def body(i, a, b):
        both = tf.concat([a, b], 0)
        return i + 1, both, both

    shapes = [tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape([None])]
    return list(tf.while_loop(lambda i, a, b: i < 2, body, [0, x, x], shape_invariants=shapes)[1:])


def _strings(x):
    y = tf.as_string(x)
    return [y, tf.identity(y)]


@pytest.mark.parametrize("build", [_identity, _branch, _loop, _strings])
@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_results_share_no_memory(build, backend):
    with tf.Graph().as_default(), tf.Session(backend=backend) as session:
        x = tf.placeholder(tf.float32, [None])
        fed = np.array([1.0, 2.0], np.float32)
        results = session.run(build(x), {x: fed})
        for a, b in itertools.combinations([fed, *results], 2):
            assert not np.shares_memory(a, b)

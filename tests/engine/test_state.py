"""State stays apart and in one place: containers, threads that begin at once, stacks of sessions, double feeds."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import headrace as tf
from headrace.engine import resources
from headrace.engine.dtypes import float32
from headrace.engine.resources import VariableStorage


def test_a_container_is_no_name_scope():
    with tf.Graph().as_default(), tf.Session() as session:
        with tf.container("box"):
            inside = tf.Variable(1.0, name="v")
        outside = tf.Variable(2.0, name="box/v")
        session.run(tf.global_variables_initializer())
        assert session.run([inside, outside]) == [1.0, 2.0]


def test_threads_that_bind_at_once_get_one_array(monkeypatch):
    def slow_zeros(*args):
        time.sleep(0.05)
        return np.empty(*args)

    monkeypatch.setattr(resources.np, "zeros", slow_zeros)
    storage = VariableStorage("v", float32, (2,))
    found = []
    threads = [threading.Thread(target=lambda: found.append(storage.allocate((2,)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(array is storage.array for array in found)


def test_leaving_a_session_takes_the_innermost_entry_off_the_stack():
    with tf.Graph().as_default():
        first, second = tf.Session(), tf.Session()
        with first.as_default(), second.as_default():
            with first.as_default():
                assert tf.get_default_session() is first
            assert tf.get_default_session() is second
        assert tf.get_default_session() is None


@pytest.mark.parametrize("run", ["run", "make_callable"])
def test_a_tensor_fed_under_two_keys_is_named(run):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [], name="x")
        with pytest.raises(ValueError, match="'x:0' is fed 2 times"):
            if run == "run":
                session.run(x + 1.0, {x: 1.0, "x:0": 2.0})
            else:
                session.make_callable(x + 1.0, [x, "x:0"])

"""List operations go to the begin or the end of a step, and results stay."""

from itertools import groupby

import numpy as np

import headrace as tf
from headrace.engine.rewriting.group_lists import group_lists
from headrace.engine.rewriting.lower import lower
from headrace.engine.rewriting.verify import verify


def test_lists_are_at_both_ends():
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [3])
        array = tf.TensorArray(tf.float32, 3).unstack(x)
        y = tf.exp(array.read(0))
        written = tf.TensorArray(tf.float32, 2).write(0, y).write(1, tf.tanh(array.read(1) + y))
        z = tf.sin(y) + array.read(2)
        flow = lower(graph, [written.flow, z], [], [x])
        before = set(flow.nodes)
        group_lists(flow)
        verify(flow, "group_lists")
        kinds = [node.type.startswith(("TensorList", "EmptyTensorList")) for node in flow.nodes]
        kinds = [kind for kind, node in zip(kinds, flow.nodes, strict=True) if node.type not in ("Const", "_Feed")]
        assert set(flow.nodes) == before and [kind for kind, _ in groupby(kinds)] == [True, False, True]
        results = []
        for off in ((), ("group_lists",)):
            with tf.Session(passes_off=off) as session:
                results.append(session.run([written.stack(), z], {x: np.arange(3)}))
        for one, other in zip(*results, strict=True):
            np.testing.assert_array_equal(one, other)


def test_constants_come_after_what_they_wait_for():
    with tf.Graph().as_default() as graph:
        v = tf.get_variable("v", initializer=1.0)
        read = tf.TensorArray(tf.float32, 3).unstack(tf.placeholder(tf.float32, [3], name="x")).read(0)
        with tf.control_dependencies([tf.assign_add(v, read)]):
            size = tf.constant(2)
        array = tf.TensorArray(tf.float32, size)
        flow = lower(graph, [array.flow, read], [], [graph.get_tensor_by_name("x:0")])
        group_lists(flow)
        verify(flow, "group_lists")

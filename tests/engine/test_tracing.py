"""Traces: one entry a node under its name in the graph, times that fill the step, on every kind of program."""

import threading

import numpy as np
import pytest

import headrace as tf
from headrace.engine.defun import Defun
from headrace.engine.native import library

FULL = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
native_only = pytest.mark.skipif(isinstance(library.load(), str), reason="no native runtime")


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def traced(session, fetches, feed_dict=None, options=FULL):
    metadata = tf.RunMetadata()
    result = session.run(fetches, feed_dict, options, metadata)
    return result, metadata


def entries(metadata):
    return [node for device in metadata.step_stats.dev_stats for node in device.node_stats]


def names(metadata):
    return {n.node_name for n in entries(metadata) if not n.node_name.startswith("_retval_")}


def operation_names(graph):
    """Those of a graph and of all functions in it."""
    message = graph.as_graph_def()
    return {n.name for n in message.node} | {n.name for f in message.library.function for n in f.node_def}


def classifier():
    x, y = tf.placeholder(tf.float32, [None, 20], "x"), tf.placeholder(tf.int32, [None], "y")
    hidden = tf.layers.dense(x, 30, tf.nn.relu, name="hidden")
    logits = tf.layers.dense(hidden, 5, name="logits")
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits), name="loss")
    feeds = {x: np.ones((8, 20), np.float32), y: np.arange(8) % 5}
    return loss, tf.train.AdamOptimizer().minimize(loss), feeds


@pytest.mark.parametrize("backend", ["cpu", "numpy", "reference"])
def test_every_executed_node_is_one_of_the_graph(graph, backend):
    loss, train, feeds = classifier()
    with tf.Session(backend=backend) as session:
        session.run(tf.global_variables_initializer())
        weights = session.run(tf.trainable_variables())
        first, metadata = traced(session, [loss, train], feeds)
        for variable, value in zip(tf.trainable_variables(), weights, strict=True):
            variable.load(value, session)
        # A traced step computes what others do.
        assert session.run(loss, feeds) == first[0]
    assert names(metadata) <= operation_names(graph)
    assert {"hidden/MatMul", "hidden/Relu", "logits/MatMul", "loss"} <= names(metadata)
    assert ("x" in names(metadata)) == (backend != "reference")
    assert [d.device for d in metadata.step_stats.dev_stats] == ["/job:localhost/replica:0/task:0/device:CPU:0"]
    (product,) = [n for n in entries(metadata) if n.node_name == "hidden/MatMul"]
    description = product.output[0].tensor_description
    assert [d.size for d in description.shape.dim] == [8, 30] and description.dtype == 1
    assert "hidden/MatMul = MatMul(x, hidden/kernel" in product.timeline_label
    worked = [n for n in entries(metadata) if n.all_end_rel_nanos]
    assert all(n.all_end_rel_micros >= 1 and n.all_start_micros == n.all_start_nanos // 1000 for n in worked)
    assert sum(m.total_bytes for n in worked for m in n.memory) >= 8 * 30 * 4
    if backend != "reference":
        # What was fused is listed, without a time of its own.
        (relu,) = [n for n in entries(metadata) if n.node_name == "hidden/Relu"]
        assert "fused: hidden/BiasAdd, hidden/MatMul" in relu.timeline_label
        assert product.all_end_rel_nanos == 0 < relu.all_end_rel_nanos


@pytest.mark.parametrize("backend", ["cpu", "numpy", "reference"])
def test_times_fill_the_step(backend):
    loss, train, feeds = classifier()
    with tf.Session(backend=backend) as session:
        session.run(tf.global_variables_initializer())
        for _ in range(2):
            _, metadata = traced(session, [loss, train], feeds)
    nodes = sorted(entries(metadata), key=lambda n: n.all_start_nanos)
    for node in nodes:
        assert 0 <= node.op_start_rel_nanos <= node.op_end_rel_nanos <= node.all_end_rel_nanos
    span = max(n.all_start_nanos + n.all_end_rel_nanos for n in nodes) - nodes[0].all_start_nanos
    assert 0.9 * span <= sum(n.all_end_rel_nanos for n in nodes) <= 1.1 * span


def test_a_loop_leaves_an_entry_a_node_and_iteration_within_its_own(graph):
    x = tf.placeholder(tf.float32, [3], "x")
    _, total = tf.while_loop(
        lambda i, total: i < 4,
        lambda i, total: (i + 1, tf.cond(i < 2, lambda: total + x, lambda: tf.matmul([total], [[1.0] * 3] * 3)[0])),
        [tf.constant(0), tf.zeros([3])],
        name="loop",
    )
    with tf.Session() as session:
        _, metadata = traced(session, total, {x: np.ones(3)})
    assert names(metadata) <= operation_names(graph)
    (loop,) = [n for n in entries(metadata) if "= While" in n.timeline_label]
    branches = [n for n in entries(metadata) if "= If(" in n.timeline_label]
    products = [n for n in entries(metadata) if "= MatMul" in n.timeline_label]
    assert len(branches) == 4 and len(products) == 2
    for node in [*branches, *products]:
        assert node.node_name.startswith("loop/")
        assert loop.all_start_nanos <= node.all_start_nanos
        assert node.all_start_nanos + node.all_end_rel_nanos <= loop.all_start_nanos + loop.all_end_rel_nanos


def test_raw_control_flow_and_values_of_unknown_shape(graph):
    data, flag = tf.placeholder(tf.float32, [None], "data"), tf.placeholder(tf.bool, [], "flag")
    off, on = tf.raw_ops.Switch(data=data, pred=flag, name="switch")
    merged, _ = tf.raw_ops.Merge(inputs=[tf.negative(off, "off"), tf.exp(on, "on")], name="merge")
    with tf.Session() as session:
        value, metadata = traced(session, merged, {data: [1.0, 2.0], flag: False})
        np.testing.assert_array_equal(value, [-1, -2])
        # The side that was not chosen did not run.
        assert names(metadata) == {"switch", "off", "merge"}
        kept = tf.boolean_mask(data, data > 1.0)
        _, metadata = traced(session, kept, {data: [1.0, 2.0, 3.0]})
    assert names(metadata) <= operation_names(graph)
    sizes = [[d.size for d in o.tensor_description.shape.dim] for n in entries(metadata) for o in n.output]
    assert [2] in sizes and all(-1 not in size for size in sizes)


def test_functions_and_strings(graph):
    @Defun(tf.float32)
    def double(x):
        return tf.multiply(x, 2.0, name="twice")

    text = tf.strings.join(["a", tf.as_string(double(tf.placeholder_with_default(1.0, [])))], name="text")
    with tf.Session() as session:
        _, metadata = traced(session, text)
    assert names(metadata) <= operation_names(graph)
    assert {"twice", "text"} <= names(metadata)


@native_only
def test_levels():
    loss, train, feeds = classifier()
    with tf.Session(backend="cpu") as session:
        session.run(tf.global_variables_initializer())
        for level, rows in ((0, 0), (1, 1), (2, 2), (3, 1)):
            _, metadata = traced(session, [loss, train], feeds, tf.RunOptions(trace_level=level))
            assert len(metadata.step_stats.dev_stats) == rows
            if level == tf.RunOptions.HARDWARE_TRACE:
                kernels = metadata.step_stats.dev_stats[1]
                assert kernels.device.endswith("CPU:0/stream:kernels")
                assert {n.node_name for n in kernels.node_stats} < names(metadata)
                assert any("gemm" in n.timeline_label for n in kernels.node_stats)


def test_partition_graphs_hold_what_the_step_needs(graph):
    a, b = tf.placeholder(tf.float32, [2], "a"), tf.constant([1.0, 2.0], name="b")
    product, _ = tf.multiply(a, b, name="product"), tf.negative(a, name="unused")
    options = tf.RunOptions(output_partition_graphs=True)
    with tf.Session(backend="cpu") as session:
        _, metadata = traced(session, product, {a: [1, 2]}, options)
        (partition,) = metadata.partition_graphs
        assert [n.name for n in partition.node] == ["a", "b", "product"]
        assert {n.device for n in partition.node} == {"/job:localhost/replica:0/task:0/device:CPU:0"}
        assert not metadata.HasField("step_stats")
        # A fed tensor in the middle cuts off what comes before it.
        _, metadata = traced(session, product, {b: [3, 4], a: [1, 2]}, options)
        assert [(n.name, n.op) for n in metadata.partition_graphs[0].node][1] == ("b", "Placeholder")
    with tf.Graph().as_default() as other:
        tf.import_graph_def(partition, name="")
        assert len(other.get_operations()) == 3


@pytest.mark.parametrize("backend", ["cpu", "numpy", "reference"])
def test_a_step_that_fails_leaves_what_it_did(backend):
    table, index = tf.constant(np.ones((3, 2), np.float32)), tf.placeholder(tf.int32, [1], "index")
    row = tf.exp(tf.gather(table, index + 1, name="row"))
    metadata = tf.RunMetadata()
    with tf.Session(backend=backend) as session:
        session.run(row, {index: [1]}, FULL, metadata)
        assert "row" in names(metadata)
        with pytest.raises(tf.errors.InvalidArgumentError, match="row"):
            session.run(row, {index: [7]}, FULL, metadata)
        # What was there before is gone.
        assert "add" in names(metadata) and "row" not in names(metadata)
        # The same program goes on without a trace.
        assert session.run(row, {index: [1]}).shape == (1, 2)


def test_other_threads_leave_no_records():
    release, inside = threading.Event(), threading.Event()

    def wait(x):
        inside.set()
        assert release.wait(60)
        return x

    slow, quick = tf.py_func(wait, [tf.constant(1.0)], tf.float32, name="slow"), tf.exp(tf.placeholder(tf.float32, []))
    found = {}
    with tf.Session() as session:
        thread = threading.Thread(target=lambda: found.update(trace=traced(session, slow)[1]))
        thread.start()
        assert inside.wait(60)
        session.run(quick, {quick.op.inputs[0]: 1.0})
        release.set()
        thread.join()
        assert not session.runtime.recorders
    assert names(found["trace"]) == {"slow"}


# What a program finds out when it is made, or reads where it lies.
FREE = set("Const Fill Identity NoOp Reshape Shape BroadcastGradientArgs BroadcastTo VariableV2".split())


def test_each_operation_is_executed_or_part_of_one_that_is(graph):
    x, y = tf.placeholder(tf.float32, [None, 8, 8, 3], "x"), tf.placeholder(tf.int32, [None], "y")
    hidden = tf.layers.conv2d(x, 4, 3, activation=tf.nn.relu, name="first")
    hidden = tf.layers.max_pooling2d(hidden, 2, 2)
    hidden = tf.nn.relu(tf.layers.batch_normalization(tf.layers.conv2d(hidden, 4, 2, name="second"), training=True))
    logits = tf.layers.dense(tf.layers.flatten(hidden), 5, name="logits")
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
    found = {}
    for backend in ("reference", "cpu"):
        with tf.Session(backend=backend) as session:
            session.run(tf.global_variables_initializer())
            feeds = {x: np.ones((4, 8, 8, 3)), y: np.arange(4)}
            found[backend] = names(traced(session, [loss, train], feeds)[1])
    types = {op.name: op.type for op in graph.get_operations()}
    left = {name for name in found["reference"] - found["cpu"] if types[name] not in FREE}
    # The gradient of a mean by its number of rows is known beforehand.
    assert all(name.startswith("gradients/Mean_grad/") for name in left), left
    assert {"first/Conv2D", "first/BiasAdd", "first/Relu", "gradients/first/Relu_grad/ReluGrad"} <= found["cpu"]

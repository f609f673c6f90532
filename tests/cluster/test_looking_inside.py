"""What a session says of a step of several tasks: its stages, where operations run, traces."""

import logging

import numpy as np
import pytest

import headrace as tf

from .tasks import cluster


@pytest.fixture(scope="module")
def servers():
    with cluster(ps=1, worker=2) as found:
        yield found


@pytest.fixture
def step(servers):
    """A step on three tasks, with what is fed to it."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        with tf.device("/job:ps/task:0"):
            w = tf.Variable(tf.ones([3, 2]), name="w")
        with tf.device("/job:worker/task:1"):
            y = tf.matmul(x, w, name="y")
        z = tf.reduce_sum(y, name="z")
        yield z, {x: np.ones((4, 3), np.float32)}
    for server in servers.values():
        server.resources.clear()


def session_on(servers, **options):
    session = tf.Session(servers["worker", 0].target, config=tf.ConfigProto(**options))
    session.run(tf.global_variables_initializer())
    return session


def test_stages_are_explained(servers, step):
    with session_on(servers) as session:
        lines = session.explain(*step).split("\n")
    assert lines[0] == "3 stages on 3 tasks, run from /job:worker/task:0"
    assert [line for line in lines if line.startswith("stage")] == [
        "stage 0 on /job:ps/task:0, level 0: 2 operations: VariableV2, Identity",
        "stage 1 on /job:worker/task:1, level 1: 1 operation: MatMul",
        "stage 2 on /job:worker/task:0, level 2: 2 operations: Sum, Const",
    ]
    assert "  sends w/read:0 float32(3, 2) to /job:worker/task:1" in lines
    assert "  takes x:0 float32(4, 3) from the client" in lines
    assert "  takes y:0 float32(?, 2) from stage 1" in lines
    assert "  | its program is made when the shapes are known of y:0" in lines


def test_programs_of_the_clients_own_stages_are_shown(servers, step):
    with tf.device("/job:ps/task:0"):
        a = tf.constant([1.0, 2.0]) * 2
    with session_on(servers) as session:
        assert any("  |    0 " in line and "Mul" in line for line in session.explain(a * 3).split("\n"))


def test_placement_is_logged(servers, step, caplog):
    with caplog.at_level(logging.INFO, logger="headrace"), session_on(servers, log_device_placement=True) as session:
        caplog.clear()
        session.run(*step)
    said = {record.getMessage() for record in caplog.records}
    assert "w/read: (Identity): /job:ps/replica:0/task:0/device:CPU:0" in said
    assert "y: (MatMul): /job:worker/replica:0/task:1/device:CPU:0" in said
    assert "z: (Sum): /job:worker/replica:0/task:0/device:CPU:0" in said


@pytest.mark.parametrize("level", ["SOFTWARE_TRACE", "HARDWARE_TRACE", "FULL_TRACE"])
def test_traces_have_the_nodes_of_all_tasks(servers, step, level):
    metadata = tf.RunMetadata()
    options = tf.RunOptions(trace_level=getattr(tf.RunOptions, level), output_partition_graphs=True)
    with session_on(servers) as session:
        assert session.run(*step, options=options, run_metadata=metadata) == 24
        assert session.run(*step) == 24
    nodes = {d.device: {n.node_name for n in d.node_stats} for d in metadata.step_stats.dev_stats}
    # What only reads a variable is named after that.
    assert "_retval_w_0_0" in nodes["/job:ps/replica:0/task:0/device:CPU:0"]
    assert "y" in nodes["/job:worker/replica:0/task:1/device:CPU:0"]
    assert "z" in nodes["/job:worker/replica:0/task:0/device:CPU:0"]
    graphs = {graph.node[0].device: {n.name for n in graph.node} for graph in metadata.partition_graphs}
    assert "y" in graphs["/job:worker/replica:0/task:1/device:CPU:0"] and len(graphs) == 3


def test_a_trace_of_a_step_that_fails(servers, step):
    metadata = tf.RunMetadata()
    with tf.device("/job:ps/task:0"):
        bad = tf.check_numerics(tf.constant(np.nan), "bad")
    with session_on(servers) as session, pytest.raises(tf.errors.InvalidArgumentError, match="bad"):
        session.run(bad + 1, options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), run_metadata=metadata)


def test_options_without_a_trace(servers, step):
    with session_on(servers) as session:
        metadata = tf.RunMetadata()
        assert session.run(*step, options=tf.RunOptions(), run_metadata=metadata) == 24
        assert not metadata.step_stats.dev_stats

"""ClusterSpec as TensorFlow 1.15's: what it accepts, says and refuses."""

import numpy as np
import pytest

import headrace as tf
from headrace.engine.protos import ClusterDef

SPARSE = {"worker": {3: "b:2", 1: "a:1"}, "ps": ["c:3"]}


def test_answers():
    cluster = tf.train.ClusterSpec(SPARSE)
    assert cluster.jobs == ["worker", "ps"]
    assert cluster.as_dict() == SPARSE
    assert cluster.num_tasks("worker") == 2
    assert cluster.task_indices("worker") == [1, 3]
    assert cluster.task_address("worker", 3) == "b:2"
    assert cluster.job_tasks("worker") == [None, "a:1", None, "b:2"]
    assert cluster.job_tasks("ps") == ["c:3"]
    assert repr(cluster) == str(cluster) == "ClusterSpec({'ps': ['c:3'], 'worker': {1: 'a:1', 3: 'b:2'}})"
    assert bool(cluster)
    assert not tf.train.ClusterSpec({})


def test_cluster_def():
    message = tf.train.ClusterSpec(SPARSE).as_cluster_def()
    assert isinstance(message, ClusterDef)
    assert [(job.name, dict(job.tasks)) for job in message.job] == [
        ("ps", {0: "c:3"}),
        ("worker", {1: "a:1", 3: "b:2"}),
    ]


@pytest.mark.parametrize(
    "same",
    [
        SPARSE,
        {"ps": {0: b"c:3"}, "worker": {1: "a:1", 3: "b:2"}},
        {b"ps": ("c:3",), "worker": {"1": "a:1", "3": "b:2"}},
        tf.train.ClusterSpec(SPARSE),
        tf.train.ClusterSpec(SPARSE).as_cluster_def(),
    ],
)
def test_the_same_cluster(same):
    cluster = tf.train.ClusterSpec(SPARSE)
    assert tf.train.ClusterSpec(same) == cluster
    assert cluster == same
    assert cluster != tf.train.ClusterSpec({"ps": ["c:3"]})


def test_equality_with_others():
    cluster = tf.train.ClusterSpec(SPARSE)
    assert cluster != 3
    assert cluster != {"ps": 3}
    with pytest.raises(TypeError, match="unhashable"):
        hash(cluster)


@pytest.mark.parametrize(
    "call, kind, said",
    [
        (lambda c: c.num_tasks("x"), ValueError, "No such job in cluster: 'x'"),
        (lambda c: c.task_indices("x"), ValueError, "No such job in cluster: 'x'"),
        (lambda c: c.job_tasks("x"), ValueError, "No such job in cluster: 'x'"),
        (lambda c: c.task_address("x", 0), ValueError, "No such job in cluster: 'x'"),
        (lambda c: c.task_address("worker", 0), ValueError, "No task with index 0 in job 'worker'"),
        (lambda c: tf.train.ClusterSpec(3), TypeError, "`cluster` must be a dictionary"),
        (lambda c: tf.train.ClusterSpec({"a": 3}), TypeError, "The tasks for job 'a' must be a list or a dictionary"),
        (
            lambda c: tf.train.ClusterSpec({"a": "b:1"}),
            TypeError,
            "The tasks for job 'a' must be a list or a dictionary",
        ),
        (lambda c: tf.train.ClusterSpec({"a": {-1: "y"}}), ValueError, "must not be negative"),
        (lambda c: tf.train.ClusterSpec({"a": [3]}), TypeError, "Task address 3 must be bytes or unicode"),
        (lambda c: tf.train.ClusterSpec({3: ["a"]}), TypeError, "Job name 3 must be bytes or unicode"),
    ],
)
def test_refusals(call, kind, said):
    with pytest.raises(kind, match=said):
        call(tf.train.ClusterSpec(SPARSE))


@pytest.mark.parametrize(
    "cluster, said",
    [
        ({"a": {"x": "y"}}, "A task index of job 'a' must be a whole number, got 'x'"),
        ({"a": {1.5: "y"}}, "A task index of job 'a' must be a whole number, got 1.5"),
        ({"a": {None: "y"}}, "A task index of job 'a' must be a whole number, got None"),
        ({"a": {True: "y"}}, "A task index of job 'a' must be a whole number, got True"),
        ({"a": {1: "x", "1": "y"}}, "Job 'a' has two tasks of index 1: 'x' and 'y'"),
        ({"a": ["x"], b"a": ["y"]}, "The cluster has two jobs 'a'"),
        ({"a": ["x", "y", "x"]}, "Tasks 0 of job 'a' and 2 of job 'a' have the same address 'x'"),
        ({"a": ["x"], "b": {3: b"x"}}, "Tasks 0 of job 'a' and 3 of job 'b' have the same address 'x'"),
    ],
)
def test_tasks_that_cannot_be_told_apart_or_counted(cluster, said):
    with pytest.raises(ValueError, match=said):
        tf.train.ClusterSpec(cluster)


def test_indices_of_numpy():
    assert tf.train.ClusterSpec({"a": {np.int64(2): "x"}}).task_indices("a") == [2]


def test_replica_device_setter_takes_it():
    with tf.Graph().as_default(), tf.device(tf.train.replica_device_setter(cluster=tf.train.ClusterSpec(SPARSE))):
        assert tf.get_variable("v", [1]).device == "/job:ps/task:0"

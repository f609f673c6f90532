"""ClusterSpec as TensorFlow 1.15's: what it accepts, says and refuses."""

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
        (lambda c: tf.train.ClusterSpec({"a": {"x": "y"}}), ValueError, "invalid literal for int"),
        (lambda c: tf.train.ClusterSpec({"a": {-1: "y"}}), ValueError, "must not be negative"),
        (lambda c: tf.train.ClusterSpec({"a": [3]}), TypeError, "Task address 3 must be bytes or unicode"),
        (lambda c: tf.train.ClusterSpec({3: ["a"]}), TypeError, "Job name 3 must be bytes or unicode"),
    ],
)
def test_refusals(call, kind, said):
    with pytest.raises(kind, match=said):
        call(tf.train.ClusterSpec(SPARSE))


def test_replica_device_setter_takes_it():
    with tf.Graph().as_default(), tf.device(tf.train.replica_device_setter(cluster=tf.train.ClusterSpec(SPARSE))):
        assert tf.get_variable("v", [1]).device == "/job:ps/task:0"

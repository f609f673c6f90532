"""Tasks from TF_CONFIG, `--ps` and ranks; resolvers of clusters."""

import json

import pytest

import headrace as tf
from headrace.cluster.launcher import Launch
from headrace.cluster.resolvers import SlurmClusterResolver, expand_hosts
from headrace.cluster.roles import cluster_with_servers, role_of
from headrace.cluster.supervisor.rank import _tf_config

CLUSTER = {"chief": ["c:1"], "worker": ["w0:1", "w1:1"], "ps": ["p0:1", "p1:1"]}
FIELDS = "task_type task_id is_chief num_worker_replicas num_ps_replicas global_id_in_cluster master".split()


def fields(config, started=None):
    text = {"TF_CONFIG": json.dumps(config)} if config is not None else {}
    role = role_of(text, started or Launch())
    return tuple(getattr(role, name) for name in FIELDS)


def config(kind, index, cluster=CLUSTER, **more):
    return {"cluster": cluster, "task": {"type": kind, "index": index}, **more}


def rank(k, size):
    return Launch(k, size, k, size, "MPICH")


@pytest.mark.parametrize(
    "given, expected",
    [
        (None, ("worker", 0, True, 1, 0, 0, "")),
        ({}, ("worker", 0, True, 1, 0, 0, "")),
        (config("chief", 0), ("chief", 0, True, 3, 2, 0, "grpc://c:1")),
        (config("worker", 1), ("worker", 1, False, 3, 2, 2, "grpc://w1:1")),
        (config("ps", 1), ("ps", 1, False, 3, 2, 4, "grpc://p1:1")),
        (config("evaluator", 0), ("evaluator", 0, False, 0, 0, None, "")),
        (config("chief", 0, {"chief": ["c:1"]}), ("chief", 0, True, 1, 0, 0, "")),
        (config("master", 0, {"master": ["m:1"], "ps": ["p:1"]}), ("master", 0, True, 1, 1, 0, "grpc://m:1")),
        (config("worker", "0", rpc_layer="mpi"), ("worker", 0, False, 3, 2, 1, "mpi://w0:1")),
        (config("worker", 0, session_master="here"), ("worker", 0, False, 3, 2, 1, "here")),
    ],
)
def test_tf_config(given, expected):
    assert fields(given) == expected


def test_ranks_without_servers():
    assert fields(None, rank(2, 4)) == ("worker", 2, False, 4, 0, 2, "")
    assert fields(None, rank(0, 4)) == ("worker", 0, True, 4, 0, 0, "")


def test_ranks_with_servers():
    cluster = cluster_with_servers(4, 1).as_dict()
    found = [fields(json.loads(_tf_config(cluster, k)), rank(k, 4)) for k in range(4)]
    assert [task[:3] for task in found] == [
        ("chief", 0, True),
        ("worker", 0, False),
        ("worker", 1, False),
        ("ps", 0, False),
    ]
    assert {task[3:5] for task in found} == {(3, 1)}
    assert [task[5:] for task in found] == [(k, f"grpc://rank{k}") for k in range(4)]


def test_cluster_of_tf_config_without_task_goes_by_rank():
    found = [fields({"cluster": CLUSTER}, rank(k, 5))[:2] for k in range(5)]
    assert found == [("chief", 0), ("worker", 0), ("worker", 1), ("ps", 0), ("ps", 1)]


@pytest.mark.parametrize(
    "given, said",
    [
        (config("worker", 0, {"worker": ["a"]}), 'must have one "chief" node'),
        (config("chief", 0, {"chief": ["a", "b"]}), 'must have only one "chief" node'),
        ({"cluster": CLUSTER}, "task type must be set"),
        ({"cluster": CLUSTER, "task": {"type": "ps"}}, "task index must be set"),
        (config("ps", -1), "must be non-negative"),
        (config("ps", 2), "2 is not a valid task_id for task_type ps"),
        (config("other", 0), "other is not a valid task_type"),
        ({"task": {"type": "ps", "index": 0}}, 'If "cluster" is not set in TF_CONFIG, task type must be WORKER'),
        ({"task": {"type": "worker", "index": 1}}, "task index must be 0"),
        ([], "TF_CONFIG must be a JSON object"),
        (config("ps", 0.7), r'"task" in TF_CONFIG must have a whole number as its index, got .*0.7'),
        (config("ps", "x"), r'"task" in TF_CONFIG must have a whole number as its index, got .*"x"'),
        ({"task": {"index": "x"}}, r'"task" in TF_CONFIG must have a whole number as its index, got .*"x"'),
        ({"cluster": CLUSTER, "task": ["ps", 0]}, r'"task" in TF_CONFIG must be a JSON object, got \["ps", 0\]'),
        ({"task": "ps"}, '"task" in TF_CONFIG must be a JSON object, got "ps"'),
        ({"cluster": ["c:1"]}, r'"cluster" in TF_CONFIG, \["c:1"\]: `cluster` must be a dictionary'),
        (config("chief", 0, {"chief": ["c"], "ps": ["c"]}), r'"cluster" in TF_CONFIG, .*have the same address .c.'),
    ],
)
def test_wrong_tf_config(given, said):
    with pytest.raises(ValueError, match=said):
        fields(given)


def test_other_mistakes():
    with pytest.raises(ValueError, match=r"TF_CONFIG must be JSON, got '\{'"):
        role_of({"TF_CONFIG": "{"}, Launch())
    with pytest.raises(ValueError, match="2 of 2 processes cannot be parameter servers"):
        cluster_with_servers(2, 2)
    with pytest.raises(ValueError, match="Rank 5 has no task in the cluster of 5 tasks"):
        fields({"cluster": CLUSTER}, rank(5, 6))


def test_run_config(monkeypatch):
    assert (tf.estimator.RunConfig().task_type, tf.estimator.RunConfig().is_chief) == ("worker", True)
    monkeypatch.setenv("TF_CONFIG", json.dumps(config("worker", 1)))
    run_config = tf.estimator.RunConfig()
    names = [*FIELDS, "evaluation_master"]
    assert [getattr(run_config, name) for name in names] == ["worker", 1, False, 3, 2, 2, "grpc://w1:1", ""]
    assert run_config.cluster_spec == tf.train.ClusterSpec(CLUSTER)
    # Read once, and kept by copies.
    monkeypatch.delenv("TF_CONFIG")
    assert run_config.replace(tf_random_seed=1).task_id == 1


def test_simple_resolver():
    cluster = tf.train.ClusterSpec(CLUSTER)
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(cluster, "m:1", "worker", 1, rpc_layer="grpc")
    assert resolver.cluster_spec() == cluster
    assert resolver.master() == "grpc://m:1"
    assert resolver.master("ps", 1) == "grpc://p1:1"
    assert (resolver.task_type, resolver.task_id) == ("worker", 1)
    resolver.task_id = 0
    assert resolver.task_id == 0
    assert resolver.num_accelerators() == {}
    with pytest.raises(TypeError, match="must be a ClusterSpec"):
        tf.distribute.cluster_resolver.SimpleClusterResolver(CLUSTER)


def test_tf_config_resolver(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps(config("worker", 1, rpc_layer="grpc", environment="cloud")))
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    assert resolver.cluster_spec() == tf.train.ClusterSpec(CLUSTER)
    assert (resolver.task_type, resolver.task_id, resolver.environment) == ("worker", 1, "cloud")
    assert resolver.master() == "grpc://w1:1"
    assert resolver.master("ps", 0, "mpi") == "mpi://p0:1"
    assert tf.distribute.cluster_resolver.TFConfigClusterResolver("ps", 0).master() == "grpc://p0:1"
    monkeypatch.delenv("TF_CONFIG")
    assert tf.distribute.cluster_resolver.TFConfigClusterResolver().master() == ""


@pytest.mark.parametrize("task", [["ps", 0], {"type": "ps", "index": "x"}])
def test_wrong_task_of_a_tf_config_resolver(task, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": CLUSTER, "task": task}))
    with pytest.raises(ValueError, match='"task" in TF_CONFIG must'):
        tf.distribute.cluster_resolver.TFConfigClusterResolver()


def test_slurm_resolver(monkeypatch):
    step = {
        "SLURM_STEP_NUM_TASKS": "5",
        "SLURM_STEP_NODELIST": "n[01-02],m",
        "SLURM_STEP_TASKS_PER_NODE": "2(x2),1",
        "SLURM_PROCID": "3",
    }
    for name, value in step.items():
        monkeypatch.setenv(name, value)
    resolver = SlurmClusterResolver({"ps": 1, "worker": 4})
    expected = {"ps": ["n01:8888"], "worker": ["n01:8889", "n02:8888", "n02:8889", "m:8888"]}
    assert resolver.cluster_spec() == tf.train.ClusterSpec(expected)
    assert resolver.get_task_info() == ("worker", 2)
    assert resolver.master() == "grpc://n02:8889"
    with pytest.raises(ValueError, match="jobs have 4 tasks, but the step has 5"):
        SlurmClusterResolver({"worker": 4})
    monkeypatch.delenv("SLURM_STEP_NODELIST")
    with pytest.raises(RuntimeError, match="srun"):
        SlurmClusterResolver()


@pytest.mark.parametrize(
    "text, hosts",
    [("a", ["a"]), ("a,b2", ["a", "b2"]), ("n[08-10,12]-x,m", ["n08-x", "n09-x", "n10-x", "n12-x", "m"])],
)
def test_hosts(text, hosts):
    assert expand_hosts(text) == hosts


def test_wrong_hosts():
    with pytest.raises(ValueError, match="expected hosts such as"):
        expand_hosts("a[1")

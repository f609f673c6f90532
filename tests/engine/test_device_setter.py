"""Placement of variables on parameter servers."""

import tracemalloc

import pytest

from headrace.engine.device_setter import (
    GreedyLoadBalancingStrategy,
    RandomStrategy,
    byte_size_load_fn,
    replica_device_setter,
)
from headrace.engine.graph import Graph
from headrace.engine.ops.constant import constant
from headrace.engine.partitioned import fixed_size_partitioner
from headrace.engine.scopes import device
from headrace.engine.variable_scope import get_variable


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as graph:
        yield graph


def layers():
    shapes = ([784, 100], [100], [100, 10], [10])
    return [get_variable(f"v{i}", shape) for i, shape in enumerate(shapes)]


def greedy(tasks=3):
    return GreedyLoadBalancingStrategy(tasks, byte_size_load_fn)


@pytest.mark.parametrize("make, tasks", [(lambda: None, [0, 1, 2, 0]), (greedy, [0, 1, 2, 1])])
def test_strategies(make, tasks):
    with device(replica_device_setter(ps_tasks=3, ps_strategy=make())):
        variables = layers()
        other = constant(1.0) + 1.0
    assert [v.device for v in variables] == [f"/job:ps/task:{t}" for t in tasks]
    assert other.device == "/job:worker"
    assert variables[1].initializer.device == "/job:ps/task:1" == variables[1].value().device


def test_a_huge_table_takes_no_memory_before_it_runs():
    tracemalloc.start()
    with device(replica_device_setter(ps_tasks=3, ps_strategy=greedy())):
        table = get_variable("embedding", [1_000_000_000, 20], partitioner=fixed_size_partitioner(3))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [v.device for v in table] == [f"/job:ps/task:{i}" for i in range(3)]
    assert peak < 5_000_000


def test_devices_merge():
    with device(replica_device_setter(ps_tasks=2, worker_device="/job:worker/task:3")):
        with device("/gpu:0"):
            v, c = get_variable("v", [1]), constant(1.0)
    assert (v.device, c.device) == ("/job:ps/task:0/device:GPU:0", "/job:worker/task:3/device:GPU:0")
    with device(replica_device_setter(ps_tasks=2, merge_devices=False)), device("/cpu:0"):
        assert constant(1.0).device == "/device:CPU:0"


def test_clusters_and_errors():
    cluster = {"ps": ["a:1", "b:2"], "worker": ["c:3"]}
    with device(replica_device_setter(cluster=cluster)):
        assert [get_variable(f"v{i}", [1]).device for i in range(3)] == [f"/job:ps/task:{t}" for t in (0, 1, 0)]
    assert replica_device_setter(ps_tasks=0) is None and replica_device_setter(cluster={"worker": ["a:1"]}) is None
    with pytest.raises(TypeError, match="ps_strategy must be callable"):
        replica_device_setter(ps_tasks=1, ps_strategy=3)
    with pytest.raises(TypeError, match="cluster must be"):
        replica_device_setter(cluster=3)
    strategy = RandomStrategy(4, seed=1)
    assert {strategy(None) for _ in range(100)} == {0, 1, 2, 3}


@pytest.mark.parametrize("wrong", [3, b"/gpu:0", ["/gpu:0"]])
def test_what_is_no_device_is_named(wrong):
    with pytest.raises(TypeError, match="a DeviceSpec, a function or None; got"), device(wrong):
        constant(1)

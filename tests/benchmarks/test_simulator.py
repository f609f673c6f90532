"""The simulator of benchmarks/cluster: the same in every run, right where a result can be told on paper, true to real plans."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import headrace as tf

from ..cluster.tasks import cluster

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "cluster"


@pytest.fixture(scope="module")
def simulator():
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module("simulator")
    sys.path.remove(str(FOLDER))
    for name in ("simulator", "simulated_ranks"):
        del sys.modules[name]


@pytest.mark.parametrize("synchronous", [False, True])
def test_runs_are_all_the_same(simulator, synchronous):
    job = simulator.Job(ranks=8, servers=2, steps=4)
    rows = [simulator.parameter_servers(job, simulator.Constants(), synchronous) for _ in range(2)]
    assert rows[0] == rows[1]
    assert 0 < rows[0].efficiency < 1 and 0 < rows[0].processor <= 1 and rows[0].queue_most >= 1


def test_one_worker_on_one_server_takes_the_sum_of_its_parts(simulator):
    constants = simulator.Constants(latency=1e-3, bandwidth=1e9, overhead=1e-4, memory=1e10)
    job = simulator.Job(ranks=1, servers=1, model=1e7, compute=0.1, jitter=0.0, steps=3)
    row = simulator.parameter_servers(job, constants, False)
    # A message costs both ends a little; the model and the gradients are copied at each end, sent, and applied.
    small, big = 128, 128 + 1e7
    messages = sum(2 * (1e-4 + n / 1e10) + n / 1e9 + 1e-3 for n in (small, big, big, small))
    assert row.step == pytest.approx(0.1 + messages + 3e7 / 1e10, rel=1e-6)


def test_servers_that_are_busy_limit_what_workers_do(simulator):
    job, constants = simulator.Job(ranks=64, servers=1, model=1e8, steps=3), simulator.Constants()
    one, four = (simulator.parameter_servers(replace(job, servers=s), constants, False) for s in (1, 4))
    assert one.limit == "servers' processors" and one.processor > 0.95
    assert four.step < one.step / 3
    assert simulator.parameter_servers(replace(job, ranks=128), constants, False).step == pytest.approx(
        2 * one.step, 0.05
    )


def test_a_synchronous_step_waits_for_the_slowest(simulator):
    job = simulator.Job(ranks=16, model=1e4, compute=1.0, jitter=0.5, steps=5)
    together = simulator.parameter_servers(job, simulator.Constants(), True)
    slowest = [max(job.lateness(1 + rank, step) for rank in range(16)) for step in range(5)]
    assert together.step == pytest.approx(np.mean(slowest[1:]), rel=0.02)
    assert simulator.parameter_servers(job, simulator.Constants(), False).step < together.step


def test_all_reduce(simulator):
    job, constants = simulator.Job(ranks=8, model=1e8, jitter=0.0), simulator.Constants()
    here = simulator.all_reduce(job, constants, 8, "direct")
    assert here.step < 1.2 * job.compute
    many = [
        simulator.all_reduce(replace(job, ranks=8192), constants, 8, way).step for way in ("direct", "ring", "tree")
    ]
    assert many[2] < many[0] < many[1]


def test_plans_are_those_of_the_cluster(simulator):
    """The simulated worker's stages take, give and send as many values as those of a real step."""
    with cluster(ps=2, worker=1) as servers, tf.Graph().as_default():
        products = []
        for i in range(2):
            with tf.device(f"/job:ps/task:{i}"):
                v = tf.Variable(tf.ones([4, 3]))
            with tf.device("/job:worker/task:0"):
                products.append(tf.reduce_sum(tf.square(v)))
        with tf.device("/job:worker/task:0"):
            train = tf.train.GradientDescentOptimizer(0.1).minimize(products[0] * products[1])
        with tf.Session(servers["worker", 0].target) as session:
            session.run(tf.global_variables_initializer())
            session.run(train)
            step = session._step(train, ()).compiled
            real = {servers[task].rank: step._plan(task) for task in step._ranks}
    program = simulator.worker_program(simulator.Job(1, servers=2), 2, simulator.Constants(), False)
    assert {rank: shape_of(plan) for rank, plan in program.plans.items()} == {r: shape_of(p) for r, p in real.items()}


def shape_of(plan):
    return [
        (len(s.takes), len(s.awaits), len(s.gives), sorted((rank, len(ids)) for rank, ids in s.sends))
        for s in plan.stages
    ]


def test_the_program_prints_a_table(simulator, capsys, monkeypatch):
    monkeypatch.setattr(
        sys, "argv", ["simulator.py", "--ranks", "2,4", "--servers", "1", "--steps", "2", "--model", "1e6"]
    )
    simulator.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split()[:3] == ["strategy", "ranks", "servers"]
    assert len(lines) == 3 + 4 + 6 + 1

"""Clusters of one process, and sessions on tasks of a cluster: one's own, and others."""

import threading

import numpy as np
import pytest

import headrace as tf

from .tasks import left_over


@pytest.fixture(scope="module")
def local():
    workers, servers = tf.test.create_local_cluster(num_workers=2, num_ps=1)
    yield workers, servers
    tasks = {server.task: server for server in [*workers, *servers]}
    assert left_over(tasks) == 0
    for server in tasks.values():
        server.stop()


def test_jobs(local):
    workers, servers = local
    assert [server.task for server in [*workers, *servers]] == [("worker", 0), ("worker", 1), ("ps", 0)]
    assert len({server.target for server in [*workers, *servers]}) == 3
    assert workers[0].cluster.num_tasks("ps") == 1


def test_workers_without_parameter_servers():
    workers, servers = tf.test.create_local_cluster(1, 0)
    with tf.Graph().as_default(), tf.Session(workers[0].target) as session:
        assert session.run(tf.constant(2) + 3) == 5
    assert servers == []
    workers[0].stop()


def test_between_graph_replication(local):
    workers, _ = local
    counts = []

    def work(worker):
        with tf.Graph().as_default(), tf.device("/job:ps/task:0"):
            step = tf.train.get_or_create_global_step()
            more = tf.assign_add(step, 1, use_locking=True)
            with tf.train.MonitoredTrainingSession(worker.target, is_chief=worker is workers[0]) as session:
                counts.extend(session.run(more) for _ in range(50))

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == list(range(1, 101))


def test_what_nothing_places_is_where_the_target_is(local):
    workers, servers = local
    with tf.Graph().as_default() as graph:
        variable = tf.Variable(3.0, use_resource=True)
        with tf.Session(servers[0].target, graph) as session:
            session.run(variable.initializer)
            assert session.run(variable * 2) == 6
        # The same by the name of a task that is another one's.
        session = tf.Session(workers[0].target.replace("grpc://", "mpi://"), graph)
        with pytest.raises(tf.errors.FailedPreconditionError):
            session.run(variable * 2)
        session.close()


def test_a_process_reaches_other_tasks_by_their_addresses(local):
    """As from another process: the target is not a server of this one."""
    from headrace.cluster import server as module

    _, servers = local
    hidden = [server for server in module._servers if server.task == ("ps", 0) and server in servers]
    module._servers.remove(hidden[0])
    try:
        with tf.Graph().as_default() as graph:
            variable = tf.Variable(tf.zeros([2]), name="far")
            where = tf.identity(variable + 1)
            with tf.Session(servers[0].target, graph) as session:
                session.run(variable.initializer)
                np.testing.assert_array_equal(session.run(where), [1, 1])
                assert len(session.list_devices()) == 3
            tf.Session.reset(servers[0].target)
            with tf.Session(servers[0].target, graph) as session, pytest.raises(tf.errors.FailedPreconditionError):
                session.run(where)
    finally:
        module._servers.append(hidden[0])


@pytest.mark.parametrize("containers, left", [(None, []), (["mine"], ["other"])])
def test_reset_drops_state_of_all_tasks(local, containers, left):
    workers, _ = local
    with tf.Graph().as_default() as graph:
        variables = {}
        for container in ("mine", "other"):
            with tf.container(container), tf.device("/job:ps/task:0"):
                variables[container] = tf.Variable(1.0, name=container)
        with tf.Session(workers[0].target, graph) as session:
            session.run(tf.global_variables_initializer())
        tf.Session.reset(workers[1].target, containers)
        with tf.Session(workers[1].target, graph) as session:
            missing = {name.decode() for name in session.run(tf.report_uninitialized_variables())}
    assert missing == set(variables) - set(left)


def test_device_filters_are_accepted(local):
    workers, _ = local
    config = tf.ConfigProto(device_filters=["/job:ps", "/job:worker/task:0"])
    with tf.Graph().as_default(), tf.device("/job:ps/task:0"), tf.Session(workers[0].target, config=config) as session:
        assert session.run(tf.constant(1) + 1) == 2


def test_unknown_target():
    with tf.Graph().as_default(), pytest.raises(tf.errors.InvalidArgumentError, match="No server is running at"):
        tf.Session("grpc://nowhere:1")

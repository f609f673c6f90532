"""Replicas that average their gradients: all of them, the first of them, and in groups that go their own ways."""

import threading

import numpy as np
import pytest

import headrace as tf

from .tasks import cluster

WEIGHTS = np.array([[1.0], [-2.0], [0.5]])


def regression(index, spec):
    """A loss with its placeholders, placed for a worker, and the global step."""
    with tf.device(tf.train.replica_device_setter(cluster=spec, worker_device=f"/job:worker/task:{index}")):
        tf.train.get_or_create_global_step()
        w = tf.get_variable("w", [3, 1], initializer=tf.zeros_initializer())
        x, y = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.float32, [None, 1])
        return w, x, y, tf.reduce_mean(tf.square(tf.matmul(x, w) - y))


def batch(seed, rows=8):
    x = np.random.default_rng(seed).normal(size=(rows, 3)).astype(np.float32)
    return x, (x @ WEIGHTS).astype(np.float32)


def at_once(work, count):
    """Runs the workers in threads; their results, or the first error."""
    results = [None] * count

    def run(index):
        try:
            with tf.Graph().as_default():
                results[index] = work(index)
        except BaseException as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "a worker waits for ever"
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def test_replicas_are_one_with_a_larger_batch():
    with cluster(ps=1, worker=3) as servers:

        def work(index):
            w, x, y, loss = regression(index, servers["worker", index].cluster)
            optimizer = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.1), 3)
            train = optimizer.minimize(loss, tf.train.get_or_create_global_step())
            hook = optimizer.make_session_run_hook(index == 0)
            with tf.train.MonitoredTrainingSession(servers["worker", index].target, index == 0, hooks=[hook]) as sess:
                for step in range(20):
                    data, labels = batch(step, 12)
                    sess.run(train, {x: data[index::3], y: labels[index::3]})
                return sess.run(w)

        found = at_once(work, 3)
    expected = np.zeros((3, 1))
    for step in range(20):
        data, labels = batch(step, 12)
        expected -= 0.1 * 2 / 12 * data.T @ (data @ expected - labels)
    for w in found:
        np.testing.assert_allclose(w, expected, atol=1e-5)


def test_backup_workers_are_not_waited_for():
    """Two of three gradients make a step: a slow replica holds nobody up."""
    with cluster(ps=1, worker=3) as servers:

        def work(index):
            w, x, y, loss = regression(index, servers["worker", index].cluster)
            optimizer = tf.train.SyncReplicasOptimizer(
                tf.train.GradientDescentOptimizer(0.1), replicas_to_aggregate=2, total_num_replicas=3
            )
            step = tf.train.get_or_create_global_step()
            train = optimizer.minimize(loss, step)
            hooks = [optimizer.make_session_run_hook(index == 0)]
            data, labels = batch(0)
            with tf.train.MonitoredTrainingSession(servers["worker", index].target, index == 0, hooks=hooks) as sess:
                if index == 2:
                    # It is there, and gives nothing until the others are done.
                    assert over.wait(30)
                    return None
                while sess.run(step) < 30:
                    sess.run(train, {x: data, y: labels})
                met.wait(30)
                found = sess.run([w, step])
                over.set()
                return found

        over, met = threading.Event(), threading.Barrier(2)
        found = at_once(work, 3)
    (w, made), expected = found[0], np.zeros((3, 1))
    data, labels = batch(0)
    # Every gradient that was used is one of the newest weights.
    for _ in range(made):
        expected -= 0.1 * 2 / 8 * data.T @ (data @ expected - labels)
    np.testing.assert_allclose(w, expected, atol=1e-4)


def test_stale_gradients_are_dropped():
    """A replica that hands over a gradient of an older step adds nothing, and goes on with the newest."""
    with cluster(ps=1, worker=1) as servers, tf.Graph().as_default():
        with tf.device("/job:ps/task:0"):
            accumulator = tf.ConditionalAccumulator(tf.float32, (), shared_name="sum")
            late = accumulator.apply_grad(100.0, local_step=0)
            new = accumulator.apply_grad(2.0, local_step=3)
            step, count, taken = accumulator.set_global_step(3), accumulator.num_accumulated(), accumulator.take_grad(1)
        with tf.Session(servers["worker", 0].target) as sess:
            sess.run(step)
            sess.run(late)
            assert sess.run(count) == 0
            sess.run(new)
            assert sess.run(taken) == 2


def test_groups_are_synchronous_inside_and_go_their_own_ways():
    """Two groups of two: each makes steps of its own number, on the same weights."""
    groups, members, steps = 2, 2, [30, 12]
    with cluster(ps=1, worker=groups * members) as servers:

        def work(index):
            group, member = divmod(index, members)
            spec = servers["worker", index].cluster
            w, x, y, loss = regression(index, spec)
            with tf.device(tf.train.replica_device_setter(cluster=spec)):
                total = tf.train.get_or_create_global_step()
                counts = [
                    tf.get_variable(f"steps_{g}", (), tf.int64, tf.zeros_initializer(), trainable=False)
                    for g in range(groups)
                ]
            optimizer = tf.train.SyncReplicasOptimizer(
                tf.train.GradientDescentOptimizer(0.05), members, name=f"group_{group}"
            )
            train = optimizer.minimize(loss, counts[group])
            if member == 0:
                with tf.control_dependencies([train]):
                    train = tf.assign_add(total, 1, use_locking=True)
            hooks = [optimizer.make_session_run_hook(member == 0)]
            with tf.train.MonitoredTrainingSession(servers["worker", index].target, index == 0, hooks=hooks) as sess:
                for step in range(steps[group]):
                    data, labels = batch([group, step])
                    sess.run(train, {x: data[member::2], y: labels[member::2]})
                met.wait(30)
                return sess.run([w, total, *counts])

        met = threading.Barrier(groups * members)
        found = at_once(work, groups * members)
    for w, total, *counts in found:
        assert (total, counts) == (sum(steps), steps)
        np.testing.assert_allclose(w, WEIGHTS, atol=0.2)


@pytest.mark.parametrize(
    "strategy, expected",
    [
        (None, {"a": 0, "b": 1, "c": 0, "d": 1}),
        (tf.contrib.training.GreedyLoadBalancingStrategy, {"a": 0, "b": 1, "c": 1, "d": 1}),
    ],
)
def test_variables_are_spread_over_servers(strategy, expected):
    """In turn, or where there is most room; they are on these servers when they are used."""
    with cluster(ps=2, worker=1) as servers, tf.Graph().as_default():
        spec = servers["worker", 0].cluster
        greedy = strategy and strategy(2, tf.contrib.training.byte_size_load_fn)
        with tf.device(tf.train.replica_device_setter(cluster=spec, ps_strategy=greedy)):
            sizes = {"a": 100, "b": 10, "c": 20, "d": 30}
            variables = {name: tf.get_variable(name, [size]) for name, size in sizes.items()}
        with tf.Session(servers["worker", 0].target) as sess:
            sess.run(tf.global_variables_initializer())
            total = sess.run(tf.add_n([tf.reduce_sum(v) for v in variables.values()]))
        assert np.isfinite(total)
        for name, task in expected.items():
            assert variables[name].device == f"/job:ps/task:{task}"
        held = [nbytes_of(servers["ps", task]) for task in range(2)]
        per_task = [sum(4 * sizes[name] for name, t in expected.items() if t == task) for task in range(2)]
        assert held == per_task


def nbytes_of(server):
    return sum(storage.array.nbytes for storage in server.resources.variables.values())


@pytest.mark.parametrize(
    "partitioner, rows",
    [
        (tf.variable_axis_size_partitioner(max_shard_bytes=8 * 4 * 10), [10, 10, 10]),
        (tf.min_max_variable_partitioner(max_partitions=2, min_slice_size=400), [15, 15]),
        (tf.min_max_variable_partitioner(max_partitions=4, min_slice_size=1 << 20), [30]),
        (tf.fixed_size_partitioner(4), [8, 8, 7, 7]),
    ],
)
def test_parts_are_on_different_servers(partitioner, rows):
    """Each part is on the next server; lookups, gradients and updates are the whole variable's."""
    with cluster(ps=2, worker=1) as servers, tf.Graph().as_default():
        spec = servers["worker", 0].cluster
        with tf.device(tf.train.replica_device_setter(cluster=spec)):
            table = tf.get_variable("table", [30, 8], partitioner=partitioner)
            whole = tf.convert_to_tensor(table)
            ids = tf.constant([0, 29, 15, 29])
            found = tf.nn.embedding_lookup(table, ids, partition_strategy="div")
            train = tf.train.GradientDescentOptimizer(1.0).minimize(tf.reduce_sum(found))
        parts = list(table) if hasattr(table, "__iter__") and len(rows) > 1 else [table]
        assert [part.shape[0].value for part in parts] == rows
        assert [part.device for part in parts] == [f"/job:ps/task:{i % 2}" for i in range(len(rows))]
        with tf.Session(servers["worker", 0].target) as sess:
            sess.run(tf.global_variables_initializer())
            expected = sess.run(whole)
            np.testing.assert_array_equal(sess.run(found), expected[[0, 29, 15, 29]])
            sess.run(train)
            np.subtract.at(expected, [0, 29, 15, 29], 1)
            np.testing.assert_allclose(sess.run(whole), expected, rtol=1e-6)

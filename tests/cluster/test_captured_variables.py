"""Branches, loops and calls on one task that use the variables of others: values are read where they are and sent once."""

import numpy as np
import pytest

import headrace as tf

from .tasks import cluster

PS = "/job:ps/task:0"
KINDS = pytest.mark.parametrize("kind", [False, True], ids=["reference", "resource"])
WHERE = pytest.mark.parametrize("worker", [0, 1])


@pytest.fixture(scope="module")
def servers():
    with cluster(ps=2, worker=2) as found:
        yield found


@pytest.fixture
def session(servers):
    with tf.Graph().as_default(), tf.Session(servers["worker", 0].target) as session:
        yield session
    for server in servers.values():
        server.resources.clear()


def stages_of(session, fetches):
    return session._step(fetches, ()).compiled.stages


@KINDS
@WHERE
def test_a_branch_reads_a_variable_of_another_task(session, kind, worker):
    with tf.device(PS):
        v = tf.Variable([[1.0, 2.0], [3.0, 4.0]], use_resource=kind)
    with tf.device("/job:ps/task:1"):
        u = tf.Variable(10.0, use_resource=kind)
    with tf.device(f"/job:worker/task:{worker}"):
        p = tf.placeholder_with_default(True, ())
        result = tf.cond(p, lambda: tf.matmul(v, v) * u, lambda: v[0] + tf.cond(p, lambda: 0.0, lambda: u)[None])
    session.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(session.run(result), [[70, 100], [150, 220]])
    np.testing.assert_array_equal(session.run(result, {p: False}), [11, 12])
    tasks = {stage.task for stage in stages_of(session, result)}
    assert tasks == {("ps", 0), ("ps", 1), ("worker", worker)}
    session.run(tf.assign(u, 1.0))
    np.testing.assert_array_equal(session.run(result, {p: False}), [2, 3])


@KINDS
@WHERE
def test_a_loop_reads_a_variable_once_a_step(session, kind, worker):
    with tf.device(PS):
        v = tf.Variable([1.0, 2.0], use_resource=kind)
    with tf.device(f"/job:worker/task:{worker}"):
        result = tf.while_loop(lambda i, _: i < 5, lambda i, x: (i + 1, x + v), [0, tf.zeros(2)])[1]
        gradient = tf.gradients(result, v)[0]
    session.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(session.run([result, gradient]), [[5, 10], [5, 5]])
    assert len([s for s in stages_of(session, result) if s.task == ("ps", 0)]) == 1


@KINDS
@WHERE
def test_a_recurrent_network_with_weights_on_a_parameter_server_trains_as_in_one_process(session, kind, worker):
    def model():
        with tf.variable_scope("model", use_resource=kind, initializer=tf.constant_initializer(0.1)):
            x = tf.constant(np.linspace(-1, 1, 24).reshape(2, 4, 3).astype(np.float32))
            outputs, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.BasicRNNCell(5), x, dtype=tf.float32)
            loss = tf.reduce_sum(tf.square(outputs - 1))
            return loss, tf.train.GradientDescentOptimizer(0.05).minimize(loss), tf.trainable_variables()

    with tf.Graph().as_default(), tf.Session() as alone:
        loss, train, variables = model()
        alone.run(tf.global_variables_initializer())
        expected = [alone.run([loss, train])[0] for _ in range(3)], alone.run(variables)
    setter = tf.train.replica_device_setter(worker_device=f"/job:worker/task:{worker}", ps_tasks=2)
    with tf.device(setter):
        loss, train, variables = model()
    session.run(tf.global_variables_initializer())
    found = [session.run([loss, train])[0] for _ in range(3)], session.run(variables)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)
    for mine, wanted in zip(found[1], expected[1], strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-5)
    computing = [s.task for s in stages_of(session, [loss, train]) if any(op.type == "While" for op in s.operations)]
    assert set(computing) == {("worker", worker)}


@KINDS
def test_what_is_read_is_what_the_step_has_written_before(session, kind):
    with tf.device(PS):
        v = tf.Variable(1.0, use_resource=kind)
        written = tf.assign(v, 5.0).op
    with tf.device("/job:worker/task:1"):
        p = tf.placeholder_with_default(True, ())
        early = tf.cond(p, lambda: v * 1, lambda: 0.0)
        with tf.control_dependencies([written]):
            late = tf.cond(p, lambda: v.read_value() * 2, lambda: 0.0)
        with tf.control_dependencies([late]), tf.device(PS):
            again = tf.assign_add(v, 100.0).op
    session.run(tf.global_variables_initializer())
    assert session.run(late) == 10
    session.run(v.initializer)
    assert session.run([early, written])[0] == 1
    session.run(v.initializer)
    assert session.run([late, again])[0] == 10
    assert session.run(v) == 105


def test_a_branch_reads_before_an_unordered_write(session):
    with tf.device(PS):
        v = tf.Variable([1.0, 2.0], use_resource=True)
        change = tf.assign_add(v, [10.0, 10.0]).op
    with tf.device("/job:worker/task:1"):
        x = tf.random_uniform([2])
        result = tf.cond(tf.reduce_sum(x) > -1, lambda: v + 0 * x, lambda: x)
    session.run(tf.global_variables_initializer())
    for i in range(3):
        np.testing.assert_array_equal(session.run([result, change])[0], [1 + 10 * i, 2 + 10 * i])


@KINDS
def test_functions_that_write_run_where_the_variable_is(session, kind):
    with tf.device(PS):
        v = tf.Variable(1.0, use_resource=kind)
    with tf.device("/job:ps/task:1"):
        u = tf.Variable(10.0, use_resource=kind)
    with tf.device("/job:worker/task:1"):
        p = tf.placeholder_with_default(True, ())
        change = tf.cond(p, lambda: tf.assign_add(v, u.read_value()).op, tf.no_op)
        both = tf.cond(p, lambda: tf.group(tf.assign(v, 0.0), tf.assign(u, 0.0)), tf.no_op, name="both")
    session.run(tf.global_variables_initializer())
    session.run(change)
    assert session.run([v, u]) == [11, 10]
    match = r"both.*change 'Variable_1:0' of /job:ps/task:1 and 'Variable:0' of /job:ps/task:0"
    with pytest.raises(tf.errors.InvalidArgumentError, match=match):
        session.run(both)


@WHERE
def test_functions_called_by_name(session, worker):
    with tf.device(PS):
        v = tf.Variable([1.0, 2.0], use_resource=True)

    @tf.function.Defun(tf.float32)
    def twice(x):
        return x * v

    with tf.device(f"/job:worker/task:{worker}"):
        mapped = tf.map_fn(lambda x: x * v, tf.ones([3, 2]))
        called = twice(tf.constant([3.0, 4.0]))
    session.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(session.run(mapped), [[1, 2]] * 3)
    np.testing.assert_array_equal(session.run(called), [3, 8])


def test_what_needs_the_variable_itself_says_so(session):
    with tf.device(PS):
        v = tf.Variable(1.0, use_resource=True, name="weights")
    with tf.device("/job:worker/task:1"):
        p = tf.placeholder_with_default(True, ())
        known = tf.cond(p, lambda: tf.is_variable_initialized(v), lambda: True)
    session.run(tf.global_variables_initializer())
    with pytest.raises(tf.errors.UnimplementedError, match=r"needs the variable .* itself"):
        session.run(known)

"""Steps of several tasks: the same results as in one process, whatever is where, and nothing left behind."""

import gc
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import headrace as tf
from headrace.cluster.messages import Kind, Message, decode, encode

from ..engine.test_random_graphs import Generator, results
from ..engine.test_raw_control import raw_loop
from .tasks import cluster, left_over

WORKER, PS = "/job:worker/task:0", "/job:ps/task:0"


@pytest.fixture(scope="module")
def servers():
    with cluster(ps=2, worker=2) as found:
        yield found
        assert left_over(found) == 0


@pytest.fixture
def session(servers):
    """A session of worker 0 on a graph of its own."""
    with tf.Graph().as_default(), tf.Session(servers["worker", 0].target) as session:
        yield session
    for server in servers.values():
        server.resources.clear()


# Listings 13 to 15 in one process


def test_between_graph_replication(servers):
    def work(index):
        with tf.Graph().as_default():
            with tf.device("/job:ps/task:0/cpu:0"):
                w, b = tf.Variable(tf.zeros([3, 1])), tf.Variable(tf.zeros([1]))
                step = tf.train.get_or_create_global_step()
            with tf.device(f"/job:worker/task:{index}/cpu:0"):
                x, y = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.float32, [None, 1])
                loss = tf.reduce_mean(tf.square(tf.matmul(x, w) + b - y))
                train = tf.train.GradientDescentOptimizer(0.1).minimize(loss, global_step=step)
            rng = np.random.default_rng(index)
            with tf.train.MonitoredTrainingSession(servers["worker", index].target, index == 0) as session:
                for _ in range(150):
                    a = rng.normal(size=(32, 3)).astype(np.float32)
                    session.run(train, {x: a, y: a @ np.array([[1.0], [2.0], [3.0]], np.float32) + 4})
                found[index] = session.run([w, b, step])

    found = {}
    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(found) == [0, 1]
    assert max(step for _, _, step in found.values()) == 300, "an update is lost"
    for w, b, _ in found.values():
        np.testing.assert_allclose(w[:, 0], [1, 2, 3], atol=0.05)
        np.testing.assert_allclose(b, [4], atol=0.05)
    for server in servers.values():
        server.resources.clear()


def test_in_graph_replication(session):
    x = tf.placeholder(tf.float32, [8, 3])
    parts = tf.split(x, 2)
    with tf.device(PS):
        w, b = tf.Variable(tf.ones([3, 2])), tf.Variable(tf.zeros([2]))
    outputs = []
    for i in range(2):
        with tf.device(f"/job:worker/task:{i}/cpu:0"):
            outputs.append(tf.matmul(parts[i], w) + b)
    loss = tf.add_n([tf.reduce_sum(tf.square(output)) for output in outputs])
    train = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    data = np.arange(24, dtype=np.float32).reshape(8, 3) / 24
    session.run(tf.global_variables_initializer())
    np.testing.assert_allclose(session.run(loss, {x: data}), np.square(data @ np.ones((3, 2))).sum(), rtol=1e-5)
    session.run(train, {x: data})
    gradient = data.T @ (2 * data @ np.ones((3, 2)))
    np.testing.assert_allclose(session.run(w), 1 - 0.01 * gradient, rtol=1e-4)


def test_model_parallelism(session):
    rng = np.random.default_rng(0)
    data = rng.normal(size=(64, 5)).astype(np.float32)
    classes = (data[:, 0] + data[:, 1] > 0).astype(np.int64)
    x, labels = tf.placeholder(tf.float32, [None, 5]), tf.placeholder(tf.int64, [None])
    weights, layer = [], x
    for i, (n, m) in enumerate([(5, 16), (16, 2)]):
        with tf.device(f"/job:ps/task:{i}"):
            weights.append((tf.Variable(tf.random_normal([n, m], stddev=0.3, seed=i)), tf.Variable(tf.zeros([m]))))
        with tf.device(f"/job:worker/task:{i}"):
            layer = tf.matmul(layer, weights[i][0]) + weights[i][1]
            layer = tf.nn.relu(layer) if i == 0 else layer
    with tf.device("/job:worker/task:1"):
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=layer))
        train = tf.train.AdamOptimizer(0.05).minimize(loss)
    session.run(tf.global_variables_initializer())
    feed = {x: data, labels: classes}
    first = session.run(loss, feed)
    for _ in range(100):
        session.run(train, feed)
    assert session.run(loss, feed) < 0.2 * first


# Random graphs


class WithFunctions(Generator):
    """Grows branches and loops too, which capture tensors and variables."""

    def nothing(self):
        x, v = self.pick(), self.variables[self.rng.integers(2)][0]
        if self.rng.random() < 0.5:
            return tf.cond(tf.reduce_sum(x) > 0, lambda: x + tf.reduce_sum(v), lambda: x * 2)
        return tf.cond(tf.reduce_sum(v) > 0, lambda: x + tf.identity(v)[(0,) * v.shape.ndims], lambda: x - 1)

    def constants(self):
        x, v = self.pick(), self.variables[self.rng.integers(2)][0]
        return tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tf.tanh(y) + tf.reduce_max(v)), [0, x])[1]


@given(st.integers(0, 2**40))
@settings(max_examples=25, deadline=None)
def test_a_graph_cut_at_random_gives_what_one_session_gives(servers, seed):
    cut_at_random(servers, seed)


@pytest.mark.long
@pytest.mark.parametrize("part", range(10))
def test_many_graphs_cut_at_random(servers, part):
    for seed in range(part * 100, part * 100 + 100):
        cut_at_random(servers, seed)


def cut_at_random(servers, seed):
    with tf.Graph().as_default() as graph:
        generator = (WithFunctions if seed % 2 else Generator)(seed)
        generator.grow(int(generator.rng.integers(5, 30)))
        chosen = [t for t in generator.pool if generator.rng.random() < 0.3] + generator.pool[-1:]
        expected = results(generator, chosen, {})
        tasks = [f"/job:{job}/task:{index}" for job, index in servers]
        for op in graph.get_operations():
            if generator.rng.random() < 0.8:
                op.device = tasks[generator.rng.integers(len(tasks))]
        actual = results(generator, chosen, {"target": servers["worker", 0].target})
    for server in servers.values():
        server.resources.clear()
    for run, (mine, wanted) in enumerate(zip(actual, expected, strict=True)):
        for i, (a, b) in enumerate(zip(mine, wanted, strict=True)):
            assert np.shape(a) == np.shape(b) and type(a) is type(b), f"seed {seed}, run {run}, fetch {i}"
            scale = 1 + np.abs(b)[np.isfinite(b)].max(initial=0)
            np.testing.assert_allclose(a, b, 1e-9, 1e-9 * scale, err_msg=f"seed {seed}, run {run}, {i}")


# Values


@pytest.mark.parametrize(
    "value",
    [
        np.array([[b"a", b""], [b"\0\xff", b"long" * 100]], object),
        np.array(b"one", object),
        np.arange(6).astype(tf.bfloat16.as_numpy_dtype).reshape(2, 3),
        np.zeros((0, 3), np.float32),
        np.zeros((2, 0), object),
        np.array(2 + 3j, np.complex64),
        np.array([True, False]),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.float16(1.5),
    ],
    ids=lambda v: f"{v.dtype}{v.shape}",
)
def test_values_of_all_kinds_travel(session, value):
    dtype = tf.string if value.dtype == object else tf.as_dtype(value.dtype)
    fed = tf.placeholder(dtype, value.shape)
    with tf.device(PS):
        there = tf.identity(fed)
    with tf.device("/job:worker/task:1"):
        further = tf.identity(there)
    back = tf.identity(further)
    with tf.Session("") as plain:
        alone = plain.run(tf.identity(fed), {fed: value})
    for found in session.run([there, further, back], {fed: value}):
        assert type(found) is type(alone)
        np.testing.assert_array_equal(found, alone)
        assert np.asarray(found).dtype == np.asarray(alone).dtype


def test_feeds_go_where_they_are_needed_and_in_the_place_of_what_is_computed(session):
    with tf.device(PS):
        a = tf.constant(1.0) + 1
    with tf.device("/job:worker/task:1"):
        b = a * 10
    assert session.run([a, b]) == [2.0, 20.0]
    assert session.run([a, b], {a: 5.0}) == [5.0, 50.0]
    assert session.run([b, a], {b: 7.0}) == [7.0, 2.0]
    assert session.run({"b": b, "a": [a, a]}, {a: 1, b: 2}) == {"b": 2.0, "a": [1.0, 1.0]}


@pytest.mark.parametrize("kind", [False, True], ids=["reference", "resource"])
def test_control_dependencies_cross_tasks(session, kind):
    with tf.device(PS):
        v = tf.Variable(1.0, use_resource=kind)
    with tf.device("/job:ps/task:1"):
        u = tf.Variable(10.0, use_resource=kind)
    with tf.control_dependencies([tf.assign_add(v, 1.0).op]), tf.device("/job:worker/task:1"):
        with tf.control_dependencies([tf.constant(0.0) + 1.0, tf.no_op()]):
            changed = tf.assign(u, v.read_value() * 2).op
    with tf.control_dependencies([changed]):
        last = v.read_value() + u.read_value()
    session.run(tf.global_variables_initializer())
    assert session.run(last) == 2 + 4
    assert session.run([v, u]) == [2, 4]
    assert session.run([last, last.op, changed])[0] == 3 + 6


def test_random_numbers_are_those_of_one_process(session):
    def numbers():
        return tf.random_normal([3], seed=7, name="numbers")

    with tf.device("/job:ps/task:1"):
        there = numbers()
    with tf.Graph().as_default(), tf.Session() as alone:
        expected = numbers()
        for _ in range(2):
            np.testing.assert_array_equal(session.run(there), alone.run(expected))


# State that is waited for


def test_queues_between_clients(servers):
    def graph():
        with tf.device("/job:ps/task:1"):
            queue = tf.FIFOQueue(2, tf.int32, shapes=(), shared_name="numbers")
            value = tf.placeholder(tf.int32, ())
            return value, queue.enqueue(value), queue.dequeue(), queue.close()

    def take(index):
        with tf.Graph().as_default(), tf.Session(servers["worker", index].target) as session:
            _, _, dequeue, _ = graph()
            try:
                while True:
                    taken.append(session.run(dequeue))
            except tf.errors.OutOfRangeError:
                ended.append(index)

    taken, ended = [], []
    threads = [threading.Thread(target=take, args=(i % 2,)) for i in range(4)]
    with tf.Graph().as_default(), tf.Session(servers["worker", 0].target) as session:
        value, enqueue, _, close = graph()
        for thread in threads:
            thread.start()
        for i in range(60):
            session.run(enqueue, {value: i})
        session.run(close)
    for thread in threads:
        thread.join(30)
    assert sorted(taken) == list(range(60))
    assert len(ended) == 4
    servers["ps", 1].resources.clear()


def test_accumulators_on_another_task(session):
    with tf.device(PS):
        accumulator = tf.ConditionalAccumulator(tf.float32, shape=[2], shared_name="sum")
    gradient = tf.placeholder(tf.float32, [2])
    add, mean = accumulator.apply_grad(gradient), accumulator.take_grad(2)
    found = []
    thread = threading.Thread(target=lambda: found.append(session.run(mean)))
    thread.start()
    for value in ([1, 2], [3, 6]):
        session.run(add, {gradient: value})
    thread.join(30)
    np.testing.assert_array_equal(found[0], [2, 4])


def test_a_queue_in_a_branch_does_not_stop_its_server(session):
    with tf.device(PS):
        queue = tf.FIFOQueue(1, tf.int32, shapes=(), shared_name="one")
        taken = tf.cond(tf.placeholder_with_default(True, ()), queue.dequeue, lambda: tf.constant(-1))
        put = queue.enqueue(3)
    found = []
    thread = threading.Thread(target=lambda: found.append(session.run(taken)))
    thread.start()
    time.sleep(0.05)
    session.run(put)
    thread.join(30)
    assert found == [3]


# Loops of raw control flow


@pytest.mark.parametrize("task", ["/job:worker/task:0", "/job:worker/task:1"])
def test_a_raw_loop_runs_on_one_task(session, task):
    with tf.device(task):
        x = tf.placeholder(tf.float32, ())
        result = raw_loop(
            "loop", [x], [tf.constant(3.0), tf.constant(100.0)], lambda m, c: m[0] < c[1], lambda m, c: [m[0] * c[0]]
        )[0]
    assert session.run(result, {x: 2}) == 162
    with tf.device(PS):
        further = result + 1
    with pytest.raises(tf.errors.UnimplementedError, match=r"loop of raw control flow.*on /job:ps/task:0, /job:worker"):
        session.run(further, {x: 2})


def test_partial_runs_are_on_one_task(session):
    x = tf.placeholder(tf.float32, ())
    with tf.device(PS):
        there = x + 1
    here = x * 2
    handle = session.partial_run_setup(here, [x])
    assert session.partial_run(handle, here, {x: 4}) == 8
    with pytest.raises(tf.errors.InvalidArgumentError, match="Cannot assign a device"):
        session.partial_run_setup(there, [x])


# Errors and ends


def test_errors_name_operation_line_and_task(session):
    x = tf.placeholder(tf.float32, [None])
    with tf.device("/job:worker/task:1"):
        checked = tf.check_numerics(x, "bad numbers", name="gate")
    with tf.device(PS):
        y = checked + 1.0
    with pytest.raises(tf.errors.InvalidArgumentError, match="bad numbers") as caught:
        session.run(y, {x: [np.nan]})
    assert "gate" in str(caught.value) and "/job:worker/task:1" in str(caught.value)
    assert "test_cluster_steps.py" in str(caught.value)
    assert caught.value.op is checked.op
    np.testing.assert_array_equal(session.run(y, {x: [1]}), [2])


def test_an_uninitialized_variable_of_another_task(session):
    with tf.device(PS):
        v = tf.Variable(1.0, name="weights")
    with pytest.raises(tf.errors.FailedPreconditionError, match=r"uninitialized value weights.*\(on /job:ps/task:0\)"):
        session.run(v + 1)
    assert session.run(tf.report_uninitialized_variables()).tolist() == [b"weights"]


def test_a_task_that_there_is_not(session):
    with tf.device("/job:ps/task:7"):
        a = tf.constant(1) + 1
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"job:ps/task:7.*cluster has no such task"):
        session.run(a)


def test_python_functions_stay_at_home(session):
    here = tf.py_func(lambda: np.float32(3), [], tf.float32)
    with tf.device(PS):
        there = here * 2
        wrong = tf.py_func(lambda: np.float32(3), [], tf.float32)
    assert session.run(there) == 6
    with pytest.raises(tf.errors.UnimplementedError, match=r"calls Python of this process.*/job:ps/task:0"):
        session.run(wrong)


def test_runs_that_time_out_leave_nothing(servers, session):
    with tf.device(PS):
        queue = tf.FIFOQueue(1, tf.float32, shapes=(), shared_name="empty")
        taken = queue.dequeue()
    with tf.device("/job:worker/task:1"):
        result = taken + 1
    options = tf.RunOptions(timeout_in_ms=30)
    start = time.monotonic()
    for _ in range(5):
        with pytest.raises(tf.errors.DeadlineExceededError, match="Timed out"):
            session.run(result, options=options)
    assert time.monotonic() - start < 30
    assert left_over(servers) == 0
    session.run(queue.enqueue(1.0))
    # No run that was given up takes the element away.
    assert session.run(result) == 2


def test_closing_a_session_ends_its_runs(servers):
    with tf.Graph().as_default(), tf.device(PS):
        queue = tf.FIFOQueue(1, tf.float32, shapes=(), shared_name="never")
        taken = queue.dequeue()
        session = tf.Session(servers["worker", 0].target)
        found = []

        def wait():
            with pytest.raises(tf.errors.CancelledError) as caught:
                session.run(taken)
            found.append(caught.value)

        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.05)
        session.close()
        thread.join(30)
    assert found
    assert left_over(servers) == 0


def test_a_task_that_ends_fails_the_runs_that_wait_for_it():
    with cluster(ps=1, worker=1) as servers, tf.Graph().as_default():
        with tf.device(PS):
            taken = tf.FIFOQueue(1, tf.float32, shapes=(), shared_name="never").dequeue()
            one = tf.constant(1.0) + 0.0
        with tf.Session(servers["worker", 0].target) as session:
            assert session.run(one) == 1
            threading.Timer(0.1, servers["ps", 0].stop).start()
            # Its own last word, or ours.
            with pytest.raises((tf.errors.CancelledError, tf.errors.NotFoundError), match="/job:ps/task:0"):
                session.run(taken)
            with pytest.raises(tf.errors.NotFoundError, match=r"task has ended.*/job:ps/task:0"):
                session.run(one)


def test_a_stage_here_that_waits_ends_when_another_task_fails(servers, session):
    with tf.device(PS):
        number = tf.placeholder(tf.int32, ())
        divided = tf.constant(1) // number
    with tf.device(WORKER):
        queue = tf.FIFOQueue(1, tf.float32, shapes=(), shared_name="local")
        taken = queue.dequeue()
    for _ in range(3):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?i)division by zero"):
            session.run([taken, divided], {number: 0})
    # What comes while it waits is not lost.
    for value in range(20):
        thread = threading.Timer(0.002, session.run, [queue.enqueue(float(value))])
        thread.start()
        assert session.run([taken, divided], {number: 1}) == [value, 1]
        thread.join()
    assert left_over(servers) == 0


def test_tasks_forget_the_steps_of_closed_sessions(servers):
    gc.collect()
    machines = [server._service.machine for server in servers.values()]
    with tf.Graph().as_default():
        with tf.device(PS):
            a = tf.constant(1) + 1
        with tf.Session(servers["worker", 0].target) as session:
            call = session.make_callable(a)
            assert session.run(a) == call() == 2
            assert sum(machine.step_count for machine in machines) >= 2
        del call
    until = time.monotonic() + 5
    while any(machine.step_count for machine in machines) and time.monotonic() < until:
        time.sleep(0.005)
    assert [machine.step_count for machine in machines] == [0] * len(machines)
    assert not any(server._service._programs for server in servers.values())


def test_many_threads_run_one_step(session):
    with tf.device(PS):
        count = tf.Variable(0)
        more = tf.assign_add(count, 1, use_locking=True)
    with tf.device("/job:worker/task:1"):
        x = tf.placeholder(tf.int32, ())
        result = x * 2
    session.run(count.initializer)
    found = {}

    def work(i):
        for j in range(20):
            found[i, j] = session.run([result, more], {x: 100 * i + j})[0]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == {(i, j): 200 * i + 2 * j for i in range(4) for j in range(20)}
    assert session.run(count) == 80


# Messages


def test_damaged_messages_are_told_from_others():
    data = encode(Message(Kind.DATA, 1, 2, 3, 4, [5, 6], [np.arange(3.0), np.array([b"ab", b""], object)]))
    for damaged in (data[:10], data[:-64], data[:39]):
        with pytest.raises(tf.errors.DataLossError, match="cannot be read"):
            decode(damaged)
    for place, byte in [(0, 99), (32, 200), (41, 0)]:
        broken = data.copy()
        broken[place] = byte
        with pytest.raises(tf.errors.DataLossError, match="cannot be read"):
            decode(broken)


@given(st.binary(max_size=200), st.integers(0, 199), st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_bytes_that_are_no_message_are_an_error(noise, place, byte):
    data = encode(Message(Kind.RUN, 1, 2, 3, 0, [5, 6], [np.arange(3, dtype=np.int8), np.array([b"ab", b""], object)]))
    data[place % data.size] = byte
    for raw in (data, np.frombuffer(noise, np.uint8)):
        try:
            message = decode(raw)
        except tf.errors.DataLossError:
            continue
        assert len(message.ids) == len(message.values)

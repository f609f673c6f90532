"""Whole programs on the simulated device: the CPU's results, replays, errors, variables on both sides, threads and memory."""

import gc
import os
import threading

import numpy as np
import pytest

import headrace as tf
from headrace.engine.gpu.find import find_device
from headrace.engine.gpu.memory import ledger_of
from headrace.engine.nest import flatten
from headrace.engine.resources import ResourceStore

rng = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def simulated(sim, monkeypatch):
    monkeypatch.setenv("HEADRACE_GPU", os.environ.get("HEADRACE_TEST_DEVICE", "sim"))


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(7)
        yield graph


def agree(fetches, feeds=None, steps=1, targets=(), tolerance=1e-5):
    """Runs on both; gives what the GPU's session says of its program."""
    found = {}
    for backend in ("cpu", "gpu"):
        with tf.Session(backend=backend) as session:
            session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
            values = [session.run([fetches, *targets], feeds)[0] for _ in range(steps)]
            found[backend] = [*values, session.run(tf.global_variables())]
            text = session.explain([fetches, *targets], feeds)
    for mine, wanted in zip(flatten(found["gpu"]), flatten(found["cpu"]), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=tolerance, atol=tolerance)
    return text


def classifier(x, y, hidden=32):
    h = tf.layers.dense(x, hidden, activation=tf.nn.relu)
    return tf.losses.sparse_softmax_cross_entropy(y, tf.layers.dense(h, 10))


def batch(count=16, width=20):
    return rng.normal(size=(count, width)).astype(np.float32), rng.integers(0, 10, count)


def test_a_classifier_trains_as_on_the_cpu_in_one_segment():
    x, y = tf.placeholder(tf.float32, [None, 20]), tf.placeholder(tf.int64, [None])
    loss = classifier(x, y)
    step = tf.train.AdamOptimizer(0.01).minimize(loss, tf.train.get_or_create_global_step())
    images, labels = batch()
    text = agree(loss, {x: images, y: labels}, 6, [step])
    assert "NumPy" not in text and "segment 0: steps 0 to" in text and "segment 1" not in text


def test_a_convolutional_network_trains_as_on_the_cpu():
    x, y = tf.placeholder(tf.float32, [None, 8, 8, 2]), tf.placeholder(tf.int64, [None])
    h = tf.layers.max_pooling2d(tf.layers.conv2d(x, 4, 3, padding="same", activation=tf.nn.relu), 2, 2)
    loss = classifier(tf.layers.flatten(h), y, 12)
    step = tf.train.MomentumOptimizer(0.05, 0.9).minimize(loss)
    images = rng.normal(size=(6, 8, 8, 2)).astype(np.float32)
    agree(loss, {x: images, y: rng.integers(0, 10, 6)}, 3, [step], tolerance=1e-4)


def test_replays_equal_plain_runs_bit_for_bit():
    x, y = tf.placeholder(tf.float32, [None, 20]), tf.placeholder(tf.int64, [None])
    loss = classifier(tf.nn.dropout(x, keep_prob=0.5, seed=3), y)
    step = tf.train.AdagradOptimizer(0.1).minimize(loss)
    batches, found = [batch() for _ in range(4)], []
    for fresh in (False, True):
        with tf.Session(backend="gpu") as session:
            session.run(tf.global_variables_initializer())
            losses = []
            for images, labels in batches:
                if fresh:
                    session._steps.clear()
                losses.append(session.run([loss, step], {x: images, y: labels})[0])
            found.append((losses, session.run(tf.global_variables())))
    for mine, wanted in zip(flatten(found[0]), flatten(found[1]), strict=True):
        np.testing.assert_array_equal(mine, wanted)


def test_feeds_of_changing_shapes():
    x, y = tf.placeholder(tf.float32, [None, 20]), tf.placeholder(tf.int64, [None])
    loss = classifier(x, y)
    with tf.Session(backend="gpu") as gpu, tf.Session(backend="cpu") as cpu:
        for session in (gpu, cpu):
            session.run(tf.global_variables_initializer())
        for count in (1, 5, 16, 5, 1):
            images, labels = batch(count)
            feeds = {x: images[:, ::-1], y: labels.astype(np.int32)}
            np.testing.assert_allclose(gpu.run(loss, feeds), cpu.run(loss, feeds), rtol=1e-5)


def test_control_flow_runs_its_functions_on_the_device():
    x = tf.placeholder(tf.float32, [4, 4])
    state = tf.get_variable("state", [4, 4], initializer=tf.zeros_initializer())

    def body(i, total):
        with tf.control_dependencies([state.assign_add(total)]):
            return i + 1, tf.matmul(total, x) * 0.5

    _, total = tf.while_loop(lambda i, _: i < 3, body, [tf.constant(0), x])
    chosen = tf.cond(tf.reduce_sum(total) > 0, lambda: tf.tanh(total), lambda: total - 1.0)
    agree([chosen, tf.gradients(chosen, x)[0]], {x: rng.normal(size=(4, 4))}, 3, tolerance=1e-4)


def test_steps_without_kernels_run_on_the_cpu_between_segments():
    x = tf.placeholder(tf.float32, [3, 4])
    doubled = tf.py_func(lambda value: value * 2, [tf.tanh(x)], tf.float32)
    doubled.set_shape([3, 4])
    with tf.device("/cpu:0"):
        pinned = tf.exp(doubled * 0.1)
    result = tf.reduce_sum(pinned * x, axis=1)
    few = tf.size(tf.where(result > 0))
    text = agree([result, few, result * 2.0], {x: rng.normal(size=(3, 4))}, 3)
    assert "placed on" in text and "segment 1" in text and "[GPU]" in text


def test_a_variable_has_its_newest_value_on_both_sides():
    v = tf.get_variable("v", initializer=np.arange(6, dtype=np.float32).reshape(2, 3))
    row = tf.placeholder(tf.float32, [2, 3])
    add = v.assign_add(row)
    with tf.device("/cpu:0"):
        double = v.assign(v * 2.0)
    with tf.Session(backend="gpu") as session:
        session.run(v.initializer)
        expected = np.arange(6, dtype=np.float32).reshape(2, 3)
        for i in range(3):
            session.run(add.op, {row: np.full((2, 3), i)})
            expected += i
            np.testing.assert_array_equal(session.run(v), expected)
            session.run(double.op)
            expected *= 2
            np.testing.assert_array_equal(session.run(v[1] + 0.0), expected[1])
        v.load(np.ones((2, 3), np.float32), session)
        np.testing.assert_array_equal(session.run(add, {row: np.ones((2, 3))}), np.full((2, 3), 2))


def test_sessions_of_both_kinds_share_a_store():
    v = tf.get_variable("v", initializer=np.zeros(3, np.float32))
    add = v.assign_add([1.0, 2.0, 3.0])
    store = ResourceStore()
    with tf.Session(backend="gpu", resources=store) as gpu, tf.Session(backend="cpu", resources=store) as cpu:
        with tf.Session(backend="reference", resources=store) as reference:
            cpu.run(v.initializer)
            for count, session in enumerate([gpu, cpu, gpu, reference, cpu, gpu, gpu, cpu, reference], 1):
                session.run(add.op)
                np.testing.assert_array_equal(session.run(v), np.array([1, 2, 3]) * count)
            for count, session in enumerate([reference, gpu, cpu, gpu]):
                gpu.run(add.op)
                v.load(np.full(3, count, np.float32), session)
                np.testing.assert_array_equal(store.variables["v"].read(), np.full(3, count))
                np.testing.assert_array_equal(gpu.run(v + 1.0), np.full(3, count + 1))


def test_checkpoints_go_from_one_to_the_other(tmp_path):
    x, y = tf.placeholder(tf.float32, [None, 20]), tf.placeholder(tf.int64, [None])
    loss = classifier(x, y)
    step = tf.train.AdamOptimizer(0.01).minimize(loss)
    images, labels = batch()
    saver, feeds, losses = tf.train.Saver(), {x: images, y: labels}, []
    for run, backend in enumerate(["gpu", "cpu", "gpu"]):
        with tf.Session(backend=backend) as session:
            if run:
                session.run(tf.global_variables_initializer())
                session.run([step], feeds)
                saver.restore(session, str(tmp_path / f"model-{run - 1}"))
            else:
                session.run(tf.global_variables_initializer())
            losses += [session.run([loss, step], feeds)[0] for _ in range(2)]
            saver.save(session, str(tmp_path / f"model-{run}"))
    with tf.Session(backend="cpu") as session:
        session.run(tf.global_variables_initializer())
        expected = [session.run([loss, step], feeds)[0] for _ in range(6)]
    np.testing.assert_allclose(losses, expected, rtol=1e-4)


def test_threads_lose_no_update():
    v = tf.get_variable("v", initializer=np.zeros(4, np.float32))
    x = tf.placeholder(tf.float32, [4])
    add = v.assign_add(x)
    with tf.Session(backend="gpu") as session:
        session.run(v.initializer)
        work = [
            threading.Thread(target=lambda: [session.run(add.op, {x: np.ones(4)}) for _ in range(20)]) for _ in range(4)
        ]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
        np.testing.assert_array_equal(session.run(v), np.full(4, 80))


@pytest.mark.parametrize("first", [True, False])
def test_an_index_out_of_range_raises_as_on_the_cpu_and_changes_nothing(first):
    table = tf.get_variable("table", initializer=rng.normal(size=(5, 3)).astype(np.float32))
    ids, x = tf.placeholder(tf.int32, [4]), tf.placeholder(tf.float32, [4, 3])
    loss = tf.reduce_sum(tf.gather(table, ids if first else ids + 0) * tf.tanh(x * 2.0))
    step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    good, bad = ({ids: i, x: np.ones((4, 3))} for i in ([0, 1, 4, 1], [0, 7, 1, 1]))
    texts = []
    for backend in ("cpu", "gpu"):
        with tf.Session(backend=backend) as session:
            session.run(table.initializer)
            for _ in range(3):
                session.run([loss, step], good)
                before = session.run(table)
                with pytest.raises(tf.errors.InvalidArgumentError) as error:
                    session.run([loss, step], bad)
                np.testing.assert_array_equal(session.run(table), before)
            texts.append((error.value.message, error.value.op))
    assert texts[0] == texts[1] and "7" in texts[0][0]


def test_no_program_reads_what_it_has_not_written():
    # Freed and fresh memory of the simulated device is full of NaN.
    x = tf.placeholder(tf.float32, [8, 8])
    h = x
    for i in range(6):
        h = tf.nn.softmax(tf.matmul(tf.tanh(h), x) + float(i))
    with tf.Session(backend="gpu") as session:
        for _ in range(3):
            assert np.isfinite(session.run([h, tf.transpose(h)[1:3]], {x: rng.normal(size=(8, 8))})[0]).all()


def test_memory_is_given_back():
    device = find_device()
    gc.collect()
    before = ledger_of(device).used, device.memory()[0]
    v = tf.get_variable("v", initializer=np.zeros((64, 64), np.float32))
    x = tf.placeholder(tf.float32, [64, 64])
    step = v.assign_add(tf.matmul(x, x) + 1.0)
    session = tf.Session(backend="gpu")
    session.run(v.initializer)
    session.run(step, {x: np.eye(64)})
    assert ledger_of(device).used > before[0] + 64 * 64 * 4
    store = session.runtime.resources
    session.close()
    gc.collect()
    assert (ledger_of(device).used, device.memory()[0]) == before
    # The values are still there.
    np.testing.assert_array_equal(store.variables["v"].read(), np.eye(64) + 1)


def test_too_little_memory_names_the_largest_tensors(monkeypatch):
    x = tf.placeholder(tf.float32, [200, 300], name="images")
    wide = tf.matmul(x, tf.ones([300, 5000]), name="wide")
    total = tf.reduce_sum(tf.nn.softmax(wide))
    monkeypatch.setattr(ledger_of(find_device()), "limit", ledger_of(find_device()).used + (1 << 20))
    with tf.Session(backend="gpu") as session, pytest.raises(tf.errors.ResourceExhaustedError) as error:
        session.run(total, {x: np.ones((200, 300))})
    assert "4000000 bytes  float32[200, 5000]" in error.value.message and "wide" in error.value.message


def test_programs_that_wait_make_room_for_others(monkeypatch):
    x = tf.placeholder(tf.float32, [None, 1000])
    total = tf.reduce_sum(tf.nn.softmax(tf.sinh(x)), axis=0)[:2]
    ledger = ledger_of(find_device())
    gc.collect()
    monkeypatch.setattr(ledger, "limit", ledger.used + 7_000_000)
    with tf.Session(backend="gpu") as session:
        for rows in (400, 500, 600, 400, 500):
            np.testing.assert_allclose(session.run(total, {x: np.ones((rows, 1000))}), [rows / 1000] * 2, rtol=1e-5)


def test_programs_that_wait_make_room_for_one_that_is_bound_again(monkeypatch):
    x = tf.placeholder(tf.float32, [None, 1000])
    scale = tf.get_variable("scale", initializer=1.0)
    other = tf.Variable([1.0, 2.0], validate_shape=False)
    longer = tf.assign(other, [1.0, 2.0, 3.0], validate_shape=False)
    total = tf.reduce_sum(tf.nn.softmax(tf.sinh(x) * scale), axis=0)[:2]
    ledger = ledger_of(find_device())
    gc.collect()
    with tf.Session(backend="gpu") as session:
        session.run([scale.initializer, other.initializer])
        for rows in (400, 500):
            session.run(total, {x: np.ones((rows, 1000))})
        # A variable of another shape: programs are bound anew at their next run.
        session.run(longer.op)
        monkeypatch.setattr(ledger, "limit", ledger.used - 1_000_000)
        for rows in (400, 500, 400):
            np.testing.assert_allclose(session.run(total, {x: np.ones((rows, 1000))}), [rows / 1000] * 2, rtol=1e-5)


def test_constants_of_programs_that_wait_make_room_too(monkeypatch):
    x = tf.placeholder(tf.float32, [None, 100])
    # Once the shape is known, this is folded to a constant of the plan.
    table = tf.cumsum(tf.ones_like(x), axis=1)
    total = tf.reduce_sum(tf.sinh(x) * table, axis=0)[:2]
    ledger = ledger_of(find_device())
    gc.collect()
    monkeypatch.setattr(ledger, "limit", ledger.used + 1_100_000)
    with tf.Session(backend="gpu") as session:
        for rows in (400, 500, 600, 640, 400, 500):
            found = session.run(total, {x: np.ones((rows, 100))})
            np.testing.assert_allclose(found, np.sinh(1) * rows * np.arange(1, 3), rtol=1e-5)


def test_traced_runs_name_the_device():
    x = tf.placeholder(tf.float32, [4, 4], name="x")
    y = tf.matmul(tf.tanh(x), x, name="y")
    metadata = tf.RunMetadata()
    with tf.Session(backend="gpu") as session:
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        session.run(y, {x: np.eye(4)}, options=options, run_metadata=metadata)
    names = {d.device: [s.node_name for s in d.node_stats] for d in metadata.step_stats.dev_stats}
    assert "y" in names["/job:localhost/replica:0/task:0/device:GPU:0"]

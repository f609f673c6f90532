"""Launches that are alike as one launch: the same results, in fewer calls, and nothing joined that must wait."""

import os

import numpy as np
import pytest

import headrace as tf

rng = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def simulated(sim, monkeypatch):
    monkeypatch.setenv("HEADRACE_GPU", os.environ.get("HEADRACE_TEST_DEVICE", "sim"))
    with tf.Graph().as_default():
        yield


def agree(fetches, feeds=None, steps=2, **options):
    """Runs on both; gives the number of calls of each segment on the GPU."""
    found = {}
    for backend in ("cpu", "gpu"):
        with tf.Session(backend=backend, **options) as session:
            session.run(tf.global_variables_initializer())
            values = [session.run(fetches, feeds) for _ in range(steps)][-1]
            found[backend] = [x for x in values if x is not None] + session.run(tf.global_variables())
            text = session.explain(fetches, feeds)
    for mine, wanted in zip(found["gpu"], found["cpu"], strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-2 if options else 1e-5, atol=1e-2 if options else 1e-6)
    return [int(line.split()[-2]) for line in text.splitlines() if line.strip().startswith("segment")]


def variables(*shapes):
    return [tf.get_variable(f"v{i}", initializer=rng.normal(size=s).astype("f")) for i, s in enumerate(shapes)]


def test_moving_averages_are_two_launches():
    averages = variables((8,), (5,), (300,), (2, 6), (7,), (1030,))
    values = [
        tf.constant(rng.normal(size=v.shape).astype("f")) * tf.placeholder_with_default(2.0, []) for v in averages
    ]
    updates = [v.assign_sub((v - x) * 0.1) for v, x in zip(averages, values, strict=True)]
    # Whole packs of four elements have a kernel, others another.
    assert sum(agree([tf.group(*updates)])) <= 6


def test_rows_of_many_tables_are_one_launch():
    tables = variables(*[(20 + i, 4) for i in range(9)])
    ids = tf.placeholder(tf.int32, [None, 9])
    rows = [tf.nn.embedding_lookup(t, i) for t, i in zip(tables, tf.unstack(ids, axis=1), strict=True)]
    feeds = {ids: rng.integers(0, 20, (6, 9)).astype(np.int32)}
    calls = agree([tf.concat(rows, 1)], feeds)
    assert sum(calls) <= 4
    feeds[ids][2, 4] = 24
    with tf.Session(backend="gpu") as session:
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[2\] = 24 is not in \[0, 24\)"):
                session.run(rows, feeds)


def test_weights_become_16_bits_in_one_launch():
    x = tf.constant(rng.normal(size=(4, 8)).astype("f")) * tf.placeholder_with_default(0.1, [])
    for i in range(6):
        x = tf.nn.tanh(tf.matmul(x, tf.get_variable(f"w{i}", initializer=rng.normal(size=(8, 8)).astype("f") / 3)))
    assert sum(agree([x], mixed_precision="bfloat16")) <= 6 + 6 + 4


def test_what_needs_each_other_is_done_in_turn():
    (v,) = variables((6,))
    x = v * 2.0
    with tf.control_dependencies([x]):
        first = v.assign_add(tf.ones(6))
    with tf.control_dependencies([first]):
        second = v.assign_add(v * 0.5)
    with tf.control_dependencies([second]):
        y = v.read_value() * 2.0
    agree([x, y], steps=3)


def test_a_long_chain_of_small_nodes(ordered_sim):
    parts = [tf.placeholder_with_default(float(i), []) for i in range(5)]
    for _ in range(4):
        total = tf.add_n(parts)
        parts = [tf.sqrt(tf.abs(p)) + total * 0.1 for p in parts]
    agree([tf.stack(parts)])


def test_several_variables_are_assigned_by_one_launch():
    kept = variables((20, 24), (20, 24), (8,), ())
    x = tf.placeholder_with_default(1.5, [])
    agree([tf.group(*[v.assign(v * x + 1) for v in kept])], steps=3)
    with tf.Session(backend="gpu") as session:
        session.run(tf.global_variables_initializer())
        values = [tf.placeholder(tf.float32, [20, 24]) for _ in range(2)]
        step = tf.group(*[v.assign(value) for v, value in zip(kept, values, strict=False)])
        text = session.explain(step, {value: rng.normal(size=(20, 24)) for value in values})
    assert "1 calls" in text


def test_what_may_block_comes_after_what_it_waits_for():
    given = [tf.placeholder(tf.float32, [3]) for _ in range(2)]
    queue = tf.FIFOQueue(3, [tf.float32] * 2, [[3]] * 2)
    filled, taken = queue.enqueue([x * 2.0 + 1.0 for x in given]), queue.dequeue()
    with tf.Session(backend="gpu", config=tf.ConfigProto(operation_timeout_in_ms=60000)) as session:
        _, (first, second) = session.run([filled, taken], dict(zip(given, ([1, 2, 3], [4, 5, 6]), strict=True)))
    np.testing.assert_array_equal([first, second], [[3, 5, 7], [9, 11, 13]])

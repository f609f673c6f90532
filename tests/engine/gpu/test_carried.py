"""Loops, branches and calls on a device: what they carry stays there, and the results are the CPU's."""

import gc

import numpy as np
import pytest

import headrace as tf
from headrace.engine import compiler
from headrace.engine.backends.gpu import GpuProgram
from headrace.engine.gpu.memory import DeviceMemory, ledger_of
from headrace.engine.gpu.values import Pool
from headrace.engine.nest import flatten
from headrace.engine.session_config import DEFAULTS

pytestmark = pytest.mark.usefixtures("device", "graph")

rng = np.random.default_rng(0)
# Large enough to stay on the device.
SIZE = 40
X = (rng.normal(size=(SIZE, SIZE)) / 8).astype(np.float32)


@pytest.fixture
def crossings(device, monkeypatch):
    """The bytes of all arrays that cross between host and device."""
    found = []
    upload, download = device.upload, device.download
    monkeypatch.setattr(device, "upload", lambda address, host: (found.append(host.nbytes), upload(address, host))[1])
    monkeypatch.setattr(device, "download", lambda host, a: (found.append(host.nbytes), download(host, a))[1])
    return found


def agree(fetches, feeds, steps=3, tolerance=1e-5):
    found = []
    for backend in ("cpu", "gpu"):
        with tf.Session(backend=backend) as session:
            session.run(tf.global_variables_initializer())
            found.append([*(session.run(fetches, feeds) for _ in range(steps)), session.run(tf.global_variables())])
    for mine, wanted in zip(flatten(found[1]), flatten(found[0]), strict=True):
        if wanted is not None:
            np.testing.assert_allclose(mine, wanted, rtol=tolerance, atol=tolerance)


def crossed(session, fetches, feeds, crossings):
    """The bytes of large arrays that cross in a run after the first."""
    for _ in range(2):
        session.run(fetches, feeds)
    crossings.clear()
    session.run(fetches, feeds)
    return [nbytes for nbytes in crossings if nbytes > 4096]


def loop(x, count=5):
    w = tf.get_variable("w", initializer=X)

    def body(i, h, total):
        h = tf.tanh(tf.matmul(h, w) + x)
        return i + 1, h, total + h

    return tf.while_loop(lambda i, *_: i < count, body, [0, x, tf.zeros_like(x)])[1:]


def test_loop_variables_and_captures_stay_on_the_device(crossings):
    x = tf.placeholder(tf.float32, [SIZE, SIZE])
    total = tf.reduce_sum(loop(x * 2.0)[1])
    agree(total, {x: X})
    with tf.Session(backend="gpu") as session:
        session.run(tf.global_variables_initializer())
        # The fed array alone.
        assert crossed(session, total, {x: X}, crossings) == [X.nbytes]


def test_a_loop_trains_without_leaving_the_device(crossings):
    x = tf.placeholder(tf.float32, [SIZE, SIZE])
    loss = tf.reduce_mean(tf.square(loop(x)[1] - 0.3))
    step = tf.train.AdamOptimizer(0.01).minimize(loss)
    agree([loss, step], {x: X}, 4, 1e-4)
    with tf.Session(backend="gpu") as session:
        session.run(tf.global_variables_initializer())
        assert crossed(session, [loss, step], {x: X}, crossings) == [X.nbytes]


def test_a_recurrent_network_trains_without_leaving_the_device(crossings):
    x, lengths = tf.placeholder(tf.float32, [33, 6, 36]), tf.placeholder(tf.int32, [33])
    cell = tf.nn.rnn_cell.BasicRNNCell(34)
    outputs, state = tf.nn.dynamic_rnn(cell, x, sequence_length=lengths, dtype=tf.float32)
    loss = tf.reduce_mean(tf.square(outputs - 0.3)) + tf.reduce_sum(state) * 0.01
    step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    feeds = {x: rng.normal(size=(33, 6, 36)), lengths: rng.integers(0, 7, 33)}
    agree([loss, step], feeds, 4, 1e-4)
    with tf.Session(backend="gpu") as session:
        session.run(tf.global_variables_initializer())
        assert crossed(session, [loss, step], feeds, crossings) == [33 * 6 * 36 * 4]


def test_values_of_any_size_may_stay_there(monkeypatch):
    monkeypatch.setattr(compiler, "computes_little", lambda plan: False)
    x, lengths = tf.placeholder(tf.float32, [3, 4, 5]), tf.placeholder(tf.int32, [3])
    outputs, state = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(6), x, sequence_length=lengths, dtype=tf.float32)
    chosen = tf.cond(tf.reduce_sum(state) > 0.0, lambda: state * 2.0, lambda: outputs[:, 0])
    gradient = tf.gradients(tf.reduce_sum(tf.square(outputs)) + tf.reduce_sum(chosen), x)[0]
    agree([chosen, outputs, gradient], {x: rng.normal(size=(3, 4, 5)), lengths: [4, 0, 2]}, tolerance=1e-4)


def test_a_body_is_one_segment_between_its_lists():
    x = tf.placeholder(tf.float32, [33, 6, 36])
    outputs, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.BasicRNNCell(34), x, dtype=tf.float32)
    gradient = tf.gradients(tf.reduce_mean(tf.square(outputs)), x)[0]
    with tf.Session(backend="gpu") as session:
        session.run(tf.global_variables_initializer())
        session.run(gradient, {x: rng.normal(size=(33, 6, 36))})
        calls = [call for call in session.runtime.call._calls.values() if call.runs]
        programs = [p for call in calls for idle in call.step._idle.values() for p in idle]
        assert [len(p.segments) for p in programs if isinstance(p, GpuProgram)] == [1, 1]


def test_what_branches_take_and_give_stays_on_the_device(crossings):
    x, which = tf.placeholder(tf.float32, [SIZE, SIZE]), tf.placeholder(tf.bool, [])
    v = tf.get_variable("v", initializer=X)
    y = tf.cond(which, lambda: tf.matmul(x * 2.0, v), lambda: tf.tanh(x) - v)
    loss = tf.reduce_sum(tf.square(y))
    step = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    for value in (True, False):
        agree([loss, step], {x: X, which: value}, 3, 1e-4)
        with tf.Session(backend="gpu") as session:
            session.run(tf.global_variables_initializer())
            assert crossed(session, [loss, step], {x: X, which: value}, crossings) == [X.nbytes]


def test_a_loss_scale_keeps_gradients_on_the_device(crossings, monkeypatch):
    # Sessions made afterwards would be of mixed precision too.
    monkeypatch.setattr(DEFAULTS, "mixed_precision", "float32")
    x = tf.placeholder(tf.float32, [SIZE, SIZE])
    loss = tf.reduce_mean(tf.square(tf.layers.dense(x, SIZE, name="dense") - 1.0))
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    optimizer = tf.train.experimental.enable_mixed_precision_graph_rewrite(optimizer)
    step = optimizer.minimize(loss)
    with tf.Session(backend="gpu") as session:
        session.run(tf.global_variables_initializer())
        assert crossed(session, [loss, step], {x: X}, crossings) == [X.nbytes]


def test_traced_loops_give_the_same(crossings):
    x = tf.placeholder(tf.float32, [SIZE, SIZE])
    total = loop(x)[1]
    options, metadata = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), tf.RunMetadata()
    with tf.Session(backend="gpu") as session:
        session.run(tf.global_variables_initializer())
        plain = session.run(total, {x: X})
        for _ in range(2):
            traced = session.run(total, {x: X}, options=options, run_metadata=metadata)
            np.testing.assert_array_equal(traced, plain)
    stats = [s for d in metadata.step_stats.dev_stats for s in d.node_stats]
    assert any("while" in s.node_name and "MatMul" in s.timeline_label for s in stats)


def test_loops_within_loops_and_what_is_handed_on():
    x = tf.placeholder(tf.float32, [SIZE, SIZE])

    def outer(i, h, same):
        _, h = tf.while_loop(lambda j, _: j < 2, lambda j, a: (j + 1, tf.tanh(a + same)), [0, h])
        h = tf.cond(i > 0, lambda: h * 0.5, lambda: h)
        return i + 1, h, same

    _, h, same = tf.while_loop(lambda i, *_: i < 3, outer, [0, x, x + 1.0])
    agree([h, same, tf.gradients(h, x)[0], h], {x: X}, tolerance=1e-4)


def test_shapes_that_change_from_one_iteration_to_the_next():
    x = tf.placeholder(tf.float32, [None, SIZE])

    def body(i, h):
        return i + 1, tf.concat([h, h[:30]], 0)

    shapes = [tf.TensorShape([]), tf.TensorShape([None, SIZE])]
    _, h = tf.while_loop(lambda i, _: i < 12, body, [0, x], shape_invariants=shapes)
    agree([h, tf.reduce_sum(h)], {x: X})


def test_arrays_of_tensors_hold_what_is_on_the_device():
    x = tf.placeholder(tf.float32, [4, SIZE, SIZE])
    array = tf.TensorArray(tf.float32, 6, clear_after_read=False).unstack(tf.concat([x, x[:2]], 0) * 2.0)
    out = tf.TensorArray(tf.float32, 6)

    def body(i, out):
        return i + 1, out.write(5 - i, tf.tanh(array.read(i)) + array.read(0))

    _, out = tf.while_loop(lambda i, _: i < 6, body, [0, out])
    stacked, first = out.stack(), array.gather([1, 0])
    agree([stacked, first, array.concat(), tf.gradients(stacked, x)[0]], {x: rng.normal(size=(4, SIZE, SIZE))})


def test_what_is_placed_on_the_host_is_there(crossings):
    x = tf.placeholder(tf.float32, [SIZE, SIZE])
    twice = tf.matmul(x, x)
    with tf.device("/cpu:0"):
        array = tf.TensorArray(tf.float32, 3, clear_after_read=False).write(0, twice).write(1, twice + 1.0)
        read = array.write(2, twice).stack()
    # A loop that nothing on the device computes in: what it captures comes home once.
    _, total = tf.while_loop(
        lambda i, _: i < 5,
        lambda i, a: (i + 1, tf.reshape(tf.py_func(lambda a, b: a + b, [a, twice], tf.float32), [SIZE, SIZE])),
        [0, tf.zeros([SIZE, SIZE])],
    )
    agree([read * 2.0, total], {x: X})
    with tf.Session(backend="gpu") as session:
        # What is fed, what is captured, the result there and back.
        assert crossed(session, total, {x: X}, crossings) == [X.nbytes] * 4


def test_without_memory_for_values_they_wait_on_the_host(monkeypatch):
    def refuse(pool, nbytes):
        raise tf.errors.ResourceExhaustedError(None, None, "none left")

    monkeypatch.setattr(Pool, "_taken", refuse)
    x = tf.placeholder(tf.float32, [SIZE, SIZE])
    loss = tf.reduce_mean(tf.square(loop(x)[1] - 0.3))
    agree([loss, tf.gradients(loss, x)[0]], {x: X}, tolerance=1e-4)


def test_memory_of_values_in_a_ring_is_used_again(device):
    pool = Pool(device)
    array = np.arange(2000, dtype=np.float32)
    memory = DeviceMemory(device, array.nbytes)
    device.upload(memory.address, array)
    value = pool.kept(pool.lent(memory.address, array.dtype, array.shape))
    address, ring = value.address, [value]
    ring.append(ring)
    del value, ring
    gc.collect()
    again = pool.kept(pool.lent(memory.address, array.dtype, array.shape))
    assert again.address == address
    np.testing.assert_array_equal(again, array)


def test_loops_go_on_after_an_error_in_a_body():
    x, stop = tf.placeholder(tf.float32, [SIZE, SIZE]), tf.placeholder(tf.int32, [])

    def told(i, at):
        if i == at:
            raise ValueError("enough")
        return np.float32(i)

    def body(i, h):
        more = tf.py_func(told, [i, stop], tf.float32)
        more.set_shape([])
        return i + 1, tf.tanh(tf.matmul(h, x)) + more * 0.1

    _, h = tf.while_loop(lambda i, _: i < 4, body, [0, x * 1.5])
    both = [h, tf.gradients(h, x)[0]]
    with tf.Session(backend="gpu") as gpu, tf.Session(backend="cpu") as cpu:
        wanted = cpu.run(both, {x: X, stop: 9})
        for at in (9, 2, 9, 0, 3, 9):
            if at == 9:
                for mine, other in zip(gpu.run(both, {x: X, stop: at}), wanted, strict=True):
                    np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)
            else:
                with pytest.raises(tf.errors.InvalidArgumentError, match="enough"):
                    gpu.run(both, {x: X, stop: at})
            gc.collect()


def test_memory_of_values_is_given_back(device):
    gc.collect()
    before = ledger_of(device).used
    x = tf.placeholder(tf.float32, [SIZE, SIZE])
    loss = tf.reduce_mean(tf.square(loop(x)[1] - 0.3))
    gradient, used = tf.gradients(loss, x)[0], []
    with tf.Session(backend="gpu") as session:
        session.run(tf.global_variables_initializer())
        for _ in range(4):
            session.run(gradient, {x: X})
            used.append(ledger_of(device).used)
    assert len(set(used[1:])) == 1
    gc.collect()
    assert ledger_of(device).used == before

"""Loops and branches on a device wait for it only for what it alone knows, and never for their counters."""

import numpy as np
import pytest

import headrace as tf
from headrace.engine.backends.gpu import GpuProgram
from headrace.engine.nest import flatten

pytestmark = pytest.mark.usefixtures("device", "graph")

rng = np.random.default_rng(0)
BATCH, DEPTH = 4, 6


@pytest.fixture
def waits(device, monkeypatch):
    """Counts what the host waits for: downloads."""
    found = []
    download = device.download
    monkeypatch.setattr(device, "download", lambda host, a: (found.append(host.nbytes), download(host, a))[1])
    return found


def compared(build, feeds_of, lengths, waits, tolerance=1e-4):
    """How often the host waits in a step of each length; the results are the CPU's."""
    fetches, count = build(), []
    for length in lengths:
        feeds, found = feeds_of(length), []
        for backend in ("cpu", "gpu"):
            with tf.Session(backend=backend) as session:
                session.run(tf.global_variables_initializer())
                session.run(fetches, feeds)
                waits.clear()
                results = session.run(fetches, feeds)
                times = len(waits)
                found.append([results, session.run(fetches, feeds), session.run(tf.global_variables())])
        for mine, wanted in zip(flatten(found[1]), flatten(found[0]), strict=True):
            if wanted is not None:
                np.testing.assert_allclose(mine, wanted, rtol=tolerance, atol=tolerance)
        count.append(times)
    return count


def trained(loss):
    return [loss, tf.train.GradientDescentOptimizer(0.1).minimize(loss)]


def sequences(length):
    return rng.normal(size=(BATCH, length, DEPTH)).astype(np.float32)


class GatedCell(tf.nn.rnn_cell.RNNCell):
    """A cell that no operation computes for all steps at once."""

    output_size = state_size = DEPTH

    def __call__(self, inputs, state, scope=None):
        with tf.variable_scope(scope or "gated"):
            w = tf.get_variable("w", [2 * DEPTH, 2 * DEPTH], initializer=tf.glorot_uniform_initializer(seed=1))
            both = tf.matmul(tf.concat([inputs, state], 1), w)
            new = tf.sigmoid(both[:, :DEPTH]) * tf.sin(both[:, DEPTH:]) + 0.5 * state
            return new, new


def recurrent(x, lengths, cell):
    outputs, state = tf.nn.dynamic_rnn(cell, x, sequence_length=lengths, dtype=tf.float32)
    return tf.reduce_mean(tf.square(outputs - 0.3)) + tf.reduce_sum(flatten(state)[0]) * 0.01


@pytest.mark.parametrize("cell", [lambda: tf.nn.rnn_cell.LSTMCell(DEPTH, cell_clip=3.0, use_peepholes=True), GatedCell])
@pytest.mark.parametrize("ragged", [False, True])
def test_training_a_recurrent_network_waits_as_often_for_any_length(cell, ragged, waits):
    x = tf.placeholder(tf.float32, [BATCH, None, DEPTH])
    lengths = tf.placeholder(tf.int32, [BATCH]) if ragged else None

    def feeds(length):
        given = {x: sequences(length)}
        return {**given, lengths: [length, 0, 2, length - 1]} if ragged else given

    short, long = compared(lambda: trained(recurrent(x, lengths, cell())), feeds, (4, 9), waits)
    assert short == long == 1


def test_a_loop_until_something_has_converged_waits_once_an_iteration(waits):
    x = tf.placeholder(tf.float32, [40, 40])
    bound = tf.placeholder(tf.float32, [])

    def build():
        return tf.while_loop(
            lambda i, h: tf.logical_and(i < 50, tf.reduce_max(h) > bound), lambda i, h: (i + 1, h * 0.5), [0, tf.abs(x)]
        )

    values = rng.uniform(0.9, 1.0, size=(40, 40)).astype(np.float32)
    four, seven = compared(build, lambda n: {x: values, bound: 2.0**-n}, (4, 7), waits)
    assert seven - four == 3


def test_a_number_that_only_the_device_knows_ends_a_loop(waits):
    """The loop variable itself is compared by the host, which waits for it and for nothing else."""
    x = tf.placeholder(tf.float32, [40, 40])

    def build():
        def body(most, h):
            return tf.reduce_max(h), h * 0.5

        return tf.while_loop(lambda most, _: most > 0.01, body, [1.0, tf.abs(x)])

    few, more = compared(build, lambda n: {x: np.full([40, 40], 0.019 * 2**n, np.float32)}, (2, 5), waits)
    assert more - few == 3


def test_branches_that_the_host_chooses_do_not_wait(waits):
    x, training = tf.placeholder(tf.float32, [3, 3]), tf.placeholder(tf.bool, [])

    def build():
        v = tf.get_variable("v", initializer=np.ones([3, 3], np.float32))
        y = tf.cond(tf.logical_not(training), lambda: tf.matmul(x, v), lambda: tf.tanh(x) * v)

        def body(i, h):
            h = tf.cond(tf.equal(i % 2, 0), lambda: tf.tanh(h) + 0.1, lambda: tf.matmul(h, v) * 0.5)
            return i + 1, h

        return trained(tf.reduce_sum(tf.while_loop(lambda i, _: i < 6, body, [0, y])[1]))

    ones = np.full([3, 3], 0.3, np.float32)
    one, other = compared(build, lambda n: {x: ones, training: n}, (True, False), waits)
    assert one == other == 1


def test_loops_within_loops_do_not_wait(waits):
    x, times = tf.placeholder(tf.float32, [3, 3]), tf.placeholder(tf.int32, [])

    def build():
        def inner(j, h):
            return j + 1, tf.tanh(h) + tf.cast(j, tf.float32)

        def outer(i, h, kept):
            h = tf.while_loop(lambda j, _: j < i + 1, inner, [0, h])[1]
            return i + 1, h, kept.write(i, tf.reduce_sum(h))

        kept = tf.TensorArray(tf.float32, times)
        _, h, kept = tf.while_loop(lambda i, *_: i < times, outer, [0, x, kept])
        return [tf.reduce_sum(h), kept.stack(), tf.gradients(tf.reduce_sum(kept.stack()) + tf.reduce_sum(h), x)[0]]

    few, more = compared(build, lambda n: {x: np.full([3, 3], 0.3), times: n}, (2, 5), waits)
    assert few == more


def test_what_decoders_count_and_compare_is_on_the_host(waits):
    """Rows that have ended are known by their lengths: the host counts them, whatever the device computes."""
    x, lengths = tf.placeholder(tf.float32, [BATCH, DEPTH]), tf.placeholder(tf.int32, [BATCH])

    def build():
        w = tf.get_variable("w", initializer=np.eye(DEPTH, dtype=np.float32) * 0.5)

        def body(i, h, ended):
            h = tf.where(ended, h, tf.tanh(tf.matmul(h, w) + 0.1))
            return i + 1, h, tf.logical_or(ended, i + 1 >= lengths)

        start = [0, x, tf.equal(lengths, 0)]
        _, h, _ = tf.while_loop(lambda i, h, ended: tf.logical_not(tf.reduce_all(ended)), body, start)
        return trained(tf.reduce_sum(h))

    rows = rng.normal(size=(BATCH, DEPTH)).astype(np.float32)
    few, more = compared(build, lambda n: {x: rows, lengths: [n, 1, 0, 2]}, (3, 7), waits)
    assert few == more


def test_what_the_host_computes_is_said():
    x, times = tf.placeholder(tf.float32, [40, 40]), tf.placeholder(tf.int32, [])
    _, h = tf.while_loop(lambda i, _: i < times, lambda i, h: (i + 1, tf.tanh(h)), [0, x])
    with tf.Session(backend="gpu") as session:
        session.run(h, {x: np.ones([40, 40]), times: 2})
        calls = [call for call in session.runtime.call._calls.values() if call.runs]
        programs = [p for call in calls for idle in call.step._idle.values() for p in idle]
        reasons = [r for p in programs if isinstance(p, GpuProgram) for r in p.reasons.values()]
        assert reasons == ["small, and the host needs it"]


TABLE = rng.normal(size=(5, 3)).astype(np.float32)


def looking(ids, times, extra=lambda i: 0.0):
    """Rows that a loop looks up, with indices that the device computes."""
    table = tf.get_variable("table", initializer=TABLE)

    def body(i, total):
        index = tf.cast(tf.round(tf.cast(ids, tf.float32) + tf.cast(i, tf.float32)), tf.int32)
        return i + 1, total + tf.gather(table, index, name="look") + extra(i)

    return table, tf.while_loop(lambda i, _: i < times, body, [0, tf.zeros([2, 3])])[1]


def test_indices_are_looked_at_when_a_loop_has_ended(waits):
    ids, times = tf.placeholder(tf.int32, [2]), tf.placeholder(tf.int32, [])

    def build():
        table, total = looking(ids, times)
        return [tf.reduce_sum(total), tf.gradients(total, table)[0]]

    few, more = compared(build, lambda n: {ids: [0, 0], times: n}, (2, 5), waits)
    assert few == more


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("at", [0, 2, 4])
def test_an_index_out_of_range_in_an_iteration_is_the_cpus_error(at, noisy):
    ids, times = tf.placeholder(tf.int32, [2]), tf.placeholder(tf.int32, [])
    table, total = looking(ids, times, lambda i: tf.random_uniform([2, 3], seed=3) * float(noisy) if noisy else 0.0)
    with tf.control_dependencies([total]):
        step = table.assign_add(tf.ones([5, 3]))
    found = []
    for backend in ("cpu", "gpu"):
        with tf.Session(backend=backend) as session:
            session.run(table.initializer)
            told = [session.run([total, step.op], {ids: [0, 0], times: 5})[0]]
            with pytest.raises(tf.errors.InvalidArgumentError) as error:
                session.run([total, step.op], {ids: [0, 5 - at], times: 5})
            told += [session.run(table), session.run([total, step.op], {ids: [1, 0], times: 4})[0], session.run(table)]
            found.append((error.value.message, error.value.op, told))
    assert found[1][:2] == found[0][:2] and found[0][1].name.endswith("look")
    for mine, wanted in zip(found[1][2], found[0][2], strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-5)


def test_what_was_refused_before_the_host_looks_is_the_error():
    """A condition on values that came of a refused index is never asked: it may hold for ever."""
    ids, x = tf.placeholder(tf.int32, [2]), tf.placeholder(tf.float32, [5, 3])

    def body(i, h):
        rows = tf.gather(x, tf.cast(tf.cast(ids + i, tf.float32) * 1.0, tf.int32), name="look")
        return i + 1, tf.reduce_sum(rows) * 0.0 + 1.0 + tf.cast(i, tf.float32) * 0.0

    _, h = tf.while_loop(lambda i, h: h > 0.0, body, [0, 1.0])
    messages = []
    for backend in ("cpu", "gpu"):
        with tf.Session(backend=backend) as session, pytest.raises(tf.errors.InvalidArgumentError) as error:
            session.run(h, {ids: [0, 2], x: TABLE})
        messages.append(error.value.message)
    assert messages[0] == messages[1]


def test_a_loop_that_is_interrupted_is_not_blamed_on_the_next(device, monkeypatch):
    ids, times = tf.placeholder(tf.int32, [2]), tf.placeholder(tf.int32, [])
    table, total = looking(ids, times)
    with tf.Session(backend="gpu") as session:
        session.run(table.initializer)
        wanted = session.run(total, {ids: [0, 0], times: 5})

        def interrupted(host, address):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(device, "download", interrupted)
            with pytest.raises(KeyboardInterrupt):
                session.run(total, {ids: [0, 3], times: 5})
        np.testing.assert_array_equal(session.run(total, {ids: [0, 0], times: 5}), wanted)


def test_an_iteration_is_one_upload_and_one_launch(device, monkeypatch):
    x = tf.placeholder(tf.float32, [BATCH, None, DEPTH])
    fetches = trained(recurrent(x, None, GatedCell()))
    asked = {"upload": 0, "copy": 0}
    upload, copy = device.upload, device.copy

    def counted(name, function, *arguments):
        asked[name] += 1
        return function(*arguments)

    with tf.Session(backend="gpu") as session:
        session.run(tf.global_variables_initializer())
        found = []
        for length in (3, 8):
            for _ in range(3):
                session.run(fetches, {x: sequences(length)})
            with monkeypatch.context() as patch:
                patch.setattr(device, "upload", lambda *a: counted("upload", upload, *a))
                patch.setattr(device, "copy", lambda *a: counted("copy", copy, *a))
                asked.update(upload=0, copy=0)
                session.run(fetches, {x: sequences(length)})
            found.append(dict(asked))
    # Forwards and backwards; the outputs are put side by side.
    assert found[1]["upload"] - found[0]["upload"] == 2 * 5 and found[1]["copy"] - found[0]["copy"] == 5


def test_values_that_are_unused_or_handed_on_are_moved_right():
    """Memory of what nobody reads is given to others before the body runs; what is handed on is read as it was."""
    x = tf.placeholder(tf.float32, [4, 4])
    state = tf.get_variable("state", [4, 4], initializer=tf.zeros_initializer())

    def body(i, total, before, other):
        with tf.control_dependencies([state.assign_add(total)]):
            return i + 1, tf.matmul(total, x) * 0.5, total, before + other

    _, total, before, other = tf.while_loop(lambda i, *_: i < 4, body, [tf.constant(0), x, x * 2.0, x + 1.0])
    both = [total, before, other, tf.gradients(total, x)[0], tf.gradients([before, other], x)[0]]
    found = []
    for backend in ("cpu", "gpu"):
        with tf.Session(backend=backend) as session:
            session.run(tf.global_variables_initializer())
            values = np.random.default_rng(1).normal(size=(4, 4)) / 2.0
            found.append([*(session.run(both, {x: values}) for _ in range(3)), session.run(state)])
    for mine, wanted in zip(flatten(found[1]), flatten(found[0]), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-4, atol=1e-5)

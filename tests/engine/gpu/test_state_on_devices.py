"""Variables that several programs, sessions and devices use, memory that runs short, and threads that meet at a device."""

import gc
import threading

import numpy as np
import pytest

import headrace as tf
from headrace.engine.gpu import find
from headrace.engine.gpu.memory import DeviceMemory, ledger_of
from headrace.engine.gpu.sim.device import SimDevice
from headrace.engine.resources import ResourceStore

pytestmark = pytest.mark.usefixtures("device", "graph")

ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)


def test_rows_looked_up_on_the_host_are_the_newest():
    with tf.variable_scope("rows", use_resource=True):
        table = tf.get_variable("table", initializer=ROWS)
    ids = tf.placeholder(tf.int32, [2])
    look, add = tf.gather(table, ids), table.assign_add(np.ones((4, 3), np.float32))
    store = ResourceStore()
    with tf.Session(backend="gpu", resources=store) as gpu, tf.Session(backend="cpu", resources=store) as cpu:
        gpu.run(table.initializer)
        for count in (1, 2, 3):
            gpu.run(add.op if hasattr(add, "op") else add)
            np.testing.assert_array_equal(cpu.run(look, {ids: [3, 1]}), ROWS[[3, 1]] + count)
            np.testing.assert_array_equal(gpu.run(look, {ids: [3, 1]}), ROWS[[3, 1]] + count)


def test_what_is_read_before_it_is_written_is_the_newest_on_the_host():
    with tf.variable_scope("reads", use_resource=True):
        v = tf.get_variable("v", initializer=ROWS)
    add = v.assign_add(np.ones((4, 3), np.float32))
    before = v.read_value()
    told = tf.py_func(lambda x: x * 2, [before], tf.float32)
    with tf.control_dependencies([told]):
        written = v.assign(tf.zeros_like(ROWS))
    store = ResourceStore()
    with tf.Session(backend="gpu", resources=store) as gpu, tf.Session(backend="cpu", resources=store) as cpu:
        gpu.run(v.initializer)
        gpu.run(add.op)
        np.testing.assert_array_equal(cpu.run([told, before, written.op])[0], (ROWS + 1) * 2)


def test_two_devices_take_turns_with_a_variable(sim, monkeypatch):
    v = tf.get_variable("v", initializer=ROWS)
    add, doubled = v.assign_add(np.ones((4, 3), np.float32)).op, v * 2.0
    store = ResourceStore()
    first = tf.Session(backend="gpu", resources=store)
    monkeypatch.setattr(find, "_simulations", [SimDevice()])
    second = tf.Session(backend="gpu", resources=store)
    assert first.options.device is not second.options.device
    first.run(v.initializer)
    for count, session in enumerate([first, second, second, first, second, first, first], 1):
        session.run(add)
        for other in (first, second):
            np.testing.assert_array_equal(other.run(doubled), (ROWS + count) * 2)


def test_a_session_that_closes_takes_no_update_from_another(device):
    """The copy of a variable on the device goes while another session's program is bound to it."""
    v = tf.get_variable("v", initializer=ROWS)
    add = v.assign_add(np.ones((4, 3), np.float32))
    first = tf.Session(backend="gpu")
    store = first.runtime.resources
    second = tf.Session(backend="gpu", resources=store)
    first.run(v.initializer)
    program = second._step(add.op, ()).compiled
    second.run(add.op)
    bound = next(iter(program._idle.values()))[0]
    first.close()
    # As a run that had looked for changes just before.
    bound.generation = store.generation
    second.run(add.op)
    np.testing.assert_array_equal(store.variables["v"].read(), ROWS + 2)
    np.testing.assert_array_equal(second.run(v + 0.0), ROWS + 2)


def test_closing_waits_for_nobody_who_waits_for_it(device):
    """Somebody has the device and wants the store, as a step with random numbers does; a session is closed meanwhile."""
    v = tf.get_variable("v", initializer=ROWS)
    session = tf.Session(backend="gpu")
    session.run(v.initializer)
    session.run(v.assign_add(np.ones((4, 3), np.float32)).op)
    store, ledger = session.runtime.resources, ledger_of(device)
    begun, ended = threading.Event(), threading.Event()

    def use():
        with ledger.lock:
            begun.set()
            # The closing thread is on its way to the device by then, or not yet: both must end.
            ended.wait(0.2)
            store.advance("noise", 1)

    user = threading.Thread(target=use, daemon=True)
    user.start()
    assert begun.wait(20)
    closing = threading.Thread(target=session.close, daemon=True)
    closing.start()
    for thread in (user, closing):
        thread.join(20)
        assert not thread.is_alive()


def test_memory_let_go_of_by_another_thread_waits_for_the_device(device):
    ledger = ledger_of(device)
    gc.collect()
    before = ledger.used
    memory = [DeviceMemory(device, 1000)]
    with ledger.lock:
        thread = threading.Thread(target=memory.clear)
        thread.start()
        thread.join(20)
        assert not thread.is_alive() and not memory
        assert ledger.used == before + 1000
    assert ledger.used == before


def test_what_nobody_uses_is_collected_before_a_limit_is_an_error(device, monkeypatch):
    ledger = ledger_of(device)
    gc.collect()
    gc.disable()
    try:
        ring = [DeviceMemory(device, 5000)]
        ring.append(ring)
        del ring
        monkeypatch.setattr(ledger, "limit", ledger.used + 1000)
        assert DeviceMemory(device, 4000).nbytes == 4000
    finally:
        gc.enable()


def test_a_program_that_is_bound_anew_lets_go_of_its_memory_first(device, monkeypatch):
    x = tf.placeholder(tf.float32, [200, 1000])
    total = tf.reduce_sum(tf.nn.softmax(tf.sinh(x)), axis=0)[:2]
    with tf.Session(backend="gpu") as session:
        for _ in range(3):
            session.run(total, {x: np.ones((200, 1000))})
        gc.collect()
        monkeypatch.setattr(ledger_of(device), "limit", ledger_of(device).used + 1000)
        session.runtime.resources.generation += 1
        np.testing.assert_allclose(session.run(total, {x: np.ones((200, 1000))}), [0.2, 0.2], rtol=1e-5)


def test_memory_that_is_taken_is_told(device, monkeypatch):
    stats = tf.contrib.memory_stats
    with tf.device("/gpu:0"):
        asked = [stats.BytesInUse(), stats.MaxBytesInUse(), stats.BytesLimit()]
    x = tf.placeholder(tf.float32, [None, 1000])
    total = tf.reduce_sum(tf.nn.softmax(x))
    with tf.Session(backend="gpu") as session:
        before = session.run(asked)
        session.run(total, {x: np.ones((1000, 1000))})
        used, most, limit = session.run(asked)
        assert used >= before[0] + 4_000_000 and most >= used and limit == device.memory()[1]
        monkeypatch.setattr(ledger_of(find.find_device()), "limit", 1 << 30)
        assert session.run(asked[2]) == 1 << 30
    with tf.Session(config=tf.ConfigProto(allow_soft_placement=True), backend="cpu") as session:
        assert session.run(asked) == [0, 0, 0]

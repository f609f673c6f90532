"""Where operations run: which device a session gets, device strings, and what is said of it."""

import math
import subprocess
import sys

import numpy as np
import pytest

import headrace as tf
from headrace.engine.device_lib import list_local_devices
from headrace.engine.gpu import find
from headrace.engine.gpu.cuda.driver import Card, Found
from headrace.engine.gpu.memory import ledger_of

CPU, GPU = (f"/job:localhost/replica:0/task:0/device:{kind}:0" for kind in ("CPU", "GPU"))


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture
def simulated(sim, monkeypatch):
    monkeypatch.setenv("HEADRACE_GPU", "sim")


@pytest.fixture
def without(monkeypatch):
    monkeypatch.setenv("HEADRACE_GPU", "none")


@pytest.mark.usefixtures("simulated")
def test_a_session_uses_the_gpu_where_there_is_one():
    assert tf.Session().list_devices() == [CPU, GPU]
    assert [(d.name, d.device_type) for d in tf.Session().list_devices()] == [(CPU, "CPU"), (GPU, "GPU")]
    assert all(d.memory_limit_bytes > 0 and d.incarnation for d in tf.Session().list_devices())
    assert tf.Session(backend="cpu").list_devices() == [CPU]
    assert tf.Session(config=tf.ConfigProto(device_count={"GPU": 0})).options.backend == "cpu"
    assert tf.test.is_gpu_available() and tf.test.gpu_device_name() == "/device:GPU:0"
    assert [d.device_type for d in list_local_devices()] == ["CPU", "GPU"]


@pytest.mark.usefixtures("without")
def test_a_session_uses_the_cpu_where_there_is_none():
    assert tf.Session().options.backend == "cpu"
    assert not tf.test.is_gpu_available() and not tf.test.gpu_device_name()
    assert [d.name for d in list_local_devices()] == ["/device:CPU:0"]
    with pytest.raises(tf.errors.FailedPreconditionError, match="HEADRACE_GPU"):
        tf.Session(backend="gpu")


@pytest.mark.usefixtures("without")
def test_an_operation_on_a_gpu_that_is_not_there_is_an_error_or_runs_on_the_cpu():
    with tf.device("/gpu:0"):
        y = tf.constant(2.0) * 3.0
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="allow_soft_placement"):
        session.run(y)
    with tf.Session(config=tf.ConfigProto(allow_soft_placement=True)) as session:
        assert session.run(y) == 6


@pytest.mark.usefixtures("simulated")
def test_a_second_gpu_that_is_not_there_is_an_error():
    x = tf.placeholder(tf.float32, [2])
    with tf.device("/gpu:1"):
        y = tf.tanh(x)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="device:GPU:0"):
        session.run(y, {x: [0, 1]})


@pytest.mark.usefixtures("simulated")
def test_sessions_on_servers_use_the_gpu_of_their_task():
    server = tf.train.Server.create_local_server()
    v = tf.get_variable("v", initializer=np.ones((3, 4), np.float32))
    x = tf.placeholder(tf.float32, [3, 4])
    add = v.assign_add(tf.tanh(x))
    with tf.Session(server.target) as session, tf.Session(server.target, backend="cpu") as other:
        assert session.options.backend == "gpu"
        assert session.list_devices()[-1].name == "/job:local/replica:0/task:0/device:GPU:0"
        session.run(v.initializer)
        for count in (1, 2, 3):
            session.run(add.op, {x: np.ones((3, 4))})
            other.run(v.assign(v * 2.0).op)
            expected = np.full((3, 4), 2**count + sum(2**i for i in range(1, count + 1)) * np.tanh(1))
            np.testing.assert_allclose(session.run(v), expected, rtol=1e-5)
        assert "[GPU]" in session.explain(add, {x: np.ones((3, 4))})


@pytest.mark.usefixtures("simulated")
def test_placement_is_logged(caplog):
    x = tf.placeholder(tf.float32, [2], name="x")
    text, number = tf.Variable("a", name="text"), tf.Variable(1.0, name="number")
    with tf.device("/cpu:0"):
        y = tf.tanh(x, name="y")
    z = tf.unique(tf.matmul([y], [y], transpose_b=True, name="p")[0], name="z")[0]
    # Without setting a level, as TensorFlow.
    with tf.Session(config=tf.ConfigProto(log_device_placement=True)) as session:
        session.run([text.initializer, number.initializer])
        caplog.clear()
        session.run([z, text.read_value(), number.read_value()], {x: [0, 1]})
    said = {r.message.split(": (")[0]: r.message.rsplit(": ", 1)[1] for r in caplog.records}
    assert (said["y"], said["p"], said["z"]) == (CPU, GPU, CPU)
    assert (said["text"], said["number"]) == (CPU, GPU)
    orders = [tf.get_default_graph().get_operation_by_name(name).order for name in said]
    assert orders == sorted(orders)


@pytest.mark.usefixtures("without")
def test_the_first_operation_that_cannot_be_placed_is_named():
    with tf.device("/gpu:0"):
        first = tf.add(tf.placeholder(tf.float32, [], name="fed"), 1.0, name="first")
        last = tf.add_n([tf.negative(first, name=f"n{i}") for i in range(20)], name="last")
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="operation 'first/y',"):
        session.run(last, {"fed:0": 1.0})


@pytest.mark.usefixtures("simulated")
def test_a_share_of_the_memory_is_a_limit():
    device = find.find_device()
    ledger = ledger_of(device)
    before = ledger.limit
    try:
        tf.Session(config=tf.ConfigProto(gpu_options=tf.GPUOptions(per_process_gpu_memory_fraction=0.5)))
        assert ledger.limit == device.memory()[1] // 2
    finally:
        ledger.limit = before


@pytest.mark.usefixtures("simulated")
@pytest.mark.parametrize(
    "options, words",
    [
        *[({"per_process_gpu_memory_fraction": share}, f"fraction is {share}") for share in (-0.5, math.inf, math.nan)],
        *[({"visible_device_list": text}, f"visible_device_list is '{text}'; there are GPUs 0 to 0") for text in "1x"],
    ],
)
def test_options_that_no_gpu_fits_are_named(options, words):
    with pytest.raises(tf.errors.InvalidArgumentError, match=words):
        tf.Session(config=tf.ConfigProto(gpu_options=tf.GPUOptions(**options)))


def test_a_gpu_that_is_too_old_is_told_of_before_anything_is_installed(monkeypatch, caplog):
    monkeypatch.delenv("HEADRACE_GPU", raising=False)
    monkeypatch.setattr(find.driver, "find", lambda: Found((Card(0, "an old card", "sm_61", 1 << 30),), 12))
    monkeypatch.setattr(find, "_said", set())
    assert find.find_device() is None
    assert "an old card is not used: its compute capability is 6.1, and 7.5 or newer is needed" in caplog.text
    assert find.card_for_sums()[0] == 0


def test_ranks_of_a_machine_take_turns(monkeypatch, caplog):
    for rank, count, visible, number in [(0, 2, "", 0), (3, 2, "", 1), (1, 4, "2,3", 3), (2, 1, "", 0)]:
        monkeypatch.setenv("OMPI_COMM_WORLD_LOCAL_RANK", str(rank))
        config = tf.ConfigProto(gpu_options=tf.GPUOptions(visible_device_list=visible))
        assert find.card_number(count, config) == number
    monkeypatch.setattr(find, "_said", set())
    monkeypatch.setenv("OMPI_COMM_WORLD_LOCAL_SIZE", "4")
    assert find.card_number(2) == 0 and "4 ranks of this machine share 2 GPUs" in caplog.text
    for wrong in ("7", "first"):
        config = tf.ConfigProto(gpu_options=tf.GPUOptions(visible_device_list=wrong))
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"visible_device_list is '{wrong}'"):
            find.card_number(2, config)


def test_a_gpu_that_cannot_be_used_is_told_of_once(monkeypatch, caplog):
    monkeypatch.delenv("HEADRACE_GPU", raising=False)
    card = Card(0, "a card", "sm_90", 1 << 30)
    monkeypatch.setattr(find.driver, "find", lambda: Found((card,), 12))
    monkeypatch.setattr(find, "_said", set())

    def refuse(found):
        raise find.UnsupportedError("there is a GPU but no CuPy: install headrace[cuda12]")

    monkeypatch.setattr(find.driver, "check_packages", refuse)
    for _ in range(2):
        assert find.find_device() is None
    assert caplog.text.count("install headrace[cuda12]") == 1
    with pytest.raises(tf.errors.FailedPreconditionError, match="install"):
        tf.Session(backend="gpu")


def test_a_choice_that_is_none_is_an_error(monkeypatch):
    monkeypatch.setenv("HEADRACE_GPU", "fast")
    with pytest.raises(tf.errors.InvalidArgumentError, match="'fast'; it may be cuda, sim, none"):
        tf.Session()


def test_importing_asks_for_no_device():
    script = (
        "import sys, headrace; assert not any(n.startswith(('cupy', 'headrace.engine.gpu.sim')) for n in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)

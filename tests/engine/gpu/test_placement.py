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


_IMAGE = np.zeros((2, 2, 3), np.uint8)
# What TensorFlow 1.15 refuses to place on a GPU: operations that have kernels on CPUs alone, or for other dtypes.
_ON_CPUS = {
    "Const": lambda: tf.constant("a"),
    "StringJoin": lambda: tf.string_join([_on_cpu("a"), _on_cpu("b")]),
    "AsString": lambda: tf.as_string(3),
    "ReadFile": lambda: tf.read_file(_on_cpu("a file")),
    "DecodeJpeg": lambda: tf.image.decode_jpeg(_on_cpu("not one")),
    "EncodePng": lambda: tf.image.encode_png(_IMAGE),
    "FIFOQueueV2": lambda: tf.FIFOQueue(2, tf.float32).size(),
    "HashTableV2": lambda: tf.contrib.lookup.HashTable(
        tf.contrib.lookup.KeyValueTensorInitializer(np.array([1]), np.array([2])), 0
    ).size(),
    "PyFunc": lambda: tf.py_func(lambda: np.float32(1), [], tf.float32),
    "SparseReduceSum": lambda: tf.sparse_reduce_sum(tf.SparseTensor(np.zeros((1, 1), np.int64), [1.0], [3])),
    "SparseTensorDenseMatMul": lambda: tf.sparse_tensor_dense_matmul(
        tf.SparseTensor(np.zeros((1, 2), np.int64), np.ones(1, np.complex64), [1, 1]), np.ones((1, 1), np.complex64)
    ),
    "CTCLoss": lambda: tf.nn.ctc_loss(
        tf.SparseTensor(np.zeros((1, 2), np.int64), [0], [1, 1]), tf.zeros([2, 1, 3]), [2]
    ),
    "ListDiff": lambda: tf.setdiff1d([1, 2], [1])[0],
    "RandomGamma": lambda: tf.random_gamma([2], 1.0),
    "ScalarSummary": lambda: tf.summary.scalar("s", 1.0),
}
# What it places there, some of it with values in the host's memory, though headrace may run it on the CPU.
_ON_GPUS = {
    "int32": lambda: tf.reduce_sum(tf.range(5) * tf.shape(tf.zeros([2]))[0] + tf.constant([1])),
    "Unique": lambda: tf.unique(tf.constant([3, 3]))[0],
    "Where": lambda: tf.where(tf.constant([True, False])),
    "SparseTensorDenseMatMul": lambda: tf.sparse_tensor_dense_matmul(
        tf.SparseTensor(np.zeros((1, 2), np.int64), np.ones(1, np.float32), [1, 1]), tf.ones([1, 1])
    ),
    "Svd": lambda: tf.svd(tf.eye(2))[0],
    "FFT": lambda: tf.fft(tf.complex([1.0, 2.0], [0.0, 0.0])),
    "Multinomial": lambda: tf.multinomial([[1.0, 1.0]], 2),
    "TensorArrayV3": lambda: tf.TensorArray(tf.float32, 2).unstack([1.0, 2.0]).stack(),
    "While": lambda: tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2.0), [0, 1.0])[1],
    "If": lambda: tf.cond(tf.constant(True), lambda: tf.constant(1.0), lambda: tf.constant(2.0)),
    "TopKV2": lambda: tf.nn.top_k([1.0, 2.0], 1)[0],
    "VariableV2": lambda: tf.Variable(3, dtype=tf.int64, name="step").initialized_value(),
}


def _on_cpu(text):
    with tf.device("/cpu:0"):
        return tf.constant(text)


@pytest.mark.usefixtures("simulated")
@pytest.mark.parametrize("kind", _ON_CPUS)
def test_without_soft_placement_an_operation_that_has_no_kernel_on_gpus_is_an_error_there(kind):
    with tf.device("/gpu:0"):
        made = _ON_CPUS[kind]()
    words = "Cannot assign a device for operation .*no supported kernel for GPU devices is available"
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=words) as caught:
        session.run(made)
    assert caught.value.op.type in (kind, "Const") and repr(caught.value.op.name) in str(caught.value)


@pytest.mark.usefixtures("simulated")
@pytest.mark.parametrize("kind", _ON_GPUS)
def test_what_tensorflow_has_kernels_for_may_be_placed_on_gpus(kind):
    with tf.device("/gpu:0"):
        made = _ON_GPUS[kind]()
    with tf.Session() as session:
        session.run(made)


@pytest.mark.usefixtures("simulated")
def test_branches_and_bodies_are_placed_with_the_graph_around():
    x = tf.placeholder(tf.float32, [])
    with tf.device("/gpu:0"):
        picked = tf.cond(x > 0, lambda: tf.random_gamma([], 1.0, seed=1), lambda: x)
        looped = tf.while_loop(
            lambda i: i < 2.0, lambda i: tf.cond(x > 0, lambda: tf.random_gamma([], 1.0, seed=1), lambda: i + 1.0), [x]
        )
    config = tf.ConfigProto(allow_soft_placement=True)
    for made in (picked, looped):
        with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="no supported kernel"):
            session.run(made, {x: -1})
        with tf.Session(config=config) as session:
            session.run(made, {x: -1})


@pytest.mark.usefixtures("simulated")
def test_a_model_on_a_gpu_trains_without_soft_placement(tmp_path):
    with tf.device("/gpu:0"):
        table = tf.get_variable("table", [10, 4])
        rows = tf.nn.embedding_lookup(table, tf.placeholder_with_default([1, 2, 2], [3]))
        hidden = tf.layers.dropout(
            tf.layers.batch_normalization(tf.layers.dense(rows, 3), training=True), training=True
        )
        loss = tf.losses.sparse_softmax_cross_entropy(np.array([0, 1, 2]), hidden)
        step = tf.train.get_or_create_global_step()
        rate = tf.train.exponential_decay(0.1, step, 10, 0.9)
        gradients, _ = tf.clip_by_global_norm(tf.gradients(loss, tf.trainable_variables()), 1.0)
        train = tf.train.AdamOptimizer(rate).apply_gradients(
            zip(gradients, tf.trainable_variables(), strict=True), step
        )
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run(train)
        saver.restore(session, saver.save(session, str(tmp_path / "model")))
        assert session.run(step) == 3


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


def test_asking_for_a_gpu_that_is_not_there_is_answered(monkeypatch, caplog):
    monkeypatch.setenv("HEADRACE_GPU", "cuda")
    monkeypatch.setattr(find.driver, "find", lambda: Found(reason="no GPU: there is no NVIDIA driver"))
    monkeypatch.setattr(find, "_said", set())
    assert not tf.test.is_gpu_available() and tf.test.gpu_device_name() == ""
    assert [device.device_type for device in list_local_devices()] == ["CPU"]
    assert caplog.text.count("There is no GPU for this session: there is no NVIDIA driver") == 1
    with pytest.raises(tf.errors.FailedPreconditionError, match="no NVIDIA driver"):
        tf.Session()


def test_support_of_gpus_is_what_is_installed(monkeypatch):
    for choice, installed, expected in [
        ("", True, True),
        ("", False, False),
        ("sim", False, True),
        ("none", True, True),
    ]:
        monkeypatch.setenv("HEADRACE_GPU", choice)
        monkeypatch.setattr(find.importlib.util, "find_spec", lambda name, there=installed: name if there else None)
        assert tf.test.is_built_with_cuda() == tf.test.is_built_with_gpu_support() == expected
    assert not tf.test.is_built_with_rocm() and not tf.test.is_built_with_xla()


def test_a_choice_that_is_none_is_an_error(monkeypatch):
    monkeypatch.setenv("HEADRACE_GPU", "fast")
    with pytest.raises(tf.errors.InvalidArgumentError, match="'fast'; it may be cuda, sim, none"):
        tf.Session()


def test_importing_asks_for_no_device():
    script = (
        "import sys, headrace; assert not any(n.startswith(('cupy', 'headrace.engine.gpu.sim')) for n in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("least", [7, "7.0", (7, None)])
def test_a_capability_is_a_pair_of_integers(least):
    with pytest.raises(TypeError, match="must be a pair of integers"):
        tf.test.is_gpu_available(min_cuda_compute_capability=least)


def test_devices_are_listed_for_a_configuration():
    with pytest.raises(TypeError, match="session_config must be a "):
        list_local_devices(3)

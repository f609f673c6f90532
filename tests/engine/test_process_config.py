"""tf.config: devices, memory, threads and rewriting of sessions that are given no ConfigProto."""

import numpy as np
import pytest

import headrace as tf
from headrace.core.protobuf import config_pb2, meta_graph_pb2, rewriter_config_pb2
from headrace.engine import process_config
from headrace.engine.gpu import find
from headrace.engine.gpu.cuda.driver import Card, Found
from headrace.engine.gpu.memory import ledger_of
from headrace.engine.session_config import DEFAULTS

experimental = tf.config.experimental


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(process_config, "_settings", process_config._Settings())
    monkeypatch.setattr(DEFAULTS, "config", None)
    monkeypatch.setenv("HEADRACE_GPU", "none")
    with tf.Graph().as_default():
        yield


@pytest.fixture
def two_cards(monkeypatch):
    monkeypatch.delenv("HEADRACE_GPU")
    cards = tuple(Card(i, f"card {i}", "sm_90", 1 << 30) for i in range(2))
    monkeypatch.setattr(find.driver, "find", lambda: Found(cards, 13))
    return experimental.list_physical_devices("GPU")


@pytest.fixture
def simulated(monkeypatch):
    monkeypatch.setenv("HEADRACE_GPU", "sim")
    (device,) = experimental.list_physical_devices("GPU")
    ledger = ledger_of(find.find_device())
    monkeypatch.setattr(ledger, "limit", ledger.limit)
    return device


def session_config():
    return tf.Session()._config


def test_sessions_are_given_nothing_where_nothing_was_set():
    assert experimental.list_physical_devices() == [("/physical_device:CPU:0", "CPU")]
    assert [d.device_type for d in experimental.get_visible_devices()] == ["CPU"]
    assert session_config() is None


def test_cards_are_listed_and_chosen(two_cards):
    assert [d.name for d in two_cards] == ["/physical_device:GPU:0", "/physical_device:GPU:1"]
    experimental.set_visible_devices(two_cards[1], "GPU")
    assert experimental.get_visible_devices("GPU") == two_cards[1:]
    config = process_config.config_of_process()
    assert config.gpu_options.visible_device_list == "1" and find.card_number(2, config) == 1
    assert [d.name[-5:] for d in experimental.list_logical_devices()] == ["CPU:0", "GPU:0"]
    with pytest.raises(RuntimeError, match="Visible devices cannot be modified after being initialized"):
        experimental.set_visible_devices([], "GPU")


def test_without_visible_gpus_sessions_take_none(simulated):
    assert tf.Session().options.backend == "gpu"
    experimental.set_visible_devices([], "GPU")
    assert tf.Session().options.backend == "cpu" and experimental.list_logical_devices("GPU") == []
    # A session that is given a ConfigProto goes by that alone.
    assert tf.Session(config=tf.ConfigProto()).options.backend == "gpu"


def test_a_gpu_has_a_limit_or_grows(simulated):
    assert experimental.get_memory_growth(simulated) is True
    limited = [experimental.VirtualDeviceConfiguration(memory_limit=64)]
    experimental.set_virtual_device_configuration(simulated, limited)
    assert experimental.get_virtual_device_configuration(simulated) == limited
    tf.Session()
    assert ledger_of(find.find_device()).limit == 64 << 20
    with pytest.raises(ValueError, match="when virtual devices configured"):
        experimental.set_memory_growth(simulated, True)


def test_growth_is_kept(simulated):
    experimental.set_memory_growth(simulated, True)
    assert session_config().gpu_options.allow_growth
    with pytest.raises(ValueError, match="growth was set"):
        experimental.set_virtual_device_configuration(simulated, [experimental.VirtualDeviceConfiguration()])


def test_what_devices_cannot_be_is_refused(simulated):
    cpu = experimental.list_physical_devices("CPU")[0]
    two = [experimental.VirtualDeviceConfiguration(memory_limit=10)] * 2
    for error, words, call in [
        (ValueError, "Unrecognized device: 'x'", lambda: experimental.set_visible_devices(["x"])),
        (ValueError, "Unrecognized device", lambda: experimental.set_visible_devices([cpu], "GPU")),
        (ValueError, "Cannot set memory growth on non-GPU", lambda: experimental.set_memory_growth(cpu, True)),
        (ValueError, "limit on CPU virtual", lambda: experimental.set_virtual_device_configuration(cpu, two)),
        (ValueError, "not 2", lambda: experimental.set_virtual_device_configuration(simulated, two)),
        (ValueError, "not 0", lambda: experimental.set_virtual_device_configuration(simulated, [])),
        (ValueError, "named twice", lambda: experimental.set_visible_devices([cpu, cpu])),
        (TypeError, "are a list of what", lambda: experimental.set_visible_devices("GPU:0")),
        (TypeError, "list of VirtualDeviceC", lambda: experimental.set_virtual_device_configuration(simulated, [10])),
        (TypeError, "list of VirtualDeviceC", lambda: experimental.set_virtual_device_configuration(simulated, two[0])),
        (TypeError, "are a dictionary", lambda: tf.config.optimizer.set_experimental_options(None)),
        (ValueError, "device policy: 'loud'", lambda: experimental.set_device_policy("loud")),
        (ValueError, "no switch 'folding'", lambda: tf.config.optimizer.set_experimental_options({"folding": True})),
    ]:
        with pytest.raises(error, match=words):
            call()
    assert DEFAULTS.config is None


@pytest.mark.parametrize("limit", [0, -5, float("nan"), float("inf"), "1G"])
def test_limits_that_are_none(simulated, limit):
    with pytest.raises(ValueError, match="must be a number of MiB above 0"):
        experimental.set_virtual_device_configuration(
            simulated, [experimental.VirtualDeviceConfiguration(memory_limit=limit)]
        )
    if not isinstance(limit, str):
        config = tf.ConfigProto()
        config.gpu_options.experimental.virtual_devices.add(memory_limit_mb=[limit])
        with pytest.raises(tf.errors.InvalidArgumentError, match="memory_limit_mb is"):
            tf.Session(config=config)


@pytest.mark.parametrize("options, words", [
    ({"constant_folding": False, "auto_mixed_precision": "perhaps"}, "is True or False, got 'perhaps'"),
    ({"constant_folding": False, "min_graph_nodes": "a"}, "'min_graph_nodes' cannot be 'a'"),
    ({"constant_folding": False, 3: True}, "no switch 3"),
])  # fmt: skip
def test_wrong_options_change_nothing(options, words):
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    with pytest.raises(ValueError, match=words):
        tf.config.optimizer.set_experimental_options(options)
    found = tf.config.optimizer.get_experimental_options()
    assert found == {"disable_model_pruning": False, "disable_meta_optimizer": True}
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})
    assert not tf.config.optimizer.get_experimental_options()["disable_meta_optimizer"]


def test_threads_and_placement_are_those_of_sessions():
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(2)
    with tf.device("/gpu:0"):
        y = tf.constant(np.float32(2)) * 2.0
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="explicitly assigned"):
        session.run(y)
    tf.config.set_soft_device_placement(True)
    with tf.Session() as session:
        assert session.run(y) == 4 and session.options.threads == 1
    assert tf.config.get_soft_device_placement() and tf.config.threading.get_inter_op_parallelism_threads() == 2
    assert tf.config.experimental_list_devices() == ["/job:localhost/replica:0/task:0/device:CPU:0"]
    with pytest.raises(RuntimeError, match="Intra op parallelism cannot be modified"):
        tf.config.threading.set_intra_op_parallelism_threads(2)


def test_rewriting_is_that_of_sessions():
    assert not tf.config.optimizer.get_jit()
    tf.config.optimizer.set_jit(True)
    tf.config.optimizer.set_experimental_options({"constant_folding": False, "auto_mixed_precision": True})
    options = {"disable_model_pruning": False, "disable_meta_optimizer": False}
    expected = {**options, "constant_folding": False, "auto_mixed_precision": True}
    assert tf.config.optimizer.get_jit() and tf.config.optimizer.get_experimental_options() == expected
    session = tf.Session()
    assert "fold" in session.options.off and session.options.mixed_precision == "float16"


def test_keras_goes_by_it_too():
    assert tf.keras.backend.get_session()._config.allow_soft_placement
    tf.config.threading.set_intra_op_parallelism_threads(1)
    with tf.Graph().as_default():
        session = tf.keras.backend.get_session()
    assert session.options.threads == 1 and session._config.allow_soft_placement


def test_choices_of_eager_execution_are_kept():
    for policy in ("warn", "silent_for_int32", None):
        experimental.set_device_policy(policy)
        assert experimental.get_device_policy() == (policy or "silent")
    assert experimental.get_synchronous_execution()
    experimental.set_synchronous_execution(False)
    assert not experimental.get_synchronous_execution()
    cpu = experimental.list_physical_devices("CPU")[0]
    experimental.set_virtual_device_configuration(cpu, [experimental.VirtualDeviceConfiguration()] * 2)
    assert len(experimental.list_logical_devices("CPU")) == 2


def test_messages_are_found_by_path():
    rewriting = rewriter_config_pb2.RewriterConfig(arithmetic_optimization=rewriter_config_pb2.RewriterConfig.OFF)
    config = config_pb2.ConfigProto(graph_options=config_pb2.GraphOptions(rewrite_options=rewriting))
    assert "simplify" in tf.Session(config=config).options.off
    assert tf.core.protobuf.saver_pb2.SaverDef is tf.train.SaverDef and meta_graph_pb2.TensorInfo().name == ""

"""Watched steps: dumps hold what was computed, branches and bodies included, and the results stay what they were."""

import json
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import headrace as tf
from headrace import debug as tf_debug
from headrace.engine.protos import Event
from headrace.engine.rewriting.passes import PASSES
from headrace.engine.tensor_proto import make_tensor_proto


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def dumped(tmp_path, session, fetches, feeds=None, name="dump", **watch):
    """The dump of one run."""
    options = tf.RunOptions()
    tf_debug.watch_graph(options, session.graph, debug_urls=f"file://{tmp_path / name}", **watch)
    session.run(fetches, feeds, options=options)
    return tf_debug.DebugDumpDir(str(tmp_path / name))


def values(dump, node, slot=0):
    return dump.get_tensors(node, slot, "DebugIdentity")


def network():
    """A small network with Adam, its feeds, and what to run."""
    tf.set_random_seed(3)
    x = tf.placeholder(tf.float32, [None, 6], name="x")
    y = tf.placeholder(tf.int32, [None], name="y")
    hidden = tf.layers.dropout(tf.layers.dense(x, 8, activation=tf.nn.tanh), training=True)
    loss = tf.losses.sparse_softmax_cross_entropy(y, tf.layers.dense(hidden, 3))
    train = tf.train.AdamOptimizer(0.1).minimize(loss, global_step=tf.train.get_or_create_global_step())
    rng = np.random.default_rng(0)
    batches = [{x: rng.normal(size=(5, 6)).astype("f"), y: rng.integers(0, 3, 5)} for _ in range(4)]
    return loss, train, batches


def trained(session, fetches, batches, **keywords):
    session.run(tf.global_variables_initializer())
    losses = [session.run(fetches, batch, **keywords)[1] for batch in batches]
    return losses, session.run(tf.trainable_variables())


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_watching_does_not_change_results(tmp_path, graph, backend):
    loss, train, batches = network()
    # Operations that are fused round in another way: the last bits are those of a session that fuses nothing.
    off = PASSES.keys() - {"fold"}
    with tf.Session(backend=backend, passes_off=off) as session:
        plain = trained(session, [train, loss], batches)
    options = tf.RunOptions()
    tf_debug.watch_graph(options, graph, debug_urls=f"file://{tmp_path}/dump")
    with tf.Session(backend=backend, passes_off=off) as session:
        watched = trained(session, [train, loss], batches, options=options)
    assert plain[0] == watched[0]
    for a, b in zip(plain[1], watched[1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_watched_steps_agree_with_fused_ones_closely(tmp_path, graph):
    loss, train, batches = network()
    options = tf.RunOptions()
    tf_debug.watch_graph(options, graph, debug_urls=f"file://{tmp_path}/dump", node_name_regex_whitelist="dense/.*")
    with tf.Session() as session:
        plain = trained(session, [train, loss], batches)
    with tf.Session() as session:
        watched = trained(session, [train, loss], batches, options=options)
    np.testing.assert_allclose(plain[0], watched[0], 1e-5)
    assert {d.node_name.split("/")[0] for d in tf_debug.DebugDumpDir(f"{tmp_path}/dump").dumped_tensor_data} == {
        "dense"
    }


def test_a_dump_holds_what_a_run_computed(tmp_path):
    loss, train, batches = network()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        before = session.run("dense/kernel:0")
        dump = dumped(tmp_path, session, [train, loss], batches[0])
        after = session.run("dense/kernel:0")
    np.testing.assert_array_equal(values(dump, "x")[0], next(iter(batches[0].values())))
    np.testing.assert_array_equal(values(dump, "dense/kernel")[0], before)
    np.testing.assert_array_equal(values(dump, "Adam/update_dense/kernel/ApplyAdam")[0], after)
    kernel, bias = values(dump, "dense/kernel/read")[0], values(dump, "dense/bias/read")[0]
    x = values(dump, "x")[0]
    np.testing.assert_allclose(values(dump, "dense/Tanh")[0], np.tanh(x @ kernel + bias), 1e-4, 1e-6)
    assert dump.core_metadata.global_step == 0
    assert dump.run_feed_keys_info == ["x:0", "y:0"]
    assert dump.run_fetches_info == ["Adam", loss.name]
    times = [d.timestamp for d in dump.dumped_tensor_data]
    assert times == sorted(set(times)) and dump.t0 == times[0] and dump.size == len(times)


@pytest.mark.parametrize(
    ("watch", "nodes"),
    [
        ({"node_name_regex_whitelist": "b"}, {"b", "bc"}),
        ({"op_type_regex_whitelist": "Sq"}, {"b"}),
        ({"tensor_dtype_regex_whitelist": "int"}, {"n"}),
        ({"node_name_regex_whitelist": "b", "op_type_regex_whitelist": "Neg"}, {"bc"}),
        ({"node_name_regex_whitelist": "nothing"}, set()),
        ({}, {"a", "b", "bc", "n"}),
    ],
)
def test_watches_choose_tensors(tmp_path, watch, nodes):
    a = tf.placeholder(tf.float32, [2], name="a")
    n = tf.placeholder(tf.int32, [], name="n")
    fetches = [tf.negative(tf.square(a, name="b"), name="bc"), n]
    with tf.Session() as session:
        dump = dumped(tmp_path, session, fetches, {a: [1, 2], n: 3}, **watch) if nodes else None
        if dump is not None:
            assert {d.node_name for d in dump.dumped_tensor_data} == nodes
        else:
            options = tf.RunOptions()
            tf_debug.watch_graph(options, session.graph, debug_urls="file:///nowhere/at/all", **watch)
            assert session.run(fetches, {a: [1, 2], n: 3}, options=options)[1] == 3


def test_blacklists_and_single_tensors(tmp_path, graph):
    a = tf.placeholder(tf.float32, [2], name="a")
    fetch = tf.negative(tf.square(a, name="b"), name="c")
    options = tf.RunOptions()
    url = f"file://{tmp_path}/dump"
    tf_debug.watch_graph_with_blacklists(options, graph, debug_urls=url, op_type_regex_blacklist="(Square|Placeholder)")
    with tf.Session() as session:
        session.run(fetch, {a: [1, 2]}, options=options)
        assert [d.tensor_name for d in tf_debug.DebugDumpDir(f"{tmp_path}/dump").dumped_tensor_data] == ["c:0"]
        options = tf.RunOptions()
        tf_debug.add_debug_tensor_watch(options, "b", 0, ["DebugIdentity", "DebugNumericSummary", "DebugNanCount"], url)
        session.run(fetch, {a: [np.nan, -2]}, options=options)
    dump = tf_debug.DebugDumpDir(f"{tmp_path}/dump")
    assert dump.debug_watch_keys("b") == [
        f"b:0:{op}" for op in ("DebugIdentity", "DebugNumericSummary", "DebugNanCount")
    ]
    assert dump.get_tensors("b", 0, "DebugNanCount")[0].tolist() == [1]
    summary = dump.get_tensors("b", 0, "DebugNumericSummary")[0]
    assert summary.tolist() == [1, 2, 1, 0, 0, 0, 1, 0, 4, 4, 4, 0, 1, 1, 2]


def test_branches_and_bodies_are_watched(tmp_path):
    x = tf.placeholder(tf.float32, [], name="x")
    chosen = tf.cond(x > 0, lambda: tf.multiply(x, 2, name="double"), lambda: tf.negative(x, name="minus"))
    _, total = tf.while_loop(
        lambda i, t: i < 3, lambda i, t: (i + 1, tf.add(t, chosen, name="sum_up")), [tf.constant(0), tf.constant(0.0)]
    )
    with tf.Session() as session:
        dump = dumped(tmp_path, session, total, {x: 2.0})
    names = {d.node_name.split("/")[-1]: d.node_name for d in dump.dumped_tensor_data}
    assert "minus" not in names
    assert values(dump, names["double"]) == [4.0]
    assert values(dump, names["sum_up"]) == [4.0, 8.0, 12.0]
    assert dump.inside(names["sum_up"]) and dump.inside("x") is None
    times = dump.get_rel_timestamps(names["sum_up"], 0)
    assert times == sorted(times) and len(dump.get_tensor_file_paths(names["sum_up"], 0)) == 3


def test_raw_control_flow_is_watched(tmp_path):
    x = tf.constant(3.0, name="x")
    off, on = tf.raw_ops.Switch(data=x, pred=tf.constant(True))
    merged, _ = tf.raw_ops.Merge(inputs=[tf.negative(off, name="off"), tf.square(on, name="on")])
    with tf.Session() as session:
        dump = dumped(tmp_path, session, merged)
    assert values(dump, "on") == [9.0] and not dump.debug_watch_keys("off")


@pytest.mark.parametrize(
    "array",
    [
        np.float32(1.5),
        np.zeros((0, 3), np.int64),
        np.array([[b"a\0b", b""], ["ä".encode(), b"c"]], object),
        np.arange(3).astype(ml_dtypes.bfloat16),
        np.array(2, ml_dtypes.bfloat16),
        np.array([True, False]),
        np.array([1 + 2j, np.nan], np.complex64),
        np.arange(6.0).reshape(2, 3).T,
    ],
    ids=lambda a: f"{np.asarray(a).dtype}{np.shape(a)}",
)
def test_every_dtype_comes_back(tmp_path, array):
    x = tf.placeholder(tf.as_dtype(np.asarray(array).dtype), None, name="x")
    with tf.Session() as session:
        dump = dumped(tmp_path, session, tf.identity(x, name="y"), {x: array})
    for node in ("x", "y"):
        found = values(dump, node)[0]
        assert found.dtype == np.asarray(array).dtype and found.shape == np.shape(array)
        assert found.tobytes() == np.asarray(array).tobytes() if found.dtype != object else (found == array).all()


def test_variables_without_a_value_have_none(tmp_path):
    v = tf.get_variable("v", [2], use_resource=False)
    with tf.Session() as session:
        dump = dumped(tmp_path, session, tf.is_variable_initialized(v))
    datum = dump.watch_key_to_data("v:0:DebugIdentity")[0]
    assert datum.get_tensor() is None and not datum.initialized and datum.file_path == ""
    assert not dump.find(tf_debug.has_inf_or_nan)


def test_a_run_that_fails_leaves_what_came_before(tmp_path):
    x = tf.placeholder(tf.float32, [2], name="x")
    picked = tf.gather(tf.square(x, name="square"), tf.constant(7) + tf.cast(x[0], tf.int32), name="pick")
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError):
        dumped(tmp_path, session, picked, {x: [0, 1]})
    dump = tf_debug.DebugDumpDir(str(tmp_path / "dump"))
    assert "InvalidArgumentError" in dump.error and "pick" in dump.error
    assert values(dump, "square")[0].tolist() == [0, 1] and not dump.debug_watch_keys("pick")


def test_disk_use_has_a_limit(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDBG_DISK_BYTES_LIMIT", "4000")
    x = tf.placeholder(tf.float32, [500], name="x")
    with tf.Session() as session:
        with pytest.raises(tf.errors.ResourceExhaustedError, match="TFDBG_DISK_BYTES_LIMIT"):
            dumped(tmp_path, session, tf.square(x), {x: np.ones(500)}, reset_disk_byte_usage=True)
        assert dumped(tmp_path, session, x, {x: np.ones(500)}, reset_disk_byte_usage=True).size == 1


def test_a_limit_that_is_no_number(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDBG_DISK_BYTES_LIMIT", "10GB")
    x = tf.placeholder(tf.float32, [2], name="x")
    with tf.Session() as session:
        text = "TFDBG_DISK_BYTES_LIMIT must be a number of bytes, such as 10000000000, got '10GB'"
        with pytest.raises(ValueError, match=text):
            dumped(tmp_path, session, x, {x: [1, 2]})
    assert not (tmp_path / "dump").exists()


def test_the_beginning_of_a_dump_is_taken_over(tmp_path):
    """What a process leaves that is killed at once has no run.json."""
    values_of_before = tmp_path / "dump" / "tensors"
    values_of_before.mkdir(parents=True)
    (values_of_before / "000000.npy").write_bytes(b"half")
    x = tf.placeholder(tf.float32, [2], name="x")
    with tf.Session() as session:
        assert values(dumped(tmp_path, session, x, {x: [1, 2]}), "x")[0].tolist() == [1, 2]


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    other = tmp_path / "dump" / "tensors" / "results.csv"
    other.parent.mkdir(parents=True)
    other.write_text("mine")
    x = tf.placeholder(tf.float32, [2], name="x")
    with tf.Session() as session, pytest.raises(FileExistsError, match=r"dump/tensors .* no dump's .* results.csv"):
        dumped(tmp_path, session, x, {x: [1, 2]})
    assert other.read_text() == "mine"


@pytest.mark.parametrize("wrap", [tf_debug.DumpingDebugWrapperSession, None], ids=["wrapper", "hook"])
def test_dumps_of_an_earlier_session_are_named(tmp_path, wrap):
    (tmp_path / "run_1700000000000000_1").mkdir()
    with pytest.raises(ValueError, match=r"holds dumps of an earlier session \(python -m headrace debug .*run_17"):
        wrap(tf.Session(), str(tmp_path)) if wrap else tf_debug.DumpingDebugHook(str(tmp_path))


def test_a_folder_of_dumps_names_the_newest(tmp_path):
    for name in ("run_1700000000000000_1", "run_1700000000000001_2"):
        (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match=r"holds no dump: .*; the newest dump in it is .*run_1700000000000001_2"):
        tf_debug.DebugDumpDir(str(tmp_path))


def test_the_graph_of_a_dump(tmp_path):
    a = tf.constant([1.0, -1.0], name="a")
    with tf.control_dependencies([tf.no_op(name="first")]):
        b = tf.add(a, a, name="b")
    parts = tf.split(b, 2, name="parts")
    c = tf.add(parts[1], a, name="c")
    with tf.Session() as session:
        dump = dumped(tmp_path, session, c)
    assert dump.node_inputs("b") == ["a", "a"] and dump.node_inputs("b", is_control=True) == ["first"]
    assert dump.node_inputs("c:0") == ["parts:1", "a"]
    assert set(dump.node_recipients("a")) == {"b", "c"} and dump.node_recipients("first", is_control=True) == ["b"]
    assert dump.node_op_type("parts") == "Split" and dump.node_attributes("parts")["num_split"] == "2"
    assert dump.find_some_path("a", "c", include_control=False) in (["a", "c"], ["a", "b", "parts", "c"])
    assert dump.find_some_path("c", "a") is None and set(dump.transitive_inputs("b")) == {"a", "first"}
    assert dump.devices() == [dump.node_device("a")] and dump.node_exists("b:0") and not dump.node_exists("z")
    file, line, function, text = dump.node_traceback("c:0")[0]
    assert file == __file__ and function == "test_the_graph_of_a_dump" and 'name="c"' in text and line > 0
    assert {n.name for n in dump.partition_graphs()[0].node} == set(dump.nodes())
    assert list(dump.reconstructed_non_debug_partition_graphs()) == dump.devices()
    for call in (dump.node_inputs, dump.node_op_type, dump.node_recipients, dump.transitive_inputs):
        with pytest.raises(ValueError, match="'z' does not exist"):
            call("z")
    with pytest.raises(KeyError, match="z"):
        dump.node_traceback("z")
    with pytest.raises(tf_debug.WatchKeyDoesNotExistInDebugDumpDirError, match="c:3"):
        dump.get_tensors("c", 3, "DebugIdentity")


def test_find(tmp_path):
    x = tf.placeholder(tf.float32, [2], name="x")
    fetch = tf.exp(tf.log(x, name="log"), name="exp")
    with tf.Session() as session:
        dump = dumped(tmp_path, session, fetch, {x: [0, -1]})
    assert [d.node_name for d in dump.find(tf_debug.has_inf_or_nan)] == ["log", "exp"]
    assert [d.node_name for d in dump.find(tf_debug.has_inf_or_nan, first_n=1)] == ["log"]
    assert [d.node_name for d in dump.find(tf_debug.has_inf_or_nan, exclude_node_names="lo")] == ["exp"]
    assert [d.tensor_name for d in dump.find(lambda datum, tensor: datum.op_type == "Exp" and tensor.size == 2)] == [
        "exp:0"
    ]


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("grpc://localhost:1", "not to 'grpc"),
        ("/tmp/x", "file:///"),
        ("file://host/x", "file:///"),
        ("file:///", "file:///"),
    ],
)
def test_other_places_than_folders_are_refused(graph, url, text):
    with pytest.raises(ValueError, match=text):
        tf_debug.watch_graph(tf.RunOptions(), graph, debug_urls=url)
    with pytest.raises(ValueError, match="no debug op 'DebugFoo'"):
        tf_debug.add_debug_tensor_watch(tf.RunOptions(), "a", debug_ops="DebugFoo")


def edited(folder, name, change):
    """Changes a JSON file, or the first line of one, of a dump."""
    path = folder / name
    lines = path.read_text().splitlines() if name.endswith("l") else [path.read_text()]
    lines[0] = change(lines[0])
    path.write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("run.json", lambda t: t.replace("headrace", "other")),
        ("run.json", lambda t: t[:30]),
        ("graph.json", lambda t: "[]"),
        ("graph.json", lambda t: '{"nodes": [{"name": "x"}]}'),
        ("graph.json", lambda t: "[" * 100_000),
        ("tensors.jsonl", lambda t: t.replace("000000.npy", "../../secret.npy")),
        ("tensors.jsonl", lambda t: t.replace('"slot": 0', '"slot": "0"')),
        ("tensors.jsonl", lambda t: "nonsense"),
        ("tensors.jsonl", lambda t: t.replace("[2]", "[2000000000]")),
        ("tensors.jsonl", lambda t: t.replace("float32", "float64")),
        ("tensors.jsonl", lambda t: t.replace("float32", "nonsense")),
    ],
)
def test_damaged_dumps_are_refused(tmp_path, name, change):
    x = tf.placeholder(tf.float32, [2], name="x")
    with tf.Session() as session:
        dumped(tmp_path, session, x, {x: [1, 2]})
    edited(tmp_path / "dump", name, change)
    with pytest.raises((ValueError, TypeError)):
        tf_debug.DebugDumpDir(str(tmp_path / "dump")).dumped_tensor_data[0].get_tensor()


def test_objects_in_npy_files_are_refused(tmp_path):
    x = tf.placeholder(tf.float32, [2], name="x")
    with tf.Session() as session:
        dump = dumped(tmp_path, session, x, {x: [1, 2]})
    with Path(dump.dumped_tensor_data[0].file_path).open("wb") as file:
        np.lib.format.write_array(file, np.array([{}, {}], object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"has \d+ bytes, float32 \(2,\) has 136"):
        dump.dumped_tensor_data[0].get_tensor()
    with pytest.raises(OSError, match="no folder"):
        tf_debug.DebugDumpDir(str(tmp_path / "absent"))
    with pytest.raises(ValueError, match="holds no dump"):
        tf_debug.DebugDumpDir(str(tmp_path))


def test_a_process_that_was_killed_leaves_a_dump(tmp_path):
    x = tf.placeholder(tf.float32, [2], name="x")
    with tf.Session() as session:
        dumped(tmp_path, session, tf.square(x, name="y"), {x: [1, 2]})
    folder = tmp_path / "dump"
    run = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**run, "ended": False}))
    (folder / "tensors.jsonl").write_text((folder / "tensors.jsonl").read_text().rstrip()[:-20])
    dump = tf_debug.DebugDumpDir(str(folder))
    assert [d.node_name for d in dump.dumped_tensor_data] == ["x"] and "process ended" in dump.error


def test_dumping_wrapper(tmp_path):
    x = tf.placeholder(tf.float32, [2], name="x")
    y = tf.square(x, name="y")
    seen = []

    def watch(fetches, feeds):
        seen.append((fetches, feeds))
        return tf_debug.WatchOptions(node_name_regex_whitelist="y")

    with tf_debug.DumpingDebugWrapperSession(tf.Session(), str(tmp_path / "dumps"), watch) as session:
        assert session.run(y, {x: [1, 2]}).tolist() == [1, 4]
        assert y.eval({x: [3, 4]}).tolist() == [9, 16]
        assert session.make_callable(y, [x])([5, 6]).tolist() == [25, 36]
    assert session.run_call_count == 3 and seen[0] == (y, {x: [1, 2]})
    dumps = [tf_debug.DebugDumpDir(str(f)) for f in sorted((tmp_path / "dumps").iterdir())]
    assert [values(d, "y")[0].tolist() for d in dumps] == [[1, 4], [9, 16], [25, 36]]
    with pytest.raises(ValueError, match="not exist or is empty"):
        tf_debug.DumpingDebugWrapperSession(tf.Session(), str(tmp_path / "dumps"))
    with pytest.raises(TypeError, match="WatchOptions"):
        tf_debug.DumpingDebugWrapperSession(tf.Session(), str(tmp_path / "d2"), lambda f, k: 3).run(y, {x: [1, 2]})


def test_other_threads_are_left_alone(tmp_path):
    y = tf.square(tf.constant(2.0), name="y")
    session = tf_debug.DumpingDebugWrapperSession(tf.Session(), str(tmp_path / "dumps"), thread_name_filter="Other")
    assert session.run(y) == 4 and not (tmp_path / "dumps").exists()
    session.close()


def test_tensors_of_tensorflow_s_own_dumps(tmp_path):
    event = Event()
    event.summary.value.add(node_name="a:0:DebugIdentity").tensor.CopyFrom(make_tensor_proto(np.arange(3.0)))
    (tmp_path / "file").write_bytes(event.SerializeToString())
    assert tf_debug.load_tensor_from_event_file(str(tmp_path / "file")).tolist() == [0, 1, 2]
    (tmp_path / "file").write_bytes(b"\xff\xff nonsense")
    with pytest.raises(ValueError, match="no dump file"):
        tf_debug.load_tensor_from_event_file(str(tmp_path / "file"))

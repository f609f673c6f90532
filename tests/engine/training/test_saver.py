"""Saver: what is saved comes back, what is kept, what is refused, slices, graphs in files."""

import numpy as np
import pytest

import headrace as tf
from headrace.engine import errors
from headrace.engine.checkpoint.reader import list_variables, load_variable
from headrace.engine.checkpoint.state import get_checkpoint_state, latest_checkpoint
from headrace.engine.checkpoint.writer import merge_checkpoints
from headrace.engine.graph import Graph
from headrace.engine.ops.constant import constant
from headrace.engine.ops.files import read_file
from headrace.engine.partitioned import fixed_size_partitioner
from headrace.engine.scopes import device
from headrace.engine.session import Session
from headrace.engine.training.global_step import get_or_create_global_step
from headrace.engine.training.meta_graph import export_meta_graph, import_meta_graph
from headrace.engine.training.saver import Saver
from headrace.engine.variable_lists import global_variables_initializer
from headrace.engine.variable_scope import get_variable
from headrace.engine.variables import Variable


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def names_in(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("use_resource", [False, True])
def test_round_trip(graph, tmp_path, use_resource):
    v = Variable(np.arange(6.0).reshape(2, 3), name="v", use_resource=use_resource)
    n = Variable(np.int64(3), name="n", use_resource=use_resource)
    saver = Saver()
    init = global_variables_initializer()
    definition = saver.as_saver_def()
    assert definition.filename_tensor_name == "save/Const:0"
    assert (definition.save_tensor_name, definition.restore_op_name) == (
        "save/control_dependency:0", "save/restore_all",
    )  # fmt: skip
    with Session(graph=graph) as sess:
        sess.run(init)
        path = saver.save(sess, f"{tmp_path}/model.ckpt", global_step=n)
        assert path == f"{tmp_path}/model.ckpt-3"
    assert names_in(tmp_path) == [
        "checkpoint", "model.ckpt-3.data-00000-of-00001", "model.ckpt-3.index", "model.ckpt-3.meta",
    ]  # fmt: skip
    with Session(graph=graph) as sess:
        saver.restore(sess, path)
        np.testing.assert_array_equal(sess.run(v), np.arange(6.0).reshape(2, 3))
        assert sess.run(n) == 3
    assert list_variables(path) == [("n", []), ("v", [2, 3])]


def test_newest_are_kept(graph, tmp_path):
    v = Variable(0.0, name="v")
    saver = Saver(max_to_keep=2)
    with Session(graph=graph) as sess:
        sess.run(v.initializer)
        for step in range(4):
            sess.run(v.assign(float(step)))
            saver.save(sess, f"{tmp_path}/m", step, write_meta_graph=False)
    kept = [f"{tmp_path}/m-2", f"{tmp_path}/m-3"]
    assert saver.last_checkpoints == kept and latest_checkpoint(tmp_path) == kept[1]
    assert [n for n in names_in(tmp_path) if n.endswith(".index")] == ["m-2.index", "m-3.index"]
    again = Saver(max_to_keep=2)
    again.recover_last_checkpoints(get_checkpoint_state(tmp_path).all_model_checkpoint_paths)
    assert again.last_checkpoints == kept
    again.set_last_checkpoints_with_time([("a", 1.0)])
    assert again.last_checkpoints == ["a"]


def test_names_and_choice(graph, tmp_path):
    a, b = Variable(1.0, name="a"), Variable(2.0, name="b")
    saver = Saver({"x": a}, name="own", save_relative_paths=True, pad_step_number=True)
    with Session(graph=graph) as sess:
        sess.run([a.initializer, b.initializer])
        path = saver.save(sess, f"{tmp_path}/m", 7)
    assert path.endswith("m-00000007") and list_variables(path) == [("x", [])]
    assert 'model_checkpoint_path: "m-00000007"' in (tmp_path / "checkpoint").read_text()


def test_partitioned_variables_are_one_tensor(tmp_path):
    values = np.arange(20.0, dtype=np.float32).reshape(10, 2)
    with Graph().as_default():
        get_variable("w", initializer=constant(values), partitioner=fixed_size_partitioner(3))
        saver, init = Saver(sharded=True), global_variables_initializer()
        with Session() as sess:
            sess.run(init)
            path = saver.save(sess, f"{tmp_path}/m")
    assert list_variables(path) == [("w", [10, 2])]
    np.testing.assert_array_equal(load_variable(path, "w"), values)
    for slices in (None, 4):
        with Graph().as_default():
            partitioner = None if slices is None else fixed_size_partitioner(slices)
            w = get_variable("w", [10, 2], partitioner=partitioner)
            saver = Saver([w] if slices is None else {"w": w})
            with Session() as sess:
                saver.restore(sess, path)
                got = sess.run(w) if slices is None else np.concatenate(sess.run(list(w)))
        np.testing.assert_array_equal(got, values)


def test_shards_by_device(graph, tmp_path):
    for index in range(2):
        with device(f"/cpu:{index}"):
            Variable(float(index), name=f"v{index}")
    saver, init = Saver(sharded=True), global_variables_initializer()
    from headrace.engine.protos import ConfigProto

    config = ConfigProto(device_count={"CPU": 2}, allow_soft_placement=True)
    with Session(graph=graph, config=config) as sess:
        sess.run(init)
        path = saver.save(sess, f"{tmp_path}/m", write_meta_graph=False)
        saver.restore(sess, path)
    assert names_in(tmp_path) == ["checkpoint", "m.data-00000-of-00002", "m.data-00001-of-00002", "m.index"]
    assert load_variable(path, "v1") == 1.0


def test_what_does_not_fit_is_refused(tmp_path):
    with Graph().as_default(), Session() as sess:
        v = Variable(np.zeros(4, np.float32), name="v")
        sess.run(v.initializer)
        path = Saver().save(sess, f"{tmp_path}/m", write_meta_graph=False)
    cases = [
        ("v", np.zeros(3, np.float32), errors.InvalidArgumentError, r"shape of v does not fit: \[3\].*\[4\]"),
        ("v", np.zeros(4, np.float64), errors.InvalidArgumentError, "expected dtype float64"),
        ("w", np.zeros(4, np.float32), errors.NotFoundError, "Key w not found"),
    ]
    for name, value, kind, text in cases:
        with Graph().as_default(), Session() as sess:
            Variable(value, name=name)
            with pytest.raises(kind, match=text):
                Saver().restore(sess, path)
            with pytest.raises(ValueError, match="not a valid checkpoint"):
                Saver().restore(sess, path + "x")
            with pytest.raises(ValueError, match="when it is None"):
                Saver().restore(sess, None)
    with Graph().as_default(), Session() as sess:
        v = Variable(np.ones((2, 2), np.float32), name="v")
        Saver(reshape=True).restore(sess, path)
        assert sess.run(v).tolist() == [[0, 0], [0, 0]]


def test_errors_of_making_and_saving(graph, tmp_path):
    with pytest.raises(ValueError, match="No variables to save"):
        Saver()
    empty = Saver(allow_empty=True)
    v, w = Variable(1.0, name="v"), Variable(1.0, name="w")
    with pytest.raises(ValueError, match="restored with two names"):
        Saver({"a": v, "b": v})
    with pytest.raises(TypeError, match="dict or a list"):
        Saver(v)
    with pytest.raises(TypeError, match="not a Variable"):
        Saver([constant(1)])
    deferred = Saver(defer_build=True)
    with Session(graph=graph) as sess:
        assert empty.save(sess, f"{tmp_path}/m") is None
        with pytest.raises(RuntimeError, match="build"):
            deferred.save(sess, f"{tmp_path}/m")
        deferred.build()
        with pytest.raises(errors.FailedPreconditionError, match="uninitialized value"):
            deferred.save(sess, f"{tmp_path}/m")
        sess.run([v.initializer, w.initializer])
        with pytest.raises(ValueError, match="doesn't exist"):
            deferred.save(sess, f"{tmp_path}/no/m")
        with pytest.raises(ValueError, match="path components"):
            deferred.save(sess, f"{tmp_path}/m", latest_filename="a/b")
    assert names_in(tmp_path) == []


def test_a_graph_comes_back_with_its_variables(tmp_path):
    with Graph().as_default() as graph, Session() as sess:
        v = Variable(2.0, name="v", trainable=False)
        step = get_or_create_global_step()
        out = v * 3.0
        graph.add_to_collection("out", out)
        graph.add_to_collection("notes", "text")
        saver = Saver()
        sess.run(global_variables_initializer())
        path = saver.save(sess, f"{tmp_path}/m", step)
    for scope in (None, "again"):
        with Graph().as_default() as graph, Session() as sess:
            restored = import_meta_graph(path + ".meta", import_scope=scope)
            restored.restore(sess, path)
            assert sess.run(graph.get_collection("out")[0]) == 6.0
            assert graph.get_collection("notes") == [b"text"]
            names = [v.op.name for v in graph.get_collection("variables")]
            assert names == ([f"{scope}/v", f"{scope}/global_step"] if scope else ["v", "global_step"])
            assert not any(v.name.endswith("v:0") for v in graph.get_collection("trainable_variables"))


def test_graphs_in_files(graph, tmp_path):
    Variable(2.0, name="v")
    message = export_meta_graph(f"{tmp_path}/g.txt", as_text=True)
    assert "node {" in (tmp_path / "g.txt").read_text() and set(message.collection_def) >= {"variables"}
    with Graph().as_default():
        assert isinstance(import_meta_graph(f"{tmp_path}/g.txt"), Saver)
    with pytest.raises(OSError, match="does not exist"):
        import_meta_graph(f"{tmp_path}/none")
    (tmp_path / "bad").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="Cannot parse file"):
        import_meta_graph(f"{tmp_path}/bad")


def test_a_graph_from_a_file_may_not_read_files(graph):
    read_file(constant("/etc/hostname"))
    message = export_meta_graph()
    with Graph().as_default():
        with pytest.raises(errors.PermissionDeniedError, match="ReadFile"):
            import_meta_graph(message)
        import_meta_graph(message, allow_io=True)


@pytest.mark.parametrize("given", [{"latest_filename": "m.index"}, {"meta_graph_suffix": "index"},
                                   {"meta_graph_suffix": "data-00000-of-00001"}])  # fmt: skip
def test_a_checkpoint_is_not_overwritten_by_what_is_written_beside_it(given, tmp_path):
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.get_variable("v", [2], initializer=tf.zeros_initializer())
        saver = tf.train.Saver()
        sess.run(v.initializer)
        with pytest.raises(ValueError, match=r"would overwrite m\."):
            saver.save(sess, str(tmp_path / "m"), **given)


def test_a_prefix_that_ends_with_a_slash_names_a_folder(tmp_path):
    (tmp_path / "run").mkdir()
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.get_variable("v", [2], initializer=tf.zeros_initializer())
        sess.run(v.initializer)
        path = tf.train.Saver().save(sess, f"{tmp_path}/run/", 1)
    assert tf.train.latest_checkpoint(str(tmp_path / "run")) == path
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("hours", [-1, "2", None, float("nan"), True])
def test_hours_of_checkpoints_to_keep(hours):
    with tf.Graph().as_default(), pytest.raises(ValueError, match="keep_checkpoint_every_n_hours must be a number"):
        tf.get_variable("v", [])
        tf.train.Saver(keep_checkpoint_every_n_hours=hours)


@pytest.mark.parametrize("number", [-1, "2", 1.5, True])
def test_numbers_of_checkpoints_to_keep(number):
    with tf.Graph().as_default(), pytest.raises(ValueError, match="max_to_keep must be a whole number"):
        tf.get_variable("v", [])
        tf.train.Saver(max_to_keep=number)


def test_what_cannot_be_merged_stays_as_it_is(tmp_path):
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.get_variable("v", [2], initializer=tf.zeros_initializer())
        sess.run(v.initializer)
        saver = tf.train.Saver()
        paths = [saver.save(sess, str(tmp_path / name)) for name in ("a", "b")]
        before = sorted(p.name for p in tmp_path.iterdir())
        with pytest.raises(tf.errors.AlreadyExistsError, match="given twice"):
            merge_checkpoints(paths, str(tmp_path / "m"))
        assert sorted(p.name for p in tmp_path.iterdir()) == before
        assert tf.train.NewCheckpointReader(paths[1]).get_tensor("v").tolist() == [0, 0]

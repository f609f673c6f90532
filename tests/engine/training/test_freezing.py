"""Graphs and checkpoints as one graph of constants."""

import numpy as np
import pytest

import headrace as tf
from headrace.python.tools import freeze_graph, inspect_checkpoint


@pytest.fixture(params=[False, True], ids=["variables", "resources"])
def model(request, tmp_path):
    """A trained model's graph as a file, its checkpoint, and what it gives for ones."""
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        with tf.device("/cpu:0"):
            w = tf.get_variable("w", [2, 3], initializer=tf.random_normal_initializer(), use_resource=request.param)
            b = tf.get_variable("b", [3], initializer=tf.ones_initializer(), use_resource=request.param)
        y = tf.add(tf.matmul(x, w), b, name="y")
        sess.run(tf.global_variables_initializer())
        checkpoint = tf.train.Saver().save(sess, str(tmp_path / "model.ckpt"))
        tf.train.write_graph(graph, str(tmp_path), "graph.pbtxt")
        tf.train.export_meta_graph(str(tmp_path / "model.meta"))
        return tmp_path, checkpoint, sess.run(y, {x: np.ones((1, 2), np.float32)})


def freeze(folder, checkpoint, **changes):
    given = {
        "input_graph": str(folder / "graph.pbtxt"), "input_saver": "", "input_binary": False,
        "input_checkpoint": checkpoint, "output_node_names": "y", "restore_op_name": "save/restore_all",
        "filename_tensor_name": "save/Const:0", "output_graph": str(folder / "frozen.pb"), "clear_devices": True,
        "initializer_nodes": "",
    }  # fmt: skip
    return freeze_graph.freeze_graph(**(given | changes))


def test_a_frozen_graph_gives_what_the_model_gave(model):
    folder, checkpoint, expected = model
    made = freeze(folder, checkpoint)
    written = tf.GraphDef.FromString((folder / "frozen.pb").read_bytes())
    assert written == made
    assert not any(node.device or "Var" in node.op for node in written.node)
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.import_graph_def(written, name="")
        np.testing.assert_array_equal(sess.run("y:0", {"x:0": np.ones((1, 2), np.float32)}), expected)


def test_meta_graphs_and_chosen_variables(model):
    folder, checkpoint, _ = model
    made = freeze(folder, checkpoint, input_meta_graph=str(folder / "model.meta"), input_binary=True, output_graph="")
    assert not (folder / "frozen.pb").exists()
    assert {n.name for n in made.node if n.op == "Const"} >= {"w", "b"}
    part = freeze(folder, checkpoint, variable_names_blacklist="b", clear_devices=False)
    kinds = {n.name: n.op for n in part.node}
    assert kinds["w"] == "Const" != kinds["b"]
    assert any("CPU" in n.device.upper() for n in part.node)


def test_what_cannot_be_frozen_is_named(model):
    folder, checkpoint, _ = model
    for changes, error, text in [
        ({"input_graph": "nowhere"}, tf.errors.NotFoundError, "Input graph file 'nowhere' does not exist"),
        ({"input_binary": True}, ValueError, "no binary GraphDef"),
        ({"output_node_names": "z"}, ValueError, "z"),
        ({"output_node_names": ""}, ValueError, "output_node_names"),
        ({"input_checkpoint": "nothing"}, tf.errors.NotFoundError, "nothing"),
        ({"output_node_names": " , "}, ValueError, "output_node_names"),
        ({"output_node_names": ["y"]}, TypeError, "with commas between them"),
        ({"input_graph": None}, ValueError, "needs input_graph or input_meta_graph"),
        ({"input_checkpoint": ""}, ValueError, "needs input_checkpoint"),
        ({"input_checkpoint": f"{checkpoint}.index"}, tf.errors.NotFoundError, "is named without .index"),
        ({"initializer_nodes": "init"}, ValueError, "initializer_nodes='init'"),
    ]:
        with pytest.raises(error, match=text):
            freeze(folder, checkpoint, **changes)
    assert not (folder / "frozen.pb").exists()


def test_a_variable_that_the_checkpoint_lacks_is_named(model):
    folder, checkpoint, _ = model
    text = (folder / "graph.pbtxt").read_text().replace('"w', '"other')
    (folder / "graph.pbtxt").write_text(text)
    with pytest.raises(tf.errors.NotFoundError, match="variable other of the graph is not in the checkpoint"):
        freeze(folder, checkpoint)


@pytest.mark.parametrize("change, words", [
    ("dtype", r"w is int32 of shape \(2, 3\) in the graph, and float32"),
    ("shape", r"w is float32 of shape \(5, 3\) in the graph, .* of shape \(2, 3\) in the checkpoint"),
    ("nothing", "w of the graph has no dtype"),
])  # fmt: skip
def test_a_variable_of_another_dtype_or_shape_is_named(model, change, words):
    folder, checkpoint, _ = model
    graph = tf.MetaGraphDef.FromString((folder / "model.meta").read_bytes()).graph_def
    (node,) = [node for node in graph.node if node.name == "w"]
    if change == "dtype":
        node.attr["dtype"].type = tf.int32.as_datatype_enum
    elif change == "shape":
        node.attr["shape"].shape.dim[0].size = 5
    else:
        del node.attr["dtype"]
    (folder / "graph.pb").write_bytes(graph.SerializeToString())
    with pytest.raises(ValueError, match=words):
        freeze(folder, checkpoint, input_graph=str(folder / "graph.pb"), input_binary=True)
    assert not (folder / "frozen.pb").exists()


def test_a_text_that_is_nested_too_deeply_is_no_graph(model):
    folder, checkpoint, _ = model
    inner = "attr { key: 'k' value { func { " * 500
    (folder / "graph.pbtxt").write_text(f"node {{ name: 'y' op: 'NoOp' {inner}")
    with pytest.raises(ValueError, match="no text GraphDef"):
        freeze(folder, checkpoint)


def test_checkpoints_are_printed(model, capsys):
    _, checkpoint, _ = model
    inspect_checkpoint.print_tensors_in_checkpoint_file(checkpoint, "b", False)
    assert capsys.readouterr().out == "tensor: b (float32) [3]\n[1. 1. 1.]\n# Total number of params: 9\n"
    inspect_checkpoint.print_tensors_in_checkpoint_file(checkpoint, None, False, True, count_exclude_pattern="b")
    out = capsys.readouterr().out
    assert out == "tensor: b (float32) [3]\ntensor: w (float32) [2, 3]\n# Total number of params: 6\n"
    inspect_checkpoint.print_tensors_in_checkpoint_file(checkpoint, "", False)
    assert capsys.readouterr().out == "b (float32) [3]\nw (float32) [2, 3]\n# Total number of params: 9\n"
    with pytest.raises(tf.errors.NotFoundError):
        inspect_checkpoint.print_tensors_in_checkpoint_file(checkpoint, "v", False)
    with pytest.raises(ValueError, match="count_exclude_pattern '\\(' is no pattern"):
        inspect_checkpoint.print_tensors_in_checkpoint_file(checkpoint, "", False, count_exclude_pattern="(")
    assert not capsys.readouterr().out

"""SavedModels: written and loaded, TensorFlow's own read, and what a hostile one may not do."""

from pathlib import Path

import numpy as np
import pytest

import headrace as tf
from headrace.engine.protos import SavedModel, TensorInfo
from headrace.engine.saved_model.loader import assets_of

FIXTURE = Path(__file__).parents[2] / "fixtures" / "saved_model" / "words"
SERVING = tf.saved_model.tag_constants.SERVING
KEY = tf.saved_model.signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def save(folder, scale=3.0, **options):
    """A model that multiplies."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None], name="x")
        w = tf.get_variable("w", initializer=scale)
        y = tf.multiply(x, w, name="y")
        session.run(tf.global_variables_initializer())
        builder = tf.saved_model.builder.SavedModelBuilder(str(folder))
        signature = tf.saved_model.signature_def_utils.predict_signature_def({"x": x}, {"y": y})
        builder.add_meta_graph_and_variables(session, [SERVING], {KEY: signature}, **options)
        builder.add_meta_graph([SERVING, "gpu"])
        return builder.save(as_text=options.pop("as_text", False))


def load(folder, tags=(SERVING,), **options):
    session = tf.Session(graph=tf.Graph())
    return session, tf.saved_model.loader.load(session, list(tags), str(folder), **options)


def change(folder, edit):
    """Edits the message of a model."""
    path = Path(folder) / "saved_model.pb"
    model = SavedModel.FromString(path.read_bytes())
    edit(model.meta_graphs[0])
    path.write_bytes(model.SerializeToString())


def test_round_trip(tmp_path):
    assert save(tmp_path / "m") == str(tmp_path / "m" / "saved_model.pb").encode()
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == ["saved_model.pb", "variables"]
    assert tf.saved_model.loader.maybe_saved_model_directory(str(tmp_path / "m"))
    session, found = load(tmp_path / "m")
    signature = found.signature_def[KEY]
    assert signature.method_name == "tensorflow/serving/predict"
    feeds = {signature.inputs["x"].name: [1.0, 2.0]}
    np.testing.assert_array_equal(session.run(signature.outputs["y"].name, feeds), [3, 6])
    with session.graph.as_default():
        assert [v.op.name for v in tf.trainable_variables()] == ["w"]


def test_scopes_tags_and_text(tmp_path):
    save(tmp_path / "m")
    session, _ = load(tmp_path / "m", (SERVING, "gpu"), import_scope="inner")
    assert session.run("inner/y:0", {"inner/x:0": [2.0]}) == [6]
    with pytest.raises(RuntimeError, match=r"tags \['train'\] could not be found .* available tags \[\['serve'\]"):
        load(tmp_path / "m", ("train",))
    with pytest.raises(OSError, match="SavedModel file does not exist"):
        load(tmp_path)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [], name="x")
        builder = tf.saved_model.builder.SavedModelBuilder(str(tmp_path / "text"))
        tf.get_variable("w", initializer=1.0)
        session.run(tf.global_variables_initializer())
        builder.add_meta_graph_and_variables(session, [SERVING])
        assert builder.save(as_text=True).endswith(b"saved_model.pbtxt")
    session, _ = load(tmp_path / "text")
    assert session.run(x.name, {x.name: 2.0}) == 2


def test_what_a_builder_refuses(tmp_path):
    save(tmp_path / "m")
    with pytest.raises(tf.errors.AlreadyExistsError, match="isn't empty"):
        save(tmp_path / "m")
    builder = tf.saved_model.builder.SavedModelBuilder(str(tmp_path / "new"))
    with pytest.raises(tf.errors.FailedPreconditionError, match="has not been saved yet"):
        builder.add_meta_graph([SERVING])
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("w", initializer=1.0)
        session.run(tf.global_variables_initializer())
        for options, text in (
            ({"signature_def_map": {"a": 3}}, "must be a SignatureDef, got int"),
            (
                {
                    "signature_def_map": {
                        "a": tf.saved_model.signature_def_utils.build_signature_def({"x": TensorInfo()})
                    }
                },
                "names no tensor",
            ),
            ({"assets_collection": ["a"]}, "must be a constant string tensor"),
        ):
            with pytest.raises(ValueError, match=text):
                builder.add_meta_graph_and_variables(session, [SERVING], **options)


def test_simple_save_and_the_init_op_fills_tables(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.string, [None])
        table = tf.contrib.lookup.index_table_from_tensor(["a", "b"])
        y = table.lookup(x) + tf.cast(tf.get_variable("w", initializer=5.0), tf.int64)
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        tf.saved_model.simple_save(session, str(tmp_path / "m"), {"x": x}, {"y": y})
    predict = tf.contrib.predictor.from_saved_model(str(tmp_path / "m"))
    assert predict({"x": ["b", "a", "z"]})["y"].tolist() == [6, 5, 4]


def test_a_model_of_tensorflows_with_a_file(tmp_path):
    with tf.contrib.predictor.from_saved_model(str(FIXTURE)) as predict:
        assert predict({"x": ["green", "none", "red"]})["y"].tolist() == [30, 10, 20]
    _, found = load(FIXTURE)
    assert [asset.filename for asset in assets_of(found)] == ["vocabulary.txt"]


def node(message, name):
    return next(n for n in message.graph_def.node if n.name == name)


def asset(message, **options):
    found = assets_of(message)[0]
    del message.collection_def["saved_model_assets"]
    message.asset_file_def.add(
        tensor_info=TensorInfo(name=options.get("name", found.tensor_info.name)),
        filename=options.get("filename", found.filename),
    )


def outside(message):
    asset(message, filename="../../secret")


def no_asset(message):
    del message.collection_def["saved_model_assets"]


def reads_file(message):
    added = message.graph_def.node.add(name="spy", op="ReadFile", input=["path"])
    added.input[:] = ["Const"]


def other_node(message):
    asset(message, name="x:0")


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (outside, "is no file in the model's folder"),
        (no_asset, "reads or writes files"),
        (reads_file, "'spy' of type ReadFile"),
        (other_node, "belongs to no constant"),
    ],
)
def test_a_hostile_model_touches_no_file(tmp_path, edit, text):
    folder = tmp_path / "m"
    (folder / "assets").mkdir(parents=True)
    for name in ("saved_model.pb", "assets/vocabulary.txt"):
        (folder / name).write_bytes((FIXTURE / name).read_bytes())
    change(folder, edit)
    with pytest.raises(tf.errors.PermissionDeniedError, match=text):
        load(folder)


def output_saves(message):
    output = node(message, "y")
    output.input.append("^save/SaveV2")


def restores_elsewhere(message):
    restore = next(n for n in message.graph_def.node if n.op == "RestoreV2")
    restore.input[0] = restore.input[1]


@pytest.mark.parametrize(
    ("edit", "text"), [(output_saves, "reached by a signature"), (restores_elsewhere, "no reading of the model's")]
)
def test_a_saver_is_for_saving_alone(tmp_path, edit, text):
    save(tmp_path / "m")
    change(tmp_path / "m", edit)
    with pytest.raises(tf.errors.PermissionDeniedError, match=text):
        load(tmp_path / "m")


def test_damage_is_named(tmp_path):
    save(tmp_path / "m")
    (tmp_path / "m" / "saved_model.pb").write_bytes(b"\xff\xff nothing")
    with pytest.raises(OSError, match="Cannot parse the SavedModel"):
        load(tmp_path / "m")


def test_signatures_are_checked():
    utils = tf.saved_model.signature_def_utils
    with tf.Graph().as_default():
        text, number = tf.placeholder(tf.string, [None]), tf.placeholder(tf.float32, [None, 2])
        good = [
            utils.predict_signature_def({"a": number}, {"b": text}),
            utils.regression_signature_def(text, number),
            utils.classification_signature_def(text, text, number),
        ]
        assert all(map(utils.is_valid_signature, good))
        assert not utils.is_valid_signature(utils.build_signature_def({}, {}, "tensorflow/serving/predict"))
        for make in (
            lambda: utils.predict_signature_def({}, {"b": text}),
            lambda: utils.regression_signature_def(number, number),
            lambda: utils.regression_signature_def(text, text),
            lambda: utils.classification_signature_def(text, None, None),
            lambda: utils.classification_signature_def(text, number, None),
        ):
            with pytest.raises(ValueError, match=r"signature|Classification|Prediction"):
                make()
        sparse = tf.SparseTensor([[0, 0]], [1.0], [1, 1])
        info = tf.saved_model.utils.build_tensor_info(sparse)
        found = tf.saved_model.utils.get_tensor_from_tensor_info(info)
        assert found.values is sparse.values
        shape = tf.saved_model.utils.build_tensor_info(number).tensor_shape
        assert [d.size for d in shape.dim] == [-1, 2]
    with pytest.raises(ValueError, match="No SignatureDef with key 'x'"):
        tf.contrib.saved_model.get_signature_def_by_key(SavedModel().meta_graphs.add(), "x")


def test_main_op_initializes():
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.get_variable("v", initializer=2.0)
        session.run(tf.saved_model.main_op.main_op())
        assert session.run(v) == 2


@pytest.mark.parametrize("content", [b"\xff" * 9, b"", b"\n\x03abc"])
@pytest.mark.parametrize("key", ["variables", "trainable_variables"])
def test_collections_that_cannot_be_read_are_named(tmp_path, key, content):
    save(tmp_path / "m")

    def edit(message):
        message.collection_def[key].bytes_list.value[0] = content

    change(tmp_path / "m", edit)
    with pytest.raises(ValueError, match=f"The collection '{key}' of the MetaGraphDef holds what cannot be read"):
        load(tmp_path / "m")

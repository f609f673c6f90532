"""Models and weights in files and as configurations; what a file names is looked up and never run."""

import io
import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import headrace as tf

keras = tf.keras
layers = keras.layers
RNG = np.random.default_rng(6)
X, Y = RNG.normal(size=(24, 4)).astype("float32"), RNG.integers(0, 3, 24)


@pytest.fixture(autouse=True)
def fresh_graph():
    keras.backend.clear_session()


def chain():
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(5, activation="relu"), layers.BatchNormalization(), layers.Dense(3, "softmax")]
    )


def branched():
    x = keras.Input((4,), name="x")
    shared = layers.Dense(3, name="shared")
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(3, activation="tanh")], name="inner")
    h = layers.add([shared(x), inner(shared(layers.Activation("relu")(x)))])
    return keras.Model(x, layers.Dense(3, activation="softmax", name="out")(h), name="branched")


def recurrent():
    return keras.Sequential(
        [keras.Input((4,)), layers.Reshape((4, 1)), layers.LSTM(3), layers.Dense(3, activation="softmax")]
    )


MODELS = {"chain": chain, "branched": branched, "recurrent": recurrent}


def trained(make):
    model = make()
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, epochs=2, verbose=0)
    return model


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("kind", MODELS)
def test_a_saved_model_predicts_and_goes_on_training_alike(kind, suffix, tmp_path):
    model = trained(MODELS[kind])
    model.save(tmp_path / f"model{suffix}")
    again = keras.models.load_model(tmp_path / f"model{suffix}")
    np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-6)
    assert again.evaluate(X, Y, verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0))
    for one in (model, again):
        one.fit(X, Y, shuffle=False, verbose=0)
    np.testing.assert_allclose(again.get_weights()[0], model.get_weights()[0], rtol=1e-5)
    assert int(again.optimizer.iterations) == 3
    assert not keras.models.load_model(tmp_path / f"model{suffix}", compile=False).compiled


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5"])
@pytest.mark.parametrize("kind", MODELS)
def test_saved_weights(kind, suffix, tmp_path):
    model = trained(MODELS[kind])
    model.save_weights(tmp_path / f"w{suffix}")
    again = MODELS[kind]()
    again.load_weights(tmp_path / f"w{suffix}")
    np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-6)


def test_the_layout_of_weights_is_that_of_keras_3(tmp_path):
    trained(chain).save_weights(tmp_path / "w.weights.h5")
    with h5py.File(tmp_path / "w.weights.h5") as file:
        assert file["layers/dense/vars/0"].shape == (4, 5)
        assert file["layers/dense_1/vars/1"].shape == (3,)
        assert sorted(file["layers/batch_normalization/vars"]) == ["0", "1", "2", "3"]
        assert len(file["optimizer/vars"]) == 2 + 2 * 6


@pytest.mark.parametrize("kind", MODELS)
def test_configurations_and_json(kind):
    model = MODELS[kind]()
    for again in (
        type(model).from_config(model.get_config()),
        keras.models.model_from_json(model.to_json()),
        keras.models.clone_model(model),
    ):
        assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
        again.set_weights(model.get_weights())
        np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-6)


def test_custom_objects_are_given_by_the_caller(tmp_path):
    class Twice(layers.Layer):
        def call(self, inputs):
            return 2.0 * inputs

    def error(truth, guess):
        return tf.reduce_mean(tf.abs(truth - guess), axis=-1)

    model = keras.Sequential([keras.Input((4,)), Twice(), layers.Dense(1)])
    model.compile("sgd", error)
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="Twice"):
        keras.models.load_model(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras", custom_objects={"Twice": Twice, "error": error})
    assert again.evaluate(X, Y, verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0))


def test_mismatches_are_named_and_nothing_is_read(tmp_path):
    trained(chain).save_weights(tmp_path / "w.weights.h5")
    other = keras.Sequential(
        [keras.Input((4,)), layers.Dense(6), layers.BatchNormalization(), layers.Dense(3, activation="softmax")]
    )
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"'dense_2/kernel:0' has shape \(4, 6\), but the file holds \(4, 5\)"):
        other.load_weights(tmp_path / "w.weights.h5")
    np.testing.assert_array_equal(other.get_weights()[7], before[7])
    other.load_weights(tmp_path / "w.weights.h5", skip_mismatch=True)
    with pytest.raises(ValueError, match="layers/dense_2"):
        branched_names = keras.Sequential([keras.Input((4,)), layers.Dense(5), layers.Dense(2), layers.Dense(1)])
        branched_names.load_weights(tmp_path / "w.weights.h5")


def test_by_name(tmp_path):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")])
    model.save_weights(tmp_path / "w.h5")
    other = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="a"), layers.Dense(7, name="c")])
    other.load_weights(tmp_path / "w.h5", by_name=True)
    np.testing.assert_array_equal(other.layers[0].get_weights()[0], model.layers[0].get_weights()[0])


def bad_zip(path, config):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))


BAD = {
    "unknown class": ({"class_name": "os.system", "config": {"command": "true"}}, ValueError, "os.system"),
    "no class": ({"config": {}}, ValueError, "no class_name"),
    "code": (
        {
            "class_name": "Sequential",
            "config": {"layers": [{"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__"}}}]},
        },
        (ValueError, TypeError),
        "__lambda__|Lambda|function",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_names_something_else_is_refused(what, tmp_path):
    config, kind, text = BAD[what]
    bad_zip(tmp_path / "m.keras", config)
    with pytest.raises(kind, match=text):
        keras.models.load_model(tmp_path / "m.keras")


def test_names_of_files(tmp_path):
    model = chain()
    with pytest.raises(ValueError, match=r"\.weights\.h5"):
        model.save_weights(tmp_path / "weights")
    with pytest.raises(ValueError, match=r"\.keras"):
        model.save(tmp_path / "model")
    with pytest.raises(FileNotFoundError, match="none"):
        model.load_weights(tmp_path / "none.weights.h5")
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="overwrite"):
        model.save(tmp_path / "model.keras", overwrite=False)
    (tmp_path / "text.keras").write_text("no model")
    with pytest.raises(ValueError, match="neither a zip nor HDF5"):
        keras.models.load_model(tmp_path / "text.keras")
    with pytest.raises(ValueError, match="no weights yet"):
        keras.Sequential([layers.Dense(3)]).save(tmp_path / "m.keras")


def test_a_file_of_keras_3_is_read(tmp_path):
    fixture = Path(__file__).parents[2] / "fixtures" / "layers" / "keras_file.keras"
    wanted = np.load(fixture.with_suffix(".npz"))
    model = keras.models.load_model(fixture)
    np.testing.assert_allclose(model.predict(wanted["rows"], verbose=0), wanted["predicted"], rtol=1e-5)
    found = model.evaluate(wanted["rows"], wanted["labels"], verbose=0)
    assert found == pytest.approx([float(wanted["loss"]), float(wanted["accuracy"])], rel=1e-4)
    assert int(model.optimizer.iterations) == 2
    np.testing.assert_allclose(model.optimizer.get_weights()[2], wanted["momentum"], rtol=1e-6)
    model.save(tmp_path / "again.keras")
    again = keras.models.load_model(tmp_path / "again.keras")
    np.testing.assert_allclose(again.predict(wanted["rows"], verbose=0), wanted["predicted"], rtol=1e-5)


class Blocks(keras.Model):
    """Layers in lists of lists."""

    def __init__(self):
        super().__init__()
        self.blocks = [[layers.Dense(2), layers.Dense(2)], [layers.Dense(3)]]

    def call(self, inputs):
        for block in self.blocks:
            for layer in block:
                inputs = layer(inputs)
        return inputs


def test_layers_in_lists_of_lists_are_saved(tmp_path):
    model = Blocks()
    model.build((None, 4))
    values = model.get_weights()
    model.save_weights(tmp_path / "m.weights.h5")
    with h5py.File(tmp_path / "m.weights.h5") as file:
        # As Keras 3 names them.
        assert list(file["blocks"]) == ["container", "container_1"]
    model.set_weights([value + 1 for value in values])
    model.load_weights(tmp_path / "m.weights.h5")
    for value, found in zip(values, model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, value)


KERNEL = "layers/dense/vars/0"


def outside(file):
    (Path(file.filename).parent / "raw").write_bytes(bytes(24))
    name = str(Path(file.filename).parent / "raw")
    file.create_dataset(KERNEL, (3, 2), "f4", external=[(name, 0, 24)])


def virtual(file):
    layout = h5py.VirtualLayout((3, 2), "f4")
    layout[:] = h5py.VirtualSource("other.h5", KERNEL, (3, 2))
    file.create_virtual_dataset(KERNEL, layout)


def put(value):
    return lambda file: file.__setitem__(KERNEL, value)


BROKEN = {
    "other file": (put(h5py.ExternalLink("other.h5", KERNEL)), r"m\.weights\.h5: .* is a link"),
    "link": (put(h5py.SoftLink("/" + KERNEL)), "is a link"),
    "outside": (outside, "another file"),
    "virtual": (virtual, "another file"),
    "text": (put(np.full((3, 2), b"abc")), "real numbers"),
    "complex": (put(np.ones((3, 2), complex)), "real numbers"),
    "group": (lambda file: file.create_group(KERNEL), "a group, expected an array"),
    "huge": (lambda file: file.create_dataset(KERNEL, (10**6, 10**6), "f4", chunks=(64, 64)), "shape"),
    "missing": (lambda file: None, "holds 1 arrays"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_weights_that_are_no_arrays_of_the_file_are_refused(what, tmp_path):
    change, text = BROKEN[what]
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    values = model.get_weights()
    model.save_weights(tmp_path / "m.weights.h5")
    with h5py.File(tmp_path / "m.weights.h5", "r+") as file:
        del file[KERNEL]
        change(file)
    with pytest.raises(ValueError, match=text):
        model.load_weights(tmp_path / "m.weights.h5")
    for value, found in zip(values, model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, value)


def one_layer(class_name, config, dtype="float32"):
    first = {"class_name": "InputLayer", "config": {"batch_shape": [1, 1], "dtype": dtype}}
    return {
        "class_name": "Sequential",
        "config": {"layers": [first, {"class_name": class_name, "config": config}]},
    }


FILES = {
    "read": ({"op_type": "ReadFile", "attributes": {}}, tf.errors.PermissionDeniedError, "ReadFile"),
    "python": ({"op_type": "PyFunc", "attributes": {}}, tf.errors.PermissionDeniedError, "PyFunc"),
}


@pytest.mark.parametrize("what", FILES)
def test_operations_of_files_touch_no_files_and_run_no_python(what, tmp_path):
    config, kind, text = FILES[what]
    bad_zip(tmp_path / "m.keras", one_layer("OperationLayer", config, "string"))
    with pytest.raises(kind, match=text):
        keras.models.load_model(tmp_path / "m.keras")


def test_a_vocabulary_of_a_file_reads_no_other_file(tmp_path):
    (tmp_path / "words.txt").write_text("a\nb\n")
    config = {"name": "s", "vocabulary": str(tmp_path / "words.txt")}
    bad_zip(tmp_path / "m.keras", one_layer("StringLookup", config, "string"))
    with pytest.raises(ValueError, match="must hold the vocabulary itself"):
        keras.models.load_model(tmp_path / "m.keras")


STRUCTURES = {
    "number": 5, "no layers": {"class_name": "Sequential", "config": {}},
    "layers": {"class_name": "Sequential", "config": {"layers": 5}},
    "arguments": one_layer("Dense", 5), "function": one_layer("softmax", {}),
    "compile": {**one_layer("Dense", {"units": 2}), "compile_config": 5},
}  # fmt: skip


@pytest.mark.parametrize("what", STRUCTURES)
def test_configurations_of_another_structure_are_value_errors(what, tmp_path):
    bad_zip(tmp_path / "m.keras", STRUCTURES[what])
    with pytest.raises(ValueError, match=r"model|softmax|dict"):
        keras.models.load_model(tmp_path / "m.keras")


@pytest.mark.parametrize("parts", [{"config.json": b"\xff\xfe\x00"}, {"config.json": b"[" * 100000}])
def test_archives_of_other_things_are_value_errors(parts, tmp_path):
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match=r"m\.keras cannot be read as a model"):
        keras.models.load_model(tmp_path / "m.keras")


class Pair(keras.Model):
    """Two inputs of other dtypes, a list of layers, dropout."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.words, self.drop = keras.layers.Embedding(5, units), keras.layers.Dropout(0.5)
        self.parts = [keras.layers.Dense(units) for _ in range(2)]

    def call(self, inputs, training=None):
        found = tf.reduce_mean(self.words(inputs["words"]), 1) + self.parts[0](inputs["numbers"])
        return self.parts[1](self.drop(found, training=training))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_subclass_comes_back_from_its_file_alone(tmp_path, suffix):
    x = {"words": np.array([[1, 2], [3, 4]]), "numbers": np.ones((2, 3), np.float32)}
    model = Pair(4)
    model.compile("adam", "mse")
    model.fit(x, np.zeros((2, 4), np.float32), verbose=0)
    expected, path = model.predict(x, verbose=0), tmp_path / f"m{suffix}"
    model.save(path)
    keras.backend.clear_session()
    loaded = keras.models.load_model(path, custom_objects={"Pair": Pair})
    assert loaded.units == 4 and int(loaded.optimizer.iterations) == 1
    np.testing.assert_allclose(loaded.predict(x, verbose=0), expected, rtol=1e-6)


@pytest.mark.parametrize("has_session", [True, False])
def test_a_model_that_cannot_be_loaded_leaves_nothing(tmp_path, has_session):
    trained(chain).save(tmp_path / "good.keras")
    with zipfile.ZipFile(tmp_path / "good.keras") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    stream = io.BytesIO(files["model.weights.h5"])
    with h5py.File(stream, "r+") as file:
        del file["layers/dense_1/vars/0"]
        file["layers/dense_1/vars/0"] = np.ones((9, 9), "float32")
    with zipfile.ZipFile(tmp_path / "bad.keras", "w") as archive:
        for name, content in {**files, "model.weights.h5": stream.getvalue()}.items():
            archive.writestr(name, content)
    if not has_session:
        keras.backend.clear_session()
    graph = tf.get_default_graph()
    before = len(graph.get_operations()), [v.name for v in tf.global_variables()]
    with pytest.raises(ValueError, match="holds \\(9, 9\\)"):
        keras.models.load_model(tmp_path / "bad.keras")
    assert (len(graph.get_operations()), [v.name for v in tf.global_variables()]) == before
    model = keras.models.load_model(tmp_path / "good.keras")
    assert model.layers[0].kernel.name == ("dense_2/kernel:0" if has_session else "dense/kernel:0")
    model.fit(X, Y, verbose=0)

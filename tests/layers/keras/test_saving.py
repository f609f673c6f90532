"""Models and weights in files and as configurations; what a file names is looked up and never run."""

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

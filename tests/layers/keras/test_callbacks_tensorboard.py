"""The callbacks TensorBoard and HParams: what tf.keras and Keras 3 write, by tag."""

import json

import numpy as np
import pytest
from google.protobuf import text_format
from tensorboard.plugins.graph.keras_util import keras_model_to_graph_def
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

import headrace as hr
from headrace.engine.summary import summary_iterator

keras = hr.keras
WORDS = np.random.default_rng(0).integers(0, 9, (40, 4))
SIGNS = (WORDS.sum(axis=1) > 18).astype(int)


@pytest.fixture
def model():
    with hr.Graph().as_default():
        layers = [
            keras.layers.Embedding(10, 3, input_length=4),
            keras.layers.Flatten(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
        model = keras.Sequential(layers)
        model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
        yield model


def fitted(model, *boards):
    model.fit(WORDS, SIGNS, batch_size=8, epochs=2, verbose=0, validation_split=0.2, callbacks=list(boards))


def values_in(folder):
    """The steps of each tag, and the first value of each."""
    steps, first = {}, {}
    for path in sorted(folder.glob("events.*")):
        for event in summary_iterator(path):
            for value in event.summary.value:
                steps.setdefault(value.tag, []).append(event.step)
                first.setdefault(value.tag, value)
    return steps, first


WEIGHTS = ("embedding/embeddings_0", "dense/kernel_0", "dense/bias_0")


def test_tags_are_those_of_keras(model, tmp_path):
    board = keras.callbacks.TensorBoard(
        tmp_path, histogram_freq=1, write_images=True, update_freq=2, write_steps_per_second=True
    )
    fitted(model, board)
    train, first = values_in(tmp_path / "train")
    epochs = {key: [0, 1] for key in ["epoch_loss", "epoch_accuracy", "epoch_learning_rate", "epoch_steps_per_second"]}
    batches = {key: [2, 4, 6, 8] for key in ["batch_loss", "batch_accuracy", "batch_steps_per_second"]}
    weights = {f"{name}/{kind}": [0, 1] for name in WEIGHTS for kind in ("histogram", "image")}
    assert train == {"keras": [0], **epochs, **batches, **weights}
    assert first["batch_steps_per_second"].simple_value > 0
    assert values_in(tmp_path / "validation")[0] == {
        "epoch_loss": [0, 1],
        "epoch_accuracy": [0, 1],
        "evaluation_loss_vs_iterations": [4, 8],
        "evaluation_accuracy_vs_iterations": [4, 8],
    }


def test_the_graph_of_layers(model, tmp_path):
    fitted(model, keras.callbacks.TensorBoard(tmp_path))
    value = values_in(tmp_path / "train")[1]["keras"]
    assert value.metadata.plugin_data.plugin_name == "graph_keras_model"
    drawn = keras_model_to_graph_def(json.loads(value.tensor.string_val[0]))
    names = [node.name.split("/")[1] for node in drawn.node]
    assert names[1:] == ["embedding", "flatten", "dense"] and list(drawn.node[3].input) == [drawn.node[2].name]


def test_no_graph(model, tmp_path):
    fitted(model, keras.callbacks.TensorBoard(tmp_path, write_graph=False))
    (path,) = (tmp_path / "train").iterdir()
    assert not any(event.graph_def for event in summary_iterator(path)) and "keras" not in values_in(path.parent)[0]


@pytest.mark.parametrize("metadata", ["words.tsv", {"embedding": "words.tsv"}])
def test_embeddings(model, tmp_path, metadata):
    fitted(model, keras.callbacks.TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata=metadata))
    (shown,) = text_format.Parse((tmp_path / "projector_config.pbtxt").read_text(), ProjectorConfig()).embeddings
    assert (shown.tensor_name, shown.metadata_path) == ("embedding/embeddings", "words.tsv")
    vectors = np.loadtxt(tmp_path / shown.tensor_path, delimiter="\t")
    np.testing.assert_allclose(vectors, model.layers[0].get_weights()[0], rtol=1e-4)


@pytest.mark.parametrize(("batches", "steps"), [(3, [3]), ((2, 5), [2, 3, 4, 5]), ("8,9", [8]), (0, [])])
def test_traces_of_batches(model, tmp_path, batches, steps):
    fitted(model, keras.callbacks.TensorBoard(tmp_path, profile_batch=batches))
    folder = tmp_path / "train"
    assert sorted(int(path.stem.removeprefix("timeline-")) for path in folder.glob("timeline-*.json")) == steps
    (events,) = folder.glob("events.*")
    tagged = [e.tagged_run_metadata for e in summary_iterator(events) if e.HasField("tagged_run_metadata")]
    assert [run.tag for run in tagged] == [f"step_{step}" for step in steps]
    for run in tagged:
        devices = hr.RunMetadata.FromString(run.run_metadata).step_stats.dev_stats
        assert any("ResourceApplyGradientDescent" in n.timeline_label for device in devices for n in device.node_stats)


def test_arguments_of_tensorflow_1(tmp_path, caplog):
    keras.callbacks.TensorBoard(tmp_path, batch_size=32, write_grads=True)
    assert "argument write_grads of TensorBoard is ignored" in caplog.text


def test_what_the_board_does_not_do(model, tmp_path):
    for odd in (-1, True, "two", (3,), (3, 2), (0, 2), 1.5):
        with pytest.raises(ValueError, match="profile_batch must be the number of a batch"):
            keras.callbacks.TensorBoard(tmp_path, profile_batch=odd)
    with pytest.raises(TypeError, match="has no arguments colour, size"):
        keras.callbacks.TensorBoard(tmp_path, size=1, colour=2)
    board = keras.callbacks.TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"words": "a"})
    with pytest.raises(ValueError, match=r"names words, the Embedding layers are: \['embedding'\]"):
        fitted(model, board)


@pytest.mark.parametrize("odd", [{1: "a"}, {"a": {1}}, None, [1]])
def test_odd_hyperparameters_are_refused_at_once(tmp_path, odd):
    with pytest.raises(TypeError, match="hyperparameter"):
        keras.callbacks.HParams(tmp_path, odd)


@pytest.mark.parametrize("as_writer", [False, True])
def test_hyperparameters(model, tmp_path, as_writer):
    writer = hr.summary.FileWriter(tmp_path) if as_writer else tmp_path
    fitted(model, keras.callbacks.HParams(writer, {"units": 1, "optimizer": "sgd"}, "one"))
    steps, first = values_in(tmp_path)
    assert list(steps) == ["_hparams_/session_start_info", "_hparams_/session_end_info"]
    assert b"one" in first["_hparams_/session_start_info"].metadata.plugin_data.content
    if as_writer:
        assert not writer.event_writer.closed
        writer.close()

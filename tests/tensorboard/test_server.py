"""The real TensorBoard, asked over HTTP: what each of its pages gets of our files."""

import io
import struct
import wave

import numpy as np
import pytest
from PIL import Image

TAGS = "/data/plugin/{}/tags"


def has(run, *tags):
    return lambda answer: set(tags) <= set(answer.get(run, ()))


def test_scalars(server):
    tags = server.until(
        lambda answer: has("session", "summaries/loss")(answer) and has("estimator/eval", "accuracy")(answer),
        TAGS.format("scalars"),
    )
    assert {"loss", "average_loss", "global_step/sec", "dnn/dnn/hiddenlayer_0/fraction_of_zero_values"} <= set(
        tags["estimator"]
    )
    assert {"epoch_loss", "epoch_learning_rate"} <= set(tags["keras/train"])
    points = server.until(
        lambda answer: len(answer) == 10, "/data/plugin/scalars/scalars", run="session", tag="summaries/loss"
    )
    assert [step for _, step, _ in points] == list(range(10)) and points[-1][2] < points[0][2]


def test_a_run_that_goes_on_has_each_step_once(server):
    points = server.until(lambda answer: len(answer) >= 8, "/data/plugin/scalars/scalars", run="estimator", tag="loss")
    steps = [step for _, step, _ in points]
    assert steps == sorted(set(steps)) and 1 <= steps[0] and 20 < steps[-1] <= 40


def test_histograms(server):
    server.until(has("session", "summaries/logits"), TAGS.format("histograms"))
    wanted = {"run": "session", "tag": "summaries/logits"}
    points = server.until(lambda answer: len(answer) == 10, "/data/plugin/histograms/histograms", **wanted)
    _, _, buckets = points[0]
    assert sum(count for _, _, count in buckets) == pytest.approx(50)
    assert server.get("/data/plugin/distributions/distributions", **wanted)
    server.until(has("keras/train", "dense/kernel_0/histogram"), TAGS.format("histograms"))


def test_the_graph(server):
    info = server.until(lambda answer: answer.get("session", {}).get("run_graph"), "/data/plugin/graphs/info")
    assert info["session"]["tags"]["step 0"]["profile"] and info["estimator"]["run_graph"]
    graph = server.raw("/data/plugin/graphs/graph", run="session").decode()
    assert 'name: "hidden/MatMul"' in graph and '"_output_shapes"' in graph and 'name: "save/' in graph
    timed = server.raw("/data/plugin/graphs/run_metadata", run="session", tag="step 0").decode()
    assert 'node_name: "hidden/MatMul"' in timed
    layers = server.until(
        lambda answer: "keras" in answer.get("keras/train", {}).get("tags", {}), "/data/plugin/graphs/info"
    )
    assert layers["keras/train"]["tags"]["keras"]["conceptual_graph"]
    drawn = server.raw("/data/plugin/graphs/graph", run="keras/train", tag="keras", conceptual="true").decode()
    assert "dense_1" in drawn and "keras_class" in drawn


def test_images(server):
    tag = "summaries/picture/image/0"
    server.until(has("session", tag), TAGS.format("images"))
    pictures = server.get("/data/plugin/images/images", run="session", tag=tag, sample=0)
    assert [picture["step"] for picture in pictures] == list(range(10))
    data = server.raw(f"/data/plugin/images/individualImage?{pictures[-1]['query']}&x=", ts="1")
    assert Image.open(io.BytesIO(data)).size == (3, 1)


def test_sounds(server):
    tag = "summaries/sound/audio/0"
    server.until(has("session", tag), TAGS.format("audio"))
    clips = server.get("/data/plugin/audio/audio", run="session", tag=tag, sample=0)
    assert len(clips) == 10
    with wave.open(io.BytesIO(server.raw(f"/data/plugin/audio/individualAudio?{clips[0]['query']}&x="))) as sound:
        assert (sound.getframerate(), sound.getnframes()) == (8000, 400)


def test_text(server):
    server.until(has("session", "summaries/note"), TAGS.format("text"))
    (first, *_) = server.get("/data/plugin/text/text", run="session", tag="summaries/note")
    assert "<strong>bold</strong>" in first["text"] and "plain" in first["text"]


def test_pr_curves(server):
    tag = "summaries/curve/pr_curves"
    server.until(has("session", tag), TAGS.format("pr_curves"))
    curves = server.get("/data/plugin/pr_curves/pr_curves", run="session", tag=tag)["session"]
    last = curves[-1]
    # TensorBoard leaves out thresholds that nothing reaches.
    assert 5 < len(last["precision"]) == len(last["thresholds"]) <= 11 and last["thresholds"][0] == 0
    assert last["true_positives"][0] + last["false_positives"][0] == 50


def test_custom_scalars(server):
    layout = server.until(lambda answer: answer.get("category"), "/data/plugin/custom_scalars/layout")
    assert layout["category"][0]["chart"][0]["multiline"]["tag"] == ["summaries/loss"]
    found = server.get("/data/plugin/custom_scalars/scalars", run="session", tag="summaries/loss")
    assert len(found["tag_to_events"]["summaries/loss"]) == 10


def test_hyperparameters(server):
    ask = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_SUCCESS", "STATUS_RUNNING", "STATUS_UNKNOWN", "STATUS_FAILURE"],
        "colParams": [],
        "startIndex": 0,
        "sliceSize": 10,
    }
    groups = server.until(
        lambda answer: len(answer.get("sessionGroups", ())) == 2, "/data/plugin/hparams/session_groups", ask
    )
    sessions = {group["sessions"][0]["name"]: group for group in groups["sessionGroups"]}
    assert sessions.keys() == {"session", "keras"}
    assert sessions["session"]["hparams"] == {"rate": 0.1, "units": 4.0, "optimizer": "adam"}
    assert sessions["keras"]["sessions"][0]["status"] == "STATUS_SUCCESS"
    metrics = {(m["name"].get("group", ""), m["name"]["tag"]) for m in sessions["keras"]["sessions"][0]["metricValues"]}
    assert {("train", "epoch_loss"), ("validation", "epoch_loss")} <= {
        (group.strip("/."), tag) for group, tag in metrics
    }
    experiment = server.until(
        lambda answer: len(answer.get("hparamInfos", ())) == 3,
        "/data/plugin/hparams/experiment",
        {"experimentName": ""},
    )
    assert {info["name"] for info in experiment["hparamInfos"]} == {"rate", "units", "optimizer"}


def test_the_projector(server):
    server.until(lambda answer: "session" in answer, "/data/plugin/projector/runs")
    (shown,) = server.get("/data/plugin/projector/info", run="session")["embeddings"]
    assert (shown["tensorName"], shown["tensorShape"]) == ("words", [5, 3])
    data = server.raw("/data/plugin/projector/tensor", run="session", name="words")
    vectors = np.array(struct.unpack("<15f", data)).reshape(5, 3)
    assert np.isfinite(vectors).all() and vectors.std() > 0.1
    names = server.raw("/data/plugin/projector/metadata", run="session", name="words").decode()
    assert names.split() == ["one", "two", "three", "four", "five"]

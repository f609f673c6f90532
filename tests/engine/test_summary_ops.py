"""Summary ops: tags, node names, collections, and what TensorBoard reads."""

import numpy as np
import pytest

from headrace.engine import errors
from headrace.engine.dtypes import float32
from headrace.engine.graph import Graph
from headrace.engine.ops import summaries
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.protos import Summary
from headrace.engine.scopes import GraphKeys, name_scope
from headrace.engine.session import Session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def run(graph, *fetches, **options):
    with Session(graph=graph) as sess:
        return [Summary.FromString(s) for s in sess.run(list(fetches), **options)]


def test_scalar(graph):
    x = placeholder(float32, [])
    with name_scope("train"):
        loss = summaries.scalar("loss", x)
    again = summaries.scalar("my loss", x, family="all")
    assert [loss.op.name, loss.op.inputs[0].name] == ["train/loss", "train/loss/tags:0"]
    assert again.op.name == "all/my_loss" and graph.get_collection(GraphKeys.SUMMARIES) == [loss, again]
    first, second = run(graph, loss, again, feed_dict={x: 2.5})
    assert (first.value[0].tag, first.value[0].simple_value) == ("train/loss", 2.5)
    assert second.value[0].tag == "all/all/my_loss"


def test_every_kind_merged(graph):
    rng = np.random.default_rng(0)
    summaries.scalar("s", constant(1.0))
    summaries.histogram("h", rng.normal(size=100))
    summaries.image("i", rng.random((4, 5, 6, 3), np.float32), max_outputs=2)
    summaries.audio("a", rng.uniform(-1, 1, (1, 10, 1)).astype(np.float32), 8000, max_outputs=1)
    summaries.text("t", constant(["x", "y"]))
    hidden = summaries.scalar("hidden", constant(2.0), collections=["mine"])
    merged = summaries.merge_all()
    assert merged.op.name == "Merge/MergeSummary" and hidden.op not in merged.op.inputs
    (summary,) = run(graph, merged)
    assert [v.tag for v in summary.value] == ["s", "h", "i/image/0", "i/image/1", "a/audio", "t"]
    values = {v.tag: v for v in summary.value}
    assert values["h"].histo.num == 100
    assert values["i/image/0"].image.encoded_image_string.startswith(b"\x89PNG")
    assert values["a/audio"].audio.encoded_audio_string.startswith(b"RIFF")
    assert values["t"].metadata.plugin_data.plugin_name == "text"
    assert list(values["t"].tensor.string_val) == [b"x", b"y"]


def test_names_before_1_0(graph):
    w = constant(np.arange(4, dtype=np.float32), name="w")
    loss = summaries.scalar_summary("loss value", constant(0.5))
    many = summaries.scalar_summary(["a", "b"], constant([1.0, 2.0]))
    hist = summaries.histogram_summary("w", w)
    merged = summaries.merge_all_summaries()
    assert [t.op.name for t in (loss, many, hist, merged)] == [
        "ScalarSummary", "ScalarSummary_1", "HistogramSummary", "MergeSummary/MergeSummary",
    ]  # fmt: skip
    (summary,) = run(graph, merged)
    assert [v.tag for v in summary.value] == ["loss value", "a", "b", "w"]


def test_nothing_to_merge(graph):
    assert summaries.merge_all() is None and summaries.merge_all_summaries() is None


def test_errors(graph):
    x = placeholder(float32)
    twice = summaries.merge([summaries.scalar_summary("a", 1.0), summaries.scalar_summary("a", 2.0)])
    with Session(graph=graph) as sess:
        with pytest.raises(errors.InvalidArgumentError, match="Duplicate tag a"):
            sess.run(twice)
        with pytest.raises(errors.InvalidArgumentError, match="Infinity"):
            sess.run(summaries.histogram("h", x), {x: [np.inf]})
        with pytest.raises(errors.InvalidArgumentError, match="ScalarSummary"):
            sess.run(summaries.scalar("s", x), {x: [1.0, 2.0]})
    with pytest.raises(ValueError, match="to have dtype string"):
        summaries.text("t", constant(1.0))
    with pytest.raises(ValueError, match="with input shapes"):
        summaries.scalar("s", constant([1.0]))

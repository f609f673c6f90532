"""Timelines: valid Chrome traces with a row a node, arrows, and the memory over time."""

import itertools
import json

import numpy as np
import pytest

import headrace as tf
from headrace.engine.tracing.timeline import Timeline


@pytest.fixture
def step_stats():
    with tf.Graph().as_default(), tf.Session(backend="cpu") as session:
        x = tf.placeholder(tf.float32, [16, 8], "x")
        hidden = tf.tanh(tf.matmul(x, tf.ones([8, 32]), name="product"), name="hidden")
        parts = tf.unique(tf.reshape(hidden, [-1]), name="parts")
        total = tf.reduce_sum(tf.matmul(hidden, hidden, transpose_a=True), name="total")
        options, metadata = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), tf.RunMetadata()
        for _ in range(2):
            session.run([total, parts.y], {x: np.ones((16, 8))}, options, metadata)
    return metadata.step_stats


def events_of(text):
    """The events by phase, after a look at what each must have."""
    found = {}
    for event in json.loads(text)["traceEvents"]:
        assert isinstance(event["pid"], int) and isinstance(event["name"], str)
        if event["ph"] != "M":
            assert event["ts"] > 0 and isinstance(event["tid"], int) and event["cat"]
        found.setdefault(event["ph"], []).append(event)
    return found


def test_rows(step_stats):
    events = events_of(Timeline(step_stats).generate_chrome_trace_format())
    assert set(events) == {"M", "X", "s", "f"}
    (process,) = events["M"]
    assert process["args"]["name"] == "/job:localhost/replica:0/task:0/device:CPU:0 Compute"
    rows = {e["args"]["name"]: e for e in events["X"]}
    assert {"x", "hidden", "parts", "total"} < set(rows)
    assert "product" not in rows or rows["product"]["name"] == "MatMul"
    assert all(e["dur"] > 0 for e in events["X"])
    assert rows["total"]["args"]["op"] == "Sum"
    # None overlaps another in its lane.
    for lane in {e["tid"] for e in events["X"]}:
        spans = sorted((e["ts"], e["ts"] + e["dur"]) for e in events["X"] if e["tid"] == lane)
        assert all(end < start + 0.5 for (_, end), (start, _) in itertools.pairwise(spans))


def test_arrows_lead_from_producers_to_consumers(step_stats):
    events = events_of(Timeline(step_stats).generate_chrome_trace_format(show_dataflow=True))
    ends = {e["id"]: e for e in events["f"]}
    assert len(ends) == len(events["s"]) == len(events["f"]) > 2
    for start in events["s"]:
        assert start["name"] == ends[start["id"]]["name"] and start["ts"] <= ends[start["id"]]["ts"]
    assert {"x", "hidden"} <= {e["name"] for e in events["s"]}
    assert set(events_of(Timeline(step_stats).generate_chrome_trace_format(show_dataflow=False))) == {"M", "X"}


def test_memory(step_stats):
    analysis = Timeline(step_stats).analyze_step_stats(show_dataflow=False, show_memory=True)
    events = events_of(analysis.chrome_trace.format_to_string())
    assert set(events) == {"M", "X", "C", "N", "O", "D"}
    assert len(events["N"]) == len(events["O"]) == len(events["D"])
    assert {e["name"] for e in events["N"]} > {"x", "hidden"}
    counts = [e["args"]["cpu"] for e in events["C"]]
    most = analysis.allocator_maximums["cpu"]
    # In the end nothing is in use; at the most, the activations are.
    assert counts[-1] == 0 and max(counts) == most.num_bytes >= (16 * 8 + 16 * 32) * 4
    assert "hidden" in most.tensors


def test_nested_nodes_have_lanes_of_their_own():
    with tf.Graph().as_default(), tf.Session(backend="cpu") as session:
        total = tf.while_loop(lambda i: i < 3, lambda i: i + 1, [tf.constant(0)])
        metadata = tf.RunMetadata()
        session.run(total, options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), run_metadata=metadata)
    events = events_of(Timeline(metadata.step_stats).generate_chrome_trace_format(show_memory=True))
    lanes = {e["name"]: e["tid"] for e in events["X"]}
    assert lanes["While"] == 0 and lanes["AddV2"] == 1


def test_statistics_of_elsewhere():
    # Without nanoseconds, and with labels that are no calls.
    stats = tf.RunMetadata().step_stats
    node = stats.dev_stats.add(device="/cpu:0").node_stats.add(
        node_name="copy", all_start_micros=5, timeline_label="DMA"
    )
    node.all_end_rel_micros = 7
    (event,) = events_of(Timeline(stats).generate_chrome_trace_format())["X"]
    assert (event["name"], event["ts"], event["dur"], event["args"]) == ("DMA", 5, 7, {"name": "copy", "op": "DMA"})
    assert Timeline(tf.RunMetadata().step_stats).generate_chrome_trace_format(show_memory=True).count("ph") == 1


@pytest.mark.parametrize("given", [None, tf.RunMetadata()])
def test_what_has_no_steps_is_named(given):
    with pytest.raises(TypeError, match=f"run_metadata.step_stats; got a {type(given).__name__}"):
        Timeline(given)

"""FileWriter: what TensorBoard reads of it, graphs, tags, closing."""

from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.graph_pb2 import GraphDef as TheirGraphDef
from tensorboard.compat.proto.summary_pb2 import Summary as TheirSummary

from headrace.engine import protos
from headrace.engine.summary import FileWriter, FileWriterCache, summary_iterator, values, writer
from headrace.engine.tensor_proto import make_tensor_proto

FIXTURES = Path(__file__).parents[2] / "fixtures" / "protos"


def small_graph():
    graph = protos.GraphDef(versions={"producer": 27})
    graph.node.add(name="x", op="Placeholder").attr["dtype"].type = protos.DataType.DT_FLOAT
    constant = graph.node.add(name="large", op="Const", input=["^x"])
    constant.attr["value"].tensor.CopyFrom(make_tensor_proto(np.ones([10, 100])))
    constant.attr["dtype"].type = protos.DataType.DT_DOUBLE
    inner = graph.library.function.add().node_def.add(name="inner", op="Const")
    inner.attr["value"].tensor.CopyFrom(make_tensor_proto(np.ones(300)))
    return graph


class Graph:
    def as_graph_def(self, add_shapes=False):
        assert add_shapes
        return small_graph()


def events_of(logdir):
    (path,) = Path(logdir).iterdir()
    return list(summary_iterator(path))[1:]


def accumulated(logdir):
    return EventAccumulator(str(logdir), size_guidance={"scalars": 0, "histograms": 0}).Reload()


def test_tensorboard_reads_it_all(tmp_path):
    metadata = protos.RunMetadata()
    device = metadata.step_stats.dev_stats.add(device="/cpu:0")
    device.node_stats.add(node_name="x", all_start_micros=5, all_end_rel_micros=2)
    with FileWriter(tmp_path, Graph()) as file:
        for step in range(5):
            file.add_summary(values.scalar("loss", 1 / (step + 1)).SerializeToString(), step)
        file.add_summary(values.histogram("weights", [1, 2, 2]), np.int64(4))
        file.add_summary(values.image("picture", np.zeros([2, 4, 5, 3], np.uint8)), 4)
        file.add_summary(values.audio("sound", np.zeros([1, 100]), 8000), 4)
        file.add_summary(values.text("note", ["a", "b"]), 4)
        file.add_run_metadata(metadata, "step 4", 4)
        file.add_session_log(protos.SessionLog(status=protos.SessionLog.CHECKPOINT), 4)
    read = accumulated(tmp_path)
    tags = read.Tags()
    assert tags["scalars"] == ["loss"] and tags["histograms"] == ["weights"]
    assert tags["images"] == ["picture/image/0", "picture/image/1"]
    assert tags["audio"] == ["sound/audio/0"] and tags["tensors"] == ["note"]
    assert tags["run_metadata"] == ["step 4"] and tags["graph"]
    assert [(one.step, one.value) for one in read.Scalars("loss")][:2] == [(0, 1.0), (1, 0.5)]
    assert read.Histograms("weights")[0].histogram_value.num == 3
    assert (read.Images("picture/image/0")[0].width, read.Audio("sound/audio/0")[0].length_frames) == (5, 100)
    assert read.SummaryMetadata("note").plugin_data.plugin_name == "text"
    assert [node.name for node in read.Graph().node] == ["x", "large"]
    assert read.RunMetadata("step 4").step_stats.dev_stats[0].node_stats[0].node_name == "x"


def test_tensorboard_purges_what_a_restart_made_void(tmp_path):
    with FileWriter(tmp_path) as file:
        for step in range(10):
            file.add_summary(values.scalar("loss", 0.0), step)
    (path,) = tmp_path.iterdir()
    path.rename(tmp_path / "events.out.tfevents.0000000001.first")
    with FileWriter(tmp_path, purge_step=5) as file:
        file.add_summary(values.scalar("loss", 1.0), 5)
    assert [one.step for one in accumulated(tmp_path).Scalars("loss")] == [0, 1, 2, 3, 4, 5]


THEIRS = TheirGraphDef.FromString(small_graph().SerializeToString())


@pytest.mark.parametrize(
    "arguments",
    [
        {"graph": Graph()},
        {"graph": small_graph()},
        {"graph_def": small_graph()},
        {"graph": THEIRS},
    ],
)
def test_graphs_and_graph_defs(tmp_path, arguments):
    FileWriter(tmp_path, *arguments.values()).close()
    (event,) = events_of(tmp_path)
    stripped = protos.GraphDef.FromString(event.graph_def)
    (constant,) = (node for node in stripped.node if node.name == "large")
    assert constant.attr["value"].tensor.tensor_content == b""
    assert [dim.size for dim in constant.attr["value"].tensor.tensor_shape.dim] == [10, 100]
    assert constant.attr["value"].tensor.dtype == protos.DataType.DT_DOUBLE
    assert constant.attr["_too_large_attrs"].list.s[:] == [b"value"] and constant.input[:] == ["^x"]
    assert not stripped.library.function[0].node_def[0].attr["value"].tensor.tensor_content
    assert stripped.node[0] == small_graph().node[0]


def test_only_large_constants_are_stripped():
    graph = protos.GraphDef.FromString((FIXTURES / "graph.pb").read_bytes())
    before = graph.SerializeToString(deterministic=True)
    stripped = writer.without_large_constants(graph)
    assert graph.SerializeToString(deterministic=True) == before
    changed = [new.name for old, new in zip(graph.node, stripped.node, strict=True) if old != new]
    assert changed == ["scope/large"]


@pytest.mark.parametrize("arguments", [{}, {"graph": Graph(), "graph_def": small_graph()}])
def test_one_graph_is_expected(tmp_path, arguments):
    with FileWriter(tmp_path) as file, pytest.raises(ValueError, match="one of graph and graph_def"):
        file.add_graph(**arguments)


def test_what_is_no_graph(tmp_path):
    with pytest.raises(TypeError, match="expected a Graph or GraphDef, got str: 'logs'"):
        FileWriter(tmp_path, "logs")


def test_metadata_is_written_once_a_tag(tmp_path):
    with FileWriter(tmp_path) as file:
        summary = values.text("note", "first")
        file.add_summary(summary, 1)
        file.add_summary(TheirSummary.FromString(summary.SerializeToString()), 2)
    first, second = (event.summary.value[0] for event in events_of(tmp_path))
    assert first.HasField("metadata") and not second.HasField("metadata")
    assert summary.value[0].HasField("metadata")


def test_run_metadata_has_a_name_of_its_own(tmp_path):
    with FileWriter(tmp_path) as file:
        file.add_run_metadata(protos.RunMetadata(), "one")
        with pytest.raises(ValueError, match="tag 'one' was already used"):
            file.add_run_metadata(protos.RunMetadata(), "one")


def test_meta_graphs_and_events_as_they_are(tmp_path):
    with FileWriter(str(tmp_path), filename_suffix=".x") as file:
        file.add_meta_graph(protos.MetaGraphDef(graph_def=small_graph()), 2)
        file.add_event(protos.Event(step=3, wall_time=4.0))
    meta, plain = events_of(tmp_path)
    assert protos.MetaGraphDef.FromString(meta.meta_graph_def).graph_def == small_graph()
    assert plain == protos.Event(step=3, wall_time=4.0)


def test_a_closed_writer_says_what_it_drops(tmp_path):
    file = FileWriter(tmp_path)
    file.close()
    with pytest.warns(UserWarning, match="is closed: the event is dropped"):
        file.add_summary(values.scalar("a", 1))
    file.reopen()
    file.add_summary(values.scalar("a", 2))
    file.flush()
    file.close()
    assert len(list(tmp_path.iterdir())) == 2


def test_one_writer_a_directory(tmp_path):
    first = FileWriterCache.get(tmp_path)
    assert FileWriterCache.get(f"{tmp_path}/") is first
    first.close()
    FileWriterCache.get(tmp_path).add_summary(values.scalar("a", 1))
    FileWriterCache.clear()
    assert first.event_writer.closed
    assert FileWriterCache.get(tmp_path) is not first
    FileWriterCache.clear()

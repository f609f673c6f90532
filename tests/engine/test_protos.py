"""The messages: TensorFlow's bytes, in the same process as TensorBoard's own, values that programs use."""

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pool, text_format

from headrace.engine import protos

FIXTURES = Path(__file__).parent.parent / "fixtures" / "protos"

THEIRS = """
attr_value cluster config cost_graph event function graph meta_graph node_def op_def resource_handle
rewriter_config saver step_stats struct summary tensor tensor_shape types variable versions
""".split()


def fields_of(descriptor):
    def kind(field):
        other = field.message_type or field.enum_type
        return other.full_name.split(".", 1)[1] if other else field.type

    return {field.name: (field.number, kind(field)) for field in descriptor.fields}


def test_messages_are_those_of_tensorboard():
    """TensorBoard carries copies of TensorFlow's messages under the package `tensorboard`."""
    for module in THEIRS:
        __import__(f"tensorboard.compat.proto.{module}_pb2")
    pool = descriptor_pool.Default()
    compared = 0
    for name in protos.__all__:
        ours = getattr(protos, name).DESCRIPTOR
        try:
            theirs = pool.FindMessageTypeByName(f"tensorboard.{name}")
        except KeyError:
            continue
        common = fields_of(ours).keys() & fields_of(theirs).keys()
        expected = {field: fields_of(theirs)[field] for field in common}
        assert {field: fields_of(ours)[field] for field in common} == expected, name
        compared += 1
    assert compared > 50


@pytest.mark.parametrize(("name", "kind"), [("graph.pb", protos.GraphDef), ("example.pb", protos.SequenceExample)])
def test_files_of_tensorflow_come_back_as_they_were(name, kind):
    data = (FIXTURES / name).read_bytes()
    message = kind.FromString(data)
    assert message.SerializeToString(deterministic=True) == data
    assert text_format.Parse(text_format.MessageToString(message), kind()) == message


def test_what_a_graph_of_tensorflow_holds():
    graph = protos.GraphDef.FromString((FIXTURES / "graph.pb").read_bytes())
    nodes = {node.name: node for node in graph.node}
    assert nodes["x"].attr["dtype"].type == protos.DataType.DT_FLOAT
    assert "^scope/large" in nodes["scope/ones"].input or "^scope/large" in nodes["scope/y"].input
    assert nodes["scope/y"].device == "/device:CPU:0"
    (function,) = graph.library.function
    assert [arg.type for arg in function.signature.input_arg] == [protos.DataType.DT_FLOAT]


def test_options_as_programs_set_them():
    config = protos.ConfigProto(
        allow_soft_placement=True,
        device_count={"GPU": 0},
        gpu_options=protos.GPUOptions(per_process_gpu_memory_fraction=0.5, allow_growth=True),
    )
    config.graph_options.optimizer_options.opt_level = protos.OptimizerOptions.L0
    config.graph_options.optimizer_options.global_jit_level = protos.OptimizerOptions.ON_1
    config.graph_options.rewrite_options.constant_folding = protos.RewriterConfig.OFF
    config.cluster_def.job.add(name="worker").tasks[0] = "host:2222"
    assert protos.ConfigProto.FromString(config.SerializeToString()) == config
    assert protos.RunOptions(trace_level=protos.RunOptions.FULL_TRACE).trace_level == 3
    with pytest.raises(ValueError, match="no_such"):
        protos.ConfigProto(no_such=1)


def test_pure_python_runtime_takes_the_generated_code():
    code = "from headrace.engine.protos import GraphDef as G; g = G(); g.node.add(name='a'); print(g)"
    environment = {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert 'name: "a"' in done.stdout, done.stderr

"""GraphDefs: TensorFlow's form, the way back, TensorFlow's own graphs, wrong and hostile messages."""

import random
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from google.protobuf.message import DecodeError

from headrace.engine import errors
from headrace.engine.attr_values import attr_value_of
from headrace.engine.dtypes import float32, int32
from headrace.engine.graph import Graph
from headrace.engine.graph_util import (
    convert_variables_to_constants,
    extract_sub_graph,
    must_run_on_cpu,
    remove_training_nodes,
    tensor_shape_from_node_def_name,
    write_graph,
)
from headrace.engine.importer import import_graph_def
from headrace.engine.ops.array import identity, reshape, stack
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.ops.elementwise import add_op
from headrace.engine.protos import GraphDef, NodeDef, OpList
from headrace.engine.registry import definition_of
from headrace.engine.session import Session
from headrace.engine.shapes import TensorShape

from .ops.harness import DEFINITIONS, SAMPLED, assert_same, build, is_random, samples_of

FIXTURE = Path(__file__).parent.parent / "fixtures" / "graph_defs.npz"
CASES = ("mlp", "shapes", "cond_raw", "while_raw", "cond_functions", "while_functions")


def parsed(text):
    return text_format.Parse(text, GraphDef())


@pytest.mark.parametrize("case", CASES)
def test_graphs_of_tensorflow_give_its_results(case):
    with np.load(FIXTURE) as file:
        message, x, wanted = GraphDef.FromString(file[f"{case}/graph"].tobytes()), file["x"], file[f"{case}/y"]
    with Graph().as_default() as graph, Session() as session:
        y, fed = import_graph_def(message, return_elements=["y:0", "x:0"], name="given")
        for sign, expected in zip((1, -1), wanted, strict=True):
            np.testing.assert_allclose(session.run(y, {fed: sign * x}), expected, 1e-6, 1e-6)
        again = graph.as_graph_def()
    with Graph().as_default(), Session() as session:
        import_graph_def(again, name="")
        np.testing.assert_allclose(session.run("given/y:0", {"given/x:0": -x}), wanted[1], 1e-6, 1e-6)


def test_a_node_is_written_as_tensorflow_writes_it():
    with Graph().as_default() as graph, graph.device("/device:CPU:0"):
        x = placeholder(float32, [None, 2], name="x")
        with graph.control_dependencies([constant(1, name="c"), constant(2, name="b")]):
            y = stack([x, x], axis=1, name="y")
        node = definition_of("Unpack")(y, num=2, axis=1)[1].op
        after = identity(node.outputs[1], name="after").op
    assert str(y.op.node_def) == str(
        text_format.Parse(
            """name: "y" op: "Pack" input: "x" input: "x" input: "^b" input: "^c" device: "/device:CPU:0"
            attr { key: "N" value { i: 2 } } attr { key: "T" value { type: DT_FLOAT } }
            attr { key: "axis" value { i: 1 } }""",
            NodeDef(),
        )
    )
    assert after.node_def.input[0] == f"{node.name}:1"
    message = graph.as_graph_def(add_shapes=True)
    assert message.versions.producer == 134
    written = {n.name: n for n in message.node}
    assert [d.size for d in written["y"].attr["_output_shapes"].list.shape[0].dim] == [-1, 2, 2]
    assert [n.name for n in graph.as_graph_def(from_version=graph.version - 1).node] == ["after"]


@pytest.mark.parametrize("name", SAMPLED)
def test_every_sample_survives_the_way_through_a_graph_def(name):
    definition = DEFINITIONS[name]
    for i, sample in enumerate(samples_of(name)[:3]):
        with Graph().as_default() as graph, Session() as session:
            built = build(definition, sample.inputs, sample.attrs, "static")
            expected = built.run(session)
            message = graph.as_graph_def(add_shapes=i == 0)
            feeds = {t.name: v for t, v in built.feeds.items()}
        message = GraphDef.FromString(message.SerializeToString())
        with Graph().as_default() as other, Session() as session:
            import_graph_def(message, name="", allow_io=True)
            for tensor in built.op.outputs:
                copy = other.get_tensor_by_name(tensor.name)
                assert copy.dtype == tensor.dtype and copy.shape.is_compatible_with(tensor.shape)
            if built.initializers:
                session.run([o.name for o in built.initializers])
            targets = [t.name for t in built.op.outputs] or [built.op.name]
            results = session.run(targets, feeds)
            assert other.as_graph_def(add_shapes=i == 0).SerializeToString(deterministic=True) == (
                message.SerializeToString(deterministic=True)
            )
        if not is_random(definition, built):
            for actual, wanted in zip(results, expected, strict=False):
                assert_same(actual, wanted, f"{name} sample {i}")


X = """node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } } """
FLOAT = """attr { key: "T" value { type: DT_FLOAT } }"""


def node(name, op, *inputs, attrs=FLOAT):
    return f'node {{ name: "{name}" op: "{op}" ' + " ".join(f'input: "{i}"' for i in inputs) + f" {attrs} }} "


@pytest.mark.parametrize(
    "text, error, match",
    [
        (X + X, ValueError, "'x' is not unique"),
        (node("y", "Identity", "x"), ValueError, "Node 'y': Unknown input node 'x'"),
        (X + node("y", "Identity", "x", "^z"), ValueError, r"Unknown input node '\^z'"),
        (X + node("y", "Identity", "x:1"), ValueError, "Connecting to invalid output 1 of source node x which has 1"),
        (X + node("y", "Identity", "^x", "x"), ValueError, "data input 'x' comes after a control input"),
        (X + node("y", "Identity", "x", "x"), ValueError, "expected inputs 'input:T' do not match 2 inputs"),
        (X + node("y", "Identity", ":0"), ValueError, "not the name of an input"),
        (X + node("1 2", "Identity", "x"), ValueError, "Node name contains invalid characters"),
        (node("a", "Identity", "b") + node("b", "Identity", "a"), ValueError, "2 nodes in a cycle"),
        (
            X + node("y", "Nope", "x") + node("z", "Nope", "x") + node("w", "Other", "x"),
            errors.NotFoundError,
            r"'Nope' \(2 nodes\), 'Other' \(1 node\)",
        ),
        ('node { name: "x" op: "Placeholder" }', ValueError, "missing attr 'dtype' from Op<name=Placeholder"),
        (
            X + node("y", "Identity", "x", attrs='attr { key: "T" value { i: 1 } }'),
            ValueError,
            "'int' when 'type' expec",
        ),
        (X + node("y", "Identity", "x", attrs='attr { key: "T" value { type: 77 } }'), ValueError, "not the number of"),
        (
            X + node("y", "Identity", "x", attrs='attr { key: "T" value { type: DT_INT32 } }'),
            ValueError,
            "Input 0 of node y was passed float from (import/)?x:0 incompatible with expected int32",
        ),
        (
            X + node("y", "Identity", "x", attrs='attr { key: "Q" value { i: 3 } }'),
            ValueError,
            "NodeDef mentions attr 'Q' not in Op<name=Identity",
        ),
        (
            X + node("y", "MatMul", "x", "x", attrs='attr { key: "T" value { type: DT_STRING } }'),
            ValueError,
            "'T' of string is not in the list of allowed values",
        ),
        (X + node("y", "AssignAdd", "x", "x"), ValueError, "incompatible with expected float_ref"),
        (
            X + node("y", "Identity", "x", attrs=FLOAT + 'attr { key: "_class" value { list { s: "loc:@q" } } }'),
            ValueError,
            "colocation to an op that does not exist during import: q in y",
        ),
        (X + "versions { min_consumer: 9999 }", ValueError, "min consumer version 9999"),
        (
            'node { name: "c" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "value" value '
            "{ tensor { dtype: DT_FLOAT tensor_shape { dim { size: 1000000000000 } } float_val: 1 } } } }",
            ValueError,
            "more than the",
        ),
        (
            'node { name: "p" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } '
            'attr { key: "shape" value { shape { dim { size: -7 } } } } }',
            ValueError,
            ">= -1",
        ),
    ],
)
def test_graphs_that_are_wrong_are_refused_and_add_nothing(text, error, match):
    with Graph().as_default() as graph:
        before = identity(constant(1.0), name="before")
        with pytest.raises(error, match=match):
            import_graph_def(parsed(text), name="")
        assert [o.name for o in graph.get_operations()] == ["Const", "before"]
        assert before.consumers() == []
        assert identity(before, name="x").op.name == "x"


def test_missing_attributes_take_their_defaults_and_types_follow_the_inputs():
    text = X + node("y", "MatMul", "x", "x", attrs="") + node("z", "Pack", "x", "y", attrs="")
    with Graph().as_default():
        y, z = import_graph_def(parsed(text), return_elements=["y", "z"])
    assert (y.get_attr("transpose_a"), y.get_attr("T"), z.get_attr("N"), z.get_attr("axis")) == (False, float32, 2, 0)


def test_attributes_of_later_tensorflows_are_left_out_where_they_say_nothing_new():
    k = node(
        "k",
        "Const",
        attrs="""attr { key: "dtype" value { type: DT_INT32 } }
        attr { key: "value" value { tensor { dtype: DT_INT32 tensor_shape {} int_val: 2 } } }""",
    )
    top = node("y", "TopKV2", "x", "k", attrs=FLOAT + 'attr { key: "Tk" value { type: DT_INT32 } }')
    with Graph().as_default(), Session() as session:
        [y] = import_graph_def(parsed(X + k + top), return_elements=["y:0"])
        assert session.run(y, {"import/x:0": [3.0, 1.0, 5.0]}).tolist() == [5.0, 3.0]
    with Graph().as_default(), pytest.raises(ValueError, match="mentions attr 'Tk' not in Op<name=TopKV2"):
        import_graph_def(parsed(X + k + top.replace('"Tk" value { type: DT_INT32', '"Tk" value { type: DT_INT64')))


def test_defaults_of_the_producer_are_left_out():
    producer = text_format.Parse(
        'op { name: "Identity" attr { name: "Q" type: "int" default_value { i: 3 } } }', OpList()
    )
    text = X + node("y", "Identity", "x", attrs=FLOAT + 'attr { key: "Q" value { i: 3 } }')
    with Graph().as_default():
        [y] = import_graph_def(parsed(text), return_elements=["y"], producer_op_list=producer)
    assert "Q" not in y.attrs


def test_input_map_return_elements_and_names():
    text = X + node("y", "Identity", "x:0", "^w") + node("w", "Identity", "x")
    with Graph().as_default() as graph, Session() as session:
        mine = constant(5.0)
        y, output = import_graph_def(parsed(text), {"x": mine}, ["y", "y:0"])
        assert (y.name, output.name, y.inputs[0]) == ("import/y", "import/y:0", mine)
        assert session.run(output) == 5.0
        assert import_graph_def(parsed(text), {"x:0": 2.0, "^w": mine.op}, ["y"])[0].name == "import_1/y"
        assert import_graph_def(parsed(text), name="mine") is None
        assert graph.get_operation_by_name("mine/w").type == "Identity"
        with pytest.raises(ValueError, match=r"not found in graph_def: \['nope'\]"):
            import_graph_def(parsed(text), {"nope": mine})
        with pytest.raises(ValueError, match="Requested return_element 'z' not found"):
            import_graph_def(parsed(text), return_elements=["z"])
        with pytest.raises(ValueError, match="requires a non-empty `name` if `input_map` contains non-Tensor values"):
            import_graph_def(parsed(text), {"x": 1.0}, name="")
        with pytest.raises(ValueError, match="Node name 'mine/x' already exists in the Graph"):
            import_graph_def(parsed(text.replace('"x', '"mine/x')), name="")
        for arguments, match in (
            (("text",), "graph_def must be a GraphDef"),
            ((parsed(text), [mine]), "input_map must be a dictionary"),
            ((parsed(text), None, "y:0"), "return_elements must be a list"),
        ):
            with pytest.raises(TypeError, match=match):
                import_graph_def(*arguments)


def test_devices_and_colocation_follow_the_scopes():
    text = X + node("y", "Identity", "x", attrs=FLOAT + 'attr { key: "_class" value { list { s: "loc:@x" } } }')
    message = parsed(text)
    message.node[0].device = "/device:CPU:0"
    with Graph().as_default() as graph, graph.device("/job:worker"):
        x, y = import_graph_def(message, return_elements=["x", "y"])
    assert (x.device, y.device) == ("/job:worker/device:CPU:0", "/job:worker")
    assert y.colocation_groups() == [b"loc:@import/x"]


def test_ops_that_touch_files_need_permission():
    names = [n for n, d in DEFINITIONS.items() if d.touches_files]
    for name in names:
        message = GraphDef(node=[NodeDef(name="a", op=name)])
        with Graph().as_default(), pytest.raises(errors.PermissionDeniedError, match="allow_io=True"):
            import_graph_def(message)


def chain(length):
    message = parsed(X)
    for i in range(length):
        message.node.add(name=f"n{i}", op="Identity", input=[f"n{i - 1}" if i else "x"])
    return message


@pytest.mark.parametrize("length", [5_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_deep_graphs_need_no_recursion(length):
    with Graph().as_default() as graph, Session() as session:
        message = chain(length)
        nodes = list(message.node)
        random.Random(0).shuffle(nodes)
        import_graph_def(GraphDef(node=nodes), name="")
        assert session.run(f"n{length - 1}:0", {"x:0": 1.5}) == 1.5
        assert len(graph.as_graph_def().node) == length + 1


def seeds():
    with np.load(FIXTURE) as file:
        return [file[f"{case}/graph"].tobytes() for case in CASES]


@pytest.mark.parametrize("count", [300, pytest.param(20_000, marks=pytest.mark.long)])
def test_damaged_messages_are_refused_or_imported_whole(count):
    rng = random.Random(count)
    corpus = seeds()
    for _ in range(count):
        data = bytearray(rng.choice(corpus))
        for _ in range(rng.choice((1, 1, 2, 5))):
            place = rng.randrange(len(data))
            data[place : place + rng.choice((0, 1, 1, 3))] = rng.randbytes(rng.choice((0, 1, 1, 2)))
        try:
            message = GraphDef.FromString(bytes(data))
        except DecodeError:
            continue
        with Graph().as_default() as graph:
            try:
                import_graph_def(message)
            except (ValueError, TypeError, errors.OpError):
                assert graph.version == 0
            else:
                assert graph.version >= len(message.node)


def test_variables_become_constants():
    with Graph().as_default() as graph, Session() as session:
        x = placeholder(float32, [2], name="x")
        v = definition_of("VariableV2")(shape=TensorShape([2]), dtype=float32, name="v")
        h = definition_of("VarHandleOp")(shape=TensorShape([2]), dtype=float32, name="h")
        read = definition_of("ReadVariableOp")(h, dtype=float32, name="read")
        add_op(add_op(x, v), read, name="y")
        identity(x, name="unused")
        session.run([definition_of("Assign")(v, [1.0, 2.0]), definition_of("AssignVariableOp")(h, [10.0, 20.0])])
        frozen = convert_variables_to_constants(session, graph.as_graph_def(), ["y"])
        kept = convert_variables_to_constants(session, graph.as_graph_def(), ["y"], variable_names_blacklist=["v"])
    assert {n.op for n in frozen.node} == {"Placeholder", "Const", "Identity", "Add"}
    assert "VariableV2" in {n.op for n in kept.node} and "unused" not in {n.name for n in kept.node}
    with Graph().as_default(), Session() as session:
        import_graph_def(frozen, name="")
        np.testing.assert_array_equal(session.run("y:0", {"x:0": [100.0, 200.0]}), [111.0, 222.0])


def test_graph_util(tmp_path):
    with Graph().as_default() as graph:
        x = placeholder(float32, [None, 3], name="x")
        y = identity(x, name="y")
        reshape(y, [-1], name="z")
        constant(b"text", name="text")
        message = graph.as_graph_def()
    assert [n.name for n in extract_sub_graph(message, ["y"]).node] == ["x", "y"]
    with pytest.raises(TypeError, match="dest_nodes must be a list"):
        extract_sub_graph(message, "y")
    with pytest.raises(AssertionError, match="nope is not in graph"):
        extract_sub_graph(message, ["nope"])
    slim = {n.name: list(n.input) for n in remove_training_nodes(message).node}
    assert "y" not in slim and slim["z"][0] == "x"
    assert tensor_shape_from_node_def_name(graph, "y").as_list() == [None, 3]
    assert must_run_on_cpu(graph.get_operation_by_name("text")) and not must_run_on_cpu(y.op)
    text = Path(write_graph(graph, str(tmp_path / "deep" / "er"), "graph.pbtxt"))
    assert text_format.Parse(text.read_text(), GraphDef()) == message
    data = Path(write_graph(message, str(tmp_path), "graph.pb", as_text=False))
    assert GraphDef.FromString(data.read_bytes()) == message
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "graph.pb"]


def test_attributes_of_every_kind_keep_their_values():
    for kind, value in (
        ("list(int)", []),
        ("list(shape)", [TensorShape([1, None]), TensorShape(None)]),
        ("list(type)", [int32, float32]),
        ("string", "ä\udc80"),
        ("list(bool)", [True, False]),
    ):
        from headrace.engine.attr_values import Reader

        assert Reader().read(kind, attr_value_of(kind, value)) == value

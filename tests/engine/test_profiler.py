"""The profiler: TensorFlow's numbers for a small model, what options leave, times and bytes of runs, statistics."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import headrace as tf
from headrace.engine.ops.recurrent_lstm import block_lstm_op
from headrace.engine.profiler import model_analyzer, statistics
from headrace.engine.profiler.op_log import write_op_log
from headrace.engine.profiler.options import ProfileOptionBuilder as Builder
from headrace.engine.profiler.profiler import Profiler, advise, profile, profile_proto
from headrace.engine.protos import OpLogProto, ProfileProto

FIXTURES = Path(__file__).parent.parent / "fixtures"
EXPECTED = json.loads((FIXTURES / "profiler" / "numbers.json").read_text())
SPEC = importlib.util.spec_from_file_location("make_profiles", FIXTURES / "make_profiles.py")
MAKER = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(MAKER)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def quiet(options, **changes):
    return {**options, "output": "none", **changes}


PARAMETERS, FLOATS = quiet(Builder.trainable_variables_parameter()), quiet(Builder.float_operation())
TIMES = quiet(Builder.time_and_memory(min_bytes=0, min_micros=0))


def flat(tree, name="_TFProfRoot"):
    """Numbers by name."""
    found = {name: {k: v for k, v in tree.items() if k != "children"}}
    for child, below in tree.get("children", {}).items():
        found |= flat(below, child)
    return found


def names(message):
    """All names of a tree, from the top."""
    return [message.name, *(name for child in message.children for name in names(child))]


def traced(session, fetches, feed_dict=None):
    metadata = tf.RunMetadata()
    session.run(fetches, feed_dict, tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), metadata)
    return metadata


def test_parameters_are_those_of_tensorflow(graph, capsys):
    MAKER.model(tf)
    assert MAKER._tree(profile(graph)) == EXPECTED["parameters"]
    assert capsys.readouterr().out.splitlines() == [
        "node name | # parameters",
        "_TFProfRoot (--/1.82k params)",
        "  conv (--/224 params)",
        "    conv/bias (8, 8/8 params)",
        "    conv/filters (3x3x3x8, 216/216 params)",
        "  dense (--/1.45k params)",
        "    dense/inner (--/1.44k params)",
        "      dense/inner/weights (144x10, 1.44k/1.44k params)",
        "    dense/offset (10, 10/10 params)",
        "  depthwise (--/144 params)",
        "    depthwise/filters (3x3x8x2, 144/144 params)",
    ]


def test_floating_point_operations_are_those_of_tensorflow(graph):
    MAKER.model(tf)
    by_type = profile(graph, cmd="op", options=FLOATS)
    assert by_type.total_float_ops == EXPECTED["total_float_ops"]
    found, expected = MAKER._ops(by_type), dict(EXPECTED["by_type"])
    # What is Add here is AddV2 there.
    found["AddV2"] = found.pop("Add") + found.get("AddV2", 0)
    assert found == expected
    scopes = profile(graph, options=FLOATS)
    assert scopes.total_float_ops == profile(graph, cmd="graph", options=FLOATS).total_float_ops == 263352
    found, expected = flat(MAKER._tree(scopes)), flat(EXPECTED["float_ops"])
    forward = {name for name in expected if not name.startswith("gradients/")}
    assert {name: found[name] for name in forward} == {name: expected[name] for name in forward}


def test_layers_over_sequences_are_counted(graph):
    x, state, matrix = tf.zeros([6, 2, 3]), tf.zeros([2, 4]), tf.zeros([7, 16])
    zeros = tf.zeros([4])
    block_lstm_op(tf.constant(6, tf.int64), x, state, state, matrix, zeros, zeros, zeros, tf.zeros([16]))
    assert profile(graph, options=FLOATS).total_float_ops == 2 * 6 * 2 * 7 * 16


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({}, ["a", "a/b", "a/b/w", "a/v", "c", "c/w"]),
        ({"max_depth": 2}, ["a", "c"]),
        ({"max_depth": 3}, ["a", "a/b", "a/v", "c", "c/w"]),
        ({"min_params": 5}, ["a/b/w", "c/w"]),
        ({"order_by": "params"}, ["c", "c/w", "a", "a/b", "a/b/w", "a/v"]),
        ({"start_name_regexes": ["a/b"]}, ["a/b", "a/b/w"]),
        ({"trim_name_regexes": ["a/b", "c"]}, ["a", "a/b", "a/v", "c"]),
        ({"show_name_regexes": [".*w"]}, ["a/b/w", "c/w"]),
        ({"hide_name_regexes": ["a.*"]}, ["c", "c/w"]),
    ],
)
def test_what_options_leave(graph, changes, expected):
    for name, size in (("a/b/w", 6), ("a/v", 2), ("c/w", 20)):
        tf.get_variable(name, [size], initializer=tf.zeros_initializer())
    found = profile(graph, options={**PARAMETERS, **changes})
    assert names(found)[1:] == expected
    variables = {"a/b/w": 6, "a/v": 2, "c/w": 20}
    assert found.total_parameters == sum(n for name, n in variables.items() if name in expected)
    # Or else all that is accounted for is summed up, shown or not.
    whole = profile(graph, options={**PARAMETERS, **changes, "account_displayed_op_only": False})
    assert names(whole) == names(found) and whole.total_parameters == 28
    assert (found.total_definition_count, whole.total_definition_count) == (len(expected) + 1, 6)


def test_times_and_bytes_of_a_run(graph):
    x = tf.placeholder(tf.float32, [None, 40], "x")
    with tf.variable_scope("layer"):
        hidden = tf.nn.relu(tf.matmul(x, tf.get_variable("w", [40, 50]), name="product"), name="relu")
    total = tf.reduce_sum(hidden, name="total")
    with tf.Session(backend="cpu") as session:
        session.run(tf.global_variables_initializer())
        metadata = traced(session, total, {x: np.ones((30, 40))})
    found = profile(graph, metadata, options=TIMES)
    (layer,) = [c for c in found.children if c.name == "layer"]
    assert layer.total_exec_micros == layer.total_cpu_exec_micros > 0 and layer.exec_micros == 0
    assert found.total_requested_bytes >= layer.total_requested_bytes >= 30 * 50 * 4
    spent = sum(s.all_end_rel_nanos for s in metadata.step_stats.dev_stats[0].node_stats if s.node_name[0] != "_") / 1e3
    assert abs(found.total_exec_micros - spent) <= 2
    (relu,) = [c for c in layer.children if c.name == "layer/relu"]
    assert relu.run_count == 1 and list(relu.devices) == ["/job:localhost/replica:0/task:0/device:cpu:0"]
    assert relu.total_definition_count == 1 and relu.output_bytes == 30 * 50 * 4
    # By device, as by op type.
    for types, count in (([".*gpu:0"], 1), ([".*cpu:0"], 6), (["Relu|MatMul"], 4)):
        assert len(names(profile(graph, metadata, options={**TIMES, "account_type_regexes": types}))) == count
    listed = profile(graph, metadata, cmd="op", options={**TIMES, "account_type_regexes": ["Relu"]})
    assert listed.total_requested_bytes == 30 * 50 * 4 and [n.name for n in listed.children[0].graph_nodes] == [
        "layer/relu"
    ]
    lines = profile(graph, metadata, cmd="code", options=TIMES)
    assert all("test_profiler.py:" in line.name for line in lines.children)


def test_shapes_of_a_run_complete_the_graph(graph, caplog):
    x = tf.placeholder(tf.float32, [None, 4], "x")
    product = tf.matmul(x, tf.ones([4, 5]), name="product")
    assert profile(graph, options=FLOATS).total_float_ops == 0
    assert "shapes that are not known" in caplog.text
    with tf.Session() as session:
        metadata = traced(session, product, {x: np.ones((3, 4))})
    assert profile(graph, metadata, options=FLOATS).total_float_ops == 2 * 3 * 4 * 5
    assert product.shape.as_list() == [None, 5]


def test_loops_are_counted_once_and_keep_their_own_time(graph):
    total = tf.while_loop(lambda i: i < 50, lambda i: tf.add(i, 1, name="more"), [tf.constant(0)], name="loop")
    with tf.Session(backend="cpu") as session:
        metadata = traced(session, total)
    found = profile(graph, metadata, options=TIMES)
    (scope,) = [c for c in found.children if c.name == "loop"]
    by_name = {c.name: c for c in scope.children}
    (whole,) = [n for n in metadata.step_stats.dev_stats[0].node_stats if n.node_name == "loop/While"]
    assert by_name["loop/more"].run_count == 50
    assert by_name["loop/While"].exec_micros < whole.all_end_rel_micros
    assert abs(scope.total_exec_micros - whole.all_end_rel_nanos / 1e3) <= 2


def test_bodies_on_a_gpu_are_counted_once_and_are_its_time(graph, monkeypatch):
    monkeypatch.setenv("HEADRACE_GPU", "sim")
    x = tf.placeholder(tf.float32, [64, 64])
    total = tf.while_loop(lambda i, v: i < 5, lambda i, v: (i + 1, tf.tanh(v, name="body")), [0, x], name="loop")[1]
    with tf.Session(backend="gpu") as session:
        metadata = traced(session, total, {x: np.ones((64, 64))})
    (whole,) = [s for d in metadata.step_stats.dev_stats for s in d.node_stats if s.node_name == "loop/While"]
    found = profile(graph, metadata, options=TIMES)
    (scope,) = [c for c in found.children if c.name == "loop"]
    body = next(c for c in scope.children if c.name == "loop/body")
    assert body.run_count == 5 and body.accelerator_exec_micros == body.exec_micros and not body.cpu_exec_micros
    assert abs(scope.total_exec_micros - whole.all_end_rel_nanos / 1e3) <= 3
    assert scope.total_accelerator_exec_micros + scope.total_cpu_exec_micros == pytest.approx(
        scope.total_exec_micros, abs=3
    )
    nodes = {n.name: n for n in profile_proto(graph, {0: metadata}).nodes.values()}
    assert [next(iter(e.accelerator_execs))[-5:] for e in nodes["loop/body"].execs.values()] == ["gpu:0"]


def test_outputs(graph, tmp_path):
    tf.get_variable("w", [2000])
    builder = Builder(Builder.trainable_variables_parameter())
    profile(graph, options=builder.with_file_output(str(tmp_path / "out.txt")).build())
    assert (tmp_path / "out.txt").read_text().endswith("  w (2000, 2.00k/2.00k params)\n")
    with tf.Session() as session:
        metadata = traced(session, tf.exp(tf.random_normal([3])))
    profile(graph, metadata, options=builder.with_timeline_output(str(tmp_path / "trace.json")).build())
    assert json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    with pytest.raises(tf.errors.UnimplementedError, match="no pprof"):
        profile(graph, options=builder.with_pprof_output("x").build())


def test_the_old_name(graph, tmp_path, capsys):
    tf.get_variable("w", [3, 5])
    assert model_analyzer.print_model_analysis(graph).total_parameters == 15
    assert "w (3x5, 15/15 params)" in capsys.readouterr().out
    options = {
        "max_depth": 9,
        "select": ["params", "num_hidden_ops"],
        "dump_to_file": str(tmp_path / "out"),
        "viz": False,
    }
    assert model_analyzer.print_model_analysis(graph, tfprof_options=options).total_parameters == 15
    assert (tmp_path / "out").read_text().startswith("node name | # parameters")
    tf.matmul(tf.ones([2, 3]), tf.ones([3, 4]))
    options = {**model_analyzer.FLOAT_OPS_OPTIONS, "output": "none", "show_name_regexes": ["MatMul"]}
    assert model_analyzer.print_model_analysis(graph, tfprof_options=options, tfprof_cmd="op").total_float_ops == 48


def test_columns_of_a_list(graph, capsys):
    MAKER.model(tf)
    columns = ["params", "float_ops", "micros", "bytes", "occurrence", "op_types", "device", "input_shapes"]
    options = Builder(Builder.float_operation()).select(columns).with_accounted_types(["BiasAdd", "MatMul"]).build()
    profile(graph, cmd="op", options=options)
    out = capsys.readouterr().out
    assert "MatMul" in out and "34.56k float_ops (100.00%, 96.77%)" in out and "0|3  " in out
    assert "0:(4, 6, 6, 8)|1:(8,)" in out
    profile(graph, options={**options, "select": ["occurrence", "micros", "bytes"]})
    assert "conv/add_bias (0B/0B, 0us/0us, 0|1)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "changes, cmd, match",
    [
        ({}, "tree", "unknown cmd: 'tree'"),
        ({"select": ["nothing"]}, "scope", r"columns \['nothing'\]"),
        ({"order_by": "age"}, "scope", "order 'age'"),
        ({"output": "paper"}, "scope", "not 'paper'"),
        ({"output": "file=/tmp/x"}, "scope", "'file:outfile=PATH'.* not 'file=/tmp/x'"),
        ({"output": "file:path=/tmp/x"}, "scope", "not 'file:path=/tmp/x'"),
        ({"output": "file:outfile="}, "scope", "not 'file:outfile='"),
        ({"output": "stdout:outfile=x"}, "scope", "not 'stdout:outfile=x'"),
        ({"max_dept": 3}, "scope", "no option 'max_dept'; did you mean 'max_depth'?"),
        ({"colour": "red"}, "scope", "no option 'colour'; there are .*order_by"),
        ({"max_depth": "3"}, "scope", "max_depth must be a whole number, got '3'"),
        ({"min_params": None}, "scope", "min_params must be a whole number, got None"),
        ({"step": 2.5}, "scope", "step must be a whole number, got 2.5"),
        ({"select": "params"}, "scope", "select must be a list of texts, got 'params'"),
        ({"account_type_regexes": "Conv2D"}, "scope", "account_type_regexes must be a list of texts, got 'Conv2D'"),
        ({"show_name_regexes": [1]}, "scope", r"show_name_regexes must be a list of texts, got \[1\]"),
        ({"step": 7}, "scope", r"There is no step 7; there are \[\]"),
        ({"show_name_regexes": ["("]}, "scope", "no regular expression"),
        ({"output": "timeline:outfile=x"}, "scope", "needs the RunMetadata"),
    ],
)
def test_what_is_refused(graph, changes, cmd, match):
    with pytest.raises(tf.errors.InvalidArgumentError, match=match):
        profile(graph, cmd=cmd, options={**PARAMETERS, **changes})


def test_types_and_counts_of_the_user(graph, tmp_path):
    tf.get_variable("a", [2])
    tf.get_variable("b", [3])
    log = OpLogProto()
    log.log_entries.add(name="a", types=["mine"], float_ops=7)
    found = profile(graph, op_log=log, options={**PARAMETERS, "account_type_regexes": ["mine"]})
    assert found.total_parameters == 2 and found.children[0].float_ops == 7
    write_op_log(graph, tmp_path / "log", log)
    written = OpLogProto.FromString((tmp_path / "log" / "tfprof_log").read_bytes())
    entries = {e.name: e for e in written.log_entries}
    assert list(entries["a"].types) == ["mine", "_trainable_variables"] and entries["a"].float_ops == 7
    (line,) = entries["b"].code_def.traces
    assert written.id_to_string[line.file_id] == __file__ and line.lineno > 0
    write_op_log(graph, tmp_path, add_trace=False)
    assert {e.name for e in OpLogProto.FromString((tmp_path / "tfprof_log").read_bytes()).log_entries} >= {"a", "b"}


def test_several_steps(graph):
    x = tf.placeholder(tf.float32, [None], "x")
    y = tf.exp(x, name="y")
    profiler = Profiler(graph)
    with tf.Session() as session:
        for step, size in ((1, 1000), (5, 3000)):
            profiler.add_step(step, traced(session, y, {x: np.ones(size)}))
    for step, size in ((1, 1000), (5, 3000), (-1, 2000)):
        options = quiet(Builder(Builder.time_and_memory()).with_step(step).build())
        assert profiler.profile_name_scope(options).total_requested_bytes == 4 * size
        assert profiler.profile_operations(options).total_requested_bytes == 4 * size
    assert names(profiler.profile_graph(TIMES))[1:] == ["x", "y"] or "y" in names(profiler.profile_graph(TIMES))
    assert profiler.profile_python(TIMES).total_requested_bytes == 4 * 2000
    with pytest.raises(tf.errors.InvalidArgumentError, match="no step 3"):
        profiler.profile_graph({**TIMES, "step": 3})
    message = ProfileProto.FromString(profiler.serialize_to_string())
    (node,) = [n for n in message.nodes.values() if n.name == "y"]
    assert list(message.steps) == [1, 5] and sorted(node.execs) == [1, 5] and node.execs[1].run_count == 1
    reports = profiler.advise().checkers["ExpensiveOperationChecker"].reports
    assert "top 1 operation type" in reports[0] and len(reports) == 3


def test_the_step_of_a_single_run(graph):
    with tf.Session() as session:
        metadata = traced(session, tf.exp(tf.random_normal([3]), name="y"))
    for step in (-1, 0):
        assert "y" in names(profile(graph, metadata, options={**TIMES, "step": step}))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"There is no step 7; there are \[0\]"):
        profile(graph, metadata, options={**TIMES, "step": 7})


@pytest.mark.parametrize(
    "build",
    [
        lambda b: b.with_accounted_types("Conv2D"),
        lambda b: b.select("micros"),
        lambda b: b.with_node_names(show_name_regexes="dense"),
    ],
)
def test_a_text_in_the_place_of_a_list(build):
    with pytest.raises(TypeError, match="must be a list of texts, got '"):
        build(Builder())


def test_advice(graph):
    assert set(advise(graph).checkers) == {
        "ExpensiveOperationChecker", "AcceleratorUtilizationChecker", "JobChecker", "OperationChecker"
    }  # fmt: skip
    assert set(advise(graph, options={"JobChecker": {}}).checkers) == {"JobChecker"}
    with pytest.raises(tf.errors.InvalidArgumentError, match="no checks"):
        advise(graph, options={"Luck": {}})


def test_the_builder_has_every_option():
    built = (
        Builder()
        .with_max_depth(3)
        .with_min_memory(1, 2, 3, 4)
        .with_min_execution_time(5, 6, 7)
        .with_min_parameters(8)
        .with_min_occurrence(9)
        .with_min_float_operations(10)
        .with_accounted_types(["T"])
        .with_node_names(start_name_regexes=["s"], trim_name_regexes=["t"])
        .account_displayed_op_only(True)
        .with_stdout_output()
        .order_by("bytes")
        .select(["bytes"])
        .with_step(11)
        .build()
    )
    assert built == {
        "max_depth": 3, "min_bytes": 1, "min_peak_bytes": 2, "min_residual_bytes": 3, "min_output_bytes": 4,
        "min_micros": 5, "min_accelerator_micros": 6, "min_cpu_micros": 7, "min_params": 8, "min_occurrence": 9,
        "min_float_ops": 10, "account_type_regexes": ["T"], "start_name_regexes": ["s"], "trim_name_regexes": ["t"],
        "show_name_regexes": [".*"], "hide_name_regexes": [], "account_displayed_op_only": True, "output": "stdout",
        "order_by": "bytes", "select": ["bytes"], "step": 11,
    }  # fmt: skip


def test_statistics_of_the_user(graph, monkeypatch):
    monkeypatch.setattr(statistics, "_rules", dict(statistics._rules))
    register = statistics.RegisterStatistics("Exp", "flops")

    @register
    def exp_flops(graph, node):
        return statistics.OpStats("flops", 4 * graph.get_tensor_by_name(node.name + ":0").get_shape().num_elements())

    tf.exp(tf.ones([5], name="ones"), name="e")
    assert profile(graph, options=FLOATS).total_float_ops == 20
    with pytest.raises(KeyError, match="two statistics with name 'Exp,flops'"):
        register(exp_flops)
    for arguments in ((1, "flops"), ("Exp", 2), ("a,b", "flops"), ("Exp", "a,b")):
        with pytest.raises(TypeError, match="must"):
            statistics.RegisterStatistics(*arguments)
    assert statistics.get_stats_for_node_def(graph, graph.get_operation_by_name("ones").node_def, "flops").value is None
    total = statistics.OpStats("flops")
    total += statistics.OpStats("flops", 3)
    total += statistics.OpStats("flops")
    assert total.value == 3
    with pytest.raises(ValueError, match="weight"):
        total += statistics.OpStats("weight", 1)

"""The debugger's terminal, fed through a pipe: where it stops, what its commands print, and how hooks use it."""

import io
import re
import subprocess
import sys

import numpy as np
import pytest

import headrace as tf
from headrace import debug as tf_debug
from headrace.engine.debug.tensor_text import CommandError, TensorName, parse_index, parse_ranges


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def model():
    """A placeholder `x`, a `log` of it, and a step that counts."""
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    with tf.name_scope("hidden"):
        log = tf.log(x, name="log")
    loss = tf.reduce_mean(log, name="loss")
    count = tf.assign_add(tf.train.get_or_create_global_step(), 1, name="count")
    return x, [loss, count]


def typed(*lines):
    """Commands as a pipe would bring them."""
    return io.StringIO("".join(f"{line}\n" for line in lines))


def stops(text):
    """The lines at which the debugger stopped."""
    return re.findall(r"^(?:before|after) run \d+|^run \d+ ended with \w+", text, re.MULTILINE)


def commands_of(out):
    """What was written, cut before each command."""
    return re.split(r"^debug> ", out.getvalue(), flags=re.MULTILINE)


def session_with(*lines, **keywords):
    out = io.StringIO()
    session = tf_debug.LocalCLIDebugWrapperSession(tf.Session(), stdin=typed(*lines), stdout=out, **keywords)
    session.session.run(tf.global_variables_initializer())
    return session, out


def replies(*lines):
    """What each command prints after one watched run."""
    x, fetches = model()
    session, out = session_with("run", *lines, "run")
    with session:
        session.run(fetches, {x: [[1.0, 0.0], [2.0, 3.0]]})
    parts = commands_of(out)[2:]
    return [part.split("\n", 1)[1].rstrip("\n") for part in parts[: len(lines)]]


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        (["run"] * 5, ["before run 1", "after run 1", "after run 2", "after run 3", "after run 4"]),
        (
            ["run -n", "run -n", "run", "run"],
            ["before run 1", "before run 2", "before run 3", "after run 3", "after run 4"],
        ),
        (["run -t 3", "run"], ["before run 1", "after run 3", "after run 4"]),
        (["run -f has_inf_or_nan", "run"], ["before run 1", "after run 3", "after run 4"]),
        (["run -s 2", "run -t 9"], ["before run 1", "after run 3"]),
        (["run -f big", "run -t 5"], ["before run 1", "after run 2"]),
        (["run -f has_inf_or_nan -fenn (hidden|loss)"], ["before run 1"]),
    ],
)
def test_where_the_debugger_stops(commands, expected):
    x, fetches = model()
    session, out = session_with(*commands, *["run"] * 9)
    session.add_tensor_filter("big", lambda datum, tensor: datum.node_name == "x" and tensor.max() > 4)
    with session:
        for top in (1.0, 5.0, 0.0, 2.0):
            session.run(fetches, {x: [[top, 1.0]]})
    assert stops(out.getvalue())[: len(expected)] == expected
    if expected == ["before run 1"]:
        assert out.getvalue().endswith("No tensor passed has_inf_or_nan in the last 4 watched runs\n")


@pytest.mark.parametrize("last", ["exit", "quit", "q", None])
def test_exit_ends_the_program(last):
    x, fetches = model()
    session, out = session_with("run", *([last] if last else []))
    with pytest.raises(SystemExit) as caught, session:
        session.run(fetches, {x: [[1.0, 1.0]]})
    assert caught.value.code == 0 and stops(out.getvalue()) == ["before run 1", "after run 1"]


def test_errors_are_shown_and_raised():
    x, fetches = model()
    session, out = session_with("run", "lt", "run")
    picked = tf.gather([1.0], tf.cast(fetches[0], tf.int32), name="pick")
    with pytest.raises(tf.errors.InvalidArgumentError), session:
        session.run(picked, {x: [[100.0, 9.0]]})
    text = out.getvalue()
    assert stops(text) == ["before run 1", "run 1 ended with InvalidArgumentError"]
    assert "tensors dumped before" in text and "hidden/log:0" in text


def test_exit_after_an_error_has_a_status():
    x, fetches = model()
    session, _ = session_with("run", "exit")
    with pytest.raises(SystemExit) as caught, session:
        session.run(tf.gather([1.0], tf.cast(fetches[0], tf.int32)), {x: [[100.0, 9.0]]})
    assert caught.value.code == 1


def test_the_end_of_the_input_is_no_error():
    element = tf.data.Dataset.range(2).make_one_shot_iterator().get_next()
    session, out = session_with("run -f has_inf_or_nan")
    with session:
        assert [session.run(element), session.run(element)] == [0, 1]
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(element)
    assert stops(out.getvalue()) == ["before run 1"]


def test_lists_of_tensors():
    found = replies(
        "lt", "lt -n hidden", "lt -t Mean -s op_type", "lt -f has_inf_or_nan", "lt -s tensor_name -r", "lt -s z"
    )
    everything, hidden, mean, bad, backwards, wrong = found
    assert re.match(r" *\[0\.000\] +144 B +Placeholder +x:0", everything.splitlines()[2])
    assert re.match(r"1 of \d+ tensors listed\n.*\n.*hidden/log:0$", hidden)
    assert "loss:0" in mean and "hidden" not in mean
    assert re.match(r"2 of \d+ tensors pass has_inf_or_nan\n.*\n.*hidden/log:0\n.*loss:0$", bad)
    assert backwards.splitlines()[2].endswith("x:0") and wrong == (
        "lt sorts by timestamp, dump_size, op_type, tensor_name, not by 'z'"
    )


def test_tensors_are_printed():
    x, part, summary, ranges, beyond, none, feed, wrong = replies(
        "pt x:0", "pt x[0, :]", "pt hidden/log -s", "pt x -r [[1, 1], [3, inf]]", "pt x[5]", "pt nothing", "pf x:0[1]",
        "pf y",
    )  # fmt: skip
    assert x == "x:0: float32 (2, 2)\n[[1. 0.]\n [2. 3.]]"
    assert part == "x:0[0, :]: float32 (2,)\n[1. 0.]"
    assert "4 elements: 1 -Inf, 1 zero, 2 positive\nof the finite ones: min 0, max 1.09861, mean 0.59725" in summary
    assert "2 of 4 elements in [1, 1] or [3, inf]: [0, 0], [1, 1]\n[[1* 0]\n [2 3*]]" in ranges
    assert beyond.startswith("x:0[5]: index 5 is out of bounds")
    assert none == "There is no operation 'nothing'"
    assert feed == "x:0[1]: float64 (2,)\n[2. 3.]" and wrong == "Nothing is fed for y:0; fed are: x:0"


def test_long_tensors_are_cut_and_written(tmp_path):
    big = tf.range(2000, name="big")
    session, out = session_with("run", "pt big", "pt -a big", f"pt big -w {tmp_path}/big.npy", "pt big[3:5]", "run")
    with session:
        session.run(tf.identity(big))
    cut, whole, written, part = commands_of(out)[2:6]
    assert "..." in cut and "..." not in whole and "1999" in whole
    assert f"written to {tmp_path}/big.npy" in written and "[3 4]" in part
    assert np.load(f"{tmp_path}/big.npy").tolist() == list(range(2000))


def test_nodes_are_shown():
    info, more, inputs, tree, outputs, wrong = replies(
        "ni hidden/log", "ni hidden/log:0 -a -d -t", "li loss", "li -r -t -c loss", "lo x", "ni lo"
    )
    assert "  op type: Log\n" in info and f"  made at: {__file__}:" in info
    assert "  inputs: 1\n    x [Placeholder]\n  recipients: 1\n    loss [Mean]" in info
    assert "  attributes:\n    T: float32\n  dumps: 1\n" in more and 'log = tf.log(x, name="log")' in more
    assert inputs == "inputs of loss\n|- hidden/log\n|- loss/reduction_indices"
    assert tree == (
        "inputs of loss, to a depth of 20\n|- hidden/log [Log]\n|  |- x [Placeholder]\n|- loss/reduction_indices [Const]"
    )
    assert outputs == "recipients of x\n|- hidden/log"
    assert wrong == "There is no operation 'lo'; similar: hidden/log, loss/reduction_indices, loss, global_step"


def test_source_lines_and_overviews():
    files, lines, tensors, overview, info = replies(
        "ls -p test_terminal", "ps test_terminal.py -b 25", "ps -t test_terminal.py", "graph", "run_info"
    )
    assert re.search(r"nodes +dumps +lines +file\n +\d+ +\d+ +\d+-\d+ +.*test_terminal.py", files)
    assert re.search(r'L\d+ +log = tf.log\(x, name="log"\)\n        hidden/log \[Log\]\n', lines)
    assert re.search(r'L\d+ +log = tf.log\(x, name="log"\)\n        hidden/log:0\n', tensors)
    assert re.match(r"\d+ operations, \d+ tensors dumped\nby type: .*\nby scope: ", overview)
    assert info == "run 1 fetches loss:0, count:0\nfeeds: x:0"


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("frobnicate", "There is no command 'frobnicate'; help lists them"),
        ("pt", "the following arguments are required: tensor"),
        ("pt x[a]", "'a' is not a number or a slice such as 2:8"),
        ("pt x -r 3", "'3' is not a range: it has 1 numbers"),
        ("lt -n (", "'(' is not a regular expression"),
        ("lt -f nothing", "There is no filter 'nothing'; there are has_inf_or_nan"),
        ("run -f nothing", "There is no filter 'nothing'"),
        ("run -t 0", "-t takes a number of 1 or more"),
        ("run --zzz", "unrecognized arguments: --zzz"),
        ("eval np.sum(`x:0`)", "Nothing is evaluated here."),
        ("ps nowhere.py", "No operation of this run was made in 'nowhere.py'"),
        ("pt 'x", "No closing quotation"),
        ("help", "lt        list the dumped tensors"),
        ("help lt", "--sort_by"),
    ],
)
def test_replies_to_odd_commands(command, text):
    assert text in replies(command)[0]


def test_before_anything_ran_there_is_nothing_to_look_into():
    x, fetches = model()
    session, out = session_with("lt", "pf x", "run", "run")
    with session:
        session.run(fetches, {x: [[1.0, 2.0]]})
    assert "lt looks into a dump, and nothing has run yet: type run" in out.getvalue()
    assert "x:0: float64 (1, 2)\n[[1. 2.]]" in out.getvalue()


def test_values_of_loops_are_chosen_by_number():
    loop = tf.while_loop(lambda i: i < 3, lambda i: tf.add(i, 1, name="next"), [tf.constant(0)])
    session, out = session_with(
        "run", "lt -n .*next", "pt while/next", "pt while/next -n 2", "pt while/next -n 3", "run"
    )
    with session:
        session.run(loop)
    listed, which, third, beyond = commands_of(out)[2:6]
    assert all(f"while/next:0 ({i})" in listed for i in range(3))
    assert "while/next:0 was dumped 3 times: choose one with -n 0 to -n 2" in which
    assert "while/next:0 (2): int32 ()\n3\n" in third and "there is no dump 3" in beyond


def test_a_watch_of_a_part(tmp_path):
    x, fetches = model()
    session, out = session_with(
        "run --op_type_filter Log --tensor_dtype_filter float", "lt", "run", dump_root=str(tmp_path / "d")
    )
    with session:
        session.run(fetches, {x: [[1.0, 2.0]]})
    assert "after run 1: 1 tensors dumped" in out.getvalue() and not (tmp_path / "d").exists()
    with pytest.raises(ValueError, match="dump_root"):
        tf_debug.LocalCLIDebugWrapperSession(tf.Session(), dump_root=str(tmp_path.parent))


def test_monitored_sessions_can_be_wrapped():
    x, fetches = model()
    out = io.StringIO()
    monitored = tf.train.MonitoredSession()
    with tf_debug.LocalCLIDebugWrapperSession(monitored, stdin=typed("run -s 1", "run"), stdout=out) as session:
        for _ in range(2):
            assert not session.should_stop()
            session.run(fetches, {x: [[1.0, 2.0]]})
    assert stops(out.getvalue()) == ["before run 1", "after run 2"]


def test_the_hook_stops_in_monitored_sessions():
    x, fetches = model()
    out = io.StringIO()
    hook = tf_debug.LocalCLIDebugHook(
        ui_type="readline", stdin=typed("run -f zero", "lt -f zero", "run -t 9"), stdout=out
    )
    hook.add_tensor_filter("zero", lambda datum, tensor: datum.node_name == "x" and not np.any(tensor))
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        for value in (1.0, 2.0, 0.0, 3.0):
            session.run(fetches, {x: [[value, value]]})
    assert stops(out.getvalue()) == ["before run 1", "after run 3"]
    assert "1 tensors pass zero; the first is x:0 (Placeholder), made at" in out.getvalue()


def test_keras_models_run_in_a_wrapped_session():
    session, out = session_with("run -f has_inf_or_nan", "lt -f has_inf_or_nan", "run -t 999")
    tf.keras.backend.set_session(session)
    inputs = tf.keras.layers.Input((2,))
    model = tf.keras.models.Model(inputs, tf.keras.layers.Lambda(tf.log, name="logs")(inputs))
    model.compile("sgd", "mse")
    model.evaluate(np.ones((4, 2)), np.ones((4, 2)), verbose=0)
    assert stops(out.getvalue()) == ["before run 1"]
    model.evaluate(np.zeros((4, 2)), np.ones((4, 2)), verbose=0)
    assert len(stops(out.getvalue())) == 2 and re.search(r"the first is \S+:0 \(Log\)", out.getvalue())


def test_a_dump_is_looked_into_later(tmp_path):
    x, fetches = model()
    with tf_debug.DumpingDebugWrapperSession(tf.Session(), str(tmp_path / "dumps")) as session:
        session.session.run(tf.global_variables_initializer())
        session.run(fetches, {x: [[1.0, 0.0]]})
    folder = next((tmp_path / "dumps").iterdir())
    command = [sys.executable, "-m", "headrace", "debug", str(folder)]
    done = subprocess.run(command, input="lt -f has_inf_or_nan\n", capture_output=True, text=True, check=True)
    assert "fetches: loss:0, count:0\nfeeds: x:0\nwatched run 1, global step 0\n" in done.stdout
    assert "hidden/log:0" in done.stdout
    done = subprocess.run([*command[:-1], str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "holds no dump" in done.stderr


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("0", (0,)),
        (":, -1", (slice(None), -1)),
        ("...,1:8:2", (..., slice(1, 8, 2))),
        ("::-1", (slice(None, None, -1),)),
    ],
)
def test_slices(text, index):
    assert parse_index(text) == index and TensorName(f"a/b:1[{text}]").slot == 1


@pytest.mark.parametrize("text", ["", "a", "__import__('os')", "1:2:3:4", "1+1", "[0]"])
def test_slices_are_numbers_and_nothing_else(text):
    with pytest.raises(CommandError):
        parse_index(text)


@pytest.mark.parametrize(
    ("text", "ranges"),
    [("0,1", [(0, 1)]), ("[[-inf, -0.1], [1e-8, inf]]", [(-np.inf, -0.1), (1e-8, np.inf)]), ("[0 1]", [(0, 1)])],
)
def test_ranges(text, ranges):
    assert parse_ranges(text) == ranges

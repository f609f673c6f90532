"""Dumps that were changed at random are read, or refused with a ValueError; nothing else happens."""

import io
import json
import random
import shutil

import pytest

import headrace as tf
from headrace import debug as tf_debug
from headrace.engine.debug.local import look_into

FILES = ("run.json", "graph.json", "tensors.jsonl", "tensors/000000.npy", "tensors/000005.json")
ODD = (None, -1, 10**30, "x", [], {}, True, 1.5, [[1]], "../../a", float("nan"))
COMMANDS = "lt -f has_inf_or_nan\nni y -a -d -t\nli -r -t -c z\nlo x\ngraph\nls\npt square -s\npt z\nrun_info\n"


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dumps") / "good"
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.placeholder(tf.float32, [2], name="x")
        text = tf.as_string(tf.add(tf.square(x, name="square"), 1, name="y"), name="z")
        options = tf.RunOptions()
        tf_debug.watch_graph(options, graph, debug_urls=folder.as_uri())
        session.run(text, {x: [1, 2]}, options=options)
    (strings,) = (folder / "tensors").glob("*.json")
    strings.rename(folder / FILES[-1])
    index = folder / "tensors.jsonl"
    index.write_text(index.read_text().replace(strings.name, "000005.json"))
    return folder


def places(item, path=()):
    yield path
    pairs = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
    for key, value in pairs:
        yield from places(value, (*path, key))


def other_value(rng, text):
    """JSON with another value at a random place."""
    item = json.loads(text)
    path = rng.choice(list(places(item))[1:] or [()])
    if not path:
        return json.dumps(rng.choice(ODD))
    inner = item
    for key in path[:-1]:
        inner = inner[key]
    if isinstance(inner, dict) and rng.random() < 0.2:
        del inner[path[-1]]
    else:
        inner[path[-1]] = rng.choice(ODD)
    return json.dumps(item)


def other_bytes(rng, raw):
    """Bytes with some changed, taken out or put in."""
    data = bytearray(raw)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(max(1, len(data)))
        kind = rng.randrange(3)
        if kind == 0:
            data[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del data[at : at + rng.randint(1, 20)]
        else:
            data[at:at] = bytes([rng.randrange(256)] * rng.randint(1, 5))
    return bytes(data)


def changed(rng, path):
    raw = path.read_bytes()
    if path.suffix == ".npy" or rng.random() < 0.5:
        return other_bytes(rng, raw)
    lines = raw.decode().splitlines() if path.suffix == ".jsonl" else [raw.decode()]
    i = rng.randrange(len(lines))
    lines[i] = other_value(rng, lines[i])
    return "\n".join(lines).encode()


def looked_through(folder):
    """Asks everything that can be asked of a dump."""
    dump = tf_debug.DebugDumpDir(str(folder))
    dump.find(tf_debug.has_inf_or_nan)
    for node in dump.nodes():
        for ask in (
            dump.node_inputs,
            dump.node_attributes,
            dump.node_outputs,
            dump.transitive_inputs,
            dump.node_traceback,
        ):
            ask(node)
    look_into(str(folder), io.StringIO(COMMANDS), io.StringIO())
    return dump.core_metadata, dump.error, dump.partition_graphs()


def test_the_dump_itself_is_read(good):
    metadata, error, graphs = looked_through(good)
    assert metadata.input_names == ["x:0"] and error is None and len(graphs[0].node) > 3


@pytest.mark.parametrize("seed", range(4))
def test_changed_dumps(good, tmp_path, seed):
    rng = random.Random(seed)
    refused = 0
    for number in range(60):
        folder = tmp_path / str(number)
        shutil.copytree(good, folder)
        path = folder / rng.choice(FILES)
        path.write_bytes(changed(rng, path))
        try:
            looked_through(folder)
        except ValueError:
            refused += 1
    assert refused > 20

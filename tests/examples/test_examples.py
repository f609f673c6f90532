"""Every example runs by itself, offline, is short, and finds what it looks for."""

import functools
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import headrace as tf
from headrace.datasets import made_language

from ..cluster.mpirun import ROOT, mpirun, needs_mpi

FOLDER = Path(__file__).resolve().parents[2] / "examples"
EXAMPLES = sorted(path.stem for path in FOLDER.glob("*.py"))
# Examples of several processes, and how many: under mpirun.
RANKS = {
    "cluster_data_parallel": 2,
    "cluster_parameter_server": 3,
    "cluster_partitioned_embedding": 4,
    "cluster_in_graph": 2,
}
CASES = [pytest.param(name, marks=needs_mpi) if name in RANKS else name for name in EXAMPLES]


# Python runs this before an example: it keeps the default graph when the example is done.
AT_END = """
import atexit, sys
def keep():
    if "headrace" in sys.modules:
        graph = sys.modules["headrace"].get_default_graph()
        rank = sys.modules["headrace"].cluster.rank()
        with open(f"FOLDER/default_graph{rank}.pb", "wb") as file:
            file.write(graph.as_graph_def().SerializeToString())
atexit.register(keep)
"""


@functools.cache
def run(name):
    """The finished example, and the folder that it ran in."""
    folder = Path(tempfile.mkdtemp())
    (folder / "sitecustomize.py").write_text(AT_END.replace("FOLDER", str(folder)))
    if name in RANKS:
        path = {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT / "src")])}
        job = mpirun(RANKS[name], FOLDER / f"{name}.py", folder=folder / "job", timeout=100, environment=path)
        return subprocess.CompletedProcess([], job.status, job.output, job.output), folder
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, str(FOLDER / f"{name}.py")]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=300,
        env=os.environ | {"PYTHONPATH": path},
    )  # fmt: skip
    return done, folder


def number(text, before):
    """The number that stands behind some words."""
    return float(re.search(re.escape(before) + r"\s*(-?[\d.]+)", text)[1])


def kin(text):
    """The share of neighbours that are of the word's own kind."""
    kinds = made_language.word_kinds()
    rows = [re.split(r"[:,] ", line) for line in text.splitlines() if ": " in line]
    alike = [kinds.get(other) == kinds[row[0]] for row in rows for other in row[1:]]
    return sum(alike) / len(alike)


# What each example finds, and how much of it there must be.
OUTCOMES = {
    "autoencoder": lambda text: number(text, "components") / number(text, "error") > 1.2,
    "char_lstm": lambda text: number(text, "epoch 5 loss") < 0.6 and " the " in text.splitlines()[-1],
    "cluster_in_graph": lambda text: number(text, "accuracy") > 0.9 and "'logits/bias': '/job:worker/task:1'" in text,
    "cluster_data_parallel": lambda text: number(text, "accuracy") > 0.9 and number(text, "on") == 2,
    "cluster_parameter_server": lambda text: number(text, "accuracy") > 0.9 and number(text, "step") > 400,
    "cluster_partitioned_embedding": lambda text: number(text, "accuracy") > 0.99 and "on 3 servers" in text,
    "digits_cnn": lambda text: number(text, "accuracy") > 0.95,
    "digits_dnn": lambda text: number(text, "accuracy") > 0.95,
    "grid_search": lambda text: number(text, "accuracy") > 0.9 and text.count("hidden_units") == 7,
    "iris_five_lines": lambda text: number(text, "accuracy") > 0.9 and "species" in text,
    "linear_regression": lambda text: abs(number(text, "weight") - number(text, "(made with")) < 0.2,
    "seq2seq_toy": lambda text: number(text, "accuracy") > 0.9,
    "wide_and_deep": lambda text: number(text, "deep: accuracy") - number(text, "linear: accuracy") > 0.05,
    "word2vec": lambda text: kin(text) > 0.8,
}


@pytest.mark.parametrize("name", CASES)
def test_example_runs(name):
    done, _ = run(name)
    assert done.returncode == 0, done.stderr
    assert OUTCOMES[name](done.stdout), done.stdout
    assert len((FOLDER / f"{name}.py").read_text(encoding="utf-8").splitlines()) < 40


@pytest.mark.parametrize("name", CASES)
def test_the_graph_of_an_example_can_be_read(name):
    """At most 30 nodes at the top of what TensorBoard draws: of the default graph, and of those in event files."""
    _, folder = run(name)
    graphs = [tf.GraphDef.FromString(path.read_bytes()) for path in folder.glob("default_graph*.pb")]
    assert graphs
    for path in folder.rglob("events.out.tfevents.*"):
        written = [event.graph_def for event in tf.train.summary_iterator(str(path))]
        graphs += [tf.GraphDef.FromString(graph) for graph in written if graph]
    for graph in graphs:
        assert len({node.name.split("/")[0] for node in graph.node}) <= 30


def test_the_demo_keeps_its_promises():
    done, folder = run("digits_dnn")
    assert "examples/s" in done.stderr and "tensorboard --logdir" in done.stdout
    files = [p.name for p in (folder / "runs" / "digits").iterdir()]
    assert "checkpoint" in files and any(n.startswith("events.out.tfevents") for n in files)
    assert len((FOLDER / "digits_dnn.py").read_text(encoding="utf-8").splitlines()) < 25


def test_the_page_lists_every_example():
    text = (FOLDER.parent / "docs" / "examples.md").read_text(encoding="utf-8")
    assert set(re.findall(r"examples/(\w+)\.py", text)) == set(EXAMPLES)

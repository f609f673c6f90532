"""A folder with runs of every kind, and the real TensorBoard that serves it on loopback."""

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
import pytest

import headrace as hr
from headrace.contrib.tensorboard.plugins import projector
from headrace.contrib.tensorboard.plugins.custom_scalar import layout_pb2

PATIENCE = 120  # seconds; a busy machine may need many
RNG = np.random.default_rng(0)


def every_summary():
    """One of each op, in a small model; the train op and the merged summaries."""
    features = hr.placeholder(hr.float32, [None, 3], "features")
    labels = hr.placeholder(hr.bool, [None, 1], "labels")
    logits = hr.layers.dense(hr.layers.dense(features, 4, hr.nn.relu, name="hidden"), 1, name="logits")
    with hr.name_scope("loss"):
        loss = hr.losses.sigmoid_cross_entropy(hr.cast(labels, hr.float32), logits)
    step = hr.train.get_or_create_global_step()
    train = hr.train.AdamOptimizer(0.1).minimize(loss, step)
    hr.get_variable("words", initializer=RNG.normal(size=(5, 3)).astype(np.float32))
    with hr.name_scope("summaries"):
        hr.summary.scalar("loss", loss)
        hr.summary.histogram("logits", logits)
        hr.summary.image("picture", hr.reshape(features[:2], [2, 1, 3, 1]))
        hr.summary.audio("sound", hr.constant(np.sin(np.arange(400) / 9)[None, :, None], hr.float32), 8000)
        hr.summary.text("note", hr.constant(["**bold**", "plain"]))
        hr.summary.pr_curve("curve", labels, hr.sigmoid(logits), 11)
    return features, labels, train, hr.summary.merge_all()


def write_session(logdir):
    """A program of TensorFlow 1: a session, a FileWriter, every kind of summary."""
    inputs = RNG.normal(size=(50, 3)).astype(np.float32)
    answers = inputs.sum(axis=1, keepdims=True) > 0
    with hr.Graph().as_default(), hr.Session() as session, hr.summary.FileWriter(logdir) as writer:
        features, labels, train, merged = every_summary()
        saver = hr.train.Saver()
        session.run(hr.global_variables_initializer())
        writer.add_graph(session.graph)
        metadata = hr.RunMetadata()
        stats = metadata.step_stats.dev_stats.add(device="/device:CPU:0")
        stats.node_stats.add(node_name="hidden/MatMul", all_start_micros=5, all_end_rel_micros=2)
        writer.add_run_metadata(metadata, "step 0", 0)
        writer.add_hparams({"rate": 0.1, "units": 4, "optimizer": "adam"})
        for step in range(10):
            summary, _ = session.run([merged, train], {features: inputs, labels: answers})
            writer.add_summary(summary, step)
        chart = layout_pb2.Chart(title="losses", multiline=layout_pb2.MultilineChartContent(tag=["summaries/loss"]))
        layout = layout_pb2.Layout(category=[layout_pb2.Category(title="all", chart=[chart])])
        writer.add_summary(hr.summary.custom_scalar_pb(layout))
        embedding = projector.EmbeddingInfo(tensor_name="words", metadata_path="words.tsv")
        (logdir / "words.tsv").write_text("one\ntwo\nthree\nfour\nfive\n")
        projector.visualize_embeddings(writer, projector.ProjectorConfig(embeddings=[embedding]))
        saver.save(session, str(logdir / "model.ckpt"), 10)


def write_estimator(logdir):
    """An estimator that is trained, evaluated, and trained again."""
    inputs = {"x": RNG.normal(size=(100, 4)).astype(np.float32)}
    answers = (inputs["x"].sum(axis=1) > 0).astype(np.int64)
    column = hr.feature_column.numeric_column("x", shape=[4])
    config = hr.estimator.RunConfig(save_summary_steps=5, log_step_count_steps=5)
    model = hr.estimator.DNNClassifier([8, 8], [column], str(logdir), config=config)
    numpy_input_fn = hr.estimator.inputs.numpy_input_fn
    for _ in range(2):
        model.train(numpy_input_fn(inputs, answers, batch_size=20, num_epochs=None, shuffle=True), steps=20)
        model.evaluate(numpy_input_fn(inputs, answers, shuffle=False))


def write_keras(logdir):
    """A Keras model with its callback, its hyperparameters beside it."""
    with hr.Graph().as_default():
        model = hr.keras.Sequential([hr.keras.layers.Dense(3, "relu", input_shape=(4,)), hr.keras.layers.Dense(1)])
        model.compile("adam", "mse")
        board = hr.keras.callbacks.TensorBoard(logdir, histogram_freq=1)
        given = hr.keras.callbacks.HParams(logdir, {"rate": 0.001, "units": 3, "optimizer": "adam"})
        inputs = RNG.normal(size=(40, 4))
        model.fit(inputs, inputs[:, :1], epochs=2, verbose=0, validation_split=0.25, callbacks=[board, given])


@pytest.fixture(scope="session")
def logdir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tensorboard") / "runs"
    folder.mkdir()
    write_session(folder / "session")
    write_estimator(folder / "estimator")
    write_keras(folder / "keras")
    return folder


class Server:
    """What the tests ask TensorBoard."""

    def __init__(self, address):
        self.address = address

    def raw(self, path, body=None, **query):
        url = f"{self.address}{path}?{urllib.parse.urlencode(query)}"
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
        # No proxy stands between this process and itself.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=PATIENCE) as answer:
            return answer.read()

    def get(self, path, **query):
        return json.loads(self.raw(path, **query))

    def until(self, wanted, path, body=None, **query):
        """What TensorBoard answers once it has read enough: an answer for which `wanted` is true."""
        deadline, answer = time.monotonic() + PATIENCE, None
        while time.monotonic() < deadline:
            with contextlib.suppress(urllib.error.HTTPError):
                answer = json.loads(self.raw(path, body, **query))
                if wanted(answer):
                    return answer
            time.sleep(0.2)
        pytest.fail(f"{path} {query}: TensorBoard still answers {answer!r:.2000}")


def address_of(process):
    """Where TensorBoard says that it listens."""
    said, deadline = b"", time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if select.select([process.stderr], [], [], 1.0)[0]:
            said += os.read(process.stderr.fileno(), 65536)
            if found := re.search(rb"at (http://127\.0\.0\.1:\d+)/", said):
                return found[1].decode()
    pytest.fail(f"TensorBoard did not start: {said.decode()}")


@pytest.fixture(scope="session")
def server(logdir):
    command = [sys.executable, "-m", "tensorboard.main", f"--logdir={logdir.name}", "--host=127.0.0.1", "--port=0"]
    process = subprocess.Popen(
        [*command, "--reload_interval=1"],
        cwd=logdir.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield Server(address_of(process))
    finally:
        # TensorBoard and its reader of files are a group of their own.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()

"""Messages for TensorBoard's plugins: against TensorBoard's own code and messages, bad input, files of the projector."""

import json
import time

import numpy as np
import pytest
from google.protobuf import descriptor_pool, text_format
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.pr_curve import metadata as curve_metadata
from tensorboard.plugins.projector import projector_config_pb2

import headrace as hr
from headrace.contrib.tensorboard.plugins import custom_scalar, hparams, pr_curve, projector
from headrace.engine import protos
from headrace.engine.errors import InvalidArgumentError
from headrace.engine.summary import plugins, summary_iterator
from headrace.engine.summary.projector import write_vectors
from headrace.engine.tensor_proto import make_ndarray

RNG = np.random.default_rng(0)
LABELS = RNG.random((4, 25)) < 0.4
CHANCES = np.where(LABELS, RNG.beta(3, 2, LABELS.shape), RNG.beta(2, 3, LABELS.shape)).astype(np.float32)
WEIGHTS = RNG.random((4, 1)).astype(np.float32)


def test_messages_are_those_of_tensorboard():
    places = {"projector": "SpriteMetadata EmbeddingInfo ProjectorConfig", "hparams": "SessionStartInfo SessionEndInfo"}
    names = {name: f"tensorboard.{place}.{name}" for place, text in places.items() for name in text.split()}
    plain = "PrCurvePluginData MultilineChartContent MarginChartContent Chart Category Layout"
    names |= {name: f"tensorboard.{name}" for name in plain.split()}
    pool = descriptor_pool.Default()
    for name, theirs in names.items():
        found = [
            {(f.name, f.number, f.type, f.is_repeated) for f in descriptor.fields}
            for descriptor in (getattr(protos, name).DESCRIPTOR, pool.FindMessageTypeByName(theirs))
        ]
        assert found[0] == found[1], name
    values = pool.FindEnumTypeByName("tensorboard.hparams.Status").values_by_name
    assert {name: value.number for name, value in values.items()} == dict(protos.Status.items())


# PR curves


def counted(labels, chances, weights, count):
    """The curve by its definition: a prediction is positive from its threshold on."""
    shares = np.broadcast_to(weights, labels.shape)
    rows = []
    for place in range(count):
        is_positive = chances * (count - 1) >= place
        cells = [(is_positive & labels), (is_positive & ~labels), (~is_positive & ~labels), (~is_positive & labels)]
        tp, fp, tn, fn = (float(np.sum(shares * cell)) for cell in cells)
        rows.append([tp, fp, tn, fn, tp / max(1e-7, tp + fp), tp / max(1e-7, tp + fn)])
    return np.transpose(rows)


@pytest.mark.parametrize(("weights", "count"), [(None, None), (WEIGHTS, 11), (2.0, 2)])
def test_pr_curves_of_arrays_and_of_the_graph(weights, count):
    expected = counted(LABELS, CHANCES, 1.0 if weights is None else weights, count or 201)
    with hr.Graph().as_default(), hr.name_scope("deep"), hr.Session() as session:
        hr.summary.pr_curve("curve", LABELS, CHANCES, count, weights, description="of *one* batch")
        drawn = hr.Summary.FromString(session.run(hr.summary.merge_all()))
    pb = hr.summary.pr_curve_pb("curve", LABELS, CHANCES, count, weights, display_name="A curve")
    for summary, tag, shown in ((drawn, "deep/curve/pr_curves", "curve"), (pb, "curve/pr_curves", "A curve")):
        (value,) = summary.value
        np.testing.assert_allclose(make_ndarray(value.tensor), expected, rtol=1e-4, atol=1e-5)
        assert (value.tag, value.metadata.display_name) == (tag, shown)
        content = curve_metadata.parse_plugin_metadata(value.metadata.plugin_data.content)
        assert value.metadata.plugin_data.plugin_name == "pr_curves" and content.num_thresholds == (count or 201)


@pytest.mark.parametrize("dtype", [np.float16, hr.bfloat16.as_numpy_dtype, np.float64])
def test_pr_curves_of_other_floats_count_exactly(dtype):
    # A float16 counts to 2,048 only.
    labels, chances = np.arange(5002) % 2 == 0, np.full(5002, 0.5, dtype)
    pb = hr.summary.pr_curve_pb("c", labels.astype(int), chances, 3)
    with hr.Graph().as_default(), hr.Session() as session:
        drawn = hr.Summary.FromString(session.run(hr.summary.pr_curve("c", labels, chances, np.int64(3), [1])))
    for summary in (pb, drawn):
        found = make_ndarray(summary.value[0].tensor)
        np.testing.assert_array_equal(found[:4, 1:], [[2501, 0], [2501, 0], [0, 2501], [0, 2501]])


def test_a_prediction_that_is_no_number_counts_nowhere_in_the_graph():
    with hr.Graph().as_default(), hr.Session() as session:
        curve = hr.summary.pr_curve("c", [True, True, False], [0.9, np.nan, 0.1], 3)
        found = make_ndarray(hr.Summary.FromString(session.run(curve)).value[0].tensor)
    np.testing.assert_array_equal(found[:4], [[1, 1, 0], [1, 0, 0], [0, 1, 1], [0, 0, 1]])


def test_a_pr_curve_over_batches():
    whole = counted(LABELS, CHANCES, 1.0, 5)
    with hr.Graph().as_default(), hr.Session() as session:
        labels, chances = hr.placeholder(hr.bool, [None]), hr.placeholder(hr.float32, [None])
        summary, update = hr.summary.pr_curve_streaming_op("curve", labels, chances, 5)
        session.run(hr.local_variables_initializer())
        for row, found in zip(LABELS, CHANCES, strict=True):
            session.run(update, {labels: row, chances: found})
        (value,) = hr.Summary.FromString(session.run(summary)).value
    assert value.tag == "curve/pr_curves"
    # tf.metrics counts what is above a threshold, not what is on it: nothing is above 1.
    np.testing.assert_allclose(make_ndarray(value.tensor)[:, 1:4], whole[:, 1:4], rtol=1e-4)


def test_pr_curves_that_were_computed_elsewhere():
    rows = list(counted(LABELS, CHANCES, 1.0, 7).astype(np.float32))
    with hr.Graph().as_default(), hr.Session() as session:
        (drawn,) = hr.Summary.FromString(session.run(pr_curve.summary.raw_data_op("c", *rows))).value
    (value,) = pr_curve.summary.raw_data_pb("c", *rows).value
    assert drawn == value and make_ndarray(value.tensor).shape == (6, 7)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: hr.summary.pr_curve("c", [1.0], [0.5]), TypeError, "'c': labels must be bool, got float32"),
        (lambda: hr.summary.pr_curve("c", [True], [[0.5, 1.0]]), ValueError, "are incompatible"),
        (lambda: hr.summary.pr_curve("c", [True], [0.5], 1), ValueError, "at least 2 thresholds, got 1"),
        (lambda: hr.summary.pr_curve("c", [True], [0.5], 2.5), TypeError, "num_thresholds must be .* got 2.5"),
        (lambda: hr.summary.pr_curve("c", [True], [0.5], True), TypeError, "num_thresholds must be .* got True"),
        (lambda: hr.summary.pr_curve("c", [True], ["a"]), TypeError, "'c': predictions must be .* got string"),
        (lambda: hr.summary.pr_curve("c", [True], [0.5], 3, [[1.0], [2.0]]), ValueError, r"weights of shape \(2, 1\)"),
        (lambda: hr.summary.pr_curve_streaming_op("c", [True], [0.5], 1), ValueError, "at least 2 thresholds, got 1"),
        (lambda: hr.summary.pr_curve_streaming_op("c", [True], [0.5], "9"), TypeError, "must be .* got '9'"),
        (lambda: hr.summary.pr_curve_pb("c", [True], [0.5], 0), ValueError, "at least 2 thresholds, got 0"),
        (lambda: hr.summary.pr_curve_pb("c", [True], [0.5], -3), ValueError, "at least 2 thresholds, got -3"),
        (lambda: hr.summary.pr_curve_pb("c", [True], [0.5], "9"), TypeError, "must be .* got '9'"),
        (
            lambda: hr.summary.pr_curve_pb("c", [2], [0.5]),
            ValueError,
            "'c': labels must be booleans, or 0 and 1, got 2",
        ),
        (lambda: hr.summary.pr_curve_pb("c", [0.5], [0.5]), ValueError, "0 and 1, got 0.5"),
        (lambda: hr.summary.pr_curve_pb("c", [np.nan], [0.5]), ValueError, "0 and 1, got nan"),
        (lambda: hr.summary.pr_curve_pb("c", ["False"], [0.5]), TypeError, "'c': labels must be numbers"),
        (lambda: hr.summary.pr_curve_pb("c", [True], ["x"]), TypeError, "'c': predictions must be numbers"),
        (lambda: hr.summary.pr_curve_pb("c", [True], [1j]), TypeError, "'c': predictions must be numbers"),
        (lambda: hr.summary.pr_curve_pb("c", [True], [0.5], 3, [1, 2]), ValueError, r"weights of shape \[2\]"),
        (lambda: hr.summary.pr_curve_pb("c", [True], [0.5], 3, np.nan), ValueError, "weights .* NaN"),
        (lambda: pr_curve.summary.raw_data_op("c", *[[1, 2]] * 6, 3), ValueError, r"of 3 numbers, got shape \(2,\)"),
        (lambda: hr.summary.pr_curve_pb("c", [True], [[0.5]]), ValueError, r"one shape, .* got \[1\] and \[1, 1\]"),
        (lambda: hr.summary.pr_curve_pb("c", [True], [np.nan]), ValueError, "without NaN"),
        (lambda: hr.summary.pr_curve_raw_data_pb("c", *[[1, 2]] * 6, 3), ValueError, r"6 vectors of 3 .* \[6, 2\]"),
        (lambda: hr.summary.custom_scalar("layout"), TypeError, "must be a Layout message, got 'layout'"),
    ],
)
def test_what_is_no_curve_or_layout(make, error, text):
    with hr.Graph().as_default(), pytest.raises(error, match=text):
        make()


# Custom scalars


def test_layouts():
    lib = custom_scalar.layout_pb2
    losses = lib.Chart(title="losses", multiline=lib.MultilineChartContent(tag=["loss", "val_.*"]))
    series = lib.MarginChartContent.Series(value="mean", lower="low", upper="high")
    band = lib.Chart(title="band", margin=lib.MarginChartContent(series=[series]))
    layout = lib.Layout(category=[lib.Category(title="all", chart=[losses, band], closed=True)])
    with hr.Graph().as_default(), hr.Session() as session:
        (drawn,) = hr.Summary.FromString(session.run(hr.summary.custom_scalar(layout))).value
    (value,) = hr.summary.custom_scalar_pb(layout).value
    assert drawn == value and value.tag == "custom_scalars__config__"
    theirs = layout_pb2.Layout.FromString(make_ndarray(value.tensor).item())
    assert text_format.MessageToString(theirs) == text_format.MessageToString(layout)
    assert hr.summary.custom_scalar_pb(theirs) == hr.summary.custom_scalar_pb(layout)


# HParams

GIVEN = {"rate": np.float32(0.5), "units": np.int64(3), "deep": True, "kind": "sgd", "sizes": [3, 2], "clip": None}
READ = {"rate": 0.5, "units": 3.0, "deep": True, "kind": "sgd", "sizes": "[3, 2]", "clip": "None"}


def start_of(value):
    info = hparams_metadata.parse_session_start_info_plugin_data(value.metadata.plugin_data.content)
    return {name: getattr(v, v.WhichOneof("kind")) for name, v in info.hparams.items()}, info


def status_of(value):
    return hparams_metadata.parse_session_end_info_plugin_data(value.metadata.plugin_data.content).status


def sessions_in(logdir):
    events = [e for path in sorted(logdir.iterdir()) for e in summary_iterator(path)]
    return [value for event in events for value in event.summary.value]


def test_a_run_with_hyperparameters(tmp_path):
    with hr.summary.FileWriter(tmp_path) as writer:
        writer.add_hparams(GIVEN, group_name="first")
        with pytest.raises(ValueError, match="has hyperparameters already"):
            writer.add_hparams({})
    start, end = sessions_in(tmp_path)
    values, info = start_of(start)
    assert (values, info.group_name) == (READ, "first") and abs(info.start_time_secs - time.time()) < 60
    assert status_of(end) == protos.Status.STATUS_SUCCESS
    assert [start.tag, end.tag] == ["_hparams_/session_start_info", "_hparams_/session_end_info"]


def test_a_run_that_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), hr.summary.FileWriter(tmp_path) as writer:
        writer.add_hparams({"rate": 0.1})
        raise ZeroDivisionError
    assert status_of(sessions_in(tmp_path)[-1]) == protos.Status.STATUS_FAILURE


def test_values_of_hyperparameters():
    given = {"array": np.array(0.5), "half": np.float16(0.25), "flag": np.bool_(True), "limit": np.inf, "bad": np.nan}
    values, _ = start_of(plugins.session_start_pb(given).value[0])
    # TensorBoard leaves out numbers that JSON does not have.
    assert values == {"array": 0.5, "half": 0.25, "flag": True, "limit": "inf", "bad": "nan"}
    assert start_of(plugins.session_start_pb({}).value[0])[0] == {}
    alike = [hparams.api.hparams_pb({"rate": rate}).value[0] for rate in (0.5, np.float32(0.5))]
    assert start_of(alike[0])[1].group_name == start_of(alike[1])[1].group_name


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({1: "a"}, "name of a hyperparameter must be text, got 1"),
        ({"a": {1}, "b": 2}, "hyperparameter 'a': expected a boolean, number or string, got {1}"),
        ({"a": np.zeros(3)}, "hyperparameter 'a': expected"),
        ({"a": b"sgd"}, "hyperparameter 'a': expected"),
        ({"a": 1j}, "hyperparameter 'a': expected"),
        ([("a", 1)], "hyperparameters must be values by name, got"),
        (None, "hyperparameters must be values by name, got None"),
    ],
)
def test_what_are_no_hyperparameters(tmp_path, given, text):
    for make in (hparams.api.hparams_pb, hr.summary.FileWriter(tmp_path).add_hparams):
        with pytest.raises(TypeError, match=text):
            make(given)
    assert not sessions_in(tmp_path)


def test_hparams_by_tensorboards_names():
    (value,) = hparams.api.hparams_pb({"b": 1, "a": "x"}, start_time_secs=5.0).value
    values, info = start_of(value)
    assert values == {"b": 1.0, "a": "x"} and info.start_time_secs == 5.0
    assert json.loads(info.group_name) == values
    assert status_of(hparams.summary.session_end_pb(hparams.api_pb2.Status.STATUS_FAILURE).value[0]) == 2
    with pytest.raises(TypeError, match="hyperparameter 'f': expected a boolean, number or string"):
        hparams.api.hparams_pb({"f": RNG}, "one")


# Projector


def saved(folder, session, saver, step):
    return saver.save(session, str(folder / "model.ckpt"), step, write_meta_graph=False)


@pytest.fixture
def words():
    with hr.Graph().as_default(), hr.variable_scope("net"):
        table = hr.get_variable("words", initializer=np.arange(6, dtype=np.float32).reshape(3, 2) / 3)
        yield table


def test_embeddings_follow_the_checkpoints(tmp_path, words):
    config = projector.ProjectorConfig()
    config.embeddings.add(tensor_name=words.name, metadata_path="words.tsv")
    config.embeddings.add(tensor_name="other", tensor_path="other.tsv")
    before = config.SerializeToString()
    with hr.summary.FileWriter(tmp_path) as writer, hr.Session() as session:
        saver = hr.train.Saver()
        session.run(hr.global_variables_initializer())
        saved(tmp_path, session, saver, 1)
        projector.visualize_embeddings(writer, config)
        theirs = text_format.Parse(
            (tmp_path / "projector_config.pbtxt").read_text(), projector_config_pb2.ProjectorConfig()
        )
        assert [e.tensor_path for e in theirs.embeddings] == ["projector/net_words-4488137c.tsv", "other.tsv"]
        assert (theirs.embeddings[0].tensor_name, theirs.embeddings[0].metadata_path) == ("net/words:0", "words.tsv")
        path = tmp_path / "projector" / "net_words-4488137c.tsv"
        first = np.loadtxt(path, delimiter="\t")
        np.testing.assert_allclose(first, np.arange(6).reshape(3, 2) / 3, rtol=1e-5)
        session.run(words.assign(-words))
        saved(tmp_path, session, saver, 2)
    np.testing.assert_allclose(np.loadtxt(path, delimiter="\t"), -first)
    assert config.SerializeToString() == before


@pytest.mark.parametrize("name", ["missing", "net/line"])
def test_a_variable_that_cannot_be_shown(tmp_path, words, caplog, name):
    hr.get_variable("line", [3])
    projector.visualize_embeddings(str(tmp_path), projector.ProjectorConfig(embeddings=[{"tensor_name": name}]))
    with hr.Session() as session:
        session.run(hr.global_variables_initializer())
        saved(tmp_path, session, hr.train.Saver(), 1)
    assert f"cannot show {name}: it is no matrix of the checkpoint" in caplog.text


@pytest.mark.parametrize("value", [np.array([["a", "b"]]), np.ones((2, 2), np.complex64)], ids=["string", "complex"])
def test_a_variable_that_is_no_numbers(tmp_path, caplog, value):
    with hr.Graph().as_default(), hr.Session() as session:
        variable = hr.get_variable("odd", initializer=value)
        projector.visualize_embeddings(str(tmp_path), projector.ProjectorConfig(embeddings=[{"tensor_name": "odd"}]))
        session.run(variable.initializer)
        saver = hr.train.Saver()
        prefix = saved(tmp_path, session, saver, 1)
        assert hr.train.latest_checkpoint(str(tmp_path)) == prefix
    assert "cannot show odd: " in caplog.text and "not real numbers" in caplog.text
    assert not (tmp_path / "projector").exists()


def test_values_that_cannot_be_written_do_not_end_training(tmp_path, words, caplog):
    config = projector.ProjectorConfig(embeddings=[{"tensor_name": words.name}])
    projector.visualize_embeddings(str(tmp_path), config)
    (tmp_path / "projector").write_text("a file in the place of the folder")
    with hr.Session() as session:
        session.run(hr.global_variables_initializer())
        assert saved(tmp_path, session, hr.train.Saver(), 1)
    assert "cannot show net/words: " in caplog.text


@pytest.mark.parametrize("name", ["..", "é" * 150, "a b/c?d", "con:1", ".", "%2F"])
def test_names_of_files(tmp_path, name):
    config = projector.ProjectorConfig(embeddings=[{"tensor_name": name}])
    projector.visualize_embeddings(str(tmp_path), config)
    text = (tmp_path / "projector_config.pbtxt").read_text()
    (embedding,) = text_format.Parse(text, projector.ProjectorConfig()).embeddings
    folder, file = embedding.tensor_path.split("/")
    assert folder == "projector" and file.isascii() and len(file) < 255
    write_vectors(tmp_path / embedding.tensor_path, np.eye(2))
    assert (tmp_path / folder / file).is_file()


def test_a_configuration_that_is_not_ours(tmp_path, words, caplog):
    (tmp_path / "projector_config.pbtxt").write_text("embeddings {")
    with hr.Session() as session:
        session.run(hr.global_variables_initializer())
        assert saved(tmp_path, session, hr.train.Saver(), 1)
    assert "projector_config.pbtxt cannot be read" in caplog.text


def test_what_the_projector_cannot_show(tmp_path):
    with pytest.raises(ValueError, match="needs a tensor_name or a tensor_path"):
        projector.visualize_embeddings(tmp_path, projector.ProjectorConfig(embeddings=[{"metadata_path": "a"}]))
    with pytest.raises(ValueError, match="must have a log directory"):
        projector.visualize_embeddings("", projector.ProjectorConfig())
    with pytest.raises(InvalidArgumentError, match=r"is a matrix .* got shape \[3\]"):
        write_vectors(tmp_path / "a.tsv", np.zeros(3))


def test_the_first_rows_of_a_large_embedding(tmp_path, monkeypatch):
    monkeypatch.setattr("headrace.engine.summary.projector.MOST_ROWS", 4)
    write_vectors(tmp_path / "a.tsv", np.eye(9, 3))
    assert (tmp_path / "a.tsv").read_text().splitlines() == ["1\t0\t0", "0\t1\t0", "0\t0\t1", "0\t0\t0"]
    assert plugins.THRESHOLDS == 201

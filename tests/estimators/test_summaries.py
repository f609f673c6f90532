"""What estimators write for TensorBoard: the tags of TensorFlow 1.15's, in the folders where it has them."""

import numpy as np
import pytest

import headrace as tf

RNG = np.random.default_rng(0)
FEATURES = {"x": RNG.normal(size=40).astype(np.float32)}
COLUMNS = [tf.feature_column.numeric_column("x")]
DEEP = [f"dnn/dnn/{layer}/{kind}" for layer in ("hiddenlayer_0", "logits")
        for kind in ("activation", "fraction_of_zero_values")]  # fmt: skip
WIDE = ["linear/bias", "linear/fraction_of_zero_weights"]
BINARY = "accuracy accuracy_baseline auc auc_precision_recall label/mean precision prediction/mean recall".split()

# TensorFlow 1.15's, but for the filling of its input queue: our input has none.
CASES = {
    "LinearClassifier": ({"feature_columns": COLUMNS}, WIDE, BINARY),
    "LinearRegressor": ({"feature_columns": COLUMNS}, WIDE, ["label/mean", "prediction/mean"]),
    "DNNClassifier": ({"feature_columns": COLUMNS, "hidden_units": [4]}, DEEP, BINARY),
    "DNNLinearCombinedClassifier": (
        {"linear_feature_columns": COLUMNS, "dnn_feature_columns": COLUMNS, "dnn_hidden_units": [4]},
        [*WIDE, *DEEP, "linear/linear/activation", "linear/linear/fraction_of_zero_values"],
        BINARY,
    ),
    "BaselineClassifier": ({}, [], BINARY),
}


def events_in(folder):
    return [event for path in sorted(folder.glob("events.*")) for event in tf.train.summary_iterator(str(path))]


def tags_of(events):
    return {value.tag for event in events for value in event.summary.value}


@pytest.mark.parametrize("name", CASES)
def test_tags_are_those_of_tensorflow(name, tmp_path):
    arguments, training, evaluation = CASES[name]
    answers = (FEATURES["x"] > 0).astype(np.int64 if "Classifier" in name else np.float32)
    config = tf.estimator.RunConfig(save_summary_steps=2, log_step_count_steps=2)
    model = getattr(tf.estimator, name)(model_dir=str(tmp_path), config=config, **arguments)
    numpy_input_fn = tf.estimator.inputs.numpy_input_fn
    model.train(numpy_input_fn(FEATURES, answers, batch_size=10, num_epochs=None, shuffle=True), steps=5)
    model.evaluate(numpy_input_fn(FEATURES, answers, shuffle=False))
    model.evaluate(numpy_input_fn(FEATURES, answers, shuffle=False), name="again")
    train, first = events_in(tmp_path), events_in(tmp_path / "eval")
    assert tags_of(train) == {"loss", "average_loss", "global_step/sec", *training}
    assert tags_of(first) == {"loss", "average_loss", "checkpoint_path", *evaluation}
    assert tags_of(events_in(tmp_path / "eval_again")) == tags_of(first)
    kinds = [event.WhichOneof("what") for event in train]
    assert kinds[:2] == ["file_version", "graph_def"] and "meta_graph_def" in kinds
    assert (tmp_path / "graph.pbtxt").stat().st_size > 1000


def test_an_evaluation_says_what_it_was_of(tmp_path):
    config = tf.estimator.RunConfig(save_checkpoints_steps=2)
    model = tf.estimator.LinearRegressor(COLUMNS, str(tmp_path), config=config)
    numpy_input_fn = tf.estimator.inputs.numpy_input_fn
    model.train(numpy_input_fn(FEATURES, FEATURES["x"], batch_size=10, shuffle=False))
    for prefix in (None, tmp_path / "model.ckpt-2"):
        model.evaluate(numpy_input_fn(FEATURES, FEATURES["x"], shuffle=False), checkpoint_path=prefix and str(prefix))
    events = events_in(tmp_path / "eval")
    said = {
        event.step: value.tensor.string_val[0].decode()
        for event in events
        for value in event.summary.value
        if value.tag == "checkpoint_path"
    }
    assert said == {4: str(tmp_path / "model.ckpt-4"), 2: str(tmp_path / "model.ckpt-2")}
    # The graph comes once, not with every evaluation.
    assert sum(bool(event.graph_def) for event in events) == 1


def test_traces_every_few_steps(tmp_path):
    config = tf.estimator.RunConfig(trace_every_n=4, model_dir=str(tmp_path))
    model = tf.estimator.LinearRegressor(COLUMNS, config=config)
    model.train(
        tf.estimator.inputs.numpy_input_fn(FEATURES, FEATURES["x"], 10, num_epochs=None, shuffle=True), steps=10
    )
    tagged = {e.tagged_run_metadata.tag: e for e in events_in(tmp_path) if e.HasField("tagged_run_metadata")}
    assert {f"step_{p.stem.removeprefix('timeline-')}" for p in tmp_path.glob("timeline-*.json")} == set(tagged)
    assert len(tagged) == 2
    # TensorBoard joins the graph and the trace by name.
    (written,) = [e.graph_def for e in events_in(tmp_path) if e.HasField("graph_def")]
    graph = tf.GraphDef.FromString(written)
    nodes = {n.name for n in graph.node} | {n.name for f in graph.library.function for n in f.node_def}
    metadata = tf.RunMetadata.FromString(next(iter(tagged.values())).tagged_run_metadata.run_metadata)
    ran = {
        n.node_name
        for d in metadata.step_stats.dev_stats
        for n in d.node_stats
        if not n.node_name.startswith("_retval_")
    }
    assert ran <= nodes and len(ran) > 5
    with pytest.raises(ValueError, match="trace_every_n should be > 0"):
        tf.estimator.RunConfig(trace_every_n=0)

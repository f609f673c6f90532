"""Exporting estimators: signatures, receivers, assets, exporters and predictors; what is refused."""

import time
from pathlib import Path

import numpy as np
import pytest

import headrace as tf

X = np.linspace(-1, 1, 40, dtype=np.float32)
COLUMN = tf.feature_column.numeric_column("x")
WORDS = tf.feature_column.indicator_column(
    tf.feature_column.categorical_column_with_vocabulary_list("word", ["a", "b", "c"])
)
DATA = {"x": X, "word": np.array(["a", "b", "c", "?"] * 10)}
KEY = tf.saved_model.signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def batches(labels=None, epochs=None):
    return tf.estimator.inputs.numpy_input_fn(
        DATA, (X > 0).astype(int) if labels is None else labels, 10, epochs, shuffle=False
    )


def parsing():
    spec = tf.feature_column.make_parse_example_spec([COLUMN, WORDS])
    return tf.estimator.export.build_parsing_serving_input_receiver_fn(spec)


def raw():
    with tf.Graph().as_default():
        features = {"x": tf.placeholder(tf.float32, [None]), "word": tf.placeholder(tf.string, [None])}
        return tf.estimator.export.build_raw_serving_input_receiver_fn(features)


def serialized(rows):
    def example(x, word):
        features = {
            "x": tf.train.Feature(float_list=tf.train.FloatList(value=[x])),
            "word": tf.train.Feature(bytes_list=tf.train.BytesList(value=[word.encode()])),
        }
        return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()

    return [example(DATA["x"][i], DATA["word"][i]) for i in rows]


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    config = tf.estimator.RunConfig(tf_random_seed=4)
    model = tf.estimator.DNNClassifier(
        [4], [COLUMN, WORDS], str(tmp_path_factory.mktemp("model")), n_classes=3, config=config
    )
    return model.train(batches(), steps=5)


def signatures(path):
    with tf.Session(graph=tf.Graph()) as session:
        return tf.saved_model.loader.load(session, ["serve"], path).signature_def


def test_serialized_examples(classifier, tmp_path):
    path = classifier.export_saved_model(str(tmp_path), parsing())
    assert isinstance(path, bytes) and abs(int(Path(path.decode()).name) - time.time()) < 1000
    found = signatures(path.decode())
    assert {key: s.method_name.rpartition("/")[2] for key, s in found.items()} == {
        "serving_default": "classify",
        "classification": "classify",
        "predict": "predict",
    }
    rows = list(classifier.predict(batches(epochs=1)))
    predict = tf.contrib.predictor.from_saved_model(path.decode(), "predict")
    result = predict({"examples": serialized(range(40))})
    for key in ("probabilities", "class_ids", "classes"):
        np.testing.assert_allclose(
            result[key].astype(float), np.stack([row[key] for row in rows]).astype(float), rtol=1e-5
        )
    default = tf.contrib.predictor.from_saved_model(path.decode())({"inputs": serialized([1])})
    assert default["classes"].tolist() == [[b"0", b"1", b"2"]]
    np.testing.assert_allclose(default["scores"][0], rows[1]["probabilities"], rtol=1e-5)


def test_raw_features_are_served_as_predictions(classifier, tmp_path):
    path = classifier.export_savedmodel(str(tmp_path), raw(), as_text=True).decode()
    assert (Path(path) / "saved_model.pbtxt").exists()
    assert {key: s.method_name.rpartition("/")[2] for key, s in signatures(path).items()} == {
        "serving_default": "predict",
        "predict": "predict",
    }
    predict = tf.contrib.predictor.from_saved_model(path)
    assert sorted(predict.feed_tensors) == ["word", "x"] and sorted(predict.fetch_tensors) == ["classes", "scores"]
    wanted = next(classifier.predict(batches(epochs=1)))["probabilities"]
    np.testing.assert_allclose(predict({"x": X[:1], "word": ["a"]})["scores"][0], wanted, rtol=1e-5)
    with pytest.raises(ValueError, match=r"unexpected keys in input_dict: \['y'\]"):
        predict({"y": 1})


def test_other_tensors_may_be_fed_too(classifier, tmp_path):
    def receiver_fn():
        made = parsing()()
        return tf.estimator.export.ServingInputReceiver(
            made.features, made.receiver_tensors, {"raw": {"x": made.features["x"]}}
        )

    found = signatures(classifier.export_saved_model(str(tmp_path), receiver_fn).decode())
    assert set(found) == {"serving_default", "classification", "predict", "raw:predict"}


def test_regressors_baselines_and_several_heads(tmp_path):
    heads = tf.estimator.MultiHead([tf.estimator.RegressionHead(name="a"), tf.estimator.BinaryClassHead(name="b")])
    labels = {"a": X, "b": (X > 0).astype(int)}
    for model, y, keys in (
        (tf.estimator.LinearRegressor([COLUMN]), X, {"serving_default", "regression", "predict"}),
        (
            tf.estimator.BaselineClassifier(),
            (X > 0).astype(int),
            {"serving_default", "classification", "regression", "predict"},
        ),
        (
            tf.estimator.DNNEstimator(heads, [3], [COLUMN]),
            labels,
            {"serving_default", "a", "a/regression", "a/predict", "b", "b/classification", "b/regression", "b/predict",
             "predict"},
        ),
    ):  # fmt: skip
        model.train(batches(y), steps=2)
        path = model.export_saved_model(str(tmp_path / type(model).__name__), parsing()).decode()
        assert set(signatures(path)) == keys
    outputs = signatures(path)["predict"].outputs
    assert {"a/predictions", "b/logits", "b/classes"} <= set(outputs)


def vocabulary_model(folder, words):
    column = tf.feature_column.categorical_column_with_vocabulary_file("word", str(words))
    model = tf.estimator.LinearRegressor([column], str(folder))
    return column, model.train(batches(X), steps=20)


def test_vocabulary_files_go_with_the_model(tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("a\nb\nc\n")
    column, model = vocabulary_model(tmp_path / "model", words)
    spec = tf.feature_column.make_parse_example_spec([column])
    receiver = tf.estimator.export.build_parsing_serving_input_receiver_fn(spec)
    extra = tmp_path / "notes.md"
    extra.write_text("hello")
    path = model.export_saved_model(str(tmp_path / "export"), receiver, assets_extra={"doc/notes.md": str(extra)})
    folder = Path(path.decode())
    assert (folder / "assets" / "words.txt").read_text() == "a\nb\nc\n"
    assert (folder / "assets.extra" / "doc" / "notes.md").read_text() == "hello"
    wanted = [row["predictions"] for row in model.predict(batches(X, 1))]
    words.unlink()
    found = tf.contrib.predictor.from_saved_model(str(folder), "predict")({"examples": serialized(range(40))})
    np.testing.assert_allclose(found["predictions"], np.stack(wanted), rtol=1e-6)


def test_models_of_ones_own_and_of_one_tensor(tmp_path):
    def model_fn(features, labels, mode):
        y = tf.layers.dense(features, 1, name="layer")
        if mode == tf.estimator.ModeKeys.PREDICT:
            return tf.estimator.EstimatorSpec(mode, {"y": y})
        loss = tf.losses.mean_squared_error(tf.reshape(labels, [-1, 1]), y)
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss, tf.train.get_global_step())
        return tf.estimator.EstimatorSpec(mode, y, loss, train)

    model = tf.estimator.Estimator(model_fn, str(tmp_path / "model"))
    model.train(lambda: (tf.constant(X[:, None]), tf.constant(X)), steps=3)

    def receiver_fn():
        x = tf.placeholder(tf.float32, [None, 1])
        return tf.estimator.export.TensorServingInputReceiver(x, x)

    path = model.export_saved_model(str(tmp_path / "export"), receiver_fn).decode()
    loaded = tf.contrib.predictor.from_saved_model(path)
    made = tf.contrib.predictor.from_estimator(model, receiver_fn)
    assert list(loaded.feed_tensors) == list(made.feed_tensors) == ["input"]
    np.testing.assert_allclose(loaded({"input": [[2.0]]})["y"], made({"input": [[2.0]]})["y"])
    with pytest.raises(ValueError, match=r"no output 'other'; there are \['serving_default'\]"):
        tf.contrib.predictor.from_estimator(model, receiver_fn, "other")
    again = tf.estimator.Estimator(model_fn, str(tmp_path / "again"), warm_start_from=path)
    again.train(lambda: (tf.constant(X[:, None]), tf.constant(X)), steps=1)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda e: e.ServingInputReceiver(None, tf.zeros([1])), "features must be defined"),
        (lambda e: e.ServingInputReceiver(tf.zeros([1]), None), "receiver_tensors must be defined"),
        (lambda e: e.ServingInputReceiver(tf.zeros([1]), {}), "receiver_tensors must be defined"),
        (lambda e: e.ServingInputReceiver(tf.zeros([1]), {"a": 3}), "'a' must be a Tensor"),
        (lambda e: e.ServingInputReceiver(tf.zeros([1]), tf.zeros([1]), 3), "must be a dict"),
        (lambda e: e.ServingInputReceiver({3: tf.zeros([1])}, tf.zeros([1])), "must be strings, got 3"),
        (lambda e: e.TensorServingInputReceiver({"a": tf.zeros([1])}, tf.zeros([1])), "feature must be a Tensor"),
        (lambda e: e.ClassificationOutput(), "empty arguments"),
        (lambda e: e.ClassificationOutput(scores=tf.constant(["a"])), "scores must be a float32"),
        (lambda e: e.ClassificationOutput(classes=tf.zeros([1])), "classes must be a string"),
        (lambda e: e.RegressionOutput(tf.constant(["a"])), "must be a float32"),
    ],
)
def test_refused(make, text):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=text):
        make(tf.estimator.export)


def test_what_cannot_be_exported(classifier, tmp_path):
    with pytest.raises(ValueError, match="Could not find trained model"):
        tf.estimator.LinearRegressor([COLUMN], str(tmp_path / "none")).export_saved_model(str(tmp_path), parsing())
    with pytest.raises(ValueError, match="must return a ServingInputReceiver, got 3"):
        classifier.export_saved_model(str(tmp_path), lambda: 3)
    with pytest.raises(ValueError, match=r"must be a path inside of assets\.extra"):
        classifier.export_saved_model(str(tmp_path), parsing(), {"../a": __file__})
    assert list(tmp_path.iterdir()) == []


# Exporters


def train_and_evaluate(folder, exporter, steps, saved=5):
    config = tf.estimator.RunConfig(save_checkpoints_steps=saved)
    model = tf.estimator.LinearRegressor([COLUMN], str(folder), config=config)
    spec = tf.estimator.EvalSpec(batches(X, 1), exporters=exporter, throttle_secs=0)
    return tf.estimator.train_and_evaluate(model, tf.estimator.TrainSpec(batches(X), steps), spec)


def exports(folder, name):
    return sorted(int(p.name) for p in (folder / "export" / name).iterdir())


def test_latest_and_final_exporters(tmp_path):
    latest = tf.estimator.LatestExporter("latest", parsing(), exports_to_keep=2)
    final = tf.estimator.FinalExporter("final", parsing())
    _, found = train_and_evaluate(tmp_path, [latest, final], 15)
    assert len(exports(tmp_path, "latest")) == 2 and len(exports(tmp_path, "final")) == 1
    assert [type(path) for path in found] == [bytes, bytes]


def test_the_best_exporter_exports_what_is_better(tmp_path):
    kept = []

    def better(best_eval_result, current_eval_result):
        kept.append((int(best_eval_result["global_step"]), current_eval_result["global_step"]))
        return current_eval_result["global_step"] == 15

    def best():
        return tf.estimator.BestExporter("best", parsing(), compare_fn=better)

    train_and_evaluate(tmp_path, best(), 15)
    assert kept == [(5, 10), (5, 15)] and len(exports(tmp_path, "best")) == 2
    # After a restart the results are those of the event files.
    kept.clear()
    train_and_evaluate(tmp_path, best(), 20)
    assert kept[-1] == (15, 20) and len(exports(tmp_path, "best")) == 2


def test_the_best_exporter_compares_losses(tmp_path):
    exporter = tf.estimator.BestExporter(serving_input_receiver_fn=parsing(), event_file_pattern=None)
    train_and_evaluate(tmp_path, exporter, 10)
    assert exporter.name == "best_exporter" and len(exports(tmp_path, "best_exporter")) == 2
    with pytest.raises(ValueError, match="no loss is found in it"):
        exporter.export(tf.estimator.LinearRegressor([COLUMN], str(tmp_path)), str(tmp_path), "", {}, False)


@pytest.mark.parametrize("options", [{"exports_to_keep": 0}, {"compare_fn": None}])
def test_bad_exporters(options):
    with pytest.raises(ValueError, match=r"exports_to_keep|compare_fn"):
        tf.estimator.BestExporter("a", parsing(), **options)


def test_all_modes_in_one_saved_model(tmp_path):
    x = np.linspace(-1, 1, 60).astype(np.float32)
    model = tf.estimator.LinearRegressor([tf.feature_column.numeric_column("x")], random_state=0)
    model.fit({"x": x}, 2 * x, epochs=2, verbose=0)
    feature = tf.placeholder(tf.float32, [None])
    supervised = tf.estimator.experimental.build_raw_supervised_input_receiver_fn({"x": feature}, feature)
    serving = tf.estimator.export.build_raw_serving_input_receiver_fn({"x": feature})
    path = model.experimental_export_all_saved_models(
        tmp_path, {"train": supervised, "eval": supervised, "infer": serving}
    ).decode()
    evaluated = model.evaluate({"x": x}, 2 * x)["average_loss"]
    found = {}
    for tag in ("train", "eval", "serve"):
        with tf.Session(graph=tf.Graph()) as session:
            signatures = tf.saved_model.loader.load(session, [tag], path).signature_def
            found[tag] = {key: (s.method_name, sorted(s.inputs)) for key, s in signatures.items()}
            if tag == "serve":
                continue
            signature = signatures[tag]
            feeds = {signature.inputs["x"].name: x, signature.inputs["labels"].name: 2 * x}
            losses = session.run(signature.outputs["loss"].name, feeds)
            assert losses == pytest.approx(evaluated, rel=1e-5)
            if tag == "eval":
                assert "metrics/label/mean/update_op" in signature.outputs
            else:
                (train_op,) = tf.get_collection("saved_model_train_op")
                session.run(train_op, feeds)
                assert session.run(signature.outputs["loss"].name, feeds) < losses
    assert found["train"] == {"train": ("tensorflow/supervised/training", ["labels", "x"])}
    assert found["eval"] == {"eval": ("tensorflow/supervised/eval", ["labels", "x"])}
    assert set(found["serve"]) == {"serving_default", "predict"}
    for wrong, text in (
        ({}, "functions for modes"),
        ({"x": serving}, r"got \['x'\]"),
        ({"eval": serving}, "Supervised"),
    ):
        with pytest.raises(ValueError, match=text):
            model.experimental_export_all_saved_models(tmp_path, wrong)


def test_found_classes_are_served_by_their_names(tmp_path):
    """Classes that `fit` found in the labels are called so in exported models and in what input functions predict."""
    x, words = np.array([[-1.0], [1.0]] * 20, np.float32), np.array(["no", "yes"] * 20)
    model = tf.estimator.LinearClassifier(random_state=0).fit(x, words, epochs=50, verbose=0)

    def receiver_fn():
        feature = tf.placeholder(tf.float32, [None, 1])
        return tf.estimator.export.ServingInputReceiver({"x": feature}, {"x": feature})

    path = model.export_saved_model(str(tmp_path), receiver_fn).decode()
    served = tf.contrib.predictor.from_saved_model(path)({"x": x[:2]})
    assert served["classes"].tolist() == [[b"no", b"yes"]] * 2
    assert tf.contrib.predictor.from_saved_model(path, "predict")({"x": x[:2]})["classes"].tolist() == [
        [b"no"],
        [b"yes"],
    ]
    found = model.predict(tf.estimator.inputs.numpy_input_fn({"x": x[:2]}, shuffle=False))
    assert [one["classes"].tolist() for one in found] == [[b"no"], [b"yes"]]
    numbers = tf.estimator.LinearClassifier(random_state=0).fit(x, np.array([3, 5] * 20), epochs=50, verbose=0)
    assert next(numbers.predict(lambda: {"x": tf.constant(x[:2])}))["all_classes"].tolist() == [b"3", b"5"]

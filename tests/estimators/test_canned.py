"""Canned estimators over all kinds of columns and heads, and KMeans: the numbers of tf.estimator's after 100 batches."""

import functools
import sys
from pathlib import Path

import numpy as np
import pytest

import headrace as tf

FIXTURES = Path(__file__).parents[1] / "fixtures" / "estimators"
sys.path.insert(0, str(FIXTURES))
import canned_cases  # noqa: E402

VALUES = np.load(FIXTURES / "canned.npz")
OPTIMIZERS = {
    "SGD": tf.train.GradientDescentOptimizer,
    "Adagrad": tf.train.AdagradOptimizer,
    # Keras adds a larger number to the root.
    "Adam": functools.partial(tf.train.AdamOptimizer, epsilon=1e-7),
    "Ftrl": tf.train.FtrlOptimizer,
}


@pytest.mark.parametrize("name", canned_cases.NAMES)
def test_training_gives_what_tf_estimators_gives(name):
    found = canned_cases.run(tf, name, lambda kind, rate: OPTIMIZERS[kind](rate), tf.estimator)
    wanted = {key.removeprefix(f"{name}/"): VALUES[key] for key in VALUES.files if key.startswith(f"{name}/")}
    assert sorted(found) == sorted(wanted)
    for key, value in wanted.items():
        if value.dtype.kind == "S":
            assert found[key].tolist() == value.tolist(), key
        else:
            np.testing.assert_allclose(found[key], value, rtol=1e-5, atol=1e-5, err_msg=key)


X = np.linspace(-1, 1, 32, dtype=np.float32)


def embedded(**options):
    words = tf.feature_column.categorical_column_with_identity("id", 40)
    column = tf.feature_column.embedding_column(words, 4, initializer=tf.constant_initializer(0.1))
    return [column], options


def train(make, folder):
    def input_fn():
        return {"id": tf.constant([0, 7, 39] * 4), "x": tf.constant(X[:12])}, tf.constant([0.0, 1.0, 2.0] * 4)

    return make(str(folder)).train(input_fn, steps=5)


def test_partitioned_variables_learn_the_same(tmp_path):
    columns, _ = embedded()

    def make(partitioner):
        return lambda folder: tf.estimator.DNNRegressor(
            [3], columns, folder, optimizer="SGD", config=tf.estimator.RunConfig(tf_random_seed=3),
            input_layer_partitioner=partitioner,
        )  # fmt: skip

    name = "dnn/input_from_feature_columns/input_layer/id_embedding/embedding_weights"
    parts = train(make(tf.fixed_size_partitioner(3)), tmp_path / "a")
    weights = parts.get_variable_value(name)
    assert weights.shape == (40, 4) and np.ptp(weights[[0, 7, 39]]) > 0
    np.testing.assert_array_equal(np.delete(weights, [0, 7, 39], 0), np.float32(0.1))


def test_linear_weights_can_be_partitioned(tmp_path):
    columns = [tf.feature_column.categorical_column_with_identity("id", 40)]
    found = [
        train(lambda f, p=p: tf.estimator.LinearRegressor(columns, f, partitioner=p), tmp_path / str(i))
        for i, p in enumerate((None, tf.fixed_size_partitioner(4)))
    ]
    values = [model.get_variable_value("linear/linear_model/id/weights") for model in found]
    np.testing.assert_allclose(values[0], values[1], rtol=1e-6)


def test_embeddings_and_weights_are_updated_sparsely(tmp_path):
    columns, _ = embedded()
    model = tf.estimator.DNNRegressor([3], columns, str(tmp_path))
    graph = tf.Graph()
    with graph.as_default():
        tf.train.create_global_step()
        model._canned_model_fn({"id": tf.constant([[1]])}, tf.constant([[1.0]]), "train")
    kinds = {op.type for op in graph.get_operations()}
    assert kinds & {"SparseApplyAdagrad", "ResourceSparseApplyAdagrad", "SparseApplyAdagradV2"}


def test_arrays_fit_every_kind(tmp_path):
    x, y = {"x": X}, (X > 0).astype(int)
    column = [tf.feature_column.numeric_column("x")]
    kinds = tf.estimator
    for model in (
        kinds.DNNLinearCombinedClassifier(dnn_feature_columns=column, dnn_hidden_units=[3]),
        kinds.DNNLinearCombinedRegressor(linear_feature_columns=column),
        kinds.BaselineClassifier(),
        kinds.BaselineRegressor(),
    ):
        assert model.fit(x, y, epochs=1, verbose=0).predict(x).shape == (32,)


def test_dropout_is_for_training_alone(tmp_path):
    model = tf.estimator.DNNRegressor([8], [tf.feature_column.numeric_column("x")], str(tmp_path), dropout=0.5)
    model.fit({"x": X}, X, epochs=1, verbose=0)
    np.testing.assert_array_equal(model.predict({"x": X}), model.predict({"x": X}))


NUMBER = tf.feature_column.numeric_column("x")


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda e: e.DNNLinearCombinedClassifier(), ValueError, "Either linear_feature_columns or dnn_feature_columns"),
        (
            lambda e: e.DNNLinearCombinedClassifier(dnn_feature_columns=[NUMBER]),
            ValueError,
            "dnn_hidden_units must be defined",
        ),
        (lambda e: e.LinearRegressor(sparse_combiner="max"), ValueError, "sum, mean or sqrtn, got 'max'"),
        (lambda e: e.DNNClassifier([0]), ValueError, r"hidden_units must be positive, got \[0\]"),
        (lambda e: e.MultiHead([]), ValueError, "Must specify heads"),
        (lambda e: e.MultiHead([e.RegressionHead()]), ValueError, "must have name"),
        (lambda e: e.MultiHead([e.RegressionHead(name="a")] * 2), ValueError, "names of their own"),
        (lambda e: e.MultiHead([e.RegressionHead(name="a")], [1, 2]), ValueError, "must have the same size"),
        (lambda e: e.experimental.KMeans(2, initial_clusters="far"), ValueError, "initialization algorithm 'far'"),
        (lambda e: e.experimental.KMeans(2, distance_metric="l1"), ValueError, "distance metric l1"),
    ],
)
def test_refused(make, error, text):
    with pytest.raises(error, match=text):
        make(tf.estimator).train(lambda: ({"x": tf.constant(X)}, tf.constant(X)), steps=1)


def heads():
    kinds = tf.estimator
    return kinds.MultiHead([kinds.RegressionHead(name="a"), kinds.MultiClassHead(3, name="b")])


@pytest.mark.parametrize(
    ("logits", "labels", "text"),
    [
        (tf.ones, [1, 2], "labels must be a dict by the names of the heads"),
        (tf.ones, {"a": [1.0]}, r"labels has missing values for head\(s\): \['b'\]"),
        (lambda _: {"a": tf.ones([1, 1])}, {"a": [1.0], "b": [1]}, r"logits has missing values for head\(s\): \['b'\]"),
        (lambda _: tf.ones([1, 3]), {"a": [1.0], "b": [1]}, "Could not split logits"),
    ],
)
def test_what_several_heads_refuse(logits, labels, text):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=text):
        heads().loss(labels, logits([1, 4]))


# KMeans


def points():
    rng = np.random.default_rng(0)
    found = np.concatenate([rng.normal(place, 0.3, (50, 2)) for place in ([0, 0], [5, 5], [0, 5])])
    rng.shuffle(found)
    return found.astype(np.float32)


@pytest.mark.parametrize("mini_batch", [False, True])
@pytest.mark.parametrize("steps", [1, 3])
def test_kmeans_finds_the_clusters(tmp_path, mini_batch, steps):
    data, kind = points(), tf.estimator.experimental.KMeans
    model = kind(
        3, str(tmp_path), kind.KMEANS_PLUS_PLUS_INIT, seed=1, use_mini_batch=mini_batch,
        mini_batch_steps_per_iteration=steps,
    )  # fmt: skip
    model.train(lambda: tf.constant(data), steps=8)
    assert float(model.score(lambda: tf.constant(data))) < 40
    found = np.array(list(model.predict_cluster_index(lambda: tf.data.Dataset.from_tensors(data))))
    assert sorted(np.bincount(found)) == [50, 50, 50]
    distances = np.stack(list(model.transform(lambda: tf.data.Dataset.from_tensors(data))))
    wanted = np.linalg.norm(data[:, None] - model.cluster_centers(), axis=2)
    np.testing.assert_allclose(distances, wanted, atol=2e-3)


def test_kmeans_by_minibatches_moves_centers_to_the_means_of_their_points(tmp_path):
    data, start = points(), np.array([[1, 1], [4, 4], [1, 4]], np.float32)
    model = tf.estimator.experimental.KMeans(3, str(tmp_path), start)
    model.train(lambda: tf.data.Dataset.from_tensor_slices(data).batch(25).repeat(2))
    centers, counts = start.astype(np.float64), np.ones(3)
    for batch in np.concatenate([data, data]).reshape(12, 25, 2):
        nearest = ((batch[:, None] - centers) ** 2).sum(2).argmin(1)
        for k in set(nearest):
            mine = batch[nearest == k]
            counts[k] += len(mine)
            centers[k] += (mine - centers[k]).sum(0) / counts[k]
    np.testing.assert_allclose(model.cluster_centers(), centers, rtol=1e-5)


def test_kmeans_of_few_points_a_batch_and_of_named_features(tmp_path):
    data = points()[:20]
    kind = tf.estimator.experimental.KMeans
    model = kind(8, str(tmp_path), kind.RANDOM_INIT, relative_tolerance=1e-6)

    def input_fn():
        whole = {"a": data[:, 0], "b": data[:, 1:]}
        return tf.data.Dataset.from_tensor_slices(whole).batch(5).repeat(200)

    model.train(input_fn)
    assert model.cluster_centers().shape == (8, 2)
    assert model.train(input_fn, steps=1).cluster_centers().shape == (8, 2)


@pytest.mark.parametrize("mini_batch", [True, False])
@pytest.mark.parametrize("source", ["limit_epochs", "dataset"])
def test_kmeans_keeps_the_centers_whose_choice_took_the_only_batch(tmp_path, mini_batch, source):
    data = points()

    def whole():
        if source == "dataset":
            return tf.data.Dataset.from_tensors(data)
        return tf.train.limit_epochs(tf.constant(data), num_epochs=1)

    model = tf.estimator.experimental.KMeans(3, str(tmp_path), use_mini_batch=mini_batch, seed=1)
    model.train(whole)
    assert all((data == center).all(1).any() for center in model.cluster_centers())
    scores = [model.score(whole)]
    for _ in range(2):
        scores.append(model.train(whole).score(whole))
    assert len(model.cluster_centers()) == 3 and scores[2] < scores[1] < scores[0]


def test_kmeans_of_too_few_points(tmp_path):
    model = tf.estimator.experimental.KMeans(3, str(tmp_path))
    with pytest.raises(ValueError, match="ended before all centers were chosen"):
        model.train(lambda: tf.data.Dataset.from_tensors(np.zeros((2, 2), np.float32)))


def test_kmeans_of_the_old_interface():
    data = points()
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 2])
        made = tf.contrib.factorization.KMeans(
            x, 3, initial_clusters=lambda inputs, k: inputs[0][:k], distance_metric="cosine", use_mini_batch=True
        ).training_graph()
        session.run(tf.global_variables_initializer(), {x: data})
        session.run(made.init_op, {x: data})
        for _ in range(5):
            _, distance, index = session.run([made.training_op, made.scores[0], made.cluster_idx[0]], {x: data})
    assert len(made) == 7 and session.graph is made.init_op.graph
    assert distance.mean() < 0.2 and set(index) == {0, 1, 2}


COLUMN = [tf.feature_column.numeric_column("x")]
SEEDED = {
    "DNNLinearCombinedRegressor": {"dnn_feature_columns": COLUMN, "dnn_hidden_units": [3]},
    "DNNLinearCombinedClassifier": {"linear_feature_columns": COLUMN, "linear_optimizer": "SGD"},
    "BaselineClassifier": {"optimizer": "SGD"},
    "BaselineRegressor": {"optimizer": "SGD"},
}


@pytest.mark.parametrize("name", SEEDED)
def test_the_same_random_state_trains_alike(name):
    x = np.arange(90, dtype=np.float32) / 90
    y = (x > 0.4).astype(int)

    def values(seed):
        model = getattr(tf.estimator, name)(**SEEDED[name], random_state=seed).fit({"x": x}, y, epochs=1, verbose=0)
        names = [n for n in model.get_variable_names() if n != "global_step"]
        return np.concatenate([model.get_variable_value(n).ravel() for n in sorted(names)])

    np.testing.assert_array_equal(values(3), values(3))
    assert not np.array_equal(values(3), values(4))


def test_the_random_state_of_clusters_is_their_seed():
    points = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)

    def centers(**options):
        model = tf.estimator.experimental.KMeans(3, **options)
        return model.train(lambda: tf.constant(points), steps=2).cluster_centers()

    np.testing.assert_array_equal(centers(random_state=7), centers(seed=7))
    with pytest.raises(ValueError, match="give one of them"):
        centers(random_state=7, seed=7)

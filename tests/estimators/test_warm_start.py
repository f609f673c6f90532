"""Warm starts: by name, by pattern, word by word, and what does not fit; errors of restoring another model."""

import numpy as np
import pytest

import headrace as tf

X = np.linspace(-1, 1, 12, dtype=np.float32)
WEIGHTS = "dnn/input_from_feature_columns/input_layer/word_embedding/embedding_weights"


def save(folder, values):
    """A checkpoint with these variables; its prefix."""
    with tf.Graph().as_default(), tf.Session() as session:
        for name, value in values.items():
            tf.get_variable(name, initializer=np.asarray(value, np.float32))
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, str(folder / "old"))


def started(shapes, start, partitioner=None):
    """The values of new variables after `start` has changed their initializers."""
    with tf.Graph().as_default(), tf.Session() as session:
        with tf.variable_scope("", partitioner=partitioner):
            made = [tf.get_variable(name, shape, initializer=tf.ones_initializer()) for name, shape in shapes.items()]
        start()
        session.run(tf.global_variables_initializer())
        return dict(zip(shapes, session.run([tf.convert_to_tensor(v) for v in made]), strict=True))


OLD = {"a/w": [[1, 2], [3, 4]], "a/b": [5, 6], "c": [7]}


@pytest.mark.parametrize(
    ("shapes", "mapping", "wanted"),
    [
        ({"a/w": [2, 2], "d": [1]}, {"a/w": "a/w"}, {"a/w": OLD["a/w"], "d": [1]}),
        ({"n/w": [2, 2], "n/b": [2]}, {"a/": "n/"}, {"n/w": OLD["a/w"], "n/b": OLD["a/b"]}),
        ({"a/w": [2, 2], "c": [1]}, {"/": "/"}, {"a/w": OLD["a/w"], "c": [7]}),
        ({"x": [1]}, {"c": "x"}, {"x": [7]}),
    ],
)
@pytest.mark.parametrize("partitioner", [None, tf.fixed_size_partitioner(2)])
def test_init_from_checkpoint(tmp_path, shapes, mapping, wanted, partitioner):
    if partitioner is not None and any(shape[0] < 2 for shape in shapes.values()):
        pytest.skip("nothing to cut")
    prefix = save(tmp_path, OLD)
    found = started(shapes, lambda: tf.train.init_from_checkpoint(prefix, mapping), partitioner)
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)


def test_variables_themselves_and_folders(tmp_path):
    save(tmp_path, OLD)
    with tf.Graph().as_default(), tf.Session() as session:
        whole = tf.get_variable("whole", [2, 2], use_resource=True)
        parts = tf.get_variable("parts", [2], partitioner=tf.fixed_size_partitioner(2))
        tf.train.init_from_checkpoint(str(tmp_path), {"a/w": whole, "a/b": list(parts)})
        session.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(session.run(whole), OLD["a/w"])
        np.testing.assert_array_equal(session.run(tf.convert_to_tensor(parts)), OLD["a/b"])


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        ({"none": "c"}, "Tensor none is not found"),
        ({"c": "none"}, "Variable none is not found in the graph; variables that are there: c"),
        ({"a/w": "c"}, r"Shape of variable c \(\[1\]\) doesn't match with shape of tensor a/w \(\[2, 2\]\)"),
        ({"a/": "c"}, "should map to scope only"),
        ({"a/": "z/"}, "no variable in the scope 'z/'"),
        ({"b/": "/"}, "is not found in"),
        ({"c": 3}, "expected a variable, the parts of one, or a name, got 3"),
    ],
)
def test_what_does_not_fit(tmp_path, mapping, text):
    prefix = save(tmp_path, OLD)
    with pytest.raises(ValueError, match=text):
        started({"c": [1]}, lambda: tf.train.init_from_checkpoint(prefix, mapping))


SHAPES = {"a/w": [2, 2], "a/b": [2], "c": [1]}


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, {"a/w", "a/b", "c"}),
        ({"vars_to_warm_start": "a"}, {"a/w", "a/b"}),
        ({"vars_to_warm_start": [".*b", "c"]}, {"a/b", "c"}),
        ({"vars_to_warm_start": None}, set()),
        ({"vars_to_warm_start": "c", "var_name_to_prev_var_name": {"c": "c"}}, {"c"}),
    ],
)
def test_warm_start_takes_what_matches(tmp_path, options, wanted):
    prefix = save(tmp_path, OLD)
    found = started(SHAPES, lambda: tf.train.warm_start(prefix, **options))
    for name, value in found.items():
        np.testing.assert_array_equal(value, OLD[name] if name in wanted else np.ones(SHAPES[name]))


def words(folder, name, text):
    path = folder / name
    path.write_text("\n".join(text) + "\n")
    return str(path)


@pytest.mark.parametrize("partitioner", [None, tf.fixed_size_partitioner(2)])
@pytest.mark.parametrize("axis", [0, 1])
def test_vocabularies_that_grow(tmp_path, axis, partitioner):
    old = np.arange(6, dtype=np.float32).reshape(3, 2)
    prefix = save(tmp_path, {"w": old if axis == 0 else old.T})
    info = tf.train.VocabInfo(
        words(tmp_path, "new", "dbace"), 5, 1, words(tmp_path, "old", "abc"), backup_initializer=
        tf.constant_initializer(-1.0), axis=axis,
    )  # fmt: skip
    shape = [6, 2] if axis == 0 else [2, 6]
    start = lambda: tf.train.warm_start(prefix, var_name_to_vocab_info={"w": info})  # noqa: E731
    found = started({"w": shape}, start, partitioner)["w"]
    wanted = np.array([[-1, -1], old[1], old[0], old[2], [-1, -1], [-1, -1]])
    np.testing.assert_array_equal(found if axis == 0 else found.T, wanted)


def test_part_of_an_old_vocabulary_and_zeros_for_new_words(tmp_path):
    prefix = save(tmp_path, {"w": [[1], [2]]})
    info = tf.train.VocabInfo(words(tmp_path, "new", "cab"), 3, 0, words(tmp_path, "old", "abc"), 2)
    start = lambda: tf.train.warm_start(prefix, None, {"w": info})  # noqa: E731
    assert started({"w": [3, 1]}, start)["w"].tolist() == [[0], [1], [2]]
    longer = info._replace(old_vocab_size=-1)
    with pytest.raises(ValueError, match="has more words than w of shape"):
        started({"w": [3, 1]}, lambda: tf.train.warm_start(prefix, ".*", {"w": longer}))
    with pytest.raises(ValueError, match="its vocabulary has 3 words"):
        started({"w": [4, 1]}, lambda: tf.train.warm_start(prefix, ".*", {"w": info}))
    with pytest.raises(ValueError, match="supported values for the axis"):
        started({"w": [3, 1]}, lambda: tf.train.warm_start(prefix, ".*", {"w": info._replace(axis=2)}))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"var_name_to_prev_var_name": {"d": "c"}}, r"var_name_to_prev_var_name that were not used: \['d'\]"),
        ({"vars_to_warm_start": 3}, "must be a `list` or `str`"),
        ({"vars_to_warm_start": ["c", 3]}, "all `Variable` or all `str`"),
        ({"var_name_to_prev_var_name": {"c": "x"}}, "Tensor x is not found"),
    ],
)
def test_warm_starts_that_are_wrong(tmp_path, options, text):
    prefix = save(tmp_path, OLD)
    with pytest.raises(ValueError, match=text):
        started(SHAPES, lambda: tf.train.warm_start(prefix, **options))


# Estimators


def model(folder, vocabulary, **options):
    fc = tf.feature_column
    column = fc.embedding_column(fc.categorical_column_with_vocabulary_file("word", vocabulary), 2)
    return tf.estimator.DNNRegressor([3], [column], str(folder), optimizer="SGD", **options)


def input_fn():
    return {"word": tf.constant(["a", "b", "c"] * 4)}, tf.constant(X)


def test_an_estimator_starts_from_another(tmp_path):
    old_words, new_words = words(tmp_path, "old", "abc"), words(tmp_path, "new", "xabcy")
    old = model(tmp_path / "old_model", old_words).train(input_fn, steps=3)
    info = tf.estimator.VocabInfo(new_words, 5, 0, old_words)
    settings = tf.estimator.WarmStartSettings(old.model_dir, var_name_to_vocab_info={WEIGHTS: info})
    new = model(tmp_path / "new_model", new_words, warm_start_from=settings)
    # A rate of zero would do; one step of a tiny one shows that training goes on.
    new.optimizer = tf.train.GradientDescentOptimizer(0.0)
    new.train(input_fn, steps=1)
    np.testing.assert_array_equal(new.get_variable_value(WEIGHTS)[1:4], old.get_variable_value(WEIGHTS))
    np.testing.assert_array_equal(new.get_variable_value(WEIGHTS)[[0, 4]], 0)
    kernel = "dnn/hiddenlayer_0/kernel"
    np.testing.assert_array_equal(new.get_variable_value(kernel), old.get_variable_value(kernel))
    # Its own checkpoint goes before the other's.
    new.optimizer = tf.train.GradientDescentOptimizer(0.5)
    trained = new.train(input_fn, steps=5).get_variable_value(kernel)
    again = model(tmp_path / "new_model", new_words, warm_start_from=settings)
    again.optimizer = tf.train.GradientDescentOptimizer(0.0)
    np.testing.assert_array_equal(again.train(input_fn, steps=1).get_variable_value(kernel), trained)


@pytest.mark.parametrize(
    ("given", "text"), [(3, "must be a string or a WarmStartSettings"), ("", "must be a string or a WarmStartSettings")]
)
def test_bad_settings(tmp_path, given, text):
    with pytest.raises(ValueError, match=text):
        tf.estimator.Estimator(lambda features: None, str(tmp_path), warm_start_from=given)


def number_model(folder, *hidden):
    return tf.estimator.DNNRegressor(list(hidden), [tf.feature_column.numeric_column("x")], str(folder))


def test_another_model_in_the_folder_is_explained(tmp_path):
    def numbers():
        return {"x": tf.constant(X)}, tf.constant(X)

    number_model(tmp_path, 3).train(numbers, steps=1)
    for build, error, text in (
        (
            lambda: number_model(tmp_path, 3, 2),
            tf.errors.NotFoundError,
            r"not in the checkpoint: dnn/hiddenlayer_1/kernel.*of another shape: dnn/logits/kernel is \[2, 1\] in the "
            r"graph and \[3, 1\] in the checkpoint.*give another folder",
        ),
        (
            lambda: number_model(tmp_path, 4),
            tf.errors.InvalidArgumentError,
            r"of another shape: dnn/hiddenlayer_0/kernel is \[1, 4\] in the graph and \[1, 3\] in the checkpoint, dnn.*"
            "warm_start_from",
        ),
    ):
        for act in ("train", "evaluate"):
            with pytest.raises(error, match=text):
                getattr(build(), act)(numbers, steps=1)
        with pytest.raises(error, match=text):
            next(build().predict(numbers))


@pytest.mark.parametrize("partitioner", [None, tf.fixed_size_partitioner(2)])
@pytest.mark.parametrize("shared", [False, True])
def test_embedding_columns_start_from_a_checkpoint(tmp_path, partitioner, shared):
    old = np.arange(8, dtype=np.float32).reshape(4, 2)
    prefix = save(tmp_path, {"vectors": old})
    fc = tf.feature_column
    ids = fc.categorical_column_with_identity("id", 4)
    start = {"ckpt_to_load_from": prefix, "tensor_name_in_ckpt": "vectors"}
    columns = fc.shared_embedding_columns([ids], 2, **start) if shared else [fc.embedding_column(ids, 2, **start)]
    with tf.Graph().as_default(), tf.Session() as session:
        with tf.variable_scope("model", partitioner=partitioner):
            net = fc.input_layer({"id": [3, 1]}, columns)
        session.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(session.run(net), old[[3, 1]])
    wrong = fc.embedding_column(ids, 3, **start)
    with tf.Graph().as_default(), pytest.raises(ValueError, match=r"\[4, 3\].* doesn't match .*\[4, 2\]"):
        fc.input_layer({"id": [3]}, [wrong])
